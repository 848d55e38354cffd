//! Logs and whose they are: who introduced them, who linked them, and which of them are at their end.

use std::collections::BTreeMap;

use super::acts::{Acts, Endorsed};
use super::fold::Fold;
use super::order::Order;
use crate::model::action::{Action, Subject};
use crate::model::id::{LogId, PersonId};

/// The endorsements of each log, ascending by place.
#[derive(Debug, Default)]
pub(super) struct Introduced(BTreeMap<LogId, Vec<Endorsed>>);

impl Introduced {
    pub fn new(acts: &Acts, places: &[usize]) -> Self {
        let mut all = BTreeMap::new();
        for (log, known) in &acts.endorsed {
            let at = |e: &Endorsed| Endorsed { act: places[e.act], ..e.clone() };
            let mut known: Vec<Endorsed> = known.iter().map(at).filter(|e| e.act != usize::MAX).collect();
            known.sort_by_key(|e| e.act);
            all.insert(*log, known);
        }
        Self(all)
    }

    /// Every log with its first endorsement.
    pub fn first(&self) -> impl Iterator<Item = (LogId, &Endorsed)> + '_ {
        self.0.iter().filter_map(|(log, all)| Some((*log, all.first()?)))
    }

    fn first_of(&self, log: LogId) -> Option<&Endorsed> {
        self.0.get(&log).and_then(|all| all.first())
    }

    /// The first endorsement that an act sees; none as well where it makes no difference, since all of them name no
    /// other person.
    fn seen(&self, order: &Order<'_>, log: LogId, by: usize) -> Option<&Endorsed> {
        let all = self.0.get(&log)?;
        if all.iter().all(|e| e.person == PersonId::from(log)) {
            return None;
        }
        all.iter().find(|e| order.is_before(e.act, by))
    }

    /// The person that a log belongs to.
    pub fn person(&self, log: LogId) -> PersonId {
        self.first_of(log).map_or(log.into(), |e| e.person)
    }

    /// The person that a log belongs to as an act sees it.
    pub fn person_seen(&self, order: &Order<'_>, log: LogId, by: usize) -> PersonId {
        self.seen(order, log, by).map_or(log.into(), |e| e.person)
    }
}

impl Fold<'_> {
    /// Removals of devices by the same person, the senior device's first. They need no role.
    pub(super) fn open(&mut self, party: usize) {
        if std::mem::replace(&mut self.parties[party].opened, true) {
            return;
        }
        let senior = |act: &usize| {
            let log = self.order.act(*act).log;
            (self.introduced.seen(&self.order, log, *act).map_or(0, |e| e.via.len()), log, *act)
        };
        let own = self.parties[party].own.iter().filter(|act| !self.looked[**act]);
        let mut removals: Vec<_> = own.map(senior).collect();
        removals.sort_unstable();
        for (_, _, act) in removals {
            if let Some(Action::Remove(remove)) = &self.order.act(act).action
                && let Subject::Device(log) = remove.subject
                && self.is_device_alive(act)
                && self.put_out(act).next().is_none()
            {
                self.removals.entry((log, self.parties[party].id)).or_default().push(act);
                self.own_removals.push(act);
            }
        }
    }

    /// The removals of the author by others that an act does not come before, unless somebody named the author anew in
    /// between. Who was removed does not undo its own acts by removing the device that they were made on.
    pub(super) fn put_out(&self, act: usize) -> impl Iterator<Item = usize> + '_ {
        let party = &self.parties[self.authors[act]];
        let anew = move |end: usize| {
            party.named.iter().any(|by| self.order.is_before(end, *by) && self.order.is_before(*by, act))
        };
        let removals = party.ends.iter().filter(|e| e.above.is_none()).map(|e| e.entry);
        removals.filter(move |end| !self.order.is_before(act, *end) && !anew(*end))
    }

    /// Whether the log of an act may still act with it: neither it, nor a log that linked it, was removed without having
    /// seen that.
    pub(super) fn is_device_alive(&self, act: usize) -> bool {
        self.removals_that_hit(act).next().is_none()
    }

    /// The removals of the log of an act, or of logs that linked it, that have not seen it.
    pub(super) fn removals_that_hit(&self, act: usize) -> impl Iterator<Item = usize> + '_ {
        let log = self.order.act(act).log;
        let person = self.parties[self.authors[act]].id;
        let known = if self.removals.is_empty() { None } else { self.removals.get(&(log, person)) };
        let own = known.into_iter().flatten().copied().filter(move |r| !self.order.is_before(act, *r));
        let endorsed = if self.removals.is_empty() { None } else { self.introduced.seen(&self.order, log, act) };
        let links = endorsed.into_iter().flat_map(|e| self.removals_of_links(e));
        own.chain(links.filter(move |r| !self.order.is_before(act, *r)))
    }

    /// The removals of logs of the chain that did not see how the log linked the next one.
    fn removals_of_links<'b>(&'b self, endorsed: &'b Endorsed) -> impl Iterator<Item = usize> + 'b {
        endorsed.via.iter().enumerate().flat_map(move |(at, link)| {
            let next = match endorsed.via.get(at + 1) {
                Some(next) => self.introduced.first_of(*next).map(|e| e.act),
                None => Some(endorsed.act),
            };
            let removals = self.removals.get(&(*link, endorsed.person)).into_iter().flatten().copied();
            removals.filter(move |r| next.is_none_or(|next| !self.order.is_before(next, *r)))
        })
    }

    /// Whether a log is at its end, when everything is considered.
    pub(super) fn is_device_ended(&self, log: LogId) -> bool {
        self.removals.contains_key(&(log, self.introduced.person(log)))
            || self.introduced.first_of(log).is_some_and(|e| self.removals_of_links(e).next().is_some())
    }
}
