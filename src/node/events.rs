//! The event loop of a running node: what happens in the network becomes inputs of the engine, and rounds of discovery.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::core::now_ms;
use super::discovery::{Discovery, Known, LONELY_ROUND_MS, ROUND_MS, Step};
use super::handle::Handle;
use super::linking::{self, Linking};
use super::network::without_peer;
use super::ports;
use super::runtime::End;
use super::worker::Work;
use crate::engine::Engine;
use crate::engine::io::{Input, MessageId, StreamId};
use crate::model::id::{GroupId, Peer, TopicHash};
use crate::net::{self, Event};
use crate::store::{PeerRow, SqliteStore};
use crate::sync::message::{MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_PEERS, Told};

/// How long the listeners may take to open.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the further addresses of a listener may take, after the first one of each.
const MORE_INTERFACES: Duration = Duration::from_millis(30);
/// Rounds that somebody asked for come at most this often, in milliseconds.
const MIN_ROUND_MS: u64 = 200;
/// As [`MIN_ROUND_MS`], when somebody waits for it: a person who joins, or a record that is to be published.
const MIN_ASKED_MS: u64 = 20;

/// What the worker tells the event loop.
#[derive(Debug)]
pub enum Notice {
    /// Something about the groups changed: look for members.
    Look,
    /// A member told about others.
    Learned(GroupId, Vec<Told>),
    /// A member was compared with, so it has proved its log.
    Met,
}

/// The loop and what it remembers.
pub struct EventLoop {
    handle: Handle,
    commands: net::Commands,
    events: net::Events,
    notices: mpsc::Receiver<Notice>,
    discovery: Discovery,
    linking: Linking,
    own: PeerId,
    connected: std::collections::BTreeSet<PeerId>,
    /// What connected peers call their program; it holds a number that changes with every start.
    agents: std::collections::BTreeMap<PeerId, String>,
    /// Connected peers that know how devices are linked.
    speaking: std::collections::BTreeSet<PeerId>,
    listening: Vec<Multiaddr>,
    next_round: Instant,
    last_round_ms: u64,
    urgent: bool,
}

impl EventLoop {
    /// For a network that has just been started.
    #[must_use]
    pub fn new(
        handle: Handle,
        own: PeerId,
        commands: net::Commands,
        events: net::Events,
        notices: mpsc::Receiver<Notice>,
        requests: mpsc::Receiver<linking::Request>,
    ) -> Self {
        let me = handle.peer.clone();
        Self {
            linking: Linking::new(handle.clone(), commands.clone(), requests, me),
            speaking: std::collections::BTreeSet::new(),
            handle,
            commands,
            events,
            notices,
            discovery: Discovery::default(),
            own,
            connected: std::collections::BTreeSet::new(),
            agents: std::collections::BTreeMap::new(),
            listening: vec![],
            next_round: Instant::now(),
            last_round_ms: 0,
            urgent: true,
        }
    }

    /// Waits until every one of these listeners is open or failed; the addresses that are listened on.
    pub async fn until_listening(&mut self, listeners: &[Multiaddr]) -> Vec<Multiaddr> {
        let deadline = Instant::now() + LISTEN_TIMEOUT;
        let mut failed = 0;
        loop {
            let opened = listeners.iter().filter(|l| self.listening.iter().any(|a| ports::serves(l, a))).count();
            // An unspecified address becomes one address per interface; they come one after the other.
            let until = if opened + failed >= listeners.len() { Instant::now() + MORE_INTERFACES } else { deadline };
            match tokio::time::timeout_at(until.min(deadline), self.events.recv()).await {
                Ok(Some(event)) => {
                    failed += usize::from(matches!(event, Event::ListenFailed { .. }));
                    self.event(event).await;
                }
                Ok(None) | Err(_) => return self.listening.clone(),
            }
        }
    }

