//! Atoms: the ids and slugs that registers speak of, as small numbers.
//!
//! A random 32-byte id is stored once and found by one index. Every other table has the number, so that rows are small
//! and, since numbers grow, new rows lie side by side.

use rusqlite::{OptionalExtension, params};

use super::{Error, SqliteStore};

/// The number of the empty text, in every group. It has no row.
pub(super) const NOTHING: i64 = 0;

impl SqliteStore {
    /// The number of these bytes in a group, when they have one.
    pub(super) fn atom(&mut self, grp: i64, bytes: &[u8]) -> Result<Option<i64>, Error> {
        if bytes.is_empty() {
            return Ok(Some(NOTHING));
        }
        let key = (grp, bytes.to_vec());
        if let Some(no) = self.cache.atoms.get(&key) {
            return Ok(Some(*no));
        }
        let no = self
            .db
            .prepare_cached("SELECT no FROM atoms WHERE grp = ?1 AND bytes = ?2")?
            .query_row(params![grp, bytes], |row| row.get(0))
            .optional()?;
        if let Some(no) = no {
            self.cache.atoms.put(key, no);
        }
        Ok(no)
    }

    /// The number of these bytes in a group; they get one when they have none.
    pub(super) fn intern(&mut self, grp: i64, bytes: &[u8]) -> Result<i64, Error> {
        Ok(self.intern_new(grp, bytes)?.0)
    }

    /// The same, and whether they had none: then nothing has spoken of them yet.
    pub(super) fn intern_new(&mut self, grp: i64, bytes: &[u8]) -> Result<(i64, bool), Error> {
        if bytes.is_empty() {
            return Ok((NOTHING, false));
        }
        let key = (grp, bytes.to_vec());
        if let Some(no) = self.cache.atoms.get(&key) {
            return Ok((*no, false));
        }
        // Most that is not in the cache is new: to try is one look at the index, to look first would be two.
        let insert = "INSERT INTO atoms (grp, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        if self.db.prepare_cached(insert)?.execute(params![grp, bytes])? == 0 {
            let no = self.atom(grp, bytes)?.ok_or_else(|| Error::damaged("an atom is there and is not"))?;
            return Ok((no, false));
        }
        let no = self.db.last_insert_rowid();
        self.cache.atoms.put(key, no);
        Ok((no, true))
    }

    /// The bytes that a number stands for.
    pub(super) fn atom_bytes(&self, no: i64) -> Result<Vec<u8>, Error> {
        if no == NOTHING {
            return Ok(vec![]);
        }
        let bytes = self
            .db
            .prepare_cached("SELECT bytes FROM atoms WHERE no = ?1")?
            .query_row([no], |row| row.get(0))
            .optional()?;
        bytes.ok_or_else(|| Error::damaged("a view names something that is not there"))
    }
}
