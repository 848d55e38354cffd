//! How many own entries go out one by one: beyond that, the head announcement and sync carry them.

/// Entries that may go out at once.
pub const BURST: u64 = 64;
/// Entries a second that may go out in the long run.
pub const PER_SECOND: u64 = 64;

/// A token bucket in virtual time.
#[derive(Debug, Clone)]
pub struct Bucket {
    tokens_milli: u64,
    at: u64,
}

impl Bucket {
    /// A full bucket at `now`, in milliseconds.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self { tokens_milli: BURST * 1000, at: now }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, now: u64) -> bool {
        let gained = now.saturating_sub(self.at).saturating_mul(PER_SECOND);
        self.at = self.at.max(now);
        self.tokens_milli = self.tokens_milli.saturating_add(gained).min(BURST * 1000);
        let has = self.tokens_milli >= 1000;
        if has {
            self.tokens_milli -= 1000;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_of_thousands_does_not_flood_the_mesh() {
        let mut bucket = Bucket::new(0);
        let sent = (0..10_000).filter(|n| bucket.take(n / 10)).count() as u64;
        assert!((BURST..=BURST + PER_SECOND + 1).contains(&sent), "{sent}");
    }
}
