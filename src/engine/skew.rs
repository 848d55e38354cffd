//! How this clock compares with the members': from the times of entries that arrive while they are written.
//!
//! It decides nothing; people are told when their clock is off.

use std::collections::VecDeque;

/// Most samples that are kept.
const MAX_SAMPLES: usize = 32;

/// The last differences between an entry's time and this clock, milliseconds; positive when theirs is ahead.
#[derive(Debug, Default)]
pub(super) struct Skew {
    samples: VecDeque<i64>,
}

impl Skew {
    /// An entry came by gossip, so right after it was written.
    pub fn sample(&mut self, written_ms: u64, now: u64) {
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        let difference = i128::from(written_ms) - i128::from(now);
        let limit = i128::from(i64::MAX);
        self.samples.push_back(i64::try_from(difference.clamp(-limit, limit)).unwrap_or(0));
    }

    /// The median difference; `None` before anything came.
    pub fn median_ms(&self) -> Option<i64> {
        let mut sorted: Vec<i64> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_clock_among_many_does_not_move_the_median() {
        let mut skew = Skew::default();
        assert_eq!(skew.median_ms(), None);
        skew.sample(u64::MAX, 1_000);
        for n in 0..8 {
            skew.sample(990 + n, 1_000);
        }
        assert!((-10..0).contains(&skew.median_ms().unwrap()));
        for _ in 0..100 {
            skew.sample(0, 600_000);
        }
        assert_eq!(skew.median_ms(), Some(-600_000));
    }
}
