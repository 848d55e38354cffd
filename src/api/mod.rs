//! The commands of a node and their answers: what the command line, the control socket and the web page speak.
//!
//! A [`Request`] is one JSON line; the answer is a JSON object with `"v":1`, or an [`Error`]. The shapes below are a
//! contract with scripts: keys may be added, never renamed or removed. Lists are `{"v":1,"items":[..],"next":null}`;
//! times are Unix milliseconds UTC; ids are full lower-case hex. Ids, where a request takes one, may be given as a unique prefix (at
//! least four digits), or by title, name or URL.
//!
//! ```
//! use studymesh::api::{Command, Request};
//! let request = Request::new(Command::NoteList { topic: None, tag: Some("k8s".into()), deleted: false });
//! let line = serde_json::to_string(&request).unwrap();
//! assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
//! ```

mod copies;
mod device;
mod error;
pub mod feed;
mod new_note;
mod note_live;
pub mod peek;
mod request;
mod roadmap_file;
mod writes;

use serde::{Deserialize, Serialize};

pub use crate::model::action::{GroupKind, Role, TopicState};
pub use copies::{MAX_ONLY_HERE, ONLY_HERE_LONG_MS};
pub use device::{Device, MAX_OFFER_MS};
pub use error::{Code, Error};
pub use new_note::{MAX_NEW_NOTES, NewNote};
pub use note_live::{MAX_CHANGES, NoteChange, NoteLive};
pub use request::{MAX_LINE_BYTES, MAX_NOTE_BYTES, Request};
pub use roadmap_file::RoadmapFile;

/// The version of requests and answers.
pub const VERSION: u8 = 1;

/// An answer: an object with `"v":1`, or an error.
pub type Reply = Result<serde_json::Value, Error>;

