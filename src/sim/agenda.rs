//! What is to happen when: virtual time.

use std::collections::BTreeMap;

/// Events by time; those of one millisecond in the order in which they were planned.
#[derive(Debug)]
pub(super) struct Agenda<E> {
    /// The present, Unix milliseconds.
    pub now: u64,
    serial: u64,
    events: BTreeMap<(u64, u64), E>,
}

impl<E> Agenda<E> {
    pub fn new(now: u64) -> Self {
        Self { now, serial: 0, events: BTreeMap::new() }
    }

    /// Plans an event; what should have happened already happens next.
    pub fn plan(&mut self, at: u64, event: E) {
        self.serial += 1;
        self.events.insert((at.max(self.now), self.serial), event);
    }

    /// Moves on to the next event, unless it lies beyond `end`: then to `end`.
    pub fn next(&mut self, end: u64) -> Option<E> {
        match self.events.first_entry() {
            Some(first) if first.key().0 <= end => {
                self.now = first.key().0;
                Some(first.remove())
            }
            _ => {
                self.now = self.now.max(end);
                None
            }
        }
    }
}
