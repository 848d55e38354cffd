//! The pulling side of a sync stream, as a state machine.
//!
//! Call order: [`Pull::new`] gives the hello. Every message that comes goes to [`Pull::handle`], whose steps the
//! caller carries out in order; for each [`Step::Leaf`] it calls [`Pull::want`] for what it lacks, then drains
//! [`Pull::poll`]. When [`Pull::is_idle`] says so after that, nothing is left to ask: send [`Pull::finish`] and close.

use std::collections::VecDeque;

use super::handshake::{self, Ends, Proven, Summary};
use super::index::{Index, Range, Tip};
use super::message::{Answer, EndStatus, MAX_ASKED, MAX_WANTS, Message, Want};
use crate::log::entry::check_body;
use crate::log::keys::{GroupKeys, LogKey};
use crate::log::run::{Authentic, RunError, SIGN_EVERY};
use crate::model::id::{GroupId, LogId, Peer};

/// Most wants that wait for their end at a time.
pub const MAX_OUTSTANDING_WANTS: usize = 32;
/// Most wants that wait to be sent. A peer that offers more logs than this is asked again in a later pull.
pub const MAX_QUEUED_WANTS: usize = 4096;
/// Most ranges that wait to be asked.
pub const MAX_QUEUED_RANGES: usize = 4096;

const _: () = assert!(MAX_OUTSTANDING_WANTS <= MAX_WANTS);

