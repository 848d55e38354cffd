//! The task that owns the swarm: its state and its loop.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use libp2p::core::transport::ListenerId;
use libp2p::swarm::Swarm;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc::error::{SendError, TrySendError};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::time::{Instant, MissedTickBehavior};

use super::autonat::Tests;
use super::behaviour::Behaviour;
use super::bootstrap::Bootstrap;
use super::connections::Connections;
use super::dialling::Asked;
use super::gossip::Undecided;
use super::kad::{Lookups, Provided, Shelf};
use super::penalties::Penalties;
use super::reach::Reach;
use super::reachability::Told;
use super::relay_server::Served;
use super::relays::Relays;
use super::same_identity::SameIdentity;
use super::streams::Streams;
use super::trimming::TRIM_INTERVAL;
use super::upgrading::Upgrades;
use super::upnp::Router;
use super::{Command, Config, Event, Key};

/// Most events that commands may cause while nobody takes events; beyond that commands wait, too.
pub const MAX_BACKLOG: usize = 4_096;
/// How long ending may take: for what is queued on streams, and for saying goodbye.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long listeners may take to open before bootstrap nodes and relays are dialled.
const OPENING_PATIENCE: Duration = Duration::from_secs(1);
/// When nothing ran for longer than this, peers had no chance to show that they are there.
const STANDSTILL: Duration = Duration::from_secs(3);

/// The network's task.
pub(super) struct Shell {
    pub(super) swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    /// Events for which there was no room yet, in order. The swarm is not polled while there are any.
    backlog: VecDeque<Event>,
    /// Our place in the queue for room, while there is a backlog. It is kept: asking anew each time round, we would never
    /// get to the front of the readers of streams.
    room: Option<BoxFuture<'static, Result<OwnedPermit<Event>, SendError<()>>>>,
    pub(super) config: Config,
    pub(super) listeners: HashMap<ListenerId, Multiaddr>,
    /// Listeners of which no address is known yet; nobody is dialled by ourselves before that (see `reach_out`).
    pub(super) opening: HashSet<ListenerId>,
    opening_until: Instant,
    pub(super) connections: Connections,
    pub(super) streams: Streams,
    pub(super) topics: BTreeSet<Key>,
    pub(super) undecided: Undecided,
    pub(super) shelf: Shelf,
    pub(super) provided: Provided,
    pub(super) lookups: Lookups,
    pub(super) bootstrap: Bootstrap,
    pub(super) asked: Asked,
    pub(super) same_identity: SameIdentity,
    pub(super) penalties: Penalties,
    pub(super) reach: Reach,
    pub(super) told: Told,
    pub(super) tests: Tests,
    pub(super) relays: Relays,
    pub(super) served: Served,
    pub(super) router: Router,
    pub(super) upgrades: Upgrades,
    /// When the changes of this machine's addresses have come in.
    pub(super) settled: Option<Instant>,
    next_trim: Instant,
    /// When the swarm was polled last.
    ran: Instant,
}

impl Shell {
    pub fn new(
        mut config: Config,
        swarm: Swarm<Behaviour>,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let now = Instant::now();
        // Only to spread timers: nodes differ, and one node replays.
        let seed = blake3::derive_key("studymesh 2026 v1 jitter", &config.key);
        // The swarm has the key; here it has no further use.
        config.key = [0; 32];
        let seed = seed.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        let me = *swarm.local_peer_id();
        let known = config.bootstrap.iter().chain(&config.relays);
        Self {
            reach: Reach::new(me, &config.external, config.local_is_external, known),
            told: Told::default(),
            tests: Tests::new(now),
            relays: Relays::new(now, &config.relays, seed),
            served: Served::default(),
            router: Router::new(now, swarm.behaviour().upnp.is_enabled()),
            upgrades: Upgrades::default(),
            settled: None,
            ran: now,
            swarm,
            commands,
            streams: Streams::new(events.clone()),
            events,
            backlog: VecDeque::new(),
            room: None,
            listeners: HashMap::new(),
            opening: HashSet::new(),
            opening_until: now + OPENING_PATIENCE,
            connections: Connections::new(me),
            topics: BTreeSet::new(),
            undecided: Undecided::default(),
            shelf: Shelf::default(),
            provided: Provided::new(now),
            lookups: Lookups::default(),
            bootstrap: Bootstrap::new(now, &config.bootstrap, seed),
            asked: Asked::default(),
            same_identity: SameIdentity::default(),
            penalties: Penalties::new(config.limits.ban),
            next_trim: now + TRIM_INTERVAL,
            config,
        }
    }

