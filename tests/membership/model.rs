//! Membership once more, from `docs/membership.md` alone and as plainly as it can be said: every definition of the page is a
//! function here, nothing is kept that can be looked up, and nothing is fast.

use std::collections::{BTreeMap, BTreeSet};

use studymesh::model::action::{Action, Admit, Cut, Endorse, GroupKind, Invite, Quota, Role, Subject};
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

/// Membership by definition.
pub struct Model<'a> {
    /// The entries by place.
    entries: Vec<&'a Entry>,
    /// `before[x][y]`: x is before y.
    before: Vec<Vec<bool>>,
    /// Who wrote each entry: the person of its log as the entry sees it.
    authors: Vec<PersonId>,
    pub grants: Vec<Grant>,
    /// How often everything was looked at anew.
    pub rounds: usize,
    /// Whether an owner handed the group over more than once.
    pub contested: bool,
    /// For each grant of an owner that was handed over: the grant and the entry.
    handed: Vec<(Grant, usize)>,
    /// The entries that count.
    pub counts: BTreeSet<usize>,
    /// Those of them that remove a device of their author.
    own_removals: Vec<usize>,
    /// Those of them that were looked at under a grant, with it.
    counted: Vec<(usize, Grant)>,
    /// Admissions by invites, in the order in which they were looked at.
    admitted: Vec<usize>,
    /// Invites, in the same order.
    invited: Vec<usize>,
}

impl<'a> Model<'a> {
    pub fn new(history: &'a [Entry]) -> Self {
        let entries = by_place(history);
        let before = closure(&entries);
        let mut model = Self {
            entries,
            before,
            authors: vec![],
            grants: vec![],
            rounds: 0,
            contested: false,
            handed: vec![],
            counts: BTreeSet::new(),
            own_removals: vec![],
            counted: vec![],
            admitted: vec![],
            invited: vec![],
        };
        model.authors = (0..model.len()).map(|e| model.person_seen(model.entries[e].log, e)).collect();
        // As long as something turns out to be void by what was looked at later, that is known from the start.
        let mut settled = BTreeSet::new();
        for _ in 0..8 {
            model.look(&settled);
            let late = model.late();
            if late.is_empty() {
                return model;
            }
            settled.extend(late);
            model.rounds += 1;
        }
        model.look(&settled);
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

    fn endorses(&self, entry: usize) -> Option<&'a Endorse> {
        if let Some(Action::Endorse(endorse)) = self.action(entry) { Some(endorse) } else { None }
    }

    /// The place of the log's first endorsement, of those that an entry sees; of all, when none is asked.
    fn endorsement(&self, log: LogId, seen_by: Option<usize>) -> Option<usize> {
        let is_one = |e: &usize| self.entries[*e].log == log && self.endorses(*e).is_some();
        (0..self.len()).filter(is_one).find(|e| seen_by.is_none_or(|by| self.before(*e, by)))
    }

    fn person_by(&self, log: LogId, endorsement: Option<usize>) -> PersonId {
        match endorsement.and_then(|e| self.endorses(e)) {
            Some(endorse) => cast::proven_person(log, endorse),
            None => log.into(),
        }
    }

    pub fn person_of(&self, log: LogId) -> PersonId {
        self.person_by(log, self.endorsement(log, None))
    }

    /// The person of a log as an entry sees it.
    fn person_seen(&self, log: LogId, by: usize) -> PersonId {
        self.person_by(log, self.endorsement(log, Some(by)))
    }

    pub fn author(&self, entry: usize) -> PersonId {
        self.authors[entry]
    }

    /// The logs of the chain that an endorsement proves, from the person's first to the one that linked this one.
    fn chain(&self, log: LogId, endorsement: Option<usize>) -> Vec<LogId> {
        match endorsement.and_then(|e| self.endorses(e)) {
            Some(endorse) if self.person_by(log, endorsement) != log.into() => {
                endorse.person.iter().map(|l| l.log).collect()
            }
            _ => vec![],
        }
    }

    // ---- what counts ----

