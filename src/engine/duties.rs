//! What membership asks of a node that is in: letting in who brings a good invite, beginning and handing on key epochs.
//!
//! Several nodes may see to the same thing at once; doing it twice harms nothing, and a random delay makes it rare.

use super::group::Group;
use super::io::Event;
use super::store::Store;
use super::writing::{NoWrite, WriteError};
use super::{Engine, Stream};
use crate::log::envelope;
use crate::log::seal::Key;
use crate::model::action::{Action, Admit, AskKeys, Epoch, GroupKind, Redeemed, Role, Sealed, Seals, Wrapped};
use crate::model::id::{EpochId, GroupId, LogId, Peer};
use crate::model::limits::{MAX_PARENTS, MAX_SEALS};
use crate::sync::handshake::Standing;
use crate::sync::message::MAX_KEYS;

/// How long a node waits at most before it sees to what others may see to as well, in milliseconds.
const SPREAD_MS: u64 = 300;
/// How long keys are waited for before they are asked for, and asked for again, in milliseconds.
const ASK_MS: u64 = 3_000;
const ASK_AGAIN_MS: u64 = 60_000;
/// Most people let in at once; the rest follows.
const MAX_ADMITTED: usize = 64;

impl<S: Store> Engine<S> {
    /// Folds what came, and sees to what is due.
    pub(super) fn see_to_members(&mut self, now: u64) -> Result<(), S::Error> {
        let due: Vec<GroupId> = self
            .groups
            .values()
            .filter(|g| {
                let due = [g.fold_at, g.duty_at, g.lift_at].into_iter().flatten().any(|at| at <= now);
                due || g.keyring.fresh
            })
            .map(Group::id)
            .collect();
        for id in due {
            self.settle(now, id)?;
            let spread = self.entropy.below(SPREAD_MS);
            let Some(group) = self.groups.get_mut(&id) else { continue };
            if group.lift_at.is_some_and(|at| at <= now) {
                group.lift_all(&mut self.store)?;
            }
            if group.duty_at.is_some_and(|at| at <= now) {
                group.duty_at = None;
                self.duties(now, id, spread)?;
            }
        }
        Ok(())
    }

