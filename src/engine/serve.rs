//! The answering side of a sync stream.
//!
//! It only answers: ranges with fingerprints or leaves, wants with runs and bodies. At most [`IN_FLIGHT`] messages
//! are under way on a stream, and each is read from the store when there is room for it, so a slow reader costs no more
//! than that in memory.

use std::collections::VecDeque;

use super::chains::{Log, Segment};
use super::group::Group;
use super::store::{Store, Stored};
use crate::log::header::Header;
use crate::log::run::{Run, SIGN_EVERY, is_signature_point};
use crate::model::id::{GroupId, LogId, Peer};
use crate::model::wire::Reader;
use crate::sync::handshake;
use crate::sync::index::{Index, LEAF_TIPS, Range, SMALL_GROUP_TIPS};
use crate::sync::message::{Answer, EndStatus, MAX_ASKED, MAX_MESSAGE_BYTES, MAX_WANTS, Message, Want};

/// A stream that does not say hello for this long is closed, in milliseconds.
pub(super) const HELLO_MS: u64 = 10_000;
/// A stream on which nothing moves for this long is closed, in milliseconds.
pub(super) const IDLE_MS: u64 = 120_000;
/// Most messages under way on one stream.
pub(super) const IN_FLIGHT: usize = 8;
/// Most wants that wait on one stream.
const MAX_QUEUED: usize = MAX_WANTS;
/// Bodies are put together into messages of about this many bytes.
const BODIES_BYTES: usize = 48 * 1024;
/// Most bytes of the answers to one ask; the rest is asked again.
const ANSWERS_BYTES: usize = 48 * 1024;

#[derive(Debug)]
pub(super) struct Serve {
    pub peer: Peer,
    pub since_ms: u64,
    /// When something last moved on the stream.
    moved_ms: u64,
    /// Set by a proven hello.
    pub group: Option<GroupId>,
    transcript: Option<[u8; 32]>,
    /// The log that the hello was signed by.
    claimed: Option<LogId>,
    /// The log that the puller proved to write, on this stream.
    pub log: Option<LogId>,
    in_flight: usize,
    queue: VecDeque<Message>,
    wants: VecDeque<Want>,
    sending: Option<Sending>,
}

/// A want under way: the path still to send.
#[derive(Debug)]
pub(super) struct Sending {
    log: LogId,
    /// The tip that was asked for.
    goal: u64,
    path: Vec<Segment>,
    /// The next entry whose body is to be sent.
    next: u64,
    /// The end of the run whose headers were sent, when bodies of it are owed.
    owed: Option<u64>,
    /// The first of these bodies, which were read with their headers: at most [`BODIES_BYTES`].
    ready: Vec<Vec<u8>>,
}

/// The peer asks in a way that the protocol does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub &'static str);

impl Serve {
    pub fn new(peer: Peer, now: u64) -> Self {
        Self {
            peer,
            since_ms: now,
            moved_ms: now,
            group: None,
            transcript: None,
            claimed: None,
            log: None,
            in_flight: 0,
            queue: VecDeque::new(),
            wants: VecDeque::new(),
            sending: None,
        }
    }

    /// When the stream is closed if nothing moves on it until then.
    pub fn deadline(&self) -> u64 {
        if self.group.is_none() { self.since_ms + HELLO_MS } else { self.moved_ms + IDLE_MS }
    }

    /// Counts from now on, when the clock was set back.
    pub fn begin_anew(&mut self, now: u64) {
        (self.since_ms, self.moved_ms) = (now, now);
    }

    /// The puller proved the group, and was welcomed.
    pub fn greeted(&mut self, now: u64, group: GroupId, transcript: [u8; 32], log: LogId) {
        self.claimed = Some(log);
        self.moved_ms = now;
        self.group = Some(group);
        self.transcript = Some(transcript);
        self.in_flight += 1;
    }

