//! Search over everything that the groups of this node hold.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::api::peek::Peek as _;
use crate::api::{Command, Request};
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;

/// Most hits that are shown.
const HITS: usize = 40;

/// `/search`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, RawQuery(query): RawQuery) -> Response {
    let page = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes())?;
        page(&app, &frame, form.text("q"), form.text("group")).await
    };
    frame.show(page.await)
}

async fn page(app: &App, frame: &Frame, query: &str, group: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let found = if query.is_empty() {
        None
    } else {
        let command = Command::Search { query: query.to_owned(), limit: HITS };
        let group = Some(group.to_owned()).filter(|group| !group.is_empty());
        Some(app.handle.call(Request::new(command).in_group(group)).await?)
    };
    let pending = found.as_ref().map_or(frame.status.count("unsearchable"), |found| found.count("pending"));
    let body = html! {
        h1 { (t.search_title()) }
        form.filter method="get" action="/search" role="search" data-search="results" {
            label.grow { span { (t.search_for()) }
                input #q type="search" name="q" value=(query) maxlength="256" autocomplete="off" autofocus placeholder=(t.search_hint());
            }
            @if frame.groups().len() > 1 {
                label { span { (t.in_group()) }
                    select name="group" {
                        option value="" { (t.in_all_groups()) }
                        @for one in frame.groups() { option value=(one.at("group_id")) selected[one.at("group_id") == group] { (frame.name(one)) } }
                    }
                }
            }
            button.primary { (t.search()) }
        }
        div.stackup #results data-live="" aria-live="polite" {
            @if pending > 0 { p.notice.flat { (t.to_be_indexed(pending)) } }
            @match &found {
                None => p.dim { (t.search_start()) " " (t.search_keys()) },
                Some(found) if found.items().is_empty() => p.dim { (t.search_none()) },
                Some(found) => {
                    p.dim { @if found.items().len() == HITS { (t.n_or_more_found(HITS)) } @else { (t.n_found(found.items().len())) } }
                    ol.hits { @for hit in found.items() { li { (hit_row(frame, hit)) } } }
                }
            }
        }
    };
    Ok(Page::new(t.search(), body))
}

fn hit_row(frame: &Frame, hit: &Value) -> Markup {
    let group = frame.group(hit.at("group_id")).map(|group| frame.name(group)).unwrap_or_default();
    html! {
        a.hit href=(path(hit)) {
            span.kind { (kind(frame.texts, hit.at("kind"))) }
            strong { (hit.at("title")) }
            @if frame.groups().len() > 1 { span.dim { (group) } }
        }
        p.snippet { (marked(hit.at("snippet"), hit.list("marks"))) }
    }
}

fn kind(t: Texts, kind: &str) -> &'static str {
    match kind {
        "link" => t.kind_link(),
        "topic" => t.kind_topic(),
        _ => t.kind_note(),
    }
}

/// Where a hit can be read.
fn path(hit: &Value) -> String {
    let (group, id) = (hit.at("group_id"), hit.at("id"));
    match hit.at("kind") {
        "link" => format!("/groups/{group}/links/{id}"),
        "topic" => format!("/groups/{group}/roadmaps/{}/topics/{id}", hit.at("roadmap_id")),
        _ => format!("/groups/{group}/notes/{id}"),
    }
}

/// A snippet with what fits marked. The marks are byte ranges, ascending; one that cuts a character is left out.
pub fn marked(text: &str, marks: &[Value]) -> Markup {
    let mut at = 0;
    let mut pieces: Vec<(&str, bool)> = vec![];
    for mark in marks {
        let end = |n: usize| mark.get(n).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let (Some(from), Some(to)) = (end(0), end(1)) else { continue };
        if from < at || from >= to {
            continue;
        }
        if let (Some(before), Some(fits)) = (text.get(at..from), text.get(from..to)) {
            pieces.extend([(before, false), (fits, true)]);
            at = to;
        }
    }
    pieces.push((text.get(at..).unwrap_or_default(), false));
    html! { @for (piece, fits) in pieces { @if fits { mark { (piece) } } @else { (piece) } } }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_stand_where_the_words_are_and_wrong_ones_harm_nothing() {
        let marks = |value: Value| value.as_array().unwrap().clone();
        assert_eq!(marked("学习容器 <b>", &marks(json!([[6, 12]]))).into_string(), "学习<mark>容器</mark> &lt;b&gt;");
        for wrong in [json!([[1, 3]]), json!([[9, 6]]), json!([[90, 99]]), json!([["x", 2]]), json!([[0]])] {
            assert_eq!(marked("学习 x", &marks(wrong)).into_string(), "学习 x");
        }
    }
}
