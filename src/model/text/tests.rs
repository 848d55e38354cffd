//! What a text must do, told against a second, naive implementation of section 8 of the protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::model::limits::{MAX_EDIT_BYTES, MAX_EDIT_OPS, MAX_EDIT_REFS, MAX_EDIT_TEXT_BYTES};

fn id(n: usize) -> EntryId {
    EntryId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

/// An id whose order is that of `n`.
fn ordered(n: u8) -> EntryId {
    EntryId([n; 32])
}

fn text_of<'a>(edits: impl IntoIterator<Item = &'a (EntryId, TextEdit)>) -> Text {
    let mut text = Text::new();
    edits.into_iter().for_each(|(entry, edit)| text.apply(*entry, edit));
    text
}

/// Edits a replica into `new` and answers the entries.
fn write(text: &mut Text, new: &str, mut next: impl FnMut() -> EntryId) -> Vec<(EntryId, TextEdit)> {
    let mut written = vec![];
    while let Some(edit) = text.next_edit_towards(new) {
        edit.validate().unwrap();
        let entry = next();
        text.apply(entry, &edit);
        written.push((entry, edit));
        assert!(written.len() < 1_000, "the way to the new text does not end");
    }
    assert_eq!(text.read(), new);
    written
}

fn insert(parent: Option<(u16, u32)>, side: Side, text: &str) -> TextOp {
    TextOp::Insert { parent: parent.map(|(entry, offset)| CharRef { entry, offset }), side, text: text.into() }
}

/// The rules as the protocol page tells them: a tree of single characters, walked by recursion.
fn naive(edits: &[(EntryId, TextEdit)]) -> String {
    type Name = (EntryId, u32);
    #[derive(Default)]
    struct Tree {
        below: BTreeMap<(Option<Name>, Side), BTreeMap<Name, char>>,
        deleted: BTreeSet<Name>,
    }
    impl Tree {
        fn walk(&self, parent: Option<Name>, side: Side, out: &mut String) {
            for (name, c) in self.below.get(&(parent, side)).into_iter().flatten() {
                self.walk(Some(*name), Side::Left, out);
                out.extend((!self.deleted.contains(name)).then_some(*c));
                self.walk(Some(*name), Side::Right, out);
            }
        }
    }
    let mut tree = Tree::default();
    for (entry, edit) in edits.iter().filter(|(_, edit)| edit.validate().is_ok()) {
        let named = |index: u16| if index == OWN { *entry } else { edit.refs[usize::from(index)] };
        let mut offset = 0;
        for op in &edit.ops {
            match op {
                TextOp::Insert { parent, side, text } => {
                    let (mut parent, mut side) = (parent.map(|at| (named(at.entry), at.offset)), *side);
                    for c in text.chars() {
                        tree.below.entry((parent, side)).or_default().insert((*entry, offset), c);
                        (parent, side) = (Some((*entry, offset)), Side::Right);
                        offset += 1;
                    }
                }
                TextOp::Delete { entry, offset, len } => {
                    tree.deleted.extend((*offset..offset + len).map(|offset| (named(*entry), offset)));
                }
            }
        }
    }
    let mut out = String::new();
    tree.walk(None, Side::Right, &mut out);
    out
}

#[test]
fn two_people_who_edit_one_sentence_offline_both_keep_every_word() {
    let mut ada = Text::new();
    let mut ids = (0..).map(ordered);
    write(&mut ada, "A pod runs containers.", || ids.next().unwrap());
    let mut bo = ada.clone();
    let by_ada = write(&mut ada, "A pod runs one or more containers.", || ids.next().unwrap());
    let by_bo = write(&mut bo, "A pod runs containers 在同一个节点上.", || ids.next().unwrap());
    by_bo.iter().for_each(|(entry, edit)| ada.apply(*entry, edit));
    by_ada.iter().for_each(|(entry, edit)| bo.apply(*entry, edit));
    assert_eq!(ada.read(), "A pod runs one or more containers 在同一个节点上.");
    assert_eq!(bo.read(), ada.read());
}

#[test]
fn a_deleted_word_does_not_take_what_somebody_wrote_into_it_along() {
    let mut ada = Text::new();
    write(&mut ada, "旧的计划。", || ordered(1));
    let mut bo = ada.clone();
    let by_ada = write(&mut ada, "计划。", || ordered(2));
    let by_bo = write(&mut bo, "旧 (2025) 的计划。", || ordered(3));
    by_bo.iter().for_each(|(entry, edit)| ada.apply(*entry, edit));
    by_ada.iter().for_each(|(entry, edit)| bo.apply(*entry, edit));
    assert_eq!(ada.read(), " (2025) 计划。");
    assert_eq!(bo.read(), ada.read());
}

