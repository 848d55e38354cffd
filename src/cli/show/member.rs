//! `member list`, `requests list`, `invite list`, `group quarantine`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{View, or_nothing};
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// Members, the most senior first.
pub fn list(view: &View, answer: &Value) -> String {
    people(view, answer, view.texts.nobody_here())
}

/// Keepers.
pub fn keepers(view: &View, answer: &Value) -> String {
    people(view, answer, view.texts.no_keepers())
}

fn people(view: &View, answer: &Value, nothing: &str) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.member()).at_most(view.names()).left(texts.role_head());
    table = table.right(texts.devices_head()).right(texts.entries()).left("");
    for item in answer.items() {
        let role = match (item.at("role"), item.is("removed")) {
            ("", true) => Cell::new(Style::Red, texts.word("removed")),
            ("owner" | "admin", _) => Cell::new(Style::Bold, texts.word(item.at("role"))),
            (role, _) => texts.word(role).into(),
        };
        let mut marks = vec![];
        marks.extend(item.is("you").then(|| texts.you()));
        marks.extend((item.is("connected") && !item.is("you")).then(|| texts.online()));
        marks.extend(item.is("muted").then(|| texts.muted_word()));
        let devices = item.list("devices").iter().filter(|d| !d.is("ended")).count();
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("person_id")),
            item.at("person").into(),
            role,
            (devices as u64).into(),
            item.count("entries").into(),
            marks.join(", ").as_str().into(),
        ]);
    }
    or_nothing(view, &table, nothing)
}

/// Who asks to be let in.
pub fn requests(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table =
        Table::new().left(texts.id()).left(texts.name()).at_most(view.names()).left(texts.role_head()).left("");
    for item in answer.items() {
        let name = if item.at("person").is_empty() { "-" } else { item.at("person") };
        let mark = match (item.is("refused"), item.is("removed"), item.is("approve") || item.at("role") == "admin") {
            (true, ..) => Cell::new(Style::Red, texts.word("refused")),
            (_, true, _) => Cell::new(Style::Yellow, texts.word("removed")),
            (.., true) => texts.asks_admin().into(),
            _ => "".into(),
        };
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("person_id")),
            name.into(),
            texts.word(item.at("role")).into(),
            mark,
        ]);
    }
    or_nothing(view, &table, texts.nobody_asks())
}

/// Invites.
pub fn invites(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table =
        Table::new().left(texts.id()).left(texts.role_head()).left(texts.used_head()).left(texts.expires_head());
    table = table.left(texts.state()).left(texts.made_by_head()).at_most(view.names());
    table = table.left(texts.used_by_head()).at_most(view.names());
    for item in answer.items() {
        let uses = item.number("uses").map_or_else(|| "∞".to_owned(), |uses| uses.to_string());
        let expires = item.number("expires_ms").map_or_else(|| texts.never().to_owned(), time::stamp);
        let state = match (item.is("open"), item.is("revoked")) {
            (true, _) if item.is("approve") => Cell::new(Style::Green, texts.needs_approval()),
            (true, _) => Cell::new(Style::Green, texts.valid_word()),
            (_, true) => Cell::new(Style::Dim, texts.word("revoked")),
            _ => Cell::new(Style::Dim, texts.word("over")),
        };
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("invite_id")),
            texts.word(item.at("role")).into(),
            format!("{}/{uses}", item.count("used")).into(),
            expires.as_str().into(),
            state,
            item.at("by").into(),
            item.texts("used_by").join(", ").into(),
        ]);
    }
    or_nothing(view, &table, texts.no_invites())
}

/// Entries that do not count.
pub fn quarantine(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.member()).at_most(view.names()).left(texts.what());
    table = table.left(texts.when()).right(texts.size_head()).left("");
    for item in answer.items() {
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("entry_id")),
            item.at("person").into(),
            kind(view, item.number("kind")).into(),
            view.ago(item.number("time_ms"), false),
            format!("{} B", item.count("bytes")).into(),
            if item.is("hidden") { texts.word("hidden").into() } else { "".into() },
        ]);
    }
    or_nothing(view, &table, texts.nothing_quarantined())
}

