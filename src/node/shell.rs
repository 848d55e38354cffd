//! The network as commands see it: a snapshot, and a request to look for somebody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use libp2p::{Multiaddr, PeerId};
use tokio::sync::Notify;

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
        let Some(snapshot) = self.commands.snapshot().await else { return Network { started_ms, ..Network::default() } };
        let (bootstrap, listen_errors) = self.facts(|f| (f.bootstrap.clone(), f.listen_errors.clone()));
        let connected = bootstrap.iter().filter(|b| snapshot.peers.iter().any(|p| p.peer == **b)).count();
        let links: BTreeMap<Peer, Link> = snapshot
            .peers
            .iter()
            .filter_map(|p| {
                let peer = Peer::new(&p.peer.to_bytes())?;
                let best = p.connections.first()?;
                let link = Link {
                    peer: peer.clone(),
                    address: best.address.clone(),
                    relayed: best.relayed,
                    transport: best.transport.as_str().to_owned(),
                    rtt_ms: p.rtt.map(|rtt| (rtt.as_secs_f64() * 1e6).round() / 1e3),
                };
                Some((peer, link))
            })
            .collect();
        Network {
            started_ms,
            listen: snapshot.listen,
            external: snapshot.external,
            connections: snapshot.peers.iter().map(|p| p.connections.len()).sum(),
            max_connections: snapshot.max_connections,
            known_in_dht: snapshot.kad_peers,
            bootstrap: (bootstrap.len(), connected),
            listen_errors,
            links,
        }
    }
}
