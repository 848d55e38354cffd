//! The history of a note: who wrote when, what changed, and back to any version.
//!
//! Whoever types makes an edit every half second; people see one step for what one person wrote in one go.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::notes::{self, SECTION};
use super::{note, parts};
use crate::api::peek::Peek as _;
use crate::api::{Command, NoteLive};
use crate::web::form::Form;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;

/// Edits of one person that follow each other this closely are one step, milliseconds.
const STEP_MS: u64 = 5 * 60_000;
/// Most steps on the page.
const SHOWN: usize = 100;

/// Edits of one person in a row.
#[derive(Debug, PartialEq)]
struct Step<'a> {
    first: &'a Value,
    last: &'a Value,
    added: u64,
    removed: u64,
}

/// `/groups/GROUP/notes/NOTE/history`, with `at=VERSION` for one step.
pub async fn show(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, note)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let page = async {
        let query = Form::parse(uri.query().unwrap_or_default().as_bytes())?;
        page(&app, &frame, &group, &note, query.text("at")).await
    };
    frame.show(page.await)
}

async fn page(app: &App, frame: &Frame, group: &str, given: &str, at: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let shown = app.ask_in(group, Command::NoteShow { note: given.to_owned(), version: None }).await?;
    let id = shown.at("note_id");
    let history = app.ask_in(group, Command::NoteHistory { note: id.to_owned() }).await?;
    let base = format!("/groups/{group}{SECTION}/{id}");
    let steps = steps(history.items());
    let chosen = steps.iter().find(|step| step.last.count("version").to_string() == at).or(steps.last());
    let title = notes::title(t, &shown);
    let body = html! {
        div.head { h1 { (t.note_history_title()) ": " (title) } a href=(base) { "← " (t.note_back()) } }
        div.wide-left {
            @if let Some(step) = chosen { (one(app, frame, group, id, &base, step).await?) }
            section.panel {
                h2 { (t.note_versions()) }
                ol.rows.steps-list { @for step in steps.iter().rev().take(SHOWN) {
                    @let version = step.last.count("version");
                    @let here = chosen.is_some_and(|chosen| chosen == step);
                    li {
                        (parts::face(step.last.at("author"), step.last.at("author")))
                        a href={ (base) "/history?at=" (version) } aria-current=[here.then_some("true")] { (t.note_version(version)) }
                        span { (step.last.at("author")) }
                        span.end { span.plus { "+" (step.added) } " " span.minus { "−" (step.removed) } " · " (when::ago(t, frame.now, step.last.count("time_ms"))) }
                    }
                } }
            }
        }
    };
    Ok(Page::of(group, SECTION, format!("{}: {title}", t.note_history_title()), body))
}

/// One step: the difference, the text, and the way back to it.
async fn one(app: &App, frame: &Frame, group: &str, id: &str, base: &str, step: &Step<'_>) -> Result<Markup, Problem> {
    let t = frame.texts;
    let to = step.last.at("entry_id").to_owned();
    let from = Some(step.first.texts("builds_on").join(",")).filter(|from| !from.is_empty());
    let compare = NoteLive::Compare { note: id.to_owned(), from, to: to.clone() };
    let compared = app.ask_in(group, Command::NoteLive(compare)).await?;
    let version = step.last.count("version");
    let text = app.ask_in(group, Command::NoteShow { note: id.to_owned(), version: Some(to) }).await?;
    let links = note::links(app, group, None, text.at("body")).await?;
    let changes: Vec<(&str, &str)> = compared
        .list("changes")
        .iter()
        .filter_map(|change| Some((change.get(0)?.as_str()?, change.get(1)?.as_str()?)))
        .collect();
    Ok(html! {
        div.stackup {
            section.panel {
                div.head {
                    h2 { (t.note_version(version)) }
                    form method="post" action={ (base) "/restore" } {
                        input type="hidden" name="version" value=(step.last.at("entry_id"));
                        button { (t.note_restore_this()) }
                    }
                }
                p.about { span { (step.last.at("author")) } span { (when::ago(t, frame.now, step.last.count("time_ms"))) } }
                h3 { (t.note_difference()) }
                @if changes.iter().all(|(kind, _)| *kind == "same") { p.dim { (t.note_no_difference()) } }
                @else {
                    pre.difference tabindex="0" { @for (kind, text) in changes {
                        @match kind {
                            "added" => ins { span.hidden { "[" (t.note_added()) "] " } (text) },
                            "removed" => del { span.hidden { "[" (t.note_removed()) "] " } (text) },
                            _ => span { (text) },
                        }
                    } }
                }
            }
            section.panel {
                h2 { (t.note_at_version()) }
                (note::rendered(group, text.at("body"), &links))
            }
        }
    })
}

/// What people see of a history: edits of one person that follow each other, each on the one before, are one step.
fn steps(history: &[Value]) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = vec![];
    for edit in history {
        let (added, removed) = (edit.count("added"), edit.count("removed"));
        match steps.last_mut() {
            Some(step)
                if step.last.at("author") == edit.at("author")
                    && edit.texts("builds_on") == [step.last.at("entry_id")]
                    && edit.count("time_ms").saturating_sub(step.last.count("time_ms")) < STEP_MS =>
            {
                step.last = edit;
                step.added += added;
                step.removed += removed;
            }
            _ => steps.push(Step { first: edit, last: edit, added, removed }),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_one_person_wrote_in_one_go_is_one_step() {
        let edit = |version: u64, author: &str, on: &str, time: u64| {
            json!({
                "version": version, "author": author, "entry_id": format!("e{version}"), "builds_on": [on], "time_ms": time,
                "added": 2, "removed": 1,
            })
        };
        let history = [
            edit(1, "Ada", "e0", 0),
            edit(2, "Ada", "e1", 1_000),
            edit(3, "Bo", "e2", 2_000),
            edit(4, "Ada", "e2", 2_500),
            edit(5, "Ada", "e4", 900_000),
        ];
        let found: Vec<(u64, u64, u64)> =
            steps(&history).iter().map(|s| (s.first.count("version"), s.last.count("version"), s.added)).collect();
        assert_eq!(found, [(1, 2, 4), (3, 3, 2), (4, 4, 2), (5, 5, 2)]);
    }
}
