//! The maximal control entries: those that no known control entry names.

use std::collections::{BTreeMap, BTreeSet};

use crate::log::header::MAX_CONTROL_HEADS;
use crate::model::id::EntryId;

/// The heads of the control graph, as far as it is known. It depends on the set of entries, not on their order.
#[derive(Debug, Clone, Default)]
pub(super) struct ControlHeads {
    known: BTreeMap<EntryId, ()>,
    named: BTreeSet<EntryId>,
    heads: BTreeSet<EntryId>,
}

impl ControlHeads {
    /// Learns a control entry and the heads that it names.
    pub fn add(&mut self, id: EntryId, names: &[EntryId]) {
        for name in names {
            self.named.insert(*name);
            self.heads.remove(name);
        }
        if self.known.insert(id, ()).is_none() && !self.named.contains(&id) {
            self.heads.insert(id);
        }
    }

    /// The heads that a new entry names: ascending, at most [`MAX_CONTROL_HEADS`]. When there are more (many people
    /// joined at once) the lowest are named; the next control entry merges them.
    pub fn to_name(&self) -> Vec<EntryId> {
        self.heads.iter().copied().take(MAX_CONTROL_HEADS).collect()
    }
}
