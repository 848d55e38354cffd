//! What of the group's entries counts: the fold's word on each, and what changes when it changes its mind.
//!
//! An entry that does not count is stored like every other and withheld from the views. Whether one counts is a function of the
//! set of entries: the author's rights and cuts, the quota, single words of admins, and whether something that counts
//! builds on it. When something that was folded counts no longer, the views are made anew.

use std::collections::BTreeSet;

use super::chains::Log;
use super::group::Group;
use super::store::{ChainNo, Reading, Store, Stored};
use crate::log::header::Header;
use crate::membership::Verdict;
use crate::model::action::{Action, Class, GroupKind, ReadError};
use crate::model::id::{EntryId, LogId};

/// Most entries of a group that are stored and do not count.
pub(super) const MAX_WITHHELD: usize = 50_000;
/// Entries, and bytes of bodies, that are read at once.
const BLOCK: usize = 256;
const BLOCK_BYTES: usize = 4 << 20;
/// Up to this many control entries the fold is made anew at once; beyond, a little later, in milliseconds per so many entries, at most.
const QUICK: usize = 256;
/// In a group of fewer entries what was withheld is looked at again at once; else this much later, in milliseconds.
pub(super) const QUICK_LIFT: u64 = 2_000;
pub(super) const LIFT_MS: u64 = 2_000;
const MAX_DELAY_MS: u64 = 1_000;

