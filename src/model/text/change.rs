//! Changes as an editor makes and shows them: places in the visible text, counted in UTF-16 units as browsers count.
//!
//! An editor holds the text of one version. What it changes there becomes edits of that version ([`Text::plan`],
//! [`Text::carry_out`]), never a comparison of whole texts; what others changed meanwhile is read off the two trees
//! ([`Text::changes_since`]), character by character, so that it is exact: a character that both versions show is kept.
//!
//! ```
//! use studymesh::model::{id::EntryId, text::{Change, Text}};
//!
//! let mut ada = Text::new();
//! ada.apply(EntryId([1; 32]), &ada.next_edit_towards("学习 🙂 Go").unwrap());
//! let before = ada.clone();
//! // Behind the face, which is two units: "学习 🙂" has five.
//! let plan = ada.plan(&[Change { from: 5, to: 8, text: "!".into() }]).unwrap();
//! ada.carry_out(&plan, |_| Ok::<_, ()>(EntryId([2; 32]))).unwrap();
//! assert_eq!(ada.read(), "学习 🙂!");
//! assert_eq!(ada.changes_since(&before), [Change { from: 5, to: 8, text: "!".into() }]);
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use super::edit::TextEdit;
use super::rewrite::Rewrite;
use super::tree::Piece;
use super::{ROOT, Text};
use crate::model::id::EntryId;
use crate::model::text_diff::Hunk;

/// One place that changes: the units `from..to` of the text before become `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The first unit, counted in the text before.
    pub from: usize,
    /// Behind the last unit; as `from` where nothing is taken away.
    pub to: usize,
    /// What stands there instead.
    pub text: String,
}

/// Changes as places in a tree of characters, ready to become edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    new: String,
    hunks: Vec<Hunk>,
}

/// Why changes do not fit a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChange {
    /// They overlap, or do not ascend.
    #[error("change {0} begins before the one in front of it ends: order them, and join those that overlap")]
    Order(usize),
    /// Behind the end of the text, or within a character of two units.
    #[error("change {0} begins or ends where no character does: count UTF-16 units of the text of this version")]
    Place(usize),
}

/// A character that a cursor stands behind: whoever has the text finds the place again, whatever was written around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The entry that wrote the character.
    pub entry: EntryId,
    /// Its number among the entry's characters.
    pub offset: u32,
}

impl Text {
    /// Places changes of the visible text.
    ///
    /// # Errors
    /// When they do not ascend, or do not fit the text.
    pub fn plan(&self, changes: &[Change]) -> Result<Plan, InvalidChange> {
        let (mut new, mut hunks) = (String::new(), Vec::<Hunk>::new());
        let shown = self.read();
        let mut place = Place { rest: shown.chars(), units: 0, chars: 0 };
        let mut last = 0;
        for (n, change) in changes.iter().enumerate() {
            if change.from < last || change.to < change.from {
                return Err(InvalidChange::Order(n));
            }
            last = change.to;
            let from = place.seek(change.from).ok_or(InvalidChange::Place(n))?;
            let to = place.seek(change.to).ok_or(InvalidChange::Place(n))?;
            if from == to && change.text.is_empty() {
                continue;
            }
            let at = new.len();
            new.push_str(&change.text);
            match hunks.last_mut() {
                // Places that touch are one: nothing is kept between them.
                Some(before) if before.old.end == from => {
                    before.old.end = to;
                    before.new.end = new.len();
                }
                _ => hunks.push(Hunk { old: from..to, new: at..new.len() }),
            }
        }
        Ok(Plan { new, hunks })
    }

    /// Does what was planned on the present text: hands each edit to `write`, which answers the id of the entry that it wrote,
    /// and applies it.
    ///
    /// # Errors
    /// The first error of `write`; what was written until then is applied.
    pub fn carry_out<E>(&mut self, plan: &Plan, write: impl FnMut(&TextEdit) -> Result<EntryId, E>) -> Result<(), E> {
        let rewrite = Rewrite::of(self, &plan.new, plan.hunks.iter().cloned());
        self.write_out(rewrite, write)
    }

    /// What changed on the way from `old`, a version of this text, to this one: ascending, with a character that both show
    /// between any two.
    #[must_use]
    pub fn changes_since(&self, old: &Text) -> Vec<Change> {
        let shown = old.shown();
        let mut changes = Changes { made: vec![], at: 0, open: false };
        for piece in self.walk() {
            let run = &self.runs[piece.run];
            if run.entry == ROOT {
                continue;
            }
            let ranges = shown.get(&self.entries[run.entry].id).map_or(&[][..], Vec::as_slice);
            let mut rest = &self.chars[piece.bytes.clone()];
            let mut at = run.start + piece.at;
            let end = at + piece.len;
            while at < end {
                let (was, until) = state(ranges, at);
                let to = until.min(end);
                let bytes = rest.char_indices().nth((to - at) as usize).map_or(rest.len(), |(byte, _)| byte);
                let (part, behind) = rest.split_at(bytes);
                changes.meet(part, was, piece.visible);
                (rest, at) = (behind, to);
            }
        }
        changes.made
    }

