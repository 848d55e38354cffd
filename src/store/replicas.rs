//! Notes under edit, kept in memory: a note that is edited again and again is not opened and integrated from its first
//! edit every time.

use std::collections::BTreeMap;
use std::mem::size_of;

use super::notes::EditRow;
use crate::model::id::EntryId;
use crate::model::limits::{EDIT_BYTES, EDIT_OP_BYTES, MAX_NOTE_EDITS_BYTES};
use crate::model::text::{Text, TextOp};

/// Most replicas in memory.
const MAX_REPLICAS: usize = 16;
/// Most bytes that all of them hold, about.
const MAX_BYTES: usize = 16 << 20;

// A held replica takes at least what its edits are reckoned as: one that grows over the note's bound is let go first.
const _: () = assert!(
    MAX_BYTES < MAX_NOTE_EDITS_BYTES && size_of::<EditRow>() >= EDIT_BYTES && size_of::<TextOp>() >= EDIT_OP_BYTES
);

/// The replicas of a few notes, by the note's number. Each has every edit that is stored.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    notes: BTreeMap<i64, Held>,
    /// Counts uses; the replica that was used the longest ago goes first.
    clock: u64,
}

/// A note with all its edits.
#[derive(Debug, Default)]
pub(super) struct Replica {
    /// The edits, in no particular order.
    pub edits: Vec<EditRow>,
    /// What they make together.
    pub text: Text,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    replica: Replica,
    used: u64,
}

impl Replica {
    /// Integrates an edit.
    pub fn add(&mut self, row: EditRow) {
        let edit = &row.edit;
        let inserted = |op: &TextOp| match op {
            TextOp::Insert { text, .. } => text.len(),
            TextOp::Delete { .. } => 0,
        };
        let ops: usize = edit.edit.ops.iter().map(|op| size_of::<TextOp>() + inserted(op)).sum();
        let ids = edit.builds_on.len() + edit.edit.refs.len();
        self.bytes += size_of::<EditRow>() + ids * size_of::<EntryId>() + ops;
        self.text.apply(edit.entry, &edit.edit);
        self.edits.push(row);
    }

    fn bytes(&self) -> usize {
        self.bytes + self.text.memory_bytes()
    }
}

impl Replicas {
    /// Integrates a new edit, if the note is held.
    pub fn edit(&mut self, note: i64, row: impl FnOnce() -> EditRow) {
        if let Some(held) = self.notes.get_mut(&note) {
            held.replica.add(row());
            self.trim();
        }
    }

    /// The replica of a note, if it is held.
    pub fn get(&mut self, note: i64) -> Option<&Replica> {
        self.clock += 1;
        let held = self.notes.get_mut(&note)?;
        held.used = self.clock;
        Some(&held.replica)
    }

    /// Holds a replica that has every stored edit, unless it is too large by itself.
    pub fn put(&mut self, note: i64, replica: Replica) {
        self.clock += 1;
        self.notes.insert(note, Held { replica, used: self.clock });
        self.trim();
    }

    /// Lets go of what was not used for the longest time until the bounds hold.
    fn trim(&mut self) {
        while self.notes.len() > MAX_REPLICAS || self.bytes() > MAX_BYTES {
            let oldest = self.notes.iter().min_by_key(|(_, held)| held.used).map(|(note, _)| *note);
            let Some(oldest) = oldest else { break };
            self.notes.remove(&oldest);
        }
    }

    fn bytes(&self) -> usize {
        self.notes.values().map(|held| held.replica.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{LogId, PersonId};
    use crate::model::note::Edit;
    use crate::model::text::{Side, TextEdit};
    use crate::model::time::Hlc;

    fn insert(n: u8, text: &str) -> EditRow {
        let op = TextOp::Insert { parent: None, side: Side::Right, text: text.to_owned() };
        let edit = TextEdit { refs: vec![], ops: vec![op] };
        let edit = Edit { entry: EntryId([n; 32]), time: Hlc::new(n.into(), 0), builds_on: vec![], edit };
        EditRow { edit, person: PersonId::ZERO, log: LogId::ZERO }
    }

    #[test]
    fn the_note_that_was_read_longest_ago_makes_room() {
        let mut replicas = Replicas::default();
        for note in 0..MAX_REPLICAS as i64 {
            replicas.put(note, Replica::default());
        }
        assert!(replicas.get(0).is_some());
        replicas.put(100, Replica::default());
        assert!(replicas.get(0).is_some() && replicas.get(100).is_some());
        assert!(replicas.get(1).is_none());
    }

    #[test]
    fn what_is_held_is_bounded_in_bytes_as_edits_come() {
        let mut replicas = Replicas::default();
        replicas.put(1, Replica::default());
        replicas.put(2, Replica::default());
        for n in 1..=250 {
            for note in [1, 2] {
                replicas.edit(note, || insert(n, &"x".repeat(30_000)));
                assert!(replicas.bytes() <= MAX_BYTES);
            }
        }
        // Both would be over the bound; the one that was used last is still held.
        assert!(replicas.get(1).is_none());
        assert_eq!(replicas.get(2).unwrap().edits.len(), 250);
    }

    #[test]
    fn a_note_too_large_to_hold_is_not_held() {
        let mut replica = Replica::default();
        while replica.bytes() <= MAX_BYTES {
            // One entry may come twice here: what counts is the room that its edits take.
            replica.add(insert(1, &"云".repeat(10_000)));
        }
        let mut replicas = Replicas::default();
        replicas.put(1, replica);
        assert!(replicas.get(1).is_none());
    }

    #[test]
    fn an_edit_reaches_the_replica_that_is_held() {
        let mut replicas = Replicas::default();
        replicas.put(7, Replica::default());
        replicas.edit(7, || insert(1, "Go"));
        replicas.edit(8, || unreachable!("that note is not held"));
        assert_eq!(replicas.get(7).unwrap().text.to_string(), "Go");
        assert_eq!(replicas.get(7).unwrap().edits, [insert(1, "Go")]);
    }
}
