//! Waiting on conditions, with generous limits, and measuring how long it took.

use std::time::{Duration, Instant};

/// How long anything may take that is no measurement of its own.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(100);

/// A stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Since(Instant);

impl Since {
    #[allow(clippy::disallowed_methods, reason = "a test measures and waits in real time")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Waits until `condition` gives a value; `None` when `limit` is over.
pub fn within<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let since = Since::now();
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if since.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits until `condition` gives a value, which it must.
#[track_caller]
pub fn eventually<T>(what: &str, limit: Duration, condition: impl FnMut() -> Option<T>) -> T {
    within(limit, condition).unwrap_or_else(|| panic!("waited {limit:?} in vain until {what}"))
}
