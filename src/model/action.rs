//! Actions: what an entry's body says, one struct per kind.
//!
//! The kind number and its version stand outside bincode (see `log::seal`). A kind that this version does
//! not know is kept, served and passed on, and folds into nothing. An action whose fields break a bound is stored
//! and never folded: the verdict depends on its bytes alone, so every node reaches it.

use bincode::{Decode, Encode};

use super::codec;
use super::id::{EntryId, LinkId, NoteId};
use super::limits;
use super::roadmap::{self, Localized, Topic};
use super::text::{InvalidText, TextEdit};

mod control;
mod names;

pub use control::{
    Accept, Admit, AskKeys, Cut, Endorse, Epoch, Genesis, GroupKind, Hide, Invite, PersonLink, Quota, Redeemed, Refuse,
    Remove, Request, Revoke, Role, Sealed, Seals, SetRole, Subject, Wrapped,
};
pub use names::{DeviceName, GroupName, Profile};

/// Which key an entry's body is sealed under, and so who can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Who belongs, roles, cuts and key epochs: sealed under the group's control key.
    Control = 0,
    /// What the group studies: sealed under the key of the entry's epoch.
    Content = 1,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Founds a group.
    Genesis(Genesis),
    /// The first entry of a log: which transport key and which person it belongs to.
    Endorse(Endorse),
    /// An invite.
    Invite(Invite),
    /// Takes an invite back.
    Revoke(Revoke),
    /// Asks to be let in.
    Request(Request),
    /// Lets a person in.
    Admit(Admit),
    /// Turns a request down.
    Refuse(Refuse),
    /// Gives a person another role.
    SetRole(SetRole),
    /// Removes a person or a device.
    Remove(Remove),
    /// Accepts entries beyond a cut; without entries, merges control heads.
    Accept(Accept),
    /// Begins a key epoch.
    Epoch(Epoch),
    /// Keys sealed to more devices.
    Seals(Seals),
    /// Asks for keys.
    AskKeys(AskKeys),
    /// Hides entries, or shows them again.
    Hide(Hide),
    /// How much each log may hold.
    Quota(Quota),
    /// The author's name.
    Profile(Profile),
    /// The group's name.
    GroupName(GroupName),
    /// The name of one of the author's devices.
    DeviceName(DeviceName),
    /// A new note with its first text.
    NoteNew(NoteNew),
    /// A change of a note's text.
    NoteEdit(NoteEdit),
    /// A change of a note's fields.
    NoteSet(NoteSet),
    /// A link that the author adds.
    LinkAdd(LinkAdd),
    /// A change of a link's fields.
    LinkSet(LinkSet),
    /// The author's vote for a link.
    LinkVote(LinkVote),
    /// Whether the author has read a link.
    LinkRead(LinkRead),
    /// A change of a roadmap: its title, and any of its topics.
    RoadmapEdit(RoadmapEdit),
    /// The author's progress on a topic.
    Progress(Progress),
}

/// A new note; its id is the id of this entry.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NoteNew {
    /// At most [`limits::MAX_TITLE_CHARS`] characters, no control characters.
    pub title: String,
    /// The roadmap topic that it belongs to.
    pub topic: Option<String>,
    /// At most [`limits::MAX_TAGS`].
    pub tags: Vec<String>,
    /// The first text.
    pub text: TextEdit,
}

/// A change of a note's text.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NoteEdit {
    /// The note.
    pub note: NoteId,
    /// The latest edits that the author had (the maximal ones): the version that this edit builds on. At most
    /// [`limits::MAX_BUILDS_ON`].
    pub builds_on: Vec<EntryId>,
    /// What is inserted and deleted.
    pub edit: TextEdit,
}

/// A change of a note's fields; `None` leaves a field alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct NoteSet {
    /// The note.
    pub note: NoteId,
    /// A new title.
    pub title: Option<String>,
    /// A new topic; an empty text detaches the note.
    pub topic: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// Deletes or restores the note; its text stays in the history.
    pub deleted: Option<bool>,
    /// The writes of these registers that the author saw.
    pub supersedes: Vec<EntryId>,
}

