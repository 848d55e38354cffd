//! A Markdown outline: a heading per stage, a nested list of topics, links where there are some.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ImportError;
use super::build::{self, Head, Item};
use super::inline::{self, Inline};
use crate::model::roadmap::{Draft, Lang, Localized, MAX_TOPICS, Roadmap, Topic, TopicKind};

/// Bytes of a line: room for a description of the greatest length in Chinese.
const MAX_LINE: usize = 16 * 1_024;

/// Columns to which a tab advances.
const TAB: usize = 4;

pub(super) fn read(name_hint: &str, text: &str) -> Result<Draft, ImportError> {
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).peekable();
    if lines.peek().is_some_and(|(_, line)| line.trim_end() == "---") {
        skip_front_matter(&mut lines);
    }
    let mut fence: Option<(usize, &str)> = None;
    for (number, line) in lines {
        if line.len() > MAX_LINE {
            return Err(ImportError::LongLine { line: number, bytes: line.len(), max: MAX_LINE });
        }
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some((number, mark)),
            (None, None) => reader.line(number, line)?,
            (Some((_, open)), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
        }
    }
    if let Some((line, _)) = fence {
        return Err(ImportError::OpenFence { line });
    }
    let Reader { mut head, mut items, about, mut descriptions, .. } = reader;
    head.description = Localized::of(about.trim());
    for (at, text) in std::mem::take(&mut descriptions) {
        items[at].topic.description = Localized::of(text.trim());
    }
    build::draft(name_hint, head, items, true)
}

/// A block of metadata between two `---` at the start; without the second it is no such block.
fn skip_front_matter<'a>(lines: &mut (impl Iterator<Item = (usize, &'a str)> + Clone)) {
    let mut after = lines.clone();
    after.next();
    if after.any(|(_, line)| line.trim_end() == "---") {
        *lines = after;
    }
}

#[derive(Default)]
struct Reader {
    head: Head,
    titled: bool,
    items: Vec<Item>,
    /// Open headings: (level, item), levels ascending.
    headings: Vec<(usize, usize)>,
    /// Open list items: (column, item), columns ascending.
    list: Vec<(usize, usize)>,
    /// The roadmap's description.
    about: String,
    /// Descriptions by item.
    descriptions: BTreeMap<usize, String>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), ImportError> {
        let content = line.trim();
        if content.is_empty() || is_rule(content) || (content.starts_with("<!--") && content.ends_with("-->")) {
            return Ok(());
        }
        if let Some((level, text)) = heading(content) {
            return self.heading(number, level, inline::parse(text));
        }
        if let Some(text) = bullet(content) {
            return self.bullet(number, column(line), text);
        }
        let text = content.strip_prefix('>').map_or(content, |quoted| quoted.strip_prefix(' ').unwrap_or(quoted));
        let description = match self.items.len().checked_sub(1) {
            Some(at) => self.descriptions.entry(at).or_default(),
            None => &mut self.about,
        };
        description.extend(text.chars().filter(|c| !c.is_control() || *c == '\t'));
        description.push('\n');
        Ok(())
    }

    fn heading(&mut self, number: usize, level: usize, inline: Inline) -> Result<(), ImportError> {
        self.list.clear();
        if level == 1 && !self.titled && self.items.is_empty() {
            self.titled = true;
            self.head.title = Localized::of(&inline.text);
            self.head.id = inline.id;
            self.head.line = number;
            return Ok(());
        }
        while self.headings.last().is_some_and(|(open, _)| *open >= level) {
            self.headings.pop();
        }
        let parent = self.headings.last().map(|(_, at)| *at);
        let kind = if level <= 2 { TopicKind::Stage } else { TopicKind::Topic };
        let at = self.item(number, inline, kind, parent, false)?;
        self.headings.push((level, at));
        Ok(())
    }

    fn bullet(&mut self, number: usize, column: usize, text: &str) -> Result<(), ImportError> {
        let (done, text) = match text.get(..3) {
            Some("[x]" | "[X]") if text[3..].starts_with(' ') => (true, &text[3..]),
            Some("[ ]") if text[3..].starts_with(' ') => (false, &text[3..]),
            _ => (false, text),
        };
        let inline = inline::parse(text);
        if inline.text.is_empty() {
            return Ok(());
        }
        while self.list.last().is_some_and(|(open, _)| *open >= column) {
            self.list.pop();
        }
        let parent = self.list.last().or(self.headings.last()).map(|(_, at)| *at);
        let at = self.item(number, inline, TopicKind::Topic, parent, done)?;
        self.list.push((column, at));
        Ok(())
    }

    fn item(
        &mut self,
        number: usize,
        inline: Inline,
        kind: TopicKind,
        parent: Option<usize>,
        done: bool,
    ) -> Result<usize, ImportError> {
        if self.items.len() >= MAX_TOPICS {
            return Err(ImportError::TooMany { what: "topics", found: self.items.len() + 1, max: MAX_TOPICS });
        }
        let class = |name: &str| inline.classes.iter().any(|class| class == name);
        let kind = match kind {
            _ if class("practice") => TopicKind::Practice,
            _ if class("stage") => TopicKind::Stage,
            kind => kind,
        };
        let topic = Topic { title: Localized::of(&inline.text), kind, links: inline.links, ..Topic::default() };
        self.items.push(Item { id: inline.id, topic, parent, done, line: Some(number) });
        Ok(self.items.len() - 1)
    }
}

