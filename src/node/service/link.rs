//! Links.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Done, Service, find, list, tags};
use crate::api::{Code, Error};
use crate::model::action::{Action, LinkAdd, LinkRead, LinkSet, LinkVote};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{GroupId, LinkId, PersonId};
use crate::model::link;
use crate::node::fail::Fail;

/// Who added a link, and when it was first added.
#[derive(Default)]
struct Added {
    url: String,
    by: Vec<PersonId>,
    first_ms: Option<u64>,
}

impl Service<'_> {
    pub(super) fn link_add(
        &mut self,
        group: GroupId,
        url: &str,
        title: &str,
        tags: &[String],
        topic: Option<&str>,
    ) -> Done {
        let url = link::canonical(url).map_err(|e| find::bad_link(&e))?;
        let id = link::id(&url);
        let me = self.me(group);
        let kind = find::kind(&Register::LinkAdded(id, me));
        let before = self.store().registers(group, kind, Some(&id.0))?;
        let already = !before.is_empty() && !self.flag(group, &Register::LinkRemoved(id))?;
        let topic = topic.map(|t| self.topic(group, t)).transpose()?.map(|t| t.id).unwrap_or_default();
        let title = title.trim();
        let tags = match tags::clean(tags)? {
            tags if tags.is_empty() => vec![],
            // Somebody may have tagged it before: those tags stay.
            tags => tags::changed(&self.tags(group, &Register::LinkTags(id))?, &tags, &[])?.unwrap_or_default(),
        };
        let mut registers = vec![Register::LinkAdded(id, me), Register::LinkRemoved(id)];
        registers.extend((!title.is_empty()).then_some(Register::LinkTitle(id)));
        registers.extend((!tags.is_empty()).then_some(Register::LinkTags(id)));
        registers.extend((!topic.is_empty()).then_some(Register::LinkTopic(id)));
        let supersedes = self.seen(group, &registers)?;
        let add = LinkAdd { url: url.clone(), title: title.to_owned(), tags, topic, supersedes };
        let entry = self.write(group, &Action::LinkAdd(add))?;
        Ok(json!({ "v": 1, "link_id": id, "url": url, "entry_id": entry, "durable": true, "already": already }))
    }

    pub(super) fn link_list(
        &mut self,
        group: GroupId,
        tag: Option<&str>,
        topic: Option<&str>,
        unread: bool,
        removed: bool,
    ) -> Done {
        let topic = topic.map(|t| self.topic(group, t)).transpose()?.map(|t| t.id);
        let (me, names) = (self.me(group), self.names(group)?);
        let votes = self.votes(group)?;
        let titles = self.texts(group, &Register::LinkTitle(LinkId::ZERO), id_of)?;
        let topics = self.texts(group, &Register::LinkTopic(LinkId::ZERO), id_of)?;
        let all_tags = self.values(group, &Register::LinkTags(LinkId::ZERO), id_of, |value| match value {
            Folded::Tags(tags) => Some(tags),
            _ => None,
        })?;
        let gone = self.flags(group, &Register::LinkRemoved(LinkId::ZERO), id_of)?;
        let read_here = self.flags(group, &Register::LinkRead(LinkId::ZERO, me), |r| match r {
            Register::LinkRead(id, person) if *person == me => Some(*id),
            _ => None,
        })?;
        let muted = self.muted(group)?;
        let mut items = vec![];
        for (id, added) in self.added(group)? {
            let tags = all_tags.get(&id).map_or(&[][..], Vec::as_slice);
            let of_topic = topics.get(&id).filter(|t| !t.is_empty());
            let read = read_here.contains(&id);
            let shown = gone.contains(&id) == removed
                && !(unread && read)
                && topic.as_ref().is_none_or(|t| of_topic == Some(t))
                && tag.is_none_or(|t| tags.iter().any(|have| have == t));
            let is_muted = !added.by.is_empty() && added.by.iter().all(|person| muted.contains(person));
            if !shown || is_muted {
                continue;
            }
            let count = votes.get(&id).map_or(0, Vec::len);
            let item = json!({
                "link_id": id, "url": added.url, "title": titles.get(&id).map_or("", String::as_str),
                "tags": tags, "topic": of_topic, "added_by": added.by.iter().map(|p| names.of(*p)).collect::<Vec<_>>(),
                "added_ms": added.first_ms, "votes": count, "voted": votes.get(&id).is_some_and(|v| v.contains(&me)),
                "read": read, "removed": removed,
            });
            items.push((std::cmp::Reverse(count), std::cmp::Reverse(added.first_ms), id, item));
        }
        items.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
        Ok(list(items.into_iter().map(|(.., item)| item).collect()))
    }

    /// Every link with who added it.
    fn added(&mut self, group: GroupId) -> Result<BTreeMap<LinkId, Added>, Fail> {
        let mut links: BTreeMap<LinkId, Added> = BTreeMap::new();
        let mut rows = self.registers(group, &Register::LinkAdded(LinkId::ZERO, PersonId::ZERO))?;
        rows.sort_by_key(|(_, current)| (current.write.time, current.write.entry));
        for (register, current) in rows {
            if let (Register::LinkAdded(id, person), Folded::Text(url)) = (register, current.value) {
                let added = links.entry(id).or_default();
                added.url = url;
                added.by.push(person);
                let ms = current.write.time.millis();
                added.first_ms = Some(added.first_ms.map_or(ms, |first| first.min(ms)));
            }
        }
        Ok(links)
    }

    /// Who votes for each link.
    fn votes(&mut self, group: GroupId) -> Result<BTreeMap<LinkId, Vec<PersonId>>, Fail> {
        let mut votes: BTreeMap<LinkId, Vec<PersonId>> = BTreeMap::new();
        for (register, current) in self.registers(group, &Register::LinkVote(LinkId::ZERO, PersonId::ZERO))? {
            if let (Register::LinkVote(id, person), Folded::Flag(true)) = (register, current.value) {
                votes.entry(id).or_default().push(person);
            }
        }
        Ok(votes)
    }

    pub(super) fn link_set(
        &mut self,
        group: GroupId,
        given: &str,
        title: Option<&str>,
        topic: Option<&str>,
        (add, remove): (&[String], &[String]),
    ) -> Done {
        let link = self.link(group, given)?;
        let topic = match topic {
            Some("") => Some(String::new()),
            Some(topic) => Some(self.topic(group, topic)?.id),
            None => None,
        };
        let tags = tags::changed(&self.tags(group, &Register::LinkTags(link))?, add, remove)?;
        let set = LinkSet { link, title: title.map(|t| t.trim().to_owned()), topic, tags, ..LinkSet::default() };
        self.write_link(group, set)
    }

    pub(super) fn link_remove(&mut self, group: GroupId, given: &str, removed: bool) -> Done {
        let link = self.link(group, given)?;
        if self.flag(group, &Register::LinkRemoved(link))? == removed {
            return Ok(json!({ "v": 1, "link_id": link, "entry_id": null, "durable": true }));
        }
        self.write_link(group, LinkSet { link, removed: Some(removed), ..LinkSet::default() })
    }

    fn write_link(&mut self, group: GroupId, mut set: LinkSet) -> Done {
        let link = set.link;
        let registers = [
            set.title.is_some().then_some(Register::LinkTitle(link)),
            set.topic.is_some().then_some(Register::LinkTopic(link)),
            set.tags.is_some().then_some(Register::LinkTags(link)),
            set.removed.is_some().then_some(Register::LinkRemoved(link)),
        ];
        let registers: Vec<Register> = registers.into_iter().flatten().collect();
        if registers.is_empty() {
            return Ok(json!({ "v": 1, "link_id": link, "entry_id": null, "durable": true }));
        }
        set.supersedes = self.seen(group, &registers)?;
        let entry = self.write(group, &Action::LinkSet(set))?;
        Ok(json!({ "v": 1, "link_id": link, "entry_id": entry, "durable": true }))
    }

    pub(super) fn link_vote(&mut self, group: GroupId, given: &str, up: bool) -> Done {
        let link = self.link(group, given)?;
        let register = Register::LinkVote(link, self.me(group));
        let entry = if self.flag(group, &register)? == up {
            None
        } else {
            let supersedes = self.seen(group, [&register])?;
            Some(self.write(group, &Action::LinkVote(LinkVote { link, up, supersedes }))?)
        };
        let votes = self.votes(group)?.get(&link).map_or(0, Vec::len);
        Ok(json!({ "v": 1, "link_id": link, "entry_id": entry, "votes": votes, "durable": true }))
    }

    pub(super) fn link_read(&mut self, group: GroupId, given: &str, read: bool) -> Done {
        let link = self.link(group, given)?;
        let register = Register::LinkRead(link, self.me(group));
        if self.flag(group, &register)? == read {
            return Ok(json!({ "v": 1, "link_id": link, "entry_id": null, "durable": true }));
        }
        let supersedes = self.seen(group, [&register])?;
        let entry = self.write(group, &Action::LinkRead(LinkRead { link, read, supersedes }))?;
        Ok(json!({ "v": 1, "link_id": link, "entry_id": entry, "durable": true }))
    }
}

/// The link that a register of a link is of.
fn id_of(register: &Register) -> Option<LinkId> {
    match register {
        Register::LinkTitle(id) | Register::LinkTopic(id) | Register::LinkTags(id) | Register::LinkRemoved(id) => {
            Some(*id)
        }
        _ => None,
    }
}

/// The error of evidence that is no web address.
pub(super) fn evidence(url: &str) -> Result<String, Error> {
    link::canonical(url)
        .map_err(|e| Error::new(Code::BadInput, e.to_string(), "give the web address where the work can be seen"))
}
