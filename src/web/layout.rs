//! What stands around every page: the frame of a request, and the base of its HTML.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::assets;
use super::guard::cookie;
use super::lang::Texts;
use super::problem::Problem;
use super::state::App;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::node::core::now_ms;

/// The cookie that holds the colours a person chose.
pub const THEME: &str = "studymesh_theme";

/// A part of a group: its path behind the group, and its name.
type Section = (&'static str, fn(Texts) -> &'static str);

/// The parts of a group, in the order of the navigation: path behind the group, and name. A new page adds its row here.
const SECTIONS: &[Section] = &[
    ("", Texts::overview),
    ("/roadmaps", Texts::roadmaps),
    ("/notes", Texts::notes),
    ("/links", Texts::links),
    ("/settings", Texts::group_settings),
];

/// The pages of the node, in the order of the navigation.
const NODE_PAGES: &[Section] =
    &[("/search", Texts::search), ("/feed", Texts::feed), ("/me", Texts::me), ("/network", Texts::network)];

/// What every page knows: who asks, in which language, and which groups there are.
#[derive(Debug)]
pub struct Frame {
    /// The texts in the person's language.
    pub texts: Texts,
    /// What `status` says.
    pub status: Value,
    /// Now, Unix milliseconds.
    pub now: u64,
    theme: &'static str,
    path: String,
}

/// A page: its title, where it is, and what it holds.
pub struct Page {
    title: String,
    group: Option<String>,
    section: &'static str,
    body: Markup,
}

impl Page {
    /// A page of the node.
    pub fn new(title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), group: None, section: "", body }
    }

    /// A page of a group, in one of its [`SECTIONS`].
    pub fn of(group: &str, section: &'static str, title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), group: Some(group.to_owned()), section, body }
    }
}

impl FromRequestParts<Arc<App>> for Frame {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let bare = Self::bare(&parts.headers, parts.uri.path());
        match app.ask(Command::Status).await {
            Ok(status) => Ok(Self { status, ..bare }),
            Err(error) => Err(bare.problem(&error.into())),
        }
    }
}

impl Frame {
    /// A frame that knows nothing of the node.
    pub fn bare(headers: &HeaderMap, path: &str) -> Self {
        let theme = match cookie(headers, THEME) {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "auto",
        };
        Self { texts: Texts::of(headers), status: Value::Null, now: now_ms(), theme, path: path.to_owned() }
    }

    /// The groups.
    pub fn groups(&self) -> &[Value] {
        self.status.list("groups")
    }

    /// A group as `status` has it, by its id.
    pub fn group(&self, id: &str) -> Option<&Value> {
        self.groups().iter().find(|group| group.at("group_id") == id)
    }

