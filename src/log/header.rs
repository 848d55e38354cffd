//! The header of an entry: everything that is hashed and signed, in one fixed layout.

use crate::model::action::Class;
use crate::model::id::{EntryId, EpochId, GroupId, LogId};
use crate::model::time::Hlc;

/// The wire version that this build writes and reads.
pub const VERSION: u8 = 1;
/// Most control heads that one header names.
pub const MAX_CONTROL_HEADS: usize = 16;
/// Bytes of a header that names no control heads.
pub const MIN_HEADER_BYTES: usize = 1 + 32 + 32 + 8 + 32 + 1 + 1 + 32 + 8 + 4 + 32;
/// Bytes of the longest header.
pub const MAX_HEADER_BYTES: usize = MIN_HEADER_BYTES + 32 * MAX_CONTROL_HEADS;
/// Most bytes of a body as sent and stored: nonce, ciphertext and tag.
pub const MAX_BODY_BYTES: u32 = 48 * 1024;
/// Highest seq that a log can reach. It leaves room to pack a chain number beside it.
pub const MAX_SEQ: u64 = (1 << 32) - 2;

/// The header of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The group; [`GroupId::ZERO`] in the genesis entry only, whose hash the group id is.
    pub group: GroupId,
    /// The key that signs, and so the log that the entry belongs to.
    pub log: LogId,
    /// The position in the log, from 0, at most [`MAX_SEQ`].
    pub seq: u64,
    /// The id of the entry at `seq - 1`; [`EntryId::ZERO`] exactly when `seq` is 0.
    pub prev: EntryId,
    /// Which key the body is sealed under.
    pub class: Class,
    /// The ids of the maximal control entries that the author knew: strictly ascending, at most
    /// [`MAX_CONTROL_HEADS`].
    pub control_heads: Vec<EntryId>,
    /// The key epoch of a content entry; [`EpochId::ZERO`] for the seed-derived epoch and for control entries.
    pub epoch: EpochId,
    /// When the author says that it was written. It gates nothing.
    pub time: Hlc,
    /// Bytes of the body as sent and stored, at most [`MAX_BODY_BYTES`].
    pub body_len: u32,
    /// BLAKE3 of the body as sent and stored.
    pub body_hash: [u8; 32],
}

/// Why bytes are not a header of version 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Fewer or more bytes than the layout asks for.
    #[error("a header of {expected} bytes was expected, {found} came")]
    Length {
        /// What the layout asks for.
        expected: usize,
        /// What was there.
        found: usize,
    },
    /// Another wire version.
    #[error("wire version {0} is not known here; a newer studymesh may read it")]
    Version(u8),
    /// A field is outside its bound or not in canonical form.
    #[error("header field {0} is out of bounds")]
    Field(&'static str),
}

