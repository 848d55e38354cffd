//! `roadmap list`, `roadmap show`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{View, or_nothing, sign};
use crate::cli::paint::{Style, clean};
use crate::cli::table::{Cell, Table};
use crate::model::roadmap::OPEN_MONTH;

/// Levels of an outline; deeper ones stand at the last.
const MAX_DEPTH: usize = 6;

/// The group's roadmaps and the built-in ones.
pub fn list(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new()
        .left(texts.id())
        .left(texts.title())
        .at_most(view.title())
        .right(texts.topics())
        .left(texts.state());
    for item in answer.items() {
        let words = [("added", texts.added()), ("removed", texts.removed()), ("builtin", texts.builtin())];
        let words: Vec<&str> = words.into_iter().filter_map(|(key, word)| item.is(key).then_some(word)).collect();
        table.row(vec![
            Cell::new(Style::Cyan, item.at("roadmap_id")),
            item.localized("title", texts.lang).into(),
            item.count("topics").into(),
            words.join(", ").into(),
        ]);
    }
    or_nothing(view, &table, texts.no_roadmaps())
}

/// A roadmap as an outline: stages, topics with this person's sign, and how many others are how far.
pub fn show(view: &View, answer: &Value) -> String {
    let lang = view.texts.lang;
    let title = view.bold(&clean(&answer.localized("title", lang)));
    let mut out = format!("{title}  {}\n", view.dim(&clean(answer.at("roadmap_id"))));
    let about = answer.localized("description", lang);
    if !about.is_empty() {
        out.push_str(&format!("{}\n", clean(&about)));
    }
    let topics = answer.list("topics");
    let mut table = Table::new().left("").left("").left("");
    for topic in topics {
        let is_stage = topic.at("kind") == "stage";
        let (sign, style) = if is_stage { ("", Style::Bold) } else { sign(topic.at("state")) };
        let sign = if sign.is_empty() && !is_stage { "·" } else { sign };
        let indent = "  ".repeat(depth(topics, topic));
        let lead = if is_stage { String::new() } else { format!("{sign} ") };
        let mut title = topic.localized("title", lang);
        if topic.at("kind") == "practice" {
            title = format!("★ {title}");
        }
        if let Some(months) = months(view, topic) {
            title = format!("{title} ({months})");
        }
        table.row(vec![
            Cell::new(style, &format!("{indent}{lead}{title}")),
            Cell::new(Style::Dim, topic.at("id")),
            Cell::new(Style::Dim, &people(view, topic)),
        ]);
    }
    out.push_str(&table.render(view.paint));
    out.push_str(&format!("{}\n", view.dim(view.texts.legend())));
    out
}

/// How many topics hold this one.
fn depth(topics: &[Value], topic: &Value) -> usize {
    let mut depth = 0;
    let mut at = topic;
    while depth < MAX_DEPTH {
        let parent = at.at("parent");
        let Some(holder) = topics.iter().find(|other| !parent.is_empty() && other.at("id") == parent) else { break };
        at = holder;
        depth += 1;
    }
    depth
}

fn months(view: &View, topic: &Value) -> Option<String> {
    let months: Vec<u64> = topic.list("months").iter().filter_map(Value::as_u64).collect();
    match months[..] {
        [from, to] if to >= u64::from(OPEN_MONTH) => Some(view.texts.months_open(from)),
        [from, to] => Some(view.texts.months(from, to)),
        [from] => Some(view.texts.months_open(from)),
        _ => None,
    }
}

/// `3 done, 1 doing`.
fn people(view: &View, topic: &Value) -> String {
    let Some(people) = topic.get("people") else { return String::new() };
    let parts: Vec<String> = ["done", "doing", "skip"]
        .into_iter()
        .filter(|state| people.count(state) > 0)
        .map(|state| format!("{} {}", people.count(state), view.texts.word(state)))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    fn roadmap() -> Value {
        json!({"roadmap_id": "path", "title": {"en": "Path", "zh": "路线"}, "description": {"en": "About", "zh": ""}, "topics": [
            {"id": "s1", "title": {"en": "Stage 1", "zh": "第一阶段"}, "kind": "stage", "parent": null, "months": [1, 3], "state": null},
            {"id": "docker", "title": {"en": "Docker", "zh": "Docker 容器"}, "kind": "topic", "parent": "s1", "state": "done", "people": {"todo": 0, "doing": 1, "done": 2, "skip": 0}},
            {"id": "build", "title": {"en": "Build", "zh": "动手"}, "kind": "practice", "parent": "s1", "months": [6, 255], "state": null},
            {"id": "a", "title": {"en": "Loop"}, "kind": "topic", "parent": "b"}, {"id": "b", "title": {"en": "Loop"}, "kind": "topic", "parent": "a"},
        ]})
    }

    #[test]
    fn an_outline_has_stages_signs_and_the_readers_language() {
        let shown = show(&plain(Lang::Zh), &roadmap());
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "路线  path");
        assert_eq!(lines[1], "About", "the other language where one is missing");
        assert!(lines[2].starts_with("第一阶段 (第 1 至 3 个月)"), "{shown}");
        assert!(lines[3].starts_with("  ✓ Docker 容器 ") && lines[3].ends_with("docker  2 完成, 1 进行中"), "{shown}");
        assert!(lines[4].starts_with("  · ★ 动手 (第 6 个月起)"), "{shown}");
        // The ids stand below each other, whatever the width of the titles.
        let column = |line: &str, id: &str| crate::cli::table::width(&line[..line.find(id).unwrap()]);
        assert_eq!(column(lines[3], "docker"), column(lines[4], "build"));
    }

    #[test]
    fn a_circle_of_parents_ends() {
        assert!(show(&plain(Lang::En), &roadmap()).contains("Loop"));
    }
}
