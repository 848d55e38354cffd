//! One group as the engine holds it in memory: its keys, logs and members; its entries are in the store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::chains::{Chain, Log, Place};
use super::early::Early;
use super::entropy::Entropy;
use super::forking::MAX_BRANCHES;
use super::guests::{Gate, Guests};
use super::io::{Relation, StreamId};
use super::keyring::Keyring;
use super::presence::Presences;
use super::skew::Skew;
use super::store::{Append, ChainNo, GroupRow, Reading, Store, Tip};
use crate::gossip::{burst::Bucket, trickle::Trickle};
use crate::log::entry;
use crate::log::header::Header;
use crate::log::keys::{GroupKeys, LogKey};
use crate::log::person;
use crate::log::run::{Authentic, Run, is_signature_point};
use crate::membership::{Acts, Members};
use crate::model::action::{Action, Class, ReadError};
use crate::model::id::{EntryId, GroupId, LogId, Peer, PersonId, TopicHash};
use crate::model::time::Clock;
use crate::sync::handshake::{Standing, Summary};
use crate::sync::index::{self, Index};
use crate::sync::message::{MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_PEERS, Told};
use crate::sync::pull::Missing;

/// Most branches of all logs of one group together, forks included. What goes beyond is not stored: the node then says
/// that it lacks something. Own logs have no such limit.
pub const MAX_CHAINS: usize = 100_000;
/// Most connected peers that are looked after in one group.
pub const MAX_MEMBERS: usize = 1_024;
/// How much later than asked for a peer is compared with again that was compared with just now, in milliseconds:
/// hints (announcements, entries that build on something unknown) are cheap to make.
const HINT_SPACING_MS: u64 = 1_000;

/// What a node knows of a connected peer in one group.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// Whether it takes part in the gossip topic. A member that does not came by a sync stream of its own.
    pub subscribed: bool,
    /// The log that it proved to write.
    pub log: Option<LogId>,
    pub relation: Relation,
    pub checked_ms: Option<u64>,
    pub pulling: Option<StreamId>,
    /// When it said hello last as somebody who is not served.
    pub guest_ms: Option<u64>,
    /// When to pull next.
    pub pull_at: Option<u64>,
    /// Pulls in a row that failed or brought nothing although something was missing.
    pub barren: u32,
    /// What it says to have and the last pull did not bring.
    pub left: Vec<Missing>,
}

impl Member {
    /// Pull at this time, or earlier if that was planned.
    pub fn pull_by(&mut self, at: u64) {
        self.pull_at = Some(self.pull_at.map_or(at, |before| before.min(at)));
    }

    /// Something hints that it may have more: compare soon.
    pub fn hinted(&mut self, now: u64, jitter: u64) {
        let spaced = self.checked_ms.map_or(0, |checked| checked + HINT_SPACING_MS);
        self.pull_by((now + jitter + super::due::backoff(self.barren)).max(spaced));
    }

    /// It is not served, and may have something to say: fetch that, at most once in a while.
    pub fn calls_as_guest(&mut self, now: u64) {
        let spaced = self.guest_ms.map_or(now, |before| before + HINT_SPACING_MS);
        self.guest_ms = Some(now);
        self.pull_by(spaced.max(now));
    }

    /// Something changed: it may hold the same no longer.
    pub fn doubt(&mut self) {
        if self.relation == Relation::Equal {
            self.relation = Relation::Unknown;
        }
    }

