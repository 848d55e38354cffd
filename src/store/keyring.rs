//! Secrets and marks of a group besides its row: keys of epochs, own writes that wait for one, whether views are stale.

use rusqlite::params;

use super::entries::{FOLDED, LATER, NEVER, WITHHELD};
use super::fold::Source;
use super::key::{Key, signed, unsigned};
use super::{Error, SqliteStore};
use crate::engine::store::{ChainNo, Kept, Reading, Stored};
use crate::model::id::{EntryId, EpochId, GroupId, PersonId};

/// The mark of a group whose views have to be made anew.
const STALE: &str = "store.stale.";

impl SqliteStore {
    pub(super) fn read_epoch_keys(&mut self, group: GroupId) -> Result<Vec<[u8; 32]>, Error> {
        let grp = self.group(group)?.no;
        let mut select = self.db.prepare_cached("SELECT key FROM epoch_keys WHERE grp = ?1 ORDER BY epoch")?;
        let rows = select.query_map([grp], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn write_epoch_key(&mut self, group: GroupId, epoch: EpochId, key: [u8; 32]) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        self.db
            .prepare_cached("INSERT OR IGNORE INTO epoch_keys (grp, epoch, key) VALUES (?1, ?2, ?3)")?
            .execute(params![grp, epoch.0, key])?;
        // The next one who opens an entry reads all keys again.
        self.cache.groups.remove(&group);
        Ok(())
    }

    pub(super) fn write_kept(&mut self, group: GroupId, kept: &Kept) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        let insert = "INSERT INTO kept (grp, written_ms, kind, version, payload) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![grp, signed(kept.written_ms), kept.kind, kept.version, kept.payload];
        self.db.prepare_cached(insert)?.execute(row)?;
        Ok(())
    }

    pub(super) fn read_kept(&mut self, group: GroupId) -> Result<Vec<Kept>, Error> {
        let grp = self.group(group)?.no;
        let select = "SELECT written_ms, kind, version, payload FROM kept WHERE grp = ?1 ORDER BY no";
        let mut select = self.db.prepare_cached(select)?;
        let rows = select.query_map([grp], |row| {
            Ok(Kept {
                written_ms: unsigned(row.get(0)?),
                kind: row.get(1)?,
                version: row.get(2)?,
                payload: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn delete_kept(&mut self, group: GroupId) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        self.db.prepare_cached("DELETE FROM kept WHERE grp = ?1")?.execute([grp])?;
        Ok(())
    }

    pub(super) fn read_stale(&mut self, group: GroupId) -> Result<bool, Error> {
        Ok(self.meta_get(&format!("{STALE}{group}"))?.is_some())
    }

    pub(super) fn write_stale(&mut self, group: GroupId, stale: bool) -> Result<(), Error> {
        let key = format!("{STALE}{group}");
        if stale {
            return self.meta_set(&key, "1");
        }
        self.db.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
        Ok(())
    }

    /// Where the entries of a group stand that read in one way, with their ids.
    pub(super) fn reading_as(&mut self, group: GroupId, reading: u8) -> Result<Vec<(EntryId, ChainNo, u64)>, Error> {
        let grp = self.group(group)?.no;
        // The partial index holds what is not folded, which is little.
        let mut select = self.db.prepare_cached(
            "SELECT e.id, e.key FROM entries e INDEXED BY unfolded_entries
             WHERE e.reading <> 0 AND e.reading = ?2 AND e.key >> 32 IN (SELECT no FROM chains WHERE grp = ?1)
             ORDER BY e.key",
        )?;
        let rows = select.query_map(params![grp, reading], |row| {
            let key: Key = row.get(1)?;
            Ok((EntryId(row.get(0)?), key.chain(), key.seq()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn read_otherwise(
        &mut self,
        group: GroupId,
        chain: ChainNo,
        entry: &Stored,
        person: PersonId,
        reading: &Reading<'_>,
    ) -> Result<(), Error> {
        let group = self.group(group)?;
        let key = Key::new(chain, entry.header.seq);
        let as_what = match reading {
            Reading::Action(_) => FOLDED,
            Reading::Later => LATER,
            Reading::Never => NEVER,
            Reading::Withheld => WITHHELD,
        };
        self.db
            .prepare_cached("UPDATE entries SET reading = ?2 WHERE key = ?1 AND reading <> ?2")?
            .execute(params![key, as_what])?;
        match reading {
            Reading::Action(action) => {
                self.fold(&group, Source { key, id: entry.id, time: entry.header.time, person }, action)
            }
            _ => Ok(()),
        }
    }
}
