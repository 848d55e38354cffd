//! Events: what happened here, for whoever follows it. Ids grow and are never given twice.

use rusqlite::params;

use super::key::{signed, unsigned};
use super::{Error, SqliteStore};
use crate::model::id::GroupId;

/// Events that are kept; older ones go.
pub const MAX_EVENTS: u64 = 20_000;

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id: greater than that of every event before.
    pub id: u64,
    /// When it was recorded, Unix milliseconds.
    pub time_ms: u64,
    /// What kind of event it is.
    pub kind: String,
    /// The group that it is about.
    pub group: Option<GroupId>,
    /// More of it, as whoever recorded it wrote it (JSON).
    pub data: String,
}

impl SqliteStore {
    /// Keeps an event and gives it the next id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn event_push(&mut self, now_ms: u64, kind: &str, group: Option<GroupId>, data: &str) -> Result<u64, Error> {
        let insert = "INSERT INTO events (time_ms, kind, \"group\", data) VALUES (?1, ?2, ?3, ?4)";
        self.db.prepare_cached(insert)?.execute(params![signed(now_ms), kind, group.map(|g| g.0), data])?;
        let id = unsigned(self.db.last_insert_rowid());
        if let Some(last) = id.checked_sub(MAX_EVENTS) {
            self.db.prepare_cached("DELETE FROM events WHERE id <= ?1")?.execute([signed(last)])?;
        }
        Ok(id)
    }

    /// The events after this id, ascending, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn events_since(&self, after: u64, limit: usize) -> Result<Vec<EventRow>, Error> {
        let select = "SELECT id, time_ms, kind, \"group\", data FROM events WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut select = self.db.prepare_cached(select)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([signed(after), limit], |row| {
            Ok(EventRow {
                id: unsigned(row.get(0)?),
                time_ms: unsigned(row.get(1)?),
                kind: row.get(2)?,
                group: row.get::<_, Option<[u8; 32]>>(3)?.map(GroupId),
                data: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The id of the last event that was recorded, whether it is still kept or not; 0 when there was none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_event(&self) -> Result<u64, Error> {
        let select = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'";
        Ok(unsigned(self.db.prepare_cached(select)?.query_row([], |row| row.get(0))?))
    }
}