/// Several people type at one place at once, letter by letter, each letter an entry; `forward` or each before the last.
fn typed_at_once(forward: bool) {
    let mut start = Text::new();
    let mut all = write(&mut start, "()", || id(0));
    let words = ["alpha", "Beta1", "学习云原生"];
    for (person, word) in words.iter().enumerate() {
        let mut mine = start.clone();
        let chars: Vec<char> = word.chars().collect();
        for n in 1..=chars.len() {
            let typed: String =
                if forward { chars[..n].iter().collect() } else { chars[chars.len() - n..].iter().collect() };
            all.extend(write(&mut mine, &format!("({typed})"), || id(person * 100 + n)));
        }
    }
    let merged = text_of(&all).read();
    for word in words {
        assert!(merged.contains(word), "{word} is torn apart in {merged}");
    }
    assert_eq!(merged.chars().count(), 2 + words.iter().map(|w| w.chars().count()).sum::<usize>());
}

#[test]
fn words_typed_at_one_place_at_once_are_not_interleaved() {
    typed_at_once(true);
}

#[test]
fn words_typed_backwards_at_one_place_at_once_are_not_interleaved() {
    typed_at_once(false);
}

#[test]
fn right_children_inside_a_run_stand_before_or_behind_its_rest_by_their_names() {
    let base = (ordered(5), TextEdit { refs: vec![], ops: vec![insert(None, Side::Right, "abcd")] });
    let child = |n: u8, at: u32, side: Side, text: &str| {
        (ordered(n), TextEdit { refs: vec![ordered(5)], ops: vec![insert(Some((0, at)), side, text)] })
    };
    let edits = vec![
        child(9, 0, Side::Right, "[late a]"),
        child(8, 2, Side::Right, "[late c]"),
        child(1, 0, Side::Right, "[early a]"),
        child(7, 3, Side::Right, "[d]"),
        child(6, 0, Side::Left, "[left]"),
        base,
    ];
    let expected = "[left]a[early a]bcd[d][late c][late a]";
    assert_eq!(naive(&edits), expected);
    assert_eq!(text_of(&edits).read(), expected);
}

#[test]
fn deletions_and_children_may_come_before_what_they_name() {
    let mut text = Text::new();
    let reply = TextEdit { refs: vec![ordered(1)], ops: vec![insert(Some((0, 5)), Side::Right, "!")] };
    let delete = TextEdit { refs: vec![ordered(1)], ops: vec![TextOp::Delete { entry: 0, offset: 0, len: 4 }] };
    let first = TextEdit { refs: vec![], ops: vec![insert(None, Side::Right, "哎呀，好的")] };
    let never = TextEdit {
        refs: vec![ordered(77), ordered(1)],
        ops: vec![
            insert(Some((0, 3)), Side::Left, "under nothing"),
            insert(Some((1, 4000)), Side::Left, "under no character"),
            TextOp::Delete { entry: 0, offset: 0, len: 9 },
        ],
    };
    for (n, edit) in [(4, &never), (3, &delete), (2, &reply), (2, &reply)] {
        text.apply(ordered(n), edit);
        assert_eq!(text.read(), "");
    }
    text.apply(ordered(1), &first);
    assert_eq!(text.read(), "的", "the parent of `!` is a sixth character, which the first entry does not have");
    assert_eq!(text.len_chars(), 1);
}

#[test]
fn names_that_form_a_cycle_are_never_shown_and_never_walked() {
    let under =
        |n: u8, text: &str| TextEdit { refs: vec![ordered(n)], ops: vec![insert(Some((0, 0)), Side::Left, text)] };
    let edits = [(ordered(1), under(2, "x")), (ordered(2), under(1, "y")), (ordered(3), under(3, "z"))];
    assert_eq!(text_of(&edits).read(), "");
}

#[test]
fn an_edit_that_breaks_a_rule_changes_nothing() {
    let mut text = Text::new();
    let ops = vec![insert(None, Side::Right, "ok"), insert(Some((3, 0)), Side::Right, "names nothing")];
    text.apply(ordered(1), &TextEdit { refs: vec![], ops });
    assert_eq!(text.read(), "");
}

