//! Every operation: the table from which the routes and the OpenAPI document are made.

use super::operation::Shape::{Changes, EmptyText, File, Flag, MaybeTexts, Number, Pairs, Text, Texts, Word};
use super::operation::{
    Does, Fixed, Operation, Verb, body, delete, get, needed, patch, path, post, put, query, special,
};

/// Longest wait that a request may ask for, milliseconds.
pub const MAX_WAIT_MS: u64 = 30_000;

const KINDS: &[&str] = &["open", "closed"];
const ROLES: &[&str] = &["keeper", "reader", "member", "admin", "owner"];
const STATES: &[&str] = &["todo", "doing", "done", "skip"];
const FORMATS: &[&str] = &["toml", "outline-en", "outline-zh"];
const WAIT: super::operation::Shape = Number(0, MAX_WAIT_MS, Some(0));
/// A place in a text.
const UNITS: super::operation::Shape = Number(0, crate::api::MAX_NOTE_BYTES as u64, None);
const NOTE: &str = "Id, unique prefix, or title.";
const LINK: &str = "Id, unique prefix, or address.";
const MEMBER: &str = "Id, unique prefix, or name.";
const ROADMAP: &str = "Id or title.";
const DEVICE: &str = "Peer id, log id, prefix, or name.";
const IN_GROUP: &str = "Only in this group: id, unique prefix, or name.";

/// The nouns, in the order of the documents, each with its operations.
pub const TABLE: &[(&str, &[Operation])] = &[
    ("node", NODE),
    ("groups", GROUPS),
    ("members", MEMBERS),
    ("devices", DEVICES),
    ("notes", NOTES),
    ("links", LINKS),
    ("roadmaps", ROADMAPS),
    ("progress", PROGRESS),
    ("network", NETWORK),
    ("store", STORE),
];

/// All operations with their nouns.
pub fn all() -> impl Iterator<Item = Operation> {
    TABLE.iter().flat_map(|(tag, rows)| rows.iter().map(|row| Operation { tag, ..*row }))
}

const NODE: &[Operation] = &[
    get("/status", "status", "How the node and its groups are."),
    get("/doctor", "doctor", "Looks for the usual troubles and names their remedies."),
    put("/name", "set-name", "Sets your name, here and in every group.").takes(&[needed(body(
        "name",
        Text,
        "1 to 64 characters.",
    ))]),
    post("/stop", "stop", "Ends the node."),
    special(Verb::Get, "/settings", Does::Settings, "The settings, and where each value comes from."),
    special(
        Verb::Put,
        "/settings/{key}",
        Does::SettingSet,
        "Sets a setting in the file; the node reads it at its next start.",
    )
    .takes(&[
        path("key", "The name of the setting."),
        needed(body("values", Texts, "One value, or several where it is a list.")),
    ]),
    special(
        Verb::Delete,
        "/settings/{key}",
        Does::SettingUnset,
        "Takes a setting out of the file, so that its default counts.",
    )
    .takes(&[path("key", "The name of the setting.")]),
    special(
        Verb::Get,
        "/events",
        Does::Events,
        "What happened: a list, or with `Accept: text/event-stream` a stream that goes on.",
    )
    .takes(&[
        query(
            "since",
            Number(0, i64::MAX as u64, None),
            "Only events after this id; a stream takes `Last-Event-ID` first.",
        ),
        query("limit", Number(1, 1_000, Some(100)), "Of a list: how many at most."),
        query("group", Text, IN_GROUP),
    ]),
    get("/search", "search", "Searches notes, links and topics.").takes(&[
        needed(query("query", Text, "Words, in any language.")),
        query("limit", Number(1, 200, Some(20)), "How many at most."),
        query("group", Text, IN_GROUP),
    ]),
];

