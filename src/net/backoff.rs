//! Waiting longer after each failure, with jitter, so that a node that comes back is not met by everybody at once.

use std::time::Duration;

/// The wait after the first failure.
pub const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(300);

/// A small seeded generator (SplitMix64). It only spreads timers; nothing secret depends on it.
#[derive(Debug, Clone)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// How long to wait after so many failures in a row (at least one): doubling from [`FIRST`] to [`LONGEST`], of which
    /// the second half is up to chance.
    pub fn wait(&mut self, failures: u32) -> Duration {
        let doubled = FIRST.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
        let whole = u64::try_from(doubled.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
        let half = whole / 2;
        Duration::from_millis(half + self.next() % (whole - half + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_differ_between_seeds() {
        let (mut a, mut b) = (Jitter::new(1), Jitter::new(2));
        let mut differ = false;
        for failures in 1..100 {
            let (x, y) = (a.wait(failures), b.wait(failures));
            let whole = FIRST.saturating_mul(2u32.saturating_pow(failures - 1)).min(LONGEST);
            assert!(x >= whole / 2 && x <= whole, "{failures}: {x:?}");
            differ |= x != y;
        }
        assert!(differ);
        assert_eq!(Jitter::new(9).wait(3), Jitter::new(9).wait(3), "a seed replays");
    }
}
