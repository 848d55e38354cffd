//! What a command answers when it can not be done: a stable code, the cause, the remedy.

use serde::{Deserialize, Serialize};

/// The kind of an error. The names are stable and never translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// It did not work.
    Failed,
    /// It needs a running node.
    NotRunning,
    /// The command line is wrong.
    Usage,
    /// There is nothing of that name.
    NotFound,
    /// There is more than one of that name.
    Ambiguous,
    /// What was given breaks a bound or a format.
    BadInput,
    /// The ticket can not be used.
    BadTicket,
    /// Another process has the directory.
    Locked,
    /// The time is over.
    Timeout,
    /// Not done in the time, but nothing is broken.
    Incomplete,
    /// It is not allowed.
    NotPermitted,
    /// The store is damaged.
    StoreDamaged,
    /// The store is from a newer version.
    StoreNewer,
}

impl Code {
    /// The exit status of the command line.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Failed | Self::NotRunning => 1,
            Self::Usage => 2,
            Self::NotFound | Self::Ambiguous => 3,
            Self::BadInput | Self::BadTicket => 4,
            Self::Locked => 5,
            Self::Timeout | Self::Incomplete => 6,
            Self::NotPermitted => 7,
            Self::StoreDamaged | Self::StoreNewer => 8,
        }
    }

    /// The code as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotRunning => "not_running",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::BadInput => "bad_input",
            Self::BadTicket => "bad_ticket",
            Self::Locked => "locked",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::NotPermitted => "not_permitted",
            Self::StoreDamaged => "store_damaged",
            Self::StoreNewer => "store_newer",
        }
    }
}

/// Why a command could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind.
    pub code: Code,
    /// The cause, one sentence for a person.
    pub message: String,
    /// What to do about it, one sentence.
    pub remedy: String,
}

impl Error {
    /// An error with its cause and its remedy.
    pub fn new(code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into() }
    }

    /// The object that goes to stderr: `{"v":1,"error":{code,message,remedy}}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "v": super::VERSION, "error": self })
    }
}