    fn look(&mut self, settled: &BTreeSet<usize>) {
        self.grants.clear();
        self.contested = false;
        self.handed.clear();
        self.counts.clone_from(settled);
        self.own_removals.clear();
        self.counted.clear();
        self.admitted.clear();
        self.invited.clear();
        for act in 0..self.len() {
            if matches!(self.action(act), Some(Action::Genesis(_))) {
                self.counts.insert(act);
                self.grants.push(Grant { person: self.entries[act].log.into(), role: Role::Owner, entry: act });
            }
            if let (true, Some(Action::SetRole(s))) = (settled.contains(&act), self.action(act))
                && s.role >= Role::Member
            {
                self.grants.push(Grant { person: s.person, role: s.role, entry: act });
            }
        }
        let mut looked: BTreeSet<usize> = settled.clone();
        let mut opened: BTreeSet<PersonId> = BTreeSet::new();
        let mut settled: BTreeSet<usize> = BTreeSet::new();
        loop {
            // What is next: a person's own devices, an owner's handing over, or an act.
            let mut next: Option<(Turn, usize, Option<usize>)> = None;
            let mut offer = |turn: Turn, grant: usize, act: Option<usize>| {
                if next.is_none_or(|(first, _, _)| turn < first) {
                    next = Some((turn, grant, act));
                }
            };
            for (g, grant) in self.grants.iter().enumerate() {
                let (grade, place) = grant.rank();
                if !opened.contains(&grant.person) {
                    offer((grade, place, 0, 0), g, None);
                }
                if grant.role == Role::Owner && !settled.contains(&g) {
                    offer((grade, place, 1, 0), g, None);
                }
                for act in 0..self.len() {
                    if !looked.contains(&act)
                        && self.author(act) == grant.person
                        && self.before(grant.entry, act)
                        && self.is_alive(grant, act)
                        && self.is_device_alive(act)
                        && let Some((grade, place)) = self.rank(grant, act)
                    {
                        offer((grade, place, 2, act), g, Some(act));
                    }
                }
            }
            let Some((turn, g, act)) = next else { break };
            let grant = self.grants[g];
            match act {
                Some(act) => {
                    looked.insert(act);
                    self.look_at(&grant, (turn.0, turn.1), act);
                }
                None if turn.2 == 0 => {
                    opened.insert(grant.person);
                    self.look_at_own_devices(grant.person);
                }
                None => {
                    settled.insert(g);
                    self.hand_over(&grant);
                }
            }
        }
        let rest: BTreeSet<PersonId> = (0..self.len()).map(|act| self.author(act)).collect();
        rest.difference(&opened).for_each(|person| self.look_at_own_devices(*person));
    }

    /// What takes the right or the device of an act that was let count.
    fn late(&self) -> BTreeSet<usize> {
        let mut late = BTreeSet::new();
        late.extend(self.own_removals.iter().flat_map(|act| self.put_out(*act)));
        for (act, grant) in &self.counted {
            let ends = self.ends(grant.person, grant.role, Some(grant.entry));
            late.extend(self.first_of(ends.collect()).into_iter().filter(|end| !self.before(*act, *end)));
            let hands = self.handed(grant) == Some(*act);
            let removals = self.removals_that_hit(*act).into_iter();
            late.extend(removals.filter(|removal| !hands || self.author(*removal) != grant.person));
        }
        late
    }

    fn first_of(&self, all: Vec<usize>) -> Vec<usize> {
        all.iter().copied().filter(|one| !all.iter().any(|other| self.before(*other, *one))).collect()
    }

    /// The rank of an act under a grant; none when it is not made under grants.
    fn rank(&self, grant: &Grant, act: usize) -> Option<(usize, usize)> {
        match self.action(act)? {
            Action::Admit(Admit { invite: Some(_), .. }) | Action::Epoch(_) => Some((2, grant.entry)),
            Action::Remove(r) if r.subject == Subject::Person(grant.person) => None,
            Action::Remove(_) if self.own_device(act).is_some() => None,
            Action::Invite(_)
            | Action::Revoke(_)
            | Action::Admit(_)
            | Action::Refuse(_)
            | Action::SetRole(_)
            | Action::Remove(_)
            | Action::Accept(_)
            | Action::Hide(_)
            | Action::Quota(_) => Some(grant.rank()),
            _ => None,
        }
    }

