//! Looking into an answer.

pub use crate::api::peek::*;
