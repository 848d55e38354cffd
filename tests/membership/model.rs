//! Membership once more, from `docs/membership.md` alone and as plainly as it can be said: every definition of the page is a
//! function here, nothing is kept that can be looked up, and nothing is fast.

use std::collections::{BTreeMap, BTreeSet};

use studymesh::model::action::{Action, Admit, Cut, GroupKind, Quota, Role, Subject};
use studymesh::model::id::{EntryId, EpochId, InviteId, LogId, PersonId};

use crate::cast;
use crate::story::Entry;

/// A role of member or more that an entry gave to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub person: PersonId,
    pub role: Role,
    /// The place of the entry.
    pub entry: usize,
}

impl Grant {
    fn grade(&self) -> usize {
        match self.role {
            Role::Owner => 0,
            Role::Admin => 1,
            _ => 2,
        }
    }

    /// Lower is senior.
    pub fn rank(&self) -> (usize, usize) {
        (self.grade(), self.entry)
    }
}

/// An act at its place.
pub struct Model<'a> {
    /// The entries by place.
    entries: Vec<&'a Entry>,
    /// `before[x][y]`: x is before y.
    before: Vec<Vec<bool>>,
    pub grants: Vec<Grant>,
    /// For each grant of an owner that was handed over: the grant and the entry.
    handed: Vec<(Grant, usize)>,
    /// The entries that count.
    pub counts: BTreeSet<usize>,
    /// Admissions by invites, in the order in which they were looked at.
    admitted: Vec<usize>,
    /// What counts, in the order in which it was looked at.
    in_turn: Vec<usize>,
}

impl<'a> Model<'a> {
    pub fn new(history: &'a [Entry]) -> Self {
        let entries = by_place(history);
        let before = closure(&entries);
        let mut model = Self {
            entries,
            before,
            grants: vec![],
            handed: vec![],
            counts: BTreeSet::new(),
            admitted: vec![],
            in_turn: vec![],
        };
        model.look();
        model
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn action(&self, entry: usize) -> Option<&'a Action> {
        self.entries[entry].action.as_ref()
    }

    /// By place.
    pub fn is_before(&self, x: usize, y: usize) -> bool {
        self.before(x, y)
    }

    fn before(&self, x: usize, y: usize) -> bool {
        self.before[x][y]
    }

    pub fn place_of(&self, id: EntryId) -> Option<usize> {
        self.entries.iter().position(|e| e.id == id)
    }

    pub fn id(&self, place: usize) -> EntryId {
        self.entries[place].id
    }

    /// The place of the log's first endorsement.
    fn endorsement(&self, log: LogId) -> Option<usize> {
        (0..self.len()).find(|e| self.entries[*e].log == log && matches!(self.action(*e), Some(Action::Endorse(_))))
    }

    pub fn person_of(&self, log: LogId) -> PersonId {
        match self.endorsement(log).and_then(|e| self.action(e)) {
            Some(Action::Endorse(endorse)) => cast::proven_person(log, endorse),
            _ => log.into(),
        }
    }

    /// The logs of the chain that linked a log.
    fn chain(&self, log: LogId) -> Vec<LogId> {
        match self.endorsement(log).and_then(|e| self.action(e)) {
            Some(Action::Endorse(endorse)) if self.person_of(log) != log.into() => {
                endorse.person.iter().map(|l| l.log).collect()
            }
            _ => vec![],
        }
    }

    pub fn author(&self, entry: usize) -> PersonId {
        self.person_of(self.entries[entry].log)
    }

    // ---- what counts ----

