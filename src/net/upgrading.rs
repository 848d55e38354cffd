//! Getting from a relayed connection to a direct one by dialling what the peer says of where it listens.
//!
//! DCUtR punches holes, at the addresses that others see. It does not help two peers on one local network, or with one that
//! has become reachable meanwhile; dialling does. It is tried when a peer says who it is, and again after growing waits as
//! long as the relayed connection is all there is.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::address::{self, Scope};
use super::shell::Shell;

/// Waits before the second and the further tries; the last one repeats.
pub const WAITS: [Duration; 3] = [Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];
/// Most peers that this is tried with at a time.
pub const MAX_PEERS: usize = 256;

#[derive(Debug)]
struct Upgrade {
    addresses: Vec<Multiaddr>,
    tries: usize,
    next: Instant,
}

/// Peers that are connected through a relay only, and where else they might be.
#[derive(Debug, Default)]
pub(super) struct Upgrades {
    peers: BTreeMap<PeerId, Upgrade>,
}

impl Upgrades {
    /// A relayed peer said where it listens. News are tried at once.
    pub fn learn(&mut self, now: Instant, peer: PeerId, addresses: Vec<Multiaddr>) {
        if addresses.is_empty() {
            self.peers.remove(&peer);
            return;
        }
        let room = self.peers.len() < MAX_PEERS;
        match self.peers.get_mut(&peer) {
            Some(known) if known.addresses == addresses => {}
            Some(known) => *known = Upgrade { addresses, tries: 0, next: now },
            None if room => {
                self.peers.insert(peer, Upgrade { addresses, tries: 0, next: now });
            }
            None => {}
        }
    }

    /// The ways have changed: nobody waits any more.
    pub fn retry(&mut self, now: Instant) {
        self.peers.values_mut().for_each(|upgrade| upgrade.next = upgrade.next.min(now));
    }

    /// What to dial now. Of whom `relayed` is not true (any more), nothing is remembered.
    pub fn due(&mut self, now: Instant, relayed: &[PeerId]) -> Vec<(PeerId, Vec<Multiaddr>)> {
        self.peers.retain(|peer, _| relayed.contains(peer));
        let mut due = vec![];
        for (peer, upgrade) in self.peers.iter_mut().filter(|(_, upgrade)| upgrade.next <= now) {
            upgrade.next = now + WAITS[upgrade.tries.min(WAITS.len() - 1)];
            upgrade.tries += 1;
            due.push((*peer, upgrade.addresses.clone()));
        }
        due
    }
}

impl Shell {
    /// A peer said where it listens.
    pub(super) fn may_upgrade(&mut self, peer: PeerId, addresses: &[Multiaddr]) {
        if self.connections.path(&peer) != Some(super::Path::Relayed) {
            return;
        }
        let direct = addresses.iter().filter(|a| !address::is_circuit(a) && self.is_plausible(a));
        let direct = direct.cloned().collect();
        self.upgrades.learn(Instant::now(), peer, direct);
    }

    /// Whether an address of another network may be reached from here: local ones most likely belong to somebody else,
    /// unless they look like ours.
    pub(super) fn is_plausible(&self, address: &Multiaddr) -> bool {
        let ours = || self.reach.listen().iter().any(|own| address::same_network(own, address));
        match address::scope(address) {
            Some(Scope::Global | Scope::Machine) => true,
            Some(Scope::Local) => ours(),
            None => false,
        }
    }

    /// Dials directly whom only a relay reaches.
    pub(super) fn upgrade(&mut self, now: Instant) {
        for (peer, addresses) in self.upgrades.due(now, &self.connections.only_relayed()) {
            let opts = DialOpts::peer_id(peer).addresses(addresses).condition(PeerCondition::Always).build();
            if let Err(error) = self.swarm.dial(opts) {
                tracing::debug!(%peer, %error, "no direct way yet");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_way_is_looked_for_at_once_then_ever_more_rarely_and_news_are_tried_at_once() {
        let (mut upgrades, peer, begin) = (Upgrades::default(), PeerId::random(), Instant::now());
        let mut now = begin;
        let at: Multiaddr = "/ip4/203.0.113.1/tcp/1".parse().unwrap();
        let mut tries = vec![];
        while now - begin < Duration::from_secs(1_000) {
            upgrades.learn(now, peer, vec![at.clone()]);
            if !upgrades.due(now, &[peer]).is_empty() {
                tries.push((now - begin).as_secs());
            }
            now += Duration::from_secs(1);
        }
        assert_eq!(tries, [0, 10, 70, 370, 670, 970]);
        upgrades.learn(now, peer, vec!["/ip4/203.0.113.2/tcp/1".parse().unwrap()]);
        assert_eq!(upgrades.due(now, &[peer]).len(), 1);
        upgrades.retry(now);
        assert_eq!(upgrades.due(now, &[]), [], "it is direct now, or gone");
        upgrades.retry(now);
        assert_eq!(upgrades.due(now, &[peer]), []);
    }

    #[test]
    fn crowds_do_not_fill_the_memory() {
        let (mut upgrades, now) = (Upgrades::default(), Instant::now());
        for _ in 0..2 * MAX_PEERS {
            upgrades.learn(now, PeerId::random(), vec!["/ip4/203.0.113.1/tcp/1".parse().unwrap()]);
        }
        assert_eq!(upgrades.peers.len(), MAX_PEERS);
    }
}
