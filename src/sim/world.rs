//! The world of one simulation: nodes, people who write, and everything that may happen to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::agenda::Agenda;
use super::network::{Arrival, Network};
use super::node::Node;
use super::store::MemStore;
use super::{Profile, Report};
use crate::engine::entropy::Entropy;
use crate::engine::io::{Event as Happened, Input, Output, Relation, Verdict};
use crate::engine::{Joining, NewInvite};
use crate::model::action::{GroupKind, Role};
use crate::model::id::{EntryId, GroupId};

/// When simulations begin, Unix milliseconds.
pub(super) const BEGIN_MS: u64 = 1_800_000_000_000;
/// Lines of the trace that are kept.
const TRACE_LINES: usize = 400;
/// How long others may not know that a node was away, or left a group, in milliseconds.
const LINGER_MS: u64 = 2_000;
/// A node that is woken this often in a row at once, without anything to do, spins.
const MAX_IDLE_WAKES: u32 = 50;

/// What happens next.
#[derive(Debug)]
pub(super) enum Event {
    /// Something reaches this life of a node.
    Arrive(usize, u64, Arrival),
    /// This life of a node runs a batch.
    Batch(usize, u64),
    /// This life of a node asked to be woken.
    Wake(usize, u64),
    /// A node looks for others to connect to.
    Dial(usize, u64),
    Act(Act),
}

/// What people and fate do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Write,
    Crash,
    Start(usize),
    Copy,
    Backup,
    Restore,
    Join,
    Leave,
    Clock,
    Split,
    Mend,
    Cut,
}

/// The moment at which a batch dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    BeforeCommit,
    BeforeOutputs,
}

pub(super) struct World {
    pub profile: Profile,
    pub agenda: Agenda<Event>,
    pub network: Network,
    pub nodes: Vec<Node>,
    pub groups: Vec<(GroupId, Joining)>,
    /// Who founded the closed groups: they stay, so that somebody can let others in.
    pub founders: BTreeMap<GroupId, usize>,
    /// Which groups a node takes part in.
    pub members: BTreeMap<usize, BTreeSet<GroupId>>,
    /// Which part of a split network a node is in.
    pub sides: Vec<u64>,
    /// Entries whose writes were acknowledged, and those whose transaction was lost.
    pub acknowledged: BTreeSet<(GroupId, EntryId)>,
    pub undone: BTreeSet<(GroupId, EntryId)>,
    /// Entries that may have been on one disk only, which was replaced.
    pub maybe_lost: BTreeSet<EntryId>,
    pub report: Report,
    pub trace: VecDeque<String>,
    /// What must never happen, and did.
    pub broken: Option<String>,
    pub calm: bool,
    pub dice: Entropy,
    seed: u64,
}

impl World {
    pub fn new(seed: u64, profile: Profile) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut dice = Entropy::new(bytes);
        let network = Network::new(profile.faults, Entropy::new(dice.array()));
        let mut world = Self {
            profile,
            agenda: Agenda::new(BEGIN_MS),
            network,
            nodes: vec![],
            groups: vec![],
            founders: BTreeMap::new(),
            members: BTreeMap::new(),
            sides: vec![],
            acknowledged: BTreeSet::new(),
            undone: BTreeSet::new(),
            maybe_lost: BTreeSet::new(),
            report: Report { seed, ..Report::default() },
            trace: VecDeque::new(),
            broken: None,
            calm: false,
            dice,
            seed,
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        let profile = self.profile;
        let count = profile.min_nodes + self.dice.below(profile.max_nodes - profile.min_nodes + 1);
        let late = count / 4;
        let groups = 1 + self.dice.below(profile.max_groups);
        for _ in 0..groups {
            let founder = self.add(MemStore::default());
            let closed = self.dice.below(10) < profile.closed_of_ten;
            let kind = if closed { GroupKind::Closed } else { GroupKind::Open };
            let made = self.batch(founder, None, |engine, now| {
                let id = engine.create_group(now, kind, "学习小组").expect("the first groups of a node");
                let seed = engine.status(now, id).expect("it was just made").seed;
                let new = NewInvite { role: Role::Member, uses: 0, expires_ms: 0, approve: false };
                let invite = closed.then(|| engine.invite(now, id, new).expect("a founder may"));
                engine.handle(now, Input::Tick)?;
                Ok((id, Joining { seed, invite }))
            });
            let (id, joining) = made.expect("nothing interrupts it");
            self.groups.push((id, joining));
            if closed {
                self.founders.insert(id, founder);
            }
            self.members.entry(founder).or_default().insert(id);
        }
        for _ in self.nodes.len() as u64..count - late {
            self.join();
        }
        let span = profile.chaos_ms;
        let mut plan = |times: u64, act: Act| {
            for _ in 0..times {
                let at = self.agenda.now + self.dice.below(span);
                self.agenda.plan(at, Event::Act(act));
            }
        };
        plan(late, Act::Join);
        plan(profile.writes, Act::Write);
        plan(profile.crashes, Act::Crash);
        plan(profile.copies, Act::Copy);
        plan(profile.restores, Act::Backup);
        plan(profile.restores, Act::Restore);
        plan(profile.leaves, Act::Leave);
        plan(profile.clocks, Act::Clock);
        plan(profile.splits, Act::Split);
        plan(profile.splits, Act::Mend);
        plan(profile.cuts, Act::Cut);
    }

