//! Many new notes in one transaction, as an import makes them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::api::{Code, Error, MAX_NEW_NOTES, NewNote};
use crate::model::id::{GroupId, NoteId};
use crate::node::fail::Fail;

/// What a topic's name means here, by the name.
type Topics = BTreeMap<String, Result<String, Error>>;

impl Service<'_> {
    /// Makes notes, each or says why not. All of them become durable with the answer.
    pub(super) fn notes_new(&mut self, group: GroupId, notes: &[NewNote]) -> Done {
        if notes.len() > MAX_NEW_NOTES {
            let message = format!("{} notes are too many for one request", notes.len());
            return Err(Error::new(Code::BadInput, message, format!("send at most {MAX_NEW_NOTES}")).into());
        }
        let mut topics = Topics::new();
        let mut items = vec![];
        for note in notes {
            items.push(match self.new_one(group, note, &mut topics) {
                Ok(item) => item,
                Err(Fail::Command(error)) => json!({ "error": error }),
                Err(Fail::Store(error)) => return Err(error.into()),
            });
        }
        Ok(list(items))
    }

    fn new_one(&mut self, group: GroupId, new: &NewNote, topics: &mut Topics) -> Result<Value, Fail> {
        for known in new.unless.iter().filter_map(|id| id.parse::<NoteId>().ok()) {
            if self.store().note_text(group, known)?.as_ref() == Some(&new.text) {
                return Ok(json!({ "note_id": known, "entry_id": null, "entries": 0, "already": true }));
            }
        }
        let (topic, dropped) = match new.topic.as_deref().map(|name| self.topic_named(group, name, topics)) {
            None => (None, None),
            Some(Err(Fail::Command(error)))
                if new.drop_topic && matches!(error.code, Code::NotFound | Code::Ambiguous) =>
            {
                (None, new.topic.as_deref())
            }
            Some(found) => (Some(found?), None),
        };
        let before = self.kept;
        let (entry, entries) = self.make_note(group, &new.title, topic, &new.tags, &new.text)?;
        let mut item = json!({ "note_id": entry, "entry_id": entry, "entries": entries, "already": false });
        if let Some(topic) = dropped {
            item["dropped_topic"] = json!(topic);
        }
        if self.kept > before {
            (item["note_id"], item["entry_id"], item["kept"]) = (Value::Null, Value::Null, json!(self.kept - before));
        }
        Ok(item)
    }

    /// The topic of this name. Looking one up reads all roadmaps, so it is done once for each name.
    fn topic_named(&mut self, group: GroupId, name: &str, known: &mut Topics) -> Result<String, Fail> {
        if let Some(found) = known.get(name) {
            return Ok(found.clone()?);
        }
        let found = match self.topic(group, name) {
            Ok(topic) => Ok(topic.id),
            Err(Fail::Command(error)) => Err(error),
            Err(store) => return Err(store),
        };
        known.insert(name.to_owned(), found.clone());
        Ok(found?)
    }
}
