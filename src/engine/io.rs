//! What goes into the engine and what comes out of it.

use crate::model::action::Class;
use crate::model::id::{EntryId, GroupId, LogId, Peer, PersonId, TopicHash};
use crate::sync::handshake::Standing;
use crate::sync::message::Told;

/// A stream to a peer. The engine numbers the streams that it opens with even numbers; the shell numbers those that
/// peers open with odd ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl StreamId {
    /// Whether the engine numbered it: it asked for this stream.
    #[must_use]
    pub fn is_own(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

/// A gossip message that waits for its verdict. The shell numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// Something that happened outside.
///
/// What concerns a peer comes between its [`Input::Connected`] and its [`Input::Disconnected`]; what comes later makes
/// no member of it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The first connection to a peer is up.
    Connected(Peer),
    /// The last connection to a peer is gone.
    Disconnected(Peer),
    /// A peer takes part in a gossip topic.
    Subscribed(Peer, TopicHash),
    /// A peer left a gossip topic.
    Unsubscribed(Peer, TopicHash),
    /// A stream is open: one that the engine asked for, or one that a peer opened.
    StreamOpened(StreamId, Peer),
    /// A stream that the engine asked for could not be opened.
    StreamFailed(StreamId),
    /// A message came on a stream: at most [`crate::sync::message::MAX_MESSAGE_BYTES`] bytes.
    Frame(StreamId, Vec<u8>),
    /// A message that the engine sent has left the queue.
    Sent(StreamId),
    /// A stream is closed by the peer, by an error, or after [`Output::Close`].
    StreamClosed(StreamId),
    /// A gossip message came.
    Gossip {
        /// Its number for the verdict.
        message: MessageId,
        /// Who passed it on.
        source: Peer,
        /// On which topic.
        topic: TopicHash,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The peers of a group's members that may be told to others, with their addresses.
    Tellable(GroupId, Vec<Told>),
    /// Nothing but time has passed.
    Tick,
}

/// What becomes of a gossip message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Do not pass it on; nobody is to blame.
    Ignore,
    /// Do not pass it on, and think less of who sent it.
    Reject,
}

/// Something to do outside, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Take part in a gossip topic.
    Subscribe(TopicHash),
    /// Leave a gossip topic.
    Unsubscribe(TopicHash),
    /// Say under this DHT key that we hold the group.
    Provide(TopicHash),
    /// Take that back.
    StopProviding(TopicHash),
    /// Publish on a gossip topic.
    Publish(TopicHash, Vec<u8>),
    /// The verdict on a gossip message.
    Verdict(MessageId, Verdict),
    /// Open a sync stream to a peer.
    Open(StreamId, Peer),
    /// Send a message on a stream.
    Send(StreamId, Vec<u8>),
    /// Close a stream after what was sent on it.
    Close(StreamId),
    /// A peer broke the protocol; the text says how.
    Penalise(Peer, String),
    /// Peers that a member told about: a hint where to find the group.
    Learned(GroupId, Vec<Told>),
    /// Who is in which note of a group may have changed. It is not recorded.
    Presence(GroupId),
    /// Something that people may want to know.
    Event(Event),
}

/// How a peer's holdings relate to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Relation {
    /// Not compared yet, or not since something changed.
    #[default]
    Unknown,
    /// The same entries.
    Equal,
    /// It has entries that we lack.
    Ahead,
    /// It lacks entries that we have.
    Behind,
    /// Each has entries that the other lacks.
    Both,
}

impl Relation {
    /// The word that the command line and the API use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Equal => "equal",
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Both => "both",
        }
    }
}

/// Something that people may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An entry was stored and folded.
    Entry {
        /// The group.
        group: GroupId,
        /// The entry.
        entry: EntryId,
        /// Its log.
        log: LogId,
        /// Whose log it is.
        person: PersonId,
        /// Its class.
        class: Class,
        /// The kind of its action, when it reads here.
        kind: Option<u16>,
        /// Whether this node wrote it.
        own: bool,
    },
    /// A comparison with a peer came to its end.
    Compared {
        /// The group.
        group: GroupId,
        /// The peer.
        peer: Peer,
        /// How its holdings relate to ours now.
        relation: Relation,
        /// How many entries this exchange brought.
        received: u64,
    },
    /// Who belongs to the group, or with what right, changed.
    Members {
        /// The group.
        group: GroupId,
    },
    /// Somebody asks to be let in.
    Requested {
        /// The group.
        group: GroupId,
    },
    /// Where this node stands in a group, as a member told.
    Standing {
        /// The group.
        group: GroupId,
        /// In, or why not.
        standing: Standing,
    },
    /// Own writes that waited for a key were sent.
    Sent {
        /// The group.
        group: GroupId,
        /// How many.
        entries: u64,
    },
    /// A log of ours has entries that this directory did not write: a copy or an old backup. A fresh log goes on.
    Forked {
        /// The group.
        group: GroupId,
        /// The log that is left behind.
        old: LogId,
        /// The log that goes on.
        new: LogId,
    },
}
