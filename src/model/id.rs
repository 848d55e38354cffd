//! Identifiers: fixed-size opaque byte strings, written as lower-case hex everywhere a person sees them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is {expected} lower-case hex digits; this has {found} characters or other digits")]
pub struct ParseIdError {
    expected: usize,
    found: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, bincode::Encode, bincode::Decode)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// All zero bytes: "none" where the wire has a fixed slot (the genesis entry's group, the first entry's
            /// previous id, the seed-derived epoch).
            pub const ZERO: Self = Self([0; 32]);

            /// The raw 32 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The first eight hex digits, for people and logs; never parsed back.
            #[must_use]
            pub fn short(&self) -> String {
                let mut s = self.to_string();
                s.truncate(8);
                s
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(s: &str) -> Result<Self, ParseIdError> {
                let error = || ParseIdError { expected: 64, found: s.chars().count() };
                let bytes = data_encoding::HEXLOWER.decode(s.as_bytes()).map_err(|_| error())?;
                bytes.try_into().map(Self).map_err(|_| error())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A study group: the BLAKE3 hash of its signed genesis entry.
    GroupId
);
id!(
    /// A log: the Ed25519 verifying key that signs its entries. Random per (group, installation).
    LogId
);
id!(
    /// A signed log entry: the BLAKE3 hash of its header bytes.
    EntryId
);
id!(
    /// A person in one group: the id of the first log that the person wrote there.
    PersonId
);
id!(
    /// A note: the id of the entry that created it.
    NoteId
);
id!(
    /// A link: the BLAKE3 hash of its canonical URL.
    LinkId
);
id!(
    /// A key epoch: the BLAKE3 commitment to its key. [`EpochId::ZERO`] is the epoch derived from the group's seed.
    EpochId
);
id!(
    /// An invite: the Ed25519 public key whose secret its ticket carries.
    InviteId
);
id!(
    /// The opaque name of a group on the network: its gossip topic or its DHT key, derived from the discovery secret.
    TopicHash
);

impl From<EntryId> for NoteId {
    fn from(id: EntryId) -> Self {
        Self(id.0)
    }
}

impl From<LogId> for PersonId {
    fn from(id: LogId) -> Self {
        Self(id.0)
    }
}

/// A libp2p peer, as the bytes of its multihash: at most [`Peer::MAX`] bytes.
///
/// The pure core never interprets it; only the network layer turns it into a libp2p `PeerId`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(Vec<u8>);

impl Peer {
    /// Bytes of the longest peer id that libp2p makes (a SHA-256 multihash or an inlined Ed25519 key), with room.
    pub const MAX: usize = 64;

    /// A peer from multihash bytes; `None` when empty or longer than [`Peer::MAX`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty() && bytes.len() <= Self::MAX).then(|| Self(bytes.to_vec()))
    }

    /// The multihash bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = data_encoding::HEXLOWER.encode(&self.0);
        write!(f, "Peer({})", &hex[hex.len().saturating_sub(8)..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_own_text_and_from_nothing_else() {
        let id = EntryId([0xab; 32]);
        assert_eq!(id.to_string().parse::<EntryId>().unwrap(), id);
        assert!("ab".parse::<EntryId>().is_err());
        assert!("AB".repeat(32).parse::<EntryId>().is_err());
        assert!("é".repeat(64).parse::<EntryId>().is_err());
    }
}
