//! A simulated node: an engine on its store, run as a shell runs it, one batch per transaction.

use std::convert::Infallible;

use super::store::MemStore;
use crate::engine::io::{Input, Output};
use crate::engine::{Engine, Identity};
use crate::log::keys::LogKey;
use crate::model::id::Peer;

/// A node, up or down.
#[derive(Debug)]
pub(super) struct Node {
    pub identity: Identity,
    state: State,
    /// How far its clock is off, in milliseconds.
    pub skew: i64,
    /// What came since the last batch.
    pub inbox: Vec<Input>,
    /// Whether a batch is planned.
    pub batch_planned: bool,
    /// When it is woken next.
    pub wake_at: Option<u64>,
    /// How often in a row it was woken at once and had nothing to do.
    pub idle_wakes: u32,
    /// An earlier state of its disk.
    pub backup: Option<MemStore>,
    /// When it was last started, or left a group.
    pub changed_ms: u64,
    /// How often it was started.
    starts: u64,
}

#[derive(Debug)]
enum State {
    Up(Box<Engine<MemStore>>),
    Down(Box<MemStore>),
}

impl Node {
    pub fn new(number: usize, store: MemStore) -> Self {
        let seed = *blake3::hash(format!("transport {number}").as_bytes()).as_bytes();
        let peer = Peer::new(&[&[0x12], &(number as u32).to_be_bytes()[..]].concat()).expect("five bytes");
        Self {
            identity: Identity { peer, transport: LogKey::from_seed(&seed), name: format!("P{number}") },
            state: State::Down(Box::new(store)),
            skew: 0,
            inbox: vec![],
            batch_planned: false,
            wake_at: None,
            idle_wakes: 0,
            backup: None,
            changed_ms: 0,
            starts: 0,
        }
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// The node's own clock.
    pub fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.skew)
    }

    pub fn engine(&mut self) -> Option<&mut Engine<MemStore>> {
        match &mut self.state {
            State::Up(engine) => Some(engine),
            State::Down(_) => None,
        }
    }

    /// What is on its disk, as committed: between batches nothing else is.
    pub fn disk(&mut self) -> &MemStore {
        match &mut self.state {
            State::Up(engine) => engine.store(),
            State::Down(store) => store,
        }
    }

    /// Starts the node on what is on its disk.
    pub fn start(&mut self, now: u64, seed: u64) {
        self.starts += 1;
        self.changed_ms = now;
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&seed.to_le_bytes());
        entropy[8..16].copy_from_slice(&self.starts.to_le_bytes());
        let clock = self.clock(now);
        if let State::Down(store) = &mut self.state {
            let store = std::mem::take(store);
            let Ok(engine) = Engine::load(*store, self.identity.clone(), entropy, clock);
            self.state = State::Up(Box::new(engine));
        }
    }

    /// Stops the node at once: what was not committed is gone.
    pub fn stop(&mut self) {
        if let State::Up(_) = self.state {
            let State::Up(engine) = std::mem::replace(&mut self.state, State::Down(Box::default())) else {
                return;
            };
            let mut store = engine.into_store();
            store.rollback();
            self.state = State::Down(Box::new(store));
        }
        self.inbox.clear();
        self.wake_at = None;
        self.batch_planned = false;
        self.idle_wakes = 0;
    }

    /// Puts another disk into a node that is down.
    pub fn replace_disk(&mut self, disk: MemStore) {
        if let State::Down(store) = &mut self.state {
            **store = disk;
        }
    }

    /// Runs a batch up to the moment before its commit.
    pub fn prepare<R>(&mut self, run: impl FnOnce(&mut Engine<MemStore>) -> Result<R, Infallible>) -> Option<R> {
        let engine = self.engine()?;
        engine.store().begin();
        let Ok(result) = run(engine);
        let Ok(()) = engine.flush();
        Some(result)
    }

    /// Commits a batch, and gives what is to be carried out.
    pub fn commit(&mut self) -> Vec<Output> {
        let Some(engine) = self.engine() else { return vec![] };
        engine.store().commit();
        std::iter::from_fn(|| engine.poll_output()).collect()
    }

    /// When the node wants to be woken, in the time of the simulation.
    pub fn deadline(&mut self) -> Option<u64> {
        let skew = self.skew;
        self.engine()?.next_deadline().map(|at| at.saturating_add_signed(-skew))
    }
}
