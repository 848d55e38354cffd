//! `export --out`, `import`: what was done with each file.

use serde_json::Value;

use super::View;
use super::peek::Peek as _;
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};

/// One line per file.
pub fn list(view: &View, items: &[Value]) -> String {
    let mut table = Table::new().left(view.texts.file()).left(view.texts.what()).left(view.texts.kind_note()).left("");
    for item in items {
        let action = item.at("action");
        let style = match action {
            "failed" => Style::Red,
            "unchanged" => Style::Dim,
            "kept" => Style::Yellow,
            _ => Style::Green,
        };
        let cause = item.get("error").map_or("", |error| error.at("message"));
        table.row(vec![
            item.at("path").into(),
            Cell::new(style, view.texts.word(action)),
            Cell::new(Style::Cyan, &item.short("note_id")),
            cause.into(),
        ]);
    }
    table.render(view.paint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn what_failed_says_why() {
        let items = [
            json!({"path": "a.md", "action": "created", "note_id": "0123456789"}),
            json!({"path": "笔记.md", "action": "failed", "error": {"code": "bad_input", "message": "not UTF-8"}}),
        ];
        let shown = list(&plain(Lang::En), &items);
        assert!(shown.contains("a.md     created  01234567\n"), "{shown}");
        assert!(shown.contains("笔记.md  failed             not UTF-8\n"), "{shown}");
    }
}
