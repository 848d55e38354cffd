//! Where this node can be reached: which addresses are announced, which of them are more than a hope, and what that says
//! about a NAT in between. Pure; the shell carries out what follows from it.
//!
//! An address is *announced* when somebody might reach this node there, and *confirmed* when it is configured, when AutoNAT
//! has tested it, or when the local router forwards from it. Only confirmed addresses and a global IPv4 address of an own
//! interface make this node public. A global IPv6 address does not: home routers block what comes in.
//!
//! While nobody beyond the local network is known ([`Reach::is_local_world`]) local addresses are all there is: they are
//! announced, and this node serves the DHT, so that a class on one network works without the internet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::address::{self, Near, Scope};
use super::{Mapping, Nat, Transport};

/// Most addresses that are announced, those behind relays aside.
pub const MAX_ANNOUNCED: usize = 12;
/// How long AutoNAT may take to confirm an address, from the first peer on, before this node takes itself for private.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(15);
/// An address that failed this many tests in a row is not ours any more. One failure may be the tester's.
pub const MAX_FAILED_TESTS: u32 = 2;
/// How long a peer beyond the local network is remembered for the question whether there are any.
pub const WORLD_MEMORY: Duration = Duration::from_secs(600);
/// Most addresses that AutoNAT has confirmed.
const MAX_CONFIRMED: usize = 16;
/// Most addresses of ours that failed a test and are remembered.
const MAX_REFUTED: usize = 64;

/// What a peer told about our side of a connection.
#[derive(Debug, Clone)]
struct Observation {
    /// The address it sees.
    address: Multiaddr,
    /// Where it is: the host in its address.
    remote: String,
    /// The connection went out from a port that is listened on, so that the address says something about that port.
    telling: bool,
}

/// What to do with an address at which this node may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tries {
    /// Offer it where holes are punched.
    pub punch: Vec<Multiaddr>,
    /// Let AutoNAT test it.
    pub test: Vec<Multiaddr>,
}

/// A connection, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Which one.
    pub connection: ConnectionId,
    /// The peer's address.
    pub remote: &'a Multiaddr,
    /// This node began it, from a port that it listens on if it listens on any.
    pub outbound: bool,
}

/// Where this node can be reached. It is told the time.
#[derive(Debug)]
pub(super) struct Reach {
    me: PeerId,
    local_counts: bool,
    configured: Vec<Multiaddr>,
    /// A peer that this node was told to begin with is beyond the local network.
    sent_beyond: bool,
    listen: BTreeSet<Multiaddr>,
    /// By AutoNAT, with the number of tests that failed since.
    confirmed: BTreeMap<Multiaddr, u32>,
    refuted: BTreeSet<Multiaddr>,
    mapped: BTreeSet<Multiaddr>,
    observed: BTreeMap<ConnectionId, Observation>,
    /// Connections with peers that can tell: those beyond the local network.
    telling: BTreeSet<ConnectionId>,
    first_contact: Option<Instant>,
    last_contact: Option<Instant>,
}

