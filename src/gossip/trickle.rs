//! When to announce what one holds: the Trickle algorithm of RFC 6206.
//!
//! While everybody agrees, announcements grow rare, and a node that heard enough equal ones in an interval keeps
//! silent, so the traffic of a quiet group does not grow with its size. A difference resets the interval.
//!
//! One thing differs from the RFC, whose nodes hear their neighbours at once. Here word travels over several hops, and whoever
//! fires meanwhile has not heard it: of a thousand nodes that fire evenly over a second, some hundreds. So most fire late:
//! half of a crowd in the last part of the time, a quarter in the part before, and so on, until a few are left for the first.
//! Those are heard by all others (the same reasoning gives the timers of NORM, RFC 5740, their shape).

/// Shortest interval, in milliseconds.
pub const MIN_INTERVAL_MS: u64 = 2_000;
/// Longest interval, in milliseconds.
pub const MAX_INTERVAL_MS: u64 = 64_000;
/// How many equal announcements in one interval make our own superfluous.
pub const REDUNDANCY: u32 = 3;
/// A crowd of fewer than twice as many fires evenly.
const FEW: usize = 8;

/// The timer of one group.
#[derive(Debug, Clone)]
pub struct Trickle {
    interval: u64,
    begin: u64,
    fire_at: u64,
    heard: u32,
    fired: bool,
}

impl Trickle {
    /// Starts with the shortest interval at `now`; `random` places the announcement inside the interval, and `crowd` is how
    /// many take part, about.
    #[must_use]
    pub fn new(now: u64, random: u64, crowd: usize) -> Self {
        let mut trickle = Self { interval: MIN_INTERVAL_MS, begin: now, fire_at: now, heard: 0, fired: false };
        trickle.begin_interval(now, random, crowd);
        trickle
    }

    /// Somebody announced what we hold as well.
    pub fn consistent(&mut self) {
        self.heard = self.heard.saturating_add(1);
    }

    /// Somebody holds something else, or we just wrote: announce soon.
    pub fn inconsistent(&mut self, now: u64, random: u64, crowd: usize) {
        // What was heard agreed with something that is not held any more.
        self.heard = 0;
        if self.interval > MIN_INTERVAL_MS {
            self.interval = MIN_INTERVAL_MS;
            self.begin_interval(now, random, crowd);
        }
    }

    /// When to call [`Trickle::poll`] next.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        if self.fired { self.begin + self.interval } else { self.fire_at }
    }

    /// Moves on to `now`; true when an announcement is due.
    pub fn poll(&mut self, now: u64, random: u64, crowd: usize) -> bool {
        let mut due = false;
        if !self.fired && now >= self.fire_at {
            self.fired = true;
            due = self.heard < REDUNDANCY;
        }
        if now >= self.begin + self.interval {
            self.interval = (self.interval * 2).min(MAX_INTERVAL_MS);
            self.begin_interval(now, random, crowd);
        }
        due
    }

    fn begin_interval(&mut self, now: u64, random: u64, crowd: usize) {
        let half = self.interval / 2;
        self.begin = now;
        self.fire_at = now + half + place(random, half, crowd);
        self.heard = 0;
        self.fired = false;
    }
}

/// Where in a time of this length a node of a crowd fires: evenly in a small one. In a larger one the time has a part for each
/// doubling; half of all nodes fire in the last part, half of the rest in the one before.
fn place(random: u64, length: u64, crowd: usize) -> u64 {
    let parts = 1 + u64::from((crowd.max(1) / FEW).checked_ilog2().unwrap_or(0));
    let (coins, within) = (random >> 32, random & u64::from(u32::MAX));
    let from_end = u64::from(coins.trailing_zeros()).min(parts - 1);
    let part = length / parts;
    (parts - 1 - from_end) * part + within % part.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_of_a_large_crowd_fire_early_and_a_small_one_fires_evenly() {
        let spread = |crowd: usize| -> Vec<u64> {
            let random = |n: usize| *blake3::hash(&n.to_le_bytes()).as_bytes().first_chunk().unwrap();
            (0..crowd).map(|n| place(u64::from_le_bytes(random(n)), 1_000, crowd)).collect()
        };
        let early = |crowd: usize| spread(crowd).iter().filter(|at| **at < 250).count();
        assert!(early(8_000) < 80, "{}", early(8_000));
        assert!((1..8_000).step_by(97).all(|crowd| spread(crowd).iter().all(|at| *at < 1_000)));
        assert!(early(8) >= 1, "{:?}", spread(8));
        // Somebody fires well before the end, whatever the size.
        assert!(early(800) >= 1 && early(8_000) >= 1);
    }

    fn announcements(mut trickle: Trickle, from: u64, to: u64, equal_heard: u32) -> usize {
        let mut count = 0;
        let mut now = from;
        while now < to {
            (0..equal_heard).for_each(|_| trickle.consistent());
            now = trickle.deadline().max(now + 1);
            count += usize::from(trickle.poll(now, now, 1));
        }
        count
    }

    #[test]
    fn a_quiet_group_announces_ever_more_rarely_and_not_at_all_when_others_do() {
        let hour = 3_600_000;
        let alone = announcements(Trickle::new(0, 1, 1), 0, hour, 0);
        assert!((50..70).contains(&alone), "{alone} announcements in an hour");
        assert_eq!(announcements(Trickle::new(0, 1, 1), 0, hour, REDUNDANCY), 0);
    }

    #[test]
    fn what_agreed_with_the_state_before_a_change_silences_nobody() {
        let mut trickle = Trickle::new(0, 1, 1);
        (0..REDUNDANCY).for_each(|_| trickle.consistent());
        trickle.inconsistent(100, 1, 1);
        let at = trickle.deadline();
        assert!(trickle.poll(at, 1, 1));
    }

    #[test]
    fn a_difference_makes_the_next_announcement_come_within_the_shortest_interval() {
        let mut trickle = Trickle::new(0, 1, 1);
        let mut now = 0;
        while now < 500_000 {
            now = trickle.deadline().max(now + 1);
            trickle.poll(now, 7, 1);
        }
        trickle.inconsistent(now, 7, 1);
        assert!(trickle.deadline() <= now + MIN_INTERVAL_MS);
    }
}
