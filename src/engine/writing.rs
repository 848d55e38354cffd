//! Own writes: founding and joining groups, and appending to one's own log.

use super::chains::Chain;
use super::deciding::Forbidden;
use super::group::Accepted;
use super::io::{Event, Output};
use super::keeping::MAX_KEPT;
use super::store::{GroupRow, Store};
use super::{Engine, Group};
use crate::gossip::frame;
use crate::log::entry::{self, Place, Verified};
use crate::log::envelope;
use crate::log::header::MAX_CONTROL_HEADS;
use crate::log::keys::{GroupKeys, LogKey, SEED_BYTES, invite_key, request_key};
use crate::log::person;
use crate::log::run::Authentic;
use crate::log::seal::TooLong;
use crate::model::action::{Accept, Action, Class, Genesis, GroupKind, GroupName, Profile, ReadError, Request, Role};
use crate::model::id::{EntryId, EpochId, GroupId, InviteId, LogId};
use crate::model::limits::MAX_GROUPS;
use crate::sync::handshake::Standing;

/// How long after a write that did not go out by itself all of them are announced, in milliseconds.
const ANNOUNCE_MS: u64 = 1_000;

/// Why an own write is refused; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E: std::error::Error> {
    /// The node is not in this group.
    #[error("this node is not in the group {0}")]
    NoGroup(GroupId),
    /// A field breaks its bound.
    #[error(transparent)]
    Bounds(#[from] ReadError),
    /// It is not for this installation to write now.
    #[error(transparent)]
    NoWrite(#[from] NoWrite),
    /// It is not for this person to decide.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It does not fit one entry.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The store failed.
    #[error(transparent)]
    Store(E),
}

/// Why an installation may not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWrite {
    /// It was not let in yet, or the key to write under has not come: what is written can be kept until then.
    #[error("this node waits to be let in, or for a key")]
    Waits,
    /// It may read only.
    #[error("you are a reader of this group: ask an admin to make you a member")]
    Reads,
    /// It keeps what it can not read.
    #[error("this node is a keeper of the group: it stores and serves, and does not write")]
    Keeps,
    /// It was removed.
    #[error("you were removed from this group; what you wrote before is here and stays")]
    Removed,
    /// As many writes wait as may.
    #[error("{MAX_KEPT} entries wait to be sent already")]
    TooMany,
}

/// What a ticket gives to whoever joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joining {
    /// The group's seed.
    pub seed: [u8; SEED_BYTES],
    /// The secret of an invite; none in an open group.
    pub invite: Option<[u8; SEED_BYTES]>,
}

/// Why a group can not be founded or joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError<E: std::error::Error> {
    /// As many groups as a node takes part in.
    #[error("a node takes part in at most {MAX_GROUPS} groups; leave one first")]
    TooMany,
    /// A first entry could not be written.
    #[error(transparent)]
    Write(#[from] WriteError<E>),
    /// The store failed.
    #[error(transparent)]
    Store(E),
}

impl<S: Store> Engine<S> {
    /// Founds a group with its first entries: genesis, the founder's endorsement and name, the group's name.
    ///
    /// # Errors
    /// When there are too many groups, a name breaks its bound, or the store fails.
    pub fn create_group(&mut self, now: u64, kind: GroupKind, name: &str) -> Result<GroupId, JoinError<S::Error>> {
        if self.groups.len() >= MAX_GROUPS {
            return Err(JoinError::TooMany);
        }
        let named = Action::GroupName(GroupName { name: name.to_owned(), supersedes: vec![] });
        named.check().map_err(WriteError::Bounds)?;
        let seed: [u8; SEED_BYTES] = self.entropy.array();
        let log = LogKey::from_seed(&self.entropy.array());
        let genesis = Action::Genesis(Genesis { kind, salt: self.entropy.array() });
        let place = Place { group: GroupId::ZERO, seq: 0, prev: EntryId::ZERO, control_heads: vec![] };
        let keys = GroupKeys::from_seed(&seed);
        let time = crate::model::time::Clock::default().issue(now);
        let first =
            entry::write(&log, &keys, place, time, &genesis, self.entropy.array()).map_err(WriteError::TooLong)?;
        let id = entry::group_id(&first.header_bytes);
        self.add(
            now,
            GroupRow { id, seed, log_keys: vec![log.to_seed()], joined_ms: now, kind: None, before: vec![] },
        )?;
        self.append_own(now, id, &first).map_err(JoinError::Store)?;
        self.endorse(now, id)?;
        if kind == GroupKind::Closed {
            self.settle(now, id).map_err(JoinError::Store)?;
            self.begin_epoch(now, id).map_err(JoinError::Store)?;
        }
        self.present(now, id)?;
        self.write(now, id, &named)?;
        Ok(id)
    }

