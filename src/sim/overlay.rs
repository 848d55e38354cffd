//! A crowd in one group, far larger than whole engines fit in memory: who hears what when, and what it costs each node.
//!
//! What is real: the timing of head announcements ([`crate::gossip::trickle`]), when members are compared with after something
//! came, gossipsub's numbers (a mesh of 6 to 12, gossip about messages to at least 6 others for three heartbeats, the
//! author's flood to all its links), and the sizes of all messages, which the caller takes from real ones. What is modelled: an
//! entry is a number, what a node holds is a set of them, a link is a delay, a comparison is one exchange of a given size
//! that brings both sides together, and storing an entry takes a fixed time before it is passed on. Nobody fails, and links
//! stay: churn and faults are what [`super::run`] is for.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::engine::entropy::Entropy;
use crate::gossip::trickle::Trickle;

/// gossipsub's mesh: what a node fills it up to, and what it accepts.
const MESH: usize = 6;
const MESH_HIGH: usize = 12;
/// How many that are not in the mesh are told which messages there are, at least; else a quarter of them.
const LAZY: usize = 6;
/// For how many heartbeats.
const LAZY_HEARTBEATS: u64 = 3;
/// Bytes of telling one message's id.
const LAZY_BYTES: u64 = 36;
/// After something new came, members are compared with this much later, and up to twice that, in milliseconds (`engine::due`).
const SETTLED_MS: u64 = 2_000;
/// A hint is followed within this time, in milliseconds (`engine::gossiping`).
const SPREAD_MS: u64 = 200;
/// How much later than a comparison the next hint is followed, in milliseconds (`engine::group`).
const HINT_SPACING_MS: u64 = 1_000;

/// Who takes part, and how much they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// Nodes in the group, all connected from the start.
    pub nodes: usize,
    /// Links that each node looks for; it has more, since others look too.
    pub links: usize,
    /// The mean round trip of a link, in milliseconds; each link has its own, from half of it to one and a half.
    pub round_trip_ms: u64,
    /// How long a node needs to verify, store and fold an entry before it passes it on, in milliseconds.
    pub store_ms: u64,
    /// Whether announcements are timed evenly, as RFC 6206 has it, and not as they are: to see what that would cost.
    pub even_timers: bool,
    /// How many entries are written, each by somebody else.
    pub entries: usize,
    /// How long after each other, in milliseconds.
    pub spacing_ms: u64,
    /// Bytes of a gossip message with an entry.
    pub entry_bytes: u64,
    /// Bytes of a head announcement.
    pub heads_bytes: u64,
    /// Bytes of a comparison between two who hold the same, both directions together.
    pub compare_bytes: u64,
    /// Messages of it.
    pub compare_messages: u64,
}

/// What came of it, for each entry that was written. Bytes and messages count what a node sends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spread {
    /// Links of a node: in the mean and at most.
    pub links: (f64, u64),
    /// Hops until a node had the entry: in the mean and at most.
    pub hops: (f64, u64),
    /// When half, 99 of a hundred and all had it, in mean round trips of a link.
    pub round_trips: (f64, f64, f64),
    /// Copies of the entry that a node received beside the first.
    pub duplicates: f64,
    /// Head announcements that were made by all nodes together.
    pub announcements: f64,
    /// Copies of head announcements that a node received.
    pub heads_copies: f64,
    /// Comparisons that a node took part in.
    pub comparisons: f64,
    /// Messages that a node sent, of all kinds.
    pub messages: f64,
    /// Bytes that a node sent: entries, head announcements, comparisons, and gossip about messages.
    pub bytes: [f64; 4],
    /// Bytes that the busiest node sent.
    pub busiest_bytes: f64,
    /// Messages that the busiest node sent.
    pub busiest_messages: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Somebody writes the next entry.
    Write,
    /// A copy of a message reaches a node.
    Copy { message: usize, from: usize, to: usize, hops: u64 },
    /// A node is ready to pass a message on.
    Pass { message: usize, node: usize, from: usize, hops: u64 },
    /// A node's announcement timer.
    Announce { node: usize },
    /// A comparison is due on a link.
    Compare { link: usize, planned: u64 },
}

