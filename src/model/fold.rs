//! The fold: what an entry means for the views, as facts that commute.
//!
//! Everything but a note's text is a **register**. A write names the writes that it supersedes; the value is the
//! greatest by (time, entry id) among those that nobody supersedes. Both tables, writes and supersessions, only
//! grow, so the result depends on the set of entries and not on their order. A note's text is a set of edits (see
//! [`super::text`]). Who wrote it is never taken from the body: a register of a person belongs to the person of the
//! log that the entry stands in.

use bincode::{Decode, Encode};

use super::action::{Action, RoadmapMeta, TopicState};
use super::id::{EntryId, LinkId, LogId, NoteId, PersonId};
use super::roadmap::Topic;
use super::text::TextEdit;
use super::{codec, link};

/// Something that has one current value in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Register {
    /// The group's name: [`Value::Text`].
    GroupName,
    /// A person's name: [`Value::Text`].
    PersonName(PersonId),
    /// A note's title: [`Value::Text`].
    NoteTitle(NoteId),
    /// A note's topic, empty for none: [`Value::Text`].
    NoteTopic(NoteId),
    /// A note's tags: [`Value::Tags`].
    NoteTags(NoteId),
    /// Whether a note is deleted: [`Value::Flag`].
    NoteDeleted(NoteId),
    /// That a person added a link: [`Value::Text`], the canonical URL.
    LinkAdded(LinkId, PersonId),
    /// A link's title: [`Value::Text`].
    LinkTitle(LinkId),
    /// A link's tags: [`Value::Tags`].
    LinkTags(LinkId),
    /// A link's topic, empty for none: [`Value::Text`].
    LinkTopic(LinkId),
    /// Whether a link is removed: [`Value::Flag`].
    LinkRemoved(LinkId),
    /// A person's vote for a link: [`Value::Flag`].
    LinkVote(LinkId, PersonId),
    /// Whether a person has read a link: [`Value::Flag`].
    LinkRead(LinkId, PersonId),
    /// A roadmap's own fields: [`Value::Roadmap`].
    Roadmap(String),
    /// A topic of a roadmap: [`Value::Topic`].
    Topic(String, String),
    /// A person's progress on a topic: [`Value::Progress`].
    Progress(PersonId, String),
    /// What a person calls the device that writes a log: [`Value::Text`]. Only that of the log's own person means anything.
    DeviceName(PersonId, LogId),
}

impl Register {
    /// The kind (a stable number), subject and part of the register: what a store indexes it by.
    #[must_use]
    pub fn parts(&self) -> (u8, Vec<u8>, Vec<u8>) {
        let id = |id: &[u8; 32]| id.to_vec();
        let text = |s: &String| s.as_bytes().to_vec();
        match self {
            Self::GroupName => (0, vec![], vec![]),
            Self::PersonName(p) => (1, id(&p.0), vec![]),
            Self::NoteTitle(n) => (2, id(&n.0), vec![]),
            Self::NoteTopic(n) => (3, id(&n.0), vec![]),
            Self::NoteTags(n) => (4, id(&n.0), vec![]),
            Self::NoteDeleted(n) => (5, id(&n.0), vec![]),
            Self::LinkAdded(l, p) => (6, id(&l.0), id(&p.0)),
            Self::LinkTitle(l) => (7, id(&l.0), vec![]),
            Self::LinkTags(l) => (8, id(&l.0), vec![]),
            Self::LinkTopic(l) => (9, id(&l.0), vec![]),
            Self::LinkRemoved(l) => (10, id(&l.0), vec![]),
            Self::LinkVote(l, p) => (11, id(&l.0), id(&p.0)),
            Self::LinkRead(l, p) => (12, id(&l.0), id(&p.0)),
            Self::Roadmap(r) => (13, text(r), vec![]),
            Self::Topic(r, t) => (14, text(r), text(t)),
            Self::Progress(p, t) => (15, id(&p.0), text(t)),
            Self::DeviceName(p, l) => (16, id(&p.0), id(&l.0)),
        }
    }