    /// Joins a group; the entries come by sync. In a closed group this asks to be let in. Joining again changes nothing for who
    /// is in; who is not asks again.
    ///
    /// # Errors
    /// When there are too many groups, or the store fails.
    pub fn join_group(&mut self, now: u64, id: GroupId, joining: Joining) -> Result<bool, JoinError<S::Error>> {
        if self.groups.contains_key(&id) {
            self.settle(now, id).map_err(JoinError::Store)?;
            let Some(group) = self.groups.get(&id) else { return Ok(false) };
            let inside = group.members.role_of_log(group.me.id()).is_some();
            if let (Some(secret), false) = (joining.invite, inside) {
                self.ask(now, id, &secret)?;
            }
            return Ok(false);
        }
        if self.groups.len() >= MAX_GROUPS {
            return Err(JoinError::TooMany);
        }
        let log_keys = vec![self.entropy.array()];
        let kind = joining.invite.map(|_| GroupKind::Closed);
        self.add(now, GroupRow { id, seed: joining.seed, log_keys, joined_ms: now, kind, before: vec![] })?;
        self.endorse(now, id)?;
        if let Some(secret) = joining.invite {
            self.ask(now, id, &secret)?;
        }
        self.present(now, id)?;
        Ok(true)
    }

    /// Asks to be let in: proves the secret of the invite without saying it.
    fn ask(&mut self, now: u64, id: GroupId, secret: &[u8; SEED_BYTES]) -> Result<(), WriteError<S::Error>> {
        let group = self.groups.get(&id).ok_or(WriteError::NoGroup(id))?;
        let invite = invite_key(secret);
        let proof = invite.sign_invite(id, LogId(group.person().0));
        let name = envelope::seal_name(&request_key(secret), &self.identity.name, self.entropy.array());
        self.write(now, id, &Action::Request(Request { invite: InviteId(invite.id().0), proof, name }))?;
        // What was told of an earlier request is over.
        if let Some(group) = self.groups.get_mut(&id) {
            group.standing = Standing::Unknown;
        }
        Ok(())
    }

