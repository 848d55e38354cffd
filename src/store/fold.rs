//! Folding one entry into the views.
//!
//! Writes and supersessions only ever grow in number, and which writes are superseded depends on both sets alone; note
//! edits are a set too. So the views come out the same in whatever order entries arrive. Where one entry writes one
//! register twice, the last of the two counts.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::cache::GroupInfo;
use super::key::Key;
use super::registers::Slot;
use super::{Error, SqliteStore};
use crate::model::action::Action;
use crate::model::fold::{Fact, Register, Value, facts};
use crate::model::id::{EntryId, PersonId};
use crate::model::time::Hlc;

/// The registers that an entry writes, with their values.
pub(super) type Writes = BTreeMap<Register, Value>;

/// The register writes among the facts of an action.
pub(super) fn writes(id: EntryId, person: PersonId, action: &Action) -> Writes {
    let write = |fact| match fact {
        Fact::Write(register, value) => Some((register, *value)),
        Fact::Edit { .. } => None,
    };
    facts(id, person, action).into_iter().filter_map(write).collect()
}

impl SqliteStore {
    /// Folds an entry whose row is stored.
    pub(super) fn fold(
        &mut self,
        group: &GroupInfo,
        key: Key,
        id: EntryId,
        time: Hlc,
        person: PersonId,
        action: &Action,
    ) -> Result<(), Error> {
        for fact in facts(id, person, action) {
            if let Fact::Edit { note, edit, .. } = fact {
                self.fold_edit(group, key, id, time, note, edit)?;
            }
        }
        let writes = writes(id, person, action);
        if !writes.is_empty() {
            self.fold_writes(group, key, id, time, &writes, action.supersedes())?;
        }
        Ok(())
    }

    fn fold_writes(
        &mut self,
        group: &GroupInfo,
        key: Key,
        id: EntryId,
        time: Hlc,
        writes: &Writes,
        targets: &[EntryId],
    ) -> Result<(), Error> {
        let mut slots = vec![];
        for register in writes.keys() {
            slots.push(self.new_slot(group.no, register)?);
        }
        if !targets.is_empty() {
            self.supersede(group.no, key, &slots, targets)?;
        }
        let superseded: BTreeSet<Register> = self.superseded_early(group, id, writes)?;
        for (slot, (register, value)) in slots.iter().zip(writes) {
            self.insert_write(group.no, *slot, superseded.contains(register), id, key, value)?;
            self.mark_stale(group.no, register, *slot)?;
            if let Some(note) = note_of(register, *slot) {
                self.touch_note(group.no, note, time)?;
            }
        }
        Ok(())
    }

    fn insert_write(
        &mut self,
        grp: i64,
        slot: Slot,
        superseded: bool,
        id: EntryId,
        key: Key,
        value: &Value,
    ) -> Result<(), Error> {
        let insert = "INSERT INTO writes (grp, kind, superseded, subject, part, tag, entry, value)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Slot { kind, subject, part } = slot;
        self.db.prepare_cached(insert)?.execute(params![
            grp,
            kind,
            superseded,
            subject,
            part,
            tag(id),
            key,
            value.encode()
        ])?;
        Ok(())
    }
}

/// The first eight bytes of an entry id: enough to find a write of a register; the id itself is compared too.
pub(super) fn tag(id: EntryId) -> i64 {
    i64::from_be_bytes(*id.0.first_chunk().expect("an id is longer than eight bytes"))
}

/// The note that a register belongs to: writing it changes the note's time.
fn note_of(register: &Register, slot: Slot) -> Option<i64> {
    let of_note = matches!(
        register,
        Register::NoteTitle(_) | Register::NoteTopic(_) | Register::NoteTags(_) | Register::NoteDeleted(_)
    );
    of_note.then_some(slot.subject)
}
