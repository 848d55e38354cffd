//! Who is in a note right now, and where: said to the group, kept by nobody.
//!
//! A presence is signed by the log key, so that nobody can speak for another, and its content is sealed under the key that the
//! group writes under now, so that only who may read sees it. Whoever passes it on checks the signature and needs no key. All have
//! the same length. Nothing of it is stored; the engine forgets it after seconds (`engine::presence`). Bytes: section 7 of
//! `docs/protocol.md`.

use crate::log::keys::{LogKey, verify_presence};
use crate::log::seal::{self, Key};
use crate::model::id::{EntryId, EpochId, GroupId, LogId, NoteId};
use crate::model::text::Anchor;

/// Bytes in front of the sealed content.
const HEAD_BYTES: usize = 32 + 32 + 8 + 64;
/// Bytes of a place: whether there is one, entry, offset.
const PLACE_BYTES: usize = 1 + 32 + 4;
/// Bytes of the content: note, what it says, two places.
const CONTENT_BYTES: usize = 32 + 1 + 2 * PLACE_BYTES;
/// Bytes of the sealed content: nonce, frame, content padded, tag.
const SEALED_BYTES: usize = seal::NONCE_BYTES + seal::padded_len(seal::FRAME_BYTES + CONTENT_BYTES) + seal::TAG_BYTES;
/// Bytes of a presence.
pub const PRESENCE_BYTES: usize = HEAD_BYTES + SEALED_BYTES;

const KIND: u16 = 1;
const HERE: u8 = 1;
const GONE: u8 = 0;

/// What somebody says of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The note that is open.
    pub note: NoteId,
    /// Where the selection begins and ends; `None`: it is not open any more. A place that is `None` is the beginning of the text.
    pub selection: Option<[Option<Anchor>; 2]>,
}

/// A presence as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Who says it.
    pub log: LogId,
    /// The epoch whose key the content is sealed under; zero: the key of an open group.
    pub epoch: EpochId,
    /// Greater than in everything that this log said before: Unix milliseconds of its clock, or one more than the last.
    pub stamp: u64,
    signature: [u8; 64],
    sealed: Vec<u8>,
}

impl Presence {
    /// Seals and signs.
    #[must_use]
    pub fn new(
        group: GroupId,
        me: &LogKey,
        (epoch, key): (EpochId, &Key),
        stamp: u64,
        content: &Content,
        nonce: [u8; seal::NONCE_BYTES],
    ) -> Self {
        let context = context(group, me.id(), epoch, stamp);
        let sealed = seal::seal(key, KIND, 1, &content.encode(), &context, nonce).expect("a presence is short");
        let signature = me.sign_presence(&digest(&context, &sealed));
        Self { log: me.id(), epoch, stamp, signature, sealed }
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.log.0[..], &self.epoch.0, &self.stamp.to_le_bytes(), &self.signature, &self.sealed].concat()
    }

    /// Reads bytes: of exactly the one length; nothing is checked yet.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != PRESENCE_BYTES {
            return None;
        }
        let (log, rest) = bytes.split_first_chunk::<32>()?;
        let (epoch, rest) = rest.split_first_chunk::<32>()?;
        let (stamp, rest) = rest.split_first_chunk::<8>()?;
        let (signature, sealed) = rest.split_first_chunk::<64>()?;
        Some(Self {
            log: LogId(*log),
            epoch: EpochId(*epoch),
            stamp: u64::from_le_bytes(*stamp),
            signature: *signature,
            sealed: sealed.to_vec(),
        })
    }

    /// Whether the log said it, in this group.
    #[must_use]
    pub fn is_signed(&self, group: GroupId) -> bool {
        let context = context(group, self.log, self.epoch, self.stamp);
        verify_presence(self.log, &digest(&context, &self.sealed), &self.signature).is_ok()
    }

    /// Opens the content; `None` when the key is another one or what is inside is malformed.
    #[must_use]
    pub fn open(&self, group: GroupId, key: &Key) -> Option<Content> {
        let framed = seal::open(key, &self.sealed, &context(group, self.log, self.epoch, self.stamp)).ok()?;
        ((framed.kind, framed.version) == (KIND, 1)).then(|| Content::decode(&framed.payload))?
    }
}

