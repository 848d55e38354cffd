//! One group as the engine holds it in memory: its keys, logs and members; its entries are in the store.

use std::collections::{BTreeMap, BTreeSet};

use super::chains::{Log, Place};
use super::control::ControlHeads;
use super::entropy::Entropy;
use super::io::{Relation, StreamId};
use super::store::{Append, GroupRow, Reading, Store, Tip};
use crate::gossip::{burst::Bucket, trickle::Trickle};
use crate::log::entry::{self, Verified};
use crate::log::header::Header;
use crate::log::keys::{GroupKeys, LogKey};
use crate::log::person;
use crate::log::run::{Authentic, Run, is_signature_point};
use crate::model::action::{Action, Class, ReadError};
use crate::model::id::{EntryId, GroupId, LogId, Peer, PersonId, TopicHash};
use crate::model::time::Clock;
use crate::sync::handshake::Summary;
use crate::sync::index::{Index, MAX_TIPS};
use crate::sync::message::Told;

/// Most entries that wait in memory for what they build on, per group.
pub(super) const MAX_EARLY: usize = 256;
/// Most logs of one group.
pub const MAX_LOGS: usize = 100_000;

/// What a node knows of a connected peer in one group.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// The log that it proved to write.
    pub log: Option<LogId>,
    pub relation: Relation,
    pub checked_ms: Option<u64>,
    pub pulling: Option<StreamId>,
    /// When to pull next.
    pub pull_at: Option<u64>,
    /// Pulls in a row that failed or brought nothing although something was missing.
    pub barren: u32,
}

#[derive(Debug)]
pub(super) struct Group {
    pub row: GroupRow,
    pub keys: GroupKeys,
    pub me: LogKey,
    pub topic: TopicHash,
    pub logs: BTreeMap<LogId, Log>,
    pub index: Index,
    pub control: ControlHeads,
    pub clock: Clock,
    pub trickle: Trickle,
    pub bucket: Bucket,
    pub members: BTreeMap<Peer, Member>,
    pub early: BTreeMap<(LogId, u64, EntryId), Verified>,
    pub entries: u64,
    pub told: Vec<Told>,
    /// Set when something was written that went out neither by gossip nor by an announcement.
    pub unannounced: bool,
    /// A foreign entry in our own log was met: a fresh log key is due.
    pub forked: bool,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    /// Stored and folded.
    New { person: PersonId, kind: Option<u16> },
    /// It was here before.
    Held,
    /// What it builds on is not here.
    Gap,
    /// The log has as many branches as are kept, or the group as many logs.
    Full,
    /// It belongs to another group.
    Foreign,
}

impl Group {
    pub fn load<S: Store>(store: &mut S, row: GroupRow, now: u64, entropy: &mut Entropy) -> Result<Self, S::Error> {
        let keys = GroupKeys::from_seed(&row.seed);
        let me = row.log_keys.last().map_or_else(|| LogKey::from_seed(&entropy.array()), LogKey::from_seed);
        let mut by_log: BTreeMap<LogId, Vec<_>> = BTreeMap::new();
        for chain in store.chains(row.id)? {
            by_log.entry(chain.log).or_default().push(chain);
        }
        let logs: BTreeMap<LogId, Log> = by_log.into_iter().map(|(log, rows)| (log, Log::load(rows))).collect();
        let mut index = Index::default();
        logs.iter().for_each(|(id, log)| index.set(*id, log.tips()));
        let mut control = ControlHeads::default();
        for (id, names) in store.control_entries(row.id)? {
            control.add(id, &names);
        }
        let mut group = Self {
            topic: keys.gossip_topic(),
            entries: store.count(row.id)?,
            keys,
            me,
            index,
            control,
            clock: Clock::default(),
            trickle: Trickle::new(now, entropy.number()),
            bucket: Bucket::new(now),
            members: BTreeMap::new(),
            early: BTreeMap::new(),
            told: vec![],
            unannounced: false,
            forked: false,
            logs,
            row,
        };
        group.observe_tips(store, now)?;
        Ok(group)
    }

    /// The clock continues after the last entries of every log, as far as they can be believed.
    fn observe_tips<S: Store>(&mut self, store: &mut S, now: u64) -> Result<(), S::Error> {
        let own: BTreeSet<LogId> = self.own_logs().collect();
        for (id, log) in &self.logs {
            for chain in &log.chains {
                let Some(tip) = &chain.tip else { continue };
                if !own.contains(id) && self.logs.len() > 64 {
                    continue;
                }
                if let Some(last) = store.entries(self.row.id, chain.no, tip.seq, 1, 0, false)?.first() {
                    self.clock.observe(last.header.time, now);
                }
            }
        }
        Ok(())
    }

    pub fn id(&self) -> GroupId {
        self.row.id
    }

