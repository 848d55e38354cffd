//! The connections that are up.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::address::{self, Near};
use super::paths::Way;
use super::reach::Seen;
use super::{Connection, Direction, Path};

/// A connection on which no ping came back for this long is dead: TCP alone may take a quarter of an hour to notice. QUIC
/// notices by itself after 10 s.
pub const DEAD_AFTER: Duration = Duration::from_secs(17);
/// After this process did not run for a while, its peers get this long to show that they are still there.
pub const WAKE_GRACE: Duration = Duration::from_secs(7);

#[derive(Debug)]
struct Up {
    peer: PeerId,
    /// The peer's address; of an incoming connection behind a relay, the relay's and the peer's id.
    address: Multiaddr,
    direction: Direction,
    /// This side speaks as the one that dialled: holes are punched by dialling from both sides.
    dialler: bool,
    /// The address on this side, as far as it is known.
    local: Option<IpAddr>,
    since: Instant,
    rtt: Option<Duration>,
    /// When a ping last came back, or since when one could have.
    heard: Instant,
    /// It answers no pings because it does not know them.
    mute: bool,
}

/// The connections that are up.
#[derive(Debug)]
pub(super) struct Connections {
    me: PeerId,
    up: HashMap<ConnectionId, Up>,
}

impl Connections {
    /// None yet, for this node.
    pub fn new(me: PeerId) -> Self {
        Self { me, up: HashMap::new() }
    }

    /// A connection came up.
    pub fn add(&mut self, now: Instant, id: ConnectionId, peer: PeerId, endpoint: &ConnectedPoint) {
        let (address, local, dialler) = match endpoint {
            ConnectedPoint::Dialer { address, role_override, .. } => {
                (address.clone(), source(address), *role_override == Endpoint::Dialer)
            }
            ConnectedPoint::Listener { local_addr, .. } if address::is_circuit(local_addr) => {
                (local_addr.clone().with(Protocol::P2p(peer)), None, false)
            }
            ConnectedPoint::Listener { local_addr, send_back_addr } => {
                (send_back_addr.clone(), address::ip(local_addr), false)
            }
        };
        let direction = if endpoint.is_dialer() { Direction::Outbound } else { Direction::Inbound };
        let up = Up { peer, address, direction, dialler, local, since: now, rtt: None, heard: now, mute: false };
        self.up.insert(id, up);
    }

    pub fn remove(&mut self, id: ConnectionId) {
        self.up.remove(&id);
    }

    /// A connection as it is shown.
    pub fn get(&self, now: Instant, id: ConnectionId) -> Option<Connection> {
        self.up.get(&id).map(|up| show(now, up))
    }

