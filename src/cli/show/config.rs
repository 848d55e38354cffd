//! `config show`.

use serde_json::Value;

use super::View;
use super::peek::Peek as _;
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};

/// Every setting with where its value comes from.
pub fn show(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.key()).left(texts.value()).left(texts.source());
    for item in answer.items() {
        let source = match (item.at("source"), item.at("from")) {
            (source, "") => texts.word(source).to_owned(),
            (source, from) => format!("{} ({from})", texts.word(source)),
        };
        let values: Vec<String> = match item.get("value") {
            Some(Value::Array(list)) if list.is_empty() => vec!["-".into()],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) if text.is_empty() => vec!["-".into()],
            Some(Value::String(text)) => vec![text.clone()],
            Some(other) => vec![other.to_string()],
            None => vec![],
        };
        for (at, value) in values.into_iter().enumerate() {
            let (key, from) = if at == 0 { (item.at("key"), source.as_str()) } else { ("", "") };
            table.row(vec![Cell::new(Style::Cyan, key), value.into(), Cell::new(Style::Dim, from)]);
        }
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
    fn each_value_stands_with_its_place() {
        let answer = json!({"items": [
            {"key": "name", "value": "Ada", "source": "env", "from": "STUDYMESH_NAME"},
            {"key": "listen", "value": ["/a", "/b"], "source": "default", "from": null},
            {"key": "mdns", "value": false, "source": "flag", "from": "--no-mdns"},
        ]});
        assert_eq!(
            show(&plain(Lang::En), &answer),
            "SETTING  VALUE  FROM\nname     Ada    environment (STUDYMESH_NAME)\nlisten   /a     default\n         /b\nmdns     false  flag (--no-mdns)\n"
        );
    }
}