/// What the caller does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this message.
    Send(Message),
    /// The other side has proven itself, and this is what it holds.
    Proven(Proven),
    /// The other side has these tips of a log, and ours differ.
    Leaf {
        /// The log.
        log: LogId,
        /// Its tips there.
        tips: Vec<Tip>,
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
        /// The log.
        log: LogId,
        /// The headers without bodies, in order; never empty.
        headers: Vec<Authentic>,
        /// The signature over the last of them.
        signature: [u8; 64],
    },
    /// A want came to its end.
    Ended(Want, EndStatus),
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
    other: Peer,
    state: State,
    proven: Option<Proven>,
    ranges: VecDeque<Range>,
    asked: VecDeque<Range>,
    wants: VecDeque<Want>,
    outstanding: VecDeque<Want>,
    incoming: Option<Incoming>,
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
    ) -> (Self, Message) {
        let hello = handshake::hello(&keys, Ends { puller: &me, server: &other }, nonce, summary);
        let pull = Self {
            group,
            keys,
            me,
            other,
            state: State::Greeting { nonce },
            proven: None,
            ranges: VecDeque::new(),
            asked: VecDeque::new(),
            wants: VecDeque::new(),
            outstanding: VecDeque::new(),
            incoming: None,
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
    pub fn handle(&mut self, message: Message, index: &mut Index, log: &LogKey) -> Result<Vec<Step>, Violation> {
        match (message, &self.state) {
            (Message::Welcome { nonce, proof, sealed }, State::Greeting { nonce: mine }) => {
                let ends = Ends { puller: &self.me, server: &self.other };
                let proven = handshake::open_welcome(&self.keys, ends, mine, &nonce, &proof, &sealed)?;
                self.state = State::Comparing;
                self.proven = Some(proven.clone());
                if proven.summary.fingerprint != index.fingerprint() {
                    self.ranges.push_back(Range::ALL);
                }
                let identify = handshake::identify(log, &proven.transcript);
                Ok(vec![Step::Proven(proven), Step::Send(identify)])
            }
            (Message::Answers(answers), State::Comparing) => self.compare(answers, index),
            (Message::Run { bodies, run }, State::Comparing) => {
                let steps = self.tail("a run inside a run")?;
                let want = self.outstanding.front().ok_or(Violation::Unexpected("a run"))?;
                if run.log != want.log {
                    return Err(Violation::Unexpected("a run of another log"));
                }
                if run.start / SIGN_EVERY != run.start.saturating_add(u64::from(run.count) - 1) / SIGN_EVERY {
                    return Err(Violation::Unexpected("a run beyond a signature point"));
                }
                let left: VecDeque<_> = run.verify(self.group)?.into();
                self.incoming = (bodies > 0).then_some(Incoming { left, bodies, signature: run.signature });
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
                Answer::Split(parts) => {
                    let mut lo = range.lo;
                    let last = parts.len().wrapping_sub(1);
                    if parts.len() < 2 {
                        return Err(Violation::Unexpected("a split that does not split"));
                    }
                    for (i, (hi, fingerprint)) in parts.into_iter().enumerate() {
                        let part = Range { lo, hi };
                        let ends_right =
                            if i == last { hi == range.hi } else { hi != LogId::ZERO && range.contains(hi) };
                        if !part.is_valid() || !ends_right {
                            return Err(Violation::Unexpected("a split that does not cover its range"));
                        }
                        if index.range_fingerprint(part) != fingerprint && self.ranges.len() < MAX_QUEUED_RANGES {
                            self.ranges.push_back(part);
                        }
                        lo = hi;
                    }
                }
                Answer::Leaves(leaves) => {
                    if leaves.windows(2).any(|w| w[0].0 >= w[1].0) {
                        return Err(Violation::Unexpected("leaves out of order"));
                    }
                    for (log, tips) in leaves {
                        if !range.contains(log) || tips.is_empty() {
                            return Err(Violation::Unexpected("a leaf outside its range"));
                        }
                        if index.tips(log) != tips {
                            steps.push(Step::Leaf { log, tips });
                        }
                    }
                }
            }
        }
        // What was asked and not answered is asked again.
        while let Some(range) = self.asked.pop_back() {
            self.ranges.push_front(range);
        }
        Ok(steps)
    }

    fn bodies(&mut self, bodies: Vec<Vec<u8>>) -> Result<Vec<Step>, Violation> {
        let mut steps = Vec::with_capacity(bodies.len());
        for body in bodies {
            let incoming = self.incoming.as_mut().ok_or(Violation::Unexpected("a body"))?;
            incoming.bodies = incoming.bodies.checked_sub(1).ok_or(Violation::Unexpected("a body"))?;
            let authentic = incoming.left.pop_front().ok_or(Violation::Unexpected("a body"))?;
            check_body(&authentic.header, &body).map_err(|_| Violation::Body)?;
            let signature = incoming.left.is_empty().then_some(incoming.signature);
            steps.push(Step::Entry { authentic, body, signature });
            if incoming.left.is_empty() {
                self.incoming = None;
            }
        }
        Ok(steps)
    }

    /// Ends the run under way: an error while bodies are owed, its tail when headers are left.
    fn tail(&mut self, why: &'static str) -> Result<Vec<Step>, Violation> {
        match self.incoming.take() {
            None => Ok(vec![]),
            Some(incoming) if incoming.bodies > 0 => Err(Violation::Unexpected(why)),
            Some(Incoming { left, signature, .. }) => {
                let log = left.front().expect("a finished run was taken out").header.log;
                Ok(vec![Step::Tail { log, headers: left.into(), signature }])
            }
        }
    }

    /// Queues a want; `false` when the queue is full and the log must wait for a later pull.
    pub fn want(&mut self, want: Want) -> bool {
        let fits = self.wants.len() < MAX_QUEUED_WANTS;
        if fits {
            self.wants.push_back(want);
        }
        fits
    }

    /// The next requests to send, as far as the windows allow.
    pub fn poll(&mut self) -> Vec<Message> {
        let mut out = vec![];
        if self.state != State::Comparing {
            return out;
        }
        if self.asked.is_empty() && !self.ranges.is_empty() {
            let count = self.ranges.len().min(MAX_ASKED);
            self.asked = self.ranges.drain(..count).collect();
            out.push(Message::Ask(self.asked.iter().copied().collect()));
        }
        let room = MAX_OUTSTANDING_WANTS - self.outstanding.len();
        if !self.wants.is_empty() && (room >= MAX_OUTSTANDING_WANTS / 2 || room >= self.wants.len()) {
            let count = self.wants.len().min(room);
            let wants: Vec<Want> = self.wants.drain(..count).collect();
            self.outstanding.extend(wants.iter().cloned());
            out.push(Message::Want(wants));
        }
        out
    }

    /// The headers of the run whose bodies are still missing, with its signature: what makes the entries before them
    /// authentic, and what a resumed transfer begins with.
    #[must_use]
    pub fn unfinished(&self) -> Option<(&VecDeque<Authentic>, [u8; 64])> {
        self.incoming.as_ref().filter(|i| !i.left.is_empty()).map(|i| (&i.left, i.signature))
    }

    /// Logs whose wants are queued or under way.
    pub fn logs(&self) -> impl Iterator<Item = LogId> {
        self.wants.iter().chain(&self.outstanding).map(|w| w.log)
    }

    /// How many entries are known to be missing here: from the positions held to the tips wanted.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let lacks = |w: &Want| {
            let from = w.have.iter().map(|t| t.seq + 1).filter(|s| *s <= w.tip.seq + 1).max().unwrap_or(0);
            w.tip.seq.saturating_add(1).saturating_sub(from)
        };
        self.wants.iter().chain(&self.outstanding).map(lacks).fold(0, u64::saturating_add)
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
