//! The local web page and its API: what learners look at every day.
//!
//! The node serves it itself, on loopback, under `studymesh up`. Pages are HTML made here ([`pages`]); the API under `/api/v1` is
//! the commands of [`crate::api`] by another way ([`api`]). Both speak to [`crate::node::Handle`] and to nothing else.
//!
//! Who is let in: a browser that followed the address which `studymesh web` prints (it carries a token for one use, exchanged for
//! a cookie), and a program that has the secret in `web.token`. A page of another site in the same browser is not: see [`guard`].
//! What peers wrote is text, never markup: templates escape, and [`markdown`] makes the only HTML that comes from notes.
//!
//! `docs/web.md` says how a page is added.

mod api;
mod assets;
mod form;
mod guard;
mod lang;
mod layout;
mod markdown;
mod pages;
mod picture;
mod problem;
mod server;
mod state;
mod token;
mod when;
mod zone;

pub use server::{Server, login};
