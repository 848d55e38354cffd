//! Real networks: nodes behind routers, in network namespaces, with NAT by nftables (`docs/nat.md` has the rules and results).
//!
//! ```text
//! STUDYMESH_NETNS=1    cargo test --release --test netns -- --test-threads=1 --nocapture   # what CI runs
//! STUDYMESH_NETNS=full cargo test --release --test netns -- --test-threads=1 --nocapture   # everything
//! ```
//!
//! It needs root, `ip` and `nft`. Nothing leaves the namespaces: no interface of the machine is touched.

mod cell;
mod classroom;
mod clock;
mod gate;
mod lab;
mod maker;
mod matrix;
mod meeting;
mod nat;
mod node;
mod relay_lost;
mod report;
mod roaming;
mod wait;
