//! Roadmaps as files: reading the formats that people have, writing the two that we define.
//!
//! | format | read | write |
//! |---|---|---|
//! | our TOML, with ids and both languages | [`read`] | [`to_toml`] |
//! | a Markdown outline, in one language | [`read`] | [`to_outline`] |
//! | the React Flow JSON of roadmap.sh, as supplied by the user | [`read`] | never |
//! | the progress JSON of roadmap.sh | [`progress()`] | never |
//!
//! `docs/roadmap-format.md` describes them. [`import`] gives a roadmap by itself; to bring an edited file back into a
//! roadmap that exists, give the [`Draft`] of [`read`] to [`crate::model::roadmap::match_edit`].
//!
//! Still pure: bytes in, data out; no file is opened here. It lives with the shells because the parsers' packages are
//! no part of the core.
//!
//! ```
//! use studymesh::roadmap_file;
//! let roadmap = roadmap_file::import("go.md", b"# Go\n## Basics\n- Channels\n- [x] Slices\n").unwrap();
//! assert_eq!(roadmap.topics[1].id, "channels");
//! assert_eq!(roadmap.topics[1].parent.as_deref(), Some("basics"));
//! ```

mod build;
mod error;
mod inline;
mod outline;
mod progress;
mod react_flow;
mod toml_file;

use crate::model::roadmap::{Draft, Roadmap};

pub use error::ImportError;
pub use outline::to_outline;
pub use progress::{ProgressState, progress};
pub use toml_file::to_toml;

/// Bytes of the largest file that is read.
pub const MAX_BYTES: usize = 2 * 1_024 * 1_024;

/// The formats of a roadmap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own, with ids and both languages.
    Toml,
    /// A Markdown outline.
    Outline,
    /// The JSON of a React Flow canvas, as roadmap.sh uses it. Its content belongs to its authors, whose licence may
    /// forbid publishing it again: warn before sharing it with a group.
    ReactFlow,
}

/// A roadmap from a file, by itself. `name_hint` is the file's name: its ending helps to tell the format, and its stem
/// is the title when the file has none.
///
/// # Errors
/// [`ImportError`], with cause, remedy and, where there is one, the line.
pub fn import(name_hint: &str, bytes: &[u8]) -> Result<Roadmap, ImportError> {
    read(name_hint, bytes).map(|draft| draft.roadmap)
}

/// A roadmap from a file, with what the file says about ids and progress.
///
/// # Errors
/// As [`import`].
pub fn read(name_hint: &str, bytes: &[u8]) -> Result<Draft, ImportError> {
    let text = text(bytes)?;
    match sniff(name_hint, text) {
        Format::Toml => toml_file::read(name_hint, text),
        Format::Outline => outline::read(name_hint, text),
        Format::ReactFlow => react_flow::read(name_hint, text),
    }
}

/// The format that [`read`] will take a file for.
///
/// # Errors
/// [`ImportError::TooLarge`], [`ImportError::NotText`] or [`ImportError::Empty`].
pub fn detect(name_hint: &str, bytes: &[u8]) -> Result<Format, ImportError> {
    text(bytes).map(|text| sniff(name_hint, text))
}

/// The text of a file, without a byte order mark; not empty.
fn text(bytes: &[u8]) -> Result<&str, ImportError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImportError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        ImportError::NotText { line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    Ok(text)
}

fn sniff(name_hint: &str, text: &str) -> Format {
    let ending = name_hint.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "json" => return Format::ReactFlow,
        "toml" => return Format::Toml,
        "md" | "markdown" => return Format::Outline,
        _ => {}
    }
    if text.trim_start().starts_with('{') {
        return Format::ReactFlow;
    }
    // `#` begins a comment in TOML and a heading in Markdown: the first other line decides.
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let is_key = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if first == "[[topic]]" || first.split_once('=').is_some_and(|(key, _)| is_key(key.trim())) {
        Format::Toml
    } else {
        Format::Outline
    }
}

