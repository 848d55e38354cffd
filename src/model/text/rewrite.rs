//! From the present text to another one, in edits that each fit one entry.
//!
//! The difference is taken once, by [`text_diff`]. Each place that changed becomes an insert and deletions, with the
//! characters that they name; they do not influence each other, since at least one character stays between two places.
//! They are packed into edits in the order of the text, an insert before the deletions of its place, so that a reader
//! between two edits sees a text with some words twice rather than with words missing.
//!
//! Comparing again after every edit ends too. Let P be how many characters the two texts share at the front, and *rest*
//! what they have beyond. Except for the last, an edit leaves a text that agrees with the new one up to some character
//! `n` and goes on with the old one from some character `o`, so the rest falls when `n + o > 2 P`. The first place begins
//! at P - [`text_diff::MAX_BACK_OFF`] or later, each operation moves `n` or `o` on by one character or more, and an edit
//! that is full has more operations or characters than twice that; the assertion below has the sums.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::edit::{CharRef, Side, TextEdit, TextOp};
use super::tree::Piece;
use super::{ROOT, Text};
use crate::model::id::EntryId;
use crate::model::limits::{
    EDIT_OP_BYTES, EDIT_REF_BYTES, MAX_EDIT_BYTES, MAX_EDIT_OPS, MAX_EDIT_REFS, MAX_EDIT_TEXT_BYTES,
};
use crate::model::text_diff::{self, Hunk, MAX_BACK_OFF};

/// Most bytes of a character in UTF-8.
const MAX_CHAR_BYTES: usize = 4;
/// Most bytes that one operation with one character can add to an edit.
const MAX_STEP_BYTES: usize = EDIT_OP_BYTES + EDIT_REF_BYTES + MAX_CHAR_BYTES;
/// Characters by which a full edit must move on.
const MUST_MOVE: usize = 2 * MAX_BACK_OFF;
const _: () = assert!(MAX_EDIT_OPS > MUST_MOVE && MAX_EDIT_REFS > MUST_MOVE, "a full edit moves on");
const _: () = assert!(MAX_EDIT_TEXT_BYTES / MAX_CHAR_BYTES > MUST_MOVE + 1, "a full edit moves on");
const _: () = assert!(MAX_EDIT_BYTES / MAX_STEP_BYTES > MUST_MOVE + 1, "a full edit moves on");

/// What is left to do on the way to a new text.
pub(super) struct Rewrite<'a> {
    new: &'a str,
    steps: VecDeque<Step>,
}

/// One operation, with the whole ids of the entries that it names.
enum Step {
    Insert { parent: Option<(EntryId, u32)>, side: Side, text: Range<usize> },
    Delete { entry: EntryId, offset: u32, len: u32 },
}

/// An edit, and what it began and did not end.
pub(super) struct Next {
    /// The edit; it passes [`TextEdit::validate`].
    pub edit: TextEdit,
    /// The part of a long insert that did not fit.
    pub rest: Option<Rest>,
}

/// The rest of an insert.
pub(super) struct Rest {
    /// The offset of the edit's last character, right of which the rest goes.
    after: u32,
    /// Bytes of the new text.
    text: Range<usize>,
}

impl<'a> Rewrite<'a> {
    /// Compares the present text with the new one.
    pub fn new(text: &Text, new: &'a str) -> Self {
        let pieces = text.walk();
        let shown = pieces.iter().filter(|piece| piece.visible).map(|piece| &text.chars[piece.bytes.clone()]);
        let old: String = shown.collect();
        Self::steps(text, &pieces, new, text_diff::hunks(&old, new))
    }

    /// Makes these changes of the present text, whose new characters stand in `new`: ascending, with at least one kept
    /// character between any two.
    pub fn of(text: &Text, new: &'a str, hunks: impl IntoIterator<Item = Hunk>) -> Self {
        Self::steps(text, &text.walk(), new, hunks)
    }

    fn steps(text: &Text, pieces: &[Piece], new: &'a str, hunks: impl IntoIterator<Item = Hunk>) -> Self {
        let mut cursor = Cursor { text, pieces, piece: 0, before: 0 };
        let mut steps = VecDeque::new();
        for hunk in hunks {
            if !hunk.new.is_empty() {
                let (parent, side) = cursor.place_behind(hunk.old.start);
                steps.push_back(Step::Insert { parent, side, text: hunk.new });
            }
            cursor.delete(hunk.old, &mut steps);
        }
        Self { new, steps }
    }

    /// The next edit, as full as it can be; `None` when nothing is left.
    pub fn next_edit(&mut self) -> Option<Next> {
        let mut draft = Draft::default();
        let mut rest = None;
        while let Some(step) = self.steps.pop_front() {
            let taken = match &step {
                Step::Insert { parent, side, text } => draft.insert(*parent, *side, &self.new[text.clone()]),
                Step::Delete { entry, offset, len } => draft.delete(*entry, *offset, *len),
            };
            match step {
                _ if taken == 0 => {
                    self.steps.push_front(step);
                    break;
                }
                Step::Insert { text, .. } if taken < text.len() => {
                    rest = Some(Rest { after: draft.chars - 1, text: text.start + taken..text.end });
                    break;
                }
                _ => {}
            }
        }
        (!draft.edit.ops.is_empty()).then_some(Next { edit: draft.edit, rest })
    }

