//! What the network knows, taken at one moment, for commands and tickets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde_json::Value;

use super::service::check;
use crate::model::id::Peer;
use crate::model::ticket::{Address, MAX_ADDRESSES, TicketPeer};
use crate::net;
use crate::store::PeerRow;

/// Where the store keeps the addresses that this node had when it ran last, with blanks between.
pub const LAST_ADDRESSES: &str = "addresses";

/// A connection to a peer: the best one.
#[derive(Debug, Clone)]
pub struct Link {
    /// The peer.
    pub peer: Peer,
    /// Its address as this node sees it.
    pub address: Multiaddr,
    /// Whether a relay carries it.
    pub relayed: bool,
    /// `tcp` or `quic`.
    pub transport: String,
    /// The last round trip, milliseconds.
    pub rtt_ms: Option<f64>,
}

/// What the network knows at one moment.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// When the node started, Unix milliseconds.
    pub started_ms: u64,
    /// Where it listens.
    pub listen: Vec<Multiaddr>,
    /// Where others say that they reach it.
    pub external: Vec<Multiaddr>,
    /// Those that are configured, or that AutoNAT or the router confirmed.
    pub confirmed: Vec<Multiaddr>,
    /// Under which addresses peers beyond the local network see this node, each with how many do.
    pub observed: Vec<(Multiaddr, usize)>,
    /// How this node looks from the internet.
    pub nat: net::Nat,
    /// Relays through which it can be reached, or that it has asked.
    pub reservations: Vec<net::Reservation>,
    /// Whether it relays for others.
    pub relay: net::Relay,
    /// What the router says to a request for a port.
    pub upnp: net::Upnp,
    /// Whether it answers questions of the DHT.
    pub kad_server: bool,
    /// What it does for others, as words.
    pub roles: Vec<&'static str>,
    /// Connected peers.
    pub links: BTreeMap<Peer, Link>,
    /// Connections, several to one peer included.
    pub connections: usize,
    /// Most connections that are kept.
    pub max_connections: usize,
    /// Peers in the Kademlia table.
    pub known_in_dht: usize,
    /// The gossip topics of this node, each with the peers of its mesh.
    pub mesh: Vec<([u8; 32], Vec<Peer>)>,
    /// Bootstrap peers that are configured, and how many are connected.
    pub bootstrap: (usize, usize),
    /// Listeners that could not be opened, with the cause.
    pub listen_errors: Vec<String>,
}

impl Network {
    /// Addresses to give to others, best first: public ones, then those of the local network, then loopback.
    #[must_use]
    pub fn reachable(&self) -> Vec<Multiaddr> {
        let mut all: Vec<Multiaddr> = vec![];
        for address in self.external.iter().chain(&self.listen) {
            let address = without_peer(address);
            if !all.contains(&address) && rank(&address).is_some() {
                all.push(address);
            }
        }
        all.sort_by_key(rank);
        // Loopback helps nobody who can be reached in another way.
        let best = all.first().and_then(rank);
        all.retain(|a| best == Some(LOOPBACK) || rank(a) != Some(LOOPBACK));
        all
    }

    /// What `doctor` says of the network.
    #[must_use]
    pub fn doctor(&self) -> Vec<Value> {
        let mut items = vec![];
        for error in &self.listen_errors {
            items.push(check(
                "listen",
                "error",
                error.clone(),
                "choose another port with `--listen`, or end the program that has it",
            ));
        }
        items.push(if self.listen.is_empty() {
            check(
                "addresses",
                "error",
                "the node listens nowhere",
                "give an address with `--listen /ip4/0.0.0.0/tcp/0`",
            )
        } else {
            let detail = self.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            check("addresses", "ok", detail, "")
        });
        if self.listen.iter().all(|a| rank(a) == Some(LOOPBACK)) && !self.listen.is_empty() {
            items.push(check(
                "reach",
                "note",
                "the node listens on loopback only: nobody else can reach it",
                "listen on /ip4/0.0.0.0/tcp/0",
            ));
        }
        items.extend(super::reach::findings(self));
        let (configured, connected) = self.bootstrap;
        if configured > 0 {
            let level = if connected == 0 { "warning" } else { "ok" };
            let detail = format!("{connected} of {configured} bootstrap peers are connected");
            items.push(check("bootstrap", level, detail, "see whether their addresses are right and they run"));
        }
        let level = if self.known_in_dht == 0 { "note" } else { "ok" };
        let detail = format!("{} peers in the Kademlia table", self.known_in_dht);
        items.push(check(
            "dht",
            level,
            detail,
            "a `--bootstrap` address lets this node find members whose address nobody knows",
        ));
        items
    }
}

const LOOPBACK: u8 = 3;

/// How good an address is for others: 0 public, 1 by name, 2 local network, 3 loopback; none when it is no address.
fn rank(address: &Multiaddr) -> Option<u8> {
    if address.iter().any(|p| matches!(p, Protocol::P2pCircuit)) {
        return Some(1);
    }
    let ip: IpAddr = match address.iter().next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) => return Some(1),
        _ => return None,
    };
    if ip.is_unspecified() {
        return None;
    }
    if ip.is_loopback() {
        return Some(LOOPBACK);
    }
    let private = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => (ip.segments()[0] & 0xfe00) == 0xfc00 || (ip.segments()[0] & 0xffc0) == 0xfe80,
    };
    Some(if private { 2 } else { 0 })
}