    /// A group's name, or the beginning of its id.
    pub fn name<'v>(&self, group: &'v Value) -> std::borrow::Cow<'v, str> {
        match group.at("name") {
            "" => group.short("group_id").into(),
            name => name.into(),
        }
    }

    /// A page, or why there is none.
    pub fn show(&self, page: Result<Page, Problem>) -> Response {
        match page {
            Ok(page) => self.render(StatusCode::OK, &page),
            Err(problem) => self.problem(&problem),
        }
    }

    /// Where a form leads when it was done, or why it was not.
    pub fn done(&self, to: Result<String, Problem>) -> Response {
        match to {
            Ok(to) => Redirect::to(&to).into_response(),
            Err(problem) => self.problem(&problem),
        }
    }

    /// A problem as a page.
    pub fn problem(&self, problem: &Problem) -> Response {
        let t = self.texts;
        let title = if problem.status == StatusCode::NOT_FOUND { t.not_found_title() } else { t.problem_title() };
        let body = html! {
            section.sheet.narrow {
                h1 { (title) }
                p data-problem { (problem.detail) }
                @if !problem.remedy.is_empty() { p.dim { (t.remedy()) ": " (problem.remedy) } }
                p { a.button href="/" { (t.to_start()) } }
            }
        };
        self.render(problem.status, &Page::new(title, body))
    }

    /// The whole HTML of a page.
    pub fn render(&self, status: StatusCode, page: &Page) -> Response {
        let t = self.texts;
        let current = page.group.as_deref().and_then(|id| self.group(id));
        let markup = html! {
            (DOCTYPE)
            html lang=(t.code()) data-theme=(self.theme) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " · studymesh" }
                    link rel="icon" type="image/svg+xml" href=(assets::path("mark.svg"));
                    link rel="stylesheet" href=(assets::path("style.css"));
                    script type="module" src=(assets::path("app.js")) {}
                }
                body data-saved=(t.saved()) data-lost=(t.lost_node()) {
                    a.skip href="#content" { (t.skip_to_content()) }
                    div.shell {
                        (self.sidebar(page))
                        div.main {
                            @if let Some(group) = current { (self.tabs(group, page.section)) }
                            main #content tabindex="-1" { (page.body) }
                        }
                    }
                    p #said .said role="status" {}
                    @if !self.status.is_null() {
                        sm-palette data-label=(t.palette()) data-hint=(t.palette_hint()) data-none=(t.palette_none()) {}
                    }
                }
            }
        };
        let mut response = (status, markup.into_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }

    fn sidebar(&self, page: &Page) -> Markup {
        let t = self.texts;
        html! {
            header.side {
                a.brand href="/" { img src=(assets::path("mark.svg")) alt="" width="22" height="22"; span { "studymesh" } }
                @if !self.status.is_null() {
                    nav.node aria-label=(t.your_node()) {
                        ul { @for (path, name) in NODE_PAGES {
                            li { a href=(path) aria-current=[(self.path == *path).then_some("page")] { (name(t)) } }
                        } }
                    }
                    nav.groups aria-label=(t.groups()) {
                        ul {
                            @for group in self.groups() {
                                @let id = group.at("group_id");
                                @let here = page.group.as_deref() == Some(id);
                                li { a href={ "/groups/" (id) } aria-current=[here.then_some("true")] { (self.name(group)) } }
                            }
                            li { a.quiet href="/new" aria-current=[(self.path == "/new").then_some("page")] { "+ " (t.new_group()) } }
                        }
                    }
                    div.foot {
                        span #lamp .lamp data-state="off" data-on=(t.live()) data-off="" {}
                        (self.look())
                        a.quiet href="/api/v1/docs" { (t.api()) }
                    }
                }
            }
        }
    }

    /// Language and colours, as a form that works alone and sends itself where it can.
    fn look(&self) -> Markup {
        let t = self.texts;
        let lang = if t.code() == "en" { "en" } else { "zh" };
        html! {
            details.look {
                summary { (t.language()) " · " (t.theme()) }
                form method="post" action="/look" {
                    input type="hidden" name="back" value=(self.path);
                    label { span { (t.language()) }
                        select name="lang" {
                            option value="en" selected[lang == "en"] { "English" }
                            option value="zh" selected[lang == "zh"] lang="zh-Hans" { "中文" }
                        }
                    }
                    label { span { (t.theme()) }
                        select name="theme" {
                            @for (value, name) in [("auto", t.theme_auto()), ("light", t.theme_light()), ("dark", t.theme_dark())] {
                                option value=(value) selected[self.theme == value] { (name) }
                            }
                        }
                    }
                    button { (t.apply()) }
                }
            }
        }
    }

    fn tabs(&self, group: &Value, section: &str) -> Markup {
        let t = self.texts;
        let id = group.at("group_id");
        html! {
            div.bar {
                div.where { strong { (self.name(group)) } }
                nav.tabs aria-label=(t.this_group()) {
                    @for (path, name) in SECTIONS {
                        a href={ "/groups/" (id) (path) } aria-current=[(*path == section).then_some("page")] { (name(t)) }
                    }
                }
            }
            div #notice data-live="" {
                @if group.count("kept") > 0 { p.notice { (t.kept()) } }
                @else if group.count("connected") == 0 && group.count("members") > 1 { p.notice { (t.offline()) } }
            }
        }
    }
}

/// A path of this page that a form names to come back to; anything else leads to the start.
pub fn back(path: &str) -> String {
    let is_ours = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if is_ours && path.is_ascii() { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_by_a_form() {
        for (path, to) in [
            ("/groups/ab", "/groups/ab"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(back(path), to, "{path:?}");
        }
    }
}
