//! The conclusion: what each person is, and what follows for logs, requests and epochs.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use super::grants::{End, Party};
use super::members::{Device, EpochInfo, Person, RequestInfo};
use crate::model::action::{Action, GroupKind, Quota, Role};
use crate::model::id::{EpochId, LogId, PersonId};

impl Fold<'_> {
    pub(super) fn conclude(&mut self) {
        self.conclude_persons();
        self.conclude_devices();
        self.conclude_requests();
        self.conclude_single_words();
        self.conclude_epochs();
    }

    fn conclude_persons(&mut self) {
        let default = (self.members.kind == Some(GroupKind::Open)).then_some(Role::Member);
        let introduced: Vec<PersonId> = self.introduced.first().map(|(_, e)| e.person).collect();
        for person in introduced {
            self.party(person);
        }
        let known: BTreeSet<PersonId> = self.introduced.first().map(|(_, e)| e.person).collect();
        let mut deciding = vec![];
        for party in &self.parties {
            if party.given.is_empty() && party.ends.is_empty() && !known.contains(&party.id) {
                continue;
            }
            let standing = party.standing(&self.order, default);
            let (role, entry) = (standing.map(|(role, _)| role), standing.and_then(|(_, entry)| entry));
            let removed = role.is_none() && party.ends.iter().any(|e| e.above.is_none());
            let ended = || party.ends.iter().rfind(|e| e.above.is_none()).map(|e| e.entry);
            let since = entry.or_else(|| if role.is_none() { ended() } else { None });
            let since = since.map(|entry| self.order.act(entry).id);
            if role.is_some_and(Role::decides) {
                deciding.extend(entry);
            }
            self.members.persons.insert(party.id, Person { role, removed, since, seniority: None });
        }
        // Ranks among those who decide: they change when somebody does, not with every entry.
        deciding.sort_unstable();
        for (rank, entry) in (0..).zip(deciding) {
            let id = self.order.act(entry).id;
            let of = |p: &&mut Person| p.since == Some(id) && p.role.is_some_and(Role::decides);
            self.members.persons.values_mut().filter(of).for_each(|p| p.seniority = Some(rank));
        }
    }

    fn conclude_devices(&mut self) {
        for (log, endorsed) in self.introduced.first() {
            let device = Device { person: endorsed.person, ended: self.is_device_ended(log) };
            self.members.devices.insert(log, device);
        }
        for (log, person) in self.removals.keys().filter(|(log, person)| *person == PersonId::from(*log)) {
            self.members.devices.entry(*log).or_insert(Device { person: *person, ended: true });
        }
        let removals = self.removals.iter().flat_map(|((_, person), acts)| acts.iter().map(|act| (*person, *act)));
        for (person, act) in removals.collect::<Vec<_>>() {
            if let Some(Action::Remove(remove)) = &self.order.act(act).action {
                // A device may have linked others, which end with it: the removal names their tips as well.
                self.cut(person, &remove.cut);
            }
        }
        for cuts in self.members.cuts.values_mut() {
            cuts.sort_unstable();
            cuts.dedup();
        }
    }

    fn conclude_requests(&mut self) {
        for (invite, info) in &mut self.members.invites {
            info.revoked = self.revokes.contains_key(invite);
        }
        let mut requests = vec![];
        for (place, act) in self.order.iter() {
            let Some(Action::Request(request)) = &act.action else { continue };
            let Some(made) = self.invites.get(&request.invite) else { continue };
            let person = self.introduced.person(act.log);
            if !self.acts.is_proven_for(act, request, person) {
                continue;
            }
            let refusals = self.party_of.get(&person).map_or(&[][..], |party| &self.parties[*party].refusals);
            let seen = |by: &usize| self.order.is_before(*by, place) || self.order.is_before(*by, *made);
            let info = RequestInfo {
                entry: act.id,
                person,
                log: act.log,
                invite: request.invite,
                proof: request.proof,
                name: request.name.clone(),
                refused: !refusals.iter().all(seen),
            };
            if self.members.role(person).is_none() {
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
            let last = self.order.last_of(said.iter().map(|(act, _)| *act).collect());
            if said.iter().any(|(act, hidden)| *hidden && last.contains(act)) {
                self.members.hidden.insert(entry);
            }
        }
        for act in self.order.last_of(std::mem::take(&mut self.quotas)) {
            if let Some(Action::Quota(quota)) = &self.order.act(act).action {
                let least = |a: u64, b: u64| if a == 0 || b == 0 { a.max(b) } else { a.min(b) };
                let known = self.members.quota;
                self.members.quota =
                    Quota { entries: least(known.entries, quota.entries), bytes: least(known.bytes, quota.bytes) };
            }
        }
    }

    fn conclude_epochs(&mut self) {
        let wrongly = self.admitted_wrongly();
        let mut sealed: BTreeMap<EpochId, BTreeSet<LogId>> = BTreeMap::new();
        let mut spoiled: BTreeSet<EpochId> = BTreeSet::new();
        // Answers to who asked for a key.
        let mut answers: BTreeMap<(EpochId, LogId), Vec<usize>> = BTreeMap::new();
        for (place, act) in self.order.iter() {
            let (seals, answer) = match &act.action {
                Some(Action::Epoch(epoch)) => (&epoch.seals, false),
                Some(Action::Seals(more)) => (&more.seals, true),
                _ => continue,
            };
            if !self.members.role_of_log(act.log).is_some_and(Role::reads) {
                continue;
            }
            for seal in seals {
                sealed.entry(seal.epoch).or_default().insert(seal.log);
                if answer {
                    answers.entry((seal.epoch, seal.log)).or_default().push(place);
                }
                let to = self.introduced.person_seen(&self.order, seal.log, place);
                let mut admits = wrongly.get(&to).into_iter().flatten();
                if admits.any(|admit| self.order.is_before(*admit, place)) {
                    spoiled.insert(seal.epoch);
                }
            }
        }
        self.conclude_covering(&spoiled);
        self.unseal_where_asked(&mut sealed, &answers);
        self.members.sealed = sealed;
    }

    /// Whether an epoch was begun with everybody in sight who lost the right to read. `lost`: who that is.
    fn has_seen_losses(&self, epoch: usize, lost: &[&Party]) -> bool {
        let seen = |entry: usize| self.order.is_before(entry, epoch);
        let is_out = |party: &&Party| {
            let ends: Vec<&End> = party.ends.iter().filter(|e| seen(e.entry)).collect();
            party.given.iter().filter(|(_, role)| role.reads()).all(|(given, role)| match role {
                Role::Owner => party.grants.iter().any(|g| g.entry == *given && g.handed.is_some_and(seen)),
                _ => ends.iter().rev().any(|e| e.takes(*role) && !self.order.is_before(e.entry, *given)),
            })
        };
        let removed = |((_, person), removals): (&(LogId, PersonId), &Vec<usize>)| {
            let read = |party: &usize| self.parties[*party].given.iter().any(|(_, role)| role.reads());
            let reads = self.members.role(*person).is_some_and(Role::reads);
            !(reads && self.party_of.get(person).is_some_and(read)) || removals.iter().any(|r| seen(*r))
        };
        lost.iter().all(is_out) && self.removals.iter().all(removed)
    }

    /// `spoiled`: epochs whose keys went to who should never have had them.
    fn conclude_covering(&mut self, spoiled: &BTreeSet<EpochId>) {
        let reads = |party: &Party| self.members.role(party.id).is_some_and(Role::reads);
        let read = |party: &Party| party.given.iter().any(|(_, role)| role.reads());
        let lost: Vec<&Party> = self.parties.iter().filter(|party| !reads(party) && read(party)).collect();
        let mut all = vec![];
        for place in self.epochs.iter().copied() {
            let act = self.order.act(place);
            let Some(Action::Epoch(epoch)) = &act.action else { continue };
            let covers = !spoiled.contains(&epoch.epoch) && self.has_seen_losses(place, &lost);
            all.push((place, EpochInfo { epoch: epoch.epoch, entry: act.id, covers, latest: true }));
        }
        let covering = self.order.last_of(all.iter().filter(|(_, e)| e.covers).map(|(place, _)| *place).collect());
        for (place, epoch) in &mut all {
            epoch.latest = !covering.iter().any(|other| self.order.is_before(*place, *other));
        }
        let mut epochs: Vec<EpochInfo> = all.into_iter().map(|(_, epoch)| epoch).collect();
        epochs.sort_by_key(|e| (e.epoch, e.entry));
        self.members.epochs = epochs;
    }

    /// A key that its receiver asked for after it was sealed did not reach it: it counts as not sealed, until somebody
    /// seals it again having seen that.
    fn unseal_where_asked(
        &mut self,
        sealed: &mut BTreeMap<EpochId, BTreeSet<LogId>>,
        answers: &BTreeMap<(EpochId, LogId), Vec<usize>>,
    ) {
        let answers: BTreeMap<&(EpochId, LogId), Vec<usize>> =
            answers.iter().map(|(of, places)| (of, self.order.last_of(places.clone()))).collect();
        for (place, act) in self.order.iter() {
            let Some(Action::AskKeys(ask)) = &act.action else { continue };
            if !self.members.role_of_log(act.log).is_some_and(Role::reads) {
                continue;
            }
            for epoch in &ask.epochs {
                let mut later = answers.get(&(*epoch, act.log)).into_iter().flatten();
                if !later.any(|answer| self.order.is_before(place, *answer)) {
                    if let Some(logs) = sealed.get_mut(epoch) {
                        logs.remove(&act.log);
                    }
                    self.members.wanted.entry(*epoch).or_default().insert(act.log);
                }
            }
        }
    }

    /// The admissions of people who may not read, and whom nothing that counts ever let read. Whoever sealed a key to them
    /// after that believed in an admission that does not count.
    fn admitted_wrongly(&self) -> BTreeMap<PersonId, Vec<usize>> {
        let mut admits: BTreeMap<PersonId, Vec<usize>> = BTreeMap::new();
        for (place, act) in self.order.iter() {
            if let Some(Action::Admit(admit)) = &act.action {
                admits.entry(admit.person).or_default().push(place);
            }
        }
        admits.retain(|person, _| {
            let read = |party: &usize| self.parties[*party].given.iter().any(|(_, role)| role.reads());
            !self.members.role(*person).is_some_and(Role::reads) && !self.party_of.get(person).is_some_and(read)
        });
        admits
    }
}
