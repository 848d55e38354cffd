//! A bundle: entries of one group as a file, to be carried by hand to somebody whom no network reaches.
//!
//! Inside stand the messages of a sync stream, runs and bodies, so that the importer verifies one signature per run and
//! takes entries in as from a peer: that it came by hand makes nothing more believable. A *have file* is the same
//! file with the positions of logs that somebody holds instead of entries, so that the other side can leave those out.
//!
//! All of it is sealed in chunks under the group's discovery secret. In clear stand what kind of file this is and a tag
//! that only somebody with the secret can tell from random bytes. The layout is in `docs/protocol.md`.
//!
//! Call order: [`Writer::new`], then its `push_` calls in order, [`Writer::take`] whenever bytes are to be written,
//! [`Writer::finish`] at the end. [`Head::decode`] and [`Head::is_for`] find the group; then [`Reader::feed`] one chunk
//! after the other, and after each drain [`Reader::poll`]; at the end of the file [`Reader::end`].
//!
//! ```
//! use studymesh::log::keys::GroupKeys;
//! use studymesh::model::id::GroupId;
//! use studymesh::sync::bundle::{Begin, HEAD_BYTES, Head, Item, Kind, Reader, Writer};
//!
//! let (keys, group) = (GroupKeys::from_seed(&[1; 16]), GroupId([2; 32]));
//! let file = Writer::new(&keys, Kind::Bundle, Begin { group, entries: 0 }, [3; 32]).finish();
//!
//! let (head, sealed) = file.split_first_chunk::<HEAD_BYTES>().unwrap();
//! let head = Head::decode(head).unwrap();
//! assert!(head.is_for(&keys) && !head.is_for(&GroupKeys::from_seed(&[9; 16])));
//! let mut reader = Reader::new(&head, &keys, group);
//! reader.feed(sealed).unwrap();
//! assert_eq!(reader.poll().unwrap(), Some(Item::Begin(Begin { group, entries: 0 })));
//! assert_eq!(reader.poll().unwrap(), None);
//! reader.end().unwrap();
//! ```

mod carried;

pub use carried::{Carried, Checked};

use super::index::Tip;
use super::message::{MAX_MESSAGE_BYTES, Message, list, put_tip, tip};
use crate::log::keys::GroupKeys;
use crate::log::seal::Key;
use crate::log::stream::{self, MAX_CHUNK_BYTES, MAX_SEALED_CHUNK_BYTES, Opener, Sealer};
use crate::model::id::{GroupId, LogId};
use crate::model::wire::{self, WireError, put_count};

/// What every file of these begins with.
pub const MAGIC: [u8; 8] = *b"STUDYMSH";
/// The version of the layout.
pub const VERSION: u8 = 1;
/// Bytes of the head: magic, version, kind, nonce, tag.
pub const HEAD_BYTES: usize = NAMED_BYTES + TAG_BYTES;
/// Bytes of every sealed chunk: the last is padded, so that the size says little.
pub const CHUNK_BYTES: usize = MAX_SEALED_CHUNK_BYTES;
/// Most positions in one [`Item::Have`]; a log with more of them comes several times.
pub const MAX_POSITIONS: usize = 64;
/// Most bytes of a record: a message of a sync stream.
pub const MAX_RECORD_BYTES: usize = MAX_MESSAGE_BYTES;

/// Magic, version, kind and nonce: what the tag and the key are bound to.
const NAMED_BYTES: usize = 8 + 1 + 1 + 32;
const TAG_BYTES: usize = 16;
const SEALING: &str = "studymesh 2026 v1 bundle";
const TAG: &str = "studymesh 2026 v1 bundle tag";

// Runs and bodies have the types of their messages, which are small numbers.
const BEGIN: u8 = 128;
const HAVE: u8 = 129;
const END: u8 = 130;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It brings entries.
    Bundle = 1,
    /// It says what somebody holds.
    Have = 2,
}

/// The part of a file that stands in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What the file is for.
    pub kind: Kind,
    nonce: [u8; 32],
    tag: [u8; TAG_BYTES],
}