const GROUPS: &[Operation] = &[
    get("/groups", "group-list", "The groups of this node.").pages("group_id"),
    post("/groups", "group-create", "Founds a group.").makes().takes(&[
        needed(body("name", Text, "1 to 64 characters.")),
        needed(body("kind", Word(KINDS), "Open to whoever has the ticket, or closed.")),
        body("roadmap", Text, "A built-in roadmap to begin with."),
    ]),
    get("/groups/{group}", "group-show", "One group and its members."),
    patch("/groups/{group}", "group-rename", "Gives the group another name.").takes(&[needed(body(
        "name",
        Text,
        "1 to 64 characters.",
    ))]),
    delete("/groups/{group}", "group-leave", "Leaves the group and forgets its entries on this node.").takes(&[query(
        "force",
        Flag(false),
        "Also when nobody else is known to hold some of them.",
    )]),
    get("/groups/{group}/invites", "invite-list", "The invites of a closed group.").pages("invite_id"),
    post("/groups/{group}/invites", "invite", "Makes a ticket that lets others join.").makes().takes(&[
        body("expires_hours", Number(0, 87_600, None), "Hours until it expires; 0: never."),
        body("addresses", Flag(true), "Whether addresses go into the ticket."),
        body("role", Word(ROLES), "What it makes of people, in a closed group."),
        body("uses", Number(0, 1_000_000, None), "How many people it lets in, in a closed group; 0: any number."),
        body("approve", Flag(false), "Whether an admin has to accept each request."),
    ]),
    delete("/groups/{group}/invites/{invite}", "invite-revoke", "Takes an invite back.")
        .takes(&[path("invite", "Id or unique prefix.")]),
    post("/join", "join", "Joins a group by its ticket.").makes().takes(&[
        needed(body("ticket", Text, "The ticket.")),
        body("wait_ms", WAIT, "How long to wait until nothing is missing."),
    ]),
    post("/tickets/inspect", "ticket-inspect", "Looks into a ticket.").takes(&[needed(body(
        "ticket",
        Text,
        "The ticket.",
    ))]),
    post("/groups/{group}/rotate", "group-rotate", "Begins a new key epoch."),
    get("/groups/{group}/limits", "quota", "How much each log may hold.").with("limits", &[]),
    put("/groups/{group}/limits", "quota", "Sets how much each log may hold; 0 is without limit.")
        .with("limits-set", &[])
        .takes(&[
            needed(body("entries", Number(0, u64::MAX >> 12, None), "Most entries.")),
            needed(body("bytes", Number(0, u64::MAX >> 12, None), "Most bytes of all bodies.")),
        ]),
    put("/groups/{group}/hidden", "hide", "Hides a note or a link for everybody, or shows it again.").takes(&[
        needed(body("what", Text, "Note or link: id, prefix, title or address; or an entry id.")),
        body("hidden", Flag(true), "Hidden, or shown again."),
    ]),
    get("/groups/{group}/quarantine", "quarantine", "Entries that do not count now.").pages("entry_id"),
    post("/groups/{group}/quarantine/admit", "quarantine-admit", "Lets entries count.")
        .takes(&[body("entries", Texts, "Entry ids or unique prefixes."), body("all", Flag(false), "All of them.")]),
    get("/groups/{group}/feed", "feed", "What happened, entry by entry, the latest first.").takes(&[
        query("before", Text, "`next` of the answer before."),
        query("limit", Number(1, 200, Some(50)), "How many at most."),
    ]),
    get("/groups/{group}/only-here", "only-here", "Entries that nobody else is known to hold.").pages("entry_id"),
    put("/groups/{group}/feed/seen", "feed-seen", "Marks what is in the feed as seen, on this node."),
    get("/groups/{group}/export", "export", "The whole group as one object."),
];

const MEMBERS: &[Operation] = &[
    get("/groups/{group}/members", "member-list", "Who belongs, the most senior first.").pages("person_id"),
    post("/groups/{group}/members", "member-add", "Lets in somebody who asks.").takes(&[
        needed(body("member", Text, MEMBER)),
        body("role", Word(ROLES), "As what; left out: what the invite says."),
    ]),
    put("/groups/{group}/members/{member}/role", "member-role", "Gives a member another role.").takes(&[
        path("member", MEMBER),
        needed(body("role", Word(ROLES), "The new role; `owner` hands the group over.")),
    ]),
    put(
        "/groups/{group}/members/{member}/mute",
        "member-mute",
        "Hides on this node what a member wrote, or shows it again.",
    )
    .takes(&[path("member", MEMBER), body("muted", Flag(true), "Muted, or not any more.")]),
    delete("/groups/{group}/members/{member}", "member-remove", "Removes a member, or oneself.")
        .takes(&[path("member", MEMBER)]),
    get("/groups/{group}/requests", "requests", "People who ask to be let in.").pages("person_id"),
    delete("/groups/{group}/requests/{person}", "request-refuse", "Turns a request down.")
        .takes(&[path("person", MEMBER)]),
];

