//! What a replica holds, as fingerprints over ranges of tips.
//!
//! The set that two replicas compare is the set of all **tips**: the last entry of every branch of every log, ordered
//! by log and then by the tip's id. In honest operation a log has one tip. A log that was forked has more, and they
//! are items like any other: there is no number of branches beyond which two replicas could never agree.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::id::{EntryId, LogId};

/// A range with at most this many tips is answered with them.
pub const LEAF_TIPS: usize = 16;
/// A group with at most this many tips is answered with all of a range's at once.
pub const SMALL_GROUP_TIPS: usize = 64;
/// Into how many parts a larger range is split at most.
pub const SPLIT: usize = 16;
/// Bytes of a range's fingerprint.
pub const RANGE_FINGERPRINT_BYTES: usize = 16;

/// The last stored, body-complete entry of one branch of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tip {
    /// Its position.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
}

/// Where a tip stands in the order of all tips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The log.
    pub log: LogId,
    /// The id of its tip.
    pub id: EntryId,
}

impl Key {
    /// The first key of all; as the upper end of a range: no end.
    pub const ZERO: Self = Self { log: LogId::ZERO, id: EntryId::ZERO };
}

/// A half-open range of tips: from `lo` on, below `hi`; [`Key::ZERO`] as `hi` means no upper end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first key that may be inside.
    pub lo: Key,
    /// The first key beyond; zero for none.
    pub hi: Key,
}

impl Range {
    /// All tips.
    pub const ALL: Self = Self { lo: Key::ZERO, hi: Key::ZERO };

    /// Whether the range is well formed: not empty.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.hi == Key::ZERO || self.lo < self.hi
    }

    /// Whether a key falls inside.
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        key >= self.lo && (self.hi == Key::ZERO || key < self.hi)
    }

    /// Whether two of the ranges have a key in common.
    #[must_use]
    pub fn overlap(ranges: &[Self]) -> bool {
        let mut ranges: Vec<&Self> = ranges.iter().collect();
        ranges.sort_unstable_by_key(|r| r.lo);
        ranges.windows(2).any(|w| w[0].hi == Key::ZERO || w[1].lo < w[0].hi)
    }

    fn bounds(&self) -> (Bound<Key>, Bound<Key>) {
        let hi = if self.hi == Key::ZERO { Bound::Unbounded } else { Bound::Excluded(self.hi) };
        (Bound::Included(self.lo), hi)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Leaf {
    seq: u64,
    hash: [u8; 32],
}

/// The tips of a replica.
#[derive(Debug, Clone, Default)]
pub struct Index {
    leaves: BTreeMap<Key, Leaf>,
    whole: Option<[u8; 32]>,
}

impl Index {
    /// Adds a tip.
    pub fn insert(&mut self, log: LogId, tip: Tip) {
        self.whole = None;
        self.leaves.insert(Key { log, id: tip.id }, Leaf { seq: tip.seq, hash: leaf_hash(log, tip) });
    }

    /// Takes a tip out: something was built on it.
    pub fn remove(&mut self, log: LogId, id: EntryId) {
        self.whole = None;
        self.leaves.remove(&Key { log, id });
    }

    /// The tips of a log, ascending by id.
    pub fn tips(&self, log: LogId) -> impl Iterator<Item = Tip> + '_ {
        let all =
            (Bound::Included(Key { log, id: EntryId::ZERO }), Bound::Included(Key { log, id: EntryId([255; 32]) }));
        self.leaves.range(all).map(|(key, leaf)| Tip { seq: leaf.seq, id: key.id })
    }

    /// Whether this is a tip here.
    #[must_use]
    pub fn has(&self, log: LogId, tip: Tip) -> bool {
        self.leaves.get(&Key { log, id: tip.id }).is_some_and(|leaf| leaf.seq == tip.seq)
    }

    /// How many tips there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no tip.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The fingerprint of everything: equal exactly when two replicas hold the same entries.
    pub fn fingerprint(&mut self) -> [u8; 32] {
        *self.whole.get_or_insert_with(|| {
            let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 v1 group fingerprint");
            self.leaves.values().for_each(|l| {
                hasher.update(&l.hash);
            });
            *hasher.finalize().as_bytes()
        })
    }

    /// The fingerprint of a range.
    #[must_use]
    pub fn range_fingerprint(&self, range: Range) -> [u8; RANGE_FINGERPRINT_BYTES] {
        let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 v1 range fingerprint");
        self.leaves.range(range.bounds()).for_each(|(_, l)| {
            hasher.update(&l.hash);
        });
        hasher.finalize().as_bytes()[..RANGE_FINGERPRINT_BYTES].try_into().expect("a hash is longer")
    }

    /// The tips of a range, in order.
    pub fn leaves(&self, range: Range) -> impl Iterator<Item = (LogId, Tip)> + '_ {
        self.leaves.range(range.bounds()).map(|(key, leaf)| (key.log, Tip { seq: leaf.seq, id: key.id }))
    }

    /// Splits a range into at most [`SPLIT`] parts with equally many tips, and at least [`LEAF_TIPS`] in all but the
    /// last: smaller parts would cost more than the tips themselves.
    #[must_use]
    pub fn split(&self, range: Range) -> Vec<Range> {
        let keys: Vec<Key> = self.leaves.range(range.bounds()).map(|(key, _)| *key).collect();
        let part = keys.len().div_ceil(SPLIT).max(LEAF_TIPS);
        let mut lo = range.lo;
        let mut parts = Vec::with_capacity(SPLIT);
        for boundary in keys.chunks(part).skip(1).map(|c| c[0]) {
            parts.push(Range { lo, hi: boundary });
            lo = boundary;
        }
        parts.push(Range { lo, hi: range.hi });
        parts
    }
}