/// Why a file is not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It does not begin as one of these files.
    #[error("this is no bundle")]
    Magic,
    /// It has another layout.
    #[error("this bundle has version {0}; this studymesh knows version {VERSION}")]
    Version(u8),
    /// It is something that this version does not know.
    #[error("this is a kind of bundle that this studymesh does not know: {0}")]
    Kind(u8),
}

impl Head {
    /// Reads a head; whether it is authentic is seen by [`Head::is_for`].
    ///
    /// # Errors
    /// When these are not the first bytes of a file of this version.
    pub fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<Self, HeadError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().expect("a head is longer");
        if *magic != MAGIC {
            return Err(HeadError::Magic);
        }
        let ([version, kind], rest) = rest.split_first_chunk::<2>().expect("a head is longer");
        if *version != VERSION {
            return Err(HeadError::Version(*version));
        }
        let kind = match kind {
            1 => Kind::Bundle,
            2 => Kind::Have,
            other => return Err(HeadError::Kind(*other)),
        };
        let (nonce, tag) = rest.split_first_chunk::<32>().expect("a head is longer");
        Ok(Self { kind, nonce: *nonce, tag: tag.try_into().expect("what is left is the tag") })
    }

    /// Whether it was made by somebody who knows this group.
    #[must_use]
    pub fn is_for(&self, keys: &GroupKeys) -> bool {
        // The tag is no secret of anybody's: it stands in the file for all to see.
        self.tag == tag_of(keys, &self.named())
    }

    /// What stands before the tag.
    fn named(&self) -> [u8; NAMED_BYTES] {
        let mut named = [0; NAMED_BYTES];
        named[..8].copy_from_slice(&MAGIC);
        (named[8], named[9]) = (VERSION, self.kind as u8);
        named[10..].copy_from_slice(&self.nonce);
        named
    }

    fn key(&self, keys: &GroupKeys) -> Key {
        Key::new(*blake3::keyed_hash(keys.sealing_key(SEALING).as_bytes(), &self.named()).as_bytes())
    }
}

fn tag_of(keys: &GroupKeys, named: &[u8]) -> [u8; TAG_BYTES] {
    *keys.prove(TAG, named).first_chunk().expect("a hash is longer")
}

/// What the first record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// The group.
    pub group: GroupId,
    /// How many entries it was going to bring, or how many its writer held; entries that came meanwhile may be in it
    /// as well. A claim, for people to read.
    pub entries: u64,
}

/// Makes a file.
#[derive(Debug)]
pub struct Writer {
    sealer: Sealer,
    plain: Vec<u8>,
    out: Vec<u8>,
    entries: u64,
}

impl Writer {
    /// Begins a file. The nonce must be random: under the same one, two files of a group would share a key.
    #[must_use]
    pub fn new(keys: &GroupKeys, kind: Kind, begin: Begin, nonce: [u8; 32]) -> Self {
        let mut head = Head { kind, nonce, tag: [0; TAG_BYTES] };
        let named = head.named();
        head.tag = tag_of(keys, &named);
        let out = [&named[..], &head.tag].concat();
        let mut writer = Self { sealer: Sealer::new(head.key(keys)), plain: vec![], out, entries: 0 };
        let mut record = vec![BEGIN];
        record.extend_from_slice(&begin.group.0);
        record.extend_from_slice(&begin.entries.to_le_bytes());
        writer.push(&record);
        writer
    }

    /// Adds a message of the answering side of a sync stream: a run, or the next bodies of the last one.
    ///
    /// # Panics
    /// When it is another message: they are made by our own code.
    pub fn push_message(&mut self, message: &Message) {
        match message {
            Message::Run { .. } => {}
            Message::Bodies(bodies) => self.entries += bodies.len() as u64,
            other => panic!("no part of a bundle: {other:?}"),
        }
        self.push(&message.encode());
    }

