//! One's own year over all groups: days, streak, minutes, and what to do next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

use super::parts;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::layout::{Frame, Page};
use crate::web::picture::year::{self, Day};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;
use crate::web::zone::{self, Zone};

/// Days of rest in a row that do not break a streak.
const REST_DAYS: u64 = 2;
/// Most topics of each list of what is next.
const NEXT: usize = 6;
/// How long a browser remembers a time zone: a year, in seconds.
const ZONE_SECONDS: u64 = 365 * 24 * 3_600;
/// Offsets that can be chosen, minutes.
const OFFSETS: [i64; 31] = [
    -720, -660, -600, -540, -480, -420, -360, -300, -240, -180, -120, -60, 0, 60, 120, 180, 210, 240, 270, 300, 330,
    345, 360, 420, 480, 540, 570, 600, 660, 720, 780,
];

/// `/me`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, headers: HeaderMap) -> Response {
    frame.show(page(&app, &frame, &Zone::of(&headers)).await)
}

/// A topic that may come next.
struct Next {
    path: String,
    title: String,
    roadmap: String,
    since_ms: Option<u64>,
}

/// What was found over all groups.
#[derive(Default)]
struct Found {
    days: BTreeMap<u64, Day>,
    doing: Vec<Next>,
    ready: Vec<Next>,
    done: usize,
}

async fn page(app: &App, frame: &Frame, zone: &Zone) -> Result<Page, Problem> {
    let t = frame.texts;
    let mut found = Found::default();
    for group in frame.groups() {
        gather(app, frame, zone, group.at("group_id"), &mut found).await?;
    }
    found.doing.sort_by_key(|next| std::cmp::Reverse(next.since_ms));
    let today = zone.day(frame.now);
    let body = html! {
        div.head { h1 { (parts::face("", frame.status.at("person"))) " " (frame.status.at("person")) } }
        div.stackup #me data-live="" {
            (numbers(frame, &found, today))
            section.panel { h2 { (t.your_year()) } (heatmap(frame, &found, today)) }
            section.panel { h2 { (t.next_title()) } (next(frame, &found)) }
        }
        div.two {
            form.panel.stack method="post" action="/name" {
                label { span { (t.your_name_here()) } input name="name" value=(frame.status.at("person")) required maxlength="64" autocomplete="nickname"; }
                p.dim { (t.step_name_about()) }
                button { (t.save()) }
            }
            (zone_form(frame, zone))
        }
    };
    Ok(Page::new(t.me(), body))
}

