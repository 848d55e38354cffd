//! The engine's contract, met by what the other files do.

use super::entries::{LATER, WITHHELD};
use super::{Error, SqliteStore};
use crate::engine::store::{Append, ChainNo, ChainRow, GroupRow, Kept, Reading, Store, Stored, Tip};
use crate::model::id::{EntryId, EpochId, GroupId, LogId, PersonId};

impl Store for SqliteStore {
    type Error = Error;

    fn groups(&mut self) -> Result<Vec<GroupRow>, Error> {
        self.read_groups()
    }

    fn put_group(&mut self, group: &GroupRow) -> Result<(), Error> {
        self.write_group(group)
    }

    fn remove_group(&mut self, group: GroupId) -> Result<(), Error> {
        self.delete_group(group)
    }

    fn chains(&mut self, group: GroupId) -> Result<Vec<ChainRow>, Error> {
        self.read_chains(group)
    }

    fn new_chain(
        &mut self,
        group: GroupId,
        log: LogId,
        parent: Option<(ChainNo, u64)>,
        person: PersonId,
    ) -> Result<ChainNo, Error> {
        self.insert_chain(group, log, parent, person)
    }

    fn append(&mut self, group: GroupId, chain: ChainNo, entry: &Append<'_>) -> Result<(), Error> {
        self.atomically(|store| store.append_entry(group, chain, entry))
    }

    fn set_tip(&mut self, chain: ChainNo, tip: &Tip) -> Result<(), Error> {
        self.write_tip(chain, tip)
    }

    fn set_elsewhere(&mut self, chain: ChainNo, seq: u64) -> Result<(), Error> {
        self.write_elsewhere(chain, seq)
    }

    fn entries(
        &mut self,
        group: GroupId,
        chain: ChainNo,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
        bodies: bool,
    ) -> Result<Vec<Stored>, Error> {
        self.read_entries(group, chain, from, max_entries, max_bytes, bodies)
    }

    fn id_at(&mut self, chain: ChainNo, seq: u64) -> Result<Option<EntryId>, Error> {
        self.read_id(chain, seq)
    }

    fn chain_of(&mut self, chains: &[ChainNo], seq: u64, id: EntryId) -> Result<Option<ChainNo>, Error> {
        self.find_chain(chains, seq, id)
    }

    fn control_entries(&mut self, group: GroupId) -> Result<Vec<Stored>, Error> {
        self.read_control(group)
    }

    fn epoch_keys(&mut self, group: GroupId) -> Result<Vec<[u8; 32]>, Error> {
        self.read_epoch_keys(group)
    }

    fn put_epoch_key(&mut self, group: GroupId, epoch: EpochId, key: [u8; 32]) -> Result<(), Error> {
        self.write_epoch_key(group, epoch, key)
    }

    fn unread(&mut self, group: GroupId) -> Result<Vec<(ChainNo, u64)>, Error> {
        Ok(self.reading_as(group, LATER)?.into_iter().map(|(_, chain, seq)| (chain, seq)).collect())
    }

    fn withheld(&mut self, group: GroupId) -> Result<Vec<(EntryId, ChainNo, u64)>, Error> {
        self.reading_as(group, WITHHELD)
    }

    fn clear_views(&mut self, group: GroupId) -> Result<(), Error> {
        self.clear_group(group)
    }

    fn read_again(
        &mut self,
        group: GroupId,
        chain: ChainNo,
        entry: &Stored,
        person: PersonId,
        reading: &Reading<'_>,
    ) -> Result<(), Error> {
        self.atomically(|store| store.read_otherwise(group, chain, entry, person, reading))
    }

    fn reach(&mut self, chain: ChainNo, bytes: u64) -> Result<Option<u64>, Error> {
        self.seq_within(chain, bytes)
    }

    fn is_stale(&mut self, group: GroupId) -> Result<bool, Error> {
        self.read_stale(group)
    }

    fn set_stale(&mut self, group: GroupId, stale: bool) -> Result<(), Error> {
        self.write_stale(group, stale)
    }

    fn keep(&mut self, group: GroupId, kept: &Kept) -> Result<(), Error> {
        self.write_kept(group, kept)
    }

    fn kept(&mut self, group: GroupId) -> Result<Vec<Kept>, Error> {
        self.read_kept(group)
    }

    fn forget_kept(&mut self, group: GroupId) -> Result<(), Error> {
        self.delete_kept(group)
    }

    fn count(&mut self, group: GroupId) -> Result<u64, Error> {
        self.count_entries(group)
    }
}
