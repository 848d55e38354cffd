//! Makes a merged roadmap whole again: concurrent edits, each valid alone, may together leave dangling references.

use std::collections::{BTreeMap, BTreeSet};

use super::invalid::{after_circles, parent_circles};
use super::{MAX_TOPICS, Roadmap, Topic};

impl Roadmap {
    /// Sorts the topics and takes away what refers to nothing or to itself: unknown parents and prerequisites,
    /// repeated ids and prerequisites, circles. A function of the set of topics alone, so that all members see the same.
    ///
    /// After it, [`Roadmap::validate`] can only find fault with a single text, list or link, which
    /// [`Topic::validate`] refuses on arrival. Topics over [`MAX_TOPICS`] are left out, last ones first.
    pub fn mend(&mut self) {
        self.sort();
        let mut seen = BTreeSet::new();
        self.topics.retain(|topic| seen.len() < MAX_TOPICS && seen.insert(topic.id.clone()));
        for topic in &mut self.topics {
            topic.parent = topic.parent.take().filter(|parent| seen.contains(parent));
            let mut named = BTreeSet::new();
            topic.after.retain(|id| seen.contains(id) && named.insert(id.clone()));
        }
        for at in parent_circles(&self.topics, &index(&self.topics)) {
            self.topics[at].parent = None;
        }
        for (at, before) in after_circles(&self.topics, &index(&self.topics)) {
            let forgotten = self.topics[before].id.clone();
            self.topics[at].after.retain(|id| *id != forgotten);
        }
    }
}

fn index(topics: &[Topic]) -> BTreeMap<&str, usize> {
    topics.iter().enumerate().map(|(at, topic)| (topic.id.as_str(), at)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Localized;
    use super::*;

    #[test]
    fn a_valid_roadmap_is_left_as_it_is() {
        let mut path = super::super::builtin::path();
        path.mend();
        assert_eq!(path, super::super::builtin::path());
    }

    proptest! {
        #[test]
        fn any_merge_becomes_valid_and_the_same_for_everyone(
            rows in proptest::collection::vec((0_u8..9, proptest::option::of(0_u8..10), proptest::collection::vec(0_u8..10, 0..4), 0_u32..3), 0..12),
        ) {
            let mut ids = BTreeSet::new();
            let topic = |(id, parent, after, order): &(u8, Option<u8>, Vec<u8>, u32)| Topic {
                id: format!("t{id}"),
                title: Localized::en("T"),
                parent: parent.map(|id| format!("t{id}")),
                after: after.iter().map(|id| format!("t{id}")).collect(),
                order: *order,
                ..Topic::default()
            };
            let topics: Vec<Topic> = rows.iter().filter(|row| ids.insert(row.0)).map(topic).collect();
            let mut one = Roadmap { id: "r".into(), title: Localized::en("R"), topics, ..Roadmap::default() };
            let mut other = one.clone();
            other.topics.reverse();
            one.mend();
            other.mend();
            prop_assert_eq!(one.validate(), Ok(()));
            prop_assert_eq!(one, other);
        }
    }
}