impl Reach {
    /// `known` are the peers that this node was told to begin with.
    pub fn new<'a>(
        me: PeerId,
        configured: &[Multiaddr],
        local_counts: bool,
        known: impl IntoIterator<Item = &'a Multiaddr>,
    ) -> Self {
        let configured = configured.iter().filter_map(|given| address::of_peer(given, &me)).collect();
        let sent_beyond = known.into_iter().any(|given| address::scope(given) == Some(Scope::Global));
        Self {
            me,
            local_counts,
            configured,
            sent_beyond,
            listen: BTreeSet::new(),
            confirmed: BTreeMap::new(),
            refuted: BTreeSet::new(),
            mapped: BTreeSet::new(),
            observed: BTreeMap::new(),
            telling: BTreeSet::new(),
            first_contact: None,
            last_contact: None,
        }
    }

    /// This node listens there.
    pub fn listens(&mut self, address: &Multiaddr) {
        if !address::is_circuit(address) && address::is_dialable(address) {
            self.listen.insert(address.clone());
        }
    }

    /// It does not any more. What was found out about the way to it has to be found out anew.
    pub fn listens_no_more(&mut self, now: Instant, address: &Multiaddr) {
        if self.listen.remove(address) {
            self.refuted.clear();
            self.first_contact = (!self.telling.is_empty()).then_some(now);
        }
    }

    /// Where this node listens, as far as that can be dialled from elsewhere; nowhere behind a relay.
    pub fn listen(&self) -> &BTreeSet<Multiaddr> {
        &self.listen
    }

    /// A connection is up.
    pub fn connected(&mut self, now: Instant, seen: Seen<'_>) {
        if self.can_tell(seen.remote) {
            self.telling.insert(seen.connection);
            self.first_contact.get_or_insert(now);
            self.last_contact = Some(now);
        }
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, now: Instant, connection: ConnectionId) {
        self.observed.remove(&connection);
        if self.telling.remove(&connection) {
            self.last_contact = Some(now);
        }
    }

    /// A peer told under which address it sees us.
    pub fn observed(&mut self, seen: Seen<'_>, told: &Multiaddr) -> Tries {
        let mut tries = Tries::default();
        let Some(told) = address::of_peer(told, &self.me) else { return tries };
        let (Some(host), Some(ip)) = (seen.remote.iter().next(), address::ip(&told)) else { return tries };
        let counts = address::scope(&told).is_some_and(|scope| scope == Scope::Global || self.local_counts);
        if address::is_circuit(&told) || !counts || !self.can_tell(seen.remote) {
            return tries;
        }
        let ports = self.ports(&told);
        let known = self.observed.values().any(|o| o.telling && address::ip(&o.address) == Some(ip));
        if seen.outbound && !ports.is_empty() {
            tries.punch.push(told.clone());
            tries.test = guesses(&told, &ports);
        } else if !seen.outbound && known {
            // Whoever came to us says by which address it did; the host at least is ours.
            tries = Tries { punch: vec![told.clone()], test: vec![told.clone()] };
        }
        let observation =
            Observation { address: told, remote: host.to_string(), telling: seen.outbound && !ports.is_empty() };
        self.observed.insert(seen.connection, observation);
        tries
    }

    /// Under which addresses peers see this node now, each with how many do, most first.
    pub fn sightings(&self) -> Vec<(Multiaddr, usize)> {
        let mut counts: BTreeMap<&Multiaddr, usize> = BTreeMap::new();
        self.observed.values().for_each(|o| *counts.entry(&o.address).or_default() += 1);
        let mut counts: Vec<_> = counts.into_iter().map(|(address, n)| (address.clone(), n)).collect();
        counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        counts
    }

    /// What is worth testing, as far as peers that are connected now have told.
    pub fn candidates(&self) -> Vec<Multiaddr> {
        let telling = self.observed.values().filter(|o| o.telling);
        telling.flat_map(|o| guesses(&o.address, &self.ports(&o.address))).collect()
    }

    /// The ports that this node listens on with the transport and the kind of host of an address.
    fn ports(&self, like: &Multiaddr) -> BTreeSet<u16> {
        let family = |a: &Multiaddr| address::ip(a).map(|ip| ip.is_ipv4());
        let alike = |l: &&Multiaddr| family(l) == family(like) && address::transport(l) == address::transport(like);
        self.listen.iter().filter(alike).filter_map(address::port).collect()
    }

    /// AutoNAT reached this node at an address. False when that does not count.
    pub fn confirm(&mut self, address: &Multiaddr) -> bool {
        let Some(address) = address::of_peer(address, &self.me) else { return false };
        let counts = address::scope(&address) == Some(Scope::Global) || self.local_counts;
        let counts = counts && !address::is_circuit(&address);
        if counts && (self.confirmed.contains_key(&address) || self.confirmed.len() < MAX_CONFIRMED) {
            self.refuted.remove(&address);
            self.confirmed.insert(address, 0);
            return true;
        }
        false
    }

    /// AutoNAT could not reach this node at an address.
    pub fn refute(&mut self, address: &Multiaddr) {
        let Some(address) = address::of_peer(address, &self.me) else { return };
        if let Some(failed) = self.confirmed.get_mut(&address) {
            *failed += 1;
            if *failed < MAX_FAILED_TESTS {
                return;
            }
            self.confirmed.remove(&address);
        }
        if self.refuted.len() < MAX_REFUTED {
            self.refuted.insert(address);
        }
    }

    /// Everything that AutoNAT has confirmed, to be tested again.
    pub fn tested(&self) -> impl Iterator<Item = &Multiaddr> {
        self.confirmed.keys()
    }

    /// Nothing that AutoNAT confirmed holds any more: the interface that it went through is gone.
    pub fn forget_tested(&mut self) {
        self.confirmed.clear();
    }

    /// The local router forwards from this address.
    pub fn map(&mut self, address: &Multiaddr) {
        self.mapped.insert(address.clone());
    }

    /// It does not any more.
    pub fn unmap(&mut self, address: &Multiaddr) {
        self.mapped.remove(address);
    }

    /// Where the local router forwards from.
    pub fn mapped(&self) -> impl Iterator<Item = &Multiaddr> {
        self.mapped.iter()
    }

    /// What is more than a hope: configured, tested, or forwarded from.
    pub fn confirmed(&self) -> Vec<Multiaddr> {
        let mut all = self.configured.clone();
        for address in self.mapped.iter().chain(self.confirmed.keys()) {
            if !all.contains(address) {
                all.push(address.clone());
            }
        }
        all
    }

    /// Where a peer beyond the local network reaches this node directly.
    pub fn public(&self) -> Vec<Multiaddr> {
        let mut all = self.confirmed();
        let own = self.listen.iter().filter(|listen| {
            let global = address::scope(listen) == Some(Scope::Global);
            let v4 = address::ip(listen).is_some_and(|ip| ip.is_ipv4());
            global && v4 && !self.refuted.contains(listen)
        });
        for address in own {
            if !all.contains(address) {
                all.push(address.clone());
            }
        }
        all.truncate(MAX_ANNOUNCED);
        all
    }

    /// Whether this node can be reached from beyond the local network.
    pub fn is_public(&self) -> bool {
        !self.public().is_empty()
    }

    /// Whether an address was given by whoever runs this node.
    pub fn is_configured(&self) -> bool {
        !self.configured.is_empty()
    }

    /// Whether nobody beyond the local network is known.
    pub fn is_local_world(&self, now: Instant) -> bool {
        let recent = |at: Instant| now.saturating_duration_since(at) < WORLD_MEMORY;
        let contact = !self.telling.is_empty() || self.last_contact.is_some_and(recent);
        // Where local addresses count as the internet, contacts are local, too.
        !self.sent_beyond && (self.local_counts || !contact)
    }

    /// What this node says of where it can be reached.
    pub fn announced(&self, now: Instant) -> Vec<Multiaddr> {
        let local = self.local_counts || self.is_local_world(now);
        let own = self.listen.iter().filter(|listen| local || address::scope(listen) == Some(Scope::Global));
        let mut all = self.public();
        let near = Near { peer: true, relays: true };
        for address in address::worth_keeping(own.cloned(), near, MAX_ANNOUNCED) {
            if all.len() < MAX_ANNOUNCED && !all.contains(&address) {
                all.push(address);
            }
        }
        all
    }

    /// Where those who are to be reached through this node say that it is: what others can dial. Nothing when this node
    /// would be of no use as a relay.
    pub fn as_relay(&self) -> Vec<Multiaddr> {
        let mut all = self.public();
        if self.local_counts {
            all.extend(self.listen.iter().filter(|listen| !all.contains(listen)).cloned().collect::<Vec<_>>());
        }
        all.truncate(MAX_ANNOUNCED);
        all
    }

    /// How this node's address looks from the internet.
    pub fn nat(&self, now: Instant) -> Nat {
        let late = |first: Instant| now.saturating_duration_since(first) >= PROBE_PATIENCE;
        if self.is_public() {
            Nat::Public
        } else if self.first_contact.is_some_and(|first| late(first) || !self.refuted.is_empty()) {
            Nat::Private(self.mapping())
        } else {
            Nat::Unknown
        }
    }

    /// How a NAT in between assigns ports. What UDP shows goes before what TCP shows: every QUIC connection leaves through
    /// the port that is listened on, a TCP connection now and then can not.
    fn mapping(&self) -> Mapping {
        let of = |transport| {
            let telling = self.observed.values().filter(move |o| o.telling);
            let all: Vec<_> = telling.filter(|o| address::transport(&o.address) == transport).collect();
            let remotes: BTreeSet<&str> = all.iter().map(|o| &o.remote[..]).collect();
            let outsides: BTreeSet<&Multiaddr> = all.iter().map(|o| &o.address).collect();
            match (remotes.len(), outsides.len()) {
                (_, 2..) => Mapping::AddressDependent,
                (2.., 1) => Mapping::EndpointIndependent,
                _ => Mapping::Unknown,
            }
        };
        match of(Transport::Quic) {
            Mapping::Unknown => of(Transport::Tcp),
            known => known,
        }
    }

    fn can_tell(&self, remote: &Multiaddr) -> bool {
        let direct = !address::is_circuit(remote);
        direct && address::scope(remote).is_some_and(|scope| scope == Scope::Global || self.local_counts)
    }
}