    fn look(&mut self) {
        self.look_at_genesis();
        self.look_at_own_devices();
        let mut looked: BTreeSet<(usize, usize)> = BTreeSet::new();
        loop {
            let mut next: Option<(Turn, usize, usize)> = None;
            for (g, grant) in self.grants.iter().enumerate() {
                for act in 0..self.len() {
                    if looked.contains(&(g, act)) || self.author(act) != grant.person || !self.before(grant.entry, act)
                    {
                        continue;
                    }
                    let Some(turn) = self.turn(grant, act) else { continue };
                    if next.is_none_or(|(first, _, _)| turn < first) {
                        next = Some((turn, g, act));
                    }
                }
            }
            let Some((_, g, act)) = next else { break };
            looked.insert((g, act));
            let grant = self.grants[g];
            if !self.counts.contains(&act) && self.is_alive(&grant, act) && self.is_device_alive(act) {
                self.look_at(&grant, act);
            }
        }
        self.look_at_leaving();
    }

    /// When an act is looked at under a grant; none when it is not looked at under grants.
    fn turn(&self, grant: &Grant, act: usize) -> Option<Turn> {
        let (grade, place) = grant.rank();
        match self.action(act)? {
            Action::Admit(Admit { invite: Some(_), .. }) | Action::Epoch(_) => Some((2, place, 1, act)),
            // Whom the group was handed over to has to be known before what the owner does to that one.
            Action::SetRole(set) if set.role == Role::Owner => Some((grade, place, 0, act)),
            Action::Invite(_)
            | Action::Revoke(_)
            | Action::Admit(_)
            | Action::Refuse(_)
            | Action::SetRole(_)
            | Action::Remove(_)
            | Action::Accept(_)
            | Action::Hide(_)
            | Action::Quota(_) => Some((grade, place, 1, act)),
            _ => None,
        }
    }

    fn look_at_genesis(&mut self) {
        for act in 0..self.len() {
            if matches!(self.action(act), Some(Action::Genesis(_))) {
                self.counts.insert(act);
                self.grants.push(Grant { person: self.author(act), role: Role::Owner, entry: act });
            }
        }
    }

    /// An act that removes another device of its author.
    fn own_device(&self, act: usize) -> Option<LogId> {
        let Some(Action::Remove(remove)) = self.action(act) else { return None };
        let Subject::Device(log) = remove.subject else { return None };
        (self.person_of(log) == self.author(act)).then_some(log)
    }

    fn look_at_own_devices(&mut self) {
        let own = (0..self.len()).filter(|a| self.own_device(*a).is_some());
        let seniority = |act: &usize| self.endorsement(self.entries[*act].log).unwrap_or(usize::MAX);
        let mut own: Vec<(usize, usize)> = own.map(|a| (seniority(&a), a)).collect();
        own.sort_unstable();
        for (_, act) in own {
            if self.own_device(act) != Some(self.entries[act].log) && self.is_device_alive(act) {
                self.counts.insert(act);
            }
        }
    }

    fn look_at_leaving(&mut self) {
        for act in 0..self.len() {
            if self.is_leaving(act) && self.is_device_alive(act) && !self.holds_the_group(self.author(act), act) {
                self.counts.insert(act);
            }
        }
    }

    /// Whether a person holds a grant of owner that was not handed over before an entry.
    fn holds_the_group(&self, person: PersonId, entry: usize) -> bool {
        self.grants
            .iter()
            .filter(|g| g.person == person && g.role == Role::Owner)
            .any(|g| !self.handed.iter().any(|(of, by)| of == g && self.before(*by, entry)))
    }

    fn is_leaving(&self, act: usize) -> bool {
        matches!(self.action(act), Some(Action::Remove(r)) if r.subject == Subject::Person(self.author(act)))
    }

    /// Whether an entry is an end of a person that takes a role.
    fn takes(&self, entry: usize, person: PersonId, role: Role) -> bool {
        match self.action(entry) {
            Some(Action::Remove(r)) => r.subject == Subject::Person(person),
            Some(Action::SetRole(s)) => s.person == person && s.role < Role::Admin && s.role < role,
            Some(Action::Admit(a)) => a.person == person && a.invite.is_none() && a.role < Role::Admin && a.role < role,
            _ => false,
        }
    }

