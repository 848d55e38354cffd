//! A handle on a running node: what the control socket, an embedding program and the web page hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::bundle;
use super::core::now_ms;
use super::fail::Fail;
use super::network::Network;
use super::service::{self, Context, sync_json};
use super::shell::Shell;
use super::worker::Work;
use crate::api::{Code, Command, Device, Error, Reply, Request};
use crate::engine::Engine;
use crate::engine::io::Relation;
use crate::model::id::GroupId;
use crate::store::SqliteStore;

/// Most events of one batch of a follower.
const FOLLOW_BATCH: usize = 500;
/// How often a wait looks again when nothing has happened.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// As [`LOOK_AGAIN`], for what is measured.
const PING_PAUSE: Duration = Duration::from_millis(20);
/// How often a wait asks the members again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How long the first write in a group after a start waits for a comparison with a member, at most.
const MEET_OWN_TIPS: Duration = Duration::from_secs(2);
/// Longest wait of any command, milliseconds: one day.
const MAX_WAIT_MS: u64 = 24 * 3_600_000;

/// How often it changed who is in the notes of each group.
pub(super) type Changes = BTreeMap<GroupId, u64>;

/// A running node. Clones speak to the same one.
#[derive(Clone)]
pub struct Handle {
    pub(super) work: mpsc::Sender<Work>,
    pub(super) shell: Shell,
    /// The id of the last event, which changes with every event.
    pub(super) last_event: watch::Receiver<u64>,
    pub(super) presence: watch::Receiver<Changes>,
    pub(super) stop: Arc<Notify>,
    /// Groups in which the first write since the start has been made.
    pub(super) met: Arc<Mutex<BTreeSet<GroupId>>>,
    /// For linking devices.
    pub(super) linking: mpsc::Sender<super::linking::Request>,
    /// This node.
    pub(super) peer: crate::model::id::Peer,
    pub(super) home: Arc<str>,
    /// Where the web page is served, once it is.
    pub(super) web: Arc<Mutex<Option<String>>>,
    pub(super) started_ms: u64,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Handle {
    /// Runs a command.
    ///
    /// # Errors
    /// As the command says.
    pub async fn call(&self, request: Request) -> Reply {
        use Command as C;
        match &request.command {
            C::Stop => {
                self.stop.notify_one();
                Ok(json!({ "v": 1, "stopped": true, "was_running": true }))
            }
            C::Ping { peer, timeout_ms, until_direct } => self.ping(&request, peer, *timeout_ms, *until_direct).await,
            C::SyncWait { peers, fingerprint, timeout_ms } => {
                self.sync_wait(&request, *peers, fingerprint.as_deref(), *timeout_ms).await
            }
            C::Join { wait_ms, .. } => {
                let wait_ms = *wait_ms;
                self.join(request, wait_ms).await
            }
            C::Device(Device::Join { code, at, timeout_ms }) => {
                self.join_device(code, at.as_deref(), *timeout_ms).await
            }
            C::Device(Device::Link { .. }) => {
                Err(Error::new(Code::Usage, "this has two answers", "use Handle::link_device"))
            }
            C::Status => {
                let network = self.shell.network(self.started_ms).await;
                let mut value = self.on_store(request, Some(network)).await?;
                value["web"] = json!(*self.web.lock().unwrap_or_else(PoisonError::into_inner));
                Ok(value)
            }
            C::Peers { .. } | C::Doctor | C::Invite { .. } | C::GroupShow | C::Device(Device::List) => {
                let network = self.shell.network(self.started_ms).await;
                self.on_store(request, Some(network)).await
            }
            command if bundle::is_ours(command) => bundle::call(self, request).await,
            command if command.writes() => {
                self.meet_own_tips(&request).await;
                self.on_store(request, None).await
            }
            C::Follow { .. } => Err(Error::new(Code::Usage, "events are followed, not called", "use Handle::follow")),
            _ => self.on_store(request, None).await,
        }
    }

    /// Says where the web page is served, for `status`.
    pub fn serves_web(&self, address: Option<String>) {
        *self.web.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// What was remembered under a name in this directory.
    ///
    /// # Errors
    /// When the node has ended.
    pub async fn recall(&self, name: &str) -> Result<Option<String>, Error> {
        let key = format!("face {name}");
        self.on_engine(move |engine| engine.store().meta_get(&key)).await
    }

    /// Remembers a short text under a name in this directory.
    ///
    /// # Errors
    /// When the node has ended.
    pub async fn remember(&self, name: &str, value: &str) -> Result<(), Error> {
        let (key, value) = (format!("face {name}"), value.to_owned());
        self.on_engine(move |engine| engine.store().meta_set(&key, &value)).await
    }

    /// The id of the last event; it changes with every event.
    #[must_use]
    pub fn last_event(&self) -> u64 {
        *self.last_event.borrow()
    }

    /// The events after an id (none: after now), in batches.
    ///
    /// # Errors
    /// When the node has ended.
    pub async fn follow(&self, since: Option<u64>) -> Result<Events, Error> {
        let after = match since {
            Some(since) => since,
            None => *self.last_event.borrow(),
        };
        let presence = self.presence.clone();
        let known = presence.borrow().clone();
        Ok(Events { handle: self.clone(), after, seen: self.last_event.clone(), presence, known })
    }

    /// Runs something on the engine, inside a batch; the answer comes after the commit.
    ///
    /// # Errors
    /// When the node has ended.
    pub(super) async fn on_engine<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Engine<SqliteStore>) -> Result<R, crate::store::Error> + Send + 'static,
    ) -> Result<R, Error> {
        let (answer, answered) = oneshot::channel();
        let call: super::worker::Call = Box::new(move |engine| {
            let result = run(engine)?;
            Ok(Box::new(move || {
                // Whoever asked may have gone.
                let _ = answer.send(result);
            }))
        });
        self.work.send(Work::Call(call)).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())
    }

    async fn on_store(&self, request: Request, network: Option<Network>) -> Reply {
        let home = self.home.clone();
        self.on_engine(move |engine| {
            let context = Context { now: now_ms(), network: network.as_ref(), home: &home };
            match service::run(engine, context, &request) {
                Ok(value) => Ok(Ok(value)),
                Err(Fail::Command(error)) => Ok(Err(error)),
                Err(Fail::Store(error)) => Err(error),
            }
        })
        .await?
    }

    /// Before its first write in a group after a start, a node that is connected waits a moment until it has compared with a
    /// member: a restored old backup then meets its own newer entries, and goes on in a fresh log instead of forking the old
    /// one. Offline writes are never held up.
    async fn meet_own_tips(&self, request: &Request) {
        let Ok(group) = self.group_of(request).await else { return };
        if !self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(group) {
            return;
        }
        let until = Instant::now() + MEET_OWN_TIPS;
        let mut changed = self.last_event.clone();
        loop {
            let links = self.shell.network(self.started_ms).await.links;
            let asked = self.on_engine(move |engine| {
                let members = engine.status(now_ms(), group).map(|s| s.members).unwrap_or_default();
                let known = engine.store().peers(group)?;
                let anybody = !members.is_empty() || known.iter().any(|row| links.contains_key(&row.peer));
                Ok(anybody && members.iter().all(|m| m.checked_ms.is_none()))
            });
            if !asked.await.unwrap_or(false) || Instant::now() >= until {
                return;
            }
            let _ = tokio::time::timeout(PING_PAUSE, changed.changed()).await;
        }
    }

    /// The group that a request means, found by the same rules as everywhere.
    async fn group_of(&self, request: &Request) -> Result<GroupId, Error> {
        let (given, home) = (request.group.clone(), self.home.clone());
        self.on_engine(move |engine| {
            let context = Context { now: now_ms(), network: None, home: &home };
            match service::group_of(engine, context, given.as_deref()) {
                Ok(group) => Ok(Ok(group)),
                Err(Fail::Command(error)) => Ok(Err(error)),
                Err(Fail::Store(error)) => Err(error),
            }
        })
        .await?
    }

    async fn sync_wait(
        &self,
        request: &Request,
        peers: Option<usize>,
        fingerprint: Option<&str>,
        timeout_ms: u64,
    ) -> Reply {
        let group = self.group_of(request).await?;
        let began = now_ms();
        let until = Instant::now() + Duration::from_millis(timeout_ms.min(MAX_WAIT_MS));
        self.on_engine(move |engine| {
            engine.check(now_ms(), group);
            Ok(())
        })
        .await?;
        let mut changed = self.last_event.clone();
        let mut asked = Instant::now();
        loop {
            // What came meanwhile makes members unknown again: they are asked again rather than waited for.
            if asked.elapsed() >= ASK_AGAIN {
                asked = Instant::now();
                self.on_engine(move |engine| {
                    engine.check(now_ms(), group);
                    Ok(())
                })
                .await?;
            }
            let (status, names) = self.on_engine(move |engine| read_status(engine, group)).await?.ok_or_else(|| {
                Error::new(
                    Code::NotFound,
                    "the group was left meanwhile",
                    "list the groups with `studymesh group list`",
                )
            })?;
            let mut value = sync_json(&status, &|p| {
                names.iter().find(|(id, _)| *id == p).map_or_else(|| p.short(), |(_, n)| n.clone())
            });
            let members = &status.members;
            let fresh = members
                .iter()
                .filter(|m| m.relation == Relation::Equal && m.checked_ms.is_some_and(|at| at >= began))
                .count();
            let enough = match peers {
                Some(wanted) => fresh >= wanted,
                None => fresh > 0 && fresh == members.len(),
            };
            let matches = fingerprint.is_none_or(|wanted| value["fingerprint"] == wanted);
            let complete = enough && matches && status.missing == 0 && status.early == 0;
            value["complete"] = json!(complete);
            if complete || Instant::now() >= until {
                return Ok(value);
            }
            let wait = LOOK_AGAIN.min(until - Instant::now());
            let _ = tokio::time::timeout(wait, changed.changed()).await;
        }
    }

    async fn join(&self, request: Request, wait_ms: u64) -> Reply {
        let mut value = self.on_store(request, None).await?;
        self.shell.look_for_members();
        let group: GroupId = value["group_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(ended)?;
        let began = now_ms();
        // Who was a member before compares anew.
        self.on_engine(move |engine| {
            engine.check(now_ms(), group);
            Ok(())
        })
        .await?;
        let until = Instant::now() + Duration::from_millis(wait_ms.min(MAX_WAIT_MS));
        let mut changed = self.last_event.clone();
        loop {
            let Some((status, _)) = self.on_engine(move |engine| read_status(engine, group)).await? else {
                return Ok(value);
            };
            // Who lacks what is here, as the own first entry, has nothing that is not here.
            let all_here = |relation| matches!(relation, Relation::Equal | Relation::Behind);
            let equal =
                status.members.iter().any(|m| all_here(m.relation) && m.checked_ms.is_some_and(|at| at >= began));
            value["standing"] = json!(status.standing());
            if status.inside && equal && status.missing == 0 {
                value["state"] = json!("joined");
                break;
            }
            let waits = !status.inside || status.members.is_empty();
            value["state"] = json!(if waits { "waiting" } else { "syncing" });
            // Nobody is waited for who was told no.
            let turned_down = ["refused", "removed", "invite-over"].contains(&status.standing());
            if Instant::now() >= until || turned_down {
                break;
            }
            let wait = LOOK_AGAIN.min(until - Instant::now());
            let _ = tokio::time::timeout(wait, changed.changed()).await;
        }
        let list = self.on_store(Request::new(Command::GroupList), None).await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        if let Some(item) = items.iter().find(|i| i["group_id"] == value["group_id"]) {
            value["name"] = item["name"].clone();
        }
        Ok(value)
    }

    async fn ping(&self, request: &Request, given: &str, timeout_ms: u64, until_direct: bool) -> Reply {
        let began = Instant::now();
        let until = began + Duration::from_millis(timeout_ms.min(MAX_WAIT_MS));
        let peers = Request::new(Command::Peers { all: true }).in_group(request.group.clone());
        let (mut dialled, mut connected) = (false, None);
        loop {
            let network = self.shell.network(self.started_ms).await;
            let list = self.on_store(peers.clone(), Some(network)).await?;
            let items: &[Value] = list["items"].as_array().map_or(&[], Vec::as_slice);
            let found = pick_peer(items, given)?;
            let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let is_direct = found["path"] == "direct";
            if found["connected"] == true {
                connected.get_or_insert(ms);
                if !found["rtt_ms"].is_null() && (is_direct || !until_direct) {
                    return Ok(json!({
                        "v": 1, "peer_id": found["peer_id"], "path": found["path"], "transport": found["transport"],
                        "rtt_ms": found["rtt_ms"], "address": found["address"], "connect_ms": connected,
                        "direct_ms": is_direct.then_some(ms),
                    }));
                }
            }
            if Instant::now() >= until {
                return Err(if found["connected"] == true && until_direct && !is_direct {
                    let message =
                        format!("{given} is connected through a relay, and no direct way was found in {timeout_ms} ms");
                    let remedy = "nothing is lost, it is only slower; `studymesh doctor` says what stands in the way";
                    Error::new(Code::Incomplete, message, remedy)
                } else {
                    let message = format!("{given} did not answer in {timeout_ms} ms");
                    let remedy = "see whether it runs, with `studymesh peers --all` and `studymesh doctor`";
                    Error::new(Code::Timeout, message, remedy)
                });
            }
            if found["connected"] != true && !dialled {
                dialled = true;
                if let Some(peer) = found["peer_id"].as_str().and_then(|id| id.parse().ok()) {
                    self.shell.find(peer).await;
                }
                self.shell.look_for_members();
            }
            let pause = if until_direct { PING_PAUSE } else { LOOK_AGAIN };
            tokio::time::sleep(pause.min(until - Instant::now())).await;
        }
    }
}

