//! The devices of this person: handing a group over to another one, and taking one over.
//!
//! A group follows a person to another device as its seed, the keys of its epochs and a chain of signatures: the person's first
//! log names the next one, and so on, until the log that writes here names the log that the other device will write. The other
//! device's first entry carries that chain, so every member sees one person. `crate::device` brings these over.

use super::Engine;
use super::group::Group;
use super::store::{GroupRow, Store};
use super::writing::JoinError;
use crate::log::keys::{LogKey, SEED_BYTES};
use crate::log::person;
use crate::log::seal::Key;
use crate::model::action::{GroupKind, PersonLink};
use crate::model::id::{EpochId, GroupId, LogId};
use crate::model::limits::{MAX_GROUPS, MAX_PERSON_CHAIN};

/// Most links of a chain that is handed over: a fresh log of the other device still has to fit.
pub const MAX_HANDED_CHAIN: usize = MAX_PERSON_CHAIN - 1;
/// Most epoch keys that are handed over; the entries lead from these to the keys of earlier ones.
pub const MAX_HANDED_KEYS: usize = 64;

/// A group on its way to another device of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The group.
    pub group: GroupId,
    /// The seed that its keys derive from.
    pub seed: [u8; SEED_BYTES],
    /// What the genesis entry says; `None` while it has not come.
    pub kind: Option<GroupKind>,
    /// From the person's first log to the new one, at most [`MAX_HANDED_CHAIN`].
    pub chain: Vec<PersonLink>,
    /// Keys of epochs, those written under first; at most [`MAX_HANDED_KEYS`].
    pub keys: Vec<[u8; 32]>,
}

/// What became of a group that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// This device is in it now, as the same person.
    New,
    /// It was in it before.
    Held,
    /// The chain does not lead to the log that was to be named.
    Broken,
}

/// A log that one of this person's devices writes, or wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnLog {
    /// The log.
    pub log: LogId,
    /// The transport key that it proves.
    pub transport: Option<[u8; 32]>,
    /// Whether it was removed.
    pub ended: bool,
    /// Whether this installation writes it now.
    pub here: bool,
}

impl<S: Store> Engine<S> {
    /// Hands a group over to the device that will write `to`. `None` when the node is not in the group, or the chain is too long.
    #[must_use]
    pub fn hand_over(&mut self, id: GroupId, to: LogId) -> Option<Handed> {
        let group = self.groups.get(&id)?;
        let chain = person::extend(id, &group.chain(), &group.me, to);
        if chain.len() > MAX_HANDED_CHAIN {
            return None;
        }
        let latest: Vec<EpochId> = group.members.latest_epochs().collect();
        let mut held: Vec<(EpochId, &Key)> = group.keys.held().collect();
        held.sort_by_key(|(epoch, _)| !latest.contains(epoch));
        let keys = held.into_iter().take(MAX_HANDED_KEYS).map(|(_, key)| *key.as_bytes()).collect();
        let GroupRow { seed, kind, .. } = group.row;
        Some(Handed { group: id, seed, kind, chain, keys })
    }

    /// Takes a group over that another device of the person hands over, to write `log` in it.
    ///
    /// # Errors
    /// When there are too many groups, or the store fails.
    pub fn take_over(&mut self, now: u64, handed: &Handed, log: &LogKey) -> Result<Taken, JoinError<S::Error>> {
        let id = handed.group;
        if self.groups.contains_key(&id) {
            return Ok(Taken::Held);
        }
        let holds = handed.chain.len() <= MAX_HANDED_CHAIN && person::person_by(id, log.id(), &handed.chain).is_some();
        if !holds {
            return Ok(Taken::Broken);
        }
        if self.groups.len() >= MAX_GROUPS {
            return Err(JoinError::TooMany);
        }
        let row = GroupRow {
            id,
            seed: handed.seed,
            log_keys: vec![log.to_seed()],
            joined_ms: now,
            kind: handed.kind,
            before: handed.chain.clone(),
        };
        self.add(now, row)?;
        if let Some(group) = self.groups.get_mut(&id) {
            for key in handed.keys.iter().take(MAX_HANDED_KEYS) {
                group.hold(&mut self.store, Key::new(*key)).map_err(JoinError::Store)?;
            }
        }
        self.endorse(now, id)?;
        Ok(Taken::New)
    }

    /// The logs of this person in a group, by id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn own_devices(&mut self, now: u64, id: GroupId) -> Result<Vec<OwnLog>, S::Error> {
        self.settle(now, id)?;
        let Some(group) = self.groups.get(&id) else { return Ok(vec![]) };
        let person = group.person();
        let of = group.members.devices().iter().filter(|(_, device)| device.person == person);
        let own = of.map(|(log, device)| OwnLog {
            log: *log,
            transport: group.acts.transport_of(*log),
            ended: device.ended,
            here: *log == group.me.id(),
        });
        Ok(own.collect())
    }

    /// Signs with the log that writes here that it speaks for this transcript; `None` when the node is not in the group.
    #[must_use]
    pub fn sign_session(&self, id: GroupId, transcript: &[u8; 32]) -> Option<(LogId, [u8; 64])> {
        self.groups.get(&id).map(|group| (group.me.id(), group.me.sign_session(transcript)))
    }
}

impl Group {
    /// The chain that leads from the person's first log to the log that writes here; empty when that is the first.
    pub(super) fn chain(&self) -> Vec<PersonLink> {
        // The first log of this installation names every later one: its key is at hand, so the chain stays short.
        match self.row.log_keys.first().map(LogKey::from_seed) {
            Some(first) if first.id() != self.me.id() => {
                person::extend(self.id(), &self.row.before, &first, self.me.id())
            }
            _ => self.row.before.clone(),
        }
    }
}
