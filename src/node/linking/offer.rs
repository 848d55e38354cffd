//! The old device: it offers all its groups under a code, for one attempt.

use std::time::Duration;

use libp2p::PeerId;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Broken, Linking, Stage, Why, busy, groups, is_abandoned, linked, pure};
use crate::api::{Code as ErrorCode, Error, Reply};
use crate::device::handover::{Giver, ToGive};
use crate::device::message::Message;
use crate::device::{Code, SLOT_MS, pake};
use crate::net;
use crate::node::core::{now_ms, random};
use crate::node::network::without_peer;
use crate::node::service;

/// An offer.
pub(super) struct Offer {
    /// None once the attempt was made.
    code: Option<Code>,
    until: Instant,
    /// Under which keys it is announced in the DHT.
    keys: Vec<[u8; 32]>,
    done: oneshot::Sender<Reply>,
    /// The stream of whoever made the attempt, and proved the code.
    taken_by: Option<u64>,
    label: String,
}

impl Offer {
    /// Whether somebody may still try.
    pub fn is_open(&self) -> bool {
        self.code.is_some() && Instant::now() < self.until && !is_abandoned(&self.done)
    }
}

impl Linking {
    pub(super) async fn begin_offer(
        &mut self,
        life: Duration,
        opened: oneshot::Sender<Result<(Code, u64), Error>>,
        done: oneshot::Sender<Reply>,
    ) {
        let now = Instant::now();
        self.look_after_offer(now).await;
        if self.offer.is_some() {
            let _ = opened.send(Err(busy("linking a device")));
            return;
        }
        let any = self.handle.on_engine(|engine| Ok(engine.groups().next().is_some())).await;
        if !any.unwrap_or(false) {
            let message = "this node is in no group yet: there is nothing to link a device to";
            let remedy = "found a group or join one first, then link the new device";
            let _ = opened.send(Err(Error::new(ErrorCode::NotFound, message, remedy)));
            return;
        }
        let code = Code::draw(random());
        let (ms, slot) = (now_ms(), now_ms() / SLOT_MS);
        let keys = vec![code.dht_key(slot), code.dht_key(slot + 1)];
        for key in &keys {
            let _ = self.commands.send(net::Command::Provide(*key)).await;
        }
        let expires_ms = ms + u64::try_from(life.as_millis()).unwrap_or(u64::MAX / 2);
        self.offer = Some(Offer {
            code: Some(code.clone()),
            until: now + life,
            keys,
            done,
            taken_by: None,
            label: String::new(),
        });
        let _ = opened.send(Ok((code, expires_ms)));
    }

    /// Ends an offer that is over.
    pub(super) async fn look_after_offer(&mut self, now: Instant) {
        let Some(offer) = &self.offer else { return };
        if is_abandoned(&offer.done) {
            let taken_by = offer.taken_by;
            self.end_offer(Err(abandoned())).await;
            if let Some(stream) = taken_by {
                self.end(stream, "the command has ended").await;
            }
        } else if offer.until <= now && offer.taken_by.is_none() {
            let message = "the code has expired, and no device came";
            let remedy = "run `studymesh device link` again, and type the new code on the new device";
            self.end_offer(Err(Error::new(ErrorCode::Timeout, message, remedy))).await;
        }
    }

    async fn end_offer(&mut self, reply: Reply) {
        let Some(offer) = self.offer.take() else { return };
        for key in offer.keys {
            let _ = self.commands.send(net::Command::StopProviding(key)).await;
        }
        // Whoever waited may have gone.
        let _ = offer.done.send(reply);
    }

    /// Answers a knock; none when it is not for an offer that is here: then nothing is used up.
    pub(super) async fn knocked(&mut self, stream: u64, peer: PeerId, bytes: &[u8]) -> Option<Stage> {
        let offer = self.offer.as_ref().filter(|offer| offer.is_open())?;
        let ends = pake::Ends { new: pure(&peer)?, old: self.own.clone() };
        let (old, here) = pake::Old::answer(offer.code.as_ref()?, ends, [random(), random()], bytes)?;
        self.send(stream, here).await;
        Some(Stage::Answered(Box::new(old)))
    }

