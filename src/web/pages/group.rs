//! A group at a glance: who is where, what moved this week, what rests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::parts;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;

/// A week, milliseconds.
const WEEK_MS: u64 = 7 * 24 * 3_600_000;
/// Most rows of a list.
const SHOWN: usize = 12;
/// Most members whose columns are shown; the others are counted.
const COLUMNS: usize = 50;

/// `/groups/GROUP`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, Path(group): Path<String>) -> Response {
    frame.show(page(&app, &frame, &group).await)
}

async fn page(app: &App, frame: &Frame, group: &str) -> Result<Page, Problem> {
    let shown = app.ask_in(group, Command::GroupShow).await?;
    let group = shown.at("group_id");
    let progress = app.ask_in(group, Command::ProgressGroup).await?;
    let list = app.ask_in(group, Command::RoadmapList).await?;
    let mut roadmaps = vec![];
    for roadmap in list.items().iter().filter(|r| r.is("added")) {
        let command = Command::RoadmapShow { roadmap: roadmap.at("roadmap_id").to_owned() };
        roadmaps.push(app.ask_in(group, command).await?);
    }
    let whole = Whole { group, members: members(&shown), progress: progress.items(), roadmaps: &roadmaps };
    let name = match shown.at("name") {
        "" => shown.short("group_id"),
        name => name.to_owned(),
    };
    let body = html! {
        div.head { h1 { (name) } span.faces { @for member in whole.members.iter().take(SHOWN) { (parts::face(member.at("person"), member.at("name"))) " " } } }
        div.wide-left {
            div.stackup #matrix data-live="" { (whole.matrices(frame)) }
            div.stackup #week data-live="" { (whole.moved(frame)) (whole.resting(frame)) }
        }
    };
    Ok(Page::of(group, "", name, body))
}

/// The members that are in, oneself first.
fn members(group: &Value) -> Vec<&Value> {
    let mut members: Vec<&Value> = group.list("members").iter().filter(|m| !m.is("removed")).collect();
    members.sort_by_key(|m| !m.is("you"));
    members
}

/// Everything that the page shows.
struct Whole<'a> {
    group: &'a str,
    members: Vec<&'a Value>,
    progress: &'a [Value],
    roadmaps: &'a [Value],
}

impl Whole<'_> {
    /// One table for each roadmap.
    fn matrices(&self, frame: &Frame) -> Markup {
        let t = frame.texts;
        let mut states: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
        for item in self.progress {
            states.insert((item.at("topic_id"), item.at("person_id")), item);
        }
        html! {
            @if self.roadmaps.is_empty() {
                section.panel { h2 { (t.no_roadmaps()) } p { a.button href={ "/groups/" (self.group) "/roadmaps" } { (t.choose_roadmap()) } } }
            }
            @for roadmap in self.roadmaps { (self.matrix(frame, roadmap, &states)) }
        }
    }

    fn matrix(&self, frame: &Frame, roadmap: &Value, states: &BTreeMap<(&str, &str), &Value>) -> Markup {
        let t = frame.texts;
        let base = format!("/groups/{}/roadmaps/{}", self.group, roadmap.at("roadmap_id"));
        let title = roadmap.localized("title", t.lang);
        let topics = roadmap.list("topics");
        let touched: BTreeSet<&str> = states.keys().map(|(topic, _)| *topic).collect();
        // Topics that somebody marked, under their stages; the rest is on the roadmap.
        let is_shown = |topic: &Value| topic.at("kind") != "stage" && touched.contains(topic.at("id"));
        let columns: Vec<&&Value> = self.members.iter().take(COLUMNS).collect();
        html! {
            section.panel {
                div.head { h2 { (title) } a href=(base) { (t.all_topics()) } }
                @if !topics.iter().any(is_shown) { p.dim { (t.no_progress()) " " a href=(base) { (t.roadmap()) } } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label={ (t.who_is_where()) ": " (title) } id={ "m-" (roadmap.at("roadmap_id")) } {
                        table.matrix {
                            caption.hidden { (t.who_is_where()) ": " (title) }
                            thead { tr {
                                th scope="col" { (t.topic()) }
                                @for member in &columns {
                                    th scope="col" title=(member.at("name")) {
                                        (parts::face(member.at("person"), member.at("name")))
                                        @if member.is("you") { (t.you()) } @else { (member.at("name")) }
                                    }
                                }
                            } }
                            tbody { @for (stage, topics) in stages(topics) {
                                @let rows: Vec<&Value> = topics.into_iter().filter(|topic| is_shown(topic)).collect();
                                @if !rows.is_empty() {
                                    @if let Some(stage) = stage { tr.group { th scope="rowgroup" colspan=(columns.len() + 1) { (stage.localized("title", t.lang)) } } }
                                    @for topic in rows {
                                        tr {
                                            th scope="row" { a href={ (base) "/topics/" (topic.at("id")) } { (topic.localized("title", t.lang)) } }
                                            @for member in &columns {
                                                @match states.get(&(topic.at("id"), member.at("person"))) {
                                                    Some(item) => td class=(parts::class(item.at("state"))) title=(parts::word(t, item.at("state"))) {
                                                        span aria-hidden="true" { (parts::sign(item.at("state"))) }
                                                        span.hidden { (parts::word(t, item.at("state"))) }
                                                    },
                                                    None => td {},
                                                }
                                            }
                                        }
                                    }
                                }
                            } }
                        }
                    }
                    p.chips aria-label=(t.legend_title()) { @for state in parts::STATES { (parts::state(t, state)) } }
                }
            }
        }
    }

    /// The title of a topic and the path of its page.
    fn topic(&self, frame: &Frame, id: &str) -> (String, Option<String>) {
        for roadmap in self.roadmaps {
            if let Some(topic) = roadmap.list("topics").iter().find(|topic| topic.at("id") == id) {
                let path = format!("/groups/{}/roadmaps/{}/topics/{id}", self.group, roadmap.at("roadmap_id"));
                return (topic.localized("title", frame.texts.lang), Some(path));
            }
        }
        (id.to_owned(), None)
    }

    fn row(&self, frame: &Frame, item: &Value) -> Markup {
        let (title, path) = self.topic(frame, item.at("topic_id"));
        html! {
            li {
                (parts::face(item.at("person_id"), item.at("person")))
                span class={ "mark " (parts::class(item.at("state"))) } title=(parts::word(frame.texts, item.at("state"))) { (parts::sign(item.at("state"))) }
                span { (item.at("person")) ": " @match path { Some(path) => a href=(path) { (title) }, None => (title) } }
                span.end { (when::ago(frame.texts, frame.now, item.count("updated_ms"))) }
            }
        }
    }

    /// What was marked in the last seven days, latest first.
    fn moved(&self, frame: &Frame) -> Markup {
        let t = frame.texts;
        let mut recent: Vec<&Value> =
            self.progress.iter().filter(|item| item.count("updated_ms") + WEEK_MS > frame.now).collect();
        recent.sort_by_key(|item| std::cmp::Reverse(item.count("updated_ms")));
        html! {
            section.panel {
                h2 { (t.moved()) }
                @if recent.is_empty() { p.dim { (t.nothing_moved()) } }
                ul.rows { @for item in recent.into_iter().take(SHOWN) { (self.row(frame, item)) } }
            }
        }
    }

    /// What somebody is on and has not touched for a week: worth a question. Who finished the same topic can help.
    fn resting(&self, frame: &Frame) -> Markup {
        let t = frame.texts;
        let mut rests: Vec<&Value> = self
            .progress
            .iter()
            .filter(|item| item.at("state") == "doing" && item.count("updated_ms") + WEEK_MS <= frame.now)
            .collect();
        rests.sort_by_key(|item| item.count("updated_ms"));
        let helpers = |topic: &str| {
            let done = self.progress.iter().filter(|i| i.at("topic_id") == topic && i.at("state") == "done");
            done.map(|i| i.at("person")).take(3).collect::<Vec<_>>().join(", ")
        };
        html! {
            @if !rests.is_empty() {
                section.panel {
                    h2 { (t.resting()) }
                    ul.rows { @for item in rests.into_iter().take(SHOWN) {
                        (self.row(frame, item))
                        @let helpers = helpers(item.at("topic_id"));
                        @if !helpers.is_empty() { li.dim { (helpers) " " (t.can_help()) } }
                    } }
                }
            }
        }
    }
}

