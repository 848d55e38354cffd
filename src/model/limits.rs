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
/// Most logs in the chain that links a log to its person.
pub const MAX_PERSON_CHAIN: usize = 16;
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
