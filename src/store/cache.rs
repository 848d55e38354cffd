//! What is looked up so often that it is kept in memory. All of it can be dropped at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fresh::Fresh;
use super::replicas::Replicas;
use crate::engine::store::ChainNo;
use crate::log::keys::GroupKeys;
use crate::model::id::{EntryId, GroupId, LogId, PersonId};

/// Most remembered atoms, control-head sets and chains, each.
const MAX_REMEMBERED: usize = 4_096;
/// Documents that search learns of at once before it is known how fast the machine is.
const FIRST_INDEX_BATCH: usize = 256;

/// A group's number in the tables, and the keys that open its entries.
#[derive(Debug)]
pub(super) struct GroupInfo {
    pub no: i64,
    pub id: GroupId,
    pub keys: GroupKeys,
}

/// What does not change of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChainInfo {
    pub log: LogId,
    pub person: PersonId,
    /// Whether it is not the first chain of its log.
    pub branch: bool,
    pub parent: Option<(ChainNo, u64)>,
}

/// The caches of a store. They are emptied after a rollback, since they may know what never came to be.
#[derive(Debug)]
pub(super) struct Cache {
    /// At most [`crate::model::limits::MAX_GROUPS`].
    pub groups: BTreeMap<GroupId, Arc<GroupInfo>>,
    pub chains: Bounded<ChainNo, ChainInfo>,
    pub atoms: Bounded<(i64, Vec<u8>), i64>,
    pub heads: Bounded<(i64, Vec<EntryId>), i64>,
    pub head_sets: Bounded<i64, Vec<EntryId>>,
    pub replicas: Replicas,
    pub fresh: Fresh,
    /// How many documents search learns of at once: as many as it had time for.
    pub index_batch: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            chains: Bounded::default(),
            atoms: Bounded::default(),
            heads: Bounded::default(),
            head_sets: Bounded::default(),
            replicas: Replicas::default(),
            fresh: Fresh::default(),
            index_batch: FIRST_INDEX_BATCH,
        }
    }
}

impl Cache {
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A map that starts over when it is full: what is hot comes back at once.
#[derive(Debug)]
pub(super) struct Bounded<K, V>(BTreeMap<K, V>);

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V> Bounded<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub fn put(&mut self, key: K, value: V) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(key, value);
    }
}