    /// Runs until the network ends or finds another copy of this node.
    pub async fn run(&mut self) -> End {
        let shell = self.handle.shell.clone();
        loop {
            let linking_due = self.linking.deadline();
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => {
                        if let Some(end) = self.event(event).await {
                            return end;
                        }
                    }
                    None => return End::Stopped,
                },
                Some(notice) = self.notices.recv() => self.notice(notice).await,
                request = self.linking.request() => self.linking.begin(request).await,
                () = tokio::time::sleep_until(linking_due) => self.linking.tick(&self.speaking).await,
                () = shell.asked_to_look() => self.look_soon(),
                () = tokio::time::sleep_until(self.next_round) => self.round().await,
            }
        }
    }

    async fn event(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Listening(address) => self.listening.push(address),
            Event::Expired(address) => self.listening.retain(|a| *a != address),
            Event::ListenFailed { address, error } => {
                tracing::warn!(%address, %error, "a listener could not be opened");
                self.handle.shell.facts(|f| f.listen_errors.push(format!("{address}: {error}")));
            }
            Event::Connected { peer, .. } => {
                self.connected.insert(peer);
                self.discovery.connected(&peer);
                self.input(peer, Input::Connected).await;
            }
            Event::Disconnected(peer) => {
                self.connected.remove(&peer);
                self.agents.remove(&peer);
                self.speaking.remove(&peer);
                self.linking.disconnected(&peer);
                self.handle.shell.facts(|f| f.addresses.remove(&peer));
                self.input(peer, Input::Disconnected).await;
                self.next_round = self.next_round.min(Instant::now() + Duration::from_millis(MIN_ROUND_MS));
            }
            Event::Subscribed(peer, topic) => self.input(peer, |p| Input::Subscribed(p, TopicHash(topic))).await,
            Event::Unsubscribed(peer, topic) => self.input(peer, |p| Input::Unsubscribed(p, TopicHash(topic))).await,
            Event::StreamOpened(stream, peer) => self.input(peer, |p| Input::StreamOpened(StreamId(stream), p)).await,
            Event::LinkOpened(stream, peer) => self.linking.opened(stream, peer).await,
            Event::Frame(stream, bytes) if self.linking.has(stream) => self.linking.frame(stream, &bytes).await,
            Event::StreamFailed(stream) | Event::StreamClosed(stream) if self.linking.has(stream) => {
                self.linking.closed(stream).await;
            }
            Event::StreamFailed(stream) => self.work(Input::StreamFailed(StreamId(stream))).await,
            Event::Frame(stream, bytes) => self.work(Input::Frame(StreamId(stream), bytes)).await,
            Event::Sent(stream) => self.work(Input::Sent(StreamId(stream))).await,
            Event::StreamClosed(stream) => self.work(Input::StreamClosed(StreamId(stream))).await,
            Event::Gossip { message, source, topic, bytes } => {
                let message = MessageId(message);
                self.input(source, |source| Input::Gossip { message, source, topic: TopicHash(topic), bytes }).await;
            }
            Event::Providers { peers, .. } => {
                for (peer, addresses) in peers {
                    self.hint(peer, addresses).await;
                }
            }
            Event::Discovered(peer, addresses) => self.hint(peer, addresses).await,
            Event::Identified { peer, agent, addresses, protocols } => {
                self.met(peer, agent).await;
                if protocols.iter().any(|name| *name == net::Use::Link.protocol().as_ref()) {
                    self.speaking.insert(peer);
                }
                self.handle.shell.facts(|f| f.addresses.insert(peer, addresses));
                self.look_soon_if_lonely();
            }
            // What the snapshot has, too.
            Event::PathChanged { .. } | Event::Nat(_) | Event::External(_) | Event::ExternalExpired(_) => {}
            Event::Reserved(_) | Event::ReservationLost(..) | Event::Relay(_) | Event::Upnp(_) => {}
            Event::DialFailed { peer, error } => tracing::debug!(?peer, error, "a dial failed"),
            Event::SameIdentity(address) => {
                tracing::warn!(%address, "another running copy of this directory has the same peer id: this one takes a fresh key");
                return Some(End::SameIdentity);
            }
        }
        None
    }

    /// A peer that was killed and started again comes back while its old connections still look alive, and neither side
    /// would tell the other anew what it takes part in. Its program's text tells: everything with it begins anew.
    async fn met(&mut self, peer: PeerId, agent: String) {
        let before = self.agents.insert(peer, agent);
        if before.is_some_and(|before| Some(&before) != self.agents.get(&peer)) {
            tracing::debug!(%peer, "a peer was started again");
            self.agents.remove(&peer);
            let _ = self.commands.send(net::Command::Disconnect(peer)).await;
        }
    }

    async fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Look => self.look_soon(),
            Notice::Met => self.linking.look_for_kin(),
            Notice::Learned(group, told) => {
                let now = now_ms();
                let rows: Vec<PeerRow> = told
                    .iter()
                    .filter_map(|t| {
                        let peer = Peer::new(&t.peer)?;
                        Some(PeerRow {
                            peer,
                            addresses: t.addresses.clone(),
                            log: None,
                            last_seen_ms: now,
                            last_sync_ms: None,
                            source: "member".into(),
                        })
                    })
                    .collect();
                let own = self.handle.clone();
                let kept = rows.clone();
                let stored = own
                    .on_engine(move |engine| {
                        if engine.groups().any(|g| g == group) {
                            kept.iter().try_for_each(|row| engine.store().peer_seen(group, row))?;
                        }
                        Ok(())
                    })
                    .await;
                if stored.is_err() {
                    return;
                }
                for row in rows {
                    if let Ok(peer) = PeerId::from_bytes(row.peer.as_bytes()) {
                        self.hint(peer, multiaddrs(&row.addresses)).await;
                    }
                }
            }
        }
    }

    async fn hint(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if peer == self.own || self.connected.contains(&peer) {
            return;
        }
        if let Some(step) = self.discovery.hint(now_ms(), peer, addresses) {
            self.carry_out(step).await;
        }
    }

    fn look_soon(&mut self) {
        self.urgent = true;
        let soon =
            Duration::from_millis((self.last_round_ms + MIN_ASKED_MS).saturating_sub(now_ms()).min(MIN_ASKED_MS));
        self.next_round = self.next_round.min(Instant::now() + soon);
    }

    /// A new acquaintance may know providers that nobody knew before.
    fn look_soon_if_lonely(&mut self) {
        let soon = Instant::now() + Duration::from_millis(MIN_ROUND_MS);
        self.next_round = self.next_round.min(soon);
        self.urgent |= self.connected.len() <= 2;
    }

    /// Looks at all groups: keeps what is known of connected members, dials, asks the DHT.
    async fn round(&mut self) {
        let urgent = std::mem::take(&mut self.urgent);
        let addresses = self.handle.shell.facts(|f| f.addresses.clone());
        let own = self.own;
        let now = now_ms();
        self.last_round_ms = now;
        let Ok(groups) = self.handle.on_engine(move |engine| look(engine, now, own, &addresses)).await else { return };
        let connected = self.connected.clone();
        for step in self.discovery.round(now, &groups, &|p| connected.contains(p), urgent) {
            self.carry_out(step).await;
        }
        self.linking.look_for_kin();
        let lonely = groups.iter().any(|g| g.members == 0);
        let wait = if lonely { LONELY_ROUND_MS } else { ROUND_MS };
        self.next_round = Instant::now() + Duration::from_millis(wait);
    }

    async fn carry_out(&self, step: Step) {
        let command = match step {
            Step::Dial(peer, addresses) => net::Command::Dial { peer: Some(peer), addresses },
            Step::Find(peer) => net::Command::FindPeer(peer),
            Step::Lookup(key) => net::Command::FindProviders(key),
        };
        let _ = self.commands.send(command).await;
    }

    async fn input(&self, peer: PeerId, input: impl FnOnce(Peer) -> Input) {
        if let Some(peer) = Peer::new(&peer.to_bytes()) {
            self.work(input(peer)).await;
        }
    }

    async fn work(&self, input: Input) {
        // The worker is gone only when the node ends.
        let _ = self.handle.work.send(Work::Input(input)).await;
    }
}

