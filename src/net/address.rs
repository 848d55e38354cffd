//! Reading addresses: which peer, which transport, how far they reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::{Path, Transport};

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// This machine.
    Machine,
    /// The local network, or what a provider shares among its customers (RFC 1918, 4193, 6598).
    Local,
    /// Everywhere. The ranges for documentation and for benchmarks count here: nobody has them but test networks, which
    /// mean the internet by them. Names count here, too.
    Global,
}

/// How far an address reaches (of a circuit: its relay's); `None` when it can not be dialled from anywhere else.
pub(super) fn scope(address: &Multiaddr) -> Option<Scope> {
    let is_loopback = match address.iter().next()? {
        _ if !is_dialable(address) => return None,
        Protocol::Ip4(ip) => ip.is_loopback(),
        Protocol::Ip6(ip) => ip.is_loopback(),
        _ => false,
    };
    let local = match ip(address) {
        Some(IpAddr::V4(ip)) => is_local4(ip),
        Some(IpAddr::V6(ip)) => is_local6(ip),
        None => false,
    };
    Some(match (is_loopback, local) {
        (true, _) => Scope::Machine,
        (false, true) => Scope::Local,
        (false, false) => Scope::Global,
    })
}

fn is_local4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    ip.is_private() || ip.is_link_local() || shared || a == 0 || a >= 224
}

fn is_local6(ip: Ipv6Addr) -> bool {
    ip.to_ipv4_mapped().is_some_and(is_local4)
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || ip.is_multicast()
}

/// The IP address that it begins with.
pub(super) fn ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// The TCP or UDP port.
pub(super) fn port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|p| match p {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    })
}

/// The same address with another TCP or UDP port.
pub(super) fn with_port(address: &Multiaddr, port: u16) -> Option<Multiaddr> {
    let at = address.iter().position(|p| matches!(p, Protocol::Tcp(_) | Protocol::Udp(_)))?;
    address.replace(at, |old| match old {
        Protocol::Tcp(_) => Some(Protocol::Tcp(port)),
        _ => Some(Protocol::Udp(port)),
    })
}

/// Whether two addresses of the local network are likely to be in the same one: the netmask is not known, so a /16 (IPv4)
/// and a /48 (IPv6) stand for it.
pub(super) fn same_network(a: &Multiaddr, b: &Multiaddr) -> bool {
    match (ip(a), ip(b)) {
        (Some(IpAddr::V4(a)), Some(IpAddr::V4(b))) => a.octets()[..2] == b.octets()[..2],
        (Some(IpAddr::V6(a)), Some(IpAddr::V6(b))) => a.segments()[..3] == b.segments()[..3],
        _ => false,
    }
}

/// Takes a final `/p2p/PEER` off.
pub(super) fn split_peer(address: &Multiaddr) -> (Multiaddr, Option<PeerId>) {
    let mut bare = address.clone();
    match bare.pop() {
        Some(Protocol::P2p(peer)) => (bare, Some(peer)),
        _ => (address.clone(), None),
    }
}

/// An address as a peer is dialled at: without its own PeerId at the end, which is how the swarm recognizes its own listen
/// addresses. `None` when it names another peer.
pub(super) fn of_peer(address: &Multiaddr, peer: &PeerId) -> Option<Multiaddr> {
    match split_peer(address) {
        (bare, named) if named.is_none_or(|named| named == *peer) => Some(bare),
        _ => None,
    }
}

/// Which transport carries a connection at this address (of a circuit: to its relay).
pub(super) fn transport(address: &Multiaddr) -> Transport {
    let quic = address.iter().any(|p| matches!(p, Protocol::QuicV1 | Protocol::Quic));
    if quic { Transport::Quic } else { Transport::Tcp }
}

/// Whether a connection at this address goes through a relay.
pub(super) fn path(address: &Multiaddr) -> Path {
    if is_circuit(address) { Path::Relayed } else { Path::Direct }
}