const DEVICES: &[Operation] = &[
    get("/devices", "device", "Your devices, this one first.")
        .with("device-list", &[("device", Fixed::Text("list"))])
        .takes(&[query("group", Text, IN_GROUP)])
        .pages("device_id"),
    special(Verb::Post, "/device-offers", Does::DeviceLink, "Offers all groups to a new device, under a code.")
        .makes()
        .takes(&[body(
            "timeout_ms",
            Number(1_000, crate::api::MAX_OFFER_MS, Some(300_000)),
            "How long the code is good.",
        )]),
    post("/device-joins", "device", "Takes the groups of another device over.")
        .with("device-join", &[("device", Fixed::Text("join"))])
        .takes(&[
            needed(body("code", Text, "The code, as the other device shows it.")),
            body("at", Text, "Where the other device is, a multiaddr."),
            body("timeout_ms", Number(0, MAX_WAIT_MS, Some(MAX_WAIT_MS)), "How long to look for it."),
        ]),
    patch("/devices/{target}", "device", "Names a device.")
        .with("device-rename", &[("device", Fixed::Text("rename"))])
        .takes(&[path("target", DEVICE), needed(body("name", Text, "1 to 64 characters on one line."))]),
    delete("/devices/{target}", "device", "Removes a device from all groups.")
        .with("device-remove", &[("device", Fixed::Text("remove"))])
        .takes(&[path("target", DEVICE)]),
    delete("/groups/{group}/devices/{target}", "device", "Removes a device from one group.")
        .with("device-remove-here", &[("device", Fixed::Text("remove"))])
        .takes(&[path("target", DEVICE)]),
];

const NOTES: &[Operation] = &[
    get("/groups/{group}/notes", "note-list", "Notes, latest first.").pages("note_id").takes(&[
        query("topic", Text, "Only this topic's."),
        query("tag", Text, "Only with this tag."),
        query("deleted", Flag(false), "Deleted ones instead."),
    ]),
    post("/groups/{group}/notes", "note-new", "Writes a note.").makes().takes(&[
        needed(body("title", Text, "1 to 200 characters.")),
        body("topic", Text, "The topic that it belongs to."),
        body("tags", Texts, "Tags."),
        needed(body("text", Text, "Markdown, at most 4 MiB.")),
    ]),
    get("/groups/{group}/notes/{note}", "note-show", "One note, now or at a version.")
        .takes(&[path("note", NOTE), query("version", Text, "A number, or an entry id or prefix.")]),
    put(
        "/groups/{group}/notes/{note}",
        "note-edit",
        "Puts a new text in the place of a version; what came since is merged.",
    )
    .takes(&[
        path("note", NOTE),
        body(
            "base",
            MaybeTexts,
            "The version that was edited, as `heads` of the note gave it; left out: the present one.",
        ),
        needed(body("text", Text, "The whole new text.")),
    ]),
    patch("/groups/{group}/notes/{note}", "note-set", "Changes title, topic or tags.").takes(&[
        path("note", NOTE),
        body("title", Text, "A new title."),
        body("topic", Text, "A new topic; empty detaches."),
        body("add_tags", Texts, "Tags to add."),
        body("remove_tags", Texts, "Tags to take away."),
    ]),
    delete("/groups/{group}/notes/{note}", "note-delete", "Deletes a note; it can be restored.")
        .takes(&[path("note", NOTE)]),
    get("/groups/{group}/notes/{note}/history", "note-history", "The versions of a note, the first one first.")
        .takes(&[path("note", NOTE)])
        .pages("entry_id"),
    post(
        "/groups/{group}/notes/{note}/restore",
        "note-restore",
        "Brings a deleted note, or the text of a version, back.",
    )
    .takes(&[path("note", NOTE), body("version", Text, "A number, or an entry id or prefix.")]),
    get(
        "/groups/{group}/notes/{note}/live",
        "note-live",
        "What an open editor shows, or what changed since its revision.",
    )
    .with("note-live-read", &[("live", Fixed::Text("read"))])
    .takes(&[path("note", NOTE), query("since", Text, "The editor's revision: ids with commas between them.")]),
    post(
        "/groups/{group}/notes/{note}/live",
        "note-live",
        "Makes an editor's changes at its revision, and merges them.",
    )
    .with("note-live-edit", &[("live", Fixed::Text("edit"))])
    .takes(&[
        path("note", NOTE),
        needed(body("rev", MaybeTexts, "The revision, as the answer before gave it.")),
        needed(body("changes", Changes, "Ascending; places in UTF-16 units of the text at that revision.")),
        body("again", Flag(false), "It may have been carried out before: then it is not done twice."),
        body("cursor_from", UNITS, "Where the selection begins in the changed text; others see it for a few seconds."),
        body("cursor_to", UNITS, "Where it ends."),
        body("left", Flag(false), "The editor was closed."),
    ]),
    get("/groups/{group}/notes/{note}/compare", "note-live", "What changed between two versions.")
        .with("note-compare", &[("live", Fixed::Text("compare"))])
        .takes(&[
            path("note", NOTE),
            query("from", Text, "Versions with commas between them; left out: what `to` builds on."),
            needed(query("to", Text, "Versions with commas between them.")),
        ]),
    get("/groups/{group}/notes/{note}/links", "note-live", "The notes that link to this one.")
        .with("note-links", &[("live", Fixed::Text("links"))])
        .takes(&[path("note", NOTE)]),
];

