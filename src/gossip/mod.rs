//! Gossip: sealed frames, and when to send them.
//!
//! What is new travels as an entry; what everybody holds travels as a fingerprint, with [`trickle`]'s timing. A frame
//! is sealed under the discovery secret, so that the DHT's and the mesh's strangers see random bytes of a padded size.

pub mod burst;
pub mod frame;
pub mod presence;
pub mod trickle;
