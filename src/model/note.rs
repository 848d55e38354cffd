//! A note's edits as history: what builds on what, versions, and what the next edit builds on.
//!
//! An edit names the edits that its author had: the latest ones in `builds_on`, and in its refs the entries whose
//! characters it touches. Together they give the order of causes; time only orders what is truly concurrent. A *version* is
//! the text made of one edit and everything that it builds on, directly or not. Everything here is a pure function of the
//! set of edits: their order in the slice does not matter, an edit that is named and not there is passed over, and an
//! id that comes twice counts once.
//!
//! ```
//! use studymesh::model::{id::EntryId, note::{self, Edit}, text::Text, time::Hlc};
//!
//! let mut text = Text::new();
//! let mut edits = vec![];
//! for (n, new) in (1..).zip(["Go", "Go, Rust", "Rust"]) {
//!     let edit = text.next_edit_towards(new).unwrap();
//!     let entry = EntryId([n; 32]); // in a group: the id of the entry that was written
//!     text.apply(entry, &edit);
//!     edits.push(Edit { entry, time: Hlc::new(n.into(), 0), builds_on: note::heads(&edits), edit });
//! }
//! assert_eq!(note::history(&edits), [0, 1, 2]);
//! assert_eq!(note::heads(&edits), [EntryId([3; 32])]);
//!
//! // Restoring a version is an edit like any other: nothing is lost.
//! let second = note::version(&edits, EntryId([2; 32]));
//! assert_eq!(second.read(), "Go, Rust");
//! let restore = text.next_edit_towards(&second.read()).unwrap();
//! text.apply(EntryId([4; 32]), &restore);
//! assert_eq!(text.read(), "Go, Rust");
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::id::EntryId;
use super::limits::{EDIT_BYTES, EDIT_REF_BYTES, MAX_BUILDS_ON};
use super::text::{Text, TextEdit};
use super::time::Hlc;

/// One edit of a note, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The entry that it stands in.
    pub entry: EntryId,
    /// When it was written, by its author's clock.
    pub time: Hlc,
    /// The latest edits that its author had.
    pub builds_on: Vec<EntryId>,
    /// What is inserted and deleted.
    pub edit: TextEdit,
}

impl Edit {
    /// Its share of [`MAX_NOTE_EDITS_BYTES`](super::limits::MAX_NOTE_EDITS_BYTES).
    #[must_use]
    pub fn bytes(&self) -> usize {
        EDIT_BYTES + EDIT_REF_BYTES * self.builds_on.len() + self.edit.bytes()
    }

    /// Every entry that the author is known to have had: what the edit builds on, and whose characters it touches.
    fn causes(&self) -> impl Iterator<Item = EntryId> {
        self.builds_on.iter().chain(&self.edit.refs).copied().filter(|id| *id != self.entry)
    }
}

/// The text that all edits make together.
#[must_use]
pub fn present(edits: &[Edit]) -> Text {
    text_of(edits)
}

/// What the next edit builds on: the edits that no other builds on, ascending. If there are more than
/// [`MAX_BUILDS_ON`], the latest of them by (time, id); the others stay heads until a later edit names them.
#[must_use]
pub fn heads(edits: &[Edit]) -> Vec<EntryId> {
    let mut heads: Vec<&Edit> = maximal(edits);
    heads.sort_unstable_by_key(|edit| (edit.time, edit.entry));
    let mut ids: Vec<EntryId> = heads.iter().rev().take(MAX_BUILDS_ON).map(|edit| edit.entry).collect();
    ids.sort_unstable();
    ids
}

/// Every edit that no other builds on, ascending, however many there are.
#[must_use]
pub fn all_heads(edits: &[Edit]) -> Vec<EntryId> {
    maximal(edits).iter().map(|edit| edit.entry).collect()
}

/// The indices of the edits in the order of the versions: causes before effects, and among those that are ready the
/// least by (time, id) first. The n-th item is version n + 1. (A cycle, which no real ids can form, comes last.)
#[must_use]
pub fn history(edits: &[Edit]) -> Vec<usize> {
    let index = index(edits);
    let causes = |n: usize| -> BTreeSet<usize> { edits[n].causes().filter_map(|id| index.get(&id).copied()).collect() };
    let mut waits_for = vec![0; edits.len()];
    let mut effects: Vec<Vec<usize>> = vec![vec![]; edits.len()];
    for &n in index.values() {
        let causes = causes(n);
        waits_for[n] = causes.len();
        causes.into_iter().for_each(|cause| effects[cause].push(n));
    }
    let key = |n: usize| (edits[n].time, edits[n].entry, n);
    let mut waiting: BTreeSet<_> = index.values().map(|n| key(*n)).collect();
    let mut ready: BTreeSet<_> = waiting.iter().filter(|(_, _, n)| waits_for[*n] == 0).copied().collect();
    let mut order = Vec::with_capacity(index.len());
    while let Some(next @ (_, _, n)) = ready.pop_first() {
        waiting.remove(&next);
        order.push(n);
        for &effect in &effects[n] {
            waits_for[effect] -= 1;
            if waits_for[effect] == 0 {
                ready.insert(key(effect));
            }
        }
    }
    order.extend(waiting.into_iter().map(|(_, _, n)| n));
    order
}

