//! The store: one SQLite file with a node's groups, entries, views, search, events and known peers.
//!
//! Entries are kept as they were received. The views are folded from them while they are appended, in the same
//! transaction, and can be made anew at any time ([`SqliteStore::rebuild`]): every table of a view is a function of the
//! set of entries, whatever their order. `docs/data-model.md` explains the tables.
//!
//! A batch is `begin`, any calls, `commit`; a batch that met an error is rolled back. What is read outside of a batch
//! sees what was committed. A commit is durable: `synchronous=FULL`, always.
//!
//! ```
//! use studymesh::engine::store::{GroupRow, Store};
//! use studymesh::model::id::GroupId;
//! use studymesh::store::SqliteStore;
//!
//! let mut store = SqliteStore::open_in_memory()?;
//! store.begin()?;
//! store.put_group(&GroupRow { id: GroupId([1; 32]), seed: [2; 16], log_keys: vec![], joined_ms: 3, kind: None, before: vec![] })?;
//! store.meta_set("name", "Ada")?;
//! store.commit()?;
//! assert_eq!(store.groups()?[0].seed, [2; 16]);
//! assert_eq!(store.meta_get("name")?.as_deref(), Some("Ada"));
//! # Ok::<(), studymesh::store::Error>(())
//! ```

mod atoms;
mod cache;
mod chains;
mod contract;
mod digest;
mod docs;
mod entries;
mod error;
mod events;
mod feed;
mod file;
mod fold;
mod fresh;
mod groups;
mod heads;
mod integrity;
mod key;
mod keyring;
mod notes;
mod peers;
mod persons;
mod query;
mod rebuild;
mod registers;
mod replicas;
pub mod schema;
mod search;
mod snapshot;
mod snippet;
mod supersede;
#[cfg(test)]
mod tests;
mod token;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use cache::Cache;
pub use entries::EntryInfo;
pub use error::{Error, ErrorKind};
pub use events::{EventRow, MAX_EVENTS};
pub use feed::FeedRow;
pub use integrity::Integrity;
pub use notes::{EditRow, NoteRow};
pub use peers::{MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_PEERS, PeerRow};
pub use persons::PersonRow;
pub use query::{MAX_QUERY_CHARS, MAX_QUERY_WORDS};
pub use registers::{Current, WriteInfo, WriteRow};
pub use search::{Found, Hit};
pub use snapshot::snapshot;
pub use snippet::{SNIPPET_CHARS, Snippet};

/// A node's store. See the module for the order of calls.
pub struct SqliteStore {
    db: Connection,
    cache: Cache,
    /// A group was removed in this batch: what it left in free pages and in the write-ahead log goes after the commit.
    wipe: bool,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteStore({})", self.db.path().unwrap_or_default())
    }
}

impl SqliteStore {
    /// Opens the store at `path`, or makes it, readable by its owner only. An older schema is migrated after a backup
    /// ([`schema::backup_path`]); views that another build folded are folded anew.
    ///
    /// # Errors
    /// [`ErrorKind::Newer`] when a newer build wrote it, which is left untouched; [`ErrorKind::Damaged`] when it is not
    /// a store or damaged; any other when the file can not be read or made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_as(Some(path), &schema::SCHEMA)
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn open_in_memory() -> Result<Self, Error> {
        Self::open_as(None, &schema::SCHEMA)
    }

    fn open_as(path: Option<&Path>, schema: &schema::Schema) -> Result<Self, Error> {
        let db = schema::connect(path, schema)?;
        let mut store = Self { db, cache: Cache::default(), wipe: false };
        store.fold_if_other()?;
        Ok(store)
    }

    /// Starts a batch.
    ///
    /// # Errors
    /// When one is under way, or another process writes.
    pub fn begin(&mut self) -> Result<(), Error> {
        Ok(self.db.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Ends a batch: when this returns, what it wrote is on the disk.
    ///
    /// # Errors
    /// When the disk is full or fails: the batch is still open and must be rolled back.
    pub fn commit(&mut self) -> Result<(), Error> {
        self.db.execute_batch("COMMIT")?;
        if std::mem::take(&mut self.wipe) {
            // The batch is durable. When a reader keeps the log from being emptied now, a later checkpoint does it.
            let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        Ok(())
    }

    /// Undoes a batch, unless SQLite did so by itself after an error.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rollback(&mut self) -> Result<(), Error> {
        self.cache.clear();
        self.wipe = false;
        if self.db.is_autocommit() { Ok(()) } else { Ok(self.db.execute_batch("ROLLBACK")?) }
    }

    /// Runs in the batch that is under way, or in one of its own.
    fn atomically<R>(&mut self, run: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        if !self.db.is_autocommit() {
            return run(self);
        }
        self.begin()?;
        let result = run(self).and_then(|result| self.commit().map(|()| result));
        if result.is_err() {
            // The first error is the one to tell.
            let _ = self.rollback();
        }
        result
    }

    /// A setting of the node. Keys that start with `store.` are the store's own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn meta_get(&self, key: &str) -> Result<Option<String>, Error> {
        let mut get = self.db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(get.query_row([key], |row| row.get(0)).optional()?)
    }

    /// All settings of the node but the store's own, by key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn meta_all(&self) -> Result<Vec<(String, String)>, Error> {
        let mut all =
            self.db.prepare_cached("SELECT key, value FROM meta WHERE key NOT GLOB 'store.*' ORDER BY key")?;
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a setting of the node.
    ///
    /// # Errors
    /// When the store fails.
    pub fn meta_set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        self.db.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?.execute([key, value])?;
        Ok(())
    }
}
