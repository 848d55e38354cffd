//! Linking devices on the network: who offers, who looks for an offer, and what each link stream has come to.
//!
//! The exchange itself is pure (`crate::device`); here it gets its streams, its deadlines and its groups. The event loop owns one
//! [`Linking`], hands it what happens on link streams, and calls [`Linking::tick`] when [`Linking::deadline`] has come.

mod groups;
mod join;
mod kin;
mod offer;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::PeerId;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::handle::Handle;
use crate::api::{Code as ErrorCode, Error, Reply};
use crate::device::handover::{Giver, Taker};
use crate::device::parcel::Hello;
use crate::device::{Channel, Code, pake};
use crate::log::keys::LogKey;
use crate::model::id::{GroupId, Peer};
use crate::net;

pub use groups::left;
use join::Join;
use offer::Offer;

/// Most requests of commands that wait.
pub const MAX_REQUESTS: usize = 8;
/// Most link streams at a time, both directions together.
const MAX_SESSIONS: usize = 32;
/// How long one exchange may take in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often devices of the same person are looked for at most.
const KIN_AGAIN: Duration = Duration::from_secs(1);
/// How often an open offer or a search for one is looked after.
const LOOK: Duration = Duration::from_millis(500);
/// When nothing is under way.
const IDLE: Duration = Duration::from_secs(3_600);
/// The first of the numbers of our own link streams; the engine's count from 0.
const FIRST_STREAM: u64 = 1 << 62;

/// What a command wants.
#[derive(Debug)]
pub enum Request {
    /// Offer all groups under a fresh code.
    Offer {
        /// How long the code is good.
        life: Duration,
        /// The code and when it ends, Unix milliseconds; or why not.
        opened: oneshot::Sender<Result<(Code, u64), Error>>,
        /// What came of it. When nobody waits for it any more, the offer ends.
        done: oneshot::Sender<Reply>,
    },
    /// Take the groups of an old device over.
    Join {
        /// The code that it shows.
        code: Code,
        /// Where it may be.
        at: Option<libp2p::Multiaddr>,
        /// How long to look for it.
        wait: Duration,
        /// What came of it. When nobody waits for it any more, the search ends.
        done: oneshot::Sender<Reply>,
    },
}

/// One link stream.
struct Session {
    peer: PeerId,
    deadline: Instant,
    stage: Stage,
}

/// What a link stream has come to.
enum Stage {
    /// A peer opened it and has not spoken.
    Opened,
    /// Old device: the answer to a knock is out.
    Answered(Box<pake::Old>),
    /// New device: asked for, to knock.
    ToKnock,
    /// New device: knocked.
    Knocked(pake::New),
    /// New device: the attempt is made.
    Proving(pake::Proving),
    /// Asked for, to hand groups over to a device of the same person.
    ToGreet(GroupId),
    /// The greeting is out.
    Greeted(crate::device::kin::Opener, GroupId),
    /// The channel is there, and the other device is to prove its log; in this group, when we opened the stream.
    Proof(Box<Channel>, Option<GroupId>),
    /// Handing over.
    Giving(Box<Giver>, Why),
    /// Taking over.
    Taking(Box<Taking>),
}

/// What groups are handed over for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A code was typed.
    Linked,
    /// The devices were linked before.
    Kin,
}

/// Taking over, and what was chosen.
struct Taking {
    taker: Taker,
    why: Why,
    hello: Hello,
    logs: BTreeMap<GroupId, LogKey>,
}

/// The exchange broke off.
struct Broken(&'static str);

impl From<crate::device::Failed> for Broken {
    fn from(_: crate::device::Failed) -> Self {
        Self("the other device broke the exchange")
    }
}

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self("the node ends")
    }
}

/// All that is under way.
pub struct Linking {
    handle: Handle,
    commands: net::Commands,
    requests: mpsc::Receiver<Request>,
    own: Peer,
    offer: Option<Offer>,
    join: Option<Join>,
    sessions: BTreeMap<u64, Session>,
    next_stream: u64,
    /// The secret of the person's devices, once it was read.
    secret: Option<[u8; 32]>,
    /// When to look for connected devices of the same person.
    look_for_kin: Option<Instant>,
    looked_for_kin: Instant,
    /// When to look after the offer and the search next, while there is one.
    look_at: Instant,
    given: BTreeMap<PeerId, kin::Given>,
}

