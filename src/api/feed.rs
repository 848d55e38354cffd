//! What happened in a group, entry by entry.

/// Most items of one answer.
pub const MAX_FEED: usize = 200;
