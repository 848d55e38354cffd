//! The engine's part in pulling: what to want, what to do with what comes.

use std::collections::{BTreeMap, VecDeque};

use super::due::COMPARE_MS;
use super::group::Accepted;
use super::io::{Event, Output, StreamId};
use super::store::Store;
use super::{Engine, Group, Pulling, Stream};
use crate::log::entry::Verified;
use crate::log::run::Authentic;
use crate::model::id::{GroupId, LogId, Peer};
use crate::sync::handshake::Standing;
use crate::sync::index::Tip;
use crate::sync::message::{EndStatus, MAX_HAVE, Message};
use crate::sync::pull::{Look, Missing, Pull, Step};

/// A log is left to another pull while that has asked for it, or got something of it, within this time, in milliseconds.
const DEFER_MS: u64 = 5_000;
/// A pull that does nothing but wait for others does so for this long at most, in milliseconds.
const MAX_WAIT_MS: u64 = 60_000;
/// How often a waiting pull looks whether others brought what it waits for, in milliseconds.
const LOOK_MS: u64 = 1_000;

impl<S: Store> Engine<S> {
    pub(super) fn begin_pull(&mut self, now: u64, stream: StreamId, id: GroupId, peer: Peer) {
        let Some(group) = self.groups.get_mut(&id) else {
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            return;
        };
        let summary = group.summary();
        let me = self.identity.peer.clone();
        let (pull, hello) = Pull::new(id, group.keys.clone(), me, peer, self.entropy.array(), summary, &group.me);
        let pulling = Pulling {
            pull,
            begun_ms: now,
            progress_ms: now,
            received: 0,
            moved: BTreeMap::new(),
            look_at: None,
            waits_since: None,
            refused: VecDeque::new(),
        };
        self.streams.insert(stream, Stream::Pull(Box::new(pulling)));
        self.output(Output::Send(stream, hello.encode()));
    }

    pub(super) fn pull_frame(&mut self, now: u64, stream: StreamId, bytes: &[u8]) -> Result<(), S::Error> {
        let Some(Stream::Pull(mut pulling)) = self.streams.remove(&stream) else { return Ok(()) };
        let id = pulling.pull.group();
        let peer = pulling.pull.peer().clone();
        let Some(group) = self.groups.get_mut(&id) else {
            self.output(Output::Close(stream));
            return Ok(());
        };
        let steps = Message::decode(bytes).map_err(|e| e.to_string()).and_then(|message| {
            let moves = matches!(message, Message::Welcome { .. } | Message::Answers(_) | Message::End(_));
            if moves && now < pulling.begun_ms + COMPARE_MS {
                pulling.progress_ms = now;
            }
            pulling.pull.handle(message, &mut group.index).map_err(|e| e.to_string())
        });
        let steps = match steps {
            Ok(steps) => steps,
            Err(why) => {
                self.violated(now, stream, &pulling, why);
                return Ok(());
            }
        };
        for step in steps {
            if let Err(why) = self.step(now, stream, &mut pulling, id, &peer, step)? {
                self.violated(now, stream, &pulling, why);
                return Ok(());
            }
        }
        let standing = pulling.pull.proven().map(|p| p.welcome.standing);
        // Two that wait to be let in have nothing for each other.
        let both_wait = |group: &Group| standing == Some(Standing::Both) && group.is_waiting();
        if standing.is_some_and(|s| !s.is_served()) || self.groups.get(&id).is_some_and(both_wait) {
            self.turned_away(now, stream, &pulling);
            return Ok(());
        }
        self.ask_on(now, stream, pulling)
    }

    /// Sends what may be asked next, or ends the pull when nothing is left.
    pub(super) fn ask_on(&mut self, now: u64, stream: StreamId, mut pulling: Box<Pulling>) -> Result<(), S::Error> {
        let id = pulling.pull.group();
        let Some(group) = self.groups.get(&id) else {
            self.output(Output::Close(stream));
            return Ok(());
        };
        let patient = pulling.waits_since.is_none_or(|since| now < since + MAX_WAIT_MS);
        let (streams, store) = (&self.streams, &mut self.store);
        let elsewhere = |log: LogId| streams.values().any(|s| matches!(s, Stream::Pull(p) if p.brings(id, log, now)));
        let messages = pulling.pull.poll(|missing| look(store, group, missing, patient && elsewhere(missing.log)))?;
        for message in messages {
            if let Message::Want(wants) = &message {
                pulling.moved.extend(wants.iter().map(|want| (want.log, now)));
            }
            self.output(Output::Send(stream, message.encode()));
        }
        if pulling.pull.is_idle() {
            self.finish(now, stream, &pulling);
            return Ok(());
        }
        if pulling.pull.is_waiting() {
            (pulling.look_at, pulling.waits_since) = (None, None);
        } else {
            pulling.waits_since.get_or_insert(now);
            pulling.look_at = Some(now + LOOK_MS);
            pulling.progress_ms = now;
        }
        self.streams.insert(stream, Stream::Pull(pulling));
        Ok(())
    }

