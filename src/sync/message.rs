//! The messages of a sync stream and their bytes. Every count is checked before anything is allocated for it.

use super::index::{Key, RANGE_FINGERPRINT_BYTES, Range, SMALL_GROUP_TIPS, SPLIT, Tip};
use crate::log::header::{MAX_BODY_BYTES, MAX_SEQ};
use crate::log::run::{MAX_RUN, Run};
use crate::model::id::{EntryId, LogId, Peer};
use crate::model::wire::{Reader, WireError, put_count};

/// Most bytes of a message.
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// Most ranges in one [`Message::Ask`].
pub const MAX_ASKED: usize = 64;
/// Most wants in one [`Message::Want`].
pub const MAX_WANTS: usize = 64;
/// Most positions that a want says to have.
pub const MAX_HAVE: usize = 48;
/// Most members' peers told in one welcome.
pub const MAX_PEERS: usize = 4;
/// Most addresses of one told peer.
pub const MAX_ADDRESSES: usize = 4;
/// Most bytes of one told address.
pub const MAX_ADDRESS_BYTES: usize = 128;
/// Most epoch keys in one welcome.
pub const MAX_KEYS: usize = 8;
/// Most bytes of the sealed part of a hello or welcome.
pub const MAX_SEALED_BYTES: usize = 4096;

/// A tip that the puller lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The log.
    pub log: LogId,
    /// The tip to reach.
    pub tip: Tip,
    /// Positions that the puller has, at most [`MAX_HAVE`]: the answer starts after the highest that lies on the way
    /// to `tip`.
    pub have: Vec<Tip>,
}

/// What became of a want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndStatus {
    /// Everything up to the tip was sent.
    Complete = 0,
    /// The tip is not held (any more).
    Unknown = 1,
    /// None of the positions in `have` lies below the tip: ask again with more of them.
    NeedSamples = 2,
}

/// The answer for one asked range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The upper ends of the parts, in order, with their fingerprints; each part begins where the one before ends.
    Split(Vec<(Key, [u8; RANGE_FINGERPRINT_BYTES])>),
    /// All tips of the range with their logs, in order.
    Leaves(Vec<(LogId, Tip)>),
}

/// A peer and where it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The multihash bytes of its peer id.
    pub peer: Vec<u8>,
    /// Binary multiaddrs.
    pub addresses: Vec<Vec<u8>>,
}

/// A message of a sync stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Puller's first message.
    Hello {
        /// Random.
        nonce: [u8; 32],
        /// Proves the discovery secret for this pair of peers.
        proof: [u8; 32],
        /// The puller's summary, sealed under the discovery secret.
        sealed: Vec<u8>,
    },
    /// The other side's answer.
    Welcome {
        /// Random.
        nonce: [u8; 32],
        /// Proves the discovery secret for this handshake.
        proof: [u8; 32],
        /// Its summary, its log and the log key's signature over the transcript, sealed.
        sealed: Vec<u8>,
    },
    /// The puller's log and its signature over the transcript.
    Identify {
        /// The puller's log.
        log: LogId,
        /// Its signature.
        signature: [u8; 64],
    },
    /// Ranges that the puller wants to compare.
    Ask(Vec<Range>),
    /// Answers for the first asked ranges, in their order; what is left out must be asked again.
    Answers(Vec<Answer>),
    /// What the puller lacks.
    Want(Vec<Want>),
    /// A run of headers, and how many bodies of it follow.
    Run {
        /// The bodies that follow, from the first header on.
        bodies: u16,
        /// The headers.
        run: Run,
    },
    /// The next bodies of the run.
    Bodies(Vec<Vec<u8>>),
    /// The end of one want, in the order of the wants.
    End(EndStatus),
    /// The puller is done and holds this now.
    Finish {
        /// The puller's fingerprint.
        fingerprint: [u8; 32],
        /// How many entries it holds.
        entries: u64,
    },
}

