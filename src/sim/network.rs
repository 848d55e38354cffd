//! The network between simulated nodes: links that come and go, streams, and gossip by flooding.
//!
//! A stream is ordered and reliable while its link is up; when the link goes down it is cut, and what was under way on it
//! is lost. Gossip is lost, repeated and reordered. A message is passed on only after its receiver accepted it, as
//! gossipsub does with `validate_messages`.

use std::collections::{BTreeMap, BTreeSet};

use super::agenda::Agenda;
use super::world::Event;
use crate::engine::entropy::Entropy;
use crate::engine::io::{Input, MessageId, StreamId, Verdict};
use crate::model::id::{Peer, TopicHash};

/// Bytes that a stream carries in a millisecond.
const BYTES_PER_MS: u64 = 1_000;
/// How long a cut may take to be noticed, in milliseconds.
const NOTICE_MS: u64 = 400;

/// What the network does wrong, besides cutting links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// How many of a hundred copies of a gossip message are lost.
    pub gossip_loss: u64,
    /// How many of a hundred come twice.
    pub gossip_twice: u64,
    /// The longest delay of a link, in milliseconds; each link has its own. Gossip may take four times as long.
    pub delay_ms: u64,
}

/// Something that is on its way to a node.
#[derive(Debug)]
pub(super) enum Arrival {
    Input(Input),
    Frame(Side, Vec<u8>),
    Sent(Side),
    Closed(Side),
    Gossip { source: usize, topic: TopicHash, bytes: Vec<u8>, again: bool },
}

/// One end of a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    wire: u64,
    end: usize,
}

#[derive(Debug)]
struct Wire {
    ends: [(usize, StreamId); 2],
    /// Towards each end: when what was sent last arrives.
    clear: [u64; 2],
}

#[derive(Debug)]
struct Link {
    delay: u64,
    /// When both ends know of it.
    ready: u64,
}

/// What one node sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Messages on streams, and copies of gossip messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The part of them that was gossip.
    pub gossip_bytes: u64,
}

#[derive(Debug)]
struct Host {
    peer: Peer,
    sent: Traffic,
    /// Grows with every crash: what was on its way to an earlier life is lost.
    life: u64,
    topics: BTreeSet<TopicHash>,
    seen: BTreeSet<[u8; 32]>,
    next_incoming: u64,
    /// Gossip messages that wait for a verdict.
    pending: BTreeMap<MessageId, (usize, TopicHash, Vec<u8>)>,
}

/// What went over the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub frames: u64,
    pub frame_bytes: u64,
    pub gossip: u64,
    pub lost: u64,
    pub cuts: u64,
}

#[derive(Debug)]
pub(super) struct Network {
    pub faults: Faults,
    pub counts: Counts,
    dice: Entropy,
    hosts: Vec<Host>,
    links: BTreeMap<(usize, usize), Link>,
    /// When a link that was cut may come up again.
    down_until: BTreeMap<(usize, usize), u64>,
    wires: BTreeMap<u64, Wire>,
    next_wire: u64,
    next_message: u64,
}

type Plan = Agenda<Event>;

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

impl Network {
    pub fn new(faults: Faults, dice: Entropy) -> Self {
        Self {
            faults,
            counts: Counts::default(),
            dice,
            hosts: vec![],
            links: BTreeMap::new(),
            down_until: BTreeMap::new(),
            wires: BTreeMap::new(),
            next_wire: 0,
            next_message: 0,
        }
    }

    pub fn add(&mut self, peer: Peer) -> usize {
        self.hosts.push(Host {
            peer,
            sent: Traffic::default(),
            life: 0,
            topics: BTreeSet::new(),
            seen: BTreeSet::new(),
            next_incoming: 1,
            pending: BTreeMap::new(),
        });
        self.hosts.len() - 1
    }

    /// What a node sent so far.
    pub fn sent(&self, n: usize) -> Traffic {
        self.hosts[n].sent
    }

    pub fn neighbours(&self, n: usize) -> Vec<usize> {
        self.links.keys().filter_map(|&(a, b)| if a == n { Some(b) } else { (b == n).then_some(a) }).collect()
    }

    /// Brings a link up, if it may come up already.
    pub fn connect(&mut self, plan: &mut Plan, a: usize, b: usize) -> bool {
        let key = pair(a, b);
        if a == b || self.links.contains_key(&key) || self.down_until.get(&key).is_some_and(|at| *at > plan.now) {
            return false;
        }
        let delay = 1 + self.dice.below(self.faults.delay_ms);
        let ready = plan.now + delay;
        self.links.insert(key, Link { delay, ready });
        for (n, other) in [(a, b), (b, a)] {
            let peer = self.hosts[other].peer.clone();
            self.post(plan, ready, n, Arrival::Input(Input::Connected(peer.clone())));
            for topic in self.hosts[other].topics.clone() {
                self.post(plan, ready, n, Arrival::Input(Input::Subscribed(peer.clone(), topic)));
            }
        }
        true
    }

