//! The answering side of a sync stream.
//!
//! It only answers: ranges with fingerprints or leaves, wants with runs and bodies. At most [`IN_FLIGHT`] messages
//! are under way on a stream, so a slow reader costs no more than one block of entries in memory.

use std::collections::VecDeque;

use super::chains::{Log, Segment};
use super::group::Group;
use super::store::{Store, Stored};
use crate::log::run::{Run, SIGN_EVERY, is_signature_point};
use crate::model::id::{GroupId, LogId, Peer};
use crate::model::wire::Reader;
use crate::sync::handshake;
use crate::sync::index::{Index, LEAF_LOGS, Range, SMALL_GROUP_LOGS};
use crate::sync::message::{Answer, EndStatus, MAX_MESSAGE_BYTES, MAX_WANTS, Message, Want};

/// Most messages under way on one stream.
pub(super) const IN_FLIGHT: usize = 4;
/// Most wants that wait on one stream.
const MAX_QUEUED: usize = 2 * MAX_WANTS;
/// Bodies are put together into messages of about this many bytes.
const BODIES_BYTES: usize = 48 * 1024;
/// Most bytes of the answers to one ask; the rest is asked again.
const ANSWERS_BYTES: usize = 48 * 1024;

#[derive(Debug)]
pub(super) struct Serve {
    pub peer: Peer,
    /// Set by a proven hello.
    pub group: Option<GroupId>,
    pub transcript: Option<[u8; 32]>,
    pub log: Option<LogId>,
    pub in_flight: usize,
    queue: VecDeque<Message>,
    wants: VecDeque<Want>,
    sending: Option<Sending>,
}

/// A want under way: the path still to send.
#[derive(Debug)]
struct Sending {
    log: LogId,
    path: Vec<Segment>,
    next: u64,
}

/// The peer asks in a way that the protocol does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub &'static str);

impl Serve {
    pub fn new(peer: Peer) -> Self {
        Self {
            peer,
            group: None,
            transcript: None,
            log: None,
            in_flight: 0,
            queue: VecDeque::new(),
            wants: VecDeque::new(),
            sending: None,
        }
    }

    /// Queues the answer to a message of a proven peer.
    pub fn handle(&mut self, message: Message, group: &mut Group) -> Result<(), Refused> {
        match message {
            Message::Identify { log, signature } => {
                let transcript = self.transcript.as_ref().ok_or(Refused("identify before hello"))?;
                handshake::open_identify(log, &signature, transcript).map_err(|_| Refused("a false log key"))?;
                self.log = Some(log);
                Ok(())
            }
            Message::Ask(ranges) => {
                if self.queue.len() >= IN_FLIGHT {
                    return Err(Refused("asks faster than it reads"));
                }
                self.queue.push_back(Message::Answers(answers(&group.index, &ranges)));
                Ok(())
            }
            Message::Want(wants) => {
                if self.wants.len() + wants.len() > MAX_QUEUED {
                    return Err(Refused("wants more than it may"));
                }
                self.wants.extend(wants);
                Ok(())
            }
            _ => Err(Refused("a message that only the other side sends")),
        }
    }

    /// The next message, when the window allows one and there is one.
    pub fn poll<S: Store>(&mut self, store: &mut S, group: &Group) -> Result<Option<Message>, S::Error> {
        loop {
            if self.in_flight >= IN_FLIGHT {
                return Ok(None);
            }
            if let Some(message) = self.queue.pop_front() {
                self.in_flight += 1;
                return Ok(Some(message));
            }
            if let Some(sending) = &mut self.sending {
                let block = sending.block(store, group)?;
                if block.is_empty() {
                    self.sending = None;
                    self.queue.push_back(Message::End(EndStatus::Complete));
                }
                self.queue.extend(block);
                continue;
            }
            let Some(want) = self.wants.pop_front() else { return Ok(None) };
            match start(store, group, &want)? {
                Ok(sending) => self.sending = Some(sending),
                Err(status) => self.queue.push_back(Message::End(status)),
            }
        }
    }
}

/// Finds the way from what the puller has to what it wants.
fn start<S: Store>(store: &mut S, group: &Group, want: &Want) -> Result<Result<Sending, EndStatus>, S::Error> {
    let Some(log) = group.logs.get(&want.log) else { return Ok(Err(EndStatus::Unknown)) };
    let Some(chain) = log.find(store, want.tip.seq, want.tip.id)? else { return Ok(Err(EndStatus::Unknown)) };
    // What was added to the branch since goes along: its signature is the one that is kept.
    let end = log.chains[chain].tip.as_ref().map_or(want.tip.seq, |t| t.seq);
    let path = log.path(chain, end);
    let mut have: Vec<_> = want.have.iter().filter(|h| h.seq <= end).collect();
    have.sort_unstable_by(|a, b| b.cmp(a));
    for tip in &have {
        let segment = path.iter().find(|s| (s.from..=s.to).contains(&tip.seq)).expect("the path has no gap");
        if store.id_at(log.chains[segment.chain].no, tip.seq)? == Some(tip.id) {
            return Ok(Ok(Sending { log: want.log, path, next: tip.seq + 1 }));
        }
    }
    let reaches_root = want.have.iter().any(|h| h.seq == 0);
    if want.have.is_empty() || reaches_root {
        return Ok(Ok(Sending { log: want.log, path, next: 0 }));
    }
    Ok(Err(EndStatus::NeedSamples))
}

