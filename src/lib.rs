//! studymesh: a serverless peer-to-peer study-group network.
#![forbid(unsafe_code)]

pub mod engine;
pub mod gossip;
pub mod log;
pub mod model;
#[cfg(feature = "node")]
pub mod roadmap_file;
#[cfg(feature = "node")]
pub mod store;
pub mod sync;
