//! The worker: one thread that owns the core and turns a queue of work into batches.

use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

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
/// How long the network must be quiet before search is brought up to date: a join goes first.
const INDEX_PAUSE: Duration = Duration::from_millis(50);
/// The longest that search waits for that: under steady traffic it gets a turn this often.
const INDEX_EVERY: Duration = Duration::from_secs(1);
/// How long documents are indexed in one transaction while something waits: little enough that a command hardly notices.
const INDEX: Duration = Duration::from_millis(40);
/// How long while nothing waits. Larger transactions make fewer and larger segments of the index.
const INDEX_ALONE: Duration = Duration::from_millis(300);
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
        let mut search = Turn::new();
        loop {
            let due = core.engine().next_deadline().map_or(IDLE_MS, |at| at.saturating_sub(now_ms()).min(IDLE_MS));
            let wait = Duration::from_millis(due).min(search.wait());
            let next = if search.is_overdue() {
                None
            } else {
                runtime.block_on(async { tokio::time::timeout(wait, queue.recv()).await }).ok()
            };
            let first = match next {
                None if search.is_due() => {
                    let (all, done) = core.batch(|engine| {
                        engine.handle(now_ms(), Input::Tick)?;
                        let begun = Instant::now();
                        engine.store().index_while(|| {
                            let limit = if queue.is_empty() { INDEX_ALONE } else { INDEX };
                            begun.elapsed() < limit
                        })
                    })?;
                    carry_out(done);
                    search.had(all);
                    continue;
                }
                None => Work::Input(Input::Tick),
                Some(None) => Work::Stop,
                Some(Some(work)) => work,
            };
            let ran = run(&mut core, first, &mut queue, &mut carry_out)?;
            if ran.stop {
                return Ok(());
            }
            search.after(ran.network);
        }
    })
}

/// When search gets its next turn to learn of what is new.
struct Turn {
    last: Instant,
    /// None: it knows everything.
    at: Option<Instant>,
}

impl Turn {
    fn new() -> Self {
        let now = Instant::now();
        Self { last: now, at: Some(now) }
    }

    /// How long to wait at most for other work.
    fn wait(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    fn is_due(&self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }

    /// Whether it has waited so long that it goes before what is queued.
    fn is_overdue(&self) -> bool {
        self.is_due() && self.last.elapsed() >= INDEX_EVERY
    }

    /// It had its turn, and knows everything now or not.
    fn had(&mut self, all: bool) {
        self.last = Instant::now();
        self.at = (!all).then_some(self.last);
    }

    /// Other work was done. What comes from the network puts the turn off, for a while; what people do here does not.
    fn after(&mut self, network: bool) {
        if self.at.is_none() {
            self.last = Instant::now();
        }
        if network || self.at.is_none() {
            self.at = Some((Instant::now() + INDEX_PAUSE).min(self.last + INDEX_EVERY));
        }
    }
}

/// What a batch was.
#[derive(Default)]
struct Ran {
    /// The last one.
    stop: bool,
    /// Something came from the network, or so much was written that more of it follows: an import.
    network: bool,
}

/// Runs a batch of this work and what waits behind it.
fn run(
    core: &mut Core,
    first: Work,
    queue: &mut mpsc::Receiver<Work>,
    carry_out: &mut impl FnMut(Done),
) -> Result<Ran, store::Error> {
    let mut ran = Ran::default();
    let begun = now_ms();
    let (answers, done) = core.batch(|engine| {
        let mut answers: Vec<Answer> = vec![];
        let (mut next, mut taken) = (first, 1);
        loop {
            match next {
                Work::Input(input) => {
                    ran.network |= !matches!(input, Input::Tick);
                    engine.handle(now_ms(), input)?;
                }
                Work::Call(call) => answers.push(call(engine)?),
                Work::Stop => ran.stop = true,
            }
            // A clock that was set back ends the batch early, which harms nobody.
            if ran.stop || taken == MAX_BATCH || now_ms().wrapping_sub(begun) >= MAX_BATCH_MS {
                break;
            }
            let Ok(more) = queue.try_recv() else { break };
            (next, taken) = (more, taken + 1);
        }
        // Calls may have made something due.
        engine.handle(now_ms(), Input::Tick)?;
        Ok(answers)
    })?;
    ran.network |= done.events.iter().any(|event| event.kind == "entries");
    carry_out(done);
    answers.into_iter().for_each(|answer| answer());
    Ok(ran)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_waits_for_quiet_but_not_for_ever_and_not_for_commands() {
        let mut turn = Turn::new();
        assert!(turn.is_due() && !turn.is_overdue());
        turn.had(true);
        assert!(!turn.is_due());
        turn.after(false);
        let first = turn.at.unwrap();
        turn.after(false);
        assert_eq!(turn.at, Some(first), "a command puts nothing off");
        turn.after(true);
        assert!(turn.at.unwrap() >= first);
        turn.last = turn.last.checked_sub(INDEX_EVERY).unwrap();
        turn.after(true);
        assert!(turn.is_overdue(), "under steady traffic it goes first");
        turn.had(false);
        assert!(turn.is_due() && !turn.is_overdue(), "the rest waits for what is queued only");
    }
}
