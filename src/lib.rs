//! studymesh: a serverless peer-to-peer study-group network.
#![forbid(unsafe_code)]

pub mod engine;
pub mod gossip;
pub mod log;
pub mod model;
#[cfg(feature = "node")]
pub mod net;
#[cfg(feature = "node")]
pub mod roadmap_file;
pub mod sync;
