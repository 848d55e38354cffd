//! `group list`, `group show`, `ticket inspect`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{Fields, View, or_nothing};
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// Groups, from `status` or `group list`.
pub fn list(view: &View, items: &[Value]) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.name()).at_most(view.title()).left(texts.kind());
    table = table.right(texts.members()).right(texts.entries()).right(texts.connected_head()).left(texts.sync_head());
    for item in items {
        let sync = match (item.at("state"), item.get("complete").and_then(Value::as_bool)) {
            (_, Some(true)) => Cell::new(Style::Green, texts.complete()),
            ("joined", None) => Cell::new(Style::Dim, texts.alone()),
            ("" | "ready" | "joined", Some(false)) => Cell::new(Style::Yellow, texts.incomplete_word()),
            (state, _) => Cell::new(Style::Yellow, texts.word(state)),
        };
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("group_id")),
            item.at("name").into(),
            texts.word(item.at("kind")).into(),
            item.count("members").into(),
            item.count("entries").into(),
            item.number("connected").map_or_else(|| "-".into(), Cell::from),
            sync,
        ]);
    }
    let mut shown = or_nothing(view, &table, texts.no_groups());
    for item in items {
        for line in asides(view, item) {
            shown.push_str(&format!("{}: {line}\n", item.at("name")));
        }
    }
    shown
}

/// What somebody has to know of a group besides: who asks, what waits, why one is not in.
fn asides(view: &View, item: &Value) -> Vec<String> {
    let texts = view.texts;
    let mut lines = vec![];
    if item.count("requests") > 0 && matches!(item.at("role"), "owner" | "admin") {
        lines.push(texts.asking(item.count("requests")));
    }
    if item.count("quarantined") > 0 && matches!(item.at("role"), "owner" | "admin") {
        lines.push(texts.quarantined(item.count("quarantined")));
    }
    if item.count("kept") > 0 {
        lines.push(texts.waiting_to_go(item.count("kept")));
    }
    if item.at("kind") == "closed" && item.at("role").is_empty() {
        lines.extend(texts.why_waiting(item.at("standing")).map(ToOwned::to_owned));
    }
    lines
}

/// One group with its members.
pub fn show(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut fields = Fields::new();
    fields.put(texts.l_group(), Cell::new(Style::Bold, answer.at("name")));
    fields.put("", answer.at("group_id"));
    fields.put(texts.l_kind(), texts.word(answer.at("kind")));
    if !answer.at("role").is_empty() {
        fields.put(texts.l_role(), texts.word(answer.at("role")));
    }
    if answer.count("requests") > 0 {
        fields.put(texts.l_requests(), answer.count("requests"));
    }
    fields.put(texts.l_entries(), answer.count("entries"));
    fields.put(texts.l_logs(), answer.count("logs"));
    if let Some(joined) = answer.number("joined_ms") {
        fields.put(texts.l_joined(), time::both(texts, view.now, joined));
    }
    let mut table = Table::new().left(texts.id()).left(texts.member()).at_most(view.names()).right(texts.entries());
    table = table.left(texts.last_entry()).left(texts.last_seen());
    for member in answer.list("members") {
        let seen = match (member.is("you"), member.is("connected")) {
            (true, _) => Cell::new(Style::Cyan, texts.you()),
            (_, true) => Cell::new(Style::Green, texts.online()),
            _ => view.ago(member.number("last_seen_ms"), false),
        };
        table.row(vec![
            Cell::new(Style::Cyan, &member.short("person")),
            member.at("name").into(),
            member.count("entries").into(),
            view.ago(member.number("last_entry_ms"), false),
            seen,
        ]);
    }
    format!("{}\n{}", fields.render(view), table.render(view.paint))
}

/// What is in a ticket.
pub fn ticket(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut fields = Fields::new();
    fields.put(texts.l_group(), answer.at("group_id"));
    fields.put(texts.l_version(), answer.count("version"));
    let expires = match answer.number("expires_ms") {
        None => Cell::from(texts.never()),
        Some(at) if answer.is("expired") => {
            Cell::new(Style::Red, &format!("{} UTC, {}", time::stamp(at), texts.expired()))
        }
        Some(at) => format!("{} UTC", time::stamp(at)).into(),
    };
    fields.put(texts.l_expires(), expires);
    fields.put(texts.l_size(), format!("{} B", answer.count("bytes")));
    fields.put(texts.l_member(), view.yes_no(answer.is("member")));
    for peer in answer.list("peers") {
        fields.put(texts.l_peer(), peer.at("peer_id"));
        fields.list("", &peer.texts("addresses"));
    }
    fields.render(view)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn no_group_yet_says_how_to_get_one() {
        assert!(list(&plain(Lang::En), &[]).contains("studymesh join TICKET"));
        assert!(list(&plain(Lang::Zh), &[]).contains("studymesh join 邀请码"));
    }

    #[test]
    fn members_stand_in_columns_whatever_their_script() {
        let view = plain(Lang::En);
        let answer = json!({"name": "G", "group_id": "00", "kind": "open", "members": [
            {"person": "11".repeat(32), "name": "爱达", "entries": 5, "you": true, "last_entry_ms": view.now},
            {"person": "22".repeat(32), "name": "Bo", "entries": 15, "you": false, "connected": true},
        ]});
        let shown = show(&view, &answer);
        assert!(
            shown.contains(
                "11111111  爱达          5  just now    you\n22222222  Bo           15  -           online\n"
            ),
            "{shown}"
        );
    }

    #[test]
    fn an_expired_ticket_says_so() {
        let shown = ticket(
            &plain(Lang::En),
            &json!({"group_id": "ab", "version": 1, "expires_ms": 0, "expired": true, "bytes": 90, "peers": []}),
        );
        assert!(shown.contains("expires  1970-01-01 00:00 UTC, expired\n"), "{shown}");
    }
}
