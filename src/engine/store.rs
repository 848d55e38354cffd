//! What the engine asks of a store.
//!
//! The engine calls it synchronously and in order; nothing becomes visible to others before the shell has committed
//! what a batch of inputs wrote. Production uses SQLite (`crate::store`), the simulator an in-memory store.

use crate::log::header::Header;
use crate::model::action::{Action, GroupKind, PersonLink};
use crate::model::id::{EntryId, EpochId, GroupId, LogId, PersonId};

/// A chain of entries: one branch of one log, numbered by the store. Nearly every log has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainNo(pub u64);

/// A group that this node takes part in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The group.
    pub id: GroupId,
    /// The seed that its keys derive from.
    pub seed: [u8; 16],
    /// The secret keys of this installation's logs in the group, oldest first. The last one writes.
    pub log_keys: Vec<[u8; 32]>,
    /// When this node joined or created it, Unix milliseconds.
    pub joined_ms: u64,
    /// What the genesis entry says; `None` while it has not come.
    pub kind: Option<GroupKind>,
    /// The chain that leads from the person's first log to the first of `log_keys`; empty for who founded or joined by himself.
    /// At most [`crate::model::limits::MAX_PERSON_CHAIN`] - 1, so that a fresh log still fits.
    pub before: Vec<PersonLink>,
}

/// A chain as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// Its number.
    pub chain: ChainNo,
    /// The log that it is a branch of.
    pub log: LogId,
    /// The chain and the seq that it branches off after; `None` when it starts at seq 0.
    pub parent: Option<(ChainNo, u64)>,
    /// The person that its first entries prove.
    pub person: PersonId,
    /// How far it reaches; `None` when nothing is stored yet.
    pub tip: Option<Tip>,
    /// Up to which seq somebody else is known to hold it; recorded of own logs only.
    pub elsewhere: Option<u64>,
}

/// How far a chain is stored: all entries up to `seq`, with their bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The last entry's seq.
    pub seq: u64,
    /// The last entry's id.
    pub id: EntryId,
    /// The signature over the last entry's id; `None` while `pending` proves the prefix instead.
    pub signature: Option<[u8; 64]>,
    /// The wire form of the run that starts right after the last entry, when a transfer was cut before its bodies
    /// came. It proves the prefix through its own signature, and lets the transfer resume.
    pub pending: Option<Vec<u8>>,
}

/// How an entry reads here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<'a> {
    /// It opened, and its bounds hold.
    Action(&'a Action),
    /// Its key is not held, or its kind is newer: it may read later, after a new key or an upgrade.
    Later,
    /// It will never fold: malformed or out of bounds.
    Never,
    /// It does not count now: its author may not write, or it was hidden. That may change.
    Withheld,
}

/// An authentic entry to be stored and folded.
#[derive(Debug, Clone)]
pub struct Append<'a> {
    /// The entry id.
    pub id: EntryId,
    /// The header.
    pub header: &'a Header,
    /// The sealed body.
    pub body: &'a [u8],
    /// The signature, at [`crate::log::run::is_signature_point`] seqs only.
    pub signature: Option<[u8; 64]>,
    /// Whose log it stands in.
    pub person: PersonId,
    /// What it says, as far as this node can read it.
    pub reading: Reading<'a>,
}

/// An own write that waits for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When it was written, Unix milliseconds.
    pub written_ms: u64,
    /// The kind of action.
    pub kind: u16,
    /// Its version.
    pub version: u8,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The entry id.
    pub id: EntryId,
    /// The header.
    pub header: Header,
    /// The kept signature, at signature points.
    pub signature: Option<[u8; 64]>,
    /// The sealed body; empty when bodies were not asked for.
    pub body: Vec<u8>,
}

/// The store of a node, as the engine needs it.
pub trait Store {
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// All groups.
    ///
    /// # Errors
    /// When the store fails.
    fn groups(&mut self) -> Result<Vec<GroupRow>, Self::Error>;

    /// Adds a group, or replaces its keys.
    ///
    /// # Errors
    /// When the store fails.
    fn put_group(&mut self, group: &GroupRow) -> Result<(), Self::Error>;

    /// Forgets a group with all its entries and views.
    ///
    /// # Errors
    /// When the store fails.
    fn remove_group(&mut self, group: GroupId) -> Result<(), Self::Error>;

    /// All chains of a group.
    ///
    /// # Errors
    /// When the store fails.
    fn chains(&mut self, group: GroupId) -> Result<Vec<ChainRow>, Self::Error>;

    /// Starts a chain with nothing in it.
    ///
    /// # Errors
    /// When the store fails.
    fn new_chain(
        &mut self,
        group: GroupId,
        log: LogId,
        parent: Option<(ChainNo, u64)>,
        person: PersonId,
    ) -> Result<ChainNo, Self::Error>;

