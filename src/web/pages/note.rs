//! One note: reading it, the editor, and what else can be done with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::notes::{self, SECTION};
use crate::api::peek::Peek as _;
use crate::api::{Command, NoteLive};
use crate::model::note_links;
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{markdown, when};

/// `/groups/GROUP/notes/NOTE`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, Path((group, note)): Path<(String, String)>) -> Response {
    frame.show(page(&app, &frame, &group, &note).await)
}

async fn page(app: &App, frame: &Frame, group: &str, given: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let note = app.ask_in(group, Command::NoteShow { note: given.to_owned(), version: None }).await?;
    let id = note.at("note_id");
    let base = format!("/groups/{group}{SECTION}/{id}");
    let links = links(app, group, Some(id), note.at("body")).await?;
    let roadmaps = notes::roadmaps(app, group, t).await?;
    let title = notes::title(t, &note);
    let body = html! {
        div.head {
            h1 { (title) }
            @if !note.is("deleted") { a.button.primary href={ (base) "/edit" } { (t.note_edit()) } }
        }
        div.stackup #about data-live="" {
            p.about {
                (of(t, group, &note, &roadmaps))
                span { (note.texts("authors").join(", ")) }
                span { (when::ago(t, frame.now, note.count("updated_ms"))) }
                span { a href={ (base) "/history" } { (t.note_version(note.count("version"))) } }
                (saved(app, t, group).await)
            }
        }
        @if note.is("deleted") {
            form.notice.deleted method="post" action={ (base) "/restore" } { p { (t.note_was_deleted()) } button { (t.note_restore()) } }
        }
        div.wide-left {
            article.panel #text data-live="" {
                @if note.at("body").trim().is_empty() { p.dim { (t.note_empty()) } }
                @else { (rendered(group, note.at("body"), &links)) }
            }
            div.stackup {
                section.panel #backlinks data-live="" {
                    h2 { (t.note_backlinks()) }
                    @if links.items().is_empty() { p.dim { (t.note_no_backlinks()) } }
                    ul.rows { @for other in links.items() { li { a href={ "/groups/" (group) (SECTION) "/" (other.at("note_id")) } { (notes::title(t, other)) } } } }
                }
                (details(t, &base, &note, &roadmaps))
            }
        }
    };
    Ok(Page::of(group, SECTION, title, body))
}

/// Topic and tags, as ways to other notes.
fn of(t: Texts, group: &str, note: &Value, roadmaps: &[(String, Vec<(String, String)>)]) -> Markup {
    let list = format!("/groups/{group}{SECTION}");
    let topic = note.at("topic");
    let name = roadmaps.iter().flat_map(|(_, topics)| topics).find(|(id, _)| id == topic);
    html! {
        @if !topic.is_empty() { span.topic { a href=(notes::address(&list, &[("topic", topic)])) { (name.map_or(topic, |(_, name)| name)) } } }
        @for tag in note.texts("tags") { span.tag { a href=(notes::address(&list, &[("tag", tag)])) { "#" (tag) } } }
        @if note.is("deleted") { span { (t.notes_deleted()) } }
    }
}

/// Where the group's entries are: here, and at how many connected members.
async fn saved(app: &App, t: Texts, group: &str) -> Markup {
    let status = app.ask_in(group, Command::SyncStatus).await.unwrap_or_default();
    let holds = |peer: &&Value| matches!(peer.at("relation"), "equal" | "ahead");
    let text = match status.list("peers").iter().filter(holds).count() {
        0 => t.note_on_nobody().to_owned(),
        1 => t.note_on_one(1),
        n => t.note_on_peers(n),
    };
    html! { span.saved { (t.note_saved_here()) ", " (text) } }
}

fn details(t: Texts, base: &str, note: &Value, roadmaps: &[(String, Vec<(String, String)>)]) -> Markup {
    html! {
        details.panel #details {
            summary { (t.note_details()) }
            form.stack method="post" action={ (base) "/details" } {
                label { span { (t.note_title_label()) } input name="title" value=(note.at("title")) required maxlength="200" autocomplete="off"; }
                (notes::topic_choice(t, roadmaps, note.at("topic")))
                label { span { (t.note_tags_label()) } input name="tags" value=(note.texts("tags").join(", ")) maxlength="1000" autocomplete="off"; }
                input type="hidden" name="had_title" value=(note.at("title"));
                input type="hidden" name="had_topic" value=(note.at("topic"));
                input type="hidden" name="had_tags" value=(note.texts("tags").join(", "));
                button.primary { (t.note_save()) }
            }
            @if !note.is("deleted") {
                form.stack method="post" action={ (base) "/delete" } { p.dim { (t.note_delete_about()) } button { (t.note_delete()) } }
            }
        }
    }
}

/// A note's text, with its `[[links]]` leading to notes that are there, or to a new one.
pub fn rendered(group: &str, text: &str, links: &Value) -> Markup {
    let known: BTreeMap<String, &str> =
        links.list("found").iter().map(|link| (link.at("title").to_lowercase(), link.at("note_id"))).collect();
    let base = format!("/groups/{group}{SECTION}");
    markdown::render(text, &|title| {
        let title = title.trim();
        Some(match known.get(&title.to_lowercase()) {
            Some(note) => format!("{base}/{note}"),
            None => notes::address(&format!("{base}/new"), &[("title", title)]),
        })
    })
}

