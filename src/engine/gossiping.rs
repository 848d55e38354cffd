//! The engine's part in gossip: verdicts on what comes, and when to announce what is held.

use super::group::{Accepted, MAX_EARLY};
use super::io::{MessageId, Output, Relation, Verdict};
use super::store::Store;
use super::{Engine, Group};
use crate::gossip::frame::{self, Frame, FrameError};
use crate::log::entry::{Signed, Verified};
use crate::log::run::Authentic;
use crate::model::id::{GroupId, Peer, TopicHash};

/// How far pulls after a head announcement are spread, in milliseconds, so that not everybody pulls at once.
const SPREAD_MS: u64 = 200;

impl<S: Store> Engine<S> {
    pub(super) fn gossip(
        &mut self,
        now: u64,
        message: MessageId,
        source: &Peer,
        topic: TopicHash,
        bytes: &[u8],
    ) -> Result<(), S::Error> {
        let Some(group) = self.topics.get(&topic).and_then(|id| self.groups.get_mut(id)) else {
            self.output(Output::Verdict(message, Verdict::Ignore));
            return Ok(());
        };
        let id = group.id();
        let verdict = match frame::open(&group.keys, topic, bytes) {
            Ok(Frame::Heads { fingerprint, .. }) => {
                self.heads(now, id, source, fingerprint);
                Verdict::Accept
            }
            Ok(Frame::Entry(entry)) => self.gossiped(now, id, source, *entry)?,
            Err(FrameError::Unknown) => Verdict::Accept,
            Err(FrameError::Seal | FrameError::Content(_)) => Verdict::Reject,
        };
        self.output(Output::Verdict(message, verdict));
        Ok(())
    }

    fn heads(&mut self, now: u64, id: GroupId, source: &Peer, theirs: [u8; 32]) {
        let random = self.entropy.number();
        let Some(group) = self.groups.get_mut(&id) else { return };
        if group.index.fingerprint() == theirs {
            group.trickle.consistent();
            return;
        }
        group.trickle.inconsistent(now, random);
        // Whoever passed it on has seen it, and so soon holds what it speaks of, if it does not yet.
        if let Some(member) = group.members.get_mut(source)
            && member.pulling.is_none()
        {
            let at = now + random % SPREAD_MS + super::pulling::backoff(member.barren);
            member.relation = if member.relation == Relation::Equal { Relation::Unknown } else { member.relation };
            member.pull_at = Some(member.pull_at.map_or(at, |before| before.min(at)));
        }
    }

    fn gossiped(&mut self, now: u64, id: GroupId, source: &Peer, entry: Signed) -> Result<Verdict, S::Error> {
        let group = self.groups.get(&id).expect("looked up by the caller");
        // A cheap look first: most copies are of entries that are here already.
        let header = &entry.header;
        if let Some(log) = group.logs.get(&header.log)
            && log.find(&mut self.store, header.seq, crate::log::header::id_of(&entry.header_bytes))?.is_some()
        {
            return Ok(Verdict::Ignore);
        }
        let Ok(verified) = entry.verify() else { return Ok(Verdict::Reject) };
        match self.take_verified(now, id, &verified)? {
            Accepted::New { .. } => {
                self.news(now, id, source);
                self.take_early(now, id, &verified)?;
                Ok(Verdict::Accept)
            }
            Accepted::Held | Accepted::Full => Ok(Verdict::Ignore),
            Accepted::Foreign => Ok(Verdict::Reject),
            Accepted::Gap => {
                let group = self.groups.get_mut(&id).expect("looked up by the caller");
                keep_early(group, verified);
                if let Some(member) = group.members.get_mut(source) {
                    let at = now + super::pulling::backoff(member.barren);
                    member.pull_at = Some(member.pull_at.map_or(at, |before| before.min(at)));
                }
                Ok(Verdict::Accept)
            }
        }
    }

    fn take_verified(&mut self, now: u64, id: GroupId, verified: &Verified) -> Result<Accepted, S::Error> {
        let authentic = Authentic { id: verified.id, header: verified.header.clone() };
        self.take(now, id, &authentic, &verified.body, Some(verified.signature), false)
    }

    /// Takes what waited for this entry, and what waited for that, in turn.
    fn take_early(&mut self, now: u64, id: GroupId, entry: &Verified) -> Result<(), S::Error> {
        let (log, mut seq, mut prev) = (entry.header.log, entry.header.seq, entry.id);
        loop {
            let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
            seq += 1;
            let range = (log, seq, crate::model::id::EntryId::ZERO)..(log, seq + 1, crate::model::id::EntryId::ZERO);
            let key = group.early.range(range).find(|(_, v)| v.header.prev == prev).map(|(k, _)| *k);
            let Some(next) = key.and_then(|k| group.early.remove(&k)) else { return Ok(()) };
            prev = next.id;
            self.take_verified(now, id, &next)?;
        }
    }

    /// Announces what is held where the timing says so.
    pub(super) fn announce(&mut self, now: u64) {
        let mut out = vec![];
        for group in self.groups.values_mut() {
            let due = group.trickle.poll(now, self.entropy.number());
            if !(due || group.unannounced) || group.members.is_empty() {
                continue;
            }
            group.unannounced = false;
            let summary = group.summary();
            let nonce = self.entropy.array();
            let bytes = frame::heads(&group.keys, group.topic, summary.fingerprint, summary.entries, nonce);
            out.push(Output::Publish(group.topic, bytes));
        }
        self.outputs.extend(out);
    }
}

/// Keeps an entry that came before what it builds on; the one furthest ahead goes when there is no room.
fn keep_early(group: &mut Group, entry: Verified) {
    group.early.insert((entry.header.log, entry.header.seq, entry.id), entry);
    if group.early.len() > MAX_EARLY {
        let furthest = group.early.keys().max_by_key(|(_, seq, _)| *seq).copied();
        furthest.and_then(|key| group.early.remove(&key));
    }
}
