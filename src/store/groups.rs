//! The groups of a node, and forgetting one.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use super::cache::GroupInfo;
use super::key::{Key, ids, signed, unsigned};
use super::{Error, SqliteStore};
use crate::engine::store::GroupRow;
use crate::log::keys::GroupKeys;
use crate::log::seal;
use crate::model::action::{GroupKind, PersonLink};
use crate::model::id::{GroupId, LogId};

/// Column `kind` of an open group; NULL while it is not known.
const OPEN: u8 = 0;
/// Column `kind` of a closed group.
const CLOSED: u8 = 1;
/// A log and its signature over the next one, in column `before`.
const LINK_BYTES: usize = 32 + 64;

/// What belongs to a group, told by a column `grp`. Order matters: what is found through another table goes first.
const OF_GROUP: &[&str] = &[
    "DELETE FROM texts WHERE note IN (SELECT note FROM notes WHERE grp = ?1)",
    "DELETE FROM edits WHERE note IN (SELECT note FROM notes WHERE grp = ?1)",
    "DELETE FROM authors WHERE note IN (SELECT note FROM notes WHERE grp = ?1)",
    "DELETE FROM stale WHERE doc >> 2 IN (SELECT no FROM atoms WHERE grp = ?1)",
    "DELETE FROM notes WHERE grp = ?1",
    "DELETE FROM early WHERE grp = ?1",
    "DELETE FROM writes WHERE grp = ?1",
    "DELETE FROM atoms WHERE grp = ?1",
    "DELETE FROM heads WHERE grp = ?1",
    "DELETE FROM branches WHERE key >> 32 IN (SELECT no FROM chains WHERE grp = ?1)",
    "DELETE FROM chains WHERE grp = ?1",
    "DELETE FROM peers WHERE grp = ?1",
    "DELETE FROM epoch_keys WHERE grp = ?1",
    "DELETE FROM kept WHERE grp = ?1",
    "DELETE FROM meta WHERE key = 'store.stale.' || (SELECT lower(hex(id)) FROM groups WHERE no = ?1)",
    "DELETE FROM events WHERE \"group\" = (SELECT id FROM groups WHERE no = ?1)",
    "DELETE FROM groups WHERE no = ?1",
];

impl SqliteStore {
    pub(super) fn read_groups(&mut self) -> Result<Vec<GroupRow>, Error> {
        let mut select =
            self.db.prepare_cached("SELECT id, seed, log_keys, joined_ms, kind, before FROM groups ORDER BY no")?;
        let rows = select.query_map([], |row| {
            Ok((
                GroupId(row.get(0)?),
                row.get(1)?,
                row.get::<_, Vec<u8>>(2)?,
                unsigned(row.get(3)?),
                row.get::<_, Option<u8>>(4)?,
                row.get::<_, Vec<u8>>(5)?,
            ))
        })?;
        rows.map(|row| {
            let (id, seed, log_keys, joined_ms, kind, before) = row?;
            let kind = kind.map(|kind| if kind == OPEN { GroupKind::Open } else { GroupKind::Closed });
            Ok(GroupRow { id, seed, log_keys: ids(&log_keys)?, joined_ms, kind, before: links(&before)? })
        })
        .collect()
    }

    pub(super) fn write_group(&mut self, group: &GroupRow) -> Result<(), Error> {
        let put = "INSERT INTO groups (id, seed, log_keys, joined_ms, kind, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (id) DO UPDATE SET seed = excluded.seed, log_keys = excluded.log_keys,
                   joined_ms = excluded.joined_ms, kind = excluded.kind, before = excluded.before";
        let log_keys = group.log_keys.concat();
        let kind = group.kind.map(|kind| if kind == GroupKind::Open { OPEN } else { CLOSED });
        let before: Vec<u8> = group.before.iter().flat_map(|l| [&l.log.0[..], &l.signature].concat()).collect();
        let row = params![group.id.0, group.seed, log_keys, signed(group.joined_ms), kind, before];
        self.db.prepare_cached(put)?.execute(row)?;
        self.cache.groups.remove(&group.id);
        Ok(())
    }

    /// Deletes every row of a group, zeroes what held it, and empties the search index, which has no rows to delete
    /// but words of all groups in one: the other groups' documents are indexed again.
    pub(super) fn delete_group(&mut self, id: GroupId) -> Result<(), Error> {
        let grp = match self.group(id) {
            Ok(group) => group.no,
            Err(Error::NoGroup(_)) => return Ok(()),
            Err(other) => return Err(other),
        };
        self.atomically(|store| {
            store.db.execute_batch("PRAGMA secure_delete = ON")?;
            let deleted = store.delete_rows(grp);
            store.db.execute_batch("PRAGMA secure_delete = OFF")?;
            deleted?;
            store.wipe = true;
            store.cache.clear();
            store.index_anew()
        })
    }

    fn delete_rows(&mut self, grp: i64) -> Result<(), Error> {
        for chain in self.chain_numbers(grp)? {
            let (first, last) = Key::of_chain(chain);
            self.db.prepare_cached("DELETE FROM entries WHERE key BETWEEN ?1 AND ?2")?.execute([first, last])?;
        }
        for delete in OF_GROUP {
            self.db.execute(delete, [grp])?;
        }
        Ok(())
    }

    /// A group's number and keys.
    pub(super) fn group(&mut self, id: GroupId) -> Result<Arc<GroupInfo>, Error> {
        if let Some(group) = self.cache.groups.get(&id) {
            return Ok(group.clone());
        }
        let found = self
            .db
            .prepare_cached("SELECT no, seed, kind FROM groups WHERE id = ?1")?
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<u8>>(2)?)))
            .optional()?;
        let (no, seed, kind) = found.ok_or(Error::NoGroup(id))?;
        let mut keys = GroupKeys::from_seed(&seed);
        if kind == Some(CLOSED) {
            keys.close();
        }
        {
            let mut select = self.db.prepare_cached("SELECT key FROM epoch_keys WHERE grp = ?1")?;
            let mut rows = select.query([no])?;
            while let Some(row) = rows.next()? {
                keys.hold(seal::Key::new(row.get(0)?));
            }
        }
        let group = Arc::new(GroupInfo { no, id, keys });
        self.cache.groups.insert(id, group.clone());
        Ok(group)
    }

    /// The numbers and keys of all groups.
    pub(super) fn all_groups(&mut self) -> Result<Vec<Arc<GroupInfo>>, Error> {
        let ids: Vec<GroupId> = self.read_groups()?.into_iter().map(|g| g.id).collect();
        ids.into_iter().map(|id| self.group(id)).collect()
    }
}

/// The links of a chain in one blob: each a log and its signature.
fn links(blob: &[u8]) -> Result<Vec<PersonLink>, Error> {
    let (links, rest) = blob.as_chunks::<LINK_BYTES>();
    if !rest.is_empty() {
        return Err(Error::damaged("the chain of a person does not read"));
    }
    let link = |bytes: &[u8; LINK_BYTES]| {
        let (log, signature) = bytes.split_first_chunk::<32>()?;
        Some(PersonLink { log: LogId(*log), signature: signature.try_into().ok()? })
    };
    links.iter().map(|bytes| link(bytes).ok_or_else(|| Error::damaged("the chain of a person does not read"))).collect()
}
