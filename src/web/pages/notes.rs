//! The notes of a group: the list with its filters and search, and a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use url::form_urlencoded;

use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;

/// Where the notes live behind a group's path.
pub const SECTION: &str = "/notes";
/// Most notes on one page of the list.
const SHOWN: usize = 50;
/// Most tags that are offered as filters.
const TAGS: usize = 24;
/// Most hits of a search.
const HITS: usize = 100;

/// `/groups/GROUP/notes`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, Path(group): Path<String>, uri: Uri) -> Response {
    let page = async {
        let query = Form::parse(uri.query().unwrap_or_default().as_bytes())?;
        list(&app, &frame, &group, &query).await
    };
    frame.show(page.await)
}

async fn list(app: &App, frame: &Frame, group: &str, query: &Form) -> Result<Page, Problem> {
    let t = frame.texts;
    let given = |name: &str| Some(query.text(name).to_owned()).filter(|text| !text.is_empty());
    let deleted = query.text("deleted") == "true";
    let (words, tag, topic) = (query.text("q"), given("tag"), given("topic"));
    let from: usize = query.text("from").parse().unwrap_or(0);
    let filter = Command::NoteList { topic: topic.clone(), tag: tag.clone(), deleted };
    let all = app.ask_in(group, filter).await?;
    let snippets = if words.is_empty() { None } else { Some(search(app, group, words).await?) };
    let mut notes: Vec<(&Value, Option<&Value>)> = match &snippets {
        None => all.items().iter().map(|note| (note, None)).collect(),
        Some(hits) => {
            let by_id: BTreeMap<&str, &Value> = all.items().iter().map(|note| (note.at("note_id"), note)).collect();
            hits.items().iter().filter_map(|hit| Some((*by_id.get(hit.at("id"))?, Some(hit)))).collect()
        }
    };
    let count = notes.len();
    notes = notes.into_iter().skip(from).take(SHOWN).collect();
    let named = topic.is_some() || notes.iter().any(|(note, _)| !note.at("topic").is_empty());
    let topics = if named { titles(app, group, t).await? } else { BTreeMap::new() };
    let base = format!("/groups/{group}{SECTION}");
    let with = |pairs: &[(&str, &str)]| address(&base, pairs);
    let (tag_now, topic_now) = (tag.as_deref().unwrap_or_default(), topic.as_deref().unwrap_or_default());
    let more = (from + SHOWN).to_string();
    let state = if deleted { "true" } else { "" };
    let body = html! {
        div.head {
            h1 { (t.notes_title()) }
            a.button.primary href=(with_topic(&format!("{base}/new"), topic_now)) { (t.note_new()) }
        }
        form.find method="get" action=(base) role="search" {
            label { span.hidden { (t.note_search()) } input type="search" name="q" value=(words) placeholder=(t.note_search()) maxlength="200"; }
            @for (name, value) in [("tag", tag_now), ("topic", topic_now), ("deleted", state)] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            button { (t.note_find()) }
        }
        nav.chips aria-label=(t.note_filter()) {
            @if !tag_now.is_empty() { a aria-current="true" href=(with(&[("q", words), ("topic", topic_now), ("deleted", state)])) { "#" (tag_now) " ×" } }
            @if !topic_now.is_empty() {
                a aria-current="true" href=(with(&[("q", words), ("tag", tag_now), ("deleted", state)])) { (topics.get(topic_now).map_or(topic_now, String::as_str)) " ×" }
            }
            @for (name, _) in tags(all.items()).into_iter().filter(|(name, _)| *name != tag_now) {
                a href=(with(&[("q", words), ("tag", name), ("topic", topic_now), ("deleted", state)])) { "#" (name) }
            }
            @if deleted { a aria-current="true" href=(with(&[("q", words), ("tag", tag_now), ("topic", topic_now)])) { (t.notes_deleted()) " ×" } }
            @else { a.quiet href=(with(&[("q", words), ("tag", tag_now), ("topic", topic_now), ("deleted", "true")])) { (t.notes_deleted()) } }
        }
        section.panel #notes data-live="" {
            @if notes.is_empty() {
                p.dim {
                    @if deleted { (t.notes_none_deleted()) }
                    @else if words.is_empty() && tag.is_none() && topic.is_none() { (t.notes_none()) }
                    @else { (t.notes_none_found()) }
                }
            } @else { p.dim.small { (t.notes_count(count)) } }
            ul.notes { @for (note, hit) in &notes { li { (row(frame, group, note, *hit, &topics)) } } }
            @if count > from + SHOWN {
                p { a.button href=(with(&[("q", words), ("tag", tag_now), ("topic", topic_now), ("deleted", state), ("from", &more)])) { (t.notes_more()) } }
            }
        }
    };
    Ok(Page::of(group, SECTION, t.notes_title(), body))
}

fn row(frame: &Frame, group: &str, note: &Value, hit: Option<&Value>, topics: &BTreeMap<String, String>) -> Markup {
    let t = frame.texts;
    let topic = note.at("topic");
    html! {
        a.title href={ "/groups/" (group) (SECTION) "/" (note.at("note_id")) } { (title(t, note)) }
        @if let Some(hit) = hit { p.snippet { (hit.at("snippet")) } }
        p.about {
            @if !topic.is_empty() { span.topic { (topics.get(topic).map_or(topic, String::as_str)) } }
            @for tag in note.texts("tags") { span.tag { "#" (tag) } }
            span { (note.texts("authors").join(", ")) }
            span { (when::ago(t, frame.now, note.count("updated_ms"))) }
        }
    }
}

