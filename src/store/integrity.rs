//! Checking a store: SQLite's pages, and every chain's hashes and signatures.

use super::cache::GroupInfo;
use super::{Error, SqliteStore};
use crate::engine::store::ChainRow;
use crate::log::keys::verify_entry;
use crate::log::run::{Run, is_signature_point};
use crate::model::id::EntryId;
use crate::model::wire::Reader;

/// Most problems that are told.
const MAX_PROBLEMS: usize = 100;
/// Entries that are read at once.
const BLOCK: usize = 256;
/// Bytes of bodies that are read at once.
const BLOCK_BYTES: usize = 4 << 20;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Integrity {
    /// Entries whose hash and place in the chain are right.
    pub entries: u64,
    /// Signatures that are right.
    pub signatures: u64,
    /// What is wrong, for people to read; empty when nothing is. At most 100.
    pub problems: Vec<String>,
}

impl Integrity {
    fn problem(&mut self, what: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(what);
        }
    }
}

impl SqliteStore {
    /// Reads everything: pages and indexes as SQLite checks them, and of every chain that the entries have no gap, hash to
    /// their ids, name each other, and end in a tip that a signature proves. It changes nothing.
    ///
    /// # Errors
    /// When the store can not be read at all; what is damaged in it is told in the answer.
    pub fn integrity(&mut self) -> Result<Integrity, Error> {
        let mut found = Integrity::default();
        self.check_pages(&mut found)?;
        for group in self.all_groups()? {
            for chain in self.read_chains(group.id)? {
                match self.check_chain(&group, &chain, &mut found) {
                    Err(Error::Damaged(what)) => found.problem(what),
                    other => other?,
                }
            }
        }
        Ok(found)
    }

    fn check_pages(&mut self, found: &mut Integrity) -> Result<(), Error> {
        let mut check = self.db.prepare("PRAGMA integrity_check(100)")?;
        let mut rows = check.query([])?;
        loop {
            match rows.next().map_err(Error::from) {
                Ok(Some(row)) => match row.get::<_, String>(0)?.as_str() {
                    "ok" => {}
                    problem => found.problem(problem.to_owned()),
                },
                Ok(None) => return Ok(()),
                Err(Error::Damaged(what)) => {
                    found.problem(what);
                    return Ok(());
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn check_chain(&mut self, group: &GroupInfo, chain: &ChainRow, found: &mut Integrity) -> Result<(), Error> {
        let first = chain.parent.map_or(0, |(_, seq)| seq + 1);
        let mut next = first;
        let mut last: Option<EntryId> = None;
        loop {
            // Reading puts the header together from the entry before and compares its hash with the id.
            let block = self.read_entries(group.id, chain.chain, next, BLOCK, BLOCK_BYTES, true)?;
            if block.is_empty() {
                break;
            }
            for entry in block {
                if entry.header.seq != next {
                    return Err(Error::damaged(format!(
                        "log {} has a gap before entry {}",
                        chain.log, entry.header.seq
                    )));
                }
                if is_signature_point(next) && chain.tip.as_ref().is_some_and(|tip| tip.seq > next) {
                    if entry.signature.is_some_and(|s| verify_entry(chain.log, entry.id, &s).is_ok()) {
                        found.signatures += 1;
                    } else {
                        found.problem(format!("entry {next} of log {} has no right signature", chain.log));
                    }
                }
                next += 1;
                found.entries += 1;
                last = Some(entry.id);
            }
        }
        self.check_tip(group, chain, next, last, found);
        Ok(())
    }

    fn check_tip(
        &mut self,
        group: &GroupInfo,
        chain: &ChainRow,
        next: u64,
        last: Option<EntryId>,
        found: &mut Integrity,
    ) {
        let Some(tip) = &chain.tip else {
            if last.is_some() {
                found.problem(format!("log {} has entries and no tip", chain.log));
            }
            return;
        };
        if last != Some(tip.id) || tip.seq + 1 != next {
            found.problem(format!("the tip of log {} is not its last entry", chain.log));
            return;
        }
        let signed = tip.signature.is_some_and(|signature| verify_entry(chain.log, tip.id, &signature).is_ok());
        let proven = || {
            let run = tip.pending.as_deref().and_then(|bytes| Run::decode(Reader::new(bytes)).ok());
            run.is_some_and(|run| run.log == chain.log && run.prev == tip.id && run.verify(group.id).is_ok())
        };
        if signed || proven() {
            found.signatures += 1;
        } else {
            found.problem(format!("the tip of log {} has no right signature", chain.log));
        }
    }
}
