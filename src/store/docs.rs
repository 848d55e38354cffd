//! Documents: what the search index knows of notes, links and topics, and which of them it has to look at again.
//!
//! Folding only marks a document; its words are read from the views when the index comes to it. So an entry costs the
//! same whether it changes a short note or a long one, and the index may lag behind without ever being wrong.

use rusqlite::{OptionalExtension, params};

use super::cache::GroupInfo;
use super::registers::Slot;
use super::token::spaced;
use super::{Error, Found, SqliteStore};
use crate::model::fold::{Register, Value};
use crate::model::id::{GroupId, LinkId, NoteId};
use crate::model::roadmap::Localized;

/// Most bytes of a text that are indexed.
const MAX_INDEXED_BYTES: usize = 1 << 20;

/// The kinds of [`Register::parts`] that documents are listed by.
const LINK_ADDED: u8 = 6;
const TOPIC: u8 = 14;

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocKind {
    Note = 0,
    Link = 1,
    /// A topic; its atom is the roadmap's id, a zero byte, and the topic's id.
    Topic = 2,
    /// Not in the index: stands for all topics of a roadmap.
    Roadmap = 3,
}

/// A document's words, as people wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doc {
    pub found: Found,
    pub title: String,
    pub body: String,
    pub tags: String,
}

/// The number of a document: the rowid in the index.
pub(super) fn number(atom: i64, kind: DocKind) -> i64 {
    atom << 2 | kind as i64
}

fn split(number: i64) -> (i64, DocKind) {
    let kind = match number & 3 {
        0 => DocKind::Note,
        1 => DocKind::Link,
        2 => DocKind::Topic,
        _ => DocKind::Roadmap,
    };
    (number >> 2, kind)
}

impl SqliteStore {
    /// Marks the document that a register belongs to; those of notes are marked by whoever folds them.
    pub(super) fn mark_stale(&mut self, grp: i64, register: &Register, slot: Slot) -> Result<(), Error> {
        let doc = match register {
            Register::LinkAdded(..) | Register::LinkTitle(_) | Register::LinkTags(_) | Register::LinkRemoved(_) => {
                number(slot.subject, DocKind::Link)
            }
            Register::Roadmap(_) => number(slot.subject, DocKind::Roadmap),
            Register::Topic(roadmap, topic) => number(self.intern(grp, &topic_atom(roadmap, topic))?, DocKind::Topic),
            _ => return Ok(()),
        };
        self.mark_doc(doc)
    }

    pub(super) fn mark_doc(&mut self, doc: i64) -> Result<(), Error> {
        self.cache.fresh.take(doc);
        self.db.prepare_cached("INSERT OR IGNORE INTO stale (doc) VALUES (?1)")?.execute([doc])?;
        Ok(())
    }

    /// Marks every document of one group.
    pub(super) fn mark_group(&mut self, grp: i64) -> Result<(), Error> {
        for mark in [
            "INSERT OR IGNORE INTO stale SELECT note << 2 FROM notes WHERE grp = ?1".to_owned(),
            format!(
                "INSERT OR IGNORE INTO stale SELECT subject << 2 | 1 FROM writes WHERE grp = ?1 AND kind = {LINK_ADDED}"
            ),
            format!(
                "INSERT OR IGNORE INTO stale SELECT subject << 2 | 3 FROM writes WHERE grp = ?1 AND kind = {TOPIC}"
            ),
        ] {
            self.db.prepare_cached(&mark)?.execute([grp])?;
        }
        Ok(())
    }

    /// Empties the index and marks every document of every group.
    pub(super) fn index_anew(&mut self) -> Result<(), Error> {
        self.db.execute_batch(&format!(
            "INSERT INTO words (words) VALUES ('delete-all');
             DELETE FROM stale;
             INSERT OR IGNORE INTO stale SELECT note << 2 FROM notes;
             INSERT OR IGNORE INTO stale SELECT subject << 2 | 1 FROM writes WHERE kind = {LINK_ADDED};
             INSERT OR IGNORE INTO stale SELECT subject << 2 | 3 FROM writes WHERE kind = {TOPIC};"
        ))?;
        Ok(())
    }

