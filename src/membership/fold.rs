//! The fold: acts of seniors first, so that whatever may void an act is known when it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::{Acts, Endorsed};
use super::devices;
use super::grants::{ADMINS, End, Ends, Grant, MEMBERS, OWNERS, Rank, grade};
use super::graph::Bits;
use super::members::{InviteInfo, Members};
use super::status::{Said, Word};
use crate::model::action::{Action, Admit, Cut, Redeemed, Remove, Role, SetRole, Subject};
use crate::model::id::{EntryId, InviteId, LogId, PersonId};

/// The fold under way.
pub(super) struct Fold<'a> {
    pub acts: &'a Acts,
    pub place: Vec<usize>,
    pub devices: BTreeMap<LogId, Endorsed>,
    pub ends: Ends,
    pub grants: Vec<Grant>,
    /// What was said of each person, and counts.
    pub said: BTreeMap<PersonId, Vec<Said>>,
    /// Entries that took somebody's right to read.
    pub losses: Vec<usize>,
    pub epochs: Vec<usize>,
    pub quotas: Vec<usize>,
    pub hides: BTreeMap<EntryId, Vec<(usize, bool)>>,
    pub refusals: BTreeMap<PersonId, Vec<usize>>,
    pub members: Members,
    revokes: BTreeMap<InviteId, Vec<usize>>,
    invite_acts: BTreeMap<InviteId, usize>,
    of_person: BTreeMap<PersonId, Vec<usize>>,
    leaves: BTreeMap<PersonId, Vec<usize>>,
    queue: BTreeSet<(Rank, usize)>,
    pasts: BTreeMap<usize, Bits>,
    futures: BTreeMap<usize, Bits>,
}

impl<'a> Fold<'a> {
    pub fn new(acts: &'a Acts) -> Self {
        let place = acts.graph.order();
        let devices = devices::introduced(acts, &place);
        Self {
            acts,
            place,
            devices,
            ends: Ends::default(),
            grants: vec![],
            said: BTreeMap::new(),
            losses: vec![],
            epochs: vec![],
            quotas: vec![],
            hides: BTreeMap::new(),
            refusals: BTreeMap::new(),
            members: Members { kind: acts.kind, ..Members::default() },
            revokes: BTreeMap::new(),
            invite_acts: BTreeMap::new(),
            of_person: BTreeMap::new(),
            leaves: BTreeMap::new(),
            queue: BTreeSet::new(),
            pasts: BTreeMap::new(),
            futures: BTreeMap::new(),
        }
    }

    pub fn run(mut self) -> Members {
        let Some(genesis) = self.acts.acts.iter().position(|a| matches!(a.action, Some(Action::Genesis(_)))) else {
            self.conclude();
            return self.members;
        };
        self.sort_acts();
        self.devices_among_themselves();
        let founder = self.person(self.acts.acts[genesis].log);
        self.say(founder, genesis, Word::Set(Role::Owner));
        self.grant(founder, Role::Owner, genesis);
        while let Some((rank, grant)) = self.queue.pop_first() {
            self.act_under(rank.grade, grant);
        }
        self.leave();
        self.conclude();
        self.members
    }

    /// Whether `early` came before `late`; the past of `late` is kept, so ask about few late ones.
    pub fn is_before(&mut self, early: usize, late: usize) -> bool {
        let graph = &self.acts.graph;
        self.pasts.entry(late).or_insert_with(|| graph.past(late)).has(early)
    }

    /// Whether `late` came after `early`; the future of `early` is kept, so ask about few early ones.
    pub fn is_after(&mut self, late: usize, early: usize) -> bool {
        let graph = &self.acts.graph;
        self.futures.entry(early).or_insert_with(|| graph.future(early)).has(late)
    }

