//! What counts and what is seen: quarantine, hiding, limits.

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::api::{Code, Error};
use crate::engine::store::Stored;
use crate::model::action::Quota;
use crate::model::fold::Register;
use crate::model::id::{EntryId, GroupId, PersonId};
use crate::node::fail::Fail;

/// The shortest prefix of an entry id, in digits.
const MIN_PREFIX: usize = 4;

impl Service<'_> {
    fn withheld(&mut self, group: GroupId) -> Result<Vec<Stored>, Fail> {
        Ok(self.engine.withheld(self.context.now, group)?)
    }

    pub(super) fn quarantine(&mut self, group: GroupId) -> Done {
        let names = self.names(group)?;
        let now = self.context.now;
        let members = self.engine.members(now, group)?.cloned().unwrap_or_default();
        let mut items: Vec<Value> = vec![];
        for entry in self.withheld(group)? {
            let log = entry.header.log;
            let person = members.devices().get(&log).map_or(PersonId::from(log), |d| d.person);
            let action = self.engine.keys(group).and_then(|keys| keys.open(&entry.header, &entry.body).ok());
            items.push(json!({
                "entry_id": entry.id, "person_id": person, "person": names.of(person), "log": log,
                "time_ms": entry.header.time.millis(), "kind": action.map(|a| a.kind().0), "bytes": entry.body.len(),
                "hidden": members.hidden().contains(&entry.id),
            }));
        }
        Ok(list(items))
    }

    pub(super) fn quarantine_admit(&mut self, group: GroupId, given: &[String], all: bool) -> Done {
        let entries: Vec<EntryId> = self.withheld(group)?.iter().map(|e| e.id).collect();
        let mut chosen = vec![];
        for text in given {
            let lower = text.to_lowercase();
            let fits: Vec<EntryId> = if lower.len() < MIN_PREFIX {
                vec![]
            } else {
                entries.iter().filter(|id| id.to_string().starts_with(&lower)).copied().collect()
            };
            match fits.as_slice() {
                [one] => chosen.push(*one),
                [] => {
                    let message = format!("no quarantined entry is meant by \"{text}\"");
                    let remedy = "list them with `studymesh group quarantine`";
                    return Err(Error::new(Code::NotFound, message, remedy).into());
                }
                _ => {
                    let message = format!("more than one quarantined entry is meant by \"{text}\"");
                    return Err(Error::new(Code::Ambiguous, message, "give more digits of the id").into());
                }
            }
        }
        let chosen = if all { entries } else { chosen };
        let written = self.engine.accept_entries(self.context.now, group, &chosen)?;
        Ok(json!({ "v": 1, "accepted": chosen.len(), "entry_ids": written, "durable": true }))
    }

    /// Hides what somebody added, or shows it again.
    pub(super) fn hide(&mut self, group: GroupId, what: &str, hidden: bool) -> Done {
        let entries = self.meant_entries(group, what, hidden)?;
        let written = self.engine.hide(self.context.now, group, &entries, hidden)?;
        Ok(json!({ "v": 1, "hidden": hidden, "entry_ids": written, "entries": entries, "durable": true }))
    }

    /// The entries that make what is meant: a note's first one, everybody's addition of a link, or an entry by its id.
    fn meant_entries(&mut self, group: GroupId, what: &str, hidden: bool) -> Result<Vec<EntryId>, Fail> {
        if let Ok(note) = self.note(group, what) {
            return Ok(vec![EntryId(note.0)]);
        }
        if let Ok(link) = self.link(group, what) {
            let (kind, subject, _) = Register::LinkAdded(link, PersonId::ZERO).parts();
            let rows = self.store().writes(group, kind, Some(&subject))?;
            return Ok(rows.into_iter().map(|row| row.write.entry).collect());
        }
        let lower = what.to_lowercase();
        if !hidden {
            let members = self.engine.members(self.context.now, group)?.cloned().unwrap_or_default();
            let fits: Vec<EntryId> =
                members.hidden().iter().filter(|id| id.to_string().starts_with(&lower)).copied().collect();
            if lower.len() >= MIN_PREFIX && fits.len() == 1 {
                return Ok(fits);
            }
        }
        let found = self.store().entry_info(group, &lower, 2)?;
        match found.as_slice() {
            [one] => Ok(vec![one.id]),
            [] => {
                let message = format!("no note, link or entry is meant by \"{what}\"");
                let remedy = if hidden {
                    "give an id, a title or a URL"
                } else {
                    "what is hidden has no title any more: `studymesh group quarantine` lists it with its id"
                };
                Err(Error::new(Code::NotFound, message, remedy).into())
            }
            _ => {
                let message = format!("more than one entry is meant by \"{what}\"");
                Err(Error::new(Code::Ambiguous, message, "give more digits of the id").into())
            }
        }
    }

    pub(super) fn quota(&mut self, group: GroupId, entries: Option<u64>, bytes: Option<u64>) -> Done {
        let known = self.engine.members(self.context.now, group)?.map(|m| m.quota()).unwrap_or_default();
        let quota = Quota { entries: entries.unwrap_or(known.entries), bytes: bytes.unwrap_or(known.bytes) };
        if entries.is_some() || bytes.is_some() {
            self.engine.set_quota(self.context.now, group, quota)?;
        }
        Ok(json!({ "v": 1, "entries": quota.entries, "bytes": quota.bytes }))
    }
}