#[derive(Debug, Clone, Copy)]
enum Message {
    Entry(usize),
    /// What the announcer held.
    Heads(u64),
}

#[derive(Debug, Default)]
struct Node {
    /// Links, with the node at the other end.
    links: Vec<(usize, usize)>,
    mesh: BTreeSet<usize>,
    held: Vec<bool>,
    /// A sum over what is held: equal when the same is held.
    sum: u64,
    trickle: Option<Trickle>,
    announce_at: u64,
    sent: [Count; 4],
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    messages: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Link {
    ends: [usize; 2],
    delay_us: u64,
    /// Whether both are known to hold the same.
    equal: bool,
    compare_at: Option<u64>,
    checked_us: u64,
}

/// The kinds of what is sent.
const ENTRIES: usize = 0;
const HEADS: usize = 1;
const COMPARISONS: usize = 2;
const CONTROL: usize = 3;

struct World {
    crowd: Crowd,
    dice: Entropy,
    now: u64,
    serial: u64,
    agenda: BinaryHeap<Reverse<(u64, u64, Event)>>,
    nodes: Vec<Node>,
    links: Vec<Link>,
    messages: Vec<Message>,
    /// Who has seen each message.
    seen: Vec<Vec<bool>>,
    /// Of each entry: when it was written, and after how long and how many hops each node had it.
    written: Vec<(u64, Vec<(u64, u64)>)>,
    duplicates: u64,
    heads_copies: u64,
    announcements: u64,
    comparisons: u64,
}

/// Lets a crowd write, and says what it cost.
#[must_use]
pub fn spread(seed: u64, crowd: Crowd) -> Spread {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut world = World::new(crowd, Entropy::new(bytes));
    world.connect();
    world.mesh();
    for n in 0..crowd.entries as u64 {
        world.plan((1 + n * crowd.spacing_ms) * 1_000, Event::Write);
    }
    // The last entry is looked after for as long as each of the others.
    let end = (1 + crowd.entries as u64 * crowd.spacing_ms) * 1_000;
    while let Some(Reverse((at, _, event))) = world.agenda.pop() {
        if at > end {
            break;
        }
        world.now = at;
        world.happen(event);
    }
    world.report()
}

impl World {
    fn new(crowd: Crowd, dice: Entropy) -> Self {
        let node = || Node { held: vec![false; crowd.entries], ..Node::default() };
        Self {
            crowd,
            dice,
            now: 0,
            serial: 0,
            agenda: BinaryHeap::new(),
            nodes: (0..crowd.nodes).map(|_| node()).collect(),
            links: vec![],
            messages: vec![],
            seen: vec![],
            written: vec![],
            duplicates: 0,
            heads_copies: 0,
            announcements: 0,
            comparisons: 0,
        }
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.serial += 1;
        self.agenda.push(Reverse((at.max(self.now), self.serial, event)));
    }

    /// Every node finds others until it has enough links.
    fn connect(&mut self) {
        let count = self.crowd.nodes;
        let wanted = self.crowd.links.min(count - 1);
        let mut known: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
        for n in 0..count {
            while known[n].len() < wanted {
                let other = self.dice.below(count as u64) as usize;
                if other == n || !known[n].insert(other) {
                    continue;
                }
                known[other].insert(n);
                let half = self.crowd.round_trip_ms * 500;
                let delay_us = half / 2 + self.dice.below(half + 1);
                let link = self.links.len();
                self.links.push(Link { ends: [n, other], delay_us, equal: true, compare_at: None, checked_us: 0 });
                self.nodes[n].links.push((link, other));
                self.nodes[other].links.push((link, n));
            }
        }
    }