impl Group {
    /// Reads all control entries when the group is loaded.
    pub fn load_membership<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        for key in store.epoch_keys(self.id())? {
            self.keys.hold(crate::log::seal::Key::new(key));
        }
        for stored in store.control_entries(self.id())? {
            let action = self.keys.open(&stored.header, &stored.body).ok();
            if let Some(action) = &action {
                self.remember_keys(action);
            }
            let action = introduces_at_the_beginning(&stored.header, action.as_ref());
            self.acts.add(stored.id, stored.header.log, &stored.header.control_heads, action);
        }
        self.members = self.acts.fold();
        if self.members.kind() == Some(GroupKind::Closed) {
            self.keys.close();
        }
        let logs: Vec<LogId> = self.logs.keys().copied().collect();
        for log in logs {
            let limits = self.limits(store, log)?;
            let chains = self.logs.get_mut(&log).map(|l| l.chains.iter_mut());
            chains.into_iter().flatten().zip(limits).for_each(|(chain, below)| chain.below = below);
        }
        self.lift_at = self.withheld.keys().next().map(|_| 0);
        if store.is_stale(self.id())? {
            self.read_all(store)?;
            store.set_stale(self.id(), false)?;
        }
        Ok(())
    }

    /// Learns a new control entry.
    pub fn learn<S: Store>(
        &mut self,
        store: &mut S,
        now: u64,
        id: EntryId,
        header: &Header,
        action: Option<&Action>,
    ) -> Result<(), S::Error> {
        if let Some(action) = action {
            self.remember_keys(action);
        }
        if let Some(Action::Genesis(genesis)) = action
            && self.row.kind.is_none()
        {
            self.row.kind = Some(genesis.kind);
            store.put_group(&self.row)?;
        }
        let action = introduces_at_the_beginning(header, action);
        self.acts.add(id, header.log, &header.control_heads, action);
        let delay = if self.acts.len() < QUICK { 0 } else { (self.acts.len() as u64 / 16).min(MAX_DELAY_MS) };
        if delay > 0 && self.fold_at.is_none() {
            // Until then the views may be ahead of what counts: a restart makes them anew.
            store.set_stale(self.id(), true)?;
        }
        self.fold_at.get_or_insert(now + delay);
        Ok(())
    }

    /// Whether an entry of a chain counts, before what builds on it is looked at.
    pub fn counts(&self, header: &Header, chain: usize, id: EntryId) -> bool {
        if header.class == Class::Control {
            return true;
        }
        let below = self.logs.get(&header.log).and_then(|log| log.chains.get(chain)).map_or(u64::MAX, |c| c.below);
        !self.members.hidden().contains(&id) && (header.seq < below || self.members.is_accepted(id))
    }

    /// Whether there is no room for another entry that does not count. Of control entries, which a fold looks at in any case, a
    /// removed log has room for as many beyond its cut.
    pub fn is_over_full(&self, header: &Header, place: super::chains::Place) -> bool {
        let super::chains::Place::Append(chain) = place else { return false };
        let Some(chain) = self.logs.get(&header.log).and_then(|l| l.chains.get(chain)) else { return false };
        match header.class {
            Class::Content => self.withheld.len() >= MAX_WITHHELD && header.seq >= chain.below,
            Class::Control => {
                header.seq >= chain.below.saturating_add(MAX_WITHHELD as u64)
                    && matches!(self.members.verdict(chain.person, header.log), Verdict::UpTo(_))
            }
        }
    }

    /// Below which seq the entries of each chain of a log count.
    fn limits<S: Store>(&self, store: &mut S, id: LogId) -> Result<Vec<u64>, S::Error> {
        let Some(log) = self.logs.get(&id) else { return Ok(vec![]) };
        let quota = self.members.quota();
        let mut limits = vec![u64::MAX; log.chains.len()];
        if self.is_settled() {
            for (chain, limit) in log.chains.iter().zip(&mut limits) {
                if let Verdict::UpTo(_) = self.members.verdict(chain.person, id) {
                    *limit = 0;
                }
            }
            let person = log.chains.first().map_or(id.into(), |c| c.person);
            if let Verdict::UpTo(cuts) = self.members.verdict(person, id) {
                for cut in cuts {
                    match log.find(store, cut.seq, cut.id)? {
                        Some(chain) => {
                            for segment in log.path(chain, cut.seq) {
                                limits[segment.chain] = limits[segment.chain].max(segment.to + 1);
                            }
                        }
                        // The accepted tip has not come: what is here of an unforked log lies below it.
                        None if log.chains.len() == 1 && log.chains[0].tip.as_ref().is_none_or(|t| t.seq < cut.seq) => {
                            limits[0] = limits[0].max(cut.seq + 1);
                        }
                        None => {}
                    }
                }
            }
        }
        for (chain, limit) in log.chains.iter().zip(&mut limits) {
            if quota.entries > 0 {
                *limit = (*limit).min(quota.entries);
            }
            if quota.bytes > 0
                && let Some(seq) = store.reach(chain.no, quota.bytes)?
            {
                *limit = (*limit).min(seq);
            }
        }
        Ok(limits)
    }

    /// The limit of a chain that was just begun.
    pub fn limit_of_new(&self, id: LogId, chain: usize) -> u64 {
        let Some(chain) = self.logs.get(&id).and_then(|log| log.chains.get(chain)) else { return u64::MAX };
        let all = !self.is_settled() || self.members.verdict(chain.person, id) == Verdict::All;
        let quota = self.members.quota().entries;
        match (all, quota) {
            (false, _) => 0,
            (true, 0) => u64::MAX,
            (true, quota) => quota,
        }
    }

    /// Folds the control entries that came, and carries out what follows for the views. True when anything came.
    pub fn settle<S: Store>(&mut self, store: &mut S, now: u64) -> Result<bool, S::Error> {
        if self.fold_at.take().is_none() {
            return Ok(false);
        }
        let before = std::mem::replace(&mut self.members, self.acts.fold());
        if self.members.kind() == Some(GroupKind::Closed) {
            self.keys.close();
        }
        self.take_keys(store)?;
        let mut shrunk = !self.members.hidden().is_subset(before.hidden());
        let mut grown = vec![];
        let logs: Vec<LogId> = self.logs.keys().copied().collect();
        for id in logs {
            let limits = self.limits(store, id)?;
            let Some(log) = self.logs.get_mut(&id) else { continue };
            for (i, (chain, below)) in log.chains.iter_mut().zip(limits).enumerate() {
                let top = chain.tip.as_ref().map_or(0, |t| t.seq + 1);
                let (first, old) = (chain.first(), std::mem::replace(&mut chain.below, below));
                shrunk |= below.max(first) < old.min(top);
                if below > old {
                    grown.push((id, i, old.max(first), below.min(top)));
                }
            }
        }
        if shrunk {
            self.read_all(store)?;
        } else {
            for (log, chain, from, to) in grown {
                self.restore_range(store, log, chain, from, to)?;
            }
            let words: BTreeSet<EntryId> = self
                .members
                .accepted()
                .difference(before.accepted())
                .chain(before.hidden().difference(self.members.hidden()))
                .copied()
                .collect();
            self.restore(store, words.into_iter().collect(), false)?;
        }
        self.read_waiting(store)?;
        if self.acts.len() >= QUICK {
            store.set_stale(self.id(), false)?;
        }
        self.duty_at = Some(self.duty_at.map_or(now, |at| at.min(now)));
        Ok(true)
    }

    /// Reads what could not be read before, when keys came.
    pub fn read_waiting<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        if !std::mem::take(&mut self.keyring.fresh) {
            return Ok(());
        }
        for (chain, seq) in store.unread(self.id())? {
            let Some(entry) = store.entries(self.id(), chain, seq, 1, usize::MAX, true)?.pop() else { continue };
            if self.keys.body_key(entry.header.class, entry.header.epoch).is_some() {
                let action = self.read_one(store, chain, &entry)?;
                if let Some(action) = action {
                    self.lift(store, &action)?;
                }
            }
        }
        Ok(())
    }

    /// Opens a stored entry that counts, and folds it.
    fn read_one<S: Store>(
        &mut self,
        store: &mut S,
        chain: ChainNo,
        entry: &Stored,
    ) -> Result<Option<Action>, S::Error> {
        let person = self.person_of_chain(entry.header.log, chain);
        let action = self.keys.open(&entry.header, &entry.body);
        let reading = match &action {
            Ok(action) => Reading::Action(action),
            Err(ReadError::NoKey | ReadError::Unknown { .. }) => Reading::Later,
            Err(_) => Reading::Never,
        };
        store.read_again(self.id(), chain, entry, person, &reading)?;
        Ok(action.ok())
    }

    fn person_of_chain(&self, log: LogId, chain: ChainNo) -> crate::model::id::PersonId {
        let found = self.logs.get(&log).and_then(|l| l.chains.iter().find(|c| c.no == chain));
        found.map_or(log.into(), |c| c.person)
    }

    /// Lets withheld entries of a stretch count again.
    fn restore_range<S: Store>(
        &mut self,
        store: &mut S,
        log: LogId,
        chain: usize,
        from: u64,
        to: u64,
    ) -> Result<(), S::Error> {
        let Some(no) = self.logs.get(&log).and_then(|l| l.chains.get(chain)).map(|c| c.no) else { return Ok(()) };
        let within = |at: &&(ChainNo, u64)| at.0 == no && (from..to).contains(&at.1);
        let ids: Vec<EntryId> = self.withheld.iter().filter(|(_, at)| within(at)).map(|(id, _)| *id).collect();
        self.restore(store, ids, false)
    }

    /// What counts builds on withheld entries: these count as well, or it would hang in the air.
    pub fn lift<S: Store>(&mut self, store: &mut S, action: &Action) -> Result<(), S::Error> {
        if self.withheld.is_empty() {
            return Ok(());
        }
        let ids: Vec<EntryId> = action.builds_on().filter(|id| self.withheld.contains_key(id)).collect();
        self.restore(store, ids, true)
    }

    /// Looks through everything that counts for what it builds on among the withheld entries.
    pub fn lift_all<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        self.lift_at = None;
        let chains: Vec<(ChainNo, u64)> =
            self.logs.values().flat_map(|l| l.chains.iter().map(|c| (c.no, c.first()))).collect();
        let mut built_on: BTreeSet<EntryId> = BTreeSet::new();
        for (chain, first) in chains {
            let mut from = first;
            while !self.withheld.is_empty() {
                let block = store.entries(self.id(), chain, from, BLOCK, BLOCK_BYTES, true)?;
                let Some(last) = block.last() else { break };
                from = last.header.seq + 1;
                let content = block.iter().filter(|e| e.header.class == Class::Content);
                for entry in content.filter(|e| !self.withheld.contains_key(&e.id)) {
                    if let Ok(action) = self.keys.open(&entry.header, &entry.body) {
                        built_on.extend(action.builds_on().filter(|id| self.withheld.contains_key(id)));
                    }
                }
            }
        }
        self.restore(store, built_on.into_iter().collect(), true)
    }

    /// Folds withheld entries, and what they build on. What is hidden stays hidden.
    fn restore<S: Store>(&mut self, store: &mut S, ids: Vec<EntryId>, lifted: bool) -> Result<(), S::Error> {
        let mut next = ids;
        while let Some(id) = next.pop() {
            if self.members.hidden().contains(&id) {
                continue;
            }
            let Some((chain, seq)) = self.withheld.get(&id).copied() else { continue };
            let Some(entry) = store.entries(self.id(), chain, seq, 1, usize::MAX, true)?.pop() else { continue };
            let index = self.logs.get(&entry.header.log).and_then(|l| l.chains.iter().position(|c| c.no == chain));
            let counts = index.is_some_and(|index| self.counts(&entry.header, index, id));
            if !counts && !lifted {
                continue;
            }
            self.withheld.remove(&id);
            if !counts {
                self.lifted.insert(id);
            }
            if let Some(action) = self.read_one(store, chain, &entry)? {
                let below: Vec<EntryId> = action.builds_on().filter(|id| self.withheld.contains_key(id)).collect();
                if lifted {
                    next.extend(below);
                } else {
                    self.restore(store, below, true)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the views of the group anew.
    pub fn read_all<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        store.clear_views(self.id())?;
        self.withheld.clear();
        self.lifted.clear();
        let mut built_on: BTreeSet<EntryId> = BTreeSet::new();
        let of_log = |(log, l): (&LogId, &Log)| -> Vec<_> {
            l.chains.iter().enumerate().map(|(i, c)| (*log, i, c.no, c.first())).collect()
        };
        let chains: Vec<(LogId, usize, ChainNo, u64)> = self.logs.iter().flat_map(of_log).collect();
        for (log, index, chain, first) in chains {
            let mut from = first;
            loop {
                let block = store.entries(self.id(), chain, from, BLOCK, BLOCK_BYTES, true)?;
                let Some(last) = block.last() else { break };
                from = last.header.seq + 1;
                for entry in block {
                    if self.counts(&entry.header, index, entry.id) {
                        if let Some(action) = self.read_one(store, chain, &entry)? {
                            built_on.extend(action.builds_on());
                        }
                    } else {
                        let person = self.person_of_chain(log, chain);
                        store.read_again(self.id(), chain, &entry, person, &Reading::Withheld)?;
                        self.withheld.insert(entry.id, (chain, entry.header.seq));
                    }
                }
            }
        }
        let lift: Vec<EntryId> = built_on.into_iter().filter(|id| self.withheld.contains_key(id)).collect();
        self.restore(store, lift, true)
    }
}

/// Whose a log is, its first entry says, or the founder's second: who writes another endorsement later changes nothing.
fn introduces_at_the_beginning<'a>(header: &Header, action: Option<&'a Action>) -> Option<&'a Action> {
    action.filter(|action| header.seq <= 1 || !matches!(action, Action::Endorse(_)))
}
