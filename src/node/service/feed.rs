//! The feed of a group: its entries by their time, what of them is new here, and who is spoken to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::api::feed::MAX_FEED;
use crate::api::{Code, Error};
use crate::engine::store::Store as _;
use crate::model::action::Action;
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{EntryId, GroupId, LinkId, PersonId};
use crate::model::text::{TextEdit, TextOp};
use crate::model::time::Hlc;
use crate::node::fail::Fail;
use crate::store::FeedRow;

/// The setting that says up to where each branch of a group was seen.
const SEEN: &str = "feed.seen.";
/// Entries that are read for one answer, for each item that is asked for: what is nobody else's business is left out.
const READ_FOR_EACH: usize = 3;
/// Most bytes of one entry.
const ENTRY_BYTES: usize = 1 << 20;

impl Service<'_> {
    pub(super) fn feed(&mut self, group: GroupId, before: Option<&str>, limit: usize) -> Done {
        let limit = limit.clamp(1, MAX_FEED);
        let before = before.map(parse).transpose()?;
        let rows = self.store().latest(group, before, limit * READ_FOR_EACH)?;
        let full = rows.len() == limit * READ_FOR_EACH;
        let (me, name) = (self.me(group), self.engine.identity().name.clone());
        let (names, muted, seen) = (self.names(group)?, self.muted(group)?, self.seen_up_to(group)?);
        let (mut items, mut next) = (vec![], None);
        let all = rows.len();
        for (n, row) in rows.into_iter().enumerate() {
            let last = format!("{:016x}{}", row.time.to_bits(), row.id);
            if !muted.contains(&row.person)
                && let Some(action) = self.action(group, &row)?
                && let Some(mut item) = self.told(group, &action)?
            {
                let own = row.person == me;
                item["entry_id"] = json!(row.id);
                item["time_ms"] = json!(row.time.millis());
                item["doubtful_time"] = json!(row.time.is_doubtful(self.context.now));
                item["person_id"] = json!(row.person);
                item["person"] = json!(names.of(row.person));
                item["own"] = json!(own);
                item["unread"] =
                    json!(!own && seen.as_ref().is_some_and(|s| s.get(&row.chain.0).is_none_or(|up| *up < row.seq)));
                item["mention"] = json!(!own && written(&action).iter().any(|text| speaks_to(text, &name)));
                items.push(item);
            }
            if items.len() == limit && (n + 1 < all || full) || full && n + 1 == all {
                next = Some(last);
                break;
            }
        }
        if seen.is_none() && before.is_none() {
            // Whoever looks for the first time begins here: all that was before is not new.
            self.feed_seen(group)?;
        }
        let mut answer = list(items);
        answer["next"] = json!(next);
        Ok(answer)
    }

    /// Marks everything that is here as seen.
    pub(super) fn feed_seen(&mut self, group: GroupId) -> Done {
        let chains = self.store().chains(group)?;
        let tips: BTreeMap<String, u64> =
            chains.iter().filter_map(|c| Some((c.chain.0.to_string(), c.tip.as_ref()?.seq))).collect();
        self.store().meta_set(&format!("{SEEN}{group}"), &json!(tips).to_string())?;
        Ok(json!({ "v": 1, "group_id": group, "seen": true }))
    }

    fn seen_up_to(&mut self, group: GroupId) -> Result<Option<BTreeMap<u64, u64>>, Fail> {
        let Some(text) = self.store().meta_get(&format!("{SEEN}{group}"))? else { return Ok(None) };
        let tips: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap_or_default();
        Ok(Some(tips.into_iter().filter_map(|(chain, seq)| Some((chain.parse().ok()?, seq))).collect()))
    }

    fn action(&mut self, group: GroupId, row: &FeedRow) -> Result<Option<Action>, Fail> {
        let entries = self.store().entries(group, row.chain, row.seq, 1, ENTRY_BYTES, true)?;
        let keys = self.engine.keys(group);
        Ok(entries.first().and_then(|entry| keys?.open(&entry.header, &entry.body).ok()))
    }

    /// What an action is for others: `{kind, verb, id, title}`; none for what only its author cares about.
    fn told(&mut self, group: GroupId, action: &Action) -> Result<Option<Value>, Fail> {
        use Action as A;
        let item = |kind: &str, verb: &str, id: String, title: String| {
            Ok(Some(json!({ "kind": kind, "verb": verb, "id": id, "title": title })))
        };
        match action {
            A::NoteNew(note) => item("note", "new", String::new(), note.title.clone()),
            A::NoteEdit(edit) => item("note", "edited", edit.note.to_string(), self.note_title(group, edit.note)?),
            A::NoteSet(set) => item("note", "changed", set.note.to_string(), self.note_title(group, set.note)?),
            A::LinkAdd(add) => {
                let title = if add.title.is_empty() { add.url.clone() } else { add.title.clone() };
                item("link", "new", crate::model::link::id(&add.url).to_string(), title)
            }
            A::LinkSet(set) => item("link", "changed", set.link.to_string(), self.link_title(group, set.link)?),
            A::LinkVote(vote) if vote.up => {
                item("link", "voted", vote.link.to_string(), self.link_title(group, vote.link)?)
            }
            A::Progress(progress) => {
                let titles = self.titles(group)?;
                let known = titles.get(&progress.topic);
                Ok(Some(json!({
                    "kind": "topic", "verb": progress.state, "id": progress.topic, "title": known.map(|k| &k.title),
                    "roadmap_id": known.map(|k| &k.roadmap), "minutes": progress.minutes, "remark": progress.remark,
                })))
            }
            A::RoadmapEdit(edit) => {
                let meta = self.store().register(group, &Register::Roadmap(edit.roadmap.clone()))?;
                let title = match meta.map(|current| current.value) {
                    Some(Folded::Roadmap(meta)) => json!({ "en": meta.title.en, "zh": meta.title.zh }),
                    _ => Value::Null,
                };
                Ok(Some(json!({ "kind": "roadmap", "verb": "changed", "id": edit.roadmap, "title": title })))
            }
            A::GroupName(name) => item("group", "named", String::new(), name.name.clone()),
            A::Profile(name) => item("person", "named", String::new(), name.name.clone()),
            _ => Ok(None),
        }
    }

    fn link_title(&mut self, group: GroupId, link: LinkId) -> Result<String, Fail> {
        if let Some(title) = self.text(group, &Register::LinkTitle(link))?.filter(|title| !title.is_empty()) {
            return Ok(title);
        }
        let kind = super::find::kind(&Register::LinkAdded(link, PersonId::ZERO));
        let added = self.store().registers(group, kind, Some(&link.0))?;
        Ok(match added.into_iter().next().map(|(_, current)| current.value) {
            Some(Folded::Text(url)) => url,
            _ => link.to_string(),
        })
    }
}

