//! A node: the engine on its store, joined to the network, and the commands that people give it.

mod client;

pub use client::{Ready, call, follow, run};

/// A placeholder: the file of this name takes its place with the runtime.
pub mod core {
    /// Wall-clock time, Unix milliseconds.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the node's one clock")]
    pub fn now_ms() -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}
