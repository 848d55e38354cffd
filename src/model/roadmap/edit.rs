//! Edits in files: which topic of the new text is which topic of the roadmap, so that ids outlive titles and places.
//!
//! A file that writes ids says it itself. A Markdown outline usually does not, and then a topic is recognised by, in
//! this order: its id, a former id, its title in either language, an alias, and at last a similar title under the same
//! parent. Whoever is not recognised is new, and never takes over the id of another topic, so that nobody's progress
//! moves to something they have not studied.

use std::collections::{BTreeMap, BTreeSet};

use super::{Localized, MAX_ALIASES, MAX_TITLE, Roadmap, Topic, TopicKind, order, slug};

/// Likeness of two titles, from 0 to 1, from which one counts as the other renamed.
const RENAMED: f32 = 0.8;

/// Comparisons of titles in one edit; beyond, a renamed topic counts as new.
const MAX_COMPARISONS: usize = 10_000;

/// A roadmap as a file describes it, before it is known which of its topics exist already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The roadmap, with provisional ids where the file has none. Valid by itself.
    pub roadmap: Roadmap,
    /// Whether the file writes the roadmap's own id.
    pub named: bool,
    /// Ids of the topics whose id the file itself writes.
    pub given: BTreeSet<String>,
    /// Ids of the topics that the file marks as done (`- [x]`).
    pub done: BTreeSet<String>,
    /// The format cannot write all fields: what it leaves out of a known topic stays as it was.
    pub partial: bool,
}

/// The roadmap after an edit: the draft, under the ids of the topics that exist already.
///
/// Keeps the id of `old`, and the places of the topics that did not move. A renamed topic keeps its former title as an
/// alias. A [partial](Draft::partial) draft changes only what it can write: titles in their language, parents, links,
/// places. The result is valid when the draft is.
#[must_use]
pub fn match_edit(old: &Roadmap, draft: &Draft) -> Roadmap {
    let known = recognise(old, draft);
    let ids = final_ids(old, draft, &known);
    let renamed: BTreeMap<&str, &str> =
        draft.roadmap.topics.iter().zip(&ids).map(|(topic, id)| (topic.id.as_str(), id.as_str())).collect();
    let rename = |id: &String| renamed.get(id.as_str()).map_or_else(|| id.clone(), |id| (*id).to_owned());

    let mut topics = Vec::with_capacity(ids.len());
    for ((topic, id), known) in draft.roadmap.topics.iter().zip(&ids).zip(&known) {
        let mut topic = topic.clone();
        topic.id.clone_from(id);
        topic.parent = topic.parent.as_ref().map(rename);
        topic.after = topic.after.iter().map(rename).collect();
        topics.push(match known {
            Some(at) => merged(&old.topics[*at], topic, draft.partial, &ids),
            None => topic,
        });
    }
    let places: Vec<Option<u32>> = known.iter().map(|known| known.map(|at| old.topics[at].order)).collect();
    order::place(&mut topics, &places);

    let mut roadmap = Roadmap {
        id: old.id.clone(),
        title: draft.roadmap.title.clone(),
        description: draft.roadmap.description.clone(),
        topics,
    };
    if draft.partial {
        roadmap.title = kept(&old.title, &draft.roadmap.title);
        roadmap.description = kept(&old.description, &draft.roadmap.description);
        // What a partial draft keeps may contradict what it moved; dropping a reference beats refusing the edit.
        roadmap.mend();
    }
    roadmap
}

/// For every topic of the draft, the position of the topic of `old` that it is.
fn recognise(old: &Roadmap, draft: &Draft) -> Vec<Option<usize>> {
    let (new, was) = (Side::new(&draft.roadmap.topics), Side::new(&old.topics));
    let given: Vec<bool> = new.topics.iter().map(|topic| draft.given.contains(&topic.id)).collect();
    let mut search = Search { known: vec![None; new.topics.len()], claimed: vec![false; was.topics.len()] };
    search.claim(|n, o| given[n] && new.topics[n].id == was.topics[o].id);
    search.claim(|n, o| given[n] && was.topics[o].aliases.contains(&new.topics[n].id));
    let titled = |n: usize, o: usize| !given[n] && overlap(&new.titles[n], &was.titles[o]);
    // The same title may stand under several parents: an unmoved topic is recognised before a moved one.
    search.claim(|n, o| titled(n, o) && overlap_parents(&new, n, &was, o));
    search.claim(titled);
    search.claim(|n, o| !given[n] && overlap(&was.aliases[o], &new.titles[n]));
    search.claim_similar(&new, &was, &given);
    search.known
}

