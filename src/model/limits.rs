//! Limits of what people write, with their units. Limits of the wire stand beside the wire types.

/// Most characters of a person's or a group's name.
pub const MAX_NAME_CHARS: usize = 64;
/// Most characters of a note's or a link's title.
pub const MAX_TITLE_CHARS: usize = 200;
/// Most tags of a note or a link.
pub const MAX_TAGS: usize = 32;
/// Most characters of a tag.
pub const MAX_TAG_CHARS: usize = 40;
/// Most bytes of a URL.
pub const MAX_URL_BYTES: usize = 2048;
/// Most bytes of a topic's or a roadmap's id.
pub const MAX_SLUG_BYTES: usize = 64;
/// Most characters of the remark on a progress event.
pub const MAX_REMARK_CHARS: usize = 2000;
/// Most minutes that one progress event may claim: one week.
pub const MAX_MINUTES: u32 = 7 * 24 * 60;
/// Most register writes that one action names as replaced.
pub const MAX_SUPERSEDES: usize = 512;
/// Most edits that one note edit builds on.
pub const MAX_BUILDS_ON: usize = 64;
/// Most bytes of text that one text edit inserts.
pub const MAX_EDIT_TEXT_BYTES: usize = 32 * 1024;
/// Most entries that one text edit names.
pub const MAX_EDIT_REFS: usize = 1024;
/// Most operations of one text edit.
pub const MAX_EDIT_OPS: usize = 2048;
/// Most bytes of one text edit as reckoned: inserted text, [`EDIT_REF_BYTES`] a reference, [`EDIT_OP_BYTES`] an operation.
pub const MAX_EDIT_BYTES: usize = 40 * 1024;
/// Most bytes of all edits of one note together, as reckoned: what each edit's text edit is ([`MAX_EDIT_BYTES`]), 32 for each
/// entry that it builds on, and [`EDIT_BYTES`]. Beyond that the note has no text. A body may be compressed, so without this
/// bound a few megabytes of entries could fill the memory of every node that reads the note.
pub const MAX_NOTE_EDITS_BYTES: usize = 32 << 20;
/// Bytes of an edit of a note besides its text edit and what it builds on, as reckoned.
pub const EDIT_BYTES: usize = 64;
/// Bytes of a reference in a text edit.
pub const EDIT_REF_BYTES: usize = 32;
/// Most bytes of an operation in a text edit without its text: two tags, side, index, offset, length.
pub const EDIT_OP_BYTES: usize = 1 + 1 + 1 + 3 * MAX_VARINT_BYTES;
/// Bytes of a varint below 65,536, which every count, length and offset of a note's payload is.
const MAX_VARINT_BYTES: usize = 3;
/// Most bytes of the payload of a NoteNew or NoteEdit entry: always within one body, even when nothing compresses
/// (asserted where bodies are sealed).
pub const MAX_NOTE_PAYLOAD_BYTES: usize = MAX_EDIT_BYTES
    + 2 * MAX_VARINT_BYTES
    + if NOTE_NEW_BYTES > NOTE_EDIT_BYTES { NOTE_NEW_BYTES } else { NOTE_EDIT_BYTES };
/// A NoteNew without its text: title, topic and tags, at four bytes a character.
const NOTE_NEW_BYTES: usize = (MAX_VARINT_BYTES + 4 * MAX_TITLE_CHARS)
    + (1 + MAX_VARINT_BYTES + MAX_SLUG_BYTES)
    + (MAX_VARINT_BYTES + MAX_TAGS * (MAX_VARINT_BYTES + 4 * MAX_TAG_CHARS));
/// A NoteEdit without its text edit: the note and what it builds on.
const NOTE_EDIT_BYTES: usize = 32 + MAX_VARINT_BYTES + 32 * MAX_BUILDS_ON;

const _: () = assert!(MAX_EDIT_TEXT_BYTES + EDIT_OP_BYTES + EDIT_REF_BYTES <= MAX_EDIT_BYTES, "a full text has room");
const _: () = assert!(MAX_NOTE_PAYLOAD_BYTES < 48 * 1024, "a note's payload stays under 48 KiB");
/// Most logs in the chain that links a log to its person.
pub const MAX_PERSON_CHAIN: usize = 16;
/// Most bytes of a key sealed under another: nonce, 32 bytes, tag, with room.
pub const MAX_SEALED_KEY_BYTES: usize = 96;
/// Bytes of a key sealed to a device by HPKE: 32 of the encapsulated key, 32 of the key, 16 of the tag.
pub const SEALED_TO_BYTES: usize = 80;
/// Most bytes of a sealed name in a request to be let in.
pub const MAX_SEALED_NAME_BYTES: usize = 512;
/// Most logs that one removal names the accepted tip of.
pub const MAX_CUT: usize = 256;
/// Most entries that one control entry names.
pub const MAX_NAMED: usize = 512;
/// Most epochs that one epoch follows, or that are asked for at once.
pub const MAX_PARENTS: usize = 32;
/// Most keys sealed in one entry; with ids and lengths they stay below a body's limit.
pub const MAX_SEALS: usize = 256;
const _: () = assert!(MAX_SEALS * (32 + 32 + 1 + SEALED_TO_BYTES) + MAX_PARENTS * 140 < 46 * 1024, "seals fit a body");
/// Most topics that one roadmap edit puts or removes.
pub const MAX_TOPICS_PER_EDIT: usize = 64;
/// Most groups that one node takes part in.
pub const MAX_GROUPS: usize = 64;

/// Whether a text is a slug: 1 to [`MAX_SLUG_BYTES`] of `a-z`, `0-9` and `-`, not starting with `-`.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SLUG_BYTES
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
