//! What the fold comes to: who belongs, with what right, and what of their logs counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::action::{Cut, GroupKind, Quota, Role};
use crate::model::id::{EntryId, EpochId, InviteId, LogId, PersonId};

/// A person as the group sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The role; `None` for who was never let in, left, or was removed.
    pub role: Option<Role>,
    /// Whether the last word about the person is a removal.
    pub removed: bool,
    /// The control entry that the present role comes from; `None` for the default of an open group.
    pub since: Option<EntryId>,
    /// The place in the line of seniority, lower is more senior; `None` for who decides nothing.
    pub seniority: Option<u64>,
}

/// A log as the group sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose it is.
    pub person: PersonId,
    /// Whether it was removed, or linked by a removed one afterwards.
    pub ended: bool,
}

/// An invite that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteInfo {
    /// The entry that made it.
    pub entry: EntryId,
    /// Who made it.
    pub by: PersonId,
    /// What it makes of people.
    pub role: Role,
    /// How many it lets in; 0 for any number.
    pub uses: u32,
    /// Whom it let in.
    pub used_by: BTreeSet<PersonId>,
    /// When members stop honouring it, Unix milliseconds; 0 for never.
    pub expires_ms: u64,
    /// Whether an admin has to accept.
    pub approve: bool,
    /// Whether it was taken back.
    pub revoked: bool,
    /// The epoch that `request_key` is sealed under.
    pub epoch: EpochId,
    /// The sealed key of names in requests.
    pub request_key: Vec<u8>,
}

impl InviteInfo {
    /// Whether it still lets somebody in, as far as entries tell.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.revoked && (self.uses == 0 || self.used_by.len() < self.uses as usize)
    }
}

/// A request to be let in by somebody who is not in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    /// The request.
    pub entry: EntryId,
    /// Who asks.
    pub person: PersonId,
    /// In which log.
    pub log: LogId,
    /// With which invite.
    pub invite: InviteId,
    /// The proof of the invite's secret; it was checked.
    pub proof: [u8; 64],
    /// The sealed name.
    pub name: Vec<u8>,
    /// Whether an admin turned it down.
    pub refused: bool,
}

/// A key epoch that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochInfo {
    /// The epoch.
    pub epoch: EpochId,
    /// The entry that began it.
    pub entry: EntryId,
    /// Whether nobody holds its key who may not read now.
    pub covers: bool,
    /// Whether no other epoch that covers follows it.
    pub latest: bool,
}

/// How much of a log counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// All of it.
    All,
    /// What lies at or before one of these entries.
    UpTo(&'a [Cut]),
}

/// Who belongs to a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    pub(super) kind: Option<GroupKind>,
    pub(super) persons: BTreeMap<PersonId, Person>,
    pub(super) devices: BTreeMap<LogId, Device>,
    pub(super) cuts: BTreeMap<LogId, Vec<Cut>>,
    pub(super) accepted: BTreeSet<EntryId>,
    pub(super) hidden: BTreeSet<EntryId>,
    pub(super) invites: BTreeMap<InviteId, InviteInfo>,
    pub(super) requests: Vec<RequestInfo>,
    pub(super) asked: BTreeMap<PersonId, RequestInfo>,
    pub(super) epochs: Vec<EpochInfo>,
    pub(super) sealed: BTreeMap<EpochId, BTreeSet<LogId>>,
    pub(super) wanted: BTreeMap<EpochId, BTreeSet<LogId>>,
    pub(super) quota: Quota,
}

impl Members {
    /// Open or closed; `None` while the genesis entry has not come.
    #[must_use]
    pub fn kind(&self) -> Option<GroupKind> {
        self.kind
    }

    /// Everybody who is known, in or out, by id.
    #[must_use]
    pub fn persons(&self) -> &BTreeMap<PersonId, Person> {
        &self.persons
    }

    /// Every log that introduced itself, or was removed.
    #[must_use]
    pub fn devices(&self) -> &BTreeMap<LogId, Device> {
        &self.devices
    }

    /// A person's role; `None` for who is not in. In an open group whoever is not known yet is a member.
    #[must_use]
    pub fn role(&self, person: PersonId) -> Option<Role> {
        match self.persons.get(&person) {
            Some(known) => known.role,
            None => (self.kind == Some(GroupKind::Open)).then_some(Role::Member),
        }
    }

