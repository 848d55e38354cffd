//! A note under an editor: what was typed at a revision becomes edits of that version, and what others typed goes back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::note::History;
use super::{Done, Service};
use crate::api::{Code, Error, MAX_CHANGES, MAX_NOTE_BYTES, NoteChange, NoteLive};
use crate::gossip::presence::Content;
use crate::model::action::{Action, NoteEdit};
use crate::model::fold::Register;
use crate::model::id::{EntryId, GroupId, NoteId};
use crate::model::note;
use crate::model::note_links;
use crate::model::text::{Change, Text, TextEdit, units};
use crate::node::fail::Fail;
use crate::store::Found;

/// Most notes that are looked through for links to one.
const MAX_BACKLINKS: usize = 100;
/// Characters that are shown of what stayed, before and behind a change.
const AROUND: usize = 80;

/// What an editor sent.
struct Typed<'a> {
    rev: &'a [String],
    changes: &'a [NoteChange],
    /// Whether it may be here already.
    again: bool,
    /// The selection, in the changed text.
    cursor: Option<[usize; 2]>,
    left: bool,
}

impl Service<'_> {
    pub(super) fn note_live(&mut self, group: GroupId, asked: &NoteLive) -> Done {
        match asked {
            NoteLive::Read { note, since } => self.live_read(group, note, since.as_deref()),
            NoteLive::Edit { note, rev, changes, again, cursor_from, cursor_to, left } => {
                let cursor = cursor_from.map(|from| [from, cursor_to.unwrap_or(from)]);
                self.live_edit(group, note, &Typed { rev, changes, again: *again, cursor, left: *left })
            }
            NoteLive::Compare { note, from, to } => self.note_compare(group, note, from.as_deref(), to),
            NoteLive::Links { note, titles } => self.note_links(group, note.as_deref(), titles),
        }
    }

    fn live_read(&mut self, group: GroupId, given: &str, since: Option<&str>) -> Done {
        let note = self.note(group, given)?;
        let history = self.history(group, note)?;
        let present = note::present(&history.edits);
        let old = match since {
            Some(since) => {
                let ids: Vec<String> = since.split(',').map(str::to_owned).collect();
                let rev = revision(&history, &ids)?;
                Some(if is_present(&history, &rev) { present.clone() } else { note::at(&history.edits, &rev) })
            }
            None => None,
        };
        let mut answer = state(note, &note::all_heads(&history.edits), &present, old.as_ref());
        answer["cursors"] = self.cursors(group, note, &present)?;
        Ok(answer)
    }

    fn live_edit(&mut self, group: GroupId, given: &str, typed: &Typed<'_>) -> Done {
        let changes = changes(typed.changes)?;
        let note = self.note(group, given)?;
        let history = self.history(group, note)?;
        let rev = revision(&history, typed.rev)?;
        let mut present = note::present(&history.edits);
        let mut own = if is_present(&history, &rev) { present.clone() } else { note::at(&history.edits, &rev) };
        let plan = own.plan(&changes).map_err(|e| {
            Error::new(Code::BadInput, e.to_string(), "read the note again, and make the changes in its present text")
        })?;
        let inserted: usize = changes.iter().map(|change| change.text.len()).sum();
        if inserted > 0 && present.read().len() + inserted > MAX_NOTE_BYTES {
            let message = format!("the note would have more than {MAX_NOTE_BYTES} bytes");
            return Err(Error::new(Code::BadInput, message, "split it into several notes").into());
        }
        let mut builds_on = rev.clone();
        let (mut written, mut new) = (vec![], vec![]);
        own.carry_out(&plan, |edit| -> Result<EntryId, Fail> {
            let before = typed.again.then(|| already(&history, &builds_on, edit)).flatten();
            let entry = match before {
                Some(entry) => entry,
                None => {
                    let entry = self.live_write(group, note, &mut builds_on, edit)?;
                    new.push((entry, edit.clone()));
                    entry
                }
            };
            builds_on = vec![entry];
            written.push(entry);
            Ok(entry)
        })?;
        new.iter().for_each(|(entry, edit)| present.apply(*entry, edit));
        let heads = if new.is_empty() {
            note::all_heads(&history.edits)
        } else {
            note::all_heads(&self.history(group, note)?.edits)
        };
        let mut answer = state(note, &heads, &present, Some(&own));
        if let Some(cursor) = typed.cursor {
            let selection = Some(cursor.map(|units| own.anchor(units)));
            self.engine.say_presence(self.context.now, group, &Content { note, selection });
        } else if typed.left {
            self.engine.say_presence(self.context.now, group, &Content { note, selection: None });
        }
        answer["cursors"] = self.cursors(group, note, &present)?;
        answer["entry_ids"] = json!(written);
        answer["durable"] = json!(true);
        Ok(answer)
    }

    /// Who else is in a note, and where in this text.
    fn cursors(&mut self, group: GroupId, note: NoteId, present: &Text) -> Result<Value, Fail> {
        let others = self.engine.present_in(self.context.now, group, note);
        let muted = if others.is_empty() { BTreeSet::new() } else { self.muted(group)? };
        let places = present.places(&others.iter().flat_map(|one| one.selection).collect::<Vec<_>>());
        let mut cursors = vec![];
        for (one, place) in others.iter().zip(places.chunks_exact(2)) {
            if !muted.contains(&one.person) {
                let name = self.person_name(group, one.person)?;
                let (from, to) = (place[0], place[1]);
                cursors
                    .push(json!({ "person_id": one.person, "person": name, "log": one.log, "from": from, "to": to }));
            }
        }
        Ok(Value::Array(cursors))
    }

    /// Writes one edit. What can not be sealed yet is refused: the editor keeps it, and tries again.
    fn live_write(
        &mut self,
        group: GroupId,
        note: NoteId,
        builds_on: &mut Vec<EntryId>,
        edit: &TextEdit,
    ) -> Result<EntryId, Fail> {
        self.join_heads(group, note, builds_on)?;
        let edit = NoteEdit { note, builds_on: builds_on.clone(), edit: edit.clone() };
        Ok(self.engine.write(self.context.now, group, &Action::NoteEdit(edit))?)
    }

    fn note_compare(&mut self, group: GroupId, given: &str, from: Option<&str>, to: &str) -> Done {
        let note = self.note(group, given)?;
        let history = self.history(group, note)?;
        let versions = |list: &str| list.split(',').map(|id| history.version(id)).collect::<Result<Vec<_>, _>>();
        let to = versions(to)?;
        let from = match from {
            Some(from) => versions(from)?,
            None => {
                let of = |id: &EntryId| history.edits.iter().find(|edit| edit.entry == *id);
                to.iter().filter_map(of).flat_map(|edit| edit.builds_on.clone()).collect()
            }
        };
        let old = note::at(&history.edits, &from);
        // Together with the old one: what is compared are two versions of one text.
        let new = note::at(&history.edits, &[&to[..], &from].concat());
        Ok(json!({ "v": 1, "note_id": note, "changes": told(&old.read(), &new.changes_since(&old)) }))
    }

    fn note_links(&mut self, group: GroupId, given: Option<&str>, titles: &[String]) -> Done {
        let mut items = vec![];
        if let Some(given) = given {
            let note = self.note(group, given)?;
            let title = self.text(group, &Register::NoteTitle(note))?.unwrap_or_default();
            for hit in self.store().search(group, &title, MAX_BACKLINKS, 0)? {
                let Found::Note(other) = hit.found else { continue };
                if other == note || self.flag(group, &Register::NoteDeleted(other))? {
                    continue;
                }
                let text = self.store().note_text(group, other)?.unwrap_or_default();
                if note_links::links_to(&text, &title) {
                    items.push(json!({ "note_id": other, "title": hit.title, "snippet": hit.snippet.text }));
                }
            }
        }
        let mut found = vec![];
        if !titles.is_empty() {
            let known = self.notes_by_title(group)?;
            for title in titles.iter().take(note_links::MAX_LINKS) {
                if let Some(note) = known.get(&title.trim().to_lowercase()) {
                    found.push(json!({ "title": title, "note_id": note }));
                }
            }
        }
        Ok(json!({ "v": 1, "items": items, "next": null, "found": found }))
    }

    /// The notes that are not deleted, by their titles in small letters; of two with one title the one of the lesser id.
    fn notes_by_title(&mut self, group: GroupId) -> Result<BTreeMap<String, NoteId>, Fail> {
        let id = |register: &Register| match register {
            Register::NoteTitle(id) | Register::NoteDeleted(id) => Some(*id),
            _ => None,
        };
        let gone = self.flags(group, &Register::NoteDeleted(NoteId::ZERO), id)?;
        let titles = self.texts(group, &Register::NoteTitle(NoteId::ZERO), id)?;
        let living = titles.into_iter().filter(|(note, _)| !gone.contains(note));
        Ok(living.rev().map(|(note, title)| (title.to_lowercase(), note)).collect())
    }
}

