//! The views of a group in memory: registers and note texts, folded one entry at a time.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::action::Action;
use crate::model::fold::{Fact, Register, Value, facts};
use crate::model::id::{EntryId, NoteId, PersonId};
use crate::model::note;
use crate::model::text::Text;
use crate::model::time::Hlc;

/// What the entries of a group fold into. Equal entries give equal views, in whatever order they came.
#[derive(Debug, Clone, Default)]
pub struct Views {
    registers: BTreeMap<Register, Cell>,
    notes: BTreeMap<NoteId, Note>,
}

/// All writes of one register, and who supersedes whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cell {
    writes: BTreeMap<(Hlc, EntryId), Value>,
    /// A superseded write, and the writes of this register that name it.
    superseded: BTreeMap<EntryId, BTreeSet<EntryId>>,
}

/// All edits of one note, and the text that they made in the order in which they came.
#[derive(Debug, Clone, Default)]
struct Note {
    edits: Vec<note::Edit>,
    text: Text,
}

impl Views {
    /// Folds an action in.
    pub fn fold(&mut self, entry: EntryId, time: Hlc, person: PersonId, action: &Action) {
        for fact in facts(entry, person, action) {
            match fact {
                Fact::Write(register, value) => {
                    let cell = self.registers.entry(register).or_default();
                    cell.writes.insert((time, entry), *value);
                    for old in action.supersedes() {
                        cell.superseded.entry(*old).or_default().insert(entry);
                    }
                }
                Fact::Edit { note, builds_on, edit } => {
                    let note = self.notes.entry(note).or_default();
                    note.text.apply(entry, edit);
                    note.edits.push(note::Edit { entry, time, builds_on: builds_on.to_vec(), edit: edit.clone() });
                }
            }
        }
    }

    /// Takes an action out again: what a rollback does.
    pub fn unfold(&mut self, entry: EntryId, time: Hlc, person: PersonId, action: &Action) {
        for fact in facts(entry, person, action) {
            match fact {
                Fact::Write(register, _) => {
                    let Some(cell) = self.registers.get_mut(&register) else { continue };
                    cell.writes.remove(&(time, entry));
                    cell.superseded.values_mut().for_each(|by| {
                        by.remove(&entry);
                    });
                    cell.superseded.retain(|_, by| !by.is_empty());
                    if cell.writes.is_empty() {
                        self.registers.remove(&register);
                    }
                }
                Fact::Edit { note, .. } => {
                    let Some(kept) = self.notes.get_mut(&note) else { continue };
                    kept.edits.retain(|edit| edit.entry != entry);
                    kept.text = note::present(&kept.edits);
                    if kept.edits.is_empty() {
                        self.notes.remove(&note);
                    }
                }
            }
        }
    }

    /// The value of a register.
    #[must_use]
    pub fn value(&self, register: &Register) -> Option<&Value> {
        self.registers.get(register).and_then(Cell::value)
    }

    /// The writes of a register that nobody supersedes: what a new write names.
    #[must_use]
    pub fn current(&self, register: &Register) -> Vec<EntryId> {
        self.registers.get(register).map_or_else(Vec::new, |cell| cell.current().map(|(_, id)| *id).collect())
    }

    /// All registers that were ever written, ascending.
    pub fn registers(&self) -> impl Iterator<Item = &Register> {
        self.registers.keys()
    }

    /// All notes, ascending.
    pub fn notes(&self) -> impl Iterator<Item = NoteId> + '_ {
        self.notes.keys().copied()
    }

    /// The edits that a new edit of a note names.
    #[must_use]
    pub fn latest_edits(&self, note: NoteId) -> Vec<EntryId> {
        self.notes.get(&note).map_or_else(Vec::new, |note| note::heads(&note.edits))
    }

    /// The text of a note.
    #[must_use]
    pub fn text(&self, note: NoteId) -> Text {
        self.notes.get(&note).map_or_else(Text::new, |note| note.text.clone())
    }

    /// A hash of every current value, every text and the order of its versions. Nodes that hold the same entries have the same digest.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 simulator views");
        let mut put = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for (register, cell) in &self.registers {
            let (kind, subject, part) = register.parts();
            put(&[kind]);
            put(&subject);
            put(&part);
            put(&cell.value().map(Value::encode).unwrap_or_default());
        }
        for (id, note) in &self.notes {
            put(&id.0);
            put(note.text.read().as_bytes());
            for version in note::history(&note.edits) {
                put(&note.edits[version].entry.0);
            }
        }
        *hasher.finalize().as_bytes()
    }
}

impl Cell {
    fn current(&self) -> impl Iterator<Item = &(Hlc, EntryId)> {
        self.writes.keys().filter(|(_, id)| !self.superseded.contains_key(id))
    }

    fn value(&self) -> Option<&Value> {
        self.current().last().and_then(|key| self.writes.get(key))
    }
}
