//! Nodes on loopback, over TCP and over QUIC. They wait for what has to happen, never for a time.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identity};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::behaviour::{self, Behaviour, BehaviourEvent};
use super::frames::MAX_FRAME_BYTES;
use super::streams::negotiate;
use super::*;

mod traversal;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
const TOPIC: Key = [0x5a; 32];

/// A key that no other node of this process has.
fn fresh_key() -> [u8; 32] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    *blake3::hash(&[number.to_le_bytes(), u64::from(std::process::id()).to_le_bytes()].concat()).as_bytes()
}

fn peer_of(key: [u8; 32]) -> PeerId {
    let mut seed = key;
    identity::Keypair::ed25519_from_bytes(&mut seed).unwrap().public().to_peer_id()
}

fn config(listen: &[&str]) -> Config {
    let listen = listen.iter().map(|a| a.parse().unwrap()).collect();
    Config { listen, agent: "test/1".into(), ..Config::new(fresh_key()) }
}

/// With `RUST_LOG` set, what the network says is shown with a failed test.
fn show_log() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain: {what}"))
}

/// A running network whose events are taken as they come.
struct Node {
    peer: PeerId,
    listen: Vec<Multiaddr>,
    commands: Commands,
    events: Arc<Mutex<Vec<Event>>>,
    news: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Node {
    async fn start(config: Config) -> Self {
        show_log();
        let (peer, expected) = (peer_of(config.key), config.listen.len());
        let (commands, mut out, task) = spawn(config).unwrap();
        let (events, news) = (Arc::new(Mutex::new(vec![])), Arc::new(Notify::new()));
        let (log, bell) = (Arc::clone(&events), Arc::clone(&news));
        tokio::spawn(async move {
            while let Some(event) = out.recv().await {
                log.lock().unwrap().push(event);
                bell.notify_waiters();
            }
        });
        let mut node = Self { peer, listen: vec![], commands, events, news, task };
        for _ in 0..expected {
            let address = node.take("it listens", |e| match e {
                Event::Listening(address) => Some(address.clone()),
                Event::ListenFailed { address, error } => panic!("{address}: {error}"),
                _ => None,
            });
            node.listen.push(address.await);
        }
        node
    }

    async fn on(listen: &[&str]) -> Self {
        Self::start(config(listen)).await
    }

    async fn tell(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    /// Waits for an event, and takes it out.
    async fn take<T>(&self, what: &str, mut is: impl FnMut(&Event) -> Option<T>) -> T {
        in_time(what, async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                {
                    let mut events = self.events.lock().unwrap();
                    if let Some(at) = events.iter().position(|event| is(event).is_some()) {
                        return is(&events.remove(at)).unwrap();
                    }
                }
                news.await;
            }
        })
        .await
    }

    async fn event(&self, expected: Event) {
        self.take(&format!("{expected:?}"), |event| (*event == expected).then_some(())).await;
    }

    fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.lock().unwrap().iter().filter(|event| is(event)).count()
    }

    async fn snapshot(&self) -> Snapshot {
        let (reply, answer) = oneshot::channel();
        self.tell(Command::Snapshot(reply)).await;
        in_time("a snapshot", answer).await.unwrap()
    }

    async fn snapshot_until(&self, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
        in_time(what, async {
            loop {
                let snapshot = self.snapshot().await;
                if is(&snapshot) {
                    return snapshot;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    async fn connected_to(&self, peer: PeerId) {
        self.take("connected", |e| matches!(e, Event::Connected { peer: p, .. } if *p == peer).then_some(())).await;
    }

    async fn connect(&self, other: &Node) {
        self.tell(Command::Dial { peer: Some(other.peer), addresses: other.listen.clone() }).await;
        self.connected_to(other.peer).await;
        other.connected_to(self.peer).await;
    }

    /// Opens a stream to a node: both numbers.
    async fn open(&self, stream: StreamId, other: &Node) -> StreamId {
        self.tell(Command::OpenStream { stream, peer: other.peer }).await;
        self.event(Event::StreamOpened(stream, other.peer)).await;
        let me = self.peer;
        other
            .take("a stream", |e| matches!(e, Event::StreamOpened(s, p) if *p == me && s % 2 == 1).then(|| number(e)))
            .await
    }

    async fn shut_down(self) {
        self.tell(Command::Shutdown).await;
        in_time("the end", self.task).await.unwrap();
    }
}

/// The next address that is listened on.
async fn listening(events: &mut Events) -> Multiaddr {
    in_time("it listens", async {
        loop {
            match events.recv().await.unwrap() {
                Event::Listening(at) => return at,
                Event::ListenFailed { address, error } => panic!("{address}: {error}"),
                _ => {}
            }
        }
    })
    .await
}

fn number(event: &Event) -> StreamId {
    match event {
        Event::StreamOpened(stream, _) => *stream,
        other => panic!("{other:?} has no stream"),
    }
}

/// A swarm without the loop around it, for misbehaving.
struct Raw {
    swarm: Swarm<Behaviour>,
}

impl Raw {
    async fn connect(to: &Node) -> Self {
        let mut raw = Self { swarm: behaviour::swarm(&config(&[])).unwrap() };
        raw.swarm.dial(DialOpts::peer_id(to.peer).addresses(to.listen.clone()).build()).unwrap();
        raw.until("connected", |e| matches!(e, SwarmEvent::ConnectionEstablished { .. }).then_some(())).await;
        raw
    }

    async fn until<T>(&mut self, what: &str, mut is: impl FnMut(SwarmEvent<BehaviourEvent>) -> Option<T>) -> T {
        in_time(what, async {
            loop {
                if let Some(found) = is(self.swarm.select_next_some().await) {
                    return found;
                }
            }
        })
        .await
    }

    async fn open(&mut self, stream: StreamId, peer: PeerId) -> libp2p::swarm::Stream {
        self.open_for(Use::Sync, stream, peer).await
    }

    async fn open_for(&mut self, purpose: Use, stream: StreamId, peer: PeerId) -> libp2p::swarm::Stream {
        self.swarm.behaviour_mut().streams.open(stream, peer, purpose);
        self.until("a raw stream", |event| match event {
            SwarmEvent::Behaviour(BehaviourEvent::Streams(negotiate::Event::Opened(_, negotiated))) => {
                Some(negotiated.stream)
            }
            _ => None,
        })
        .await
    }

    /// Keeps the swarm going in the background.
    fn keep(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                self.swarm.select_next_some().await;
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_travel_both_ways_up_to_the_largest_over_tcp_and_over_quic() {
    for (listen, transport) in [(TCP, Transport::Tcp), (QUIC, Transport::Quic)] {
        let (a, b) = (Node::on(&[listen]).await, Node::on(&[listen]).await);
        a.connect(&b).await;
        let theirs = a.open(2, &b).await;
        assert_eq!(theirs % 2, 1);
        for bytes in [vec![], b"hello".to_vec(), vec![7; MAX_FRAME_BYTES]] {
            a.tell(Command::SendFrame { stream: 2, bytes: bytes.clone() }).await;
            a.event(Event::Sent(2)).await;
            b.event(Event::Frame(theirs, bytes.clone())).await;
            b.tell(Command::SendFrame { stream: theirs, bytes: bytes.clone() }).await;
            b.event(Event::Sent(theirs)).await;
            a.event(Event::Frame(2, bytes)).await;
        }
        let snapshot =
            a.snapshot_until("a round trip is measured", |s| s.connections.iter().all(|c| c.rtt.is_some())).await;
        let connection = &snapshot.connections[0];
        assert_eq!((connection.peer, connection.transport, connection.path), (b.peer, transport, Path::Direct));
        assert_eq!((connection.direction, snapshot.streams), (Direction::Outbound, 1));
        assert_eq!(snapshot.listen, a.listen);

        // Closing sends what is queued first.
        for n in 0..8 {
            a.tell(Command::SendFrame { stream: 2, bytes: vec![n; 60_000] }).await;
        }
        a.tell(Command::CloseStream(2)).await;
        b.event(Event::StreamClosed(theirs)).await;
        a.event(Event::StreamClosed(2)).await;
        let late = b.events.lock().unwrap().clone();
        let frames: Vec<_> = late.iter().filter(|e| matches!(e, Event::Frame(s, _) if *s == theirs)).collect();
        assert_eq!(frames.len(), 8);
        assert!((0..8).all(|n| *frames[usize::from(n)] == Event::Frame(theirs, vec![n; 60_000])));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_claims_too_much_cuts_the_stream_and_is_penalised() {
    let node = Node::on(&[TCP]).await;
    let mut raw = Raw::connect(&node).await;
    let me = *raw.swarm.local_peer_id();
    for offence in 1..=2 {
        let mut stream = raw.open(2 * offence, node.peer).await;
        stream.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let id = node.take("a stream", |e| matches!(e, Event::StreamOpened(..)).then(|| number(e))).await;
        node.event(Event::StreamClosed(id)).await;
        let points = u32::try_from(offence).unwrap() * penalties::OFFENCE_POINTS;
        // One may have faded on a slow machine.
        node.snapshot_until("points", |s| matches!(s.points[..], [(p, n)] if p == me && n + 1 >= points)).await;
    }
    assert_eq!(node.count(|e| matches!(e, Event::Frame(..))), 0);
    let third = raw.open(6, node.peer).await;
    let going = raw.keep();
    let (mut reader, mut writer) = third.split();
    writer.write_all(&[0xff; 4]).await.unwrap();
    writer.flush().await.unwrap();
    node.event(Event::Disconnected(me)).await;
    let end = in_time("the stream is cut", reader.read(&mut [0; 1])).await;
    assert!(matches!(end, Ok(0) | Err(_)));
    let snapshot = node.snapshot().await;
    assert!(matches!(snapshot.bans[..], [(p, left)] if p == me && left <= penalties::BAN));
    going.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_peer_is_kept_out_until_the_ban_is_over() {
    let limits = Limits { ban: Duration::from_secs(8), ..Limits::default() };
    let (a, b) = (Node::start(Config { limits, ..config(&[TCP]) }).await, Node::on(&[TCP]).await);
    a.connect(&b).await;
    for _ in 0..3 {
        a.tell(Command::Penalise(b.peer, "it lies".into())).await;
    }
    a.event(Event::Disconnected(b.peer)).await;
    b.event(Event::Disconnected(a.peer)).await;
    a.tell(Command::Dial { peer: Some(b.peer), addresses: b.listen.clone() }).await;
    let error = a.take("it is blocked", |e| match e {
        Event::DialFailed { peer, error } if *peer == Some(b.peer) => Some(error.clone()),
        _ => None,
    });
    let error = error.await;
    assert!(error.contains("block"), "{error}");

    a.snapshot_until("the ban is over", |s| s.bans.is_empty()).await;
    a.connect(&b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_passes_on_what_is_accepted_and_nothing_that_is_rejected() {
    let (a, b, c) = (Node::on(&[TCP]).await, Node::on(&[TCP, QUIC]).await, Node::on(&[QUIC]).await);
    for node in [&a, &b, &c] {
        node.tell(Command::Subscribe(TOPIC)).await;
    }
    // a - b - c: what c hears has gone through b.
    a.connect(&b).await;
    c.connect(&b).await;
    a.event(Event::Subscribed(b.peer, TOPIC)).await;
    c.event(Event::Subscribed(b.peer, TOPIC)).await;
    let everybody = |s: &Snapshot| s.mesh.len() == 1 && s.mesh[0].1.len() == 2;
    b.snapshot_until("both are in the mesh", everybody).await;

    let largest = vec![9; gossip::MAX_MESSAGE_BYTES];
    for (bytes, verdict) in [
        (b"false".to_vec(), Verdict::Reject),
        (b"so what".to_vec(), Verdict::Ignore),
        (b"true".to_vec(), Verdict::Accept),
        (largest.clone(), Verdict::Accept),
    ] {
        a.tell(Command::Publish(TOPIC, bytes.clone())).await;
        let (message, source) = heard(&b, &bytes).await;
        assert_eq!(source, a.peer);
        b.tell(Command::Verdict(message, verdict)).await;
        if verdict == Verdict::Accept {
            let (message, source) = heard(&c, &bytes).await;
            assert_eq!(source, b.peer);
            c.tell(Command::Verdict(message, Verdict::Accept)).await;
        }
    }
    assert_eq!(c.count(|e| matches!(e, Event::Gossip { .. })), 0, "nothing but what was accepted came to c");
    // Nobody there to hear it: no error, no end.
    a.tell(Command::Publish([1; 32], b"hello?".to_vec())).await;
    a.tell(Command::Publish(TOPIC, vec![0; gossip::MAX_MESSAGE_BYTES + 1])).await;
    a.snapshot().await;
}

async fn heard(node: &Node, expected: &[u8]) -> (MessageNumber, PeerId) {
    node.take("gossip", |event| match event {
        Event::Gossip { message, source, topic, bytes } if bytes == expected => {
            assert_eq!(*topic, TOPIC);
            Some((*message, *source))
        }
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_subscribes_later_is_told_who_is_there_already() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[TCP]).await);
    b.tell(Command::Subscribe(TOPIC)).await;
    a.connect(&b).await;
    // That b's subscription has come is not told, since it was none of a's business: this one comes after it.
    a.tell(Command::Subscribe([2; 32])).await;
    b.tell(Command::Subscribe([2; 32])).await;
    a.event(Event::Subscribed(b.peer, [2; 32])).await;
    assert_eq!(a.count(|e| matches!(e, Event::Subscribed(..))), 0);
    a.tell(Command::Subscribe(TOPIC)).await;
    a.event(Event::Subscribed(b.peer, TOPIC)).await;
    b.tell(Command::Unsubscribe(TOPIC)).await;
    a.event(Event::Unsubscribed(b.peer, TOPIC)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_finds_the_providers_of_a_key_through_a_node_that_knows_no_key() {
    let boot = Node::on(&[TCP]).await;
    let at_boot = vec![boot.listen[0].clone().with_p2p(boot.peer).unwrap()];
    let member = |listen| Config { bootstrap: at_boot.clone(), ..config(&[listen]) };
    let (a, b) = (Node::start(member(TCP)).await, Node::start(member(QUIC)).await);
    // They say so before they know anybody who could be told.
    a.tell(Command::Provide(TOPIC)).await;
    b.tell(Command::Provide(TOPIC)).await;

    let c = Node::start(member(TCP)).await;
    let mut missing = vec![(a.peer, a.listen.clone()), (b.peer, b.listen.clone())];
    in_time("c finds both", async {
        while !missing.is_empty() {
            c.tell(Command::FindProviders(TOPIC)).await;
            loop {
                let (peers, finished) = c.take("providers", providers).await;
                for (peer, addresses) in peers {
                    missing.retain(|(p, listen)| *p != peer || !listen.iter().all(|a| addresses.contains(a)));
                }
                if finished {
                    break;
                }
            }
        }
    })
    .await;
    // Two ways to get there: with the addresses found, and by asking the DHT for the peer.
    if c.snapshot().await.connections.iter().all(|connection| connection.peer != a.peer) {
        c.tell(Command::FindPeer(a.peer)).await;
    }
    c.tell(Command::Dial { peer: Some(b.peer), addresses: b.listen.clone() }).await;
    c.connected_to(a.peer).await;
    c.connected_to(b.peer).await;
}

/// Peers and their addresses, and whether that is all.
type Providers = (Vec<(PeerId, Vec<Multiaddr>)>, bool);

fn providers(event: &Event) -> Option<Providers> {
    match event {
        Event::Providers { key, peers, finished } => {
            assert_eq!(*key, TOPIC);
            Some((peers.clone(), *finished))
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_found_by_its_id_alone() {
    let boot = Node::on(&[TCP]).await;
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[QUIC]).await);
    a.connect(&boot).await;
    b.connect(&boot).await;
    boot.snapshot_until("it knows both", |s| s.routing_table == 2).await;
    a.snapshot_until("it can ask", |s| s.routing_table > 0).await;
    a.tell(Command::FindPeer(b.peer)).await;
    a.connected_to(b.peer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_waits_until_there_is_somebody_to_ask() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[TCP]).await);
    b.tell(Command::Provide(TOPIC)).await;
    a.tell(Command::FindProviders(TOPIC)).await;
    a.snapshot().await;
    assert_eq!(a.count(|e| matches!(e, Event::Providers { .. })), 0);
    a.connect(&b).await;
    while !a.take("providers", providers).await.1 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_nobody_knows_is_not_found_and_that_is_said() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[TCP]).await);
    a.connect(&b).await;
    let nobody = PeerId::random();
    a.tell(Command::FindPeer(nobody)).await;
    let failed = |e: &Event| matches!(e, Event::DialFailed { peer, .. } if *peer == Some(nobody)).then_some(());
    a.take("it is not found", failed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_keep_up_stops_the_sender_and_loses_nothing() {
    /// Far more than may lie anywhere on the way: the events, the transport's window, the kernel's buffers.
    const FRAMES: u32 = 500;
    const MOST_ON_THE_WAY: u32 = 300;
    for listen in [TCP, QUIC] {
        let a = Node::on(&[listen]).await;
        let slow = config(&[listen]);
        let peer = peer_of(slow.key);
        let (commands, mut events, _task) = spawn(slow).unwrap();
        let at = listening(&mut events).await;
        a.tell(Command::Dial { peer: Some(peer), addresses: vec![at] }).await;
        a.connected_to(peer).await;
        a.tell(Command::OpenStream { stream: 2, peer }).await;
        a.event(Event::StreamOpened(2, peer)).await;
        let frame = |n: u32| [&n.to_le_bytes()[..], &vec![0; MAX_FRAME_BYTES - 4]].concat();
        for n in 0..4 {
            a.tell(Command::SendFrame { stream: 2, bytes: frame(n) }).await;
        }
        let (mut sent, mut next) = (0, 4);
        let is_sent = |e: &Event| (*e == Event::Sent(2)).then_some(());
        while tokio::time::timeout(Duration::from_secs(2), a.take("sent", is_sent)).await.is_ok() {
            sent += 1;
            if next < FRAMES {
                a.tell(Command::SendFrame { stream: 2, bytes: frame(next) }).await;
                next += 1;
            }
            assert!(sent <= MOST_ON_THE_WAY, "{sent} frames went off while nobody read");
        }
        // It still does what it is told.
        let (reply, answer) = oneshot::channel();
        commands.send(Command::Snapshot(reply)).await.unwrap();
        assert_eq!(in_time("a snapshot", answer).await.unwrap().streams, 1);

        let mut expected = 0;
        while expected < FRAMES {
            tokio::select! {
                event = in_time("the rest", events.recv()) => if let Some(Event::Frame(_, bytes)) = event {
                    assert!(bytes == frame(expected), "frame {expected}");
                    expected += 1;
                },
                () = a.take("sent", is_sent) => if next < FRAMES {
                    a.tell(Command::SendFrame { stream: 2, bytes: frame(next) }).await;
                    next += 1;
                },
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_queues_without_waiting_loses_the_stream() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[TCP]).await);
    a.connect(&b).await;
    a.open(2, &b).await;
    a.tell(Command::SendFrame { stream: 2, bytes: vec![0; MAX_FRAME_BYTES + 1] }).await;
    a.event(Event::StreamClosed(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_peer_gets_eight_streams_and_no_more() {
    let node = Node::on(&[TCP]).await;
    let mut raw = Raw::connect(&node).await;
    let mut streams = vec![];
    for n in 0..MAX_INBOUND_PER_PEER as u64 {
        streams.push(raw.open(2 * n, node.peer).await);
        node.take("a stream", |e| matches!(e, Event::StreamOpened(..)).then_some(())).await;
    }
    let mut over = raw.open(100, node.peer).await;
    let going = raw.keep();
    let end = in_time("the ninth is reset", over.read(&mut [0; 1])).await;
    assert!(matches!(end, Ok(0) | Err(_)));
    assert_eq!(node.count(|e| matches!(e, Event::StreamOpened(..))), 0);
    drop(streams.pop());
    node.take("one is closed", |e| matches!(e, Event::StreamClosed(_)).then_some(())).await;
    going.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_for_linking_are_told_apart_and_do_not_crowd_out_sync() {
    let node = Node::on(&[TCP]).await;
    let mut raw = Raw::connect(&node).await;
    let mut streams = vec![];
    for n in 0..MAX_INBOUND_LINKS.0 as u64 {
        streams.push(raw.open_for(Use::Link, 2 * n, node.peer).await);
        node.take("a link stream", |e| matches!(e, Event::LinkOpened(..)).then_some(())).await;
    }
    let mut over = raw.open_for(Use::Link, 100, node.peer).await;
    streams.push(raw.open(102, node.peer).await);
    node.take("a sync stream all the same", |e| matches!(e, Event::StreamOpened(..)).then_some(())).await;
    let going = raw.keep();
    let end = in_time("one link too many is reset", over.read(&mut [0; 1])).await;
    assert!(matches!(end, Ok(0) | Err(_)));
    assert_eq!(node.count(|e| matches!(e, Event::LinkOpened(..))), 0);
    going.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_can_not_be_opened_fails_once() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[TCP]).await);
    a.tell(Command::OpenStream { stream: 2, peer: b.peer }).await;
    a.event(Event::StreamFailed(2)).await;
    a.connect(&b).await;
    a.tell(Command::OpenStream { stream: 3, peer: b.peer }).await;
    a.event(Event::StreamFailed(3)).await;
    a.open(4, &b).await;
    a.tell(Command::OpenStream { stream: 4, peer: b.peer }).await;
    a.event(Event::StreamFailed(4)).await;
    a.tell(Command::Disconnect(b.peer)).await;
    a.event(Event::StreamClosed(4)).await;
    a.event(Event::Disconnected(b.peer)).await;
    b.event(Event::Disconnected(a.peer)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_is_prompt_even_when_nobody_takes_events() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[QUIC]).await);
    let c = config(&[TCP, QUIC]);
    let peer = peer_of(c.key);
    let (commands, mut events, task) = spawn(c).unwrap();
    for _ in 0..2 {
        let at = listening(&mut events).await;
        let node = if address::transport(&at) == Transport::Tcp { &a } else { &b };
        node.tell(Command::Dial { peer: Some(peer), addresses: vec![at] }).await;
        node.connected_to(peer).await;
        node.tell(Command::OpenStream { stream: 2, peer }).await;
        node.event(Event::StreamOpened(2, peer)).await;
        for _ in 0..8 {
            node.tell(Command::SendFrame { stream: 2, bytes: vec![0; MAX_FRAME_BYTES] }).await;
        }
    }
    let begin = tokio::time::Instant::now();
    commands.send(Command::Shutdown).await.unwrap();
    in_time("the end", task).await.unwrap();
    assert!(begin.elapsed() < SHUTDOWN_GRACE + Duration::from_secs(4), "{:?}", begin.elapsed());
    a.event(Event::Disconnected(peer)).await;
    b.event(Event::Disconnected(peer)).await;
    // The usual end: somebody takes the events, and the peer hears of it at once.
    let d = Node::on(&[TCP]).await;
    a.connect(&d).await;
    let peer = d.peer;
    d.shut_down().await;
    a.event(Event::Disconnected(peer)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_told_with_the_cause_and_the_others_work() {
    let first = Node::on(&[TCP, QUIC]).await;
    for taken in &first.listen {
        let second = Config { listen: vec![taken.clone(), TCP.parse().unwrap()], ..config(&[]) };
        let (_commands, mut events, _task) = spawn(second).unwrap();
        let (mut failed, mut listening) = (None, false);
        while failed.is_none() || !listening {
            match in_time("both are told", events.recv()).await.unwrap() {
                Event::ListenFailed { address, error } => failed = Some((address, error)),
                Event::Listening(address) => listening = address != *taken,
                _ => {}
            }
        }
        let (address, error) = failed.unwrap();
        assert_eq!(address, *taken);
        assert!(error.to_lowercase().contains("in use"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_node_that_comes_back_is_met_again() {
    let boot = config(&[TCP]);
    let first = Node::start(boot.clone()).await;
    let at = first.listen[0].clone();
    // Without a PeerId in the address: whoever answers there is fine.
    let node = Node::start(Config { bootstrap: vec![at.clone()], ..config(&[QUIC]) }).await;
    node.connected_to(first.peer).await;
    let peer = first.peer;
    first.shut_down().await;
    node.event(Event::Disconnected(peer)).await;
    let again = Node::start(Config { listen: vec![at], ..boot }).await;
    node.connected_to(again.peer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_this_node_is_noticed_and_this_node_itself_is_not_taken_for_one() {
    // On all interfaces, so that this node answers at addresses that it does not know of.
    let a = Node::start(Config { listen: vec![], ..config(&[]) }).await;
    a.snapshot().await;
    let any = config(&["/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1"]);
    let node = Node::start(any.clone()).await;
    let listen = node.snapshot_until("both listen", |s| {
        [Transport::Tcp, Transport::Quic].iter().all(|t| s.listen.iter().any(|a| address::transport(a) == *t))
    });
    for at in &listen.await.listen {
        let elsewhere: Multiaddr = at.to_string().replacen("/127.0.0.1/", "/127.0.0.99/", 1).parse().unwrap();
        if elsewhere == *at {
            continue;
        }
        // Once as an address of somebody else, once as our own, once as anybody's.
        for peer in [Some(a.peer), Some(node.peer), None] {
            node.tell(Command::Dial { peer, addresses: vec![elsewhere.clone()] }).await;
            node.take("it does not work", |e| matches!(e, Event::DialFailed { .. }).then_some(())).await;
        }
    }

    let both = [TCP, QUIC].map(|at| at.parse().unwrap()).to_vec();
    let copy = Node::start(Config { listen: both, ..any }).await;
    assert_eq!(copy.peer, node.peer);
    for at in copy.listen.clone() {
        node.tell(Command::Dial { peer: Some(node.peer), addresses: vec![at.clone()] }).await;
        node.event(Event::SameIdentity(at.clone())).await;
        if address::transport(&at) == Transport::Quic {
            copy.take("it notices, too", |e| matches!(e, Event::SameIdentity(_)).then_some(())).await;
        }
    }
    assert_eq!(node.count(|e| matches!(e, Event::SameIdentity(_))), 0, "it is no copy of itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_tell_who_they_are_and_become_known_to_the_dht() {
    let (a, b) = (Node::on(&[TCP]).await, Node::on(&[TCP, QUIC]).await);
    b.connect(&a).await;
    let (agent, addresses, protocols) = a
        .take("it is identified", |e| match e {
            Event::Identified { peer, agent, addresses, protocols } if *peer == b.peer => {
                Some((agent.clone(), addresses.clone(), protocols.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!(agent, "test/1");
    assert!(b.listen.iter().all(|a| addresses.contains(a)), "{addresses:?}");
    for protocol in ["/studymesh/sync/1", "/studymesh/kad/1"] {
        assert!(protocols.iter().any(|p| p == protocol), "{protocols:?}");
    }
    let snapshot = a.snapshot_until("it is in the table", |s| s.routing_table == 1).await;
    assert_eq!(snapshot.external, a.listen, "provider records carry the listen addresses");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_limit_of_connections_peers_are_refused() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let full = Node::start(Config { limits, ..config(&[TCP]) }).await;
    let guests: Vec<Node> = [Node::on(&[]).await, Node::on(&[]).await, Node::on(&[]).await].into();
    for guest in &guests {
        guest.connect(&full).await;
    }
    let fourth = Node::on(&[]).await;
    fourth.tell(Command::Dial { peer: Some(full.peer), addresses: full.listen.clone() }).await;
    // Three quarters may be incoming. The dialler sees a connection that closes at once, or one that fails.
    let refused = |e: &Event| match e {
        Event::DialFailed { .. } => Some(()),
        Event::Disconnected(peer) if *peer == full.peer => Some(()),
        _ => None,
    };
    fourth.take("it is refused", refused).await;
    let snapshot = full.snapshot().await;
    assert_eq!(snapshot.connections.len(), 3);
    // There is still room to dial out.
    let other = Node::on(&[TCP]).await;
    full.connect(&other).await;
}
