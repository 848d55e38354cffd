//! `search`.

use serde_json::Value;

use super::View;
use super::peek::{self, Peek as _};
use crate::cli::paint::{Style, clean};
use crate::cli::table::{fit, width};

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
        let snippet = snippet(view, item);
        if !snippet.is_empty() {
            out.push_str(&format!("    {snippet}\n"));
        }
    }
    if out.is_empty() {
        out = format!("{}\n", view.dim(view.texts.no_results()));
    }
    out
}

/// The words around, with what fits the query painted.
fn snippet(view: &View, item: &Value) -> String {
    let text = item.at("snippet");
    if text.trim().is_empty() {
        return String::new();
    }
    let mut left = if view.cut { SNIPPET_COLUMNS } else { usize::MAX };
    let mut out = String::new();
    for (part, is_mark) in parts(text, item.list("marks")) {
        let part = clean(part);
        let shown = fit(&part, left);
        left = left.saturating_sub(width(&shown));
        out.push_str(&view.paint.paint(if is_mark { Style::Yellow } else { Style::Plain }, &shown));
        if shown != part {
            break;
        }
    }
    out
}

/// The text in pieces, each with whether it is marked. Marks are byte ranges; those that do not fit the text are passed over.
fn parts<'t>(text: &'t str, marks: &[Value]) -> Vec<(&'t str, bool)> {
    let mut out = vec![];
    let mut at = 0;
    for mark in marks {
        let bound = |index: usize| mark.get(index).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let (Some(from), Some(to)) = (bound(0), bound(1)) else { continue };
        if let (Some(before), Some(marked)) = (text.get(at..from), text.get(from..to)) {
            out.extend([(before, false), (marked, true)]);
            at = to;
        }
    }
    out.push((&text[at..], false));
    out.retain(|(part, _)| !part.is_empty());
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

    #[test]
    fn marks_that_fit_are_painted_and_others_are_passed_over() {
        let marks = json!([[0, 6], [7, 8], [12, 99], [9, 15], "x", [3]]);
        // 云 is three bytes: 7..8 cuts a character, 12..99 ends beyond the text.
        let pieces = parts("云原 生态abc", marks.as_array().unwrap());
        assert_eq!(pieces, [("云原", true), (" 生态abc", false)]);
        let pieces = parts("libp2p打洞 与", json!([[0, 6], [6, 12]]).as_array().unwrap());
        assert_eq!(pieces, [("libp2p", true), ("打洞", true), (" 与", false)]);
        let view = View { paint: crate::cli::paint::Paint { on: true }, ..plain(Lang::En) };
        let long = json!({"snippet": format!("{}洞", "打".repeat(60)), "marks": [[0, 3], [180, 183]]});
        let shown = snippet(&view, &long);
        assert!(shown.starts_with("\x1b[33m打\x1b[0m打") && shown.ends_with('…'), "{shown}");
    }
}
