//! The commands of an editor that is open on a note: what it typed goes in, what others typed comes out.

use serde::{Deserialize, Serialize};

/// Most changes of one request.
pub const MAX_CHANGES: usize = 2_000;

/// One change: the UTF-16 units from the first to before the second become the text.
pub type NoteChange = (usize, usize, String);

/// What an editor asks of a note. A *revision* is the list of edits that no other builds on; units are of UTF-16, as browsers
/// count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "live", rename_all = "kebab-case")]
pub enum NoteLive {
    /// `{note_id, rev:[], units, text, changes:[[from, to, text]], cursors:[{person_id, person, log, from, to}]}`: the present text; or,
    /// where the editor has a revision, `text` is null and `changes` lead from that revision to the present one.
    Read {
        /// Id, prefix or title.
        note: String,
        /// The revision that the editor has, ids with commas between them.
        since: Option<String>,
    },
    /// Makes changes at a revision and merges them: `{entry_ids:[], durable:true}` and as `read`, where `changes` are what others
    /// changed since the revision, as places in the editor's own text.
    Edit {
        /// Id, prefix or title.
        note: String,
        /// The revision.
        rev: Vec<String>,
        /// What changed there: at most [`MAX_CHANGES`], ascending, not overlapping.
        changes: Vec<NoteChange>,
        /// Whether the request may have been carried out before: then it is not done twice.
        #[serde(default)]
        again: bool,
        /// Where the person's selection begins in the changed text; left out: the editor has no focus.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor_from: Option<usize>,
        /// The editor was closed: others need not wait until they forget the cursor.
        #[serde(default)]
        left: bool,
        /// Where it ends; left out: where it begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor_to: Option<usize>,
    },
    /// What leads from one revision to another: `{changes:[[kind, text]]}`; `kind` is `same`, `added` or `removed`. Long stretches of
    /// what stayed are cut to their ends, with `…` between.
    Compare {
        /// Id, prefix or title.
        note: String,
        /// Versions: numbers, entry ids or prefixes; none: what `to` builds on.
        from: Option<String>,
        /// As `from`.
        to: String,
    },
    /// Notes that link to this one by its title, and which notes titles mean: `{items:[{note_id, title, snippet}],
    /// found:[{title, note_id}]}`.
    Links {
        /// Id, prefix or title; none: only the titles.
        note: Option<String>,
        /// Titles, at most 200.
        #[serde(default)]
        titles: Vec<String>,
    },
}
