//! What can go wrong with the store, by what a person can do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::model::id::GroupId;

/// Why the store did not do what it was asked to. A batch that met an error must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A newer studymesh wrote it; nothing was changed.
    #[error("the store {} has schema {found}, and this studymesh knows {known}: a newer one wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema version that it has.
        found: u32,
        /// The newest schema version that this build knows.
        known: u32,
    },
    /// What is stored does not make sense.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A file could not be read or made.
    #[error("can not {what} {}: {cause}", path.display())]
    File {
        /// What was tried, as a verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The group is not in the store.
    #[error("the store has no group {0}")]
    NoGroup(GroupId),
    /// The store is as large as its numbering allows.
    #[error("the store has no room for another {0}")]
    Full(&'static str),
    /// SQLite could not do it: no space, no permission, locked by another process.
    #[error("the store failed: {0}")]
    Sqlite(rusqlite::Error),
}

/// What an error means for whoever runs the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file is damaged: a backup or the other members help, trying again does not.
    Damaged,
    /// A newer studymesh is needed.
    Newer,
    /// Anything else: no space, no permission, locked.
    Other,
}

impl Error {
    /// What it means for whoever runs the node.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Newer { .. } => ErrorKind::Newer,
            Self::Damaged(_) => ErrorKind::Damaged,
            Self::File { .. } | Self::NoGroup(_) | Self::Full(_) | Self::Sqlite(_) => ErrorKind::Other,
        }
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { what, path, cause }
    }
}

impl From<rusqlite::Error> for Error {
    /// A column of another type than the schema gives it, or a page that SQLite can not read, is damage.
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let damaged = match &error {
            E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..) => true,
            E::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            }
            _ => false,
        };
        if damaged { Self::Damaged(error.to_string()) } else { Self::Sqlite(error) }
    }
}
