//! Notes.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::find::Current;
use super::people::Names;
use super::{Done, Service, list, tags};
use crate::api::{Code, Error, MAX_NOTE_BYTES};
use crate::model::action::{Action, NoteEdit, NoteNew, NoteSet};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{EntryId, GroupId, NoteId, PersonId};
use crate::model::limits::{MAX_BUILDS_ON, MAX_NOTE_EDITS_BYTES};
use crate::model::note::{self, Edit};
use crate::model::text::{Text, TextEdit, TextOp};
use crate::model::time::Hlc;
use crate::node::fail::Fail;
use crate::store::NoteRow;

/// Most edits of one base that are compared with a text that is brought in again.
const MAX_COMPARED_EDITS: usize = 64;

/// A note's edits, with their authors.
pub(super) struct History {
    pub(super) edits: Vec<Edit>,
    authors: Vec<PersonId>,
    /// Indices of the edits, version 1 first, once somebody asked for it.
    order: OnceCell<Vec<usize>>,
}

impl Service<'_> {
    pub(super) fn note_new(
        &mut self,
        group: GroupId,
        title: &str,
        topic: Option<&str>,
        tags: &[String],
        text: &str,
    ) -> Done {
        let topic = topic.map(|t| self.topic(group, t)).transpose()?.map(|t| t.id);
        let (entry, _) = self.make_note(group, title, topic, tags, text)?;
        Ok(json!({ "v": 1, "note_id": entry, "entry_id": entry, "durable": true }))
    }

    /// Writes a note of a known topic: its first entry, whose id is the note's, and how many there are in all.
    pub(super) fn make_note(
        &mut self,
        group: GroupId,
        title: &str,
        topic: Option<String>,
        tags: &[String],
        text: &str,
    ) -> Result<(EntryId, usize), Fail> {
        check_text(text)?;
        check_title(Some(title))?;
        let mut replica = Text::new();
        let first = replica.next_edit_towards(text).unwrap_or_default();
        let new = NoteNew { title: title.trim().to_owned(), topic, tags: tags::clean(tags)?, text: first.clone() };
        let entry = self.write(group, &Action::NoteNew(new))?;
        // Nearly every note is one entry: then there is nothing to compare again.
        if inserts(&first) == text.len() {
            return Ok((entry, 1));
        }
        replica.apply(entry, &first);
        let more = self.write_edits(group, NoteId::from(entry), replica, vec![entry], text)?;
        Ok((entry, 1 + more.len()))
    }

    pub(super) fn note_edit(&mut self, group: GroupId, given: &str, base: Option<&[String]>, text: &str) -> Done {
        check_text(text)?;
        let note = self.note(group, given)?;
        let history = self.history(group, note)?;
        let (replica, base) = match base {
            Some(ids) => {
                let base = ids.iter().map(|id| history.version(id)).collect::<Result<Vec<_>, _>>()?;
                if history.has_edit(&base, text) {
                    return Ok(json!({ "v": 1, "note_id": note, "entry_ids": [], "changed": false, "durable": true }));
                }
                (note::at(&history.edits, &base), base)
            }
            None => (note::present(&history.edits), note::all_heads(&history.edits)),
        };
        let written = self.write_edits(group, note, replica, base, text)?;
        Ok(json!({ "v": 1, "note_id": note, "entry_ids": written, "changed": !written.is_empty(), "durable": true }))
    }

    /// Writes the edits that lead from `replica`, made of `builds_on` and all before, to `text`.
    fn write_edits(
        &mut self,
        group: GroupId,
        note: NoteId,
        mut replica: Text,
        mut builds_on: Vec<EntryId>,
        text: &str,
    ) -> Result<Vec<EntryId>, Fail> {
        let mut written = vec![];
        replica.rewrite(text, |edit| -> Result<EntryId, Fail> {
            self.join_heads(group, note, &mut builds_on)?;
            let edit = NoteEdit { note, builds_on: std::mem::take(&mut builds_on), edit: edit.clone() };
            let entry = self.write(group, &Action::NoteEdit(edit))?;
            builds_on = vec![entry];
            written.push(entry);
            Ok(entry)
        })?;
        Ok(written)
    }

    /// More heads than one edit may name are joined first, by edits that change nothing.
    pub(super) fn join_heads(
        &mut self,
        group: GroupId,
        note: NoteId,
        builds_on: &mut Vec<EntryId>,
    ) -> Result<(), Fail> {
        while builds_on.len() > MAX_BUILDS_ON {
            let joined = builds_on.drain(..MAX_BUILDS_ON).collect();
            let join = NoteEdit { note, builds_on: joined, edit: TextEdit::default() };
            builds_on.push(self.write(group, &Action::NoteEdit(join))?);
        }
        Ok(())
    }

    pub(super) fn note_set(
        &mut self,
        group: GroupId,
        given: &str,
        title: Option<&str>,
        topic: Option<&str>,
        (add, remove): (&[String], &[String]),
    ) -> Done {
        let note = self.note(group, given)?;
        check_title(title)?;
        let topic = match topic {
            Some("") => Some(String::new()),
            Some(topic) => Some(self.topic(group, topic)?.id),
            None => None,
        };
        let tags = tags::changed(&self.tags(group, &Register::NoteTags(note))?, add, remove)?;
        let set = NoteSet { note, title: title.map(|t| t.trim().to_owned()), topic, tags, ..NoteSet::default() };
        self.write_set(group, set)
    }

    pub(super) fn note_delete(&mut self, group: GroupId, given: &str) -> Done {
        let note = self.note(group, given)?;
        self.write_set(group, NoteSet { note, deleted: Some(true), ..NoteSet::default() })
    }

    pub(super) fn note_restore(&mut self, group: GroupId, given: &str, version: Option<&str>) -> Done {
        let note = self.note(group, given)?;
        if self.flag(group, &Register::NoteDeleted(note))? {
            self.write_set(group, NoteSet { note, deleted: Some(false), ..NoteSet::default() })?;
        }
        let history = self.history(group, note)?;
        let text = match version {
            Some(version) => note::at(&history.edits, &[history.version(version)?]).read(),
            None => self.store().note_text(group, note)?.unwrap_or_default(),
        };
        self.note_edit(group, &note.to_string(), None, &text)
    }

    fn write_set(&mut self, group: GroupId, mut set: NoteSet) -> Done {
        let note = set.note;
        let registers = [
            set.title.is_some().then_some(Register::NoteTitle(note)),
            set.topic.is_some().then_some(Register::NoteTopic(note)),
            set.tags.is_some().then_some(Register::NoteTags(note)),
            set.deleted.is_some().then_some(Register::NoteDeleted(note)),
        ];
        let registers: Vec<Register> = registers.into_iter().flatten().collect();
        if registers.is_empty() {
            return Ok(json!({ "v": 1, "note_id": note, "entry_id": null, "durable": true }));
        }
        set.supersedes = self.seen(group, &registers)?;
        let entry = self.write(group, &Action::NoteSet(set))?;
        Ok(json!({ "v": 1, "note_id": note, "entry_id": entry, "durable": true }))
    }

    pub(super) fn note_show(&mut self, group: GroupId, given: &str, version: Option<&str>) -> Done {
        let note = self.note(group, given)?;
        let history = self.history(group, note)?;
        let names = self.names(group)?;
        let (body, number, heads) = match version {
            None => {
                let text = self.store().note_text(group, note)?.unwrap_or_default();
                (text, history.edits.len(), note::all_heads(&history.edits))
            }
            Some(version) => {
                let at = history.version(version)?;
                (note::at(&history.edits, &[at]).read(), history.number(at), vec![at])
            }
        };
        let updated = history.edits.iter().map(|e| e.time).max().unwrap_or_default();
        Ok(json!({
            "v": 1, "note_id": note, "body": body, "version": number, "heads": heads,
            "title": self.text(group, &Register::NoteTitle(note))?.unwrap_or_default(),
            "topic": self.text(group, &Register::NoteTopic(note))?.filter(|t| !t.is_empty()),
            "tags": self.tags(group, &Register::NoteTags(note))?,
            "deleted": self.flag(group, &Register::NoteDeleted(note))?,
            "authors": history.author_names(&names),
            "updated_ms": updated.millis(),
        }))
    }

    pub(super) fn note_list(&mut self, group: GroupId, topic: Option<&str>, tag: Option<&str>, deleted: bool) -> Done {
        let topic = topic.map(|t| self.topic(group, t)).transpose()?.map(|t| t.id);
        let names = self.names(group)?;
        let mut rows: Vec<NoteRow> = self.store().notes(group)?;
        rows.sort_by_key(|row| std::cmp::Reverse((row.updated, row.note)));
        let titles = self.texts(group, &Register::NoteTitle(NoteId::ZERO), id_of)?;
        let topics = self.texts(group, &Register::NoteTopic(NoteId::ZERO), id_of)?;
        let tags = self.values(group, &Register::NoteTags(NoteId::ZERO), id_of, |value| match value {
            Folded::Tags(tags) => Some(tags),
            _ => None,
        })?;
        let gone = self.flags(group, &Register::NoteDeleted(NoteId::ZERO), id_of)?;
        let muted = self.muted(group)?;
        let mut items = vec![];
        for row in rows {
            let note = row.note;
            if !row.authors.is_empty() && row.authors.iter().all(|author| muted.contains(author)) {
                continue;
            }
            let of_topic = topics.get(&note).filter(|t| !t.is_empty());
            let tags = tags.get(&note).map_or(&[][..], Vec::as_slice);
            let shown = gone.contains(&note) == deleted
                && topic.as_ref().is_none_or(|t| of_topic == Some(t))
                && tag.is_none_or(|t| tags.iter().any(|have| have == t));
            if shown {
                items.push(json!({
                    "note_id": note, "title": titles.get(&note).map_or("", String::as_str),
                    "topic": of_topic, "tags": tags, "updated_ms": row.updated.millis(),
                    "authors": row.authors.iter().map(|p| names.of(*p)).collect::<Vec<_>>(),
                    "deleted": deleted, "chars": row.chars,
                    "doubtful_time": row.updated.is_doubtful(self.context.now),
                }));
            }
        }
        Ok(list(items))
    }

    pub(super) fn note_history(&mut self, group: GroupId, given: &str) -> Done {
        let note = self.note(group, given)?;
        let history = self.history(group, note)?;
        let names = self.names(group)?;
        let now = self.context.now;
        let item = |(n, &i): (usize, &usize)| {
            let edit = &history.edits[i];
            let (added, removed) = size(&edit.edit);
            json!({
                "version": n + 1, "author": names.of(history.authors[i]), "time_ms": edit.time.millis(),
                "entry_id": edit.entry, "builds_on": edit.builds_on, "added": added, "removed": removed,
                "doubtful_time": edit.time.is_doubtful(now),
            })
        };
        Ok(list(history.order().iter().enumerate().map(item).collect()))
    }

    pub(super) fn history(&mut self, group: GroupId, note: NoteId) -> Result<History, Fail> {
        let rows = self.store().note_edits(group, note)?;
        if rows.is_empty() {
            let message = format!("the edits of the note {note} are together over {MAX_NOTE_EDITS_BYTES} bytes");
            let remedy = "delete it with `studymesh note delete`, and go on in a new note; its entries are kept";
            return Err(Error::new(Code::NotPermitted, message, remedy).into());
        }
        let (edits, authors): (Vec<Edit>, Vec<PersonId>) = rows.into_iter().map(|row| (row.edit, row.person)).unzip();
        Ok(History { edits, authors, order: OnceCell::new() })
    }

    /// The tags in a register.
    pub(super) fn tags(&mut self, group: GroupId, register: &Register) -> Result<Vec<String>, Fail> {
        Ok(match self.store().register(group, register)? {
            Some(Current { value: Folded::Tags(tags), .. }) => tags,
            _ => vec![],
        })
    }
}

