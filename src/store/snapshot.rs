//! A copy of a store at one moment, also while another process writes to it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Error, file, schema};

/// How long to wait for another process that has the file locked, in milliseconds.
const BUSY_MS: u64 = 10_000;

/// Copies the store at `from`, as it is at this moment, into a new file that only its owner can read. A process that has the store
/// open goes on; nothing in the store is changed.
///
/// # Errors
/// When it is not a store, a newer build wrote it, or the copy can not be written.
pub fn snapshot(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.exists() {
        return Err(Error::file("read", from)(std::io::ErrorKind::NotFound.into()));
    }
    file::prepare(from, schema::VERSION)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(from, flags)?;
    db.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    // All pages in one step, under one read transaction: what is written meanwhile is not in it.
    schema::copy(&db, to, i32::MAX)
}
