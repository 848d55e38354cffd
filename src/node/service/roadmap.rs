//! Roadmaps: the group's own and the built-in ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::find::Current;
use super::{Done, Service, list};
use crate::api::{Code, Error, RoadmapFile};
use crate::model::action::{Action, RoadmapEdit, RoadmapMeta, TopicPut, TopicState};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{EntryId, GroupId, PersonId};
use crate::model::limits::MAX_TOPICS_PER_EDIT;
use crate::model::roadmap::diff::{TopicChange, diff};
use crate::model::roadmap::{Draft, Lang, Localized, MAX_ALIASES, MAX_ID, Roadmap, Topic, builtin, match_edit};
use crate::node::fail::Fail;
use crate::roadmap_file;

/// Bytes of topics in one entry: well below what a body takes, whatever they compress to.
const MAX_EDIT_BYTES: usize = 32 * 1024;

/// A roadmap and where it comes from.
pub(super) struct Listed {
    pub roadmap: Roadmap,
    /// It comes with the program.
    pub builtin: bool,
    /// The group has it.
    pub added: bool,
    pub removed: bool,
}

/// A topic that some roadmap has.
pub(super) struct Known {
    pub title: Localized,
    pub roadmap: String,
    added: bool,
}

/// The topics that are known, and those that the group's roadmaps had once.
#[derive(Default)]
pub(super) struct Titles {
    known: BTreeMap<String, Known>,
    removed: BTreeSet<String>,
}

impl Titles {
    /// What is known of a topic.
    pub fn get(&self, topic: &str) -> Option<&Known> {
        self.known.get(topic)
    }

    /// Whether no roadmap of the group has the topic any more, or none ever had it. What a built-in roadmap has, which
    /// the group has not added, is no orphan, unless the group removed it.
    pub fn is_orphan(&self, topic: &str) -> bool {
        match self.known.get(topic) {
            Some(known) => !known.added && self.removed.contains(topic),
            None => true,
        }
    }
}

/// A topic that somebody names.
pub(super) struct Named {
    /// Its stable id.
    pub id: String,
}

