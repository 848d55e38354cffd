//! The latest entries of a group by their time, over all logs.

use rusqlite::params;

use super::key::{Key, Stamp, unsigned};
use super::{Error, SqliteStore};
use crate::engine::store::ChainNo;
use crate::model::id::{EntryId, GroupId, PersonId};
use crate::model::time::Hlc;

/// Where an entry stands, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Its time; with the id, its place in the order.
    pub time: Hlc,
    /// Its id.
    pub id: EntryId,
    /// The branch that it stands in.
    pub chain: ChainNo,
    /// Its seq.
    pub seq: u64,
    /// Whose log it is.
    pub person: PersonId,
}

impl SqliteStore {
    /// The latest content entries that count, before a place in the order of (time, id); the latest first, at most `limit`.
    ///
    /// Times ascend along a branch, so each branch is read from its end, and only as far as it may be shown.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn latest(
        &mut self,
        group: GroupId,
        before: Option<(Hlc, EntryId)>,
        limit: usize,
    ) -> Result<Vec<FeedRow>, Error> {
        let grp = self.group(group)?.no;
        let mut select =
            self.db.prepare_cached("SELECT no, person FROM chains WHERE grp = ?1 AND tip_seq IS NOT NULL")?;
        let chains = select.query_map([grp], |row| Ok((ChainNo(unsigned(row.get(0)?)), PersonId(row.get(1)?))))?;
        let chains: Vec<(ChainNo, PersonId)> = chains.collect::<Result<_, _>>()?;
        let mut rows: Vec<FeedRow> = vec![];
        let mut select = self.db.prepare_cached(
            "SELECT key, id, time FROM entries WHERE key BETWEEN ?1 AND ?2 AND reading = 0 AND class = 1
             AND (time, id) < (?3, ?4) ORDER BY key DESC LIMIT ?5",
        )?;
        let (time, id) = before.unwrap_or((Hlc::from_bits(u64::MAX), EntryId([0xff; 32])));
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        for (chain, person) in chains {
            let (first, last) = Key::of_chain(chain);
            let found = select.query_map(params![first, last, Stamp(time), id.0, most], |row| {
                let (key, id, Stamp(time)): (Key, [u8; 32], Stamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(FeedRow { time, id: EntryId(id), chain, seq: key.seq(), person })
            })?;
            for row in found {
                rows.push(row?);
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse((row.time, row.id)));
        rows.truncate(limit);
        Ok(rows)
    }
}
