//! A node: the engine on its store, joined to the network, and the commands that people give it.

mod client;

pub use client::{Ready, call, follow, run};