const LINKS: &[Operation] = &[
    get("/groups/{group}/links", "link-list", "Links, most votes first.").pages("link_id").takes(&[
        query("tag", Text, "Only with this tag."),
        query("topic", Text, "Only this topic's."),
        query("unread", Flag(false), "Only those that you have not read."),
        query("removed", Flag(false), "Removed ones instead."),
    ]),
    post("/groups/{group}/links", "link-add", "Adds a link; one that is there already stays one.").makes().takes(&[
        needed(body("url", Text, "Any spelling of a web address.")),
        body("title", EmptyText, "At most 200 characters."),
        body("tags", Texts, "Tags."),
        body("topic", Text, "The topic that it belongs to."),
    ]),
    patch("/groups/{group}/links/{link}", "link-set", "Changes title, topic or tags.").takes(&[
        path("link", LINK),
        body("title", Text, "A new title."),
        body("topic", Text, "A new topic; empty detaches."),
        body("add_tags", Texts, "Tags to add."),
        body("remove_tags", Texts, "Tags to take away."),
    ]),
    put("/groups/{group}/links/{link}/vote", "link-vote", "Votes, or takes the vote back.")
        .takes(&[path("link", LINK), body("up", Flag(true), "One vote per person.")]),
    put("/groups/{group}/links/{link}/read", "link-read", "Marks a link read, or unread again.")
        .takes(&[path("link", LINK), body("read", Flag(true), "Read, or unread again.")]),
    delete("/groups/{group}/links/{link}", "link-remove", "Removes a link for everybody; it can be brought back.")
        .with("link-remove", &[("removed", Fixed::Flag(true))])
        .takes(&[path("link", LINK)]),
    post("/groups/{group}/links/{link}/restore", "link-remove", "Brings a removed link back.")
        .with("link-restore", &[("removed", Fixed::Flag(false))])
        .takes(&[path("link", LINK)]),
];

