//! What makes a roadmap invalid, and the check that finds it.

use std::collections::BTreeMap;

use super::{
    Localized, MAX_AFTER, MAX_ALIASES, MAX_DESCRIPTION, MAX_ID, MAX_LINKS, MAX_TITLE, MAX_TOPICS, Roadmap, Topic, is_id,
};
use crate::model::link::{self, LinkError};

/// Why a roadmap or a topic cannot be kept. Each message names the topic, the cause and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The roadmap's own id is no slug.
    #[error(
        "the roadmap's id {id:?} is not 1 to {MAX_ID} of a-z, 0-9 and '-', starting with a letter or digit; choose such \
         an id, for example cloud-native-path"
    )]
    RoadmapId {
        /// The id found, shortened.
        id: String,
    },
    /// A topic's id is no slug.
    #[error(
        "the topic id {topic:?} is not 1 to {MAX_ID} of a-z, 0-9 and '-', starting with a letter or digit; choose such \
         an id, or leave it out and one is made from the title"
    )]
    TopicId {
        /// The id found, shortened.
        topic: String,
    },
    /// Two topics have one id.
    #[error("two topics have the id {topic:?}; give one of them another id")]
    Repeated {
        /// The id.
        topic: String,
    },
    /// More than [`MAX_TOPICS`].
    #[error("the roadmap has {found} topics, more than {MAX_TOPICS}; split it into several roadmaps")]
    TooManyTopics {
        /// Topics found.
        found: usize,
    },
    /// A title with no text in any language.
    #[error("{} has no title; give it one in English or Chinese", Named(topic.as_deref()))]
    NoTitle {
        /// The topic, or the roadmap itself when `None`.
        topic: Option<String>,
    },
    /// A text over its limit.
    #[error("{} has a {field} of {found} characters, more than {max}; shorten it", Named(topic.as_deref()))]
    TooLong {
        /// The topic, or the roadmap itself when `None`.
        topic: Option<String>,
        /// Which text: `title`, `description` or `alias`.
        field: &'static str,
        /// Characters found.
        found: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A text with a character that cannot be shown.
    #[error(
        "{} has a control character in its {field}; take it out (only a description may have lines and tabs)",
        Named(topic.as_deref())
    )]
    Control {
        /// The topic, or the roadmap itself when `None`.
        topic: Option<String>,
        /// Which text: `title`, `description` or `alias`.
        field: &'static str,
    },
    /// A list over its limit.
    #[error("topic {topic:?} has {found} {field}, more than {max}; keep the most useful ones")]
    TooMany {
        /// The topic.
        topic: String,
        /// Which list: `prerequisites`, `links` or `aliases`.
        field: &'static str,
        /// Items found.
        found: usize,
        /// Items allowed.
        max: usize,
    },
    /// A link that cannot be shared.
    #[error("topic {topic:?}: {cause}")]
    Link {
        /// The topic.
        topic: String,
        /// What is wrong with the link.
        cause: LinkError,
    },
    /// A link in another spelling than its canonical one.
    #[error("topic {topic:?} has a link that is not in canonical form; write it as {canonical}")]
    LinkForm {
        /// The topic.
        topic: String,
        /// The form to write.
        canonical: String,
    },
    /// Months that are no span.
    #[error("topic {topic:?} has the months {from} to {to}; count from 1 and give the earlier month first")]
    Months {
        /// The topic.
        topic: String,
        /// First month found.
        from: u8,
        /// Last month found.
        to: u8,
    },
    /// The parent does not exist.
    #[error("topic {topic:?} belongs to {parent:?}, which is not in the roadmap; add that topic or correct the parent")]
    NoParent {
        /// The topic.
        topic: String,
        /// The missing id.
        parent: String,
    },
    /// The topic holds itself, directly or through others.
    #[error(
        "topic {topic:?} belongs to itself through its parents; give one topic of that circle another parent or none"
    )]
    ParentCircle {
        /// A topic of the circle.
        topic: String,
    },
    /// A prerequisite does not exist.
    #[error("topic {topic:?} comes after {after:?}, which is not in the roadmap; add that topic or correct the name")]
    NoAfter {
        /// The topic.
        topic: String,
        /// The missing id.
        after: String,
    },
    /// A prerequisite is named twice.
    #[error("topic {topic:?} names the prerequisite {after:?} twice; name it once")]
    AfterRepeated {
        /// The topic.
        topic: String,
        /// The id named twice.
        after: String,
    },
    /// The topic comes after itself, directly or through others, so none of them could ever begin.
    #[error("topic {topic:?} comes after itself through its prerequisites; take one prerequisite of that circle away")]
    AfterCircle {
        /// A topic of the circle.
        topic: String,
    },
}