/// One version of the topics, with the comparable forms of their names.
struct Side<'a> {
    topics: &'a [Topic],
    titles: Vec<Vec<String>>,
    aliases: Vec<Vec<String>>,
    parents: Vec<Option<usize>>,
}

impl<'a> Side<'a> {
    fn new(topics: &'a [Topic]) -> Self {
        let index: BTreeMap<&str, usize> = topics.iter().enumerate().map(|(at, t)| (t.id.as_str(), at)).collect();
        let parent = |topic: &Topic| topic.parent.as_ref().and_then(|id| index.get(id.as_str()).copied());
        Self {
            topics,
            titles: topics.iter().map(|topic| texts(&topic.title).collect()).collect(),
            aliases: topics.iter().map(|topic| topic.aliases.iter().map(|alias| key(alias)).collect()).collect(),
            parents: topics.iter().map(parent).collect(),
        }
    }
}

fn overlap(a: &[String], b: &[String]) -> bool {
    a.iter().any(|a| b.contains(a))
}

/// Whether two topics stand under parents of one title, or under none.
fn overlap_parents(new: &Side<'_>, n: usize, was: &Side<'_>, o: usize) -> bool {
    match (new.parents[n], was.parents[o]) {
        (None, None) => true,
        (Some(new_parent), Some(old_parent)) => overlap(&new.titles[new_parent], &was.titles[old_parent]),
        _ => false,
    }
}

struct Search {
    /// For every new topic, the old one that it is.
    known: Vec<Option<usize>>,
    /// For every old topic, whether a new one is it.
    claimed: Vec<bool>,
}

impl Search {
    /// Gives every topic not yet known the first unclaimed old topic that `is` it.
    fn claim(&mut self, is: impl Fn(usize, usize) -> bool) {
        for n in 0..self.known.len() {
            if self.known[n].is_none()
                && let Some(o) = (0..self.claimed.len()).find(|o| !self.claimed[*o] && is(n, *o))
            {
                self.known[n] = Some(o);
                self.claimed[o] = true;
            }
        }
    }

    /// A renamed topic: not recognised, under the same parent as an unclaimed old topic with a similar title.
    fn claim_similar(&mut self, new: &Side<'_>, was: &Side<'_>, given: &[bool]) {
        let mut comparisons = 0;
        for n in (0..self.known.len()).filter(|n| !given[*n]) {
            let parent = new.parents[n].map(|parent| self.known[parent]);
            if self.known[n].is_some() || parent == Some(None) {
                continue;
            }
            let mut best: Option<(f32, usize)> = None;
            for o in 0..self.claimed.len() {
                if self.claimed[o] || was.parents[o] != parent.flatten() {
                    continue;
                }
                comparisons += 1;
                if comparisons > MAX_COMPARISONS {
                    return;
                }
                let likeness = likeness(&new.titles[n], &was.titles[o]);
                if likeness >= RENAMED && best.is_none_or(|(most, _)| likeness > most) {
                    best = Some((likeness, o));
                }
            }
            if let Some((_, o)) = best {
                self.known[n] = Some(o);
                self.claimed[o] = true;
            }
        }
    }
}

