//! The digest of the views: equal on two nodes that hold the same entries, however they came to them.

use rusqlite::params;

use super::{Error, SqliteStore};
use crate::model::id::{EntryId, GroupId, NoteId};

/// The label of the digest; another number when its form changes.
const LABEL: &str = "studymesh 2026 v1 views digest";

/// Markers of what follows, so that no two sets of views have one form.
const REGISTER: u8 = 0;
const NOTE: u8 = 1;

impl SqliteStore {
    /// BLAKE3 (derive-key mode, label above) over every register and every note's text, in an order that depends on
    /// nothing local:
    ///
    /// - for every register, by kind, subject and part: `0 | kind | subject | part | value`, and the ids of the writes
    ///   that nobody superseded, the current one first, then descending by (time, id);
    /// - for every note that somebody made, by id: `1 | id | text`.
    ///
    /// A text or a list stands after its length in bytes, as a `u64`.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn digest(&mut self, group: GroupId) -> Result<[u8; 32], Error> {
        let mut hasher = blake3::Hasher::new_derive_key(LABEL);
        self.digest_registers(group, &mut hasher)?;
        self.digest_notes(group, &mut hasher)?;
        Ok(*hasher.finalize().as_bytes())
    }

    fn digest_registers(&mut self, group: GroupId, hasher: &mut blake3::Hasher) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        let mut select = self.db.prepare_cached(
            "SELECT w.kind, coalesce(s.bytes, x'') AS subject, coalesce(p.bytes, x'') AS part, w.value, e.id
             FROM writes w CROSS JOIN entries e ON e.key = w.entry
             LEFT JOIN atoms s ON s.no = w.subject LEFT JOIN atoms p ON p.no = w.part
             WHERE w.grp = ?1 AND w.superseded = 0
             ORDER BY w.kind, subject, part, e.time DESC, e.id DESC",
        )?;
        let mut rows = select.query(params![grp])?;
        let mut of: Option<(u8, Vec<u8>, Vec<u8>)> = None;
        let mut frontier: Vec<EntryId> = vec![];
        while let Some(row) = rows.next()? {
            let register = (row.get(0)?, row.get(1)?, row.get(2)?);
            if of.as_ref() != Some(&register) {
                put_ids(hasher, of.is_some(), &mut frontier);
                hasher.update(&[REGISTER, register.0]);
                put(hasher, &register.1);
                put(hasher, &register.2);
                put(hasher, &row.get::<_, Vec<u8>>(3)?);
                of = Some(register);
            }
            frontier.push(EntryId(row.get(4)?));
        }
        put_ids(hasher, of.is_some(), &mut frontier);
        Ok(())
    }

    fn digest_notes(&mut self, group: GroupId, hasher: &mut blake3::Hasher) -> Result<(), Error> {
        let group = self.group(group)?;
        let notes: Vec<(i64, [u8; 32])> = {
            let mut select = self.db.prepare_cached(
                "SELECT n.note, a.bytes FROM notes n CROSS JOIN atoms a ON a.no = n.note
                 WHERE n.grp = ?1 AND n.entry IS NOT NULL ORDER BY a.bytes",
            )?;
            let rows = select.query_map([group.no], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        for (no, id) in notes {
            let text = self.text_by_number(&group, no)?.unwrap_or_default();
            hasher.update(&[NOTE]).update(NoteId(id).as_bytes());
            put(hasher, text.as_bytes());
        }
        Ok(())
    }
}

fn put(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

fn put_ids(hasher: &mut blake3::Hasher, any: bool, ids: &mut Vec<EntryId>) {
    if any {
        hasher.update(&(32 * ids.len() as u64).to_le_bytes());
        for id in ids.drain(..) {
            hasher.update(&id.0);
        }
    }
}