    /// A comparison came to its end.
    pub fn checked(&mut self, now: u64, relation: Relation) {
        self.relation = relation;
        self.checked_ms = Some(now);
        // What was hinted at meanwhile may have been seen already.
        self.pull_at = self.pull_at.map(|at| at.max(now + HINT_SPACING_MS));
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub row: GroupRow,
    pub keys: GroupKeys,
    pub me: LogKey,
    /// The ids of `row.log_keys`: finding them out anew costs more than anything else about an entry.
    pub own: Vec<LogId>,
    pub topic: TopicHash,
    pub logs: BTreeMap<LogId, Log>,
    pub index: Index,
    pub acts: Acts,
    pub members: Members,
    /// When to fold the control entries that came since the last time.
    pub fold_at: Option<u64>,
    /// Entries that do not count now, and where they stand.
    pub withheld: BTreeMap<EntryId, (ChainNo, u64)>,
    /// Entries that count only because something that counts builds on them.
    pub lifted: BTreeSet<EntryId>,
    /// When to look whether something that counts builds on what was withheld lately.
    pub lift_at: Option<u64>,
    pub guests: Guests,
    pub keyring: Keyring,
    /// Where we stand, as others last told.
    pub standing: Standing,
    /// How many own entries wait for an admin's word, as others told.
    pub told_quarantined: u32,
    /// When to see to what membership asks of us: requests, keys.
    pub duty_at: Option<u64>,
    pub clock: Clock,
    pub trickle: Trickle,
    pub bucket: Bucket,
    /// What is known of connected peers that have to do with the group.
    pub connected: BTreeMap<Peer, Member>,
    /// When to see to what others may see to as well.
    pub spread_at: Option<u64>,
    pub early: Early,
    /// Who is in which note.
    pub presences: Presences,
    pub entries: u64,
    /// How many branches there are, and how many there may be.
    pub chains: usize,
    pub max_chains: usize,
    pub skew: Skew,
    pub told: Vec<Told>,
    /// When to announce what was written and did not go out by itself.
    pub announce_at: Option<u64>,
    /// A foreign entry in our own log was met: a fresh log key is due.
    pub forked: bool,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    /// Stored and folded: whose it is, and its kind when it reads here.
    New { person: PersonId, kind: Option<u16> },
    /// It was here before.
    Held,
    /// What it builds on is not here.
    Gap,
    /// The group has as many branches as are kept.
    Full,
    /// It introduces somebody who is not in, and is kept aside until that one asks to be let in.
    Aside,
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
        logs.iter().for_each(|(id, log)| log.tips().for_each(|tip| index.insert(*id, tip)));
        let withheld = store.withheld(row.id)?.into_iter().map(|(id, chain, seq)| (id, (chain, seq))).collect();
        let mut group = Self {
            topic: keys.gossip_topic(),
            entries: store.count(row.id)?,
            keys,
            own: row.log_keys.iter().map(|seed| LogKey::from_seed(seed).id()).collect(),
            me,
            index,
            acts: Acts::new(row.id),
            members: Members::default(),
            fold_at: None,
            withheld,
            lifted: BTreeSet::new(),
            lift_at: None,
            guests: Guests::default(),
            keyring: Keyring::default(),
            standing: Standing::Unknown,
            told_quarantined: 0,
            duty_at: Some(now),
            clock: Clock::default(),
            trickle: Trickle::new(now, entropy.number(), logs.len()),
            bucket: Bucket::new(now),
            connected: BTreeMap::new(),
            spread_at: None,
            early: Early::default(),
            presences: Presences::default(),
            chains: logs.values().map(|log| log.chains.len()).sum(),
            max_chains: MAX_CHAINS,
            skew: Skew::default(),
            told: vec![],
            announce_at: None,
            forked: false,
            logs,
            row,
        };
        group.observe_tips(store, now)?;
        group.load_membership(store)?;
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
        self.own.iter().copied()
    }

    pub fn is_own(&self, log: LogId) -> bool {
        log == self.me.id() || self.own_logs().any(|l| l == log)
    }

    pub fn summary(&mut self) -> Summary {
        Summary { fingerprint: self.index.fingerprint(), entries: self.entries }
    }

    /// The person that this installation writes as.
    pub fn person(&self) -> PersonId {
        let first = self.row.before.first().map(|link| link.log).or_else(|| self.own_logs().next());
        PersonId::from(first.unwrap_or_else(|| self.me.id()))
    }

