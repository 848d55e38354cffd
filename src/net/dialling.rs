//! Dials that were asked for, and telling how they failed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, DialError, ListenError};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::shell::Shell;
use super::{Event, MAX_DIAL_ADDRESSES, MAX_TEXT_BYTES, address};

/// Most dials that are remembered as asked for; the failure of further ones is not told.
const MAX_ASKED: usize = 1_024;

/// Who was to be dialled, so that a failure can be told. The DHT dials much more, of which nobody needs to hear.
#[derive(Debug, Default)]
pub(super) struct Asked {
    peers: BTreeSet<PeerId>,
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
    pub(super) fn dial_peer(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if self.swarm.is_connected(&peer) {
            return;
        }
        if self.asked.peers.len() < MAX_ASKED {
            self.asked.peers.insert(peer);
        }
        let opts = DialOpts::peer_id(peer).addresses(addresses).extend_addresses_through_behaviour().build();
        match self.swarm.dial(opts) {
            // It is being dialled already; what becomes of that is the answer.
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(error) => self.dial_failed(Some(peer), None, &error),
        }
    }

    fn dial_whoever(&mut self, at: Multiaddr) {
        let opts = DialOpts::unknown_peer_id().address(at.clone()).build();
        let id = opts.connection_id();
        if self.asked.dials.len() < MAX_ASKED {
            self.asked.dials.insert(id, at);
        }
        if let Err(error) = self.swarm.dial(opts) {
            self.dial_failed(None, Some(id), &error);
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
        self.dial_failed(peer, Some(id), error);
    }

    fn met_ourselves(&mut self, now: Instant, at: &Multiaddr) {
        let (bare, _) = address::split_peer(at);
        let ours = self.swarm.listeners().chain(self.swarm.external_addresses()).any(|own| *own == bare);
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

    fn dial_failed(&mut self, peer: Option<PeerId>, id: Option<ConnectionId>, error: &DialError) {
        tracing::debug!(?peer, error = chain(error), "a dial failed");
        let at = id.and_then(|id| self.asked.dials.remove(&id));
        let asked = peer.is_some_and(|peer| self.asked.peers.remove(&peer));
        if !asked && at.is_none() {
            return;
        }
        let error = match at {
            Some(at) => format!("{at}: {}", chain(error)),
            None => chain(error),
        };
        self.tell(Event::DialFailed { peer, error: cut(error) });
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
