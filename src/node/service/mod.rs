//! The commands on the store: what people ask of a node, with or without a network under it.
//!
//! Every function here runs inside one batch of the engine (see [`super::core`]), so what it writes is durable before
//! its answer goes out. What the network knows is handed in as a [`Network`] that was taken before.

mod copies;
mod db;
mod device;
mod export;
mod feed;
mod find;
mod group;
mod link;
mod members;
mod moderation;
mod new_notes;
mod note;
mod note_live;
mod people;
mod progress;
mod roadmap;
mod search;
mod status;
mod tags;

pub(crate) use device::{device_label, tell_label};
pub(crate) use find::pick;
use members::Wanted;
pub(crate) use status::{check, sync_json};

use serde_json::{Value, json};

use super::fail::Fail;
use super::network::Network;
use crate::api::{Code, Command, Error, Request};
use crate::engine::store::Store as _;
use crate::engine::{Engine, NoWrite, WriteError};
use crate::model::action::Action;
use crate::model::id::{EntryId, GroupId};
use crate::store::SqliteStore;

/// The engine of a node.
pub type NodeEngine = Engine<SqliteStore>;
/// What a command ends with.
pub type Done = Result<Value, Fail>;

/// What a command needs to know besides the store.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// Unix milliseconds.
    pub now: u64,
    /// What the network knows; none when no node runs.
    pub network: Option<&'a Network>,
    /// The directory, for `status`.
    pub home: &'a str,
}

/// A command under way: the engine, and what it needs to know.
pub struct Service<'a> {
    engine: &'a mut NodeEngine,
    context: Context<'a>,
    /// Writes of this command that wait for a key.
    kept: usize,
}

/// Runs a command that needs nothing but the store.
///
/// # Errors
/// When it can not be done, or the store fails.
pub fn run(engine: &mut NodeEngine, context: Context<'_>, request: &Request) -> Done {
    let mut service = Service { engine, context, kept: 0 };
    let mut value = service.dispatch(request)?;
    if service.kept > 0 {
        // What was kept has no id yet: it gets one when it is sealed.
        value["kept"] = json!(service.kept);
        for key in ["entry_id", "note_id", "entry_ids"] {
            if value.get(key).is_some() {
                value[key] = Value::Null;
            }
        }
    }
    Ok(value)
}

/// The group that is meant.
///
/// # Errors
/// When there is none of that name, or more than one.
pub fn group_of(engine: &mut NodeEngine, context: Context<'_>, given: Option<&str>) -> Result<GroupId, Fail> {
    Service { engine, context, kept: 0 }.group(given)
}