    /// Brings one document of the index up to date.
    pub(super) fn index_doc(&mut self, doc: i64) -> Result<(), Error> {
        self.db.prepare_cached("DELETE FROM stale WHERE doc = ?1")?.execute([doc])?;
        if let Some(words) = self.cache.fresh.take(doc) {
            return self.insert_words(doc, &words.title, &words.body, &words.tags);
        }
        let (atom, kind) = split(doc);
        let of = self
            .db
            .prepare_cached("SELECT g.id, a.bytes FROM atoms a JOIN groups g ON g.no = a.grp WHERE a.no = ?1")?
            .query_row([atom], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        let (id, bytes) = of.ok_or_else(|| Error::damaged("the index names a document that is not there"))?;
        let group = self.group(GroupId(id))?;
        if kind == DocKind::Roadmap {
            return self.mark_topics(group.no, atom, &bytes);
        }
        if kind == DocKind::Note {
            self.text_to_index(&group, atom)?;
        }
        self.db.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([doc])?;
        if let Some(found) = self.doc(&group, doc)? {
            self.insert_words(doc, &found.title, &found.body, &found.tags)?;
        }
        Ok(())
    }

    fn insert_words(&mut self, doc: i64, title: &str, body: &str, tags: &str) -> Result<(), Error> {
        let insert = "INSERT INTO words (rowid, title, body, tags) VALUES (?1, ?2, ?3, ?4)";
        let [title, body, tags] = [title, bounded(body), tags].map(spaced);
        self.db.prepare_cached(insert)?.execute(params![doc, title, body, tags])?;
        Ok(())
    }

    /// What a document says now; `None` when it is not to be found: deleted, removed, or not there yet.
    pub(super) fn doc(&mut self, group: &GroupInfo, doc: i64) -> Result<Option<Doc>, Error> {
        let (atom, kind) = split(doc);
        let bytes = self.atom_bytes(atom)?;
        match kind {
            DocKind::Note => self.note_doc(group, atom, NoteId(id(&bytes)?)),
            DocKind::Link => self.link_doc(group, LinkId(id(&bytes)?)),
            DocKind::Topic => self.topic_doc(group, &bytes),
            DocKind::Roadmap => Ok(None),
        }
    }

    fn note_doc(&mut self, group: &GroupInfo, no: i64, note: NoteId) -> Result<Option<Doc>, Error> {
        let Some(body) = self.text_by_number(group, no)? else { return Ok(None) };
        if self.flag(group, &Register::NoteDeleted(note))? {
            return Ok(None);
        }
        let title = self.text(group, &Register::NoteTitle(note))?.unwrap_or_default();
        let tags = self.tags(group, &Register::NoteTags(note))?;
        Ok(Some(Doc { found: Found::Note(note), title, body, tags }))
    }

    fn link_doc(&mut self, group: &GroupInfo, link: LinkId) -> Result<Option<Doc>, Error> {
        let added = self.registers(group.id, LINK_ADDED, Some(&link.0))?;
        let url = added.into_iter().find_map(|(_, current)| match current.value {
            Value::Text(url) => Some(url),
            _ => None,
        });
        let Some(body) = url else { return Ok(None) };
        if self.flag(group, &Register::LinkRemoved(link))? {
            return Ok(None);
        }
        let title = self.text(group, &Register::LinkTitle(link))?.unwrap_or_default();
        let tags = self.tags(group, &Register::LinkTags(link))?;
        Ok(Some(Doc { found: Found::Link(link), title, body, tags }))
    }

    fn topic_doc(&mut self, group: &GroupInfo, atom: &[u8]) -> Result<Option<Doc>, Error> {
        let text = std::str::from_utf8(atom).ok().and_then(|text| text.split_once('\0'));
        let (roadmap, topic) = text.ok_or_else(|| Error::damaged("a topic has a broken name"))?;
        let (roadmap, topic) = (roadmap.to_owned(), topic.to_owned());
        let removed = match self.register(group.id, &Register::Roadmap(roadmap.clone()))?.map(|c| c.value) {
            Some(Value::Roadmap(meta)) => meta.removed,
            _ => false,
        };
        let put = self.register(group.id, &Register::Topic(roadmap.clone(), topic.clone()))?.map(|c| c.value);
        let Some(Value::Topic(Some(put))) = put.filter(|_| !removed) else { return Ok(None) };
        let found = Found::Topic { roadmap, topic };
        let (title, body) = (both(&put.title, " / "), both(&put.description, "\n"));
        Ok(Some(Doc { found, title, body, tags: put.aliases.join(" ") }))
    }

    /// Marks every topic of a roadmap.
    fn mark_topics(&mut self, grp: i64, roadmap: i64, id: &[u8]) -> Result<(), Error> {
        let topics: Vec<Vec<u8>> = {
            let mut select = self.db.prepare_cached(&format!(
                "SELECT DISTINCT a.bytes FROM writes w JOIN atoms a ON a.no = w.part
                 WHERE w.grp = ?1 AND w.kind = {TOPIC} AND w.superseded IN (0, 1) AND w.subject = ?2"
            ))?;
            let topics = select.query_map([grp, roadmap], |row| row.get(0))?;
            topics.collect::<Result<_, _>>()?
        };
        for topic in topics {
            let atom = self.intern(grp, &[id, &[0], &topic].concat())?;
            self.mark_doc(number(atom, DocKind::Topic))?;
        }
        Ok(())
    }

    fn text(&mut self, group: &GroupInfo, register: &Register) -> Result<Option<String>, Error> {
        Ok(match self.register(group.id, register)?.map(|c| c.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        })
    }

    fn tags(&mut self, group: &GroupInfo, register: &Register) -> Result<String, Error> {
        Ok(match self.register(group.id, register)?.map(|c| c.value) {
            Some(Value::Tags(tags)) => tags.join(" "),
            _ => String::new(),
        })
    }

    fn flag(&mut self, group: &GroupInfo, register: &Register) -> Result<bool, Error> {
        Ok(matches!(self.register(group.id, register)?.map(|c| c.value), Some(Value::Flag(true))))
    }
}

fn topic_atom(roadmap: &str, topic: &str) -> Vec<u8> {
    [roadmap.as_bytes(), &[0], topic.as_bytes()].concat()
}

fn id(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::damaged("a document has a broken id"))
}

fn both(text: &Localized, between: &str) -> String {
    let parts = [text.en.as_str(), text.zh.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}

/// The part of a text that is indexed.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_INDEXED_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::PersonId;

    #[test]
    fn the_kinds_are_those_of_the_registers() {
        assert_eq!(Register::LinkAdded(LinkId::ZERO, PersonId::ZERO).parts().0, LINK_ADDED);
        assert_eq!(Register::Topic("r".into(), "t".into()).parts().0, TOPIC);
    }

    #[test]
    fn a_documents_number_tells_what_it_is() {
        for kind in [DocKind::Note, DocKind::Link, DocKind::Topic, DocKind::Roadmap] {
            assert_eq!(split(number(77, kind)), (77, kind));
        }
    }

    #[test]
    fn a_long_text_is_indexed_up_to_a_character_border() {
        let text = "云".repeat(MAX_INDEXED_BYTES);
        let part = bounded(&text);
        assert!(part.len() <= MAX_INDEXED_BYTES && part.len() > MAX_INDEXED_BYTES - 4);
        assert_eq!(bounded("short"), "short");
    }
}