impl Invalid {
    /// The id of the offending topic; `None` when the roadmap itself is at fault.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::RoadmapId { .. } | Self::TooManyTopics { .. } => None,
            Self::NoTitle { topic } | Self::TooLong { topic, .. } | Self::Control { topic, .. } => topic.as_deref(),
            Self::TopicId { topic }
            | Self::Repeated { topic }
            | Self::TooMany { topic, .. }
            | Self::Link { topic, .. }
            | Self::LinkForm { topic, .. }
            | Self::Months { topic, .. }
            | Self::NoParent { topic, .. }
            | Self::ParentCircle { topic }
            | Self::NoAfter { topic, .. }
            | Self::AfterRepeated { topic, .. }
            | Self::AfterCircle { topic } => Some(topic),
        }
    }
}

/// "topic "x"" or "the roadmap", at the start of a message.
struct Named<'a>(Option<&'a str>);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(topic) => write!(f, "topic {topic:?}"),
            None => f.write_str("the roadmap"),
        }
    }
}

pub(super) fn check(roadmap: &Roadmap) -> Result<(), Invalid> {
    if !is_id(&roadmap.id) {
        return Err(Invalid::RoadmapId { id: shortened(&roadmap.id) });
    }
    check_texts(None, &roadmap.title, &roadmap.description)?;
    if roadmap.topics.len() > MAX_TOPICS {
        return Err(Invalid::TooManyTopics { found: roadmap.topics.len() });
    }
    let mut index = BTreeMap::new();
    for (at, topic) in roadmap.topics.iter().enumerate() {
        check_topic(topic)?;
        if index.insert(topic.id.as_str(), at).is_some() {
            return Err(Invalid::Repeated { topic: topic.id.clone() });
        }
    }
    check_references(roadmap, &index)?;
    if let Some(at) = parent_circles(&roadmap.topics, &index).first() {
        return Err(Invalid::ParentCircle { topic: roadmap.topics[*at].id.clone() });
    }
    match after_circles(&roadmap.topics, &index).first() {
        Some((at, _)) => Err(Invalid::AfterCircle { topic: roadmap.topics[*at].id.clone() }),
        None => Ok(()),
    }
}

pub(super) fn check_topic(topic: &Topic) -> Result<(), Invalid> {
    if !is_id(&topic.id) {
        return Err(Invalid::TopicId { topic: shortened(&topic.id) });
    }
    let id = || topic.id.clone();
    check_texts(Some(&topic.id), &topic.title, &topic.description)?;
    for (field, found, max) in [
        ("prerequisites", topic.after.len(), MAX_AFTER),
        ("links", topic.links.len(), MAX_LINKS),
        ("aliases", topic.aliases.len(), MAX_ALIASES),
    ] {
        if found > max {
            return Err(Invalid::TooMany { topic: id(), field, found, max });
        }
    }
    for alias in &topic.aliases {
        check_text(Some(&topic.id), "alias", alias, MAX_TITLE)?;
    }
    for text in &topic.links {
        let canonical = link::canonical(text).map_err(|cause| Invalid::Link { topic: id(), cause })?;
        if canonical != *text {
            return Err(Invalid::LinkForm { topic: id(), canonical });
        }
    }
    match topic.months {
        Some((from, to)) if from == 0 || from > to => Err(Invalid::Months { topic: id(), from, to }),
        _ => Ok(()),
    }
}