    fn step(
        &mut self,
        now: u64,
        stream: StreamId,
        pulling: &mut Pulling,
        id: GroupId,
        peer: &Peer,
        step: Step,
    ) -> Result<Result<(), String>, S::Error> {
        match step {
            Step::Send(message) => self.output(Output::Send(stream, message.encode())),
            Step::Proven(proven) => {
                if let Some(group) = self.groups.get_mut(&id) {
                    if let Some(member) = group.connected.get_mut(peer) {
                        member.log = Some(proven.log);
                    }
                    let me = group.me.id();
                    for (epoch, key) in &proven.welcome.keys {
                        group.take_sealed(&mut self.store, *epoch, me, key)?;
                    }
                }
                self.stands(id, proven.welcome.standing, proven.welcome.quarantined);
                if !proven.welcome.told.is_empty() {
                    self.output(Output::Learned(id, proven.welcome.told));
                }
            }
            Step::Agrees(range) => {
                if let Some(group) = self.reader(pulling, id) {
                    group.agreed(range);
                }
            }
            Step::Holds(log, tip) => {
                if let Some(group) = self.reader(pulling, id) {
                    group.held_elsewhere(log, tip);
                }
            }
            Step::Lacks { log, tip } => self.lacks(pulling, id, log, tip)?,
            Step::Entry { authentic, body, signature } => {
                return self.entry_came(now, pulling, id, &authentic, &body, signature);
            }
            Step::Tail { headers, signature } => {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.set_pending(&headers.into(), signature);
                }
            }
            Step::Ended(missing, status) => {
                pulling.moved.remove(&missing.log);
                let Some(group) = self.groups.get(&id) else { return Ok(Ok(())) };
                if status == EndStatus::NeedSamples && !missing.sampled {
                    pulling.pull.want(Missing { sampled: true, ..missing });
                } else if !is_held(&mut self.store, group, missing.log, missing.tip)? {
                    pulling.pull.leave(missing);
                }
            }
        }
        Ok(Ok(()))
    }

    /// The other side has a tip that is no tip here: it is wanted unless something here builds on it.
    fn lacks(&mut self, pulling: &mut Pulling, id: GroupId, log: LogId, tip: Tip) -> Result<(), S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        let chain = group.logs.get(&log).map_or(Ok(None), |log| log.find(&mut self.store, tip.seq, tip.id))?;
        if let Some(chain) = chain {
            // It is here, and something was built on it.
            if group.is_own(log)
                && let Some(group) = self.reader(pulling, id)
            {
                group.held_up_to(log, chain, tip.seq);
            }
            return Ok(());
        }
        let missing = Missing { log, tip, sampled: false, lacks: count(group.index.tips(log), tip) };
        if group.chains >= group.max_chains && !group.logs.contains_key(&log) {
            pulling.pull.leave(missing);
        } else {
            pulling.pull.want(missing);
        }
        Ok(())
    }

    /// The group, when the peer that is pulled from may read it: what others say to hold does not count.
    fn reader(&mut self, pulling: &Pulling, id: GroupId) -> Option<&mut Group> {
        let log = pulling.pull.proven()?.log;
        self.groups.get_mut(&id).filter(|group| group.may_read(log))
    }

    fn entry_came(
        &mut self,
        now: u64,
        pulling: &mut Pulling,
        id: GroupId,
        authentic: &Authentic,
        body: &[u8],
        signature: Option<[u8; 64]>,
    ) -> Result<Result<(), String>, S::Error> {
        match self.take(now, id, authentic, body, signature)? {
            Accepted::New { .. } => {
                pulling.refused.clear();
                pulling.received += 1;
                pulling.progress_ms = now;
                pulling.moved.insert(authentic.header.log, now);
            }
            Accepted::Held | Accepted::Aside => {}
            // What follows it in the run has no place either: that is not the peer's fault.
            Accepted::Full => self.refuse(pulling, id, authentic, signature),
            Accepted::Gap if pulling.refused.back().is_some_and(|last| last.id == authentic.header.prev) => {
                self.refuse(pulling, id, authentic, signature);
            }
            Accepted::Gap => return Ok(Err("a run that begins after something that is not here".into())),
            Accepted::Foreign => return Ok(Err("an entry of another group".into())),
        }
        Ok(Ok(()))
    }

    /// An entry of a run does not come in. Its header, and those after it up to the run's signature, prove what did.
    fn refuse(&mut self, pulling: &mut Pulling, id: GroupId, entry: &Authentic, signature: Option<[u8; 64]>) {
        if pulling.refused.back().is_none_or(|last| last.id != entry.header.prev) {
            pulling.refused.clear();
        }
        pulling.refused.push_back(entry.clone());
        if let (Some(signature), Some(group)) = (signature, self.groups.get_mut(&id)) {
            group.set_pending(&pulling.refused, signature);
        }
    }

    /// Takes an authentic entry in, and whatever waited for it.
    pub(super) fn take(
        &mut self,
        now: u64,
        id: GroupId,
        entry: &Authentic,
        body: &[u8],
        signature: Option<[u8; 64]>,
    ) -> Result<Accepted, S::Error> {
        let accepted = self.take_one(now, id, entry, body, signature, false)?;
        let mut here = match accepted {
            Accepted::New { .. } | Accepted::Held => vec![(entry.header.log, entry.header.seq, entry.id)],
            _ => vec![],
        };
        while let Some((log, seq, entry)) = here.pop() {
            let Some(group) = self.groups.get_mut(&id) else { break };
            for next in group.early.take_after(log, seq, entry) {
                let authentic = Authentic { id: next.id, header: next.header };
                self.take_one(now, id, &authentic, &next.body, Some(next.signature), false)?;
                here.push((log, authentic.header.seq, authentic.id));
            }
        }
        Ok(accepted)
    }

    pub(super) fn take_verified(&mut self, now: u64, id: GroupId, entry: &Verified) -> Result<Accepted, S::Error> {
        let authentic = Authentic { id: entry.id, header: entry.header.clone() };
        self.take(now, id, &authentic, &entry.body, Some(entry.signature))
    }

    /// Takes one authentic entry in and tells what happened.
    pub(super) fn take_one(
        &mut self,
        now: u64,
        id: GroupId,
        entry: &Authentic,
        body: &[u8],
        signature: Option<[u8; 64]>,
        own: bool,
    ) -> Result<Accepted, S::Error> {
        let Some(group) = self.groups.get_mut(&id) else { return Ok(Accepted::Foreign) };
        let accepted = group.accept(&mut self.store, now, entry, body, signature)?;
        if let Accepted::New { person, kind } = accepted {
            // Somebody else writes in the log that we write in. Logs that we left behind may well go on elsewhere.
            group.forked |= !own && entry.header.log == group.me.id();
            if !own {
                group.held_elsewhere(entry.header.log, Tip { seq: entry.header.seq, id: entry.id });
            }
            let (log, class) = (entry.header.log, entry.header.class);
            self.event(Event::Entry { group: id, entry: entry.id, log, person, class, kind, own });
        }
        Ok(accepted)
    }
}