async fn gather(app: &App, frame: &Frame, zone: &Zone, group: &str, found: &mut Found) -> Result<(), Problem> {
    let history = app.ask_in(group, Command::ProgressHistory { topic: None, person: None }).await?;
    for mark in history.items().iter().filter(|mark| !mark.is("doubtful_time")) {
        let day = found.days.entry(zone.day(mark.count("time_ms"))).or_default();
        day.minutes += mark.count("minutes");
        day.marks += 1;
    }
    let own = app.ask_in(group, Command::ProgressShow { person: None }).await?;
    let state = |topic: &str| own.items().iter().find(|item| item.at("topic_id") == topic);
    found.done += own.items().iter().filter(|item| item.at("state") == "done").count();
    let list = app.ask_in(group, Command::RoadmapList).await?;
    for roadmap in list.items().iter().filter(|r| r.is("added")) {
        let command = Command::RoadmapShow { roadmap: roadmap.at("roadmap_id").to_owned() };
        let shown = app.ask_in(group, command).await?;
        let topics = shown.list("topics");
        let over: BTreeSet<&str> = topics
            .iter()
            .filter(|topic| matches!(topic.at("state"), "done" | "skip"))
            .map(|topic| topic.at("id"))
            .collect();
        let title = roadmap.localized("title", frame.texts.lang);
        for topic in topics.iter().filter(|topic| topic.at("kind") != "stage") {
            let next = |since_ms| Next {
                path: format!("/groups/{group}/roadmaps/{}/topics/{}", roadmap.at("roadmap_id"), topic.at("id")),
                title: topic.localized("title", frame.texts.lang),
                roadmap: title.clone(),
                since_ms,
            };
            match topic.at("state") {
                "doing" => found.doing.push(next(state(topic.at("id")).map(|item| item.count("updated_ms")))),
                "done" | "skip" => {}
                _ if topic.texts("after").iter().all(|before| over.contains(before)) => found.ready.push(next(None)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The streak that goes on now and the longest one: days studied, where short rests do not count against it.
fn streaks(days: &BTreeMap<u64, Day>, today: u64) -> (u64, u64) {
    let (mut run, mut longest, mut last) = (0, 0, None::<u64>);
    for day in days.keys().copied().filter(|day| *day <= today) {
        run = if last.is_some_and(|last| day - last <= REST_DAYS + 1) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(day);
    }
    let goes_on = last.is_some_and(|last| today - last <= REST_DAYS + 1);
    (if goes_on { run } else { 0 }, longest)
}

fn numbers(frame: &Frame, found: &Found, today: u64) -> Markup {
    let t = frame.texts;
    let (now, longest) = streaks(&found.days, today);
    let sum = |from: u64| found.days.range(from..=today).map(|(_, day)| day.minutes).sum::<u64>();
    let spent = |minutes: u64| t.n_hours_min(minutes / 60, minutes % 60);
    html! {
        dl.numbers {
            div { dt { (t.streak()) } dd { (t.n_days(now)) } dd.dim { (t.streak_about()) } }
            div { dt { (t.longest()) } dd { (t.n_days(longest)) } }
            div { dt { (t.this_week_min()) } dd { (spent(sum(today.saturating_sub(6)))) } }
            div { dt { (t.all_minutes()) } dd { (spent(sum(year::first(today)))) } }
            div { dt { (t.done_topics()) } dd { (t.n_topics(found.done)) } }
        }
    }
}

fn heatmap(frame: &Frame, found: &Found, today: u64) -> Markup {
    let t = frame.texts;
    let year: Vec<(&u64, &Day)> = found.days.range(year::first(today)..=today).collect();
    let minutes: u64 = year.iter().map(|(_, day)| day.minutes).sum();
    let description = t.year_desc(year.len(), minutes);
    html! {
        @if found.days.is_empty() { p.dim { (t.no_marks_yet()) } }
        div.scroll.latest tabindex="0" role="region" aria-label=(t.your_year()) id="year" {
            (year::draw(t, today, &description, &|day| found.days.get(&day).copied().unwrap_or_default()))
        }
        p.shades.dim aria-hidden="true" { (t.less()) @for shade in 0..=4 { span class={ "cell d" (shade) } {} } (t.more()) }
        @if !year.is_empty() {
            details #year-table { summary.dim { (t.year_as_table()) }
                div.scroll tabindex="0" role="region" aria-label=(t.year_as_table()) { table {
                    thead { tr { @for head in [t.day(), t.minutes_word(), t.marks_word()] { th scope="col" { (head) } } } }
                    tbody { @for (date, day) in year.iter().rev() { tr { th scope="row" { (when::date(**date)) } td { (day.minutes) } td { (day.marks) } } } }
                } }
            }
        }
    }
}

fn next(frame: &Frame, found: &Found) -> Markup {
    let t = frame.texts;
    let row = |next: &Next, sign: &str, class: &str| {
        html! { li {
            span class={ "mark " (class) } aria-hidden="true" { (sign) }
            a href=(next.path) { (next.title) }
            span.dim { (next.roadmap) }
            @if let Some(ms) = next.since_ms { span.end { (when::ago(t, frame.now, ms)) } }
        } }
    };
    html! {
        @if found.doing.is_empty() && found.ready.is_empty() { p.dim { (t.nothing_next()) } }
        @if !found.doing.is_empty() { h3 { (t.go_on_with()) } ul.rows { @for one in found.doing.iter().take(NEXT) { (row(one, "◐", "s-doing")) } } }
        @if !found.ready.is_empty() {
            h3 { (t.begin_with()) }
            p.dim { (t.ready_why()) }
            ul.rows { @for one in found.ready.iter().take(NEXT) { (row(one, "○", "s-todo")) } }
        }
    }
}

fn zone_form(frame: &Frame, zone: &Zone) -> Markup {
    let t = frame.texts;
    let now = zone.minutes(frame.now);
    html! {
        form.panel.stack method="post" action="/zone" data-zone=(zone.text()) {
            label { span { (t.time_zone()) }
                select name="minutes" {
                    @if !OFFSETS.contains(&now) { option value=(now) selected { (zone::name(now)) } }
                    @for offset in OFFSETS { option value=(offset) selected[offset == now] { (zone::name(offset)) } }
                }
            }
            p.dim { (t.zone_about()) }
            button { (t.save()) }
        }
    }
}

/// `POST /zone`: an offset, kept by the browser.
pub async fn zone(frame: Frame, headers: HeaderMap, body: Body) -> Response {
    let read = async {
        let form = Form::read(&headers, body).await?;
        let zone = Zone::parse(&format!("0.{}", form.text("minutes")));
        zone.ok_or_else(|| Problem::http("bad_parameter", "there is no such time zone", "choose one of the list"))
    };
    match read.await {
        Ok(zone) => {
            let mut response = Redirect::to("/me").into_response();
            let value = format!("{}={}; Path=/; Max-Age={ZONE_SECONDS}; SameSite=Strict", zone::COOKIE, zone.text());
            let value = HeaderValue::from_str(&value).expect("a cookie of ours is plain text");
            response.headers_mut().append(header::SET_COOKIE, value);
            response
        }
        Err(problem) => frame.problem(&problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_rest_do_not_break_a_streak_and_a_long_gap_does() {
        let days = |list: &[u64]| -> BTreeMap<u64, Day> {
            list.iter().map(|day| (*day, Day { minutes: 1, marks: 1 })).collect()
        };
        assert_eq!(streaks(&days(&[]), 100), (0, 0));
        assert_eq!(streaks(&days(&[98, 99, 100]), 100), (3, 3));
        // A weekend off.
        assert_eq!(streaks(&days(&[95, 96, 99, 100]), 101), (4, 4));
        assert_eq!(streaks(&days(&[90, 91, 92, 96, 97]), 99), (2, 3));
        assert_eq!(streaks(&days(&[95, 96]), 100), (0, 2), "three days of rest end it");
        // A day in the future, of a clock that was wrong, counts for nothing.
        assert_eq!(streaks(&days(&[99, 100, 200]), 100), (2, 2));
    }
}