    /// The one attempt.
    pub(super) async fn attempted(
        &mut self,
        stream: u64,
        old: pake::Old,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        // Whoever answered a knock in time may find that another one was faster.
        let Some(offer) = self.offer.as_mut().filter(|offer| offer.is_open()) else {
            return Err(Broken("the offer is over"));
        };
        offer.code = None;
        let Ok((channel, proven)) = old.check(bytes) else {
            self.send(stream, Message::WrongCode.encode()).await;
            let message = "a device gave a wrong code: the offer has ended, and nothing was handed over";
            let remedy = "run `studymesh device link` again, and type the new code with care";
            self.end_offer(Err(Error::new(ErrorCode::Failed, message, remedy))).await;
            return Ok(None);
        };
        offer.taken_by = Some(stream);
        self.send(stream, proven).await;
        let hello = self.handle.on_engine(|engine| groups::hello(engine, now_ms(), true)).await?;
        self.secret = hello.secret;
        let (giver, frame) = Giver::begin(channel, hello);
        self.send(stream, frame).await;
        Ok(Some(Stage::Giving(Box::new(giver), Why::Linked)))
    }

    /// Hands groups over.
    pub(super) async fn giving(
        &mut self,
        stream: u64,
        peer: PeerId,
        mut giver: Box<Giver>,
        why: Why,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        match giver.handle(bytes)? {
            ToGive::Parcels { label, logs } => {
                if let Some(offer) = self.offer.as_mut().filter(|offer| offer.taken_by == Some(stream)) {
                    offer.label = label;
                }
                let here = self.handle.shell.network(self.handle.started_ms).await.reachable();
                let here: Vec<Vec<u8>> = here.iter().map(|a| without_peer(a).to_vec()).collect();
                let parcels = self.handle.on_engine(move |engine| groups::parcels(engine, &logs, &here)).await?;
                for frame in giver.parcels(parcels) {
                    self.send(stream, frame).await;
                }
                Ok(Some(Stage::Giving(giver, why)))
            }
            ToGive::Done(count) => {
                if why == Why::Linked {
                    // Now that there are two, people want to tell them apart.
                    self.handle.on_engine(move |engine| service::tell_label(engine, now_ms())).await?;
                    if let Some(label) = self.label_of(stream) {
                        self.end_offer(Ok(linked(&peer, &label, json!({ "groups": count })))).await;
                    }
                } else {
                    self.gave(peer).await;
                }
                Ok(None)
            }
            ToGive::Refused(refusal) => {
                tracing::debug!(%peer, ?refusal, "a device wants no groups");
                if why == Why::Linked {
                    let message =
                        "the other device is linked with devices of somebody else, or could not store the groups";
                    let remedy = "use a fresh directory on the other device: `studymesh --home DIR up`";
                    self.end_offer(Err(Error::new(ErrorCode::NotPermitted, message, remedy))).await;
                }
                Ok(None)
            }
        }
    }

    /// What the device is called that took the offer on this stream.
    fn label_of(&self, stream: u64) -> Option<String> {
        self.offer.as_ref().filter(|offer| offer.taken_by == Some(stream)).map(|offer| offer.label.clone())
    }

    /// The stream that the offer depended on is gone.
    pub(super) async fn offer_lost(&mut self, stream: u64, why: &str) {
        if self.offer.as_ref().is_some_and(|offer| offer.taken_by == Some(stream)) {
            let message = format!("the other device proved the code, but did not say that it is done: {why}");
            let remedy = "see on it whether the groups are there (`studymesh group list`); else link it again";
            self.end_offer(Err(Error::new(ErrorCode::Incomplete, message, remedy))).await;
        }
    }
}

fn abandoned() -> Error {
    Error::new(ErrorCode::Failed, "the command that made the offer has ended", "run `studymesh device link` again")
}
