//! Carrying out what [`super::relays`] decides: being reached through relays.

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, StreamProtocol, relay};
use tokio::time::Instant;

use super::relays::Step;
use super::shell::Shell;
use super::{Event, address};

impl Shell {
    /// Asks relays that are due.
    pub(super) fn reserve(&mut self, now: Instant) {
        for step in self.relays.due(now) {
            match step {
                Step::Dial(peer, addresses) => self.dial_relay(now, peer, addresses),
                Step::Reserve(peer, at) => self.ask_relay(now, peer, at),
                Step::Release(listener) => self.release(listener),
            }
        }
    }

    fn dial_relay(&mut self, now: Instant, peer: PeerId, addresses: Vec<Multiaddr>) {
        let opts = DialOpts::peer_id(peer).addresses(addresses).build();
        match self.swarm.dial(opts) {
            // Somebody dials it already: what becomes of that is the answer.
            Ok(()) | Err(libp2p::swarm::DialError::DialPeerConditionFalse(_)) => {}
            Err(error) => {
                tracing::debug!(%peer, %error, "a relay could not be dialled");
                self.relays.dial_failed(now, &peer);
            }
        }
    }

    fn ask_relay(&mut self, now: Instant, peer: PeerId, at: Multiaddr) {
        let behind = at.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
        match self.swarm.listen_on(behind) {
            Ok(listener) => self.relays.asked(&peer, listener),
            Err(error) => {
                tracing::debug!(%peer, %error, "a relay could not be asked");
                self.relays.not_asked(now, &peer);
            }
        }
    }

    fn release(&mut self, listener: ListenerId) {
        self.swarm.remove_listener(listener);
    }

    pub(super) fn relay_client(&mut self, event: relay::client::Event) {
        match event {
            relay::client::Event::ReservationReqAccepted { relay_peer_id, .. } => {
                let (first, step) = self.relays.accepted(Instant::now(), &relay_peer_id);
                if let Some(Step::Release(listener)) = step {
                    self.release(listener);
                }
                if first {
                    self.tell(Event::Reserved(relay_peer_id));
                }
                self.reconcile();
            }
            event => tracing::debug!(?event, "a circuit"),
        }
    }

    /// A listener closed that is none of the configured ones.
    pub(super) fn circuit_listener_closed(&mut self, listener: ListenerId, reason: std::io::Result<()>) {
        if let Some(relay) = self.relays.lost(Instant::now(), listener) {
            let why = reason.err().map_or_else(|| "the connection with it ended".to_owned(), |error| error.to_string());
            tracing::debug!(%relay, why, "a reservation is lost");
            self.tell(Event::ReservationLost(relay, super::dialling::cut(why)));
        }
        self.reconcile();
    }

    /// What a peer that says who it is has to do with relaying.
    pub(super) fn may_relay(&mut self, peer: PeerId, protocols: &[StreamProtocol], at: &[Multiaddr]) {
        if self.connections.count_direct(&peer) == 0 {
            return;
        }
        let relays = protocols.contains(&relay::HOP_PROTOCOL_NAME);
        let dialled = self.connections.dialled(&peer).filter(address::is_dialable);
        self.relays.identified(Instant::now(), peer, relays, at.to_vec(), dialled.as_ref());
    }
}
