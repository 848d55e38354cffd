//! The roadmaps of a group: those that it has, those that it can add, and import.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde_json::Value;

use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;

/// `/groups/GROUP/roadmaps`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, Path(group): Path<String>) -> Response {
    frame.show(page(&app, &frame, &group).await)
}

async fn page(app: &App, frame: &Frame, group: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let list = app.ask_in(group, Command::RoadmapList).await?;
    let all: Vec<&Value> = list.items().iter().filter(|r| !r.is("removed") || r.is("builtin")).collect();
    let (own, more): (Vec<&Value>, Vec<&Value>) = all.into_iter().partition(|r| r.is("added"));
    let body = html! {
        h1 { (t.group_roadmaps()) }
        div.stackup #roadmaps data-live="" {
            @if own.is_empty() { p.dim { (t.no_roadmaps()) } }
            ul.cards {
                @for roadmap in &own {
                    li { a.card href={ "/groups/" (group) "/roadmaps/" (roadmap.at("roadmap_id")) } {
                        strong { (roadmap.localized("title", t.lang)) }
                        span.dim { (t.n_topics(roadmap.count("topics"))) @if roadmap.is("builtin") { " · " (t.builtin()) } }
                    } }
                }
            }
            @if !more.is_empty() {
                section.stack {
                    h2 { (t.more_roadmaps()) }
                    ul.cards {
                        @for roadmap in &more {
                            li.card {
                                a href={ "/groups/" (group) "/roadmaps/" (roadmap.at("roadmap_id")) } { (roadmap.localized("title", t.lang)) }
                                span.dim { (t.n_topics(roadmap.count("topics"))) }
                                form method="post" action={ "/groups/" (group) "/roadmaps" } data-enhance="stay" {
                                    button name="roadmap" value=(roadmap.at("roadmap_id")) { (t.add()) span.hidden { ": " (roadmap.localized("title", t.lang)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
        form.panel.stack method="post" action={ "/groups/" (group) "/roadmap-files" } data-drop="" {
            h2 { (t.import_title()) }
            p.dim { (t.import_about()) }
            label { span { (t.file_name()) } input name="name" required maxlength="200" value="roadmap.md" autocomplete="off" data-file-name=""; }
            label { span { (t.file_text()) } textarea.code name="text" rows="8" required spellcheck="false" data-file-text="" {} }
            p.dim { (t.import_licence()) }
            button.primary { (t.import()) }
        }
    };
    Ok(Page::of(group, "/roadmaps", t.roadmaps(), body))
}

/// `POST /groups/GROUP/roadmaps`: adds a built-in one.
pub async fn add(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        app.ask_in(&group, Command::RoadmapAdd { roadmap: form.text("roadmap").to_owned() }).await?;
        Ok(format!("/groups/{group}/roadmaps"))
    };
    frame.done(done.await)
}

/// `POST /groups/GROUP/roadmap-files`: imports a file.
pub async fn import(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let command = Command::RoadmapImport { name: form.text("name").to_owned(), text: form.area("text") };
        let made = app.ask_in(&group, command).await?;
        Ok(format!("/groups/{group}/roadmaps/{}", made.at("roadmap_id")))
    };
    frame.done(done.await)
}
