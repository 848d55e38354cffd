//! The devices of a person among themselves: any of them removes any other, and the senior one wins a fight.

use std::collections::BTreeMap;

use super::acts::{Acts, Endorsed};
use super::fold::Fold;
use crate::model::action::{Action, Subject};
use crate::model::id::{LogId, PersonId};

/// The endorsement of each log that counts: the first in the order of all entries.
pub(super) fn introduced(acts: &Acts, place: &[usize]) -> BTreeMap<LogId, Endorsed> {
    let first = |all: &Vec<Endorsed>| all.iter().min_by_key(|e| place[e.act]).cloned();
    acts.endorsed.iter().filter_map(|(log, all)| Some((*log, first(all)?))).collect()
}

impl Fold<'_> {
    /// Removals of devices by the same person, the senior device's first. They need no role.
    pub(super) fn devices_among_themselves(&mut self) {
        let mut removals: Vec<(usize, usize, LogId)> = vec![];
        for (number, act) in self.acts.acts.iter().enumerate() {
            if let Some(Action::Remove(remove)) = &act.action
                && let Subject::Device(log) = remove.subject
                && log != act.log
                && self.person(log) == self.person(act.log)
            {
                let senior = self.devices.get(&act.log).map_or(usize::MAX, |e| self.place[e.act]);
                removals.push((senior, number, log));
            }
        }
        removals.sort_by_key(|(senior, number, _)| (*senior, self.place[*number]));
        for (_, number, log) in removals {
            if self.is_device_alive(self.acts.acts[number].log, number) {
                self.ends.logs.entry(log).or_default().push(number);
            }
        }
    }

    /// Whether a log may still act with this entry: neither it, nor a log that linked it, was removed without having
    /// seen that.
    pub(super) fn is_device_alive(&mut self, log: LogId, act: usize) -> bool {
        let ends: Vec<usize> = self.ends.logs.get(&log).cloned().unwrap_or_default();
        if ends.into_iter().any(|end| !self.is_before(act, end)) {
            return false;
        }
        !self.is_linked_by_removed(log)
    }

    /// Whether a log was linked by one that had been removed, or was at the same time.
    fn is_linked_by_removed(&mut self, log: LogId) -> bool {
        let Some(endorsed) = self.devices.get(&log).cloned() else { return false };
        let ends: Vec<usize> =
            endorsed.via.iter().filter_map(|via| self.ends.logs.get(via)).flatten().copied().collect();
        ends.into_iter().any(|end| !self.is_before(endorsed.act, end))
    }

    /// Whether a log is at its end, when everything is considered.
    pub(super) fn is_device_ended(&mut self, log: LogId) -> bool {
        self.ends.logs.contains_key(&log) || self.is_linked_by_removed(log)
    }

    /// The person that a log belongs to.
    pub(super) fn person(&self, log: LogId) -> PersonId {
        self.devices.get(&log).map_or(PersonId::from(log), |e| e.person)
    }
}
