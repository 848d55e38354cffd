//! How the network is doing, at one moment.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use super::shell::Shell;
use super::{Direction, Key, Path, Transport, gossip};

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// With whom.
    pub peer: PeerId,
    /// The peer's address as seen from here.
    pub address: Multiaddr,
    /// Who began it.
    pub direction: Direction,
    /// Straight or through a relay.
    pub path: Path,
    /// What carries it.
    pub transport: Transport,
    /// The last round trip that was measured, if any yet.
    pub rtt: Option<Duration>,
    /// How long it has been up.
    pub age: Duration,
}

/// How this node's address looks from the internet, as far as that can be told from what peers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nat {
    /// Nobody beyond the local network has told anything yet, or the tests are not over.
    #[default]
    Unknown,
    /// This node can be reached directly.
    Public,
    /// It can not: there is a NAT or a firewall. How the NAT assigns ports decides whether holes can be punched.
    Private(Mapping),
}

/// How a NAT assigns outside ports (RFC 4787, section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mapping {
    /// Fewer than two peers at different addresses have told under which port they see this node.
    #[default]
    Unknown,
    /// All see the same port: holes can be punched.
    EndpointIndependent,
    /// Some see another port (address- or address-and-port-dependent): holes can be punched only towards peers that are
    /// easier to reach.
    AddressDependent,
}

/// Whether this node relays for others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Relay {
    /// It is not to.
    #[default]
    Off,
    /// It is to, but would be of no use: why, in a sentence.
    NotReady(String),
    /// It does.
    Ready {
        /// Peers that can be reached through this node.
        reservations: usize,
        /// Circuits that are open.
        circuits: usize,
    },
}

/// What the local router says to a request for a port.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Upnp {
    /// It is not asked.
    #[default]
    Off,
    /// No answer yet.
    Searching,
    /// It forwards from these addresses.
    Mapped(Vec<Multiaddr>),
    /// It does not: why, in a sentence.
    Failed(String),
}

/// A relay through which this node can be reached, or wants to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The relay.
    pub relay: PeerId,
    /// Whether it has said yes.
    pub accepted: bool,
    /// How long ago it was asked, or said yes for the first time.
    pub age: Duration,
}

/// How the network is doing, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// This node.
    pub peer: PeerId,
    /// All connections; those of one peer stand together, direct ones first.
    pub connections: Vec<Connection>,
    /// Where this node listens.
    pub listen: Vec<Multiaddr>,
    /// Where it says that it can be reached, through relays, too.
    pub external: Vec<Multiaddr>,
    /// Those of `external` that are configured, or that AutoNAT or the local router confirmed.
    pub confirmed: Vec<Multiaddr>,
    /// Under which addresses peers beyond the local network see this node, each with how many do.
    pub observed: Vec<(Multiaddr, usize)>,
    /// How this node's address looks from the internet.
    pub nat: Nat,
    /// The relays through which this node can be reached, or that it has asked.
    pub reservations: Vec<Reservation>,
    /// Whether this node relays for others.
    pub relay: Relay,
    /// What the local router says.
    pub upnp: Upnp,
    /// Whether this node serves the DHT.
    pub kad_server: bool,
    /// Peers in the DHT's routing table.
    pub routing_table: usize,
    /// The topics that this node takes part in, each with its mesh.
    pub mesh: Vec<(Key, Vec<PeerId>)>,
    /// Open sync streams.
    pub streams: usize,
    /// Peers with penalty points, and how many.
    pub points: Vec<(PeerId, u32)>,
    /// Banned peers, and for how long still.
    pub bans: Vec<(PeerId, Duration)>,
}

impl Shell {
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let now = tokio::time::Instant::now();
        let routing_table = self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum();
        let gossipsub = &self.swarm.behaviour().gossipsub;
        let mesh_of = |topic: &Key| gossipsub.mesh_peers(&gossip::topic(topic).hash()).copied().collect();
        Snapshot {
            peer: *self.swarm.local_peer_id(),
            connections: self.connections.shown(now),
            listen: self.swarm.listeners().cloned().collect(),
            external: self.swarm.external_addresses().cloned().collect(),
            confirmed: self.reach.confirmed(),
            observed: self.reach.sightings(),
            nat: self.reach.nat(now),
            reservations: self.relays.reservations(now),
            relay: self.relay_state(),
            upnp: self.router.state().clone(),
            kad_server: self.serves_dht(),
            routing_table,
            mesh: self.topics.iter().map(|topic| (*topic, mesh_of(topic))).collect(),
            streams: self.streams.len(),
            points: self.penalties.all_points(now),
            bans: self.penalties.bans(now).collect(),
        }
    }
}