    /// Leaves a group and forgets everything of it here.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leave_group(&mut self, id: GroupId) -> Result<bool, S::Error> {
        let Some(group) = self.groups.remove(&id) else { return Ok(false) };
        self.topics.remove(&group.topic);
        self.output(Output::Unsubscribe(group.topic));
        self.output(Output::StopProviding(group.keys.dht_key()));
        let of_group = self.streams.iter().filter(|(_, s)| s.group() == Some(id));
        for stream in of_group.map(|(stream, _)| *stream).collect::<Vec<_>>() {
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
        }
        self.store.remove_group(id)?;
        Ok(true)
    }

    /// Writes an entry. It is announced by the outputs, so after the commit.
    ///
    /// # Errors
    /// When the action breaks a bound or is too long, the node is not in the group, or the store fails.
    pub fn write(&mut self, now: u64, id: GroupId, action: &Action) -> Result<EntryId, WriteError<S::Error>> {
        action.check()?;
        self.settle(now, id).map_err(WriteError::Store)?;
        let epoch = match action.class() {
            Class::Control => {
                self.merge_heads(now, id)?;
                EpochId::ZERO
            }
            Class::Content => self.epoch_to_write(now, id)?,
        };
        let group = self.groups.get_mut(&id).ok_or(WriteError::NoGroup(id))?;
        let own = group.logs.get(&group.me.id()).and_then(|log| log.chains.first());
        let (seq, prev) = own.and_then(|c: &Chain| c.tip.as_ref()).map_or((0, EntryId::ZERO), |t| (t.seq + 1, t.id));
        let place = Place { group: id, seq, prev, control_heads: group.acts.to_name() };
        let time = group.clock.issue(now);
        let entry = entry::write_under(&group.me, &group.keys, epoch, place, time, action, self.entropy.array())?;
        self.append_own(now, id, &entry).map_err(WriteError::Store)?;
        Ok(entry.id)
    }

    /// The epoch to write under; one is begun where there is none and this installation may.
    fn epoch_to_write(&mut self, now: u64, id: GroupId) -> Result<EpochId, WriteError<S::Error>> {
        let group = self.groups.get(&id).ok_or(WriteError::NoGroup(id))?;
        match group.may_write() {
            Ok(epoch) => return Ok(epoch),
            Err(NoWrite::Waits) => {}
            Err(other) => return Err(other.into()),
        }
        let writes = group.members.role_of_log(group.me.id()).is_some_and(Role::writes);
        let awaited = group.members.latest_epochs().any(|epoch| group.keyring.is_awaited(epoch, now));
        if !writes || awaited {
            return Err(NoWrite::Waits.into());
        }
        self.begin_epoch(now, id).map_err(WriteError::Store)?;
        let group = self.groups.get(&id).ok_or(WriteError::NoGroup(id))?;
        Ok(group.may_write()?)
    }

    /// When there are more control heads than an entry names, entries that say nothing merge them first: an act has then seen
    /// everything that is known here.
    fn merge_heads(&mut self, now: u64, id: GroupId) -> Result<(), WriteError<S::Error>> {
        let heads = |engine: &Self| engine.groups.get(&id).map_or(0, |g| g.acts.heads());
        while heads(self) > MAX_CONTROL_HEADS {
            let group = self.groups.get_mut(&id).ok_or(WriteError::NoGroup(id))?;
            let own = group.logs.get(&group.me.id()).and_then(|log| log.chains.first());
            let (seq, prev) =
                own.and_then(|c: &Chain| c.tip.as_ref()).map_or((0, EntryId::ZERO), |t| (t.seq + 1, t.id));
            if seq == 0 {
                // A log begins with its endorsement, whatever there is.
                return Ok(());
            }
            let place = Place { group: id, seq, prev, control_heads: group.acts.to_name() };
            let time = group.clock.issue(now);
            let merge = Action::Accept(Accept { entries: vec![] });
            let entry = entry::write(&group.me, &group.keys, place, time, &merge, self.entropy.array())?;
            self.append_own(now, id, &entry).map_err(WriteError::Store)?;
        }
        Ok(())
    }

    /// Goes on in a fresh log where somebody else has written in ours: a copy of this directory, or a backup of it.
    pub(super) fn rotate_forked(&mut self, now: u64) -> Result<(), S::Error> {
        let forked: Vec<GroupId> = self.groups.values().filter(|g| g.forked).map(Group::id).collect();
        for id in forked {
            self.rotate(now, id)?;
        }
        Ok(())
    }

    /// Takes a fresh log key in one group and links it to the person.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rotate(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        group.forked = false;
        let old = group.me.id();
        group.me = LogKey::from_seed(&self.entropy.array());
        group.row.log_keys.push(group.me.to_seed());
        group.own.push(group.me.id());
        let new = group.me.id();
        self.store.put_group(&group.row)?;
        self.event(Event::Forked { group: id, old, new });
        match self.endorse(now, id) {
            Ok(_) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
            Err(other) => unreachable!("an endorsement is within its bounds: {other}"),
        }
    }

    pub(super) fn add(&mut self, now: u64, row: GroupRow) -> Result<(), JoinError<S::Error>> {
        self.store.put_group(&row).map_err(JoinError::Store)?;
        let group = Group::load(&mut self.store, row, now, &mut self.entropy).map_err(JoinError::Store)?;
        self.adopt(group);
        Ok(())
    }

    /// What a person is called; who is not in yet says it later.
    fn present(&mut self, now: u64, id: GroupId) -> Result<(), WriteError<S::Error>> {
        let name = self.identity.name.clone();
        if name.is_empty() {
            return Ok(());
        }
        let profile = Action::Profile(Profile { name, supersedes: vec![] });
        match self.write(now, id, &profile) {
            Err(WriteError::NoWrite(NoWrite::Waits)) => self.keep(now, id, &profile).map(drop),
            // Keepers and readers have nothing to say.
            Ok(_) | Err(WriteError::NoWrite(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    pub(super) fn endorse(&mut self, now: u64, id: GroupId) -> Result<EntryId, WriteError<S::Error>> {
        let group = self.groups.get(&id).ok_or(WriteError::NoGroup(id))?;
        let endorse = person::endorse_with(id, group.me.id(), &self.identity.transport, group.chain());
        self.write(now, id, &Action::Endorse(endorse))
    }

    fn append_own(&mut self, now: u64, id: GroupId, entry: &Verified) -> Result<(), S::Error> {
        let authentic = Authentic { id: entry.id, header: entry.header.clone() };
        let accepted = self.take_one(now, id, &authentic, &entry.body, Some(entry.signature), true)?;
        debug_assert!(matches!(accepted, Accepted::New { .. }), "an own entry is always the next one");
        self.news(now, id);
        let Some(group) = self.groups.get_mut(&id) else { return Ok(()) };
        if group.connected.is_empty() {
            return Ok(());
        }
        let frame = if group.bucket.take(now) {
            frame::entry(&group.keys, group.topic, entry, self.entropy.array())
        } else {
            None
        };
        match frame {
            Some(bytes) => {
                let topic = group.topic;
                self.output(Output::Publish(topic, bytes));
            }
            // Many writes in a row are announced together.
            None => drop(group.announce_at.get_or_insert(now + ANNOUNCE_MS)),
        }
        Ok(())
    }
}