    /// The entry by which an owner's grant was handed over.
    fn handed(&self, grant: &Grant) -> Option<usize> {
        self.handed.iter().find(|(of, _)| of == grant).map(|(_, by)| *by)
    }

    /// The entries that hand over under a grant, if their devices were not removed.
    fn handings_over(&self, grant: &Grant) -> Vec<usize> {
        let hands = |act: &usize| match self.action(*act) {
            Some(Action::SetRole(set)) if set.role == Role::Owner && set.person != grant.person => {
                self.author(*act) == grant.person
                    && self.before(grant.entry, *act)
                    && self.is_alive(grant, *act)
                    && self.removals_that_hit(*act).into_iter().all(|r| self.author(r) == grant.person)
            }
            _ => false,
        };
        (0..self.len()).filter(hands).collect()
    }

    /// Whether more people vouch for a handing over than for a removal of its device.
    fn outweighs(&self, grant: &Grant, act: usize, removal: usize) -> bool {
        let of = |entry: usize| self.witnesses(grant, entry, &[act, removal]);
        of(act) > of(removal)
    }

    fn hand_over(&mut self, grant: &Grant) {
        let all = self.handings_over(grant);
        let hit = |act: &usize| !self.removals_that_hit(*act).is_empty();
        let contested = self.contested || all.iter().any(hit);
        let stands = |act: &usize| self.removals_that_hit(*act).into_iter().all(|r| self.outweighs(grant, *act, r));
        let all = self.first_of(all.into_iter().filter(stands).collect());
        self.contested = contested || all.len() > 1;
        // Of equals the first by place is the greatest here.
        let best = all.iter().max_by_key(|act| (self.witnesses(grant, **act, &all), std::cmp::Reverse(**act)));
        let Some(act) = best.copied() else { return };
        let Some(to) = self.subject(act) else { return };
        self.counts.insert(act);
        self.counted.push((act, *grant));
        self.handed.push((*grant, act));
        self.grants.push(Grant { person: to, role: Role::Owner, entry: act });
        self.grants.push(Grant { person: grant.person, role: Role::Admin, entry: act });
    }

    /// How many people who were made members or more before an entry wrote something after it, having seen no other one.
    fn witnesses(&self, grant: &Grant, act: usize, all: &[usize]) -> usize {
        let named = (0..self.len()).filter(|e| self.before(*e, act)).filter_map(|e| match self.action(e) {
            Some(Action::Admit(a)) if a.role >= Role::Member => Some(a.person),
            Some(Action::SetRole(s)) if s.role >= Role::Member => Some(s.person),
            _ => None,
        });
        let named: BTreeSet<PersonId> = named.filter(|p| *p != grant.person).collect();
        let vouches = |e: usize| all.iter().all(|one| self.before(*one, e) == (*one == act));
        let wrote = |p: &&PersonId| (0..self.len()).any(|e| vouches(e) && self.author(e) == **p);
        named.iter().filter(wrote).count()
    }

    /// An act that removes a device of its author, as it sees it.
    fn own_device(&self, act: usize) -> Option<LogId> {
        let Some(Action::Remove(remove)) = self.action(act) else { return None };
        let Subject::Device(log) = remove.subject else { return None };
        (self.person_seen(log, act) == self.author(act)).then_some(log)
    }

    fn look_at_own_devices(&mut self, person: PersonId) {
        let own = (0..self.len()).filter(|act| self.author(*act) == person && self.own_device(*act).is_some());
        let turn = |act: usize| {
            let log = self.entries[act].log;
            (self.chain(log, self.endorsement(log, Some(act))).len(), log, act)
        };
        let mut own: Vec<(usize, LogId, usize)> = own.map(turn).collect();
        own.sort_unstable();
        for (_, log, act) in own {
            if self.own_device(act) != Some(log) && self.is_device_alive(act) && self.put_out(act).is_empty() {
                self.counts.insert(act);
                self.own_removals.push(act);
            }
        }
    }

