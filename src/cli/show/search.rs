//! `search`.

use serde_json::Value;

use super::View;
use super::peek::{self, Peek as _};
use crate::cli::paint::{Style, clean};
use crate::cli::table::fit;

/// Columns of a snippet.
const SNIPPET_COLUMNS: usize = 100;

/// What was found, best first: a line for what and where, a line for the words around.
pub fn results(view: &View, answer: &Value) -> String {
    let mut out = String::new();
    for item in answer.items() {
        let kind = view.dim(view.texts.word(item.at("kind")));
        // Topics have readable ids; those of notes and links are digits.
        let id = if item.at("kind") == "topic" { clean(item.at("id")) } else { peek::short(item.at("id")) };
        let title = view.bold(&clean(&item.localized("title", view.texts.lang)));
        out.push_str(&format!("{}  {title}  {kind}\n", view.paint.paint(Style::Cyan, &id)));
        let snippet = clean(item.at("snippet"));
        if !snippet.trim().is_empty() {
            let snippet = if view.cut { fit(&snippet, SNIPPET_COLUMNS) } else { snippet };
            out.push_str(&format!("    {snippet}\n"));
        }
    }
    if out.is_empty() {
        out = format!("{}\n", view.dim(view.texts.no_results()));
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
    fn a_result_says_what_it_is_and_the_words_around() {
        let answer = json!({"items": [
            {"kind": "note", "id": "0123456789abcdef", "title": "K8s 部署", "snippet": "libp2p打洞\n与 云原生", "score": 1.5},
            {"kind": "topic", "id": "kubernetes-basics", "title": "Kubernetes", "snippet": ""},
        ]});
        assert_eq!(
            results(&plain(Lang::Zh), &answer),
            "01234567  K8s 部署  笔记\n    libp2p打洞 与 云原生\nkubernetes-basics  Kubernetes  主题\n"
        );
        assert_eq!(results(&plain(Lang::En), &json!({"items": []})), "nothing found\n");
    }
}
