//! Entries that come by hand rather than from a peer: from a file, or from a program that made them.

use std::collections::VecDeque;

use super::Engine;
use super::group::Accepted;
use super::store::Store;
use crate::log::entry::{EntryError, Signed};
use crate::log::keys::GroupKeys;
use crate::log::run::Authentic;
use crate::membership::Acts;
use crate::model::action::{Action, Class};
use crate::model::id::{GroupId, PersonId};
use crate::sync::bundle::Checked;
use crate::sync::handshake::Standing;

/// Most control entries that a node that waits to be let in looks at to see whether it was; more are left out.
const MAX_REHEARSED: usize = 200_000;

/// What became of an entry that was brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It is new here, and stored and folded.
    New,
    /// It was here before.
    Held,
    /// What it builds on is not here: bring that in first.
    Gap,
    /// It belongs to no group or to another one, or there is no room for its log.
    Refused,
    /// It is not authentic.
    Invalid(EntryError),
}

/// How many entries became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// New here, and stored and folded.
    pub new: u64,
    /// Here before.
    pub held: u64,
    /// Not taken in, since what they build on is not here.
    pub missing: u64,
    /// Not taken in: of somebody who was not let in, or beyond a bound of the group or of this node.
    pub refused: u64,
    /// Not authentic.
    pub invalid: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.held += more.held;
        self.missing += more.missing;
        self.refused += more.refused;
        self.invalid += more.invalid;
    }
}

/// Whether a node that waits to be let in was let in, as the control entries of a bundle have it, before anything of it is
/// taken in: who waits holds nothing but its own request.
#[derive(Debug)]
pub struct Rehearsal {
    acts: Acts,
    keys: GroupKeys,
    me: PersonId,
}

impl Rehearsal {
    /// Looks at the control entries of a run.
    pub fn look(&mut self, run: &Checked) {
        for (Authentic { id, header }, body) in run.entries() {
            if header.class == Class::Control && self.acts.len() < MAX_REHEARSED {
                let action = self.keys.open(header, body).ok();
                // Keys say nothing of who belongs, and take the most room.
                let action = action.filter(|a| !matches!(a, Action::Epoch(_) | Action::Seals(_)));
                self.acts.add(*id, header.log, &header.control_heads, action.as_ref());
            }
        }
    }

    /// Whether this node's person is in.
    #[must_use]
    pub fn is_in(&self) -> bool {
        let members = self.acts.fold();
        members.persons().get(&self.me).is_some_and(|p| p.since.is_some() && !p.removed)
    }
}

impl<S: Store> Engine<S> {
    /// Verifies an entry and takes it in.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import(&mut self, now: u64, group: GroupId, entry: Signed) -> Result<Imported, S::Error> {
        let verified = match entry.verify() {
            Ok(verified) => verified,
            Err(error) => return Ok(Imported::Invalid(error)),
        };
        let authentic = Authentic { id: verified.id, header: verified.header.clone() };
        Ok(match self.take(now, group, &authentic, &verified.body, Some(verified.signature))? {
            Accepted::New { .. } => Imported::New,
            Accepted::Held => Imported::Held,
            Accepted::Gap => Imported::Gap,
            Accepted::Full | Accepted::Aside | Accepted::Foreign => Imported::Refused,
        })
    }

    /// Takes a run with its bodies in, as from a peer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_run(&mut self, now: u64, group: GroupId, run: &Checked) -> Result<Tally, S::Error> {
        // The first body that is not its header's is what is wrong; the others lack it.
        let spoiled = run.spoiled();
        let mut tally = Tally { invalid: spoiled.min(1), missing: spoiled.saturating_sub(1), ..Tally::default() };
        if self.holds_all(group, run)? {
            tally.held = run.entries().len() as u64;
            return Ok(tally);
        }
        // The entries at the end that do not come in: their headers prove what came before them.
        let mut out: VecDeque<Authentic> = VecDeque::new();
        let (mut aside, mut lacks) = (0, false);
        let last = run.entries().len().checked_sub(1).filter(|_| run.tail().is_empty());
        for (i, (entry, body)) in run.entries().iter().enumerate() {
            let signature = (Some(i) == last).then(|| run.signature());
            let accepted = self.take(now, group, entry, body, signature)?;
            let follows = out.back().is_some_and(|before| before.id == entry.header.prev);
            match accepted {
                Accepted::New { .. } => {
                    // With a request comes the entry that introduces who asks.
                    tally.new += 1 + std::mem::take(&mut aside);
                    out.clear();
                    continue;
                }
                Accepted::Held => {
                    tally.held += 1;
                    out.clear();
                    continue;
                }
                Accepted::Aside => {
                    aside += 1;
                    continue;
                }
                // What follows something that was refused has no place either.
                Accepted::Gap if follows => {}
                Accepted::Gap => lacks = aside == 0,
                Accepted::Full | Accepted::Foreign => lacks = false,
            }
            if lacks {
                tally.missing += 1;
            } else {
                tally.refused += 1;
            }
            if !follows {
                out.clear();
            }
            out.push_back(entry.clone());
        }
        tally.refused += aside;
        out.extend(run.tail().iter().cloned());
        if let Some(group) = self.groups.get_mut(&group) {
            group.set_pending(&out, run.signature());
        }
        if tally.new > 0 {
            self.news(now, group);
        }
        Ok(tally)
    }

    /// Whether the last entry of a run is here, and so all of it.
    fn holds_all(&mut self, group: GroupId, run: &Checked) -> Result<bool, S::Error> {
        let Some((Authentic { id, header }, _)) = run.entries().last() else { return Ok(false) };
        let log = self.groups.get(&group).and_then(|g| g.logs.get(&header.log));
        log.map_or(Ok(false), |log| Ok(log.find(&mut self.store, header.seq, *id)?.is_some()))
    }

    /// Folds what an import brought, so that nothing of it waits.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_end(&mut self, now: u64, group: GroupId) -> Result<(), S::Error> {
        self.settle(now, group)?;
        match self.groups.get_mut(&group) {
            Some(group) if group.lift_at.is_some() => group.lift_all(&mut self.store),
            _ => Ok(()),
        }
    }

    /// For a node that waits to be let into this group: what finds out whether it was.
    #[must_use]
    pub fn rehearse(&self, group: GroupId) -> Option<Rehearsal> {
        let group = self.groups.get(&group).filter(|g| g.is_waiting())?;
        Some(Rehearsal { acts: group.acts.clone(), keys: group.keys.clone(), me: group.person() })
    }

    /// A [`Rehearsal`] found that this node was let in: it takes in what the group wrote.
    pub fn let_in_by_hand(&mut self, group: GroupId) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.standing = Standing::In;
        }
    }
}
