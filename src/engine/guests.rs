//! Who is let near a closed group: what is stored of logs that nobody let in.
//!
//! Whoever is mentioned by an admission, right or wrong, of the founder or of somebody mentioned may have everything stored: this only ever grows, so that nodes that
//! know the same also store the same. Of everybody else a few control entries and branches are stored, once the log brings a proven
//! request; until then its first entry is kept aside in memory.

use std::collections::{BTreeMap, VecDeque};

use super::group::Group;
use super::store::Store;
use crate::log::run::Authentic;
use crate::model::action::{Action, Class, GroupKind};
use crate::model::id::LogId;
use crate::sync::handshake::Standing;

/// Most logs kept aside, per group; the oldest makes room.
const MAX_ASIDE: usize = 64;
/// Most logs of people who asked and are not in, per group.
pub(super) const MAX_ASKING: usize = 512;
/// Most control entries of a branch of such a log.
const MAX_ENTRIES: u64 = 8;
/// Most branches of such a log: whoever was not let in must not take the room of those who are.
pub(super) const MAX_BRANCHES: usize = 8;

/// An entry that waits for the next one of its log.
#[derive(Debug, Clone)]
pub(super) struct Aside {
    pub entry: Authentic,
    pub body: Vec<u8>,
    pub signature: Option<[u8; 64]>,
}

/// First entries of logs that nobody let in yet.
#[derive(Debug, Default)]
pub(super) struct Guests {
    pub aside: BTreeMap<LogId, Aside>,
    order: VecDeque<LogId>,
}

impl Guests {
    fn keep(&mut self, aside: Aside) {
        let log = aside.entry.header.log;
        if self.aside.insert(log, aside).is_none() {
            self.order.push_back(log);
        }
        while self.order.len() > MAX_ASIDE {
            if let Some(oldest) = self.order.pop_front() {
                self.aside.remove(&oldest);
            }
        }
    }

    fn take(&mut self, log: LogId) -> Option<Aside> {
        self.order.retain(|l| *l != log);
        self.aside.remove(&log)
    }
}

/// Whether an entry comes in.
#[derive(Debug)]
pub(super) enum Gate {
    /// It does, after this one.
    Open(Option<Box<Aside>>),
    /// It was kept aside.
    Aside,
    /// It does not.
    Shut,
}

impl Group {
    /// Whether this node knows enough of a closed group to tell who belongs: it was let in itself.
    pub fn is_settled(&self) -> bool {
        match self.members.kind() {
            None => false,
            Some(GroupKind::Open) => true,
            Some(GroupKind::Closed) => self.members.persons().get(&self.person()).is_some_and(|p| p.since.is_some()),
        }
    }

    /// Whether this node waits to be let in, and nobody said yet that it was.
    pub fn is_waiting(&self) -> bool {
        self.row.kind == Some(GroupKind::Closed) && !self.is_settled() && self.standing != Standing::In
    }

    /// Whether an entry comes in. Control entries that came since the last fold are folded first where it matters.
    pub fn admits<S: Store>(
        &mut self,
        store: &mut S,
        now: u64,
        entry: &Authentic,
        body: &[u8],
        signature: Option<[u8; 64]>,
    ) -> Result<Gate, S::Error> {
        let header = &entry.header;
        // Who waits to be let in holds its own request and nothing else, so that it can show it to everybody.
        if self.is_waiting() && !self.is_own(header.log) {
            return Ok(Gate::Shut);
        }
        if self.members.kind() != Some(GroupKind::Closed) || !self.is_settled() || self.is_own(header.log) {
            return Ok(Gate::Open(None));
        }
        if self.is_mentioned(header.log) {
            return Ok(Gate::Open(None));
        }
        if self.fold_at.is_some() {
            self.settle(store, now)?;
            if self.is_mentioned(header.log) {
                return Ok(Gate::Open(None));
            }
        }
        if header.class != Class::Control || header.seq >= MAX_ENTRIES {
            return Ok(Gate::Shut);
        }
        let action = self.keys.open(header, body).ok();
        if let (0, Some(Action::Endorse(endorse))) = (header.seq, &action) {
            if self.acts.mentions(crate::log::person::person_of(self.id(), header.log, endorse)) {
                return Ok(Gate::Open(None));
            }
            if self.logs.contains_key(&header.log) {
                return self.gate_of_guest(store, entry);
            }
            self.guests.keep(Aside { entry: entry.clone(), body: body.to_vec(), signature });
            return Ok(Gate::Aside);
        }
        if self.logs.contains_key(&header.log) {
            return self.gate_of_guest(store, entry);
        }
        let person = self.guests.aside.get(&header.log).and_then(|first| {
            match self.keys.open(&first.entry.header, &first.body) {
                Ok(Action::Endorse(endorse)) => Some(crate::log::person::person_of(self.id(), header.log, &endorse)),
                _ => None,
            }
        });
        let well = |r: &crate::model::action::Request| person.is_some_and(|person| self.acts.is_asked_well(person, r));
        let asks = matches!(&action, Some(Action::Request(r)) if well(r));
        if !asks || self.acts.asking() >= MAX_ASKING {
            return Ok(Gate::Shut);
        }
        match self.guests.take(header.log) {
            Some(first) if first.entry.id == header.prev => Ok(Gate::Open(Some(Box::new(first)))),
            _ => Ok(Gate::Shut),
        }
    }

    /// Whether an entry comes into a log that is stored already and that nobody let in.
    fn gate_of_guest<S: Store>(&self, store: &mut S, entry: &Authentic) -> Result<Gate, S::Error> {
        let Some(log) = self.logs.get(&entry.header.log) else { return Ok(Gate::Shut) };
        let full = log.chains.len() >= MAX_BRANCHES;
        let branches = full
            && matches!(
                log.place(store, entry.header.seq, entry.id, entry.header.prev)?,
                super::chains::Place::Branch(_)
            );
        Ok(if branches { Gate::Shut } else { Gate::Open(None) })
    }

    fn is_mentioned(&self, log: LogId) -> bool {
        let person = self.logs.get(&log).and_then(|l| l.chains.first()).map(|c| c.person);
        person.is_some_and(|person| self.acts.mentions(person)) || self.acts.mentions(log.into())
    }
}