    /// When to come back to this group for anything but pulls.
    pub fn deadline(&self) -> Option<u64> {
        [
            Some(self.trickle.deadline()),
            self.announce_at,
            self.early.deadline(),
            self.fold_at,
            self.duty_at,
            self.lift_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What is known of a connected peer; `None` when it is not connected, or too many are.
    pub fn member(&mut self, peer: &Peer, connected: &BTreeSet<Peer>) -> Option<&mut Member> {
        if !connected.contains(peer) || (self.connected.len() >= MAX_MEMBERS && !self.connected.contains_key(peer)) {
            return None;
        }
        Some(self.connected.entry(peer.clone()).or_default())
    }

    /// Sets the members' peers that may be told to others, as far as they keep the bounds: a welcome that says more
    /// would be refused.
    pub fn set_told(&mut self, told: Vec<Told>) {
        let cut = |mut told: Told| {
            told.addresses.retain(|a| a.len() <= MAX_ADDRESS_BYTES);
            told.addresses.truncate(MAX_ADDRESSES);
            told
        };
        self.told = told.into_iter().map(cut).filter(Told::fits).take(MAX_PEERS).collect();
    }

    /// Stores and folds an authentic entry, if it is new, what it builds on is here, and the group has it.
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
        if !self.belongs(&entry.header) {
            return Ok(Accepted::Foreign);
        }
        match self.admits(store, now, entry, body, signature)? {
            Gate::Open(first) => {
                if let Some(first) = first {
                    self.enter(store, now, &first.entry, &first.body, first.signature)?;
                }
                self.enter(store, now, entry, body, signature)
            }
            Gate::Aside => Ok(Accepted::Aside),
            Gate::Shut => Ok(Accepted::Full),
        }
    }

    fn enter<S: Store>(
        &mut self,
        store: &mut S,
        now: u64,
        entry: &Authentic,
        body: &[u8],
        signature: Option<[u8; 64]>,
    ) -> Result<Accepted, S::Error> {
        let Authentic { id, header } = entry;
        let place = match self.logs.get(&header.log) {
            Some(log) => log.place(store, header.seq, *id, header.prev)?,
            None if header.seq == 0 => Place::Branch(None),
            None => Place::Gap,
        };
        match place {
            Place::Held => return Ok(Accepted::Held),
            Place::Gap => return Ok(Accepted::Gap),
            Place::Branch(_)
                if !self.is_own(header.log)
                    && (self.chains >= self.max_chains || self.is_out_of_branches(header.log)) =>
            {
                return Ok(Accepted::Full);
            }
            Place::Append(_) | Place::Branch(_) => {}
        }
        if self.is_over_full(header, place) {
            return Ok(Accepted::Full);
        }
        // A log's first entry says whose it is; others of the log are looked at before they are opened.
        let counts = match place {
            Place::Append(chain) => self.counts(header, chain, *id),
            _ => true,
        };
        let action = if counts { self.keys.open(header, body) } else { Err(ReadError::NoKey) };
        let chain = match place {
            Place::Append(chain) => chain,
            _ => self.branch(store, header.log, place, action.as_ref().ok())?,
        };
        let counts = counts && self.counts(header, chain, *id);
        let log = self.logs.get_mut(&header.log).expect("it has a chain");
        if log.chains.len() > MAX_BRANCHES && matches!(place, Place::Branch(_)) {
            self.duty_at = Some(self.duty_at.map_or(now, |at| at.min(now)));
        }
        let chain = &mut log.chains[chain];
        let reading = match &action {
            _ if !counts => Reading::Withheld,
            Ok(action) => Reading::Action(action),
            Err(ReadError::NoKey | ReadError::Unknown { .. }) => Reading::Later,
            Err(_) => Reading::Never,
        };
        let at = (chain.no, header.seq);
        let kept = signature.filter(|_| is_signature_point(header.seq));
        let append = Append { id: *id, header, body, signature: kept, person: chain.person, reading };
        store.append(self.row.id, chain.no, &append)?;
        if let Some(before) = chain.tip.replace(Tip { seq: header.seq, id: *id, signature, pending: None }) {
            self.index.remove(header.log, before.id);
        }
        self.index.insert(header.log, index::Tip { seq: header.seq, id: *id });
        chain.dirty = true;
        let person = chain.person;
        if header.class == Class::Control {
            self.learn(store, now, *id, header, action.as_ref().ok())?;
        }
        if !counts {
            self.withheld.insert(*id, at);
            // Something that counts may build on it, and have come before it.
            let delay = if self.entries < super::judging::QUICK_LIFT { 0 } else { super::judging::LIFT_MS };
            self.lift_at.get_or_insert(now + delay);
        } else if let Ok(action) = &action {
            self.lift(store, action)?;
        }
        self.clock.observe(header.time, now);
        self.entries += 1;
        for member in self.connected.values_mut() {
            member.left.retain(|left| left.tip.id != *id);
            member.doubt();
        }
        Ok(Accepted::New { person, kind: action.ok().map(|a| a.kind().0) })
    }

    /// Begins a branch of a log, or the log.
    fn branch<S: Store>(
        &mut self,
        store: &mut S,
        id: LogId,
        place: Place,
        action: Option<&Action>,
    ) -> Result<usize, S::Error> {
        let log = self.logs.entry(id).or_default();
        let parent = if let Place::Branch(parent) = place { parent } else { None };
        let person = match (parent, action) {
            (Some((parent, _)), _) => log.chains[parent].person,
            (None, Some(Action::Endorse(endorse))) => person::person_of(self.row.id, id, endorse),
            (None, _) => PersonId::from(id),
        };
        let at = parent.map(|(chain, seq)| (log.chains[chain].no, seq));
        let no = store.new_chain(self.row.id, id, at, person)?;
        let (elsewhere, moved) = (None, false);
        log.chains.push(Chain { no, parent, person, tip: None, dirty: true, elsewhere, moved, below: u64::MAX });
        let chain = log.chains.len() - 1;
        let below = self.limit_of_new(id, chain);
        let log = self.logs.get_mut(&id).expect("it was made above");
        log.chains[chain].below = below;
        self.chains += 1;
        Ok(chain)
    }

    /// Whether a header is of this group: it names it, or it is the genesis header that the id is the hash of.
    fn belongs(&self, header: &Header) -> bool {
        if header.group == GroupId::ZERO {
            return entry::group_id(&header.encode()) == self.row.id;
        }
        header.group == self.row.id
    }

    /// Records the headers that prove a prefix whose bodies end before the next signature.
    pub fn set_pending(&mut self, headers: &VecDeque<Authentic>, signature: [u8; 64]) {
        let Some(first) = headers.front() else { return };
        let Some(log) = self.logs.get_mut(&first.header.log) else { return };
        let chain = log
            .chains
            .iter_mut()
            .find(|c| c.tip.as_ref().is_some_and(|t| t.id == first.header.prev && t.seq + 1 == first.header.seq));
        let Some(chain) = chain else { return };
        let tip = chain.tip.as_mut().expect("found by its tip");
        if tip.signature.is_none() && tip.pending.is_none() {
            let mut bytes = vec![];
            Run::new(headers.iter().map(|a| &a.header), signature).encode_into(&mut bytes);
            tip.pending = Some(bytes);
            chain.dirty = true;
        }
    }

    /// Writes the tips of changed chains to the store.
    pub fn flush<S: Store>(&mut self, store: &mut S) -> Result<(), S::Error> {
        for own in &self.own {
            let chains = self.logs.get_mut(own).map_or(&mut [][..], |log| &mut log.chains);
            for chain in chains.iter_mut().filter(|c| c.moved) {
                if let Some(seq) = chain.elsewhere {
                    store.set_elsewhere(chain.no, seq)?;
                }
                chain.moved = false;
            }
        }
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