/// The text at one edit: itself and everything that it builds on, directly or not.
#[must_use]
pub fn version(edits: &[Edit], at: EntryId) -> Text {
    self::at(edits, &[at])
}

/// The text that somebody has who has these edits: they and everything that they build on, directly or not.
#[must_use]
pub fn at(edits: &[Edit], heads: &[EntryId]) -> Text {
    let index = index(edits);
    let mut had = BTreeSet::new();
    let mut open: Vec<EntryId> = heads.to_vec();
    while let Some(id) = open.pop() {
        if let Some(&n) = index.get(&id)
            && had.insert(n)
        {
            open.extend(edits[n].causes());
        }
    }
    text_of(had.into_iter().map(|n| &edits[n]))
}

fn text_of<'a>(edits: impl IntoIterator<Item = &'a Edit>) -> Text {
    let mut text = Text::new();
    edits.into_iter().for_each(|edit| text.apply(edit.entry, &edit.edit));
    text
}

fn index(edits: &[Edit]) -> BTreeMap<EntryId, usize> {
    edits.iter().enumerate().rev().map(|(n, edit)| (edit.entry, n)).collect()
}

/// The edits that no other builds on, ascending by id.
fn maximal(edits: &[Edit]) -> Vec<&Edit> {
    let index = index(edits);
    let had: BTreeSet<EntryId> = index.values().flat_map(|n| edits[*n].causes()).collect();
    index.iter().filter(|(id, _)| !had.contains(id)).map(|(_, n)| &edits[*n]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{Action, NoteEdit, NoteNew};
    use crate::model::id::NoteId;
    use crate::model::limits::*;
    use crate::model::text::{OWN, Side, TextOp};
    use proptest::prelude::*;

    fn id(n: u16) -> EntryId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        EntryId(id)
    }

    fn edit(n: u16, millis: u64, builds_on: &[u16]) -> Edit {
        let ops = vec![TextOp::Insert { parent: None, side: Side::Right, text: format!("{n} ") }];
        let builds_on = builds_on.iter().map(|n| id(*n)).collect();
        Edit { entry: id(n), time: Hlc::new(millis, 0), builds_on, edit: TextEdit { refs: vec![], ops } }
    }

    /// Two people edit the first text at once, then somebody edits what both made.
    fn diamond() -> Vec<Edit> {
        vec![edit(9, 50, &[5, 7]), edit(7, 20, &[3]), edit(5, 30, &[3]), edit(3, 10, &[])]
    }

    #[test]
    fn versions_come_causes_first_whatever_the_clocks_say() {
        assert_eq!(history(&diamond()), [3, 1, 2, 0]);
        let mut late_clock = diamond();
        late_clock[3].time = Hlc::new(1_000, 0);
        assert_eq!(history(&late_clock), [3, 1, 2, 0]);
    }

    #[test]
    fn a_version_has_its_causes_and_nothing_concurrent() {
        let edits = diamond();
        assert_eq!(version(&edits, id(5)).read(), "3 5 ");
        assert_eq!(version(&edits, id(9)).read(), "3 5 7 9 ");
        assert_eq!(at(&edits, &[id(7), id(5)]).read(), "3 5 7 ");
        assert_eq!(version(&edits, id(1)).read(), "");
        assert_eq!(present(&edits).read(), "3 5 7 9 ");
    }

    #[test]
    fn the_entries_whose_characters_an_edit_touches_count_as_known_to_its_author() {
        let mut edits = diamond();
        let mut touching = edit(11, 60, &[]);
        touching.edit.refs = vec![id(9)];
        edits.push(touching);
        assert_eq!(heads(&edits), [id(11)]);
        assert_eq!(version(&edits, id(11)).read(), present(&edits).read());
    }

    #[test]
    fn the_next_edit_builds_on_what_nobody_built_on() {
        let edits = diamond();
        assert_eq!(heads(&edits), [id(9)]);
        assert_eq!(heads(&edits[1..]), [id(5), id(7)]);
        assert_eq!(heads(&[]), []);
    }

    #[test]
    fn of_very_many_heads_the_latest_are_named_and_the_rest_come_next() {
        let mut edits: Vec<Edit> = (0..200).map(|n| edit(n, u64::from(n), &[])).collect();
        for n in 0..4 {
            let next = heads(&edits);
            assert!(next.len() <= MAX_BUILDS_ON);
            edits.push(Edit { builds_on: next, ..edit(500 + n, 10_000, &[]) });
        }
        assert_eq!(all_heads(&edits), [id(503)], "200 heads are joined by four edits of 64");
    }

    #[test]
    fn missing_and_circular_and_repeated_edits_are_tolerated() {
        let circular =
            vec![edit(1, 1, &[2, 9]), edit(2, 2, &[1]), edit(3, 3, &[3, 2]), edit(3, 3, &[3, 2]), edit(4, 0, &[8])];
        assert_eq!(history(&circular), [4, 0, 1, 2]);
        assert_eq!(heads(&circular), [id(3), id(4)]);
        assert_eq!(version(&circular, id(3)).read(), "1 2 3 ");
    }

    #[test]
    fn a_chain_of_two_hundred_thousand_edits_needs_no_call_stack() {
        let chain: Vec<Edit> = (0..200_000u32)
            .map(|n| {
                let id = |n: u32| EntryId(*blake3::hash(&n.to_le_bytes()).as_bytes());
                let builds_on = n.checked_sub(1).map(id).into_iter().collect();
                Edit { entry: id(n), time: Hlc::default(), builds_on, edit: TextEdit::default() }
            })
            .collect();
        assert!(history(&chain).into_iter().eq(0..200_000));
        assert_eq!(heads(&chain), [chain[199_999].entry]);
        assert_eq!(version(&chain, chain[199_999].entry).read(), "");
    }

    #[test]
    fn the_largest_entries_of_a_note_have_no_more_bytes_than_reckoned() {
        let wide = |chars| "\u{10ffff}".repeat(chars);
        let mut text = TextEdit { refs: vec![id(1); 100], ops: vec![] };
        let insert = TextOp::Insert { parent: None, side: Side::Right, text: wide(MAX_EDIT_TEXT_BYTES / 4) };
        text.ops.push(insert);
        let room = MAX_EDIT_BYTES - MAX_EDIT_TEXT_BYTES - 100 * EDIT_REF_BYTES - EDIT_OP_BYTES;
        let delete = TextOp::Delete { entry: OWN, offset: 300, len: 300 };
        text.ops.extend(vec![delete; room / EDIT_OP_BYTES]);
        text.validate().unwrap();
        let new = NoteNew {
            title: wide(MAX_TITLE_CHARS),
            topic: Some("t".repeat(MAX_SLUG_BYTES)),
            tags: vec![wide(MAX_TAG_CHARS); MAX_TAGS],
            text: text.clone(),
        };
        let edit = NoteEdit { note: NoteId::ZERO, builds_on: vec![id(1); MAX_BUILDS_ON], edit: text };
        for action in [Action::NoteNew(new), Action::NoteEdit(edit)] {
            action.check().unwrap();
            assert!(action.encode().len() <= MAX_NOTE_PAYLOAD_BYTES);
        }
    }

    proptest! {
        #[test]
        fn history_heads_and_versions_do_not_depend_on_the_order_of_the_slice(
            made in prop::collection::vec((0..4u64, prop::collection::vec(0..12u16, 0..3)), 0..12),
            shuffle in any::<u64>(),
        ) {
            let edits: Vec<Edit> = (0..).zip(&made).map(|(n, (time, on))| edit(n, *time, on)).collect();
            let mut other = edits.clone();
            other.sort_by_key(|e| u64::from_le_bytes(*blake3::hash(&[&e.entry.0[..], &shuffle.to_le_bytes()].concat()).as_bytes().first_chunk().unwrap()));
            let names = |edits: &[Edit]| history(edits).into_iter().map(|n| edits[n].entry).collect::<Vec<_>>();
            prop_assert_eq!(names(&edits), names(&other));
            prop_assert_eq!(names(&edits).len(), edits.len());
            prop_assert_eq!(heads(&edits), heads(&other));
            for e in &edits {
                prop_assert_eq!(version(&edits, e.entry).read(), version(&other, e.entry).read());
            }
        }
    }
}
