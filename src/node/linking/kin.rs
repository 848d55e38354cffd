//! Devices that were linked before: a group that one of them has and the other lacks follows by itself.
//!
//! A device opens a stream to every connected one of the same person, once per connection and again whenever its own groups have changed,
//! and hands over what the other one lacks. Each side sees to its own groups, so in the end both have all.

use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use super::groups;
use super::{Broken, KIN_AGAIN, Linking, Stage, Taking, Why, pure};
use crate::device::handover::Giver;
use crate::device::parcel::Say;
use crate::device::{Channel, kin};
use crate::model::id::GroupId;
use crate::node::core::{now_ms, random};

/// How long a device that did not take what it was offered is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// What was handed over to a connected device.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The groups that this device had.
    groups: Vec<GroupId>,
    /// Whether the other one has them all.
    done: bool,
    tried: Instant,
}

impl Linking {
    /// Something changed: look for connected devices of the same person, in a moment.
    pub fn look_for_kin(&mut self) {
        let soon = (self.looked_for_kin + KIN_AGAIN).max(Instant::now());
        self.look_for_kin.get_or_insert(soon);
    }

    /// Opens a stream to every connected device of the same person that may lack a group.
    pub(super) async fn look_after_kin(&mut self, now: Instant) {
        if self.look_for_kin.is_none_or(|at| now < at) {
            return;
        }
        (self.look_for_kin, self.looked_for_kin) = (None, now);
        if self.read_secret().await.is_none() {
            return;
        }
        let found = self.handle.on_engine(|engine| {
            let kin = groups::kin(engine, now_ms())?;
            Ok((kin, engine.groups().collect::<Vec<_>>()))
        });
        let Ok((devices, groups)) = found.await else { return };
        for (peer, group) in devices {
            let Ok(peer) = PeerId::from_bytes(peer.as_bytes()) else { continue };
            let known = self.given.get(&peer);
            let due =
                known.is_none_or(|given| given.groups != groups || (!given.done && now >= given.tried + TRY_AGAIN));
            let busy = self.sessions.values().any(|session| session.peer == peer);
            if due && !busy && self.open(peer, Stage::ToGreet(group)).await.is_some() {
                self.given.insert(peer, Given { groups: groups.clone(), done: false, tried: now });
            }
        }
    }

    /// A device has taken everything.
    pub(super) async fn gave(&mut self, peer: PeerId) {
        if let Some(given) = self.given.get_mut(&peer) {
            given.done = true;
        }
    }

    /// A stream to another device is open.
    pub(super) async fn greet(&mut self, stream: u64, peer: PeerId, group: GroupId) {
        let (Some(secret), Some(answerer)) = (self.read_secret().await, pure(&peer)) else {
            self.end(stream, "this device was never linked").await;
            return;
        };
        let ends = kin::Ends { opener: self.own.clone(), answerer };
        let (opener, greeting) = kin::Opener::greet(secret, ends, random());
        if let Some(session) = self.sessions.get_mut(&stream) {
            session.stage = Stage::Greeted(opener, group);
        }
        self.send(stream, greeting).await;
    }

    /// Another device greets this one.
    pub(super) async fn was_greeted(
        &mut self,
        stream: u64,
        peer: PeerId,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        const STRANGER: Broken = Broken("neither the code's nor one of this person's devices");
        let opener = pure(&peer).ok_or(STRANGER)?;
        let secret = self.secret.ok_or(STRANGER)?;
        let ends = kin::Ends { opener, answerer: self.own.clone() };
        let (channel, here) = kin::answer(&secret, &ends, random(), bytes).ok_or(STRANGER)?;
        self.send(stream, here).await;
        Ok(Some(Stage::Proof(Box::new(channel), None)))
    }

    /// The other device holds the secret; now each proves its log.
    pub(super) async fn greeted(
        &mut self,
        stream: u64,
        opener: kin::Opener,
        group: GroupId,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        let mut channel = opener.finish(bytes)?;
        self.prove_log(stream, &mut channel, group, true).await?;
        Ok(Some(Stage::Proof(Box::new(channel), Some(group))))
    }

    /// The other device's proof of its log: the fold of the group says whether it is the same person's, and was not removed.
    pub(super) async fn proved_log(
        &mut self,
        stream: u64,
        mut channel: Channel,
        ours: Option<GroupId>,
        bytes: &[u8],
    ) -> Result<Option<Stage>, Broken> {
        let Say::Proof { group, log, signature } = Say::decode(&channel.open(bytes)?)? else {
            return Err(Broken("a device that does not prove its log"));
        };
        let opened = ours.is_some();
        let holds =
            ours.is_none_or(|ours| ours == group) && kin::proves(log, &signature, channel.transcript(), !opened);
        if !holds || !self.handle.on_engine(move |engine| groups::is_kin(engine, now_ms(), group, log)).await? {
            return Err(Broken("a device that is none of this person's, or was removed"));
        }
        if !opened {
            self.prove_log(stream, &mut channel, group, false).await?;
            return Ok(Some(Stage::Taking(Box::new(Taking::new(channel, Why::Kin)))));
        }
        let hello = self.handle.on_engine(|engine| groups::hello(engine, now_ms(), false)).await?;
        let (giver, frame) = Giver::begin(channel, hello);
        self.send(stream, frame).await;
        Ok(Some(Stage::Giving(Box::new(giver), Why::Kin)))
    }

    async fn prove_log(
        &self,
        stream: u64,
        channel: &mut Channel,
        group: GroupId,
        by_opener: bool,
    ) -> Result<(), Broken> {
        let to_sign = kin::to_sign(channel.transcript(), by_opener);
        let signed = self.handle.on_engine(move |engine| Ok(engine.sign_session(group, &to_sign))).await?;
        let (log, signature) = signed.ok_or(Broken("this device is not in the group any more"))?;
        let frame = channel.seal(&Say::Proof { group, log, signature }.encode());
        self.send(stream, frame).await;
        Ok(())
    }
}
