//! One roadmap: the picture, the same as a table, and its text to edit.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::parts;
use crate::api::peek::Peek as _;
use crate::api::{Command, RoadmapFile};
use crate::model::roadmap::{Lang, OPEN_MONTH};
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::picture::roadmap::{Face, Node, draw};
use crate::web::problem::Problem;
use crate::web::state::App;

/// `/groups/GROUP/roadmaps/ROADMAP`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, Path((group, id)): Path<(String, String)>) -> Response {
    frame.show(page(&app, &frame, &group, &id).await)
}

async fn page(app: &App, frame: &Frame, group: &str, id: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let roadmap = app.ask_in(group, Command::RoadmapShow { roadmap: id.to_owned() }).await?;
    let people = app.ask_in(group, Command::ProgressGroup).await?;
    let me = app.ask_in(group, Command::GroupShow).await?.at("person").to_owned();
    let id = roadmap.at("roadmap_id");
    let nodes = nodes(t, group, &roadmap, people.items(), &me);
    let title = roadmap.localized("title", t.lang);
    let (done, all) = counts(&nodes);
    let export = Command::RoadmapExport {
        roadmap: id.to_owned(),
        format: if t.lang == Lang::Zh { "outline-zh" } else { "outline-en" }.to_owned(),
    };
    let file = if roadmap.is("added") { Some(app.ask_in(group, export).await?) } else { None };
    let base = format!("/groups/{group}/roadmaps/{id}");
    let body = html! {
        div.head #head data-live="" {
            h1 { (title) }
            span.dim { (parts::bar(done, all, &t.n_of_done(done, all))) " " (t.n_of_done(done, all)) }
        }
        @if !roadmap.is("added") {
            form.notice method="post" action={ "/groups/" (group) "/roadmaps" } {
                (t.not_added()) " " button name="roadmap" value=(id) { (t.add()) }
            }
        }
        @let about = roadmap.localized("description", t.lang);
        @if !about.is_empty() { p.lead { (about) } }
        div.map #map data-live="" {
            (draw(t, &title, &nodes, done))
            details #topics {
                summary { (t.as_table()) }
                (table(t, &title, &nodes))
            }
        }
        @if let Some(file) = file {
            details.panel {
                summary { (t.edit_title()) }
                form.stack method="post" action=(base) {
                    p.dim { (t.edit_about()) }
                    label { span { (t.file_text()) }
                        textarea.code name="text" rows="24" required spellcheck="false" { "\n" (file.at("text")) }
                    }
                    button.primary { (t.save()) }
                }
            }
        }
    };
    Ok(Page::of(group, "/roadmaps", title, body))
}

/// `POST /groups/GROUP/roadmaps/ROADMAP`: an edited outline takes its place.
pub async fn edit(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, roadmap)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let file = RoadmapFile { name: "roadmap.md".into(), text: form.area("text") };
        let command =
            Command::RoadmapEdit { roadmap: roadmap.clone(), file: Some(file), remove: vec![], rename: vec![] };
        app.ask_in(&group, command).await?;
        Ok(format!("/groups/{group}/roadmaps/{roadmap}"))
    };
    frame.done(done.await)
}

/// Topics that are done, and all of them; stages are not counted.
fn counts(nodes: &[Node]) -> (usize, usize) {
    let topics = || nodes.iter().filter(|node| node.kind != "stage");
    (topics().filter(|node| node.state == "done").count(), topics().count())
}

/// The topics as the picture takes them.
fn nodes(t: Texts, group: &str, roadmap: &Value, people: &[Value], me: &str) -> Vec<Node> {
    let mut faces: BTreeMap<&str, Vec<Face>> = BTreeMap::new();
    for item in people.iter().filter(|item| item.at("person_id") != me) {
        if matches!(item.at("state"), "doing" | "done") {
            let name = item.at("person");
            let face = Face {
                initials: parts::initials(name),
                tint: parts::tint(item.at("person_id")),
                name: name.to_owned(),
                state: item.at("state").to_owned(),
            };
            faces.entry(item.at("topic_id")).or_default().push(face);
        }
    }
    let base = format!("/groups/{group}/roadmaps/{}/topics", roadmap.at("roadmap_id"));
    let one = |topic: &Value| Node {
        id: topic.at("id").to_owned(),
        title: topic.localized("title", t.lang),
        kind: topic.at("kind").to_owned(),
        parent: topic.at("parent").to_owned(),
        after: topic.texts("after").into_iter().map(str::to_owned).collect(),
        state: if topic.at("state").is_empty() { "todo".to_owned() } else { topic.at("state").to_owned() },
        months: months(t, topic),
        path: format!("{base}/{}", topic.at("id")),
        faces: faces.get(topic.at("id")).cloned().unwrap_or_default(),
    };
    roadmap.list("topics").iter().map(one).collect()
}

/// `months 1 to 3`, or nothing.
pub fn months(t: Texts, topic: &Value) -> String {
    let pair: Vec<u64> = topic.list("months").iter().filter_map(Value::as_u64).collect();
    match pair[..] {
        [from, to] if to == u64::from(OPEN_MONTH) => t.months_open(from),
        [from, to] => t.months(from, to),
        _ => String::new(),
    }
}

fn table(t: Texts, title: &str, nodes: &[Node]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(t.topics_of(title)) {
            table {
                caption.hidden { (t.topics_of(title)) }
                thead { tr { th scope="col" { (t.topic()) } th scope="col" { (t.your_state()) } th scope="col" { (t.people()) } } }
                tbody { @for node in nodes {
                    tr {
                        th scope="row" { a href=(node.path) { (node.title) } @if node.kind == "practice" { span.dim { " · " (t.practice()) } } }
                        td { @if node.kind != "stage" { (parts::state(t, &node.state)) } }
                        td { @for face in &node.faces { (face.name) " " (parts::sign(&face.state)) " " } }
                    }
                } }
            }
        }
    }
}
