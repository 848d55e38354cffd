//! The start: the first run, and the list of groups.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

use crate::api::peek::Peek as _;
use crate::api::{Command, GroupKind};
use crate::model::roadmap::builtin::PATH_ID;
use crate::web::form::Form;
use crate::web::lang::{COOKIE, Texts};
use crate::web::layout::{Frame, Page, THEME, back};
use crate::web::problem::Problem;
use crate::web::state::App;

/// How long a form waits for a group to come, milliseconds.
const JOIN_WAIT_MS: u64 = 5_000;
/// How long a browser remembers language and colours: a year.
const LOOK_SECONDS: u64 = 365 * 24 * 3_600;

/// `/`: the first run while there is no name or no group, else the groups.
pub async fn show(frame: Frame) -> Response {
    let t = frame.texts;
    let body = if frame.status.at("person").is_empty() {
        html! {
            section.sheet.narrow {
                h1 { (t.welcome()) }
                p.lead { (t.welcome_about()) }
                (steps(t, 0))
                (name_form(t, ""))
            }
        }
    } else if frame.groups().is_empty() {
        html! {
            section.sheet {
                h1 { (t.hello(frame.status.at("person"))) }
                (steps(t, 1))
                (entrance(t))
            }
        }
    } else {
        html! {
            h1 { (t.your_groups()) }
            ul.cards #groups data-live="" { @for group in frame.groups() { li { (card(&frame, group)) } } }
        }
    };
    frame.show(Ok(Page::new(t.your_groups(), body)))
}

/// `/new`: another group.
pub async fn new(frame: Frame) -> Response {
    let t = frame.texts;
    let body = html! { section.sheet { h1 { (t.new_group()) } (entrance(t)) } };
    frame.show(Ok(Page::new(t.new_group(), body)))
}

fn steps(t: Texts, at: usize) -> Markup {
    html! {
        ol.steps {
            @for (n, name) in [t.step_name(), t.step_group()].into_iter().enumerate() {
                li aria-current=[(n == at).then_some("step")] { (name) }
            }
        }
    }
}

fn name_form(t: Texts, name: &str) -> Markup {
    html! {
        form.stack method="post" action="/name" {
            label { span { (t.your_name()) } input name="name" value=(name) required maxlength="64" autocomplete="nickname" autofocus; }
            p.dim { (t.step_name_about()) }
            button.primary { (t.continue_()) }
        }
    }
}

/// Join or found: the two ways into a group.
fn entrance(t: Texts) -> Markup {
    html! {
        div.two {
            form.stack.box method="post" action="/join" {
                h2 { (t.join_title()) }
                p.dim { (t.join_about()) }
                label { span { (t.ticket()) }
                    textarea name="ticket" rows="4" required maxlength="4096" spellcheck="false" autocapitalize="off" autocomplete="off" placeholder="studymesh…" {}
                }
                button.primary { (t.join()) }
            }
            form.stack.box method="post" action="/groups" {
                h2 { (t.create_title()) }
                p.dim { (t.create_about()) }
                label { span { (t.group_name()) } input name="name" required maxlength="64" autocomplete="off"; }
                fieldset {
                    legend { (t.kind()) }
                    label.choice { input type="radio" name="kind" value="closed" checked; span { (t.kind_closed()) } }
                    label.choice { input type="radio" name="kind" value="open"; span { (t.kind_open()) } }
                }
                label { span { (t.first_roadmap()) }
                    select name="roadmap" {
                        option value=(PATH_ID) { (t.path_title()) }
                        option value="" { (t.no_roadmap()) }
                    }
                }
                button.primary { (t.create()) }
            }
        }
    }
}

fn card(frame: &Frame, group: &Value) -> Markup {
    let t = frame.texts;
    let (state, class) = match (group.at("state"), group.get("complete")) {
        ("waiting", _)
            if group.at("standing") != "in" && group.count("connected") == 0 && group.count("members") > 1 =>
        {
            (t.alone(), "s-todo")
        }
        (_, Some(Value::Bool(true))) => (t.complete(), "s-done"),
        (_, Some(Value::Bool(false))) => (t.syncing(), "s-doing"),
        ("waiting", _) => (t.waiting(), "s-todo"),
        _ => (t.alone(), "s-todo"),
    };
    html! {
        a.card href={ "/groups/" (group.at("group_id")) } {
            strong { (frame.name(group)) }
            span.dim { (t.n_members(group.count("members"))) " · " (t.n_entries(group.count("entries"))) }
            span.dim { span class={ "mark " (class) } { (state) }
                @if group.count("connected") > 0 { " · " (t.n_connected(group.count("connected"))) }
            }
        }
    }
}

/// `POST /name`.
pub async fn name(State(app): State<Arc<App>>, frame: Frame, headers: HeaderMap, body: Body) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        app.ask(Command::SetName { name: form.text("name").to_owned() }).await?;
        Ok("/".to_owned())
    };
    frame.done(done.await)
}

/// `POST /groups`.
pub async fn create(State(app): State<Arc<App>>, frame: Frame, headers: HeaderMap, body: Body) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let kind = if form.text("kind") == "open" { GroupKind::Open } else { GroupKind::Closed };
        let roadmap = Some(form.text("roadmap").to_owned()).filter(|r| !r.is_empty());
        let made = app.ask(Command::GroupCreate { name: form.text("name").to_owned(), kind, roadmap }).await?;
        Ok(format!("/groups/{}", made.at("group_id")))
    };
    frame.done(done.await)
}

/// `POST /join`.
pub async fn join(State(app): State<Arc<App>>, frame: Frame, headers: HeaderMap, body: Body) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        // Tickets are copied with line ends and spaces in them.
        let ticket: String = form.text("ticket").split_whitespace().collect();
        let made = app.ask(Command::Join { ticket, wait_ms: JOIN_WAIT_MS }).await?;
        Ok::<_, Problem>(format!("/groups/{}", made.at("group_id")))
    };
    frame.done(done.await)
}

/// `POST /look`: language and colours, kept by the browser.
pub async fn look(headers: HeaderMap, body: Body) -> Response {
    let form = match Form::read(&headers, body).await {
        Ok(form) => form,
        Err(problem) => return problem.into_response(),
    };
    let mut response = Redirect::to(&back(form.text("back"))).into_response();
    for (cookie, field, words) in [(COOKIE, "lang", &["en", "zh"][..]), (THEME, "theme", &["auto", "light", "dark"])] {
        if let Some(word) = words.iter().find(|word| **word == form.text(field)) {
            let value = format!("{cookie}={word}; Path=/; Max-Age={LOOK_SECONDS}; HttpOnly; SameSite=Strict");
            let value = HeaderValue::from_str(&value).expect("a cookie of ours is plain text");
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}
