//! When to announce what one holds: the Trickle algorithm of RFC 6206.
//!
//! While everybody agrees, announcements grow rare, and a node that heard enough equal ones in an interval keeps
//! silent, so the traffic of a quiet group does not grow with its size. A difference resets the interval.

/// Shortest interval, in milliseconds.
pub const MIN_INTERVAL_MS: u64 = 2_000;
/// Longest interval, in milliseconds.
pub const MAX_INTERVAL_MS: u64 = 64_000;
/// How many equal announcements in one interval make our own superfluous.
pub const REDUNDANCY: u32 = 3;

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
    /// Starts with the shortest interval at `now`; `random` places the announcement inside the interval.
    #[must_use]
    pub fn new(now: u64, random: u64) -> Self {
        let mut trickle = Self { interval: MIN_INTERVAL_MS, begin: now, fire_at: now, heard: 0, fired: false };
        trickle.begin_interval(now, random);
        trickle
    }

    /// Somebody announced what we hold as well.
    pub fn consistent(&mut self) {
        self.heard = self.heard.saturating_add(1);
    }

    /// Somebody holds something else, or we just wrote: announce soon.
    pub fn inconsistent(&mut self, now: u64, random: u64) {
        // What was heard agreed with something that is not held any more.
        self.heard = 0;
        if self.interval > MIN_INTERVAL_MS {
            self.interval = MIN_INTERVAL_MS;
            self.begin_interval(now, random);
        }
    }

    /// When to call [`Trickle::poll`] next.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        if self.fired { self.begin + self.interval } else { self.fire_at }
    }

    /// Moves on to `now`; true when an announcement is due.
    pub fn poll(&mut self, now: u64, random: u64) -> bool {
        let mut due = false;
        if !self.fired && now >= self.fire_at {
            self.fired = true;
            due = self.heard < REDUNDANCY;
        }
        if now >= self.begin + self.interval {
            self.interval = (self.interval * 2).min(MAX_INTERVAL_MS);
            self.begin_interval(now, random);
        }
        due
    }

    fn begin_interval(&mut self, now: u64, random: u64) {
        let half = self.interval / 2;
        self.begin = now;
        self.fire_at = now + half + random % half;
        self.heard = 0;
        self.fired = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcements(mut trickle: Trickle, from: u64, to: u64, equal_heard: u32) -> usize {
        let mut count = 0;
        let mut now = from;
        while now < to {
            (0..equal_heard).for_each(|_| trickle.consistent());
            now = trickle.deadline().max(now + 1);
            count += usize::from(trickle.poll(now, now));
        }
        count
    }

    #[test]
    fn a_quiet_group_announces_ever_more_rarely_and_not_at_all_when_others_do() {
        let hour = 3_600_000;
        let alone = announcements(Trickle::new(0, 1), 0, hour, 0);
        assert!((50..70).contains(&alone), "{alone} announcements in an hour");
        assert_eq!(announcements(Trickle::new(0, 1), 0, hour, REDUNDANCY), 0);
    }

    #[test]
    fn what_agreed_with_the_state_before_a_change_silences_nobody() {
        let mut trickle = Trickle::new(0, 1);
        (0..REDUNDANCY).for_each(|_| trickle.consistent());
        trickle.inconsistent(100, 1);
        let at = trickle.deadline();
        assert!(trickle.poll(at, 1));
    }

    #[test]
    fn a_difference_makes_the_next_announcement_come_within_the_shortest_interval() {
        let mut trickle = Trickle::new(0, 1);
        let mut now = 0;
        while now < 500_000 {
            now = trickle.deadline().max(now + 1);
            trickle.poll(now, 7);
        }
        trickle.inconsistent(now, 7);
        assert!(trickle.deadline() <= now + MIN_INTERVAL_MS);
    }
}
