//! The difference of two versions of a roadmap, topic by topic: what an edit writes to the log.

use std::collections::BTreeMap;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Localized, Roadmap, Topic};

/// One step from a version of a roadmap to another. Steps about different topics commute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum TopicChange {
    /// Add this topic or replace the one of its id. Its place is in [`Topic::order`].
    Put(Box<Topic>),
    /// Remove the topic of this id; nothing when it is absent.
    Remove(String),
    /// Name and describe the roadmap.
    Meta {
        /// See [`Roadmap::title`].
        title: Localized,
        /// See [`Roadmap::description`].
        description: Localized,
    },
}

impl TopicChange {
    /// Makes this change. Does not validate, and leaves the topics unsorted: see [`Roadmap::sort`].
    pub fn apply(&self, roadmap: &mut Roadmap) {
        match self {
            Self::Put(topic) => match roadmap.topics.iter_mut().find(|old| old.id == topic.id) {
                Some(old) => old.clone_from(topic),
                None => roadmap.topics.push((**topic).clone()),
            },
            Self::Remove(id) => roadmap.topics.retain(|topic| topic.id != *id),
            Self::Meta { title, description } => {
                roadmap.title.clone_from(title);
                roadmap.description.clone_from(description);
            }
        }
    }
}

/// The changes that lead from `old` to `new`: the roadmap's texts first, then removals, then topics in the order of
/// `new`. Positions in the list do not count, only [`Topic::order`]; the two ids are taken to be equal.
#[must_use]
pub fn diff(old: &Roadmap, new: &Roadmap) -> Vec<TopicChange> {
    let mut changes = Vec::new();
    if (&old.title, &old.description) != (&new.title, &new.description) {
        changes.push(TopicChange::Meta { title: new.title.clone(), description: new.description.clone() });
    }
    let before: BTreeMap<&str, &Topic> = old.topics.iter().map(|topic| (topic.id.as_str(), topic)).collect();
    let after: BTreeMap<&str, &Topic> = new.topics.iter().map(|topic| (topic.id.as_str(), topic)).collect();
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    changes.extend(gone.map(|id| TopicChange::Remove((*id).to_owned())));
    let put = new.topics.iter().filter(|topic| before.get(topic.id.as_str()) != Some(topic));
    changes.extend(put.map(|topic| TopicChange::Put(Box::new(topic.clone()))));
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn roadmap(topics: &BTreeMap<u8, (String, u32)>, title: &str) -> Roadmap {
        let topic = |(id, (title, order)): (&u8, &(String, u32))| Topic {
            id: format!("t{id}"),
            title: Localized::en(title),
            order: *order,
            ..Topic::default()
        };
        let mut roadmap = Roadmap {
            id: "r".into(),
            title: Localized::en(title),
            topics: topics.iter().map(topic).collect(),
            ..Roadmap::default()
        };
        roadmap.sort();
        roadmap
    }

    #[test]
    fn equal_roadmaps_differ_in_nothing() {
        let path = super::super::builtin::path();
        assert_eq!(diff(&path, &path), []);
    }

    proptest! {
        #[test]
        fn changes_lead_from_old_to_new(
            old in proptest::collection::btree_map(0_u8..12, ("[ab]{1,2}", 0_u32..4), 0..8),
            new in proptest::collection::btree_map(0_u8..12, ("[ab]{1,2}", 0_u32..4), 0..8),
            titles in ("[ab]", "[ab]"),
        ) {
            let (old, new) = (roadmap(&old, &titles.0), roadmap(&new, &titles.1));
            let mut now = old.clone();
            for change in diff(&old, &new) {
                change.apply(&mut now);
            }
            now.sort();
            prop_assert_eq!(now, new);
        }
    }
}