/// What to do, and what the answer holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// `{running, peer_id, person, version, listen:[], groups:[{group_id,name,kind,members,entries,connected,complete}],
    /// home, pid, uptime_ms, web, external:[], connections, unsearchable, limits:{name: {used, max}}, reach:{nat, relay:{state},
    /// upnp, reservations:[{relay, accepted, age_ms}], roles:[], confirmed:[], dht_server}, dht:{peers, server}, bootstrap:{configured,
    /// connected}}`; `reach`, `dht` and `bootstrap` are null when no node runs.
    Status,
    /// Ends the node after the answer: `{stopped:true, was_running}`.
    Stop,
    /// `{items:[{check, ok, level:"ok|note|warning|error", detail, remedy}]}`.
    Doctor,
    /// Sets the person's name here and in every group: `{name}`.
    SetName {
        /// 1 to 64 characters.
        name: String,
    },
    /// `{group_id, name, kind}`.
    GroupCreate {
        /// 1 to 64 characters.
        name: String,
        /// Open or closed.
        kind: GroupKind,
        /// A built-in roadmap to begin with.
        roadmap: Option<String>,
    },
    /// Items: `{group_id, name, kind, members, entries, joined_ms, state:"ready|syncing|waiting"}`.
    GroupList,
    /// `{group_id, name, kind, entries, logs, person, log, joined_ms, topic, dht_key, members:[{person, name, logs,
    /// entries, last_entry_ms, last_seen_ms, you, connected}]}`.
    GroupShow,
    /// Sets the group's name: `{group_id, name, entry_id, durable:true}`.
    GroupRename {
        /// 1 to 64 characters.
        name: String,
    },
    /// Forgets the group and its entries on this node: `{group_id, left:true}`. What nobody else is known to hold is not deleted unasked, nor is a group left without its owner.
    GroupLeave {
        /// Do both all the same.
        #[serde(default)]
        force: bool,
    },
    /// `{ticket, expires_ms, uses, group_id, peers, invite_id, role, approve}`; `expires_ms` and `uses` are null when unlimited,
    /// `invite_id` and `role` in an open group. In a closed group an invite is made: by itself for one member, within a week.
    Invite {
        /// Hours until the ticket expires; 0: never; none: a week in a closed group, never in an open one.
        expires_hours: Option<u64>,
        /// Whether this node's and known members' addresses go into the ticket.
        addresses: bool,
        /// What the invite makes of people, in a closed group; none: a member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// How many people it lets in, in a closed group; 0: any number; none: one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<u32>,
        /// Whether an admin has to accept each request.
        #[serde(default)]
        approve: bool,
    },
    /// Items: `{invite_id, role, uses, used, used_by:[], expires_ms, approve, revoked, open, by}`.
    InviteList,
    /// Takes an invite back: `{invite_id, entry_id, durable:true}`.
    InviteRevoke {
        /// Id or prefix.
        invite: String,
    },
    /// Items: `{person_id, person, role, removed, you, connected, muted, entries, devices:[{log, ended, you}]}`; the most senior
    /// first. Who is out stands behind, with `role` null.
    MemberList,
    /// Gives a person another role; `owner` hands the group over: `{person_id, person, role, entry_id, durable:true}`.
    MemberRole {
        /// Id, prefix or name.
        member: String,
        /// The new role.
        role: Role,
    },
    /// Lets in somebody who asks, or asks again after a removal: as `member-role`.
    MemberAdd {
        /// Id, prefix or name, as `requests` lists them.
        member: String,
        /// As what; none: what the invite says.
        role: Option<Role>,
    },
    /// Removes a person, or oneself: `{person_id, person, kind, you, entry_id, durable:true}`; `kind` is the group's.
    MemberRemove {
        /// Id, prefix or name.
        member: String,
    },
    /// Hides on this node what a person wrote, or shows it again: `{person_id, person, muted}`. Nobody else learns of it.
    MemberMute {
        /// Id, prefix or name.
        member: String,
        /// Muted, or not any more.
        muted: bool,
    },
    /// Items: `{person_id, person, invite_id, role, approve, refused, removed}`: people who ask to be let in; `person` is the name
    /// that they give, or null.
    Requests,
    /// Turns a request down: `{person_id, entry_id, durable:true}`.
    RequestRefuse {
        /// Id, prefix or name.
        person: String,
    },
    /// The devices of one person: see [`Device`].
    Device(Device),
    /// Items: `{entry_id, person_id, person, log, time_ms, kind, bytes, hidden}`: entries that do not count now.
    Quarantine,
    /// Lets entries count: `{accepted, entry_ids:[], durable:true}`.
    QuarantineAdmit {
        /// Entry ids or prefixes.
        entries: Vec<String>,
        /// All of them.
        all: bool,
    },
    /// Begins a new key epoch: `{group_id, epoch}`; `epoch` is null in an open group.
    GroupRotate,
    /// Hides a note or a link for everybody, or shows it again; its entries stay: `{hidden, entry_ids:[], durable:true}`.
    Hide {
        /// Note or link: id, prefix, title or URL; or an entry id.
        what: String,
        /// Hidden, or shown again.
        hidden: bool,
    },
    /// Sets, or without values shows, how much each log may hold: `{entries, bytes}`; 0 is without limit.
    Quota {
        /// Most entries.
        entries: Option<u64>,
        /// Most bytes of all bodies.
        bytes: Option<u64>,
    },
    /// `{group_id, name, state:"joined|waiting|syncing", standing}`. `joined` means: compared with at least one member since, and
    /// nothing is missing. `standing` says why one waits: `unknown`, `asked`, `needs-approval`, `invite-over`, `refused`, `removed`.
    Join {
        /// The ticket.
        ticket: String,
        /// How long to wait for `joined`, milliseconds.
        wait_ms: u64,
    },
    /// `{group_id, version, expires_ms, expired, bytes, peers:[{peer_id, addresses:[]}], member}`; `member` says whether
    /// this node is in that group.
    TicketInspect {
        /// The ticket.
        ticket: String,
    },
    /// `{note_id, entry_id, durable:true}`.
    NoteNew {
        /// At most 200 characters.
        title: String,
        /// The topic that it belongs to.
        topic: Option<String>,
        /// Tags.
        tags: Vec<String>,
        /// Markdown.
        text: String,
    },
    /// Makes many notes at once, at most [`MAX_NEW_NOTES`]; one that can not be made does not keep the others back. Items, in
    /// the order given: `{note_id, entry_id, entries, already, dropped_topic, kept}`, or `{error}`. `already` says that one of
    /// its `unless` is this note; `entries` counts what was written.
    NotesNew {
        /// The notes.
        notes: Vec<NewNote>,
    },
    /// Turns the difference between a version and `text` into an edit: `{note_id, entry_ids:[], changed, durable:true}`.
    NoteEdit {
        /// Id, prefix or title.
        note: String,
        /// The version that the person edited, as `heads` of `note-show` gave it; none: the present one. Edits that
        /// came since are merged.
        base: Option<Vec<String>>,
        /// The whole new text.
        text: String,
    },
    /// `{note_id, entry_id, durable:true}`.
    NoteSet {
        /// Id, prefix or title.
        note: String,
        /// A new title.
        title: Option<String>,
        /// A new topic; empty detaches.
        topic: Option<String>,
        /// Tags to add.
        add_tags: Vec<String>,
        /// Tags to take away.
        remove_tags: Vec<String>,
    },
    /// `{note_id, title, body, version, tags, topic, deleted, authors:[], updated_ms, heads:[]}`.
    NoteShow {
        /// Id, prefix or title.
        note: String,
        /// A version: its number, or an entry id or prefix; none: the present one.
        version: Option<String>,
    },
    /// Items: `{note_id, title, topic, tags, updated_ms, authors:[], deleted, chars, doubtful_time}`, latest first.
    NoteList {
        /// Only this topic's.
        topic: Option<String>,
        /// Only with this tag.
        tag: Option<String>,
        /// Deleted ones instead.
        deleted: bool,
    },
    /// Items: `{version, author, time_ms, entry_id, builds_on:[], added, removed, doubtful_time}`; the numbers count
    /// characters; the first item is version 1.
    NoteHistory {
        /// Id, prefix or title.
        note: String,
    },
    /// Without a version brings a deleted note back; with one makes its text the present one: as `note-edit`.
    NoteRestore {
        /// Id, prefix or title; titles of deleted notes count.
        note: String,
        /// A version: its number, or an entry id or prefix.
        version: Option<String>,
    },
    /// For an editor that is open on a note: see [`NoteLive`].
    NoteLive(NoteLive),
    /// `{note_id, entry_id, durable:true}`.
    NoteDelete {
        /// Id, prefix or title.
        note: String,
    },
    /// `{link_id, url, entry_id, durable:true, already}`; `already` says whether somebody had added it before.
    LinkAdd {
        /// Any spelling of a web address.
        url: String,
        /// At most 200 characters; empty for none.
        title: String,
        /// Tags.
        tags: Vec<String>,
        /// The topic that it belongs to.
        topic: Option<String>,
    },
    /// Items: `{link_id, url, title, tags, topic, added_by:[], added_ms, votes, voted, read, removed}`, most votes first.
    LinkList {
        /// Only with this tag.
        tag: Option<String>,
        /// Only this topic's.
        topic: Option<String>,
        /// Only those that this person has not read.
        unread: bool,
        /// Removed ones instead.
        removed: bool,
    },
    /// `{link_id, entry_id, durable:true}`.
    LinkSet {
        /// Id, prefix or URL.
        link: String,
        /// A new title.
        title: Option<String>,
        /// A new topic; empty detaches.
        topic: Option<String>,
        /// Tags to add.
        add_tags: Vec<String>,
        /// Tags to take away.
        remove_tags: Vec<String>,
    },
    /// One vote per person: `{link_id, entry_id, votes, durable:true}`; `entry_id` is null when nothing changed.
    LinkVote {
        /// Id, prefix or URL.
        link: String,
        /// Votes, or takes the vote back.
        up: bool,
    },
    /// As `link-vote`, without `votes`.
    LinkRead {
        /// Id, prefix or URL.
        link: String,
        /// Read, or unread again.
        read: bool,
    },
    /// Removes a link for everybody, or brings it back: `{link_id, entry_id, durable:true}`.
    LinkRemove {
        /// Id, prefix or URL.
        link: String,
        /// Removed, or back.
        removed: bool,
    },
    /// Items: `{roadmap_id, title:{en,zh}, topics, builtin, added, removed}`.
    RoadmapList,
    /// `{roadmap_id, title, description, builtin, added, topics:[{id, title, description, parent, kind, after, links,
    /// aliases, months, state, people:{todo,doing,done,skip}}]}` in reading order; `state` is this person's.
    RoadmapShow {
        /// Id or title.
        roadmap: String,
    },
    /// Adds a built-in roadmap to the group: `{roadmap_id, topics, entry_ids:[], durable:true}`.
    RoadmapAdd {
        /// Its id.
        roadmap: String,
    },
    /// Imports a roadmap file: as `roadmap-add`.
    RoadmapImport {
        /// The file's name: a hint at its format.
        name: String,
        /// Its content; at most 2 MiB.
        text: String,
    },
    /// Puts an edited file in the place of a roadmap, topics keeping their ids: `{roadmap_id, changed, entry_ids:[],
    /// durable:true}`.
    RoadmapEdit {
        /// Id or title.
        roadmap: String,
        /// The edited file; its name is a hint at its format.
        file: Option<RoadmapFile>,
        /// Topics to remove.
        remove: Vec<String>,
        /// Topics to rename: id and new title.
        rename: Vec<(String, String)>,
    },
    /// `{roadmap_id, format, text}`.
    RoadmapExport {
        /// Id or title.
        roadmap: String,
        /// `toml`, `outline-en` or `outline-zh`.
        format: String,
    },
    /// Takes a roadmap off the list; everybody's progress stays: `{roadmap_id, entry_ids:[], durable:true}`.
    RoadmapRemove {
        /// Id or title.
        roadmap: String,
    },

    /// `{topic_id, state, entry_id, durable:true}`.
    ProgressSet {
        /// Topic id, unique prefix, alias or title.
        topic: String,
        /// The new state.
        state: TopicState,
        /// Minutes studied since the last event.
        minutes: u32,
        /// Where the work can be seen.
        evidence: Option<String>,
        /// A remark.
        remark: Option<String>,
    },
    /// Items: `{topic_id, title:{en,zh}|null, roadmap_id|null, state, minutes, evidence, remark, updated_ms, orphaned,
    /// doubtful_time}`; `minutes` is the sum of all events.
    ProgressShow {
        /// A person's id, prefix or name; none: this one.
        person: Option<String>,
    },
    /// Items: `{person, name, topic_id, state, minutes, evidence, updated_ms, orphaned}`, by topic, then name. `person` is
    /// the person's name, `person_id` the id.
    ProgressGroup,
    /// Items: `{entry_id, person, person_id, topic_id, state, minutes, evidence, remark, time_ms, doubtful_time}`, oldest first.
    ProgressHistory {
        /// Only this topic.
        topic: Option<String>,
        /// A person's id, prefix or name; none: this one.
        person: Option<String>,
    },
    /// Imports a progress file of roadmap.sh: `{set, unknown:[], entry_ids:[], durable:true}`.
    ProgressImport {
        /// The file's content.
        text: String,
    },

    /// Items: `{kind:"note|link|topic", id, title, snippet, marks:[[from,to]], score, group_id, roadmap_id}`, best first;
    /// `roadmap_id` is a topic's; marks are the byte ranges of the snippet that fit. Without a group: in all of them. `pending` documents are not indexed yet.
    Search {
        /// Words.
        query: String,
        /// At most 200.
        limit: usize,
    },

    /// Items: `{peer_id, member, person_id, path:"direct|relayed", transport, rtt_ms, last_sync_ms, address, groups:[],
    /// connected, last_seen_ms, mesh:[]}`; `member` is the name of the person, or null; `mesh`: groups in whose gossip mesh it is a neighbour.
    Peers {
        /// Also members that are not connected now.
        all: bool,
    },
    /// `{peer_id, path, transport, rtt_ms, address, connect_ms, direct_ms}`; the last two count from the beginning of the
    /// command and are null for what did not happen.
    Ping {
        /// Peer id, unique prefix or a member's name.
        peer: String,
        /// How long to try, milliseconds.
        timeout_ms: u64,
        /// Go on until the connection is direct.
        #[serde(default)]
        until_direct: bool,
    },
    /// `{group_id, fingerprint, held, missing, pending, quarantined, peers:[{peer_id, member, relation, checked_ms}],
    /// logs, forked_logs, early, kind, role, standing, kept, requests, quarantined_elsewhere, epoch}`; `kept` are own writes that
    /// wait to be sent, `quarantined_elsewhere` own entries that do not count at other members, `only_here` entries that nobody else is known to hold.
    SyncStatus,
    /// Items: `{entry_id, log, time_ms, kind, title, work}`: entries that nobody else is known to hold; `work`: they would be missed.
    OnlyHere,
    /// `{complete}` and as `sync-status`. Complete means: since the command began, fresh exchanges found `peers` connected members
    /// (none: all connected, at least one) equal, and nothing is missing or pending.
    SyncWait {
        /// How many members.
        peers: Option<usize>,
        /// Until the group's fingerprint is this.
        fingerprint: Option<String>,
        /// How long to wait, milliseconds.
        timeout_ms: u64,
    },

    /// Items: `{entry_id, time_ms, person_id, person, own, kind, verb, id, title, unread, mention}`, the latest first.
    Feed {
        /// `next` of the answer before.
        before: Option<String>,
        /// At most [`feed::MAX_FEED`].
        limit: usize,
    },
    /// Marks what is in the feed as seen, on this node: `{group_id, seen:true}`.
    FeedSeen,

    /// `{group_id, fingerprint, views_digest, entries}`.
    DbDigest,
    /// Folds all views anew: `{rebuilt:true, entries, groups}`.
    DbRebuild,
    /// Checks the database and every hash chain: `{ok, entries, problems:[]}`.
    DbCheck,
    /// Items: `{id, time_ms, type, group_id, data}`, ascending; `next` is the id to go on after when there are more.
    Events {
        /// Only later ones.
        since: Option<u64>,
        /// At most 1,000.
        limit: usize,
    },
    /// Streams events, one line each, until the client goes. Only with a running node.
    Follow {
        /// Begin after this id; none: with what comes.
        since: Option<u64>,
    },
    /// The group as one object: `{group_id, name, notes:[{.., body}], links:[], roadmaps:[{roadmap_id, toml}], progress:[], members:[]}`.
    Export,
    /// Writes entries of the group into a file, to be carried by hand: `{group_id, path, entries, logs, bytes}`. All of them, or
    /// those that the writer of a have file lacks.
    BundleExport {
        /// Absolute path of the file.
        file: String,
        /// Absolute path of a have file.
        have: Option<String>,
        /// Whether a file that is there may be replaced.
        #[serde(default)]
        force: bool,
    },
    /// Writes what this node holds of the group into a file: as `bundle-export`.
    BundleHave {
        /// Absolute path of the file.
        file: String,
        /// Whether a file that is there may be replaced.
        #[serde(default)]
        force: bool,
    },
    /// Takes the entries of a bundle in; the file finds its group: `{group_id, new, held, missing, refused, invalid, expected,
    /// damage:null|"ends-early"|"changed"|"malformed"|"trailing"|"unreadable", cause}`.
    BundleImport {
        /// Absolute path of the file.
        file: String,
    },
}
