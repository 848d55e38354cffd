//! The feed: what happened in all groups, the latest first, with what is new and what speaks to one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::parts;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;
use crate::web::zone::Zone;

/// Entries of one page, of each group.
const PAGE: usize = 50;
/// The same when only some of them are wanted.
const WIDE_PAGE: usize = 200;
const VIEWS: [&str; 3] = ["", "unread", "mentions"];

/// `/feed`.
pub async fn show(
    State(app): State<Arc<App>>,
    frame: Frame,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let page = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes())?;
        page(&app, &frame, &Zone::of(&headers), &form).await
    };
    frame.show(page.await)
}

/// Several edits of one thing by one person in a row are one line.
struct Line<'a> {
    item: &'a Value,
    group: &'a Value,
    times: usize,
    unread: bool,
    mention: bool,
}

async fn page(app: &App, frame: &Frame, zone: &Zone, form: &Form) -> Result<Page, Problem> {
    let t = frame.texts;
    let view = VIEWS.into_iter().find(|view| *view == form.text("view")).unwrap_or_default();
    let (only, before) = (form.text("group"), form.text("before"));
    let groups: Vec<&Value> = frame.groups().iter().filter(|g| only.is_empty() || g.at("group_id") == only).collect();
    let limit = if view.is_empty() { PAGE } else { WIDE_PAGE };
    let mut feeds = vec![];
    for group in &groups {
        let before = Some(before.to_owned()).filter(|before| !before.is_empty());
        feeds.push((*group, app.ask_in(group.at("group_id"), Command::Feed { before, limit }).await?));
    }
    let (items, next) = merged(&feeds);
    let unread = items.iter().filter(|(_, item)| item.is("unread")).count();
    let wanted = items.into_iter().filter(|(_, item)| match view {
        "unread" => item.is("unread"),
        "mentions" => item.is("mention"),
        _ => true,
    });
    let lines = lines(wanted);
    let link = |view: &str, before: &str| {
        let mut query = Serializer::new(String::new());
        for (key, value) in [("view", view), ("group", only), ("before", before)] {
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
        format!("/feed?{}", query.finish())
    };
    let names = [t.feed_all(), t.feed_unread(), t.feed_mentions()];
    let body = html! {
        div.head { h1 { (t.feed_title()) }
            form #seen data-live="" method="post" action="/feed" data-enhance="stay" {
                @if unread > 0 { span.dim { (t.n_new(unread)) } " " button name="do" value="seen" { (t.mark_seen()) } }
            }
        }
        nav.chips aria-label=(t.filter()) {
            @for (one, name) in VIEWS.into_iter().zip(names) { a aria-current=[(one == view).then_some("true")] href=(link(one, "")) { (name) } }
        }
        @if frame.groups().len() > 1 {
            nav.chips aria-label=(t.groups()) {
                a aria-current=[only.is_empty().then_some("true")] href="/feed" { (t.in_all_groups()) }
                @for group in frame.groups() { a aria-current=[(group.at("group_id") == only).then_some("true")] href={ "/feed?group=" (group.at("group_id")) } { (frame.name(group)) } }
            }
        }
        div.stackup #feed data-live="" {
            @if lines.is_empty() { p.dim { @if view.is_empty() { (t.feed_empty()) } @else { (t.feed_none()) } } }
            @for (day, lines) in by_day(zone, &lines) {
                section.panel { h2 { (day_name(frame, zone, day)) }
                    ul.rows.feed { @for line in lines { li.unread[line.unread] { (row(frame, line)) } } }
                }
            }
            @if let Some(next) = next { p { a.button rel="next" href=(link(view, &next)) { (t.earlier()) " →" } } }
        }
    };
    Ok(Page::new(t.feed(), body))
}

/// The items of all groups, the latest first, as far down as every group has been read, and where to go on. A cursor is a time and an
/// id: it means a place in every group.
fn merged<'a>(feeds: &'a [(&'a Value, Value)]) -> (Vec<(&'a Value, &'a Value)>, Option<String>) {
    let mut items: Vec<(&Value, &Value)> = vec![];
    for (group, feed) in feeds {
        items.extend(feed.items().iter().map(|item| (*group, item)));
    }
    items.sort_by_key(|(_, item)| std::cmp::Reverse((item.count("time_ms"), item.at("entry_id"))));
    // What lies below the end of the part that was read of some group may not be all that is there.
    let next = feeds.iter().map(|(_, feed)| feed.at("next")).filter(|next| !next.is_empty()).max();
    if let Some(floor) = next.and_then(time_of) {
        items.retain(|(_, item)| item.count("time_ms") >= floor);
    }
    (items, next.map(str::to_owned))
}

/// The milliseconds of a cursor.
fn time_of(cursor: &str) -> Option<u64> {
    let bits = u64::from_str_radix(cursor.get(..16)?, 16).ok()?;
    Some(crate::model::time::Hlc::from_bits(bits).millis())
}

fn lines<'a>(items: impl Iterator<Item = (&'a Value, &'a Value)>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = vec![];
    for (group, item) in items {
        let same = |line: &Line<'_>| {
            let keys = ["person_id", "kind", "verb", "id"];
            !item.at("id").is_empty() && keys.iter().all(|key| line.item.at(key) == item.at(key))
        };
        match lines.last_mut().filter(|line| same(line)) {
            Some(line) => {
                line.times += 1;
                line.unread |= item.is("unread");
                line.mention |= item.is("mention");
            }
            None => lines.push(Line { item, group, times: 1, unread: item.is("unread"), mention: item.is("mention") }),
        }
    }
    lines
}

