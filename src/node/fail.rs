//! Why a command ends without an answer: for the person, or for the node itself.

use crate::api::{Code, Error};
use crate::engine::{Forbidden, JoinError, NoWrite, WriteError};
use crate::store;

/// Either the command can not be done, or the store failed and nothing can go on.
#[derive(Debug, thiserror::Error)]
pub enum Fail {
    /// The command can not be done; the node goes on.
    #[error(transparent)]
    Command(#[from] Error),
    /// The store failed: what the engine holds in memory may be ahead of it, so the batch must be rolled back.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<WriteError<store::Error>> for Fail {
    fn from(error: WriteError<store::Error>) -> Self {
        let message = error.to_string();
        match error {
            WriteError::Store(error) => Self::Store(error),
            WriteError::NoGroup(_) => {
                Error::new(Code::NotFound, message, "list the groups with `studymesh group list`").into()
            }
            WriteError::Bounds(_) => {
                Error::new(Code::BadInput, message, "make it shorter or simpler; docs/cli.md has the limits").into()
            }
            WriteError::NoWrite(NoWrite::Waits) => Error::new(
                Code::NotPermitted,
                message,
                "leave the node running until a member who can let you in is online; `studymesh sync status` says more",
            )
            .into(),
            WriteError::NoWrite(NoWrite::TooMany) => {
                Error::new(Code::NotPermitted, message, "wait until they are sent, then go on").into()
            }
            WriteError::NoWrite(_) => {
                Error::new(Code::NotPermitted, message, "`studymesh member list` shows who decides").into()
            }
            WriteError::Forbidden(Forbidden::Unknown) => {
                Error::new(Code::NotFound, message, "list them with `studymesh member list`").into()
            }
            WriteError::Forbidden(Forbidden::HandOverFirst) => {
                let remedy = "hand over with `studymesh member role NAME owner`, then repeat the command";
                Error::new(Code::NotPermitted, message, remedy).into()
            }
            WriteError::Forbidden(Forbidden::Oneself) => {
                let remedy = "`studymesh device list` shows the others; `studymesh group leave` leaves with this one";
                Error::new(Code::NotPermitted, message, remedy).into()
            }
            WriteError::Forbidden(_) => {
                Error::new(Code::NotPermitted, message, "`studymesh member list` shows who decides").into()
            }
            WriteError::TooLong(_) => {
                Error::new(Code::BadInput, message, "make it shorter, or split it into several").into()
            }
        }
    }
}

impl From<JoinError<store::Error>> for Fail {
    fn from(error: JoinError<store::Error>) -> Self {
        match error {
            JoinError::Store(error) => Self::Store(error),
            JoinError::Write(error) => error.into(),
            JoinError::TooMany => {
                let remedy = "leave one with `studymesh group leave`";
                Error::new(Code::NotPermitted, error.to_string(), remedy).into()
            }
        }
    }
}

/// The store's error, for a person.
#[must_use]
pub fn store_error(error: &store::Error) -> Error {
    match error.kind() {
        store::ErrorKind::Damaged => Error::new(
            Code::StoreDamaged,
            error.to_string(),
            "copy the directory away, then restore a backup or join the group again: the other members hold the entries",
        ),
        store::ErrorKind::Newer => Error::new(
            Code::StoreNewer,
            error.to_string(),
            "run the newer studymesh that wrote it; nothing was changed",
        ),
        store::ErrorKind::Other => Error::new(
            Code::Failed,
            error.to_string(),
            "look at free space and permissions of the directory, then try again",
        ),
    }
}
