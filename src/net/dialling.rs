//! Dials that were asked for: straight first, through a relay when that does not work, and telling how they failed.
//!
//! The swarm tries the addresses of one dial side by side, QUIC a little before TCP. It would take a relayed connection that
//! is there after a quarter of a second; so addresses behind relays are a second dial, which begins when the first one
//! fails or has had [`RELAYED_AFTER`], and at once when there is nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, ListenError, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::address::Scope;
use super::shell::Shell;
use super::{Event, MAX_DIAL_ADDRESSES, MAX_TEXT_BYTES, address, kad};

/// Most dials that are remembered as asked for; the failure of further ones is not told.
const MAX_ASKED: usize = 1_024;
/// How long dialling straight may take before relays are tried, too.
pub const RELAYED_AFTER: Duration = Duration::from_millis(500);
/// The same if there are only local addresses, which are near or somebody else's.
const RELAYED_AFTER_LOCAL: Duration = Duration::from_millis(100);

/// A peer that is being dialled because somebody asked for it.
#[derive(Debug, Default)]
struct Attempt {
    dials: BTreeSet<ConnectionId>,
    /// Addresses behind relays that were not tried yet, and when they are.
    relayed: Option<(Instant, Vec<Multiaddr>)>,
}

/// Who was to be dialled, so that a failure can be told. The DHT dials much more, of which nobody needs to hear.
#[derive(Debug, Default)]
pub(super) struct Asked {
    peers: BTreeMap<PeerId, Attempt>,
    /// Dials to whoever answers.
    dials: HashMap<ConnectionId, Multiaddr>,
}

impl Shell {
    pub(super) fn dial(&mut self, peer: Option<PeerId>, addresses: Vec<Multiaddr>) {
        let mut of_peers: BTreeMap<PeerId, Vec<Multiaddr>> = BTreeMap::new();
        if let Some(peer) = peer {
            of_peers.insert(peer, vec![]);
        }
        for given in addresses.into_iter().take(MAX_DIAL_ADDRESSES) {
            let (bare, named) = address::split_peer(&given);
            match peer.or(named) {
                Some(peer) if named.is_none_or(|named| named == peer) => of_peers.entry(peer).or_default().push(bare),
                Some(_) => {}
                None => self.dial_whoever(bare),
            }
        }
        of_peers.into_iter().for_each(|(peer, addresses)| self.dial_peer(peer, addresses));
    }

    /// Dials a peer that is not connected yet, at these addresses and whatever else is known of it.
    pub(super) fn dial_peer(&mut self, peer: PeerId, mut addresses: Vec<Multiaddr>) {
        if self.swarm.is_connected(&peer) {
            return;
        }
        for known in self.known_addresses(peer) {
            if !addresses.contains(&known) && addresses.len() < 2 * MAX_DIAL_ADDRESSES {
                addresses.push(known);
            }
        }
        let (relayed, mut direct): (Vec<_>, Vec<_>) = addresses.into_iter().partition(address::is_circuit);
        if !relayed.is_empty() {
            // A peer behind a relay names its local addresses, too. Elsewhere somebody else may have them.
            direct.retain(|address| self.is_plausible(address));
        }
        if !self.asked.peers.contains_key(&peer) && self.asked.peers.len() >= MAX_ASKED {
            tracing::debug!(%peer, "not dialled: too many dials are under way");
            return;
        }
        let now = Instant::now();
        let relays_at_once = direct.is_empty();
        let far = direct.iter().any(|address| address::scope(address) == Some(Scope::Global));
        let after = if far { RELAYED_AFTER } else { RELAYED_AFTER_LOCAL };
        let attempt = self.asked.peers.entry(peer).or_default();
        attempt.relayed = (!relayed.is_empty()).then_some((now + after, relayed));
        if relays_at_once && attempt.relayed.is_some() {
            self.dial_relayed(peer);
        } else {
            self.dial_at(peer, direct, PeerCondition::DisconnectedAndNotDialing);
        }
    }

    /// What the DHT and the local network know of a peer.
    fn known_addresses(&mut self, peer: PeerId) -> Vec<Multiaddr> {
        let behaviour = self.swarm.behaviour_mut();
        let mut known = kad::known_addresses(&mut behaviour.kad, peer);
        // As with the DHT: nothing is dialled by asking.
        let nobody = ConnectionId::new_unchecked(0);
        let nearby = behaviour.mdns.handle_pending_outbound_connection(nobody, Some(peer), &[], Endpoint::Dialer);
        known.extend(nearby.unwrap_or_default().iter().filter_map(|near| address::of_peer(near, &peer)));
        known
    }

    /// Dials, and remembers that somebody waits for it.
    fn dial_at(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, condition: PeerCondition) {
        let opts = DialOpts::peer_id(peer).addresses(addresses).condition(condition).build();
        let id = opts.connection_id();
        match self.swarm.dial(opts) {
            Ok(()) => {
                if let Some(attempt) = self.asked.peers.get_mut(&peer) {
                    attempt.dials.insert(id);
                }
            }
            // It is being dialled already; what becomes of that is the answer.
            Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(error) => self.dial_failed(Some(peer), id, &error),
        }
    }