#[test]
fn spans_tell_who_wrote_what() {
    let mut text = Text::new();
    write(&mut text, "Learn 云原生 now", || ordered(1));
    write(&mut text, "Learn Go and 云原生 now", || ordered(2));
    write(&mut text, "Learn Go and 云原 now", || ordered(3));
    let spans: Vec<_> = text.spans().into_iter().map(|span| (span.entry, span.text)).collect();
    let told = [(1, "Learn "), (2, "Go and "), (1, "云原"), (1, " now")];
    assert_eq!(spans, told.map(|(n, text)| (ordered(n), text)));
}

#[test]
fn two_hundred_thousand_levels_read_without_overflowing_the_stack() {
    for side in [Side::Left, Side::Right] {
        let mut text = Text::new();
        text.apply(id(0), &TextEdit { refs: vec![], ops: vec![insert(None, Side::Right, "a")] });
        for n in 1..200_000 {
            let ops = vec![insert(Some((0, 0)), side, "b")];
            text.apply(id(n), &TextEdit { refs: vec![id(n - 1)], ops });
        }
        assert_eq!(text.read().len(), 200_000);
        assert_eq!(text.read().starts_with('a'), side == Side::Right);
        assert!(text.next_edit_towards("").is_some());
    }
}

#[test]
fn a_long_text_is_written_in_few_edits_that_each_fit_and_shown_again() {
    let long = "学习 libp2p，一步一步。\n".repeat(8_000);
    let mut text = Text::new();
    let mut ids = (0..).map(id);
    let written = write(&mut text, &long, || ids.next().unwrap());
    assert_eq!(
        written.len(),
        long.len().div_ceil(MAX_EDIT_TEXT_BYTES - 2),
        "each edit is full but for part of a character"
    );
    let removed = write(&mut text, "", || ids.next().unwrap());
    assert_eq!(removed.len(), 1);
}

#[test]
fn a_rewrite_that_needs_many_operations_and_names_many_entries_is_split_and_ends() {
    // Every second character by another entry.
    let mut text = Text::new();
    let mut ids = (0..).map(id);
    write(&mut text, &"学".repeat(3_000), || ids.next().unwrap());
    for n in 0..3_000 {
        let ops = vec![insert(Some((0, n)), Side::Left, "习")];
        text.apply(ids.next().unwrap(), &TextEdit { refs: vec![id(0)], ops });
    }
    assert_eq!(text.read(), "习学".repeat(3_000));
    let mut compared_once = text.clone();
    let only_one = "学".repeat(3_000);
    let written = write(&mut text, &only_one, || ids.next().unwrap());
    let most = MAX_EDIT_REFS.min(MAX_EDIT_OPS).min(MAX_EDIT_BYTES / 44);
    assert_eq!(written.len(), 3_000_usize.div_ceil(most));
    let mut count = 0;
    let done: Result<(), Infallible> = compared_once.rewrite(&only_one, |edit| {
        edit.validate().unwrap();
        count += 1;
        Ok(ids.next().unwrap())
    });
    done.unwrap();
    assert_eq!((compared_once.read(), count), (only_one, written.len()));
}

#[test]
fn a_rewrite_that_fails_midway_has_applied_what_was_written() {
    let new = "x".repeat(MAX_EDIT_TEXT_BYTES * 2);
    let mut text = Text::new();
    let mut ids = [ordered(1)].into_iter();
    assert_eq!(text.rewrite(&new, |_| ids.next().ok_or("disk full")), Err("disk full"));
    assert_eq!(text.len_chars(), MAX_EDIT_TEXT_BYTES);
    text.rewrite(&new, |_| Ok::<_, Infallible>(ordered(2))).unwrap();
    assert_eq!(text.read(), new);
}

/// Texts with words, Han characters, emoji of several scalar values, and combining marks.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("go "),
        Just("rust "),
        Just("学"),
        Just("云原生"),
        Just("👩\u{200d}💻"),
        Just("e\u{301}"),
        Just("\n"),
        Just("- "),
        Just("。")
    ];
    prop::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

/// One change of a text: at a place, by share, remove so many characters and put a text.
fn change() -> impl Strategy<Value = (usize, u8, usize, String)> {
    (0..4usize, any::<u8>(), 0..6usize, words())
}

fn changed(old: &str, at: u8, remove: usize, put: &str) -> String {
    let chars: Vec<char> = old.chars().collect();
    let from = usize::from(at) * chars.len() / 255;
    let to = chars.len().min(from + remove);
    chars[..from].iter().copied().chain(put.chars()).chain(chars[to..].iter().copied()).collect()
}

fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut keyed: Vec<(EntryId, &T)> =
        items.iter().enumerate().map(|(n, item)| (id(n ^ seed as usize), item)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item.clone()).collect()
}

