//! The engine: joins logs, sync and gossip into one state machine without IO.
//!
//! Call order: [`Engine::load`] once; then for every input `handle(now, input)`, drain [`Engine::poll_output`], and
//! come back no later than [`Engine::next_deadline`] with [`io::Input::Tick`]. The shell puts a batch of inputs into
//! one transaction of the store: it calls [`Engine::flush`], commits, and only then carries the outputs out, so that
//! nothing is announced before it is durable. Time is Unix milliseconds, randomness is a seed; the same engine runs
//! under tokio and under the simulator.

mod chains;
mod clock;
mod deciding;
mod devices;
mod due;
mod duties;
mod early;
pub mod entropy;
mod exporting;
mod forking;
mod gossiping;
mod group;
mod guests;
mod importing;
pub mod io;
mod judging;
mod keeping;
mod keyring;
mod only_here;
mod outcome;
pub mod presence;
mod pulling;
mod serve;
mod serving;
mod skew;
mod status;
pub mod store;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::log::keys::LogKey;
use crate::log::run::Authentic;
use crate::model::id::{GroupId, LogId, Peer, TopicHash};
use crate::sync::pull::Pull;

pub use deciding::{Forbidden, NewInvite};
pub use devices::{Handed, MAX_HANDED_CHAIN, MAX_HANDED_KEYS, OwnLog, Taken};
use entropy::Entropy;
pub use exporting::{Export, Held};
use group::Group;
pub use group::{MAX_CHAINS, MAX_MEMBERS};
pub use importing::{Imported, Rehearsal, Tally};
use io::{Event, Input, Output, StreamId};
pub use only_here::OnlyHere;
use serve::Serve;
pub use status::{GroupStatus, MemberStatus};
use store::Store;
pub use writing::{JoinError, Joining, NoWrite, WriteError};

/// Most sync streams at a time, both directions together.
pub const MAX_STREAMS: usize = 256;
/// Most of them that peers opened: there is always room to pull.
pub const MAX_SERVES: usize = 192;
/// Most of these that have not proven the group yet; the oldest makes room for the next.
pub const MAX_UNPROVEN: usize = 64;
/// Most streams that one peer may have open towards us.
pub const MAX_STREAMS_PER_PEER: usize = 8;
/// Most outputs of one `handle` call before the caller must drain; reaching it is a bug.
const MAX_OUTPUTS: usize = 1 << 20;

/// Who this node is on the network.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The peer id.
    pub peer: Peer,
    /// The Ed25519 key behind it, to endorse it inside groups.
    pub transport: LogKey,
    /// The person's name, for groups to come.
    pub name: String,
}

const _: () = assert!(MAX_UNPROVEN < MAX_SERVES && MAX_SERVES < MAX_STREAMS);

#[derive(Debug)]
enum Stream {
    /// Asked for, not open yet.
    Opening {
        group: GroupId,
        peer: Peer,
        since_ms: u64,
    },
    Pull(Box<Pulling>),
    Serve(Box<Serve>),
}

#[derive(Debug)]
struct Pulling {
    pull: Pull,
    begun_ms: u64,
    /// When the peer last moved it on.
    progress_ms: u64,
    received: u64,
    /// When each log that was asked for was asked for, or last brought something.
    moved: BTreeMap<LogId, u64>,
    /// When to look again at what other pulls are bringing.
    look_at: Option<u64>,
    /// Since when it does nothing but wait for other pulls.
    waits_since: Option<u64>,
    /// The entries at the end of the run under way that do not come in: what of the run came before them is proved by these.
    refused: VecDeque<Authentic>,
}

impl Stream {
    /// When it is given up if nothing happens.
    fn deadline(&self) -> Option<u64> {
        match self {
            Self::Opening { since_ms, .. } => Some(since_ms + due::GREET_MS),
            Self::Pull(p) if p.pull.proven().is_none() => Some(p.begun_ms + due::GREET_MS),
            Self::Pull(p) => p.pull.is_waiting().then_some(p.progress_ms + due::STALL_MS),
            Self::Serve(serve) => Some(serve.deadline()),
        }
    }