impl History {
    /// The edit that a version's number, id or prefix means.
    pub(super) fn version(&self, given: &str) -> Result<EntryId, Error> {
        let last = self.edits.len();
        if let Ok(number) = given.parse::<usize>()
            && given.len() < 8
        {
            let index = number.checked_sub(1).and_then(|n| self.order().get(n)).ok_or_else(|| {
                let message = format!("there is no version {number}: the note has {last}");
                Error::new(Code::NotFound, message, "list them with `studymesh note history`")
            })?;
            return Ok(self.edits[*index].entry);
        }
        let candidates: Vec<_> = self.edits.iter().map(|e| (e.entry, e.entry.to_string(), String::new())).collect();
        super::find::pick("version", given, &candidates, "list them with `studymesh note history`")
    }

    /// Whether an edit of this base made this text already: who brings the same file in twice means one edit.
    fn has_edit(&self, base: &[EntryId], text: &str) -> bool {
        let base: BTreeSet<EntryId> = base.iter().copied().collect();
        let builds_on = |edit: &Edit| edit.builds_on.iter().copied().collect::<BTreeSet<_>>();
        let mut made: Vec<EntryId> =
            self.edits.iter().filter(|e| builds_on(e) == base).map(|e| e.entry).take(MAX_COMPARED_EDITS).collect();
        for _ in 0..MAX_COMPARED_EDITS {
            let Some(entry) = made.pop() else { return false };
            if note::at(&self.edits, &[entry]).read() == text {
                return true;
            }
            // A long edit is several entries, each built on the one before alone.
            made.extend(self.edits.iter().filter(|e| e.builds_on == [entry]).map(|e| e.entry).take(1));
        }
        false
    }