fn check_texts(topic: Option<&str>, title: &Localized, description: &Localized) -> Result<(), Invalid> {
    if title.is_blank() {
        return Err(Invalid::NoTitle { topic: topic.map(str::to_owned) });
    }
    for text in [&title.en, &title.zh] {
        check_text(topic, "title", text, MAX_TITLE)?;
    }
    for text in [&description.en, &description.zh] {
        check_text(topic, "description", text, MAX_DESCRIPTION)?;
    }
    Ok(())
}

fn check_text(topic: Option<&str>, field: &'static str, text: &str, max: usize) -> Result<(), Invalid> {
    let topic = || topic.map(str::to_owned);
    let found = text.chars().count();
    if found > max {
        return Err(Invalid::TooLong { topic: topic(), field, found, max });
    }
    let lines = field == "description";
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\t'))) {
        return Err(Invalid::Control { topic: topic(), field });
    }
    Ok(())
}

fn check_references(roadmap: &Roadmap, index: &BTreeMap<&str, usize>) -> Result<(), Invalid> {
    for topic in &roadmap.topics {
        if let Some(parent) = topic.parent.as_ref().filter(|parent| !index.contains_key(parent.as_str())) {
            return Err(Invalid::NoParent { topic: topic.id.clone(), parent: shortened(parent) });
        }
        for (at, after) in topic.after.iter().enumerate() {
            if !index.contains_key(after.as_str()) {
                return Err(Invalid::NoAfter { topic: topic.id.clone(), after: shortened(after) });
            }
            if topic.after[..at].contains(after) {
                return Err(Invalid::AfterRepeated { topic: topic.id.clone(), after: after.clone() });
            }
        }
    }
    Ok(())
}

/// The circles of parents: of each, the member of least id. Unknown parents end a walk.
pub(super) fn parent_circles(topics: &[Topic], index: &BTreeMap<&str, usize>) -> Vec<usize> {
    let parent = |at: usize| topics[at].parent.as_ref().and_then(|id| index.get(id.as_str()).copied());
    // The walk that first came by, 0 for none: meeting one's own walk again is a circle.
    let mut walk = vec![0_usize; topics.len()];
    let mut circles = Vec::new();
    for start in 0..topics.len() {
        let mut at = Some(start);
        while let Some(here) = at.filter(|here| walk[*here] == 0) {
            walk[here] = start + 1;
            at = parent(here);
        }
        let Some(on_circle) = at.filter(|here| walk[*here] == start + 1) else { continue };
        let mut least = on_circle;
        let mut here = parent(on_circle);
        while let Some(next) = here.filter(|next| *next != on_circle) {
            if topics[next].id < topics[least].id {
                least = next;
            }
            here = parent(next);
        }
        circles.push(least);
    }
    circles
}

/// The prerequisites to forget so that every topic can begin: (topic, prerequisite), each of them on a circle or behind
/// one. Empty when there is no circle. Unknown prerequisites count as met.
pub(super) fn after_circles(topics: &[Topic], index: &BTreeMap<&str, usize>) -> Vec<(usize, usize)> {
    let before: Vec<Vec<usize>> = topics
        .iter()
        .map(|topic| topic.after.iter().filter_map(|id| index.get(id.as_str()).copied()).collect())
        .collect();
    let mut unlocks: Vec<Vec<usize>> = vec![Vec::new(); topics.len()];
    for (at, list) in before.iter().enumerate() {
        list.iter().for_each(|first| unlocks[*first].push(at));
    }
    let mut waits: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut studied = vec![false; topics.len()];
    let mut ready: Vec<usize> = (0..topics.len()).filter(|at| waits[*at] == 0).collect();
    let mut forgotten = Vec::new();
    loop {
        while let Some(here) = ready.pop() {
            studied[here] = true;
            for at in &unlocks[here] {
                waits[*at] = waits[*at].saturating_sub(1);
                if waits[*at] == 0 && !studied[*at] {
                    ready.push(*at);
                }
            }
        }
        let Some(mut stuck) = studied.iter().position(|studied| !studied) else { return forgotten };
        let unmet = |at: usize| before[at].iter().copied().filter(|first| !studied[*first]);
        // Whoever is stuck waits for someone stuck: as many steps back as there are topics end on a circle.
        for _ in 0..topics.len() {
            stuck = unmet(stuck).next().unwrap_or(stuck);
        }
        forgotten.extend(unmet(stuck).map(|first| (stuck, first)));
        waits[stuck] = 0;
        ready.push(stuck);
    }
}