    /// What a cursor stands behind that has `units` of the visible text before it; `None` at the beginning, and beyond the end
    /// the last character.
    #[must_use]
    pub fn anchor(&self, units: usize) -> Option<Anchor> {
        let mut before = 0;
        let mut found = None;
        for piece in self.walk().into_iter().filter(|piece| piece.visible) {
            let run = &self.runs[piece.run];
            for (n, c) in (0..).zip(self.chars[piece.bytes.clone()].chars()) {
                before += c.len_utf16();
                if before > units {
                    return found;
                }
                found = Some(Anchor { entry: self.entries[run.entry].id, offset: run.start + piece.at + n });
            }
        }
        found
    }

    /// How many units of the visible text are before these cursors. What stands behind a deleted character stands where it was;
    /// one that is not here is at the beginning.
    #[must_use]
    pub fn places(&self, anchors: &[Option<Anchor>]) -> Vec<usize> {
        let mut places = vec![0; anchors.len()];
        let mut wanted: BTreeMap<usize, Vec<(u32, usize)>> = BTreeMap::new();
        for (n, anchor) in anchors.iter().enumerate() {
            if let Some(anchor) = anchor
                && let Some(entry) = self.index.get(&anchor.entry)
            {
                wanted.entry(*entry).or_default().push((anchor.offset, n));
            }
        }
        let mut before = 0;
        for piece in self.walk() {
            let run = &self.runs[piece.run];
            let (text, first) = (&self.chars[piece.bytes.clone()], run.start + piece.at);
            for (offset, n) in wanted.get(&run.entry).map_or(&[][..], Vec::as_slice) {
                if (first..first + piece.len).contains(offset) {
                    let shown = if piece.visible { (offset - first + 1) as usize } else { 0 };
                    places[*n] = before + text.chars().take(shown).map(char::len_utf16).sum::<usize>();
                }
            }
            if piece.visible {
                before += units(text);
            }
        }
        places
    }

    /// What people see, by entry: ascending ranges of offsets.
    fn shown(&self) -> BTreeMap<EntryId, Vec<Range<u32>>> {
        let mut shown: BTreeMap<EntryId, Vec<Range<u32>>> = BTreeMap::new();
        for Piece { run, at, len, visible, .. } in self.walk() {
            let run = &self.runs[run];
            if visible && run.entry != ROOT {
                let from = run.start + at;
                shown.entry(self.entries[run.entry].id).or_default().push(from..from + len);
            }
        }
        // The walk meets the runs of one entry in the order of the text.
        shown.values_mut().for_each(|ranges| ranges.sort_unstable_by_key(|range| range.start));
        shown
    }
}

/// UTF-16 units of a text.
#[must_use]
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whether an offset is in one of the ranges, and where that changes.
fn state(ranges: &[Range<u32>], at: u32) -> (bool, u32) {
    let next = ranges.partition_point(|range| range.end <= at);
    match ranges.get(next) {
        Some(range) if range.start <= at => (true, range.end),
        Some(range) => (false, range.start),
        None => (false, u32::MAX),
    }
}

/// From units to characters, going on.
struct Place<'a> {
    rest: std::str::Chars<'a>,
    units: usize,
    chars: usize,
}

impl Place<'_> {
    fn seek(&mut self, units: usize) -> Option<usize> {
        while self.units < units {
            self.units += self.rest.next()?.len_utf16();
            self.chars += 1;
        }
        (self.units == units).then_some(self.chars)
    }
}

/// Changes under construction.
struct Changes {
    made: Vec<Change>,
    /// Units of the old text that were met.
    at: usize,
    /// Whether the last change goes on.
    open: bool,
}

