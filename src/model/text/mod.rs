//! A note's text: a CRDT over edits that any member wrote, in any order.
//!
//! A [`TextEdit`] is what one entry changes: it inserts runs of characters beside named characters, and deletes named
//! ranges. A [`Text`] is a replica: the set of edits that arrived. Its text is a pure function of that set, so replicas
//! with the same edits read the same, whatever came first, twice, or before what it refers to.
//!
//! The characters form a tree (Weidner and Kleppmann, "The Art of the Fugue", 2023): each is a child of another on its
//! left or right side, or of the root; the text is the in-order walk. Two people who type at one place at once keep
//! their words in one piece each, forwards and backwards. Section 8 of `docs/protocol.md` has the rules.
//!
//! # Why not a CRDT crate
//!
//! The design called for one (yrs). Every such crate names a character by a short client id and a counter, and two
//! replicas that meet two texts under one name differ for good, silently. The client id would have to be derived from
//! the entry's id, but yrs has 53 bits for it: a member finds two entries with one derived client id by about 2^27
//! hashes, minutes of work, and the trap is open again. Here a character is named by the **whole 32-byte id of the entry**
//! that wrote it, which commits to the text, and an offset: two texts under one name would be a collision of BLAKE3.
//! That shuts the trap for good, needs no state about clients, and leaves no foreign decoder to harden.
//!
//! # How it works
//!
//! The nodes are runs (one per insert), never single characters. Applying an edit appends its text and runs and does
//! not look at the tree, so nothing waits for anything. Reading finds each run's parent, sorts the runs below it, and
//! walks with a stack of its own: a hostile chain of a million nested characters costs memory in proportion and no call
//! stack. A reference to what never existed leaves its run out of the walk; so does a cycle, which no real ids can form.
//!
//! With `e` entries, `r` runs and deletions, and `n` characters: applying an operation takes O(log e + log r), a read
//! O(n + r log r), and memory is in proportion to what the edits hold. `examples/note_cost.rs` measures it.
//!
//! ```
//! use studymesh::model::{id::EntryId, text::Text};
//!
//! // Ada writes a note; Bo has it too.
//! let mut ada = Text::new();
//! let draft = ada.next_edit_towards("Learn Go.").unwrap();
//! ada.apply(EntryId([1; 32]), &draft);
//! let mut bo = ada.clone();
//!
//! // Both edit offline, at the same place.
//! let by_ada = ada.next_edit_towards("Learn Go and Rust.").unwrap();
//! let by_bo = bo.next_edit_towards("Learn Go 和云原生.").unwrap();
//! ada.apply(EntryId([2; 32]), &by_ada);
//! bo.apply(EntryId([3; 32]), &by_bo);
//!
//! // They meet: each gets the other's edit, in whatever order, and both keep every word.
//! ada.apply(EntryId([3; 32]), &by_bo);
//! bo.apply(EntryId([2; 32]), &by_ada);
//! assert_eq!(ada.read(), "Learn Go and Rust 和云原生.");
//! assert_eq!(ada.read(), bo.read());
//! ```

mod change;
mod edit;
mod rewrite;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

pub use change::{Anchor, Change, InvalidChange, Plan, units};
pub use edit::{CharRef, InvalidText, MAX_EDIT_CHARS, OWN, Side, TextEdit, TextOp};

use super::id::EntryId;
use rewrite::Rewrite;

/// The pseudo-entry that wrote the root: one character, deleted from the start, which every text begins with.
const ROOT: usize = 0;

/// A replica of a note's text: the edits that arrived, and what they make together.
#[derive(Debug, Clone)]
pub struct Text {
    /// The place in `entries` of every id that an edit has or names.
    index: BTreeMap<EntryId, usize>,
    entries: Vec<Entry>,
    /// Every run that arrived; those of one entry are neighbours, in the order of their offsets.
    runs: Vec<Run>,
    /// The characters of the runs, in the order of the runs.
    chars: String,
    /// Deleted characters: (entry, first offset) to the offset behind the last. Ranges never touch.
    deleted: BTreeMap<(usize, u32), u32>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: EntryId,
    /// Its runs; empty while it is only known by name, or when it inserts nothing.
    runs: Range<usize>,
}

/// A run of characters, each the right child of the one before.
#[derive(Debug, Clone)]
struct Run {
    entry: usize,
    /// The entry of the parent of the first character.
    parent: usize,
    /// The parent's offset.
    parent_at: u32,
    side: Side,
    /// The offset of the first character.
    start: u32,
    /// Characters; at least one.
    len: u32,
    /// Where its bytes begin in `chars`; they end where those of the next run begin.
    bytes: usize,
}

