//! What becomes of a pull: how a peer's holdings relate to ours then, and when to pull from it again.

use super::due::{RECHECK_MS, RETRY_MS, SETTLED_MS, backoff};
use super::group::Member;
use super::io::{Event, Output, Relation, StreamId};
use super::store::Store;
use super::{Engine, Pulling};
use crate::model::id::{GroupId, Peer};
use crate::sync::handshake::Standing;
use crate::sync::pull::{MAX_REMEMBERED, Pull};

/// How soon, and up to twice that, a member that does not let us read is asked again, in milliseconds.
const GUEST_MS: u64 = 2_000;

impl<S: Store> Engine<S> {
    /// The pull has nothing left to ask.
    pub(super) fn finish(&mut self, now: u64, stream: StreamId, pulling: &Pulling) {
        let (id, peer) = (pulling.pull.group(), pulling.pull.peer().clone());
        let proven = pulling.pull.proven().expect("an idle pull has compared");
        let (log, proven) = (proven.log, proven.summary);
        let Some(group) = self.groups.get_mut(&id) else { return };
        let tells = group.may_read(log);
        let summary = group.summary();
        let equal = summary.fingerprint == proven.fingerprint;
        let relation = match (equal, pulling.pull.leaves_out(), pulling.pull.is_ahead(&group.index)) {
            (true, ..) => Relation::Equal,
            (false, true, true) => Relation::Both,
            (false, true, false) => Relation::Ahead,
            (false, false, true) => Relation::Behind,
            // One of us got something new meanwhile.
            (false, false, false) => Relation::Unknown,
        };
        if let Some(member) = group.connected.get_mut(&peer).filter(|m| m.pulling == Some(stream)) {
            member.pulling = None;
            member.checked(now, relation);
            member.left = if equal { vec![] } else { pulling.pull.left().to_vec() };
            member.barren = if equal || pulling.received > 0 { 0 } else { member.barren + 1 };
            let wait = match relation {
                Relation::Equal | Relation::Behind => RECHECK_MS,
                // One of us got something new while much was brought over: likely we are equal now.
                Relation::Unknown if pulling.received > 0 => 0,
                Relation::Ahead | Relation::Both | Relation::Unknown => RETRY_MS.max(backoff(member.barren)),
            };
            member.pull_by(now + wait);
        }
        if pulling.received > 0 {
            self.news(now, id);
        }
        // Whoever may not read is not told what is held.
        if tells {
            self.output(Output::Send(stream, Pull::finish(summary).encode()));
        }
        self.output(Output::Close(stream));
        self.event(Event::Compared { group: id, peer, relation, received: pulling.received });
    }

    /// The other side does not let us read: try again later. Word of being let in comes by gossip.
    pub(super) fn turned_away(&mut self, now: u64, stream: StreamId, pulling: &Pulling) {
        let (id, peer) = (pulling.pull.group(), pulling.pull.peer().clone());
        let jitter = self.entropy.below(GUEST_MS);
        if let Some(group) = self.groups.get_mut(&id)
            && let Some(member) = group.connected.get_mut(&peer).filter(|m| m.pulling == Some(stream))
        {
            member.pulling = None;
            // Nothing was compared: word of being let in is followed at once.
            member.relation = Relation::Unknown;
            member.pull_at = Some(now + GUEST_MS + jitter);
        }
        self.output(Output::Close(stream));
    }

    /// Where we stand in a group, as a peer tells.
    pub(super) fn stands(&mut self, id: GroupId, standing: Standing, quarantined: u32) {
        if standing == Standing::Both {
            return;
        }
        let Some(group) = self.groups.get_mut(&id) else { return };
        let changed = group.standing != standing || group.told_quarantined != quarantined;
        (group.standing, group.told_quarantined) = (standing, quarantined);
        if changed {
            self.event(Event::Standing { group: id, standing });
        }
    }

    /// Something new is here: say so soon.
    pub(super) fn news(&mut self, now: u64, id: GroupId) {
        let random = self.entropy.number();
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.trickle.inconsistent(now, random, group.logs.len());
        // People look at who is equal: it is found out again soon, once for all that comes in a row.
        for member in group.connected.values_mut().filter(|m| m.relation == Relation::Unknown && m.pulling.is_none()) {
            member.pull_by(now + SETTLED_MS + random % SETTLED_MS);
        }
    }

    /// A pull whose peer broke the protocol.
    pub(super) fn violated(&mut self, now: u64, stream: StreamId, pulling: &Pulling, why: String) {
        let peer = pulling.pull.peer().clone();
        self.punish(stream, peer.clone(), why);
        let barren = self.member(pulling.pull.group(), &peer, stream).map_or(0, |m| m.barren);
        self.pull_cut(now, stream, pulling);
        if let Some(member) = self.groups.get_mut(&pulling.pull.group()).and_then(|g| g.connected.get_mut(&peer)) {
            member.barren = barren + 1;
            member.pull_at = Some(now + backoff(member.barren));
        }
    }

    /// A pull ended before its time: keep what makes the stored prefix authentic, go on later.
    pub(super) fn pull_cut(&mut self, now: u64, stream: StreamId, pulling: &Pulling) {
        let id = pulling.pull.group();
        self.keep_proof(pulling);
        let peer = pulling.pull.peer();
        if pulling.received > 0 {
            self.news(now, id);
        }
        if pulling.pull.proven().is_none() {
            self.pull_failed(now, stream, id, peer);
            return;
        }
        let Some(member) = self.member(id, peer, stream) else { return };
        member.pulling = None;
        member.relation = Relation::Unknown;
        let left = pulling.pull.left().iter().chain(pulling.pull.missing());
        member.left = left.take(MAX_REMEMBERED).cloned().collect();
        if pulling.received > 0 {
            // It moved on: go on soon.
            member.barren = 0;
            member.pull_by(now + RETRY_MS);
        } else {
            member.barren += 1;
            member.pull_at = Some(now + backoff(member.barren));
        }
    }

    /// A stream that was asked for did not open, or the peer did not prove itself on it.
    pub(super) fn pull_failed(&mut self, now: u64, stream: StreamId, id: GroupId, peer: &Peer) {
        let Some(member) = self.member(id, peer, stream) else { return };
        member.pulling = None;
        member.relation = Relation::Unknown;
        member.barren += 1;
        member.pull_at = Some(now + backoff(member.barren));
        if !member.subscribed
            && let Some(group) = self.groups.get_mut(&id)
        {
            // It asked us once and does not know the group now: it has left. If not, it will be heard of.
            group.connected.remove(peer);
        }
    }

    /// The headers of a run whose bodies are still coming prove what was stored of it.
    pub(super) fn keep_proof(&mut self, pulling: &Pulling) {
        if let Some(group) = self.groups.get_mut(&pulling.pull.group())
            && let Some((headers, signature)) = pulling.unfinished()
        {
            group.set_pending(&headers, signature);
        }
    }

    /// The member that this stream pulls from; not the same peer after it came back.
    fn member(&mut self, id: GroupId, peer: &Peer, stream: StreamId) -> Option<&mut Member> {
        let connected = &mut self.groups.get_mut(&id)?.connected;
        connected.get_mut(peer).filter(|m| m.pulling == Some(stream))
    }
}
