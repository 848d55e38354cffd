//! The network as commands see it: a snapshot, and a request to look for somebody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{Notify, oneshot};

use super::network::{Link, Network};
use crate::model::id::Peer;
use crate::net;

/// The network of a running node. Clones speak to the same one.
#[derive(Clone)]
pub struct Shell {
    commands: net::Commands,
    look: Arc<Notify>,
    facts: Arc<Mutex<Facts>>,
}

/// What the event loop has heard and a snapshot does not say.
#[derive(Debug, Default)]
pub struct Facts {
    /// Peers that this node was told to begin with.
    pub bootstrap: Vec<PeerId>,
    /// What this node does for others.
    pub roles: Vec<&'static str>,
    /// Most connections that are kept.
    pub max_connections: usize,
    /// Listeners that could not be opened.
    pub listen_errors: Vec<String>,
    /// Where connected peers say that they listen.
    pub addresses: BTreeMap<PeerId, Vec<Multiaddr>>,
}

impl Shell {
    /// For a network that runs.
    #[must_use]
    pub fn new(commands: net::Commands, facts: Facts) -> Self {
        Self { commands, look: Arc::default(), facts: Arc::new(Mutex::new(facts)) }
    }

    /// Looks for members of all groups now rather than at the next round.
    pub fn look_for_members(&self) {
        self.look.notify_one();
    }

    /// Waits until somebody asks to look for members.
    pub async fn asked_to_look(&self) {
        self.look.notified().await;
    }

    /// Asks the DHT for a peer's addresses and dials it.
    pub async fn find(&self, peer: PeerId) {
        let _ = self.commands.send(net::Command::FindPeer(peer)).await;
    }

    /// Reads or changes what the event loop has heard.
    pub fn facts<R>(&self, run: impl FnOnce(&mut Facts) -> R) -> R {
        // The facts are simple values: a panic elsewhere leaves none of them half written.
        run(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the network knows now.
    pub async fn network(&self, started_ms: u64) -> Network {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(net::Command::Snapshot(reply)).await;
        let Ok(snapshot) = answer.await else { return Network { started_ms, ..Network::default() } };
        let (bootstrap, listen_errors, roles, max_connections) =
            self.facts(|f| (f.bootstrap.clone(), f.listen_errors.clone(), f.roles.clone(), f.max_connections));
        let connected = bootstrap.iter().filter(|b| snapshot.connections.iter().any(|c| c.peer == **b)).count();
        let mut links: BTreeMap<Peer, Link> = BTreeMap::new();
        for connection in &snapshot.connections {
            let Some(peer) = Peer::new(&connection.peer.to_bytes()) else { continue };
            // The best one comes first; a younger one may be the one that was measured.
            let rtt_ms = connection.rtt.map(|rtt| (rtt.as_secs_f64() * 1e6).round() / 1e3);
            let link = links.entry(peer.clone()).or_insert_with(|| Link {
                peer,
                address: connection.address.clone(),
                relayed: connection.path == net::Path::Relayed,
                transport: connection.transport.as_str().to_owned(),
                rtt_ms,
            });
            link.rtt_ms = link.rtt_ms.or(rtt_ms);
        }
        Network {
            started_ms,
            listen: snapshot.listen,
            external: snapshot.external,
            connections: snapshot.connections.len(),
            max_connections,
            roles,
            confirmed: snapshot.confirmed,
            observed: snapshot.observed,
            nat: snapshot.nat,
            reservations: snapshot.reservations,
            relay: snapshot.relay,
            upnp: snapshot.upnp,
            kad_server: snapshot.kad_server,
            known_in_dht: snapshot.routing_table,
            mesh: snapshot
                .mesh
                .into_iter()
                .map(|(topic, peers)| (topic, peers.iter().filter_map(|p| Peer::new(&p.to_bytes())).collect()))
                .collect(),
            bootstrap: (bootstrap.len(), connected),
            listen_errors,
            links,
        }
    }
}
