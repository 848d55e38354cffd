//! Entries that came before what they build on. They wait in memory, bounded; sync brings whatever is dropped here.

use std::collections::BTreeMap;

use crate::log::entry::Verified;
use crate::model::id::{EntryId, LogId};

/// Most entries that wait, per group.
pub(super) const MAX_EARLY: usize = 256;
/// Most bytes of bodies that wait, per group.
pub(super) const MAX_EARLY_BYTES: usize = 2 * 1024 * 1024;
/// How long an entry waits at most, in milliseconds.
pub(super) const WAIT_MS: u64 = 5 * 60_000;

type Key = (LogId, u64, EntryId);

/// What waits, by log and position.
#[derive(Debug, Default)]
pub(super) struct Early {
    waiting: BTreeMap<Key, (u64, Verified)>,
    bytes: usize,
}

impl Early {
    /// Keeps an entry; those furthest ahead go when there is no room.
    pub fn keep(&mut self, now: u64, entry: Verified) {
        let key = (entry.header.log, entry.header.seq, entry.id);
        if self.waiting.contains_key(&key) {
            return;
        }
        self.bytes += entry.body.len();
        self.waiting.insert(key, (now, entry));
        while self.waiting.len() > MAX_EARLY || self.bytes > MAX_EARLY_BYTES {
            let Some(furthest) = self.waiting.keys().max_by_key(|(_, seq, _)| *seq).copied() else { return };
            self.remove(furthest);
        }
    }

    /// Takes an entry out that is here now, and everything that waited for it.
    pub fn take_after(&mut self, log: LogId, seq: u64, id: EntryId) -> Vec<Verified> {
        self.remove((log, seq, id));
        let next = (log, seq + 1, EntryId::ZERO)..(log, seq + 2, EntryId::ZERO);
        let keys: Vec<Key> =
            self.waiting.range(next).filter(|(_, (_, e))| e.header.prev == id).map(|(k, _)| *k).collect();
        keys.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    /// Drops what has waited too long.
    pub fn expire(&mut self, now: u64) {
        if self.deadline().is_some_and(|at| at <= now) {
            let old: Vec<Key> =
                self.waiting.iter().filter(|(_, (since, _))| since + WAIT_MS <= now).map(|(key, _)| *key).collect();
            old.into_iter().for_each(|key| drop(self.remove(key)));
        }
    }

    /// Counts from now on, when the clock was set back.
    pub fn begin_anew(&mut self, now: u64) {
        self.waiting.values_mut().for_each(|(since, _)| *since = now);
    }

    /// When to call [`Early::expire`].
    pub fn deadline(&self) -> Option<u64> {
        self.waiting.values().map(|(since, _)| since + WAIT_MS).min()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    fn remove(&mut self, key: Key) -> Option<Verified> {
        let (_, entry) = self.waiting.remove(&key)?;
        self.bytes -= entry.body.len();
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::entry::{self, Place};
    use crate::log::keys::{GroupKeys, LogKey};
    use crate::model::action::{Action, Profile};
    use crate::model::id::GroupId;
    use crate::model::time::Hlc;

    fn entry(seq: u64, name: &str) -> Verified {
        let place = Place { group: GroupId([1; 32]), seq, prev: EntryId([7; 32]), control_heads: vec![] };
        let action = Action::Profile(Profile { name: name.into(), supersedes: vec![] });
        let keys = GroupKeys::from_seed(&[1; 16]);
        entry::write(&LogKey::from_seed(&[1; 32]), &keys, place, Hlc::new(1, 0), &action, [1; 24]).unwrap()
    }

    #[test]
    fn the_nearest_stay_when_too_many_wait() {
        let mut early = Early::default();
        for seq in 1..=MAX_EARLY as u64 + 50 {
            early.keep(0, entry(seq, "x"));
            early.keep(0, entry(seq, "x"));
        }
        assert_eq!(early.len(), MAX_EARLY);
        assert_eq!(early.bytes, MAX_EARLY * entry(1, "x").body.len());
        let two = [entry(1, "x"), entry(1, "y")];
        early.keep(0, two[1].clone());
        let log = two[0].header.log;
        assert_eq!(early.take_after(log, 0, EntryId([7; 32])).len(), 2, "both branches");
        assert_eq!(early.take_after(log, 1, EntryId([8; 32])).len(), 0, "they build on another entry");
        early.expire(WAIT_MS);
        assert_eq!((early.len(), early.bytes, early.deadline()), (0, 0, None));
    }
}
