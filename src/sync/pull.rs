//! The pulling side of a sync stream, as a state machine.
//!
//! Call order: [`Pull::new`] gives the hello. Every message that comes goes to [`Pull::handle`], whose steps the
//! caller carries out in order; for each [`Step::Lacks`] it calls [`Pull::want`] unless it has the entry, then calls
//! [`Pull::poll`] and sends what that gives. When [`Pull::is_idle`] says so after that, nothing is left to ask: send
//! [`Pull::finish`] and close.
//!
//! What is wanted is looked at once more right before it is asked for, since other pulls and gossip go on meanwhile;
//! and one log is asked for one tip at a time, so that what its branches share comes once.

use std::collections::VecDeque;

use super::handshake::{self, Ends, Proven, Summary};
use super::index::{Index, Key, RANGE_FINGERPRINT_BYTES, Range, Tip};
use super::message::{Answer, EndStatus, MAX_ASKED, MAX_HAVE, MAX_WANTS, Message, Want};
use crate::log::entry::check_body;
use crate::log::keys::{GroupKeys, LogKey};
use crate::log::run::{Authentic, RunError};
use crate::model::id::{GroupId, LogId, Peer};

/// Most wants that wait for their end at a time.
pub const MAX_OUTSTANDING_WANTS: usize = 32;
/// Most wants that wait to be sent. A peer that offers more than this is asked again in a later pull.
pub const MAX_QUEUED_WANTS: usize = 4096;
/// Most ranges that wait to be asked.
pub const MAX_QUEUED_RANGES: usize = 4096;
/// Most ranges that one pull asks for: a peer can not split for ever.
pub const MAX_RANGES: usize = 16_384;
/// Most queued wants that are looked at in one go.
const MAX_LOOKS: usize = 1_024;
/// Most tips remembered that the other side did not name, and most that were left out.
pub const MAX_REMEMBERED: usize = 256;

const _: () = assert!(MAX_OUTSTANDING_WANTS <= MAX_WANTS);

/// A tip that the other side has and we lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The log.
    pub log: LogId,
    /// The tip, as the other side claims it.
    pub tip: Tip,
    /// Whether to say more of what is held than the log's tips: none of those lies on the way to this one.
    pub sampled: bool,
    /// How many entries that is, as far as the positions tell.
    pub lacks: u64,
}

/// What the caller finds when it looks again at a tip that is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It is here by now.
    Held,
    /// Somebody else is bringing it: look again later.
    Wait,
    /// Ask for it, naming these positions as held; so many entries are lacking.
    Ask(Vec<Tip>, u64),
}

/// What the caller does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this message.
    Send(Message),
    /// The other side has proven itself, and this is what it holds.
    Proven(Proven),
    /// The other side holds the same in this range of tips.
    Agrees(Range),
    /// The other side has this tip of a log, which is one here.
    Holds(LogId, Tip),
    /// The other side has this tip of a log, and it is no tip here.
    Lacks {
        /// The log.
        log: LogId,
        /// The tip there.
        tip: Tip,
    },
    /// The next entry of a run, authentic and with the right body. Hand it over in order.
    Entry {
        /// Header and id.
        authentic: Authentic,
        /// The body.
        body: Vec<u8>,
        /// The run's signature, when this is its last entry.
        signature: Option<[u8; 64]>,
    },
    /// The bodies end before the run does: these headers follow the last entry and, through their signature, make it
    /// authentic.
    Tail {
        /// The headers without bodies, in order; never empty.
        headers: Vec<Authentic>,
        /// The signature over the last of them.
        signature: [u8; 64],
    },
    /// A want came to its end.
    Ended(Missing, EndStatus),
}