    /// Adds positions of a log that are held.
    pub fn push_have(&mut self, log: LogId, positions: &[Tip]) {
        for positions in positions.chunks(MAX_POSITIONS) {
            let mut record = vec![HAVE];
            record.extend_from_slice(&log.0);
            put_count(&mut record, positions.len());
            positions.iter().for_each(|t| put_tip(&mut record, *t));
            self.push(&record);
        }
    }

    /// How many entries were added.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The bytes that are ready, to be written in order.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The last bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut record = vec![END];
        record.extend_from_slice(&self.entries.to_le_bytes());
        self.push(&record);
        self.plain.resize(MAX_CHUNK_BYTES, 0);
        self.out.extend(self.sealer.seal(&self.plain, true));
        self.out
    }

    fn push(&mut self, record: &[u8]) {
        debug_assert!((1..=MAX_RECORD_BYTES).contains(&record.len()), "records are bounded by what they hold");
        let len = u32::try_from(record.len()).expect("bounded above");
        self.plain.extend_from_slice(&len.to_le_bytes());
        self.plain.extend_from_slice(record);
        // One chunk is always kept back: the last one has to be sealed as the last.
        while self.plain.len() > MAX_CHUNK_BYTES {
            let rest = self.plain.split_off(MAX_CHUNK_BYTES);
            self.out.extend(self.sealer.seal(&self.plain, false));
            self.plain = rest;
        }
    }
}

/// What stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Always the first.
    Begin(Begin),
    /// A run with its bodies; in a bundle.
    Run(Carried),
    /// Positions of a log that the writer of a have file holds.
    Have {
        /// The log.
        log: LogId,
        /// At most [`MAX_POSITIONS`] of its entries.
        positions: Vec<Tip>,
    },
}

/// Why a file can not be read to its end. What was given out before stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file ends before its end.
    #[error("it ends early")]
    EndsEarly,
    /// A chunk was changed.
    #[error("it is damaged")]
    Changed,
    /// It opens, and breaks the layout: whoever made it made it so.
    #[error("it is not made as a bundle should be: {0}")]
    Malformed(WireError),
    /// Something follows its end.
    #[error("something follows its end")]
    Trailing,
}

impl Damage {
    /// The word that the API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndsEarly => "ends-early",
            Self::Changed => "changed",
            Self::Malformed(_) => "malformed",
            Self::Trailing => "trailing",
        }
    }
}

impl From<WireError> for Damage {
    fn from(error: WireError) -> Self {
        Self::Malformed(error)
    }
}

impl From<stream::Changed> for Damage {
    fn from(_: stream::Changed) -> Self {
        Self::Changed
    }
}

/// Reads a file, chunk by chunk. It holds at most a chunk, a record and the run under way.
#[derive(Debug)]
pub struct Reader {
    opener: Opener,
    kind: Kind,
    group: GroupId,
    plain: Vec<u8>,
    /// What of `plain` was read.
    read: usize,
    /// Set by the first record.
    begun: bool,
    /// The run whose bodies are coming, and how many are owed.
    incoming: Option<(Carried, u16)>,
    /// Entries given out, and in the run under way.
    entries: u64,
    ended: bool,
}

impl Reader {
    /// Begins to read a file whose head [`Head::is_for`] this group.
    #[must_use]
    pub fn new(head: &Head, keys: &GroupKeys, group: GroupId) -> Self {
        Self {
            opener: Opener::new(head.key(keys)),
            kind: head.kind,
            group,
            plain: vec![],
            read: 0,
            begun: false,
            incoming: None,
            entries: 0,
            ended: false,
        }
    }

    /// Takes in the next sealed chunk: [`CHUNK_BYTES`], or what is left of the file. Drain [`Reader::poll`] first.
    ///
    /// # Errors
    /// When it does not open: nothing of it is read.
    pub fn feed(&mut self, sealed: &[u8]) -> Result<(), Damage> {
        if self.opener.has_ended() {
            return Err(Damage::Trailing);
        }
        let short = sealed.len() < CHUNK_BYTES;
        let chunk = self.opener.open(sealed).map_err(|_| if short { Damage::EndsEarly } else { Damage::Changed })?;
        self.plain.drain(..std::mem::take(&mut self.read));
        self.plain.extend_from_slice(&chunk);
        Ok(())
    }

