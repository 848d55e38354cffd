//! Reading addresses: which peer, which transport, how far they reach.

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::{Path, Transport};

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

/// Which transport carries a connection at this address.
pub(super) fn transport(address: &Multiaddr) -> Transport {
    let quic = address.iter().any(|p| matches!(p, Protocol::QuicV1 | Protocol::Quic));
    if quic { Transport::Quic } else { Transport::Tcp }
}

/// Whether a connection at this address goes through a relay.
pub(super) fn path(address: &Multiaddr) -> Path {
    let relayed = address.iter().any(|p| matches!(p, Protocol::P2pCircuit));
    if relayed { Path::Relayed } else { Path::Direct }
}

/// Whether only this machine is reached.
pub(super) fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

/// Whether this can be dialled from elsewhere at all: not the "any interface" address, and not one that only means
/// something together with a network interface.
pub(super) fn is_dialable(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !ip.is_link_local(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !ip.is_unicast_link_local(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)) => true,
        _ => false,
    }
}

/// What is worth keeping of the addresses that a peer gave: dialable, at most `max`, and loopback ones only from a peer
/// that is on this machine (`local`); anybody else's loopback is not here, and might be ourselves.
pub(super) fn worth_keeping(addresses: impl IntoIterator<Item = Multiaddr>, local: bool, max: usize) -> Vec<Multiaddr> {
    let mut kept: Vec<Multiaddr> = vec![];
    for address in addresses {
        if kept.len() == max {
            break;
        }
        if is_dialable(&address) && (local || !is_loopback(&address)) && !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_peer_at_the_end_is_split_off_and_a_relay_in_the_middle_is_not() {
        let (relay, peer) = (PeerId::random(), PeerId::random());
        let direct = address(&format!("/ip4/1.2.3.4/tcp/1/p2p/{peer}"));
        assert_eq!(split_peer(&direct), (address("/ip4/1.2.3.4/tcp/1"), Some(peer)));
        let circuit = address(&format!("/ip4/1.2.3.4/tcp/1/p2p/{relay}/p2p-circuit/p2p/{peer}"));
        let (bare, named) = split_peer(&circuit);
        assert_eq!(named, Some(peer));
        assert_eq!(bare, address(&format!("/ip4/1.2.3.4/tcp/1/p2p/{relay}/p2p-circuit")));
        assert_eq!(path(&circuit), Path::Relayed);
        assert_eq!(path(&direct), Path::Direct);
        assert_eq!(of_peer(&direct, &relay), None);
        assert_eq!(of_peer(&bare, &peer), Some(bare.clone()));
    }

    #[test]
    fn a_remote_peer_can_not_send_us_to_our_own_loopback() {
        let given =
            ["/ip4/127.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip6/fe80::1/tcp/1", "/memory/7"];
        let given = given.map(address);
        assert_eq!(worth_keeping(given.clone(), false, 8), [given[2].clone()]);
        assert_eq!(worth_keeping(given.clone(), true, 8), [given[0].clone(), given[2].clone()]);
        assert_eq!(worth_keeping(given.clone(), true, 1), [given[0].clone()]);
    }
}