    /// Runs until it is told to end, or nobody listens any more.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.listen(self.config.listen.clone());
        self.reconcile();
        loop {
            if !self.drain_backlog() {
                break;
            }
            if self.backlog.is_empty() {
                self.runs();
            }
            tokio::select! {
                permit = wait(&mut self.room) => {
                    self.room = None;
                    let (Ok(permit), Some(event)) = (permit, self.backlog.pop_front()) else { break };
                    permit.send(event);
                }
                command = self.commands.recv(), if self.backlog.len() < MAX_BACKLOG => match command {
                    None | Some(Command::Shutdown) => break,
                    Some(command) => self.command(command),
                },
                event = self.swarm.select_next_some(), if self.backlog.is_empty() => self.swarm_event(event),
                ended = self.streams.next_end() => {
                    if let Some((peer, why)) = self.streams.forget(ended) {
                        self.penalise(peer, &why);
                    }
                }
                _ = tick.tick(), if self.backlog.len() < MAX_BACKLOG => self.tick(),
                () = self.events.closed() => break,
            }
        }
        self.end().await;
    }

    /// Queues an event for whoever takes them.
    pub fn tell(&mut self, event: Event) {
        self.backlog.push_back(event);
    }

    /// Hands out as many events as there is room for; false when nobody takes them any more.
    fn drain_backlog(&mut self) -> bool {
        while self.room.is_none() {
            let Some(event) = self.backlog.pop_front() else { return true };
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.backlog.push_front(event);
                    self.room = Some(Box::pin(self.events.clone().reserve_owned()));
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        true
    }

    /// The swarm runs (again).
    fn runs(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.ran) >= STANDSTILL {
            self.connections.woke(now);
        }
        self.ran = now;
    }

    /// Everything that is due.
    fn tick(&mut self) {
        let now = Instant::now();
        if self.backlog.is_empty() {
            self.runs();
            self.close_connections(now);
        }
        self.settle(now);
        self.test(now);
        self.reconcile();
        self.reach_out(now);
        self.upgrade(now);
        self.dial_on(now);
        self.push_addresses();
        for peer in self.penalties.lift(now) {
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
        while let Some((id, source)) = self.undecided.expired(now) {
            tracing::debug!(%source, "a gossip message got no verdict in time");
            self.report(&id, &source, super::Verdict::Ignore);
        }
        super::kad::drop_expired(&mut self.swarm.behaviour_mut().kad, &mut self.shelf, now);
        for key in self.provided.due(now) {
            self.provide_now(&key);
        }
        for address in self.same_identity.alone(now) {
            self.tell(Event::SameIdentity(address));
        }
        if self.next_trim <= now {
            self.next_trim = now + TRIM_INTERVAL;
            self.trim(now);
        }
    }

    /// Dials bootstrap nodes and relays, once this node listens: a connection that goes out earlier does not come from the
    /// port that is listened on, so that what peers see of it says nothing about that port, and no hole can be punched.
    pub(super) fn reach_out(&mut self, now: Instant) {
        if self.opening.is_empty() || self.opening_until <= now {
            self.dial_bootstrap(now);
            self.reserve(now);
        }
    }

    /// Finishes what is queued on streams, then closes the connections, so that peers notice at once. Each may take half
    /// of [`SHUTDOWN_GRACE`]: when nobody takes the last events, the streams can not finish.
    async fn end(mut self) {
        let Self { swarm, streams, .. } = &mut self;
        let closing = async {
            tokio::select! {
                () = streams.close_all() => {}
                () = keep_going(swarm, |_| true) => {}
            }
        };
        let _ = tokio::time::timeout(SHUTDOWN_GRACE / 2, closing).await;
        let peers: Vec<PeerId> = swarm.connected_peers().copied().collect();
        peers.into_iter().for_each(|peer| {
            let _ = swarm.disconnect_peer_id(peer);
        });
        let connected = |swarm: &Swarm<Behaviour>| swarm.network_info().connection_counters().num_established() > 0;
        let _ = tokio::time::timeout(SHUTDOWN_GRACE / 2, keep_going(swarm, connected)).await;
    }
}

/// Polls the swarm as long as it is to; what it tells is not heard any more.
async fn keep_going(swarm: &mut Swarm<Behaviour>, on: impl Fn(&Swarm<Behaviour>) -> bool) {
    while on(swarm) {
        swarm.select_next_some().await;
    }
}

/// Waits for room; for ever when none is asked for.
async fn wait(
    room: &mut Option<BoxFuture<'static, Result<OwnedPermit<Event>, SendError<()>>>>,
) -> Result<OwnedPermit<Event>, SendError<()>> {
    match room {
        Some(room) => room.await,
        None => std::future::pending().await,
    }
}