const ROADMAPS: &[Operation] = &[
    get("/groups/{group}/roadmaps", "roadmap-list", "The group's roadmaps, and the built-in ones.").pages("roadmap_id"),
    post("/groups/{group}/roadmaps", "roadmap-add", "Adds a built-in roadmap.")
        .makes()
        .takes(&[needed(body("roadmap", Text, "Its id."))]),
    post("/groups/{group}/roadmap-files", "roadmap-import", "Imports a roadmap file.").makes().takes(&[
        needed(body("name", Text, "The file's name: a hint at its format.")),
        needed(body("text", Text, "Its content, at most 2 MiB.")),
    ]),
    get("/groups/{group}/roadmaps/{roadmap}", "roadmap-show", "One roadmap with its topics and how far everybody is.")
        .takes(&[path("roadmap", ROADMAP)]),
    patch("/groups/{group}/roadmaps/{roadmap}", "roadmap-edit", "Changes a roadmap; topics keep their ids.").takes(&[
        path("roadmap", ROADMAP),
        body("file", File, "The edited file: `{name, text}`."),
        body("remove", Texts, "Topics to remove."),
        body("rename", Pairs, "Topics to rename: id and new title."),
    ]),
    get("/groups/{group}/roadmaps/{roadmap}/export", "roadmap-export", "A roadmap as a file.")
        .takes(&[path("roadmap", ROADMAP), needed(query("format", Word(FORMATS), "The format."))]),
    delete("/groups/{group}/roadmaps/{roadmap}", "roadmap-remove", "Takes a roadmap off the list; progress stays.")
        .takes(&[path("roadmap", ROADMAP)]),
];

const PROGRESS: &[Operation] = &[
    get("/groups/{group}/progress", "progress-group", "How far everybody is, by topic."),
    put("/groups/{group}/topics/{topic}/progress", "progress-set", "Says how far you are with a topic.").takes(&[
        path("topic", "Id, unique prefix, alias, or title."),
        needed(body("state", Word(STATES), "The new state.")),
        body("minutes", Number(0, u32::MAX as u64, Some(0)), "Minutes studied since the last event."),
        body("evidence", Text, "Where the work can be seen."),
        body("remark", Text, "A remark."),
    ]),
    get("/groups/{group}/progress/person", "progress-show", "How far one person is.").takes(&[query(
        "person",
        Text,
        "Id, prefix or name; left out: you.",
    )]),
    get("/groups/{group}/progress/history", "progress-history", "The events of one person, oldest first.")
        .pages("entry_id")
        .takes(&[
            query("topic", Text, "Only this topic."),
            query("person", Text, "Id, prefix or name; left out: you."),
        ]),
    post("/groups/{group}/progress/import", "progress-import", "Imports a progress file of roadmap.sh.")
        .takes(&[needed(body("text", Text, "The file's content."))]),
];

const NETWORK: &[Operation] = &[
    get("/peers", "peers", "Peers, and how they are connected.").pages("peer_id").takes(&[
        query("all", Flag(false), "Also members that are not connected now."),
        query("group", Text, IN_GROUP),
    ]),
    post("/peers/{peer}/ping", "ping", "Measures the way to a peer.").takes(&[
        path("peer", "Peer id, unique prefix, or a member's name."),
        body("timeout_ms", Number(0, MAX_WAIT_MS, Some(5_000)), "How long to try."),
        body("until_direct", Flag(false), "Go on until the connection is direct."),
    ]),
    get("/groups/{group}/sync", "sync-status", "What is held and what is missing, and how members compare."),
    post(
        "/groups/{group}/sync/wait",
        "sync-wait",
        "Waits until fresh exchanges find members equal and nothing missing.",
    )
    .takes(&[
        body("peers", Number(0, 10_000, None), "How many members; left out: all that are connected, at least one."),
        body("fingerprint", Text, "Until the group's fingerprint is this."),
        body("timeout_ms", Number(0, MAX_WAIT_MS, Some(5_000)), "How long to wait."),
    ]),
];

const STORE: &[Operation] = &[
    get("/groups/{group}/digest", "db-digest", "Digests that two nodes can compare."),
    post("/store/rebuild", "db-rebuild", "Folds all views anew from the entries."),
    get("/store/check", "db-check", "Checks the database and every hash chain."),
    special(
        Verb::Get,
        "/groups/{group}/bundle",
        Does::BundleExport,
        "A file with all entries of the group, to be carried by hand.",
    ),
    special(
        Verb::Post,
        "/groups/{group}/bundle",
        Does::BundleExport,
        "As the same with GET, but only what the writer of the have file lacks.",
    )
    .with("bundle-export-missing", &[]),
    special(
        Verb::Get,
        "/groups/{group}/bundle/have",
        Does::BundleHave,
        "A file that says what this node holds of the group.",
    ),
    special(Verb::Post, "/bundles", Does::BundleImport, "Takes the entries of a bundle in; the file finds its group."),
];