/// An address without the peer id at its end.
#[must_use]
pub fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address
}

/// A peer for a ticket; none when its key is not Ed25519 or no address fits.
#[must_use]
pub fn ticket_peer(peer: &Peer, addresses: &[Multiaddr]) -> Option<TicketPeer> {
    let id = PeerId::from_bytes(peer.as_bytes()).ok()?;
    // An Ed25519 peer id is an identity multihash of the protobuf-encoded public key.
    let key = libp2p::identity::PublicKey::try_decode_protobuf(id.as_ref().digest()).ok()?;
    let key = key.try_into_ed25519().ok()?.to_bytes();
    let addresses: Vec<Address> = addresses.iter().filter_map(compact).take(MAX_ADDRESSES).collect();
    (!addresses.is_empty()).then_some(TicketPeer { key, addresses })
}

/// A ticket's peer as the peer cache keeps it.
#[must_use]
pub fn peer_row(peer: &TicketPeer, now: u64) -> PeerRow {
    let id = libp2p::identity::ed25519::PublicKey::try_from_bytes(&peer.key)
        .map(|key| libp2p::identity::PublicKey::from(key).to_peer_id().to_bytes())
        .unwrap_or_default();
    PeerRow {
        peer: Peer::new(&id).unwrap_or_else(|| Peer::new(&[0]).expect("one byte is a peer")),
        addresses: peer.addresses.iter().filter_map(expand).map(|a| a.to_vec()).collect(),
        log: None,
        last_seen_ms: now,
        last_sync_ms: None,
        source: "ticket".into(),
    }
}

fn compact(address: &Multiaddr) -> Option<Address> {
    let parts: Vec<Protocol<'_>> = without_peer(address).iter().map(|p| p.acquire()).collect();
    Some(match parts.as_slice() {
        [Protocol::Ip4(ip), Protocol::Tcp(port)] => Address::Tcp4(*ip, *port),
        [Protocol::Ip6(ip), Protocol::Tcp(port)] => Address::Tcp6(*ip, *port),
        [Protocol::Ip4(ip), Protocol::Udp(port), Protocol::QuicV1] => Address::Quic4(*ip, *port),
        [Protocol::Ip6(ip), Protocol::Udp(port), Protocol::QuicV1] => Address::Quic6(*ip, *port),
        _ => {
            let bytes = without_peer(address).to_vec();
            if bytes.len() > usize::from(u8::MAX) {
                return None;
            }
            Address::Other(bytes)
        }
    })
}

fn expand(address: &Address) -> Option<Multiaddr> {
    Some(match address {
        Address::Tcp4(ip, port) => Multiaddr::from(*ip).with(Protocol::Tcp(*port)),
        Address::Tcp6(ip, port) => Multiaddr::from(*ip).with(Protocol::Tcp(*port)),
        Address::Quic4(ip, port) => Multiaddr::from(*ip).with(Protocol::Udp(*port)).with(Protocol::QuicV1),
        Address::Quic6(ip, port) => Multiaddr::from(*ip).with(Protocol::Udp(*port)).with(Protocol::QuicV1),
        Address::Other(bytes) => Multiaddr::try_from(bytes.clone()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(listen: &[&str]) -> Network {
        Network { listen: listen.iter().map(|a| a.parse().unwrap()).collect(), ..Network::default() }
    }

    #[test]
    fn loopback_is_told_only_when_there_is_nothing_better() {
        let alone = network(&["/ip4/127.0.0.1/tcp/4001", "/ip4/0.0.0.0/tcp/4001"]);
        assert_eq!(alone.reachable(), ["/ip4/127.0.0.1/tcp/4001".parse::<Multiaddr>().unwrap()]);
        let lan = network(&["/ip4/127.0.0.1/tcp/4001", "/ip4/10.0.0.7/tcp/4001", "/ip4/203.0.113.9/tcp/4001"]);
        let told: Vec<String> = lan.reachable().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["/ip4/203.0.113.9/tcp/4001", "/ip4/10.0.0.7/tcp/4001"]);
    }

    #[test]
    fn a_peer_and_its_addresses_survive_the_compact_form_of_a_ticket() {
        let key = libp2p::identity::Keypair::generate_ed25519();
        let peer = Peer::new(&key.public().to_peer_id().to_bytes()).unwrap();
        let addresses: Vec<Multiaddr> =
            ["/ip4/10.0.0.7/udp/4001/quic-v1", "/ip6/fd00::1/tcp/9", "/dns/example.org/tcp/4001"]
                .map(|a| a.parse().unwrap())
                .to_vec();
        let row = peer_row(&ticket_peer(&peer, &addresses).unwrap(), 5);
        assert_eq!(row.peer, peer);
        assert_eq!(row.addresses, addresses.iter().map(Multiaddr::to_vec).collect::<Vec<_>>());
    }
}