    /// Lets the world go on until `end`, or until something is broken.
    pub fn run(&mut self, end: u64) {
        while self.broken.is_none()
            && let Some(event) = self.agenda.next(end)
        {
            self.happen(event);
        }
    }

    /// Ends all faults: every node runs, every link that is wanted comes up, nothing is lost any more.
    pub fn heal(&mut self) {
        self.note("heals");
        self.calm = true;
        self.network.faults.gossip_loss = 0;
        self.network.faults.gossip_twice = 0;
        self.sides.fill(0);
        for n in 0..self.nodes.len() {
            self.start(n);
            // Nobody stays out for good.
            for (group, _) in self.groups.clone() {
                if self.members.get(&n).is_some_and(BTreeSet::is_empty) {
                    self.join_group(n, group);
                }
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(n, life, arrival) if life == self.network.life(n) => {
                if let Some(input) = self.network.arrive(n, arrival) {
                    self.nodes[n].inbox.push(input);
                    self.plan_batch(n);
                }
            }
            Event::Batch(n, life) if life == self.network.life(n) => self.inputs(n),
            Event::Wake(n, life) if life == self.network.life(n) && self.nodes[n].wake_at == Some(self.agenda.now) => {
                self.nodes[n].wake_at = None;
                self.nodes[n].inbox.push(Input::Tick);
                self.inputs(n);
            }
            Event::Dial(n, life) if life == self.network.life(n) => self.dial(n),
            Event::Act(act) => self.act(act),
            _ => {}
        }
    }

    pub(super) fn add(&mut self, disk: MemStore) -> usize {
        let number = self.nodes.len();
        let node = Node::new(number, disk);
        self.network.add(node.identity.peer.clone());
        self.nodes.push(node);
        self.sides.push(0);
        self.members.insert(number, BTreeSet::new());
        self.start(number);
        number
    }

    pub(super) fn start(&mut self, n: usize) {
        if self.nodes[n].is_up() {
            return;
        }
        // Clocks are off by minutes, now and then by a day.
        let skew = self.dice.below(240_000) as i64 - 120_000;
        self.nodes[n].skew = if self.dice.below(20) == 0 { skew * 700 } else { skew };
        self.nodes[n].start(self.agenda.now, self.seed ^ n as u64);
        self.note(&format!("node {n} starts"));
        self.batch(n, None, |_, _| Ok(()));
        let at = self.agenda.now + self.dice.below(500);
        self.agenda.plan(at, Event::Dial(n, self.network.life(n)));
    }

    pub(super) fn join_group(&mut self, n: usize, group: GroupId) {
        let Some((_, joining)) = self.groups.iter().find(|(id, _)| *id == group).copied() else { return };
        self.note(&format!("node {n} joins {}", group.short()));
        self.batch(n, None, |engine, now| {
            engine.join_group(now, group, joining).expect("a few groups");
            engine.handle(now, Input::Tick)
        });
        self.members.entry(n).or_default().insert(group);
    }

    /// A node keeps a few links; it finds others by whatever means.
    fn dial(&mut self, n: usize) {
        let links = self.network.neighbours(n);
        let others: Vec<usize> = (0..self.nodes.len())
            .filter(|o| *o != n && self.nodes[*o].is_up() && self.sides[*o] == self.sides[n] && !links.contains(o))
            .collect();
        // In the end a ring of each group's members makes sure that nobody is left alone.
        let next_member = |group: &GroupId| {
            let of = |(other, of): (&usize, &BTreeSet<GroupId>)| of.contains(group).then_some(*other);
            let members = || self.members.iter().filter_map(of);
            members().find(|o| *o > n).or_else(|| members().find(|o| *o != n))
        };
        let ring: Vec<usize> = self.members[&n].iter().filter_map(next_member).filter(|o| others.contains(o)).collect();
        let wanted = ring.first().copied().filter(|_| self.calm);
        let other = wanted.or_else(|| if links.len() < self.profile.links { self.any_of(&others) } else { None });
        if let Some(other) = other {
            self.network.connect(&mut self.agenda, n, other);
        }
        let at = self.agenda.now + 1_000 + self.dice.below(4_000);
        self.agenda.plan(at, Event::Dial(n, self.network.life(n)));
    }

    pub(super) fn maybe_dies_over(&mut self, per_mille: u64) -> Option<Death> {
        let dies = !self.calm && self.dice.below(1_000) < per_mille;
        dies.then(|| if self.dice.below(2) == 0 { Death::BeforeCommit } else { Death::BeforeOutputs })
    }

    fn plan_batch(&mut self, n: usize) {
        if !self.nodes[n].batch_planned {
            self.nodes[n].batch_planned = true;
            let at = self.agenda.now + self.dice.below(4);
            self.agenda.plan(at, Event::Batch(n, self.network.life(n)));
        }
    }

    fn inputs(&mut self, n: usize) {
        self.nodes[n].batch_planned = false;
        let inputs = std::mem::take(&mut self.nodes[n].inbox);
        let death = self.maybe_dies_over(self.profile.deaths_per_mille);
        self.batch(n, death, |engine, now| inputs.into_iter().try_for_each(|input| engine.handle(now, input)));
        if self.nodes[n].is_up() && self.network.waiting_verdicts(n) > 0 {
            self.breaks(format!("node {n} gave no verdict on a gossip message"));
        }
    }

    /// Runs a batch on a node, as its shell does; `death` says whether the node dies over it.
    pub(super) fn batch<R>(
        &mut self,
        n: usize,
        death: Option<Death>,
        run: impl FnOnce(&mut crate::engine::Engine<MemStore>, u64) -> Result<R, std::convert::Infallible>,
    ) -> Option<R> {
        let clock = self.nodes[n].clock(self.agenda.now);
        let result = self.nodes[n].prepare(|engine| run(engine, clock))?;
        self.report.batches += 1;
        if death == Some(Death::BeforeCommit) {
            self.crash(n, "crashes before a commit");
            return Some(result);
        }
        let outputs = self.nodes[n].commit();
        if death == Some(Death::BeforeOutputs) {
            self.crash(n, "crashes after a commit");
            return Some(result);
        }
        self.check_claims(n);
        let idle = outputs.is_empty();
        outputs.into_iter().for_each(|output| self.carry_out(n, output));
        self.plan_wake(n, idle);
        Some(result)
    }

    /// Whoever a node takes for equal holds everything that the node holds. Looked at now and then.
    fn check_claims(&mut self, n: usize) {
        if self.dice.below(16) > 0 {
            return;
        }
        let now = self.agenda.now;
        let clock = self.nodes[n].clock(now);
        for group in self.members.get(&n).cloned().unwrap_or_default() {
            let Some(status) = self.nodes[n].engine().and_then(|e| e.status(clock, group)) else { continue };
            let held = self.nodes[n].disk().entry_ids(group);
            for member in status.members.into_iter().filter(|m| m.relation == Relation::Equal) {
                let other = self.nodes.iter().position(|node| node.identity.peer == member.peer);
                let Some(other) = other.filter(|o| self.members[o].contains(&group)) else { continue };
                // Somebody who just went away may have gone back to an earlier state, and it is not known yet.
                let went = !self.nodes[other].is_up() || self.nodes[other].changed_ms + LINGER_MS > now;
                if !went && !held.is_subset(&self.nodes[other].disk().entry_ids(group)) {
                    self.breaks(format!("node {n} takes node {other} for equal, which lacks entries"));
                }
            }
        }
    }

    fn plan_wake(&mut self, n: usize, idle: bool) {
        let now = self.agenda.now;
        let Some(at) = self.nodes[n].deadline() else { return };
        let node = &mut self.nodes[n];
        node.idle_wakes = if idle && at <= now { node.idle_wakes + 1 } else { 0 };
        let at = at.max(now + 1);
        if node.wake_at.is_none_or(|planned| at < planned || planned < now) {
            node.wake_at = Some(at);
            self.agenda.plan(at, Event::Wake(n, self.network.life(n)));
        }
        if self.nodes[n].idle_wakes > MAX_IDLE_WAKES {
            self.breaks(format!("node {n} asks to be woken again and again with nothing to do"));
        }
    }

    fn carry_out(&mut self, n: usize, output: Output) {
        let plan = &mut self.agenda;
        match output {
            Output::Subscribe(topic) => self.network.subscribe(plan, n, topic, true),
            Output::Unsubscribe(topic) => self.network.subscribe(plan, n, topic, false),
            Output::Publish(topic, bytes) => self.network.publish(plan, n, None, topic, &bytes),
            Output::Verdict(message, verdict) => {
                self.network.verdict(plan, n, message, verdict);
                if verdict == Verdict::Reject {
                    self.breaks(format!("node {n} rejects what an honest node published"));
                }
            }
            Output::Open(stream, peer) => self.network.open(plan, n, stream, &peer),
            Output::Send(stream, bytes) => self.network.send(plan, n, stream, bytes),
            Output::Close(stream) => self.network.close(plan, n, stream),
            Output::Penalise(peer, why) => self.breaks(format!("node {n} blames {peer:?}: {why}")),
            Output::Event(Happened::Compared { peer, relation, received, .. }) if relation != Relation::Equal => {
                self.note(&format!("node {n} compared with {peer:?}: {}, got {received}", relation.as_str()));
            }
            Output::Event(Happened::Forked { group, old, new }) => {
                self.report.forks += 1;
                self.note(&format!("node {n} leaves log {} of {} for {}", old.short(), group.short(), new.short()));
            }
            Output::Event(_)
            | Output::Presence(_)
            | Output::Learned(..)
            | Output::Provide(_)
            | Output::StopProviding(_) => {}
        }
    }

    /// The report of a run that went well.
    pub fn finish(mut self, healed: u64) -> Report {
        let mut outcome = blake3::Hasher::new();
        let mut entries = 0;
        for (group, _) in &self.groups {
            let member = self.members.iter().find(|(_, of)| of.contains(group)).map(|(n, _)| *n);
            let Some(member) = member else { continue };
            let disk = self.nodes[member].disk();
            let held = disk.entry_ids(*group);
            entries += held.len() as u64;
            for id in &held {
                outcome.update(&id.0);
            }
            outcome.update(&disk.views(*group).digest());
        }
        let counts = &self.network.counts;
        Report {
            nodes: self.nodes.len() as u64,
            groups: self.groups.len() as u64,
            entries,
            cuts: counts.cuts,
            frames: counts.frames,
            frame_bytes: counts.frame_bytes,
            gossip: counts.gossip,
            gossip_lost: counts.lost,
            virtual_ms: self.agenda.now - BEGIN_MS,
            settled_ms: self.agenda.now - healed,
            outcome: outcome.finalize().to_hex().to_string(),
            ..self.report
        }
    }

    pub(super) fn breaks(&mut self, what: String) {
        self.note(&what);
        self.broken.get_or_insert(what);
    }

    pub fn note(&mut self, what: &str) {
        if self.trace.len() == TRACE_LINES {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:>8} {what}", self.agenda.now - BEGIN_MS));
    }
}
