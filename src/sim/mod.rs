//! The simulator: many engines under virtual time, with everything that a network and its people may do to them.
//!
//! One number decides everything: how many nodes there are, what they write, when links break, disks are copied and
//! processes die. A run ends with all faults gone; then all nodes must come to hold the same entries, show the same views,
//! and say so. The same number gives the same run.
//!
//! ```
//! use studymesh::sim::{self, Profile};
//! let report = sim::run(7, Profile::SMALL).unwrap();
//! assert!(report.entries > 0);
//! assert_eq!(report, sim::run(7, Profile::SMALL).unwrap());
//! ```

mod agenda;
mod check;
mod class;
mod fate;
mod network;
mod node;
pub mod overlay;
pub mod store;
#[cfg(test)]
mod tests;
pub mod views;
mod world;
mod writer;

pub use class::{Class, Joined, class};
pub use network::Faults;
use world::{BEGIN_MS, World};

/// How often the end is looked for after the faults are gone, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// What happens in a simulation, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Fewest nodes; copies come on top.
    pub min_nodes: u64,
    /// Most nodes. A quarter of them joins late.
    pub max_nodes: u64,
    /// Most groups; some nodes are in two.
    pub max_groups: u64,
    /// How many of ten groups are closed.
    pub closed_of_ten: u64,
    /// How many links a node looks for.
    pub links: usize,
    /// How long faults last, in milliseconds.
    pub chaos_ms: u64,
    /// How long the nodes may take to agree after that, in milliseconds.
    pub settle_ms: u64,
    /// How often somebody writes; now and then a lot at once.
    pub writes: u64,
    /// How often a node dies, besides those that die over a batch.
    pub crashes: u64,
    /// How many of a thousand batches a node does not survive.
    pub deaths_per_mille: u64,
    /// How many of a thousand writes a node does not survive.
    pub deaths_per_mille_writes: u64,
    /// How long a node stays down at most, in milliseconds.
    pub down_ms: u64,
    /// How often a running node's disk is copied to another machine.
    pub copies: u64,
    /// How often a node goes back to an earlier state of its disk.
    pub restores: u64,
    /// How often a running node's clock is set, by hours, either way.
    pub clocks: u64,
    /// How often a node leaves a group; half of them come back.
    pub leaves: u64,
    /// How often the network falls into two parts, and comes together again.
    pub splits: u64,
    /// How often a single link is cut.
    pub cuts: u64,
    /// What else goes wrong in the network.
    pub faults: Faults,
}

impl Profile {
    /// A few nodes and a minute: for examples and many seeds.
    pub const SMALL: Self = Self {
        min_nodes: 5,
        max_nodes: 8,
        max_groups: 2,
        closed_of_ten: 5,
        links: 3,
        chaos_ms: 60_000,
        settle_ms: 600_000,
        writes: 60,
        crashes: 4,
        deaths_per_mille: 1,
        deaths_per_mille_writes: 50,
        down_ms: 10_000,
        copies: 1,
        restores: 1,
        clocks: 1,
        leaves: 1,
        splits: 1,
        cuts: 8,
        faults: Faults { gossip_loss: 20, gossip_twice: 10, delay_ms: 150 },
    };
    /// Up to twenty nodes and five minutes.
    pub const LARGE: Self = Self {
        min_nodes: 10,
        max_nodes: 20,
        chaos_ms: 300_000,
        writes: 250,
        crashes: 15,
        down_ms: 60_000,
        copies: 3,
        restores: 3,
        clocks: 3,
        leaves: 3,
        splits: 3,
        cuts: 30,
        faults: Faults { gossip_loss: 30, gossip_twice: 15, delay_ms: 400 },
        ..Self::SMALL
    };
}

/// What a simulation saw. Equal seeds and profiles give equal reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The number that everything came from.
    pub seed: u64,
    /// Nodes, with copies.
    pub nodes: u64,
    /// Groups.
    pub groups: u64,
    /// Entries that each member holds in the end, all groups together.
    pub entries: u64,
    /// Entries that people wrote, besides those that nodes write about themselves.
    pub writes: u64,
    /// Transactions.
    pub batches: u64,
    /// Nodes that died.
    pub crashes: u64,
    /// Disks that were copied.
    pub copies: u64,
    /// Disks that went back to an earlier state.
    pub restores: u64,
    /// Nodes that left a group.
    pub leaves: u64,
    /// Times that the network fell apart.
    pub splits: u64,
    /// Links that were cut.
    pub cuts: u64,
    /// Fresh logs that nodes took because somebody else went on in theirs.
    pub forks: u64,
    /// Messages on streams.
    pub frames: u64,
    /// Their bytes, with the four bytes of length before each.
    pub frame_bytes: u64,
    /// Copies of gossip messages that were sent.
    pub gossip: u64,
    /// Those of them that were lost.
    pub gossip_lost: u64,
    /// How long it took in all, in virtual milliseconds.
    pub virtual_ms: u64,
    /// How long the nodes took to agree after the faults were gone, in virtual milliseconds.
    pub settled_ms: u64,
    /// A hash of everything that is held and shown in the end, in hex.
    pub outcome: String,
}

/// A simulation in which something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("simulation with seed {seed} after {virtual_ms} ms: {what}")]
pub struct Failure {
    /// The number to run it again with.
    pub seed: u64,
    /// When it was found, in virtual milliseconds.
    pub virtual_ms: u64,
    /// What is wrong.
    pub what: String,
    /// What happened last.
    pub trace: Vec<String>,
}

/// Runs the simulation that a number stands for.
///
/// # Errors
/// When the nodes do not agree in the end, lose something, or break a rule on the way.
pub fn run(seed: u64, profile: Profile) -> Result<Report, Failure> {
    replay(seed, profile).0
}

/// Runs the simulation that a number stands for, and tells what happened last in it, however it went.
pub fn replay(seed: u64, profile: Profile) -> (Result<Report, Failure>, Vec<String>) {
    let mut world = World::new(seed, profile);
    world.run(BEGIN_MS + profile.chaos_ms);
    world.heal();
    let healed = world.agenda.now;
    let result = settle(&mut world, healed + profile.settle_ms);
    let (virtual_ms, trace) = (world.agenda.now - BEGIN_MS, Vec::from(std::mem::take(&mut world.trace)));
    match result {
        Ok(()) => (Ok(world.finish(healed)), trace),
        Err(what) => (Err(Failure { seed, virtual_ms, what, trace: trace.clone() }), trace),
    }
}

/// Lets the world go on until all agree and everything is sound, or until `end`.
fn settle(world: &mut World, end: u64) -> Result<(), String> {
    loop {
        if let Some(what) = world.broken.take() {
            return Err(what);
        }
        match check::agree(world) {
            Ok(()) => return check::sound(world),
            Err(what) if world.agenda.now >= end => return Err(what),
            Err(_) => {
                let next = world.agenda.now + LOOK_MS;
                world.run(next);
            }
        }
    }
}
