//! An entry that travels alone: header, signature, body. Unverified and verified are different types.

use super::header::{self, Header, HeaderError, MAX_BODY_BYTES, MAX_HEADER_BYTES};
use super::keys::{GroupKeys, LogKey, verify_entry};
use super::seal::{NONCE_BYTES, TooLong, seal};
use crate::model::action::{Action, Class};
use crate::model::id::{EntryId, EpochId, GroupId};
use crate::model::time::Hlc;

/// Most bytes of an entry in its wire form.
pub const MAX_ENTRY_BYTES: usize = 2 + MAX_HEADER_BYTES + 64 + MAX_BODY_BYTES as usize;

/// Where a new entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The group, or [`GroupId::ZERO`] for the genesis entry.
    pub group: GroupId,
    /// The position: one more than the last entry of the log.
    pub seq: u64,
    /// The id of the last entry of the log, or [`EntryId::ZERO`].
    pub prev: EntryId,
    /// The maximal control entries that the author knows: ascending, at most [`header::MAX_CONTROL_HEADS`].
    pub control_heads: Vec<EntryId>,
}

/// A parsed entry that nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The header as parsed.
    pub header: Header,
    /// The header's exact bytes: what is hashed.
    pub header_bytes: Vec<u8>,
    /// The log key's signature over the entry id.
    pub signature: [u8; 64],
    /// The sealed body.
    pub body: Vec<u8>,
}

/// An entry whose signature and body hash match its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The entry id.
    pub id: EntryId,
    /// The header.
    pub header: Header,
    /// The header's exact bytes.
    pub header_bytes: Vec<u8>,
    /// The log key's signature over the entry id.
    pub signature: [u8; 64],
    /// The sealed body.
    pub body: Vec<u8>,
}

/// Why an entry from somebody else is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The bytes end too early.
    #[error("the entry is truncated")]
    Truncated,
    /// The header breaks its layout or bounds.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The body does not have the length or hash that the header commits to.
    #[error("the body is not the one that the header commits to")]
    Body,
    /// The signature is not the log key's.
    #[error("the signature does not match the log key")]
    Signature,
}

/// Writes an entry: seals the action, commits to it in the header, signs the id.
///
/// # Errors
/// When the action is too long for one entry.
///
/// # Panics
/// If `place` breaks the bounds of a header; places are made by our own code.
pub fn write(
    log: &LogKey,
    keys: &GroupKeys,
    place: Place,
    time: Hlc,
    action: &Action,
    nonce: [u8; NONCE_BYTES],
) -> Result<Verified, TooLong> {
    write_under(log, keys, EpochId::ZERO, place, time, action, nonce)
}

/// The same under the key of an epoch, which must be held. Control entries know no epochs.
///
/// # Errors
/// As [`write`].
///
/// # Panics
/// As [`write`], and when the epoch's key is not held.
pub fn write_under(
    log: &LogKey,
    keys: &GroupKeys,
    epoch: EpochId,
    place: Place,
    time: Hlc,
    action: &Action,
    nonce: [u8; NONCE_BYTES],
) -> Result<Verified, TooLong> {
    let class = action.class();
    let mut header = Header {
        group: place.group,
        log: log.id(),
        seq: place.seq,
        prev: place.prev,
        class,
        control_heads: place.control_heads,
        epoch: if class == Class::Content { epoch } else { EpochId::ZERO },
        time,
        body_len: 0,
        body_hash: [0; 32],
    };
    let key = keys.body_key(class, header.epoch).expect("the caller holds the epoch's key");
    let (kind, version) = action.kind();
    let body = seal(key, kind, version, &action.encode(), &header.associated_data(), nonce)?;
    header.body_len = u32::try_from(body.len()).expect("bounded by MAX_BODY_BYTES");
    header.body_hash = *blake3::hash(&body).as_bytes();
    header.check().expect("our own places are within bounds");
    let header_bytes = header.encode();
    let id = header::id_of(&header_bytes);
    Ok(Verified { id, signature: log.sign_entry(id), header, header_bytes, body })
}

/// The group id that a genesis header founds. The header commits to the founder's log key, and the log's signatures
/// authenticate it like every other entry.
#[must_use]
pub fn group_id(genesis_header: &[u8]) -> GroupId {
    GroupId(blake3::derive_key("studymesh 2026 v1 group id", genesis_header))
}

impl Signed {
    /// Reads `header length (u16) | header | signature | body`.
    ///
    /// # Errors
    /// When the bytes are truncated, or the header is malformed. The body is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let (len, rest) = bytes.split_first_chunk::<2>().ok_or(EntryError::Truncated)?;
        let len = usize::from(u16::from_le_bytes(*len));
        if rest.len() < len + 64 {
            return Err(EntryError::Truncated);
        }
        let (header_bytes, rest) = rest.split_at(len);
        let (signature, body) = rest.split_first_chunk::<64>().ok_or(EntryError::Truncated)?;
        let header = Header::decode(header_bytes)?;
        Ok(Self { header, header_bytes: header_bytes.to_vec(), signature: *signature, body: body.to_vec() })
    }

    /// Checks the body against the header, then the signature against the id.
    ///
    /// # Errors
    /// When either does not match.
    pub fn verify(self) -> Result<Verified, EntryError> {
        check_body(&self.header, &self.body)?;
        let id = header::id_of(&self.header_bytes);
        verify_entry(self.header.log, id, &self.signature).map_err(|_| EntryError::Signature)?;
        let Self { header, header_bytes, signature, body } = self;
        Ok(Verified { id, header, header_bytes, signature, body })
    }
}

impl Verified {
    /// The wire form that [`Signed::decode`] reads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = u16::try_from(self.header_bytes.len()).expect("a header is below 1 KiB");
        [&len.to_le_bytes()[..], &self.header_bytes, &self.signature, &self.body].concat()
    }
}

/// Checks that a body is the one that the header commits to.
///
/// # Errors
/// When length or hash differ.
pub fn check_body(header: &Header, body: &[u8]) -> Result<(), EntryError> {
    let same_len = usize::try_from(header.body_len).is_ok_and(|len| len == body.len());
    if !same_len || *blake3::hash(body).as_bytes() != header.body_hash {
        return Err(EntryError::Body);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Profile;
    use proptest::prelude::*;

    fn sample() -> (GroupKeys, Verified) {
        let keys = GroupKeys::from_seed(&[7; 16]);
        let action = Action::Profile(Profile { name: "小明".into(), supersedes: vec![] });
        let place = Place { group: GroupId([9; 32]), seq: 0, prev: EntryId::ZERO, control_heads: vec![] };
        let entry = write(&LogKey::from_seed(&[1; 32]), &keys, place, Hlc::new(5, 0), &action, [3; 24]).unwrap();
        (keys, entry)
    }

    #[test]
    fn an_entry_survives_the_wire() {
        let (keys, entry) = sample();
        let read = Signed::decode(&entry.encode()).unwrap().verify().unwrap();
        assert_eq!(read, entry);
        assert!(matches!(keys.open(&read.header, &read.body).unwrap(), Action::Profile(p) if p.name == "小明"));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let (_, entry) = sample();
        let bytes = entry.encode();
        for at in 0..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 0x10;
            assert!(Signed::decode(&spoiled).and_then(Signed::verify).is_err(), "byte {at} may be changed unnoticed");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = Signed::decode(&bytes).and_then(Signed::verify);
        }
    }
}