/// Whether this is an address behind a relay.
pub(super) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|p| matches!(p, Protocol::P2pCircuit))
}

/// The relay of an address behind one: the peer named before the only `/p2p-circuit`.
pub(super) fn relay(address: &Multiaddr) -> Option<PeerId> {
    let mut relay = None;
    let mut parts = address.iter();
    for part in parts.by_ref() {
        match part {
            Protocol::P2p(peer) => relay = Some(peer),
            Protocol::P2pCircuit => break,
            _ => {}
        }
    }
    relay.filter(|_| is_circuit(address) && !parts.any(|p| matches!(p, Protocol::P2pCircuit)))
}

/// Whether only this machine is reached, or a relay on it.
pub(super) fn is_loopback(address: &Multiaddr) -> bool {
    ip(address).is_some_and(|ip| ip.is_loopback())
}

/// Whether this can be dialled from elsewhere at all: not the "any interface" address, and not one that only means
/// something together with a network interface; a port to dial; behind a relay, just one that is named.
pub(super) fn is_dialable(address: &Multiaddr) -> bool {
    let place = match address.iter().next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !ip.is_link_local(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !ip.is_unicast_link_local(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)) => true,
        _ => false,
    };
    place && (!is_circuit(address) || relay(address).is_some())
}

/// Whose loopback addresses mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Near {
    /// The peer's own: it is on this machine.
    pub peer: bool,
    /// Those of relays: somebody is on this machine, who may be one.
    pub relays: bool,
}

impl Near {
    /// Nobody is on this machine.
    #[cfg(test)]
    pub const NOT: Self = Self { peer: false, relays: false };
    /// The peer is on this machine.
    #[cfg(test)]
    pub const HERE: Self = Self { peer: true, relays: true };
}

/// What is worth keeping of the addresses that a peer gave: dialable, at most `max`, and loopback ones only of a peer that
/// is on this machine; anybody else's loopback is not here, and might be ourselves. If there are too many, some of each
/// kind are kept: global ones, such behind a relay, local ones; in each kind those that were named first.
pub(super) fn worth_keeping(addresses: impl IntoIterator<Item = Multiaddr>, near: Near, max: usize) -> Vec<Multiaddr> {
    let mut kinds: [Vec<Multiaddr>; 4] = Default::default();
    // More than this is nobody's honest list; the bound keeps the work small.
    for address in addresses.into_iter().take(MOST_LOOKED_AT) {
        let circuit = is_circuit(&address);
        let ours = if circuit { near.relays } else { near.peer };
        let kind = match scope(&address) {
            None => continue,
            Some(Scope::Machine) if !ours => continue,
            _ if circuit => 1,
            Some(Scope::Global) => 0,
            Some(Scope::Local) => 2,
            Some(Scope::Machine) => 3,
        };
        if !kinds[kind].contains(&address) {
            kinds[kind].push(address);
        }
    }
    let mut left = max;
    let mut take = [0; 4];
    while left > 0 && (0..4).any(|kind| take[kind] < kinds[kind].len()) {
        for kind in 0..4 {
            if left > 0 && take[kind] < kinds[kind].len() {
                take[kind] += 1;
                left -= 1;
            }
        }
    }
    kinds.into_iter().zip(take).flat_map(|(kind, take)| kind.into_iter().take(take)).collect()
}