    /// A connection as `reach` looks at it.
    pub fn seen(&self, id: ConnectionId) -> Option<Seen<'_>> {
        let up = self.up.get(&id)?;
        Some(Seen { connection: id, remote: &up.address, outbound: up.direction == Direction::Outbound })
    }

    /// A ping came back, or failed.
    pub fn pinged(&mut self, now: Instant, id: ConnectionId, rtt: Option<Duration>) {
        if let (Some(up), Some(rtt)) = (self.up.get_mut(&id), rtt) {
            up.rtt = Some(rtt);
            up.heard = now;
        }
    }

    /// The peer knows no pings.
    pub fn mute(&mut self, id: ConnectionId) {
        if let Some(up) = self.up.get_mut(&id) {
            up.mute = true;
        }
    }

    /// Connections on which nothing has come back for too long.
    pub fn dead(&self, now: Instant) -> Vec<ConnectionId> {
        let dead = |up: &Up| !up.mute && now.saturating_duration_since(up.heard) >= DEAD_AFTER;
        self.up.iter().filter(|(_, up)| dead(up)).map(|(id, _)| *id).collect()
    }

    /// This process did not run for a while: pings could not come back.
    pub fn woke(&mut self, now: Instant) {
        let Some(heard) = (now + WAKE_GRACE).checked_sub(DEAD_AFTER) else { return };
        self.up.values_mut().for_each(|up| up.heard = up.heard.max(heard));
    }

    /// Connections that went out from or came in at an address of this machine.
    pub fn at_local(&self, ip: IpAddr) -> Vec<ConnectionId> {
        self.up.iter().filter(|(_, up)| up.local == Some(ip)).map(|(id, _)| *id).collect()
    }

    /// Whose loopback addresses mean something here, if this peer tells them.
    pub fn near(&self, peer: &PeerId) -> Near {
        let here = |up: &Up| address::is_loopback(&up.address);
        let direct = |up: &Up| up.peer == *peer && !address::is_circuit(&up.address);
        Near { peer: self.up.values().any(|up| direct(up) && here(up)), relays: self.up.values().any(here) }
    }

    /// Whose loopback addresses mean something here, whoever tells them.
    pub fn any_near(&self) -> Near {
        let here = self.up.values().any(|up| address::is_loopback(&up.address));
        Near { peer: here, relays: here }
    }

    /// The best way to a peer, if there is any.
    pub fn path(&self, peer: &PeerId) -> Option<Path> {
        self.up.values().filter(|up| up.peer == *peer).map(|up| address::path(&up.address)).min()
    }

    /// How many direct connections there are with a peer.
    pub fn count_direct(&self, peer: &PeerId) -> usize {
        self.up.values().filter(|up| up.peer == *peer && !address::is_circuit(&up.address)).count()
    }

    /// Where this node reached a peer directly by dialling.
    pub fn dialled(&self, peer: &PeerId) -> Option<Multiaddr> {
        let out =
            |up: &&Up| up.peer == *peer && up.direction == Direction::Outbound && !address::is_circuit(&up.address);
        self.up.values().find(out).and_then(|up| address::of_peer(&up.address, peer))
    }

    /// The relays that connections go through.
    pub fn relays(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.up.values().filter_map(|up| address::relay(&up.address))
    }

    /// All connections of those peers that have more than one. `busy`: whether sync streams are open on one.
    pub fn several(&self, busy: impl Fn(ConnectionId) -> bool) -> HashMap<PeerId, Vec<Way>> {
        let mut of_peers: HashMap<PeerId, Vec<Way>> = HashMap::new();
        for (id, up) in &self.up {
            of_peers.entry(up.peer).or_default().push(Way {
                id: *id,
                path: address::path(&up.address),
                transport: address::transport(&up.address),
                by_lower: up.dialler == self.is_lower(&up.peer),
                since: up.since,
                works: up.rtt.is_some(),
                busy: busy(*id),
            });
        }
        of_peers.retain(|_, ways| ways.len() > 1);
        of_peers
    }

    /// Whether this node has a lower PeerId than a peer.
    pub fn is_lower(&self, peer: &PeerId) -> bool {
        self.me < *peer
    }

    /// Peers to which there is no direct way.
    pub fn only_relayed(&self) -> Vec<PeerId> {
        let mut best: HashMap<PeerId, Path> = HashMap::new();
        for up in self.up.values() {
            let path = address::path(&up.address);
            best.entry(up.peer).and_modify(|best| *best = path.min(*best)).or_insert(path);
        }
        best.into_iter().filter(|(_, path)| *path == Path::Relayed).map(|(peer, _)| peer).collect()
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
        let mut shown: Vec<Connection> = self.up.values().map(|up| show(now, up)).collect();
        shown.sort_by_key(|c| (c.peer, c.path, std::cmp::Reverse(c.age)));
        shown
    }
}

fn show(now: Instant, up: &Up) -> Connection {
    Connection {
        peer: up.peer,
        address: up.address.clone(),
        direction: up.direction,
        path: address::path(&up.address),
        transport: address::transport(&up.address),
        rtt: up.rtt,
        age: now.saturating_duration_since(up.since),
    }
}

