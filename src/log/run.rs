//! A run: consecutive headers of one log up to a signature, in compact form.
//!
//! What the neighbours imply is left out: the group, the log, the seq, the previous id, and control heads and epoch
//! that did not change. The receiver rebuilds each full header, hashes along the chain, and checks one signature over
//! the last id. That one check authenticates the whole run and everything below it.

use super::header::{Header, HeaderError, MAX_BODY_BYTES, MAX_CONTROL_HEADS};
use super::keys::verify_entry;
use crate::model::action::Class;
use crate::model::id::{EntryId, EpochId, GroupId, LogId};
use crate::model::time::Hlc;
use crate::model::wire::{self, Reader, WireError};

/// Nodes keep the signature of every entry whose `seq + 1` is a multiple of this, besides the tip's.
pub const SIGN_EVERY: u64 = 64;
/// Most headers of one run: it never needs to go on past a kept signature.
pub const MAX_RUN: usize = SIGN_EVERY as usize;

const _: () = assert!(MAX_BODY_BYTES <= u16::MAX as u32, "a body's length is sent as 16 bits");

const HEADS: u8 = 1;
const EPOCH: u8 = 2;
const CONTROL: u8 = 4;
const GENESIS: u8 = 8;

/// Whether the signature at `seq` is kept for good.
#[must_use]
pub fn is_signature_point(seq: u64) -> bool {
    (seq + 1).is_multiple_of(SIGN_EVERY)
}

/// Consecutive headers of one log, in their wire form, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The log.
    pub log: LogId,
    /// The seq of the first header.
    pub start: u64,
    /// The id of the entry before the first header; zero exactly when `start` is 0.
    pub prev: EntryId,
    /// The log key's signature over the id of the last header.
    pub signature: [u8; 64],
    /// The headers, 1 to [`MAX_RUN`], each as [`compact`] makes it relative to the one before.
    pub headers: Vec<u8>,
    /// How many headers there are.
    pub count: u16,
}

/// A header and its id, authentic through a run's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentic {
    /// The entry id.
    pub id: EntryId,
    /// The header.
    pub header: Header,
}

/// Why a run is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The bytes do not follow the layout.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A rebuilt header breaks its bounds.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The signature does not match the last header.
    #[error("the run's signature does not match")]
    Signature,
}

/// Appends the compact form of `header` to `out`, relative to the header before it in the run (or on its own).
pub fn compact(out: &mut Vec<u8>, header: &Header, before: Option<&Header>) {
    let heads_before = before.map_or(&[][..], |b| &b.control_heads);
    let epoch_before = before.map_or(EpochId::ZERO, |b| b.epoch);
    let time_before = before.map_or(0, |b| b.time.to_bits());
    let mut flags = 0;
    flags |= if header.control_heads == heads_before { 0 } else { HEADS };
    flags |= if header.epoch == epoch_before { 0 } else { EPOCH };
    flags |= if header.class == Class::Control { CONTROL } else { 0 };
    flags |= if header.group == GroupId::ZERO { GENESIS } else { 0 };
    out.push(flags);
    wire::put_varint(out, wire::zigzag(header.time.to_bits().wrapping_sub(time_before) as i64));
    out.extend_from_slice(&u16::try_from(header.body_len).expect("bounded by MAX_BODY_BYTES").to_le_bytes());
    out.extend_from_slice(&header.body_hash);
    if flags & HEADS != 0 {
        out.push(u8::try_from(header.control_heads.len()).expect("bounded by MAX_CONTROL_HEADS"));
        header.control_heads.iter().for_each(|h| out.extend_from_slice(&h.0));
    }
    if flags & EPOCH != 0 {
        out.extend_from_slice(&header.epoch.0);
    }
}

/// Where a compact header stands: what its wire form leaves out.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The group.
    pub group: GroupId,
    /// The log.
    pub log: LogId,
    /// The position.
    pub seq: u64,
    /// The previous entry's id.
    pub prev: EntryId,
}

