//! The roadmaps that come with the program, in English and Chinese: the path to cloud native in three stages, the skill
//! tracks that a group may add, and the table of what one's experience leads to.
//!
//! Plain data. Ids are for ever: a topic may be renamed or moved here, but its id must not change, because groups'
//! progress refers to it.

mod more_tracks;
mod path;
mod tracks;
mod transfers;

use super::{Localized, Roadmap, Topic, TopicKind, order};

pub use path::path;
pub use tracks::tracks;
pub use transfers::{TopicRef, Transfer, transfers};

/// Id of [`path()`].
pub const PATH_ID: &str = "cloud-native-path";

/// Every built-in roadmap: the path, then the tracks.
#[must_use]
pub fn all() -> Vec<Roadmap> {
    let mut all = vec![path()];
    all.extend(tracks());
    all
}

/// A pair of texts: English, Chinese.
type Text = (&'static str, &'static str);

/// One built-in topic, as it stands in the tables.
struct Row {
    id: &'static str,
    kind: TopicKind,
    parent: &'static str,
    title: Text,
    about: Text,
    after: &'static [&'static str],
    links: &'static [&'static str],
    months: Option<(u8, u8)>,
}

/// What most rows leave out.
const ROW: Row = Row {
    id: "",
    kind: TopicKind::Topic,
    parent: "",
    title: ("", ""),
    about: ("", ""),
    after: &[],
    links: &[],
    months: None,
};

fn localized((en, zh): Text) -> Localized {
    Localized { en: en.to_owned(), zh: zh.to_owned() }
}

fn roadmap(id: &str, title: Text, about: Text, rows: &[Row]) -> Roadmap {
    let owned = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
    let topic = |row: &Row| Topic {
        id: row.id.to_owned(),
        title: localized(row.title),
        description: localized(row.about),
        parent: (!row.parent.is_empty()).then(|| row.parent.to_owned()),
        kind: row.kind,
        after: owned(row.after),
        links: owned(row.links),
        aliases: Vec::new(),
        months: row.months,
        order: 0,
    };
    let mut topics: Vec<Topic> = rows.iter().map(topic).collect();
    order::renumber(&mut topics);
    Roadmap { id: id.to_owned(), title: localized(title), description: localized(about), topics }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Lang;
    use super::*;

    #[test]
    fn every_built_in_roadmap_is_valid_and_says_everything_in_both_languages() {
        let mut ids = BTreeSet::new();
        for roadmap in all() {
            assert_eq!(roadmap.validate(), Ok(()), "{}", roadmap.id);
            assert!(ids.insert(roadmap.id.clone()));
            let texts = [&roadmap.title, &roadmap.description].into_iter();
            for text in texts.chain(roadmap.topics.iter().flat_map(|topic| [&topic.title, &topic.description])) {
                assert!(!text.en.is_empty() && !text.zh.is_empty(), "{}: {text:?}", roadmap.id);
                assert_eq!(Localized::of(&text.en), Localized::en(&text.en), "Chinese in the English text");
            }
            for topic in &roadmap.topics {
                assert_eq!(Localized::of(&topic.description.zh).en, "", "no Chinese in {}", topic.id);
                assert!(topic.links.iter().all(|link| link.starts_with("https://")), "{}", topic.id);
            }
        }
    }

    #[test]
    fn the_path_has_three_stages_each_with_a_practice_task() {
        let path = path();
        let stages: Vec<&Topic> = path.children(None).collect();
        assert_eq!(stages.iter().map(|s| s.months.unwrap()).collect::<Vec<_>>(), [(1, 3), (3, 6), (6, u8::MAX)]);
        for stage in stages {
            assert_eq!(stage.kind, TopicKind::Stage);
            assert!(path.children(Some(&stage.id)).any(|topic| topic.kind == TopicKind::Practice), "{}", stage.id);
        }
        assert_eq!(path.find("helm").unwrap().after, ["kubernetes-basics"]);
        assert_eq!(path.find("docker").unwrap().title.pick(Lang::Zh), "Docker 容器");
    }

    #[test]
    fn every_transfer_leads_to_topics_that_exist() {
        let all = all();
        for transfer in transfers() {
            assert!(!transfer.topics.is_empty());
            for TopicRef { roadmap, topic } in &transfer.topics {
                let roadmap = all.iter().find(|candidate| candidate.id == *roadmap).unwrap();
                assert!(roadmap.topics.iter().any(|candidate| candidate.id == *topic), "{topic}");
            }
            for text in [&transfer.have, &transfer.toward, &transfer.next] {
                assert!(!text.en.is_empty() && !text.zh.is_empty());
            }
        }
    }
}
