//! A store in memory, transactional: what was not committed is gone after a crash, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::views::Views;
use crate::engine::store::{Append, ChainNo, ChainRow, GroupRow, Kept as Waiting, Reading, Store, Stored, Tip};
use crate::log::keys::verify_entry;
use crate::log::run::{Run, is_signature_point};
use crate::model::action::{Action, Class};
use crate::model::id::{EntryId, EpochId, GroupId, LogId, PersonId};
use crate::model::wire::Reader;

/// A node's store in memory. A clone is a copy of the data directory.
#[derive(Debug, Clone, Default)]
pub struct MemStore {
    groups: BTreeMap<GroupId, GroupRow>,
    chains: BTreeMap<ChainNo, Chain>,
    views: BTreeMap<GroupId, Views>,
    no_views: Views,
    next_chain: u64,
    /// The keys of epochs, and own writes that wait for one.
    epoch_keys: BTreeMap<GroupId, BTreeMap<EpochId, [u8; 32]>>,
    waiting: BTreeMap<GroupId, Vec<Waiting>>,
    stale: BTreeSet<GroupId>,
    /// How to undo what the open transaction did, newest last.
    undo: Option<Vec<Undo>>,
}

#[derive(Debug, Clone)]
struct Chain {
    group: GroupId,
    row: ChainRow,
    entries: Vec<Kept>,
}

#[derive(Debug, Clone)]
struct Kept {
    stored: Stored,
    read: Read,
}

/// How an entry reads.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    Folded(Box<Action>),
    Later,
    Never,
    Withheld,
}

impl Read {
    fn of(reading: &Reading<'_>) -> Self {
        match reading {
            Reading::Action(action) => Self::Folded(Box::new((*action).clone())),
            Reading::Later => Self::Later,
            Reading::Never => Self::Never,
            Reading::Withheld => Self::Withheld,
        }
    }

    fn action(&self) -> Option<&Action> {
        if let Self::Folded(action) = self { Some(action) } else { None }
    }
}

#[derive(Debug, Clone)]
enum Undo {
    Group(GroupId, Option<GroupRow>),
    Removed(GroupId, GroupRow, BTreeMap<ChainNo, Chain>, Views),
    Chain(ChainNo),
    Append(ChainNo),
    Tip(ChainNo, Option<Tip>),
    Elsewhere(ChainNo, Option<u64>),
    /// Everything as it was before something that is not undone step by step.
    All(Box<MemStore>),
}

impl MemStore {
    /// Opens a transaction.
    ///
    /// # Panics
    /// When one is open.
    pub fn begin(&mut self) {
        assert!(self.undo.is_none(), "one transaction at a time");
        self.undo = Some(vec![]);
    }

    /// Makes what was written durable.
    ///
    /// # Panics
    /// When a chain that was written to has a tip that nothing proves: the engine broke its contract.
    pub fn commit(&mut self) {
        for undo in self.undo.take().expect("a transaction is open") {
            if let Undo::Append(no) | Undo::Chain(no) = undo
                && let Some(chain) = self.chains.get(&no)
            {
                let last = chain.entries.last().map(|e| (e.stored.header.seq, e.stored.id));
                let tip = chain.row.tip.as_ref();
                assert_eq!(tip.map(|t| (t.seq, t.id)), last, "the tip is the last entry");
                assert!(tip.is_some_and(|t| t.signature.is_some() || t.pending.is_some()), "the tip is authentic");
            }
        }
    }

    /// Forgets what was written since [`MemStore::begin`]; nothing when no transaction is open.
    pub fn rollback(&mut self) {
        let mut undo = self.undo.take().unwrap_or_default();
        if let Some(first) = undo.iter().position(|u| matches!(u, Undo::All(_))) {
            undo.truncate(first + 1);
        }
        for undo in undo.into_iter().rev() {
            match undo {
                Undo::All(before) => *self = *before,
                Undo::Group(id, None) => drop(self.groups.remove(&id)),
                Undo::Group(id, Some(row)) => drop(self.groups.insert(id, row)),
                Undo::Removed(id, row, chains, views) => {
                    self.groups.insert(id, row);
                    self.chains.extend(chains);
                    self.views.insert(id, views);
                }
                Undo::Chain(no) => drop(self.chains.remove(&no)),
                Undo::Tip(no, tip) => self.chain(no).row.tip = tip,
                Undo::Elsewhere(no, seq) => self.chain(no).row.elsewhere = seq,
                Undo::Append(no) => {
                    let chain = self.chains.get_mut(&no).expect("it was appended to");
                    let kept = chain.entries.pop().expect("an entry was appended");
                    if let (Some(action), Some(views)) = (kept.read.action(), self.views.get_mut(&chain.group)) {
                        views.unfold(kept.stored.id, kept.stored.header.time, chain.row.person, action);
                    }
                }
            }
        }
    }

