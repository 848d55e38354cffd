//! Sets of control heads: most entries name the same few, so each set is stored once.

use rusqlite::{OptionalExtension, params};

use super::key::ids;
use super::{Error, SqliteStore};
use crate::model::id::EntryId;

impl SqliteStore {
    /// The number of a set of control heads in a group; it gets one when it has none.
    pub(super) fn heads_no(&mut self, grp: i64, heads: &[EntryId]) -> Result<i64, Error> {
        let key = (grp, heads.to_vec());
        if let Some(no) = self.cache.heads.get(&key) {
            return Ok(*no);
        }
        let blob: Vec<u8> = heads.iter().flat_map(|id| id.0).collect();
        let hash = short_hash(&blob);
        let known = self
            .db
            .prepare_cached("SELECT no FROM heads WHERE grp = ?1 AND hash = ?2 AND ids = ?3")?
            .query_row(params![grp, hash, blob], |row| row.get(0))
            .optional()?;
        let no = match known {
            Some(no) => no,
            None => {
                self.db
                    .prepare_cached("INSERT INTO heads (grp, hash, ids) VALUES (?1, ?2, ?3)")?
                    .execute(params![grp, hash, blob])?;
                self.db.last_insert_rowid()
            }
        };
        self.cache.heads.put(key, no);
        Ok(no)
    }

    /// The control heads that a number stands for.
    pub(super) fn head_set(&mut self, no: i64) -> Result<Vec<EntryId>, Error> {
        if let Some(heads) = self.cache.head_sets.get(&no) {
            return Ok(heads.clone());
        }
        let blob: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT ids FROM heads WHERE no = ?1")?
            .query_row([no], |row| row.get(0))
            .optional()?;
        let blob = blob.ok_or_else(|| Error::damaged("an entry names control heads that are not there"))?;
        let heads: Vec<EntryId> = ids(&blob)?.into_iter().map(EntryId).collect();
        self.cache.head_sets.put(no, heads.clone());
        Ok(heads)
    }
}

/// Finds a set without an index over whole sets. Two sets may share it; the set itself is compared too.
fn short_hash(blob: &[u8]) -> i64 {
    let hash = blake3::hash(blob);
    i64::from_be_bytes(*hash.as_bytes().first_chunk().expect("a hash is longer than eight bytes"))
}
