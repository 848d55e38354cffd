//! The connections that are up.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::{Connection, Direction, address};

/// A connection on which this many pings in a row failed is dead: TCP alone may take a quarter of an hour to notice.
const FAILED_PINGS: u32 = 2;

#[derive(Debug)]
struct Up {
    peer: PeerId,
    address: Multiaddr,
    direction: Direction,
    since: Instant,
    rtt: Option<Duration>,
    failed_pings: u32,
}

/// The connections that are up.
#[derive(Debug, Default)]
pub(super) struct Connections {
    up: HashMap<ConnectionId, Up>,
}

impl Connections {
    pub fn add(&mut self, now: Instant, id: ConnectionId, peer: PeerId, address: Multiaddr, direction: Direction) {
        self.up.insert(id, Up { peer, address, direction, since: now, rtt: None, failed_pings: 0 });
    }

    pub fn remove(&mut self, id: ConnectionId) {
        self.up.remove(&id);
    }

    /// Takes a ping's result in; true when the connection is to be closed.
    pub fn pinged(&mut self, id: ConnectionId, rtt: Option<Duration>) -> bool {
        let Some(up) = self.up.get_mut(&id) else { return false };
        up.failed_pings = if rtt.is_some() { 0 } else { up.failed_pings + 1 };
        up.rtt = rtt.or(up.rtt);
        up.failed_pings >= FAILED_PINGS
    }

    /// Whether a peer is on this machine.
    pub fn is_local(&self, peer: &PeerId) -> bool {
        self.up.values().any(|up| up.peer == *peer && address::is_loopback(&up.address))
    }

    /// Whether any peer is on this machine.
    pub fn any_local(&self) -> bool {
        self.up.values().any(|up| address::is_loopback(&up.address))
    }

    /// Since when each peer is connected.
    pub fn peers(&self) -> HashMap<PeerId, Instant> {
        let mut peers = HashMap::new();
        for up in self.up.values() {
            let since = peers.entry(up.peer).or_insert(up.since);
            *since = up.since.min(*since);
        }
        peers
    }

    /// All of them, as they are shown.
    pub fn shown(&self, now: Instant) -> Vec<Connection> {
        let show = |up: &Up| Connection {
            peer: up.peer,
            address: up.address.clone(),
            direction: up.direction,
            path: address::path(&up.address),
            transport: address::transport(&up.address),
            rtt: up.rtt,
            age: now.saturating_duration_since(up.since),
        };
        let mut shown: Vec<Connection> = self.up.values().map(show).collect();
        shown.sort_by_key(|c| (c.peer, c.path, std::cmp::Reverse(c.age)));
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_given_up_after_two_failed_pings_in_a_row() {
        let (mut connections, id) = (Connections::default(), ConnectionId::new_unchecked(1));
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        connections.add(Instant::now(), id, PeerId::random(), address, Direction::Inbound);
        let rtt = Some(Duration::from_millis(3));
        assert!(!connections.pinged(id, None));
        assert!(!connections.pinged(id, rtt));
        assert!(!connections.pinged(id, None));
        assert!(connections.pinged(id, None));
        assert_eq!(connections.shown(Instant::now())[0].rtt, rtt);
    }
}
