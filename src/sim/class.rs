//! A class joins: many whole engines that come to one group within a short time, and nothing goes wrong.

use super::network::{Faults, Traffic};
use super::store::MemStore;
use super::world::World;
use super::{Failure, Profile, writer};
use crate::engine::entropy::Entropy;

/// Who joins what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// How many join.
    pub joiners: usize,
    /// Within how long, in milliseconds.
    pub within_ms: u64,
    /// Entries of the group before.
    pub entries: usize,
    /// Whether they have to be let in.
    pub closed: bool,
    /// Links that each node looks for.
    pub links: usize,
    /// The longest one-way delay of a link, in milliseconds.
    pub delay_ms: u64,
}

/// How it went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Joined {
    /// From a node's joining until it held what the group had before, in milliseconds: half of them, 99 of a hundred, all.
    pub caught_up_ms: (u64, u64, u64),
    /// From the first joining until all held the same.
    pub settled_ms: u64,
    /// Entries in the end.
    pub entries: u64,
    /// Messages that a node sent, in the mean.
    pub messages: f64,
    /// Bytes that a node sent, in the mean.
    pub bytes: f64,
    /// The part of these that was gossip.
    pub gossip_bytes: f64,
    /// Messages that the busiest node sent.
    pub busiest_messages: u64,
    /// Bytes that the busiest node sent.
    pub busiest_bytes: u64,
    /// Bytes that the founder sent, who had everything first.
    pub founder_bytes: u64,
}

/// How often it is looked who has what, in milliseconds.
const LOOK_MS: u64 = 100;
/// How long everything may take after the last joined, in milliseconds.
const PATIENCE_MS: u64 = 900_000;

/// Lets a class join.
///
/// # Errors
/// When the nodes do not come to hold the same, or break a rule on the way.
pub fn class(seed: u64, class: Class) -> Result<Joined, Failure> {
    let profile = Profile {
        min_nodes: 1,
        max_nodes: 1,
        max_groups: 1,
        closed_of_ten: if class.closed { 10 } else { 0 },
        links: class.links,
        chaos_ms: class.within_ms,
        settle_ms: PATIENCE_MS,
        writes: 0,
        crashes: 0,
        deaths_per_mille: 0,
        deaths_per_mille_writes: 0,
        copies: 0,
        restores: 0,
        clocks: 0,
        leaves: 0,
        splits: 0,
        cuts: 0,
        faults: Faults { gossip_loss: 0, gossip_twice: 0, delay_ms: class.delay_ms },
        ..Profile::SMALL
    };
    let mut world = World::new(seed, profile);
    // Nobody dies or leaves, and nothing is written behind the founder's back.
    world.calm = true;
    let group = world.groups[0].0;
    let mut dice = Entropy::new(world.dice.array());
    world.batch(0, None, |engine, now| {
        let person = engine.status(now, group).expect("it was founded").person;
        for _ in 0..class.entries {
            let action = writer::action(&mut dice, engine.store().views(group), person);
            engine.write(now, group, &action).expect("a founder may write");
        }
        Ok(())
    });
    let before = world.nodes[0].disk().entry_ids(group).len() as u64;
    let began = world.agenda.now;
    let mut arrivals: Vec<u64> = (0..class.joiners).map(|_| dice.below(class.within_ms.max(1))).collect();
    arrivals.sort_unstable();
    let failed = |world: &mut World, what: String| Failure {
        seed,
        virtual_ms: world.agenda.now - began,
        what,
        trace: Vec::from(std::mem::take(&mut world.trace)),
    };
    let (mut waiting, mut took): (Vec<(usize, u64)>, Vec<u64>) = (vec![], vec![]);
    let mut coming = arrivals.into_iter().peekable();
    loop {
        while let Some(at) = coming.next_if(|at| began + at <= world.agenda.now) {
            let n = world.add(MemStore::default());
            world.join_group(n, group);
            waiting.push((n, began + at));
        }
        let next = world.agenda.now + LOOK_MS;
        world.run(next);
        if let Some(what) = world.broken.take() {
            return Err(failed(&mut world, what));
        }
        let now = world.agenda.now;
        waiting.retain(|(n, since)| {
            let node = &mut world.nodes[*n];
            let clock = node.clock(now);
            let held = node.engine().and_then(|engine| engine.status(clock, group)).map_or(0, |status| status.held);
            let caught_up = held >= before;
            if caught_up {
                took.push(now - since);
            }
            !caught_up
        });
        let all_came = coming.peek().is_none() && waiting.is_empty();
        if all_came && let Some(entries) = same_everywhere(&mut world) {
            took.sort_unstable();
            return Ok(report(&world, &took, entries, now - began));
        }
        if now > began + class.within_ms + PATIENCE_MS {
            let what = format!("{} nodes have not caught up", waiting.len());
            return Err(failed(&mut world, what));
        }
    }
}

/// How many entries all nodes hold, when they hold the same.
fn same_everywhere(world: &mut World) -> Option<u64> {
    let group = world.groups[0].0;
    let now = world.agenda.now;
    let mut first = None;
    for node in &mut world.nodes {
        let clock = node.clock(now);
        let status = node.engine()?.status(clock, group)?;
        if *first.get_or_insert(status.fingerprint) != status.fingerprint {
            return None;
        }
    }
    Some(world.nodes[0].disk().entry_ids(group).len() as u64)
}

fn report(world: &World, took: &[u64], entries: u64, settled_ms: u64) -> Joined {
    let all: Vec<Traffic> = (0..world.nodes.len()).map(|n| world.network.sent(n)).collect();
    let mean = |of: fn(&Traffic) -> u64| all.iter().map(of).sum::<u64>() as f64 / all.len() as f64;
    let at = |of_hundred: usize| took.get((took.len() * of_hundred / 100).min(took.len().saturating_sub(1))).copied();
    let caught_up_ms = (at(50).unwrap_or(0), at(99).unwrap_or(0), took.last().copied().unwrap_or(0));
    Joined {
        caught_up_ms,
        settled_ms,
        entries,
        messages: mean(|t| t.messages),
        bytes: mean(|t| t.bytes),
        gossip_bytes: mean(|t| t.gossip_bytes),
        busiest_messages: all.iter().map(|t| t.messages).max().unwrap_or(0),
        busiest_bytes: all.iter().map(|t| t.bytes).max().unwrap_or(0),
        founder_bytes: all[0].bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_joins_at_once_comes_to_hold_the_same_and_the_founder_does_not_carry_it_alone() {
        for closed in [false, true] {
            let joiners = 15;
            let class = Class { joiners, within_ms: 3_000, entries: 150, closed, links: 4, delay_ms: 40 };
            let joined = super::class(5, class).unwrap();
            assert!(joined.entries >= 150 + joiners as u64, "{joined:?}");
            assert!(joined.founder_bytes < (joined.bytes * 16.0) as u64 / 2, "{joined:?}");
            assert!(joined.caught_up_ms.1 >= joined.caught_up_ms.0);
        }
    }
}