impl Header {
    /// The exact bytes that are hashed: the only encoding of this header.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.associated_data();
        out.extend_from_slice(&self.body_len.to_le_bytes());
        out.extend_from_slice(&self.body_hash);
        out
    }

    /// The header without body length and hash: what the body's encryption is bound to.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MIN_HEADER_BYTES + 32 * self.control_heads.len());
        out.push(VERSION);
        out.extend_from_slice(&self.group.0);
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.prev.0);
        out.push(self.class as u8);
        out.push(u8::try_from(self.control_heads.len()).expect("at most MAX_CONTROL_HEADS"));
        for head in &self.control_heads {
            out.extend_from_slice(&head.0);
        }
        out.extend_from_slice(&self.epoch.0);
        out.extend_from_slice(&self.time.to_bits().to_le_bytes());
        out
    }

    /// Reads a header that fills `bytes` exactly.
    ///
    /// # Errors
    /// When a byte is missing or over, the version is another one, or a field breaks its bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let length = |expected| HeaderError::Length { expected, found: bytes.len() };
        if bytes.is_empty() {
            return Err(length(MIN_HEADER_BYTES));
        }
        if bytes[0] != VERSION {
            return Err(HeaderError::Version(bytes[0]));
        }
        if bytes.len() < MIN_HEADER_BYTES {
            return Err(length(MIN_HEADER_BYTES));
        }
        let heads = usize::from(bytes[106]);
        if heads > MAX_CONTROL_HEADS {
            return Err(HeaderError::Field("control_heads"));
        }
        if bytes.len() != MIN_HEADER_BYTES + 32 * heads {
            return Err(length(MIN_HEADER_BYTES + 32 * heads));
        }
        let mut at = Cursor { bytes, at: 1 };
        let header = Self {
            group: GroupId(at.array()),
            log: LogId(at.array()),
            seq: u64::from_le_bytes(at.array()),
            prev: EntryId(at.array()),
            class: match at.array::<1>()[0] {
                0 => Class::Control,
                1 => Class::Content,
                _ => return Err(HeaderError::Field("class")),
            },
            control_heads: {
                at.at += 1;
                (0..heads).map(|_| EntryId(at.array())).collect()
            },
            epoch: EpochId(at.array()),
            time: Hlc::from_bits(u64::from_le_bytes(at.array())),
            body_len: u32::from_le_bytes(at.array()),
            body_hash: at.array(),
        };
        header.check()?;
        Ok(header)
    }

    /// The bounds that every header keeps.
    ///
    /// # Errors
    /// The first field that breaks its bound.
    pub fn check(&self) -> Result<(), HeaderError> {
        if self.seq > MAX_SEQ {
            return Err(HeaderError::Field("seq"));
        }
        if (self.seq == 0) != (self.prev == EntryId::ZERO) {
            return Err(HeaderError::Field("prev"));
        }
        if self.group == GroupId::ZERO && !(self.seq == 0 && self.class == Class::Control) {
            return Err(HeaderError::Field("group"));
        }
        let heads = &self.control_heads;
        if heads.len() > MAX_CONTROL_HEADS || heads.windows(2).any(|w| w[0] >= w[1]) {
            return Err(HeaderError::Field("control_heads"));
        }
        if self.class == Class::Control && self.epoch != EpochId::ZERO {
            return Err(HeaderError::Field("epoch"));
        }
        if self.body_len > MAX_BODY_BYTES {
            return Err(HeaderError::Field("body_len"));
        }
        Ok(())
    }

    /// The entry's id: the hash of [`Header::encode`].
    #[must_use]
    pub fn id(&self) -> EntryId {
        id_of(&self.encode())
    }
}

/// The id of the entry whose header has these bytes.
#[must_use]
pub fn id_of(header: &[u8]) -> EntryId {
    EntryId(*blake3::hash(header).as_bytes())
}

/// Walks over bytes whose length was checked before.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let array = self.bytes[self.at..self.at + N].try_into().expect("the slice has N bytes");
        self.at += N;
        array
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        pub(crate) fn any_header()(
            group in any::<[u8; 32]>(), log in any::<[u8; 32]>(), seq in 1..MAX_SEQ, prev in any::<[u8; 32]>(),
            control in any::<bool>(), heads in prop::collection::btree_set(any::<[u8; 32]>(), 0..=MAX_CONTROL_HEADS),
            epoch in any::<[u8; 32]>(), time in any::<u64>(), body_len in 0..=MAX_BODY_BYTES, body_hash in any::<[u8; 32]>(),
        ) -> Header {
            Header {
                group: GroupId(group), log: LogId(log), seq, prev: EntryId(prev),
                class: if control { Class::Control } else { Class::Content },
                control_heads: heads.into_iter().map(EntryId).collect(),
                epoch: if control { EpochId::ZERO } else { EpochId(epoch) },
                time: Hlc::from_bits(time), body_len, body_hash,
            }
        }
    }

    proptest! {
        #[test]
        fn a_header_reads_back_from_its_bytes(header in any_header()) {
            prop_assume!(header.check().is_ok());
            prop_assert_eq!(Header::decode(&header.encode()).unwrap(), header);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_never_have_two_encodings(bytes in prop::collection::vec(any::<u8>(), 0..MAX_HEADER_BYTES + 40)) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() { *first = VERSION; }
            if let Ok(header) = Header::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }
}
