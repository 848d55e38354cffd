//! What is held, for whom no stream reaches: the same messages as on a sync stream, for a file.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::Engine;
use super::chains::Segment;
use super::serve::Sending;
use super::store::{ChainNo, Store};
use crate::model::id::{GroupId, LogId};
use crate::sync::index::Tip;
use crate::sync::message::{MAX_HAVE, Message};

/// What somebody holds, in terms of what is stored here: how far into each branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// By log and branch, the first seq that is not held. Bounded by the branches that are stored here.
    below: BTreeMap<(LogId, ChainNo), u64>,
}

/// An export under way.
#[derive(Debug)]
pub struct Export {
    group: GroupId,
    parts: VecDeque<Part>,
    sending: Option<(ChainNo, Sending)>,
    /// How many entries were to be exported when it began.
    pub planned: u64,
    /// How many logs it has something of.
    pub logs: u64,
}

/// The rest of one branch.
#[derive(Debug)]
struct Part {
    log: LogId,
    chain: ChainNo,
    from: u64,
}

impl<S: Store> Engine<S> {
    /// The next log after `after` (none: the first one) with positions that are held here: all its tips, and more of them
    /// ever sparser towards the root. `None` behind the last log, or when the node is not in the group.
    ///
    /// # Errors
    /// When the store fails.
    pub fn positions(&mut self, group: GroupId, after: Option<LogId>) -> Result<Option<(LogId, Vec<Tip>)>, S::Error> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let group = self.groups.get(&group);
        let Some((id, log)) = group.and_then(|g| g.logs.range((from, Bound::Unbounded)).next()) else {
            return Ok(None);
        };
        let mut positions: Vec<Tip> = log.tips().chain(log.samples(&mut self.store, MAX_HAVE)?).collect();
        positions.sort_unstable_by(|a, b| b.cmp(a));
        positions.dedup();
        Ok(Some((*id, positions)))
    }

    /// Notes that somebody holds these entries of a log, and so everything below them. What is not known here says nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_held(
        &mut self,
        held: &mut Held,
        group: GroupId,
        log: LogId,
        positions: &[Tip],
    ) -> Result<(), S::Error> {
        let Some(chains) = self.groups.get(&group).and_then(|g| g.logs.get(&log)) else { return Ok(()) };
        let mut positions: Vec<&Tip> = positions.iter().collect();
        positions.sort_unstable_by(|a, b| b.cmp(a));
        for tip in positions {
            let Some(chain) = chains.find(&mut self.store, tip.seq, tip.id)? else { continue };
            for segment in chains.path(chain, tip.seq) {
                let below = held.below.entry((log, chains.chains[segment.chain].no)).or_default();
                *below = (*below).max(segment.to + 1);
            }
            // What lies below it says nothing new unless there are other branches.
            if chains.chains.len() == 1 {
                break;
            }
        }
        Ok(())
    }

    /// Begins to export what somebody lacks who holds `held`; everything when that is nothing. `None` when the node is not
    /// in the group.
    #[must_use]
    pub fn export(&self, group: GroupId, held: &Held) -> Option<Export> {
        let mut export = Export { group, parts: VecDeque::new(), sending: None, planned: 0, logs: 0 };
        // In the order in which the branches came: who was let in comes after whoever let them in, and a branch after
        // what it leaves.
        let mut logs: Vec<_> = self.groups.get(&group)?.logs.iter().collect();
        logs.sort_unstable_by_key(|(_, log)| log.chains.first().map(|c| c.no));
        for (id, log) in logs {
            let before = export.planned;
            for chain in &log.chains {
                let Some(tip) = &chain.tip else { continue };
                let from = held.below.get(&(*id, chain.no)).copied().unwrap_or(0).max(chain.first());
                if from <= tip.seq {
                    export.planned += tip.seq + 1 - from;
                    export.parts.push_back(Part { log: *id, chain: chain.no, from });
                }
            }
            export.logs += u64::from(export.planned > before);
        }
        Some(export)
    }

    /// The next run, or the next bodies of it; `None` at the end. What is written meanwhile may come along.
    ///
    /// # Errors
    /// When the store fails.
    pub fn export_next(&mut self, export: &mut Export) -> Result<Option<Message>, S::Error> {
        // What is coming in on a stream right now is exported as well.
        self.prove_tips();
        let Some(group) = self.groups.get(&export.group) else { return Ok(None) };
        loop {
            if let Some((no, sending)) = &mut export.sending {
                // The group may have been left and joined again meanwhile.
                let same = group.logs.get(&sending.log()).and_then(|log| log.chains.get(sending.chain()));
                if same.is_some_and(|chain| chain.no == *no)
                    && let Some(message) = sending.next(&mut self.store, group)?
                {
                    return Ok(Some(message));
                }
                export.sending = None;
            }
            let Some(Part { log, chain, from }) = export.parts.pop_front() else { return Ok(None) };
            let chains = group.logs.get(&log).map_or(&[][..], |log| &log.chains);
            // A log's branches stand in the order of their numbers.
            let found = chains.binary_search_by_key(&chain, |c| c.no).ok();
            if let Some((i, tip)) = found.and_then(|i| Some((i, chains[i].tip.as_ref()?))) {
                let segment = Segment { chain: i, from, to: tip.seq };
                export.sending = Some((chain, Sending::part(log, segment)));
            }
        }
    }
}
