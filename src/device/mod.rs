//! Linking the devices of one person: the exchange between an old device, which shows a [`Code`], and a new one, on which it is typed.
//!
//! `docs/protocol.md`, section 13, has the bytes. There are two ways to a [`Channel`] that only two devices of one person share:
//!
//! - [`pake`]: the first time. Both know the code; SPAKE2 turns it into a key, and whoever guesses has one guess.
//! - [`kin`]: later, by itself. Both hold the secret that linking left behind, and each proves a log of the same person in a group that
//!   both are in.
//!
//! On the channel one device hands its groups over ([`handover`]): the new one draws a log key for each group, the old one signs
//! each of these logs as the continuation of its person. Nothing secret is said before both sides have confirmed the key.
//!
//! All of it is without IO: bytes in, bytes out, randomness as an argument.
//!
//! ```
//! use studymesh::device::{Code, pake};
//! use studymesh::model::id::Peer;
//!
//! let code: Code = "4821-7093-5518".parse().unwrap_or_else(|_| Code::draw([1; 16]));
//! let ends = pake::Ends { new: Peer::new(b"new").unwrap(), old: Peer::new(b"old").unwrap() };
//! let (new, knock) = pake::New::knock(code.clone(), ends.clone(), [2; 32]);
//! let (old, here) = pake::Old::answer(&code, ends, [[3; 32], [4; 32]], &knock).unwrap();
//! let (new, prove) = new.prove([5; 32], &here).unwrap();
//! let (mut old, proven) = old.check(&prove).unwrap();
//! let mut new = new.finish(&proven).unwrap();
//! assert_eq!(new.open(&old.seal(b"hello")).unwrap(), b"hello");
//! ```

mod channel;
mod code;
pub mod handover;
pub mod kin;
pub mod message;
pub mod pake;
pub mod parcel;

pub use channel::Channel;
pub use code::{BadCode, Code, SLOT_MS};

/// The other side did not keep to the exchange: wrong bytes, a wrong key, or a message out of its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other device did not prove what it must, or broke the exchange")]
pub struct Failed;