/// Ids in the order of the draft: the old one of a known topic, else the draft's own, made unlike every other.
fn final_ids(old: &Roadmap, draft: &Draft, known: &[Option<usize>]) -> Vec<String> {
    let mut taken = old.ids();
    let new_given = draft
        .roadmap
        .topics
        .iter()
        .zip(known)
        .filter(|(topic, known)| known.is_none() && draft.given.contains(&topic.id));
    taken.extend(new_given.map(|(topic, _)| topic.id.clone()));
    let mut ids = Vec::with_capacity(known.len());
    for (topic, known) in draft.roadmap.topics.iter().zip(known) {
        let id = match known {
            Some(at) => old.topics[*at].id.clone(),
            None if draft.given.contains(&topic.id) => topic.id.clone(),
            None => slug::unique(&topic.id, &taken),
        };
        taken.insert(id.clone());
        ids.push(id);
    }
    ids
}

/// A known topic after the edit. `ids` are the topics that remain.
fn merged(old: &Topic, mut new: Topic, partial: bool, ids: &[String]) -> Topic {
    if partial {
        new.title = kept(&old.title, &new.title);
        new.description = kept(&old.description, &new.description);
        new.months = new.months.or(old.months);
        if new.kind == TopicKind::Topic {
            new.kind = old.kind;
        }
        if new.after.is_empty() {
            new.after = old.after.iter().filter(|id| ids.contains(id)).cloned().collect();
        }
        let mut aliases = old.aliases.clone();
        aliases.extend(new.aliases.iter().filter(|alias| !old.aliases.contains(alias)).cloned());
        new.aliases = aliases;
    }
    for (was, is) in [(&old.title.en, &new.title.en), (&old.title.zh, &new.title.zh)] {
        let changed = !was.trim().is_empty() && key(was) != key(is);
        if changed && !new.aliases.contains(was) && was.chars().count() <= MAX_TITLE {
            new.aliases.push(was.clone());
        }
    }
    let extra = new.aliases.len().saturating_sub(MAX_ALIASES);
    new.aliases.drain(..extra);
    new
}

/// `old` with the languages that `new` writes replaced. A text that says what `old` says in either language, or one
/// that differs in case and spacing only, changes nothing.
fn kept(old: &Localized, new: &Localized) -> Localized {
    let pick = |old_text: &String, new_text: &String| {
        let repeats = new_text == &old.en || new_text == &old.zh;
        if new_text.trim().is_empty() || repeats { old_text.clone() } else { new_text.clone() }
    };
    Localized { en: pick(&old.en, &new.en), zh: pick(&old.zh, &new.zh) }
}

fn likeness(a: &[String], b: &[String]) -> f32 {
    // "Stage 1" and "Stage 3" are two things, however alike.
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b))).filter(|(a, b)| digits(a) == digits(b));
    pairs.map(|(a, b)| similar::TextDiff::from_chars(a, b).ratio()).fold(0.0, f32::max)
}

/// The comparable forms of the languages that say something.
fn texts(title: &Localized) -> impl Iterator<Item = String> {
    [key(&title.en), key(&title.zh)].into_iter().filter(|text| !text.is_empty())
}

