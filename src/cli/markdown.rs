//! Notes as Markdown files, there and back. Pure.
//!
//! An exported note begins with front matter that says which note it is, of which group, and which version it shows. Two digests
//! tell later whether a person changed the text or the rest. Everything behind the front matter is the text, byte for byte.

use std::collections::BTreeMap;

use serde_json::Value;

/// The first key of an exported note's front matter, and its value.
const MARK: (&str, &str) = ("studymesh", "note 1");
/// Most bytes of front matter that is looked at.
const MAX_FRONT_BYTES: usize = 64 * 1024;
/// Hex digits of a digest.
const DIGEST_DIGITS: usize = 16;
/// Most characters of a title in a file's name.
const MAX_SLUG_CHARS: usize = 60;

/// A note as a file shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteFile {
    /// The group's id.
    pub group: String,
    /// The note's id.
    pub note: String,
    /// One line.
    pub title: String,
    /// The topic's id; empty for none.
    pub topic: String,
    /// Tags.
    pub tags: Vec<String>,
    /// The heads that the text was made from.
    pub base: Vec<String>,
    /// The text.
    pub body: String,
}

/// What a Markdown file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A note that was exported, and whether a person changed it since.
    Exported {
        /// The note as the file has it now.
        file: NoteFile,
        /// The text is another one.
        text_changed: bool,
        /// Title, topic or tags are others.
        rest_changed: bool,
    },
    /// Any other file; its group, note and base are empty.
    Plain(NoteFile),
}

/// The note as a file.
pub fn write(note: &NoteFile) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let list = |list: &[String]| Value::from(list.to_vec()).to_string();
    format!(
        "---\n{}: {}\ngroup: {}\nnote: {}\nbase: {}\ntext: \"{}\"\nrest: \"{}\"\ntitle: {}\ntopic: {}\ntags: {}\n---\n{}",
        MARK.0,
        MARK.1,
        text(&note.group),
        text(&note.note),
        list(&note.base),
        digest(&note.body),
        digest(&rest(note)),
        text(&note.title),
        text(&note.topic),
        list(&note.tags),
        note.body
    )
}

/// What a file is. `stem` is its name without the ending: the title when the file names none.
pub fn read(text: &str, stem: &str) -> Read {
    let (front, body) = split(text).unwrap_or((BTreeMap::new(), text));
    let one = |key: &str| front.get(key).and_then(|values| values.first()).cloned().unwrap_or_default();
    let many = |key: &str| front.get(key).cloned().unwrap_or_default();
    let mut file = NoteFile { title: one("title"), topic: one("topic"), tags: many("tags"), ..NoteFile::default() };
    if one(MARK.0) == MARK.1 {
        file = NoteFile { group: one("group"), note: one("note"), base: many("base"), body: body.to_owned(), ..file };
        let (text_changed, rest_changed) = (digest(&file.body) != one("text"), digest(&rest(&file)) != one("rest"));
        return Read::Exported { file, text_changed, rest_changed };
    }
    // Front matter that is not ours may say more than we understand: it stays part of the text.
    text.clone_into(&mut file.body);
    if file.title.is_empty() {
        file.title = heading(body).unwrap_or(stem).to_owned();
    }
    Read::Plain(file)
}

/// A file's name for a note: readable, unique by the beginning of its id.
pub fn file_name(title: &str, id: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase).take(MAX_SLUG_CHARS) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { format!("{id}.md") } else { format!("{slug}-{id}.md") }
}

/// What of a note is not its text, in one form.
fn rest(note: &NoteFile) -> String {
    serde_json::json!([note.title, note.topic, note.tags]).to_string()
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..DIGEST_DIGITS].to_owned()
}

/// The first heading.
fn heading(body: &str) -> Option<&str> {
    let line = body.lines().find_map(|line| line.strip_prefix("# "))?;
    Some(line.trim()).filter(|title| !title.is_empty())
}

