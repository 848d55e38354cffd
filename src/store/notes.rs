//! Notes: what exists, and their texts, made when somebody asks.
//!
//! Folding an edit only records it and marks the note. A note that one entry wrote, as most are, has no text of its own
//! in the tables: opening that entry gives it. The text of any other is integrated from its edits when it is read, in a
//! replica that stays in memory for a while, and is written to `texts` when it is indexed for search.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

use super::cache::GroupInfo;
use super::docs::{self, DocKind};
use super::fold::Source;
use super::key::{Key, Stamp, signed, unsigned};
use super::registers::WriteInfo;
use super::replicas::Replica;
use super::{Error, SqliteStore};
use crate::model::action::Action;
use crate::model::id::{EntryId, GroupId, LogId, NoteId, PersonId};
use crate::model::limits::MAX_NOTE_EDITS_BYTES;
use crate::model::note;
use crate::model::text::{Text, TextEdit};
use crate::model::time::Hlc;

/// Column `state`: `chars` is right, and so is the row in `texts` when there is more than one edit.
const FRESH: u8 = 0;
/// `chars` is right; the row in `texts` is old or missing.
const COUNTED: u8 = 1;
/// Edits came since; `chars` is old too.
const STALE: u8 = 2;

/// A note that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    /// The note.
    pub note: NoteId,
    /// The entry that made it.
    pub created: WriteInfo,
    /// The latest time at which its text or a field was written.
    pub updated: Hlc,
    /// Who wrote its text: whoever made it first, then the others by id.
    pub authors: Vec<PersonId>,
    /// Characters of its text.
    pub chars: u64,
}

/// An edit of a note, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRow {
    /// The edit.
    pub edit: note::Edit,
    /// Who wrote it.
    pub person: PersonId,
    /// The log that its entry stands in.
    pub log: LogId,
}

/// A note in numbers.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    no: i64,
    /// The entry that made it.
    entry: Key,
    /// Edits besides it.
    edits: i64,
    state: u8,
}

impl SqliteStore {
    /// Records an edit; gives the number of its note, and whether nothing spoke of that note before.
    pub(super) fn fold_edit(
        &mut self,
        group: &GroupInfo,
        source: Source,
        note: NoteId,
        builds_on: &[EntryId],
        edit: &TextEdit,
    ) -> Result<(i64, bool), Error> {
        let Source { key, id, time, person } = source;
        let (no, new) = self.intern_new(group.no, &note.0)?;
        if note == NoteId::from(id) {
            let chars = match edit.only_insert() {
                Some(text) => text.chars().count(),
                None => {
                    let mut text = Text::new();
                    text.apply(id, edit);
                    text.len_chars()
                }
            };
            let insert = "INSERT INTO notes (grp, note, entry, edits, updated, chars, state)
                          VALUES (?1, ?2, ?3, 0, ?4, ?5, 0) ON CONFLICT (grp, note) DO UPDATE
                          SET entry = excluded.entry, updated = max(updated, excluded.updated), chars = excluded.chars,
                              state = CASE WHEN edits > 0 THEN 2 ELSE 0 END";
            let chars = i64::try_from(chars).unwrap_or(i64::MAX);
            self.db.prepare_cached(insert)?.execute(params![group.no, no, key, Stamp(time), chars])?;
        } else {
            let insert = "INSERT INTO notes (grp, note, entry, edits, updated, chars, state)
                          VALUES (?1, ?2, NULL, 1, ?3, 0, 2) ON CONFLICT (grp, note) DO UPDATE
                          SET edits = edits + 1, updated = max(updated, excluded.updated), state = 2";
            self.db.prepare_cached(insert)?.execute(params![group.no, no, Stamp(time)])?;
            self.db.prepare_cached("INSERT INTO edits VALUES (?1, ?2)")?.execute(params![no, key])?;
            self.db
                .prepare_cached("INSERT OR IGNORE INTO authors VALUES (?1, ?2)")?
                .execute(params![no, signed(key.chain().0)])?;
        }
        let log = self.chain(key.chain())?.log;
        self.cache.replicas.edit(no, || {
            let edit = note::Edit { entry: id, time, builds_on: builds_on.to_vec(), edit: edit.clone() };
            EditRow { edit, person, log }
        });
        self.mark_doc(docs::number(no, DocKind::Note))?;
        Ok((no, new))
    }

    /// A field of a note was written.
    pub(super) fn touch_note(&mut self, grp: i64, note: i64, time: Hlc) -> Result<(), Error> {
        let touch = "INSERT INTO notes (grp, note, entry, edits, updated, chars, state)
                     VALUES (?1, ?2, NULL, 0, ?3, 0, 0)
                     ON CONFLICT (grp, note) DO UPDATE SET updated = max(updated, excluded.updated)";
        self.db.prepare_cached(touch)?.execute(params![grp, note, Stamp(time)])?;
        Ok(())
    }