impl Service<'_> {
    fn dispatch(&mut self, request: &Request) -> Done {
        use Command as C;
        match &request.command {
            C::Status => return self.status(),
            C::SetName { name } => return self.set_name(name),
            C::GroupCreate { name, kind, roadmap } => return self.group_create(name, *kind, roadmap.as_deref()),
            C::GroupList => return self.group_list(),
            C::Join { ticket, .. } => return self.join(ticket),
            C::TicketInspect { ticket } => return self.ticket_inspect(ticket),
            C::Search { query, limit } => return self.search(request.group.as_deref(), query, *limit),
            C::Peers { all } => return self.peers(request.group.as_deref(), *all),
            C::DbRebuild => return self.db_rebuild(),
            C::DbCheck => return self.db_check(),
            C::Events { since, limit } => return self.events(*since, *limit),
            C::Doctor => return self.doctor(),
            C::Device(device) => return self.device(request.group.as_deref(), device),
            C::Stop | C::Follow { .. } | C::Ping { .. } | C::SyncWait { .. } => return Err(needs_node().into()),
            _ => {}
        }
        let group = self.group(request.group.as_deref())?;
        let mut value = self.in_group(group, &request.command)?;
        if request.command.writes() {
            self.warn_only_here(group, &mut value)?;
        }
        Ok(value)
    }

    fn in_group(&mut self, group: GroupId, command: &Command) -> Done {
        use Command as C;
        match command {
            C::GroupShow => self.group_show(group),
            C::GroupRename { name } => self.group_rename(group, name),
            C::GroupLeave { force } => self.group_leave(group, *force),
            C::Invite { expires_hours, addresses, role, uses, approve } => {
                let (expires_hours, addresses) = (*expires_hours, *addresses);
                let wanted = Wanted { expires_hours, addresses, role: *role, uses: *uses, approve: *approve };
                self.invite(group, wanted)
            }
            C::InviteList => self.invite_list(group),
            C::InviteRevoke { invite } => self.invite_revoke(group, invite),
            C::MemberList => self.member_list(group),
            C::MemberRole { member, role } => self.member_role(group, member, *role),
            C::MemberAdd { member, role } => self.member_add(group, member, *role),
            C::MemberRemove { member } => self.member_remove(group, member),
            C::MemberMute { member, muted } => self.member_mute(group, member, *muted),
            C::Requests => self.requests(group),
            C::RequestRefuse { person } => self.request_refuse(group, person),
            C::Quarantine => self.quarantine(group),
            C::QuarantineAdmit { entries, all } => self.quarantine_admit(group, entries, *all),
            C::GroupRotate => self.group_rotate(group),
            C::Hide { what, hidden } => self.hide(group, what, *hidden),
            C::Quota { entries, bytes } => self.quota(group, *entries, *bytes),
            C::NoteNew { title, topic, tags, text } => self.note_new(group, title, topic.as_deref(), tags, text),
            C::NotesNew { notes } => self.notes_new(group, notes),
            C::NoteEdit { note, base, text } => self.note_edit(group, note, base.as_deref(), text),
            C::NoteSet { note, title, topic, add_tags, remove_tags } => {
                self.note_set(group, note, title.as_deref(), topic.as_deref(), (add_tags, remove_tags))
            }
            C::NoteShow { note, version } => self.note_show(group, note, version.as_deref()),
            C::NoteList { topic, tag, deleted } => self.note_list(group, topic.as_deref(), tag.as_deref(), *deleted),
            C::NoteHistory { note } => self.note_history(group, note),
            C::NoteRestore { note, version } => self.note_restore(group, note, version.as_deref()),
            C::NoteLive(live) => self.note_live(group, live),
            C::NoteDelete { note } => self.note_delete(group, note),
            C::LinkAdd { url, title, tags, topic } => self.link_add(group, url, title, tags, topic.as_deref()),
            C::LinkList { tag, topic, unread, removed } => {
                self.link_list(group, tag.as_deref(), topic.as_deref(), *unread, *removed)
            }
            C::LinkSet { link, title, topic, add_tags, remove_tags } => {
                self.link_set(group, link, title.as_deref(), topic.as_deref(), (add_tags, remove_tags))
            }
            C::LinkVote { link, up } => self.link_vote(group, link, *up),
            C::LinkRead { link, read } => self.link_read(group, link, *read),
            C::LinkRemove { link, removed } => self.link_remove(group, link, *removed),
            C::RoadmapList => self.roadmap_list(group),
            C::RoadmapShow { roadmap } => self.roadmap_show(group, roadmap),
            C::RoadmapAdd { roadmap } => self.roadmap_add(group, roadmap),
            C::RoadmapImport { name, text } => self.roadmap_import(group, name, text),
            C::RoadmapEdit { roadmap, file, remove, rename } => {
                self.roadmap_edit(group, roadmap, file.as_ref(), remove, rename)
            }
            C::RoadmapExport { roadmap, format } => self.roadmap_export(group, roadmap, format),
            C::RoadmapRemove { roadmap } => self.roadmap_remove(group, roadmap),
            C::ProgressSet { topic, state, minutes, evidence, remark } => {
                self.progress_set(group, topic, *state, *minutes, evidence.as_deref(), remark.as_deref())
            }
            C::ProgressShow { person } => self.progress_show(group, person.as_deref()),
            C::ProgressGroup => self.progress_group(group),
            C::ProgressHistory { topic, person } => self.progress_history(group, topic.as_deref(), person.as_deref()),
            C::ProgressImport { text } => self.progress_import(group, text),
            C::SyncStatus => self.sync_status(group),
            C::OnlyHere => self.only_here(group),
            C::Feed { before, limit } => self.feed(group, before.as_deref(), *limit),
            C::FeedSeen => self.feed_seen(group),
            C::DbDigest => self.db_digest(group),
            C::Export => self.export(group),
            other => unreachable!("handled without a group: {other:?}"),
        }
    }

    fn store(&mut self) -> &mut SqliteStore {
        self.engine.store()
    }

    /// Writes, or keeps what can not be sent yet: later writes of the same command may name the id, which nobody outside sees
    /// then.
    fn write(&mut self, group: GroupId, action: &Action) -> Result<EntryId, Fail> {
        match self.engine.write(self.context.now, group, action) {
            Ok(entry) => Ok(entry),
            // It is durable, and is sent once this node is let in and has the key.
            Err(WriteError::NoWrite(NoWrite::Waits)) => {
                let stand_in = self.engine.keep(self.context.now, group, action)?;
                self.kept += 1;
                Ok(stand_in)
            }
            Err(other) => Err(other.into()),
        }
    }

    fn entries(&mut self, group: GroupId) -> Result<u64, Fail> {
        Ok(self.store().count(group)?)
    }
}

/// The error of a command that only a running node can do.
#[must_use]
pub fn needs_node() -> Error {
    Error::new(
        Code::NotRunning,
        "this needs a running node, and none runs in this directory",
        "start one with `studymesh up`",
    )
}

/// A list as every command prints it.
fn list(items: Vec<Value>) -> Value {
    json!({ "v": 1, "items": items, "next": null })
}