/// What a peer must never do; each is a reason to close the stream and to think less of the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The handshake does not prove the group.
    #[error(transparent)]
    Handshake(#[from] handshake::HandshakeError),
    /// A message that this state does not expect.
    #[error("a message came that was not asked for: {0}")]
    Unexpected(&'static str),
    /// A run that does not verify.
    #[error("a run does not verify: {0}")]
    Run(#[from] RunError),
    /// A body that is not the one that its header commits to.
    #[error("a body is not the one that its header commits to")]
    Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Greeting { nonce: [u8; 32] },
    Comparing,
}

/// A run whose bodies are coming in.
#[derive(Debug, Clone)]
struct Incoming {
    left: VecDeque<Authentic>,
    bodies: u16,
    signature: [u8; 64],
}

/// The pulling side of one stream.
#[derive(Debug)]
pub struct Pull {
    group: GroupId,
    keys: GroupKeys,
    me: Peer,
    /// The log that the hello was signed by: a fresh one may have been taken since.
    log: LogKey,
    other: Peer,
    state: State,
    proven: Option<Proven>,
    ranges: VecDeque<Range>,
    asked: VecDeque<Range>,
    ranges_left: usize,
    wants: VecDeque<Missing>,
    outstanding: VecDeque<Missing>,
    incoming: Option<Incoming>,
    /// Whether something may be asked now that could not be asked before.
    stirred: bool,
    /// Tips of ours that the other side did not name where it named its own; `unnamed_more` when there were too many.
    unnamed: Vec<(LogId, Tip)>,
    unnamed_more: bool,
    /// What the other side has and this pull does not bring; `left_more` when there was too much.
    left: Vec<Missing>,
    left_more: bool,
}

impl Pull {
    /// A pull of `group` from `other`, and its first message.
    #[must_use]
    pub fn new(
        group: GroupId,
        keys: GroupKeys,
        me: Peer,
        other: Peer,
        nonce: [u8; 32],
        summary: Summary,
        log: &LogKey,
    ) -> (Self, Message) {
        let hello = handshake::hello(&keys, Ends { puller: &me, server: &other }, nonce, summary, log);
        let pull = Self {
            group,
            keys,
            me,
            log: log.clone(),
            other,
            state: State::Greeting { nonce },
            proven: None,
            ranges: VecDeque::new(),
            asked: VecDeque::new(),
            ranges_left: MAX_RANGES,
            wants: VecDeque::new(),
            outstanding: VecDeque::new(),
            incoming: None,
            stirred: false,
            unnamed: vec![],
            unnamed_more: false,
            left: vec![],
            left_more: false,
        };
        (pull, hello)
    }

    /// The group that is pulled.
    #[must_use]
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// The peer that is pulled from.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.other
    }

    /// What the other side proved and holds, once it did.
    #[must_use]
    pub fn proven(&self) -> Option<&Proven> {
        self.proven.as_ref()
    }

    /// Takes a message in; the steps must be carried out in order.
    ///
    /// # Errors
    /// When the peer breaks the protocol: close the stream.
    pub fn handle(&mut self, message: Message, index: &mut Index) -> Result<Vec<Step>, Violation> {
        self.stirred |= !matches!(message, Message::Run { .. } | Message::Bodies(_));
        match (message, &self.state) {
            (Message::Welcome { nonce, proof, sealed }, State::Greeting { nonce: mine }) => {
                let ends = Ends { puller: &self.me, server: &self.other };
                let proven = handshake::open_welcome(&self.keys, ends, mine, &nonce, &proof, &sealed)?;
                self.state = State::Comparing;
                self.proven = Some(proven.clone());
                if !proven.welcome.standing.is_served() {
                    return Ok(vec![Step::Proven(proven)]);
                }
                let equal = proven.summary.fingerprint == index.fingerprint();
                if !equal {
                    self.ranges.push_back(Range::ALL);
                }
                let identify = handshake::identify(&self.log, &proven.transcript);
                let agrees = equal.then_some(Step::Agrees(Range::ALL));
                Ok([Step::Proven(proven), Step::Send(identify)].into_iter().chain(agrees).collect())
            }
            (Message::Answers(answers), State::Comparing) => self.compare(answers, index),
            (Message::Run { bodies, run }, State::Comparing) => {
                let steps = self.tail("a run inside a run")?;
                let want = self.outstanding.front().ok_or(Violation::Unexpected("a run"))?;
                if run.log != want.log {
                    return Err(Violation::Unexpected("a run of another log"));
                }
                if run.crosses_signature_point() {
                    return Err(Violation::Unexpected("a run beyond a signature point"));
                }
                let left: VecDeque<_> = run.verify(self.group)?.into();
                self.incoming = Some(Incoming { left, bodies, signature: run.signature });
                Ok(steps)
            }
            (Message::Bodies(bodies), State::Comparing) => self.bodies(bodies),
            (Message::End(status), State::Comparing) => {
                let mut steps = self.tail("an end inside a run")?;
                let want = self.outstanding.pop_front().ok_or(Violation::Unexpected("an end"))?;
                steps.push(Step::Ended(want, status));
                Ok(steps)
            }
            _ => Err(Violation::Unexpected("message out of turn")),
        }
    }

    fn compare(&mut self, answers: Vec<Answer>, index: &Index) -> Result<Vec<Step>, Violation> {
        let mut steps = vec![];
        if answers.is_empty() || answers.len() > self.asked.len() {
            return Err(Violation::Unexpected("answers"));
        }
        for answer in answers {
            let range = self.asked.pop_front().expect("counted above");
            match answer {
                Answer::Split(parts) => steps.extend(self.compare_parts(range, parts, index)?),
                Answer::Leaves(leaves) => {
                    if leaves.iter().any(|(log, tip)| !range.contains(Key { log: *log, id: tip.id })) {
                        return Err(Violation::Unexpected("a leaf outside its range"));
                    }
                    self.compare_own(range, &leaves, index);
                    steps.extend(leaves.into_iter().map(|(log, tip)| {
                        if index.has(log, tip) { Step::Holds(log, tip) } else { Step::Lacks { log, tip } }
                    }));
                }
            }
        }
        // What was asked and not answered is asked again.
        while let Some(range) = self.asked.pop_back() {
            self.ranges.push_front(range);
        }
        Ok(steps)
    }

    fn compare_parts(
        &mut self,
        range: Range,
        parts: Vec<(Key, [u8; RANGE_FINGERPRINT_BYTES])>,
        index: &Index,
    ) -> Result<Vec<Step>, Violation> {
        let mut agreed = vec![];
        let mut lo = range.lo;
        let last = parts.len().wrapping_sub(1);
        if parts.len() < 2 {
            return Err(Violation::Unexpected("a split that does not split"));
        }
        for (i, (hi, fingerprint)) in parts.into_iter().enumerate() {
            let part = Range { lo, hi };
            let ends_right = if i == last { hi == range.hi } else { hi != Key::ZERO && range.contains(hi) };
            if !part.is_valid() || !ends_right {
                return Err(Violation::Unexpected("a split that does not cover its range"));
            }
            if index.range_fingerprint(part) == fingerprint {
                agreed.push(Step::Agrees(part));
            } else {
                if self.ranges.len() < MAX_QUEUED_RANGES {
                    self.ranges.push_back(part);
                } else {
                    self.left_more = true;
                }
            }
            lo = hi;
        }
        Ok(agreed)
    }

    /// Remembers which of our tips the other side does not name.
    fn compare_own(&mut self, range: Range, theirs: &[(LogId, Tip)], index: &Index) {
        for (log, tip) in index.leaves(range) {
            let named = theirs.binary_search_by(|(l, t)| (*l, t.id).cmp(&(log, tip.id))).is_ok();
            if !named && self.unnamed.len() >= MAX_REMEMBERED {
                self.unnamed_more = true;
                return;
            }
            if !named {
                self.unnamed.push((log, tip));
            }
        }
    }

    /// Takes bodies in. They are checked before any is taken, so that what is left of the run still follows what the
    /// caller has stored when the peer is refused.
    fn bodies(&mut self, bodies: Vec<Vec<u8>>) -> Result<Vec<Step>, Violation> {
        let incoming = self.incoming.as_mut().ok_or(Violation::Unexpected("a body"))?;
        if bodies.is_empty() || bodies.len() > usize::from(incoming.bodies) {
            return Err(Violation::Unexpected("bodies"));
        }
        if bodies.iter().zip(&incoming.left).any(|(body, a)| check_body(&a.header, body).is_err()) {
            return Err(Violation::Body);
        }
        let mut steps = Vec::with_capacity(bodies.len());
        for body in bodies {
            let authentic = incoming.left.pop_front().expect("a run has at least as many headers as bodies");
            incoming.bodies -= 1;
            let signature = incoming.left.is_empty().then_some(incoming.signature);
            steps.push(Step::Entry { authentic, body, signature });
        }
        if incoming.left.is_empty() {
            self.incoming = None;
        }
        if let Some(front) = self.outstanding.front_mut() {
            front.lacks = front.lacks.saturating_sub(steps.len() as u64);
        }
        Ok(steps)
    }

    /// Ends the run under way: an error while bodies are owed, its tail when headers are left.
    fn tail(&mut self, why: &'static str) -> Result<Vec<Step>, Violation> {
        match self.incoming.take() {
            None => Ok(vec![]),
            Some(incoming) if incoming.bodies > 0 => Err(Violation::Unexpected(why)),
            Some(Incoming { left, signature, .. }) => Ok(vec![Step::Tail { headers: left.into(), signature }]),
        }
    }

    /// Queues a tip to be asked for; when the queue is full it is left to a later pull.
    pub fn want(&mut self, missing: Missing) {
        if self.wants.len() < MAX_QUEUED_WANTS {
            self.wants.push_back(missing);
        } else {
            self.leave(missing);
        }
    }

    /// Notes that this pull does not bring a tip that the other side says to have.
    pub fn leave(&mut self, missing: Missing) {
        if self.left.len() < MAX_REMEMBERED {
            self.left.push(missing);
        } else {
            self.left_more = true;
        }
    }

    /// The next requests to send, as far as the windows allow. `look` is asked about every tip right before it would
    /// be asked for.
    ///
    /// # Errors
    /// When `look` fails.
    pub fn poll<E>(&mut self, mut look: impl FnMut(&Missing) -> Result<Look, E>) -> Result<Vec<Message>, E> {
        let mut out = vec![];
        if self.state != State::Comparing || !std::mem::take(&mut self.stirred) {
            return Ok(out);
        }
        if self.asked.is_empty() && !self.ranges.is_empty() {
            let count = self.ranges.len().min(MAX_ASKED).min(self.ranges_left);
            self.ranges_left -= count;
            self.asked = self.ranges.drain(..count).collect();
            if count == 0 {
                self.ranges.clear();
                self.left_more = true;
            } else {
                out.push(Message::Ask(self.asked.iter().copied().collect()));
            }
        }
        let room = MAX_OUTSTANDING_WANTS - self.outstanding.len();
        if room < MAX_OUTSTANDING_WANTS / 2 && room < self.wants.len() {
            return Ok(out);
        }
        let mut asks = vec![];
        for _ in 0..self.wants.len().min(MAX_LOOKS) {
            if asks.len() == room {
                break;
            }
            let Some(missing) = self.wants.pop_front() else { break };
            if self.outstanding.iter().any(|m| m.log == missing.log) {
                self.wants.push_back(missing);
                continue;
            }
            match look(&missing)? {
                Look::Held => {}
                Look::Wait => self.wants.push_back(missing),
                Look::Ask(mut have, lacks) => {
                    have.truncate(MAX_HAVE);
                    asks.push(Want { log: missing.log, tip: missing.tip, have });
                    self.outstanding.push_back(Missing { lacks, ..missing });
                }
            }
        }
        if !asks.is_empty() {
            out.push(Message::Want(asks));
        }
        Ok(out)
    }

    /// Says that time has passed: what had to wait may be looked at again by [`Pull::poll`].
    pub fn stir(&mut self) {
        self.stirred = true;
    }

    /// The headers of the run whose bodies are still missing, with its signature: what makes the entries before them
    /// authentic, and what a resumed transfer begins with.
    #[must_use]
    pub fn unfinished(&self) -> Option<(&VecDeque<Authentic>, [u8; 64])> {
        self.incoming.as_ref().filter(|i| !i.left.is_empty()).map(|i| (&i.left, i.signature))
    }

    /// The tips that were asked for and have not come to their end, in order.
    pub fn outstanding(&self) -> impl Iterator<Item = &Missing> {
        self.outstanding.iter()
    }

    /// Whether the other side owes an answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.state != State::Comparing || !self.asked.is_empty() || !self.outstanding.is_empty()
    }

    /// What is still to come: queued or under way.
    pub fn missing(&self) -> impl Iterator<Item = &Missing> {
        self.wants.iter().chain(&self.outstanding)
    }

    /// What the other side says to have and this pull does not bring: at most [`MAX_REMEMBERED`] of it.
    #[must_use]
    pub fn left(&self) -> &[Missing] {
        &self.left
    }

    /// Whether this pull does not bring everything that the other side says to have.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        self.left_more || !self.left.is_empty()
    }

    /// Whether we have something that the other side lacks: a tip that it did not name and that nothing which it sent
    /// builds on.
    #[must_use]
    pub fn is_ahead(&self, index: &Index) -> bool {
        self.unnamed_more || self.unnamed.iter().any(|(log, tip)| index.has(*log, *tip))
    }

    /// Whether nothing is left to ask or to wait for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Comparing
            && self.ranges.is_empty()
            && self.asked.is_empty()
            && self.wants.is_empty()
            && self.outstanding.is_empty()
    }

    /// The last message: what we hold now.
    #[must_use]
    pub fn finish(summary: Summary) -> Message {
        Message::Finish { fingerprint: summary.fingerprint, entries: summary.entries }
    }
}