impl Service<'_> {
    /// All roadmaps: the group's, then the built-in ones that it has not added.
    pub(super) fn roadmaps(&mut self, group: GroupId) -> Result<Vec<Listed>, Fail> {
        let builtins = builtin::all();
        let mut out = vec![];
        for (register, current) in self.registers(group, &Register::Roadmap(String::new()))? {
            let (Register::Roadmap(id), Folded::Roadmap(meta)) = (register, current.value) else { continue };
            let topics = self.topics(group, &id)?;
            let builtin = builtins.iter().any(|b| b.id == id);
            let roadmap = Roadmap { id, title: meta.title, description: meta.description, topics };
            out.push(Listed { roadmap, builtin, added: !meta.removed, removed: meta.removed });
        }
        for roadmap in builtins {
            if !out.iter().any(|l| l.roadmap.id == roadmap.id) {
                out.push(Listed { roadmap, builtin: true, added: false, removed: false });
            }
        }
        Ok(out)
    }

    /// The topics of one of the group's roadmaps, mended where concurrent edits left loose ends, in reading order.
    fn topics(&mut self, group: GroupId, roadmap: &str) -> Result<Vec<Topic>, Fail> {
        let like = Register::Topic(roadmap.to_owned(), String::new());
        let rows = self.store().registers(group, super::find::kind(&like), Some(roadmap.as_bytes()))?;
        let topics = rows.into_iter().filter_map(|(_, current)| match current.value {
            Folded::Topic(topic) => topic,
            _ => None,
        });
        let mut whole = Roadmap { id: roadmap.to_owned(), topics: topics.collect(), ..Roadmap::default() };
        whole.mend();
        whole.sort();
        Ok(whole.topics)
    }

    /// The roadmap that is meant, by id or title.
    fn roadmap(&mut self, group: GroupId, given: &str) -> Result<Listed, Fail> {
        let all = self.roadmaps(group)?;
        let by_id = all.iter().position(|l| l.roadmap.id == given);
        let by_title = || {
            let lower = given.to_lowercase();
            all.iter().position(|l| {
                let title = &l.roadmap.title;
                title.en.to_lowercase() == lower || title.zh.to_lowercase() == lower
            })
        };
        let by_prefix = || {
            let mut found =
                all.iter().enumerate().filter(|(_, l)| !given.is_empty() && l.roadmap.id.starts_with(given));
            found.next().filter(|_| found.next().is_none()).map(|(i, _)| i)
        };
        let index = by_id.or_else(by_title).or_else(by_prefix).ok_or_else(|| {
            let message = format!("there is no roadmap \"{given}\"");
            Error::new(Code::NotFound, message, "list them with `studymesh roadmap list`")
        })?;
        Ok(all.into_iter().nth(index).expect("an index of this list"))
    }

    /// The topic that is meant: by id, former id or other name, title, or unique beginning of an id; in the group's roadmaps
    /// first, then in the built-in ones.
    pub(super) fn topic(&mut self, group: GroupId, given: &str) -> Result<Named, Fail> {
        let all = self.roadmaps(group)?;
        let lower = given.to_lowercase();
        let titled = |t: &Topic| t.title.en.to_lowercase() == lower || t.title.zh.to_lowercase() == lower;
        for added in [true, false] {
            let lists: Vec<&Roadmap> = all.iter().filter(|l| l.added == added).map(|l| &l.roadmap).collect();
            let found = lists.iter().find_map(|r| r.topics.iter().find(|t| t.id == given));
            let found = found.or_else(|| lists.iter().find_map(|r| r.find(given)));
            let found = found.or_else(|| lists.iter().find_map(|r| r.topics.iter().find(|t| titled(t))));
            if let Some(topic) = found {
                return Ok(Named { id: topic.id.clone() });
            }
            let mut begin: Vec<&str> = lists
                .iter()
                .flat_map(|r| r.topics.iter())
                .map(|t| t.id.as_str())
                .filter(|id| lower.len() >= 2 && id.starts_with(&lower))
                .collect();
            begin.sort_unstable();
            begin.dedup();
            match begin.as_slice() {
                [] => {}
                [one] => return Ok(Named { id: (*one).to_owned() }),
                many => {
                    let message = format!("\"{given}\" may be {}", many[..many.len().min(6)].join(", "));
                    return Err(Error::new(Code::Ambiguous, message, "give the whole topic id").into());
                }
            }
        }
        // Progress on a topic that no roadmap has any more can still be gone on with.
        let known = Register::Progress(self.me(group), given.to_owned());
        if self.store().register(group, &known)?.is_some() {
            return Ok(Named { id: given.to_owned() });
        }
        let message = format!("there is no topic \"{given}\" in any roadmap");
        Err(Error::new(Code::NotFound, message, "find its id with `studymesh roadmap show`, or `studymesh search`")
            .into())
    }

    /// Every known topic, the group's own first.
    pub(super) fn titles(&mut self, group: GroupId) -> Result<Titles, Fail> {
        let mut titles = Titles::default();
        for (register, current) in self.registers(group, &Register::Topic(String::new(), String::new()))? {
            if let (Register::Topic(_, id), Folded::Topic(None)) = (register, current.value) {
                titles.removed.insert(id);
            }
        }
        let mut all = self.roadmaps(group)?;
        all.sort_by_key(|l| !l.added);
        for listed in all {
            for topic in listed.roadmap.topics {
                if listed.removed {
                    titles.removed.insert(topic.id);
                    continue;
                }
                let known = Known { title: topic.title, roadmap: listed.roadmap.id.clone(), added: listed.added };
                titles.known.entry(topic.id).or_insert(known);
            }
        }
        Ok(titles)
    }

    pub(super) fn roadmap_list(&mut self, group: GroupId) -> Done {
        let item = |l: &Listed| {
            json!({
                "roadmap_id": l.roadmap.id, "title": l.roadmap.title, "topics": l.roadmap.topics.len(),
                "builtin": l.builtin, "added": l.added, "removed": l.removed,
            })
        };
        Ok(list(self.roadmaps(group)?.iter().map(item).collect()))
    }

    pub(super) fn roadmap_show(&mut self, group: GroupId, given: &str) -> Done {
        let listed = self.roadmap(group, given)?;
        let me = self.me(group);
        let mut counts: BTreeMap<String, [u64; 4]> = BTreeMap::new();
        let mut mine: BTreeMap<String, TopicState> = BTreeMap::new();
        for (register, current) in self.registers(group, &Register::Progress(PersonId::ZERO, String::new()))? {
            if let (Register::Progress(person, topic), Folded::Progress { state, .. }) = (register, current.value) {
                if person == me {
                    mine.insert(topic.clone(), state);
                }
                counts.entry(topic).or_default()[state as usize] += 1;
            }
        }
        let topics: Vec<Value> = reading_order(&listed.roadmap)
            .into_iter()
            .map(|topic| {
                let [todo, doing, done, skip] = counts.get(&topic.id).copied().unwrap_or_default();
                let mut value = serde_json::to_value(topic).unwrap_or_default();
                value["state"] = json!(mine.get(&topic.id).copied().unwrap_or(TopicState::Todo));
                value["people"] = json!({ "todo": todo, "doing": doing, "done": done, "skip": skip });
                value
            })
            .collect();
        Ok(json!({
            "v": 1, "roadmap_id": listed.roadmap.id, "title": listed.roadmap.title,
            "description": listed.roadmap.description, "builtin": listed.builtin, "added": listed.added, "topics": topics,
        }))
    }

    pub(super) fn roadmap_add(&mut self, group: GroupId, given: &str) -> Done {
        let listed = self.roadmap(group, given)?;
        if listed.added {
            let message = format!("the group has the roadmap {} already", listed.roadmap.id);
            return Err(Error::new(Code::BadInput, message, "look at it with `studymesh roadmap show`").into());
        }
        self.put(group, &Roadmap { id: listed.roadmap.id.clone(), ..Roadmap::default() }, &listed.roadmap, false)
    }

    pub(super) fn roadmap_import(&mut self, group: GroupId, name: &str, text: &str) -> Done {
        let draft = roadmap_file::read(name, text.as_bytes()).map_err(|e| bad_file(&e))?;
        let all = self.roadmaps(group)?;
        let taken: BTreeSet<String> =
            all.iter().filter(|l| l.added).flat_map(|l| l.roadmap.topics.iter().map(|t| t.id.clone())).collect();
        let (mut roadmap, done) = apart(draft, &taken);
        if all.iter().any(|l| l.roadmap.id == roadmap.id && l.added) {
            let message = format!("the group has a roadmap {} already", roadmap.id);
            let remedy = format!("put the file in its place with `studymesh roadmap edit {} --file FILE`", roadmap.id);
            return Err(Error::new(Code::BadInput, message, remedy).into());
        }
        roadmap.sort();
        let answer = self.put(group, &Roadmap { id: roadmap.id.clone(), ..Roadmap::default() }, &roadmap, false)?;
        for topic in done {
            let known = Register::Progress(self.me(group), topic.clone());
            if self.store().register(group, &known)?.is_none() {
                self.progress_set(group, &topic, TopicState::Done, 0, None, None)?;
            }
        }
        Ok(answer)
    }

    pub(super) fn roadmap_edit(
        &mut self,
        group: GroupId,
        given: &str,
        file: Option<&RoadmapFile>,
        remove: &[String],
        rename: &[(String, String)],
    ) -> Done {
        let listed = self.roadmap(group, given)?;
        let old = if listed.added {
            listed.roadmap.clone()
        } else {
            Roadmap { id: listed.roadmap.id.clone(), ..Roadmap::default() }
        };
        let mut new = match file {
            Some(file) => {
                let draft = roadmap_file::read(&file.name, file.text.as_bytes()).map_err(|e| bad_file(&e))?;
                match_edit(&listed.roadmap, &draft)
            }
            None => listed.roadmap.clone(),
        };
        for name in remove {
            let id = topic_of(&new, name)?;
            new.topics.retain(|t| t.id != id);
        }
        for (name, title) in rename {
            let id = topic_of(&new, name)?;
            let topic = new.topics.iter_mut().find(|t| t.id == id).expect("found above");
            let said = Localized::of(title);
            if said.zh.is_empty() { topic.title.en = said.en } else { topic.title.zh = said.zh }
        }
        new.mend();
        new.validate().map_err(|e| {
            Error::new(Code::BadInput, e.to_string(), "mend the file and try again; nothing was changed")
        })?;
        self.put(group, &old, &new, true)
    }

    pub(super) fn roadmap_remove(&mut self, group: GroupId, given: &str) -> Done {
        let listed = self.roadmap(group, given)?;
        if !listed.added {
            let message = format!("the group has no roadmap {}", listed.roadmap.id);
            return Err(Error::new(Code::NotFound, message, "list them with `studymesh roadmap list`").into());
        }
        let Roadmap { id, title, description, .. } = listed.roadmap;
        let supersedes = self.seen(group, [&Register::Roadmap(id.clone())])?;
        let meta = Some(RoadmapMeta { title, description, removed: true });
        let entry = self.write(
            group,
            &Action::RoadmapEdit(RoadmapEdit { roadmap: id.clone(), meta, topics: vec![], supersedes }),
        )?;
        Ok(json!({ "v": 1, "roadmap_id": id, "entry_ids": [entry], "durable": true }))
    }

    pub(super) fn roadmap_export(&mut self, group: GroupId, given: &str, format: &str) -> Done {
        let listed = self.roadmap(group, given)?;
        let text = match format {
            "toml" => roadmap_file::to_toml(&listed.roadmap),
            "outline-en" => roadmap_file::to_outline(&listed.roadmap, Lang::En),
            "outline-zh" => roadmap_file::to_outline(&listed.roadmap, Lang::Zh),
            _ => {
                let message = format!("there is no format \"{format}\"");
                return Err(Error::new(Code::BadInput, message, "give toml, outline-en or outline-zh").into());
            }
        };
        Ok(json!({ "v": 1, "roadmap_id": listed.roadmap.id, "format": format, "text": text }))
    }

    /// Writes what leads from `old` to `new`, in as few entries as their bounds allow.
    fn put(&mut self, group: GroupId, old: &Roadmap, new: &Roadmap, report_changed: bool) -> Done {
        let mut meta = None;
        let mut parts: Vec<Vec<TopicPut>> = vec![vec![]];
        let mut bytes = 0;
        for change in diff(old, new) {
            let put = match change {
                TopicChange::Meta { title, description } => {
                    meta = Some(RoadmapMeta { title, description, removed: false });
                    continue;
                }
                TopicChange::Remove(id) => TopicPut { id, topic: None },
                TopicChange::Put(topic) => TopicPut { id: topic.id.clone(), topic: Some(*topic) },
            };
            let size = crate::model::codec::encode(&put).len();
            let last = parts.last_mut().expect("never empty");
            if last.len() >= MAX_TOPICS_PER_EDIT || (bytes + size > MAX_EDIT_BYTES && !last.is_empty()) {
                parts.push(vec![put]);
                bytes = size;
            } else {
                last.push(put);
                bytes += size;
            }
        }
        // A roadmap that is back, or new, is said to be there.
        let listed = self.store().register(group, &Register::Roadmap(new.id.clone()))?;
        let is_there =
            matches!(listed, Some(Current { value: Folded::Roadmap(RoadmapMeta { removed: false, .. }), .. }));
        if !is_there {
            let (title, description) = (new.title.clone(), new.description.clone());
            meta = Some(RoadmapMeta { title, description, removed: false });
        }
        let mut written: Vec<EntryId> = vec![];
        for topics in parts {
            if topics.is_empty() && meta.is_none() {
                continue;
            }
            let mut registers: Vec<Register> =
                topics.iter().map(|t| Register::Topic(new.id.clone(), t.id.clone())).collect();
            registers.extend(meta.is_some().then(|| Register::Roadmap(new.id.clone())));
            let supersedes = self.seen(group, &registers)?;
            let edit = RoadmapEdit { roadmap: new.id.clone(), meta: meta.take(), topics, supersedes };
            written.push(self.write(group, &Action::RoadmapEdit(edit))?);
        }
        let mut answer = json!({
            "v": 1, "roadmap_id": new.id, "topics": new.topics.len(), "entry_ids": written, "durable": true,
        });
        if report_changed {
            answer["changed"] = json!(!written.is_empty());
        }
        Ok(answer)
    }
}

