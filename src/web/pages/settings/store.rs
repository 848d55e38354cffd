//! What is kept where: what is only here, what does not count, and the group itself.

use maud::{Markup, html};
use serde_json::Value;

use super::Of;
use crate::api::peek::Peek as _;
use crate::web::when;

/// Most rows of a list.
const SHOWN: usize = 50;

/// Entries that nobody else is known to hold.
pub fn only_here(of: &Of<'_>, list: &Value) -> Markup {
    let t = of.frame.texts;
    html! {
        @if list.items().is_empty() { p.dim { (t.only_here_none()) } }
        @else {
            p { (t.only_here_about()) }
            ul.rows { @for entry in list.items().iter().take(SHOWN) {
                li { span.kind { (entry.at("kind")) } span { (entry.at("title")) } span.end { (when::ago(t, of.frame.now, entry.count("time_ms"))) } }
            } }
            @if list.items().len() > SHOWN { p.dim { (t.and_more(list.items().len() - SHOWN)) } }
        }
    }
}

/// Entries that do not count.
pub fn quarantine(of: &Of<'_>, list: &Value) -> Markup {
    let t = of.frame.texts;
    html! {
        p.dim { (t.quarantine_about()) }
        @if list.items().is_empty() { p.dim { (t.quarantine_empty()) } }
        @else {
            ul.rows { @for entry in list.items().iter().take(SHOWN) {
                li {
                    span { (entry.at("person")) }
                    code.dim { (entry.short("entry_id")) }
                    span.dim { (t.n_bytes(entry.count("bytes"))) @if entry.number("kind").is_none() { " · " (t.unreadable()) } }
                    span.end { (when::ago(t, of.frame.now, entry.count("time_ms"))) }
                    @if of.decides {
                        form method="post" action=(of.base) data-enhance="stay" {
                            input type="hidden" name="entry" value=(entry.at("entry_id"));
                            button.light name="do" value="admit" { (t.admit()) span.hidden { " " (entry.short("entry_id")) } }
                        }
                    }
                }
            } }
            @if list.items().len() > SHOWN { p.dim { (t.and_more(list.items().len() - SHOWN)) } }
            @if of.decides { form method="post" action=(of.base) data-enhance="stay" { button name="do" value="admit-all" { (t.admit_all()) } } }
        }
    }
}

/// The group itself.
pub fn about(of: &Of<'_>, limits: &Value) -> Markup {
    let (t, group) = (of.frame.texts, of.group);
    html! {
        dl.facts {
            dt { (t.kind_word()) } dd { @if of.closed { (t.closed_kind()) } @else { (t.open_kind()) } }
            dt { (t.entries()) } dd { (group.count("entries")) }
            dt { (t.id()) } dd { code { (group.at("group_id")) } }
        }
        form.inline method="post" action=(of.base) {
            label { span { (t.rename_group()) } input name="name" value=(group.at("name")) required maxlength="64" autocomplete="off"; }
            button name="do" value="rename" { (t.rename()) }
        }
        h3 { (t.limits()) }
        p.dim { (t.limits_about()) }
        @if of.decides {
            form.inline method="post" action=(of.base) {
                label { span { (t.most_entries()) } input type="number" name="entries" min="0" value=(limits.count("entries")) inputmode="numeric"; }
                label { span { (t.most_bytes()) } input type="number" name="bytes" min="0" value=(limits.count("bytes")) inputmode="numeric"; }
                button name="do" value="limits" { (t.save()) }
            }
            h3 { (t.rotate()) }
            p.dim { (t.rotate_about()) }
            form method="post" action=(of.base) { button name="do" value="rotate" { (t.rotate()) } }
        } @else {
            p { (t.most_entries()) ": " (limits.count("entries")) " · " (t.most_bytes()) ": " (limits.count("bytes")) }
        }
        h3 { (t.leave()) }
        p.dim { (t.leave_about()) }
        form.inline method="post" action=(of.base) {
            input type="hidden" name="ask" value="";
            label.choice { input type="checkbox" name="force" value="yes"; span { (t.leave_force()) } }
            (super::sure(t))
            button.danger name="do" value="leave" { (t.leave()) }
        }
    }
}
