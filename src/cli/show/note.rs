//! `note list`, `note history`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{View, or_nothing};
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};

/// Notes, latest first.
pub fn list(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).left(texts.title()).at_most(view.title()).left(texts.topic());
    table = table
        .left(texts.tags())
        .at_most(view.names())
        .left(texts.authors())
        .at_most(view.names())
        .left(texts.updated());
    let mut doubtful = false;
    for item in answer.items() {
        doubtful |= item.is("doubtful_time");
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("note_id")),
            item.at("title").into(),
            item.at("topic").into(),
            item.texts("tags").join(" ").into(),
            item.texts("authors").join(", ").into(),
            view.ago(item.number("updated_ms"), item.is("doubtful_time")),
        ]);
    }
    with_doubt(view, or_nothing(view, &table, texts.no_notes()), doubtful)
}

/// Versions, the first at the top.
pub fn history(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().right(texts.version()).left(texts.id()).left(texts.when()).left(texts.author());
    table = table.right(texts.added_chars()).right(texts.removed_chars());
    let mut doubtful = false;
    for item in answer.items() {
        doubtful |= item.is("doubtful_time");
        table.row(vec![
            item.count("version").into(),
            Cell::new(Style::Cyan, &item.short("entry_id")),
            view.stamp(item.number("time_ms"), item.is("doubtful_time")),
            item.at("author").into(),
            Cell::new(Style::Green, &format!("+{}", item.count("added"))),
            Cell::new(Style::Red, &format!("-{}", item.count("removed"))),
        ]);
    }
    with_doubt(view, table.render(view.paint), doubtful)
}

pub(super) fn with_doubt(view: &View, mut shown: String, doubtful: bool) -> String {
    if doubtful {
        shown.push_str(&format!("{}\n", view.dim(view.texts.doubtful())));
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn titles_of_any_width_keep_the_columns_and_doubtful_times_are_marked() {
        let view = plain(Lang::En);
        let answer = json!({"items": [
            {"note_id": "1234567890", "title": "K8s 部署", "topic": "docker", "tags": ["k8s", "云"], "authors": ["Ada", "Bo"], "updated_ms": view.now - 120_000},
            {"note_id": "abcdef0123", "title": "Plan\n\u{1b}[1m", "topic": null, "tags": [], "authors": ["Ada"], "updated_ms": view.now + 9_000_000, "doubtful_time": true},
        ]});
        let shown = list(&view, &answer);
        assert!(shown.contains("12345678  K8s 部署   docker  k8s 云  Ada, Bo  2 min ago\n"), "{shown}");
        assert!(shown.contains("abcdef01  Plan \u{fffd}[1m                  Ada      in the future ?\n"), "{shown}");
        assert!(shown.ends_with("times with ? are ahead of this clock\n"), "{shown}");
    }

    #[test]
    fn a_history_numbers_its_versions() {
        let answer = json!({"items": [{"version": 1, "entry_id": "00ff00ff00", "time_ms": 0, "author": "Ada", "added": 12, "removed": 0}]});
        let shown = history(&plain(Lang::Zh), &answer);
        assert!(shown.ends_with("   1  00ff00ff  1970-01-01 00:00  Ada    +12    -0\n"), "{shown}");
    }
}
