//! One topic: what it is, who is on it, who can help, notes and links on it, and one's own state in one click.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::{parts, roadmap};
use crate::api::peek::Peek as _;
use crate::api::{Command, TopicState};
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page, back};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{markdown, when};

/// Most notes and links that a topic's page lists.
const SHOWN: usize = 20;

/// `/groups/GROUP/roadmaps/ROADMAP/topics/TOPIC`.
pub async fn show(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, roadmap, topic)): Path<(String, String, String)>,
) -> Response {
    frame.show(page(&app, &frame, &group, &roadmap, &topic).await)
}

async fn page(app: &App, frame: &Frame, group: &str, roadmap: &str, id: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let roadmap = app.ask_in(group, Command::RoadmapShow { roadmap: roadmap.to_owned() }).await?;
    let topics = roadmap.list("topics");
    let topic = topics.iter().find(|topic| topic.at("id") == id).ok_or_else(|| {
        Problem::http("no_such_path", format!("this roadmap has no topic \"{id}\""), "open the roadmap")
    })?;
    let people = app.ask_in(group, Command::ProgressGroup).await?;
    let people: Vec<&Value> = people.items().iter().filter(|item| item.at("topic_id") == id).collect();
    let notes = app.ask_in(group, Command::NoteList { topic: Some(id.to_owned()), tag: None, deleted: false }).await?;
    let links = Command::LinkList { topic: Some(id.to_owned()), tag: None, unread: false, removed: false };
    let links = app.ask_in(group, links).await?;
    let history = Command::ProgressHistory { topic: Some(id.to_owned()), person: None };
    let history = app.ask_in(group, history).await?;
    let base = format!("/groups/{group}/roadmaps/{}", roadmap.at("roadmap_id"));
    let here = format!("{base}/topics/{id}");
    let title = topic.localized("title", t.lang);
    let is_stage = topic.at("kind") == "stage";
    let body = html! {
        div.head {
            h1 { (title) }
            a href=(base) { "← " (roadmap.localized("title", t.lang)) }
        }
        div.wide-left {
            div.stackup {
                @if !is_stage { (own_state(t, group, id, topic, &here)) }
                @let about = topic.localized("description", t.lang);
                @if !about.is_empty() { section.panel { h2 { (t.description()) } (markdown::render(&about, &|_| None)) } }
                (reading(t, topic))
                div.stackup #shared data-live="" {
                    section.panel {
                        h2 { (t.notes()) }
                        @if notes.items().is_empty() { p.dim { (t.no_notes()) } }
                        ul.rows { @for note in notes.items().iter().take(SHOWN) {
                            li { a href={ "/groups/" (group) "/notes/" (note.at("note_id")) } { (super::notes::title(t, note)) } span.end { (note.texts("authors").join(", ")) " · " (when::ago(t, frame.now, note.count("updated_ms"))) } }
                        } }
                    }
                    section.panel {
                        h2 { (t.links()) }
                        @if links.items().is_empty() { p.dim { (t.no_links()) } }
                        ul.rows { @for link in links.items().iter().take(SHOWN) { li { (web_link(link)) } } }
                    }
                }
            }
            div.stackup {
                @if !is_stage { div.stackup #people data-live="" { (who(frame, &people)) } }
                (around(t, &base, topics, topic))
                @if !history.items().is_empty() { (marks(frame, history.items())) }
            }
        }
    };
    Ok(Page::of(group, "/roadmaps", title, body))
}

/// The state in one click; more of it behind a fold.
fn own_state(t: Texts, group: &str, id: &str, topic: &Value, here: &str) -> Markup {
    let state = if topic.at("state").is_empty() { "todo" } else { topic.at("state") };
    let action = format!("/groups/{group}/topics/{id}/progress");
    html! {
        section.panel {
            h2 { (t.your_state()) }
            form #state data-live="" method="post" action=(action) data-enhance="" {
                input type="hidden" name="back" value=(here);
                div.states role="group" aria-label=(t.your_state()) {
                    @for one in parts::STATES {
                        button name="state" value=(one) class=(parts::class(one)) aria-pressed=(if one == state { "true" } else { "false" }) {
                            span aria-hidden="true" { (parts::sign(one)) } (parts::word(t, one))
                        }
                    }
                }
            }
            details #more {
                summary.dim { (t.details()) }
                form.stack method="post" action=(action) {
                    input type="hidden" name="back" value=(here);
                    label { span { (t.state()) }
                        select name="state" { @for one in parts::STATES { option value=(one) selected[one == state] { (parts::word(t, one)) } } }
                    }
                    label { span { (t.minutes_label()) } input type="number" name="minutes" min="0" max="10080" value="0" inputmode="numeric"; }
                    label { span { (t.evidence()) } input type="url" name="evidence" maxlength="2000" placeholder="https://…"; }
                    p.dim { (t.evidence_about()) }
                    label { span { (t.remark()) } textarea name="remark" rows="2" maxlength="2000" {} }
                    button.primary { (t.save()) }
                }
            }
        }
    }
}