    /// The inverse of [`Register::parts`]; `None` for what no register gives.
    #[must_use]
    pub fn from_parts(kind: u8, subject: &[u8], part: &[u8]) -> Option<Self> {
        let id = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).ok();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let (note, link) = (|| id(subject).map(NoteId), || id(subject).map(LinkId));
        let register = match kind {
            0 => Self::GroupName,
            1 => Self::PersonName(PersonId(id(subject)?)),
            2 => Self::NoteTitle(note()?),
            3 => Self::NoteTopic(note()?),
            4 => Self::NoteTags(note()?),
            5 => Self::NoteDeleted(note()?),
            6 => Self::LinkAdded(link()?, PersonId(id(part)?)),
            7 => Self::LinkTitle(link()?),
            8 => Self::LinkTags(link()?),
            9 => Self::LinkTopic(link()?),
            10 => Self::LinkRemoved(link()?),
            11 => Self::LinkVote(link()?, PersonId(id(part)?)),
            12 => Self::LinkRead(link()?, PersonId(id(part)?)),
            13 => Self::Roadmap(text(subject)?),
            14 => Self::Topic(text(subject)?, text(part)?),
            15 => Self::Progress(PersonId(id(subject)?), text(part)?),
            16 => Self::DeviceName(PersonId(id(subject)?), LogId(id(part)?)),
            _ => return None,
        };
        (register.parts() == (kind, subject.to_vec(), part.to_vec())).then_some(register)
    }
}

/// The value of a register.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Value {
    /// A text.
    Text(String),
    /// Tags, as the author ordered them.
    Tags(Vec<String>),
    /// Yes or no.
    Flag(bool),
    /// A roadmap's own fields.
    Roadmap(RoadmapMeta),
    /// A topic, or that it was removed.
    Topic(Option<Topic>),
    /// A person's progress.
    Progress {
        /// The state.
        state: TopicState,
        /// Minutes of this event.
        minutes: u32,
        /// Where the work can be seen.
        evidence: Option<String>,
        /// A remark.
        remark: Option<String>,
    },
}

impl Value {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads the stored form; `None` when it is damaged.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        codec::decode(bytes).ok()
    }
}

/// What one entry adds to the views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// A write of a register. It supersedes the writes of the same register that [`Action::supersedes`] names.
    Write(Register, Box<Value>),
    /// An edit of a note's text, and the edits that its author had.
    Edit {
        /// The note.
        note: NoteId,
        /// The maximal edits that the author had.
        builds_on: &'a [EntryId],
        /// What is inserted and deleted.
        edit: &'a TextEdit,
    },
}

