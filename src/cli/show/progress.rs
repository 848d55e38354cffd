//! `progress show`, `progress history`, and `progress group` as topics by members.

use std::collections::BTreeMap;

use serde_json::Value;

use super::note::with_doubt;
use super::peek::Peek as _;
use super::{View, or_nothing, sign};
use crate::cli::paint::{Style, clean};
use crate::cli::table::{Cell, Table, fit};

/// Members that stand side by side on a terminal.
const MAX_MEMBERS: usize = 12;
/// Columns of a member's name above the signs.
const NAME_COLUMNS: usize = 10;

fn state_cell(view: &View, state: &str) -> Cell {
    let (sign, style) = sign(state);
    Cell::new(style, format!("{sign} {}", view.texts.word(state)).trim())
}

/// How far one person is.
pub fn show(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.topic()).left(texts.title()).at_most(view.title()).left(texts.state());
    table = table
        .right(texts.minutes_head())
        .left(texts.updated())
        .left(texts.evidence())
        .left(texts.remark())
        .at_most(view.title());
    let (mut doubtful, mut done, mut minutes) = (false, 0, 0u64);
    for item in answer.items() {
        doubtful |= item.is("doubtful_time");
        done += usize::from(item.at("state") == "done");
        minutes = minutes.saturating_add(item.count("minutes"));
        let title = if item.is("orphaned") {
            Cell::new(Style::Dim, texts.orphaned())
        } else {
            item.localized("title", texts.lang).into()
        };
        table.row(vec![
            Cell::new(Style::Cyan, item.at("topic_id")),
            title,
            state_cell(view, item.at("state")),
            item.count("minutes").into(),
            view.ago(item.number("updated_ms"), item.is("doubtful_time")),
            item.at("evidence").into(),
            item.at("remark").into(),
        ]);
    }
    let mut shown = or_nothing(view, &table, texts.no_progress());
    if !table.is_empty() {
        shown.push_str(&format!("{}\n", view.dim(&texts.total(done, minutes))));
    }
    with_doubt(view, shown, doubtful)
}

/// What was studied, oldest first.
pub fn history(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.when()).left(texts.person()).at_most(view.names()).left(texts.topic());
    table = table
        .left(texts.state())
        .right(texts.minutes_head())
        .left(texts.evidence())
        .left(texts.remark())
        .at_most(view.title());
    let mut doubtful = false;
    for item in answer.items() {
        doubtful |= item.is("doubtful_time");
        table.row(vec![
            view.stamp(item.number("time_ms"), item.is("doubtful_time")),
            item.at("person").into(),
            Cell::new(Style::Cyan, item.at("topic_id")),
            state_cell(view, item.at("state")),
            item.count("minutes").into(),
            item.at("evidence").into(),
            item.at("remark").into(),
        ]);
    }
    with_doubt(view, or_nothing(view, &table, texts.no_progress()), doubtful)
}

/// Topics by members. `roadmaps` are answers of `roadmap show`; `answer` is that of `progress group`.
pub fn group(view: &View, roadmaps: &[Value], answer: &Value) -> String {
    let texts = view.texts;
    let members = Members::of(answer);
    if members.people.is_empty() {
        return format!("{}\n", view.dim(texts.no_progress()));
    }
    let shown = if view.cut { members.people.len().min(MAX_MEMBERS) } else { members.people.len() };
    let columns = &members.people[..shown];
    let mut table = Table::new().left(texts.topic()).at_most(view.title());
    for (_, name) in columns {
        table = table.left(&if view.cut { fit(&clean(name), NAME_COLUMNS) } else { name.clone() });
    }
    let empty = |first: Cell| std::iter::once(first).chain(columns.iter().map(|_| Cell::default())).collect();
    let signs = |first: Cell, topic: &str| {
        let of = |(id, _): &(String, String)| {
            let state = members.states.get(&(id.as_str(), topic)).copied().unwrap_or_default();
            let (sign, style) = sign(state);
            Cell::new(style, sign)
        };
        std::iter::once(first).chain(columns.iter().map(of)).collect()
    };
    let mut known: Vec<&str> = vec![];
    for roadmap in roadmaps {
        table.row(empty(Cell::new(Style::Bold, &roadmap.localized("title", texts.lang))));
        for topic in roadmap.list("topics") {
            known.push(topic.at("id"));
            let title = topic.localized("title", texts.lang);
            if topic.at("kind") == "stage" {
                table.row(empty(Cell::new(Style::Bold, &format!("  {title}"))));
            } else {
                table.row(signs(format!("    {title}").into(), topic.at("id")));
            }
        }
    }
    let mut others: Vec<&str> = members.states.keys().map(|(_, topic)| *topic).filter(|t| !known.contains(t)).collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        table.row(empty(Cell::new(Style::Dim, texts.orphaned())));
        others.into_iter().for_each(|topic| table.row(signs(format!("    {topic}").into(), topic)));
    }
    let sum = |of: &dyn Fn(&str) -> u64| columns.iter().map(|(id, _)| of(id).into()).collect::<Vec<Cell>>();
    let row = |label: &str, cells: Vec<Cell>| std::iter::once(Cell::new(Style::Dim, label)).chain(cells).collect();
    table.row(row(texts.done(), sum(&|id| members.sums.get(id).map_or(0, |(done, _)| *done))));
    table.row(row(texts.minutes_head(), sum(&|id| members.sums.get(id).map_or(0, |(_, minutes)| *minutes))));
    let mut out = table.render(view.paint);
    out.push_str(&format!("{}\n", view.dim(texts.legend())));
    if members.people.len() > shown {
        out.push_str(&format!("{}\n", view.dim(&texts.more_members(members.people.len() - shown))));
    }
    out
}