    /// Makes the views of every group anew.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild(&mut self) -> Result<(), S::Error> {
        self.groups.values_mut().try_for_each(|group| group.read_all(&mut self.store))
    }

    /// Folds the control entries of a group that came since the last time.
    pub(super) fn settle(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        if group.fold_at.is_none() {
            // Every write comes by here: what follows takes as long as the group is large.
            return group.read_waiting(&mut self.store);
        }
        let (persons, requests) = (group.members.persons().clone(), group.members.requests().len());
        if group.settle(&mut self.store, now)? {
            let changed = persons != *group.members.persons();
            let asked = group.members.requests().len() > requests;
            // Whoever may read now is served, and whoever may not is not any more.
            if changed {
                self.cut_off(id);
                self.event(Event::Members { group: id });
            }
            if asked {
                self.event(Event::Requested { group: id });
            }
        }
        Ok(())
    }

    /// Ends the streams on which somebody is served who may not read any more.
    fn cut_off(&mut self, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        let may = |log: LogId| group.may_read(log);
        let over: Vec<_> = self
            .streams
            .iter()
            .filter(|(_, s)| matches!(s, Stream::Serve(s) if s.group == Some(id) && s.log.is_some_and(|log| !may(log))))
            .map(|(stream, _)| *stream)
            .collect();
        for stream in over {
            self.streams.remove(&stream);
            self.output(super::io::Output::Close(stream));
        }
    }

    fn duties(&mut self, now: u64, id: GroupId, spread: u64) -> Result<(), S::Error> {
        self.cut_off_forkers(now, id)?;
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        if group.members.kind() == Some(GroupKind::Open) {
            return self.send_kept(now, id);
        }
        let role = group.members.role_of_log(group.me.id());
        if !role.is_some_and(Role::reads) || !group.acts.is_complete() {
            return Ok(());
        }
        // The others see the same at the same time; who is alone does not wait for them.
        let alone = group.members_in().next().is_none();
        let work = group.has_work(now, role);
        if work && !alone && group.spread_at.is_none() {
            group.spread_at = Some(now + spread);
        }
        if let Some(at) = group.spread_at
            && now < at
        {
            group.duty_at = Some(at);
            return Ok(());
        }
        group.spread_at = None;
        if role.is_some_and(Role::writes) {
            self.let_in(now, id)?;
            self.begin_where_none(now, id)?;
        }
        self.hand_on(now, id)?;
        self.ask_for_keys(now, id)?;
        self.send_kept(now, id)
    }

    /// Honours good invites.
    fn let_in(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        for admit in group.to_let_in(now) {
            self.act(now, id, &Action::Admit(admit))?;
        }
        self.settle(now, id)
    }

    /// Begins an epoch where none covers every removal.
    fn begin_where_none(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        if group.epoch_to_write().is_some() {
            return Ok(());
        }
        let latest: Vec<EpochId> = group.members.latest_epochs().collect();
        // There is one whose key has not come: it is asked for first.
        if latest.iter().any(|e| group.keyring.is_awaited(*e, now)) {
            return Ok(());
        }
        self.begin_epoch(now, id).map(drop)
    }

    /// Begins an epoch: a fresh key, the ways back to the keys before it, sealed to everybody who may read.
    pub(super) fn begin_epoch(&mut self, now: u64, id: GroupId) -> Result<Option<EpochId>, S::Error> {
        let key = Key::new(self.entropy.array());
        let Some(group) = self.groups.get(&id) else { return Ok(None) };
        let parents = group.unfollowed();
        let readers: Vec<LogId> = group.members.readers().chain([group.me.id()]).collect();
        let mut wrapped = vec![];
        for (epoch, parent) in parents {
            wrapped.push(Wrapped { epoch, key: envelope::wrap(&key, &parent, self.entropy.array()) });
        }
        let epoch = envelope::epoch_of(&key);
        let mut seals = self.seal(id, epoch, &key, readers);
        let rest = seals.split_off(seals.len().min(MAX_SEALS));
        // The key is here for good before anything is sealed under it.
        if let Some(group) = self.groups.get_mut(&id) {
            group.hold(&mut self.store, key)?;
        }
        self.act(now, id, &Action::Epoch(Epoch { epoch, parents: wrapped, seals }))?;
        for seals in rest.chunks(MAX_SEALS) {
            self.act(now, id, &Action::Seals(Seals { seals: seals.to_vec() }))?;
        }
        self.settle(now, id)?;
        Ok(Some(epoch))
    }

    /// Seals the keys that are written under to whoever may read and lacks them.
    pub(super) fn hand_on(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        let latest: Vec<(EpochId, Key, Vec<LogId>)> = group.to_hand_on();
        let mut seals = vec![];
        for (epoch, key, logs) in latest {
            seals.extend(self.seal(id, epoch, &key, logs));
        }
        for seals in seals.chunks(MAX_SEALS) {
            self.act(now, id, &Action::Seals(Seals { seals: seals.to_vec() }))?;
        }
        self.settle(now, id)
    }

    fn seal(&mut self, id: GroupId, epoch: EpochId, key: &Key, logs: Vec<LogId>) -> Vec<Sealed> {
        let mut logs = logs;
        logs.sort_unstable();
        logs.dedup();
        let sealed = |log| {
            let key = envelope::seal_to(id, log, key, self.entropy.array())?;
            Some(Sealed { epoch, log, key })
        };
        logs.into_iter().filter_map(sealed).collect()
    }

    /// Asks for keys that should have come.
    fn ask_for_keys(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        let known: Vec<EpochId> = group.members.epochs().iter().map(|e| e.epoch).collect();
        let lacking: Vec<EpochId> = known.into_iter().filter(|e| group.keys.epoch(*e).is_none()).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let mut ask = vec![];
        for epoch in lacking.into_iter().take(MAX_PARENTS) {
            let wrong = group.keyring.wrong.remove(&epoch);
            let (since, asked) = group.keyring.lacking.entry(epoch).or_insert((now, None));
            if wrong || now >= asked.map_or(*since + ASK_MS, |at| at + ASK_AGAIN_MS) {
                *asked = Some(now);
                ask.push(epoch);
            }
        }
        group.duty_at = Some(now + ASK_MS);
        if !ask.is_empty() {
            self.act(now, id, &Action::AskKeys(AskKeys { epochs: ask }))?;
        }
        Ok(())
    }

    /// Writes a control entry of our own; what our own code makes is within its bounds.
    pub(super) fn act(&mut self, now: u64, id: GroupId, action: &Action) -> Result<(), S::Error> {
        match self.write(now, id, action) {
            Ok(_) | Err(WriteError::NoGroup(_)) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
            Err(other) => unreachable!("an own control entry is within its bounds: {other}"),
        }
    }
}

