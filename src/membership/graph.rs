//! The graph of control entries: what each one names, and so what came before what.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::log::header::MAX_CONTROL_HEADS;
use crate::model::id::EntryId;

/// A set of entries, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1)
    }

    /// Adds a number; false when it was in.
    pub fn add(&mut self, n: usize) -> bool {
        if self.0.len() <= n / 64 {
            self.0.resize(n / 64 + 1, 0);
        }
        let (word, bit) = (&mut self.0[n / 64], 1u64 << (n % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

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

    /// Everything that came before an entry.
    pub fn past(&self, of: usize) -> Bits {
        walk(&self.parents, of)
    }

    /// Everything that came after an entry.
    pub fn future(&self, of: usize) -> Bits {
        walk(&self.children, of)
    }

    /// The place of each entry in the one order that has causes before effects, and the lowest id first where nothing
    /// is caused by the other. What comes later changes no places among what was there.
    pub fn order(&self) -> Vec<usize> {
        let mut waits: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let mut ready: BinaryHeap<Reverse<(EntryId, usize)>> =
            waits.iter().enumerate().filter(|(_, w)| **w == 0).map(|(n, _)| Reverse((self.ids[n], n))).collect();
        let mut place = vec![usize::MAX; self.ids.len()];
        let mut next = 0;
        while let Some(Reverse((_, n))) = ready.pop() {
            place[n] = next;
            next += 1;
            for child in &self.children[n] {
                waits[*child] -= 1;
                if waits[*child] == 0 {
                    ready.push(Reverse((self.ids[*child], *child)));
                }
            }
        }
        place
    }
}

fn walk(edges: &[Vec<usize>], from: usize) -> Bits {
    let mut seen = Bits::default();
    let mut next = edges[from].clone();
    while let Some(n) = next.pop() {
        if seen.add(n) {
            next.extend(&edges[n]);
        }
    }
    seen
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
            let number = |n| graph.number(id(n)).unwrap();
            let place = graph.order();
            let mut sorted = [9, 5, 7, 1, 3];
            sorted.sort_by_key(|n| place[number(*n)]);
            assert_eq!(sorted, [9, 5, 7, 1, 3]);
            assert!(graph.past(number(1)).has(number(9)) && !graph.past(number(1)).has(number(3)));
            assert!(graph.future(number(7)).has(number(3)) && !graph.future(number(5)).has(number(3)));
            assert_eq!(graph.to_name(), [id(1), id(3)]);
            assert!(graph.is_complete());
        }
        forwards.add(id(8), &[id(4)]);
        assert!(!forwards.is_complete());
    }
}