    fn peer(&self) -> &Peer {
        match self {
            Self::Opening { peer, .. } => peer,
            Self::Pull(pulling) => pulling.pull.peer(),
            Self::Serve(serve) => &serve.peer,
        }
    }

    fn group(&self) -> Option<GroupId> {
        match self {
            Self::Opening { group, .. } => Some(*group),
            Self::Pull(pulling) => Some(pulling.pull.group()),
            Self::Serve(serve) => serve.group,
        }
    }
}

/// All groups of a node. See the module for the call order.
#[derive(Debug)]
pub struct Engine<S> {
    store: S,
    identity: Identity,
    entropy: Entropy,
    groups: BTreeMap<GroupId, Group>,
    topics: BTreeMap<TopicHash, GroupId>,
    connected: BTreeSet<Peer>,
    streams: BTreeMap<StreamId, Stream>,
    next_stream: u64,
    /// The last time that the engine was told.
    told_ms: u64,
    outputs: VecDeque<Output>,
}

impl<S: Store> Engine<S> {
    /// Takes over a store with the groups in it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn load(mut store: S, identity: Identity, seed: [u8; 32], now: u64) -> Result<Self, S::Error> {
        let mut entropy = Entropy::new(seed);
        let mut engine_groups = BTreeMap::new();
        for row in store.groups()? {
            let group = Group::load(&mut store, row, now, &mut entropy)?;
            engine_groups.insert(group.id(), group);
        }
        let mut engine = Self {
            store,
            identity,
            entropy,
            groups: BTreeMap::new(),
            topics: BTreeMap::new(),
            connected: BTreeSet::new(),
            streams: BTreeMap::new(),
            next_stream: 0,
            told_ms: now,
            outputs: VecDeque::new(),
        };
        engine_groups.into_values().for_each(|group| engine.adopt(group));
        Ok(engine)
    }

    /// The store, for reading.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Who this node is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Changes the name that groups to come will see.
    pub fn set_name(&mut self, name: String) {
        self.identity.name = name;
    }

    /// Takes the store back.
    pub fn into_store(self) -> S {
        self.store
    }

    /// Takes one input in.
    ///
    /// # Errors
    /// When the store fails: the batch must be rolled back and the engine loaded anew.
    pub fn handle(&mut self, now: u64, input: Input) -> Result<(), S::Error> {
        self.keep_time(now);
        match input {
            Input::Connected(peer) => {
                self.connected.insert(peer);
            }
            Input::Disconnected(peer) => self.disconnected(now, &peer),
            Input::Subscribed(peer, topic) => self.subscribed(now, &peer, topic),
            Input::Unsubscribed(peer, topic) => {
                if let Some(group) = self.topics.get(&topic).and_then(|id| self.groups.get_mut(id)) {
                    group.connected.remove(&peer);
                }
            }
            Input::StreamOpened(stream, peer) => self.stream_opened(now, stream, peer),
            Input::StreamFailed(stream) => self.stream_closed(now, stream),
            Input::Frame(stream, bytes) => self.frame(now, stream, &bytes)?,
            Input::Sent(stream) => {
                if let Some(Stream::Serve(serve)) = self.streams.get_mut(&stream) {
                    serve.sent(now);
                    self.pump(stream)?;
                }
            }
            Input::StreamClosed(stream) => self.stream_closed(now, stream),
            Input::Gossip { message, source, topic, bytes } => self.gossip(now, message, &source, topic, &bytes)?,
            Input::Tellable(group, told) => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.set_told(told);
                }
            }
            Input::Tick => {}
        }
        self.tick(now)
    }

    /// The next thing to do outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Tick`] at the latest, Unix milliseconds.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let groups = self.groups.values().filter_map(Group::deadline);
        let closes = self.streams.values().filter_map(Stream::deadline);
        let looks = self.streams.values().filter_map(|s| if let Stream::Pull(p) = s { p.look_at } else { None });
        groups.chain(closes).chain(looks).chain(self.pulls_deadline()).min()
    }

    /// Writes what is kept in memory between commits: call it right before every commit.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flush(&mut self) -> Result<(), S::Error> {
        self.prove_tips();
        for group in self.groups.values_mut() {
            group.flush(&mut self.store)?;
        }
        Ok(())
    }

    /// Records what proves the tips of logs that are coming in.
    fn prove_tips(&mut self) {
        for stream in self.streams.values() {
            if let Stream::Pull(pulling) = stream
                && let Some((headers, signature)) = pulling.unfinished()
                && let Some(group) = self.groups.get_mut(&pulling.pull.group())
            {
                group.set_pending(&headers, signature);
            }
        }
    }

    fn tick(&mut self, now: u64) -> Result<(), S::Error> {
        self.rotate_forked(now)?;
        self.see_to_members(now)?;
        self.groups.values_mut().for_each(|group| group.early.expire(now));
        self.announce(now);
        self.wake_streams(now)?;
        self.begin_due_pulls(now);
        Ok(())
    }

    fn adopt(&mut self, group: Group) {
        let topic = group.topic;
        self.output(Output::Subscribe(topic));
        self.output(Output::Provide(group.keys.dht_key()));
        self.topics.insert(topic, group.id());
        self.groups.insert(group.id(), group);
    }

    fn disconnected(&mut self, now: u64, peer: &Peer) {
        self.connected.remove(peer);
        let streams: Vec<StreamId> =
            self.streams.iter().filter(|(_, s)| s.peer() == peer).map(|(stream, _)| *stream).collect();
        streams.into_iter().for_each(|stream| self.stream_closed(now, stream));
        for group in self.groups.values_mut() {
            group.connected.remove(peer);
        }
    }

    fn subscribed(&mut self, now: u64, peer: &Peer, topic: TopicHash) {
        let Some(group) = self.topics.get(&topic).and_then(|id| self.groups.get_mut(id)) else { return };
        let Some(member) = group.member(peer, &self.connected) else { return };
        member.subscribed = true;
        // A little jitter, so that two nodes that meet do not always pull from each other at once.
        member.pull_at.get_or_insert(now + self.entropy.below(50));
    }

    fn stream_opened(&mut self, now: u64, stream: StreamId, peer: Peer) {
        match self.streams.get(&stream) {
            Some(Stream::Opening { group, .. }) => {
                let group = *group;
                self.begin_pull(now, stream, group, peer);
            }
            Some(_) => {}
            // One of ours that was given up meanwhile.
            None if stream.is_own() => self.output(Output::Close(stream)),
            None => self.begin_serve(now, stream, peer),
        }
    }

    fn stream_closed(&mut self, now: u64, stream: StreamId) {
        match self.streams.remove(&stream) {
            Some(Stream::Opening { group, peer, .. }) => self.pull_failed(now, stream, group, &peer),
            Some(Stream::Pull(pulling)) => self.pull_cut(now, stream, &pulling),
            Some(Stream::Serve(_)) | None => {}
        }
    }

    fn frame(&mut self, now: u64, stream: StreamId, bytes: &[u8]) -> Result<(), S::Error> {
        match self.streams.get(&stream) {
            Some(Stream::Pull(_)) => self.pull_frame(now, stream, bytes),
            Some(Stream::Serve(_)) => self.serve_frame(now, stream, bytes),
            Some(Stream::Opening { .. }) | None => Ok(()),
        }
    }

    /// Closes a stream whose peer broke the protocol.
    fn punish(&mut self, stream: StreamId, peer: Peer, why: String) {
        self.output(Output::Close(stream));
        self.output(Output::Penalise(peer, why));
    }

    fn output(&mut self, output: Output) {
        assert!(self.outputs.len() < MAX_OUTPUTS, "the shell drains outputs after every input");
        self.outputs.push_back(output);
    }

    #[cfg(test)]
    fn buffered(&self) -> usize {
        let serves =
            self.streams.values().filter_map(|s| if let Stream::Serve(s) = s { Some(s.buffered()) } else { None });
        serves.sum()
    }

    fn event(&mut self, event: Event) {
        self.output(Output::Event(event));
    }
}