/// The answer to an editor.
fn state(note: NoteId, heads: &[EntryId], present: &Text, old: Option<&Text>) -> Value {
    let text = present.read();
    let changes: Vec<(usize, usize, String)> = old.map_or_else(Vec::new, |old| {
        present.changes_since(old).into_iter().map(|change| (change.from, change.to, change.text)).collect()
    });
    json!({
        "v": 1, "note_id": note, "rev": heads, "units": units(&text), "changes": changes, "cursors": [],
        "text": old.is_none().then_some(text),
    })
}

fn changes(given: &[NoteChange]) -> Result<Vec<Change>, Error> {
    if given.len() > MAX_CHANGES {
        let message = format!("there are {} changes; a request has at most {MAX_CHANGES}", given.len());
        return Err(Error::new(
            Code::BadInput,
            message,
            "send them in parts, each at the revision of the answer before",
        ));
    }
    Ok(given.iter().map(|(from, to, text)| Change { from: *from, to: *to, text: text.clone() }).collect())
}

/// The edits of a revision; whole ids only.
fn revision(history: &History, ids: &[String]) -> Result<Vec<EntryId>, Error> {
    let mut rev = vec![];
    for id in ids {
        let known = id.parse::<EntryId>().ok().filter(|id| history.edits.iter().any(|edit| edit.entry == *id));
        rev.push(known.ok_or_else(|| {
            Error::new(Code::NotFound, "the note has no such revision here", "read the note again without one")
        })?);
    }
    if rev.is_empty() {
        return Err(Error::new(Code::BadInput, "the revision is empty", "give `rev` as the node gave it"));
    }
    rev.sort_unstable();
    rev.dedup();
    Ok(rev)
}

