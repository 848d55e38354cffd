//! The library of links: tags, votes, what was read, and a filter. Each link has a page of its own for the rest.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{markdown, when};

/// Links of one page.
const PAGE: usize = 40;
/// Most tags of the filter, the most used first.
const TAGS: usize = 24;

/// What is asked for.
#[derive(Debug, Default)]
struct Filter {
    words: String,
    tag: String,
    topic: String,
    view: &'static str,
    page: usize,
}

impl Filter {
    fn read(form: &Form) -> Self {
        let view = ["unread", "removed"].into_iter().find(|view| form.text("view") == *view).unwrap_or_default();
        let text = |name: &str| form.text(name).to_owned();
        let page = form.text("page").parse::<usize>().unwrap_or(1).max(1);
        Self { words: text("q"), tag: text("tag"), topic: text("topic"), view, page }
    }

    fn is_plain(&self) -> bool {
        self.words.is_empty() && self.tag.is_empty() && self.topic.is_empty() && self.view.is_empty()
    }

    /// The same filter as a query, with one value changed; another filter begins at its first page.
    fn with(&self, name: &str, value: &str) -> String {
        let page = if name == "page" { value.to_owned() } else { String::new() };
        let mut query = Serializer::new(String::new());
        let now =
            [("q", &*self.words), ("tag", &*self.tag), ("topic", &*self.topic), ("view", self.view), ("page", &page)];
        for (key, old) in now {
            let value = if key == name { value } else { old };
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
        format!("?{}", query.finish())
    }

    fn fits(&self, link: &Value) -> bool {
        let words = self.words.to_lowercase();
        let texts = [link.at("title"), link.at("url")].map(str::to_lowercase);
        let tags: Vec<String> = link.texts("tags").into_iter().map(str::to_lowercase).collect();
        words.split_whitespace().all(|word| texts.iter().chain(&tags).any(|text| text.contains(word)))
    }
}

/// `/groups/GROUP/links`.
pub async fn show(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let page = async {
        let filter = Filter::read(&Form::parse(query.unwrap_or_default().as_bytes())?);
        page(&app, &frame, &group, &filter).await
    };
    frame.show(page.await)
}

async fn page(app: &App, frame: &Frame, group: &str, filter: &Filter) -> Result<Page, Problem> {
    let t = frame.texts;
    let command = Command::LinkList { tag: None, topic: None, unread: false, removed: filter.view == "removed" };
    let list = app.ask_in(group, command).await?;
    let topics = topics(app, t, group).await?;
    let all = list.items();
    let found: Vec<&Value> = all
        .iter()
        .filter(|link| filter.view != "unread" || !link.is("read"))
        .filter(|link| filter.tag.is_empty() || link.texts("tags").contains(&&*filter.tag))
        .filter(|link| filter.topic.is_empty() || link.at("topic") == filter.topic)
        .filter(|link| filter.words.is_empty() || filter.fits(link))
        .collect();
    let pages = found.len().div_ceil(PAGE).max(1);
    let at = filter.page.min(pages);
    let base = format!("/groups/{group}/links");
    let body = html! {
        div.head { h1 { (t.links()) } span.dim #links-count data-live="" { (t.n_links(found.len())) } }
        (filter_form(t, filter, &topics, &base))
        div.wide-left {
            div.stackup #links data-live="" {
                @if all.is_empty() && filter.is_plain() { section.panel { p.dim { (t.library_empty()) } } }
                @else if found.is_empty() { section.panel { p.dim { (t.nothing_fits()) } p { a href=(base) { (t.show_all()) } } } }
                @else {
                    ul.rows.library { @for link in found.iter().skip((at - 1) * PAGE).take(PAGE) {
                        li { (row(frame, &base, filter, link, &topics, at)) }
                    } }
                    @if pages > 1 {
                        nav.pager aria-label=(t.pages_nav()) {
                            @if at > 1 { a.button rel="prev" href={ (base) (filter.with("page", &(at - 1).to_string())) } { "← " (t.earlier_page()) } }
                            span.dim { (t.page_of(at, pages)) }
                            @if at < pages { a.button rel="next" href={ (base) (filter.with("page", &(at + 1).to_string())) } { (t.later_page()) " →" } }
                        }
                    }
                }
            }
            div.stackup {
                (add_form(t, &base, &topics))
                (tag_cloud(t, filter, &base, all))
            }
        }
    };
    Ok(Page::of(group, "/links", t.links(), body))
}

/// The topics of the group's roadmaps by id, with their titles.
pub async fn topics(app: &App, t: Texts, group: &str) -> Result<BTreeMap<String, String>, Problem> {
    let list = app.ask_in(group, Command::RoadmapList).await?;
    let mut topics = BTreeMap::new();
    for roadmap in list.items().iter().filter(|r| r.is("added")) {
        let command = Command::RoadmapShow { roadmap: roadmap.at("roadmap_id").to_owned() };
        for topic in app.ask_in(group, command).await?.list("topics") {
            topics.insert(topic.at("id").to_owned(), topic.localized("title", t.lang));
        }
    }
    Ok(topics)
}

/// A choice of topics.
pub fn topic_field(t: Texts, topics: &BTreeMap<String, String>, chosen: &str, none: &str) -> Markup {
    html! {
        label { span { (t.of_topic()) }
            select name="topic" {
                option value="" selected[chosen.is_empty()] { (none) }
                @if !chosen.is_empty() && !topics.contains_key(chosen) { option value=(chosen) selected { (chosen) } }
                @for (id, title) in topics { option value=(id) selected[id == chosen] { (title) } }
            }
        }
    }
}

fn filter_form(t: Texts, filter: &Filter, topics: &BTreeMap<String, String>, base: &str) -> Markup {
    html! {
        form.filter method="get" action=(base) role="search" data-search="links" {
            label { span { (t.words_in_it()) } input type="search" name="q" value=(filter.words) maxlength="200" autocomplete="off"; }
            (topic_field(t, topics, &filter.topic, t.any_topic()))
            label { span { (t.show()) }
                select name="view" {
                    @for (view, name) in [("", t.all_links()), ("unread", t.unread_links()), ("removed", t.removed_links())] {
                        option value=(view) selected[filter.view == view] { (name) }
                    }
                }
            }
            @if !filter.tag.is_empty() { input type="hidden" name="tag" value=(filter.tag); }
            button { (t.filter()) }
        }
    }
}

fn row(
    frame: &Frame,
    base: &str,
    filter: &Filter,
    link: &Value,
    topics: &BTreeMap<String, String>,
    at: usize,
) -> Markup {
    let t = frame.texts;
    let words = words(link);
    let (voted, read, removed) = (link.is("voted"), link.is("read"), link.is("removed"));
    let page = if at > 1 { at.to_string() } else { String::new() };
    html! {
        form.votes method="post" action={ (base) "/" (link.at("link_id")) } data-enhance="stay" {
            input type="hidden" name="back" value={ (base) (filter.with("page", &page)) };
            button.vote name="do" value=(if voted { "unvote" } else { "vote" }) aria-pressed=(if voted { "true" } else { "false" })
                aria-label=(t.vote_for(words)) title=(if voted { t.take_vote_back() } else { t.vote() }) { "▲ " (link.count("votes")) }
        }
        div.what {
            div.title {
                @match markdown::allowed(link.at("url")) {
                    Some(url) => a.read[read] href=(url) rel="noopener noreferrer" target="_blank" { (words) },
                    None => span { (words) },
                }
                " " span.dim.host { (host(link.at("url"))) }
            }
            div.meta.dim {
                span { (t.added_by(link.texts("added_by").join(", "))) " · " (when::ago(t, frame.now, link.count("added_ms"))) }
                @if let Some(topic) = topics.get(link.at("topic")) { a href={ (base) (filter.with("topic", link.at("topic"))) } { (topic) } }
                @for tag in link.texts("tags") { a.tag href={ (base) (filter.with("tag", tag)) } { "#" (tag) } }
            }
        }
        form.acts method="post" action={ (base) "/" (link.at("link_id")) } data-enhance="stay" {
            input type="hidden" name="back" value={ (base) (filter.with("page", &page)) };
            @if removed { button name="do" value="restore" { (t.bring_back()) } }
            @else { button.light name="do" value=(if read { "unread" } else { "read" }) aria-pressed=(if read { "true" } else { "false" }) { @if read { "✓ " (t.mark_unread()) } @else { (t.mark_read()) } } }
            a.button.light href={ (base) "/" (link.at("link_id")) } { (t.edit()) span.hidden { ": " (words) } }
        }
    }
}

/// The words that stand for a link.
pub fn words(link: &Value) -> &str {
    if link.at("title").is_empty() { link.at("url") } else { link.at("title") }
}

/// The host of an address, for people.
fn host(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.map(|host| host.trim_start_matches("www.").to_owned()).unwrap_or_default()
}

fn add_form(t: Texts, base: &str, topics: &BTreeMap<String, String>) -> Markup {
    html! {
        form.panel.stack method="post" action=(base) {
            h2 { (t.add_link()) }
            label { span { (t.address()) } input type="url" name="url" required maxlength="2000" placeholder="https://…" autocomplete="off"; }
            label { span { (t.link_title()) } input name="title" maxlength="200" autocomplete="off"; }
            label { span { (t.tags()) } input name="tags" maxlength="400" autocomplete="off" placeholder=(t.tags_about()); }
            (topic_field(t, topics, "", t.no_topic()))
            button.primary { (t.add_link()) }
        }
    }
}

fn tag_cloud(t: Texts, filter: &Filter, base: &str, all: &[Value]) -> Markup {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for tag in all.iter().flat_map(|link| link.texts("tags")) {
        *counts.entry(tag).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(tag, n)| (std::cmp::Reverse(*n), *tag));
    html! {
        div #link-tags data-live="" { @if !counts.is_empty() {
            section.panel {
                h2 { (t.tags()) }
                p.chips { @for (tag, n) in counts.into_iter().take(TAGS) {
                    @let here = filter.tag == tag;
                    a aria-current=[here.then_some("true")] href={ (base) (filter.with("tag", if here { "" } else { tag })) } { "#" (tag) " " span.dim { (n) } }
                } }
            }
        } }
    }
}

