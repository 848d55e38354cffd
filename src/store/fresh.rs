//! Notes that came just now: what search has to learn of them, so that it need not open their entries again.
//!
//! A note is here only while nothing but its first entry ever spoke of it: then title, text and tags are what that entry
//! says. Whatever marks its document for another reason takes it out.

use std::collections::BTreeMap;

use crate::model::action::NoteNew;

/// Most bytes of all of them together, about. Beyond that the oldest go: search begins with the newest.
const MAX_BYTES: usize = 8 << 20;
/// What one of them takes besides its words.
const OVERHEAD: usize = 160;

/// What search learns of a document, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub title: String,
    pub body: String,
    pub tags: String,
}

/// The words of new notes, by the number of their document.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    notes: BTreeMap<i64, Words>,
    bytes: usize,
}

impl Words {
    /// Of a new note whose text is one piece; what is more than that is read from its entry as ever.
    pub fn of(note: &NoteNew) -> Option<Self> {
        let body = note.text.only_insert()?.to_owned();
        Some(Self { title: note.title.clone(), body, tags: note.tags.join(" ") })
    }

    fn bytes(&self) -> usize {
        OVERHEAD + self.title.len() + self.body.len() + self.tags.len()
    }
}

impl Fresh {
    pub fn put(&mut self, doc: i64, words: Words) {
        self.take(doc);
        self.bytes += words.bytes();
        self.notes.insert(doc, words);
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.notes.pop_first()
        {
            self.bytes -= oldest.bytes();
        }
    }

    pub fn take(&mut self, doc: i64) -> Option<Words> {
        let words = self.notes.remove(&doc)?;
        self.bytes -= words.bytes();
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: usize) -> Words {
        Words { title: "t".into(), body: "b".repeat(bytes), tags: String::new() }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut fresh = Fresh::default();
        let each = MAX_BYTES / 4;
        for doc in 0..10 {
            fresh.put(doc, words(each));
            assert!(fresh.bytes <= MAX_BYTES);
        }
        assert_eq!(fresh.notes.keys().copied().collect::<Vec<_>>(), [7, 8, 9]);
        fresh.put(9, words(1));
        assert_eq!(fresh.take(9), Some(words(1)));
        assert_eq!(fresh.take(9), None);
        fresh.put(8, words(2 * MAX_BYTES));
        assert_eq!((fresh.notes.len(), fresh.bytes), (0, 0));
    }
}