/// Front matter by key, and what follows it.
fn split(text: &str) -> Option<(BTreeMap<String, Vec<String>>, &str)> {
    let after = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"))?;
    let mut front: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut key = String::new();
    let mut at = 0;
    for line in after.split_inclusive('\n') {
        at += line.len();
        if at > MAX_FRONT_BYTES {
            return None;
        }
        let line = line.trim_end();
        if line == "---" {
            return Some((front, &after[at..]));
        }
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            front.entry(key.clone()).or_default().push(scalar(item));
        } else if let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t', '#'])) {
            name.trim().clone_into(&mut key);
            front.insert(key.clone(), values(value.trim()));
        }
    }
    None
}

/// The values of one line: none, one, or a list in brackets.
fn values(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec![];
    }
    let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return vec![scalar(text)];
    };
    // What we write is JSON; what others write is nearly that.
    serde_json::from_str(text)
        .unwrap_or_else(|_| inside.split(',').map(|part| scalar(part.trim())).filter(|part| !part.is_empty()).collect())
}

fn scalar(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('"')
        && let Ok(inside) = serde_json::from_str(text)
    {
        return inside;
    }
    let single = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    single.map_or_else(|| text.to_owned(), |inside| inside.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note() -> NoteFile {
        NoteFile {
            group: "aa".repeat(32),
            note: "bb".repeat(32),
            title: "K8s: \"部署\" # 1".into(),
            topic: "docker".into(),
            tags: vec!["云".into(), "a, b".into()],
            base: vec!["cc".repeat(32)],
            body: "---\nnot front matter\n---\r\nno newline at the end".into(),
        }
    }

    #[test]
    fn an_exported_note_reads_back_unchanged_and_says_what_was_changed() {
        let text = write(&note());
        assert_eq!(read(&text, "x"), Read::Exported { file: note(), text_changed: false, rest_changed: false });
        let edited = format!("{text}!");
        assert!(matches!(read(&edited, "x"), Read::Exported { text_changed: true, rest_changed: false, .. }));
        let retitled = text.replace("# 1", "# 2");
        assert!(
            matches!(read(&retitled, "x"), Read::Exported { file, text_changed: false, rest_changed: true } if file.title.ends_with("# 2"))
        );
    }

    #[test]
    fn a_plain_file_takes_its_title_from_front_matter_heading_or_name_and_keeps_every_byte() {
        let plain = |text: &str| match read(text, "stem") {
            Read::Plain(file) => (file.title, file.tags, file.body == text),
            other => panic!("{other:?}"),
        };
        assert_eq!(plain("no heading"), ("stem".into(), vec![], true));
        assert_eq!(plain("\n# 标题 \ntext"), ("标题".into(), vec![], true));
        let tags = vec!["a".to_owned(), "b c".to_owned()];
        assert_eq!(
            plain("---\ntitle: 'It''s'\ntags: [a, \"b c\"]\nx: 1\n---\n# H"),
            ("It's".into(), tags.clone(), true)
        );
        assert_eq!(plain("---\r\ntags:\r\n  - a\r\n  - b c\r\n---\r\n# H\r\n"), ("H".into(), tags, true));
        assert_eq!(plain("---\ntitle: never closed\n"), ("stem".into(), vec![], true));
    }

    #[test]
    fn a_file_name_is_readable_in_any_script_and_harmless() {
        assert_eq!(file_name("K8s 部署: a/b ../..", "0123"), "k8s-部署-a-b-0123.md");
        assert_eq!(file_name("../", "0123"), "0123.md");
        assert!(file_name(&"云".repeat(500), "0123").len() < 255);
    }

    proptest! {
        #[test]
        fn any_note_survives_its_file(
            title in "[^\r\n]{0,20}", topic in "[a-z-]{0,8}", tags in proptest::collection::vec("\\PC{1,8}", 0..4), body in "(?s).{0,80}",
        ) {
            let note = NoteFile { title, topic, tags, body, ..note() };
            prop_assert_eq!(read(&write(&note), "x"), Read::Exported { file: note, text_changed: false, rest_changed: false });
        }

        #[test]
        fn no_file_makes_the_reader_fail(text in "(?s)(---\n)?(.{0,20}\n|title: .{0,9}\n|- x\n|---\n){0,9}") {
            let _ = read(&text, "x");
        }
    }
}