/// Level and text of `# text`; at most six `#`.
fn heading(content: &str) -> Option<(usize, &str)> {
    let text = content.trim_start_matches('#');
    let level = content.len() - text.len();
    let closed = text.trim_end_matches('#');
    // `# C#` ends in its own text, `# C ##` in closing marks.
    let text = if closed.ends_with(' ') { closed } else { text };
    (matches!(level, 1..=6) && text.starts_with([' ', '\t'])).then_some((level, text))
}

/// The text of `- text`, `* text`, `+ text`, `1. text` or `1) text`.
fn bullet(content: &str) -> Option<&str> {
    let numbered = content.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if numbered.len() < content.len() && content.len() - numbered.len() <= 9 {
        numbered.strip_prefix(['.', ')'])?
    } else {
        content.strip_prefix(['-', '*', '+'])?
    };
    rest.starts_with([' ', '\t']).then(|| rest.trim())
}

/// A thematic break: three or more of one of `-`, `*`, `_`.
fn is_rule(content: &str) -> bool {
    let marks: Vec<char> = content.chars().filter(|c| !c.is_whitespace()).take(MAX_LINE).collect();
    marks.len() >= 3 && matches!(marks[0], '-' | '*' | '_') && marks.iter().all(|mark| *mark == marks[0])
}

/// Columns of white space before the content.
fn column(line: &str) -> usize {
    let mut column = 0;
    for c in line.chars() {
        match c {
            '\t' => column += TAB - column % TAB,
            c if c.is_whitespace() => column += 1,
            _ => break,
        }
    }
    column
}

/// A roadmap as an outline in one language, with ids, so that it can be edited and read back.
///
/// It leaves out what an outline cannot say (the other language, prerequisites, months, aliases); reading it back with
/// [`crate::model::roadmap::match_edit`] keeps those. The roadmap must be valid.
#[must_use]
pub fn to_outline(roadmap: &Roadmap, lang: Lang) -> String {
    let mut out = format!("# {} {{#{}}}\n", inline::escape(roadmap.title.pick(lang)), roadmap.id);
    quote(&mut out, "", roadmap.description.pick(lang));
    let roots: Vec<&Topic> = roadmap.children(None).collect();
    // What follows a heading belongs to it: headings only when no other root comes after the first stage.
    let first = roots.iter().position(|topic| topic.kind == TopicKind::Stage).unwrap_or(roots.len());
    let headings = roots[first..].iter().all(|topic| topic.kind == TopicKind::Stage);

    let mut children: BTreeMap<&str, Vec<&Topic>> = BTreeMap::new();
    for topic in &roadmap.topics {
        children.entry(topic.parent.as_deref().unwrap_or_default()).or_default().push(topic);
    }
    let mut open: Vec<(&Topic, Option<usize>)> = Vec::new();
    let depth = |topic: &Topic| if headings && topic.kind == TopicKind::Stage { None } else { Some(0) };
    open.extend(roots.iter().rev().map(|topic| (*topic, depth(topic))));
    while let Some((topic, depth)) = open.pop() {
        let indent = "  ".repeat(depth.unwrap_or(0));
        let class = match topic.kind {
            TopicKind::Practice => " .practice",
            TopicKind::Stage if depth.is_some() => " .stage",
            _ => "",
        };
        let mark = if depth.is_some() { format!("{indent}-") } else { "\n##".to_owned() };
        let _ = write!(out, "{mark} {}", inline::escape(topic.title.pick(lang)));
        for link in &topic.links {
            let _ = write!(out, " <{link}>");
        }
        let _ = writeln!(out, " {{#{}{class}}}", topic.id);
        quote(&mut out, if depth.is_some() { &indent } else { "" }, topic.description.pick(lang));
        let inner = depth.map_or(0, |depth| depth + 1);
        let held = children.get(topic.id.as_str()).into_iter().flatten().rev();
        open.extend(held.map(|topic| (*topic, Some(inner))));
    }
    out
}

