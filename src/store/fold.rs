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

/// The entry that is being folded. Its row is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub key: Key,
    pub id: EntryId,
    pub time: Hlc,
    pub person: PersonId,
}

impl SqliteStore {
    /// Folds an entry.
    pub(super) fn fold(&mut self, group: &GroupInfo, source: Source, action: &Action) -> Result<(), Error> {
        for fact in facts(source.id, source.person, action) {
            if let Fact::Edit { note, builds_on, edit } = fact {
                self.fold_edit(group, source, note, builds_on, edit)?;
            }
        }
        let writes = writes(source.id, source.person, action);
        if writes.is_empty() { Ok(()) } else { self.fold_writes(group, source, &writes, action.supersedes()) }
    }

    fn fold_writes(
        &mut self,
        group: &GroupInfo,
        source: Source,
        writes: &Writes,
        targets: &[EntryId],
    ) -> Result<(), Error> {
        let mut slots = vec![];
        for register in writes.keys() {
            slots.push(self.new_slot(group.no, register)?);
        }
        if !targets.is_empty() {
            self.supersede(group.no, source.key, &slots, targets)?;
        }
        let superseded: BTreeSet<Register> = self.superseded_early(group, source.id, writes)?;
        for (slot, (register, value)) in slots.iter().zip(writes) {
            self.insert_write(group.no, source, *slot, superseded.contains(register), value)?;
            self.mark_stale(group.no, register, *slot)?;
            if is_of_note(register) {
                self.touch_note(group.no, slot.subject, source.time)?;
            }
        }
        Ok(())
    }

    fn insert_write(
        &mut self,
        grp: i64,
        source: Source,
        slot: Slot,
        superseded: bool,
        value: &Value,
    ) -> Result<(), Error> {
        let insert = "INSERT INTO writes (grp, kind, superseded, subject, part, tag, entry, value)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Slot { kind, subject, part } = slot;
        let Source { key, id, .. } = source;
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

/// The first eight bytes of an entry id: enough to find it by; the id itself is compared too.
pub(super) fn tag(id: EntryId) -> i64 {
    i64::from_be_bytes(*id.0.first_chunk().expect("an id is longer than eight bytes"))
}

/// Whether a register is a note's: writing it changes the note's time.
fn is_of_note(register: &Register) -> bool {
    matches!(
        register,
        Register::NoteTitle(_) | Register::NoteTopic(_) | Register::NoteTags(_) | Register::NoteDeleted(_)
    )
}
