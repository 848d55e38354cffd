//! Sync: how two replicas of a group find their difference and bring it over, as state machines without IO.
//!
//! A node **pulls**: it opens a stream, both sides prove that they know the group, and one fingerprint each says
//! whether they agree (one round trip). If not, the puller asks for ranges of logs, is answered with fingerprints of
//! smaller ranges or with leaves (a log and its tips), and then wants what it lacks: per log, headers up to the next
//! signature, then bodies. The other side only answers. When the puller is done it says what it now holds, so that
//! the other side can pull in turn. The bytes are in `docs/protocol.md`.

pub mod bundle;
pub mod handshake;
pub mod index;
pub mod message;
pub mod pull;
