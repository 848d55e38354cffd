//! Letting peers go that are of no use here, when there are too many, and connections that are dead or not needed beside a
//! better one with the same peer ([`paths`]).
//!
//! gossipsub keeps a stream open with everybody, so that no connection is ever idle and the idle timeout alone trims nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use libp2p::PeerId;
use libp2p::gossipsub::TopicHash;
use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use super::shell::Shell;
use super::{gossip, paths};

/// How often it is looked at whether there are too many peers.
pub(super) const TRIM_INTERVAL: Duration = Duration::from_secs(30);
/// A peer that connected a shorter time ago stays: it may be about to subscribe.
const TRIM_AGE: Duration = Duration::from_secs(60);

impl Shell {
    /// Closes connections that are dead, or not needed beside better ones.
    pub(super) fn close_connections(&mut self, now: Instant) {
        for id in self.connections.dead(now) {
            tracing::debug!(connection = %id, "a dead connection is closed");
            self.drop_connection(id);
        }
        let relays: BTreeSet<PeerId> = self.connections.relays().collect();
        let mut surplus = vec![];
        for (peer, ways) in self.connections.several(|id| self.streams.on(id)) {
            let pinned = self.relays.is_used(&peer) || relays.contains(&peer) || self.served.serves(&peer);
            surplus.extend(paths::surplus(now, &ways, self.connections.is_lower(&peer), pinned));
        }
        for id in surplus {
            tracing::debug!(connection = %id, "closed: there is a better connection with this peer");
            self.drop_connection(id);
        }
    }

    /// Closes a connection; nothing begins on it any more.
    pub(super) fn drop_connection(&mut self, id: ConnectionId) {
        self.swarm.behaviour_mut().streams.leave(id);
        self.swarm.close_connection(id);
    }

    pub(super) fn trim(&mut self, now: Instant) {
        let peers = self.connections.peers();
        let gossipsub = &self.swarm.behaviour().gossipsub;
        let ours = |topic: &&TopicHash| gossip::key(topic).is_some_and(|key| self.topics.contains(&key));
        let sharing: BTreeSet<PeerId> =
            gossipsub.all_peers().filter(|(_, topics)| topics.iter().any(ours)).map(|(peer, _)| *peer).collect();
        let useful = |peer: &PeerId| sharing.contains(peer) || self.streams.has(peer) || self.bootstrap.is_one(peer);
        for peer in excess(now, peers, self.config.limits.peers_kept, useful) {
            tracing::debug!(%peer, "disconnected: too many peers, and it shares no topic");
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }
}

/// Who is to go of these peers, given since when they are connected: those that are of no use, oldest first, and no more
/// than there are too many.
fn excess(
    now: Instant,
    peers: impl IntoIterator<Item = (PeerId, Instant)>,
    kept: usize,
    useful: impl Fn(&PeerId) -> bool,
) -> Vec<PeerId> {
    let peers: Vec<_> = peers.into_iter().collect();
    let excess = peers.len().saturating_sub(kept);
    let old = |since: &Instant| now.saturating_duration_since(*since) >= TRIM_AGE;
    let mut useless: Vec<_> = peers.into_iter().filter(|(peer, since)| old(since) && !useful(peer)).collect();
    useless.sort_by_key(|(_, since)| *since);
    useless.into_iter().take(excess).map(|(peer, _)| peer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_go_as_there_are_too_many_oldest_first_and_never_a_useful_or_a_new_one() {
        let begin = Instant::now();
        let peers: Vec<_> = (0..10).map(|n| (PeerId::random(), begin + Duration::from_secs(n))).collect();
        let now = begin + TRIM_AGE + Duration::from_secs(5);
        let nobody = |_: &PeerId| false;
        assert_eq!(excess(now, peers.clone(), 10, nobody), []);
        assert_eq!(excess(now, peers.clone(), 8, nobody), [peers[0].0, peers[1].0]);
        assert_eq!(excess(now, peers.clone(), 8, |p| *p == peers[0].0), [peers[1].0, peers[2].0]);
        assert_eq!(excess(now, peers.clone(), 0, nobody).len(), 6, "the last four have only just come");
        assert_eq!(excess(now, peers.clone(), 0, |_| true), []);
    }
}
