//! Our own format: everything that a roadmap is, as TOML that people can edit.

use std::fmt::{self, Write as _};

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use super::ImportError;
use super::build::{self, Head, Item};
use crate::model::roadmap::{Draft, Localized, OPEN_MONTH, Roadmap, Topic, TopicKind};

/// The version of the format that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Option<u32>,
    id: Option<Spanned<String>>,
    #[serde(default)]
    title: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    topic: Vec<Spanned<Row>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<String>,
    #[serde(default)]
    title: Text,
    #[serde(default)]
    description: Text,
    parent: Option<String>,
    #[serde(default)]
    kind: TopicKind,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    links: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    months: Option<Vec<u8>>,
}

/// `"text"`, or `{ en = "text", zh = "文" }`.
#[derive(Default)]
struct Text(Localized);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or { en = \"...\", zh = \"...\" }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Localized::of(text.trim())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                let mut text = Localized::default();
                while let Some(key) = map.next_key::<String>()? {
                    let slot = match key.as_str() {
                        "en" => &mut text.en,
                        "zh" => &mut text.zh,
                        other => return Err(de::Error::unknown_field(other, &["en", "zh"])),
                    };
                    map.next_value::<String>()?.trim().clone_into(slot);
                }
                Ok(Text(text))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

pub(super) fn read(name_hint: &str, text: &str) -> Result<Draft, ImportError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        ImportError::Toml { line: line_of(text, at), cause: build::one_line(error.message()) }
    })?;
    if let Some(found) = file.format.filter(|found| *found > FORMAT) {
        return Err(ImportError::NewerFormat { found });
    }
    let head = Head {
        line: file.id.as_ref().map_or(1, |id| line_of(text, id.span().start)),
        id: file.id.map(Spanned::into_inner),
        title: file.title.0,
        description: file.description.0,
    };
    // Spans ascend, so the lines are counted once over the whole file.
    let (mut counted, mut line) = (0, 1);
    let mut items = Vec::with_capacity(file.topic.len());
    for row in file.topic {
        let start = row.span().start;
        if let Some(between) = text.as_bytes().get(counted..start) {
            line += between.iter().filter(|byte| **byte == b'\n').count();
            counted = start;
        }
        items.push(item(row.into_inner(), line)?);
    }
    build::draft(name_hint, head, items, false)
}

fn item(row: Row, line: usize) -> Result<Item, ImportError> {
    let months = match row.months.as_deref() {
        None => None,
        Some([from]) => Some((*from, OPEN_MONTH)),
        Some([from, to]) => Some((*from, *to)),
        Some(_) => return Err(ImportError::Months { line }),
    };
    let topic = Topic {
        id: String::new(),
        title: row.title.0,
        description: row.description.0,
        parent: row.parent,
        kind: row.kind,
        after: row.after,
        links: row.links,
        aliases: row.aliases,
        months,
        order: 0,
    };
    Ok(Item { id: row.id, topic, line: Some(line), ..Item::default() })
}

/// The line of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// A roadmap as TOML, topics in the order of the list. Read back it is the same roadmap, with places numbered afresh and
/// texts without white space around them. The roadmap must be valid.
#[must_use]
pub fn to_toml(roadmap: &Roadmap) -> String {
    let mut out = format!("format = {FORMAT}\nid = {}\n", quoted(&roadmap.id));
    text(&mut out, "title", &roadmap.title);
    text(&mut out, "description", &roadmap.description);
    for topic in &roadmap.topics {
        let _ = write!(out, "\n[[topic]]\nid = {}\n", quoted(&topic.id));
        text(&mut out, "title", &topic.title);
        text(&mut out, "description", &topic.description);
        match topic.kind {
            TopicKind::Stage => out.push_str("kind = \"stage\"\n"),
            TopicKind::Topic => {}
            TopicKind::Practice => out.push_str("kind = \"practice\"\n"),
        }
        if let Some(parent) = &topic.parent {
            let _ = writeln!(out, "parent = {}", quoted(parent));
        }
        for (name, list) in [("after", &topic.after), ("links", &topic.links), ("aliases", &topic.aliases)] {
            if !list.is_empty() {
                let items: Vec<String> = list.iter().map(|item| quoted(item)).collect();
                let _ = writeln!(out, "{name} = [{}]", items.join(", "));
            }
        }
        match topic.months {
            Some((from, OPEN_MONTH)) => drop(writeln!(out, "months = [{from}]")),
            Some((from, to)) => drop(writeln!(out, "months = [{from}, {to}]")),
            None => {}
        }
    }
    out
}

