//! The graph of control entries: what each one names, and so what came before what.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::log::header::MAX_CONTROL_HEADS;
use crate::model::id::EntryId;

/// The control entries of a group, numbered as they came, with what they name.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    numbers: BTreeMap<EntryId, usize>,
    ids: Vec<EntryId>,
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    /// Entries that are named and have not come, with who names them.
    missing: BTreeMap<EntryId, Vec<usize>>,
    heads: BTreeSet<EntryId>,
}

impl Graph {
    /// Adds an entry and what it names; its number, or `None` when it is in already.
    pub fn add(&mut self, id: EntryId, names: &[EntryId]) -> Option<usize> {
        if self.numbers.contains_key(&id) {
            return None;
        }
        let number = self.ids.len();
        self.numbers.insert(id, number);
        self.ids.push(id);
        self.parents.push(vec![]);
        self.children.push(vec![]);
        for name in names {
            self.heads.remove(name);
            match self.numbers.get(name) {
                Some(parent) => self.link(*parent, number),
                None => self.missing.entry(*name).or_default().push(number),
            }
        }
        match self.missing.remove(&id) {
            Some(named_by) => named_by.into_iter().for_each(|child| self.link(number, child)),
            None => drop(self.heads.insert(id)),
        }
        Some(number)
    }

    fn link(&mut self, parent: usize, child: usize) {
        self.parents[child].push(parent);
        self.children[parent].push(child);
    }

    pub fn number(&self, id: EntryId) -> Option<usize> {
        self.numbers.get(&id).copied()
    }

    /// Whether everything that is named is here.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The heads that a new entry names: ascending, at most [`MAX_CONTROL_HEADS`]. When there are more (many people
    /// joined at once) the lowest are named; the next control entry merges them.
    pub fn to_name(&self) -> Vec<EntryId> {
        self.heads.iter().copied().take(MAX_CONTROL_HEADS).collect()
    }

    /// How many heads there are.
    pub fn heads(&self) -> usize {
        self.heads.len()
    }

    /// The numbers of the entries in the one order that has causes before effects, and the lowest id first where nothing
    /// is caused by the other. What comes later changes nothing in the order of what was there. An entry that is its own
    /// cause, which no hash allows, is left out.
    pub fn order(&self) -> Vec<usize> {
        let mut waits: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let mut ready: BinaryHeap<Reverse<(EntryId, usize)>> =
            waits.iter().enumerate().filter(|(_, w)| **w == 0).map(|(n, _)| Reverse((self.ids[n], n))).collect();
        let mut order = vec![];
        while let Some(Reverse((_, n))) = ready.pop() {
            order.push(n);
            for child in &self.children[n] {
                waits[*child] -= 1;
                if waits[*child] == 0 {
                    ready.push(Reverse((self.ids[*child], *child)));
                }
            }
        }
        order
    }

    /// What an entry names, of what is here.
    pub fn parents(&self, number: usize) -> &[usize] {
        &self.parents[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> EntryId {
        EntryId([n; 32])
    }

    #[test]
    fn past_heads_and_order_are_the_same_whatever_came_first() {
        let entries = [(9, vec![]), (5, vec![9]), (7, vec![9]), (1, vec![5, 7]), (3, vec![7])];
        let mut forwards = Graph::default();
        let mut backwards = Graph::default();
        let ids = |names: &Vec<u8>| names.iter().copied().map(id).collect::<Vec<_>>();
        for (n, names) in &entries {
            forwards.add(id(*n), &ids(names));
        }
        for (n, names) in entries.iter().rev() {
            backwards.add(id(*n), &ids(names));
        }
        for graph in [&forwards, &backwards] {
            let sorted: Vec<u8> = graph.order().into_iter().map(|n| graph.ids[n].0[0]).collect();
            assert_eq!(sorted, [9, 5, 7, 1, 3]);
            assert_eq!(graph.to_name(), [id(1), id(3)]);
            assert!(graph.is_complete());
        }
        forwards.add(id(8), &[id(4)]);
        assert!(!forwards.is_complete());
    }
}
