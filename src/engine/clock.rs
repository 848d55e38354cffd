//! What happens when the clock is set back: plans made in the time before are made anew.

use super::group::{Group, Member};
use super::store::Store;
use super::{Engine, Stream};
use crate::gossip::burst::Bucket;
use crate::gossip::trickle::Trickle;

/// A clock that goes back by no more than this is left alone, in milliseconds.
const LEEWAY_MS: u64 = 5_000;
/// Over how long the comparisons that were planned are spread, in milliseconds.
const SPREAD_MS: u64 = 1_000;

impl<S: Store> Engine<S> {
    /// Learns the time. When it went back, everything that was planned or measured would wait until the old time is
    /// reached again: it begins anew instead.
    pub(super) fn keep_time(&mut self, now: u64) {
        let before = std::mem::replace(&mut self.told_ms, now);
        if now.saturating_add(LEEWAY_MS) >= before {
            return;
        }
        for group in self.groups.values_mut() {
            group.begin_anew(now, self.entropy.number());
        }
        self.streams.values_mut().for_each(|stream| stream.begin_anew(now));
    }
}

impl Group {
    fn begin_anew(&mut self, now: u64, random: u64) {
        self.trickle = Trickle::new(now, random, self.logs.len());
        self.bucket = Bucket::new(now);
        self.announce_at = self.announce_at.map(|at| at.min(now));
        self.early.begin_anew(now);
        self.connected.values_mut().for_each(|member| member.begin_anew(now, random));
    }
}

impl Member {
    fn begin_anew(&mut self, now: u64, random: u64) {
        self.checked_ms = self.checked_ms.map(|at| at.min(now));
        self.pull_at = self.pull_at.map(|at| at.min(now + random % SPREAD_MS));
    }
}

impl Stream {
    fn begin_anew(&mut self, now: u64) {
        match self {
            Self::Opening { since_ms, .. } => *since_ms = now,
            Self::Pull(pulling) => {
                pulling.begun_ms = now;
                pulling.progress_ms = now;
                pulling.moved.values_mut().for_each(|at| *at = now);
                pulling.look_at = pulling.look_at.map(|_| now);
                pulling.waits_since = pulling.waits_since.map(|_| now);
            }
            Self::Serve(serve) => serve.begin_anew(now),
        }
    }
}