impl Default for NoteId {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Default for LinkId {
    fn default() -> Self {
        Self::ZERO
    }
}

/// A link that the author adds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkAdd {
    /// The canonical URL: at most [`limits::MAX_URL_BYTES`], http or https.
    pub url: String,
    /// The title, or empty.
    pub title: String,
    /// At most [`limits::MAX_TAGS`].
    pub tags: Vec<String>,
    /// The roadmap topic that it belongs to, or empty.
    pub topic: String,
    /// The writes of these registers that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// A change of a link's fields; `None` leaves a field alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct LinkSet {
    /// The link.
    pub link: LinkId,
    /// A new title.
    pub title: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// A new topic; an empty text detaches the link.
    pub topic: Option<String>,
    /// Removes or restores the link.
    pub removed: Option<bool>,
    /// The writes of these registers that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// The author's vote for a link: one per person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkVote {
    /// The link.
    pub link: LinkId,
    /// Votes for it, or takes the vote back.
    pub up: bool,
    /// The writes of this register that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// Whether the author has read a link.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkRead {
    /// The link.
    pub link: LinkId,
    /// Read, or unread again.
    pub read: bool,
    /// The writes of this register that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// A change of a roadmap.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RoadmapEdit {
    /// The roadmap's id: a slug.
    pub roadmap: String,
    /// A new title and description.
    pub meta: Option<RoadmapMeta>,
    /// Topics to put or to remove, each by its stable id. At most [`limits::MAX_TOPICS_PER_EDIT`].
    pub topics: Vec<TopicPut>,
    /// The writes of these registers that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// A roadmap's own fields.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RoadmapMeta {
    /// The title.
    pub title: Localized,
    /// The description.
    pub description: Localized,
    /// Removes the roadmap from the lists; its topics and everybody's progress stay.
    pub removed: bool,
}

/// One topic of a roadmap edit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct TopicPut {
    /// The topic's stable id.
    pub id: String,
    /// The whole topic, or `None` to remove it.
    pub topic: Option<Topic>,
}

/// How far somebody is with a topic.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum TopicState {
    /// Not begun.
    Todo,
    /// Begun.
    Doing,
    /// Finished.
    Done,
    /// Left out on purpose.
    Skip,
}

/// The author's progress on a topic: a register per (person, topic), and an event.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Progress {
    /// The topic's stable id.
    pub topic: String,
    /// The new state.
    pub state: TopicState,
    /// Minutes studied since the last event, at most [`limits::MAX_MINUTES`].
    pub minutes: u32,
    /// Where the work can be seen.
    pub evidence: Option<String>,
    /// A remark.
    pub remark: Option<String>,
    /// The writes of this register that the author saw.
    pub supersedes: Vec<EntryId>,
}