/// At most [`MAX_ID`] characters, for a message.
fn shortened(text: &str) -> String {
    text.chars().take(MAX_ID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(id: &str) -> Topic {
        Topic { id: id.into(), title: Localized::en(id), ..Topic::default() }
    }

    fn roadmap(topics: Vec<Topic>) -> Roadmap {
        Roadmap { id: "r".into(), title: Localized::en("R"), topics, ..Roadmap::default() }
    }

    fn refused(change: impl FnOnce(&mut Topic)) -> Invalid {
        let mut bad = topic("b");
        change(&mut bad);
        roadmap(vec![topic("a"), bad]).validate().unwrap_err()
    }

    #[test]
    fn each_broken_constraint_names_the_topic() {
        let cases = [
            refused(|t| t.title = Localized::default()),
            refused(|t| t.title.zh = "文".repeat(MAX_TITLE + 1)),
            refused(|t| t.title.en = "two\nlines".into()),
            refused(|t| t.description.en = "x".repeat(MAX_DESCRIPTION + 1)),
            refused(|t| t.links = vec!["https://A.com".into()]),
            refused(|t| t.links = vec!["ftp://a.com".into()]),
            refused(|t| t.after = vec!["a".into(); MAX_AFTER + 1]),
            refused(|t| t.aliases = vec![String::new(); MAX_ALIASES + 1]),
            refused(|t| t.months = Some((3, 1))),
            refused(|t| t.months = Some((0, 1))),
            refused(|t| t.parent = Some("x".into())),
            refused(|t| t.after = vec!["x".into()]),
            refused(|t| t.after = vec!["a".into(), "a".into()]),
            refused(|t| t.parent = Some("b".into())),
            refused(|t| t.after = vec!["b".into()]),
        ];
        for case in cases {
            assert_eq!(case.topic(), Some("b"), "{case}");
            assert!(case.to_string().contains("\"b\"") && case.to_string().contains(';'), "{case}");
        }
    }

    #[test]
    fn a_title_of_chinese_characters_is_counted_in_characters_not_bytes() {
        let mut fits = topic("a");
        fits.title.zh = "文".repeat(MAX_TITLE);
        assert_eq!(roadmap(vec![fits]).validate(), Ok(()));
    }

    #[test]
    fn ids_are_slugs_and_unique() {
        for bad in ["", "-a", "A", "a_b", "文", &"a".repeat(MAX_ID + 1)] {
            assert!(matches!(roadmap(vec![topic(bad)]).validate(), Err(Invalid::TopicId { .. })), "{bad}");
        }
        assert!(roadmap(vec![topic("0"), topic("a-")]).validate().is_ok());
        assert!(matches!(roadmap(vec![topic("a"), topic("a")]).validate(), Err(Invalid::Repeated { .. })));
        let many = (0..=MAX_TOPICS).map(|n| topic(&format!("t{n}"))).collect();
        assert!(matches!(roadmap(many).validate(), Err(Invalid::TooManyTopics { found: 1_001 })));
    }

    #[test]
    fn a_circle_is_found_wherever_it_starts_and_a_long_chain_is_none() {
        let mut topics: Vec<Topic> = (0..MAX_TOPICS).map(|n| topic(&format!("t{n}"))).collect();
        for (n, topic) in topics.iter_mut().skip(1).enumerate() {
            topic.parent = Some(format!("t{n}"));
            topic.after = vec![format!("t{n}")];
        }
        let mut long = roadmap(topics);
        assert_eq!(long.validate(), Ok(()));
        long.topics[500].parent = Some("t502".into());
        assert_eq!(long.validate(), Err(Invalid::ParentCircle { topic: "t500".into() }));
        long.topics[500].parent = None;
        long.topics[500].after = vec!["t502".into()];
        assert!(matches!(long.validate(), Err(Invalid::AfterCircle { .. })));
    }
}