    fn ends(&self, person: PersonId, role: Role) -> impl Iterator<Item = usize> + '_ {
        self.counts.iter().copied().filter(move |e| self.takes(*e, person, role))
    }

    fn is_alive(&self, grant: &Grant, act: usize) -> bool {
        let ends: Vec<usize> =
            if grant.role == Role::Owner { vec![] } else { self.ends(grant.person, grant.role).collect() };
        for end in ends {
            let by_itself = self.author(end) == grant.person;
            let hits = if by_itself { self.before(end, act) } else { !self.before(act, end) };
            if end != act && hits && !self.before(end, grant.entry) {
                return false;
            }
        }
        if grant.role == Role::Owner {
            return !self.handed.iter().any(|(of, by)| of == grant && self.before(*by, act));
        }
        let left = |l: usize| {
            self.is_leaving(l) && self.author(l) == grant.person && self.before(l, act) && !self.before(l, grant.entry)
        };
        !(0..self.len()).any(left)
    }

    fn removals_of(&self, log: LogId) -> impl Iterator<Item = usize> + '_ {
        let removes =
            move |e: &usize| matches!(self.action(*e), Some(Action::Remove(r)) if r.subject == Subject::Device(log));
        self.counts.iter().copied().filter(removes)
    }

    fn is_device_alive(&self, act: usize) -> bool {
        let log = self.entries[act].log;
        self.removals_of(log).all(|r| self.before(act, r)) && self.is_linked_well(log)
    }

    fn is_linked_well(&self, log: LogId) -> bool {
        let Some(endorsement) = self.endorsement(log) else { return true };
        self.chain(log).into_iter().all(|link| self.removals_of(link).all(|r| self.before(endorsement, r)))
    }

    /// Whether a person is protected from what is done under a grant.
    fn is_protected(&self, person: PersonId, grant: &Grant, act: usize) -> bool {
        let over = |g: &Grant| {
            self.ends(person, g.role).any(|e| self.before(e, act) && !self.before(e, g.entry))
                || self.handed.iter().any(|(of, by)| of == g && self.before(*by, act))
        };
        self.grants.iter().any(|g| g.person == person && g.role.decides() && g.rank() < grant.rank() && !over(g))
    }

    /// Whether somebody with this grant may act on a person.
    fn may_act_on(&self, person: PersonId, grant: &Grant, act: usize) -> bool {
        grant.role.decides()
            && person != grant.person
            && !self.is_protected(person, grant, act)
            && !self.was_handed_to(person, grant, act)
    }

    /// Whether the group was handed over to a person under this grant, by an entry that the act is not before.
    fn was_handed_to(&self, person: PersonId, grant: &Grant, act: usize) -> bool {
        let to_person = |by: usize| self.subject(by) == Some(person) && by != act && !self.before(act, by);
        self.handed.iter().any(|(of, by)| of == grant && to_person(*by))
    }

    /// The person whom an entry says something of.
    pub fn subject(&self, entry: usize) -> Option<PersonId> {
        match self.action(entry)? {
            Action::Admit(a) => Some(a.person),
            Action::SetRole(s) => Some(s.person),
            Action::Remove(r) => match r.subject {
                Subject::Person(person) => Some(person),
                Subject::Device(_) => None,
            },
            _ => None,
        }
    }

    fn look_at(&mut self, grant: &Grant, act: usize) {
        let Some(action) = self.action(act) else { return };
        let counts = match action {
            Action::Invite(i) => grant.role.decides() && i.role < Role::Owner,
            Action::Revoke(_) | Action::Refuse(_) | Action::Accept(_) | Action::Hide(_) | Action::Quota(_) => {
                grant.role.decides()
            }
            Action::Admit(a) if a.invite.is_some() => self.admits_by_invite(a, grant, act),
            Action::Admit(a) => a.role < Role::Owner && self.may_act_on(a.person, grant, act),
            Action::SetRole(s) if s.role == Role::Owner => {
                grant.role == Role::Owner
                    && self.may_act_on(s.person, grant, act)
                    && !self.handed.iter().any(|(of, _)| of == grant)
            }
            Action::SetRole(s) if s.person == grant.person => {
                grant.role == Role::Admin && s.role < grant.role && !self.holds_the_group(grant.person, act)
            }
            Action::SetRole(s) => self.may_act_on(s.person, grant, act),
            Action::Remove(r) => match r.subject {
                Subject::Person(person) => self.may_act_on(person, grant, act),
                Subject::Device(log) => self.may_act_on(self.person_of(log), grant, act),
            },
            Action::Epoch(_) => true,
            _ => false,
        };
        if !counts {
            return;
        }
        self.counts.insert(act);
        self.in_turn.push(act);
        let new = |person, role| Grant { person, role, entry: act };
        match action {
            Action::Admit(a) => {
                if a.invite.is_some() {
                    self.admitted.push(act);
                }
                self.grants.extend((a.role >= Role::Member).then_some(new(a.person, a.role)));
            }
            Action::SetRole(s) if s.role == Role::Owner => {
                self.handed.push((*grant, act));
                self.grants.push(new(s.person, Role::Owner));
                self.grants.push(new(grant.person, Role::Admin));
            }
            Action::SetRole(s) if s.role >= Role::Member => self.grants.push(new(s.person, s.role)),
            _ => {}
        }
    }

    fn admits_by_invite(&self, admit: &Admit, grant: &Grant, act: usize) -> bool {
        let Some(redeemed) = &admit.invite else { return false };
        let Some((made, invite)) = self.invite(redeemed.invite) else { return false };
        let proven = cast::proves(redeemed.invite, LogId(admit.person.0), &redeemed.proof);
        let revoked = self.revocations(redeemed.invite).any(|r| !self.before(act, r));
        let others: BTreeSet<PersonId> =
            self.let_in_by(redeemed.invite).into_iter().filter(|p| *p != admit.person).collect();
        let removed = self.counts.iter().any(|r| {
            matches!(self.action(*r), Some(Action::Remove(s)) if s.subject == Subject::Person(admit.person))
                && self.author(*r) != admit.person
                && self.before(*r, act)
        });
        let approved = grant.role.decides() || !(invite.approve || invite.role == Role::Admin);
        self.before(made, act)
            && admit.role == invite.role
            && proven
            && !revoked
            && (invite.uses == 0 || others.len() < invite.uses as usize)
            && !removed
            && admit.person != grant.person
            && !self.is_in_already(admit.person, act)
            && !self.is_protected(admit.person, grant, act)
            && !self.was_handed_to(admit.person, grant, act)
            && approved
    }

    /// Whether what was said of a person before an entry leaves the person in.
    fn is_in_already(&self, person: PersonId, act: usize) -> bool {
        let mut words = self.words(person);
        let leaving = (0..self.len()).filter(|l| self.is_leaving(*l) && self.author(*l) == person);
        words.extend(leaving.map(|l| (l, Word::Out)));
        words.retain(|(e, _)| self.before(*e, act));
        let last = |(e, _): &&(usize, Word)| !words.iter().any(|(other, _)| self.before(*e, *other));
        let last: Vec<Word> = words.iter().filter(last).map(|(_, w)| *w).collect();
        !last.is_empty() && !last.contains(&Word::Out)
    }

    /// The invite of this key that counts: of several the one that was looked at first.
    pub fn invite(&self, id: InviteId) -> Option<(usize, &'a studymesh::model::action::Invite)> {
        self.in_turn.iter().find_map(|i| match self.action(*i) {
            Some(Action::Invite(invite)) if invite.invite == id => Some((*i, invite)),
            _ => None,
        })
    }

    pub fn revocations(&self, id: InviteId) -> impl Iterator<Item = usize> + '_ {
        let revokes = move |r: &usize| matches!(self.action(*r), Some(Action::Revoke(r)) if r.invite == id);
        self.counts.iter().copied().filter(revokes)
    }

    pub fn let_in_by(&self, id: InviteId) -> BTreeSet<PersonId> {
        let by = |a: &usize| match self.action(*a) {
            Some(Action::Admit(a)) if a.invite.as_ref().is_some_and(|r| r.invite == id) => Some(a.person),
            _ => None,
        };
        self.admitted.iter().filter_map(by).collect()
    }

    // ---- what it comes to ----

    pub fn kind(&self) -> Option<GroupKind> {
        (0..self.len()).find_map(|e| match self.action(e) {
            Some(Action::Genesis(genesis)) => Some(genesis.kind),
            _ => None,
        })
    }

    /// The words about a person that count, and what each makes of it: out, or a role that was set or admitted.
    fn words(&self, person: PersonId) -> Vec<(usize, Word)> {
        let says = |e: usize| match self.action(e)? {
            Action::Genesis(_) if self.author(e) == person => Some(Word::Set(Role::Owner)),
            Action::Admit(a) if a.person == person && a.invite.is_none() => Some(Word::Set(a.role)),
            Action::Admit(a) if a.person == person => Some(Word::Admitted(a.role)),
            Action::SetRole(s) if s.person == person => Some(Word::Set(s.role)),
            Action::SetRole(s) if s.role == Role::Owner && self.author(e) == person => Some(Word::Set(Role::Admin)),
            Action::Remove(r) if r.subject == Subject::Person(person) => Some(Word::Out),
            _ => None,
        };
        self.counts.iter().filter_map(|e| Some((*e, says(*e)?))).collect()
    }

    /// Of the words about a person those that no other one comes after.
    pub fn last_words(&self, person: PersonId) -> Vec<(usize, Word)> {
        let words = self.words(person);
        let last = |(e, _): &&(usize, Word)| !words.iter().any(|(other, _)| self.before(*e, *other));
        words.iter().filter(last).copied().collect()
    }

    pub fn is_removed(&self, person: PersonId) -> bool {
        let last = self.last_words(person);
        let owns = last.iter().any(|(_, w)| *w == Word::Set(Role::Owner));
        !owns && last.iter().any(|(_, w)| *w == Word::Out)
    }

    pub fn role(&self, person: PersonId) -> Option<Role> {
        let last = self.last_words(person);
        if last.is_empty() {
            return (self.kind() == Some(GroupKind::Open)).then_some(Role::Member);
        }
        if last.iter().any(|(_, w)| *w == Word::Set(Role::Owner)) {
            return Some(Role::Owner);
        }
        if last.iter().any(|(_, w)| *w == Word::Out) {
            return None;
        }
        let set = last.iter().filter_map(|(_, w)| if let Word::Set(role) = w { Some(*role) } else { None }).min();
        let admitted = last.iter().filter_map(|(_, w)| if let Word::Admitted(role) = w { Some(*role) } else { None });
        set.or(admitted.max())
    }

    /// Whether a log was removed, or linked by a removed one.
    pub fn is_ended(&self, log: LogId) -> bool {
        self.removals_of(log).next().is_some() || !self.is_linked_well(log)
    }

    fn role_of_log(&self, log: LogId) -> Option<Role> {
        if self.is_ended(log) { None } else { self.role(self.person_of(log)) }
    }

    /// What the ends of a person or of a log accepted of the log.
    pub fn cuts(&self, log: LogId) -> BTreeSet<Cut> {
        let person = self.person_of(log);
        let mut out = BTreeSet::new();
        for end in &self.counts {
            let cut = match self.action(*end) {
                Some(Action::Remove(r)) => match r.subject {
                    Subject::Person(p) if p == person => &r.cut,
                    Subject::Device(l) if self.person_of(l) == person => &r.cut,
                    _ => continue,
                },
                Some(Action::SetRole(s)) if s.person == person && s.role < Role::Member => &s.cut,
                _ => continue,
            };
            out.extend(cut.iter().filter(|c| c.log == log).copied());
        }
        out
    }

    pub fn logs(&self) -> BTreeSet<LogId> {
        self.entries.iter().filter(|e| matches!(e.action, Some(Action::Endorse(_)))).map(|e| e.log).collect()
    }

    pub fn accepted(&self) -> BTreeSet<EntryId> {
        let accepted = self.counts.iter().filter_map(|e| match self.action(*e) {
            Some(Action::Accept(accept)) => Some(accept.entries.iter().copied()),
            _ => None,
        });
        accepted.flatten().collect()
    }

    pub fn hidden(&self) -> BTreeSet<EntryId> {
        let words: Vec<(usize, bool, &[EntryId])> = self
            .counts
            .iter()
            .filter_map(|e| match self.action(*e) {
                Some(Action::Hide(hide)) => Some((*e, hide.hidden, hide.entries.as_slice())),
                _ => None,
            })
            .collect();
        let overruled =
            |e: usize, of: EntryId| words.iter().any(|(other, _, about)| self.before(e, *other) && about.contains(&of));
        let hides = |(e, hidden, about): &(usize, bool, &[EntryId])| {
            let (e, hidden) = (*e, *hidden);
            about.iter().copied().filter(move |of| hidden && !overruled(e, *of)).collect::<Vec<_>>()
        };
        words.iter().flat_map(hides).collect()
    }

    pub fn quota(&self) -> Quota {
        let words: Vec<(usize, Quota)> = self
            .counts
            .iter()
            .filter_map(|e| match self.action(*e) {
                Some(Action::Quota(quota)) => Some((*e, *quota)),
                _ => None,
            })
            .collect();
        let last = |e: usize| !words.iter().any(|(other, _)| self.before(e, *other));
        let least = |of: fn(&Quota) -> u64| {
            words.iter().filter(|(e, q)| last(*e) && of(q) > 0).map(|(_, q)| of(q)).min().unwrap_or(0)
        };
        Quota { entries: least(|q| q.entries), bytes: least(|q| q.bytes) }
    }

    /// Requests of people who are not in, with a proof: the entry, and whether it was turned down.
    pub fn requests(&self) -> BTreeMap<EntryId, bool> {
        let mut out = BTreeMap::new();
        for e in 0..self.len() {
            let Some(Action::Request(request)) = self.action(e) else { continue };
            let person = self.author(e);
            let listed = self.role(person).is_none()
                && cast::proves(request.invite, LogId(person.0), &request.proof)
                && self.invite(request.invite).is_some();
            let refuses = |r: &usize| matches!(self.action(*r), Some(Action::Refuse(r)) if r.person == person);
            let refused = self.counts.iter().filter(|r| refuses(r)).any(|r| !self.before(*r, e));
            if listed {
                out.insert(self.id(e), refused);
            }
        }
        out
    }

    /// Who got the key of an epoch sealed.
    fn sealed(&self, epoch: EpochId) -> BTreeSet<LogId> {
        let by_reader = |e: &usize| self.role_of_log(self.entries[*e].log).is_some_and(Role::reads);
        let seals = (0..self.len()).filter(by_reader).flat_map(|e| match self.action(e) {
            Some(Action::Epoch(a)) => a.seals.as_slice(),
            Some(Action::Seals(a)) => a.seals.as_slice(),
            _ => &[],
        });
        let asked = self.wanted_by(epoch);
        seals.filter(|s| s.epoch == epoch && !asked.contains(&s.log)).map(|s| s.log).collect()
    }

    /// The epochs that count: the entry of each, whether it covers, whether no other covering one follows.
    pub fn epochs(&self) -> BTreeMap<EntryId, (EpochId, bool, bool)> {
        let epochs: Vec<(usize, EpochId)> = self
            .counts
            .iter()
            .filter_map(|e| match self.action(*e) {
                Some(Action::Epoch(epoch)) => Some((*e, epoch.epoch)),
                _ => None,
            })
            .collect();
        let ends: Vec<usize> = self
            .counts
            .iter()
            .copied()
            .filter(|e| match self.action(*e) {
                Some(Action::Remove(_)) => true,
                Some(Action::SetRole(s)) => s.role == Role::Keeper,
                Some(Action::Admit(a)) => a.invite.is_none() && a.role == Role::Keeper,
                _ => false,
            })
            .collect();
        let covers = |e: usize, epoch: EpochId| {
            ends.iter().all(|end| self.before(*end, e))
                && self.sealed(epoch).into_iter().all(|log| self.may_have(self.person_of(log)))
        };
        let shown = |(e, epoch): &(usize, EpochId)| {
            let followed = epochs.iter().any(|(o, other)| self.before(*e, *o) && covers(*o, *other));
            (self.id(*e), (*epoch, covers(*e, *epoch), !followed))
        };
        epochs.iter().map(shown).collect()
    }

    /// Whether nothing is wrong with somebody having got a key: somebody spoke for the person, or nobody at all did.
    fn may_have(&self, person: PersonId) -> bool {
        let admits = |e: usize| matches!(self.action(e), Some(Action::Admit(a)) if a.person == person);
        !self.words(person).is_empty() || self.role(person).is_some() || !(0..self.len()).any(admits)
    }

    /// Live logs of people who may read.
    fn readers(&self) -> BTreeSet<LogId> {
        self.logs().into_iter().filter(|l| self.role_of_log(*l).is_some_and(Role::reads)).collect()
    }

    pub fn unsealed(&self, epoch: EpochId) -> BTreeSet<LogId> {
        &self.readers() - &self.sealed(epoch)
    }

    /// Who asked for a key and did not get it since.
    pub fn wanted_by(&self, epoch: EpochId) -> BTreeSet<LogId> {
        let answers = |e: usize, log: LogId| match self.action(e) {
            Some(Action::Epoch(a)) => a.seals.iter().any(|s| s.epoch == epoch && s.log == log),
            Some(Action::Seals(a)) => a.seals.iter().any(|s| s.epoch == epoch && s.log == log),
            _ => false,
        };
        let asks = |e: usize| {
            let log = self.entries[e].log;
            let asks = |e: usize| {
                self.entries[e].log == log
                    && matches!(self.action(e), Some(Action::AskKeys(ask)) if ask.epochs.contains(&epoch))
            };
            let last = asks(e) && !(e + 1..self.len()).any(asks);
            let answered = (0..self.len()).any(|s| answers(s, log) && self.before(e, s));
            (last && !answered && self.role_of_log(log).is_some_and(Role::reads)).then_some(log)
        };
        (0..self.len()).filter_map(asks).collect()
    }
}

