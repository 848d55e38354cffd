//! Grants and ends: since when somebody may act, and from when on no more.

use std::collections::BTreeMap;

use crate::model::action::Role;
use crate::model::id::{LogId, PersonId};

/// The line of seniority: owners, then admins, then members; within each the earlier grant is senior.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub grade: u8,
    /// The place of the grant in the order of all entries.
    pub place: usize,
}

pub(super) const OWNERS: u8 = 0;
pub(super) const ADMINS: u8 = 1;
pub(super) const MEMBERS: u8 = 2;

pub(super) fn grade(role: Role) -> u8 {
    match role {
        Role::Owner => OWNERS,
        Role::Admin => ADMINS,
        _ => MEMBERS,
    }
}

/// The right to act that an entry gave to a person.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub person: PersonId,
    pub role: Role,
    /// The entry that gave it.
    pub act: usize,
    pub rank: Rank,
    /// The entry by which an owner handed the group over, and to whom.
    pub handed: Option<(usize, PersonId)>,
}

/// The entry that took a right away.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub act: usize,
    /// It takes every right above this role; `None`: every right.
    pub above: Option<Role>,
    /// Whether the person took it from itself.
    pub own: bool,
}

impl End {
    pub fn takes(&self, role: Role) -> bool {
        self.above.is_none_or(|above| role > above)
    }
}

/// All ends, by whom they hit.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub persons: BTreeMap<PersonId, Vec<End>>,
    /// Removals of devices.
    pub logs: BTreeMap<LogId, Vec<usize>>,
}
