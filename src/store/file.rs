//! The database file before SQLite sees it: made private, and refused untouched when it is not ours or newer.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::Error;
use super::schema::APPLICATION_ID;

/// Bytes of the header of a database file.
const HEADER_BYTES: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Makes the file when it is not there (the write-ahead log takes its permissions), and looks at the header when it is.
pub(super) fn prepare(path: &Path, known: u32) -> Result<(), Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return create_private(path),
        Err(error) => return Err(Error::file("read", path)(error)),
    };
    let length = file.metadata().map_err(Error::file("read", path))?.len();
    if length == 0 {
        return Ok(());
    }
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => Error::damaged("the file ends within its header"),
        _ => Error::file("read", path)(e),
    })?;
    if !header.starts_with(MAGIC) {
        return Err(Error::damaged("the file is not a SQLite database"));
    }
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes of the header"));
    let (pages, version, application) = (number(28), number(60), number(68));
    if (version, application) != (0, 0) {
        check(path, application, version, known)?;
    }
    // A page size of 65,536 is written as 1. The page count holds when the counter beside it was written with it.
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let counted = number(24) == number(92);
    if counted && length < u64::from(pages) * page && !has_log(path) {
        return Err(Error::damaged("the file is shorter than its header says"));
    }
    Ok(())
}

/// Refuses what another program wrote, and what a newer build wrote.
pub(super) fn check(path: &Path, application: u32, version: u32, known: u32) -> Result<(), Error> {
    if application != APPLICATION_ID {
        return Err(Error::damaged("the file is a database of another program"));
    }
    if version > known {
        return Err(Error::Newer { path: path.to_owned(), found: version, known });
    }
    if version == 0 {
        return Err(Error::damaged("the file has no schema version"));
    }
    Ok(())
}

/// Makes an empty file that only its owner may read; one in its place is emptied.
pub(super) fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(Error::file("make", path))
}

/// Whether a write-ahead log lies beside the file: then the file alone does not tell how long it must be.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|m| m.len() > 0)
}