/// Keeps what is known of connected members in the store, tells the engine whom it may tell about, and reads whom to dial.
fn look(
    engine: &mut Engine<SqliteStore>,
    now: u64,
    own: PeerId,
    addresses: &std::collections::BTreeMap<PeerId, Vec<Multiaddr>>,
) -> Result<Vec<Known>, crate::store::Error> {
    let groups: Vec<GroupId> = engine.groups().collect();
    let mut known = vec![];
    for group in groups {
        let Some(status) = engine.status(now, group) else { continue };
        let mut told = vec![];
        for member in &status.members {
            let listens = PeerId::from_bytes(member.peer.as_bytes()).ok().and_then(|id| addresses.get(&id));
            let listens: Vec<Vec<u8>> = listens
                .into_iter()
                .flatten()
                .map(|a| without_peer(a).to_vec())
                .filter(|a| a.len() <= MAX_ADDRESS_BYTES)
                .collect();
            if !listens.is_empty() && told.len() < MAX_PEERS {
                let addresses = listens.iter().take(MAX_ADDRESSES).cloned().collect();
                told.push(Told { peer: member.peer.as_bytes().to_vec(), addresses });
            }
            let row = PeerRow {
                peer: member.peer.clone(),
                addresses: listens,
                log: Some(member.log),
                last_seen_ms: now,
                last_sync_ms: member.checked_ms,
                source: "member".into(),
            };
            engine.store().peer_seen(group, &row)?;
        }
        engine.handle(now, Input::Tellable(group, told))?;
        let mut rows = engine.store().peers(group)?;
        rows.sort_by_key(|r| std::cmp::Reverse(r.last_seen_ms));
        let peers = rows
            .iter()
            .filter_map(|r| Some((PeerId::from_bytes(r.peer.as_bytes()).ok()?, multiaddrs(&r.addresses))))
            .filter(|(peer, _)| *peer != own)
            .collect();
        let members = status.members.len();
        known.push(Known { dht_key: status.dht_key.0, members, peers });
    }
    Ok(known)
}

fn multiaddrs(bytes: &[Vec<u8>]) -> Vec<Multiaddr> {
    bytes.iter().filter_map(|a| Multiaddr::try_from(a.clone()).ok()).collect()
}
