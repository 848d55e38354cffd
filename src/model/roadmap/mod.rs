//! Roadmaps: what a group studies, as an ordered list of topics with stages, prerequisites and practice tasks.
//!
//! A roadmap is stored one topic at a time, so that two members who edit different topics never collide: [`diff()`] turns
//! an edited roadmap into [`TopicChange`]s and [`TopicChange::apply`] plays them back. A topic's id never changes, even
//! when its title does or when it moves; [`match_edit`] keeps ids across edits in files that do not write them.
//!
//! Two concurrent edits, each valid, may leave a topic whose parent is gone or a circle of parents. [`Roadmap::validate`]
//! refuses such a roadmap from a file; [`Roadmap::mend`] makes one that was merged from logs whole again, the same way on
//! every machine.
//!
//! ```
//! use studymesh::model::roadmap::{self, Localized, Roadmap, Topic, TopicChange};
//! let old = Roadmap {
//!     id: "go".into(),
//!     title: Localized::en("Go"),
//!     topics: vec![Topic { id: "channels".into(), title: Localized::en("Channels"), ..Topic::default() }],
//!     ..Roadmap::default()
//! };
//! old.validate().unwrap();
//! let mut new = old.clone();
//! new.topics[0].title.zh = "通道".into();
//! let changes = roadmap::diff(&old, &new);
//! assert!(matches!(&changes[..], [TopicChange::Put(topic)] if topic.id == "channels"));
//! ```

pub mod builtin;
pub mod diff;
pub mod edit;
pub mod invalid;
pub mod mend;
pub mod order;
pub mod slug;

use std::collections::BTreeSet;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use diff::{TopicChange, diff};
pub use edit::{Draft, match_edit};
pub use invalid::Invalid;
pub use slug::slug;

/// Topics in one roadmap.
pub const MAX_TOPICS: usize = 1_000;
/// Characters in a title, and in an alias.
pub const MAX_TITLE: usize = 200;
/// Characters in a description.
pub const MAX_DESCRIPTION: usize = 4_000;
/// Prerequisites of one topic.
pub const MAX_AFTER: usize = 16;
/// Links of one topic.
pub const MAX_LINKS: usize = 16;
/// Aliases of one topic.
pub const MAX_ALIASES: usize = 16;
/// Bytes in the id of a roadmap or a topic.
pub const MAX_ID: usize = 64;
/// The second number of [`Topic::months`] that means "and on".
pub const OPEN_MONTH: u8 = u8::MAX;

/// A text in English, in Chinese, or in both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(default)]
pub struct Localized {
    /// English; may be empty.
    pub en: String,
    /// Chinese; may be empty.
    pub zh: String,
}

/// A language of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Localized {
    /// A text in English only.
    #[must_use]
    pub fn en(text: &str) -> Self {
        Self { en: text.to_owned(), zh: String::new() }
    }

    /// A text of unknown language: Chinese when it holds a Han character, else English.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.chars().any(is_han) { Self { en: String::new(), zh: text.to_owned() } } else { Self::en(text) }
    }

    /// The text in `lang`, or in the other language when that one is empty.
    #[must_use]
    pub fn pick(&self, lang: Lang) -> &str {
        let (first, second) = match lang {
            Lang::En => (&self.en, &self.zh),
            Lang::Zh => (&self.zh, &self.en),
        };
        if first.is_empty() { second } else { first }
    }

    /// Whether neither language says anything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.en.trim().is_empty() && self.zh.trim().is_empty()
    }
}

/// The unified ideographs of the basic plane, extension A, the compatibility block, and the supplementary planes.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// What a topic is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum TopicKind {
    /// A part of the roadmap that holds topics; studied by studying what it holds.
    Stage,
    /// Something to learn.
    #[default]
    Topic,
    /// Something to build, done with evidence that others can review.
    Practice,
}

