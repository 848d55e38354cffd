//! The core of a node: the engine on its store, one batch of work per transaction.
//!
//! A batch is: begin, run, flush, record the events, commit; only then are the outputs handed out. So a write is
//! acknowledged and announced after it is durable, and a hundred inputs share one fsync.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::engine::io::{Event, Output};
use crate::engine::{Engine, Identity};
use crate::log::keys::LogKey;
use crate::model::action::Class;
use crate::model::id::{GroupId, Peer};
use crate::store::{self, SqliteStore};

/// Most entry events that one batch records one by one; beyond that one summary per group says how many came.
const MAX_ENTRY_EVENTS: usize = 64;

/// Where the store keeps which place it was last used at.
pub const PLACE: &str = "place";
/// The place of a store that comes from a backup.
pub const RESTORED: &str = "restored";
/// The same, when the node is to keep its peer id.
pub const RESTORED_AS_BEFORE: &str = "restored, same peer id";

/// How a directory came to be where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was here before, or is new.
    Same,
    /// It was somewhere else: what it was copied from may go on there.
    Copied,
    /// It comes from a backup: what that was made from may go on, and may be further.
    Restored,
    /// It comes from a backup, and its owner says that the original is gone: the peer id stays. Its logs go on afresh all the same,
    /// since others may hold more of them.
    RestoredAsBefore,
}

/// Wall-clock time, Unix milliseconds. The only clock of the node; everything below is told the time.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the node's one clock")]
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// Random bytes from the operating system.
///
/// # Panics
/// When the operating system has none to give: nothing safe can be done then.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// What happened in a batch, as it is stored and streamed.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Increasing, never reused.
    pub id: u64,
    /// When, Unix milliseconds.
    pub time_ms: u64,
    /// The kind of event.
    pub kind: String,
    /// The group, where there is one.
    pub group: Option<GroupId>,
    /// More of it.
    pub data: serde_json::Value,
}

/// The engine on its store.
#[derive(Debug)]
pub struct Core {
    engine: Engine<SqliteStore>,
    /// What batches before the network ran left to be done: it goes out with the next one.
    kept: Done,
}

/// What a batch left to be done.
#[derive(Debug, Default)]
pub struct Done {
    /// For the network, in order.
    pub outputs: Vec<Output>,
    /// For whoever follows events.
    pub events: Vec<Recorded>,
}

impl Core {
    /// Opens the store at `path` for an identity. `place` names this directory on this machine: when it is another one
    /// than last time, the directory is a copy or was moved, and every group goes on in a fresh log.
    ///
    /// # Errors
    /// When the store can not be opened or read.
    pub fn open(path: &Path, identity: Identity, place: &str) -> Result<Self, store::Error> {
        let store = SqliteStore::open(path)?;
        let known = store.meta_get(PLACE)?;
        let mut core = Self { engine: Engine::load(store, identity, random(), now_ms())?, kept: Done::default() };
        if known.as_deref() != Some(place) {
            let moved = known.is_some();
            core.batch_ahead(|engine| {
                engine.store().meta_set(PLACE, place)?;
                let groups: Vec<GroupId> = if moved { engine.groups().collect() } else { vec![] };
                groups.into_iter().try_for_each(|group| engine.rotate(now_ms(), group))
            })?;
        }
        Ok(core)
    }

    /// How the directory at `path` came to `place`.
    ///
    /// # Errors
    /// When the store can not be opened or read.
    pub fn arrival(path: &Path, place: &str) -> Result<Arrival, store::Error> {
        if !path.exists() {
            return Ok(Arrival::Same);
        }
        let store = SqliteStore::open(path)?;
        Ok(match store.meta_get(PLACE)?.as_deref() {
            Some(RESTORED) => Arrival::Restored,
            Some(RESTORED_AS_BEFORE) => Arrival::RestoredAsBefore,
            Some(known) if known != place => Arrival::Copied,
            _ => Arrival::Same,
        })
    }

    /// The engine, for looking at it.
    pub fn engine(&mut self) -> &mut Engine<SqliteStore> {
        &mut self.engine
    }

