//! Progress: one register per person and topic, and the events that made it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Done, Service, link, list};
use crate::api::{Code, Error};
use crate::model::action::{Action, Progress, TopicState};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{GroupId, PersonId};
use crate::model::limits;
use crate::node::fail::Fail;
use crate::roadmap_file;
use crate::store::WriteRow;

impl Service<'_> {
    pub(super) fn progress_set(
        &mut self,
        group: GroupId,
        topic: &str,
        state: TopicState,
        minutes: u32,
        evidence: Option<&str>,
        remark: Option<&str>,
    ) -> Done {
        if minutes > limits::MAX_MINUTES {
            let message = format!("{minutes} minutes are more than the {} of a week", limits::MAX_MINUTES);
            return Err(Error::new(Code::BadInput, message, "give the minutes since the last event").into());
        }
        let topic = self.topic(group, topic)?.id;
        let evidence = evidence.map(link::evidence).transpose()?;
        let remark = remark.map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned);
        let entry = self.write_progress(
            group,
            Progress { topic: topic.clone(), state, minutes, evidence, remark, supersedes: vec![] },
        )?;
        Ok(json!({ "v": 1, "topic_id": topic, "state": state, "entry_id": entry, "durable": true }))
    }

    fn write_progress(&mut self, group: GroupId, mut progress: Progress) -> Result<crate::model::id::EntryId, Fail> {
        let register = Register::Progress(self.me(group), progress.topic.clone());
        // What was shown as evidence before stays shown until other evidence takes its place.
        if progress.evidence.is_none()
            && let Some(Folded::Progress { evidence, .. }) = self.store().register(group, &register)?.map(|c| c.value)
        {
            progress.evidence = evidence;
        }
        progress.supersedes = self.seen(group, [&register])?;
        self.write(group, &Action::Progress(progress))
    }

    pub(super) fn progress_show(&mut self, group: GroupId, person: Option<&str>) -> Done {
        let person = self.person(group, person)?;
        let titles = self.titles(group)?;
        let minutes = self.minutes(group, Some(person))?;
        let like = super::find::kind(&Register::Progress(person, String::new()));
        let mut items = vec![];
        for (register, current) in self.store().registers(group, like, Some(&person.0))? {
            let (Register::Progress(_, topic), Folded::Progress { state, evidence, remark, .. }) =
                (register, current.value)
            else {
                continue;
            };
            let (known, orphaned) = (titles.get(&topic), titles.is_orphan(&topic));
            items.push(json!({
                "topic_id": topic, "title": known.map(|k| &k.title), "roadmap_id": known.map(|k| &k.roadmap),
                "state": state, "minutes": minutes.get(&(person, topic.clone())).copied().unwrap_or(0),
                "evidence": evidence, "remark": remark, "updated_ms": current.write.time.millis(),
                "orphaned": orphaned, "doubtful_time": current.write.time.is_doubtful(self.context.now),
            }));
        }
        Ok(list(items))
    }

    pub(super) fn progress_group(&mut self, group: GroupId) -> Done {
        let (titles, names) = (self.titles(group)?, self.names(group)?);
        let minutes = self.minutes(group, None)?;
        let muted = self.muted(group)?;
        let mut items = vec![];
        for (register, current) in self.registers(group, &Register::Progress(PersonId::ZERO, String::new()))? {
            let (Register::Progress(person, topic), Folded::Progress { state, evidence, .. }) =
                (register, current.value)
            else {
                continue;
            };
            if muted.contains(&person) {
                continue;
            }
            let item = json!({
                "person": names.of(person), "person_id": person, "topic_id": topic, "state": state,
                "minutes": minutes.get(&(person, topic.clone())).copied().unwrap_or(0), "evidence": evidence,
                "updated_ms": current.write.time.millis(), "orphaned": titles.is_orphan(&topic),
            });
            items.push((topic, names.of(person), person, item));
        }
        items.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
        Ok(list(items.into_iter().map(|(.., item)| item).collect()))
    }

    pub(super) fn progress_history(&mut self, group: GroupId, topic: Option<&str>, person: Option<&str>) -> Done {
        let person = self.person(group, person)?;
        let topic = topic.map(|t| self.topic(group, t)).transpose()?.map(|t| t.id);
        let name = self.person_name(group, person)?;
        let kind = super::find::kind(&Register::Progress(person, String::new()));
        let mut events = self.store().writes(group, kind, Some(&person.0))?;
        events.sort_by_key(|row| (row.write.time, row.write.entry));
        let mut items = vec![];
        for WriteRow { register, write, value } in events {
            let (Register::Progress(_, of), Folded::Progress { state, minutes, evidence, remark }) = (register, value)
            else {
                continue;
            };
            if topic.as_ref().is_none_or(|t| *t == of) {
                items.push(json!({
                    "entry_id": write.entry, "person": name, "person_id": person, "topic_id": of, "state": state,
                    "minutes": minutes, "evidence": evidence, "remark": remark, "time_ms": write.time.millis(),
                    "doubtful_time": write.time.is_doubtful(self.context.now),
                }));
            }
        }
        Ok(list(items))
    }

    /// Minutes of all events, by person and topic.
    fn minutes(&mut self, group: GroupId, person: Option<PersonId>) -> Result<BTreeMap<(PersonId, String), u64>, Fail> {
        let kind = super::find::kind(&Register::Progress(PersonId::ZERO, String::new()));
        let mut sums = BTreeMap::new();
        for row in self.store().writes(group, kind, person.as_ref().map(|p| &p.0[..]))? {
            if let (Register::Progress(person, topic), Folded::Progress { minutes, .. }) = (row.register, row.value) {
                *sums.entry((person, topic)).or_default() += u64::from(minutes);
            }
        }
        Ok(sums)
    }

    pub(super) fn progress_import(&mut self, group: GroupId, text: &str) -> Done {
        let read = roadmap_file::progress(text.as_bytes()).map_err(|e| {
            Error::new(
                Code::BadInput,
                e.to_string(),
                "give the progress file that roadmap.sh exports; nothing was changed",
            )
        })?;
        let (mut unknown, mut written) = (vec![], vec![]);
        for (name, state) in read {
            let topic = match self.topic(group, &name) {
                Ok(topic) => topic.id,
                Err(Fail::Command(_)) => {
                    unknown.push(name);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let state = match state {
                roadmap_file::ProgressState::Done => TopicState::Done,
                roadmap_file::ProgressState::Learning => TopicState::Doing,
                roadmap_file::ProgressState::Skipped => TopicState::Skip,
            };
            let register = Register::Progress(self.me(group), topic.clone());
            let now = self.store().register(group, &register)?.map(|c| c.value);
            if !matches!(now, Some(Folded::Progress { state: before, .. }) if before == state) {
                let progress = Progress { topic, state, minutes: 0, evidence: None, remark: None, supersedes: vec![] };
                written.push(self.write_progress(group, progress)?);
            }
        }
        Ok(json!({ "v": 1, "set": written.len(), "unknown": unknown, "entry_ids": written, "durable": true }))
    }
}
