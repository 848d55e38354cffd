//! Hybrid logical time: wall-clock milliseconds with a counter, so that causes sort before effects.
//!
//! Time gates nothing. It orders truly concurrent writes together with the entry id, and it is shown to people. A
//! remote time more than [`MAX_AHEAD_MS`] ahead of the local clock never advances the local one and is displayed as
//! doubtful. See Kulkarni et al., "Logical Physical Clocks" (2014).

use std::fmt;

/// How far a remote time may be ahead of the local clock and still advance it, in milliseconds.
pub const MAX_AHEAD_MS: u64 = 5 * 60 * 1000;

/// A hybrid logical time: 48 bits of Unix milliseconds (UTC), then 16 bits of counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hlc(u64);

impl Hlc {
    const COUNTER_BITS: u32 = 16;

    /// From wall-clock milliseconds and a counter; milliseconds above 48 bits saturate.
    #[must_use]
    pub fn new(millis: u64, counter: u16) -> Self {
        let millis = millis.min((1 << 48) - 1);
        Self(millis << Self::COUNTER_BITS | u64::from(counter))
    }

    /// The 64-bit wire form: `millis << 16 | counter`.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// From the wire form; every bit pattern is a time.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Unix milliseconds UTC.
    #[must_use]
    pub fn millis(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }

    /// Whether this time is so far ahead of `now_ms` that it must not be believed.
    #[must_use]
    pub fn is_doubtful(self, now_ms: u64) -> bool {
        self.millis() > now_ms.saturating_add(MAX_AHEAD_MS)
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.millis(), self.0 & 0xffff)
    }
}

/// The local hybrid logical clock. It is told the wall clock; it never reads one.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    last: Hlc,
}

impl Clock {
    /// A time for a new local entry: after everything this clock has issued or observed.
    pub fn issue(&mut self, now_ms: u64) -> Hlc {
        let wall = Hlc::new(now_ms, 0);
        self.last = if wall > self.last { wall } else { Hlc(self.last.0.saturating_add(1)) };
        self.last
    }

    /// Learns a time that somebody else (or an earlier run) issued. A doubtful one is ignored.
    pub fn observe(&mut self, seen: Hlc, now_ms: u64) {
        if seen > self.last && !seen.is_doubtful(now_ms) {
            self.last = seen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_times_grow_even_when_the_wall_clock_goes_back() {
        let mut clock = Clock::default();
        let a = clock.issue(1000);
        let b = clock.issue(10);
        assert!(b > a);
        assert_eq!(b.millis(), 1000);
    }

    #[test]
    fn a_time_from_the_far_future_does_not_move_the_clock() {
        let mut clock = Clock::default();
        clock.observe(Hlc::new(1_000_000_000, 0), 1000);
        assert_eq!(clock.issue(1000).millis(), 1000);
        clock.observe(Hlc::new(1000 + MAX_AHEAD_MS, 7), 1000);
        assert_eq!(clock.issue(1000).millis(), 1000 + MAX_AHEAD_MS);
    }
}
