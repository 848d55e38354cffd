//! The engine's part in pulling: when to begin, what to want, what to do with what comes.

use super::group::{Accepted, Group};
use super::io::{Event, Output, Relation, StreamId};
use super::store::Store;
use super::{Engine, MAX_STREAMS, Pulling, Stream};
use crate::log::run::Authentic;
use crate::model::id::{EntryId, GroupId, LogId, Peer, PersonId};
use crate::sync::index::Tip;
use crate::sync::message::{EndStatus, MAX_HAVE, Message, Want};
use crate::sync::pull::{Pull, Step};

/// A pull that makes no progress for this long is given up, in milliseconds.
pub(super) const STALL_MS: u64 = 30_000;
/// Most pulls of one group at a time.
pub(super) const MAX_PULLS: usize = 4;
/// How often a connected member is compared with even when nothing happens, in milliseconds.
pub(super) const RECHECK_MS: u64 = 60_000;
/// How soon a pull is repeated that had to leave something out, in milliseconds.
const SKIPPED_RETRY_MS: u64 = 250;

/// How long to wait after `barren` pulls in a row that brought nothing although something was missing.
pub(super) fn backoff(barren: u32) -> u64 {
    if barren == 0 { 0 } else { (500u64 << barren.min(8)).min(60_000) }
}

impl<S: Store> Engine<S> {
    /// Compares with every connected member of a group as soon as possible.
    pub fn check(&mut self, now: u64, group: GroupId) {
        if let Some(group) = self.groups.get_mut(&group) {
            for member in group.members.values_mut() {
                member.pull_at = Some(now);
                member.barren = 0;
            }
        }
    }

    pub(super) fn begin_due_pulls(&mut self, now: u64) {
        let mut due: Vec<(GroupId, Peer)> = vec![];
        for group in self.groups.values() {
            let under_way = group.members.values().filter(|m| m.pulling.is_some()).count();
            let ready = |m: &super::Member| m.pulling.is_none() && m.pull_at.is_some_and(|at| at <= now);
            let peers = group.members.iter().filter(|(_, m)| ready(m)).map(|(p, _)| p);
            due.extend(peers.take(MAX_PULLS.saturating_sub(under_way)).map(|p| (group.id(), p.clone())));
        }
        for (id, peer) in due {
            if self.streams.len() >= MAX_STREAMS {
                return;
            }
            let stream = StreamId(self.next_stream);
            self.next_stream += 2;
            let member = self.groups.get_mut(&id).and_then(|g| g.members.get_mut(&peer)).expect("found above");
            member.pulling = Some(stream);
            member.pull_at = None;
            self.streams.insert(stream, Stream::Opening(id, peer.clone()));
            self.output(Output::Open(stream, peer));
        }
    }

