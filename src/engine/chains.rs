//! The branches of one log, and where an entry belongs among them.

use super::store::{ChainNo, ChainRow, Store, Tip};
use crate::model::id::{EntryId, PersonId};
use crate::sync::index;

/// One branch of a log.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub no: ChainNo,
    /// Index of the branch it leaves, and the last seq that both share.
    pub parent: Option<(usize, u64)>,
    pub person: PersonId,
    pub tip: Option<Tip>,
    pub dirty: bool,
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
        for row in rows {
            let parent = row
                .parent
                .and_then(|(no, seq)| log.chains.iter().position(|c: &Chain| c.no == no).map(|parent| (parent, seq)));
            log.chains.push(Chain { no: row.chain, parent, person: row.person, tip: row.tip, dirty: false });
        }
        log
    }

    /// The tips of all branches.
    pub fn tips(&self) -> Vec<index::Tip> {
        self.chains.iter().filter_map(|c| c.tip.as_ref()).map(|t| index::Tip { seq: t.seq, id: t.id }).collect()
    }

    /// The chain that holds this very entry.
    pub fn find<S: Store>(&self, store: &mut S, seq: u64, id: EntryId) -> Result<Option<usize>, S::Error> {
        for (i, chain) in self.chains.iter().enumerate() {
            if !chain.spans(seq) {
                continue;
            }
            let is_tip = chain.tip.as_ref().is_some_and(|t| t.seq == seq && t.id == id);
            if is_tip || store.id_at(chain.no, seq)? == Some(id) {
                return Ok(Some(i));
            }
        }
        Ok(None)
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

    /// Positions along every branch, ever sparser towards the root: enough for anybody who shares a prefix to find it.
    pub fn samples<S: Store>(&self, store: &mut S, max: usize) -> Result<Vec<index::Tip>, S::Error> {
        let mut samples = std::collections::BTreeSet::new();
        for (i, chain) in self.chains.iter().enumerate() {
            let Some(tip) = &chain.tip else { continue };
            let path = self.path(i, tip.seq);
            let mut back = 0u64;
            loop {
                let seq = tip.seq.saturating_sub(back);
                let segment = path.iter().find(|s| (s.from..=s.to).contains(&seq)).expect("the path has no gap");
                if let Some(id) = store.id_at(self.chains[segment.chain].no, seq)? {
                    samples.insert(index::Tip { seq, id });
                }
                if seq == 0 {
                    break;
                }
                back = if back == 0 { 1 } else { back.saturating_mul(2) };
            }
        }
        let mut samples: Vec<_> = samples.into_iter().rev().collect();
        if samples.len() > max {
            let root = *samples.last().expect("not empty");
            samples.truncate(max - 1);
            samples.push(root);
        }
        Ok(samples)
    }
}