/// Tags as people type them.
pub fn tags(text: &str) -> Vec<String> {
    let parts = text.split([',', '，', '、', ';', '；', '\n']).map(str::trim).filter(|tag| !tag.is_empty());
    parts.map(str::to_owned).collect()
}

/// `POST /groups/GROUP/links`.
pub async fn add(
    State(app): State<Arc<App>>,
    frame: Frame,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done = async {
        let form = Form::read(&headers, body).await?;
        let text = |name: &str| form.text(name).to_owned();
        let topic = Some(text("topic")).filter(|topic| !topic.is_empty());
        let command = Command::LinkAdd { url: text("url"), title: text("title"), tags: tags(form.text("tags")), topic };
        let made = app.ask_in(&group, command).await?;
        let base = format!("/groups/{group}/links");
        Ok(if made.is("already") { format!("{base}/{}?already=1", made.at("link_id")) } else { base })
    };
    frame.done(done.await)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_may_have_commas_of_both_scripts_between_them() {
        assert_eq!(tags(" k8s, 容器，入门、 ;x "), ["k8s", "容器", "入门", "x"]);
        assert!(tags(" , ").is_empty());
    }

    #[test]
    fn a_filter_finds_words_anywhere_and_keeps_what_else_was_chosen() {
        let form = Form::parse(b"q=Go+doc&tag=a%26b&view=unread&page=3").unwrap();
        let filter = Filter::read(&form);
        assert!(filter.fits(&json!({ "title": "The docs", "url": "https://go.dev/", "tags": [] })));
        assert!(!filter.fits(&json!({ "title": "Rust", "url": "https://doc.rust-lang.org/", "tags": [] })));
        assert_eq!(filter.with("page", "4"), "?q=Go+doc&tag=a%26b&view=unread&page=4");
        assert_eq!(filter.with("tag", ""), "?q=Go+doc&view=unread");
        assert_eq!(host("https://www.go.dev/x"), "go.dev");
    }
}
