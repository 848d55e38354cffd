//! Relaying for others: only while this node can be reached itself, and within limits.
//!
//! A relay that does not know where it can be reached hands out reservations that nobody can use. So libp2p's relay is
//! told our addresses one by one, and none means that it does not offer itself ([`Relay::NotReady`]).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use libp2p::relay::{self, Event as Told};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::guard::{Guarded, Out, Rules};
use super::shell::Shell;
use super::{Event, Nat, Relay, RelayLimits};

/// All peers behind one address together may begin this many times as many circuits as one of them: a class.
const PEERS_BEHIND_ONE_ADDRESS: u32 = 32;

/// libp2p's relay, set up.
pub(super) fn behaviour(me: PeerId, limits: &RelayLimits) -> Guarded<relay::Behaviour> {
    let refill = limits.refill.max(Duration::from_millis(1));
    let crowd = limits.burst.saturating_mul(NonZeroU32::new(PEERS_BEHIND_ONE_ADDRESS).expect("not zero"));
    let crowd_refill = (refill / PEERS_BEHIND_ONE_ADDRESS).max(Duration::from_millis(1));
    let config = relay::Config {
        max_reservations: limits.reservations,
        max_reservations_per_peer: limits.reservations_per_peer,
        reservation_duration: limits.reservation,
        reservation_rate_limiters: vec![],
        max_circuits: limits.circuits,
        max_circuits_per_peer: limits.circuits_per_peer,
        max_circuit_duration: limits.circuit.min(Duration::from_secs(u32::MAX.into())),
        max_circuit_bytes: limits.circuit_bytes,
        circuit_src_rate_limiters: vec![],
    }
    .reservation_rate_per_peer(limits.burst, refill)
    .reservation_rate_per_ip(crowd, crowd_refill)
    .circuit_src_per_peer(limits.burst, refill)
    .circuit_src_per_ip(crowd, crowd_refill);
    Guarded::new(relay::Behaviour::new(me, config), Rules { own_addresses: true, ..Rules::default() })
}

/// What this node relays.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Who can be reached through this node, and until when.
    reservations: BTreeMap<PeerId, Instant>,
    /// From whom to whom circuits are open, and how many.
    circuits: BTreeMap<(PeerId, PeerId), usize>,
    /// The addresses that the relay was told.
    addresses: BTreeSet<Multiaddr>,
    /// Why it is not ready; `None` when it is.
    why_not: Option<String>,
    told: Option<Relay>,
}

impl Served {
    /// Whether connections with this peer carry reservations or circuits.
    pub fn serves(&self, peer: &PeerId) -> bool {
        self.reservations.contains_key(peer) || self.circuits.keys().any(|(a, b)| a == peer || b == peer)
    }

    /// A peer is gone, and with it what went through it.
    pub fn disconnected(&mut self, peer: &PeerId) {
        self.reservations.remove(peer);
        self.circuits.retain(|(a, b), _| a != peer && b != peer);
    }

    fn closed(&mut self, from: PeerId, to: PeerId) {
        if let Some(count) = self.circuits.get_mut(&(from, to)) {
            *count -= 1;
            if *count == 0 {
                self.circuits.remove(&(from, to));
            }
        }
    }
}

impl Shell {
    pub(super) fn relayed(&mut self, event: Out<Told>) {
        let Out::Event(event) = event else { return };
        let Some(limits) = self.config.relay_server else { return };
        tracing::debug!(?event, "relay");
        match event {
            Told::ReservationReqAccepted { src_peer_id, .. } => {
                self.served.reservations.insert(src_peer_id, Instant::now() + limits.reservation);
            }
            Told::ReservationTimedOut { src_peer_id } => {
                self.served.reservations.remove(&src_peer_id);
            }
            Told::CircuitReqAccepted { src_peer_id, dst_peer_id } => {
                *self.served.circuits.entry((src_peer_id, dst_peer_id)).or_default() += 1;
            }
            Told::CircuitClosed { src_peer_id, dst_peer_id, .. } => self.served.closed(src_peer_id, dst_peer_id),
            // libp2p tells that a reservation closed for every connection that does, with or without one; what counts is
            // whether the peer is still there.
            _ => {}
        }
    }

    /// How the relay is doing.
    pub(super) fn relay_state(&self) -> Relay {
        match (self.config.relay_server, &self.served.why_not) {
            (None, _) => Relay::Off,
            (Some(_), Some(why)) => Relay::NotReady(why.clone()),
            (Some(_), None) => {
                let circuits = self.served.circuits.values().sum();
                Relay::Ready { reservations: self.served.reservations.len(), circuits }
            }
        }
    }

    /// Tells the relay where this node can be reached, and tells whether it is ready when that has changed.
    pub(super) fn reconcile_relay(&mut self, now: Instant) {
        if self.config.relay_server.is_none() {
            return;
        }
        self.served.reservations.retain(|_, until| *until > now);
        let wanted: BTreeSet<Multiaddr> = self.reach.as_relay().into_iter().collect();
        if let Some(relay) = self.swarm.behaviour_mut().relay_server.as_mut() {
            self.served.addresses.difference(&wanted).for_each(|gone| relay.expire(gone));
            wanted.difference(&self.served.addresses).for_each(|new| relay.confirm(new));
        }
        self.served.why_not = wanted.is_empty().then(|| {
            match self.reach.nat(now) {
                Nat::Private(_) => {
                    "peers do not reach this node: it is behind a NAT or a firewall, so nobody would be helped"
                }
                Nat::Unknown | Nat::Public => "no external address is configured, and nobody has confirmed one yet",
            }
            .to_owned()
        });
        self.served.addresses = wanted;
        let state = self.relay_state();
        let same = match (&self.served.told, &state) {
            (Some(Relay::Ready { .. }), Relay::Ready { .. }) => true,
            (told, state) => told.as_ref() == Some(state),
        };
        if !same {
            self.served.told = Some(state.clone());
            self.tell(Event::Relay(state));
        }
    }
}