    fn number(&self, entry: EntryId) -> usize {
        self.order().iter().position(|i| self.edits[*i].entry == entry).map_or(0, |n| n + 1)
    }

    /// The edits in the order of the versions.
    fn order(&self) -> &[usize] {
        self.order.get_or_init(|| note::history(&self.edits))
    }

    /// Everybody who wrote, whoever says to have been first.
    fn author_names(&self, names: &Names) -> Vec<String> {
        let mut first: BTreeMap<PersonId, (Hlc, EntryId)> = BTreeMap::new();
        for (edit, author) in self.edits.iter().zip(&self.authors) {
            let at = (edit.time, edit.entry);
            first.entry(*author).and_modify(|before| *before = at.min(*before)).or_insert(at);
        }
        let mut seen: Vec<PersonId> = first.keys().copied().collect();
        seen.sort_by_key(|person| first[person]);
        seen.into_iter().map(|p| names.of(p)).collect()
    }
}

/// The note that a register of a note is of.
fn id_of(register: &Register) -> Option<NoteId> {
    match register {
        Register::NoteTitle(id) | Register::NoteTopic(id) | Register::NoteTags(id) | Register::NoteDeleted(id) => {
            Some(*id)
        }
        _ => None,
    }
}

/// Bytes of text that an edit inserts.
fn inserts(edit: &TextEdit) -> usize {
    let bytes = |op: &TextOp| if let TextOp::Insert { text, .. } = op { text.len() } else { 0 };
    edit.ops.iter().map(bytes).sum()
}

/// Characters that an edit inserts and deletes.
fn size(edit: &TextEdit) -> (u64, u64) {
    edit.ops.iter().fold((0, 0), |(added, removed), op| match op {
        TextOp::Insert { text, .. } => (added + text.chars().count() as u64, removed),
        TextOp::Delete { len, .. } => (added, removed + u64::from(*len)),
    })
}

fn check_text(text: &str) -> Result<(), Error> {
    if text.len() > MAX_NOTE_BYTES {
        let message = format!("the text has {} bytes; a note has at most {MAX_NOTE_BYTES}", text.len());
        return Err(Error::new(Code::BadInput, message, "split it into several notes"));
    }
    Ok(())
}

fn check_title(title: Option<&str>) -> Result<(), Error> {
    match title {
        Some(title) if title.trim().is_empty() => {
            Err(Error::new(Code::BadInput, "a note has a title", "give a title of 1 to 200 characters on one line"))
        }
        _ => Ok(()),
    }
}

/// A note as `export` writes it.
pub(super) fn exported(mut shown: Value) -> Value {
    if let Some(object) = shown.as_object_mut() {
        object.remove("v");
        object.remove("heads");
    }
    shown
}