impl Message {
    /// The message's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        match self {
            Self::Hello { nonce, proof, sealed } | Self::Welcome { nonce, proof, sealed } => {
                out.push(if matches!(self, Self::Hello { .. }) { 1 } else { 2 });
                out.extend_from_slice(nonce);
                out.extend_from_slice(proof);
                out.extend_from_slice(sealed);
            }
            Self::Identify { log, signature } => {
                out.push(3);
                out.extend_from_slice(&log.0);
                out.extend_from_slice(signature);
            }
            Self::Ask(ranges) => {
                out.push(4);
                put_count(&mut out, ranges.len());
                for range in ranges {
                    put_key(&mut out, range.lo);
                    put_key(&mut out, range.hi);
                }
            }
            Self::Answers(answers) => {
                out.push(5);
                put_count(&mut out, answers.len());
                answers.iter().for_each(|a| a.encode_into(&mut out));
            }
            Self::Want(wants) => {
                out.push(6);
                put_count(&mut out, wants.len());
                for want in wants {
                    out.extend_from_slice(&want.log.0);
                    put_tip(&mut out, want.tip);
                    put_count(&mut out, want.have.len());
                    want.have.iter().for_each(|t| put_tip(&mut out, *t));
                }
            }
            Self::Run { bodies, run } => {
                out.push(7);
                out.extend_from_slice(&bodies.to_le_bytes());
                run.encode_into(&mut out);
            }
            Self::Bodies(bodies) => {
                out.push(8);
                put_count(&mut out, bodies.len());
                for body in bodies {
                    put_count(&mut out, body.len());
                    out.extend_from_slice(body);
                }
            }
            Self::End(status) => out.extend_from_slice(&[9, *status as u8]),
            Self::Finish { fingerprint, entries } => {
                out.push(10);
                out.extend_from_slice(fingerprint);
                out.extend_from_slice(&entries.to_le_bytes());
            }
        }
        out
    }

    /// Reads a message that fills `bytes` exactly.
    ///
    /// # Errors
    /// When the bytes do not follow the layout, or a count is over its bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(WireError::Bounds("message"));
        }
        let mut r = Reader::new(bytes);
        let message = match r.u8()? {
            kind @ (1 | 2) => {
                let (nonce, proof) = (r.array()?, r.array()?);
                let sealed = r.rest();
                if sealed.len() > MAX_SEALED_BYTES {
                    return Err(WireError::Bounds("sealed"));
                }
                let sealed = sealed.to_vec();
                return Ok(if kind == 1 {
                    Self::Hello { nonce, proof, sealed }
                } else {
                    Self::Welcome { nonce, proof, sealed }
                });
            }
            3 => Self::Identify { log: LogId(r.array()?), signature: r.array()? },
            4 => {
                let count = r.count(MAX_ASKED, "ranges")?;
                Self::Ask(list(count, || {
                    let range = Range { lo: key(&mut r)?, hi: key(&mut r)? };
                    if range.is_valid() { Ok(range) } else { Err(WireError::Bounds("range")) }
                })?)
            }
            5 => {
                let count = r.count(MAX_ASKED, "answers")?;
                Self::Answers(list(count, || Answer::decode(&mut r))?)
            }
            6 => {
                let count = r.count(MAX_WANTS, "wants")?;
                Self::Want(list(count, || {
                    let (log, tip) = (LogId(r.array()?), tip(&mut r)?);
                    let have = r.count(MAX_HAVE, "have")?;
                    Ok(Want { log, tip, have: list(have, || self::tip(&mut r))? })
                })?)
            }
            7 => {
                let bodies = r.u16()?;
                let run = Run::decode(r)?;
                if bodies == 0 || bodies > run.count {
                    return Err(WireError::Bounds("bodies of a run"));
                }
                return Ok(Self::Run { bodies, run });
            }
            8 => {
                let count = r.count(MAX_RUN, "bodies")?;
                Self::Bodies(list(count, || {
                    let len = r.count(MAX_BODY_BYTES as usize, "body")?;
                    Ok(r.bytes(len)?.to_vec())
                })?)
            }
            9 => Self::End(match r.u8()? {
                0 => EndStatus::Complete,
                1 => EndStatus::Unknown,
                2 => EndStatus::NeedSamples,
                _ => return Err(WireError::Bounds("status")),
            }),
            10 => Self::Finish { fingerprint: r.array()?, entries: r.u64()? },
            _ => return Err(WireError::Bounds("message type")),
        };
        r.finish()?;
        Ok(message)
    }
}