fn text(out: &mut String, name: &str, text: &Localized) {
    let parts: Vec<String> = [("en", &text.en), ("zh", &text.zh)]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(lang, text)| format!("{lang} = {}", quoted(text)))
        .collect();
    if !parts.is_empty() {
        let _ = writeln!(out, "{name} = {{ {} }}", parts.join(", "));
    }
}

/// A basic string on one line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{import, read as read_file};
    use super::*;
    use crate::model::roadmap::order;

    #[test]
    fn a_short_file_is_enough() {
        let file = b"title = 'Go'\n[[topic]]\ntitle = 'Channels'\nmonths = [2]\n[[topic]]\nid = 'x'\ntitle = { zh = '\xe9\x80\x9a' }\nafter = ['channels']\n";
        let draft = read_file("a.toml", file).unwrap();
        assert_eq!(draft.roadmap.id, "go");
        assert_eq!(
            (draft.roadmap.topics[0].id.as_str(), draft.roadmap.topics[0].months),
            ("channels", Some((2, OPEN_MONTH)))
        );
        assert_eq!(draft.roadmap.topics[1].title.zh, "通");
        assert!(draft.given.contains("x") && !draft.given.contains("channels") && !draft.partial && !draft.named);
    }

    #[test]
    fn an_error_names_its_line() {
        let error = |text: &str| import("a.toml", text.as_bytes()).unwrap_err();
        assert!(matches!(error("title = 'a'\n[[topic]]\ntitel = 'b'"), ImportError::Toml { line: 3, .. }));
        assert!(matches!(error("title = 'a'\ntitle ="), ImportError::Toml { line: 2, .. }));
        assert!(matches!(error("[[topic]]\ntitle = { fr = 'b' }"), ImportError::Toml { line: 2, .. }));
        assert_eq!(error("format = 2"), ImportError::NewerFormat { found: 2 });
        let topic = "[[topic]]\nid = 'a'\ntitle = 'a'\n\n[[topic]]\nid = 'b'\ntitle = 'b'\n";
        assert!(matches!(error(&format!("{topic}parent = 'c'")), ImportError::Invalid { line: Some(5), .. }));
        assert!(matches!(error(&format!("{topic}links = ['c']")), ImportError::Link { line: 5, .. }));
        assert!(matches!(error(&format!("{topic}months = []")), ImportError::Months { line: 5 }));
        assert!(matches!(error("id = 'A'\n[[topic]]\ntitle = 'a'"), ImportError::Id { line: 1, .. }));
        assert_eq!(error("title = 'a'"), ImportError::NoTopic);
    }

    proptest! {
        #[test]
        fn a_roadmap_survives_its_file(
            texts in proptest::collection::vec(("[ -~文\n\t]{0,12}", "[ -~é文]{1,12}"), 1..5), months in any::<Option<(u8, u8)>>(),
        ) {
            let topic = |(n, (description, title)): (usize, &(String, String))| Topic {
                id: format!("t{n}"),
                title: Localized { en: format!("x{title}").trim().to_owned(), zh: title.trim().to_owned() },
                description: Localized { en: description.trim().to_owned(), zh: String::new() },
                parent: (n > 0).then(|| "t0".to_owned()),
                kind: [TopicKind::Stage, TopicKind::Topic, TopicKind::Practice][n % 3],
                after: (0..n).map(|n| format!("t{n}")).collect(),
                links: vec![format!("https://a.com/{n}")],
                aliases: vec![title.clone()],
                months: months.map(|(a, b)| (a.min(b).max(1), a.max(b).max(1))),
                order: 0,
            };
            let mut topics: Vec<Topic> = texts.iter().enumerate().map(topic).collect();
            order::renumber(&mut topics);
            let roadmap = Roadmap { id: "r".into(), title: Localized::en("R"), topics, ..Roadmap::default() };
            prop_assert_eq!(import("a.toml", to_toml(&roadmap).as_bytes()), Ok(roadmap));
        }
    }
}
