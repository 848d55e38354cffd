//! Of several connections with one peer: which is the best, and which are not needed any more. Pure.
//!
//! Hole punching, dials from both sides and AutoNAT leave several connections with a peer. A direct one is better than a
//! relayed one, QUIC better than TCP. The others are closed after a grace; what is open on them is taken up again on the
//! best one by whoever opened it. Both sides follow the same rules; the one with the lower PeerId closes direct
//! connections first, and the other one only when that does not happen, so that they do not close one each.

use std::time::Duration;

use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use super::{Path, Transport};

/// How long a relayed connection stays beside a direct one that works.
pub const RELAYED_GRACE: Duration = Duration::from_secs(5);
/// How long a direct connection without streams stays beside a better one that works.
pub const SURPLUS_GRACE: Duration = Duration::from_secs(15);
/// How long streams can keep a direct connection beside a better one.
pub const SURPLUS_LONGEST: Duration = Duration::from_secs(60);

/// One connection with the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// Which one.
    pub id: ConnectionId,
    /// Straight or through a relay.
    pub path: Path,
    /// What carries it.
    pub transport: Transport,
    /// The side with the lower PeerId began it.
    pub by_lower: bool,
    /// Since when it is up.
    pub since: Instant,
    /// A ping came back on it.
    pub works: bool,
    /// Sync streams are open on it.
    pub busy: bool,
}

impl Way {
    /// The best one has the lowest rank.
    fn rank(&self) -> (Path, bool, bool, Instant) {
        (self.path, self.transport == Transport::Tcp, !self.by_lower, self.since)
    }
}

/// The best of these connections.
pub(super) fn best(ways: &[Way]) -> Option<&Way> {
    ways.iter().min_by_key(|way| way.rank())
}

/// Which of the connections with one peer are to be closed now; never the best one. `lower`: this side has the lower
/// PeerId. `pinned`: direct connections with this peer carry reservations or circuits, nobody can tell which of them.
pub(super) fn surplus(now: Instant, ways: &[Way], lower: bool, pinned: bool) -> Vec<ConnectionId> {
    let Some(best) = best(ways).filter(|best| best.works) else { return vec![] };
    let best_age = now.saturating_duration_since(best.since);
    let patience = if lower { 1 } else { 2 };
    let over = |way: &&Way| {
        if way.id == best.id {
            return false;
        }
        let age = now.saturating_duration_since(way.since).min(best_age);
        match (way.path, best.path) {
            (Path::Relayed, Path::Direct) => best_age >= RELAYED_GRACE,
            (Path::Direct, _) if pinned => false,
            _ if way.busy => age >= SURPLUS_LONGEST * patience,
            _ => age >= SURPLUS_GRACE * patience,
        }
    };
    ways.iter().filter(over).map(|way| way.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(id: usize, path: Path, transport: Transport, since: Instant) -> Way {
        let id = ConnectionId::new_unchecked(id);
        Way { id, path, transport, by_lower: true, since, works: true, busy: false }
    }

    fn ids(ids: &[usize]) -> Vec<ConnectionId> {
        ids.iter().map(|id| ConnectionId::new_unchecked(*id)).collect()
    }

    #[test]
    fn a_relayed_connection_goes_soon_after_a_direct_one_works_whatever_is_open_on_it() {
        let now = Instant::now();
        let mut relayed = way(1, Path::Relayed, Transport::Quic, now);
        relayed.busy = true;
        let up = now + Duration::from_secs(60);
        let mut direct = way(2, Path::Direct, Transport::Tcp, up);
        assert_eq!(best(&[relayed, direct]), Some(&direct));
        assert_eq!(surplus(up + RELAYED_GRACE / 2, &[relayed, direct], true, false), []);
        assert_eq!(surplus(up + RELAYED_GRACE, &[relayed, direct], false, true), ids(&[1]));
        direct.works = false;
        assert_eq!(surplus(up + SURPLUS_LONGEST, &[relayed, direct], true, false), [], "nobody knows that it works");
    }

    #[test]
    fn of_direct_connections_the_one_that_both_sides_prefer_stays() {
        let now = Instant::now();
        let mut ways = [
            way(1, Path::Direct, Transport::Tcp, now),
            way(2, Path::Direct, Transport::Quic, now),
            way(3, Path::Direct, Transport::Quic, now),
            way(4, Path::Direct, Transport::Quic, now + Duration::from_millis(1)),
        ];
        ways[1].by_lower = false;
        ways[0].busy = true;
        let later = now + SURPLUS_GRACE + Duration::from_millis(1);
        assert_eq!(surplus(later, &ways, true, false), ids(&[2, 4]));
        assert_eq!(surplus(later, &ways, false, false), [], "the other side goes first");
        assert_eq!(surplus(now + 2 * SURPLUS_LONGEST, &ways, false, false), ids(&[1, 2, 4]));
        assert_eq!(surplus(now + 2 * SURPLUS_LONGEST, &ways, true, true), [], "a reservation may be on any of them");
    }

    #[test]
    fn the_last_connection_is_never_closed() {
        let now = Instant::now();
        let only = [way(1, Path::Relayed, Transport::Tcp, now)];
        assert_eq!(surplus(now + 9 * SURPLUS_LONGEST, &only, true, false), []);
        assert_eq!(surplus(now, &[], true, false), []);
    }
}
