//! What changed between two texts, in pieces that merge well and in bounded time.
//!
//! The difference is taken over *tokens*: a word of an alphabet is one token, and every other character (a Han
//! character, a space, a punctuation mark) is one by itself, with its combining marks. So an inserted word stays in one
//! piece: between `world` and `word world` the inserted text is `word `, where a comparison of characters may find
//! `d wor`. Where exactly one word became exactly one other word, the hunk is narrowed to the characters that differ.
//!
//! The core has no clock, so the work is bounded by size instead of by a deadline: up to [`MAX_HUNK_TOKENS`] the
//! `similar` crate compares the tokens (Myers, with its size-bounded search); a larger text is first cut at the lines
//! and sentences that occur exactly once on both sides (patience), and what is still too large is replaced as a whole.

use std::collections::BTreeMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Tokens (old and new together) that one comparison may have. Measured: under 0.2 s in release at the worst.
pub const MAX_HUNK_TOKENS: usize = 60_000;
/// Tokens (old and new together) that all the comparisons of one call may have.
pub const MAX_TOTAL_TOKENS: usize = 240_000;
/// Characters by which a common prefix or suffix is shortened at most, to end between two tokens.
pub(super) const MAX_BACK_OFF: usize = 64;
/// Bytes of a kept piece between two changes from which on it is never given up.
const MAX_GIVEN_UP_BYTES: usize = 12;

const _: () = assert!(MAX_HUNK_TOKENS <= MAX_TOTAL_TOKENS);

/// One place that changed: the characters `old` of the old text become the bytes `new` of the new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Positions in the old text, counted in characters (Unicode scalar values). Empty for a pure insertion.
    pub old: Range<usize>,
    /// Positions in the new text, in bytes, on character boundaries. Empty for a pure deletion.
    pub new: Range<usize>,
}

/// The hunks that turn `old` into `new`, in ascending order, with at least one kept character between any two.
///
/// Empty exactly when the texts are equal. A pure function of the two texts.
#[must_use]
pub fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let mut diff = Diff { old, new, tokens_left: MAX_TOTAL_TOKENS, found: Vec::new() };
    diff.compare(Pair { old: 0..old.len(), new: 0..new.len() }, true);
    diff.into_hunks()
}

/// A stretch of the old text beside a stretch of the new text, both in bytes on character boundaries.
#[derive(Debug, Clone)]
struct Pair {
    old: Range<usize>,
    new: Range<usize>,
}

impl Pair {
    fn size(&self) -> usize {
        self.old.len().max(self.new.len())
    }
}

struct Diff<'a> {
    old: &'a str,
    new: &'a str,
    tokens_left: usize,
    found: Vec<Pair>,
}

