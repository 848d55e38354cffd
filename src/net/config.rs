//! What the network is told at start.

use std::fmt;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use super::penalties;

/// Fewest connections per peer that work: dial-back, simultaneous dials and a relayed connection beside a direct one
/// each take one for a while.
pub const MIN_CONNECTIONS_PER_PEER: u32 = 4;
/// Longest agent text that is sent to peers, bytes.
pub const MAX_AGENT_BYTES: usize = 64;

/// What the network needs to know at start.
#[derive(Clone)]
pub struct Config {
    /// The Ed25519 seed of the transport key: it makes the PeerId. Keep it: a fresh one breaks every ticket.
    pub key: [u8; 32],
    /// Where to listen; `/ip4/0.0.0.0/tcp/0` and the like are fine. An address that fails is reported by
    /// [`super::Event::ListenFailed`] and does not stop the others.
    pub listen: Vec<Multiaddr>,
    /// Nodes to meet others through, with or without a final `/p2p/PEER`. They need not be members of anything.
    pub bootstrap: Vec<Multiaddr>,
    /// Whether to look for peers on the local network. It tells everybody there this node's PeerId and addresses. Without
    /// effect when every listen address is a loopback address, since nothing is to be found there.
    pub mdns: bool,
    /// Name and version of the program as peers see it; cut to [`MAX_AGENT_BYTES`].
    pub agent: String,
    /// How much of the machine the network may use.
    pub limits: Limits,
}

/// How much of the machine the network may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most established connections. Three quarters of them may be incoming, so that whoever fills them all can not keep
    /// this node from dialling out.
    pub connections: u32,
    /// Most established connections with one peer; at least [`MIN_CONNECTIONS_PER_PEER`] whatever is set here.
    pub connections_per_peer: u32,
    /// Most incoming connections that are being set up.
    pub pending_incoming: u32,
    /// Most outgoing connections that are being set up.
    pub pending_outgoing: u32,
    /// No new connection while the process uses more physical memory than this, bytes.
    pub memory_bytes: usize,
    /// Beyond this many connected peers, those that share no topic with this node are disconnected, oldest first.
    /// gossipsub keeps every idle connection open, so that the idle timeout alone trims nothing.
    pub peers_kept: usize,
    /// How long a peer that broke the protocol repeatedly is kept out.
    pub ban: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_peer: 6,
            pending_incoming: 128,
            pending_outgoing: 128,
            memory_bytes: 1 << 30,
            peers_kept: 160,
            ban: penalties::BAN,
        }
    }
}

impl Config {
    /// Whether anything is listened on beyond loopback.
    pub(super) fn reaches_beyond_loopback(&self) -> bool {
        self.listen.iter().any(|address| !super::address::is_loopback(address))
    }

    /// Whether names have to be resolved. Otherwise no resolver is set up at all: then an address that a stranger made up
    /// can not make this node ask for a name.
    pub(super) fn needs_dns(&self) -> bool {
        let is_name = |p: Protocol<'_>| {
            matches!(p, Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_))
        };
        self.listen.iter().chain(&self.bootstrap).any(|address| address.iter().any(is_name))
    }

    /// The agent text within its bound.
    pub(super) fn agent(&self) -> String {
        let mut end = self.agent.len().min(MAX_AGENT_BYTES);
        while !self.agent.is_char_boundary(end) {
            end -= 1;
        }
        self.agent[..end].to_owned()
    }
}

/// The key stays out of logs.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("bootstrap", &self.bootstrap)
            .field("mdns", &self.mdns)
            .field("agent", &self.agent)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
