//! The branches of one log, and where an entry belongs among them.

use std::collections::{BTreeMap, BTreeSet};

use super::store::{ChainNo, ChainRow, Store, Tip};
use crate::model::id::{EntryId, PersonId};
use crate::sync::index;

/// How many branches of a log are sampled at most.
const MAX_SAMPLED: usize = 8;

/// One branch of a log.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub no: ChainNo,
    /// Index of the branch it leaves, and the last seq that both share.
    pub parent: Option<(usize, u64)>,
    pub person: PersonId,
    pub tip: Option<Tip>,
    pub dirty: bool,
    /// In own logs: up to which seq somebody else is known to hold it.
    pub elsewhere: Option<u64>,
    /// Whether that has changed since it was stored.
    pub moved: bool,
    /// Entries below this seq count, as far as their author's rights go.
    pub below: u64,
}

impl Chain {
    /// The first seq that is stored under this chain's own number.
    pub fn first(&self) -> u64 {
        self.parent.map_or(0, |(_, seq)| seq + 1)
    }

    /// Whether the position lies in what this chain itself stores.
    pub fn spans(&self, seq: u64) -> bool {
        seq >= self.first() && self.tip.as_ref().is_some_and(|t| seq <= t.seq)
    }
}

/// A log: nearly always one chain, a tree of chains when it forked.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub chains: Vec<Chain>,
}

/// Where an entry belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is stored already.
    Held,
    /// It is the next entry of this chain.
    Append(usize),
    /// It begins a new branch, after this chain's entry or at the root.
    Branch(Option<(usize, u64)>),
    /// What it builds on is not stored.
    Gap,
}

/// A stretch of a path from the root to a tip: entries `from..=to` stored under one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub chain: usize,
    pub from: u64,
    pub to: u64,
}

impl Log {
    /// The log's chains as loaded; parents come before their branches.
    pub fn load(rows: Vec<ChainRow>) -> Self {
        let mut rows = rows;
        rows.sort_by_key(|r| r.chain);
        let mut log = Self::default();
        let mut index: BTreeMap<ChainNo, usize> = BTreeMap::new();
        for row in rows {
            let parent = row.parent.and_then(|(no, seq)| index.get(&no).map(|parent| (*parent, seq)));
            index.insert(row.chain, log.chains.len());
            log.chains.push(Chain {
                no: row.chain,
                parent,
                person: row.person,
                tip: row.tip,
                dirty: false,
                elsewhere: row.elsewhere,
                moved: false,
                below: u64::MAX,
            });
        }
        log
    }

    /// The tips of all branches.
    pub fn tips(&self) -> impl Iterator<Item = index::Tip> + '_ {
        self.chains.iter().filter_map(|c| c.tip.as_ref()).map(|t| index::Tip { seq: t.seq, id: t.id })
    }

    /// The chain that holds this very entry.
    pub fn find<S: Store>(&self, store: &mut S, seq: u64, id: EntryId) -> Result<Option<usize>, S::Error> {
        let spanning = || self.chains.iter().enumerate().filter(|(_, c)| c.spans(seq));
        let is_tip = |c: &Chain| c.tip.as_ref().is_some_and(|t| t.seq == seq && t.id == id);
        if let Some((i, _)) = spanning().find(|(_, c)| is_tip(c)) {
            return Ok(Some(i));
        }
        let numbers: Vec<ChainNo> = spanning().map(|(_, c)| c.no).collect();
        let found = store.chain_of(&numbers, seq, id)?;
        Ok(found.and_then(|no| spanning().find(|(_, c)| c.no == no).map(|(i, _)| i)))
    }

    /// Where an entry with this position, id and predecessor belongs.
    pub fn place<S: Store>(&self, store: &mut S, seq: u64, id: EntryId, prev: EntryId) -> Result<Place, S::Error> {
        let next = |c: &Chain| c.tip.as_ref().is_some_and(|t| t.seq + 1 == seq && t.id == prev);
        if let Some(i) = self.chains.iter().position(next) {
            return Ok(Place::Append(i));
        }
        if self.find(store, seq, id)?.is_some() {
            return Ok(Place::Held);
        }
        if seq == 0 {
            return Ok(Place::Branch(None));
        }
        Ok(self.find(store, seq - 1, prev)?.map_or(Place::Gap, |i| Place::Branch(Some((i, seq - 1)))))
    }

    /// The path from the root to `seq` on chain `chain`.
    pub fn path(&self, chain: usize, seq: u64) -> Vec<Segment> {
        let mut path = vec![];
        let (mut chain, mut to) = (chain, seq);
        loop {
            let from = self.chains[chain].first();
            path.push(Segment { chain, from, to });
            match self.chains[chain].parent {
                Some((parent, seq)) => (chain, to) = (parent, seq),
                None => break,
            }
        }
        path.reverse();
        path
    }

    /// Positions along the longest branches, ever sparser towards the root: enough for anybody who shares a prefix to
    /// find one that is at most twice as far from the end as need be. Highest first, and always the root.
    pub fn samples<S: Store>(&self, store: &mut S, max: usize) -> Result<Vec<index::Tip>, S::Error> {
        let mut samples = BTreeSet::new();
        let mut longest: Vec<(u64, usize)> =
            self.chains.iter().enumerate().filter_map(|(i, c)| c.tip.as_ref().map(|t| (t.seq, i))).collect();
        longest.sort_unstable_by(|a, b| b.cmp(a));
        for (tip, i) in longest.into_iter().take(MAX_SAMPLED) {
            let path = self.path(i, tip);
            let mut back = 0u64;
            loop {
                let seq = tip.saturating_sub(back);
                let segment = path.iter().find(|s| (s.from..=s.to).contains(&seq)).expect("the path has no gap");
                if let Some(id) = store.id_at(self.chains[segment.chain].no, seq)? {
                    samples.insert(index::Tip { seq, id });
                }
                if samples.len() >= max {
                    return Ok(samples.into_iter().rev().collect());
                }
                if seq == 0 {
                    break;
                }
                // The root comes before the last free place is taken.
                back = match back {
                    _ if samples.len() + 1 == max => tip,
                    0 => 1,
                    back => back.saturating_mul(2),
                };
            }
        }
        Ok(samples.into_iter().rev().collect())
    }
}
