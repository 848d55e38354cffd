//! The log: append-only, hash-chained, signed entries with encrypted bodies.
//!
//! Each log key writes one log. A [`header::Header`] names the previous header, so an entry's id commits to the whole
//! prefix, and **one signature authenticates everything below it**. Bodies are encrypted and travel apart from the
//! headers: who can not read a body still checks, stores and serves it. The byte layout is in `docs/protocol.md`.
//!
//! ```
//! use studymesh::log::{keys::{GroupKeys, LogKey}, entry};
//! use studymesh::model::{action::{Action, Profile}, id::{EntryId, EpochId, GroupId}, time::Hlc};
//!
//! let keys = GroupKeys::from_seed(&[7; 16]);
//! let log = LogKey::from_seed(&[1; 32]);
//! let action = Action::Profile(Profile { name: "Ada".into(), supersedes: vec![] });
//! let place = entry::Place { group: GroupId([9; 32]), seq: 0, prev: EntryId::ZERO, control_heads: vec![] };
//! let signed = entry::write(&log, &keys, place, Hlc::new(1, 0), &action, [3; 24]).unwrap();
//!
//! // Somebody else: parse, verify, open.
//! let parsed = entry::Signed::decode(&signed.encode()).unwrap();
//! let verified = parsed.verify().unwrap();
//! assert_eq!(keys.open(&verified.header, &verified.body).unwrap(), action);
//! ```

pub mod entry;
pub mod envelope;
pub mod header;
pub mod keys;
pub mod person;
pub mod run;
pub mod seal;
pub mod stream;