/// The topics under their stages, in reading order; those of no stage come under none.
pub fn stages(topics: &[Value]) -> Vec<(Option<&Value>, Vec<&Value>)> {
    let parents: BTreeMap<&str, &Value> = topics.iter().map(|topic| (topic.at("id"), topic)).collect();
    let stage_of = |topic: &Value| -> Option<&str> {
        let mut at = parents.get(topic.at("parent")).copied()?;
        // A circle can not be: the store mends them. A bound all the same.
        for _ in 0..topics.len() {
            if at.at("kind") == "stage" {
                return parents.get_key_value(at.at("id")).map(|(id, _)| *id);
            }
            at = parents.get(at.at("parent")).copied()?;
        }
        None
    };
    let mut out: Vec<(Option<&Value>, Vec<&Value>)> = vec![(None, vec![])];
    out.extend(topics.iter().filter(|topic| topic.at("kind") == "stage").map(|stage| (Some(stage), vec![])));
    for topic in topics.iter().filter(|topic| topic.at("kind") != "stage") {
        let stage = stage_of(topic);
        let place = out.iter().position(|(of, _)| of.map(|s| s.at("id")) == stage).unwrap_or(0);
        if let Some((_, held)) = out.get_mut(place) {
            held.push(topic);
        }
    }
    out.retain(|(stage, held)| stage.is_some() || !held.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn topics_stand_under_the_stage_that_holds_them_at_any_depth() {
        let topics = [
            json!({ "id": "s1", "kind": "stage" }),
            json!({ "id": "a", "kind": "topic", "parent": "s1" }),
            json!({ "id": "b", "kind": "topic", "parent": "a" }),
            json!({ "id": "s2", "kind": "stage" }),
            json!({ "id": "c", "kind": "practice", "parent": "s2" }),
            json!({ "id": "d", "kind": "topic", "parent": null }),
            json!({ "id": "e", "kind": "topic", "parent": "nobody" }),
        ];
        let found: Vec<(Option<&str>, Vec<&str>)> = stages(&topics)
            .into_iter()
            .map(|(stage, held)| (stage.map(|s| s.at("id")), held.into_iter().map(|h| h.at("id")).collect()))
            .collect();
        assert_eq!(found, [(None, vec!["d", "e"]), (Some("s1"), vec!["a", "b"]), (Some("s2"), vec!["c"])]);
    }
}