    /// The views of a group as they were folded, entry by entry.
    #[must_use]
    pub fn views(&self, group: GroupId) -> &Views {
        self.views.get(&group).unwrap_or(&self.no_views)
    }

    /// The views of a group folded anew, in another order: ascending by entry id.
    #[must_use]
    pub fn rebuilt_views(&self, group: GroupId) -> Views {
        let of_group = self.chains.values().filter(|c| c.group == group);
        let mut all: Vec<(&Kept, PersonId)> =
            of_group.flat_map(|c| c.entries.iter().map(|e| (e, c.row.person))).collect();
        all.sort_by_key(|(kept, _)| kept.stored.id);
        let mut views = Views::default();
        for (kept, person) in all {
            if let Some(action) = kept.read.action() {
                views.fold(kept.stored.id, kept.stored.header.time, person, action);
            }
        }
        views
    }

    /// The groups, ascending.
    #[must_use]
    pub fn group_ids(&self) -> Vec<GroupId> {
        self.groups.keys().copied().collect()
    }

    /// The ids of all entries of a group, ascending.
    #[must_use]
    pub fn entry_ids(&self, group: GroupId) -> std::collections::BTreeSet<EntryId> {
        let of_group = self.chains.values().filter(|c| c.group == group);
        of_group.flat_map(|c| c.entries.iter().map(|e| e.stored.id)).collect()
    }

    /// Checks everything that a store on disk must keep true.
    ///
    /// # Errors
    /// What is wrong.
    pub fn verify(&self) -> Result<(), String> {
        self.chains.iter().try_for_each(|(no, chain)| self.verify_chain(chain).map_err(|e| format!("{no:?}: {e}")))
    }

    fn verify_chain(&self, chain: &Chain) -> Result<(), String> {
        let (mut seq, mut prev) = match chain.row.parent {
            None => (0, EntryId::ZERO),
            Some((parent, at)) => {
                let id = self.chains.get(&parent).and_then(|p| p.at(at)).ok_or("its parent lacks the shared entry")?;
                (at + 1, id.stored.id)
            }
        };
        for Kept { stored, .. } in &chain.entries {
            if (stored.header.seq, stored.header.prev, stored.header.log) != (seq, prev, chain.row.log) {
                return Err(format!("broken chain at {seq}"));
            }
            if stored.header.id() != stored.id || *blake3::hash(&stored.body).as_bytes() != stored.header.body_hash {
                return Err(format!("a wrong hash at {seq}"));
            }
            match stored.signature {
                Some(signature) => verify_entry(chain.row.log, stored.id, &signature).map_err(|e| e.to_string())?,
                None if is_signature_point(seq) => return Err(format!("no signature kept at {seq}")),
                None => {}
            }
            (seq, prev) = (seq + 1, stored.id);
        }
        let tip = chain.row.tip.as_ref().ok_or("a chain without a tip")?;
        if (tip.seq + 1, tip.id) != (seq, prev) {
            return Err("the tip is not the last entry".into());
        }
        match (&tip.signature, &tip.pending) {
            (Some(signature), _) => verify_entry(chain.row.log, tip.id, signature).map_err(|e| e.to_string()),
            (None, Some(pending)) => {
                let run = Run::decode(Reader::new(pending)).map_err(|e| e.to_string())?;
                let headers = run.verify(chain.group).map_err(|e| e.to_string())?;
                if headers[0].header.prev == tip.id { Ok(()) } else { Err("a pending run of other entries".into()) }
            }
            (None, None) => Err("nothing proves the tip".into()),
        }
    }

    fn chain(&mut self, no: ChainNo) -> &mut Chain {
        self.chains.get_mut(&no).expect("the engine names only chains that exist")
    }

    fn reading_as<'a>(&'a self, group: GroupId, read: &'a Read) -> impl Iterator<Item = (ChainNo, &'a Kept)> {
        let of_group = self.chains.iter().filter(move |(_, c)| c.group == group);
        of_group.flat_map(|(no, c)| c.entries.iter().map(|e| (*no, e))).filter(move |(_, e)| e.read == *read)
    }

    /// Remembers everything as it is, once per transaction.
    fn snapshot(&mut self) {
        if self.undo.as_ref().is_some_and(|undo| !undo.iter().any(|u| matches!(u, Undo::All(_)))) {
            let undo = self.undo.take();
            let before = Box::new(self.clone());
            self.undo = undo;
            self.note(Undo::All(before));
        }
    }

    fn note(&mut self, undo: Undo) {
        if let Some(log) = &mut self.undo {
            log.push(undo);
        }
    }
}