/// One thing to learn or to build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(default)]
pub struct Topic {
    /// Identity within the roadmap, for ever: a slug of at most [`MAX_ID`] bytes. Progress and notes refer to it.
    pub id: String,
    /// What people see: at least one language, one line, at most [`MAX_TITLE`] characters each.
    pub title: Localized,
    /// Why and how: may be empty, may have lines, at most [`MAX_DESCRIPTION`] characters each.
    pub description: Localized,
    /// The id of the topic that holds this one (its stage or track), which must exist and not be held by this one.
    pub parent: Option<String>,
    /// What this is.
    pub kind: TopicKind,
    /// Ids of the topics to study before this one: existing, no repetition, no circle, at most [`MAX_AFTER`].
    pub after: Vec<String>,
    /// Where to read: canonical URLs (see [`crate::model::link::canonical`]), at most [`MAX_LINKS`].
    pub links: Vec<String>,
    /// Former ids and other names, by which edits and imports find this topic: one line of at most [`MAX_TITLE`]
    /// characters each, at most [`MAX_ALIASES`], oldest first.
    pub aliases: Vec<String>,
    /// First and last month of study, counted from 1; a last month of [`OPEN_MONTH`] means "and on". First <= last.
    pub months: Option<(u8, u8)>,
    /// Place among the topics: ascending, ties broken by id. Spaced by [`order::STEP`] so that one can be put between.
    pub order: u32,
}

/// An ordered list of topics with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(default)]
pub struct Roadmap {
    /// Identity within the group: a slug of at most [`MAX_ID`] bytes.
    pub id: String,
    /// What people see: at least one language, one line, at most [`MAX_TITLE`] characters each.
    pub title: Localized,
    /// What it is for: at most [`MAX_DESCRIPTION`] characters each.
    pub description: Localized,
    /// At most [`MAX_TOPICS`], ids unique. Read in the order of [`Topic::order`]; see [`Roadmap::sort`].
    pub topics: Vec<Topic>,
}

impl Roadmap {
    /// Puts the topics in their order: by [`Topic::order`], then by id.
    pub fn sort(&mut self) {
        self.topics.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
    }

    /// The topic of that id, or else the first topic that has it as an alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Topic> {
        let by_id = self.topics.iter().find(|topic| topic.id == name);
        by_id.or_else(|| self.topics.iter().find(|topic| topic.aliases.iter().any(|alias| alias == name)))
    }

    /// The topics that `parent` holds directly, in the order of the list; those held by none when `parent` is `None`.
    pub fn children<'a>(&'a self, parent: Option<&'a str>) -> impl Iterator<Item = &'a Topic> {
        self.topics.iter().filter(move |topic| topic.parent.as_deref() == parent)
    }

    /// Checks every constraint that the fields' documentation names.
    ///
    /// # Errors
    /// The first [`Invalid`] found, which names the topic.
    pub fn validate(&self) -> Result<(), Invalid> {
        invalid::check(self)
    }

    /// Ids of all topics.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<String> {
        self.topics.iter().map(|topic| topic.id.clone()).collect()
    }
}

impl Topic {
    /// Checks what can be said of a topic alone: its texts and their sizes, not what it refers to.
    ///
    /// # Errors
    /// The first [`Invalid`] found.
    pub fn validate(&self) -> Result<(), Invalid> {
        invalid::check_topic(self)
    }
}

/// Whether a text may be the id of a roadmap or topic: 1 to [`MAX_ID`] of `a-z`, `0-9` and `-`, not starting with `-`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let shape = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    !text.is_empty() && text.len() <= MAX_ID && shape && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_one_language_is_shown_in_both() {
        assert_eq!(Localized::of("容器").pick(Lang::En), "容器");
        assert_eq!(Localized::of("Containers").pick(Lang::Zh), "Containers");
        let both = Localized { en: "Containers".into(), zh: "容器".into() };
        assert_eq!((both.pick(Lang::En), both.pick(Lang::Zh)), ("Containers", "容器"));
        assert!(Localized::default().is_blank());
    }

    #[test]
    fn a_topic_is_found_by_its_former_name_but_an_id_comes_first() {
        let topic = |id: &str, alias: &str| Topic { id: id.into(), aliases: vec![alias.into()], ..Topic::default() };
        let roadmap = Roadmap { topics: vec![topic("a", "b"), topic("b", "c")], ..Roadmap::default() };
        assert_eq!(roadmap.find("b").unwrap().id, "b");
        assert_eq!(roadmap.find("c").unwrap().id, "b");
        assert_eq!(roadmap.find("d"), None);
    }

    #[test]
    fn a_roadmap_survives_its_binary_form() {
        let roadmap = builtin::path();
        let bytes = bincode::encode_to_vec(&roadmap, bincode::config::standard()).unwrap();
        let (back, _): (Roadmap, usize) = bincode::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        assert_eq!(back, roadmap);
    }
}