fn by_day<'l, 'a>(zone: &Zone, lines: &'l [Line<'a>]) -> Vec<(u64, Vec<&'l Line<'a>>)> {
    let mut days: Vec<(u64, Vec<&Line<'_>>)> = vec![];
    for line in lines {
        let day = zone.day(line.item.count("time_ms"));
        match days.last_mut().filter(|(of, _)| *of == day) {
            Some((_, list)) => list.push(line),
            None => days.push((day, vec![line])),
        }
    }
    days
}

fn day_name(frame: &Frame, zone: &Zone, day: u64) -> String {
    let today = zone.day(frame.now);
    match today.checked_sub(day) {
        Some(0) => frame.texts.today().to_owned(),
        Some(1) => frame.texts.yesterday().to_owned(),
        _ => when::date(day),
    }
}

fn row(frame: &Frame, line: &Line<'_>) -> Markup {
    let (t, item) = (frame.texts, line.item);
    let title = match item.localized("title", t.lang) {
        title if title.is_empty() => item.at("id").to_owned(),
        title => title,
    };
    let group = line.group.at("group_id");
    let path = match (item.at("kind"), item.at("id")) {
        ("note", "") => Some(format!("/groups/{group}/notes/{}", item.at("entry_id"))),
        ("note", id) => Some(format!("/groups/{group}/notes/{id}")),
        ("link", id) => Some(format!("/groups/{group}/links/{id}")),
        ("topic", id) if !item.at("roadmap_id").is_empty() => {
            Some(format!("/groups/{group}/roadmaps/{}/topics/{id}", item.at("roadmap_id")))
        }
        ("roadmap", id) => Some(format!("/groups/{group}/roadmaps/{id}")),
        _ => None,
    };
    html! {
        (parts::face(item.at("person_id"), item.at("person")))
        span { strong { (item.at("person")) } " " (did(t, item)) " "
            @match path { Some(path) => a href=(path) { (title) }, None => (title) }
        }
        @if item.count("minutes") > 0 { span.dim { (t.n_minutes(item.count("minutes"))) } }
        @if line.times > 1 { span.dim { (t.times(line.times)) } }
        @if !item.at("remark").is_empty() { q.dim { (item.at("remark")) } }
        @if line.unread { span.badge { (t.new_here()) } }
        @if line.mention { span.badge.mention { "@ " (t.mentions_you()) } }
        span.end { @if frame.groups().len() > 1 { (frame.name(line.group)) " · " } (when::ago(t, frame.now, item.count("time_ms"))) }
    }
}

fn did(t: Texts, item: &Value) -> &'static str {
    match (item.at("kind"), item.at("verb")) {
        ("note", "new") => t.did_note_new(),
        ("note", "edited") => t.did_note_edited(),
        ("note", _) => t.did_note_changed(),
        ("link", "new") => t.did_link_new(),
        ("link", "voted") => t.did_link_voted(),
        ("link", _) => t.did_link_changed(),
        ("topic", "doing") => t.did_topic_doing(),
        ("topic", "done") => t.did_topic_done(),
        ("topic", "skip") => t.did_topic_skip(),
        ("topic", _) => t.did_topic_todo(),
        ("roadmap", _) => t.did_roadmap(),
        ("group", _) => t.did_group(),
        ("person", _) => t.did_person(),
        _ => t.did_else(),
    }
}

/// `POST /feed`: everything was seen.
pub async fn seen(State(app): State<Arc<App>>, frame: Frame, headers: HeaderMap, body: Body) -> Response {
    let done = async {
        Form::read(&headers, body).await?;
        for group in frame.groups() {
            app.ask_in(group.at("group_id"), Command::FeedSeen).await?;
        }
        Ok("/feed".to_owned())
    };
    frame.done(done.await)
}
