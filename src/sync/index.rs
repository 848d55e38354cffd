//! What a replica holds, as fingerprints over ranges of logs.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::id::{EntryId, LogId};

/// Most tips that one log may have: its forks that are stored and served.
pub const MAX_TIPS: usize = 16;
/// A range with at most this many logs is answered with its leaves.
pub const LEAF_LOGS: usize = 16;
/// A group with at most this many logs is answered with its leaves at once.
pub const SMALL_GROUP_LOGS: usize = 64;
/// Into how many parts a larger range is split.
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

/// A half-open range of log ids: from `lo` on, below `hi`; [`LogId::ZERO`] as `hi` means no upper end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first log id that may be inside.
    pub lo: LogId,
    /// The first log id beyond; zero for none.
    pub hi: LogId,
}

impl Range {
    /// All logs.
    pub const ALL: Self = Self { lo: LogId::ZERO, hi: LogId::ZERO };

    /// Whether the range is well formed: not empty.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.hi == LogId::ZERO || self.lo < self.hi
    }

    /// Whether a log falls inside.
    #[must_use]
    pub fn contains(&self, log: LogId) -> bool {
        log >= self.lo && (self.hi == LogId::ZERO || log < self.hi)
    }

    fn bounds(&self) -> (Bound<LogId>, Bound<LogId>) {
        let hi = if self.hi == LogId::ZERO { Bound::Unbounded } else { Bound::Excluded(self.hi) };
        (Bound::Included(self.lo), hi)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Leaf {
    tips: Vec<Tip>,
    hash: [u8; 32],
}

/// The logs of a replica with their tips.
#[derive(Debug, Clone, Default)]
pub struct Index {
    leaves: BTreeMap<LogId, Leaf>,
    whole: Option<[u8; 32]>,
}

impl Index {
    /// Sets the tips of a log, in any order; none removes the log.
    pub fn set(&mut self, log: LogId, mut tips: Vec<Tip>) {
        tips.sort_unstable();
        self.whole = None;
        if tips.is_empty() {
            self.leaves.remove(&log);
        } else {
            let hash = leaf_hash(log, &tips);
            self.leaves.insert(log, Leaf { tips, hash });
        }
    }

    /// The tips of a log, ascending.
    #[must_use]
    pub fn tips(&self, log: LogId) -> &[Tip] {
        self.leaves.get(&log).map_or(&[], |l| &l.tips)
    }

    /// How many logs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no log.
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

    /// The logs of a range with their tips, in order.
    pub fn leaves(&self, range: Range) -> impl Iterator<Item = (LogId, &[Tip])> {
        self.leaves.range(range.bounds()).map(|(log, leaf)| (*log, leaf.tips.as_slice()))
    }

    /// Splits a range into at most [`SPLIT`] parts with equally many logs.
    #[must_use]
    pub fn split(&self, range: Range) -> Vec<Range> {
        let logs: Vec<LogId> = self.leaves.range(range.bounds()).map(|(log, _)| *log).collect();
        let part = logs.len().div_ceil(SPLIT).max(1);
        let mut lo = range.lo;
        let mut parts = Vec::with_capacity(SPLIT);
        for boundary in logs.chunks(part).skip(1).map(|c| c[0]) {
            parts.push(Range { lo, hi: boundary });
            lo = boundary;
        }
        parts.push(Range { lo, hi: range.hi });
        parts
    }
}

fn leaf_hash(log: LogId, tips: &[Tip]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 v1 leaf");
    hasher.update(&log.0);
    for tip in tips {
        hasher.update(&tip.seq.to_le_bytes());
        hasher.update(&tip.id.0);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(logs: &[u8]) -> Index {
        let mut index = Index::default();
        for &n in logs {
            index.set(LogId([n; 32]), vec![Tip { seq: u64::from(n), id: EntryId([n; 32]) }]);
        }
        index
    }

    proptest! {
        #[test]
        fn the_parts_of_a_range_cover_it_without_overlap(logs in prop::collection::btree_set(1u8.., 0..200)) {
            let logs: Vec<u8> = logs.into_iter().collect();
            let index = filled(&logs);
            let parts = index.split(Range::ALL);
            prop_assert!(parts.len() <= SPLIT);
            prop_assert!(parts.iter().all(Range::is_valid));
            let seen: Vec<LogId> = parts.iter().flat_map(|p| index.leaves(*p).map(|(l, _)| l)).collect();
            prop_assert_eq!(seen, logs.iter().map(|n| LogId([*n; 32])).collect::<Vec<_>>());
        }

        #[test]
        fn fingerprints_agree_exactly_when_the_content_does(a in prop::collection::btree_set(1u8.., 0..9), b in prop::collection::btree_set(1u8.., 0..9)) {
            let (left, right): (Vec<u8>, Vec<u8>) = (a.iter().copied().collect(), b.iter().rev().copied().collect());
            prop_assert_eq!(filled(&left).fingerprint() == filled(&right).fingerprint(), a == b);
        }
    }
}