impl Group {
    fn has_work(&self, now: u64, role: Option<Role>) -> bool {
        let writes = role.is_some_and(Role::writes);
        (writes && (!self.to_let_in(now).is_empty() || self.members.latest_epochs().next().is_none()))
            || self.to_hand_on().iter().any(|(_, _, logs)| !logs.is_empty())
    }

    /// Whom a good invite lets in.
    fn to_let_in(&self, now: u64) -> Vec<Admit> {
        let mut admits: Vec<Admit> = vec![];
        let mut left: std::collections::BTreeMap<_, usize> = std::collections::BTreeMap::new();
        for request in self.members.requests().iter().filter(|r| !r.refused) {
            let Some(invite) = self.members.invites().get(&request.invite) else { continue };
            let expired = invite.expires_ms != 0 && invite.expires_ms <= now;
            let known = self.members.persons().get(&request.person).is_some_and(|p| p.removed);
            if invite.approve || expired || known || !invite.is_open() {
                continue;
            }
            let room = left.entry(request.invite).or_insert(match invite.uses {
                0 => usize::MAX,
                uses => (uses as usize).saturating_sub(invite.used_by.len()),
            });
            if *room == 0 || admits.iter().any(|a| a.person == request.person) || admits.len() >= MAX_ADMITTED {
                continue;
            }
            *room -= 1;
            let redeemed = Redeemed { invite: request.invite, proof: request.proof };
            admits.push(Admit { person: request.person, role: invite.role, invite: Some(redeemed) });
        }
        admits
    }

    /// The keys that are written under, as far as they are held, with the logs that lack them.
    fn to_hand_on(&self) -> Vec<(EpochId, Key, Vec<LogId>)> {
        let held = |epoch: EpochId| Some((epoch, self.keys.epoch(epoch)?.clone()));
        let latest: Vec<EpochId> = self.members.latest_epochs().collect();
        let wanted = self.members.wanted().filter(|epoch| !latest.contains(epoch));
        let all = latest.iter().copied().chain(wanted).filter_map(held);
        all.map(|(epoch, key)| {
            let lacks: Vec<LogId> = if latest.contains(&epoch) {
                self.members.unsealed(epoch).collect()
            } else {
                self.members.wanted_by(epoch).collect()
            };
            (epoch, key, lacks)
        })
        .collect()
    }

    /// Keys that the writer of a log may lack, sealed to it.
    pub fn keys_for(&self, log: LogId, entropy: &mut super::entropy::Entropy) -> Vec<(EpochId, Vec<u8>)> {
        if !self.members.role_of_log(log).is_some_and(Role::reads) || !self.acts.is_complete() {
            return vec![];
        }
        let held = self.members.latest_epochs().filter_map(|epoch| Some((epoch, self.keys.epoch(epoch)?)));
        let sealed =
            held.filter_map(|(epoch, key)| Some((epoch, envelope::seal_to(self.id(), log, key, entropy.array())?)));
        sealed.take(MAX_KEYS).collect()
    }