impl Linking {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new(handle: Handle, commands: net::Commands, requests: mpsc::Receiver<Request>, own: Peer) -> Self {
        Self {
            handle,
            commands,
            requests,
            own,
            offer: None,
            join: None,
            sessions: BTreeMap::new(),
            next_stream: FIRST_STREAM,
            secret: None,
            look_for_kin: None,
            looked_for_kin: Instant::now(),
            look_at: Instant::now(),
            given: BTreeMap::new(),
        }
    }

    /// The next request of a command; waits for ever when there is none.
    pub async fn request(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }

    /// Begins what a command wants.
    pub async fn begin(&mut self, request: Request) {
        match request {
            Request::Offer { life, opened, done } => self.begin_offer(life, opened, done).await,
            Request::Join { code, at, wait, done } => self.begin_join(code, at, wait, done).await,
        }
    }

    /// When to come back with [`Linking::tick`].
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let open = self.offer.is_some() || self.join.is_some();
        let sessions = self.sessions.values().map(|s| s.deadline);
        let due = sessions.chain(self.look_for_kin).chain(open.then_some(self.look_at)).min();
        due.unwrap_or_else(|| Instant::now() + IDLE)
    }

    /// Looks after everything. `speaking` are the connected peers that know the protocol.
    pub async fn tick(&mut self, speaking: &BTreeSet<PeerId>) {
        let now = Instant::now();
        let late: Vec<u64> = self.sessions.iter().filter(|(_, s)| s.deadline <= now).map(|(n, _)| *n).collect();
        for stream in late {
            self.end(stream, "it took too long").await;
        }
        if self.look_at <= now {
            self.look_at = now + LOOK;
            self.look_after_offer(now).await;
            self.look_after_join(now, speaking).await;
        }
        self.look_after_kin(now).await;
    }

    /// Whether a stream is one of these.
    #[must_use]
    pub fn has(&self, stream: u64) -> bool {
        self.sessions.contains_key(&stream)
    }

    /// A link stream is open: one that was asked for, or one that a peer opened.
    pub async fn opened(&mut self, stream: u64, peer: PeerId) {
        if let Some(session) = self.sessions.get_mut(&stream) {
            match std::mem::replace(&mut session.stage, Stage::Opened) {
                Stage::ToKnock => self.knock(stream, peer).await,
                Stage::ToGreet(group) => self.greet(stream, peer, group).await,
                other => session.stage = other,
            }
            return;
        }
        if stream >= FIRST_STREAM && stream.is_multiple_of(2) {
            // One of ours that was given up meanwhile.
            self.close(stream).await;
            return;
        }
        let expects = self.read_secret().await.is_some() || self.offer.as_ref().is_some_and(Offer::is_open);
        if !expects || self.sessions.len() >= MAX_SESSIONS {
            self.close(stream).await;
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        self.sessions.insert(stream, Session { peer, deadline, stage: Stage::Opened });
    }

    /// A frame came on a link stream.
    pub async fn frame(&mut self, stream: u64, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(&stream) else { return };
        let peer = session.peer;
        // A stage that fails is gone: nothing can be tried twice on one stream.
        let stage = std::mem::replace(&mut session.stage, Stage::Opened);
        let next = match stage {
            Stage::Opened => self.spoke_first(stream, peer, bytes).await,
            Stage::Answered(old) => self.attempted(stream, *old, bytes).await,
            Stage::Knocked(new) => self.answered(stream, new, bytes).await,
            Stage::Proving(proving) => self.proven(stream, proving, bytes),
            Stage::Greeted(opener, group) => self.greeted(stream, opener, group, bytes).await,
            Stage::Proof(channel, group) => self.proved_log(stream, *channel, group, bytes).await,
            Stage::Giving(giver, why) => self.giving(stream, peer, giver, why, bytes).await,
            Stage::Taking(taking) => self.taking(stream, peer, taking, bytes).await,
            Stage::ToKnock | Stage::ToGreet(_) => Err(Broken("a frame before the stream was open")),
        };
        match next {
            Ok(Some(stage)) => {
                if let Some(session) = self.sessions.get_mut(&stream) {
                    session.stage = stage;
                }
            }
            // Done: what was sent last goes out before the stream is closed.
            Ok(None) => {
                self.sessions.remove(&stream);
                self.close(stream).await;
            }
            Err(Broken(why)) => self.end(stream, why).await,
        }
    }

    /// A link stream is closed, or could not be opened.
    pub async fn closed(&mut self, stream: u64) {
        if self.sessions.remove(&stream).is_some() {
            self.lost(stream, "the connection was lost").await;
        }
    }

    /// A peer is gone.
    pub fn disconnected(&mut self, peer: &PeerId) {
        self.given.remove(peer);
        if let Some(join) = &mut self.join {
            join.forget(peer);
        }
    }

    /// The secret of the person's devices, if this device was ever linked.
    async fn read_secret(&mut self) -> Option<[u8; 32]> {
        if self.secret.is_none() {
            let read = self.handle.on_engine(|engine| groups::secret(engine.store())).await;
            self.secret = read.ok().flatten();
        }
        self.secret
    }

    /// The first frame on a stream that a peer opened.
    async fn spoke_first(&mut self, stream: u64, peer: PeerId, bytes: &[u8]) -> Result<Option<Stage>, Broken> {
        if let Some(next) = self.knocked(stream, peer, bytes).await {
            return Ok(Some(next));
        }
        self.was_greeted(stream, peer, bytes).await
    }

    /// Opens a link stream to a peer.
    async fn open(&mut self, peer: PeerId, stage: Stage) -> Option<u64> {
        if self.sessions.len() >= MAX_SESSIONS {
            return None;
        }
        let stream = self.next_stream;
        self.next_stream += 2;
        self.sessions.insert(stream, Session { peer, deadline: Instant::now() + PATIENCE, stage });
        // The network is gone only when the node ends.
        let _ = self.commands.send(net::Command::OpenLink { stream, peer }).await;
        Some(stream)
    }

    async fn send(&self, stream: u64, bytes: Vec<u8>) {
        let _ = self.commands.send(net::Command::SendFrame { stream, bytes }).await;
    }

    async fn close(&self, stream: u64) {
        let _ = self.commands.send(net::Command::CloseStream(stream)).await;
    }

    /// Ends a session that went wrong.
    async fn end(&mut self, stream: u64, why: &'static str) {
        if self.sessions.remove(&stream).is_some() {
            self.close(stream).await;
            self.lost(stream, why).await;
        }
    }

    /// A session ended before it was done: whoever depended on it is told.
    async fn lost(&mut self, stream: u64, why: &'static str) {
        tracing::debug!(stream, why, "a link stream ended");
        self.offer_lost(stream, why).await;
        self.join_lost(stream, why);
    }
}

/// A peer as the core knows it.
fn pure(peer: &PeerId) -> Option<Peer> {
    Peer::new(&peer.to_bytes())
}

/// The peer that has a transport key.
pub fn peer_of(transport: [u8; 32]) -> Option<Peer> {
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(&transport).ok()?;
    pure(&libp2p::identity::PublicKey::from(key).to_peer_id())
}

/// Whether nobody waits for the answer any more.
fn is_abandoned(done: &oneshot::Sender<Reply>) -> bool {
    done.is_closed()
}

/// An object of a link that was made.
fn linked(peer: &PeerId, label: &str, more: Value) -> Value {
    let mut value = serde_json::json!({ "v": 1, "linked": true, "peer_id": peer.to_string(), "name": label });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

fn busy(what: &str) -> Error {
    Error::new(
        ErrorCode::Locked,
        format!("{what} is under way already"),
        "wait until it ends, or end the other command",
    )
}