    /// Stores the next entry of a chain and folds it into the views.
    ///
    /// # Errors
    /// When the store fails.
    fn append(&mut self, group: GroupId, chain: ChainNo, entry: &Append<'_>) -> Result<(), Self::Error>;

    /// Records how far a chain reaches. Called once per chain before a commit, after its entries were appended.
    ///
    /// # Errors
    /// When the store fails.
    fn set_tip(&mut self, chain: ChainNo, tip: &Tip) -> Result<(), Self::Error>;

    /// Records up to which seq somebody else is known to hold a chain.
    ///
    /// # Errors
    /// When the store fails.
    fn set_elsewhere(&mut self, chain: ChainNo, seq: u64) -> Result<(), Self::Error>;

    /// Entries of one chain from `from` on, in order: at most `max_entries`, and as many as keep the bodies within
    /// `max_bytes` (at least one). Bodies are left empty unless asked for.
    ///
    /// # Errors
    /// When the store fails.
    fn entries(
        &mut self,
        group: GroupId,
        chain: ChainNo,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
        bodies: bool,
    ) -> Result<Vec<Stored>, Self::Error>;

    /// The id of the entry at `seq` of this very chain (not of its parents).
    ///
    /// # Errors
    /// When the store fails.
    fn id_at(&mut self, chain: ChainNo, seq: u64) -> Result<Option<EntryId>, Self::Error>;

    /// Which of these chains holds this entry at `seq`. Nearly always there is one to ask; a store that can look an
    /// entry up by its id does better than this where a log has many branches.
    ///
    /// # Errors
    /// When the store fails.
    fn chain_of(&mut self, chains: &[ChainNo], seq: u64, id: EntryId) -> Result<Option<ChainNo>, Self::Error> {
        for chain in chains {
            if self.id_at(*chain, seq)? == Some(id) {
                return Ok(Some(*chain));
            }
        }
        Ok(None)
    }

    /// Every control entry of a group, with its body, in no particular order.
    ///
    /// # Errors
    /// When the store fails.
    fn control_entries(&mut self, group: GroupId) -> Result<Vec<Stored>, Self::Error>;

    /// The epoch keys of a group.
    ///
    /// # Errors
    /// When the store fails.
    fn epoch_keys(&mut self, group: GroupId) -> Result<Vec<[u8; 32]>, Self::Error>;

    /// Keeps the key of an epoch.
    ///
    /// # Errors
    /// When the store fails.
    fn put_epoch_key(&mut self, group: GroupId, epoch: EpochId, key: [u8; 32]) -> Result<(), Self::Error>;

    /// Where the entries stand that were appended as [`Reading::Later`].
    ///
    /// # Errors
    /// When the store fails.
    fn unread(&mut self, group: GroupId) -> Result<Vec<(ChainNo, u64)>, Self::Error>;

    /// The entries that are [`Reading::Withheld`], with the log that each stands in.
    ///
    /// # Errors
    /// When the store fails.
    fn withheld(&mut self, group: GroupId) -> Result<Vec<(EntryId, ChainNo, u64)>, Self::Error>;

    /// Empties the views of a group; every entry of it is read again after that.
    ///
    /// # Errors
    /// When the store fails.
    fn clear_views(&mut self, group: GroupId) -> Result<(), Self::Error>;

    /// A stored entry reads differently now: folds it when it reads as an action. Never called for one that is folded.
    ///
    /// # Errors
    /// When the store fails.
    fn read_again(
        &mut self,
        group: GroupId,
        chain: ChainNo,
        entry: &Stored,
        person: PersonId,
        reading: &Reading<'_>,
    ) -> Result<(), Self::Error>;

    /// The seq at which the bodies of this chain, from its first own entry on, exceed so many bytes; `None` when they do not.
    ///
    /// # Errors
    /// When the store fails.
    fn reach(&mut self, chain: ChainNo, bytes: u64) -> Result<Option<u64>, Self::Error>;

    /// Whether the views of a group may not be what its entries give: another build folded them, or it was marked so.
    ///
    /// # Errors
    /// When the store fails.
    fn is_stale(&mut self, group: GroupId) -> Result<bool, Self::Error>;

    /// Marks the views of a group as stale, or as made anew.
    ///
    /// # Errors
    /// When the store fails.
    fn set_stale(&mut self, group: GroupId, stale: bool) -> Result<(), Self::Error>;

    /// Keeps an own write that can not be sealed yet.
    ///
    /// # Errors
    /// When the store fails.
    fn keep(&mut self, group: GroupId, kept: &Kept) -> Result<(), Self::Error>;

    /// Own writes that wait, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    fn kept(&mut self, group: GroupId) -> Result<Vec<Kept>, Self::Error>;

    /// Forgets the own writes that waited.
    ///
    /// # Errors
    /// When the store fails.
    fn forget_kept(&mut self, group: GroupId) -> Result<(), Self::Error>;

    /// How many entries of a group are stored.
    ///
    /// # Errors
    /// When the store fails.
    fn count(&mut self, group: GroupId) -> Result<u64, Self::Error>;
}
