//! `group list`, `group show`, `ticket inspect`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{Fields, View, or_nothing};
use crate::api::ONLY_HERE_LONG_MS;
use crate::cli::paint::{Style, clean};
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// Groups, from `status` or `group list`.
pub fn list(view: &View, items: &[Value]) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.name()).at_most(view.title()).left(texts.kind());
    table = table
        .left(texts.role_head())
        .right(texts.members())
        .right(texts.entries())
        .right(texts.connected_head())
        .left(texts.sync_head());
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
            role(view, item),
            item.count("members").into(),
            item.count("entries").into(),
            item.number("connected").map_or_else(|| "-".into(), Cell::from),
            sync,
        ]);
    }
    let mut shown = or_nothing(view, &table, texts.no_groups());
    for item in items {
        for line in asides(view, item) {
            shown.push_str(&format!("{}: {line}\n", clean(item.at("name"))));
        }
    }
    shown
}

/// What one is in a group. Word of one's own removal does not come by sync, so the role alone may be of yesterday.
pub(super) fn role(view: &View, item: &Value) -> Cell {
    match (item.at("standing"), item.at("role")) {
        (word @ ("removed" | "refused"), _) => Cell::new(Style::Red, view.texts.word(word)),
        (_, "") => Cell::new(Style::Dim, "-"),
        (_, role @ ("owner" | "admin")) => Cell::new(Style::Bold, view.texts.word(role)),
        (_, role) => view.texts.word(role).into(),
    }
}

/// What somebody has to know of a group besides: why one is not in, who asks, what waits, what does not count.
pub(super) fn asides(view: &View, item: &Value) -> Vec<String> {
    let texts = view.texts;
    let decides = matches!(item.at("role"), "owner" | "admin");
    let why = texts.why_waiting(item.at("standing"));
    let mut lines: Vec<String> = why.map(ToOwned::to_owned).into_iter().collect();
    let mut count = |key: &str, is_told: bool, text: &dyn Fn(u64) -> String| {
        if is_told && item.count(key) > 0 {
            lines.push(text(item.count(key)));
        }
    };
    count("requests", decides, &|n| texts.asking(n));
    count("kept", why.is_some(), &|n| texts.waits_to_go(n));
    // A keeper keeps nothing but its own name.
    let (reader, keeper) = (item.at("role") == "reader", item.at("role") == "keeper");
    count("kept", why.is_none() && reader, &|n| texts.waits_for_role(n));
    count("kept", why.is_none() && !reader && !keeper, &|n| texts.waits_for_key(n));
    count("quarantined", decides, &|n| texts.quarantined(n));
    count("quarantined_elsewhere", true, &|n| texts.quarantined_elsewhere(n));
    let age = item.number("only_here_since_ms").map_or(0, |since| view.now.saturating_sub(since));
    count("only_here", age >= ONLY_HERE_LONG_MS, &|n| texts.only_here(n, time::span(texts, age)));
    lines
}

/// One group with its members.
pub fn show(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut fields = Fields::new();
    fields.put(texts.l_group(), Cell::new(Style::Bold, answer.at("name")));
    fields.put("", answer.at("group_id"));
    fields.put(texts.l_kind(), texts.word(answer.at("kind")));
    fields.put(texts.l_role(), role(view, answer));
    fields.put(texts.l_entries(), answer.count("entries"));
    fields.put(texts.l_logs(), answer.count("logs"));
    if let Some(joined) = answer.number("joined_ms") {
        fields.put(texts.l_joined(), time::both(texts, view.now, joined));
    }
    let mut table = Table::new().left(texts.id()).left(texts.member()).at_most(view.names()).left(texts.role_head());
    table = table.right(texts.entries()).left(texts.last_entry()).left(texts.last_seen());
    for member in answer.list("members") {
        let seen = match (member.is("you"), member.is("connected")) {
            (true, _) => Cell::new(Style::Cyan, texts.you()),
            (_, true) => Cell::new(Style::Green, texts.online()),
            _ => view.ago(member.number("last_seen_ms"), false),
        };
        table.row(vec![
            Cell::new(Style::Cyan, &member.short("person")),
            member.at("name").into(),
            match (member.at("role"), member.is("removed")) {
                ("", true) => Cell::new(Style::Red, texts.removed_word()),
                ("", false) => Cell::new(Style::Dim, "-"),
                (role, _) => texts.word(role).into(),
            },
            member.count("entries").into(),
            view.ago(member.number("last_entry_ms"), false),
            seen,
        ]);
    }
    let asides: String = asides(view, answer).iter().map(|line| format!("{line}\n")).collect();
    format!("{}{asides}\n{}", fields.render(view), table.render(view.paint))
}

/// What is in a ticket.
pub fn ticket(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut fields = Fields::new();
    fields.put(texts.l_group(), answer.at("group_id"));
    if !answer.at("kind").is_empty() {
        fields.put(texts.l_kind(), texts.word(answer.at("kind")));
    }
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
            {"person": "11".repeat(32), "name": "爱达", "role": "owner", "entries": 5, "you": true, "last_entry_ms": view.now},
            {"person": "22".repeat(32), "name": "Bo", "role": null, "removed": true, "entries": 15, "you": false, "connected": true},
        ]});
        let shown = show(&view, &answer);
        assert!(
            shown.contains(
                "11111111  爱达    owner          5  just now    you\n22222222  Bo      removed       15  -           online\n"
            ),
            "{shown}"
        );
    }

    #[test]
    fn what_an_admin_has_to_know_stands_below_the_groups_and_a_member_is_spared_it() {
        let group = |role: &str| {
            json!({"group_id": "ab".repeat(32), "name": "G", "kind": "closed", "role": role, "standing": "in",
                "requests": 2, "quarantined": 1, "kept": 0, "members": 3, "state": "joined"})
        };
        let shown = list(&plain(Lang::En), &[group("owner")]);
        assert!(shown.contains("closed  owner") && shown.lines().count() == 4, "{shown}");
        assert!(shown.contains("\nG: 2 ask to be let in: `studymesh requests list`\n"), "{shown}");
        assert!(shown.contains("\nG: 1 entry does not count: `studymesh group quarantine`\n"), "{shown}");
        assert_eq!(list(&plain(Lang::En), &[group("member")]).lines().count(), 2);
    }

    #[test]
    fn whoever_is_not_in_reads_why_and_what_waits_with_them() {
        let group = |standing: &str, role: Option<&str>| {
            json!({"group_id": "ab".repeat(32), "name": "G", "kind": "closed", "role": role, "standing": standing,
                "kept": 3, "members": 0, "state": "waiting"})
        };
        let shown = list(&plain(Lang::En), &[group("asked", None)]);
        assert!(shown.contains("\nG: Waiting for a member who can let you in"), "{shown}");
        assert!(shown.contains("\nG: 3 entries wait until you are let in\n"), "{shown}");
        // Whoever was removed is told so, though its own fold still says member.
        let shown = show(&plain(Lang::Zh), &group("removed", Some("member")));
        assert!(shown.contains("角色  已移除") && shown.contains("你已被移出该小组"), "{shown}");
        let shown = show(&plain(Lang::En), &group("in", Some("reader")));
        assert!(shown.contains("3 entries wait until you may write"), "{shown}");
        assert!(!show(&plain(Lang::En), &group("in", Some("keeper"))).contains("wait"));
        let shown = show(&plain(Lang::En), &group("in", Some("member")));
        assert!(shown.contains("3 entries wait for the group's key"), "{shown}");
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
