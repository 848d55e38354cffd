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

/// How the network is doing, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// This node.
    pub peer: PeerId,
    /// All connections; those of one peer stand together, direct ones first.
    pub connections: Vec<Connection>,
    /// Where this node listens.
    pub listen: Vec<Multiaddr>,
    /// Where it says that it can be reached.
    pub external: Vec<Multiaddr>,
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
            routing_table,
            mesh: self.topics.iter().map(|topic| (*topic, mesh_of(topic))).collect(),
            streams: self.streams.len(),
            points: self.penalties.all_points(now),
            bans: self.penalties.bans(now).collect(),
        }
    }
}
