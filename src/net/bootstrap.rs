//! Keeping a connection to the bootstrap nodes.

use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::address;
use super::backoff::Jitter;

/// A connection that lasted this long counts as a success: the next loss begins with a short wait again.
const STABLE: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug)]
struct Node {
    addresses: Vec<Multiaddr>,
    /// Whom to expect. Without it, whoever answers is fine.
    expected: Option<PeerId>,
    /// Who is connected from there, and since when.
    connected: Option<(PeerId, Instant)>,
    dialling: Option<ConnectionId>,
    failures: u32,
    not_before: Instant,
}

/// The bootstrap nodes.
#[derive(Debug)]
pub(super) struct Bootstrap {
    nodes: Vec<Node>,
    jitter: Jitter,
}

impl Bootstrap {
    /// All are due at once. `seed` spreads the later attempts.
    pub fn new(now: Instant, addresses: &[Multiaddr], seed: u64) -> Self {
        let mut nodes: Vec<Node> = vec![];
        for (bare, expected) in addresses.iter().map(address::split_peer) {
            // The addresses of one node are tried together.
            match nodes.iter_mut().find(|node| expected.is_some() && node.expected == expected) {
                Some(node) => node.addresses.push(bare),
                None => nodes.push(Node {
                    addresses: vec![bare],
                    expected,
                    connected: None,
                    dialling: None,
                    failures: 0,
                    not_before: now,
                }),
            }
        }
        Self { nodes, jitter: Jitter::new(seed) }
    }

    /// Whether a peer is one of them.
    pub fn is_one(&self, peer: &PeerId) -> bool {
        self.nodes.iter().any(|n| n.expected.as_ref() == Some(peer) || n.connected.is_some_and(|(p, _)| p == *peer))
    }

    /// What to dial now; [`Bootstrap::failed`] or [`Bootstrap::connected`] has to follow for each.
    pub fn due(&mut self, now: Instant) -> Vec<DialOpts> {
        let due = |n: &&mut Node| n.connected.is_none() && n.dialling.is_none() && n.not_before <= now;
        let mut dials = vec![];
        for node in self.nodes.iter_mut().filter(due) {
            let opts = match (node.expected, &node.addresses[..]) {
                (Some(peer), addresses) => DialOpts::peer_id(peer).addresses(addresses.to_vec()).build(),
                (None, addresses) => DialOpts::unknown_peer_id().address(addresses[0].clone()).build(),
            };
            node.dialling = Some(opts.connection_id());
            dials.push(opts);
        }
        dials
    }

    /// A dial failed.
    pub fn failed(&mut self, now: Instant, dial: ConnectionId) {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.dialling == Some(dial)) {
            node.dialling = None;
            node.failures += 1;
            node.not_before = now + self.jitter.wait(node.failures);
        }
    }

    /// A connection is up, whoever began it.
    pub fn connected(&mut self, now: Instant, peer: PeerId, dial: ConnectionId) {
        for node in &mut self.nodes {
            let dialled = node.dialling == Some(dial);
            if dialled {
                node.dialling = None;
            }
            if node.connected.is_none() && (dialled || node.expected == Some(peer)) {
                node.connected = Some((peer, now));
            }
        }
    }

    /// The way to everybody has changed: nobody has to wait for earlier failures any more.
    pub fn retry(&mut self, now: Instant) {
        for node in &mut self.nodes {
            node.failures = 0;
            node.not_before = node.not_before.min(now);
        }
    }

    /// The last connection with a peer is gone.
    pub fn disconnected(&mut self, now: Instant, peer: &PeerId) {
        for node in &mut self.nodes {
            let Some((_, since)) = node.connected.take_if(|(connected, _)| connected == peer) else { continue };
            let stable = now.saturating_duration_since(since) >= STABLE;
            node.failures = if stable { 1 } else { node.failures + 1 };
            node.not_before = now + self.jitter.wait(node.failures);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::backoff::LONGEST;
    use super::*;

    fn at(port: u16, peer: Option<PeerId>) -> Multiaddr {
        let bare: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
        peer.map_or(bare.clone(), |peer| bare.with_p2p(peer).unwrap())
    }

    #[test]
    fn a_node_that_is_down_is_tried_ever_more_rarely_but_for_ever() {
        let mut now = Instant::now();
        let mut bootstrap = Bootstrap::new(now, &[at(1, None)], 7);
        let (mut tries, mut last, mut longest) = (0, now, Duration::ZERO);
        for _ in 0..3 * 3_600 {
            for dial in bootstrap.due(now) {
                tries += 1;
                longest = longest.max(now - last);
                last = now;
                bootstrap.failed(now, dial.connection_id());
            }
            now += Duration::from_secs(1);
        }
        assert!((35..90).contains(&tries), "{tries} in three hours");
        assert!(longest <= LONGEST + Duration::from_secs(1), "{longest:?}");
    }

    #[test]
    fn nobody_is_dialled_while_connected_and_a_lost_one_is_dialled_again_soon() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let mut bootstrap = Bootstrap::new(now, &[at(1, Some(peer)), at(2, Some(peer))], 7);
        let dials = bootstrap.due(now);
        assert_eq!(dials.len(), 1, "both addresses of one node are one dial");
        assert_eq!(bootstrap.due(now).len(), 0, "one at a time");
        bootstrap.connected(now, peer, dials[0].connection_id());
        assert!(bootstrap.is_one(&peer));
        let later = now + Duration::from_secs(3_600);
        assert_eq!(bootstrap.due(later).len(), 0);
        bootstrap.disconnected(later, &peer);
        assert_eq!(bootstrap.due(later).len(), 0);
        assert_eq!(bootstrap.due(later + Duration::from_secs(1)).len(), 1);
    }

    #[test]
    fn one_that_hangs_up_at_once_is_not_dialled_in_a_tight_loop() {
        let (mut now, peer) = (Instant::now(), PeerId::random());
        let mut bootstrap = Bootstrap::new(now, &[at(1, None)], 7);
        let mut tries = 0;
        for _ in 0..600 {
            for dial in bootstrap.due(now) {
                tries += 1;
                bootstrap.connected(now, peer, dial.connection_id());
                bootstrap.disconnected(now, &peer);
            }
            now += Duration::from_secs(1);
        }
        assert!(tries < 15, "{tries} in ten minutes");
    }
}
