//! The web page in a real browser: two nodes, two browsers.
//!
//! `STUDYMESH_BROWSER=1 cargo test --test browser` runs them, with Debian's `chromium` and `chromium-driver`. `STUDYMESH_PICTURES=DIR`
//! writes pictures of the main pages. axe-core comes through `npm`, when it is there. Whatever is skipped is said on stderr.

mod coedit;
mod driver;
#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod harness;
mod pages;
mod study;
mod world;
