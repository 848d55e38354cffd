//! Backups: one sealed file with the key, the settings and the store of a node's directory.
//!
//! A backup is made while a node runs or not, and holds the store as it is at one moment. What is restored from it is marked as such: at
//! its first start it takes fresh keys and goes on in fresh logs of the same person ([`super::local::open`]), since what it was made from
//! may still run, and others may hold more of the old logs than the backup does. So an old backup bricks nobody and forks nothing.
//!
//! Passphrases stay in the process that was given them; nothing here goes through a running node.

mod archive;
mod create;
mod restore;
mod workplace;

pub use crate::vault::Passphrase;
pub use create::{Content, create};
pub use restore::{PeerId, inspect, restore};