/// Rebuilds a header from its compact form.
///
/// # Errors
/// When bytes are missing, the form is not the one that [`compact`] makes, or a bound is broken.
pub fn expand(reader: &mut Reader<'_>, at: At, before: Option<&Header>) -> Result<Header, RunError> {
    let flags = reader.u8()?;
    if flags & !(HEADS | EPOCH | CONTROL | GENESIS) != 0 {
        return Err(WireError::Bounds("header flags").into());
    }
    let delta = wire::unzigzag(reader.varint()?);
    let time = Hlc::from_bits(before.map_or(0, |b| b.time.to_bits()).wrapping_add(delta as u64));
    let body_len = u32::from(reader.u16()?);
    let body_hash = reader.array()?;
    let heads_before = before.map_or(&[][..], |b| &b.control_heads);
    let control_heads = if flags & HEADS != 0 {
        let count = usize::from(reader.u8()?);
        if count > MAX_CONTROL_HEADS {
            return Err(WireError::Bounds("control_heads").into());
        }
        let heads = (0..count).map(|_| reader.array().map(EntryId)).collect::<Result<Vec<_>, _>>()?;
        if heads == heads_before {
            return Err(WireError::Bounds("control_heads").into());
        }
        heads
    } else {
        heads_before.to_vec()
    };
    let epoch_before = before.map_or(EpochId::ZERO, |b| b.epoch);
    let epoch = if flags & EPOCH != 0 { EpochId(reader.array()?) } else { epoch_before };
    if flags & EPOCH != 0 && epoch == epoch_before {
        return Err(WireError::Bounds("epoch").into());
    }
    let header = Header {
        group: if flags & GENESIS != 0 { GroupId::ZERO } else { at.group },
        log: at.log,
        seq: at.seq,
        prev: at.prev,
        class: if flags & CONTROL != 0 { Class::Control } else { Class::Content },
        control_heads,
        epoch,
        time,
        body_len,
        body_hash,
    };
    header.check()?;
    Ok(header)
}

