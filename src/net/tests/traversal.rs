//! Relays, hole punching, and what a node says of where it can be reached: on loopback, where local addresses are made to
//! count as the internet if need be. Nobody serves the DHT unless a test is about it: its queries make connections, too.

use super::*;

/// Nobody who is not told to serves the DHT.
fn quiet(listen: &[&str]) -> Config {
    Config { kad_server: Some(false), ..config(listen) }
}

/// A relay that takes loopback for the internet.
async fn relay(limits: RelayLimits) -> Node {
    let relay =
        Node::start(Config { relay_server: Some(limits), local_is_external: true, ..quiet(&[TCP, QUIC]) }).await;
    relay.event(Event::Relay(Relay::Ready { reservations: 0, circuits: 0 })).await;
    relay
}

fn at(node: &Node) -> Vec<Multiaddr> {
    node.listen.iter().map(|a| a.clone().with_p2p(node.peer).unwrap()).collect()
}

/// A node that listens nowhere but behind these relays, and is.
async fn behind(relays: &[&Node]) -> Node {
    let hidden = Node::start(Config { relays: relays.iter().flat_map(|r| at(r)).collect(), ..quiet(&[]) }).await;
    for relay in relays {
        hidden.event(Event::Reserved(relay.peer)).await;
    }
    hidden
}

/// Where a node is reached through a relay.
async fn circuit(node: &Node) -> Multiaddr {
    let snapshot = node.snapshot_until("it is announced", |s| s.external.iter().any(address::is_circuit)).await;
    snapshot.external.into_iter().find(address::is_circuit).unwrap()
}

