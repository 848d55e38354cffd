//! Chains: the branches of logs, and how far each is stored.

use rusqlite::{OptionalExtension, Row, params};

use super::cache::ChainInfo;
use super::key::{MAX_CHAIN, signed, unsigned};
use super::{Error, SqliteStore};
use crate::engine::store::{ChainNo, ChainRow, Tip};
use crate::model::id::{EntryId, GroupId, LogId, PersonId};

impl SqliteStore {
    pub(super) fn read_chains(&mut self, group: GroupId) -> Result<Vec<ChainRow>, Error> {
        let grp = self.group(group)?.no;
        let mut select = self.db.prepare_cached(
            "SELECT no, log, person, parent, parent_seq, tip_seq, tip_id, tip_signature, pending
             FROM chains WHERE grp = ?1 ORDER BY no",
        )?;
        let rows = select.query_map([grp], |row| {
            let tip_seq: Option<i64> = row.get(5)?;
            let tip = tip_seq.map(|seq| {
                let id = EntryId(row.get(6)?);
                Ok::<_, rusqlite::Error>(Tip { seq: unsigned(seq), id, signature: row.get(7)?, pending: row.get(8)? })
            });
            Ok(ChainRow {
                chain: ChainNo(unsigned(row.get(0)?)),
                log: LogId(row.get(1)?),
                person: PersonId(row.get(2)?),
                parent: parent(row, 3)?,
                tip: tip.transpose()?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn insert_chain(
        &mut self,
        group: GroupId,
        log: LogId,
        parent: Option<(ChainNo, u64)>,
        person: PersonId,
    ) -> Result<ChainNo, Error> {
        let grp = self.group(group)?.no;
        let (parent_no, parent_seq) = parent.map(|(no, seq)| (signed(no.0), signed(seq))).unzip();
        self.db
            .prepare_cached("INSERT INTO chains (grp, log, person, parent, parent_seq) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![grp, log.0, person.0, parent_no, parent_seq])?;
        let no = unsigned(self.db.last_insert_rowid());
        if no > MAX_CHAIN {
            return Err(Error::Full("log"));
        }
        Ok(ChainNo(no))
    }

    pub(super) fn write_tip(&mut self, chain: ChainNo, tip: &Tip) -> Result<(), Error> {
        self.db
            .prepare_cached(
                "UPDATE chains SET tip_seq = ?2, tip_id = ?3, tip_signature = ?4, pending = ?5 WHERE no = ?1",
            )?
            .execute(params![signed(chain.0), signed(tip.seq), tip.id.0, tip.signature, tip.pending])?;
        Ok(())
    }

    /// What does not change of a chain.
    pub(super) fn chain(&mut self, chain: ChainNo) -> Result<ChainInfo, Error> {
        if let Some(info) = self.cache.chains.get(&chain) {
            return Ok(*info);
        }
        let info = self
            .db
            .prepare_cached("SELECT log, person, parent, parent_seq FROM chains WHERE no = ?1")?
            .query_row([signed(chain.0)], |row| {
                Ok(ChainInfo { log: LogId(row.get(0)?), person: PersonId(row.get(1)?), parent: parent(row, 2)? })
            })
            .optional()?;
        let info = info.ok_or_else(|| Error::damaged(format!("chain {} is not there", chain.0)))?;
        self.cache.chains.put(chain, info);
        Ok(info)
    }

    /// The numbers of a group's chains, ascending.
    pub(super) fn chain_numbers(&self, grp: i64) -> Result<Vec<ChainNo>, Error> {
        let mut select = self.db.prepare_cached("SELECT no FROM chains WHERE grp = ?1 ORDER BY no")?;
        let rows = select.query_map([grp], |row| Ok(ChainNo(unsigned(row.get(0)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn parent(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<(ChainNo, u64)>> {
    let no: Option<i64> = row.get(column)?;
    no.map(|no| Ok((ChainNo(unsigned(no)), unsigned(row.get(column + 1)?)))).transpose()
}
