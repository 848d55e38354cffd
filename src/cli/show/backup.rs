//! `backup inspect`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{Fields, View};
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// What is in a backup.
pub fn contents(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut fields = Fields::new();
    fields.put(texts.l_made(), time::both(texts, view.now, answer.count("created_ms")));
    fields.put(texts.l_person(), answer.at("person"));
    fields.put(texts.l_peer(), answer.at("peer_id"));
    fields.put(texts.l_version(), answer.at("program"));
    let entries = answer.count("entries");
    let held = if answer.is("keys_only") { Cell::from(texts.keys_alone()) } else { entries.into() };
    fields.put(texts.l_entries(), held);
    let mut table = Table::new().left(texts.id()).left(texts.name()).at_most(view.title()).left(texts.kind());
    for group in answer.list("groups") {
        table.row(vec![
            group.short("group_id").as_str().into(),
            group.at("name").into(),
            texts.word(group.at("kind")).into(),
        ]);
    }
    format!("{}\n{}", fields.render(view), super::or_nothing(view, &table, texts.no_groups()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn a_backup_says_when_it_was_made_whose_it_is_and_which_groups_it_has() {
        let mut answer = json!({
            "created_ms": 0, "person": "爱达", "peer_id": "12D3KooW", "program": "0.1.0", "entries": 7, "keys_only": false,
            "groups": [{"group_id": "ab".repeat(32), "name": "云原生", "kind": "closed"}],
        });
        let shown = contents(&plain(Lang::En), &answer);
        assert!(
            shown.contains("1970-01-01") && shown.contains("爱达") && shown.contains("abababab  云原生"),
            "{shown}"
        );
        assert!(shown.contains("entries  7"), "{shown}");
        answer["keys_only"] = json!(true);
        assert!(contents(&plain(Lang::Zh), &answer).contains("只有密钥"));
    }
}
