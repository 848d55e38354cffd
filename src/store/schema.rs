//! The tables, and how a file comes to have them: made new, recognised, refused, or migrated after a backup.
//!
//! `docs/data-model.md` explains every table and column.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, backup};

use super::{Error, file};

/// `PRAGMA application_id` of every store: "SMSH".
pub const APPLICATION_ID: u32 = 0x534d_5348;
/// `PRAGMA user_version` of a store that this build writes.
pub const VERSION: u32 = 3;

/// How long to wait for another process that has the file locked, in milliseconds.
const BUSY_MS: u32 = 5_000;
/// The write-ahead log is moved into the file when it has this many pages.
const CHECKPOINT_PAGES: u32 = 4_000;
/// The write-ahead log is cut back to this size after it was moved into the file, in bytes.
const MAX_IDLE_WAL_BYTES: u32 = 4 << 20;
/// SQLite's page cache, in KiB.
const PAGE_CACHE_KIB: u32 = 8_192;
/// Prepared statements that are kept.
const STATEMENTS: usize = 128;

const CREATE: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE groups (
        no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, seed BLOB NOT NULL, log_keys BLOB NOT NULL,
        joined_ms INTEGER NOT NULL, kind INTEGER, before BLOB NOT NULL DEFAULT x''
    );

    CREATE TABLE chains (
        no INTEGER PRIMARY KEY, grp INTEGER NOT NULL, log BLOB NOT NULL, person BLOB NOT NULL,
        branch INTEGER NOT NULL, parent INTEGER, parent_seq INTEGER,
        tip_seq INTEGER, tip_id BLOB, tip_signature BLOB, pending BLOB, elsewhere INTEGER
    );
    CREATE INDEX chains_of_log ON chains (grp, log);
    CREATE TABLE heads (no INTEGER PRIMARY KEY, grp INTEGER NOT NULL, hash INTEGER NOT NULL, ids BLOB NOT NULL);
    CREATE INDEX heads_by_hash ON heads (grp, hash);
    CREATE TABLE entries (
        key INTEGER PRIMARY KEY, id BLOB NOT NULL, time INTEGER NOT NULL, class INTEGER NOT NULL,
        reading INTEGER NOT NULL, heads INTEGER NOT NULL, epoch BLOB, signature BLOB, body BLOB NOT NULL
    );
    CREATE INDEX control_entries ON entries (heads, id) WHERE class <> 1;
    CREATE INDEX unfolded_entries ON entries (reading, key, id) WHERE reading <> 0;
    CREATE TABLE epoch_keys (
        grp INTEGER NOT NULL, epoch BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (grp, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE kept (
        no INTEGER PRIMARY KEY, grp INTEGER NOT NULL, written_ms INTEGER NOT NULL, kind INTEGER NOT NULL,
        version INTEGER NOT NULL, payload BLOB NOT NULL
    );
    CREATE TABLE branches (tag INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (tag, key)) WITHOUT ROWID;

    CREATE TABLE atoms (no INTEGER PRIMARY KEY, grp INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE UNIQUE INDEX atoms_by_bytes ON atoms (grp, bytes);
    CREATE TABLE writes (
        grp INTEGER NOT NULL, kind INTEGER NOT NULL, superseded INTEGER NOT NULL, subject INTEGER NOT NULL,
        part INTEGER NOT NULL, tag INTEGER NOT NULL, entry INTEGER NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (grp, kind, superseded, subject, part, tag, entry)
    ) WITHOUT ROWID;
    CREATE TABLE early (
        grp INTEGER NOT NULL, target BLOB NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (grp, target, entry)
    ) WITHOUT ROWID;
    CREATE TABLE notes (
        grp INTEGER NOT NULL, note INTEGER NOT NULL, entry INTEGER, edits INTEGER NOT NULL, updated INTEGER NOT NULL,
        chars INTEGER NOT NULL, state INTEGER NOT NULL, PRIMARY KEY (grp, note)
    ) WITHOUT ROWID;
    CREATE TABLE edits (note INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (note, entry)) WITHOUT ROWID;
    CREATE TABLE authors (note INTEGER NOT NULL, chain INTEGER NOT NULL, PRIMARY KEY (note, chain)) WITHOUT ROWID;
    CREATE TABLE texts (note INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE TABLE stale (doc INTEGER PRIMARY KEY);
    CREATE VIRTUAL TABLE words USING fts5(
        title, body, tags, content='', contentless_delete=1, tokenize='ascii'
    );

    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, \"group\" BLOB,
        data TEXT NOT NULL
    );
    CREATE TABLE peers (
        grp INTEGER NOT NULL, peer BLOB NOT NULL, addresses BLOB NOT NULL, log BLOB, last_seen_ms INTEGER NOT NULL,
        last_sync_ms INTEGER, source TEXT NOT NULL, PRIMARY KEY (grp, peer)
    ) WITHOUT ROWID;
";

/// One step from a schema version to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// The version that it starts from; it leads to the next one.
    pub from: u32,
    /// Changes the tables, inside a transaction.
    pub run: fn(&Connection) -> rusqlite::Result<()>,
}

/// A schema version, and the way to it from older ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    /// The version.
    pub version: u32,
    /// Makes the tables of a new store.
    pub create: &'static str,
    /// Steps from older versions, ascending, without gaps.
    pub migrations: &'static [Migration],
}

/// The schema of this build.
pub(super) const SCHEMA: Schema = Schema {
    version: VERSION,
    create: CREATE,
    migrations: &[Migration { from: 1, run: to_2 }, Migration { from: 2, run: to_3 }],
};

/// Membership: epoch keys, writes that wait for one, an index of what is not folded, and the chain to a device's first log.
fn to_2(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE INDEX unfolded_entries ON entries (reading, key, id) WHERE reading <> 0;
         CREATE TABLE epoch_keys (
             grp INTEGER NOT NULL, epoch BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (grp, epoch)
         ) WITHOUT ROWID;
         CREATE TABLE kept (
             no INTEGER PRIMARY KEY, grp INTEGER NOT NULL, written_ms INTEGER NOT NULL, kind INTEGER NOT NULL,
             version INTEGER NOT NULL, payload BLOB NOT NULL
         );
         ALTER TABLE groups ADD COLUMN before BLOB NOT NULL DEFAULT x'';",
    )
}

