//! A gossip frame and its bytes: `XChaCha20-Poly1305(gossip key, topic as context, framed payload)`.

use super::presence::Presence;
use crate::log::entry::{EntryError, Signed, Verified};
use crate::log::header::HeaderError;
use crate::log::keys::GroupKeys;
use crate::log::seal;
use crate::model::id::TopicHash;

const ENTRY: u16 = 1;
const HEADS: u16 = 2;
const PRESENCE: u16 = 3;
/// Most bytes of a frame: the body limit plus header, signature and seal.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A new entry.
    Entry(Box<Signed>),
    /// What the sender holds.
    Heads {
        /// The fingerprint of everything that it holds.
        fingerprint: [u8; 32],
        /// How many entries that is.
        entries: u64,
    },
    /// Who is in a note; nothing of it is checked yet.
    Presence(Box<Presence>),
}

/// Why a frame is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It was not sealed by somebody who knows the group.
    #[error("the frame does not open with the group's key")]
    Seal,
    /// It opens, but what is inside is malformed.
    #[error("the frame's content is malformed: {0}")]
    Content(String),
    /// A kind of frame, or an entry, from a newer version: pass it on, do nothing.
    #[error("the frame is from a newer version")]
    Unknown,
}

impl From<EntryError> for FrameError {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::Header(HeaderError::Version(_)) => Self::Unknown,
            error => Self::Content(error.to_string()),
        }
    }
}

/// Seals an entry for the wire; `None` when it is too long for a frame and has to travel by sync.
#[must_use]
pub fn entry(keys: &GroupKeys, topic: TopicHash, entry: &Verified, nonce: [u8; 24]) -> Option<Vec<u8>> {
    sealed(keys, topic, ENTRY, &entry.encode(), nonce)
}

/// Seals a head announcement for the wire. A fresh nonce makes every announcement a message of its own.
#[must_use]
pub fn heads(keys: &GroupKeys, topic: TopicHash, fingerprint: [u8; 32], entries: u64, nonce: [u8; 24]) -> Vec<u8> {
    let payload = [&fingerprint[..], &entries.to_le_bytes()].concat();
    sealed(keys, topic, HEADS, &payload, nonce).expect("a summary is short")
}

/// Seals a presence for the wire.
#[must_use]
pub fn presence(keys: &GroupKeys, topic: TopicHash, presence: &Presence, nonce: [u8; 24]) -> Vec<u8> {
    sealed(keys, topic, PRESENCE, &presence.encode(), nonce).expect("a presence is short")
}

/// Opens a frame.
///
/// # Errors
/// When it is too long, not sealed under this group, of an unknown kind, or malformed inside.
pub fn open(keys: &GroupKeys, topic: TopicHash, bytes: &[u8]) -> Result<Frame, FrameError> {
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(FrameError::Content("longer than a frame may be".into()));
    }
    let framed = seal::open(&keys.gossip_key(), bytes, &topic.0).map_err(|e| match e {
        seal::OpenError::Key => FrameError::Seal,
        seal::OpenError::Frame(what) => FrameError::Content(what.into()),
    })?;
    match (framed.kind, framed.version) {
        (ENTRY, 1) => Ok(Frame::Entry(Box::new(Signed::decode(&framed.payload)?))),
        (HEADS, 1) => {
            let (fingerprint, entries) =
                framed.payload.split_first_chunk::<32>().ok_or_else(|| FrameError::Content("short".into()))?;
            let entries = entries.try_into().map_err(|_| FrameError::Content("length".into()))?;
            Ok(Frame::Heads { fingerprint: *fingerprint, entries: u64::from_le_bytes(entries) })
        }
        (PRESENCE, 1) => match Presence::decode(&framed.payload) {
            Some(presence) => Ok(Frame::Presence(Box::new(presence))),
            None => Err(FrameError::Content("length".into())),
        },
        _ => Err(FrameError::Unknown),
    }
}

fn sealed(keys: &GroupKeys, topic: TopicHash, kind: u16, payload: &[u8], nonce: [u8; 24]) -> Option<Vec<u8>> {
    seal::seal(&keys.gossip_key(), kind, 1, payload, &topic.0, nonce).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn heads_open_in_their_own_group_and_topic_only() {
        let (keys, other) = (GroupKeys::from_seed(&[1; 16]), GroupKeys::from_seed(&[2; 16]));
        let topic = keys.gossip_topic();
        let bytes = heads(&keys, topic, [7; 32], 9, [1; 24]);
        assert_eq!(open(&keys, topic, &bytes), Ok(Frame::Heads { fingerprint: [7; 32], entries: 9 }));
        assert_eq!(open(&other, topic, &bytes), Err(FrameError::Seal));
        assert_eq!(open(&keys, other.gossip_topic(), &bytes), Err(FrameError::Seal));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_open_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let keys = GroupKeys::from_seed(&[1; 16]);
            prop_assert!(open(&keys, keys.gossip_topic(), &bytes).is_err());
        }

        #[test]
        fn what_a_member_seals_badly_is_refused_without_panic(kind in 0u16..5, payload in prop::collection::vec(any::<u8>(), 0..500)) {
            let keys = GroupKeys::from_seed(&[1; 16]);
            let topic = keys.gossip_topic();
            let bytes = sealed(&keys, topic, kind, &payload, [0; 24]).unwrap();
            if let Ok(Frame::Entry(entry)) = open(&keys, topic, &bytes) {
                prop_assert!(entry.verify().is_err());
            }
        }
    }
}
