//! The worker: one thread that owns the core and turns a queue of work into batches.

use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::core::{Core, Done, now_ms};
use crate::engine::Engine;
use crate::engine::io::Input;
use crate::store::{self, SqliteStore};

/// Most work that waits; senders wait when it is full, and through them the network.
pub const MAX_QUEUED_WORK: usize = 1024;
/// Most work in one transaction.
const MAX_BATCH: usize = 256;
/// A transaction that has lasted this long takes no further work, in milliseconds: what peers send may be slow to take in, and
/// commands wait for the commit.
const MAX_BATCH_MS: u64 = 100;
/// How long nothing must happen before search is brought up to date, in milliseconds.
const INDEX_PAUSE_MS: u64 = 200;
/// How many documents are indexed in one transaction: little enough that a command hardly waits.
const INDEX_BATCH: usize = 64;
/// How long the worker sleeps when nothing is due, in milliseconds.
const IDLE_MS: u64 = 60_000;

/// What to run after the commit: it carries the answer out.
pub type Answer = Box<dyn FnOnce() + Send>;
/// Something to run on the engine inside a batch.
pub type Call = Box<dyn FnOnce(&mut Engine<SqliteStore>) -> Result<Answer, store::Error> + Send>;

/// One piece of work.
pub enum Work {
    /// For the engine.
    Input(Input),
    /// A command.
    Call(Call),
    /// Commit and end.
    Stop,
}

/// Starts the worker. `carry_out` is called after every commit, on the worker's thread; it must not block.
///
/// # Errors
/// When the operating system gives no thread.
pub fn spawn(
    mut core: Core,
    mut queue: mpsc::Receiver<Work>,
    runtime: tokio::runtime::Handle,
    mut carry_out: impl FnMut(Done) + Send + 'static,
) -> std::io::Result<JoinHandle<Result<(), store::Error>>> {
    std::thread::Builder::new().name("engine".into()).spawn(move || {
        // What loading left to be done: subscriptions and provider records.
        let ((), done) = core.batch(|_| Ok(()))?;
        carry_out(done);
        let mut indexing = true;
        loop {
            let mut wait = core.engine().next_deadline().map_or(IDLE_MS, |at| at.saturating_sub(now_ms()).min(IDLE_MS));
            // Search is brought up to date when nothing else is to be done for a moment.
            if indexing {
                wait = wait.min(INDEX_PAUSE_MS);
            }
            let next =
                runtime.block_on(async { tokio::time::timeout(Duration::from_millis(wait), queue.recv()).await });
            let first = match next {
                Err(_) if indexing => {
                    let (left, done) = core.batch(|engine| {
                        engine.handle(now_ms(), Input::Tick)?;
                        engine.store().index_some(INDEX_BATCH)
                    })?;
                    carry_out(done);
                    indexing = left > 0;
                    continue;
                }
                Err(_) => Work::Input(Input::Tick),
                Ok(None) => Work::Stop,
                Ok(Some(work)) => work,
            };
            if run(&mut core, first, &mut queue, &mut carry_out)? {
                return Ok(());
            }
            indexing = true;
        }
    })
}

/// Runs a batch of this work and what waits behind it; true when it was the last.
fn run(
    core: &mut Core,
    first: Work,
    queue: &mut mpsc::Receiver<Work>,
    carry_out: &mut impl FnMut(Done),
) -> Result<bool, store::Error> {
    let mut stop = false;
    let begun = now_ms();
    let (answers, done) = core.batch(|engine| {
        let mut answers: Vec<Answer> = vec![];
        let (mut next, mut taken) = (first, 1);
        loop {
            match next {
                Work::Input(input) => engine.handle(now_ms(), input)?,
                Work::Call(call) => answers.push(call(engine)?),
                Work::Stop => stop = true,
            }
            // A clock that was set back ends the batch early, which harms nobody.
            if stop || taken == MAX_BATCH || now_ms().wrapping_sub(begun) >= MAX_BATCH_MS {
                break;
            }
            let Ok(more) = queue.try_recv() else { break };
            (next, taken) = (more, taken + 1);
        }
        // Calls may have made something due.
        engine.handle(now_ms(), Input::Tick)?;
        Ok(answers)
    })?;
    carry_out(done);
    answers.into_iter().for_each(|answer| answer());
    Ok(stop)
}
