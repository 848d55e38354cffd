//! Folding one entry into the views.
//!
//! Writes and supersessions only ever grow in number, and which writes are superseded depends on both sets alone; note
//! edits are a set too. So the views come out the same in whatever order entries arrive. Where one entry writes one
//! register twice, the last of the two counts.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::cache::GroupInfo;
use super::docs::{self, DocKind};
use super::fresh::Words;
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
        let mut writes = Writes::new();
        // Notes whose time and document this entry has brought up to date already.
        let mut notes = BTreeSet::new();
        for fact in facts(source.id, source.person, action) {
            match fact {
                Fact::Edit { note, builds_on, edit } => {
                    let (no, new) = self.fold_edit(group, source, note, builds_on, edit)?;
                    notes.insert(no);
                    if let Action::NoteNew(first) = action
                        && new
                        && let Some(words) = Words::of(first)
                    {
                        self.cache.fresh.put(docs::number(no, DocKind::Note), words);
                    }
                }
                Fact::Write(register, value) => {
                    writes.insert(register, *value);
                }
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        self.fold_writes(group, source, &writes, action.supersedes(), notes)
    }

    fn fold_writes(
        &mut self,
        group: &GroupInfo,
        source: Source,
        writes: &Writes,
        targets: &[EntryId],
        mut notes: BTreeSet<i64>,
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
            if !is_of_note(register) {
                self.mark_stale(group.no, register, *slot)?;
            } else if notes.insert(slot.subject) {
                self.touch_note(group.no, slot.subject, source.time)?;
                self.mark_doc(docs::number(slot.subject, DocKind::Note))?;
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

/// Whether a register is a note's: writing it changes the note's time and its document.
fn is_of_note(register: &Register) -> bool {
    matches!(
        register,
        Register::NoteTitle(_) | Register::NoteTopic(_) | Register::NoteTags(_) | Register::NoteDeleted(_)
    )
}