impl Sending {
    /// The messages of the next block: a run and its bodies. Empty at the end of the path.
    fn block<S: Store>(&mut self, store: &mut S, group: &Group) -> Result<Vec<Message>, S::Error> {
        let Some(log) = group.logs.get(&self.log) else { return Ok(vec![]) };
        // The branch may have grown since: the signature that is kept is that of its present tip.
        let segment = self.path.last_mut().expect("a path has a segment");
        segment.to = log.chains[segment.chain].tip.as_ref().map_or(segment.to, |t| t.seq);
        let end = segment.to;
        if self.next > end {
            return Ok(vec![]);
        }
        let block_end = (self.next / SIGN_EVERY + 1) * SIGN_EVERY - 1;
        let entries = self.read(store, group.id(), log, block_end.min(end))?;
        let Some(last) = entries.last() else { return Ok(vec![]) };
        let bodies = u16::try_from(entries.len()).expect("a block is at most SIGN_EVERY long");
        let tip = log.chains[self.path.last().expect("as above").chain].tip.as_ref();
        let run = if is_signature_point(last.header.seq) {
            last.signature.map(|signature| Run::new(entries.iter().map(|e| &e.header), signature))
        } else {
            tip.filter(|t| t.id == last.id).and_then(|tip| match (&tip.signature, &tip.pending) {
                (Some(signature), _) => Some(Run::new(entries.iter().map(|e| &e.header), *signature)),
                (None, Some(pending)) => {
                    let run = Run::decode(Reader::new(pending)).ok()?;
                    let tail = run.verify(group.id()).ok()?;
                    let headers = entries.iter().map(|e| &e.header).chain(tail.iter().map(|a| &a.header));
                    Some(Run::new(headers, run.signature))
                }
                (None, None) => None,
            })
        };
        let Some(run) = run else { return Ok(vec![]) };
        self.next = last.header.seq + 1;
        let mut messages = vec![Message::Run { bodies, run }];
        let mut chunk: Vec<Vec<u8>> = vec![];
        let mut size = 0;
        for entry in entries {
            if !chunk.is_empty() && size + entry.body.len() > BODIES_BYTES {
                messages.push(Message::Bodies(std::mem::take(&mut chunk)));
                size = 0;
            }
            size += entry.body.len();
            chunk.push(entry.body);
        }
        messages.push(Message::Bodies(chunk));
        Ok(messages)
    }

    /// The stored entries from `next` to `to`, across branches.
    fn read<S: Store>(&self, store: &mut S, group: GroupId, log: &Log, to: u64) -> Result<Vec<Stored>, S::Error> {
        let mut entries: Vec<Stored> = vec![];
        let mut next = self.next;
        for segment in &self.path {
            while next <= to.min(segment.to) && next >= segment.from {
                let count = usize::try_from(to.min(segment.to) - next + 1).expect("at most SIGN_EVERY");
                let part = store.entries(group, log.chains[segment.chain].no, next, count, usize::MAX, true)?;
                if part.is_empty() {
                    return Ok(entries);
                }
                next += part.len() as u64;
                entries.extend(part);
            }
        }
        Ok(entries)
    }
}

/// Answers for as many of the ranges as fit, in their order; at least one.
fn answers(index: &Index, ranges: &[Range]) -> Vec<Answer> {
    let mut out: Vec<Answer> = vec![];
    let mut size = 0;
    for range in ranges {
        let leaves: Vec<_> =
            index.leaves(*range).take(SMALL_GROUP_LOGS + 1).map(|(log, tips)| (log, tips.to_vec())).collect();
        let small = leaves.len() <= LEAF_LOGS || (index.len() <= SMALL_GROUP_LOGS);
        let answer = if small {
            size += leaves.iter().map(|(_, tips)| 36 + 40 * tips.len()).sum::<usize>();
            Answer::Leaves(leaves)
        } else {
            let parts = index.split(*range);
            size += 48 * parts.len();
            Answer::Split(parts.into_iter().map(|p| (p.hi, index.range_fingerprint(p))).collect())
        };
        if !out.is_empty() && size > ANSWERS_BYTES {
            break;
        }
        out.push(answer);
    }
    out
}

const _: () = assert!(SMALL_GROUP_LOGS * (36 + 40 * crate::sync::index::MAX_TIPS) < MAX_MESSAGE_BYTES);
const _: () = assert!(BODIES_BYTES + crate::log::header::MAX_BODY_BYTES as usize + 64 * 2 < MAX_MESSAGE_BYTES);