    /// The acts of each person, in the order of all entries.
    fn sort_acts(&mut self) {
        for (number, act) in self.acts.acts.iter().enumerate() {
            let person = self.person(act.log);
            match &act.action {
                None
                | Some(
                    Action::Genesis(_)
                    | Action::Endorse(_)
                    | Action::Seals(_)
                    | Action::AskKeys(_)
                    | Action::Request(_),
                ) => {}
                Some(Action::Remove(r)) if r.subject == Subject::Person(person) => {
                    self.leaves.entry(person).or_default().push(number);
                }
                Some(_) => self.of_person.entry(person).or_default().push(number),
            }
        }
        let place = &self.place;
        self.of_person.values_mut().for_each(|acts| acts.sort_by_key(|n| place[*n]));
    }

    fn grant(&mut self, person: PersonId, role: Role, act: usize) {
        if !role.writes() {
            return;
        }
        let rank = Rank { grade: grade(role), place: self.place[act] };
        let grant = self.grants.len();
        self.grants.push(Grant { person, role, act, rank, handed: None });
        if self.of_person.contains_key(&person) {
            self.queue.insert((rank, grant));
            // Redeeming invites and beginning epochs come when everything that voids them is known.
            self.queue.insert((Rank { grade: MEMBERS, ..rank }, grant));
        }
    }

    fn act_under(&mut self, grade: u8, grant: usize) {
        let Grant { person, act: since, .. } = self.grants[grant];
        let mut acts = vec![];
        for act in self.of_person.get(&person).cloned().unwrap_or_default() {
            if self.is_after(act, since) {
                acts.push(act);
            }
        }
        if grade == OWNERS {
            self.hand_over(grant, &acts);
        }
        for act in acts {
            if self.is_alive(grant, act) {
                if grade == MEMBERS { self.act_of_member(grant, act) } else { self.act_of_admin(grant, act) }
            }
        }
    }

    /// Whether a right still holds for an entry of its holder.
    fn is_alive(&mut self, grant: usize, act: usize) -> bool {
        let Grant { person, role, act: since, handed, .. } = self.grants[grant].clone();
        if handed.is_some_and(|(over, _)| self.is_after(act, over)) {
            return false;
        }
        // An owner's right ends by handing over, and by nothing else.
        let ends =
            if role == Role::Owner { vec![] } else { self.ends.persons.get(&person).cloned().unwrap_or_default() };
        for end in ends {
            if !end.takes(role) || self.is_before(end.act, since) {
                continue;
            }
            let voided = if end.own { self.is_after(act, end.act) } else { !self.is_before(act, end.act) };
            if voided && act != end.act {
                return false;
            }
        }
        if role != Role::Owner {
            for leave in self.leaves.get(&person).cloned().unwrap_or_default() {
                if self.is_after(act, leave) && !self.is_before(leave, since) {
                    return false;
                }
            }
        }
        self.is_device_alive(self.acts.acts[act].log, act)
    }

    /// An owner hands over once: the first entry that does so counts.
    fn hand_over(&mut self, grant: usize, acts: &[usize]) {
        let giver = self.grants[grant].person;
        for act in acts {
            let Some(Action::SetRole(set)) = &self.acts.acts[*act].action else { continue };
            let to = set.person;
            if set.role == Role::Owner && to != giver && self.is_alive(grant, *act) {
                self.grants[grant].handed = Some((*act, to));
                self.say(to, *act, Word::Set(Role::Owner));
                self.grant(to, Role::Owner, *act);
                self.say(giver, *act, Word::Set(Role::Admin));
                self.grant(giver, Role::Admin, *act);
                return;
            }
        }
    }