    pub(super) fn begin_pull(&mut self, now: u64, stream: StreamId, id: GroupId, peer: Peer) {
        let Some(group) = self.groups.get_mut(&id) else {
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            return;
        };
        let summary = group.summary();
        let me = self.identity.peer.clone();
        let (pull, hello) = Pull::new(id, group.keys.clone(), me, peer, self.entropy.array(), summary);
        let pulling = Pulling { pull, progress_ms: now, received: 0, skipped: false, ahead: false, behind: false };
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
        pulling.progress_ms = now;
        let steps = Message::decode(bytes)
            .map_err(|e| e.to_string())
            .and_then(|m| pulling.pull.handle(m, &mut group.index, &group.me).map_err(|e| e.to_string()));
        let steps = match steps {
            Ok(steps) => steps,
            Err(why) => return self.violated(now, stream, *pulling, why),
        };
        for step in steps {
            if let Err(why) = self.step(now, stream, &mut pulling, id, &peer, step)? {
                return self.violated(now, stream, *pulling, why);
            }
        }
        for message in pulling.pull.poll() {
            self.output(Output::Send(stream, message.encode()));
        }
        if pulling.pull.is_idle() {
            self.finish(now, stream, &pulling);
        } else {
            self.streams.insert(stream, Stream::Pull(pulling));
        }
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
                if let Some(member) = self.groups.get_mut(&id).and_then(|g| g.members.get_mut(peer)) {
                    member.log = Some(proven.log);
                }
                if !proven.told.is_empty() {
                    self.output(Output::Learned(id, proven.told));
                }
            }
            Step::Leaf { log, tips } => self.want_what_is_missing(pulling, id, log, &tips)?,
            Step::Entry { authentic, body, signature } => {
                match self.take(now, id, &authentic, &body, signature, false)? {
                    Accepted::New { .. } => pulling.received += 1,
                    Accepted::Held => {}
                    Accepted::Full => pulling.skipped = true,
                    Accepted::Gap => return Ok(Err("a run that begins after something that is not here".into())),
                    Accepted::Foreign => return Ok(Err("an entry of another group".into())),
                }
            }
            Step::Tail { log, headers, signature } => {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.set_pending(log, &headers, signature);
                }
            }
            Step::Ended(_, EndStatus::Complete) => {}
            Step::Ended(_, EndStatus::Unknown) => pulling.skipped = true,
            Step::Ended(want, EndStatus::NeedSamples) => {
                let log = self.groups.get(&id).and_then(|g| g.logs.get(&want.log));
                let have = log.map_or(Ok(vec![]), |log| log.samples(&mut self.store, MAX_HAVE))?;
                if have == want.have || !pulling.pull.want(Want { have, ..want }) {
                    pulling.skipped = true;
                }
            }
        }
        Ok(Ok(()))
    }

    /// Compares a leaf with what is here and queues wants for the tips that are not.
    fn want_what_is_missing(
        &mut self,
        pulling: &mut Pulling,
        id: GroupId,
        log: LogId,
        tips: &[Tip],
    ) -> Result<(), S::Error> {
        let under_way = self.streams.values().any(|s| match s {
            Stream::Pull(other) => other.pull.group() == id && other.pull.logs().any(|l| l == log),
            _ => false,
        });
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        let mine = group.index.tips(log);
        let mut lacks = false;
        for tip in tips {
            let held = match group.logs.get(&log) {
                Some(chains) => chains.find(&mut self.store, tip.seq, tip.id)?.is_some(),
                None => false,
            };
            if held {
                continue;
            }
            lacks = true;
            let have = mine.iter().rev().take(MAX_HAVE).copied().collect();
            if under_way || !pulling.pull.want(Want { log, tip: *tip, have }) {
                pulling.skipped = true;
            }
        }
        pulling.ahead |= lacks;
        // Our tips that they do not name are news to them, unless they build on them.
        let top = tips.iter().map(|t| t.seq).max();
        pulling.behind |= mine.iter().any(|t| !tips.contains(t) && (!lacks || Some(t.seq) >= top));
        Ok(())
    }

    /// Takes an authentic entry in and tells what happened.
    pub(super) fn take(
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
            if !own && group.is_own(entry.header.log) {
                group.forked = true;
            }
            self.tell(id, entry, person, kind, own);
        }
        Ok(accepted)
    }

    fn tell(&mut self, group: GroupId, entry: &Authentic, person: PersonId, kind: Option<u16>, own: bool) {
        let Authentic { id, header } = entry;
        let (entry, log, class): (EntryId, _, _) = (*id, header.log, header.class);
        self.event(Event::Entry { group, entry, log, person, class, kind, own });
    }

    /// The pull has nothing left to ask.
    fn finish(&mut self, now: u64, stream: StreamId, pulling: &Pulling) {
        let (id, peer) = (pulling.pull.group(), pulling.pull.peer().clone());
        let proven = pulling.pull.proven().expect("an idle pull has compared").summary;
        let Some(group) = self.groups.get_mut(&id) else { return };
        let summary = group.summary();
        let equal = summary.fingerprint == proven.fingerprint;
        let still_missing = pulling.skipped && pulling.ahead;
        let relation = match (equal, still_missing, pulling.behind) {
            (true, ..) => Relation::Equal,
            (false, true, true) => Relation::Both,
            (false, true, false) => Relation::Ahead,
            (false, false, _) => Relation::Behind,
        };
        if let Some(member) = group.members.get_mut(&peer) {
            member.pulling = None;
            member.relation = relation;
            member.checked_ms = Some(now);
            member.barren = if equal || pulling.received > 0 { 0 } else { member.barren + 1 };
            let wait = if pulling.skipped { SKIPPED_RETRY_MS.max(backoff(member.barren)) } else { RECHECK_MS };
            let at = now + wait;
            member.pull_at = Some(member.pull_at.map_or(at, |before| before.min(at)));
        }
        if pulling.received > 0 {
            self.news(now, id, &peer);
        }
        self.output(Output::Send(stream, Pull::finish(summary).encode()));
        self.output(Output::Close(stream));
        self.event(Event::Compared { group: id, peer, relation, received: pulling.received });
    }

    /// Something new is here: what we thought of the other members' holdings is out of date.
    pub(super) fn news(&mut self, now: u64, id: GroupId, from: &Peer) {
        let random = self.entropy.number();
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.trickle.inconsistent(now, random);
        for (peer, member) in &mut group.members {
            if peer != from && member.relation == Relation::Equal {
                member.relation = Relation::Unknown;
            }
        }
    }

    fn violated(&mut self, now: u64, stream: StreamId, pulling: Pulling, why: String) -> Result<(), S::Error> {
        let peer = pulling.pull.peer().clone();
        self.punish(stream, peer, why);
        self.pull_cut(now, pulling);
        Ok(())
    }

    /// A pull ended before its time: keep what makes the stored prefix authentic, try again later.
    pub(super) fn pull_cut(&mut self, now: u64, pulling: Pulling) {
        let id = pulling.pull.group();
        if let Some(group) = self.groups.get_mut(&id)
            && let Some((headers, signature)) = pulling.pull.unfinished()
        {
            let headers: Vec<_> = headers.iter().cloned().collect();
            group.set_pending(headers[0].header.log, &headers, signature);
        }
        let peer = pulling.pull.peer().clone();
        if pulling.received > 0 {
            // It was cut, but it moved on: go on at once.
            self.news(now, id, &peer);
            if let Some(member) = self.member(id, &peer) {
                member.barren = 0;
            }
        }
        self.pull_failed(now, id, &peer);
    }

    pub(super) fn pull_failed(&mut self, now: u64, id: GroupId, peer: &Peer) {
        if let Some(member) = self.member(id, peer) {
            member.pulling = None;
            member.relation = Relation::Unknown;
            member.barren += 1;
            member.pull_at = Some(now + backoff(member.barren));
        }
    }

    pub(super) fn drop_stalled(&mut self, now: u64) {
        let stalled: Vec<StreamId> = self
            .streams
            .iter()
            .filter(|(_, s)| matches!(s, Stream::Pull(p) if p.progress_ms + STALL_MS <= now))
            .map(|(id, _)| *id)
            .collect();
        for stream in stalled {
            self.output(Output::Close(stream));
            self.stream_closed(now, stream);
        }
    }

    fn member(&mut self, id: GroupId, peer: &Peer) -> Option<&mut super::Member> {
        self.groups.get_mut(&id).and_then(|g: &mut Group| g.members.get_mut(peer))
    }
}