/// Who is how far, taken from `progress group`.
struct Members<'a> {
    /// Id and name, by name.
    people: Vec<(String, String)>,
    /// State by (person, topic).
    states: BTreeMap<(&'a str, &'a str), &'a str>,
    /// Topics done and minutes, by person.
    sums: BTreeMap<&'a str, (u64, u64)>,
}

impl<'a> Members<'a> {
    fn of(answer: &'a Value) -> Self {
        let mut members = Self { people: vec![], states: BTreeMap::new(), sums: BTreeMap::new() };
        for item in answer.items() {
            let id = if item.at("person_id").is_empty() { item.at("person") } else { item.at("person_id") };
            let name = if item.at("person").is_empty() { item.at("name") } else { item.at("person") };
            members.people.push((id.to_owned(), name.to_owned()));
            members.states.insert((id, item.at("topic_id")), item.at("state"));
            let (done, minutes) = members.sums.entry(id).or_default();
            *done += u64::from(item.at("state") == "done");
            *minutes = minutes.saturating_add(item.count("minutes"));
        }
        members.people.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        members.people.dedup();
        members
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn the_matrix_has_topics_by_members_and_keeps_what_no_roadmap_has_any_more() {
        let roadmap = json!({"roadmap_id": "p", "title": {"en": "Path", "zh": "路线"}, "topics": [
            {"id": "s", "title": {"en": "Stage", "zh": "阶段"}, "kind": "stage"},
            {"id": "docker", "title": {"en": "Docker", "zh": "Docker 容器"}, "kind": "topic", "parent": "s"},
            {"id": "helm", "title": {"en": "Helm", "zh": "Helm"}, "kind": "topic", "parent": "s"},
        ]});
        let item = |name: &str, topic: &str, state: &str, minutes: u64| json!({"person": name, "person_id": format!("id {name}"), "topic_id": topic, "state": state, "minutes": minutes});
        let answer = json!({"items": [
            item("Bo", "docker", "doing", 5), item("爱达", "docker", "done", 60), item("Bo", "gone", "done", 1),
        ]});
        let shown = group(&plain(Lang::Zh), &[roadmap], &answer);
        let lines: Vec<String> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines[..9],
            [
                "主题 Bo 爱达",
                "路线",
                "阶段",
                "Docker 容器 ◐ ✓",
                "Helm",
                "已不在任何路线图中",
                "gone ✓",
                "完成 1 1",
                "分钟 6 60"
            ]
        );
        // The signs stand below the names.
        let column = |line: &str, part: &str| crate::cli::table::width(&line[..line.find(part).unwrap()]);
        let raw: Vec<&str> = shown.lines().collect();
        assert_eq!(column(raw[0], "Bo"), column(raw[3], "◐"));
        assert_eq!(column(raw[0], "爱达"), column(raw[3], "✓"));
    }

    #[test]
    fn more_members_than_a_terminal_holds_are_counted() {
        let items: Vec<Value> = (0..20).map(|n| json!({"person": format!("P{n:02}"), "person_id": format!("{n}"), "topic_id": "t", "state": "todo"})).collect();
        let answer = json!({ "items": items });
        assert!(group(&plain(Lang::En), &[], &answer).contains("8 more members"));
        let whole = View { cut: false, ..plain(Lang::En) };
        assert!(group(&whole, &[], &answer).contains("P19"));
    }

    #[test]
    fn a_persons_progress_shows_orphans_and_sums() {
        let answer = json!({"items": [
            {"topic_id": "docker", "title": {"en": "Docker", "zh": ""}, "state": "done", "minutes": 60, "updated_ms": 0, "evidence": "https://example.org/"},
            {"topic_id": "gone", "title": null, "state": "doing", "minutes": 5, "updated_ms": 0, "orphaned": true},
        ]});
        let shown = show(&plain(Lang::En), &answer);
        assert!(shown.contains("docker  Docker") && shown.contains("✓ done"), "{shown}");
        assert!(shown.contains("gone    in no roadmap any more"), "{shown}");
        assert!(shown.ends_with("1 topics done, 65 minutes\n"), "{shown}");
    }
}