    /// Takes a link down, with every stream on it.
    pub fn cut(&mut self, plan: &mut Plan, a: usize, b: usize) {
        let Some(link) = self.links.remove(&pair(a, b)) else { return };
        self.counts.cuts += 1;
        let between = |wire: &Wire| pair(wire.ends[0].0, wire.ends[1].0) == pair(a, b);
        let wires: Vec<u64> = self.wires.iter().filter(|(_, w)| between(w)).map(|(id, _)| *id).collect();
        for id in wires {
            let wire = self.wires.remove(&id).expect("found above");
            for (n, stream) in wire.ends {
                let at = plan.now + self.dice.below(NOTICE_MS);
                self.post(plan, at, n, Arrival::Input(Input::StreamClosed(stream)));
            }
        }
        let mut noticed = plan.now;
        for (n, other) in [(a, b), (b, a)] {
            // Never before it was noticed that the link came up.
            let at = (plan.now + self.dice.below(NOTICE_MS)).max(link.ready);
            noticed = noticed.max(at);
            let peer = self.hosts[other].peer.clone();
            self.post(plan, at, n, Arrival::Input(Input::Disconnected(peer)));
        }
        self.down_until.insert(pair(a, b), noticed + 1);
    }

    /// A node stops at once: its links are gone, and what was on its way to it is lost.
    pub fn crash(&mut self, plan: &mut Plan, n: usize) {
        self.neighbours(n).into_iter().for_each(|other| self.cut(plan, n, other));
        let host = &mut self.hosts[n];
        host.life += 1;
        host.topics.clear();
        host.seen.clear();
        host.pending.clear();
        host.next_incoming = 1;
    }

    pub fn life(&self, n: usize) -> u64 {
        self.hosts[n].life
    }

    /// Something to come back to the same life of a node with.
    pub fn post(&mut self, plan: &mut Plan, at: u64, n: usize, arrival: Arrival) {
        plan.plan(at, Event::Arrive(n, self.hosts[n].life, arrival));
    }

    pub fn subscribe(&mut self, plan: &mut Plan, n: usize, topic: TopicHash, joins: bool) {
        let host = &mut self.hosts[n];
        let changed = if joins { host.topics.insert(topic) } else { host.topics.remove(&topic) };
        let peer = host.peer.clone();
        for other in self.neighbours(n).into_iter().filter(|_| changed) {
            let link = &self.links[&pair(n, other)];
            let at = (plan.now + link.delay).max(link.ready);
            let input =
                if joins { Input::Subscribed(peer.clone(), topic) } else { Input::Unsubscribed(peer.clone(), topic) };
            self.post(plan, at, other, Arrival::Input(input));
        }
    }

    pub fn open(&mut self, plan: &mut Plan, n: usize, stream: StreamId, to: &Peer) {
        let other = self.neighbours(n).into_iter().find(|o| self.hosts[*o].peer == *to);
        let Some(other) = other else {
            self.post(plan, plan.now + 1, n, Arrival::Input(Input::StreamFailed(stream)));
            return;
        };
        let delay = self.links[&pair(n, other)].delay;
        let incoming = StreamId(self.hosts[other].next_incoming);
        self.hosts[other].next_incoming += 2;
        let (there, back) = (plan.now + delay, plan.now + 2 * delay);
        self.wires.insert(self.next_wire, Wire { ends: [(n, stream), (other, incoming)], clear: [back, there] });
        self.next_wire += 1;
        let me = self.hosts[n].peer.clone();
        self.post(plan, there, other, Arrival::Input(Input::StreamOpened(incoming, me)));
        self.post(plan, back, n, Arrival::Input(Input::StreamOpened(stream, to.clone())));
    }

    pub fn send(&mut self, plan: &mut Plan, n: usize, stream: StreamId, bytes: Vec<u8>) {
        let Some(side) = self.side(n, stream) else { return };
        self.counts.frames += 1;
        self.counts.frame_bytes += bytes.len() as u64 + 4;
        self.hosts[n].sent.messages += 1;
        self.hosts[n].sent.bytes += bytes.len() as u64 + 4;
        let at = self.clear(plan, side, bytes.len());
        let (to, other) = self.other(side);
        self.post(plan, at, to, Arrival::Frame(other, bytes));
        self.post(plan, at, n, Arrival::Sent(side));
    }

