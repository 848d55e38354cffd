//! The settings of a group: who is in, who may come in, on which devices, and what is kept where.

pub mod backup;
pub mod device;
pub mod invite;
mod members;
mod store;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::api::peek::Peek as _;
use crate::api::{Command, Device, Role};
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;

/// A part of the page: its anchor and its name.
type Part = (&'static str, fn(Texts) -> &'static str);

/// The parts, in their order.
const PARTS: &[Part] = &[
    ("invite", Texts::invite),
    ("requests", Texts::requests),
    ("members", Texts::members),
    ("devices", Texts::devices),
    ("keepers", Texts::keepers),
    ("only-here", Texts::only_here),
    ("quarantine", Texts::quarantine),
    ("backup", Texts::backup),
    ("group", Texts::about_group),
];

/// What every part needs to know.
pub struct Of<'a> {
    frame: &'a Frame,
    group: &'a Value,
    /// The path of this page: where its forms go.
    base: String,
    /// Whether this person may let in and remove.
    decides: bool,
    closed: bool,
}

/// `/groups/GROUP/settings`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, Path(group): Path<String>) -> Response {
    frame.show(page(&app, &frame, &group).await)
}

async fn page(app: &App, frame: &Frame, group: &str) -> Result<Page, Problem> {
    let t = frame.texts;
    let shown = app.ask_in(group, Command::GroupShow).await?;
    let id = shown.at("group_id").to_owned();
    let closed = shown.at("kind") == "closed";
    let decides = closed && matches!(shown.at("role"), "admin" | "owner");
    let of = Of { frame, group: &shown, base: format!("/groups/{id}/settings"), decides, closed };
    let ask = async |command| app.ask_in(&id, command).await;
    let people = ask(Command::MemberList).await?;
    let requests = ask(Command::Requests).await?;
    let invites = if closed { ask(Command::InviteList).await? } else { Value::Null };
    let devices = ask(Command::Device(Device::List)).await?;
    let quarantine = ask(Command::Quarantine).await?;
    let only_here = ask(Command::OnlyHere).await?;
    let limits = ask(Command::Quota { entries: None, bytes: None }).await?;
    let part = |id: &str, title: &str, body: Markup| {
        html! { section.panel id=(id) { h2 { (title) } div.stackup id={ (id) "-live" } data-live="" { (body) } } }
    };
    let body = html! {
        h1 { (t.group_settings()) }
        nav.chips aria-label=(t.settings_parts()) { @for (id, name) in PARTS { a href={ "#" (id) } { (name(t)) } } }
        section.panel #invite { h2 { (t.invite()) } (invite::form(&of)) div #invites data-live="" { (invite::list(&of, &invites)) } }
        (part("requests", t.requests(), members::requests(&of, &requests)))
        (part("members", t.members(), members::list(&of, &people)))
        section.panel #devices { h2 { (t.devices()) } div.stackup #devices-live data-live="" { (device::list(&of, &devices)) } (device::offer_form(&of)) }
        (part("keepers", t.keepers(), members::keepers(&of, &people)))
        (part("only-here", t.only_here(), store::only_here(&of, &only_here)))
        (part("quarantine", t.quarantine(), store::quarantine(&of, &quarantine)))
        section.panel #backup { h2 { (t.backup()) } (backup::form(&of)) }
        section.panel #group { h2 { (t.about_group()) } (store::about(&of, &limits)) }
    };
    Ok(Page::of(&id, "/settings", t.group_settings(), body))
}

/// A role that a form names.
pub fn role(text: &str) -> Result<Role, Problem> {
    serde_json::from_value(json!(text))
        .map_err(|_| Problem::http("bad_parameter", "there is no such role", "choose one of the list"))
}

/// The word for a role.
pub fn role_word(t: Texts, role: &str) -> &'static str {
    match role {
        "keeper" => t.role_keeper(),
        "reader" => t.role_reader(),
        "admin" => t.role_admin(),
        "owner" => t.role_owner(),
        _ => t.role_member(),
    }
}

/// What can not be undone easily asks once more.
pub fn sure(t: Texts) -> Markup {
    html! { label.choice { input type="checkbox" name="sure" value="yes" required; span { (t.sure()) } } }
}

/// `POST /groups/GROUP/settings`: `do` says what.
pub async fn change(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let (command, part) = command(&form, frame.texts)?;
        let leaves = matches!(command, Command::GroupLeave { .. });
        app.ask_in(&group, command).await?;
        Ok(if leaves { "/".to_owned() } else { format!("/groups/{group}/settings#{part}") })
    };
    frame.done(done.await)
}

/// The command of a form, and the part of the page that it belongs to.
fn command(form: &Form, t: Texts) -> Result<(Command, &'static str), Problem> {
    let text = |name: &str| form.text(name).to_owned();
    let number = |name: &str| {
        let wrong = |_| Problem::http("bad_parameter", format!("\"{name}\" is a whole number"), "0 is without limit");
        form.text(name).parse::<u64>().map_err(wrong)
    };
    if form.get("ask").is_some() && form.text("sure") != "yes" {
        return Err(Problem::http("bad_parameter", "this was not confirmed", t.wanted_sure()));
    }
    Ok(match form.text("do") {
        "revoke" => (Command::InviteRevoke { invite: text("invite") }, "invite"),
        "accept" => (Command::MemberAdd { member: text("person"), role: None }, "requests"),
        "refuse" => (Command::RequestRefuse { person: text("person") }, "requests"),
        "role" => (Command::MemberRole { member: text("person"), role: role(form.text("role"))? }, "members"),
        "remove" => (Command::MemberRemove { member: text("person") }, "members"),
        "mute" => (Command::MemberMute { member: text("person"), muted: true }, "members"),
        "unmute" => (Command::MemberMute { member: text("person"), muted: false }, "members"),
        "device-rename" => {
            (Command::Device(Device::Rename { target: Some(text("device")), name: text("name") }), "devices")
        }
        "device-remove" => (Command::Device(Device::Remove { target: text("device") }), "devices"),
        "admit" => (Command::QuarantineAdmit { entries: vec![text("entry")], all: false }, "quarantine"),
        "admit-all" => (Command::QuarantineAdmit { entries: vec![], all: true }, "quarantine"),
        "rename" => (Command::GroupRename { name: text("name") }, "group"),
        "limits" => (Command::Quota { entries: Some(number("entries")?), bytes: Some(number("bytes")?) }, "group"),
        "rotate" => (Command::GroupRotate, "group"),
        "leave" => (Command::GroupLeave { force: form.text("force") == "yes" }, "group"),
        _ => return Err(Problem::http("bad_parameter", "there is no such action", "use the buttons of the page")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn what_is_hard_to_undo_is_not_done_unconfirmed() {
        let made = |form: &str| command(&Form::parse(form.as_bytes()).unwrap(), Texts { lang: Lang::En });
        assert_eq!(made("do=leave&ask=").unwrap_err().code, "bad_parameter");
        assert_eq!(made("do=leave&ask=&sure=yes").unwrap().0, Command::GroupLeave { force: false });
        assert_eq!(made("do=role&person=ab&role=king").unwrap_err().code, "bad_parameter");
        assert_eq!(made("do=nothing").unwrap_err().code, "bad_parameter");
        assert_eq!(made("do=limits&entries=x&bytes=0").unwrap_err().code, "bad_parameter");
    }
}
