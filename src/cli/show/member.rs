//! `member list`, `requests list`, `invite list`, `group quarantine`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{View, or_nothing};
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// Members, the most senior first.
pub fn list(view: &View, answer: &Value) -> String {
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
    or_nothing(view, &table, texts.nobody_here())
}

/// Who asks to be let in.
pub fn requests(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table =
        Table::new().left(texts.id()).left(texts.name()).at_most(view.names()).left(texts.role_head()).left("");
    for item in answer.items() {
        let name = if item.at("person").is_empty() { "-" } else { item.at("person") };
        let mark = match (item.is("refused"), item.is("removed")) {
            (true, _) => Cell::new(Style::Red, texts.word("refused")),
            (_, true) => Cell::new(Style::Yellow, texts.word("removed")),
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
        Table::new().left(texts.id()).left(texts.role_head()).left(texts.used_head()).left(texts.l_expires());
    table = table.left(texts.kind());
    for item in answer.items() {
        let uses = item.number("uses").map_or_else(|| "∞".to_owned(), |uses| uses.to_string());
        let expires = item.number("expires_ms").map_or_else(|| texts.never().to_owned(), time::stamp);
        let state = match (item.is("open"), item.is("revoked")) {
            (true, _) => Cell::new(Style::Green, texts.word("open")),
            (_, true) => Cell::new(Style::Dim, texts.word("revoked")),
            _ => Cell::new(Style::Dim, texts.word("over")),
        };
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("invite_id")),
            texts.word(item.at("role")).into(),
            format!("{}/{uses}", item.count("used")).into(),
            expires.as_str().into(),
            state,
        ]);
    }
    or_nothing(view, &table, texts.no_invites())
}

/// Entries that do not count.
pub fn quarantine(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.member()).at_most(view.names()).left(texts.time_head());
    table = table.right(texts.size_head()).left("");
    for item in answer.items() {
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("entry_id")),
            item.at("person").into(),
            view.ago(item.number("time_ms"), false),
            format!("{} B", item.count("bytes")).into(),
            if item.is("hidden") { texts.word("hidden").into() } else { "".into() },
        ]);
    }
    or_nothing(view, &table, texts.nothing_quarantined())
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
    fn nothing_is_said_in_a_sentence() {
        let none = json!({"items": []});
        for show in [list, requests, invites, quarantine] {
            assert_eq!(show(&plain(Lang::En), &none).lines().count(), 1);
        }
    }
}
