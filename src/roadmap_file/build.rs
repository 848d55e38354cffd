//! From what a format says about topics to a draft: ids, places, canonical links, validation.

use std::collections::{BTreeMap, BTreeSet};

use super::ImportError;
use crate::model::link;
use crate::model::roadmap::{Draft, Lang, Localized, MAX_TOPICS, Roadmap, Topic, is_id, order, slug};

/// One topic as a format says it.
#[derive(Default)]
pub(super) struct Item {
    /// The id that the file writes.
    pub id: Option<String>,
    /// Everything else; its id is empty, its links are as written.
    pub topic: Topic,
    /// The parent among the items before or after it. `None` leaves [`Topic::parent`] as it is.
    pub parent: Option<usize>,
    /// Whether the file marks it as done.
    pub done: bool,
    /// Where it begins, when the format has lines.
    pub line: Option<usize>,
}

/// What a format says about the whole.
#[derive(Default)]
pub(super) struct Head {
    /// The id that the file writes.
    pub id: Option<String>,
    /// Where.
    pub line: usize,
    /// Its title; the file's stem when blank.
    pub title: Localized,
    /// Its description.
    pub description: Localized,
}

/// The draft of a whole file.
pub(super) fn draft(name_hint: &str, head: Head, items: Vec<Item>, partial: bool) -> Result<Draft, ImportError> {
    if items.is_empty() {
        return Err(ImportError::NoTopic);
    }
    if items.len() > MAX_TOPICS {
        return Err(ImportError::TooMany { what: "topics", found: items.len(), max: MAX_TOPICS });
    }
    let title = if head.title.is_blank() { Localized::of(&one_line(super::stem(name_hint))) } else { head.title };
    let id = match &head.id {
        Some(id) => checked_id(id, head.line)?,
        None => slug(title.pick(Lang::En)),
    };
    let mut draft = Draft { named: head.id.is_some(), partial, ..Draft::default() };
    let ids = ids(&items, &mut draft.given)?;
    let mut lines: BTreeMap<String, Option<usize>> = BTreeMap::new();
    let mut topics = Vec::with_capacity(items.len());
    for (item, id) in items.into_iter().zip(&ids) {
        let mut topic = item.topic;
        topic.id.clone_from(id);
        topic.links = links(&topic.links, item.line)?;
        if let Some(parent) = item.parent {
            topic.parent = ids.get(parent).cloned();
        }
        if item.done {
            draft.done.insert(id.clone());
        }
        lines.insert(id.clone(), item.line);
        topics.push(topic);
    }
    order::renumber(&mut topics);
    draft.roadmap = Roadmap { id, title, description: head.description, topics };
    draft.roadmap.validate().map_err(|cause| {
        let line = cause.topic().and_then(|id| lines.get(id).copied().flatten());
        ImportError::Invalid { line, cause }
    })?;
    Ok(draft)
}

/// The written ids, and for the other items ids made from their titles.
fn ids(items: &[Item], given: &mut BTreeSet<String>) -> Result<Vec<String>, ImportError> {
    for item in items {
        if let Some(id) = &item.id {
            given.insert(checked_id(id, item.line.unwrap_or(0))?);
        }
    }
    let mut taken = given.clone();
    let id = |item: &Item| {
        let id = item.id.clone().unwrap_or_else(|| slug::unique(&slug(item.topic.title.pick(Lang::En)), &taken));
        taken.insert(id.clone());
        id
    };
    Ok(items.iter().map(id).collect())
}

fn checked_id(id: &str, line: usize) -> Result<String, ImportError> {
    let shown = || id.chars().take(40).collect();
    if is_id(id) { Ok(id.to_owned()) } else { Err(ImportError::Id { line, id: shown() }) }
}

/// Canonical, each once.
fn links(written: &[String], line: Option<usize>) -> Result<Vec<String>, ImportError> {
    let mut links = Vec::new();
    for text in written {
        let link = link::canonical(text).map_err(|cause| ImportError::Link { line: line.unwrap_or(0), cause })?;
        if !links.contains(&link) {
            links.push(link);
        }
    }
    Ok(links)
}

/// A text on one line, without control characters and repeated spaces.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