/// A description as quoted lines, where no character is markup.
fn quote(out: &mut String, indent: &str, text: &str) {
    for line in text.lines() {
        let _ = writeln!(out, "{indent}> {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::read as read_file;
    use super::*;

    const GO: &str = "---\nauthor: me\n---\n# Go 语言 {#go}\n\nFor the group.\n\n## Basics\n\
        - [x] [Tour](https://go.dev/tour/#welcome)\n  > Do *all* of it.\n  > # Really\n\
        \t- Slices\n- [ ] Channels {#chan}\n\n```sh\n# not a heading\n```\n\
        ### Deeper\n1. Scheduler [a](https://go.dev/a) [b](../b.md)\n***\n## Build\n* A proxy {.practice}\n";

    fn go() -> Draft {
        read_file("x.md", GO.as_bytes()).unwrap()
    }

    #[test]
    fn headings_are_stages_and_lists_are_topics() {
        let draft = go();
        let rows: Vec<_> = draft
            .roadmap
            .topics
            .iter()
            .map(|topic| (topic.id.as_str(), topic.parent.as_deref().unwrap_or(""), topic.kind))
            .collect();
        use TopicKind::{Practice, Stage, Topic};
        assert_eq!(
            rows,
            [
                ("basics", "", Stage),
                ("tour", "basics", Topic),
                ("slices", "tour", Topic),
                ("chan", "basics", Topic),
                ("deeper", "basics", Topic),
                ("scheduler-a-b", "deeper", Topic),
                ("build", "", Stage),
                ("a-proxy", "build", Practice),
            ]
        );
        assert_eq!((draft.roadmap.id.as_str(), draft.roadmap.title.zh.as_str()), ("go", "Go 语言"));
        assert_eq!(draft.roadmap.description.en, "For the group.");
        assert!(draft.named && draft.partial);
    }

    #[test]
    fn marks_links_ids_and_quotes_are_read() {
        let draft = go();
        let topic = |id: &str| draft.roadmap.find(id).unwrap();
        assert_eq!(topic("tour").links, ["https://go.dev/tour/"]);
        assert_eq!(topic("tour").description.en, "Do *all* of it.\n# Really");
        assert_eq!(topic("scheduler-a-b").links, ["https://go.dev/a"]);
        assert_eq!(draft.done.iter().collect::<Vec<_>>(), ["tour"]);
        assert_eq!(draft.given.iter().collect::<Vec<_>>(), ["chan"]);
    }

    #[test]
    fn an_error_names_its_line() {
        let error = |text: &str| read_file("x.md", text.as_bytes()).unwrap_err();
        assert_eq!(error("- a\n```\n- b"), ImportError::OpenFence { line: 2 });
        assert!(matches!(error("- a\n- [b](https://u:p@b.com)"), ImportError::Link { line: 2, .. }));
        assert!(matches!(error("- a\n- b {#B_}"), ImportError::Id { line: 2, .. }));
        assert!(matches!(error("- a {#x}\n- b {#x}"), ImportError::Invalid { line: Some(2), .. }));
        assert!(matches!(error(&format!("- a\n- {}", "b".repeat(201))), ImportError::Invalid { line: Some(2), .. }));
        assert!(matches!(error(&"- a\n".repeat(1_001)), ImportError::TooMany { found: 1_001, .. }));
        assert!(matches!(error(&"a".repeat(MAX_LINE + 1)), ImportError::LongLine { line: 1, .. }));
        assert_eq!(error("# title\ntext"), ImportError::NoTopic);
    }

    #[test]
    fn roots_that_are_no_stages_stay_roots() {
        let draft = read_file("x.md", b"# R\n- a\n- s {.stage}\n  - in s\n- b\n").unwrap();
        let again = read_file("x.md", to_outline(&draft.roadmap, Lang::En).as_bytes()).unwrap();
        assert_eq!(again.roadmap.topics, draft.roadmap.topics);
    }
}
