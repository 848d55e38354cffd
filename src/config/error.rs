//! Why the settings can not be used.

use std::fmt;
use std::path::PathBuf;

use super::file::MAX_FILE_BYTES;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the file, at this line (counted from 1).
    File(PathBuf, usize),
    /// In this variable of the environment.
    Variable(&'static str),
    /// In this flag of the command line.
    Flag(&'static str),
    /// Nowhere yet: it is to be put into the file.
    New,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::New => f.write_str("the new value"),
        }
    }
}

/// Why the settings can not be used. The message is the cause; [`Error::remedy`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file can not be read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The file is too large to be settings.
    #[error("{}: the file has more than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not UTF-8.
    #[error("{place}: this is not UTF-8 text")]
    NotText {
        /// Where.
        place: Place,
    },
    /// The file is not TOML.
    #[error("{place}: {cause}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser found.
        cause: String,
    },
    /// The file has a key that no setting has.
    #[error("{place}: there is no setting {key:?}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key.
        key: String,
    },
    /// A value is of the wrong type.
    #[error("{place}: {key} must be {expected}")]
    Type {
        /// Where.
        place: Place,
        /// The setting.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A value can not be used.
    #[error("{place}: {key} {value:?}: {cause}")]
    Value {
        /// Where.
        place: Place,
        /// The setting.
        key: &'static str,
        /// The value, shortened.
        value: String,
        /// What is wrong with it.
        cause: String,
        /// What would be right.
        remedy: &'static str,
    },
}

impl Error {
    /// What to do about it, one sentence.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Io { .. } => "check that you own the path and may write there, or choose another with --home".into(),
            Self::TooLarge { path } => {
                format!("move {} away; `studymesh up` writes a fresh one", path.display())
            }
            Self::NotText { .. } => "save it as UTF-8".into(),
            Self::Syntax { .. } => "correct that line; a text is written \"text\", a list [\"a\", \"b\"]".into(),
            Self::UnknownKey { .. } => "correct or delete that line; `studymesh config show` lists the settings".into(),
            Self::Type { .. } => "correct that line, or use `studymesh config set KEY VALUE`".into(),
            Self::Value { remedy, .. } => (*remedy).into(),
        }
    }
}