/// The events of a node, from one id on.
pub struct Events {
    handle: Handle,
    after: u64,
    seen: watch::Receiver<u64>,
    presence: watch::Receiver<Changes>,
    known: Changes,
}

/// What a follower is told of.
#[derive(Debug)]
pub enum Told {
    /// Events, ascending.
    Happened(Vec<Value>),
    /// Groups in whose notes somebody came, moved or left.
    Presence(Vec<GroupId>),
}

impl Events {
    /// The next events, or whose presence changed; waits until there is something.
    ///
    /// # Errors
    /// When the node has ended.
    pub async fn next_told(&mut self) -> Result<Told, Error> {
        loop {
            let now = self.presence.borrow_and_update().clone();
            let changed: Vec<GroupId> =
                now.iter().filter(|(group, n)| self.known.get(group) != Some(n)).map(|(group, _)| *group).collect();
            if !changed.is_empty() {
                self.known = now;
                return Ok(Told::Presence(changed));
            }
            let presence = &mut self.presence.clone();
            tokio::select! {
                // Asking for events may be given up at any moment: what was read and not told is read again.
                events = self.next() => return events.map(Told::Happened),
                changed = presence.changed() => changed.map_err(|_| ended())?,
            }
        }
    }

    /// The next events, ascending; waits until there is one.
    ///
    /// # Errors
    /// When the node has ended.
    pub async fn next(&mut self) -> Result<Vec<Value>, Error> {
        loop {
            let request = Request::new(Command::Events { since: Some(self.after), limit: FOLLOW_BATCH });
            let list = self.handle.on_store(request, None).await?;
            let items = list["items"].as_array().cloned().unwrap_or_default();
            if let Some(last) = items.last().and_then(|e| e["id"].as_u64()) {
                self.after = last;
                return Ok(items);
            }
            self.seen.changed().await.map_err(|_| ended())?;
        }
    }
}