/// A stretch of visible text that one entry wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// The entry that wrote it.
    pub entry: EntryId,
    /// The text; not empty.
    pub text: &'a str,
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Text {
    /// An empty text.
    #[must_use]
    pub fn new() -> Self {
        let root = Run { entry: ROOT, parent: ROOT, parent_at: 1, side: Side::Right, start: 0, len: 1, bytes: 0 };
        Self {
            index: BTreeMap::new(),
            entries: vec![Entry { id: EntryId::ZERO, runs: 0..1 }],
            runs: vec![root],
            chars: String::new(),
            deleted: BTreeMap::from([((ROOT, 0), 1)]),
        }
    }

    /// Integrates what `entry` says. Idempotent, and in any order. An edit that does not pass [`TextEdit::validate`]
    /// changes nothing.
    pub fn apply(&mut self, entry: EntryId, edit: &TextEdit) {
        if edit.validate().is_err() {
            return;
        }
        let own = self.place(entry);
        if !self.entries[own].runs.is_empty() {
            return;
        }
        let refs: Vec<usize> = edit.refs.iter().map(|id| self.place(*id)).collect();
        let named = |index: u16| refs.get(usize::from(index)).copied().unwrap_or(own);
        let (first, mut start) = (self.runs.len(), 0);
        for op in &edit.ops {
            match op {
                TextOp::Insert { parent, side, text } => {
                    let (parent, parent_at) = parent.map_or((ROOT, 0), |at| (named(at.entry), at.offset));
                    let (len, bytes) = (text.chars().count() as u32, self.chars.len()); // within MAX_EDIT_CHARS
                    self.runs.push(Run { entry: own, parent, parent_at, side: *side, start, len, bytes });
                    self.chars.push_str(text);
                    start += len;
                }
                TextOp::Delete { entry, offset, len } => self.delete(named(*entry), *offset, offset + len),
            }
        }
        self.entries[own].runs = first..self.runs.len();
    }

    /// The text as people see it.
    #[must_use]
    pub fn read(&self) -> String {
        self.to_string()
    }

    /// Characters (Unicode scalar values) of the text as people see it. Costs as much as reading it.
    #[must_use]
    pub fn len_chars(&self) -> usize {
        self.walk().iter().map(tree::Piece::shown).sum()
    }

    /// Who wrote what: the visible text in order, in pieces of one entry each. Neighbours may share their entry.
    #[must_use]
    pub fn spans(&self) -> Vec<Span<'_>> {
        let mut pieces: Vec<tree::Piece> = self.walk();
        pieces.retain(|piece| piece.visible);
        let is_one = |a: &tree::Piece, b: &tree::Piece| {
            self.runs[a.run].entry == self.runs[b.run].entry && a.bytes.end == b.bytes.start
        };
        let stretches = pieces.chunk_by(is_one).filter_map(|stretch| Some((stretch.first()?, stretch.last()?)));
        stretches
            .map(|(first, last)| Span {
                entry: self.entries[self.runs[first.run].entry].id,
                text: &self.chars[first.bytes.start..last.bytes.end],
            })
            .collect()
    }

    /// One edit on the way from the present text to `new`; `None` when they are the same.
    ///
    /// The caller writes it as an entry, applies it under that entry's id, and calls again until `None`. This ends:
    /// each edit takes the text nearer to `new`. Each call compares the two texts, so for what does not fit one edit
    /// [`Text::rewrite`] is faster.
    #[must_use]
    pub fn next_edit_towards(&self, new: &str) -> Option<TextEdit> {
        Some(Rewrite::new(self, new).next_edit()?.edit)
    }

    /// Turns the present text into `new`, which is compared once: hands each edit to `write`, which answers the id of the
    /// entry that it wrote, and applies it. In all, the work is in proportion to the texts and what differs.
    ///
    /// # Errors
    /// The first error of `write`; what was written until then is applied.
    pub fn rewrite<E>(&mut self, new: &str, write: impl FnMut(&TextEdit) -> Result<EntryId, E>) -> Result<(), E> {
        let rewrite = Rewrite::new(self, new);
        self.write_out(rewrite, write)
    }

    fn write_out<E>(
        &mut self,
        mut rewrite: Rewrite<'_>,
        mut write: impl FnMut(&TextEdit) -> Result<EntryId, E>,
    ) -> Result<(), E> {
        while let Some(next) = rewrite.next_edit() {
            let entry = write(&next.edit)?;
            rewrite.go_on(next.rest, entry);
            self.apply(entry, &next.edit);
        }
        Ok(())
    }

    /// Bytes of memory that the replica holds, as an estimate from what its collections hold.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        // B-tree nodes are two thirds full on average.
        let tree = |len: usize, item: usize| len * item * 3 / 2;
        self.chars.capacity()
            + self.runs.capacity() * size_of::<Run>()
            + self.entries.capacity() * size_of::<Entry>()
            + tree(self.index.len(), size_of::<(EntryId, usize)>())
            + tree(self.deleted.len(), size_of::<((usize, u32), u32)>())
    }

    /// Where an entry stands, known or not yet.
    fn place(&mut self, id: EntryId) -> usize {
        *self.index.entry(id).or_insert_with(|| {
            self.entries.push(Entry { id, runs: 0..0 });
            self.entries.len() - 1
        })
    }

    /// Adds a range of an entry's characters to what is deleted, joined with the ranges that it meets.
    fn delete(&mut self, entry: usize, mut from: u32, mut to: u32) {
        if let Some((&(of, start), &end)) = self.deleted.range(..=(entry, from)).next_back()
            && of == entry
            && end >= from
        {
            (from, to) = (start, to.max(end));
        }
        while let Some((&key, &end)) = self.deleted.range((entry, from)..=(entry, to)).next() {
            self.deleted.remove(&key);
            to = to.max(end);
        }
        self.deleted.insert((entry, from), to);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.walk()
            .iter()
            .filter(|piece| piece.visible)
            .try_for_each(|piece| f.write_str(&self.chars[piece.bytes.clone()]))
    }
}

#[cfg(test)]
mod tests;
