//! Carrying out what follows from where this node can be reached: what is announced, whether it serves the DHT and relays,
//! and whether it needs relays itself.

use std::collections::BTreeSet;

use libp2p::kad::Mode;
use libp2p::{Multiaddr, PeerId, identify};
use tokio::time::Instant;

use super::address::{self, Scope};
use super::shell::Shell;
use super::{Event, Nat, kad};

/// Most addresses behind one relay that are announced: by QUIC and by TCP, over IPv4 or over IPv6.
const MAX_BEHIND_ONE_RELAY: usize = 3;

/// What was told or done about reachability last.
#[derive(Debug, Default)]
pub(super) struct Told {
    external: BTreeSet<Multiaddr>,
    nat: Nat,
    serves_dht: Option<bool>,
    /// Peers do not know yet what is announced now.
    push: bool,
}

impl Shell {
    /// Brings everything in line with what is known of the ways to this node. Cheap when nothing has changed.
    pub(super) fn reconcile(&mut self) {
        let now = Instant::now();
        let wanted: BTreeSet<Multiaddr> = self.reach.announced(now).into_iter().collect();
        let direct = self.swarm.external_addresses().filter(|a| !address::is_circuit(a));
        let current: BTreeSet<Multiaddr> = direct.cloned().collect();
        current.difference(&wanted).for_each(|gone| self.swarm.remove_external_address(gone));
        wanted.difference(&current).for_each(|new| self.swarm.add_external_address(new.clone()));
        self.tell_external(now);
        self.reconcile_relay(now);
        let nat = self.reach.nat(now);
        if self.told.nat != nat {
            self.told.nat = nat;
            self.tell(Event::Nat(nat));
        }
        let configured = !self.config.relays.is_empty() && !self.reach.is_configured();
        let private = matches!(nat, Nat::Private(_));
        self.relays.want(!self.reach.is_public() && (private || configured));
        self.reconcile_dht(now);
    }

    /// Tells what is announced now, addresses behind relays included, to whom it concerns.
    fn tell_external(&mut self, now: Instant) {
        let external: BTreeSet<Multiaddr> = self.swarm.external_addresses().cloned().collect();
        if external == self.told.external {
            return;
        }
        let before = std::mem::replace(&mut self.told.external, external.clone());
        before.difference(&external).for_each(|gone| self.tell(Event::ExternalExpired(gone.clone())));
        external.difference(&before).for_each(|new| self.tell(Event::External(new.clone())));
        // Provider records carry the addresses.
        self.provided.moved(now);
        self.told.push = true;
    }

    fn reconcile_dht(&mut self, now: Instant) {
        let local = self.reach.is_local_world(now);
        let serves = self.config.kad_server.unwrap_or_else(|| local || self.reach.is_public());
        if self.told.serves_dht == Some(serves) {
            return;
        }
        self.told.serves_dht = Some(serves);
        tracing::debug!(serves, "the DHT");
        let me = kad::peer_key(self.swarm.local_peer_id());
        let dht = &mut self.swarm.behaviour_mut().kad;
        dht.set_mode(Some(if serves { Mode::Server } else { Mode::Client }));
        if serves {
            dht.stop_providing(&kad::record_key(&me));
        }
        // Those who serve stand in routing tables; the others have to say where they are.
        self.provided.set_own((!serves).then_some(me));
    }

    /// Whether this node serves the DHT.
    pub(super) fn serves_dht(&self) -> bool {
        self.told.serves_dht == Some(true)
    }

    /// Tells connected peers what is announced now, if they do not know yet.
    pub(super) fn push_addresses(&mut self) {
        if std::mem::take(&mut self.told.push) {
            let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
            self.swarm.behaviour_mut().identify.push(peers);
        }
    }

    /// A relay said under which address this node is reached through it. The relay client announces the one that was asked
    /// for; those for other transports help who can not use that one.
    pub(super) fn listening_behind_relay(&mut self, at: &Multiaddr) {
        let me = *self.swarm.local_peer_id();
        let (bare, named) = address::split_peer(at);
        let relay = address::relay(&bare).filter(|relay| named == Some(me) && self.relays.is_used(relay));
        let local = self.config.local_is_external || self.reach.is_local_world(Instant::now());
        let reaches = address::scope(&bare).is_some_and(|scope| scope == Scope::Global || local);
        let Some(relay) = relay.filter(|_| reaches) else { return };
        let there = self.swarm.external_addresses().filter(|own| address::relay(own) == Some(relay)).count();
        if there < MAX_BEHIND_ONE_RELAY {
            self.swarm.add_external_address(at.clone());
        }
    }

    /// A peer told under which address it sees us.
    pub(super) fn seen_at(&mut self, connection: libp2p::swarm::ConnectionId, info: &identify::Info) {
        let Some(seen) = self.connections.seen(connection) else { return };
        let tries = self.reach.observed(seen, &info.observed_addr);
        for address in &tries.punch {
            self.swarm.behaviour_mut().dcutr.candidate(address);
        }
        tries.test.iter().for_each(|address| self.offer_test(address));
    }
}
