//! What nobody else is known to hold.
//!
//! An entry of somebody else came from somewhere. An own one is held elsewhere once a member said so: in a comparison that found both
//! equal, or that named it or something built on it. It is what was told then, by whoever may read the group; whether that node still
//! has it nobody can know. What is not held elsewhere is the end of an own log, so one number per branch says it all.

use super::Engine;
use super::group::Group;
use super::store::{ChainNo, Store, Stored};
use crate::model::action::Action;
use crate::model::id::{EntryId, GroupId, LogId};
use crate::sync::index::{self, Key, Range};

/// Most bytes of bodies that are read at a time.
const SLICE_BYTES: usize = 1 << 20;

/// An entry that nobody else is known to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlyHere {
    /// The entry.
    pub entry: EntryId,
    /// The own log that it stands in.
    pub log: LogId,
    /// When it was written, Unix milliseconds.
    pub time_ms: u64,
    /// What it says, as far as it reads here.
    pub action: Option<Action>,
}

impl OnlyHere {
    /// Whether it would be missed. Who has just founded or joined a group has said who they are, and what goes with that.
    #[must_use]
    pub fn is_work(&self) -> bool {
        use Action as A;
        let says_who = matches!(
            self.action,
            Some(
                A::Genesis(_)
                    | A::Endorse(_)
                    | A::Invite(_)
                    | A::Request(_)
                    | A::Accept(_)
                    | A::Epoch(_)
                    | A::Seals(_)
                    | A::AskKeys(_)
                    | A::Profile(_)
                    | A::DeviceName(_)
                    | A::GroupName(_)
            )
        );
        !says_who
    }
}

impl Group {
    /// Somebody else holds everything here of this range of tips.
    pub(super) fn agreed(&mut self, range: Range) {
        for log in self.own.clone() {
            let tips: Vec<index::Tip> =
                self.index.tips(log).filter(|t| range.contains(Key { log, id: t.id })).collect();
            tips.into_iter().for_each(|tip| self.held_elsewhere(log, tip));
        }
    }

    /// Somebody else holds this tip of a log of ours, and with it everything below.
    pub(super) fn held_elsewhere(&mut self, log: LogId, tip: index::Tip) {
        if !self.is_own(log) {
            return;
        }
        let chains = self.logs.get(&log).map_or(&[][..], |log| &log.chains);
        let is_tip = |t: &super::store::Tip| (t.seq, t.id) == (tip.seq, tip.id);
        if let Some(chain) = chains.iter().position(|c| c.tip.as_ref().is_some_and(is_tip)) {
            self.held_up_to(log, chain, tip.seq);
        }
    }

    /// Somebody else holds this branch of a log of ours up to a seq, and so what it branched off from.
    pub(super) fn held_up_to(&mut self, log: LogId, chain: usize, seq: u64) {
        let Some(log) = self.logs.get_mut(&log) else { return };
        let mut next = Some((chain, seq));
        while let Some((chain, seq)) = next {
            let chain = &mut log.chains[chain];
            if chain.elsewhere.is_some_and(|before| before >= seq) {
                return;
            }
            chain.elsewhere = Some(seq);
            chain.moved = true;
            next = chain.parent;
        }
    }

    /// The stretches of own branches that nobody else is known to hold: branch, first seq, last seq.
    pub(super) fn only_here(&self) -> impl Iterator<Item = (LogId, ChainNo, u64, u64)> + '_ {
        let chains = self.own.iter().filter_map(|log| Some((*log, self.logs.get(log)?)));
        chains.flat_map(|(id, log)| {
            log.chains.iter().filter_map(move |chain| {
                let first = chain.elsewhere.map_or(0, |seq| seq + 1).max(chain.first());
                let last = chain.tip.as_ref()?.seq;
                (first <= last).then_some((id, chain.no, first, last))
            })
        })
    }
}

impl<S: Store> Engine<S> {
    /// How many entries of a group nobody else is known to hold, and when the oldest of them was written.
    ///
    /// # Errors
    /// When the store fails.
    pub fn only_here_count(&mut self, id: GroupId) -> Result<(u64, Option<u64>), S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok((0, None)) };
        let (mut count, mut since) = (0, None::<u64>);
        for (_, chain, first, last) in group.only_here() {
            count += last - first + 1;
            let oldest = self.store.entries(id, chain, first, 1, 0, false)?;
            let written = oldest.first().map(|entry| entry.header.time.millis());
            since = since.into_iter().chain(written).min();
        }
        Ok((count, since))
    }

    /// Entries of a group that nobody else is known to hold: at most `most`, each log's in its order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn only_here(&mut self, id: GroupId, most: usize) -> Result<Vec<OnlyHere>, S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(vec![]) };
        let mut out: Vec<OnlyHere> = vec![];
        for (log, chain, first, last) in group.only_here() {
            let mut next = first;
            while next <= last && out.len() < most {
                let some = self.store.entries(id, chain, next, most - out.len(), SLICE_BYTES, true)?;
                let Some(end) = some.last().map(|entry| entry.header.seq) else { break };
                next = end + 1;
                out.extend(some.into_iter().filter(|e| e.header.seq <= last).map(|entry| {
                    let Stored { id, header, body, .. } = entry;
                    OnlyHere {
                        entry: id,
                        log,
                        time_ms: header.time.millis(),
                        action: group.keys.open(&header, &body).ok(),
                    }
                }));
            }
        }
        Ok(out)
    }
}
