//! Grants and ends: since when somebody may act, and from when on no more.

use super::order::Order;
use crate::model::action::Role;
use crate::model::id::PersonId;

/// The line of seniority in which acts are looked at; lower is senior.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub grade: u8,
    /// The place of the entry that gave the right to act.
    pub place: usize,
}

pub(super) const OWNER: u8 = 0;
const ADMIN: u8 = 1;
/// Members' acts; and whoever's beginnings of epochs and honouring of invites, when all that may void them is known.
pub(super) const MEMBER: u8 = 2;

const _: () = assert!(OWNER < ADMIN && ADMIN < MEMBER, "seniors first");

pub(super) fn grade(role: Role) -> u8 {
    match role {
        Role::Owner => OWNER,
        Role::Admin => ADMIN,
        _ => MEMBER,
    }
}

/// The right to act that an entry gave to a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    pub role: Role,
    /// The entry that gave it.
    pub entry: usize,
    /// The entry by which an owner handed the group over.
    pub handed: Option<usize>,
}

impl Grant {
    pub fn rank(&self) -> Rank {
        Rank { grade: grade(self.role), place: self.entry }
    }
}

/// An entry that takes roles away.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub entry: usize,
    /// It takes every role above this one; `None`: every role.
    pub above: Option<Role>,
}

impl End {
    pub fn takes(&self, role: Role) -> bool {
        self.above.is_none_or(|above| role > above)
    }
}

/// What is known of a person while the fold is under way. Acts and entries are places.
#[derive(Debug)]
pub(super) struct Party {
    pub id: PersonId,
    /// Acts that are made under grants, ascending.
    pub acts: Vec<usize>,
    /// Removals of own devices, ascending, and whether they were looked at.
    pub own: Vec<usize>,
    pub opened: bool,
    /// Admissions and roles that name the person, ascending, whether they count or not.
    pub named: Vec<usize>,
    /// Entries that give own roles up, ascending; whether they may is another question.
    pub given_up: Vec<End>,
    pub grants: Vec<Grant>,
    /// What others took, ascending; in the conclusion also what was given up.
    pub ends: Vec<End>,
    /// Entries that count and gave a role.
    pub given: Vec<(usize, Role)>,
    /// Entries that count by which somebody else removed the person or set its role.
    pub decided: Vec<usize>,
    /// Entries that count and turn the person's requests down.
    pub refusals: Vec<usize>,
}

impl Party {
    pub fn new(id: PersonId) -> Self {
        Self {
            id,
            acts: vec![],
            own: vec![],
            opened: false,
            named: vec![],
            given_up: vec![],
            grants: vec![],
            ends: vec![],
            given: vec![],
            decided: vec![],
            refusals: vec![],
        }
    }

    /// Whether a role that an entry gave was taken, when everything is considered.
    fn is_taken(&self, order: &Order<'_>, role: Role, given: Option<usize>) -> bool {
        if role == Role::Owner {
            return self.grants.iter().any(|g| given == Some(g.entry) && g.role == role && g.handed.is_some());
        }
        let takes = |e: &End| e.takes(role) && given.is_none_or(|given| !order.is_before(e.entry, given));
        self.ends.iter().rev().any(takes)
    }

    /// The highest role that was given and not taken, with the first entry that gave it. `default`: everybody's.
    pub fn standing(&self, order: &Order<'_>, default: Option<Role>) -> Option<(Role, Option<usize>)> {
        let given = self.given.iter().map(|(entry, role)| (*role, Some(*entry)));
        let left =
            given.chain(default.map(|role| (role, None))).filter(|(role, entry)| !self.is_taken(order, *role, *entry));
        left.max_by_key(|(role, entry)| (*role, entry.map(std::cmp::Reverse)))
    }

    /// Whether the person holds the group as an act sees it, or got it at the same time: then it can not leave.
    pub fn holds_the_group(&self, order: &Order<'_>, act: usize) -> bool {
        let holds = |g: &&Grant| g.role == Role::Owner && !order.is_before(act, g.entry);
        self.grants.iter().filter(holds).any(|g| !g.handed.is_some_and(|by| order.is_before(by, act)))
    }
}

/// What takes a grant, ascending: an act under it has to come before all of `others` and the handing over, and after none
/// of `own`. The first ones are the likeliest to tell.
pub(super) struct Hits {
    others: Vec<usize>,
    own: Vec<usize>,
    handed: Option<usize>,
}

impl Hits {
    /// `given_up`: what the person gave up and was allowed to.
    pub fn new(order: &Order<'_>, party: &Party, grant: &Grant, given_up: impl Iterator<Item = End>) -> Self {
        let takes = |e: &End| e.takes(grant.role) && !order.is_before(e.entry, grant.entry);
        let own = given_up.filter(takes).filter(|_| grant.role != Role::Owner);
        Self {
            others: party.ends.iter().filter(|e| takes(e)).map(|e| e.entry).collect(),
            own: own.map(|e| e.entry).collect(),
            handed: grant.handed,
        }
    }

    /// What others took that an act does not come before; of each line of entries the first.
    pub fn others_that_hit(&self, order: &Order<'_>, act: usize) -> Vec<usize> {
        if self.others.iter().all(|end| order.is_before(act, *end)) {
            return vec![];
        }
        order.first_of(self.others.iter().copied().filter(|end| !order.is_before(act, *end)).collect())
    }

    pub fn spare(&self, order: &Order<'_>, act: usize) -> bool {
        self.others.iter().chain(&self.handed).all(|end| order.is_before(act, *end))
            && !self.own.iter().any(|end| order.is_before(*end, act))
    }
}
