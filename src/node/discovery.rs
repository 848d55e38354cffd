//! Whom to dial and when to ask the DHT, round by round.
//!
//! Addresses come from tickets, from the cache of peers seen before, from members who tell about others, from mDNS and
//! from the DHT. All of them are hints: the handshake of a sync stream decides who is a member.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId};

/// How often a round comes when a group has nobody, and when every group has somebody, in milliseconds.
pub const LONELY_ROUND_MS: u64 = 2_000;
/// As [`LONELY_ROUND_MS`], with company.
pub const ROUND_MS: u64 = 15_000;
/// Most peers that one round dials for one group.
const MAX_DIALS: usize = 8;
/// With this many connected members a group looks for no more.
pub const ENOUGH_MEMBERS: usize = 12;
/// Waiting after the first failed dial of a peer, doubled with each further one, in milliseconds.
const FIRST_WAIT_MS: u64 = 2_000;
/// Longest wait between two dials of a peer, in milliseconds.
const MAX_WAIT_MS: u64 = 5 * 60_000;
/// Waits between two lookups of a group in the DHT while it has nobody, and with company, in milliseconds.
const LOOKUP_MS: [u64; 2] = [5_000, 5 * 60_000];
/// Most peers whose failures are remembered.
const MAX_REMEMBERED: usize = 4_096;

/// What a round needs to know of a group.
#[derive(Debug, Clone)]
pub struct Known {
    /// The group's DHT key.
    pub dht_key: [u8; 32],
    /// How many members are connected.
    pub members: usize,
    /// Peers that may be members, with their addresses, those seen last first.
    pub peers: Vec<(PeerId, Vec<Multiaddr>)>,
}

/// What a round does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Dial a peer.
    Dial(PeerId, Vec<Multiaddr>),
    /// Ask the DHT where a peer is, and dial it.
    Find(PeerId),
    /// Ask the DHT who provides a group.
    Lookup([u8; 32]),
}

#[derive(Debug, Clone, Copy, Default)]
struct Attempt {
    failed: u32,
    next_ms: u64,
}

/// Remembers what was tried.
#[derive(Debug, Default)]
pub struct Discovery {
    attempts: BTreeMap<PeerId, Attempt>,
    lookups: BTreeMap<[u8; 32], u64>,
}

impl Discovery {
    /// One round at `now`: what to do for these groups. `connected` says who is connected already; `urgent` when somebody
    /// asked to look now, so that lookups do not wait for their turn.
    pub fn round(
        &mut self,
        now: u64,
        groups: &[Known],
        connected: &dyn Fn(&PeerId) -> bool,
        urgent: bool,
    ) -> Vec<Step> {
        let mut steps = vec![];
        self.lookups.retain(|key, _| groups.iter().any(|g| g.dht_key == *key));
        for group in groups {
            if group.members < ENOUGH_MEMBERS {
                let due = group.peers.iter().filter(|(peer, _)| !connected(peer));
                let due = due.filter(|(peer, _)| urgent || self.attempts.get(peer).is_none_or(|a| a.next_ms <= now));
                for (peer, addresses) in due.take(MAX_DIALS).cloned().collect::<Vec<_>>() {
                    if self.try_now(now, peer) {
                        steps.push(if addresses.is_empty() { Step::Find(peer) } else { Step::Dial(peer, addresses) });
                    }
                }
            }
            let wait = LOOKUP_MS[usize::from(group.members > 0)];
            let last = self.lookups.get(&group.dht_key);
            if urgent || last.is_none_or(|at| now.saturating_sub(*at) >= wait) {
                self.lookups.insert(group.dht_key, now);
                steps.push(Step::Lookup(group.dht_key));
            }
        }
        steps
    }

    /// A hint about one peer, from mDNS, from the DHT or from a member: dial it unless that was tried a moment ago.
    pub fn hint(&mut self, now: u64, peer: PeerId, addresses: Vec<Multiaddr>) -> Option<Step> {
        if self.attempts.get(&peer).is_some_and(|a| a.next_ms > now) || !self.try_now(now, peer) {
            return None;
        }
        Some(if addresses.is_empty() { Step::Find(peer) } else { Step::Dial(peer, addresses) })
    }

    /// A peer is connected: what failed before is forgotten.
    pub fn connected(&mut self, peer: &PeerId) {
        self.attempts.remove(peer);
    }

    fn try_now(&mut self, now: u64, peer: PeerId) -> bool {
        if self.attempts.len() >= MAX_REMEMBERED && !self.attempts.contains_key(&peer) {
            self.attempts.retain(|_, a| a.next_ms > now);
            if self.attempts.len() >= MAX_REMEMBERED {
                return false;
            }
        }
        let attempt = self.attempts.entry(peer).or_default();
        attempt.next_ms = now + (FIRST_WAIT_MS << attempt.failed.min(10)).min(MAX_WAIT_MS);
        attempt.failed += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(members: usize, peers: &[PeerId]) -> Known {
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let peers = peers.iter().map(|p| (*p, vec![address.clone()])).collect();
        Known { dht_key: [1; 32], members, peers }
    }

    fn dials(steps: &[Step]) -> usize {
        steps.iter().filter(|s| matches!(s, Step::Dial(..))).count()
    }

    #[test]
    fn a_peer_that_does_not_answer_is_dialled_ever_more_rarely() {
        let peer = PeerId::random();
        let groups = [group(0, &[peer])];
        let mut discovery = Discovery::default();
        let mut count = 0;
        for now in (0..600_000).step_by(1_000) {
            count += dials(&discovery.round(now, &groups, &|_| false, false));
        }
        assert!((7..=10).contains(&count), "{count} dials in ten minutes");
        assert_eq!(dials(&discovery.round(600_000, &groups, &|_| false, true)), 1, "asked to look now, it is dialled");
        discovery.connected(&peer);
        assert_eq!(
            dials(&discovery.round(600_001, &groups, &|_| false, false)),
            1,
            "after a connection it starts anew"
        );
    }

    #[test]
    fn a_group_with_company_asks_the_dht_rarely_and_dials_nobody_who_is_connected() {
        let (here, away) = (PeerId::random(), PeerId::random());
        let groups = [group(1, &[here, away])];
        let mut discovery = Discovery::default();
        let first = discovery.round(0, &groups, &|p| *p == here, false);
        assert_eq!(dials(&first), 1);
        let lookups = |steps: &[Step]| steps.iter().filter(|s| matches!(s, Step::Lookup(_))).count();
        assert_eq!(lookups(&first), 1);
        let later: usize = (1..100).map(|s| lookups(&discovery.round(s * 1_000, &groups, &|_| true, false))).sum();
        assert_eq!(later, 0);
        assert_eq!(lookups(&discovery.round(LOOKUP_MS[1], &groups, &|_| true, false)), 1);
    }
}