/// From which of its addresses this machine sends to another one. libp2p does not tell for connections that go out; the
/// routing table does, without anything being sent.
fn source(remote: &Multiaddr) -> Option<IpAddr> {
    let ip = address::ip(remote).filter(|_| !address::is_circuit(remote))?;
    let any: SocketAddr = if ip.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    // Any port will do.
    socket.connect((ip, 9)).ok()?;
    socket.local_addr().ok().map(|own| own.ip())
}

#[cfg(test)]
mod tests {
    use libp2p::core::transport::PortUse;

    use super::*;

    fn dialled(address: &str) -> ConnectedPoint {
        let address = address.parse().unwrap();
        ConnectedPoint::Dialer { address, role_override: Endpoint::Dialer, port_use: PortUse::Reuse }
    }

    #[test]
    fn a_connection_is_dead_when_no_ping_came_back_for_long_and_sleep_does_not_count() {
        let (mut connections, id, now) =
            (Connections::new(PeerId::random()), ConnectionId::new_unchecked(1), Instant::now());
        connections.add(now, id, PeerId::random(), &dialled("/ip4/127.0.0.1/tcp/1"));
        let rtt = Some(Duration::from_millis(3));
        let soon = now + DEAD_AFTER / 2;
        connections.pinged(soon, id, rtt);
        connections.pinged(soon + DEAD_AFTER / 2, id, None);
        assert_eq!(connections.dead(now + DEAD_AFTER), []);
        assert_eq!(connections.dead(soon + DEAD_AFTER), [id]);
        assert_eq!(connections.shown(now)[0].rtt, rtt);
        connections.woke(soon + DEAD_AFTER);
        assert_eq!(connections.dead(soon + DEAD_AFTER), []);
        assert_eq!(connections.dead(soon + DEAD_AFTER + WAKE_GRACE), [id]);
        connections.mute(id);
        assert_eq!(connections.dead(soon + 9 * DEAD_AFTER), [], "it can not answer");
    }

    #[test]
    fn the_address_on_this_side_is_known_for_both_directions() {
        let (mut connections, now, peer) = (Connections::new(PeerId::random()), Instant::now(), PeerId::random());
        let listener = ConnectedPoint::Listener {
            local_addr: "/ip4/127.0.0.2/tcp/1".parse().unwrap(),
            send_back_addr: "/ip4/127.0.0.1/tcp/9".parse().unwrap(),
        };
        let [out, inc, circuit] = [1, 2, 3].map(ConnectionId::new_unchecked);
        connections.add(now, out, peer, &dialled("/ip4/127.0.0.1/udp/1/quic-v1"));
        connections.add(now, inc, peer, &listener);
        let relay = PeerId::random();
        connections.add(now, circuit, peer, &dialled(&format!("/ip4/127.0.0.1/tcp/1/p2p/{relay}/p2p-circuit")));
        assert_eq!(connections.at_local([127, 0, 0, 1].into()), [out]);
        assert_eq!(connections.at_local([127, 0, 0, 2].into()), [inc]);
        assert_eq!(connections.relays().collect::<Vec<_>>(), [relay]);
        assert_eq!(connections.several(|_| false)[&peer].len(), 3);
        connections.remove(out);
        connections.remove(inc);
        assert_eq!((connections.path(&peer), connections.only_relayed()), (Some(Path::Relayed), vec![peer]));
    }

    #[test]
    fn a_connection_through_a_relay_that_came_in_shows_the_relay() {
        let (mut connections, peer, id) =
            (Connections::new(PeerId::random()), PeerId::random(), ConnectionId::new_unchecked(1));
        let relay = PeerId::random();
        let endpoint = ConnectedPoint::Listener {
            local_addr: format!("/ip4/203.0.113.1/tcp/1/p2p/{relay}/p2p-circuit").parse().unwrap(),
            send_back_addr: format!("/p2p/{peer}").parse().unwrap(),
        };
        connections.add(Instant::now(), id, peer, &endpoint);
        let shown = connections.get(Instant::now(), id).unwrap();
        assert_eq!((shown.path, address::relay(&shown.address)), (Path::Relayed, Some(relay)));
    }
}
