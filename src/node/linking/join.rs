//! The new device: it looks for the offer among the peers that it can reach, and tries the code once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::groups::{self, Choice};
use super::{Broken, Linking, Stage, Taking, Why, busy, is_abandoned, linked, pure};
use crate::api::{Code as ErrorCode, Error, Reply};
use crate::device::handover::{Taker, ToTake};
use crate::device::parcel::{Hello, Refusal};
use crate::device::{Code, SLOT_MS, pake};
use crate::log::keys::LogKey;
use crate::model::id::{GroupId, LogId};
use crate::net;
use crate::node::core::{now_ms, random};
use crate::node::service;

/// How long a peer that did not have the offer is left alone.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// Most peers that are asked at a time.
const MAX_ASKED: usize = 8;
/// How often the DHT is asked, and the given address dialled.
const SEARCH_AGAIN: Duration = Duration::from_secs(5);
/// Most peers of which it is remembered that they were asked.
const MAX_REMEMBERED: usize = 1_024;

/// A search for an offer.
pub(super) struct Join {
    code: Code,
    at: Option<Multiaddr>,
    /// Nobody else is asked.
    only: Option<PeerId>,
    until: Instant,
    asked: BTreeMap<PeerId, Instant>,
    searched: Option<Instant>,
    /// The stream on which the attempt was made.
    attempt: Option<u64>,
    done: oneshot::Sender<Reply>,
}

impl Join {
    /// A peer that comes back is asked again.
    pub fn forget(&mut self, peer: &PeerId) {
        self.asked.remove(peer);
    }
}

impl Linking {
    pub(super) async fn begin_join(
        &mut self,
        code: Code,
        at: Option<Multiaddr>,
        wait: Duration,
        done: oneshot::Sender<Reply>,
    ) {
        let now = Instant::now();
        if self.join.as_ref().is_some_and(|join| !is_abandoned(&join.done) || join.attempt.is_some()) {
            let _ = done.send(Err(busy("a search for another device")));
            return;
        }
        let only = match at.as_ref().and_then(|at| at.iter().last()) {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        };
        let asked = BTreeMap::new();
        self.join = Some(Join { code, at, only, until: now + wait, asked, searched: None, attempt: None, done });
    }

    /// Searches on, asks those who were found, and gives up in time.
    pub(super) async fn look_after_join(&mut self, now: Instant, speaking: &BTreeSet<PeerId>) {
        let Some(join) = &mut self.join else { return };
        if is_abandoned(&join.done) {
            let attempt = join.attempt;
            self.join = None;
            if let Some(stream) = attempt {
                self.end(stream, "the command has ended").await;
            }
            return;
        }
        if join.attempt.is_some() {
            return;
        }
        if join.until <= now {
            let message = "no device with this code was met";
            let remedy = "see that the code is still shown there, and name its address with --at if the two are not on one \
                          local network; `studymesh status` on the old device lists its addresses";
            self.end_join(Err(Error::new(ErrorCode::Timeout, message, remedy)));
            return;
        }
        if join.searched.is_none_or(|at| now >= at + SEARCH_AGAIN) {
            join.searched = Some(now);
            let (code, at, only) = (join.code.clone(), join.at.clone(), join.only);
            self.search(&code, at, only).await;
        }
        let Some(join) = &mut self.join else { return };
        let due = |peer: &&PeerId| join.asked.get(*peer).is_none_or(|at| now >= *at + ASK_AGAIN);
        let meant = |peer: &&PeerId| join.only.is_none_or(|only| only == **peer);
        let peers: Vec<PeerId> = speaking.iter().filter(meant).filter(due).take(MAX_ASKED).copied().collect();
        if join.asked.len() >= MAX_REMEMBERED {
            join.asked.clear();
        }
        join.asked.extend(peers.iter().map(|peer| (*peer, now)));
        for peer in peers {
            self.open(peer, Stage::ToKnock).await;
        }
    }

    async fn search(&self, code: &Code, at: Option<Multiaddr>, only: Option<PeerId>) {
        if let Some(at) = at {
            let _ = self.commands.send(net::Command::Dial { peer: only, addresses: vec![at] }).await;
        }
        if only.is_none() {
            // The other device's clock may be in the slot before or after.
            let slot = now_ms() / SLOT_MS;
            for slot in slot.saturating_sub(1)..=slot + 1 {
                let _ = self.commands.send(net::Command::FindProviders(code.dht_key(slot))).await;
            }
        }
    }

    fn end_join(&mut self, reply: Reply) {
        if let Some(join) = self.join.take() {
            // Whoever waited may have gone.
            let _ = join.done.send(reply);
        }
    }

    /// Ends the search whose attempt was made on this stream.
    fn end_attempt(&mut self, stream: u64, reply: Reply) {
        if self.join.as_ref().is_some_and(|join| join.attempt == Some(stream)) {
            self.end_join(reply);
        }
    }

