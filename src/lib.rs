//! studymesh: a serverless peer-to-peer study-group network.
#![forbid(unsafe_code)]

#[cfg(feature = "node")]
pub mod api;
#[cfg(feature = "node")]
pub mod cli;
#[cfg(feature = "node")]
pub mod config;
pub mod device;
pub mod engine;
pub mod gossip;
pub mod log;
pub mod membership;
pub mod model;
#[cfg(feature = "node")]
pub mod net;
#[cfg(feature = "node")]
pub mod node;
#[cfg(feature = "node")]
pub mod roadmap_file;
pub mod sim;
#[cfg(feature = "node")]
pub mod store;
pub mod sync;
#[cfg(feature = "node")]
pub mod vault;
#[cfg(feature = "node")]
pub mod web;