fn leaf_hash(log: LogId, tip: Tip) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 v1 leaf");
    hasher.update(&log.0);
    hasher.update(&tip.seq.to_le_bytes());
    hasher.update(&tip.id.0);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(tips: &[(u8, u8)]) -> Index {
        let mut index = Index::default();
        for &(log, id) in tips {
            index.insert(LogId([log; 32]), Tip { seq: u64::from(log), id: EntryId([id; 32]) });
        }
        index
    }

    fn any_tips(most: usize) -> impl Strategy<Value = Vec<(u8, u8)>> {
        prop::collection::btree_set((1u8..200, 1u8..), 0..most).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_parts_of_a_range_cover_it_without_overlap(tips in any_tips(500)) {
            let index = filled(&tips);
            let parts = index.split(Range::ALL);
            prop_assert!(parts.len() <= SPLIT);
            prop_assert!(tips.len() <= LEAF_TIPS || parts.len() > 1);
            prop_assert!(parts.iter().all(Range::is_valid) && !Range::overlap(&parts));
            let seen: Vec<_> = parts.iter().flat_map(|p| index.leaves(*p)).collect();
            prop_assert_eq!(seen, index.leaves(Range::ALL).collect::<Vec<_>>());
        }

        #[test]
        fn fingerprints_agree_exactly_when_the_content_does(a in any_tips(9), b in any_tips(9), same: bool) {
            let mut b = if same { a.clone() } else { b };
            b.reverse();
            let (mut left, mut right) = (filled(&a), filled(&b));
            b.reverse();
            prop_assert_eq!(left.fingerprint() == right.fingerprint(), a == b);
            prop_assert_eq!(left.range_fingerprint(Range::ALL) == right.range_fingerprint(Range::ALL), a == b);
        }

        #[test]
        fn a_tip_that_was_built_on_leaves_no_trace(tips in any_tips(30), extra in (200u8.., 1u8..)) {
            let mut index = filled(&tips);
            let before = index.fingerprint();
            let tip = Tip { seq: 1, id: EntryId([extra.1; 32]) };
            index.insert(LogId([extra.0; 32]), tip);
            prop_assert_ne!(index.fingerprint(), before);
            prop_assert!(index.has(LogId([extra.0; 32]), tip));
            prop_assert_eq!(index.tips(LogId([extra.0; 32])).collect::<Vec<_>>(), vec![tip]);
            index.remove(LogId([extra.0; 32]), tip.id);
            prop_assert_eq!(index.fingerprint(), before);
        }
    }

    #[test]
    fn ranges_that_touch_do_not_overlap() {
        let key = |n| Key { log: LogId([n; 32]), id: EntryId::ZERO };
        let range = |lo, hi| Range { lo: key(lo), hi: key(hi) };
        assert!(!Range::overlap(&[range(5, 0), range(1, 5)]));
        assert!(Range::overlap(&[range(5, 9), range(1, 6)]));
        assert!(Range::overlap(&[range(1, 0), range(5, 6)]));
        assert!(Range::overlap(&[Range::ALL, Range::ALL]));
    }
}
