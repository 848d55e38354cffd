//! Invites: making a ticket, showing it once with its QR code, and taking invites back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::Of;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::layout::{Frame, Page};
use crate::web::picture::qr;
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;

/// Hours of the choices of a ticket's life.
const DAY: u64 = 24;

/// The form that makes a ticket.
pub fn form(of: &Of<'_>) -> Markup {
    let t = of.frame.texts;
    let lives = [(7 * DAY, t.a_week()), (DAY, t.a_day()), (30 * DAY, t.a_month()), (0, t.for_ever())];
    html! {
        p.dim { @if of.closed { (t.invite_about_closed()) } @else { (t.invite_about_open()) } }
        form.fields method="post" action={ (of.base) "/invite" } {
            label { span { (t.expires()) }
                select name="hours" { @for (hours, name) in lives { option value=(hours) selected[(hours == 0) != of.closed && (hours == 0 || hours == 7 * DAY)] { (name) } } }
            }
            @if of.closed {
                label { span { (t.uses()) } input type="number" name="uses" min="0" max="10000" value="1" inputmode="numeric" title=(t.uses_any()); }
                label { span { (t.invite_role()) }
                    select name="role" { @for role in ["member", "reader", "admin"] { option value=(role) { (super::role_word(t, role)) } } }
                }
                label.choice { input type="checkbox" name="approve" value="yes"; span { (t.approve()) } }
            }
            label.choice { input type="checkbox" name="addresses" value="yes" checked; span { (t.with_addresses()) } }
            button.primary { (t.make_invite()) }
        }
    }
}

/// The invites that were made.
pub fn list(of: &Of<'_>, invites: &Value) -> Markup {
    let t = of.frame.texts;
    html! { @if of.closed {
        h3 { (t.invites()) }
        @if invites.items().is_empty() { p.dim { (t.no_invites()) } }
        ul.rows { @for invite in invites.items() {
            li {
                code { (invite.short("invite_id")) }
                span.mark class=(if invite.is("open") { "s-done" } else { "s-todo" }) {
                    @if invite.is("open") { "✓ " (t.invite_open()) } @else if invite.is("revoked") { "– " (t.invite_revoked()) } @else { "– " (t.invite_over()) }
                }
                span { (super::role_word(t, invite.at("role"))) }
                span.dim { @match invite.number("uses") { Some(uses) => (t.used_of(invite.count("used"), uses)), None => (t.used_any(invite.count("used"))) } }
                @if !invite.texts("used_by").is_empty() { span.dim { (invite.texts("used_by").join(", ")) } }
                @if let Some(ms) = invite.number("expires_ms") { span.dim { (t.until(when::moment(ms))) } }
                span.end { (invite.at("by")) }
                @if invite.is("open") {
                    form method="post" action=(of.base) data-enhance="stay" {
                        input type="hidden" name="invite" value=(invite.at("invite_id"));
                        button.light name="do" value="revoke" { (t.revoke()) span.hidden { " " (invite.short("invite_id")) } }
                    }
                }
            }
        } }
    } }
}

/// `POST /groups/GROUP/settings/invite`: the ticket is in the answer, and nowhere else.
pub async fn make(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match made(&app, &frame, &group, &headers, body).await {
        Ok(page) => frame.render(StatusCode::OK, &page),
        Err(problem) => frame.problem(&problem),
    }
}

async fn made(app: &App, frame: &Frame, group: &str, headers: &HeaderMap, body: Body) -> Result<Page, Problem> {
    let t = frame.texts;
    let form = Form::read(headers, body).await?;
    let number = |name: &str| {
        let wrong = |_| Problem::http("bad_parameter", format!("\"{name}\" is a whole number"), "give a smaller one");
        Some(form.text(name)).filter(|text| !text.is_empty()).map(|text| text.parse::<u32>().map_err(wrong)).transpose()
    };
    let role = Some(form.text("role")).filter(|role| !role.is_empty()).map(super::role).transpose()?;
    let command = Command::Invite {
        expires_hours: number("hours")?.map(u64::from),
        addresses: form.text("addresses") == "yes",
        role,
        uses: number("uses")?,
        approve: form.text("approve") == "yes",
    };
    let made = app.ask_in(group, command).await?;
    let ticket = made.at("ticket");
    let body = html! {
        div.head { h1 { (t.ticket_ready()) } a href={ "/groups/" (group) "/settings#invite" } { "← " (t.back_to_settings()) } }
        section.panel.ticket {
            p { (t.ticket_once()) }
            @if let Some(picture) = qr::draw(&ticket.to_uppercase(), t.qr_title()) { (picture) }
            label { span { (t.ticket()) } textarea.code rows="6" readonly spellcheck="false" { (ticket) } }
            p.dim {
                @match made.number("expires_ms") { Some(ms) => { (t.until(when::moment(ms))) }, None => { (t.expires()) ": " (t.for_ever()) } }
                @if let Some(uses) = made.number("uses") { " · " (t.uses()) ": " (uses) }
                @if !made.at("role").is_empty() { " · " (super::role_word(t, made.at("role"))) }
            }
            p.dim { (t.ticket_use()) }
            pre { "studymesh join " (ticket) }
        }
    };
    Ok(Page::of(group, "/settings", t.ticket_ready(), body))
}