    /// The removals of the author by others that hit an act, unless the author was named anew in between.
    fn put_out(&self, act: usize) -> Vec<usize> {
        let person = self.author(act);
        let removes = |e: &usize| {
            matches!(self.action(*e), Some(Action::Remove(r)) if r.subject == Subject::Person(person))
                && self.author(*e) != person
                && !self.before(act, *e)
        };
        let named = |e: usize| match self.action(e) {
            Some(Action::Admit(a)) => a.person == person,
            Some(Action::SetRole(s)) => s.person == person,
            _ => false,
        };
        let anew = |end: usize| (0..self.len()).any(|e| named(e) && self.before(end, e) && self.before(e, act));
        self.counts.iter().copied().filter(removes).filter(|end| !anew(*end)).collect()
    }

    /// Whether a person holds a grant of owner, of before an entry or concurrent with it, that was not handed over before it.
    fn holds_the_group(&self, person: PersonId, entry: usize) -> bool {
        self.grants
            .iter()
            .filter(|g| g.person == person && g.role == Role::Owner && !self.before(entry, g.entry))
            .any(|g| !self.handed(g).is_some_and(|by| self.before(by, entry)))
    }

    /// Gives roles of one's own up, on a device that is alive, without holding the group.
    fn gives_up(&self, act: usize) -> bool {
        let author = self.author(act);
        let oneself = match self.action(act) {
            Some(Action::Remove(r)) => r.subject == Subject::Person(author),
            Some(Action::SetRole(s)) => s.person == author && s.role < Role::Admin,
            _ => false,
        };
        oneself && self.is_device_alive(act) && !self.holds_the_group(author, act)
    }

    /// Whether what an entry says takes a role from a person.
    fn takes(&self, entry: usize, person: PersonId, role: Role) -> bool {
        match self.action(entry) {
            Some(Action::Remove(r)) => r.subject == Subject::Person(person),
            Some(Action::SetRole(s)) => s.person == person && s.role < Role::Admin && s.role < role,
            _ => false,
        }
    }

    /// The ends that take a role from what an entry gave; from everything, without one.
    fn ends(&self, person: PersonId, role: Role, given: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let by_another = move |e: &usize| self.takes(*e, person, role) && self.author(*e) != person;
        let later = move |e: &usize| given.is_none_or(|given| !self.before(*e, given));
        self.counts.iter().copied().filter(by_another).filter(later)
    }

    /// The entries by which a person gave up what an entry gave.
    fn given_up(&self, person: PersonId, role: Role, given: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let own = move |e: &usize| {
            role != Role::Owner && self.takes(*e, person, role) && self.author(*e) == person && self.gives_up(*e)
        };
        let later = move |e: &usize| given.is_none_or(|given| !self.before(*e, given));
        (0..self.len()).filter(own).filter(later)
    }

    fn is_alive(&self, grant: &Grant, act: usize) -> bool {
        let Grant { person, role, entry } = *grant;
        self.ends(person, role, Some(entry)).all(|end| self.before(act, end))
            && !self.given_up(person, role, Some(entry)).any(|e| self.before(e, act))
            && self.handed(grant).is_none_or(|by| self.before(act, by))
    }