async fn connected_by(node: &Node, peer: PeerId) -> Path {
    node.take("connected", |e| match e {
        Event::Connected { peer: p, path, .. } if *p == peer => Some(*path),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_listens_nowhere_is_reached_through_a_relay_and_carries_a_stream() {
    let relay = relay(RelayLimits::default()).await;
    let hidden = behind(&[&relay]).await;
    let listens = |e: &Event| matches!(e, Event::Listening(a) if address::relay(a) == Some(relay.peer)).then_some(());
    hidden.take("it listens behind the relay", listens).await;
    let at = circuit(&hidden).await;
    let told = |e: &Event| matches!(e, Event::External(a) if address::is_circuit(a)).then_some(());
    hidden.take("it is told where", told).await;

    let guest = Node::start(quiet(&[])).await;
    guest.tell(Command::Dial { peer: Some(hidden.peer), addresses: vec![at] }).await;
    assert_eq!(connected_by(&guest, hidden.peer).await, Path::Relayed);
    assert_eq!(connected_by(&hidden, guest.peer).await, Path::Relayed);
    let theirs = guest.open(2, &hidden).await;
    for bytes in [b"hello".to_vec(), vec![7; 20_000]] {
        guest.tell(Command::SendFrame { stream: 2, bytes: bytes.clone() }).await;
        hidden.event(Event::Frame(theirs, bytes.clone())).await;
        hidden.tell(Command::SendFrame { stream: theirs, bytes: bytes.clone() }).await;
        guest.event(Event::Frame(2, bytes)).await;
    }
    let busy = |s: &Snapshot| s.relay == Relay::Ready { reservations: 1, circuits: 1 };
    relay.snapshot_until("the relay counts", busy).await;
    let snapshot = hidden.snapshot().await;
    assert_eq!(snapshot.reservations.len(), 1);
    assert!(snapshot.reservations[0].accepted && snapshot.reservations[0].relay == relay.peer);
    assert!(snapshot.connections.iter().any(|c| c.peer == guest.peer && c.path == Path::Relayed));

    guest.shut_down().await;
    let free = |s: &Snapshot| s.relay == Relay::Ready { reservations: 1, circuits: 0 };
    relay.snapshot_until("the circuit is over", free).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circuit_that_is_cut_at_its_limit_ends_its_streams_and_can_be_dialled_again() {
    const LIMIT: u64 = 40_000;
    let relay = relay(RelayLimits { circuit_bytes: LIMIT, ..RelayLimits::default() }).await;
    let hidden = behind(&[&relay]).await;
    let at = circuit(&hidden).await;
    let guest = Node::start(quiet(&[])).await;
    for stream in [2, 4] {
        guest.tell(Command::Dial { peer: Some(hidden.peer), addresses: vec![at.clone()] }).await;
        assert_eq!(connected_by(&guest, hidden.peer).await, Path::Relayed);
        let theirs = guest.open(stream, &hidden).await;
        // What fits comes over; more than the limit never does.
        guest.tell(Command::SendFrame { stream, bytes: vec![1; 10_000] }).await;
        hidden.event(Event::Frame(theirs, vec![1; 10_000])).await;
        guest.tell(Command::SendFrame { stream, bytes: vec![2; 2 * LIMIT as usize] }).await;
        hidden.event(Event::StreamClosed(theirs)).await;
        guest.event(Event::StreamClosed(stream)).await;
        guest.event(Event::Disconnected(hidden.peer)).await;
        hidden.event(Event::Disconnected(guest.peer)).await;
    }
    assert_eq!(hidden.count(|e| matches!(e, Event::ReservationLost(..))), 0, "the reservation is another connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_dies_is_replaced_by_another_that_is_connected() {
    let limits = RelayLimits::default();
    let (first, second, third) = (relay(limits).await, relay(limits).await, relay(limits).await);
    let bootstrap = [&second, &third].iter().map(|r| at(r)[0].clone()).collect();
    let node = Node::start(Config { relays: at(&first), bootstrap, ..quiet(&[]) }).await;
    let both = |s: &Snapshot| s.reservations.iter().filter(|r| r.accepted).count() == 2;
    let before = node.snapshot_until("there are two", both).await.reservations;
    assert!(before.iter().any(|r| r.relay == first.peer), "the configured one is among them");

    let dead = first.peer;
    first.shut_down().await;
    let lost = |e: &Event| matches!(e, Event::ReservationLost(relay, _) if *relay == dead).then_some(());
    node.take("it is lost", lost).await;
    let replaced = |s: &Snapshot| both(s) && s.reservations.iter().all(|r| r.relay != dead);
    node.snapshot_until("the third one takes its place", replaced).await;
    let announced = |s: &Snapshot| {
        let relays: Vec<_> = s.external.iter().filter_map(address::relay).collect();
        !relays.contains(&dead) && [&second, &third].iter().all(|r| relays.contains(&r.peer))
    };
    node.snapshot_until("and that is announced", announced).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_does_not_know_where_it_is_reached_says_that_it_is_not_ready_until_it_does() {
    let lost = Node::start(Config { relay_server: Some(RelayLimits::default()), ..quiet(&[TCP]) }).await;
    let reason = lost
        .take("it says so", |e| match e {
            Event::Relay(Relay::NotReady(why)) => Some(why.clone()),
            _ => None,
        })
        .await;
    assert!(reason.contains("external address"), "{reason}");
    assert_eq!(lost.snapshot().await.relay, Relay::NotReady(reason));
    let guest = Node::start(Config { relays: at(&lost), ..quiet(&[]) }).await;
    let protocols = |e: &Event| match e {
        Event::Identified { protocols, .. } => Some(protocols.clone()),
        _ => None,
    };
    let protocols = guest.take("it says what it speaks", protocols).await;
    assert!(!protocols.iter().any(|p| p.contains("relay") && p.contains("hop")), "{protocols:?}");
    assert_eq!(guest.count(|e| matches!(e, Event::Reserved(_))), 0);

    let external = vec!["/ip4/203.0.113.7/tcp/4001".parse().unwrap()];
    let sure =
        Node::start(Config { relay_server: Some(RelayLimits::default()), external: external.clone(), ..quiet(&[TCP]) })
            .await;
    sure.event(Event::Relay(Relay::Ready { reservations: 0, circuits: 0 })).await;
    let snapshot = sure.snapshot().await;
    assert_eq!((snapshot.confirmed, snapshot.nat), (external, Nat::Public));
    assert_eq!(lost.snapshot().await.nat, Nat::Unknown);
    assert_eq!(Node::on(&[TCP]).await.snapshot().await.relay, Relay::Off);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_meet_through_a_relay_go_on_directly() {
    for listen in [TCP, QUIC] {
        // With a relay that is reached by TCP nothing is learned about a way by QUIC.
        let relay = Config { relay_server: Some(RelayLimits::default()), local_is_external: true, ..quiet(&[listen]) };
        let relay = Node::start(relay).await;
        let near = |relays| Config { local_is_external: true, relays, ..quiet(&[listen]) };
        let (a, b) = (Node::start(near(vec![])).await, Node::start(near(at(&relay))).await);
        b.event(Event::Reserved(relay.peer)).await;
        // Only what the relay sees of them can bring them together.
        a.tell(Command::Dial { peer: Some(relay.peer), addresses: relay.listen.clone() }).await;
        for node in [&a, &b] {
            node.snapshot_until("the relay told what it sees", |s| !s.observed.is_empty()).await;
        }
        let circuit = circuit(&b).await;
        a.tell(Command::Dial { peer: Some(b.peer), addresses: vec![circuit] }).await;
        assert_eq!(connected_by(&a, b.peer).await, Path::Relayed);
        let early = a.open(2, &b).await;

        a.event(Event::PathChanged { peer: b.peer, path: Path::Direct }).await;
        b.event(Event::PathChanged { peer: a.peer, path: Path::Direct }).await;
        let late = a.open(4, &b).await;
        // The relayed connection goes, and what was on it.
        let only_direct = |other: PeerId| {
            move |s: &Snapshot| {
                let mut with = s.connections.iter().filter(|c| c.peer == other).peekable();
                with.peek().is_some() && with.all(|c| c.path == Path::Direct)
            }
        };
        a.snapshot_until("the relayed connection is closed", only_direct(b.peer)).await;
        b.snapshot_until("the relayed connection is closed", only_direct(a.peer)).await;
        a.event(Event::StreamClosed(2)).await;
        b.event(Event::StreamClosed(early)).await;
        let free = |s: &Snapshot| matches!(s.relay, Relay::Ready { circuits: 0, .. });
        relay.snapshot_until("the circuit is over", free).await;
        // What was opened later was on the direct one, which stays.
        a.tell(Command::SendFrame { stream: 4, bytes: vec![4; 60_000] }).await;
        b.event(Event::Frame(late, vec![4; 60_000])).await;
        a.open(6, &b).await;
        assert_eq!(a.count(|e| matches!(e, Event::Disconnected(peer) if *peer == b.peer)), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_only_a_relay_reaches_is_found_in_the_dht() {
    let meeting = Config {
        relay_server: Some(RelayLimits::default()),
        local_is_external: true,
        kad_server: Some(true),
        ..config(&[TCP, QUIC])
    };
    let meeting = Node::start(meeting).await;
    let hidden = Node::start(Config { relays: at(&meeting), ..quiet(&[]) }).await;
    hidden.tell(Command::Provide(TOPIC)).await;
    circuit(&hidden).await;
    let guest = || async { Node::start(Config { bootstrap: at(&meeting), ..quiet(&[]) }).await };

    // By the key that it provides: as a hint that can be dialled.
    let first = guest().await;
    let addresses = in_time("it is found with an address", async {
        loop {
            first.tell(Command::FindProviders(TOPIC)).await;
            loop {
                let (peers, finished) = first.take("providers", providers).await;
                let found = peers.into_iter().find(|(peer, _)| *peer == hidden.peer);
                if let Some((_, addresses)) = found.filter(|(_, addresses)| addresses.iter().any(address::is_circuit)) {
                    return addresses;
                }
                if finished {
                    break;
                }
            }
        }
    })
    .await;
    first.tell(Command::Dial { peer: Some(hidden.peer), addresses }).await;
    assert_eq!(connected_by(&first, hidden.peer).await, Path::Relayed);

    // By its PeerId alone.
    let second = guest().await;
    second.connected_to(meeting.peer).await;
    second.snapshot_until("there is somebody to ask", |s| s.routing_table > 0).await;
    second.tell(Command::FindPeer(hidden.peer)).await;
    assert_eq!(connected_by(&second, hidden.peer).await, Path::Relayed);
    assert!(!hidden.snapshot().await.kad_server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_test_whether_a_node_can_be_reached() {
    let near = || Config { local_is_external: true, ..quiet(&[TCP, QUIC]) };
    let (a, b) = (Node::start(near()).await, Node::start(near()).await);
    a.connect(&b).await;
    a.event(Event::Nat(Nat::Public)).await;
    let confirmed = a.snapshot_until("the address is confirmed", |s| !s.confirmed.is_empty()).await.confirmed;
    assert!(confirmed.iter().all(|address| a.listen.contains(address)), "{confirmed:?}");
    // Neighbours do not make a node public that does not take them for the internet.
    let c = Node::start(quiet(&[TCP])).await;
    c.connect(&b).await;
    c.snapshot_until("it was told what they see", |s| s.connections.iter().any(|c| c.rtt.is_some())).await;
    assert_eq!(c.count(|e| matches!(e, Event::Nat(_))), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_way_is_tried_first_and_the_relay_when_there_is_none() {
    let relay = relay(RelayLimits::default()).await;
    let open = Node::start(Config { relays: at(&relay), ..quiet(&[TCP]) }).await;
    open.event(Event::Reserved(relay.peer)).await;
    let behind = circuit(&open).await;
    let guest = Node::start(quiet(&[])).await;
    let addresses = vec![behind.clone(), open.listen[0].clone()];
    guest.tell(Command::Dial { peer: Some(open.peer), addresses }).await;
    assert_eq!(connected_by(&guest, open.peer).await, Path::Direct);

    // A port that nobody listens on.
    let closed = Node::on(&[TCP]).await;
    let nowhere = closed.listen[0].clone();
    closed.shut_down().await;
    let second = Node::start(quiet(&[])).await;
    second.tell(Command::Dial { peer: Some(open.peer), addresses: vec![nowhere.clone(), behind] }).await;
    assert_eq!(connected_by(&second, open.peer).await, Path::Relayed);
    // When nothing works, that is told once.
    let third = Node::start(quiet(&[])).await;
    let nobody = PeerId::random();
    let behind = at(&relay)[0].clone().with(libp2p::multiaddr::Protocol::P2pCircuit);
    third.tell(Command::Dial { peer: Some(nobody), addresses: vec![nowhere, behind] }).await;
    let failed = |e: &Event| matches!(e, Event::DialFailed { peer, .. } if *peer == Some(nobody)).then_some(());
    third.take("it fails", failed).await;
    third.snapshot().await;
    assert_eq!(third.count(|e| matches!(e, Event::DialFailed { .. })), 0);
}