impl Told {
    /// Whether it keeps the bounds of what may be told.
    #[must_use]
    pub fn fits(&self) -> bool {
        let addresses = &self.addresses;
        self.peer.len() <= Peer::MAX
            && addresses.len() <= MAX_ADDRESSES
            && addresses.iter().all(|a| a.len() <= MAX_ADDRESS_BYTES)
    }

    /// How many bytes it takes in a list.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        4 + self.peer.len() + self.addresses.iter().map(|a| 2 + a.len()).sum::<usize>()
    }
}

/// Appends a list of told peers, each of which [`Told::fits`].
pub fn put_told(out: &mut Vec<u8>, peers: &[Told]) {
    put_count(out, peers.len());
    for told in peers {
        put_count(out, told.peer.len());
        out.extend_from_slice(&told.peer);
        put_count(out, told.addresses.len());
        for address in &told.addresses {
            put_count(out, address.len());
            out.extend_from_slice(address);
        }
    }
}

/// Reads a list of told peers that fills `bytes` exactly.
///
/// # Errors
/// When the bytes do not follow the layout, or a count is over its bound.
pub fn read_told(bytes: &[u8]) -> Result<Vec<Told>, WireError> {
    let mut r = Reader::new(bytes);
    let count = r.count(MAX_PEERS, "peers")?;
    let peers = list(count, || {
        let len = r.count(Peer::MAX, "peer")?;
        let peer = r.bytes(len)?.to_vec();
        let addresses = r.count(MAX_ADDRESSES, "addresses")?;
        let addresses = list(addresses, || {
            let len = r.count(MAX_ADDRESS_BYTES, "address")?;
            Ok(r.bytes(len)?.to_vec())
        })?;
        Ok(Told { peer, addresses })
    })?;
    r.finish()?;
    Ok(peers)
}

impl Answer {
    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Split(parts) => {
                out.push(0);
                put_count(out, parts.len());
                for (hi, fingerprint) in parts {
                    put_key(out, *hi);
                    out.extend_from_slice(fingerprint);
                }
            }
            Self::Leaves(leaves) => {
                out.push(1);
                put_count(out, leaves.len());
                for (log, tip) in leaves {
                    out.extend_from_slice(&log.0);
                    put_tip(out, *tip);
                }
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8()? {
            0 => {
                let count = r.count(SPLIT, "parts")?;
                Ok(Self::Split(list(count, || Ok((key(r)?, r.array()?)))?))
            }
            1 => {
                let count = r.count(SMALL_GROUP_TIPS, "leaves")?;
                let leaves = list(count, || Ok((LogId(r.array()?), tip(r)?)))?;
                if leaves.windows(2).any(|w| (w[0].0, w[0].1.id) >= (w[1].0, w[1].1.id)) {
                    return Err(WireError::Bounds("order of leaves"));
                }
                Ok(Self::Leaves(leaves))
            }
            _ => Err(WireError::Bounds("answer")),
        }
    }
}

fn put_key(out: &mut Vec<u8>, key: Key) {
    out.extend_from_slice(&key.log.0);
    out.extend_from_slice(&key.id.0);
}

fn key(r: &mut Reader<'_>) -> Result<Key, WireError> {
    Ok(Key { log: LogId(r.array()?), id: EntryId(r.array()?) })
}

pub(super) fn put_tip(out: &mut Vec<u8>, tip: Tip) {
    out.extend_from_slice(&tip.seq.to_le_bytes());
    out.extend_from_slice(&tip.id.0);
}

pub(super) fn tip(r: &mut Reader<'_>) -> Result<Tip, WireError> {
    let tip = Tip { seq: r.u64()?, id: EntryId(r.array()?) };
    if tip.seq > MAX_SEQ { Err(WireError::Bounds("seq")) } else { Ok(tip) }
}