    /// Takes the rest of an edit that was written as `entry`.
    pub fn go_on(&mut self, rest: Option<Rest>, entry: EntryId) {
        if let Some(Rest { after, text }) = rest {
            // The character was the last that the edit inserted: nothing is on its right.
            self.steps.push_front(Step::Insert { parent: Some((entry, after)), side: Side::Right, text });
        }
    }
}

/// Finds the characters at positions of the visible text, which must ascend.
struct Cursor<'a> {
    text: &'a Text,
    pieces: &'a [Piece],
    /// The piece that holds the position.
    piece: usize,
    /// Visible characters before it.
    before: usize,
}

impl Cursor<'_> {
    /// Moves on to the piece that holds the last of the first `count` visible characters; the root's when 0.
    fn seek(&mut self, count: usize) -> &Piece {
        while self.before + self.pieces[self.piece].shown() < count {
            self.before += self.pieces[self.piece].shown();
            self.piece += 1;
        }
        &self.pieces[self.piece]
    }

    /// Where an insert goes that shall stand right behind the first `count` visible characters.
    fn place_behind(&mut self, count: usize) -> (Option<(EntryId, u32)>, Side) {
        self.seek(count);
        let piece = &self.pieces[self.piece];
        let at = count.saturating_sub(self.before + 1) as u32; // within the piece, so below its length
        if at + 1 < piece.len {
            return (self.name(piece, at + 1), Side::Left);
        }
        match self.pieces.get(self.piece + 1) {
            Some(next) if !piece.leaf => (self.name(next, 0), Side::Left),
            _ => (self.name(piece, at), Side::Right),
        }
    }

    /// Steps that delete the visible characters `range`.
    fn delete(&mut self, range: Range<usize>, steps: &mut VecDeque<Step>) {
        let mut from = range.start;
        while from < range.end {
            self.seek(from + 1);
            let piece = &self.pieces[self.piece];
            let to = range.end.min(self.before + piece.len as usize);
            let len = (to - from) as u32; // within the piece
            from = to;
            let Some((entry, offset)) = self.name(piece, (to - self.before) as u32 - len) else { continue };
            match steps.back_mut() {
                Some(Step::Delete { entry: e, offset: o, len: l }) if *e == entry && *o + *l == offset => *l += len,
                _ => steps.push_back(Step::Delete { entry, offset, len }),
            }
        }
    }

    /// The name of a character of a piece; `None` for the root.
    fn name(&self, piece: &Piece, at: u32) -> Option<(EntryId, u32)> {
        let run = &self.text.runs[piece.run];
        (run.entry != ROOT).then(|| (self.text.entries[run.entry].id, run.start + piece.at + at))
    }
}

/// An edit under construction.
#[derive(Default)]
struct Draft {
    edit: TextEdit,
    index: BTreeMap<EntryId, u16>,
    /// As reckoned for [`MAX_EDIT_BYTES`].
    bytes: usize,
    /// Bytes of inserted text.
    text: usize,
    /// Inserted characters.
    chars: u32,
}

impl Draft {
    /// Inserts as much of `text` as has room; answers how many bytes.
    fn insert(&mut self, parent: Option<(EntryId, u32)>, side: Side, text: &str) -> usize {
        let Some(room) = self.room(parent.map(|(entry, _)| entry)) else { return 0 };
        let taken = floor_char_boundary(text, room.min(MAX_EDIT_TEXT_BYTES - self.text));
        if taken > 0 {
            let parent = parent.map(|(entry, offset)| CharRef { entry: self.reference(entry), offset });
            self.push(TextOp::Insert { parent, side, text: text[..taken].to_owned() });
            self.bytes += taken;
            self.text += taken;
            self.chars += text[..taken].chars().count() as u32; // at most MAX_EDIT_TEXT_BYTES
        }
        taken
    }

    /// Deletes a range if it has room; answers 0 if not.
    fn delete(&mut self, entry: EntryId, offset: u32, len: u32) -> usize {
        if self.room(Some(entry)).is_none() {
            return 0;
        }
        let entry = self.reference(entry);
        self.push(TextOp::Delete { entry, offset, len });
        1
    }

    /// Bytes that are left for text beside one more operation that names `entry`; `None` when that does not fit.
    fn room(&self, entry: Option<EntryId>) -> Option<usize> {
        let fresh = entry.is_some_and(|entry| !self.index.contains_key(&entry));
        if self.edit.ops.len() == MAX_EDIT_OPS || (fresh && self.edit.refs.len() == MAX_EDIT_REFS) {
            return None;
        }
        let needed = EDIT_OP_BYTES + if fresh { EDIT_REF_BYTES } else { 0 };
        MAX_EDIT_BYTES.checked_sub(self.bytes + needed)
    }

    fn reference(&mut self, entry: EntryId) -> u16 {
        let next = self.edit.refs.len() as u16; // below MAX_EDIT_REFS
        *self.index.entry(entry).or_insert_with(|| {
            self.edit.refs.push(entry);
            self.bytes += EDIT_REF_BYTES;
            next
        })
    }

    fn push(&mut self, op: TextOp) {
        self.edit.ops.push(op);
        self.bytes += EDIT_OP_BYTES;
    }
}

/// The greatest character boundary of `text` that is at most `at`.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
