//! The simulator: many engines under virtual time, with everything that a network and its people may do to them.

pub mod store;
pub mod views;