/// What a text's links mean, and what links to a note.
pub async fn links(app: &App, group: &str, note: Option<&str>, text: &str) -> Result<Value, Problem> {
    let titles: Vec<String> = note_links::titles(text).into_iter().map(str::to_owned).collect();
    if note.is_none() && titles.is_empty() {
        return Ok(Value::Null);
    }
    let asked = NoteLive::Links { note: note.map(str::to_owned), titles };
    Ok(app.ask_in(group, Command::NoteLive(asked)).await?)
}

/// `/groups/GROUP/notes/NOTE/edit`: a form, and with the script the live editor.
pub async fn edit(State(app): State<Arc<App>>, frame: Frame, Path((group, note)): Path<(String, String)>) -> Response {
    let page = async {
        let t = frame.texts;
        let note = app.ask_in(&group, Command::NoteShow { note, version: None }).await?;
        let id = note.at("note_id");
        let base = format!("/groups/{group}{SECTION}/{id}");
        let links = links(&app, &group, None, note.at("body")).await?;
        let title = notes::title(t, &note);
        let body = html! {
            div.head {
                h1 { (title) }
                a.button href=(base) { (t.note_done()) }
            }
            section.editor #editor data-group=(group) data-note=(id) data-base=(base)
                data-saved=(t.note_is_saved()) data-saving=(t.note_is_saving()) data-offline=(t.note_is_offline())
                data-refused=(t.note_is_refused()) data-restored=(t.note_is_restored()) data-alone=(t.note_only_you()) {
                form.write method="post" action=(base) {
                    input type="hidden" name="rev" value=(note.texts("heads").join(","));
                    div.line {
                        label for="source" { (t.note_text_label()) }
                        span.here hidden role="group" aria-label=(t.note_here_now()) {}
                        span.state role="status" {}
                    }
                    div.page {
                        // A line end directly behind the tag is not part of the value.
                        textarea.code #source name="text" rows="24" spellcheck="false" autocomplete="off" { "\n" (note.at("body")) }
                        div.carets aria-hidden="true" {}
                    }
                    p.dim { (t.note_write_about()) }
                    button.primary.plain { (t.note_save()) }
                }
                section.preview aria-labelledby="preview-title" {
                    h2 #preview-title { (t.note_preview()) }
                    div #preview { (rendered(&group, note.at("body"), &links)) }
                }
            }
        };
        Ok(Page::of(&group, SECTION, title, body))
    };
    frame.show(page.await)
}

/// `POST /groups/GROUP/notes/NOTE`: the whole text, with the revision that was edited; what came since is merged.
pub async fn save(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, note)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let rev: Vec<String> = form.text("rev").split(',').map(str::to_owned).collect();
        let command = Command::NoteEdit { note: note.clone(), base: Some(rev), text: form.area("text") };
        app.ask_in(&group, command).await?;
        Ok(format!("/groups/{group}{SECTION}/{note}"))
    };
    frame.done(done.await)
}

/// `POST /groups/GROUP/notes/NOTE/details`: what was changed of title, topic and tags.
pub async fn set(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, note)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let changed = |name: &str| {
            let (now, had) = (form.text(name), form.text(&format!("had_{name}")));
            (now != had).then(|| now.to_owned())
        };
        let (now, had) = (notes::words(form.text("tags")), notes::words(form.text("had_tags")));
        let (add_tags, remove_tags) = (without(&now, &had), without(&had, &now));
        let (title, topic) = (changed("title"), changed("topic"));
        let command = Command::NoteSet { note: note.clone(), title, topic, add_tags, remove_tags };
        app.ask_in(&group, command).await?;
        Ok(format!("/groups/{group}{SECTION}/{note}"))
    };
    frame.done(done.await)
}

/// What is in the one list and not in the other.
fn without(all: &[String], other: &[String]) -> Vec<String> {
    all.iter().filter(|one| !other.contains(one)).cloned().collect()
}

/// `POST /groups/GROUP/notes/NOTE/delete`.
pub async fn delete(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, note)): Path<(String, String)>,
) -> Response {
    let done = app.ask_in(&group, Command::NoteDelete { note: note.clone() }).await;
    frame.done(done.map(|_| format!("/groups/{group}{SECTION}/{note}")).map_err(Into::into))
}

/// `POST /groups/GROUP/notes/NOTE/restore`: a deleted note, or the text of a version.
pub async fn restore(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, note)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let version = Some(form.text("version").to_owned()).filter(|version| !version.is_empty());
        app.ask_in(&group, Command::NoteRestore { note: note.clone(), version }).await?;
        Ok(format!("/groups/{group}{SECTION}/{note}"))
    };
    frame.done(done.await)
}

/// `POST /groups/GROUP/notes/preview`: Markdown as the note's page will show it.
pub async fn preview(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let made = async {
        let form = Form::read(&headers, body).await?;
        let text = form.area("text");
        let links = links(&app, &group, None, &text).await?;
        Ok::<_, Problem>(rendered(&group, &text, &links))
    };
    match made.await {
        Ok(markup) => {
            let mut response = markup.into_string().into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            response
        }
        Err(problem) => frame.problem(&problem),
    }
}