    fn act_of_admin(&mut self, grant: usize, number: usize) {
        let acts = self.acts;
        let Some(action) = &acts.acts[number].action else { return };
        match action {
            Action::Invite(a) => {
                let by = self.grants[grant].person;
                self.invite_acts.entry(a.invite).or_insert(number);
                self.members.invites.entry(a.invite).or_insert_with(|| InviteInfo {
                    entry: acts.acts[number].id,
                    by,
                    role: a.role,
                    uses: a.uses,
                    used_by: BTreeSet::new(),
                    expires_ms: a.expires_ms,
                    approve: a.approve || a.role > Role::Member,
                    revoked: false,
                    epoch: a.epoch,
                    request_key: a.request_key.clone(),
                });
            }
            Action::Revoke(a) => self.revokes.entry(a.invite).or_default().push(number),
            Action::Refuse(a) => self.refusals.entry(a.person).or_default().push(number),
            Action::Accept(a) => self.members.accepted.extend(&a.entries),
            Action::Hide(a) => {
                for entry in &a.entries {
                    self.hides.entry(*entry).or_default().push((number, a.hidden));
                }
            }
            Action::Quota(_) => self.quotas.push(number),
            Action::Admit(a) if a.invite.is_none() && self.may_act_on(grant, number, a.person) => {
                self.say(a.person, number, Word::Set(a.role));
                self.lower(a.person, number, a.role, false);
                self.grant(a.person, a.role, number);
            }
            Action::SetRole(a) => self.set_role(grant, number, a),
            Action::Remove(a) => self.remove(grant, number, a),
            _ => {}
        }
    }

    fn set_role(&mut self, grant: usize, number: usize, set: &SetRole) {
        let SetRole { person, role, cut } = set;
        let Grant { person: by, role: own, .. } = self.grants[grant];
        let oneself = *person == by;
        // Nobody raises himself, and an owner steps down by handing over, whether he knows that he is the owner or not.
        let allowed = if oneself {
            *role < own && !self.holds_the_group(by, number)
        } else {
            self.may_act_on(grant, number, *person)
        };
        if *role == Role::Owner || !allowed {
            return;
        }
        self.say(*person, number, Word::Set(*role));
        self.lower(*person, number, *role, oneself);
        if !role.writes() {
            self.cut(cut, |fold, log| fold.person(log) == *person);
        }
        self.grant(*person, *role, number);
    }

    /// What a role that was set takes away.
    fn lower(&mut self, person: PersonId, number: usize, role: Role, own: bool) {
        if role < Role::Admin {
            self.end(person, End { act: number, above: Some(role), own });
        }
        if !role.reads() {
            self.losses.push(number);
        }
    }

    fn remove(&mut self, grant: usize, number: usize, remove: &Remove) {
        match remove.subject {
            Subject::Person(person) => {
                if self.may_act_on(grant, number, person) {
                    self.remove_person(person, number, &remove.cut, false);
                }
            }
            Subject::Device(log) => {
                let person = self.person(log);
                if person != self.grants[grant].person && self.may_act_on(grant, number, person) {
                    self.ends.logs.entry(log).or_default().push(number);
                }
            }
        }
    }

    fn remove_person(&mut self, person: PersonId, number: usize, cut: &[Cut], own: bool) {
        self.say(person, number, Word::Remove);
        self.end(person, End { act: number, above: None, own });
        self.cut(cut, |fold, log| fold.person(log) == person);
        self.losses.push(number);
    }

    /// Whoever leaves by himself is out, whatever the role; only an owner has to hand over first.
    fn leave(&mut self) {
        for (person, acts) in std::mem::take(&mut self.leaves) {
            for number in acts {
                let Some(Action::Remove(remove)) = &self.acts.acts[number].action else { continue };
                if !self.holds_the_group(person, number) && self.is_device_alive(self.acts.acts[number].log, number) {
                    self.remove_person(person, number, &remove.cut, true);
                }
            }
        }
    }

    /// Whether a person was made the owner, and has not handed over before an entry.
    fn holds_the_group(&mut self, person: PersonId, entry: usize) -> bool {
        let owns = |g: &&Grant| g.person == person && g.role == Role::Owner;
        let handed: Vec<Option<(usize, PersonId)>> = self.grants.iter().filter(owns).map(|g| g.handed).collect();
        handed.into_iter().any(|handed| handed.is_none_or(|(over, _)| !self.is_before(over, entry)))
    }

    fn act_of_member(&mut self, grant: usize, number: usize) {
        match &self.acts.acts[number].action {
            Some(Action::Epoch(_)) if !self.epochs.contains(&number) => self.epochs.push(number),
            Some(Action::Admit(admit)) => {
                if let Some(redeemed) = &admit.invite {
                    self.redeem(grant, number, admit, redeemed);
                }
            }
            _ => {}
        }
    }

