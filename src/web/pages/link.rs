//! One link: everything that can be changed about it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde_json::Value;

use super::links;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::layout::{Frame, Page, back};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{markdown, when};

/// `/groups/GROUP/links/LINK`.
pub async fn show(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, link)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let already = query.as_deref() == Some("already=1");
    frame.show(page(&app, &frame, &group, &link, already).await)
}

async fn find(app: &App, group: &str, id: &str) -> Result<Value, Problem> {
    for removed in [false, true] {
        let command = Command::LinkList { tag: None, topic: None, unread: false, removed };
        let list = app.ask_in(group, command).await?;
        if let Some(link) = list.items().iter().find(|link| link.at("link_id") == id) {
            return Ok(link.clone());
        }
    }
    let id: String = id.chars().take(80).collect();
    Err(Problem::http("no_such_path", format!("this group has no link {id}"), "open the list of links"))
}

async fn page(app: &App, frame: &Frame, group: &str, id: &str, already: bool) -> Result<Page, Problem> {
    let t = frame.texts;
    let link = find(app, group, id).await?;
    let topics = links::topics(app, t, group).await?;
    let base = format!("/groups/{group}/links");
    let here = format!("{base}/{id}");
    let tags = link.texts("tags").join(", ");
    let body = html! {
        div.head { h1 { (links::words(&link)) } a href=(base) { "← " (t.to_links()) } }
        @if already { p.notice.flat role="status" { (t.link_already()) } }
        section.panel #link data-live="" {
            p { @match markdown::allowed(link.at("url")) {
                Some(url) => a href=(url) rel="noopener noreferrer" target="_blank" { (link.at("url")) },
                None => { code { (link.at("url")) } " " span.dim { (t.unsafe_link()) } },
            } }
            p.dim { (t.added_by(link.texts("added_by").join(", "))) " · " (when::ago(t, frame.now, link.count("added_ms"))) " · ▲ " (link.count("votes")) }
            @if link.is("removed") { p.dim { (t.removed_about()) } }
            form.states method="post" action=(here) data-enhance="" {
                input type="hidden" name="back" value=(here);
                @if link.is("removed") { button name="do" value="restore" { (t.bring_back()) } }
                @else {
                    button name="do" value=(if link.is("voted") { "unvote" } else { "vote" }) aria-pressed=(if link.is("voted") { "true" } else { "false" }) { "▲ " (t.vote()) }
                    button name="do" value=(if link.is("read") { "unread" } else { "read" }) aria-pressed=(if link.is("read") { "true" } else { "false" }) { "✓ " (t.mark_unread()) }
                    button.danger name="do" value="remove" { (t.remove()) }
                }
            }
        }
        form.panel.stack method="post" action=(here) {
            h2 { (t.edit()) }
            input type="hidden" name="back" value=(here);
            input type="hidden" name="tags_before" value=(tags);
            label { span { (t.link_title()) } input name="title" value=(link.at("title")) maxlength="200" autocomplete="off"; }
            label { span { (t.tags()) } input name="tags" value=(tags) maxlength="400" autocomplete="off"; }
            (links::topic_field(t, &topics, link.at("topic"), t.no_topic()))
            button.primary name="do" value="set" { (t.save()) }
        }
    };
    Ok(Page::of(group, "/links", links::words(&link), body))
}

/// `POST /groups/GROUP/links/LINK`.
pub async fn change(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path((group, link)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let command = match form.text("do") {
            "vote" => Command::LinkVote { link, up: true },
            "unvote" => Command::LinkVote { link, up: false },
            "read" => Command::LinkRead { link, read: true },
            "unread" => Command::LinkRead { link, read: false },
            "remove" => Command::LinkRemove { link, removed: true },
            "restore" => Command::LinkRemove { link, removed: false },
            "set" => {
                // Only what this form changed: tags that came meanwhile stay.
                let (before, after) = (links::tags(form.text("tags_before")), links::tags(form.text("tags")));
                let lacking = |all: &[String], of: &[String]| -> Vec<String> {
                    of.iter().filter(|tag| !all.contains(tag)).cloned().collect()
                };
                let (add_tags, remove_tags) = (lacking(&before, &after), lacking(&after, &before));
                let topic = Some(form.text("topic").to_owned());
                Command::LinkSet { link, title: Some(form.text("title").to_owned()), topic, add_tags, remove_tags }
            }
            _ => return Err(Problem::http("bad_parameter", "there is no such action", "use the buttons of the page")),
        };
        app.ask_in(&group, command).await?;
        Ok(back(form.text("back")))
    };
    frame.done(done.await)
}