    /// Every node fills its mesh up; whoever it picks accepts while there is room.
    fn mesh(&mut self) {
        for n in 0..self.nodes.len() {
            let mut others: Vec<usize> = self.nodes[n].links.iter().map(|(_, other)| *other).collect();
            while self.nodes[n].mesh.len() < MESH && !others.is_empty() {
                let other = others.swap_remove(self.dice.below(others.len() as u64) as usize);
                if self.nodes[other].mesh.len() < MESH_HIGH {
                    self.nodes[other].mesh.insert(n);
                    self.nodes[n].mesh.insert(other);
                }
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Write => {
                let node = self.dice.below(self.nodes.len() as u64) as usize;
                let entry = self.written.len();
                self.written.push((self.now, vec![]));
                let message = self.message(Message::Entry(entry));
                self.seen[message][node] = true;
                self.hold(node, entry, 0);
                self.publish(message, node);
            }
            Event::Copy { message, from, to, hops } => self.arrive(message, from, to, hops),
            Event::Pass { message, node, from, hops } => {
                if let Message::Entry(entry) = self.messages[message] {
                    self.hold(node, entry, hops);
                }
                self.pass(message, node, from, hops);
            }
            Event::Announce { node } if self.nodes[node].announce_at == self.now => self.announce(node),
            Event::Announce { .. } => {}
            Event::Compare { link, planned } if self.links[link].compare_at == Some(planned) => self.compare(link),
            Event::Compare { .. } => {}
        }
    }

    fn message(&mut self, message: Message) -> usize {
        self.messages.push(message);
        self.seen.push(vec![false; self.nodes.len()]);
        self.messages.len() - 1
    }

    fn arrive(&mut self, message: usize, from: usize, to: usize, hops: u64) {
        let is_new = !std::mem::replace(&mut self.seen[message][to], true);
        match self.messages[message] {
            Message::Entry(_) if !is_new => self.duplicates += 1,
            Message::Entry(_) => {
                let at = self.now + self.crowd.store_ms * 1_000;
                self.plan(at, Event::Pass { message, node: to, from, hops });
            }
            Message::Heads(theirs) => {
                self.heads_copies += 1;
                if is_new {
                    self.heard(to, from, theirs);
                    self.pass(message, to, from, hops);
                }
            }
        }
    }

    /// An announcement came.
    fn heard(&mut self, node: usize, from: usize, theirs: u64) {
        if self.nodes[node].sum == theirs {
            if let Some(trickle) = &mut self.nodes[node].trickle {
                trickle.consistent();
            }
            return;
        }
        self.news(node);
        let link = self.nodes[node].links.iter().find(|(_, other)| *other == from).map(|(link, _)| *link);
        if let Some(link) = link {
            let at = self.now + self.dice.below(SPREAD_MS * 1_000);
            self.compare_by(link, at.max(self.links[link].checked_us + HINT_SPACING_MS * 1_000));
        }
    }

    fn hold(&mut self, node: usize, entry: usize, hops: u64) {
        if std::mem::replace(&mut self.nodes[node].held[entry], true) {
            return;
        }
        self.nodes[node].sum =
            self.nodes[node].sum.wrapping_add((entry as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let after = self.now - self.written[entry].0;
        self.written[entry].1.push((after, hops));
        for (link, _) in self.nodes[node].links.clone() {
            self.links[link].equal = false;
        }
        self.news(node);
        // Once for all that comes in a row.
        for (link, _) in self.nodes[node].links.clone() {
            let at = self.now + SETTLED_MS * 1_000 + self.dice.below(SETTLED_MS * 1_000);
            self.compare_by(link, at);
        }
    }

    /// What the timers are told of the size of the group.
    fn known_crowd(&self) -> usize {
        if self.crowd.even_timers { 1 } else { self.nodes.len() }
    }

    fn news(&mut self, node: usize) {
        let (now, random, crowd) = (self.now / 1_000, self.dice.number(), self.known_crowd());
        match &mut self.nodes[node].trickle {
            Some(trickle) => trickle.inconsistent(now, random, crowd),
            empty @ None => *empty = Some(Trickle::new(now, random, crowd)),
        }
        self.plan_announcement(node);
    }

    fn plan_announcement(&mut self, node: usize) {
        let Some(at) = self.nodes[node].trickle.as_ref().map(|t| t.deadline() * 1_000) else { return };
        let at = at.max(self.now + 1);
        if self.nodes[node].announce_at != at {
            self.nodes[node].announce_at = at;
            self.plan(at, Event::Announce { node });
        }
    }

    fn announce(&mut self, node: usize) {
        let (now, random, crowd) = (self.now.div_ceil(1_000), self.dice.number(), self.known_crowd());
        let due = self.nodes[node].trickle.as_mut().is_some_and(|trickle| trickle.poll(now, random, crowd));
        if due {
            self.announcements += 1;
            let message = self.message(Message::Heads(self.nodes[node].sum));
            self.seen[message][node] = true;
            self.publish(message, node);
        }
        self.plan_announcement(node);
    }

    /// The author's flood: to all its links.
    fn publish(&mut self, message: usize, node: usize) {
        let others: Vec<usize> = self.nodes[node].links.iter().map(|(_, other)| *other).collect();
        others.into_iter().for_each(|to| self.copy(message, node, to, 1));
    }

    /// What somebody else wrote goes to the mesh; others are told that it is there.
    fn pass(&mut self, message: usize, node: usize, from: usize, hops: u64) {
        for to in self.nodes[node].mesh.clone() {
            if to != from {
                self.copy(message, node, to, hops + 1);
            }
        }
        let outside = self.nodes[node].links.len() - self.nodes[node].mesh.len();
        let told = LAZY.max(outside / 4).min(outside) as u64 * LAZY_HEARTBEATS;
        // Ids of one heartbeat travel together: counted as bytes, not as messages.
        self.nodes[node].sent[CONTROL].bytes += told * LAZY_BYTES;
    }

    fn copy(&mut self, message: usize, from: usize, to: usize, hops: u64) {
        let (kind, bytes) = match self.messages[message] {
            Message::Entry(_) => (ENTRIES, self.crowd.entry_bytes),
            Message::Heads(_) => (HEADS, self.crowd.heads_bytes),
        };
        self.nodes[from].sent[kind].messages += 1;
        self.nodes[from].sent[kind].bytes += bytes;
        let link = self.nodes[from].links.iter().find(|(_, other)| *other == to).map_or(0, |(link, _)| *link);
        // The round trip of a link is its own; what is under way on it varies by a quarter.
        let delay = self.links[link].delay_us;
        let at = self.now + delay + self.dice.below(delay / 2 + 1);
        self.plan(at, Event::Copy { message, from, to, hops });
    }

    fn compare_by(&mut self, link: usize, at: u64) {
        if self.links[link].compare_at.is_none_or(|planned| at < planned) {
            self.links[link].compare_at = Some(at);
            self.plan(at, Event::Compare { link, planned: at });
        }
    }

    fn compare(&mut self, link: usize) {
        let [a, b] = self.links[link].ends;
        self.links[link].compare_at = None;
        self.links[link].checked_us = self.now;
        self.comparisons += 1;
        for node in [a, b] {
            self.nodes[node].sent[COMPARISONS].messages += self.crowd.compare_messages / 2;
            self.nodes[node].sent[COMPARISONS].bytes += self.crowd.compare_bytes / 2;
        }
        // What one lacks it gets on the way, as part of the exchange.
        for entry in 0..self.written.len() {
            for (has, lacks) in [(a, b), (b, a)] {
                if self.nodes[has].held[entry] && !self.nodes[lacks].held[entry] {
                    self.nodes[has].sent[COMPARISONS].bytes += self.crowd.entry_bytes;
                    self.hold(lacks, entry, 0);
                }
            }
        }
        self.links[link].equal = true;
    }

    fn report(&self) -> Spread {
        let (nodes, entries) = (self.nodes.len() as f64, self.written.len().max(1) as f64);
        let each = |total: u64| total as f64 / nodes / entries;
        let trip = self.crowd.round_trip_ms as f64 * 1_000.0;
        let (mut times, mut hops) = ([0.0; 3], (0u64, 0u64));
        for (_, had) in &self.written {
            let mut after: Vec<u64> = had.iter().map(|(after, _)| *after).collect();
            after.sort_unstable();
            for (time, part) in times.iter_mut().zip([0.5, 0.99, 1.0]) {
                // Who never had it counts as infinitely late.
                let place = (nodes * part).ceil() as usize - 1;
                *time += after.get(place).map_or(f64::INFINITY, |us| *us as f64 / trip) / entries;
            }
            hops.0 += had.iter().map(|(_, hops)| hops).sum::<u64>();
            hops.1 = hops.1.max(had.iter().map(|(_, hops)| *hops).max().unwrap_or(0));
        }
        let of = |kind: usize| self.nodes.iter().map(|n| n.sent[kind].bytes).sum::<u64>();
        let all = |node: &Node, of: fn(&Count) -> u64| node.sent.iter().map(of).sum::<u64>();
        let most = |of: fn(&Count) -> u64| self.nodes.iter().map(|n| all(n, of)).max().unwrap_or(0) as f64 / entries;
        let links = self.nodes.iter().map(|n| n.links.len() as u64);
        Spread {
            links: (links.clone().sum::<u64>() as f64 / nodes, links.max().unwrap_or(0)),
            hops: (each(hops.0), hops.1),
            round_trips: (times[0], times[1], times[2]),
            duplicates: each(self.duplicates),
            announcements: self.announcements as f64 / entries,
            heads_copies: each(self.heads_copies),
            comparisons: each(2 * self.comparisons),
            messages: each(self.nodes.iter().map(|n| all(n, |c| c.messages)).sum()),
            bytes: [ENTRIES, HEADS, COMPARISONS, CONTROL].map(|kind| each(of(kind))),
            busiest_bytes: most(|c| c.bytes),
            busiest_messages: most(|c| c.messages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Crowd = Crowd {
        nodes: 100,
        links: 12,
        round_trip_ms: 100,
        store_ms: 3,
        even_timers: false,
        entries: 3,
        spacing_ms: 20_000,
        entry_bytes: 900,
        heads_bytes: 150,
        compare_bytes: 900,
        compare_messages: 4,
    };

    #[test]
    fn every_node_hears_of_every_entry_in_a_few_hops() {
        let spread = spread(1, SMALL);
        assert!(spread.round_trips.2.is_finite() && spread.hops.1 <= 8, "{spread:?}");
        assert!(spread.links.0 >= 12.0 && spread.duplicates > 1.0);
    }

    #[test]
    fn one_seed_gives_one_spread() {
        assert_eq!(spread(7, SMALL), spread(7, SMALL));
        assert_ne!(spread(7, SMALL), spread(8, SMALL));
    }

    /// The timer was made for neighbours who hear each other at once. Where word takes several hops, all who happened to be first
    /// announced before they heard each other: a fixed share of the group, each to everybody.
    #[test]
    fn a_crowd_ten_times_as_large_does_not_announce_ten_times_as_often() {
        let crowd = |nodes, even_timers| spread(1, Crowd { nodes, even_timers, entries: 1, ..SMALL }).announcements;
        let (small, large) = (crowd(100, false), crowd(1_000, false));
        assert!(large < 6.0 * small, "{large} and {small}");
        assert!(crowd(1_000, true) > 2.0 * large, "evenly it would be many more");
    }
}
