//! Note texts under edit, kept in memory: a note that is edited again and again is not integrated from its first edit
//! every time.

use std::collections::BTreeMap;

use crate::model::id::EntryId;
use crate::model::text::{Text, TextEdit};

/// Most replicas in memory.
const MAX_REPLICAS: usize = 16;
/// Most bytes that all of them hold.
const MAX_BYTES: usize = 16 << 20;

/// The replicas of a few notes, by the note's number. Each has every edit that is stored.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    notes: BTreeMap<i64, Replica>,
    /// Counts uses; the replica that was used the longest ago goes first.
    clock: u64,
}

#[derive(Debug)]
struct Replica {
    text: Text,
    used: u64,
}

impl Replicas {
    /// Integrates a new edit, if the note is held.
    pub fn edit(&mut self, note: i64, entry: EntryId, edit: &TextEdit) {
        if let Some(replica) = self.notes.get_mut(&note) {
            replica.text.apply(entry, edit);
        }
    }

    /// The replica of a note, if it is held.
    pub fn get(&mut self, note: i64) -> Option<&Text> {
        self.clock += 1;
        let replica = self.notes.get_mut(&note)?;
        replica.used = self.clock;
        Some(&replica.text)
    }

    /// Holds a replica that has every stored edit. Others go to make room; one that is too large by itself is not held.
    pub fn put(&mut self, note: i64, text: Text) {
        self.clock += 1;
        self.notes.insert(note, Replica { text, used: self.clock });
        while self.notes.len() > MAX_REPLICAS || self.bytes() > MAX_BYTES {
            let oldest = self.notes.iter().min_by_key(|(_, replica)| replica.used).map(|(note, _)| *note);
            let Some(oldest) = oldest else { break };
            self.notes.remove(&oldest);
        }
    }

    fn bytes(&self) -> usize {
        self.notes.values().map(|replica| replica.text.memory_bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::{Side, TextOp};

    fn insert(text: &str) -> TextEdit {
        let op = TextOp::Insert { parent: None, side: Side::Right, text: text.to_owned() };
        TextEdit { refs: vec![], ops: vec![op] }
    }

    #[test]
    fn the_note_that_was_read_longest_ago_makes_room() {
        let mut replicas = Replicas::default();
        for note in 0..MAX_REPLICAS as i64 {
            replicas.put(note, Text::new());
        }
        assert!(replicas.get(0).is_some());
        replicas.put(100, Text::new());
        assert!(replicas.get(0).is_some() && replicas.get(100).is_some());
        assert!(replicas.get(1).is_none());
    }

    #[test]
    fn a_text_too_large_to_hold_is_not_held() {
        let mut text = Text::new();
        for n in 0..=u8::MAX {
            text.apply(EntryId([n; 32]), &insert(&"x".repeat(30_000)));
        }
        let mut replicas = Replicas::default();
        for n in 0..4 {
            replicas.put(n, text.clone());
        }
        assert!(replicas.bytes() <= MAX_BYTES);
        assert!(replicas.notes.len() < 4);
    }

    #[test]
    fn an_edit_reaches_the_replica_that_is_held() {
        let mut replicas = Replicas::default();
        replicas.put(7, Text::new());
        replicas.edit(7, EntryId([1; 32]), &insert("Go"));
        replicas.edit(8, EntryId([1; 32]), &insert("Rust"));
        assert_eq!(replicas.get(7).unwrap().to_string(), "Go");
        assert!(replicas.get(8).is_none());
    }
}
