//! `/api/v1/docs`: the table as a page, without anything from elsewhere.

use axum::response::Response;
use maud::{Markup, html};

use super::operation::{Operation, Place, Shape};
use super::{PREFIX, openapi, table};
use crate::web::layout::{Frame, Page};

/// The page.
pub async fn serve(frame: Frame) -> Response {
    let t = frame.texts;
    let body = html! {
        article.docs lang="en" {
            h1 { (t.api_title()) }
            p { "The commands of this node over HTTP: " code { (PREFIX) } ", described for programs in "
                a href={ (PREFIX) "/openapi.json" } { "openapi.json" } "." }
            pre tabindex="0" { code { "curl -H \"Authorization: Bearer $(cat DIR/web.token)\" http://127.0.0.1:PORT" (PREFIX) "/status" } }
            ul {
                li { "Answers are JSON with " code { "\"v\":1" } "; lists are " code { "{items, next}" } ". A list in pages takes " code { "limit" }
                    " and " code { "cursor" } ", which is " code { "next" } " of the page before." }
                li { "Errors are " code { "application/problem+json" } " with a stable " code { "code" } ", the cause and the remedy." }
                li { "A write with an " code { "Idempotency-Key" } " is done once, however often it is sent; one with " code { "If-Match" }
                    " is done only on the state that was read." }
                li { "Reads carry an " code { "ETag" } "; " code { "If-None-Match" } " is answered with 304." }
                li { code { "GET /events" } " with " code { "Accept: text/event-stream" } " goes on, and resumes after " code { "Last-Event-ID" }
                    ". An event " code { "reset" } " says that some of what was missed is not kept any more." }
            }
            nav.chips aria-label="Nouns" { @for (tag, _) in table::TABLE { a href={ "#" (tag) } { (tag) } } a href="#codes" { "codes" } }
            @for (tag, _) in table::TABLE {
                section {
                    h2 id=(tag) { (tag) }
                    @for operation in table::all().filter(|o| o.tag == *tag) { (one(&operation)) }
                }
            }
            section {
                h2 #codes { "codes" }
                div.scroll tabindex="0" { table {
                    thead { tr { th { "code" } th { "status" } th { "meaning" } } }
                    tbody { @for (code, status, about) in openapi::codes() {
                        tr id=(code) { td { code { (code) } } td { (status) } td { (about) } }
                    } }
                } }
            }
        }
    };
    frame.show(Ok(Page::new(t.api_title(), body)))
}

fn one(operation: &Operation) -> Markup {
    html! {
        details.operation id=(operation.id()) {
            summary {
                span class="verb" { (operation.method.method()) } " " code { (operation.path) }
                span.dim { (operation.summary) }
            }
            @if operation.params.is_empty() { p.dim { "It takes nothing else." } }
            @else {
                div.scroll tabindex="0" { table {
                    thead { tr { th { "name" } th { "in" } th { "type" } th { "meaning" } } }
                    tbody { @for param in operation.params {
                        tr {
                            td { code { (param.name) } @if param.needed { " *" } }
                            td { (match param.place { Place::Path => "path", Place::Query => "query", Place::Body => "body" }) }
                            td { (shape(param.shape)) }
                            td { (param.about) }
                        }
                    } }
                } }
            }
        }
    }
}

fn shape(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::EmptyText => "text".into(),
        Shape::Word(words) => words.join(" | "),
        Shape::Number(least, most, _) => format!("{least} … {most}"),
        Shape::Flag(default) => format!("flag, {default}"),
        Shape::Texts | Shape::MaybeTexts => "list of texts".into(),
        Shape::Pairs => "list of pairs".into(),
        Shape::File => "{name, text}".into(),
        Shape::Changes => "list of [from, to, text]".into(),
    }
}