/// When an act is looked at: grade and place of the grant, handing over first, the act's own place.
type Turn = (usize, usize, usize, usize);

/// What an entry says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Out,
    Set(Role),
    Admitted(Role),
}

/// The entries at their places: causes before effects, and of those whose causes all stand the lowest id next.
fn by_place(history: &[Entry]) -> Vec<&Entry> {
    let here: BTreeSet<EntryId> = history.iter().map(|e| e.id).collect();
    let mut rest: Vec<&Entry> = history.iter().collect();
    let mut placed: Vec<&Entry> = vec![];
    while !rest.is_empty() {
        let stands = |id: &EntryId| !here.contains(id) || placed.iter().any(|p| p.id == *id);
        let ready = rest.iter().enumerate().filter(|(_, e)| e.names.iter().all(stands));
        let (next, _) = ready.min_by_key(|(_, e)| e.id).expect("no entry names what comes after it");
        placed.push(rest.remove(next));
    }
    placed
}

fn closure(entries: &[&Entry]) -> Vec<Vec<bool>> {
    let mut before: Vec<Vec<bool>> = vec![vec![false; entries.len()]; entries.len()];
    for (y, entry) in entries.iter().enumerate() {
        for (x, other) in entries.iter().enumerate().take(y) {
            if entry.names.contains(&other.id) {
                before[x][y] = true;
                for line in &mut before {
                    line[y] |= line[x];
                }
            }
        }
    }
    before
}
