//! When to pull from whom: who has waited longest goes first, few at a time, and nobody holds a place for ever.

use super::group::{Group, Member};
use super::io::{Output, StreamId};
use super::store::Store;
use super::{Engine, MAX_STREAMS, Stream};
use crate::model::id::{GroupId, Peer};

/// A stream that is asked for must be open, and a peer must have proven itself, within this time, in milliseconds.
pub(super) const GREET_MS: u64 = 10_000;
/// A pull that brings nothing for this long is given up, in milliseconds.
pub(super) const STALL_MS: u64 = 30_000;
/// For this long, in milliseconds, comparing counts as progress; after that only entries do.
pub(super) const COMPARE_MS: u64 = 120_000;
/// Most pulls of one group at a time.
pub(super) const MAX_PULLS: usize = 4;
/// A pull that has lasted this long gives way when others wait, in milliseconds. It is resumed in its turn.
pub(super) const SLICE_MS: u64 = 60_000;
/// How long after something new came the members are compared with again, at the soonest and half of the longest, in
/// milliseconds.
pub(super) const SETTLED_MS: u64 = 2_000;
/// How often a connected member is compared with even when nothing happens, in milliseconds.
pub(super) const RECHECK_MS: u64 = 60_000;
/// How soon a pull is repeated that brought something and not all, in milliseconds.
pub(super) const RETRY_MS: u64 = 250;

/// How long to wait after `barren` pulls in a row that brought nothing although something was missing.
pub(super) fn backoff(barren: u32) -> u64 {
    if barren == 0 { 0 } else { (500u64 << barren.min(8)).min(60_000) }
}

/// Who goes first: whoever failed and never proved anything comes after all others, then who has waited longest.
fn turn(member: &Member) -> (bool, Option<u64>) {
    (member.barren > 0 && member.log.is_none(), member.pull_at)
}

impl Group {
    fn waiting(&self) -> impl Iterator<Item = (&Peer, &Member)> {
        self.connected.iter().filter(|(_, m)| m.pulling.is_none() && m.pull_at.is_some())
    }

    fn due(&self, now: u64) -> Vec<&Peer> {
        let mut due: Vec<(&Peer, &Member)> =
            self.waiting().filter(|(_, m)| m.pull_at.is_some_and(|at| at <= now)).collect();
        due.sort_by_key(|(_, m)| turn(m));
        due.into_iter().map(|(peer, _)| peer).collect()
    }

    fn places(&self) -> usize {
        MAX_PULLS.saturating_sub(self.connected.values().filter(|m| m.pulling.is_some()).count())
    }
}

impl<S: Store> Engine<S> {
    /// Compares with every connected member of a group as soon as possible.
    pub fn check(&mut self, now: u64, group: GroupId) {
        if let Some(group) = self.groups.get_mut(&group) {
            for member in group.connected.values_mut() {
                member.pull_at = Some(now);
                member.barren = 0;
            }
        }
    }

    pub(super) fn begin_due_pulls(&mut self, now: u64) {
        let mut due: Vec<(GroupId, Peer)> = vec![];
        let mut give_way: Vec<StreamId> = vec![];
        for group in self.groups.values() {
            let (waiting, places) = (group.due(now), group.places());
            if waiting.len() > places {
                give_way.extend(self.oldest_pulls(group).filter(|(begun, _)| begun + SLICE_MS <= now).map(|(_, s)| s));
            }
            due.extend(waiting.into_iter().take(places).map(|peer| (group.id(), peer.clone())));
        }
        for (id, peer) in due {
            if self.streams.len() >= MAX_STREAMS {
                break;
            }
            let stream = StreamId(self.next_stream);
            self.next_stream += 2;
            let member = self.groups.get_mut(&id).and_then(|g| g.connected.get_mut(&peer)).expect("found above");
            member.pulling = Some(stream);
            member.pull_at = None;
            self.streams.insert(stream, Stream::Opening { group: id, peer: peer.clone(), since_ms: now });
            self.output(Output::Open(stream, peer));
        }
        for stream in give_way {
            self.output(Output::Close(stream));
            self.stream_closed(now, stream);
        }
    }

    /// When to begin the next pull, or to end one in favour of another. Members that wait for a place need no waking:
    /// a place becomes free by an input.
    pub(super) fn pulls_deadline(&self) -> Option<u64> {
        if self.streams.len() >= MAX_STREAMS {
            return None;
        }
        let of_group = |group: &Group| {
            let first = group.waiting().filter_map(|(_, m)| m.pull_at).min()?;
            if group.places() > 0 {
                return Some(first);
            }
            self.oldest_pulls(group).map(|(begun, _)| (begun + SLICE_MS).max(first)).min()
        };
        self.groups.values().filter_map(of_group).min()
    }

    fn oldest_pulls(&self, group: &Group) -> impl Iterator<Item = (u64, StreamId)> {
        let pulling = group.connected.values().filter_map(|m| m.pulling);
        pulling.filter_map(|stream| match self.streams.get(&stream) {
            Some(Stream::Pull(pulling)) => Some((pulling.begun_ms, stream)),
            _ => None,
        })
    }

    /// Closes streams whose time is over, and looks again at what pulls wait for.
    pub(super) fn wake_streams(&mut self, now: u64) -> Result<(), S::Error> {
        let due = |stream: &Stream| stream.deadline().is_some_and(|at| at <= now);
        let over: Vec<StreamId> = self.streams.iter().filter(|(_, s)| due(s)).map(|(id, _)| *id).collect();
        for stream in over {
            self.output(Output::Close(stream));
            self.stream_closed(now, stream);
        }
        let looks = |stream: &Stream| matches!(stream, Stream::Pull(p) if p.look_at.is_some_and(|at| at <= now));
        let look: Vec<StreamId> = self.streams.iter().filter(|(_, s)| looks(s)).map(|(id, _)| *id).collect();
        for stream in look {
            if let Some(Stream::Pull(mut pulling)) = self.streams.remove(&stream) {
                pulling.pull.stir();
                self.ask_on(now, stream, pulling)?;
            }
        }
        Ok(())
    }
}
