//! The devices of this person in a group, and the offer to another one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::Of;
use crate::api::peek::Peek as _;
use crate::web::layout::{Frame, Page};
use crate::web::state::App;
use crate::web::when;

/// How long a code is good.
const LIFE: Duration = Duration::from_secs(300);

/// The devices.
pub fn list(of: &Of<'_>, devices: &Value) -> Markup {
    let t = of.frame.texts;
    html! { ul.rows { @for device in devices.items() {
        @let name = if device.at("name").is_empty() { device.short("device_id") } else { device.at("name").to_owned() };
        li {
            strong { (name) }
            @if device.is("this") { span.dim { (t.this_device()) } }
            @else if device.is("ended") { span.dim { (t.removed()) } }
            @else if device.is("connected") { span.mark.s-done { "● " (t.online()) } }
            @else if let Some(ms) = device.number("last_seen_ms") { span.dim { (t.last_seen()) " " (when::ago(t, of.frame.now, ms)) } }
            code.dim.end { (device.short("device_id")) }
            @if !device.is("ended") {
                details.manage id={ "d-" (device.at("device_id")) } {
                    summary { (t.manage()) span.hidden { ": " (name) } }
                    div.states {
                        form.inline method="post" action=(of.base) data-enhance="stay" {
                            input type="hidden" name="device" value=(device.at("device_id"));
                            label { span { (t.device_name()) } input name="name" value=(device.at("name")) required maxlength="64" autocomplete="off"; }
                            button name="do" value="device-rename" { (t.rename()) }
                        }
                        @if !device.is("this") {
                            form.inline method="post" action=(of.base) data-enhance="stay" {
                                input type="hidden" name="device" value=(device.at("device_id"));
                                input type="hidden" name="ask" value="";
                                (super::sure(t))
                                button.danger name="do" value="device-remove" { (t.remove_member()) }
                            }
                        }
                    }
                }
            }
        }
    } } }
}

/// The form that makes a code.
pub fn offer_form(of: &Of<'_>) -> Markup {
    let t = of.frame.texts;
    html! {
        form.stack method="post" action={ (of.base) "/device" } {
            h3 { (t.link_device()) }
            p.dim { (t.link_device_about()) }
            button { (t.make_code()) }
        }
    }
}

/// `POST /groups/GROUP/settings/device`: the code is in the answer, and nowhere else.
pub async fn offer(State(app): State<Arc<App>>, frame: Frame, Path(group): Path<String>) -> Response {
    let t = frame.texts;
    let offer = match app.handle.link_device(LIFE).await {
        Ok(offer) => offer,
        Err(error) => return frame.problem(&error.into()),
    };
    let answer = offer.to_json();
    // The offer lives as long as somebody waits for its end.
    tokio::spawn(offer.linked());
    let body = html! {
        div.head { h1 { (t.device_code()) } a href={ "/groups/" (group) "/settings#devices" } { "← " (t.back_to_settings()) } }
        section.panel {
            p.code { (answer.at("code")) }
            p.dim { (t.code_minutes(LIFE.as_secs() / 60)) }
            p { (t.device_code_use()) }
            pre { "studymesh device join " (answer.at("code")) }
        }
    };
    frame.render(StatusCode::OK, &Page::of(&group, "/settings", t.device_code(), body))
}