    /// Every note of a group, deleted ones too, in the order in which they became known here.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn notes(&mut self, group: GroupId) -> Result<Vec<NoteRow>, Error> {
        let group = self.group(group)?;
        self.count_chars(&group)?;
        let mut authors: BTreeMap<i64, BTreeSet<PersonId>> = BTreeMap::new();
        let mut select = self.db.prepare_cached(
            "SELECT n.note, c.person FROM notes n CROSS JOIN authors a ON a.note = n.note
             CROSS JOIN chains c ON c.no = a.chain WHERE n.grp = ?1",
        )?;
        let mut rows = select.query([group.no])?;
        while let Some(row) = rows.next()? {
            authors.entry(row.get(0)?).or_default().insert(PersonId(row.get(1)?));
        }
        let mut select = self.db.prepare_cached(
            "SELECT n.note, e.id, e.time, c.person, c.log, n.updated, n.chars
             FROM notes n CROSS JOIN entries e ON e.key = n.entry CROSS JOIN chains c ON c.no = n.entry >> 32
             WHERE n.grp = ?1 ORDER BY n.note",
        )?;
        let rows = select.query_map([group.no], |row| {
            let entry = EntryId(row.get(1)?);
            let person = PersonId(row.get(3)?);
            let created = WriteInfo { entry, time: row.get::<_, Stamp>(2)?.0, person, log: LogId(row.get(4)?) };
            let others = authors.remove(&row.get(0)?).unwrap_or_default().into_iter().filter(|p| *p != person);
            Ok(NoteRow {
                note: NoteId::from(entry),
                created,
                updated: row.get::<_, Stamp>(5)?.0,
                authors: [person].into_iter().chain(others).collect(),
                chars: unsigned(row.get(6)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The notes of a group whose ids begin with these hex digits, ascending, at most `limit`.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn notes_by_prefix(&mut self, group: GroupId, prefix: &str, limit: usize) -> Result<Vec<NoteId>, Error> {
        let grp = self.group(group)?.no;
        let (first, last) = (format!("{prefix:0<64}").parse::<NoteId>(), format!("{prefix:f<64}").parse::<NoteId>());
        let (Ok(first), Ok(last)) = (first, last) else { return Ok(vec![]) };
        let mut select = self.db.prepare_cached(
            "SELECT a.bytes FROM atoms a CROSS JOIN notes n ON n.grp = a.grp AND n.note = a.no
             WHERE a.grp = ?1 AND a.bytes BETWEEN ?2 AND ?3 AND n.entry IS NOT NULL ORDER BY a.bytes LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![grp, first.0, last.0, limit], |row| row.get(0).map(NoteId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every edit of a note, ascending by (time, id); the first text is one of them. Empty when there is no such note, or
    /// when its edits are together over [`MAX_NOTE_EDITS_BYTES`].
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn note_edits(&mut self, group: GroupId, note: NoteId) -> Result<Vec<EditRow>, Error> {
        let group = self.group(group)?;
        let Some(numbers) = self.note_numbers(group.no, note)? else { return Ok(vec![]) };
        let mut rows = match self.cache.replicas.get(numbers.no) {
            Some(replica) => replica.edits.clone(),
            None => {
                let Some(replica) = self.open_note(&group, numbers)? else { return Ok(vec![]) };
                let rows = replica.edits.clone();
                self.hold(numbers, replica);
                rows
            }
        };
        rows.sort_unstable_by_key(|row| (row.edit.time, row.edit.entry));
        Ok(rows)
    }

    /// The text of a note, deleted or not; `None` when there is no such note. Empty when its edits are together over
    /// [`MAX_NOTE_EDITS_BYTES`].
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn note_text(&mut self, group: GroupId, note: NoteId) -> Result<Option<String>, Error> {
        let group = self.group(group)?;
        let numbers = self.note_numbers(group.no, note)?;
        numbers.map(|numbers| self.text_of(&group, numbers)).transpose()
    }

    /// The text of the note with this number, written to `texts` if it has more than one edit.
    pub(super) fn text_to_index(&mut self, group: &GroupInfo, no: i64) -> Result<Option<String>, Error> {
        let Some(numbers) = self.numbers(group.no, no)? else { return Ok(None) };
        let text = self.text_of(group, numbers)?;
        if numbers.state != FRESH {
            self.db.prepare_cached("INSERT OR REPLACE INTO texts VALUES (?1, ?2)")?.execute(params![no, text])?;
            self.set_state(group.no, no, &text, FRESH)?;
        }
        Ok(Some(text))
    }

    /// The text of the note with this number; `None` when nobody made that note.
    pub(super) fn text_by_number(&mut self, group: &GroupInfo, no: i64) -> Result<Option<String>, Error> {
        let numbers = self.numbers(group.no, no)?;
        numbers.map(|numbers| self.text_of(group, numbers)).transpose()
    }

    fn text_of(&mut self, group: &GroupInfo, note: Numbers) -> Result<String, Error> {
        if let Some(replica) = self.cache.replicas.get(note.no) {
            return Ok(replica.text.to_string());
        }
        if note.state == FRESH && note.edits > 0 {
            let mut select = self.db.prepare_cached("SELECT text FROM texts WHERE note = ?1")?;
            let text = select.query_row([note.no], |row| row.get(0)).optional()?;
            return text.ok_or_else(|| Error::damaged("a note has no text"));
        }
        let Some(replica) = self.open_note(group, note)? else { return Ok(String::new()) };
        let text = replica.text.to_string();
        self.hold(note, replica);
        Ok(text)
    }

    /// Opens the entries of all edits of a note again; `None` when they are together over [`MAX_NOTE_EDITS_BYTES`]. Which of
    /// them are opened until that is known depends on nothing that is seen.
    fn open_note(&mut self, group: &GroupInfo, note: Numbers) -> Result<Option<Replica>, Error> {
        let mut keys: Vec<Key> = {
            let mut select = self.db.prepare_cached("SELECT entry FROM edits WHERE note = ?1")?;
            let keys = select.query_map([note.no], |row| row.get(0))?;
            keys.collect::<Result<_, _>>()?
        };
        keys.push(note.entry);
        let mut replica = Replica::default();
        let mut bytes = 0;
        for key in keys {
            let opened = self.open_entry(group, key)?;
            let (builds_on, edit) = match opened.action {
                Ok(Action::NoteNew(new)) => (vec![], new.text),
                Ok(Action::NoteEdit(edit)) => (edit.builds_on, edit.edit),
                _ => return Err(Error::damaged("an edit of a note does not open")),
            };
            let (person, log) = (opened.chain.person, opened.chain.log);
            let edit = note::Edit { entry: opened.id, time: opened.time, builds_on, edit };
            bytes += edit.bytes();
            if bytes > MAX_NOTE_EDITS_BYTES {
                return Ok(None);
            }
            replica.add(EditRow { edit, person, log });
        }
        Ok(Some(replica))
    }

    /// Holds a note that is edited; one that a single entry wrote is as quickly opened again.
    fn hold(&mut self, note: Numbers, replica: Replica) {
        if note.edits > 0 {
            self.cache.replicas.put(note.no, replica);
        }
    }

    /// Brings `chars` up to date where edits came since.
    fn count_chars(&mut self, group: &GroupInfo) -> Result<(), Error> {
        let stale: Vec<i64> = {
            let stale = "SELECT note FROM notes WHERE grp = ?1 AND state = ?2 AND entry IS NOT NULL";
            let mut select = self.db.prepare_cached(stale)?;
            let notes = select.query_map(params![group.no, STALE], |row| row.get(0))?;
            notes.collect::<Result<_, _>>()?
        };
        if stale.is_empty() {
            return Ok(());
        }
        self.atomically(|store| {
            for no in stale {
                if let Some(text) = store.text_by_number(group, no)? {
                    store.set_state(group.no, no, &text, COUNTED)?;
                }
            }
            Ok(())
        })
    }

    fn set_state(&mut self, grp: i64, no: i64, text: &str, state: u8) -> Result<(), Error> {
        let chars = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let update = "UPDATE notes SET chars = ?3, state = ?4 WHERE grp = ?1 AND note = ?2";
        self.db.prepare_cached(update)?.execute(params![grp, no, chars, state])?;
        Ok(())
    }

    fn note_numbers(&mut self, grp: i64, note: NoteId) -> Result<Option<Numbers>, Error> {
        match self.atom(grp, &note.0)? {
            Some(no) => self.numbers(grp, no),
            None => Ok(None),
        }
    }

    fn numbers(&self, grp: i64, no: i64) -> Result<Option<Numbers>, Error> {
        let select = "SELECT entry, edits, state FROM notes WHERE grp = ?1 AND note = ?2 AND entry IS NOT NULL";
        let row = self.db.prepare_cached(select)?.query_row(params![grp, no], |row| {
            Ok(Numbers { no, entry: row.get(0)?, edits: row.get(1)?, state: row.get(2)? })
        });
        Ok(row.optional()?)
    }
}