impl Pulling {
    /// What of the run under way is not stored, with its signature.
    pub(super) fn unfinished(&self) -> Option<(VecDeque<Authentic>, [u8; 64])> {
        let (left, signature) = self.pull.unfinished()?;
        let follows =
            self.refused.back().is_some_and(|last| left.front().is_some_and(|next| next.header.prev == last.id));
        let refused = self.refused.iter().filter(|_| follows);
        Some((refused.chain(left).cloned().collect(), signature))
    }

    /// Whether this pull is bringing a log, and has shown it lately.
    fn brings(&self, group: GroupId, log: LogId, now: u64) -> bool {
        self.pull.group() == group && self.moved.get(&log).is_some_and(|at| now < at + DEFER_MS)
    }
}

fn is_held<S: Store>(store: &mut S, group: &Group, log: LogId, tip: Tip) -> Result<bool, S::Error> {
    let chains = group.logs.get(&log);
    chains.map_or(Ok(false), |chains| Ok(chains.find(store, tip.seq, tip.id)?.is_some()))
}

/// What is known of a missing tip now.
fn look<S: Store>(store: &mut S, group: &Group, missing: &Missing, elsewhere: bool) -> Result<Look, S::Error> {
    let Missing { log, tip, sampled, .. } = *missing;
    if is_held(store, group, log, tip)? {
        return Ok(Look::Held);
    }
    if elsewhere {
        return Ok(Look::Wait);
    }
    let mut have: Vec<Tip> = match group.logs.get(&log) {
        Some(chains) if sampled => chains.samples(store, MAX_HAVE)?,
        _ => group.index.tips(log).collect(),
    };
    have.sort_unstable_by(|a, b| b.cmp(a));
    let lacks = count(have.iter().copied(), tip);
    Ok(Look::Ask(have, lacks))
}

/// How many entries are missing up to `tip`, if the highest of these positions below it lies on the way.
pub(super) fn count(have: impl Iterator<Item = Tip>, tip: Tip) -> u64 {
    let from = have.filter(|t| t.seq < tip.seq).map(|t| t.seq + 1).max().unwrap_or(0);
    tip.seq + 1 - from
}
