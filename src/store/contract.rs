//! The engine's contract, met by what the other files do.

use super::{Error, SqliteStore};
use crate::engine::store::{Append, ChainNo, ChainRow, GroupRow, Store, Stored, Tip};
use crate::model::id::{EntryId, GroupId, LogId, PersonId};

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

    fn control_entries(&mut self, group: GroupId) -> Result<Vec<(EntryId, Vec<EntryId>)>, Error> {
        self.read_control(group)
    }

    fn count(&mut self, group: GroupId) -> Result<u64, Error> {
        self.count_entries(group)
    }
}
