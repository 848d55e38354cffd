//! What nobody else is known to hold: how much it is, what it is, and when to warn.

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::api::{Code, Error, MAX_ONLY_HERE, ONLY_HERE_LONG_MS};
use crate::model::action::Action;
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{GroupId, NoteId};
use crate::node::fail::Fail;

/// How much of a group nobody else is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OnlyHere {
    /// Entries, those included that wait to be sent.
    pub entries: u64,
    /// When the oldest was written.
    pub since_ms: Option<u64>,
}

impl OnlyHere {
    /// Whether it is time to say so.
    pub fn is_long(&self, now: u64) -> bool {
        self.since_ms.is_some_and(|since| since.saturating_add(ONLY_HERE_LONG_MS) <= now)
    }
}

impl Service<'_> {
    pub(super) fn only_here_of(&mut self, group: GroupId) -> Result<OnlyHere, Fail> {
        use crate::engine::store::Store as _;
        let (entries, since) = self.engine.only_here_count(group)?;
        let kept = self.store().kept(group)?;
        let oldest = kept.iter().map(|kept| kept.written_ms).min();
        Ok(OnlyHere { entries: entries + kept.len() as u64, since_ms: since.into_iter().chain(oldest).min() })
    }

    /// Tells whoever writes when earlier writes have not reached anybody for long. Who is alone in a group knows that.
    pub(super) fn warn_only_here(&mut self, group: GroupId, value: &mut Value) -> Result<(), Fail> {
        let found = self.only_here_of(group)?;
        if found.is_long(self.context.now) && self.store().persons(group)?.len() > 1 {
            value["only_here_long"] = json!({ "entries": found.entries, "since_ms": found.since_ms });
        }
        Ok(())
    }

    pub(super) fn only_here(&mut self, group: GroupId) -> Done {
        let found = self.engine.only_here(group, MAX_ONLY_HERE)?;
        let mut items = vec![];
        for entry in found {
            let (kind, title) = match &entry.action {
                Some(action) => self.what(group, action)?,
                None => ("unreadable", String::new()),
            };
            items.push(json!({
                "entry_id": entry.entry, "log": entry.log, "time_ms": entry.time_ms, "kind": kind, "title": title,
                "work": entry.is_work(),
            }));
        }
        Ok(list(items))
    }

    /// The kind of an action and what it is about, for a person.
    fn what(&mut self, group: GroupId, action: &Action) -> Result<(&'static str, String), Fail> {
        use Action as A;
        Ok(match action {
            A::NoteNew(note) => ("note", note.title.clone()),
            A::NoteEdit(edit) => ("note", self.note_title(group, edit.note)?),
            A::NoteSet(set) => ("note", self.note_title(group, set.note)?),
            A::LinkAdd(link) => ("link", link.url.clone()),
            A::LinkSet(_) | A::LinkVote(_) | A::LinkRead(_) => ("link", String::new()),
            A::Progress(progress) => ("topic", progress.topic.clone()),
            A::RoadmapEdit(_) => ("roadmap", String::new()),
            A::GroupName(name) => ("name", name.name.clone()),
            A::Profile(name) => ("name", name.name.clone()),
            A::DeviceName(name) => ("name", name.name.clone()),
            _ => ("membership", String::new()),
        })
    }

    pub(super) fn note_title(&mut self, group: GroupId, note: NoteId) -> Result<String, Fail> {
        Ok(match self.store().register(group, &Register::NoteTitle(note))?.map(|current| current.value) {
            Some(Folded::Text(title)) => title,
            _ => note.to_string(),
        })
    }

    /// Leaving deletes what is here: what is nowhere else must not go unnoticed.
    pub(super) fn check_leave(&mut self, group: GroupId) -> Result<(), Fail> {
        use crate::engine::store::Store as _;
        let found = self.engine.only_here(group, MAX_ONLY_HERE)?;
        let count = found.iter().filter(|entry| entry.is_work()).count() + self.store().kept(group)?.len();
        if count == 0 {
            return Ok(());
        }
        let more = if found.len() == MAX_ONLY_HERE { " or more" } else { "" };
        let cause = format!("leaving deletes what is known to be here only, of this group's entries: {count}{more}");
        let remedy = "meet a member first (`studymesh sync wait`), carry them by hand (`studymesh bundle export`), or repeat with \
                      `--force`; `studymesh sync only-here` lists them";
        Err(Error::new(Code::Incomplete, cause, remedy).into())
    }
}