    pub fn own_logs(&self) -> impl Iterator<Item = LogId> + '_ {
        self.row.log_keys.iter().map(|seed| LogKey::from_seed(seed).id())
    }

    pub fn is_own(&self, log: LogId) -> bool {
        log == self.me.id() || self.own_logs().any(|l| l == log)
    }

    pub fn summary(&mut self) -> Summary {
        Summary { fingerprint: self.index.fingerprint(), entries: self.entries }
    }

    /// The person that this installation writes as.
    pub fn person(&self) -> PersonId {
        PersonId::from(self.own_logs().next().unwrap_or_else(|| self.me.id()))
    }

    /// Stores and folds an authentic entry, if it is new and what it builds on is here.
    ///
    /// `signature` is the signature over this very entry, when it is known.
    pub fn accept<S: Store>(
        &mut self,
        store: &mut S,
        now: u64,
        entry: &Authentic,
        body: &[u8],
        signature: Option<[u8; 64]>,
    ) -> Result<Accepted, S::Error> {
        let Authentic { id, header } = entry;
        if !self.belongs(header) {
            return Ok(Accepted::Foreign);
        }
        let known = self.logs.len();
        let log = match self.logs.get(&header.log) {
            Some(log) => log,
            None if known >= MAX_LOGS => return Ok(Accepted::Full),
            None => self.logs.entry(header.log).or_default(),
        };
        let place = log.place(store, header.seq, *id, header.prev)?;
        let action = self.keys.open(header, body);
        let chain = match place {
            Place::Held => return Ok(Accepted::Held),
            Place::Gap => return Ok(Accepted::Gap),
            Place::Append(chain) => chain,
            Place::Branch(_) if log.chains.len() >= MAX_TIPS => return Ok(Accepted::Full),
            Place::Branch(parent) => {
                let person = match (parent, &action) {
                    (Some((parent, _)), _) => log.chains[parent].person,
                    (None, Ok(Action::Endorse(endorse))) => person::person_of(self.row.id, header.log, endorse),
                    (None, _) => PersonId::from(header.log),
                };
                let at = parent.map(|(chain, seq)| (log.chains[chain].no, seq));
                let no = store.new_chain(self.row.id, header.log, at, person)?;
                let log = self.logs.get_mut(&header.log).expect("looked up above");
                log.chains.push(super::chains::Chain { no, parent, person, tip: None, dirty: true });
                log.chains.len() - 1
            }
        };
        let log = self.logs.get_mut(&header.log).expect("looked up above");
        let chain = &mut log.chains[chain];
        let reading = match &action {
            Ok(action) => Reading::Action(action),
            Err(ReadError::NoKey | ReadError::Unknown { .. }) => Reading::Later,
            Err(_) => Reading::Never,
        };
        let kept = signature.filter(|_| is_signature_point(header.seq));
        let append = Append { id: *id, header, body, signature: kept, person: chain.person, reading };
        store.append(self.row.id, chain.no, &append)?;
        if let Ok(Action::Genesis(genesis)) = &action
            && self.row.kind.is_none()
        {
            self.row.kind = Some(genesis.kind);
            store.put_group(&self.row)?;
        }
        chain.tip = Some(Tip { seq: header.seq, id: *id, signature, pending: None });
        chain.dirty = true;
        let person = chain.person;
        self.index.set(header.log, log.tips());
        if header.class == Class::Control {
            self.control.add(*id, &header.control_heads);
        }
        self.clock.observe(header.time, now);
        self.entries += 1;
        Ok(Accepted::New { person, kind: action.ok().map(|a| a.kind().0) })
    }

    /// Whether a header is of this group: it names it, or it is the genesis header that the id is the hash of.
    fn belongs(&self, header: &Header) -> bool {
        if header.group == GroupId::ZERO {
            return entry::group_id(&header.encode()) == self.row.id;
        }
        header.group == self.row.id
    }

    /// Records the headers that prove a prefix whose bodies end before the next signature.
    pub fn set_pending(&mut self, log: LogId, headers: &[Authentic], signature: [u8; 64]) {
        let Some(first) = headers.first() else { return };
        let Some(log) = self.logs.get_mut(&log) else { return };
        let chain = log
            .chains
            .iter_mut()
            .find(|c| c.tip.as_ref().is_some_and(|t| t.id == first.header.prev && t.seq + 1 == first.header.seq));
        let Some(chain) = chain else { return };
        let tip = chain.tip.as_mut().expect("found by its tip");
        if tip.signature.is_none() {
            let mut bytes = vec![];
            Run::new(headers.iter().map(|a| &a.header), signature).encode_into(&mut bytes);
            tip.pending = Some(bytes);
            chain.dirty = true;
        }
    }

    /// Writes the tips of changed chains to the store.
    pub fn flush<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        for log in self.logs.values_mut() {
            for chain in log.chains.iter_mut().filter(|c| c.dirty) {
                if let Some(tip) = &chain.tip {
                    debug_assert!(tip.signature.is_some() || tip.pending.is_some(), "a stored prefix is authentic");
                    store.set_tip(chain.no, tip)?;
                }
                chain.dirty = false;
            }
        }
        Ok(())
    }
}
