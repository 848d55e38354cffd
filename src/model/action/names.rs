//! Names: of a person, of a group, of a device.

use bincode::{Decode, Encode};

use crate::model::id::{EntryId, LogId};

/// The author's name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Profile {
    /// 1 to [`crate::model::limits::MAX_NAME_CHARS`] characters, no control characters.
    pub name: String,
    /// The writes of this register that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// The group's name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct GroupName {
    /// 1 to [`crate::model::limits::MAX_NAME_CHARS`] characters, no control characters.
    pub name: String,
    /// The writes of this register that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// The name of one of the author's devices.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeviceName {
    /// A log that the device writes. It counts only for logs of the author's own person.
    pub log: LogId,
    /// 1 to [`crate::model::limits::MAX_NAME_CHARS`] characters, no control characters.
    pub name: String,
    /// The writes of this register that the author saw.
    pub supersedes: Vec<EntryId>,
}