/// `POST /groups/GROUP/topics/TOPIC/progress`.
pub async fn set(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, topic)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let given = |name: &str| Some(form.area(name).trim().to_owned()).filter(|text| !text.is_empty());
        let state = match form.text("state") {
            "todo" => TopicState::Todo,
            "doing" => TopicState::Doing,
            "done" => TopicState::Done,
            "skip" => TopicState::Skip,
            _ => return Err(Problem::http("bad_parameter", "there is no such state", "choose one of the four")),
        };
        let minutes = match form.text("minutes") {
            "" => 0,
            text => text.parse().map_err(|_| {
                Problem::http("bad_parameter", "minutes are a whole number", "give the minutes since the last mark")
            })?,
        };
        let command =
            Command::ProgressSet { topic, state, minutes, evidence: given("evidence"), remark: given("remark") };
        app.ask_in(&group, command).await?;
        Ok(back(form.text("back")))
    };
    frame.done(done.await)
}

fn reading(t: Texts, topic: &Value) -> Markup {
    let links: Vec<String> = topic.texts("links").into_iter().filter_map(markdown::allowed).collect();
    html! {
        @if !links.is_empty() {
            section.panel { h2 { (t.where_to_read()) } ul.rows { @for link in links { li { a href=(link) { (link) } } } } }
        }
    }
}

/// A link that a member added.
fn web_link(link: &Value) -> Markup {
    let words = if link.at("title").is_empty() { link.at("url") } else { link.at("title") };
    html! {
        @match markdown::allowed(link.at("url")) {
            Some(url) => a href=(url) { (words) },
            None => span { (words) },
        }
        span.end { "▲ " (link.count("votes")) }
    }
}

fn who(frame: &Frame, people: &[&Value]) -> Markup {
    let t = frame.texts;
    let group = |title: &str, state: &str, none: &str| {
        let here: Vec<&&Value> = people.iter().filter(|p| p.at("state") == state).collect();
        html! {
            section.panel {
                h2 { (title) }
                @if here.is_empty() { p.dim { (none) } }
                ul.rows { @for person in here {
                    li {
                        (parts::face(person.at("person_id"), person.at("person"))) span { (person.at("person")) }
                        @if let Some(url) = markdown::allowed(person.at("evidence")) { a href=(url) { (t.evidence()) } }
                        span.end { (when::ago(t, frame.now, person.count("updated_ms"))) }
                    }
                } }
            }
        }
    };
    html! { (group(t.who_is_on_it(), "doing", t.nobody_yet())) (group(t.finished_it(), "done", t.nobody_finished())) }
}

/// What comes before and after.
fn around(t: Texts, base: &str, topics: &[Value], topic: &Value) -> Markup {
    let before: Vec<&Value> = topics.iter().filter(|o| topic.texts("after").contains(&o.at("id"))).collect();
    let held = |other: &Value| topic.at("kind") == "stage" && other.at("parent") == topic.at("id");
    let after: Vec<&Value> = topics.iter().filter(|o| o.texts("after").contains(&topic.at("id")) || held(o)).collect();
    let list = |title: &str, list: &[&Value]| {
        html! { @if !list.is_empty() { section.panel { h2 { (title) } ul.rows { @for one in list {
            li { a href={ (base) "/topics/" (one.at("id")) } { (one.localized("title", t.lang)) } span.end { (parts::state(t, one.at("state"))) } }
        } } } } }
    };
    let months = roadmap::months(t, topic);
    html! {
        @if !months.is_empty() { p.dim { (months) } }
        (list(t.read_first(), &before))
        (list(t.leads_to(), &after))
    }
}

fn marks(frame: &Frame, history: &[Value]) -> Markup {
    let t = frame.texts;
    html! {
        section.panel #marks data-live="" {
            h2 { (t.your_history()) }
            ul.rows { @for mark in history.iter().rev().take(SHOWN) {
                li {
                    (parts::state(t, mark.at("state")))
                    @if mark.count("minutes") > 0 { span { (t.n_minutes(mark.count("minutes"))) } }
                    @if !mark.at("remark").is_empty() { span { (mark.at("remark")) } }
                    span.end { (when::ago(t, frame.now, mark.count("time_ms"))) }
                }
            } }
        }
    }
}
