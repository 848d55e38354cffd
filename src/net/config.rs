//! What the network is told at start.

use std::fmt;
use std::num::NonZeroU32;
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
    /// Where this node can be reached from the internet, when that is known: announced from the start and never doubted.
    pub external: Vec<Multiaddr>,
    /// Whether addresses of the local network and of this machine are announced and count as reachable even where the
    /// internet is in sight, so that AutoNAT may confirm them, too. Without it they are announced only while nobody beyond
    /// the local network is known; peers nearby learn them by identify and mDNS either way. True suits closed test networks.
    pub local_is_external: bool,
    /// Relays to be reachable through, each with its `/p2p/PEER` at the end, when this node can not be reached directly.
    /// Connected peers that relay are used beside them.
    pub relays: Vec<Multiaddr>,
    /// Whether this node relays for others, and how much. It does so only while it is reachable itself.
    pub relay_server: Option<RelayLimits>,
    /// Whether to ask the local router for a port by UPnP. Without effect when every listen address is a loopback address.
    pub upnp: bool,
    /// Whether this node serves the DHT. `None`: as long as it is reachable, or nobody beyond the local network is known.
    pub kad_server: Option<bool>,
}

/// How much a relay carries for others. It can not read any of it. The defaults are those of the protocol's other
/// implementations, but for the rates: theirs would let a group behind one address open one circuit a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayLimits {
    /// Most peers that may be reached through this node at a time.
    pub reservations: usize,
    /// Most reservations of one peer, each on a connection of its own.
    pub reservations_per_peer: usize,
    /// How long a reservation holds unless it is renewed.
    pub reservation: Duration,
    /// Most circuits at a time.
    pub circuits: usize,
    /// Most circuits at a time that one peer began.
    pub circuits_per_peer: usize,
    /// How long a circuit may last, at most `u32::MAX` seconds.
    pub circuit: Duration,
    /// How much a circuit may carry in both directions together, bytes; 0 for no bound.
    pub circuit_bytes: u64,
    /// How many circuits a peer may begin at once, and a reservation may be asked for, before it has to wait.
    pub burst: NonZeroU32,
    /// How long it waits for each further one; not zero.
    pub refill: Duration,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            reservations: 128,
            reservations_per_peer: 4,
            reservation: Duration::from_secs(3_600),
            circuits: 16,
            circuits_per_peer: 4,
            circuit: Duration::from_secs(120),
            circuit_bytes: 128 << 10,
            burst: NonZeroU32::new(64).expect("not zero"),
            refill: Duration::from_secs(2),
        }
    }
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
    /// Listens nowhere, knows nobody, and has the defaults for everything else.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            listen: vec![],
            bootstrap: vec![],
            mdns: false,
            agent: String::new(),
            limits: Limits::default(),
            external: vec![],
            local_is_external: false,
            relays: vec![],
            relay_server: None,
            upnp: false,
            kad_server: None,
        }
    }

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
        let given = self.listen.iter().chain(&self.bootstrap).chain(&self.relays);
        given.into_iter().any(|address| address.iter().any(is_name))
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
            .field("external", &self.external)
            .field("local_is_external", &self.local_is_external)
            .field("relays", &self.relays)
            .field("relay_server", &self.relay_server)
            .field("upnp", &self.upnp)
            .field("kad_server", &self.kad_server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &[&str], bootstrap: &[&str]) -> Config {
        let read = |addresses: &[&str]| addresses.iter().map(|a| a.parse().unwrap()).collect();
        Config {
            listen: read(listen),
            bootstrap: read(bootstrap),
            mdns: true,
            agent: "學習網".repeat(30),
            ..Config::new([1; 32])
        }
    }

    #[test]
    fn names_are_resolved_only_where_an_address_has_one() {
        assert!(!config(&["/ip4/0.0.0.0/tcp/1"], &["/ip6/::1/udp/1/quic-v1"]).needs_dns());
        for name in ["/dns/a.example/tcp/1", "/dns4/a.example/tcp/1", "/dns6/a.example/tcp/1", "/dnsaddr/a.example"] {
            assert!(config(&[], &[name]).needs_dns(), "{name}");
        }
    }

    #[test]
    fn a_node_on_loopback_alone_does_not_look_around_the_local_network() {
        assert!(!config(&[], &[]).reaches_beyond_loopback());
        assert!(!config(&["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0"], &[]).reaches_beyond_loopback());
        assert!(config(&["/ip4/127.0.0.1/tcp/0", "/ip4/0.0.0.0/tcp/0"], &[]).reaches_beyond_loopback());
    }

    #[test]
    fn the_agent_is_cut_between_characters_and_the_key_is_never_shown() {
        let config = config(&[], &[]);
        assert_eq!(config.agent(), "學習網".repeat(7));
        let shown = format!("{config:?}");
        assert!(!shown.contains("key") && !shown.contains("1, 1, 1"), "{shown}");
    }
}