    /// The next item; `None` when the next chunk is needed.
    ///
    /// # Errors
    /// When what it says breaks the layout: nothing more comes.
    pub fn poll(&mut self) -> Result<Option<Item>, Damage> {
        while let Some(record) = self.record()? {
            if let Some(item) = self.item(&record)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Ends the reading, at the end of the file.
    ///
    /// # Errors
    /// When the file should go on.
    pub fn end(&self) -> Result<(), Damage> {
        if self.ended { Ok(()) } else { Err(Damage::EndsEarly) }
    }

    /// After a damage: the run under way, as far as its bodies came.
    pub fn cut(&mut self) -> Option<Carried> {
        self.incoming.take().map(|(carried, _)| carried).filter(|carried| !carried.bodies.is_empty())
    }

    /// The next whole record.
    fn record(&mut self) -> Result<Option<Vec<u8>>, Damage> {
        let rest = &self.plain[self.read..];
        if self.ended {
            return if rest.iter().all(|b| *b == 0) { Ok(None) } else { Err(WireError::Trailing.into()) };
        }
        let Some((len, rest)) = rest.split_first_chunk::<4>() else { return self.wait() };
        let len = u32::from_le_bytes(*len) as usize;
        if !(1..=MAX_RECORD_BYTES).contains(&len) {
            return Err(WireError::Bounds("record").into());
        }
        let Some(record) = rest.get(..len) else { return self.wait() };
        let record = record.to_vec();
        self.read += 4 + len;
        Ok(Some(record))
    }

    /// There must be another chunk.
    fn wait(&self) -> Result<Option<Vec<u8>>, Damage> {
        if self.opener.has_ended() { Err(WireError::Truncated.into()) } else { Ok(None) }
    }

    fn item(&mut self, record: &[u8]) -> Result<Option<Item>, Damage> {
        let mut r = wire::Reader::new(record);
        let kind = r.u8()?;
        if !self.begun {
            if kind != BEGIN {
                return Err(WireError::Bounds("first record").into());
            }
            let begin = Begin { group: GroupId(r.array()?), entries: r.u64()? };
            r.finish()?;
            if begin.group != self.group {
                return Err(WireError::Bounds("group").into());
            }
            self.begun = true;
            return Ok(Some(Item::Begin(begin)));
        }
        match (kind, self.kind) {
            (7 | 8, Kind::Bundle) => self.part(record),
            (HAVE, Kind::Have) => {
                let log = LogId(r.array()?);
                let count = r.count(MAX_POSITIONS, "positions")?;
                let positions = list(count, || tip(&mut r))?;
                r.finish()?;
                Ok(Some(Item::Have { log, positions }))
            }
            (END, _) => {
                let entries = r.u64()?;
                r.finish()?;
                if self.incoming.is_some() || entries != self.entries || !self.opener.has_ended() {
                    return Err(WireError::Bounds("end").into());
                }
                self.ended = true;
                Ok(None)
            }
            _ => Err(WireError::Bounds("record type").into()),
        }
    }

    /// A run, or bodies of one.
    fn part(&mut self, record: &[u8]) -> Result<Option<Item>, Damage> {
        match (Message::decode(record)?, self.incoming.as_mut()) {
            (Message::Run { bodies, run }, None) => {
                self.incoming = Some((Carried { run, bodies: vec![] }, bodies));
                Ok(None)
            }
            (Message::Bodies(bodies), Some((carried, owed))) => {
                let count = u16::try_from(bodies.len()).unwrap_or(u16::MAX);
                if count == 0 || count > *owed {
                    return Err(WireError::Bounds("bodies").into());
                }
                *owed -= count;
                self.entries += u64::from(count);
                carried.bodies.extend(bodies);
                if *owed > 0 {
                    return Ok(None);
                }
                Ok(self.incoming.take().map(|(carried, _)| Item::Run(carried)))
            }
            _ => Err(WireError::Bounds("order of records").into()),
        }
    }
}

#[cfg(test)]
mod tests;
