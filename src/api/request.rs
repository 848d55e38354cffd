//! A command with the group that it is meant for.

use serde::{Deserialize, Serialize};

use super::{Command, VERSION};

/// Most bytes of a request or an answer line on the control socket.
pub const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// Most bytes of a note's text that a request may carry.
pub const MAX_NOTE_BYTES: usize = 4 * 1024 * 1024;

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
