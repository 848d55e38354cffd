//! Supersession: a write replaces the writes of the same register that it names.
//!
//! Most targets are here, and among the few writes of the register that nobody superseded yet. A target that is not
//! here leaves a row in `early`; when it comes, the entries that named it are opened again to see which registers they
//! have in common. So a hostile entry that names hundreds of targets costs a row for each, and no more.

use std::collections::BTreeSet;

use rusqlite::params;

use super::cache::GroupInfo;
use super::fold::{self, Writes, tag};
use super::key::Key;
use super::registers::Slot;
use super::{Error, SqliteStore};
use crate::model::fold::Register;
use crate::model::id::EntryId;

/// A register with at most this many writes that nobody superseded is looked through; in a longer list each target is
/// looked up.
const MAX_SCAN: usize = 256;

impl SqliteStore {
    /// Marks the writes of these registers that `targets` name; `key` is the entry that names them.
    pub(super) fn supersede(&mut self, grp: i64, key: Key, slots: &[Slot], targets: &[EntryId]) -> Result<(), Error> {
        let mut found = BTreeSet::new();
        let wanted: BTreeSet<(i64, EntryId)> = targets.iter().map(|target| (tag(*target), *target)).collect();
        for slot in slots {
            for (id, entry) in self.targets_in(grp, *slot, &wanted)? {
                let Slot { kind, subject, part } = *slot;
                let update = "UPDATE writes SET superseded = 1 WHERE grp = ?1 AND kind = ?2 AND superseded = 0
                              AND subject = ?3 AND part = ?4 AND tag = ?5 AND entry = ?6";
                self.db.prepare_cached(update)?.execute(params![grp, kind, subject, part, tag(id), entry])?;
                found.insert(id);
            }
        }
        for target in targets.iter().filter(|t| !found.contains(t)) {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO early (grp, target, entry) VALUES (?1, ?2, ?3)")?
                .execute(params![grp, target.0, key])?;
        }
        Ok(())
    }

    /// The writes of a register that are among the targets (with their tags) and that nobody superseded yet.
    fn targets_in(
        &mut self,
        grp: i64,
        slot: Slot,
        targets: &BTreeSet<(i64, EntryId)>,
    ) -> Result<Vec<(EntryId, Key)>, Error> {
        let Slot { kind, subject, part } = slot;
        let mut near: Vec<Key> = vec![];
        {
            let mut select = self.db.prepare_cached(
                "SELECT tag, entry FROM writes WHERE grp = ?1 AND kind = ?2 AND superseded = 0 AND subject = ?3
                 AND part = ?4 LIMIT ?5",
            )?;
            let mut rows = select.query(params![grp, kind, subject, part, MAX_SCAN as i64 + 1])?;
            let mut seen = 0;
            while let Some(row) = rows.next()? {
                seen += 1;
                let tag: i64 = row.get(0)?;
                if targets.range((tag, EntryId::ZERO)..).next().is_some_and(|(next, _)| *next == tag) {
                    near.push(row.get(1)?);
                }
            }
            if seen > MAX_SCAN {
                near.clear();
                let mut select = self.db.prepare_cached(
                    "SELECT entry FROM writes WHERE grp = ?1 AND kind = ?2 AND superseded = 0 AND subject = ?3
                     AND part = ?4 AND tag = ?5",
                )?;
                for (tag, _) in targets {
                    let keys = select.query_map(params![grp, kind, subject, part, tag], |row| row.get(0))?;
                    near.extend(keys.collect::<Result<Vec<Key>, _>>()?);
                }
            }
        }
        let mut out = vec![];
        for key in near {
            if let Some(id) = self.read_id(key.chain(), key.seq())?
                && targets.contains(&(tag(id), id))
            {
                out.push((id, key));
            }
        }
        Ok(out)
    }

    /// Which of the writes of a new entry were superseded by entries that came before it.
    pub(super) fn superseded_early(
        &mut self,
        group: &GroupInfo,
        id: EntryId,
        writes: &Writes,
    ) -> Result<BTreeSet<Register>, Error> {
        let by: Vec<Key> = {
            let mut select = self.db.prepare_cached("SELECT entry FROM early WHERE grp = ?1 AND target = ?2")?;
            let keys = select.query_map(params![group.no, id.0], |row| row.get(0))?;
            keys.collect::<Result<_, _>>()?
        };
        let mut superseded = BTreeSet::new();
        if by.is_empty() {
            return Ok(superseded);
        }
        for key in by {
            if superseded.len() == writes.len() {
                break;
            }
            let opened = self.open_entry(group, key)?;
            let action = opened.action.map_err(|_| Error::damaged("an entry that was folded does not open"))?;
            let theirs = fold::writes(opened.id, opened.chain.person, &action);
            superseded.extend(theirs.into_keys().filter(|register| writes.contains_key(register)));
        }
        self.db.prepare_cached("DELETE FROM early WHERE grp = ?1 AND target = ?2")?.execute(params![group.no, id.0])?;
        Ok(superseded)
    }
}