fn is_present(history: &History, rev: &[EntryId]) -> bool {
    note::all_heads(&history.edits) == rev
}

/// The entry that made the same edit of the same edits before.
fn already(history: &History, builds_on: &[EntryId], edit: &TextEdit) -> Option<EntryId> {
    history.edits.iter().find(|made| made.builds_on == builds_on && made.edit == *edit).map(|made| made.entry)
}

/// Changes as stretches of text that stayed, came and went.
fn told(old: &str, changes: &[Change]) -> Vec<(&'static str, String)> {
    let old_units: Vec<u16> = old.encode_utf16().collect();
    let part = |from: usize, to: usize| String::from_utf16_lossy(old_units.get(from..to).unwrap_or_default());
    let mut out = vec![];
    let mut at = 0;
    let same = |text: String, first: bool, last: bool, out: &mut Vec<_>| {
        let chars: Vec<char> = text.chars().collect();
        let (head, tail) = (if first { 0 } else { AROUND }, if last { 0 } else { AROUND });
        if chars.len() <= head + tail {
            if !text.is_empty() {
                out.push(("same", text));
            }
            return;
        }
        let begin: String = chars[..head].iter().collect();
        let end: String = chars[chars.len() - tail..].iter().collect();
        out.push(("same", format!("{begin}…{end}")));
    };
    for (n, change) in changes.iter().enumerate() {
        same(part(at, change.from), n == 0, false, &mut out);
        if change.to > change.from {
            out.push(("removed", part(change.from, change.to)));
        }
        if !change.text.is_empty() {
            out.push(("added", change.text.clone()));
        }
        at = change.to;
    }
    same(part(at, old_units.len()), changes.is_empty(), true, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_with_a_little_of_what_stayed() {
        let change = |from, to, text: &str| Change { from, to, text: text.into() };
        assert_eq!(
            told("学习🙂Go", &[change(2, 4, "")]),
            [("same", "学习".to_owned()), ("removed", "🙂".into()), ("same", "Go".into())]
        );
        let long = "x".repeat(500);
        let all = told(&long, &[change(250, 250, "new")]);
        assert_eq!(all.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["same", "added", "same"]);
        assert!(all[0].1.starts_with('…') && all[0].1.chars().count() == AROUND + 1);
        assert!(all[2].1.ends_with('…'));
        assert_eq!(told("", &[change(0, 0, "a")]), [("added", "a".to_owned())]);
    }
}