    /// A stream to somebody who may have the offer is open.
    pub(super) async fn knock(&mut self, stream: u64, peer: PeerId) {
        let searching = self.join.as_ref().filter(|join| join.attempt.is_none());
        let (Some(join), Some(old)) = (searching, pure(&peer)) else {
            self.end(stream, "nobody searches any more").await;
            return;
        };
        let ends = pake::Ends { new: self.own.clone(), old };
        let (new, knock) = pake::New::knock(join.code.clone(), ends, random());
        if let Some(session) = self.sessions.get_mut(&stream) {
            session.stage = Stage::Knocked(new);
        }
        self.send(stream, knock).await;
    }

    /// Somebody has the offer: the attempt is made with the first one who does, and with nobody else.
    pub(super) async fn answered(
        &mut self,
        stream: u64,
        new: pake::New,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        let Some(join) = self.join.as_mut().filter(|join| join.attempt.is_none()) else {
            return Err(Broken("the attempt was made elsewhere"));
        };
        let (proving, prove) = new.prove(random(), bytes)?;
        join.attempt = Some(stream);
        self.send(stream, prove).await;
        Ok(Some(Stage::Proving(proving)))
    }

    /// The old device's word on the attempt.
    pub(super) fn proven(
        &mut self,
        stream: u64,
        proving: pake::Proving,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        let Ok(channel) = proving.finish(bytes) else {
            let message = "the code is not the one that the other device shows, or somebody else answered in its place";
            let remedy =
                "the code is used up: run `studymesh device link` on the old device again, and type the new one";
            self.end_attempt(stream, Err(Error::new(ErrorCode::BadInput, message, remedy)));
            return Ok(None);
        };
        Ok(Some(Stage::Taking(Box::new(Taking::new(channel, Why::Linked)))))
    }

    /// Takes groups over.
    pub(super) async fn taking(
        &mut self,
        stream: u64,
        peer: PeerId,
        mut taking: Box<Taking>,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        match taking.taker.handle(bytes)? {
            ToTake::Wait => Ok(Some(Stage::Taking(taking))),
            ToTake::Choose(hello) => {
                taking.hello = hello.clone();
                match self.handle.on_engine(move |engine| groups::choose(engine, now_ms(), &hello)).await? {
                    Choice::Others => {
                        let refuse = taking.taker.refuse(Refusal::Others);
                        self.send(stream, refuse).await;
                        let message = "this device is linked with devices of another person already";
                        let remedy = "link a fresh directory instead: `studymesh --home DIR up`, then join there";
                        self.end_attempt(stream, Err(Error::new(ErrorCode::NotPermitted, message, remedy)));
                        Ok(None)
                    }
                    Choice::Logs(label, wanted) => {
                        let named: Vec<(GroupId, Option<LogId>)> =
                            wanted.iter().map(|(group, log)| (*group, log.as_ref().map(LogKey::id))).collect();
                        taking.logs = wanted.into_iter().filter_map(|(group, log)| Some((group, log?))).collect();
                        let want = taking.taker.want(label, &named);
                        self.send(stream, want).await;
                        Ok(Some(Stage::Taking(taking)))
                    }
                }
            }
            ToTake::Take(parcels) => {
                let (hello, logs) = (taking.hello.clone(), taking.logs.clone());
                let held = taking.hello.groups.len() - taking.logs.len();
                let first = taking.why == Why::Linked;
                let new = self
                    .handle
                    .on_engine(move |engine| {
                        let new = groups::take(engine, now_ms(), &hello, &parcels, &logs)?;
                        if first || !new.is_empty() {
                            service::tell_label(engine, now_ms())?;
                        }
                        Ok(new)
                    })
                    .await?;
                // Everything is durable: now the other device may hear it.
                let done = taking.taker.done(u16::try_from(new.len()).unwrap_or(u16::MAX));
                self.send(stream, done).await;
                self.handle.shell.look_for_members();
                if first {
                    self.secret = taking.hello.secret;
                    let groups: Vec<_> = new.iter().map(|(id, name)| json!({ "group_id": id, "name": name })).collect();
                    let more = json!({ "groups": groups, "person": taking.hello.person, "held": held });
                    self.end_attempt(stream, Ok(linked(&peer, &taking.hello.label, more)));
                }
                Ok(None)
            }
        }
    }

    /// The stream on which the attempt was made is gone.
    pub(super) fn join_lost(&mut self, stream: u64, why: &str) {
        let message = format!("linking broke off: {why}");
        let remedy = "the code is used up: run `studymesh device link` on the old device again";
        self.end_attempt(stream, Err(Error::new(ErrorCode::Incomplete, message, remedy)));
    }
}

impl Taking {
    pub(super) fn new(channel: crate::device::Channel, why: Why) -> Self {
        Self { taker: Taker::new(channel), why, hello: Hello::default(), logs: BTreeMap::new() }
    }
}