impl Chain {
    fn at(&self, seq: u64) -> Option<&Kept> {
        let first = self.row.parent.map_or(0, |(_, at)| at + 1);
        self.entries.get(usize::try_from(seq.checked_sub(first)?).ok()?)
    }
}

impl Store for MemStore {
    type Error = Infallible;

    fn groups(&mut self) -> Result<Vec<GroupRow>, Infallible> {
        Ok(self.groups.values().cloned().collect())
    }

    fn put_group(&mut self, group: &GroupRow) -> Result<(), Infallible> {
        let before = self.groups.insert(group.id, group.clone());
        self.note(Undo::Group(group.id, before));
        Ok(())
    }

    fn remove_group(&mut self, group: GroupId) -> Result<(), Infallible> {
        self.snapshot();
        self.epoch_keys.remove(&group);
        self.waiting.remove(&group);
        self.stale.remove(&group);
        let Some(row) = self.groups.remove(&group) else { return Ok(()) };
        let (gone, kept) = std::mem::take(&mut self.chains).into_iter().partition(|(_, c)| c.group == group);
        self.chains = kept;
        let views = self.views.remove(&group).unwrap_or_default();
        self.note(Undo::Removed(group, row, gone, views));
        Ok(())
    }

    fn chains(&mut self, group: GroupId) -> Result<Vec<ChainRow>, Infallible> {
        Ok(self.chains.values().filter(|c| c.group == group).map(|c| c.row.clone()).collect())
    }

    fn new_chain(
        &mut self,
        group: GroupId,
        log: LogId,
        parent: Option<(ChainNo, u64)>,
        person: PersonId,
    ) -> Result<ChainNo, Infallible> {
        let chain = ChainNo(self.next_chain);
        self.next_chain += 1;
        let row = ChainRow { chain, log, parent, person, tip: None, elsewhere: None };
        self.chains.insert(chain, Chain { group, row, entries: vec![] });
        self.note(Undo::Chain(chain));
        Ok(chain)
    }

    fn append(&mut self, group: GroupId, no: ChainNo, entry: &Append<'_>) -> Result<(), Infallible> {
        let read = Read::of(&entry.reading);
        let chain = self.chain(no);
        assert_eq!(chain.group, group, "a chain belongs to one group");
        let first = chain.row.parent.map_or(0, |(_, at)| at + 1);
        assert_eq!(entry.header.seq, first + chain.entries.len() as u64, "entries are appended in order");
        let stored = Stored {
            id: entry.id,
            header: entry.header.clone(),
            signature: entry.signature,
            body: entry.body.to_vec(),
        };
        chain.entries.push(Kept { stored, read });
        if let Reading::Action(action) = &entry.reading {
            self.views.entry(group).or_default().fold(entry.id, entry.header.time, entry.person, action);
        }
        self.note(Undo::Append(no));
        Ok(())
    }

    fn set_tip(&mut self, chain: ChainNo, tip: &Tip) -> Result<(), Infallible> {
        let before = self.chain(chain).row.tip.replace(tip.clone());
        self.note(Undo::Tip(chain, before));
        Ok(())
    }

    fn set_elsewhere(&mut self, chain: ChainNo, seq: u64) -> Result<(), Infallible> {
        let before = self.chain(chain).row.elsewhere.replace(seq);
        self.note(Undo::Elsewhere(chain, before));
        Ok(())
    }

    fn entries(
        &mut self,
        _group: GroupId,
        chain: ChainNo,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
        bodies: bool,
    ) -> Result<Vec<Stored>, Infallible> {
        let chain = self.chain(chain);
        let mut out: Vec<Stored> = vec![];
        let mut bytes = 0usize;
        let mut seq = from;
        while out.len() < max_entries
            && let Some(kept) = chain.at(seq)
        {
            bytes = bytes.saturating_add(kept.stored.body.len());
            if bodies && !out.is_empty() && bytes > max_bytes {
                break;
            }
            let body = if bodies { kept.stored.body.clone() } else { vec![] };
            out.push(Stored { body, ..kept.stored.clone() });
            seq += 1;
        }
        Ok(out)
    }

    fn id_at(&mut self, chain: ChainNo, seq: u64) -> Result<Option<EntryId>, Infallible> {
        Ok(self.chain(chain).at(seq).map(|kept| kept.stored.id))
    }

    fn control_entries(&mut self, group: GroupId) -> Result<Vec<Stored>, Infallible> {
        let of_group = self.chains.values().filter(|c| c.group == group);
        let control = of_group.flat_map(|c| &c.entries).filter(|e| e.stored.header.class == Class::Control);
        Ok(control.map(|e| e.stored.clone()).collect())
    }