/// An address that a peer sees, and the same host with the ports that are listened on: a port that whoever owns the router
/// has opened is most likely one of them.
fn guesses(told: &Multiaddr, ports: &BTreeSet<u16>) -> Vec<Multiaddr> {
    let mut all = vec![told.clone()];
    all.extend(ports.iter().filter_map(|port| address::with_port(told, *port)).filter(|guess| guess != told));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn reach(local_counts: bool) -> Reach {
        let mut reach = Reach::new(PeerId::random(), &[], local_counts, &[]);
        reach.listens(&address("/ip4/192.168.1.5/tcp/4001"));
        reach.listens(&address("/ip4/192.168.1.5/udp/4001/quic-v1"));
        reach
    }

    /// A peer tells what it sees.
    fn told(reach: &mut Reach, now: Instant, id: usize, remote: &str, outbound: bool, sees: &str) -> Tries {
        let remote = address(remote);
        let seen = Seen { connection: ConnectionId::new_unchecked(id), remote: &remote, outbound };
        reach.connected(now, seen);
        reach.observed(seen, &address(sees))
    }

    #[test]
    fn a_class_on_one_network_announces_its_addresses_until_somebody_beyond_is_met() {
        let (mut reach, now) = (reach(false), Instant::now());
        told(&mut reach, now, 1, "/ip4/192.168.1.9/tcp/4001", true, "/ip4/192.168.1.5/tcp/4001");
        assert!(reach.is_local_world(now) && reach.announced(now).len() == 2);
        assert_eq!(reach.nat(now + PROBE_PATIENCE), Nat::Unknown, "the neighbours can not tell");
        told(&mut reach, now, 2, "/ip4/203.0.113.9/tcp/4001", true, "/ip4/198.51.100.1/tcp/4001");
        assert!(!reach.is_local_world(now) && reach.announced(now).is_empty());
        reach.disconnected(now, ConnectionId::new_unchecked(2));
        assert!(!reach.is_local_world(now + WORLD_MEMORY / 2));
        assert!(reach.is_local_world(now + WORLD_MEMORY));
        let beyond = [address("/ip4/203.0.113.9/tcp/1")];
        assert!(!Reach::new(PeerId::random(), &[], false, &beyond).is_local_world(now), "it was sent there");
    }

    #[test]
    fn only_what_is_confirmed_or_a_global_ipv4_interface_makes_a_node_public() {
        let (mut reach, now) = (reach(false), Instant::now());
        assert!(!reach.confirm(&address("/ip4/192.168.1.5/tcp/4001")), "a neighbour's test says nothing");
        reach.listens(&address("/ip6/2001:db8::5/tcp/4001"));
        assert!(!reach.is_public());
        assert_eq!(reach.announced(now).first(), Some(&address("/ip6/2001:db8::5/tcp/4001")), "but it is announced");
        let own = address("/ip4/203.0.113.5/tcp/4001");
        reach.listens(&own);
        assert_eq!(reach.nat(now), Nat::Public);
        reach.refute(&own);
        assert!(!reach.is_public(), "behind a firewall");
        assert!(reach.confirm(&own));
        assert_eq!((reach.public(), reach.confirmed()), (vec![own.clone()], vec![own.clone()]));
        reach.refute(&own);
        assert!(reach.is_public(), "one failure may be the tester's");
        reach.refute(&own);
        assert!(!reach.is_public());
    }

    #[test]
    fn a_node_that_nobody_reaches_is_private_after_a_while_or_after_a_failed_test() {
        let (mut reach, now) = (reach(false), Instant::now());
        let sees = "/ip4/198.51.100.1/udp/4001/quic-v1";
        let tries = told(&mut reach, now, 1, "/ip4/203.0.113.9/udp/1/quic-v1", true, sees);
        assert_eq!(tries, Tries { punch: vec![address(sees)], test: vec![address(sees)] });
        assert_eq!(reach.nat(now), Nat::Unknown);
        assert_eq!(reach.nat(now + PROBE_PATIENCE), Nat::Private(Mapping::Unknown));
        reach.refute(&address(sees));
        assert_eq!(reach.nat(now), Nat::Private(Mapping::Unknown));
        reach.map(&address(sees));
        assert_eq!(reach.nat(now), Nat::Public, "the router forwards");
    }

    #[test]
    fn the_kind_of_nat_shows_in_the_ports_that_several_peers_see() {
        let now = Instant::now() + PROBE_PATIENCE;
        let later = now + PROBE_PATIENCE;
        let outside = |port: u16| format!("/ip4/198.51.100.1/udp/{port}/quic-v1");
        for (second, expected) in [(5_000, Mapping::EndpointIndependent), (5_001, Mapping::AddressDependent)] {
            let mut reach = reach(false);
            told(&mut reach, now, 1, "/ip4/203.0.113.9/udp/1/quic-v1", true, &outside(5_000));
            assert_eq!(reach.nat(later), Nat::Private(Mapping::Unknown), "one peer can not tell");
            told(&mut reach, now, 2, "/ip4/203.0.113.9/udp/2/quic-v1", true, &outside(5_000));
            assert_eq!(reach.nat(later), Nat::Private(Mapping::Unknown), "nor can two at one address");
            told(&mut reach, now, 3, "/ip4/203.0.113.77/udp/1/quic-v1", false, &outside(9));
            assert_eq!(reach.nat(later), Nat::Private(Mapping::Unknown), "nor can one that came to us");
            told(&mut reach, now, 4, "/ip4/203.0.113.10/udp/1/quic-v1", true, &outside(second));
            assert_eq!(reach.nat(later), Nat::Private(expected));
            reach.disconnected(now, ConnectionId::new_unchecked(4));
            assert_eq!(reach.nat(later), Nat::Private(Mapping::Unknown), "what is past says nothing");
        }
    }

    #[test]
    fn nothing_is_tried_out_that_follows_from_a_relayed_connection_or_a_neighbour() {
        let (mut reach, now) = (reach(false), Instant::now());
        let sees = "/ip4/198.51.100.1/tcp/4001";
        let circuit = format!("/ip4/203.0.113.9/tcp/1/p2p/{}/p2p-circuit", PeerId::random());
        assert_eq!(told(&mut reach, now, 1, &circuit, true, sees), Tries::default());
        assert_eq!(told(&mut reach, now, 2, "/ip4/192.168.1.9/tcp/1", true, sees), Tries::default());
        assert_eq!(
            told(&mut reach, now, 3, "/ip4/203.0.113.9/tcp/1", true, "/ip4/10.0.0.1/tcp/4001"),
            Tries::default()
        );
        assert_eq!(
            told(&mut reach, now, 4, "/ip6/2001:db8::9/tcp/1", true, "/ip6/2001:db8::1/tcp/9"),
            Tries::default()
        );
        assert_eq!(told(&mut reach, now, 5, "/ip4/203.0.113.9/tcp/1", false, sees), Tries::default(), "made up?");
        let tries = told(&mut reach, now, 6, "/ip4/203.0.113.9/tcp/1", true, "/ip4/198.51.100.1/tcp/777");
        let outside = address("/ip4/198.51.100.1/tcp/777");
        assert_eq!(tries, Tries { punch: vec![outside.clone()], test: vec![outside, address(sees)] });
        let tries = told(&mut reach, now, 7, "/ip4/203.0.113.7/tcp/1", false, "/ip4/198.51.100.1/tcp/80");
        assert_eq!(tries.test, [address("/ip4/198.51.100.1/tcp/80")], "a port that somebody came by");
    }

    #[test]
    fn where_local_addresses_count_they_are_announced_tested_and_fit_for_a_relay() {
        let (mut reach, now) = (reach(true), Instant::now());
        assert_eq!((reach.as_relay().len(), reach.announced(now).len(), reach.is_public()), (2, 2, false));
        let own = "/ip4/192.168.1.5/tcp/4001";
        assert_eq!(told(&mut reach, now, 1, "/ip4/192.168.9.9/tcp/1", true, own).test, [address(own)]);
        assert!(reach.confirm(&address(own)));
        assert!(reach.is_public());
    }

    #[test]
    fn an_address_that_goes_away_takes_what_was_found_out_with_it() {
        let (mut reach, now) = (reach(false), Instant::now());
        told(&mut reach, now, 1, "/ip4/203.0.113.9/tcp/1", true, "/ip4/198.51.100.1/tcp/4001");
        reach.refute(&address("/ip4/198.51.100.1/tcp/4001"));
        assert!(matches!(reach.nat(now), Nat::Private(_)));
        reach.listens_no_more(now, &address("/ip4/192.168.1.5/tcp/4001"));
        assert_eq!(reach.nat(now), Nat::Unknown);
    }
}