    /// The epoch that is written under; none when no key of one is held that covers every removal.
    pub fn epoch_to_write(&self) -> Option<EpochId> {
        self.members.latest_epochs().find(|epoch| self.keys.epoch(*epoch).is_some())
    }

    /// Held epochs that no known epoch follows.
    fn unfollowed(&self) -> Vec<(EpochId, Key)> {
        let latest: Vec<EpochId> = self.members.epochs().iter().filter(|e| e.latest).map(|e| e.epoch).collect();
        let held = self.keys.held().filter(|(epoch, _)| latest.contains(epoch));
        held.take(MAX_PARENTS).map(|(epoch, key)| (epoch, key.clone())).collect()
    }

    /// Whether whoever writes this log is served.
    pub fn may_read(&self, log: LogId) -> bool {
        match self.members.kind() {
            None if self.row.kind == Some(GroupKind::Closed) => self.has_only_own(),
            None | Some(GroupKind::Open) => true,
            Some(GroupKind::Closed) if self.is_settled() => self.members.role_of_log(log).is_some(),
            Some(GroupKind::Closed) => self.has_only_own(),
        }
    }

    fn has_only_own(&self) -> bool {
        self.logs.keys().all(|log| self.is_own(*log))
    }

    /// Under which epoch this installation writes.
    pub fn may_write(&self) -> Result<EpochId, NoWrite> {
        let role = self.members.role_of_log(self.me.id());
        match self.members.kind().or(self.row.kind) {
            Some(GroupKind::Closed) => {}
            Some(GroupKind::Open) if role.is_none() => return Err(NoWrite::Removed),
            _ => return Ok(EpochId::ZERO),
        }
        match role {
            Some(role) if role.writes() => self.epoch_to_write().ok_or(NoWrite::Waits),
            Some(Role::Keeper) => Err(NoWrite::Keeps),
            Some(_) => Err(NoWrite::Reads),
            None if self.members.is_removed(self.me.id()) || self.standing == Standing::Removed => {
                Err(NoWrite::Removed)
            }
            None => Err(NoWrite::Waits),
        }
    }

    /// Connected members that are in.
    pub fn members_in(&self) -> impl Iterator<Item = &Peer> + '_ {
        self.connected.iter().filter(|(_, m)| m.log.is_some_and(|log| self.may_read(log))).map(|(peer, _)| peer)
    }

    /// Where whoever writes a log stands, and how many entries of it wait for an admin's word.
    pub fn standing_of(&self, now: u64, log: LogId) -> (Standing, u32) {
        if self.may_read(log) {
            let waits = self.row.kind == Some(GroupKind::Closed) && !self.is_settled();
            return (if waits { Standing::Both } else { Standing::In }, 0);
        }
        if self.members.is_removed(log) {
            let chains: Vec<_> = self.logs.get(&log).into_iter().flat_map(|l| l.chains.iter().map(|c| c.no)).collect();
            let waiting = self.withheld.values().filter(|(chain, _)| chains.contains(chain)).count();
            return (Standing::Removed, u32::try_from(waiting).unwrap_or(u32::MAX));
        }
        let request = self.members.requests().iter().rfind(|r| r.log == log);
        let Some(request) = request else { return (Standing::Unknown, 0) };
        let invite = self.members.invites().get(&request.invite);
        let over = invite.is_none_or(|i| !i.is_open() || (i.expires_ms != 0 && i.expires_ms <= now));
        let standing = match invite {
            _ if request.refused => Standing::Refused,
            _ if over => Standing::InviteOver,
            Some(invite) if invite.approve => Standing::NeedsApproval,
            _ => Standing::Asked,
        };
        (standing, 0)
    }
}