    fn epoch_keys(&mut self, group: GroupId) -> Result<Vec<[u8; 32]>, Infallible> {
        Ok(self.epoch_keys.get(&group).into_iter().flat_map(|keys| keys.values().copied()).collect())
    }

    fn put_epoch_key(&mut self, group: GroupId, epoch: EpochId, key: [u8; 32]) -> Result<(), Infallible> {
        self.snapshot();
        self.epoch_keys.entry(group).or_default().insert(epoch, key);
        Ok(())
    }

    fn unread(&mut self, group: GroupId) -> Result<Vec<(ChainNo, u64)>, Infallible> {
        Ok(self.reading_as(group, &Read::Later).map(|(no, e)| (no, e.stored.header.seq)).collect())
    }

    fn withheld(&mut self, group: GroupId) -> Result<Vec<(EntryId, ChainNo, u64)>, Infallible> {
        let withheld = self.reading_as(group, &Read::Withheld);
        Ok(withheld.map(|(no, e)| (e.stored.id, no, e.stored.header.seq)).collect())
    }

    fn clear_views(&mut self, group: GroupId) -> Result<(), Infallible> {
        self.snapshot();
        self.views.remove(&group);
        Ok(())
    }

    fn read_again(
        &mut self,
        group: GroupId,
        no: ChainNo,
        entry: &Stored,
        person: PersonId,
        reading: &Reading<'_>,
    ) -> Result<(), Infallible> {
        self.snapshot();
        let chain = self.chain(no);
        let first = chain.row.parent.map_or(0, |(_, at)| at + 1);
        let at = usize::try_from(entry.header.seq - first).expect("the entry is stored");
        chain.entries[at].read = Read::of(reading);
        if let Reading::Action(action) = reading {
            self.views.entry(group).or_default().fold(entry.id, entry.header.time, person, action);
        }
        Ok(())
    }

    fn reach(&mut self, chain: ChainNo, bytes: u64) -> Result<Option<u64>, Infallible> {
        let mut sum = 0;
        Ok(self.chain(chain).entries.iter().find_map(|e| {
            sum += e.stored.body.len() as u64;
            (sum > bytes).then_some(e.stored.header.seq)
        }))
    }

    fn is_stale(&mut self, group: GroupId) -> Result<bool, Infallible> {
        Ok(self.stale.contains(&group))
    }

    fn set_stale(&mut self, group: GroupId, stale: bool) -> Result<(), Infallible> {
        if self.stale.contains(&group) != stale {
            self.snapshot();
            if stale {
                self.stale.insert(group)
            } else {
                self.stale.remove(&group)
            };
        }
        Ok(())
    }

    fn keep(&mut self, group: GroupId, kept: &Waiting) -> Result<(), Infallible> {
        self.snapshot();
        self.waiting.entry(group).or_default().push(kept.clone());
        Ok(())
    }

    fn kept(&mut self, group: GroupId) -> Result<Vec<Waiting>, Infallible> {
        Ok(self.waiting.get(&group).cloned().unwrap_or_default())
    }

    fn forget_kept(&mut self, group: GroupId) -> Result<(), Infallible> {
        self.snapshot();
        self.waiting.remove(&group);
        Ok(())
    }

    fn count(&mut self, group: GroupId) -> Result<u64, Infallible> {
        Ok(self.chains.values().filter(|c| c.group == group).map(|c| c.entries.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Identity};
    use crate::log::keys::LogKey;
    use crate::model::action::{GroupKind, Profile};
    use crate::model::id::Peer;

    #[test]
    fn a_rollback_takes_back_exactly_what_was_not_committed() {
        let identity =
            Identity { peer: Peer::new(b"ada").unwrap(), transport: LogKey::from_seed(&[1; 32]), name: "Ada".into() };
        let mut engine = Engine::load(MemStore::default(), identity, [1; 32], 1_000).unwrap();
        engine.store().begin();
        let group = engine.create_group(1_000, GroupKind::Open, "group").unwrap();
        engine.flush().unwrap();
        engine.store().commit();
        let before = engine.store().clone();

        engine.store().begin();
        engine.write(2_000, group, &Action::Profile(Profile { name: "Grace".into(), supersedes: vec![] })).unwrap();
        engine.rotate(2_000, group).unwrap();
        engine.flush().unwrap();
        assert_ne!(engine.store().views(group).digest(), before.views(group).digest());
        let mut store = engine.into_store();
        store.rollback();

        assert_eq!(store.views(group).digest(), before.views(group).digest());
        assert_eq!(store.entry_ids(group), before.entry_ids(group));
        assert_eq!(store.groups, before.groups);
        assert_eq!(store.views(group).digest(), store.rebuilt_views(group).digest());
        store.verify().unwrap();
    }
}