impl Changes {
    fn meet(&mut self, text: &str, was: bool, is: bool) {
        if was == is {
            self.open &= !is;
            if is {
                self.at += units(text);
            }
            return;
        }
        if !self.open {
            self.made.push(Change { from: self.at, to: self.at, text: String::new() });
            self.open = true;
        }
        let Some(change) = self.made.last_mut() else { return };
        if is {
            change.text.push_str(text);
        } else {
            self.at += units(text);
            change.to = self.at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: usize) -> EntryId {
        let mut id = *blake3::hash(&n.to_le_bytes()).as_bytes();
        id[31] = 1;
        EntryId(id)
    }

    /// Applies changes as a browser does.
    fn applied(text: &str, changes: &[Change]) -> String {
        let old: Vec<u16> = text.encode_utf16().collect();
        let (mut new, mut at) = (vec![], 0);
        for change in changes {
            new.extend(&old[at..change.from]);
            new.extend(change.text.encode_utf16());
            at = change.to;
        }
        new.extend(&old[at..]);
        String::from_utf16(&new).unwrap()
    }

    fn change(text: &str, (from, len, new): &(usize, usize, String)) -> Change {
        let bounds: Vec<usize> =
            text.chars().scan(0, |at, c| Some(std::mem::replace(at, *at + c.len_utf16()))).collect();
        let end = units(text);
        let place = |n: usize| bounds.get(n).copied().unwrap_or(end);
        let from = from % (bounds.len() + 1);
        Change { from: place(from), to: place(from + len), text: new.clone() }
    }

    fn with(base: &Text, changes: &[Change], next: &mut usize) -> (Text, Vec<(EntryId, TextEdit)>) {
        let (mut text, mut written) = (base.clone(), vec![]);
        let plan = base.plan(changes).unwrap();
        text.carry_out(&plan, |edit| {
            *next += 1;
            written.push((id(*next), edit.clone()));
            Ok::<_, ()>(id(*next))
        })
        .unwrap();
        (text, written)
    }

    #[test]
    fn changes_that_do_not_fit_are_refused() {
        let mut text = Text::new();
        text.apply(id(0), &text.next_edit_towards("a🙂b").unwrap());
        let of = |from, to| Change { from, to, text: "x".into() };
        assert_eq!(text.plan(&[of(2, 2)]), Err(InvalidChange::Place(0)), "within the face");
        assert_eq!(text.plan(&[of(4, 5)]), Err(InvalidChange::Place(0)), "behind the end");
        assert_eq!(text.plan(&[of(3, 1)]), Err(InvalidChange::Order(0)));
        assert_eq!(text.plan(&[of(1, 3), of(1, 1)]), Err(InvalidChange::Order(1)));
        assert_eq!(with(&text, &[of(0, 1), of(1, 3)], &mut 5).0.read(), "xxb");
        assert_eq!(text.plan(&[Change { from: 1, to: 1, text: String::new() }]).unwrap().hunks, []);
    }

    #[test]
    fn a_cursor_keeps_its_place_while_others_write_before_it_and_when_its_word_goes() {
        let mut text = Text::new();
        text.apply(id(0), &text.next_edit_towards("学🙂 Go").unwrap());
        let behind_the_face = text.anchor(3);
        assert_eq!(text.places(&[None, behind_the_face, text.anchor(99)]), [0, 3, 6]);
        let (text, _) = with(&text, &[Change { from: 0, to: 1, text: "我们学习".into() }], &mut 1);
        assert_eq!(text.places(&[behind_the_face]), [6]);
        let (text, _) = with(&text, &[Change { from: 4, to: 7, text: String::new() }], &mut 2);
        assert_eq!((text.read().as_str(), text.places(&[behind_the_face])), ("我们学习Go", vec![4]));
    }

    fn edits() -> impl Strategy<Value = Vec<Vec<(usize, usize, String)>>> {
        let edit = (0..60usize, 0..6usize, "[ab 学习🙂👍\n]{0,6}");
        prop::collection::vec(prop::collection::vec(edit, 1..2), 0..12)
    }

    proptest! {
        /// An editor that sends what it changed and applies what it is told holds what the node holds, always.
        #[test]
        fn two_editors_and_the_node_agree_after_every_exchange(turns in prop::collection::vec((any::<bool>(), edits()), 1..6)) {
            let mut next = 0;
            let mut node = Text::new();
            // What each editor holds: the version at the node, and its text.
            let mut editors = [(Text::new(), String::new()), (Text::new(), String::new())];
            for (who, typed) in turns {
                let (version, shown) = &mut editors[usize::from(who)];
                for one in typed {
                    let change = change(shown, &one[0]);
                    let (sent, written) = with(version, std::slice::from_ref(&change), &mut next);
                    *shown = applied(shown, std::slice::from_ref(&change));
                    prop_assert_eq!(&sent.read(), &*shown);
                    written.iter().for_each(|(entry, edit)| node.apply(*entry, edit));
                    *version = sent;
                }
                let changes = node.changes_since(version);
                for pair in changes.windows(2) {
                    prop_assert!(pair[0].to < pair[1].from);
                }
                *shown = applied(shown, &changes);
                *version = node.clone();
                prop_assert_eq!(&node.read(), &*shown);
            }
        }
    }
}
