//! Who is in, who asks, and who keeps.

use maud::{Markup, html};
use serde_json::Value;

use super::Of;
use crate::api::peek::Peek as _;
use crate::web::pages::parts;

/// Roles that can be given, from the least.
const ROLES: [&str; 5] = ["keeper", "reader", "member", "admin", "owner"];

/// People who ask to be let in.
pub fn requests(of: &Of<'_>, requests: &Value) -> Markup {
    let t = of.frame.texts;
    html! {
        @if requests.items().is_empty() { p.dim { (t.no_requests()) } }
        ul.rows { @for one in requests.items() {
            li {
                (parts::face(one.at("person_id"), one.at("person")))
                strong { @if one.at("person").is_empty() { (t.unnamed()) } @else { (one.at("person")) } }
                code.dim { (one.short("person_id")) }
                span.dim { (super::role_word(t, one.at("role"))) }
                @if one.is("removed") { span.dim { (t.removed()) } }
                @if of.decides {
                    form.acts.end method="post" action=(of.base) data-enhance="stay" {
                        input type="hidden" name="person" value=(one.at("person_id"));
                        button.primary name="do" value="accept" { (t.accept()) span.hidden { ": " (one.at("person")) } }
                        button name="do" value="refuse" { (t.refuse()) span.hidden { ": " (one.at("person")) } }
                    }
                } @else { span.end { (t.only_admins()) } }
            }
        } }
    }
}

/// The members.
pub fn list(of: &Of<'_>, people: &Value) -> Markup {
    html! { ul.rows { @for one in people.items().iter().filter(|one| one.at("role") != "keeper") { li { (row(of, one)) } } } }
}

fn row(of: &Of<'_>, one: &Value) -> Markup {
    let t = of.frame.texts;
    let can_decide = of.decides && !one.is("removed");
    html! {
        (parts::face(one.at("person_id"), one.at("person")))
        strong { (one.at("person")) }
        @if one.is("you") { span.dim { (t.you()) } }
        @if one.is("removed") { span.dim { (t.removed()) } }
        @else if of.closed { span.dim { (super::role_word(t, one.at("role"))) } }
        @if one.is("muted") { span.dim { (t.muted()) } }
        @if one.is("connected") { span.mark.s-done { "● " (t.online()) } }
        span.end { (t.n_entries(one.count("entries"))) @if one.list("devices").len() > 1 { " · " (t.n_devices(one.list("devices").len())) } }
        @if !one.is("you") || can_decide {
            details.manage id={ "m-" (one.at("person_id")) } {
                summary { (t.manage()) span.hidden { ": " (one.at("person")) } }
                div.states {
                    @if !one.is("you") {
                        form method="post" action=(of.base) data-enhance="stay" {
                            input type="hidden" name="person" value=(one.at("person_id"));
                            @if one.is("muted") { button name="do" value="unmute" { (t.unmute()) } } @else { button name="do" value="mute" { (t.mute()) } }
                        }
                    }
                    @if can_decide && !one.is("you") {
                        form.inline method="post" action=(of.base) data-enhance="stay" {
                            input type="hidden" name="person" value=(one.at("person_id"));
                            label { span { (t.role()) }
                                select name="role" { @for role in ROLES { option value=(role) selected[role == one.at("role")] { (super::role_word(t, role)) } } }
                            }
                            button name="do" value="role" { (t.change_role()) }
                        }
                    }
                    @if can_decide {
                        form.inline method="post" action=(of.base) data-enhance="stay" {
                            input type="hidden" name="person" value=(one.at("person_id"));
                            input type="hidden" name="ask" value="";
                            (super::sure(t))
                            button.danger name="do" value="remove" { @if one.is("you") { (t.leave_membership()) } @else { (t.remove_member()) } }
                        }
                    }
                }
            }
        }
    }
}

/// Those who keep the group and can not read it.
pub fn keepers(of: &Of<'_>, people: &Value) -> Markup {
    let t = of.frame.texts;
    let keepers: Vec<&Value> = people.items().iter().filter(|one| one.at("role") == "keeper").collect();
    html! {
        @if !of.closed { p.dim { (t.keepers_open()) } }
        @else {
            p.dim { (t.keepers_about()) }
            @if keepers.is_empty() { p { (t.no_keepers()) } }
            ul.rows { @for one in keepers { li { (row(of, one)) } } }
            @if of.decides {
                form method="post" action={ (of.base) "/invite" } {
                    input type="hidden" name="role" value="keeper";
                    input type="hidden" name="uses" value="1";
                    input type="hidden" name="addresses" value="yes";
                    button { (t.invite_keeper()) }
                }
            }
        }
    }
}