type StatusAndNames = (crate::engine::GroupStatus, Vec<(crate::model::id::PersonId, String)>);

fn read_status(
    engine: &mut Engine<SqliteStore>,
    group: GroupId,
) -> Result<Option<StatusAndNames>, crate::store::Error> {
    use crate::model::fold::{Register, Value as Folded};
    let Some(status) = engine.status(now_ms(), group) else { return Ok(None) };
    let mut names = vec![];
    for person in status.members.iter().filter_map(|m| m.person) {
        if let Some(Folded::Text(name)) =
            engine.store().register(group, &Register::PersonName(person))?.map(|c| c.value)
        {
            names.push((person, name));
        }
    }
    Ok(Some((status, names)))
}

fn pick_peer<'v>(items: &'v [Value], given: &str) -> Result<&'v Value, Error> {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let exact: Vec<&Value> =
        items.iter().filter(|i| text(i, "peer_id") == given || text(i, "member") == given).collect();
    let found = if exact.is_empty() && given.len() >= 6 {
        items.iter().filter(|i| text(i, "peer_id").starts_with(given) || text(i, "peer_id").ends_with(given)).collect()
    } else {
        exact
    };
    match found.as_slice() {
        [] => Err(Error::new(
            Code::NotFound,
            format!("no peer is known as \"{given}\""),
            "list them with `studymesh peers --all`",
        )),
        many if many.iter().any(|i| i["person_id"] != many[0]["person_id"]) => {
            let message = format!("{} peers are meant by \"{given}\"", many.len());
            Err(Error::new(Code::Ambiguous, message, "give more of the peer id; `studymesh peers --all` lists them"))
        }
        // One person may have several devices: the connected one is meant.
        many => Ok(many.iter().find(|i| i["connected"] == true).unwrap_or(&many[0])),
    }
}

/// The error of a node that has ended.
pub(super) fn ended() -> Error {
    Error::new(
        Code::Failed,
        "the node has ended",
        "start it again with `studymesh up`; its last lines on stderr say why",
    )
}
