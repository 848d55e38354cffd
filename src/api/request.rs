//! A command, and the group that it is for.

use serde::{Deserialize, Serialize};

use super::{Command, VERSION};

/// A command for one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub v: u8,
    /// The group: an id, a unique prefix of one, or a name. With one group only it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

impl Request {
    /// A request that leaves the group out.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self { v: VERSION, group: None, command }
    }

    /// The same for one group.
    #[must_use]
    pub fn in_group(self, group: Option<String>) -> Self {
        Self { group, ..self }
    }
}