/// What nobody else is known to hold.
fn to_3(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("ALTER TABLE chains ADD COLUMN elsewhere INTEGER")
}

/// Opens a file, or a database in memory, and brings it to the schema.
pub(super) fn connect(path: Option<&Path>, schema: &Schema) -> Result<Connection, Error> {
    let Some(path) = path else {
        let db = Connection::open_in_memory()?;
        tune(&db)?;
        schema.create(&db)?;
        return Ok(db);
    };
    file::prepare(path, schema.version)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    // Until the version is known, not even closing may move a write-ahead log into the file.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(std::time::Duration::from_millis(BUSY_MS.into()))?;
    let version = schema.recognise(&db, path)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    tune(&db)?;
    match version {
        None => schema.create(&db)?,
        Some(version) if version < schema.version => schema.migrate(&db, path, version)?,
        Some(_) => {}
    }
    Ok(db)
}

/// Settings of a connection. `temp_store` keeps what is sorted out of other directories. The "stability guarantee" keeps
/// SQLite from preparing a statement again because other values were bound to it, which costs more than most statements.
fn tune(db: &Connection) -> Result<(), Error> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
         PRAGMA journal_size_limit = {MAX_IDLE_WAL_BYTES};
         PRAGMA cache_size = -{PAGE_CACHE_KIB};
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;"
    ))?;
    Ok(())
}

/// The file that a store of schema version `version` is copied to before it is migrated.
#[must_use]
pub fn backup_path(path: &Path, version: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".backup-v{version}"));
    name.into()
}

impl Schema {
    /// The version of an open file; `None` when there is nothing in it yet.
    fn recognise(&self, db: &Connection, path: &Path) -> Result<Option<u32>, Error> {
        let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        let (version, application) = (pragma("user_version")?, pragma("application_id")?);
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if (version, application, tables) == (0, 0, 0) {
            return Ok(None);
        }
        file::check(path, application, version, self.version)?;
        Ok(Some(version))
    }

    fn create(&self, db: &Connection) -> Result<(), Error> {
        let (create, version) = (self.create, self.version);
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             {create}
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {version};
             COMMIT;"
        ))?;
        Ok(())
    }

    /// Copies the file away, then takes all steps in one transaction.
    fn migrate(&self, db: &Connection, path: &Path, found: u32) -> Result<(), Error> {
        copy(db, &backup_path(path, found), 1_024)?;
        db.execute_batch("BEGIN IMMEDIATE")?;
        let mut version = found;
        let steps = self.migrations.iter().filter(|m| m.from >= found).try_for_each(|migration| {
            (migration.run)(db)?;
            version = migration.from + 1;
            db.pragma_update(None, "user_version", version)
        });
        let result = steps.and_then(|()| {
            debug_assert_eq!(version, self.version, "the steps have no gap");
            db.execute_batch("COMMIT")
        });
        if result.is_err() {
            // The first error is the one to tell.
            let _ = db.execute_batch("ROLLBACK");
        }
        Ok(result?)
    }
}

/// A copy of the whole database, readable by its owner only, so many pages at a time. An older copy in its place is written over.
pub(super) fn copy(db: &Connection, to: &Path, pages: i32) -> Result<(), Error> {
    file::create_private(to)?;
    let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    backup::Backup::new(db, &mut copy)?.run_to_completion(pages, std::time::Duration::from_millis(20), None)?;
    Ok(())
}
