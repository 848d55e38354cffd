//! The fold: acts of seniors first, so that whatever may void an act is known when it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::Acts;
use super::devices::Introduced;
use super::grants::{End, Grant, Hits, MEMBER, OWNER, Party, Rank, grade};
use super::members::Members;
use super::order::Order;
use crate::model::action::{Action, Cut, Role, Subject};
use crate::model::id::{EntryId, InviteId, LogId, PersonId};

/// Most times that everything is looked at anew.
const MAX_ROUNDS: usize = 8;

/// The fold under way. Acts and entries are named by their places.
pub(super) struct Fold<'a> {
    pub acts: &'a Acts,
    pub order: Order<'a>,
    pub introduced: Introduced,
    pub parties: Vec<Party>,
    pub party_of: BTreeMap<PersonId, usize>,
    /// The author of each act, as it sees itself.
    pub authors: Vec<usize>,
    /// Removals that count, of logs as devices of the person that the entry sees.
    pub removals: BTreeMap<(LogId, PersonId), Vec<usize>>,
    pub epochs: Vec<usize>,
    pub quotas: Vec<usize>,
    pub hides: BTreeMap<EntryId, Vec<(usize, bool)>>,
    pub revokes: BTreeMap<InviteId, Vec<usize>>,
    pub invites: BTreeMap<InviteId, usize>,
    pub members: Members,
    /// Whom an admission or a role of member or more names, whether it counts or not.
    named: Vec<(usize, usize)>,
    pub looked: Vec<bool>,
    /// Removals of own devices that count.
    pub own_removals: Vec<usize>,
    /// Acts that count, with the author and the grant.
    counted: Vec<(usize, usize, usize)>,
    queue: BTreeSet<(Rank, usize, usize)>,
}

impl<'a> Fold<'a> {
    fn new(acts: &'a Acts) -> Self {
        let (order, places) = Order::new(acts);
        let looked = vec![false; order.len()];
        let mut fold = Self {
            acts,
            introduced: Introduced::new(acts, &places),
            order,
            parties: vec![],
            party_of: BTreeMap::new(),
            authors: vec![],
            removals: BTreeMap::new(),
            epochs: vec![],
            quotas: vec![],
            hides: BTreeMap::new(),
            revokes: BTreeMap::new(),
            invites: BTreeMap::new(),
            members: Members { kind: acts.kind, ..Members::default() },
            named: vec![],
            looked,
            own_removals: vec![],
            counted: vec![],
            queue: BTreeSet::new(),
        };
        fold.sort_acts();
        fold
    }