impl Diff<'_> {
    /// Compare one pair; `cut` says whether a pair that is too large may be cut at unique segments.
    fn compare(&mut self, pair: Pair, cut: bool) {
        let Some(pair) = self.trim(pair, MAX_BACK_OFF) else { return };
        if pair.old.is_empty() || pair.new.is_empty() {
            self.found.push(pair);
            return;
        }
        let (old, new) = (tokens(&self.old[pair.old.clone()]), tokens(&self.new[pair.new.clone()]));
        let size = old.len() + new.len();
        if size <= MAX_HUNK_TOKENS.min(self.tokens_left) {
            self.tokens_left -= size;
            self.compare_tokens(&pair, &old, &new);
        } else if cut {
            drop((old, new));
            self.compare_between_anchors(&pair);
        } else {
            self.found.extend(self.trim(pair, 0));
        }
    }

    fn compare_tokens(&mut self, pair: &Pair, old: &[&str], new: &[&str]) {
        let first = self.found.len();
        let (old_at, new_at) = (starts(pair.old.start, old), starts(pair.new.start, new));
        for op in capture_diff_slices(Algorithm::Myers, old, new) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let (o, n) = (op.old_range(), op.new_range());
            let mut change = Pair { old: old_at[o.start]..old_at[o.end], new: new_at[n.start]..new_at[n.end] };
            if o.len() == 1 && n.len() == 1 {
                match self.trim(change, 0) {
                    Some(narrow) => change = narrow,
                    None => continue,
                }
            }
            match self.found[first..].last_mut() {
                Some(last) if is_coincidence(last, &change) => {
                    last.old.end = change.old.end;
                    last.new.end = change.new.end;
                }
                _ => self.found.push(change),
            }
        }
    }

    /// Compare what lies between the segments that both sides have exactly once, in their longest common order.
    fn compare_between_anchors(&mut self, pair: &Pair) {
        let (mut old_at, mut new_at) = (pair.old.start, pair.new.start);
        for anchor in anchors(&self.old[pair.old.clone()], &self.new[pair.new.clone()]) {
            let (old, new) = (pair.old.start + anchor.old.start, pair.new.start + anchor.new.start);
            self.compare(Pair { old: old_at..old, new: new_at..new }, false);
            (old_at, new_at) = (old + anchor.old.len(), new + anchor.new.len());
        }
        self.compare(Pair { old: old_at..pair.old.end, new: new_at..pair.new.end }, false);
    }

    /// Without the common prefix and suffix, each shortened by up to `back_off` characters to end between two tokens.
    /// `None` when nothing is left.
    fn trim(&self, pair: Pair, back_off: usize) -> Option<Pair> {
        let (old, new) = (&self.old[pair.old.clone()], &self.new[pair.new.clone()]);
        if old == new {
            return None;
        }
        let mut head = common_prefix(old, new);
        let whole = head;
        for _ in 0..back_off {
            if head == 0 || (is_boundary(old, head) && is_boundary(new, head)) {
                break;
            }
            head -= old[..head].chars().next_back().map_or(0, char::len_utf8);
        }
        if !(is_boundary(old, head) && is_boundary(new, head)) {
            head = whole;
        }
        let (old, new) = (&old[head..], &new[head..]);
        let mut tail = common_suffix(old, new);
        let whole = tail;
        let splits = |tail: usize| is_boundary(old, old.len() - tail) && is_boundary(new, new.len() - tail);
        for _ in 0..back_off {
            if splits(tail) {
                break;
            }
            tail -= old[old.len() - tail..].chars().next().map_or(0, char::len_utf8);
        }
        if !splits(tail) {
            tail = whole;
        }
        Some(Pair { old: pair.old.start + head..pair.old.end - tail, new: pair.new.start + head..pair.new.end - tail })
    }

    /// Join hunks that touch, and count the old positions in characters.
    fn into_hunks(self) -> Vec<Hunk> {
        let mut hunks: Vec<Hunk> = Vec::with_capacity(self.found.len());
        let (mut byte, mut chars) = (0, 0);
        for pair in self.found {
            chars += self.old[byte..pair.old.start].chars().count();
            let len = self.old[pair.old.clone()].chars().count();
            byte = pair.old.end;
            match hunks.last_mut() {
                Some(last) if last.old.end == chars => {
                    last.old.end += len;
                    last.new.end = pair.new.end;
                }
                _ => hunks.push(Hunk { old: chars..chars + len, new: pair.new }),
            }
            chars += len;
        }
        hunks
    }
}

/// Whether two changes are better told as one: what was kept between them is short beside both, so it is more likely
/// a coincidence (a space, a frequent character) than something that the writer meant to keep.
fn is_coincidence(left: &Pair, right: &Pair) -> bool {
    let kept = right.old.start - left.old.end;
    kept <= MAX_GIVEN_UP_BYTES && kept * 2 < left.size().min(right.size())
}

/// Whether no token spans the two characters.
fn splits(before: char, after: char) -> bool {
    const JOINER: char = '\u{200d}';
    let is_accent = |c| matches!(c, '\u{300}'..='\u{36f}');
    let is_mark = |c| {
        is_accent(c)
            || matches!(c, JOINER | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
    };
    // From U+2E80 on come the scripts that write no spaces between words.
    let is_letter = |c: char| c == '_' || is_accent(c) || (c < '\u{2e80}' && c.is_alphanumeric());
    !(is_mark(after) || before == JOINER || (is_letter(before) && is_letter(after)))
}

/// Whether byte `at` of `text`, a character boundary, is also one between two tokens.
fn is_boundary(text: &str, at: usize) -> bool {
    match (text[..at].chars().next_back(), text[at..].chars().next()) {
        (Some(before), Some(after)) => splits(before, after),
        _ => true,
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let (mut start, mut last) = (0, None);
    for (at, c) in text.char_indices() {
        if last.is_some_and(|before| splits(before, c)) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = Some(c);
    }
    if start < text.len() {
        tokens.push(&text[start..]);
    }
    tokens
}

/// The byte positions where each token starts, and where the last one ends, counted from `at`.
fn starts(at: usize, tokens: &[&str]) -> Vec<usize> {
    let ends = tokens.iter().scan(at, |end, token| {
        *end += token.len();
        Some(*end)
    });
    std::iter::once(at).chain(ends).collect()
}

fn common_prefix(a: &str, b: &str) -> usize {
    let mut len = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(len) && b.is_char_boundary(len)) {
        len -= 1;
    }
    len
}

fn common_suffix(a: &str, b: &str) -> usize {
    let mut len = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(a.len() - len) && b.is_char_boundary(b.len() - len)) {
        len -= 1;
    }
    len
}