/// Why a body is not an action that can be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The key of the body's epoch is not held.
    #[error("the key of this epoch is not held here")]
    NoKey,
    /// The key does not open the body.
    #[error("the body does not open with the group's key")]
    WrongKey,
    /// A kind or a kind's version that this build does not know.
    #[error("kind {kind} version {version} is from a newer studymesh")]
    Unknown {
        /// The kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// The payload breaks its layout.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A field breaks its bound.
    #[error("{0} is out of bounds")]
    Bounds(&'static str),
    /// A text edit breaks a rule.
    #[error("the text edit can not be integrated: {0}")]
    Text(#[from] InvalidText),
}

macro_rules! kinds {
    ($($kind:literal $class:ident $name:ident $check:expr;)*) => {
        impl Action {
            /// The kind number and the version of its payload.
            #[must_use]
            pub fn kind(&self) -> (u16, u8) {
                match self { $(Self::$name(_) => ($kind, 1),)* }
            }

            /// Which class of entry carries it.
            #[must_use]
            pub fn class(&self) -> Class {
                match self { $(Self::$name(_) => Class::$class,)* }
            }

            /// The payload bytes.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(a) => codec::encode(a),)* }
            }

            /// Checks every field against its bound.
            ///
            /// # Errors
            /// The first field that breaks its bound.
            pub fn check(&self) -> Result<(), ReadError> {
                match self { $(Self::$name(a) => { #[allow(clippy::redundant_closure_call)] ($check)(a) })* }
            }

            /// Reads a payload and checks its bounds.
            ///
            /// # Errors
            /// When the kind is unknown, the payload malformed, or a field out of bounds.
            pub fn decode(kind: u16, version: u8, payload: &[u8]) -> Result<Self, ReadError> {
                let action = match (kind, version) {
                    $(($kind, 1) => Self::$name(codec::decode(payload).map_err(|e| ReadError::Malformed(e.to_string()))?),)*
                    _ => return Err(ReadError::Unknown { kind, version }),
                };
                action.check()?;
                Ok(action)
            }
        }
    };
}

type Checked = Result<(), ReadError>;

kinds! {
    1 Control Genesis |_: &Genesis| -> Checked { Ok(()) };
    2 Control Endorse |a: &Endorse| bound("person", a.person.len() <= limits::MAX_PERSON_CHAIN);
    3 Control Invite |a: &Invite| control::invite(a);
    4 Control Revoke |_: &Revoke| -> Checked { Ok(()) };
    5 Control Request |a: &Request| control::request(a);
    6 Control Admit |a: &Admit| control::admit(a);
    7 Control Refuse |_: &Refuse| -> Checked { Ok(()) };
    8 Control SetRole |a: &SetRole| control::role(a);
    9 Control Remove |a: &Remove| control::remove(a);
    10 Control Accept |a: &Accept| control::named(&a.entries);
    11 Control Epoch |a: &Epoch| control::epoch(a);
    12 Control Seals |a: &Seals| control::more_seals(a);
    13 Control AskKeys |a: &AskKeys| control::ask(a);
    14 Control Hide |a: &Hide| control::named(&a.entries);
    15 Control Quota |_: &Quota| -> Checked { Ok(()) };
    16 Content Profile |a: &Profile| -> Checked { name("name", &a.name)?; seen(&a.supersedes) };
    17 Content GroupName |a: &GroupName| -> Checked { name("name", &a.name)?; seen(&a.supersedes) };
    18 Content DeviceName |a: &DeviceName| -> Checked { name("name", &a.name)?; seen(&a.supersedes) };
    32 Content NoteNew |a: &NoteNew| -> Checked {
        line("title", &a.title, limits::MAX_TITLE_CHARS)?;
        a.topic.as_deref().map_or(Ok(()), topic)?;
        tags(&a.tags)?;
        text(&a.text)
    };
    33 Content NoteEdit |a: &NoteEdit| -> Checked {
        bound("builds_on", a.builds_on.len() <= limits::MAX_BUILDS_ON)?;
        text(&a.edit)
    };
    34 Content NoteSet |a: &NoteSet| -> Checked {
        a.title.as_deref().map_or(Ok(()), |t| line("title", t, limits::MAX_TITLE_CHARS))?;
        a.topic.as_deref().map_or(Ok(()), topic_or_none)?;
        a.tags.as_deref().map_or(Ok(()), tags)?;
        seen(&a.supersedes)
    };
    48 Content LinkAdd |a: &LinkAdd| -> Checked {
        bound("url", a.url.len() <= limits::MAX_URL_BYTES && is_http(&a.url) && !a.url.chars().any(char::is_control))?;
        line("title", &a.title, limits::MAX_TITLE_CHARS)?;
        tags(&a.tags)?;
        topic_or_none(&a.topic)?;
        seen(&a.supersedes)
    };
    49 Content LinkSet |a: &LinkSet| -> Checked {
        a.title.as_deref().map_or(Ok(()), |t| line("title", t, limits::MAX_TITLE_CHARS))?;
        a.topic.as_deref().map_or(Ok(()), topic_or_none)?;
        a.tags.as_deref().map_or(Ok(()), tags)?;
        seen(&a.supersedes)
    };
    50 Content LinkVote |a: &LinkVote| seen(&a.supersedes);
    51 Content LinkRead |a: &LinkRead| seen(&a.supersedes);
    64 Content RoadmapEdit |a: &RoadmapEdit| -> Checked {
        topic(&a.roadmap)?;
        bound("topics", a.topics.len() <= limits::MAX_TOPICS_PER_EDIT)?;
        for put in &a.topics {
            topic(&put.id)?;
            if let Some(record) = &put.topic {
                bound("topic", record.id == put.id && record.validate().is_ok())?;
            }
        }
        if let Some(meta) = &a.meta {
            let fits = |l: &Localized, max| l.en.chars().count() <= max && l.zh.chars().count() <= max;
            bound("meta", fits(&meta.title, roadmap::MAX_TITLE) && fits(&meta.description, roadmap::MAX_DESCRIPTION))?;
        }
        seen(&a.supersedes)
    };
    80 Content Progress |a: &Progress| -> Checked {
        topic(&a.topic)?;
        bound("minutes", a.minutes <= limits::MAX_MINUTES)?;
        bound("evidence", a.evidence.as_deref().is_none_or(|e| e.len() <= limits::MAX_URL_BYTES && is_http(e)))?;
        bound("remark", a.remark.as_deref().is_none_or(|r| r.chars().count() <= limits::MAX_REMARK_CHARS))?;
        seen(&a.supersedes)
    };
}

impl Action {
    /// The register writes that this action's author saw and replaces.
    #[must_use]
    pub fn supersedes(&self) -> &[EntryId] {
        match self {
            Self::Profile(a) => &a.supersedes,
            Self::GroupName(a) => &a.supersedes,
            Self::DeviceName(a) => &a.supersedes,
            Self::NoteSet(a) => &a.supersedes,
            Self::LinkAdd(a) => &a.supersedes,
            Self::LinkSet(a) => &a.supersedes,
            Self::LinkVote(a) => &a.supersedes,
            Self::LinkRead(a) => &a.supersedes,
            Self::RoadmapEdit(a) => &a.supersedes,
            Self::Progress(a) => &a.supersedes,
            _ => &[],
        }
    }

    /// The entries that this one builds on: without them it would hang in the air.
    pub fn builds_on(&self) -> impl Iterator<Item = EntryId> + '_ {
        let (note, edits, refs): (Option<EntryId>, &[EntryId], &[EntryId]) = match self {
            Self::NoteEdit(a) => (Some(EntryId(a.note.0)), &a.builds_on, &a.edit.refs),
            Self::NoteSet(a) => (Some(EntryId(a.note.0)), &[], &[]),
            _ => (None, &[], &[]),
        };
        note.into_iter().chain(edits.iter().chain(refs).chain(self.supersedes()).copied())
    }
}

fn bound(field: &'static str, holds: bool) -> Checked {
    if holds { Ok(()) } else { Err(ReadError::Bounds(field)) }
}

fn line(field: &'static str, text: &str, max_chars: usize) -> Checked {
    bound(field, text.chars().count() <= max_chars && !text.chars().any(char::is_control))
}

fn name(field: &'static str, text: &str) -> Checked {
    line(field, text, limits::MAX_NAME_CHARS)?;
    bound(field, !text.trim().is_empty())
}

fn topic(id: &str) -> Checked {
    bound("topic", limits::is_slug(id))
}

fn topic_or_none(id: &str) -> Checked {
    if id.is_empty() { Ok(()) } else { topic(id) }
}

fn tags(tags: &[String]) -> Checked {
    bound("tags", tags.len() <= limits::MAX_TAGS)?;
    tags.iter().try_for_each(|t| {
        line("tags", t, limits::MAX_TAG_CHARS)?;
        bound("tags", !t.trim().is_empty())
    })
}

fn text(edit: &TextEdit) -> Checked {
    Ok(edit.validate()?)
}

fn seen(ids: &[EntryId]) -> Checked {
    bound("supersedes", ids.len() <= limits::MAX_SUPERSEDES)
}

fn is_http(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests;