/// Most addresses of one list that are looked at.
const MOST_LOOKED_AT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_peer_at_the_end_is_split_off_and_a_relay_in_the_middle_is_not() {
        let (first, peer) = (PeerId::random(), PeerId::random());
        let direct = address(&format!("/ip4/1.2.3.4/tcp/1/p2p/{peer}"));
        assert_eq!(split_peer(&direct), (address("/ip4/1.2.3.4/tcp/1"), Some(peer)));
        let circuit = address(&format!("/ip4/1.2.3.4/tcp/1/p2p/{first}/p2p-circuit/p2p/{peer}"));
        let (bare, named) = split_peer(&circuit);
        assert_eq!(named, Some(peer));
        assert_eq!(bare, address(&format!("/ip4/1.2.3.4/tcp/1/p2p/{first}/p2p-circuit")));
        assert_eq!(path(&circuit), Path::Relayed);
        assert_eq!(path(&direct), Path::Direct);
        assert_eq!(of_peer(&direct, &first), None);
        assert_eq!(of_peer(&bare, &peer), Some(bare.clone()));
        assert_eq!((relay(&circuit), relay(&bare), relay(&direct)), (Some(first), Some(first), None));
        let twice = address(&format!("{circuit}/p2p-circuit"));
        assert_eq!((relay(&twice), is_dialable(&twice)), (None, false), "a relay behind a relay is not used");
        assert!(!is_dialable(&address("/ip4/1.2.3.4/tcp/1/p2p-circuit")), "a relay that is not named is not used");
    }

    #[test]
    fn a_remote_peer_can_not_send_us_to_our_own_loopback() {
        let given =
            ["/ip4/127.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip6/fe80::1/tcp/1", "/memory/7"];
        let given = given.map(address);
        assert_eq!(worth_keeping(given.clone(), Near::NOT, 8), [given[2].clone()]);
        assert_eq!(worth_keeping(given.clone(), Near::HERE, 8), [given[2].clone(), given[0].clone()]);
        let circuit = [address(&format!("/ip4/127.0.0.1/tcp/1/p2p/{}/p2p-circuit", PeerId::random()))];
        assert_eq!(worth_keeping(circuit.clone(), Near::NOT, 8), []);
        assert_eq!(worth_keeping(circuit.clone(), Near { peer: false, relays: true }, 8), circuit);
    }

    #[test]
    fn of_too_many_addresses_some_of_each_kind_are_kept() {
        let local: Vec<_> = (1..20).map(|n| address(&format!("/ip4/10.0.0.{n}/tcp/1"))).collect();
        let circuit = address(&format!("/ip4/1.2.3.4/udp/1/quic-v1/p2p/{}/p2p-circuit", PeerId::random()));
        let global = [address("/ip6/2001:db8::1/tcp/1"), address("/ip4/203.0.113.9/tcp/1")];
        let all = local.iter().chain([&circuit]).chain(&global).cloned();
        let kept = worth_keeping(all, Near::NOT, 5);
        assert_eq!(kept, [&global[..], &[circuit], &local[..2]].concat());
    }

    #[test]
    fn addresses_reach_as_far_as_their_range_says() {
        for (text, expected) in [
            ("/ip4/127.8.0.1/tcp/1", Some(Scope::Machine)),
            ("/ip6/::1/udp/1/quic-v1", Some(Scope::Machine)),
            ("/ip4/100.64.0.1/tcp/1", Some(Scope::Local)),
            ("/ip4/100.128.0.1/tcp/1", Some(Scope::Global)),
            ("/ip4/172.31.0.1/tcp/1", Some(Scope::Local)),
            ("/ip6/fd00::1/tcp/1", Some(Scope::Local)),
            ("/ip6/::ffff:10.0.0.1/tcp/1", Some(Scope::Local)),
            ("/ip6/2001:db8::1/tcp/1", Some(Scope::Global)),
            ("/ip4/198.51.100.7/tcp/1", Some(Scope::Global)),
            ("/dns/a.example/tcp/1", Some(Scope::Global)),
            ("/ip4/0.0.0.0/tcp/1", None),
            ("/memory/3", None),
        ] {
            assert_eq!(scope(&address(text)), expected, "{text}");
        }
        assert!(same_network(&address("/ip4/10.1.2.3/tcp/1"), &address("/ip4/10.1.99.1/udp/2/quic-v1")));
        assert!(!same_network(&address("/ip4/10.1.2.3/tcp/1"), &address("/ip4/10.2.2.3/tcp/1")));
    }
}
