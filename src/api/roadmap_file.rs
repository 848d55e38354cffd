//! A file as a request carries it.

use serde::{Deserialize, Serialize};

/// A roadmap file that somebody edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoadmapFile {
    /// Its name: a hint at its format.
    pub name: String,
    /// Its content.
    pub text: String,
}