/// A file's name without folders and ending, for a title; never empty.
fn stem(name_hint: &str) -> &str {
    let name = name_hint.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.trim().is_empty() { "Roadmap" } else { stem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::roadmap::builtin;

    #[test]
    fn the_content_tells_the_format_when_the_name_does_not() {
        for (name, text, format) in [
            ("a.json", "x", Format::ReactFlow),
            ("a.TOML", "# x", Format::Toml),
            ("a.md", "x = 1", Format::Outline),
            ("a.txt", " {\"nodes\":[]}", Format::ReactFlow),
            ("a", "# comment\n\ntitle = \"x\"", Format::Toml),
            ("a", "# comment\n[[topic]]", Format::Toml),
            ("a", "# heading\n- a = b", Format::Outline),
            ("", "# heading", Format::Outline),
        ] {
            assert_eq!(detect(name, text.as_bytes()), Ok(format), "{name} {text}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        assert_eq!(import("a.md", b"# a\n\n\xff"), Err(ImportError::NotText { line: 3 }));
        assert_eq!(import("a.md", b"\xef\xbb\xbf \n"), Err(ImportError::Empty));
        assert_eq!(import("a.md", &vec![b'a'; MAX_BYTES + 1]), Err(ImportError::TooLarge { bytes: MAX_BYTES + 1 }));
    }

    #[test]
    fn a_file_without_a_title_is_named_after_the_file() {
        assert_eq!(import("dir/My plan.md", b"- a").unwrap().title.en, "My plan");
        assert_eq!(import("", b"- a").unwrap().title.en, "Roadmap");
    }

    #[test]
    fn hostile_nesting_ends_in_an_answer() {
        for open in
            ["[", "{\"a\":", "{\"nodes\":[", "a = [", "a = {a=", "[a.", "- ", "> ", "#", "[x](", "![", "{#", "`", "<"]
        {
            let deep = open.repeat(50_000);
            for name in ["a.json", "a.toml", "a.md", ""] {
                let _ = import(name, deep.as_bytes());
                let _ = progress(deep.as_bytes());
            }
        }
        let steps: String = (0..900).map(|n| format!("{}- t{n}\n", " ".repeat(n))).collect();
        let deep = import("a.md", steps.as_bytes()).unwrap();
        assert_eq!(deep.topics[899].parent.as_deref(), Some("t898"));
        assert_eq!(import("b.md", to_outline(&deep, Default::default()).as_bytes()).unwrap().topics, deep.topics);
    }

    #[test]
    fn the_built_in_roadmaps_survive_our_formats() {
        for roadmap in builtin::all() {
            assert_eq!(import("a", to_toml(&roadmap).as_bytes()).unwrap(), roadmap);
            for lang in [crate::model::roadmap::Lang::En, crate::model::roadmap::Lang::Zh] {
                let draft = read("a.md", to_outline(&roadmap, lang).as_bytes()).unwrap();
                assert_eq!(crate::model::roadmap::match_edit(&roadmap, &draft), roadmap);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_valid_roadmap_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200), name in 0..4_usize) {
            if let Ok(roadmap) = import(["a.json", "a.toml", "a.md", ""][name], &bytes) {
                prop_assert_eq!(roadmap.validate(), Ok(()));
            }
            let _ = progress(&bytes);
        }

        #[test]
        fn any_markup_gives_a_valid_roadmap_or_an_error(
            text in "([ \t]{0,3}(#{1,3}|-|\\*|[0-9]\\.|>|```|~~~|---|)[ ]?(\\[[ x]\\] )?[a-c文 \\[\\]\\(\\)<>{}#.!\\\\*`:/]{0,12}(https://a\\.b/c)?(\\{#[a-c]?\\})?\n){0,8}",
        ) {
            if let Ok(roadmap) = import("a.md", text.as_bytes()) {
                prop_assert_eq!(roadmap.validate(), Ok(()));
                let again = import("a.md", to_outline(&roadmap, Default::default()).as_bytes());
                let titles = |r: &Roadmap| r.topics.iter().map(|t| t.title.clone()).collect::<Vec<_>>();
                prop_assert_eq!(again.map(|r| titles(&r)), Ok(titles(&roadmap)));
            }
        }
    }
}
