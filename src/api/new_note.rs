//! Notes that are made many at a time.

use serde::{Deserialize, Serialize};

/// Most notes that one request makes: they become durable together, and other commands wait meanwhile.
pub const MAX_NEW_NOTES: usize = 256;

/// A note to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNote {
    /// At most 200 characters.
    pub title: String,
    /// The topic that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Whether it is made without its topic rather than not at all, when the topic is not here.
    #[serde(default)]
    pub drop_topic: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Markdown.
    pub text: String,
    /// Notes that it may be already, by id: it is not made when one of them has this very text.
    #[serde(default)]
    pub unless: Vec<String>,
}
