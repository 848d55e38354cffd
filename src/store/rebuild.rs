//! Making the views anew from the entries.

use rusqlite::params;

use super::cache::GroupInfo;
use super::entries::{FOLDED, LATER, NEVER, WITHHELD};
use super::fold::Source;
use super::key::Key;
use super::{Error, SqliteStore};
use crate::engine::store::ChainNo;
use crate::model::action::ReadError;
use crate::model::id::GroupId;

/// Which fold this build has. It grows when the same entries give other views: with a new kind of action, or a rule that
/// changed. A store that another fold worked on, older or newer, is folded anew when it is opened: an older build that
/// took entries in meanwhile may have left some unread.
const FOLD: u32 = 2;
/// The setting that says which fold made the views.
const FOLD_KEY: &str = "store.fold";
/// Entries that are read at once.
const BLOCK: usize = 256;
/// Bytes of bodies that are read at once.
const BLOCK_BYTES: usize = 4 << 20;

impl SqliteStore {
    /// Drops every view of every group and folds all entries again, opening them with the keys of their group. What
    /// could not be read when it came is tried again. All in one transaction.
    ///
    /// # Errors
    /// When the store fails or is damaged: the views stay as they were.
    pub fn rebuild(&mut self) -> Result<(), Error> {
        self.atomically(|store| {
            store.db.execute_batch(
                "DELETE FROM writes; DELETE FROM early; DELETE FROM notes; DELETE FROM edits; DELETE FROM authors;
                 DELETE FROM texts; DELETE FROM stale; DELETE FROM atoms;
                 INSERT INTO words (words) VALUES ('delete-all');",
            )?;
            store.cache.clear();
            for group in store.all_groups()? {
                for chain in store.chain_numbers(group.no)? {
                    store.fold_chain(&group, chain)?;
                }
            }
            store.meta_set(FOLD_KEY, &FOLD.to_string())
        })
    }

    /// Folds anew what another build folded.
    pub(super) fn fold_if_other(&mut self) -> Result<(), Error> {
        let done = self.meta_get(FOLD_KEY)?.and_then(|fold| fold.parse::<u32>().ok());
        if done == Some(FOLD) {
            return Ok(());
        }
        self.rebuild()?;
        // What counts is for the engine to say, with every control entry read.
        for group in self.all_groups()? {
            self.write_stale(group.id, true)?;
        }
        Ok(())
    }

    /// Empties the views of one group; the index follows when its documents are looked at again.
    pub(super) fn clear_group(&mut self, group: GroupId) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        self.mark_group(grp)?;
        for delete in [
            "DELETE FROM texts WHERE note IN (SELECT note FROM notes WHERE grp = ?1)",
            "DELETE FROM edits WHERE note IN (SELECT note FROM notes WHERE grp = ?1)",
            "DELETE FROM authors WHERE note IN (SELECT note FROM notes WHERE grp = ?1)",
            "DELETE FROM notes WHERE grp = ?1",
            "DELETE FROM early WHERE grp = ?1",
            "DELETE FROM writes WHERE grp = ?1",
        ] {
            self.db.prepare_cached(delete)?.execute([grp])?;
        }
        self.cache.clear();
        Ok(())
    }

    fn reading(&mut self, key: Key) -> Result<u8, Error> {
        Ok(self.db.prepare_cached("SELECT reading FROM entries WHERE key = ?1")?.query_row([key], |row| row.get(0))?)
    }

    fn fold_chain(&mut self, group: &GroupInfo, chain: ChainNo) -> Result<(), Error> {
        let person = self.chain(chain)?.person;
        let mut from = 0;
        loop {
            let block = self.read_entries(group.id, chain, from, BLOCK, BLOCK_BYTES, true)?;
            let Some(last) = block.last() else { return Ok(()) };
            from = last.header.seq + 1;
            for entry in block {
                let key = Key::new(chain, entry.header.seq);
                if self.reading(key)? == WITHHELD {
                    continue;
                }
                let action = group.keys.open(&entry.header, &entry.body);
                let reading = match &action {
                    Ok(_) => FOLDED,
                    Err(ReadError::NoKey | ReadError::Unknown { .. }) => LATER,
                    Err(_) => NEVER,
                };
                self.db
                    .prepare_cached("UPDATE entries SET reading = ?2 WHERE key = ?1 AND reading <> ?2")?
                    .execute(params![key, reading])?;
                if let Ok(action) = action {
                    self.fold(group, Source { key, id: entry.id, time: entry.header.time, person }, &action)?;
                }
            }
        }
    }
}