/// The facts of an action that `person` wrote as `entry`.
#[must_use]
pub fn facts<'a>(entry: EntryId, person: PersonId, action: &'a Action) -> Vec<Fact<'a>> {
    let write = |register, value| Fact::Write(register, Box::new(value));
    let text = |register, text: &str| write(register, Value::Text(text.to_owned()));
    let flag = |register, flag: bool| write(register, Value::Flag(flag));
    let tags = |register, tags: &[String]| write(register, Value::Tags(tags.to_vec()));
    match action {
        Action::Profile(a) => vec![text(Register::PersonName(person), &a.name)],
        Action::GroupName(a) => vec![text(Register::GroupName, &a.name)],
        Action::DeviceName(a) => vec![text(Register::DeviceName(person, a.log), &a.name)],
        Action::NoteNew(a) => {
            let note = NoteId::from(entry);
            let mut facts =
                vec![text(Register::NoteTitle(note), &a.title), Fact::Edit { note, builds_on: &[], edit: &a.text }];
            facts.extend(a.topic.as_deref().map(|t| text(Register::NoteTopic(note), t)));
            facts.extend((!a.tags.is_empty()).then(|| tags(Register::NoteTags(note), &a.tags)));
            facts
        }
        Action::NoteEdit(a) => vec![Fact::Edit { note: a.note, builds_on: &a.builds_on, edit: &a.edit }],
        Action::NoteSet(a) => [
            a.title.as_deref().map(|t| text(Register::NoteTitle(a.note), t)),
            a.topic.as_deref().map(|t| text(Register::NoteTopic(a.note), t)),
            a.tags.as_deref().map(|t| tags(Register::NoteTags(a.note), t)),
            a.deleted.map(|d| flag(Register::NoteDeleted(a.note), d)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Action::LinkAdd(a) => {
            let id = link::id(&a.url);
            let mut facts = vec![text(Register::LinkAdded(id, person), &a.url), flag(Register::LinkRemoved(id), false)];
            facts.extend((!a.title.is_empty()).then(|| text(Register::LinkTitle(id), &a.title)));
            facts.extend((!a.tags.is_empty()).then(|| tags(Register::LinkTags(id), &a.tags)));
            facts.extend((!a.topic.is_empty()).then(|| text(Register::LinkTopic(id), &a.topic)));
            facts
        }
        Action::LinkSet(a) => [
            a.title.as_deref().map(|t| text(Register::LinkTitle(a.link), t)),
            a.tags.as_deref().map(|t| tags(Register::LinkTags(a.link), t)),
            a.topic.as_deref().map(|t| text(Register::LinkTopic(a.link), t)),
            a.removed.map(|r| flag(Register::LinkRemoved(a.link), r)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Action::LinkVote(a) => vec![flag(Register::LinkVote(a.link, person), a.up)],
        Action::LinkRead(a) => vec![flag(Register::LinkRead(a.link, person), a.read)],
        Action::RoadmapEdit(a) => {
            let meta = a.meta.iter().map(|m| write(Register::Roadmap(a.roadmap.clone()), Value::Roadmap(m.clone())));
            let topics = a
                .topics
                .iter()
                .map(|put| write(Register::Topic(a.roadmap.clone(), put.id.clone()), Value::Topic(put.topic.clone())));
            meta.chain(topics).collect()
        }
        Action::Progress(a) => vec![write(
            Register::Progress(person, a.topic.clone()),
            Value::Progress {
                state: a.state,
                minutes: a.minutes,
                evidence: a.evidence.clone(),
                remark: a.remark.clone(),
            },
        )],
        // What control entries mean depends on all of them together: see `membership`.
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn every_kind(a: [u8; 32], b: [u8; 32], s: &str, t: &str) -> Vec<Register> {
        let (note, link, person) = (NoteId(a), LinkId(a), PersonId(b));
        vec![
            Register::GroupName,
            Register::PersonName(person),
            Register::NoteTitle(note),
            Register::NoteTopic(note),
            Register::NoteTags(note),
            Register::NoteDeleted(note),
            Register::LinkAdded(link, person),
            Register::LinkTitle(link),
            Register::LinkTags(link),
            Register::LinkTopic(link),
            Register::LinkRemoved(link),
            Register::LinkVote(link, person),
            Register::LinkRead(link, person),
            Register::Roadmap(s.to_owned()),
            Register::Topic(s.to_owned(), t.to_owned()),
            Register::Progress(person, t.to_owned()),
            Register::DeviceName(person, LogId(a)),
        ]
    }

    proptest! {
        #[test]
        fn a_register_is_read_back_from_its_parts(a: [u8; 32], b: [u8; 32], s in "[a-z-]{1,9}", t in "[a-z-]{1,9}") {
            for (n, register) in every_kind(a, b, &s, &t).into_iter().enumerate() {
                let (kind, subject, part) = register.parts();
                prop_assert_eq!(usize::from(kind), n);
                prop_assert_eq!(Register::from_parts(kind, &subject, &part), Some(register));
            }
        }

        #[test]
        fn parts_that_no_register_gives_are_none(kind: u8, subject: Vec<u8>, part: Vec<u8>) {
            if let Some(register) = Register::from_parts(kind, &subject, &part) {
                prop_assert_eq!(register.parts(), (kind, subject, part));
            }
        }
    }
}
