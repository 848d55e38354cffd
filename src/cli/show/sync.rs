//! `sync status`, `sync wait`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{Fields, View, group, or_nothing};
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};

/// What is held and missing, and how each connected member compares.
pub fn status(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut fields = Fields::new();
    if let Some(complete) = answer.get("complete").and_then(Value::as_bool) {
        let style = if complete { Style::Green } else { Style::Yellow };
        fields.put(texts.l_complete(), Cell::new(style, view.yes_no(complete)));
    }
    fields.put(texts.l_group(), answer.at("group_id"));
    if !answer.at("kind").is_empty() {
        fields.put(texts.l_kind(), texts.word(answer.at("kind")));
    }
    if answer.get("role").is_some() {
        fields.put(texts.l_role(), group::role(view, answer));
    }
    fields.put(texts.l_fingerprint(), answer.at("fingerprint"));
    fields.put(texts.l_held(), answer.count("held"));
    for (label, key) in [(texts.l_missing(), "missing"), (texts.l_pending(), "pending")] {
        let count = answer.count(key);
        let style = if count > 0 { Style::Yellow } else { Style::Plain };
        fields.put(label, Cell::new(style, &count.to_string()));
    }
    let more =
        [("quarantined", texts.l_quarantined()), ("forked_logs", texts.l_forked()), ("only_here", texts.l_only_here())];
    for (key, label) in more {
        if answer.count(key) > 0 {
            fields.put(label, answer.count(key));
        }
    }
    let mut table = Table::new().left(texts.member()).left(texts.peer()).left(texts.relation()).left(texts.checked());
    for peer in answer.list("peers") {
        let style = match peer.at("relation") {
            "equal" => Style::Green,
            "unknown" => Style::Dim,
            _ => Style::Yellow,
        };
        let member = if peer.at("member").is_empty() { "-" } else { peer.at("member") };
        table.row(vec![
            member.into(),
            peer.at("peer_id").into(),
            Cell::new(style, texts.word(peer.at("relation"))),
            view.ago(peer.number("checked_ms"), false),
        ]);
    }
    let asides: String = group::asides(view, answer).iter().map(|line| format!("{line}\n")).collect();
    format!("{}{asides}\n{}", fields.render(view), or_nothing(view, &table, texts.no_member()))
}

/// Entries that nobody else is known to hold.
pub fn only_here(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.when()).left(texts.kind()).left(texts.title());
    for item in answer.items() {
        let style = if item.is("work") { Style::Plain } else { Style::Dim };
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("entry_id")),
            view.ago(item.number("time_ms"), false),
            Cell::new(style, texts.word(item.at("kind"))),
            Cell::new(style, item.at("title")),
        ]);
    }
    or_nothing(view, &table, texts.nothing_only_here())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn the_state_of_sync_says_what_is_missing_and_who_has_it() {
        let view = plain(Lang::En);
        let answer = json!({
            "complete": false, "group_id": "ab", "fingerprint": "cd", "held": 10, "missing": 3, "pending": 0, "quarantined": 0,
            "peers": [{"peer_id": "12D3", "member": "Bo", "relation": "ahead", "checked_ms": view.now - 1000}],
        });
        let shown = status(&view, &answer);
        assert!(shown.starts_with("complete     no\n"), "{shown}");
        assert!(shown.contains("\nmissing      3\n") && !shown.contains("quarantined"), "{shown}");
        assert!(shown.contains("Bo      12D3  has more  just now\n"), "{shown}");
        let shown = status(
            &view,
            &json!({"kind": "closed", "role": null, "standing": "needs-approval", "kept": 1, "quarantined_elsewhere": 2}),
        );
        assert!(shown.contains("\nrole         -\n") && shown.contains("\nWaiting for an admin"), "{shown}");
        assert!(shown.contains("\n1 entry waits until you are let in\n2 entries of yours do not count"), "{shown}");
        assert!(status(&view, &json!({})).contains("nobody to compare with"), "nobody is connected");
    }

    #[test]
    fn what_is_only_here_is_counted_and_listed_with_what_it_is_about() {
        let view = plain(Lang::En);
        let answer =
            json!({"group_id": "ab", "held": 9, "only_here": 2, "only_here_since_ms": view.now - 60_000, "peers": []});
        let shown = status(&view, &answer);
        assert!(shown.contains("only here    2") && !shown.contains("this node only"), "{shown}");
        let old = json!({"only_here": 2, "only_here_since_ms": view.now - 3 * 24 * 3_600_000, "peers": []});
        assert!(status(&view, &old).contains("on this node only, the oldest for 3 d"));
        let items = json!({"items": [{"entry_id": "cd".repeat(32), "time_ms": view.now, "kind": "note", "title": "计划", "work": true}]});
        let shown = only_here(&view, &items);
        assert!(shown.contains("cdcdcdcd") && shown.contains("note") && shown.contains("计划"), "{shown}");
        assert!(only_here(&plain(Lang::Zh), &json!({"items": []})).contains("其他人持有"));
    }
}