/// The texts that an action adds.
fn written(action: &Action) -> Vec<&str> {
    let edit: &TextEdit = match action {
        Action::NoteNew(note) => &note.text,
        Action::NoteEdit(edit) => &edit.edit,
        Action::Progress(progress) => return progress.remark.iter().map(String::as_str).collect(),
        _ => return vec![],
    };
    let inserted = edit.ops.iter().filter_map(|op| match op {
        TextOp::Insert { text, .. } => Some(text.as_str()),
        _ => None,
    });
    inserted.collect()
}

/// Whether a text has a person's name in it, as a word of its own, or behind an `@`. Scripts without spaces have no such words:
/// there the name anywhere counts.
fn speaks_to(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.trim().to_lowercase());
    let Some(first) = name.chars().next() else { return false };
    // One Latin letter is in every text.
    if name.chars().count() == 1 && first.is_ascii() {
        return text.contains(&format!("@{name}"));
    }
    let is_part = |c: char| c.is_alphanumeric() && (c as u32) < 0x2e80;
    text.match_indices(&name).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back()).is_some_and(is_part);
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next()).is_some_and(is_part);
        let spaceless = name.chars().all(|c| c as u32 >= 0x2e80);
        spaceless || !(before || after)
    })
}

fn parse(cursor: &str) -> Result<(Hlc, EntryId), Error> {
    let read = || {
        let (time, id) = cursor.split_at_checked(16)?;
        Some((Hlc::from_bits(u64::from_str_radix(time, 16).ok()?), id.parse().ok()?))
    };
    let remedy = "take it from `next` of the page before, or begin without one";
    read().ok_or_else(|| Error::new(Code::BadInput, "\"before\" is none that this node gave", remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_spoken_to_by_their_name_as_a_word() {
        for (text, name, spoken) in [
            ("thanks @Ada!", "Ada", true),
            ("ask ada, please", "Ada", true),
            ("Nevada", "Ada", false),
            ("adapter", "Ada", false),
            ("请小明看看", "小明", true),
            ("请Ada看看", "Ada", true),
            ("a b c", "a", false),
            ("hi @a", "a", true),
            ("anything", "", false),
        ] {
            assert_eq!(speaks_to(text, name), spoken, "{text} {name}");
        }
    }

    #[test]
    fn a_cursor_names_a_place_or_is_refused() {
        let id = EntryId([7; 32]);
        assert_eq!(parse(&format!("{:016x}{id}", 99)).unwrap(), (Hlc::from_bits(99), id));
        for wrong in ["", "x", "00000000000000zz", "容器容器容器"] {
            assert_eq!(parse(wrong).unwrap_err().code, Code::BadInput, "{wrong}");
        }
    }
}