/// A note's title; every note has something to click on.
pub fn title(t: Texts, note: &Value) -> String {
    let title = note.at("title").trim();
    if title.is_empty() { t.note_without_title().to_owned() } else { title.to_owned() }
}

async fn search(app: &App, group: &str, words: &str) -> Result<Value, Problem> {
    let query: String = words.chars().take(200).collect();
    let mut found = app.ask_in(group, Command::Search { query, limit: HITS }).await?;
    if let Some(items) = found.get_mut("items").and_then(Value::as_array_mut) {
        items.retain(|hit| hit.at("kind") == "note");
    }
    Ok(found)
}

/// The tags of these notes, the most frequent first.
fn tags(notes: &[Value]) -> Vec<(&str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    notes.iter().flat_map(|note| note.texts("tags")).for_each(|tag| *counts.entry(tag).or_default() += 1);
    let mut tags: Vec<(&str, usize)> = counts.into_iter().collect();
    tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    tags.truncate(TAGS);
    tags
}

/// The topics of the group's roadmaps, by id.
async fn titles(app: &App, group: &str, t: Texts) -> Result<BTreeMap<String, String>, Problem> {
    let mut titles = BTreeMap::new();
    for (_, topics) in roadmaps(app, group, t).await? {
        titles.extend(topics);
    }
    Ok(titles)
}

/// The roadmaps of the group with their topics: title, and pairs of id and title in reading order.
pub async fn roadmaps(app: &App, group: &str, t: Texts) -> Result<Vec<(String, Vec<(String, String)>)>, Problem> {
    let list = app.ask_in(group, Command::RoadmapList).await?;
    let mut roadmaps = vec![];
    for roadmap in list.items().iter().filter(|roadmap| roadmap.is("added")) {
        let command = Command::RoadmapShow { roadmap: roadmap.at("roadmap_id").to_owned() };
        let shown = app.ask_in(group, command).await?;
        let topics = shown.list("topics").iter().filter(|topic| topic.at("kind") != "stage");
        let topics = topics.map(|topic| (topic.at("id").to_owned(), topic.localized("title", t.lang))).collect();
        roadmaps.push((shown.localized("title", t.lang), topics));
    }
    Ok(roadmaps)
}

/// The choice of a topic.
pub fn topic_choice(t: Texts, roadmaps: &[(String, Vec<(String, String)>)], chosen: &str) -> Markup {
    let is_known = roadmaps.iter().any(|(_, topics)| topics.iter().any(|(id, _)| id == chosen));
    html! {
        label { span { (t.note_topic_label()) }
            select name="topic" {
                option value="" { (t.note_no_topic()) }
                @if !chosen.is_empty() && !is_known { option value=(chosen) selected { (chosen) } }
                @for (title, topics) in roadmaps {
                    optgroup label=(title) { @for (id, name) in topics { option value=(id) selected[id == chosen] { (name) } } }
                }
            }
        }
    }
}

/// `/groups/GROUP/notes/new`.
pub async fn new(State(app): State<Arc<App>>, frame: Frame, Path(group): Path<String>, uri: Uri) -> Response {
    let page = async {
        let t = frame.texts;
        let query = Form::parse(uri.query().unwrap_or_default().as_bytes())?;
        let roadmaps = roadmaps(&app, &group, t).await?;
        let body = html! {
            h1 { (t.note_new()) }
            form.panel.stack.wide method="post" action={ "/groups/" (group) (SECTION) } {
                label { span { (t.note_title_label()) } input name="title" value=(query.text("title")) required maxlength="200" autocomplete="off" autofocus; }
                div.two {
                    (topic_choice(t, &roadmaps, query.text("topic")))
                    label { span { (t.note_tags_label()) } input name="tags" maxlength="1000" autocomplete="off" placeholder=(t.note_tags_about()); }
                }
                label { span { (t.note_text_label()) } textarea.code name="text" rows="14" {} }
                p.dim { (t.note_write_about()) }
                button.primary { (t.note_create()) }
            }
        };
        Ok(Page::of(&group, SECTION, t.note_new(), body))
    };
    frame.show(page.await)
}

/// `POST /groups/GROUP/notes`.
pub async fn create(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let topic = Some(form.text("topic").to_owned()).filter(|topic| !topic.is_empty());
        let title = form.text("title").to_owned();
        let command = Command::NoteNew { title, topic, tags: words(form.text("tags")), text: form.area("text") };
        let made = app.ask_in(&group, command).await?;
        // What waits for a key has no id yet.
        Ok(match made.at("note_id") {
            "" => format!("/groups/{group}{SECTION}"),
            id => format!("/groups/{group}{SECTION}/{id}"),
        })
    };
    frame.done(done.await)
}

/// The tags in a field.
pub fn words(field: &str) -> Vec<String> {
    let words = field.split([',', '，', '、']).map(|word| word.trim().trim_start_matches('#').trim());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A path with the values that are not empty behind the question mark.
pub fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn with_topic(path: &str, topic: &str) -> String {
    address(path, &[("topic", topic)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_with_any_comma_and_addresses_carry_what_is_given() {
        assert_eq!(words("k8s, #网络，go、 ,"), ["k8s", "网络", "go"]);
        assert_eq!(address("/a", &[("q", "容 器"), ("tag", "")]), "/a?q=%E5%AE%B9+%E5%99%A8");
        assert_eq!(address("/a", &[("q", "")]), "/a");
    }
}