    /// Runs one batch in one transaction.
    ///
    /// # Errors
    /// When the store fails: the batch is rolled back, and this core must not be used any more, since what it holds in
    /// memory is ahead of the store.
    pub fn batch<R>(
        &mut self,
        run: impl FnOnce(&mut Engine<SqliteStore>) -> Result<R, store::Error>,
    ) -> Result<(R, Done), store::Error> {
        self.engine.store().begin()?;
        let result = run(&mut self.engine).and_then(|result| Ok((result, self.close()?)));
        if result.is_err() {
            // The first error is the one to tell; SQLite rolls back by itself when the connection goes.
            let _ = self.engine.store().rollback();
        }
        result
    }

    /// Runs one batch before there is a network: what it leaves to be done, subscriptions above all, is kept for the next
    /// batch.
    ///
    /// # Errors
    /// As [`Core::batch`].
    pub fn batch_ahead(
        &mut self,
        run: impl FnOnce(&mut Engine<SqliteStore>) -> Result<(), store::Error>,
    ) -> Result<(), store::Error> {
        let ((), done) = self.batch(run)?;
        self.kept = done;
        Ok(())
    }

    fn close(&mut self) -> Result<Done, store::Error> {
        self.engine.flush()?;
        let mut done = std::mem::take(&mut self.kept);
        let mut events = vec![];
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Event(event) => events.push(event),
                other => done.outputs.push(other),
            }
        }
        done.events.extend(self.record(events)?);
        self.engine.store().commit()?;
        Ok(done)
    }

    fn record(&mut self, events: Vec<Event>) -> Result<Vec<Recorded>, store::Error> {
        let now = now_ms();
        let entries = events.iter().filter(|e| matches!(e, Event::Entry { .. })).count();
        let mut left_out = std::collections::BTreeMap::<GroupId, u64>::new();
        let mut out = vec![];
        for event in events {
            if let Event::Entry { group, .. } = &event
                && entries > MAX_ENTRY_EVENTS
            {
                *left_out.entry(*group).or_default() += 1;
                continue;
            }
            let (kind, group, data) = describe(&event);
            out.push((kind, group, data));
        }
        for (group, count) in left_out {
            out.push(("entries", group, json!({ "count": count })));
        }
        out.into_iter()
            .map(|(kind, group, data)| {
                let id = self.engine.store().event_push(now, kind, Some(group), &data.to_string())?;
                Ok(Recorded { id, time_ms: now, kind: kind.to_owned(), group: Some(group), data })
            })
            .collect()
    }
}

/// An event as its kind, group and data.
fn describe(event: &Event) -> (&'static str, GroupId, serde_json::Value) {
    match event {
        Event::Entry { group, entry, log, person, class, kind, own } => {
            let class = if *class == Class::Control { "control" } else { "content" };
            let data =
                json!({ "entry_id": entry, "log": log, "person": person, "class": class, "kind": kind, "own": own });
            ("entry", *group, data)
        }
        Event::Compared { group, peer, relation, received } => {
            let data = json!({ "peer_id": peer_text(peer), "relation": relation.as_str(), "received": received });
            ("compared", *group, data)
        }
        Event::Members { group } => ("members", *group, json!({})),
        Event::Requested { group } => ("requested", *group, json!({})),
        Event::Standing { group, standing } => ("standing", *group, json!({ "standing": standing.as_str() })),
        Event::Sent { group, entries } => ("sent", *group, json!({ "entries": entries })),
        Event::Forked { group, old, new } => ("forked", *group, json!({ "old_log": old, "new_log": new })),
    }
}

/// The usual base58 text of a peer id.
#[must_use]
pub fn peer_text(peer: &Peer) -> String {
    libp2p::PeerId::from_bytes(peer.as_bytes()).map_or_else(|_| format!("{peer:?}"), |id| id.to_string())
}

/// The identity that a device key gives.
///
/// # Panics
/// Never: an Ed25519 peer id is short.
#[must_use]
pub fn identity(device_key: &[u8; 32], name: &str) -> Identity {
    let mut seed = *device_key;
    let keypair = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).expect("32 bytes are a key");
    let peer = Peer::new(&keypair.public().to_peer_id().to_bytes()).expect("an Ed25519 peer id is short");
    Identity { peer, transport: LogKey::from_seed(device_key), name: name.to_owned() }
}