/// A title without the differences that people do not mean: case and spacing.
fn key(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::builtin;
    use super::*;

    fn topic(id: &str, title: &str, parent: Option<&str>) -> Topic {
        Topic { id: id.into(), title: Localized::of(title), parent: parent.map(str::to_owned), ..Topic::default() }
    }

    fn roadmap(topics: Vec<Topic>) -> Roadmap {
        let mut roadmap = Roadmap { id: "r".into(), title: Localized::en("R"), topics, ..Roadmap::default() };
        order::renumber(&mut roadmap.topics);
        roadmap
    }

    /// A draft of an outline: ids are made from titles, as the importer does.
    fn outline(rows: &[(&str, Option<&str>)]) -> Draft {
        let topics =
            rows.iter().map(|(title, parent)| topic(&slug::slug(title), title, parent.map(slug::slug).as_deref()));
        Draft { roadmap: roadmap(topics.collect()), partial: true, ..Draft::default() }
    }

    fn ids(roadmap: &Roadmap) -> Vec<&str> {
        roadmap.topics.iter().map(|topic| topic.id.as_str()).collect()
    }

    fn old() -> Roadmap {
        roadmap(vec![
            topic("base", "Basics", None),
            topic("dock", "Docker containers", Some("base")),
            topic("k8s", "Kubernetes", Some("base")),
        ])
    }

    #[test]
    fn a_topic_keeps_its_id_when_it_moves_and_its_neighbours_keep_their_places() {
        let edit = outline(&[("Kubernetes", None), ("Basics", None), ("Docker containers", Some("Basics"))]);
        let new = match_edit(&old(), &edit);
        assert_eq!(ids(&new), ["k8s", "base", "dock"]);
        assert_eq!(new.topics[0].parent, None);
        assert_eq!(super::super::diff(&old(), &new).len(), 1);
    }

    #[test]
    fn a_renamed_topic_keeps_its_id_and_its_former_title() {
        let edit =
            outline(&[("Basics", None), ("Docker container images", Some("Basics")), ("Kubernetes", Some("Basics"))]);
        let new = match_edit(&old(), &edit);
        assert_eq!(ids(&new), ["base", "dock", "k8s"]);
        assert_eq!(new.topics[1].title.en, "Docker container images");
        assert_eq!(new.topics[1].aliases, ["Docker containers"]);
        // A later file that still has the former title finds it too.
        let late = outline(&[("Basics", None), ("docker  Containers", Some("Basics"))]);
        assert_eq!(ids(&match_edit(&new, &late)), ["base", "dock"]);
    }

    #[test]
    fn an_unlike_title_is_a_new_topic_even_in_the_same_place() {
        let edit = outline(&[("Basics", None), ("Linux", Some("Basics")), ("Kubernetes", Some("Basics"))]);
        assert_eq!(ids(&match_edit(&old(), &edit)), ["base", "linux", "k8s"]);
    }

    #[test]
    fn a_new_topic_never_takes_the_id_of_another() {
        let edit = outline(&[("K8S", None), ("Kubernetes", None)]);
        assert_eq!(ids(&match_edit(&old(), &edit)), ["k8s-2", "k8s"]);
    }

    #[test]
    fn a_written_id_wins_over_a_title_and_a_former_id_leads_to_its_topic() {
        let mut was = old();
        was.topics[1].aliases = vec!["docker-old".into()];
        let mut draft = Draft {
            roadmap: roadmap(vec![topic("k8s", "Docker containers", None), topic("docker-old", "Boxes", None)]),
            ..Draft::default()
        };
        draft.given = draft.roadmap.ids();
        let new = match_edit(&was, &draft);
        assert_eq!(ids(&new), ["k8s", "dock"]);
        assert_eq!(new.topics[0].title.en, "Docker containers");
        assert_eq!(new.topics[0].aliases, ["Kubernetes"]);
    }

    #[test]
    fn an_outline_in_one_language_keeps_what_it_cannot_write() {
        let was = builtin::path();
        let mut draft = Draft { roadmap: was.clone(), partial: true, ..Draft::default() };
        for (n, topic) in draft.roadmap.topics.iter_mut().enumerate() {
            let title = Localized::of(topic.title.pick(super::super::Lang::Zh));
            *topic = Topic { id: format!("x{n}"), title, links: topic.links.clone(), ..Topic::default() };
        }
        let by_title = |id: &String| was.topics.iter().position(|topic| topic.id == *id).map(|n| format!("x{n}"));
        for (n, topic) in was.topics.iter().enumerate() {
            draft.roadmap.topics[n].parent = topic.parent.as_ref().and_then(by_title);
        }
        draft.roadmap.title = Localized::of(&was.title.zh);
        draft.roadmap.description = Localized::default();
        assert_eq!(match_edit(&was, &draft), was);
    }

    #[test]
    fn equal_titles_under_different_parents_stay_apart() {
        let was = roadmap(vec![
            topic("a", "Alpha", None),
            topic("a-intro", "Intro", Some("a")),
            topic("b", "Beta", None),
            topic("b-intro", "Intro", Some("b")),
        ]);
        let mut draft = Draft { roadmap: was.clone(), partial: true, ..Draft::default() };
        draft.roadmap.topics.rotate_left(2);
        assert_eq!(ids(&match_edit(&was, &draft)), ["b", "b-intro", "a", "a-intro"]);
    }
}
