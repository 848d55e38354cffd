//! The engine's part in gossip: verdicts on what comes, and when to announce what is held.

use super::Engine;
use super::group::Accepted;
use super::io::{MessageId, Output, Verdict};
use super::store::Store;
use crate::gossip::frame::{self, Frame, FrameError};
use crate::log::entry::Signed;
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
            Ok(Frame::Presence(presence)) => self.presence(now, id, source, &presence),
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
        group.trickle.inconsistent(now, random, group.logs.len());
        // Whoever passed it on has seen it, and so soon holds what it speaks of, if it does not yet.
        if let Some(member) = group.connected.get_mut(source) {
            member.doubt();
            member.hinted(now, random % SPREAD_MS);
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
                if let Some(group) = self.groups.get_mut(&id) {
                    group.skew.sample(verified.header.time.millis(), now);
                }
                self.news(now, id);
                Ok(Verdict::Accept)
            }
            Accepted::Held | Accepted::Full | Accepted::Aside => Ok(Verdict::Ignore),
            Accepted::Foreign => Ok(Verdict::Reject),
            Accepted::Gap => {
                let group = self.groups.get_mut(&id).expect("looked up by the caller");
                group.early.keep(now, verified);
                if let Some(member) = group.connected.get_mut(source) {
                    member.hinted(now, 0);
                }
                Ok(Verdict::Accept)
            }
        }
    }

    /// Announces what is held where the timing says so.
    pub(super) fn announce(&mut self, now: u64) {
        let mut out = vec![];
        for group in self.groups.values_mut() {
            let due = group.trickle.poll(now, self.entropy.number(), group.logs.len());
            let due = due || group.announce_at.is_some_and(|at| at <= now);
            if group.connected.is_empty() {
                // Whoever comes compares.
                group.announce_at = None;
            }
            if !due || group.connected.is_empty() {
                continue;
            }
            group.announce_at = None;
            let summary = group.summary();
            let nonce = self.entropy.array();
            let bytes = frame::heads(&group.keys, group.topic, summary.fingerprint, summary.entries, nonce);
            out.push(Output::Publish(group.topic, bytes));
        }
        self.outputs.extend(out);
    }
}