    /// Closes a stream after what was sent on it.
    pub fn close(&mut self, plan: &mut Plan, n: usize, stream: StreamId) {
        if let Some(side) = self.side(n, stream) {
            let at = self.clear(plan, side, 0);
            let (to, other) = self.other(side);
            self.post(plan, at, to, Arrival::Closed(other));
        }
        self.post(plan, plan.now + 1, n, Arrival::Input(Input::StreamClosed(stream)));
    }

    /// Floods a message to the neighbours that subscribed, but not to where it came from.
    pub fn publish(&mut self, plan: &mut Plan, n: usize, from: Option<usize>, topic: TopicHash, bytes: &[u8]) {
        self.hosts[n].seen.insert(*blake3::hash(bytes).as_bytes());
        for other in self.neighbours(n) {
            if Some(other) == from || !self.hosts[other].topics.contains(&topic) {
                continue;
            }
            let copies = 1 + u64::from(self.dice.below(100) < self.faults.gossip_twice);
            for copy in 0..copies {
                self.counts.gossip += 1;
                let sent = &mut self.hosts[n].sent;
                sent.messages += 1;
                sent.bytes += bytes.len() as u64;
                sent.gossip_bytes += bytes.len() as u64;
                if self.dice.below(100) < self.faults.gossip_loss {
                    self.counts.lost += 1;
                    continue;
                }
                let delay = self.links[&pair(n, other)].delay;
                let at = (plan.now + delay + self.dice.below(3 * delay)).max(self.links[&pair(n, other)].ready);
                let gossip = Arrival::Gossip { source: n, topic, bytes: bytes.to_vec(), again: copy > 0 };
                self.post(plan, at, other, gossip);
            }
        }
    }

    /// A node's verdict: what it accepts it passes on.
    pub fn verdict(&mut self, plan: &mut Plan, n: usize, message: MessageId, verdict: Verdict) {
        if let Some((source, topic, bytes)) = self.hosts[n].pending.remove(&message)
            && verdict == Verdict::Accept
        {
            self.publish(plan, n, Some(source), topic, &bytes);
        }
    }

    /// How many gossip messages wait for a node's verdict.
    pub fn waiting_verdicts(&self, n: usize) -> usize {
        self.hosts[n].pending.len()
    }

    /// What an arrival is to the node, if it still is anything.
    pub fn arrive(&mut self, n: usize, arrival: Arrival) -> Option<Input> {
        match arrival {
            Arrival::Input(input) => Some(input),
            Arrival::Frame(side, bytes) => self.stream(n, side).map(|stream| Input::Frame(stream, bytes)),
            Arrival::Sent(side) => self.stream(n, side).map(Input::Sent),
            Arrival::Closed(side) => {
                let stream = self.stream(n, side)?;
                self.wires.remove(&side.wire);
                Some(Input::StreamClosed(stream))
            }
            Arrival::Gossip { source, topic, bytes, again } => {
                let host = &mut self.hosts[n];
                let new = host.seen.insert(*blake3::hash(&bytes).as_bytes());
                if !(new || again) || !host.topics.contains(&topic) {
                    return None;
                }
                self.next_message += 1;
                let message = MessageId(self.next_message);
                host.pending.insert(message, (source, topic, bytes.clone()));
                Some(Input::Gossip { message, source: self.hosts[source].peer.clone(), topic, bytes })
            }
        }
    }

    fn stream(&self, n: usize, side: Side) -> Option<StreamId> {
        let (node, stream) = self.wires.get(&side.wire)?.ends[side.end];
        (node == n).then_some(stream)
    }

    fn side(&self, n: usize, stream: StreamId) -> Option<Side> {
        let of = |(id, wire): (&u64, &Wire)| {
            wire.ends.iter().position(|end| *end == (n, stream)).map(|end| Side { wire: *id, end })
        };
        self.wires.iter().find_map(of)
    }

    fn other(&self, side: Side) -> (usize, Side) {
        let end = 1 - side.end;
        (self.wires[&side.wire].ends[end].0, Side { end, ..side })
    }

    /// When something of this length that is sent now has arrived at the other end.
    fn clear(&mut self, plan: &Plan, side: Side, len: usize) -> u64 {
        let (to, _) = self.other(side);
        let wire = self.wires.get_mut(&side.wire).expect("the side exists");
        let link = self.links.get(&pair(wire.ends[side.end].0, to)).map_or(1, |link| link.delay);
        let clear = &mut wire.clear[1 - side.end];
        *clear = (*clear).max(plan.now + link) + len as u64 / BYTES_PER_MS;
        *clear
    }
}
