//! Entries that nobody else is known to hold.

/// From this age on, milliseconds, an entry that nobody else is known to hold is warned of: a day.
pub const ONLY_HERE_LONG_MS: u64 = 24 * 3_600_000;
/// Most entries that are listed.
pub const MAX_ONLY_HERE: usize = 1_000;