    /// A message has left the queue.
    pub fn sent(&mut self, now: u64) {
        self.moved_ms = now;
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    #[cfg(test)]
    pub fn buffered(&self) -> usize {
        self.queue.iter().map(|m| m.encode().len()).sum()
    }

    /// Queues the answer to a message of a peer that proved the group.
    pub fn handle(&mut self, now: u64, message: &Message, group: &Group) -> Result<(), Refused> {
        self.moved_ms = now;
        match message {
            Message::Identify { log, signature } if self.log.is_none() => {
                let transcript = self.transcript.as_ref().ok_or(Refused("identify before hello"))?;
                if self.claimed != Some(*log) {
                    return Err(Refused("another log than it said hello with"));
                }
                handshake::open_identify(*log, signature, transcript).map_err(|_| Refused("a false log key"))?;
                self.log = Some(*log);
                Ok(())
            }
            _ if self.log.is_none() => Err(Refused("it does not say which log it writes")),
            Message::Ask(ranges) => {
                if self.queue.len() >= IN_FLIGHT {
                    return Err(Refused("asks faster than it reads"));
                }
                if ranges.is_empty() || Range::overlap(ranges) {
                    return Err(Refused("asks for a range twice"));
                }
                self.queue.push_back(Message::Answers(answers(&group.index, ranges)));
                Ok(())
            }
            Message::Want(wants) => {
                if self.wants.len() + wants.len() > MAX_QUEUED {
                    return Err(Refused("wants more than it may"));
                }
                self.wants.extend(wants.iter().cloned());
                Ok(())
            }
            Message::Finish { .. } => Ok(()),
            _ => Err(Refused("a message that only the other side sends")),
        }
    }

    /// The next message, when the window allows one and there is one.
    pub fn poll<S: Store>(&mut self, store: &mut S, group: &Group) -> Result<Option<Message>, S::Error> {
        if self.in_flight >= IN_FLIGHT {
            return Ok(None);
        }
        let message = self.next(store, group)?;
        self.in_flight += usize::from(message.is_some());
        Ok(message)
    }

    fn next<S: Store>(&mut self, store: &mut S, group: &Group) -> Result<Option<Message>, S::Error> {
        if let Some(message) = self.queue.pop_front() {
            return Ok(Some(message));
        }
        if self.sending.is_none() {
            let Some(want) = self.wants.pop_front() else { return Ok(None) };
            match start(store, group, &want)? {
                Ok(sending) => self.sending = Some(sending),
                Err(status) => return Ok(Some(Message::End(status))),
            }
        }
        let Some(sending) = &mut self.sending else { return Ok(None) };
        if let Some(message) = sending.next(store, group)? {
            return Ok(Some(message));
        }
        let status = if sending.next > sending.goal { EndStatus::Complete } else { EndStatus::Unknown };
        self.sending = None;
        Ok(Some(Message::End(status)))
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
    let sending = |path, next| Sending { log: want.log, goal: want.tip.seq, path, next, owed: None, ready: vec![] };
    for tip in &have {
        let segment = path.iter().find(|s| (s.from..=s.to).contains(&tip.seq)).expect("the path has no gap");
        if store.id_at(log.chains[segment.chain].no, tip.seq)? == Some(tip.id) {
            return Ok(Ok(sending(path, tip.seq + 1)));
        }
    }
    let reaches_root = want.have.iter().any(|h| h.seq == 0);
    if want.have.is_empty() || reaches_root {
        return Ok(Ok(sending(path, 0)));
    }
    Ok(Err(EndStatus::NeedSamples))
}

impl Sending {
    /// A stretch of one branch.
    pub fn part(log: LogId, segment: Segment) -> Self {
        Self { log, goal: segment.to, next: segment.from, path: vec![segment], owed: None, ready: vec![] }
    }

    /// The log.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The branch that the path ends on.
    pub fn chain(&self) -> usize {
        self.path.last().expect("a path has a segment").chain
    }

    /// The next message of the path: a run, or the next bodies of it. `None` at the end.
    pub fn next<S: Store>(&mut self, store: &mut S, group: &Group) -> Result<Option<Message>, S::Error> {
        let Some(log) = group.logs.get(&self.log) else { return Ok(None) };
        match self.owed {
            Some(last) => self.bodies(store, group.id(), log, last),
            None => self.run(store, group.id(), log),
        }
    }

    /// The headers up to the next signature point or the tip, and what proves them.
    fn run<S: Store>(&mut self, store: &mut S, group: GroupId, log: &Log) -> Result<Option<Message>, S::Error> {
        // The branch may have grown since: the signature that is kept is that of its present tip.
        let segment = self.path.last_mut().expect("a path has a segment");
        let tip = log.chains[segment.chain].tip.as_ref();
        segment.to = tip.map_or(segment.to, |t| t.seq);
        let end = segment.to;
        if self.next > end {
            return Ok(None);
        }
        let block_end = (self.next / SIGN_EVERY + 1) * SIGN_EVERY - 1;
        let mut entries = self.block(store, group, log, block_end.min(end))?;
        let Some(last) = entries.last() else { return Ok(None) };
        let headers: Vec<&Header> = entries.iter().map(|e| &e.header).collect();
        let run = if is_signature_point(last.header.seq) {
            last.signature.map(|signature| Run::new(headers, signature))
        } else {
            tip.filter(|t| t.id == last.id).and_then(|tip| match (&tip.signature, &tip.pending) {
                (Some(signature), _) => Some(Run::new(headers, *signature)),
                (None, Some(pending)) => {
                    let run = Run::decode(Reader::new(pending)).ok()?;
                    let tail = run.verify(group).ok()?;
                    Some(Run::new(headers.into_iter().chain(tail.iter().map(|a| &a.header)), run.signature))
                }
                (None, None) => None,
            })
        };
        let Some(run) = run else { return Ok(None) };
        self.owed = Some(last.header.seq);
        let bodies = u16::try_from(entries.len()).expect("a block is at most SIGN_EVERY long");
        let mut bytes = 0usize;
        self.ready = entries
            .iter_mut()
            .map(|entry| std::mem::take(&mut entry.body))
            .take_while(|body| {
                bytes = bytes.saturating_add(body.len());
                bytes <= BODIES_BYTES
            })
            .collect();
        Ok(Some(Message::Run { bodies, run }))
    }

    /// The stored entries from `next` to `to`, across branches.
    fn block<S: Store>(&self, store: &mut S, group: GroupId, log: &Log, to: u64) -> Result<Vec<Stored>, S::Error> {
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

    /// The next bodies up to `last`: as many as make one message.
    fn bodies<S: Store>(
        &mut self,
        store: &mut S,
        group: GroupId,
        log: &Log,
        last: u64,
    ) -> Result<Option<Message>, S::Error> {
        let ready = std::mem::take(&mut self.ready);
        if !ready.is_empty() {
            self.next += ready.len() as u64;
            self.owed = Some(last).filter(|last| self.next <= *last);
            return Ok(Some(Message::Bodies(ready)));
        }
        let segment = self.path.iter().find(|s| (s.from..=s.to).contains(&self.next)).expect("its header was sent");
        let count = usize::try_from(last.min(segment.to) - self.next + 1).expect("at most SIGN_EVERY");
        let chain = log.chains[segment.chain].no;
        let entries = store.entries(group, chain, self.next, count, BODIES_BYTES, true)?;
        if entries.is_empty() {
            return Ok(None);
        }
        self.next += entries.len() as u64;
        self.owed = Some(last).filter(|last| self.next <= *last);
        Ok(Some(Message::Bodies(entries.into_iter().map(|e| e.body).collect())))
    }
}

/// Answers for as many of the ranges as fit, in their order; at least one.
fn answers(index: &Index, ranges: &[Range]) -> Vec<Answer> {
    let mut out: Vec<Answer> = vec![];
    let mut size = 0;
    for range in ranges {
        let leaves: Vec<_> = index.leaves(*range).take(LEAF_TIPS + 1).collect();
        let answer = if index.len() <= SMALL_GROUP_TIPS {
            Answer::Leaves(index.leaves(*range).collect())
        } else if leaves.len() <= LEAF_TIPS {
            Answer::Leaves(leaves)
        } else {
            let parts = index.split(*range);
            Answer::Split(parts.into_iter().map(|p| (p.hi, index.range_fingerprint(p))).collect())
        };
        size += match &answer {
            Answer::Leaves(leaves) => 72 * leaves.len(),
            Answer::Split(parts) => 80 * parts.len(),
        };
        if !out.is_empty() && size > ANSWERS_BYTES {
            break;
        }
        out.push(answer);
    }
    out
}

const _: () = assert!(ANSWERS_BYTES + 80 * SMALL_GROUP_TIPS + 4 * MAX_ASKED < MAX_MESSAGE_BYTES);
const _: () = assert!(BODIES_BYTES + crate::log::header::MAX_BODY_BYTES as usize + 64 * 2 < MAX_MESSAGE_BYTES);