    /// What all acts mean together.
    ///
    /// Whoever is senior is looked at first. So what a junior takes (a device from somebody who is made the owner
    /// afterwards, a role from an admin who had given it up) may turn out to count only after an act that it voids was let
    /// count. Then everything is looked at anew, with that settled from the start.
    pub fn run(acts: &'a Acts) -> Members {
        let mut settled: BTreeSet<usize> = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let mut fold = Self::new(acts);
            fold.look_at_all(&settled);
            let late = fold.late_ends();
            if late.is_empty() {
                fold.give_up();
                fold.conclude();
                return fold.members;
            }
            settled.extend(late);
        }
        let mut fold = Self::new(acts);
        fold.look_at_all(&settled);
        fold.give_up();
        fold.conclude();
        fold.members
    }

    fn look_at_all(&mut self, settled: &BTreeSet<usize>) {
        let genesis = self.order.iter().find(|(_, act)| matches!(act.action, Some(Action::Genesis(_))));
        let Some((place, act)) = genesis else { return };
        settled.iter().for_each(|act| self.settle(*act));
        let founder = self.party(act.log.into());
        self.give(founder, Role::Owner, place);
        while let Some((rank, _, _)) = self.queue.first() {
            self.look(*rank);
        }
        (0..self.parties.len()).for_each(|party| self.open(party));
    }

    /// What takes the right or the device under which an act was let count.
    fn late_ends(&self) -> BTreeSet<usize> {
        let mut late: BTreeSet<usize> = self.own_removals.iter().flat_map(|act| self.put_out(*act)).collect();
        let mut hits: BTreeMap<(usize, usize), Hits> = BTreeMap::new();
        for (act, party, grant) in &self.counted {
            let hits = hits.entry((*party, *grant)).or_insert_with(|| self.hits(*party, *grant));
            late.extend(hits.others_that_hit(&self.order, *act));
            // Whether the giver's own removal of the device undoes a handing over was decided before.
            let hands = self.parties[*party].grants[*grant].handed == Some(*act);
            late.extend(self.removals_that_hit(*act).filter(|removal| !hands || self.authors[*removal] != *party));
        }
        late
    }

    pub fn party(&mut self, person: PersonId) -> usize {
        let parties = &mut self.parties;
        *self.party_of.entry(person).or_insert_with(|| {
            parties.push(Party::new(person));
            parties.len() - 1
        })
    }

    /// Who does what.
    fn sort_acts(&mut self) {
        for place in 0..self.order.len() {
            let act = self.order.act(place);
            let person = self.introduced.person_seen(&self.order, act.log, place);
            let author = self.party(person);
            self.authors.push(author);
            match &act.action {
                Some(Action::Admit(a)) => self.name(a.person, a.role, place),
                Some(Action::SetRole(s)) => self.name(s.person, s.role, place),
                _ => {}
            }
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
                    self.parties[author].given_up.push(End { entry: place, above: None });
                }
                Some(Action::Remove(r)) => match r.subject {
                    // A device does not remove itself.
                    Subject::Device(log) if log == act.log => {}
                    Subject::Device(log) if self.introduced.person_seen(&self.order, log, place) == person => {
                        self.parties[author].own.push(place);
                    }
                    _ => self.parties[author].acts.push(place),
                },
                Some(action) => {
                    if let Action::SetRole(set) = action
                        && set.person == person
                        && !set.role.decides()
                    {
                        self.parties[author].given_up.push(End { entry: place, above: Some(set.role) });
                    }
                    self.parties[author].acts.push(place);
                }
            }
        }
    }

    fn name(&mut self, person: PersonId, role: Role, place: usize) {
        let party = self.party(person);
        self.parties[party].named.push(place);
        if role.writes() {
            self.named.push((place, party));
        }
    }

    /// An entry that counts gives a role.
    pub fn give(&mut self, party: usize, role: Role, entry: usize) {
        let of = &mut self.parties[party];
        of.given.push((entry, role));
        if !role.writes() {
            return;
        }
        let grant = of.grants.len();
        of.grants.push(Grant { role, entry, handed: None });
        if of.acts.is_empty() && of.own.is_empty() {
            return;
        }
        for grade in [grade(role), MEMBER] {
            self.queue.insert((Rank { grade, place: entry }, party, grant));
        }
    }

    /// Looks at the acts of one rank, by place.
    fn look(&mut self, rank: Rank) {
        let mut turns = vec![];
        while let Some((of, party, grant)) = self.queue.first().copied()
            && of == rank
        {
            self.queue.pop_first();
            self.open(party);
            if rank.grade == OWNER {
                self.hand_over(party, grant);
            }
            let right = self.parties[party].grants[grant];
            let acts = &self.parties[party].acts;
            let after = acts.partition_point(|act| *act <= right.entry);
            let of_rank = acts[after..].iter().filter(|act| {
                !self.looked[**act]
                    && self.grade_of(&right, **act) == rank.grade
                    && self.order.is_before(right.entry, **act)
            });
            turns.extend(of_rank.map(|act| (*act, party, grant)));
        }
        turns.sort_unstable();
        // Nobody's acts of one rank take anything from those of the same rank.
        let mut hits: BTreeMap<(usize, usize), Hits> = BTreeMap::new();
        for (act, party, grant) in turns {
            let hits = hits.entry((party, grant)).or_insert_with(|| self.hits(party, grant));
            if hits.spare(&self.order, act) && self.is_device_alive(act) {
                self.looked[act] = true;
                if self.decide(party, grant, rank, act) {
                    self.counted.push((act, party, grant));
                }
            }
        }
    }

    fn grade_of(&self, grant: &Grant, act: usize) -> u8 {
        match &self.order.act(act).action {
            Some(Action::Epoch(_)) => MEMBER,
            Some(Action::Admit(a)) if a.invite.is_some() => MEMBER,
            _ => grade(grant.role),
        }
    }

    fn hits(&self, party: usize, grant: usize) -> Hits {
        let of = &self.parties[party];
        Hits::new(&self.order, of, &of.grants[grant], self.given_up(of))
    }

    /// An owner hands over once.
    fn hand_over(&mut self, party: usize, grant: usize) {
        let (hits, entry, giver) =
            (self.hits(party, grant), self.parties[party].grants[grant].entry, self.parties[party].id);
        let hands = |act: &&usize| {
            matches!(&self.order.act(**act).action, Some(Action::SetRole(s)) if s.role == Role::Owner && s.person != giver)
                && self.order.is_before(entry, **act)
                && hits.spare(&self.order, **act)
                && self.removals_that_hit(**act).all(|removal| self.outweighs(party, **act, removal))
        };
        let first = self.order.first_of(self.parties[party].acts.iter().filter(hands).copied().collect());
        let best = match first.as_slice() {
            [] => return,
            [one] => *one,
            several => {
                let witnesses = self.witnesses(party, several);
                let by = |(at, act): &(usize, &usize)| (witnesses[*at], std::cmp::Reverse(**act));
                several.iter().enumerate().max_by_key(by).map_or(several[0], |(_, act)| *act)
            }
        };
        let Some(Action::SetRole(set)) = &self.order.act(best).action else { return };
        let to = self.party(set.person);
        self.looked[best] = true;
        self.counted.push((best, party, grant));
        self.parties[party].grants[grant].handed = Some(best);
        self.parties[to].decided.push(best);
        self.give(to, Role::Owner, best);
        self.give(party, Role::Admin, best);
    }

    /// Whether a handing over stands though the giver removed, at the same time, the device that it was made on: a former
    /// owner does not undo it so, and a thief of the device does not hand over what was taken from it.
    fn outweighs(&self, giver: usize, act: usize, removal: usize) -> bool {
        let mut both = [act, removal];
        both.sort_unstable();
        let witnesses = self.witnesses(giver, &both);
        let of = |entry: usize| if both[0] == entry { witnesses[0] } else { witnesses[1] };
        self.authors[removal] == giver && of(act) > of(removal)
    }

    /// How many people vouch for each of several entries: they were made members or more before it, the giver aside, and
    /// wrote something when they had seen it and no other one. Who has seen several vouches for none, so that a former
    /// owner gains nothing by one that comes late.
    fn witnesses(&self, giver: usize, of: &[usize]) -> Vec<usize> {
        let mut seen_one: Vec<(usize, usize)> = vec![];
        for (place, author) in self.authors.iter().enumerate().skip(of[0]) {
            let mut seen = (0..of.len()).filter(|at| self.order.is_before(of[*at], place));
            if let (Some(at), None) = (seen.next(), seen.next()) {
                seen_one.push((at, *author));
            }
        }
        seen_one.sort_unstable();
        seen_one.dedup();
        let mut counts = vec![0; of.len()];
        for same in seen_one.chunk_by(|a, b| a.0 == b.0) {
            let (at, _) = same[0];
            let mut named = vec![false; self.parties.len()];
            for (place, party) in &self.named {
                named[*party] |= *party != giver && self.order.is_before(*place, of[at]);
            }
            counts[at] = same.iter().filter(|(_, author)| named[*author]).count();
        }
        counts
    }

    /// What a person gives up, as far as it may.
    fn given_up<'b>(&'b self, party: &'b Party) -> impl Iterator<Item = End> + 'b {
        let may = |e: &&End| self.is_device_alive(e.entry) && !party.holds_the_group(&self.order, e.entry);
        party.given_up.iter().filter(may).copied()
    }

    /// What people gave up is over.
    fn give_up(&mut self) {
        for party in 0..self.parties.len() {
            let ends: Vec<End> = self.given_up(&self.parties[party]).collect();
            for end in ends {
                match &self.order.act(end.entry).action {
                    Some(Action::Remove(remove)) => self.end(party, end, &remove.cut),
                    Some(Action::SetRole(set)) => self.end(party, end, &set.cut),
                    _ => {}
                }
            }
        }
    }

    /// Somebody loses roles, with what of the logs is accepted.
    pub fn end(&mut self, party: usize, end: End, cut: &[Cut]) {
        let writes = end.takes(Role::Member);
        let of = &mut self.parties[party];
        of.ends.insert(of.ends.partition_point(|e| e.entry < end.entry), end);
        if writes {
            self.cut(self.parties[party].id, cut);
        }
    }

    /// Accepts what an entry names of the logs of a person.
    pub fn cut(&mut self, of: PersonId, cut: &[Cut]) {
        for cut in cut.iter().filter(|c| self.introduced.person(c.log) == of) {
            self.members.cuts.entry(cut.log).or_default().push(*cut);
        }
    }

    /// Whether a person is protected from an act of a rank.
    pub fn is_protected(&self, person: PersonId, rank: Rank, act: usize) -> bool {
        let Some(party) = self.party_of.get(&person).map(|party| &self.parties[*party]) else { return false };
        let protects = |g: &&Grant| g.role.decides() && g.rank() < rank && !self.order.is_before(act, g.entry);
        let mut grants = party.grants.iter().filter(protects).peekable();
        if grants.peek().is_none() {
            return false;
        }
        // What the act has seen of what was taken and given up.
        let seen = |e: &End| self.order.is_before(e.entry, act);
        let taken: Vec<End> = party.ends.iter().copied().filter(seen).collect();
        let given_up: Vec<End> = self.given_up(party).filter(seen).collect();
        let over = |g: &Grant| {
            let ends = |e: &End| e.takes(g.role) && !self.order.is_before(e.entry, g.entry);
            g.handed.is_some_and(|by| self.order.is_before(by, act))
                || taken.iter().rev().any(ends)
                || (g.role != Role::Owner && given_up.iter().rev().any(ends))
        };
        grants.any(|g| !over(g))
    }
}
