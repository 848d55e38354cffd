//! The conclusion: what was said of each person, in one word, and what follows for logs, requests and epochs.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use super::members::{Device, EpochInfo, Person, RequestInfo};
use crate::model::action::{Action, Epoch, GroupKind, Quota, Role, Sealed, Seals, Subject};
use crate::model::id::{EpochId, LogId, PersonId};

/// What an entry says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Admit(Role),
    Set(Role),
    Remove,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub act: usize,
    pub word: Word,
}

impl Fold<'_> {
    pub(super) fn conclude(&mut self) {
        self.conclude_persons();
        self.conclude_seniority();
        self.conclude_devices();
        self.conclude_requests();
        self.conclude_single_words();
        self.conclude_epochs();
    }

    fn conclude_persons(&mut self) {
        let open = self.acts.kind == Some(GroupKind::Open);
        let default = Person { role: open.then_some(Role::Member), removed: false, since: None, seniority: None };
        let introduced: BTreeSet<PersonId> = self.devices.values().map(|e| e.person).collect();
        for person in introduced {
            self.members.persons.insert(person, default.clone());
        }
        for (person, said) in self.said.clone() {
            let (word, act) = self.last_word(&said);
            let role = match word {
                Word::Admit(role) | Word::Set(role) => Some(role),
                Word::Remove => None,
            };
            let seniority = self.place_in_line(person, role);
            let since = Some(self.acts.acts[act].id);
            self.members.persons.insert(person, Person { role, removed: word == Word::Remove, since, seniority });
        }
    }

    /// The place of the earliest grant of this role that nothing took.
    fn place_in_line(&mut self, person: PersonId, role: Option<Role>) -> Option<u64> {
        let of = |g: &&super::grants::Grant| g.person == person && Some(g.role) == role && g.role.decides();
        let grants: Vec<(usize, usize, Role)> =
            self.grants.iter().filter(of).map(|g| (g.rank.place, g.act, g.role)).collect();
        let ends = self.ends.persons.get(&person).cloned().unwrap_or_default();
        let mut first = None;
        for (place, act, role) in grants {
            let taken = role != Role::Owner && ends.iter().any(|e| e.takes(role) && !self.is_before(e.act, act));
            if !taken {
                first = Some(first.map_or(place, |f: usize| f.min(place)));
            }
        }
        first.map(|place| place as u64)
    }

    /// Places become ranks among those who decide: they change when somebody does, not with every entry.
    fn conclude_seniority(&mut self) {
        let mut places: Vec<u64> = self.members.persons.values().filter_map(|p| p.seniority).collect();
        places.sort_unstable();
        for person in self.members.persons.values_mut() {
            person.seniority =
                person.seniority.and_then(|place| places.binary_search(&place).ok()).map(|rank| rank as u64);
        }
    }

    /// Of what nothing later overrules: that the person is the owner; else a removal; else the least role that was set; else the highest that was admitted.
    pub(super) fn last_word(&mut self, said: &[Said]) -> (Word, usize) {
        let mut last = vec![];
        for one in said {
            let overruled = said.len() > 1 && said.iter().any(|other| self.is_before(one.act, other.act));
            if !overruled {
                last.push(*one);
            }
        }
        let place = &self.place;
        last.sort_by_key(|s| place[s.act]);
        // Being made the owner outweighs whatever somebody who did not see it said: a group does not end without one.
        let owner = last.iter().find(|s| s.word == Word::Set(Role::Owner));
        let removal = owner.or_else(|| last.iter().find(|s| s.word == Word::Remove));
        let set = last.iter().filter_map(|s| if let Word::Set(role) = s.word { Some((role, s)) } else { None });
        let admitted = last.iter().filter_map(|s| if let Word::Admit(role) = s.word { Some((role, s)) } else { None });
        let chosen = removal
            .or_else(|| set.min_by_key(|(role, _)| *role).map(|(_, s)| s))
            .or_else(|| admitted.max_by_key(|(role, _)| *role).map(|(_, s)| s))
            .expect("of a finite order something is last");
        (chosen.word, chosen.act)
    }

    fn conclude_devices(&mut self) {
        for (log, endorsed) in self.devices.clone() {
            let ended = self.is_device_ended(log);
            self.members.devices.insert(log, Device { person: endorsed.person, ended });
        }
        let removals: Vec<(LogId, usize)> =
            self.ends.logs.iter().flat_map(|(log, acts)| acts.iter().map(|act| (*log, *act))).collect();
        for (log, act) in removals {
            if let Some(Action::Remove(remove)) = &self.acts.acts[act].action {
                // A device may have linked others, which end with it: the removal names their tips as well.
                let person = self.person(log);
                self.cut(&remove.cut, |fold, of| fold.person(of) == person);
                self.losses.push(act);
            }
        }
        for cuts in self.members.cuts.values_mut() {
            cuts.sort_unstable();
            cuts.dedup();
        }
    }

    fn conclude_requests(&mut self) {
        let revoked: Vec<_> = self.members.invites.keys().filter(|i| self.is_revoked(**i)).copied().collect();
        for invite in revoked {
            if let Some(info) = self.members.invites.get_mut(&invite) {
                info.revoked = true;
            }
        }
        let mut requests = vec![];
        let acts = self.acts;
        for (number, act) in acts.acts.iter().enumerate() {
            let Some(Action::Request(request)) = &act.action else { continue };
            let person = self.person(act.log);
            // The proof is over the person's first log; in that log itself it was checked when the entry came.
            let first = person == PersonId::from(act.log);
            if !(if first { act.proven } else { acts.proves(request.invite, person, &request.proof) }) {
                continue;
            }
            let inside = self.members.role(person).is_some();
            if !self.members.invites.contains_key(&request.invite) {
                continue;
            }
            let info = RequestInfo {
                entry: act.id,
                person,
                log: act.log,
                invite: request.invite,
                proof: request.proof,
                name: request.name.clone(),
                refused: self
                    .refusals
                    .get(&person)
                    .cloned()
                    .unwrap_or_default()
                    .into_iter()
                    .any(|r| !self.is_before(r, number)),
            };
            if !inside {
                requests.push(info.clone());
            }
            let latest = self.members.asked.entry(person).or_insert_with(|| info.clone());
            if latest.entry < info.entry {
                *latest = info;
            }
        }
        requests.sort_by_key(|r| r.entry);
        self.members.requests = requests;
    }

    /// Hidden entries and the quota: of what nothing later overrules, hiding and the lower limit count.
    fn conclude_single_words(&mut self) {
        for (entry, said) in std::mem::take(&mut self.hides) {
            let overruled = |fold: &mut Self, act: usize| said.iter().any(|(other, _)| fold.is_before(act, *other));
            if said.iter().any(|(act, hidden)| *hidden && !overruled(self, *act)) {
                self.members.hidden.insert(entry);
            }
        }
        let quotas = std::mem::take(&mut self.quotas);
        for act in &quotas {
            let overruled = quotas.iter().any(|other| self.is_before(*act, *other));
            if let (Some(Action::Quota(quota)), false) = (&self.acts.acts[*act].action, overruled) {
                let least = |a: u64, b: u64| if a == 0 || b == 0 { a.max(b) } else { a.min(b) };
                let known = self.members.quota;
                self.members.quota =
                    Quota { entries: least(known.entries, quota.entries), bytes: least(known.bytes, quota.bytes) };
            }
        }
    }

    fn conclude_epochs(&mut self) {
        let mut sealed: BTreeMap<EpochId, BTreeSet<LogId>> = BTreeMap::new();
        for act in &self.acts.acts {
            let seals: &[Sealed] = match &act.action {
                Some(Action::Epoch(epoch)) => &epoch.seals,
                Some(Action::Seals(more)) => &more.seals,
                _ => continue,
            };
            if self.members.role_of_log(act.log).is_some_and(Role::reads) {
                for seal in seals {
                    sealed.entry(seal.epoch).or_default().insert(seal.log);
                }
            }
        }
        self.unseal_where_asked(&mut sealed);
        let epochs = std::mem::take(&mut self.epochs);
        let mut all = vec![];
        for number in epochs {
            let act = &self.acts.acts[number];
            let Some(Action::Epoch(epoch)) = &act.action else { continue };
            let losses = self.losses.clone();
            let covers = losses.into_iter().all(|loss| self.is_before(loss, number))
                && sealed.get(&epoch.epoch).is_none_or(|logs| logs.iter().all(|log| self.was_let_in(*log)));
            all.push((number, EpochInfo { epoch: epoch.epoch, entry: act.id, covers, latest: true }));
        }
        let covering: Vec<usize> = all.iter().filter(|(_, e)| e.covers).map(|(n, _)| *n).collect();
        for (number, epoch) in &mut all {
            epoch.latest = !covering.iter().any(|other| other != number && self.is_before(*number, *other));
        }
        let mut epochs: Vec<EpochInfo> = all.into_iter().map(|(_, epoch)| epoch).collect();
        epochs.sort_by_key(|e| (e.epoch, e.entry));
        self.members.epochs = epochs;
        self.members.sealed = sealed;
    }

    /// A key that its receiver asked for did not reach it: it counts as not sealed, until somebody seals it having seen
    /// that. Of several times that one log asks, the last counts.
    fn unseal_where_asked(&mut self, sealed: &mut BTreeMap<EpochId, BTreeSet<LogId>>) {
        let acts = self.acts;
        let mut asked: BTreeMap<(EpochId, LogId), usize> = BTreeMap::new();
        let mut answers: BTreeMap<(EpochId, LogId), Vec<usize>> = BTreeMap::new();
        for (number, act) in acts.acts.iter().enumerate() {
            match &act.action {
                Some(Action::AskKeys(ask)) if self.members.role_of_log(act.log).is_some_and(Role::reads) => {
                    for epoch in &ask.epochs {
                        let last = asked.entry((*epoch, act.log)).or_insert(number);
                        if self.place[*last] < self.place[number] {
                            *last = number;
                        }
                    }
                }
                Some(Action::Epoch(Epoch { seals, .. }) | Action::Seals(Seals { seals })) => {
                    seals.iter().for_each(|s| answers.entry((s.epoch, s.log)).or_default().push(number));
                }
                _ => {}
            }
        }
        for ((epoch, log), number) in asked {
            let answered = answers.get(&(epoch, log)).cloned().unwrap_or_default();
            if !answered.into_iter().any(|answer| self.is_after(answer, number)) {
                if let Some(logs) = sealed.get_mut(&epoch) {
                    logs.remove(&log);
                }
                self.members.wanted.entry(epoch).or_default().insert(log);
            }
        }
    }

    /// Whether a log is of somebody who is in, or was and was removed by an entry that epochs have to cover anyway. A key
    /// sealed to anybody else went to who should not have been let in.
    fn was_let_in(&self, log: LogId) -> bool {
        let person = self.person(log);
        let asked =
            || self.acts.acts.iter().any(|a| matches!(&a.action, Some(Action::Admit(admit)) if admit.person == person));
        self.said.contains_key(&person) || self.members.role(person).is_some() || !asked()
    }
}

impl Subject {
    /// The person that is meant, if it is a person.
    #[must_use]
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person(person) => Some(*person),
            Self::Device(_) => None,
        }
    }
}