/// The lines and sentences that occur once in each text, in the longest order that both share.
fn anchors(old: &str, new: &str) -> Vec<Pair> {
    #[derive(Default)]
    struct Seen {
        times: [usize; 2],
        at: [usize; 2],
    }
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for (side, text) in [old, new].into_iter().enumerate() {
        let mut at = 0;
        for segment in text.split_inclusive(['\n', '.', '!', '?', '。', '！', '？', '；']) {
            let entry = seen.entry(segment).or_default();
            entry.times[side] += 1;
            entry.at[side] = at;
            at += segment.len();
        }
    }
    let once = seen.into_iter().filter(|(_, seen)| seen.times == [1, 1]);
    let mut pairs: Vec<Pair> = once
        .map(|(text, Seen { at: [old, new], .. })| Pair { old: old..old + text.len(), new: new..new + text.len() })
        .collect();
    pairs.sort_unstable_by_key(|pair| pair.old.start);
    longest_ascending(pairs)
}

/// The longest subsequence of `pairs` (ascending in the old text) that also ascends in the new text.
fn longest_ascending(mut pairs: Vec<Pair>) -> Vec<Pair> {
    // `piles[n]`: the pair with the least new position that ends an ascending subsequence of n + 1 pairs.
    let mut piles: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (n, pair) in pairs.iter().enumerate() {
        let pile = piles.partition_point(|&top| pairs[top].new.start < pair.new.start);
        before.push(pile.checked_sub(1).map(|under| piles[under]));
        if pile == piles.len() {
            piles.push(n);
        } else {
            piles[pile] = n;
        }
    }
    let mut chain: Vec<usize> = std::iter::successors(piles.last().copied(), |&n| before[n]).collect();
    chain.reverse();
    let mut keep = chain.into_iter().peekable();
    let mut n = 0;
    pairs.retain(|_| {
        let kept = keep.next_if_eq(&n).is_some();
        n += 1;
        kept
    });
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The hunks as (deleted, inserted) texts, after checking that they turn `old` into `new`.
    fn changes(old: &str, new: &str) -> Vec<(String, String)> {
        let chars: Vec<char> = old.chars().collect();
        let (mut at, mut built, mut told) = (0, String::new(), Vec::new());
        for (n, hunk) in hunks(old, new).into_iter().enumerate() {
            assert!(n == 0 || hunk.old.start > at, "two hunks touch");
            built.extend(&chars[at..hunk.old.start]);
            assert_eq!(built.len(), hunk.new.start);
            built.push_str(&new[hunk.new.clone()]);
            told.push((chars[hunk.old.clone()].iter().collect(), new[hunk.new].to_string()));
            at = hunk.old.end;
        }
        built.extend(&chars[at..]);
        assert_eq!(built, new);
        told
    }

    fn told(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
    }

    #[test]
    fn an_inserted_word_stays_in_one_piece_beside_a_similar_one() {
        assert_eq!(changes("world", "word world"), told(&[("", "word ")]));
        assert_eq!(changes("a world", "a world of worlds"), told(&[("", " of worlds")]));
    }

    #[test]
    fn a_changed_word_gives_only_its_changed_characters() {
        assert_eq!(changes("my color is red", "my colour is red"), told(&[("", "u")]));
        assert_eq!(changes("学习 Rust 语言", "学习 Rusty 编程语言"), told(&[("", "y"), ("", "编程")]));
    }

    #[test]
    fn a_rewritten_phrase_is_one_hunk_though_a_space_is_the_same() {
        assert_eq!(changes("see foo bar now", "see quux corge now"), told(&[("foo bar", "quux corge")]));
    }

    #[test]
    fn a_combining_mark_and_a_joined_emoji_stay_with_their_base() {
        assert_eq!(tokens("cafe\u{301}s 👩\u{200d}💻！学a"), ["cafe\u{301}s", " ", "👩\u{200d}💻", "！", "学", "a"]);
    }

    #[test]
    fn two_small_changes_far_apart_in_a_large_text_stay_small() {
        let lines: Vec<String> = (0..20_000).map(|n| format!("第 {n} 行 is line number {n}\n")).collect();
        let mut edited = lines.clone();
        edited[10] = edited[10].replace("line", "long line");
        edited[19_990] = edited[19_990].replace("number", "");
        assert_eq!(changes(&lines.concat(), &edited.concat()), told(&[("", "long "), ("number", "")]));
    }

    #[test]
    fn a_large_text_without_any_unique_line_is_still_turned_into_the_other() {
        let old = "ab \n".repeat(100_000);
        let new = "b a\n".repeat(90_000);
        assert!(!changes(&old, &new).is_empty());
    }

    proptest! {
        #[test]
        fn the_hunks_turn_any_text_into_any_other(
            old in "[ab \\n。学e\u{301}👩\u{200d}]{0,60}",
            new in "[ab \\n。学e\u{301}👩\u{200d}]{0,60}",
        ) {
            prop_assert_eq!(changes(&old, &new).is_empty(), old == new);
        }
    }
}