impl Content {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.note.0.to_vec();
        bytes.push(if self.selection.is_some() { HERE } else { GONE });
        for place in self.selection.unwrap_or_default() {
            bytes.push(u8::from(place.is_some()));
            let Anchor { entry, offset } = place.unwrap_or(Anchor { entry: EntryId::ZERO, offset: 0 });
            bytes.extend_from_slice(&entry.0);
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; CONTENT_BYTES] = bytes.try_into().ok()?;
        let (note, rest) = bytes.split_first_chunk::<32>()?;
        let (says, rest) = rest.split_first()?;
        let (first, second) = rest.split_first_chunk::<PLACE_BYTES>()?;
        let selection = match *says {
            GONE => None,
            HERE => Some([place(first)?, place(second.try_into().ok()?)?]),
            _ => return None,
        };
        Some(Self { note: NoteId(*note), selection })
    }
}

fn place(bytes: &[u8; PLACE_BYTES]) -> Option<Option<Anchor>> {
    let (entry, offset) = bytes[1..].split_first_chunk::<32>()?;
    let offset = u32::from_le_bytes(offset.try_into().ok()?);
    match bytes[0] {
        0 => Some(None),
        1 => Some(Some(Anchor { entry: EntryId(*entry), offset })),
        _ => None,
    }
}

fn context(group: GroupId, log: LogId, epoch: EpochId, stamp: u64) -> Vec<u8> {
    [b"studymesh/1 presence ", &group.0[..], &log.0, &epoch.0, &stamp.to_le_bytes()].concat()
}

fn digest(context: &[u8], sealed: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(context).update(sealed).finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GROUP: GroupId = GroupId([1; 32]);

    fn made(selection: Option<[Option<Anchor>; 2]>) -> (Presence, Key, Content) {
        let key = Key::new([3; 32]);
        let content = Content { note: NoteId([9; 32]), selection };
        let me = LogKey::from_seed(&[2; 32]);
        (Presence::new(GROUP, &me, (EpochId([4; 32]), &key), 77, &content, [5; 24]), key, content)
    }

    #[test]
    fn what_is_said_arrives_whole_with_one_length_and_the_bytes_of_the_protocol_page() {
        let at = |n| Some(Anchor { entry: EntryId([n; 32]), offset: 258 });
        for selection in [None, Some([None, None]), Some([at(6), at(7)]), Some([None, at(8)])] {
            let (presence, key, content) = made(selection);
            let bytes = presence.encode();
            assert_eq!(bytes.len(), PRESENCE_BYTES);
            let read = Presence::decode(&bytes).unwrap();
            assert!(read.is_signed(GROUP));
            assert_eq!(read.open(GROUP, &key), Some(content));
        }
        let mut plain = [9; 32].to_vec();
        plain.extend([1, 0]);
        plain.extend([0; 36]);
        plain.push(1);
        plain.extend([6; 32]);
        plain.extend([2, 1, 0, 0]);
        assert_eq!(Content { note: NoteId([9; 32]), selection: Some([None, at(6)]) }.encode(), plain);
    }

    #[test]
    fn nobody_speaks_for_another_nor_elsewhere_and_a_changed_byte_is_noticed() {
        let (presence, key, _) = made(Some([None, None]));
        assert!(!presence.is_signed(GroupId([2; 32])));
        assert_eq!(presence.open(GROUP, &Key::new([8; 32])), None);
        let bytes = presence.encode();
        for at in 0..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 1;
            let read = Presence::decode(&spoiled).unwrap();
            assert!(!read.is_signed(GROUP), "byte {at} may be changed unnoticed");
        }
        assert!(Presence::decode(&bytes[1..]).is_none() && presence.open(GROUP, &key).is_some());
    }

    /// Somebody who left was believed at any length.
    #[test]
    fn a_content_of_another_length_is_none() {
        for length in [CONTENT_BYTES - 1, CONTENT_BYTES + 1] {
            assert_eq!(Content::decode(&vec![0; length]), None);
        }
        assert!(Content::decode(&[0; CONTENT_BYTES]).is_some_and(|gone| gone.selection.is_none()));
    }

    proptest! {
        #[test]
        fn what_a_member_seals_badly_is_refused_without_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let read = Content::decode(&payload);
            prop_assert!(read.is_none() || payload.len() == CONTENT_BYTES);
        }
    }
}
