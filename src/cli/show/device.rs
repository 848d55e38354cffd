//! `device list`, `device join`.

use serde_json::Value;

use super::peek::{self, Peek as _};
use super::{View, or_nothing};
use crate::cli::paint::{Style, clean};
use crate::cli::table::{Cell, Table};

/// Digits of a peer id that people see: its end, since the beginnings are alike.
const TAIL: usize = 8;

/// The devices of one person, this one first.
pub fn list(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.device_head()).at_most(view.names()).left(texts.id());
    table = table.right(texts.groups_head()).left(texts.last_seen()).left("");
    for item in answer.items() {
        let name = if item.at("name").is_empty() { "-" } else { item.at("name") };
        let mark = match (item.is("this"), item.is("ended"), item.is("connected")) {
            (true, ..) => Cell::new(Style::Green, texts.this_device()),
            (_, true, _) => Cell::new(Style::Red, texts.word("removed")),
            (.., true) => Cell::new(Style::Green, texts.online()),
            _ => "".into(),
        };
        let live = item.list("groups").iter().filter(|g| !g.is("ended")).count();
        table.row(vec![
            name.into(),
            Cell::new(Style::Cyan, &id(item)),
            (live as u64).into(),
            view.ago(item.number("last_seen_ms"), false),
            mark,
        ]);
    }
    or_nothing(view, &table, texts.no_devices())
}

fn id(item: &Value) -> String {
    match item.at("peer_id") {
        "" => item.short("device_id"),
        peer => peer.chars().skip(peer.chars().count().saturating_sub(TAIL)).collect(),
    }
}

/// The groups that a new device got.
pub fn joined(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut out = format!("{}\n", texts.device_joined(clean(answer.at("name")), clean(answer.at("person"))));
    for group in answer.list("groups") {
        let name = match group.at("name") {
            "" => peek::short(group.at("group_id")),
            name => clean(name),
        };
        out.push_str(&format!("  {name}\n"));
    }
    if answer.count("held") > 0 {
        out.push_str(&format!("{}\n", texts.device_held(answer.count("held"))));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn devices_stand_with_their_names_and_this_one_is_marked() {
        let answer = json!({"items": [
            {"device_id": "12D3KooWabcdefgh", "peer_id": "12D3KooWabcdefgh", "name": "laptop", "this": true, "groups": [{}, {}]},
            {"device_id": "ab".repeat(32), "peer_id": null, "name": null, "ended": true, "groups": [{"ended": true}]},
        ]});
        let shown = list(&plain(Lang::En), &answer);
        assert!(shown.contains("laptop") && shown.contains("abcdefgh") && shown.contains("this device"), "{shown}");
        assert!(shown.contains("abababab") && shown.contains("removed"), "{shown}");
        assert!(list(&plain(Lang::Zh), &answer).contains("本机"));
        assert_eq!(list(&plain(Lang::En), &json!({"items": []})).lines().count(), 1);
    }

    #[test]
    fn what_was_taken_over_is_listed() {
        let answer = json!({"name": "laptop", "person": "爱达", "held": 1, "groups": [{"name": "读书会"}, {"group_id": "ab12ab12ab12"}]});
        let shown = joined(&plain(Lang::En), &answer);
        assert!(shown.contains("爱达") && shown.contains("  读书会\n") && shown.contains("  ab12ab12\n"), "{shown}");
    }
}