    fn redeem(&mut self, grant: usize, number: usize, admit: &Admit, redeemed: &Redeemed) {
        let invite = redeemed.invite;
        let (Some(made), Some(info)) = (self.invite_acts.get(&invite).copied(), self.members.invites.get(&invite))
        else {
            return;
        };
        let fits = info.role == admit.role && (!info.approve || self.grants[grant].role.decides());
        let full = info.uses > 0 && info.used_by.len() >= info.uses as usize && !info.used_by.contains(&admit.person);
        if !fits || full || !self.acts.acts[number].proven || !self.is_after(number, made) {
            return;
        }
        let revokes = self.revokes.get(&invite).cloned().unwrap_or_default();
        if revokes.into_iter().any(|revoke| !self.is_before(number, revoke)) {
            return;
        }
        // Who was removed comes back by an admin's word, not by an old invite.
        let ends = self.ends.persons.get(&admit.person).cloned().unwrap_or_default();
        if ends.iter().any(|end| !end.own && end.above.is_none() && self.is_after(number, end.act)) {
            return;
        }
        if !self.may_act_on(grant, number, admit.person) || self.is_in_already(admit.person, number) {
            return;
        }
        if let Some(info) = self.members.invites.get_mut(&invite) {
            info.used_by.insert(admit.person);
        }
        self.say(admit.person, number, Word::Admit(admit.role));
        self.grant(admit.person, admit.role, number);
    }

    /// Whether a person is in, as far as an entry has seen: an invite changes nothing for that one.
    fn is_in_already(&mut self, person: PersonId, number: usize) -> bool {
        let mut seen = vec![];
        for said in self.said.get(&person).cloned().unwrap_or_default() {
            if self.is_after(number, said.act) {
                seen.push(said);
            }
        }
        for leave in self.leaves.get(&person).cloned().unwrap_or_default() {
            if self.is_after(number, leave) {
                seen.push(Said { act: leave, word: Word::Remove });
            }
        }
        !seen.is_empty() && self.last_word(&seen).0 != Word::Remove
    }

    /// Whether a person is junior to the holder of a right, or decides nothing: as far as the entry has seen.
    fn may_act_on(&mut self, grant: usize, number: usize, person: PersonId) -> bool {
        let Grant { person: by, rank, handed, .. } = self.grants[grant].clone();
        if person == by {
            return false;
        }
        // Who was made the owner is not touched by what the giver does at the same time.
        if handed.is_some_and(|(over, to)| to == person && !self.is_before(number, over)) {
            return false;
        }
        let seniors: Vec<Grant> =
            self.grants.iter().filter(|g| g.person == person && g.role.decides() && g.rank < rank).cloned().collect();
        !seniors.iter().any(|senior| !self.is_over(senior, number))
    }

    /// Whether an entry has seen that a right is over.
    fn is_over(&mut self, grant: &Grant, seen_by: usize) -> bool {
        if grant.handed.is_some_and(|(over, _)| self.is_after(seen_by, over)) {
            return true;
        }
        let ends = self.ends.persons.get(&grant.person).cloned().unwrap_or_default();
        ends.iter()
            .any(|end| end.takes(grant.role) && !self.is_before(end.act, grant.act) && self.is_after(seen_by, end.act))
    }

    fn say(&mut self, person: PersonId, act: usize, word: Word) {
        self.said.entry(person).or_default().push(Said { act, word });
    }

    fn end(&mut self, person: PersonId, end: End) {
        self.ends.persons.entry(person).or_default().push(end);
    }

    pub(super) fn cut(&mut self, cut: &[Cut], of: impl Fn(&Self, LogId) -> bool) {
        for cut in cut {
            if of(self, cut.log) {
                self.members.cuts.entry(cut.log).or_default().push(*cut);
            }
        }
    }

    pub(super) fn is_revoked(&self, invite: InviteId) -> bool {
        self.revokes.contains_key(&invite)
    }
}

const _: () = assert!(OWNERS < ADMINS && ADMINS < MEMBERS, "seniors first");
