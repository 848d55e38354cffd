//! Chains: the branches of logs, and how far each is stored.

use rusqlite::{OptionalExtension, Row, params};

use super::cache::ChainInfo;
use super::fold::tag;
use super::key::{Key, MAX_CHAIN, signed, unsigned};
use super::{Error, SqliteStore};
use crate::engine::store::{ChainNo, ChainRow, Tip};
use crate::model::id::{EntryId, GroupId, LogId, PersonId};

/// Up to this many chains are asked one by one which of them holds an entry.
const MAX_ASKED: usize = 8;

impl SqliteStore {
    pub(super) fn read_chains(&mut self, group: GroupId) -> Result<Vec<ChainRow>, Error> {
        let grp = self.group(group)?.no;
        let mut select = self.db.prepare_cached(
            "SELECT no, log, person, parent, parent_seq, tip_seq, tip_id, tip_signature, pending, elsewhere
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
                elsewhere: row.get::<_, Option<i64>>(9)?.map(unsigned),
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
        let insert = "INSERT INTO chains (grp, log, person, branch, parent, parent_seq) VALUES
                      (?1, ?2, ?3, EXISTS (SELECT 1 FROM chains WHERE grp = ?1 AND log = ?2), ?4, ?5)";
        self.db.prepare_cached(insert)?.execute(params![grp, log.0, person.0, parent_no, parent_seq])?;
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

    pub(super) fn write_elsewhere(&mut self, chain: ChainNo, seq: u64) -> Result<(), Error> {
        let mut update = self.db.prepare_cached("UPDATE chains SET elsewhere = ?2 WHERE no = ?1")?;
        update.execute(params![signed(chain.0), signed(seq)])?;
        Ok(())
    }

    /// What does not change of a chain.
    pub(super) fn chain(&mut self, chain: ChainNo) -> Result<ChainInfo, Error> {
        if let Some(info) = self.cache.chains.get(&chain) {
            return Ok(*info);
        }
        let info = self
            .db
            .prepare_cached("SELECT log, person, branch, parent, parent_seq FROM chains WHERE no = ?1")?
            .query_row([signed(chain.0)], |row| {
                let (log, person) = (LogId(row.get(0)?), PersonId(row.get(1)?));
                Ok(ChainInfo { log, person, branch: row.get(2)?, parent: parent(row, 3)? })
            })
            .optional()?;
        let info = info.ok_or_else(|| Error::damaged(format!("chain {} is not there", chain.0)))?;
        self.cache.chains.put(chain, info);
        Ok(info)
    }

    /// Which of these chains of one log holds an entry. Where they are many, what stands on branches is looked up by
    /// its id, so that a log that somebody split into thousands costs no more than another.
    pub(super) fn find_chain(&mut self, chains: &[ChainNo], seq: u64, id: EntryId) -> Result<Option<ChainNo>, Error> {
        if chains.len() > MAX_ASKED {
            let keys: Vec<Key> = {
                let mut select = self.db.prepare_cached("SELECT key FROM branches WHERE tag = ?1")?;
                let keys = select.query_map([tag(id)], |row| row.get(0))?;
                keys.collect::<Result<_, _>>()?
            };
            for key in keys.into_iter().filter(|key| key.seq() == seq && chains.contains(&key.chain())) {
                if self.read_id(key.chain(), seq)? == Some(id) {
                    return Ok(Some(key.chain()));
                }
            }
        }
        // The first chain of a log is not among its branches, and has the lowest number.
        let first = chains.iter().min().copied();
        let asked = if chains.len() > MAX_ASKED { first.as_slice() } else { chains };
        for chain in asked {
            if self.read_id(*chain, seq)? == Some(id) {
                return Ok(Some(*chain));
            }
        }
        Ok(None)
    }

    /// The first seq of a chain's own entries at which their bodies are more than so many bytes together.
    pub(super) fn seq_within(&mut self, chain: ChainNo, bytes: u64) -> Result<Option<u64>, Error> {
        let (first, last) = Key::of_chain(chain);
        let mut select =
            self.db.prepare_cached("SELECT key, length(body) FROM entries WHERE key BETWEEN ?1 AND ?2 ORDER BY key")?;
        let mut rows = select.query([first, last])?;
        let mut sum = 0u64;
        while let Some(row) = rows.next()? {
            sum += unsigned(row.get(1)?);
            if sum > bytes {
                return Ok(Some(row.get::<_, Key>(0)?.seq()));
            }
        }
        Ok(None)
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
