//! The tree of runs and its in-order walk.
//!
//! Inside a run the characters are a chain of right children, so a run with other runs below it is met as: for each
//! character in order, what is on its left; the character; what is on its right *before the next character of the run*;
//! and, when the run has ended, backwards, what is on the right of each character *behind* the rest of the run (the
//! children on one side stand in the order of entry id and offset, and the rest of the run is one of them). Each run
//! below another gets a number, its slot, by which these events come in order.

use std::ops::Range;

use super::{ROOT, Run, Side, Text};

/// A stretch of neighbouring characters of one run that also are neighbours in the walk, all deleted or none.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Whose.
    pub run: usize,
    /// The first character, counted in the run.
    pub at: u32,
    /// Characters; at least one.
    pub len: u32,
    /// Their bytes in the text's characters.
    pub bytes: Range<usize>,
    /// Whether people see them.
    pub visible: bool,
    /// Whether the last one has no child on its right.
    pub leaf: bool,
}

impl Piece {
    /// Characters that people see.
    pub fn shown(&self) -> usize {
        if self.visible { self.len as usize } else { 0 }
    }
}

/// That one run hangs below another.
#[derive(Debug, Clone, Copy)]
struct Link {
    parent: usize,
    slot: u32,
    child: usize,
}

/// A run that the walk is inside of.
struct Frame {
    run: usize,
    /// The next run below it.
    link: usize,
    /// Characters that the walk has met.
    met: u32,
    /// Where the next one begins.
    byte: usize,
}

impl Text {
    /// The in-order walk with the deleted characters and the root, which comes first.
    pub(super) fn walk(&self) -> Vec<Piece> {
        let links = self.links();
        // The links below run `r` are `first[r]..first[r + 1]`.
        let mut first = vec![0; self.runs.len() + 1];
        links.iter().for_each(|link| first[link.parent + 1] += 1);
        (0..self.runs.len()).for_each(|run| first[run + 1] += first[run]);

        let enter = |run: usize| Frame { run, link: first[run], met: 0, byte: self.runs[run].bytes };
        let mut pieces = Vec::with_capacity(self.runs.len());
        let mut inside = vec![enter(ROOT)];
        while let Some(frame) = inside.last_mut() {
            let len = self.runs[frame.run].len;
            if frame.link == first[frame.run + 1] {
                self.meet(frame, len, true, &mut pieces);
                inside.pop();
                continue;
            }
            let Link { slot, child, .. } = links[frame.link];
            frame.link += 1;
            self.meet(frame, met_before(slot, len), slot != right_of(len - 1), &mut pieces);
            inside.push(enter(child));
        }
        pieces
    }

    /// Every run whose parent is here, by parent and place below it.
    fn links(&self) -> Vec<Link> {
        let mut rank = vec![0; self.entries.len()];
        self.index.values().enumerate().for_each(|(n, entry)| rank[*entry] = n);
        let mut links = Vec::with_capacity(self.runs.len());
        // In the order of (entry id, offset), which the stable sort keeps among the children of one side.
        for child in self.index.values().flat_map(|entry| self.entries[*entry].runs.clone()) {
            let run = &self.runs[child];
            let Some(parent) = self.run_of(run.parent, run.parent_at) else { continue };
            let above = &self.runs[parent];
            let at = run.parent_at - above.start;
            let is_last = at + 1 == above.len;
            let slot = match run.side {
                Side::Left => left_of(at),
                Side::Right if is_last || (rank[run.entry], run.start) < (rank[above.entry], run.parent_at + 1) => {
                    right_of(at)
                }
                Side::Right => behind(at, above.len),
            };
            links.push(Link { parent, slot, child });
        }
        links.sort_by_key(|link| (link.parent, link.slot));
        links
    }

    /// The run that holds an entry's character, when both exist.
    fn run_of(&self, entry: usize, offset: u32) -> Option<usize> {
        let runs = self.entries[entry].runs.clone();
        let before = self.runs[runs.clone()].partition_point(|run| run.start <= offset);
        let run = runs.start + before.checked_sub(1)?;
        (offset - self.runs[run].start < self.runs[run].len).then_some(run)
    }

    /// Goes on inside a run until `to` characters are met; `leaf`: whether the last one of the run, if it is met now, has
    /// no child on its right.
    fn meet(&self, frame: &mut Frame, to: u32, leaf: bool, pieces: &mut Vec<Piece>) {
        let run = &self.runs[frame.run];
        let end = self.runs.get(frame.run + 1).map_or(self.chars.len(), |next| next.bytes);
        while frame.met < to {
            let (visible, until) = self.state(run, frame.met);
            let upto = to.min(until);
            let len = upto - frame.met;
            let bytes =
                frame.byte..if upto == run.len { end } else { self.skip(frame.byte..end, run.len - frame.met, len) };
            frame.byte = bytes.end;
            pieces.push(Piece { run: frame.run, at: frame.met, len, bytes, visible, leaf: leaf && upto == run.len });
            frame.met = upto;
        }
    }

    /// Whether a run's character is visible, and where in the run that changes, or a number beyond the run.
    fn state(&self, run: &Run, at: u32) -> (bool, u32) {
        let offset = run.start + at;
        let mut before = self.deleted.range((run.entry, 0)..=(run.entry, offset));
        if let Some((_, &end)) = before.next_back()
            && end > offset
        {
            return (false, end - run.start);
        }
        let next = self.deleted.range((run.entry, offset + 1)..=(run.entry, u32::MAX)).next();
        (true, next.map_or(u32::MAX, |((_, from), _)| from - run.start))
    }

    /// The byte behind the first `count` of the `chars` characters in `bytes`.
    fn skip(&self, bytes: Range<usize>, chars: u32, count: u32) -> usize {
        let is_ascii = bytes.len() == chars as usize;
        let mut widths = self.chars[bytes.clone()].chars().map(char::len_utf8).take(count as usize);
        bytes.start + if is_ascii { count as usize } else { widths.by_ref().sum() }
    }
}

/// The slot of what is left of character `at` of a run.
fn left_of(at: u32) -> u32 {
    2 * at
}

/// The slot of what is right of character `at` and before the next one.
fn right_of(at: u32) -> u32 {
    2 * at + 1
}

/// The slot of what is right of character `at` of a run of `len` characters and behind its rest.
fn behind(at: u32, len: u32) -> u32 {
    3 * len - at
}

/// How many characters of a run of `len` are met before what is in a slot.
fn met_before(slot: u32, len: u32) -> u32 {
    if slot < 2 * len { slot.div_ceil(2) } else { len }
}