/// What an entry is about, by its kind on the wire; none: its body can not be read here.
fn kind(view: &View, kind: Option<u64>) -> &'static str {
    let texts = view.texts;
    match kind {
        None => texts.kind_unreadable(),
        Some(0..=15) => texts.kind_membership(),
        Some(16 | 17) => texts.kind_name(),
        Some(32..=47) => texts.kind_note(),
        Some(48..=63) => texts.kind_link(),
        Some(64..=79) => texts.kind_roadmap(),
        Some(80..=95) => texts.kind_progress(),
        Some(_) => texts.unknown(),
    }
}

/// How much each log may hold.
pub fn limits(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let (entries, bytes) = (texts.at_most(answer.count("entries")), texts.at_most(answer.count("bytes")));
    format!("{}\n", texts.limits(entries, bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn roles_and_marks_stand_beside_names() {
        let answer = json!({"items": [
            {"person_id": "11".repeat(32), "person": "爱达", "role": "owner", "you": true, "devices": [{"ended": false}], "entries": 3},
            {"person_id": "22".repeat(32), "person": "Bo", "role": null, "removed": true, "devices": [], "entries": 1},
        ]});
        let shown = list(&plain(Lang::En), &answer);
        assert!(shown.contains("owner") && shown.contains("you") && shown.contains("removed"), "{shown}");
        assert!(list(&plain(Lang::Zh), &answer).contains("所有者"));
    }

    #[test]
    fn an_invite_says_how_often_it_was_used_by_whom_and_whether_it_still_works() {
        let view = plain(Lang::En);
        let item = |open: bool, revoked: bool, approve: bool| {
            json!({"invite_id": "ab".repeat(16), "role": "reader", "uses": null, "used": 2, "used_by": ["爱达", "Bo"],
                "expires_ms": null, "open": open, "revoked": revoked, "approve": approve, "by": "Cy"})
        };
        for (item, state) in [
            (item(true, false, false), "works"),
            (item(true, false, true), "with approval"),
            (item(false, true, false), "taken back"),
            (item(false, false, false), "over"),
        ] {
            let shown = invites(&view, &json!({"items": [item]}));
            let row: Vec<&str> = shown.lines().nth(1).unwrap().split("  ").filter(|cell| !cell.is_empty()).collect();
            let cells = row.iter().map(|cell| cell.trim()).collect::<Vec<_>>();
            assert_eq!(cells, ["abababab", "reader", "2/∞", "never", state, "Cy", "爱达, Bo"], "{shown}");
        }
    }

    #[test]
    fn whoever_asks_stands_with_what_became_of_it() {
        let shown = requests(
            &plain(Lang::Zh),
            &json!({"items": [
                {"person_id": "11".repeat(32), "person": "Dee", "role": "member", "refused": true},
                {"person_id": "22".repeat(32), "person": null, "role": "member", "removed": true},
                {"person_id": "33".repeat(32), "person": "Eve", "role": "admin"},
            ]}),
        );
        let lines: Vec<&str> = shown.lines().skip(1).collect();
        assert!(
            lines[0].ends_with("已拒绝") && lines[1].ends_with("已移除") && lines[2].ends_with("等待管理员批准"),
            "{shown}"
        );
        assert!(lines[1].contains("22222222  -"), "{shown}");
    }

    #[test]
    fn what_does_not_count_says_what_it_is_about() {
        let entry = |kind: Option<u64>| json!({"items": [{"entry_id": "ab".repeat(32), "person": "Cy", "kind": kind, "bytes": 9, "hidden": true}]});
        for (of, word) in [(Some(33), "note"), (Some(48), "link"), (Some(9), "membership"), (None, "not readable here")]
        {
            let shown = quarantine(&plain(Lang::En), &entry(of));
            assert!(shown.contains(&format!("abababab  Cy      {word}")) && shown.contains("hidden"), "{shown}");
        }
    }

    #[test]
    fn nothing_is_said_in_a_sentence() {
        let none = json!({"items": []});
        for show in [list, keepers, requests, invites, quarantine] {
            assert_eq!(show(&plain(Lang::En), &none).lines().count(), 1);
        }
    }
}