    /// Tries the addresses behind relays, those behind connected ones first.
    fn dial_relayed(&mut self, peer: PeerId) {
        let relayed = self.asked.peers.get_mut(&peer).and_then(|attempt| attempt.relayed.take());
        let Some((_, addresses)) = relayed else { return };
        let there = |a: &Multiaddr| address::relay(a).is_some_and(|relay| self.swarm.is_connected(&relay));
        let (ready, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(there);
        let chosen = if ready.is_empty() { other } else { ready };
        self.dial_at(peer, chosen, PeerCondition::Disconnected);
    }

    /// Tries relays for those whom dialling straight takes too long.
    pub(super) fn dial_on(&mut self, now: Instant) {
        let late = |a: &Attempt| a.relayed.as_ref().is_some_and(|(at, _)| *at <= now);
        let due: Vec<PeerId> = self.asked.peers.iter().filter(|(_, a)| late(a)).map(|(peer, _)| *peer).collect();
        due.into_iter().for_each(|peer| self.dial_relayed(peer));
    }

    fn dial_whoever(&mut self, at: Multiaddr) {
        let opts = DialOpts::unknown_peer_id().address(at.clone()).build();
        let id = opts.connection_id();
        if self.asked.dials.len() < MAX_ASKED {
            self.asked.dials.insert(id, at);
        }
        if let Err(error) = self.swarm.dial(opts) {
            self.dial_failed(None, id, &error);
        }
    }

    /// Dials the bootstrap nodes that are due.
    pub(super) fn dial_bootstrap(&mut self, now: Instant) {
        for opts in self.bootstrap.due(now) {
            let id = opts.connection_id();
            if let Err(error) = self.swarm.dial(opts) {
                tracing::debug!(%error, "a bootstrap node could not be dialled");
                self.bootstrap.failed(now, id);
            }
        }
    }

    pub(super) fn dialled(&mut self, peer: &PeerId, id: ConnectionId) {
        self.asked.peers.remove(peer);
        self.asked.dials.remove(&id);
    }

    /// An outgoing connection failed.
    pub(super) fn outgoing_failed(&mut self, peer: Option<PeerId>, id: ConnectionId, error: &DialError) {
        let now = Instant::now();
        let me = *self.swarm.local_peer_id();
        match error {
            DialError::LocalPeerId { address } => self.met_ourselves(now, address),
            DialError::WrongPeerId { obtained, address } if *obtained == me => self.met_ourselves(now, address),
            _ => {}
        }
        self.bootstrap.failed(now, id);
        if let Some(peer) = peer {
            self.relays.dial_failed(now, &peer);
        }
        self.dial_failed(peer, id, error);
    }

    fn met_ourselves(&mut self, now: Instant, at: &Multiaddr) {
        let (bare, _) = address::split_peer(at);
        let bare_of = |own: &Multiaddr| address::split_peer(own).0;
        let ours = self.swarm.listeners().chain(self.swarm.external_addresses()).any(|own| bare_of(own) == bare);
        if !ours {
            self.same_identity.dialled(now, bare);
        }
    }

    /// An incoming connection failed.
    pub(super) fn incoming_failed(&mut self, from: Multiaddr, error: &ListenError) {
        tracing::debug!(%from, error = chain(error), "an incoming connection failed");
        match error {
            ListenError::LocalPeerId { .. } => self.same_identity.accepted(Instant::now(), from),
            ListenError::Transport(_) => self.same_identity.broken(Instant::now()),
            _ => {}
        }
    }

    fn dial_failed(&mut self, peer: Option<PeerId>, id: ConnectionId, error: &DialError) {
        tracing::debug!(?peer, error = chain(error), "a dial failed");
        if let Some(at) = self.asked.dials.remove(&id) {
            self.tell(Event::DialFailed { peer, error: cut(format!("{at}: {}", chain(error))) });
            return;
        }
        let Some(peer) = peer else { return };
        let Some(attempt) = self.asked.peers.get_mut(&peer) else { return };
        attempt.dials.remove(&id);
        if attempt.relayed.is_some() {
            self.dial_relayed(peer);
        } else if attempt.dials.is_empty() {
            self.asked.peers.remove(&peer);
            self.tell(Event::DialFailed { peer: Some(peer), error: cut(chain(error)) });
        }
    }
}

/// An error and what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// A text within [`MAX_TEXT_BYTES`].
pub(super) fn cut(mut text: String) -> String {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("short".into()), "short");
        let long = cut("學".repeat(1_000));
        assert_eq!(long.len(), MAX_TEXT_BYTES / 3 * 3);
        assert!(long.chars().all(|c| c == '學'));
    }
}
