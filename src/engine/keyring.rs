//! The keys of epochs: what was sealed to this installation or wrapped under a key that it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::group::Group;
use super::store::Store;
use crate::log::envelope;
use crate::log::keys::LogKey;
use crate::log::seal::Key;
use crate::model::action::{Action, Sealed, Wrapped};
use crate::model::id::{EpochId, LogId};

/// Most seals to this installation that wait to be looked at; far more than an honest group makes at once.
const MAX_WAITING: usize = 4_096;
/// How long a key that should be here is waited for before a new epoch is begun in its place, in milliseconds.
const BEGIN_MS: u64 = 20_000;

/// What leads to keys, as far as it is not used up.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    /// Seals to own logs.
    seals: Vec<Sealed>,
    /// The keys that an epoch's key opens.
    wraps: BTreeMap<EpochId, Vec<Wrapped>>,
    /// Epochs whose key was sealed to us and is not the one that was committed to.
    pub wrong: BTreeSet<EpochId>,
    /// Epochs whose key should be here and is not: since when, and when it was last asked for.
    pub lacking: BTreeMap<EpochId, (u64, Option<u64>)>,
    /// Keys came since entries were last read again.
    pub fresh: bool,
}

impl Keyring {
    /// Whether a lacking key may still come, so that no new epoch is begun in its place.
    pub fn is_awaited(&self, epoch: EpochId, now: u64) -> bool {
        self.lacking.get(&epoch).is_none_or(|(since, _)| now < since + BEGIN_MS)
    }
}

impl Group {
    /// Remembers what a control entry brings in keys.
    pub fn remember_keys(&mut self, action: &Action) {
        let (seals, epoch) = match action {
            Action::Epoch(a) => (&a.seals, Some(a)),
            Action::Seals(a) => (&a.seals, None),
            _ => return,
        };
        let own: Vec<LogId> = self.own_logs().collect();
        for seal in seals.iter().filter(|s| own.contains(&s.log)) {
            if self.keyring.seals.len() < MAX_WAITING && self.keys.epoch(seal.epoch).is_none() {
                self.keyring.seals.push(seal.clone());
            }
        }
        if let Some(epoch) = epoch {
            self.keyring.wraps.entry(epoch.epoch).or_default().extend(epoch.parents.iter().cloned());
        }
    }

    /// Opens what can be opened, and keeps the keys.
    pub fn take_keys<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        for seal in std::mem::take(&mut self.keyring.seals) {
            self.take_sealed(store, seal.epoch, seal.log, &seal.key)?;
        }
        let held: Vec<EpochId> = self.keys.held().map(|(epoch, _)| epoch).collect();
        for epoch in held {
            self.unwrap_below(store, epoch)?;
        }
        Ok(())
    }

    /// Takes a key that was sealed to one of our logs.
    pub fn take_sealed<S: Store>(
        &mut self,
        store: &mut S,
        epoch: EpochId,
        log: LogId,
        sealed: &[u8],
    ) -> Result<(), S::Error> {
        if self.keys.epoch(epoch).is_some() {
            return Ok(());
        }
        let Some(own) = self.row.log_keys.iter().map(LogKey::from_seed).find(|key| key.id() == log) else {
            return Ok(());
        };
        match envelope::open(self.id(), &own, epoch, sealed) {
            Some(key) => self.hold(store, key),
            None => {
                self.keyring.wrong.insert(epoch);
                Ok(())
            }
        }
    }

    /// Holds a key for good, and whatever it opens.
    pub fn hold<S: Store>(&mut self, store: &mut S, key: Key) -> Result<(), S::Error> {
        let bytes = *key.as_bytes();
        let (epoch, new) = self.keys.hold(key);
        if !new {
            return Ok(());
        }
        store.put_epoch_key(self.id(), epoch, bytes)?;
        self.keyring.wrong.remove(&epoch);
        self.keyring.lacking.remove(&epoch);
        self.keyring.fresh = true;
        self.unwrap_below(store, epoch)
    }

    /// Opens the keys of the epochs that one follows, and theirs.
    fn unwrap_below<S: Store>(&mut self, store: &mut S, epoch: EpochId) -> Result<(), S::Error> {
        let mut next = vec![epoch];
        while let Some(epoch) = next.pop() {
            let Some(key) = self.keys.epoch(epoch).cloned() else { continue };
            for wrapped in self.keyring.wraps.remove(&epoch).unwrap_or_default() {
                let Some(parent) = envelope::unwrap(&key, &wrapped.key) else { continue };
                let bytes = *parent.as_bytes();
                if envelope::epoch_of(&parent) == wrapped.epoch && self.keys.hold(parent).1 {
                    store.put_epoch_key(self.id(), wrapped.epoch, bytes)?;
                    self.keyring.fresh = true;
                }
                next.push(wrapped.epoch);
            }
        }
        Ok(())
    }
}