/// Reads `count` items; it allocates as they are read, never on the count's word.
pub(super) fn list<T>(count: usize, mut item: impl FnMut() -> Result<T, WireError>) -> Result<Vec<T>, WireError> {
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item()?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_tip() -> impl Strategy<Value = Tip> {
        (0..=MAX_SEQ, any::<[u8; 32]>()).prop_map(|(seq, id)| Tip { seq, id: EntryId(id) })
    }

    fn any_key() -> impl Strategy<Value = Key> {
        (any_log(), any::<[u8; 32]>()).prop_map(|(log, id)| Key { log, id: EntryId(id) })
    }

    fn any_log() -> impl Strategy<Value = LogId> {
        any::<[u8; 32]>().prop_map(LogId)
    }

    fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..max)
    }

    prop_compose! {
        fn half()(head in any::<[u8; 32]>(), tail in any::<[u8; 32]>()) -> [u8; 64] {
            [head, tail].concat().try_into().unwrap()
        }
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let answer = prop_oneof![
            prop::collection::vec((any_key(), any::<[u8; 16]>()), 0..=SPLIT).prop_map(Answer::Split),
            prop::collection::btree_map((any_log(), any::<[u8; 32]>()), 0..=MAX_SEQ, 0..9).prop_map(|leaves| {
                let tip = |((log, id), seq)| (log, Tip { seq, id: EntryId(id) });
                Answer::Leaves(leaves.into_iter().map(tip).collect())
            }),
        ];
        let want = (any_log(), any_tip(), prop::collection::vec(any_tip(), 0..5)).prop_map(|(log, tip, have)| Want {
            log,
            tip,
            have,
        });
        let range = (any_key(), any_key()).prop_filter_map("valid", |(lo, hi)| {
            let range = Range { lo, hi };
            range.is_valid().then_some(range)
        });
        prop_oneof![
            (any::<[u8; 32]>(), any::<[u8; 32]>(), bytes(300)).prop_map(|(nonce, proof, sealed)| Message::Hello {
                nonce,
                proof,
                sealed
            }),
            (any::<[u8; 32]>(), any::<[u8; 32]>(), bytes(300)).prop_map(|(nonce, proof, sealed)| Message::Welcome {
                nonce,
                proof,
                sealed
            }),
            (any_log(), half()).prop_map(|(log, signature)| Message::Identify { log, signature }),
            prop::collection::vec(range, 0..9).prop_map(Message::Ask),
            prop::collection::vec(answer, 0..9).prop_map(Message::Answers),
            prop::collection::vec(want, 0..9).prop_map(Message::Want),
            (any_log(), any::<u64>(), any::<[u8; 32]>(), half(), bytes(300), 1u16..64).prop_map(
                |(log, start, prev, signature, headers, count)| {
                    Message::Run {
                        bodies: count,
                        run: Run { log, start, prev: EntryId(prev), signature, headers, count },
                    }
                }
            ),
            prop::collection::vec(bytes(100), 0..9).prop_map(Message::Bodies),
            Just(Message::End(EndStatus::NeedSamples)),
            (any::<[u8; 32]>(), any::<u64>())
                .prop_map(|(fingerprint, entries)| Message::Finish { fingerprint, entries }),
        ]
    }

    proptest! {
        #[test]
        fn every_message_survives_the_wire(message in any_message()) {
            prop_assert_eq!(Message::decode(&message.encode()).unwrap(), message);
        }

        #[test]
        fn told_peers_survive_the_wire(peers in prop::collection::vec((bytes(60), prop::collection::vec(bytes(40), 0..4)), 0..4), noise in bytes(99)) {
            let peers: Vec<Told> = peers.into_iter().map(|(peer, addresses)| Told { peer, addresses }).collect();
            let mut out = vec![];
            put_told(&mut out, &peers);
            prop_assert_eq!(read_told(&out).unwrap(), peers);
            let _ = read_told(&noise);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_have_one_reading(kind in 0u8..13, rest in bytes(2000)) {
            let bytes = [&[kind][..], &rest].concat();
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }
}