    /// The removals of a log as a device of a person.
    fn removals_of(&self, log: LogId, person: PersonId) -> impl Iterator<Item = usize> + '_ {
        let removes = move |e: &usize| {
            matches!(self.action(*e), Some(Action::Remove(r)) if r.subject == Subject::Device(log))
                && self.person_seen(log, *e) == person
        };
        self.counts.iter().copied().filter(removes)
    }

    fn is_device_alive(&self, act: usize) -> bool {
        self.removals_that_hit(act).is_empty()
    }

    /// The removals of the log of an act, or of logs that linked it, that have not seen it.
    fn removals_that_hit(&self, act: usize) -> Vec<usize> {
        let log = self.entries[act].log;
        let links = self.removals_of_links(log, self.endorsement(log, Some(act)));
        self.removals_of(log, self.author(act)).chain(links).filter(|r| !self.before(act, *r)).collect()
    }

    /// The removals of logs of the chain that did not see how the log linked the next one.
    fn removals_of_links(&self, log: LogId, endorsement: Option<usize>) -> Vec<usize> {
        let chain = self.chain(log, endorsement);
        let person = self.person_by(log, endorsement);
        let mut out = vec![];
        for (at, link) in chain.iter().enumerate() {
            let next = chain.get(at + 1).map_or(endorsement, |next| self.endorsement(*next, None));
            let removals = self.removals_of(*link, person);
            out.extend(removals.filter(|r| !next.is_some_and(|next| self.before(next, *r))));
        }
        out
    }

    /// Whether a person is protected from an act of a rank.
    fn is_protected(&self, person: PersonId, rank: (usize, usize), act: usize) -> bool {
        let over = |g: &Grant| {
            self.ends(person, g.role, Some(g.entry)).any(|e| self.before(e, act))
                || self.given_up(person, g.role, Some(g.entry)).any(|e| self.before(e, act))
                || self.handed(g).is_some_and(|by| self.before(by, act))
        };
        self.grants
            .iter()
            .filter(|g| g.person == person && g.role.decides() && g.rank() < rank)
            .any(|g| !self.before(act, g.entry) && !over(g))
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

    fn look_at(&mut self, grant: &Grant, rank: (usize, usize), act: usize) {
        let Some(action) = self.action(act) else { return };
        let may_act_on =
            |person: PersonId| grant.role.decides() && person != grant.person && !self.is_protected(person, rank, act);
        let counts = match action {
            Action::Invite(i) => grant.role.decides() && i.role < Role::Owner,
            Action::Revoke(_) | Action::Refuse(_) | Action::Accept(_) | Action::Hide(_) | Action::Quota(_) => {
                grant.role.decides()
            }
            Action::Admit(a) if a.invite.is_some() => self.admits_by_invite(a, grant, rank, act),
            Action::Admit(a) => a.role < Role::Owner && may_act_on(a.person),
            // These were looked at before.
            Action::SetRole(s) if s.role == Role::Owner => false,
            Action::SetRole(s) if s.person == grant.person => s.role < grant.role && self.gives_up(act),
            Action::SetRole(s) => may_act_on(s.person),
            Action::Remove(r) => match r.subject {
                Subject::Person(person) => may_act_on(person),
                Subject::Device(log) => may_act_on(self.person_seen(log, act)),
            },
            Action::Epoch(_) => true,
            _ => false,
        };
        if !counts {
            return;
        }
        self.counts.insert(act);
        self.counted.push((act, *grant));
        let given = match action {
            Action::Admit(a) => Some((a.person, a.role)),
            Action::SetRole(s) => Some((s.person, s.role)),
            Action::Invite(_) => {
                self.invited.push(act);
                None
            }
            _ => None,
        };
        if matches!(action, Action::Admit(a) if a.invite.is_some()) {
            self.admitted.push(act);
        }
        if let Some((person, role)) = given
            && role >= Role::Member
        {
            self.grants.push(Grant { person, role, entry: act });
        }
    }

    fn admits_by_invite(&self, admit: &Admit, grant: &Grant, rank: (usize, usize), act: usize) -> bool {
        let Some(redeemed) = &admit.invite else { return false };
        let Some((made, invite)) = self.invite(redeemed.invite) else { return false };
        let proven = cast::proves(redeemed.invite, LogId(admit.person.0), &redeemed.proof);
        let revoked = self.revocations(redeemed.invite).any(|r| !self.before(act, r));
        let others: BTreeSet<PersonId> =
            self.let_in_by(redeemed.invite).into_iter().filter(|p| *p != admit.person).collect();
        let decided = self.counts.iter().any(|e| {
            matches!(self.action(*e), Some(Action::Remove(_) | Action::SetRole(_)))
                && self.subject(*e) == Some(admit.person)
                && self.author(*e) != admit.person
                && self.before(*e, act)
        });
        self.before(made, act)
            && admit.role == invite.role
            && admit.role < Role::Admin
            && proven
            && !revoked
            && (invite.uses == 0 || others.len() < invite.uses as usize)
            && !decided
            && admit.person != grant.person
            && !self.is_protected(admit.person, rank, act)
            && (grant.role.decides() || !invite.approve)
    }

    /// The invite of this key that counts: of several the one that was looked at first.
    pub fn invite(&self, id: InviteId) -> Option<(usize, &'a Invite)> {
        self.invited.iter().find_map(|i| match self.action(*i) {
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

    /// The roles that entries which count gave to a person, with the entries.
    fn given(&self, person: PersonId) -> Vec<(Option<usize>, Role)> {
        let gives = |e: usize| match self.action(e)? {
            Action::Genesis(_) if self.entries[e].log == LogId(person.0) => Some(Role::Owner),
            Action::Admit(a) if a.person == person => Some(a.role),
            Action::SetRole(s) if s.person == person => Some(s.role),
            Action::SetRole(s) if s.role == Role::Owner && self.author(e) == person => Some(Role::Admin),
            _ => None,
        };
        let default = (self.kind() == Some(GroupKind::Open)).then_some((None, Role::Member));
        self.counts.iter().filter_map(|e| Some((Some(*e), gives(*e)?))).chain(default).collect()
    }

    /// Whether a role that an entry gave was taken.
    fn is_taken(&self, person: PersonId, given: Option<usize>, role: Role) -> bool {
        let handed = self.handed.iter().any(|(g, _)| g.person == person && given == Some(g.entry));
        self.ends(person, role, given).next().is_some()
            || self.given_up(person, role, given).next().is_some()
            || (role == Role::Owner && handed)
    }

    /// The role of a person, and the entry that gave it.
    pub fn standing(&self, person: PersonId) -> Option<(Role, Option<usize>)> {
        let left = self.given(person).into_iter().filter(|(entry, role)| !self.is_taken(person, *entry, *role));
        left.map(|(entry, role)| (role, entry)).max_by_key(|(role, entry)| (*role, entry.map(std::cmp::Reverse)))
    }

    pub fn role(&self, person: PersonId) -> Option<Role> {
        self.standing(person).map(|(role, _)| role)
    }

    pub fn is_removed(&self, person: PersonId) -> bool {
        let removes = |e: &usize| {
            matches!(self.action(*e), Some(Action::Remove(r)) if r.subject == Subject::Person(person))
                && (self.counts.contains(e) || (self.author(*e) == person && self.gives_up(*e)))
        };
        self.role(person).is_none() && (0..self.len()).any(|e| removes(&e))
    }

    /// Whether everything that a person was given was taken by a removal that somebody else made.
    pub fn is_put_out(&self, person: PersonId) -> bool {
        self.given(person).into_iter().all(|(entry, role)| self.ends(person, role, entry).next().is_some())
    }

    /// Whether the person gave anything up.
    pub fn has_given_up(&self, person: PersonId) -> bool {
        self.given(person).into_iter().any(|(entry, role)| self.given_up(person, role, entry).next().is_some())
    }

    /// Whether the person handed the group over by an entry that nobody vouches for yet.
    pub fn may_hand_over_again(&self, person: PersonId) -> bool {
        let alone = |(grant, by): &(Grant, usize)| grant.person == person && self.witnesses(grant, *by, &[*by]) == 0;
        self.handed.iter().any(alone)
    }

    /// The rank of the most senior grant that a person decides under, as far as nothing took it.
    pub fn seniority(&self, person: PersonId) -> Option<(usize, usize)> {
        let role = self.role(person).filter(|r| r.decides())?;
        let of = |g: &&Grant| g.person == person && g.role == role && !self.is_taken(person, Some(g.entry), role);
        self.grants.iter().filter(of).map(Grant::rank).min()
    }

    /// Whether a log was removed, or linked by a removed one.
    pub fn is_ended(&self, log: LogId) -> bool {
        self.removals_of(log, self.person_of(log)).next().is_some()
            || !self.removals_of_links(log, self.endorsement(log, None)).is_empty()
    }

    fn role_of_log(&self, log: LogId) -> Option<Role> {
        if self.is_ended(log) { None } else { self.role(self.person_of(log)) }
    }

    /// What the ends of a person or of a log accepted of the log.
    pub fn cuts(&self, log: LogId) -> BTreeSet<Cut> {
        let person = self.person_of(log);
        let mut out = BTreeSet::new();
        let ends = (0..self.len()).filter(|e| self.counts.contains(e) || self.gives_up(*e));
        for end in ends {
            let cut = match self.action(end) {
                Some(Action::Remove(r)) => match r.subject {
                    Subject::Person(p) if p == person => &r.cut,
                    Subject::Device(l) if self.person_seen(l, end) == person => &r.cut,
                    _ => continue,
                },
                Some(Action::SetRole(s)) if s.person == person && s.role < Role::Member => &s.cut,
                _ => continue,
            };
            out.extend(cut.iter().filter(|c| c.log == log).copied());
        }
        out
    }

    /// Logs that introduced themselves, or were removed.
    pub fn logs(&self) -> BTreeSet<LogId> {
        let log = |e: usize| match self.action(e) {
            Some(Action::Endorse(_)) => Some(self.entries[e].log),
            Some(Action::Remove(r)) if self.counts.contains(&e) => match r.subject {
                Subject::Device(log) if self.person_seen(log, e) == log.into() => Some(log),
                _ => None,
            },
            _ => None,
        };
        (0..self.len()).filter_map(log).collect()
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

    /// Requests of people who are not in: the entry, and whether it was turned down.
    pub fn requests(&self) -> BTreeMap<EntryId, bool> {
        let mut out = BTreeMap::new();
        for e in 0..self.len() {
            let Some(Action::Request(request)) = self.action(e) else { continue };
            let person = self.person_of(self.entries[e].log);
            let Some((invite, _)) = self.invite(request.invite) else { continue };
            if self.role(person).is_some() || !cast::proves(request.invite, LogId(person.0), &request.proof) {
                continue;
            }
            let refuses = |r: &&usize| matches!(self.action(**r), Some(Action::Refuse(r)) if r.person == person);
            let stands = |r: &usize| !self.before(*r, e) && !self.before(*r, invite);
            out.insert(self.id(e), self.counts.iter().filter(refuses).any(stands));
        }
        out
    }

    /// The request of the highest id.
    pub fn asked(&self, person: PersonId) -> Option<EntryId> {
        let asks = |e: &usize| {
            let log = self.entries[*e].log;
            let good = |r: &studymesh::model::action::Request| {
                self.invite(r.invite).is_some() && cast::proves(r.invite, LogId(person.0), &r.proof)
            };
            self.person_of(log) == person && matches!(self.action(*e), Some(Action::Request(r)) if good(r))
        };
        (0..self.len()).filter(asks).map(|e| self.id(e)).max()
    }

    /// Entries by people who may read that seal the key of an epoch, and to whom.
    fn seals(&self, epoch: EpochId) -> Vec<(usize, LogId)> {
        let seals = |e: usize| {
            let seals = match self.action(e) {
                Some(Action::Epoch(a)) => a.seals.as_slice(),
                Some(Action::Seals(a)) => a.seals.as_slice(),
                _ => &[],
            };
            let may = self.role_of_log(self.entries[e].log).is_some_and(Role::reads);
            seals.iter().filter(move |s| may && s.epoch == epoch).map(move |s| (e, s.log))
        };
        (0..self.len()).flat_map(seals).collect()
    }

    /// Whether an entry seals a key to somebody whose admission does not count.
    fn is_sealed_wrongly(&self, entry: usize, log: LogId) -> bool {
        let person = self.person_seen(log, entry);
        let admits = |e: usize| matches!(self.action(e), Some(Action::Admit(a)) if a.person == person);
        (0..self.len()).any(|e| admits(e) && self.before(e, entry))
            && !self.role(person).is_some_and(Role::reads)
            && !self.given(person).iter().any(|(entry, role)| entry.is_some() && role.reads())
    }

    /// Whether an epoch was begun with everybody in sight who lost the right to read.
    fn has_seen_losses(&self, epoch: usize) -> bool {
        let people: BTreeSet<PersonId> = self.grants_to_read().map(|(person, ..)| person).collect();
        let seen = |person: &PersonId| {
            if self.role(*person).is_some_and(Role::reads) {
                // A device that is removed: some removal of it was seen.
                let devices = (0..self.len()).filter_map(|e| match self.action(e) {
                    Some(Action::Remove(r)) if self.counts.contains(&e) => match r.subject {
                        Subject::Device(log) if self.person_seen(log, e) == *person => Some(log),
                        _ => None,
                    },
                    _ => None,
                });
                return devices
                    .collect::<Vec<_>>()
                    .into_iter()
                    .all(|log| self.removals_of(log, *person).any(|r| self.before(r, epoch)));
            }
            self.grants_to_read().filter(|(of, ..)| of == person).all(|(_, entry, role)| {
                self.ends(*person, role, Some(entry)).any(|e| self.before(e, epoch))
                    || self.given_up(*person, role, Some(entry)).any(|e| self.before(e, epoch))
                    || self.handed.iter().any(|(g, by)| {
                        g.person == *person && role == Role::Owner && g.entry == entry && self.before(*by, epoch)
                    })
            })
        };
        people.iter().all(seen)
    }

    /// Every role that reads which an entry gave to somebody.
    fn grants_to_read(&self) -> impl Iterator<Item = (PersonId, usize, Role)> + '_ {
        let named = (0..self.len()).filter_map(|e| match self.action(e) {
            Some(Action::Genesis(_)) => Some(self.entries[e].log.into()),
            _ => self.subject(e),
        });
        let givers = (0..self.len()).map(|e| self.author(e));
        let people: BTreeSet<PersonId> = named.chain(givers).collect();
        let of = |person: PersonId| {
            self.given(person).into_iter().filter_map(move |(entry, role)| Some((person, entry?, role)))
        };
        people.into_iter().flat_map(of).filter(|(_, _, role)| role.reads())
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
        let covers = |e: usize, epoch: EpochId| {
            self.has_seen_losses(e)
                && self.seals(epoch).into_iter().all(|(entry, log)| !self.is_sealed_wrongly(entry, log))
        };
        let shown = |(e, epoch): &(usize, EpochId)| {
            let followed = epochs.iter().any(|(o, other)| self.before(*e, *o) && covers(*o, *other));
            (self.id(*e), (*epoch, covers(*e, *epoch), !followed))
        };
        epochs.iter().map(shown).collect()
    }

    /// Live logs of people who may read.
    fn readers(&self) -> BTreeSet<LogId> {
        self.logs().into_iter().filter(|l| self.role_of_log(*l).is_some_and(Role::reads)).collect()
    }

    /// Who may read and lacks a key: nobody sealed it, or it was asked for since.
    pub fn unsealed(&self, epoch: EpochId) -> BTreeSet<LogId> {
        let sealed: BTreeSet<LogId> = self.seals(epoch).into_iter().map(|(_, log)| log).collect();
        let wanted = self.wanted_by(epoch);
        self.readers().into_iter().filter(|log| !sealed.contains(log) || wanted.contains(log)).collect()
    }

    /// Who asked for a key and did not get it since.
    pub fn wanted_by(&self, epoch: EpochId) -> BTreeSet<LogId> {
        let seals: Vec<(usize, LogId)> = self.seals(epoch);
        let asks = |e: usize| {
            let log = self.entries[e].log;
            let asks = matches!(self.action(e), Some(Action::AskKeys(ask)) if ask.epochs.contains(&epoch));
            let answers = |(s, to): &(usize, LogId)| {
                matches!(self.action(*s), Some(Action::Seals(_))) && *to == log && self.before(e, *s)
            };
            let may = self.role_of_log(log).is_some_and(Role::reads);
            (asks && may && !seals.iter().any(answers)).then_some(log)
        };
        (0..self.len()).filter_map(asks).collect()
    }
}

/// When something is looked at: grade and place of its rank, then own devices, the handing over, and the acts by place.
type Turn = (usize, usize, usize, usize);

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