/// Any operation: mostly valid, with references to entries that exist, do not, or are the edit itself.
fn any_op() -> impl Strategy<Value = TextOp> {
    let entry = || prop_oneof![4 => 0..4u16, 1 => Just(OWN), 1 => 4..6u16];
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    let parent = prop::option::weighted(0.7, (entry(), 0..5u32));
    prop_oneof![
        3 => (parent, side, "[a学👩]{1,6}").prop_map(|(parent, side, text)| {
            insert(parent, if parent.is_none() { Side::Right } else { side }, &text)
        }),
        1 => (entry(), 0..6u32, 0..4u32).prop_map(|(entry, offset, len)| TextOp::Delete { entry, offset, len }),
    ]
}

fn hostile_edits() -> impl Strategy<Value = Vec<(EntryId, TextEdit)>> {
    let edit = (prop::collection::vec(0..6usize, 4..5), prop::collection::vec(any_op(), 1..4));
    prop::collection::vec(edit, 1..12).prop_map(|edits| {
        let edit = |(refs, ops): (Vec<usize>, _)| TextEdit { refs: refs.into_iter().map(id).collect(), ops };
        edits.into_iter().enumerate().map(|(n, it)| (id(n), edit(it))).collect()
    })
}

proptest! {
    #[test]
    fn replicas_converge_whatever_the_order_and_however_often_edits_come(
        changes in prop::collection::vec(change(), 1..24),
        deliveries in prop::collection::vec((0..4usize, any::<prop::sample::Index>()), 0..60),
        seed in any::<u64>(),
    ) {
        let mut replicas = vec![Text::new(); 4];
        let mut all: Vec<(EntryId, TextEdit)> = vec![];
        let mut deliveries = deliveries.into_iter();
        for (who, at, remove, put) in changes {
            let new = changed(&replicas[who].read(), at, remove, &put);
            let first = all.len();
            let mut ids = (first..).map(id);
            all.extend(write(&mut replicas[who], &new, || ids.next().unwrap()));
            for (to, which) in deliveries.by_ref().take(3).filter(|_| !all.is_empty()) {
                let (entry, edit) = which.get(&all);
                replicas[to].apply(*entry, edit);
            }
        }
        let expected = naive(&all);
        for (n, replica) in replicas.iter_mut().enumerate() {
            for (entry, edit) in shuffled(&all, seed.wrapping_add(n as u64)) {
                replica.apply(entry, &edit);
            }
            prop_assert_eq!(replica.read(), &expected[..]);
            prop_assert_eq!(replica.len_chars(), expected.chars().count());
            let spans: String = replica.spans().iter().map(|span| span.text).collect();
            prop_assert_eq!(spans, &expected[..]);
        }
    }

    #[test]
    fn hostile_edits_give_one_text_in_any_order(edits in hostile_edits(), seed in any::<u64>()) {
        let expected = naive(&edits);
        prop_assert_eq!(text_of(&edits).read(), &expected[..]);
        prop_assert_eq!(text_of(&shuffled(&edits, seed)).read(), &expected[..]);
        let twice: Vec<_> = edits.iter().chain(&edits).cloned().collect();
        prop_assert_eq!(text_of(&shuffled(&twice, seed)).read(), &expected[..]);
    }

    #[test]
    fn whatever_others_wrote_an_edit_can_lead_to_any_text(edits in hostile_edits(), new in words()) {
        let mut text = text_of(&edits);
        let mut ids = (1000..).map(id);
        prop_assert!(write(&mut text, &new, || ids.next().unwrap()).len() <= 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn comparing_again_after_every_edit_ends_as_soon_as_the_bounds_say(
        old in prop::collection::vec(words(), 0..40), new in prop::collection::vec(words(), 0..40), times in 1..100usize,
    ) {
        let (old, new) = (old.concat().repeat(times), new.concat().repeat(times));
        let mut text = Text::new();
        let mut ids = (0..).map(id);
        write(&mut text, &old, || ids.next().unwrap());
        let mut once = text.clone();
        once.rewrite(&new, |_| Ok::<_, Infallible>(ids.next().unwrap())).unwrap();
        prop_assert!(once.read() == new);
        // A full edit has at least MAX_EDIT_BYTES / 48 operations, each takes one character or more off the rest, and
        // the next comparison steps back by at most 64 characters on either side.
        let most = 1 + (old.chars().count() + new.chars().count()) / (MAX_EDIT_BYTES / 48 - 128);
        prop_assert!(write(&mut text, &new, || ids.next().unwrap()).len() <= most);
    }
}
