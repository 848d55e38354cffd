//! Entries that come by hand rather than from a peer: from a file, or from a program that made them.

use super::Engine;
use super::group::Accepted;
use super::store::Store;
use crate::log::entry::{EntryError, Signed};
use crate::log::run::Authentic;
use crate::model::id::GroupId;

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
}