impl Run {
    /// Makes the run of these consecutive headers.
    ///
    /// # Panics
    /// When there is no header or more than [`MAX_RUN`]: runs are made by our own code.
    #[must_use]
    pub fn new<'a>(headers: impl IntoIterator<Item = &'a Header>, signature: [u8; 64]) -> Self {
        let mut bytes = Vec::new();
        let mut before: Option<&Header> = None;
        let mut first: Option<&Header> = None;
        let mut count = 0;
        for header in headers {
            compact(&mut bytes, header, before);
            first.get_or_insert(header);
            before = Some(header);
            count += 1;
        }
        let first = first.expect("a run has a header");
        assert!(usize::from(count) <= MAX_RUN, "a run ends at a kept signature");
        Self { log: first.log, start: first.seq, prev: first.prev, signature, headers: bytes, count }
    }

    /// Whether it goes on past a kept signature: such a run would leave the place without one.
    #[must_use]
    pub fn crosses_signature_point(&self) -> bool {
        self.start / SIGN_EVERY != self.start.saturating_add(u64::from(self.count).saturating_sub(1)) / SIGN_EVERY
    }

    /// Appends the wire form: log, start, prev, signature, count, headers.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.start.to_le_bytes());
        out.extend_from_slice(&self.prev.0);
        out.extend_from_slice(&self.signature);
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.headers);
    }

    /// Reads the wire form; it fills the rest of `reader`. The headers are not looked at.
    ///
    /// # Errors
    /// When bytes are missing or the count is out of bounds.
    pub fn decode(mut reader: Reader<'_>) -> Result<Self, WireError> {
        let (log, start, prev, signature) =
            (LogId(reader.array()?), reader.u64()?, EntryId(reader.array()?), reader.array()?);
        let count = reader.u16()?;
        if count == 0 || usize::from(count) > MAX_RUN {
            return Err(WireError::Bounds("headers of a run"));
        }
        Ok(Self { log, start, prev, signature, count, headers: reader.rest().to_vec() })
    }

    /// Rebuilds the headers, hashes along the chain and checks the signature at its end.
    ///
    /// # Errors
    /// When the bytes do not follow the layout, a header breaks its bounds, or the signature does not match.
    pub fn verify(&self, group: GroupId) -> Result<Vec<Authentic>, RunError> {
        let mut reader = Reader::new(&self.headers);
        let mut out: Vec<Authentic> = Vec::with_capacity(usize::from(self.count));
        for offset in 0..u64::from(self.count) {
            let seq = self.start.checked_add(offset).ok_or(WireError::Bounds("seq"))?;
            let before = out.last();
            let prev = before.map_or(self.prev, |b| b.id);
            let header = expand(&mut reader, At { group, log: self.log, seq, prev }, before.map(|b| &b.header))?;
            out.push(Authentic { id: header.id(), header });
        }
        reader.finish()?;
        let last = out.last().ok_or(WireError::Bounds("headers of a run"))?;
        verify_entry(self.log, last.id, &self.signature).map_err(|_| RunError::Signature)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::LogKey;
    use super::*;
    use proptest::prelude::*;

    fn chain(times: &[u64], heads: &[u8], group: GroupId) -> (LogKey, Vec<Header>) {
        let key = LogKey::from_seed(&[5; 32]);
        let mut prev = EntryId::ZERO;
        let mut headers = vec![];
        for (seq, (&time, &head)) in times.iter().zip(heads).enumerate() {
            let header = Header {
                group,
                log: key.id(),
                seq: seq as u64,
                prev,
                class: if head % 3 == 0 { Class::Control } else { Class::Content },
                control_heads: (0..head % 4).map(|h| EntryId([h + 1; 32])).collect(),
                epoch: if head % 3 != 0 && head % 5 == 0 { EpochId([7; 32]) } else { EpochId::ZERO },
                time: Hlc::from_bits(time),
                body_len: u32::from(head) * 10,
                body_hash: [head; 32],
            };
            prev = header.id();
            headers.push(header);
        }
        (key, headers)
    }

    proptest! {
        #[test]
        fn a_run_rebuilds_the_very_headers_it_was_made_of(
            items in prop::collection::vec((any::<u64>(), any::<u8>()), 1..=MAX_RUN), start in 0usize..MAX_RUN,
        ) {
            let group = GroupId([3; 32]);
            let (times, heads): (Vec<_>, Vec<_>) = items.into_iter().unzip();
            let (key, headers) = chain(&times, &heads, group);
            let part = &headers[start.min(headers.len() - 1)..];
            let run = Run::new(part, key.sign_entry(part.last().unwrap().id()));
            let mut bytes = vec![];
            run.encode_into(&mut bytes);
            let read = Run::decode(Reader::new(&bytes)).unwrap();
            prop_assert_eq!(&read, &run);
            let authentic: Vec<_> = read.verify(group).unwrap().into_iter().map(|a| a.header).collect();
            prop_assert_eq!(&authentic[..], part);
            prop_assert!(read.verify(GroupId([4; 32])).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), start: u64) {
            let run = Run { log: LogId([1; 32]), start, prev: EntryId([1; 32]), signature: [0; 64], count: 5, headers: bytes };
            prop_assert!(run.verify(GroupId([3; 32])).is_err());
        }
    }

    #[test]
    fn one_changed_byte_anywhere_spoils_the_run() {
        let group = GroupId([3; 32]);
        let (key, headers) = chain(&[1, 2, 3], &[1, 1, 2], group);
        let run = Run::new(&headers, key.sign_entry(headers[2].id()));
        let mut bytes = vec![];
        run.encode_into(&mut bytes);
        for at in 0..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 1;
            let verdict = Run::decode(Reader::new(&spoiled)).map_err(RunError::from).and_then(|r| r.verify(group));
            assert!(verdict.is_err(), "byte {at} may be changed unnoticed");
        }
    }
}
