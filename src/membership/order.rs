//! The acts at their places, and which of them came before which.
//!
//! "Before" is asked very often. The answers are kept as columns of 64 sources: one pass over all acts tells for 64
//! neighbours at once what comes after them, so that the whole table costs `n * n / 64` steps however it is asked.

use std::cell::RefCell;

use super::acts::{Act, Acts};

/// Most words of 64 bits that the kept columns have together: 64 MiB. Beyond, they are made anew as they are needed.
const MAX_WORDS: usize = 8 << 20;

/// All acts in their one order; an act is named by its place here.
pub(super) struct Order<'a> {
    acts: Vec<&'a Act>,
    /// What each act names: the places from `starts[n]` to `starts[n + 1]` in `parents`.
    starts: Vec<usize>,
    parents: Vec<usize>,
    columns: RefCell<Columns>,
}

/// For each block of 64 places, when it was asked for: which of them are before each act from the block's first on.
struct Columns {
    blocks: Vec<Option<Box<[u64]>>>,
    words: usize,
}

impl<'a> Order<'a> {
    pub fn new(all: &'a Acts) -> (Self, Vec<usize>) {
        let order = all.graph.order();
        let mut places = vec![usize::MAX; all.acts.len()];
        order.iter().enumerate().for_each(|(place, number)| places[*number] = place);
        let (mut starts, mut parents) = (vec![0], vec![]);
        for number in &order {
            parents.extend(all.graph.parents(*number).iter().map(|parent| places[*parent]));
            starts.push(parents.len());
        }
        let acts: Vec<&Act> = order.iter().map(|number| &all.acts[*number]).collect();
        let blocks = vec![None; acts.len().div_ceil(64)];
        (Self { acts, starts, parents, columns: RefCell::new(Columns { blocks, words: 0 }) }, places)
    }

    pub fn len(&self) -> usize {
        self.acts.len()
    }

    pub fn act(&self, place: usize) -> &'a Act {
        self.acts[place]
    }

    /// The acts with their places.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &'a Act)> + '_ {
        self.acts.iter().copied().enumerate()
    }

    /// Whether one act is before another.
    pub fn is_before(&self, early: usize, late: usize) -> bool {
        if early >= late {
            return false;
        }
        let (block, bit) = (early / 64, early % 64);
        let mut columns = self.columns.borrow_mut();
        if columns.blocks[block].is_none() {
            let column = self.column(block * 64);
            if columns.words + column.len() > MAX_WORDS {
                columns.blocks.fill(None);
                columns.words = 0;
            }
            columns.words += column.len();
            columns.blocks[block] = Some(column);
        }
        columns.blocks[block].as_ref().is_some_and(|column| column[late - block * 64] >> bit & 1 == 1)
    }

    fn column(&self, first: usize) -> Box<[u64]> {
        let mut column = vec![0u64; self.len() - first];
        for at in 0..column.len() {
            let place = first + at;
            let mut word = 0;
            for parent in &self.parents[self.starts[place]..self.starts[place + 1]] {
                if let Some(of) = parent.checked_sub(first) {
                    word |= column[of];
                    if of < 64 {
                        word |= 1 << of;
                    }
                }
            }
            column[at] = word;
        }
        column.into()
    }

    /// Of some acts those that no other one of them is before: whatever comes after any comes after one of these.
    pub fn first_of(&self, mut acts: Vec<usize>) -> Vec<usize> {
        acts.sort_unstable();
        let mut first: Vec<usize> = vec![];
        for act in acts {
            if !first.iter().any(|early| *early == act || self.is_before(*early, act)) {
                first.push(act);
            }
        }
        first
    }

    /// Of some acts those that are before no other one of them.
    pub fn last_of(&self, mut acts: Vec<usize>) -> Vec<usize> {
        acts.sort_unstable_by(|a, b| b.cmp(a));
        let mut last: Vec<usize> = vec![];
        for act in acts {
            if !last.iter().any(|late| *late == act || self.is_before(act, *late)) {
                last.push(act);
            }
        }
        last
    }
}