/// The roadmap of a draft, and the topics that it marks as done. Where the file says no id, a topic does not take one that
/// another roadmap of the group has: who finished "Introduction" there has not finished it here. The id that it would have
/// had stays as an alias.
fn apart(draft: Draft, taken: &BTreeSet<String>) -> (Roadmap, Vec<String>) {
    let Draft { mut roadmap, given, done, .. } = draft;
    let own = roadmap.ids();
    let mut fresh: BTreeMap<String, String> = BTreeMap::new();
    for id in own.iter().filter(|id| taken.contains(*id) && !given.contains(*id)) {
        let base: String = format!("{}-{id}", roadmap.id).chars().take(MAX_ID - 4).collect();
        let used = |name: &String| taken.contains(name) || own.contains(name) || fresh.values().any(|f| f == name);
        let numbered = (2..1_000).map(|n| format!("{base}-{n}"));
        if let Some(name) = std::iter::once(base.clone()).chain(numbered).find(|name| !used(name)) {
            fresh.insert(id.clone(), name);
        }
    }
    let renamed = |id: &mut String| {
        if let Some(name) = fresh.get(id) {
            id.clone_from(name);
        }
    };
    for topic in &mut roadmap.topics {
        if fresh.contains_key(&topic.id) && topic.aliases.len() < MAX_ALIASES {
            topic.aliases.push(topic.id.clone());
        }
        renamed(&mut topic.id);
        topic.parent.as_mut().map(renamed);
        topic.after.iter_mut().for_each(renamed);
    }
    let done = done.into_iter().map(|mut id| {
        renamed(&mut id);
        id
    });
    (roadmap, done.collect())
}

fn topic_of(roadmap: &Roadmap, name: &str) -> Result<String, Error> {
    roadmap.find(name).map(|t| t.id.clone()).ok_or_else(|| {
        let message = format!("the roadmap {} has no topic \"{name}\"", roadmap.id);
        Error::new(Code::NotFound, message, "find its id with `studymesh roadmap show`")
    })
}

/// Each topic after what holds it, depth first.
fn reading_order(roadmap: &Roadmap) -> Vec<&Topic> {
    let mut out = vec![];
    let mut stack: Vec<&Topic> = roadmap.children(None).collect();
    stack.reverse();
    while let Some(topic) = stack.pop() {
        out.push(topic);
        let mut held: Vec<&Topic> = roadmap.children(Some(&topic.id)).collect();
        held.reverse();
        stack.extend(held);
    }
    out
}

fn bad_file(error: &roadmap_file::ImportError) -> Error {
    Error::new(Code::BadInput, error.to_string(), "docs/roadmap-format.md describes the formats; nothing was changed")
}