    /// The role that a log's author has, unless the log was removed.
    #[must_use]
    pub fn role_of_log(&self, log: LogId) -> Option<Role> {
        match self.devices.get(&log) {
            Some(device) if device.ended => None,
            Some(device) => self.role(device.person),
            None => self.role(PersonId::from(log)),
        }
    }

    /// The owner.
    #[must_use]
    pub fn owner(&self) -> Option<PersonId> {
        self.persons.iter().find(|(_, p)| p.role == Some(Role::Owner)).map(|(id, _)| *id)
    }

    /// Whether the person or the log was removed: what it says beyond the cut waits for an admin.
    #[must_use]
    pub fn is_removed(&self, log: LogId) -> bool {
        let device = self.devices.get(&log);
        let person = device.map_or(PersonId::from(log), |d| d.person);
        device.is_some_and(|d| d.ended) || self.persons.get(&person).is_some_and(|p| p.removed)
    }

    /// How much of a log of this person counts, quota and single entries aside.
    #[must_use]
    pub fn verdict(&self, person: PersonId, log: LogId) -> Verdict<'_> {
        let ended = self.devices.get(&log).is_some_and(|d| d.ended);
        if !ended && self.role(person).is_some_and(Role::writes) {
            return Verdict::All;
        }
        Verdict::UpTo(self.cuts.get(&log).map_or(&[], Vec::as_slice))
    }

    /// Whether an admin accepted this very entry beyond a cut.
    #[must_use]
    pub fn is_accepted(&self, entry: EntryId) -> bool {
        self.accepted.contains(&entry)
    }

    /// Entries that admins accepted beyond cuts.
    #[must_use]
    pub fn accepted(&self) -> &BTreeSet<EntryId> {
        &self.accepted
    }

    /// Entries that are hidden.
    #[must_use]
    pub fn hidden(&self) -> &BTreeSet<EntryId> {
        &self.hidden
    }

    /// How much each log may hold.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// All invites that count, taken back or used up included.
    #[must_use]
    pub fn invites(&self) -> &BTreeMap<InviteId, InviteInfo> {
        &self.invites
    }

    /// Requests by people who are not in, with a proven invite; in the order of their entries' ids.
    #[must_use]
    pub fn requests(&self) -> &[RequestInfo] {
        &self.requests
    }

    /// How somebody asked to be let in, whether that one is in by now or not.
    #[must_use]
    pub fn asked(&self, person: PersonId) -> Option<&RequestInfo> {
        self.asked.get(&person)
    }

    /// All epochs that count.
    #[must_use]
    pub fn epochs(&self) -> &[EpochInfo] {
        &self.epochs
    }

    /// The epochs that cover every removal and that none such follows, by id: the first is the one to write under.
    pub fn latest_epochs(&self) -> impl Iterator<Item = EpochId> + '_ {
        self.epochs.iter().filter(|e| e.covers && e.latest).map(|e| e.epoch)
    }

    /// The live logs of everybody who may read.
    pub fn readers(&self) -> impl Iterator<Item = LogId> + '_ {
        let reads = |d: &Device| !d.ended && self.role(d.person).is_some_and(Role::reads);
        self.devices.iter().filter(move |(_, d)| reads(d)).map(|(log, _)| *log)
    }

    /// The epochs whose keys somebody asked for and did not get since.
    pub fn wanted(&self) -> impl Iterator<Item = EpochId> + '_ {
        self.wanted.keys().copied()
    }

    /// The live logs of people who may read that asked for the key of an epoch and did not get it since.
    pub fn wanted_by(&self, epoch: EpochId) -> impl Iterator<Item = LogId> + '_ {
        let may = |log: &LogId| self.role_of_log(*log).is_some_and(Role::reads);
        self.wanted.get(&epoch).into_iter().flatten().copied().filter(may)
    }

    /// The live logs of people who may read that no entry seals the key of an epoch to.
    pub fn unsealed(&self, epoch: EpochId) -> impl Iterator<Item = LogId> + '_ {
        let sealed = self.sealed.get(&epoch);
        self.readers().filter(move |log| sealed.is_none_or(|s| !s.contains(log)))
    }
}
