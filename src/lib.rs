//! studymesh: a serverless peer-to-peer study-group network.
#![forbid(unsafe_code)]

pub mod model;
#[cfg(feature = "node")]
pub mod roadmap_file;
