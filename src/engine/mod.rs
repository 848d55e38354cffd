//! The engine: joins logs, sync and gossip into one state machine without IO.

pub mod store;
