//! `link list`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{View, or_nothing};
use crate::cli::paint::Style;
use crate::cli::table::{Cell, Table};

/// Columns for an address.
const URL_COLUMNS: usize = 60;

/// Links, most votes first. Unread ones are bold.
pub fn list(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table = Table::new().left(texts.id()).right(texts.votes()).left(texts.title()).at_most(view.title());
    table = table.left(texts.url()).at_most(view.cut.then_some(URL_COLUMNS)).left(texts.tags()).at_most(view.names());
    table = table.left(texts.added_by()).at_most(view.names()).left("");
    for item in answer.items() {
        let mine: Vec<&str> = [("voted", texts.voted()), ("removed", texts.removed())]
            .into_iter()
            .filter_map(|(key, word)| item.is(key).then_some(word))
            .chain((!item.is("read")).then(|| texts.unread()))
            .collect();
        let style = if item.is("read") { Style::Plain } else { Style::Bold };
        table.row(vec![
            Cell::new(Style::Cyan, &item.short("link_id")),
            item.count("votes").into(),
            Cell::new(style, item.at("title")),
            item.at("url").into(),
            item.texts("tags").join(" ").into(),
            item.texts("added_by").join(", ").into(),
            Cell::new(Style::Dim, &mine.join(", ")),
        ]);
    }
    or_nothing(view, &table, texts.no_links())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn a_link_says_who_added_it_and_what_is_mine() {
        let answer = json!({"items": [{
            "link_id": "ff".repeat(32), "url": "https://helm.sh/docs/", "title": "Helm", "tags": ["helm"], "added_by": ["Ada", "Bo"],
            "votes": 2, "voted": true, "read": false,
        }]});
        let shown = list(&plain(Lang::En), &answer);
        assert!(
            shown.ends_with("ffffffff      2  Helm   https://helm.sh/docs/  helm  Ada, Bo   voted, unread\n"),
            "{shown}"
        );
    }
}
