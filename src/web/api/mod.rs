//! `/api/v1`: the commands of [`crate::api`] over HTTP.
//!
//! One [`table`] says which operations there are; the routes, the OpenAPI document and the page that shows it are made from it.

pub mod call;
mod docs;
mod etag;
mod events;
pub mod files;
pub mod health;
pub mod idempotency;
mod openapi;
pub mod operation;
mod paging;
mod settings;
pub mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use serde_json::{Map, Value};

use self::operation::{Does, Operation, Verb};
use super::form::{self, Form, MAX_BODY_BYTES};
use super::problem::Problem;
use super::state::App;

/// Where it lives.
pub const PREFIX: &str = "/api/v1";

/// The routes of the API.
pub fn router(app: &Arc<App>) -> Router {
    let mut paths: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
    for operation in table::all() {
        paths.entry(operation.path).or_default().push(operation);
    }
    let mut router = Router::new();
    for (path, operations) in paths {
        let reads = operations.iter().find(|o| o.method == Verb::Get).copied();
        let mut methods: MethodRouter<Arc<App>> = MethodRouter::new();
        for operation in operations {
            let handler = move |State(app): State<Arc<App>>, path: RawPathParams, request: Request| async move {
                let path = path.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
                answer(&app, operation, reads, path, request).await
            };
            methods = methods.merge(on(filter(operation.method), handler));
        }
        router = router.route(&format!("{PREFIX}{path}"), methods.fallback(wrong_method));
    }
    router
        .route(&format!("{PREFIX}/openapi.json"), get(openapi::serve).fallback(wrong_method))
        .route(&format!("{PREFIX}/docs"), get(docs::serve).fallback(wrong_method))
        .route(PREFIX, get(docs::serve).fallback(wrong_method))
        .route(&format!("{PREFIX}/{{*rest}}"), axum::routing::any(no_such_path))
        .with_state(app.clone())
}

fn filter(verb: Verb) -> MethodFilter {
    match verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Patch => MethodFilter::PATCH,
        Verb::Delete => MethodFilter::DELETE,
    }
}

async fn wrong_method() -> Problem {
    Problem::http("bad_method", "this path has no such method", "see /api/v1/docs")
}

async fn no_such_path() -> Problem {
    Problem::http("no_such_path", "there is nothing at this path", "see /api/v1/docs")
}

/// What came with a request.
pub struct Given {
    /// The parts of the path.
    pub path: BTreeMap<String, String>,
    /// What stands behind the question mark.
    pub query: Form,
    /// The object in the body.
    pub body: Map<String, Value>,
}

async fn answer(
    app: &Arc<App>,
    operation: Operation,
    reads: Option<Operation>,
    path: BTreeMap<String, String>,
    request: Request,
) -> Response {
    match respond(app, operation, reads, path, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn respond(
    app: &Arc<App>,
    operation: Operation,
    reads: Option<Operation>,
    path: BTreeMap<String, String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
    if !operation.method.writes() {
        let given = Given { path, query, body: Map::new() };
        return match operation.does {
            Does::Events => events::answer(app, &operation, &headers, &given).await,
            Does::BundleExport | Does::BundleHave => files::down(app, &operation, &given, None).await,
            _ => read(app, &operation, &headers, &given).await,
        };
    }
    if operation.takes_file() {
        let given = Given { path, query, body: Map::new() };
        return files::up(app, &operation, &headers, &given, body).await;
    }
    let bytes = form::bytes(body, MAX_BODY_BYTES).await?;
    let key = idempotency::key(&headers)?;
    let target = format!("{} {}", operation.method.method(), parts.uri);
    let begun = match &key {
        None => None,
        Some(key) => match app.answers.begin(key, &target, &bytes, crate::node::core::now_ms())? {
            idempotency::Begun::Before(answer) => return Ok(answer),
            idempotency::Begun::First(begun) => Some(begun),
        },
    };
    let body = object(&headers, &bytes)?;
    let given = Given { path, query, body };
    if let Some(reads) = reads {
        etag::if_match(app, &reads, &headers, &given).await?;
    }
    // A client that goes away does not leave a write half done, nor its key without an answer.
    let app = app.clone();
    let task = tokio::spawn(async move {
        let done = write(&app, &operation, &given).await.unwrap_or_else(|problem| Made::of(&problem));
        if let Some(begun) = begun {
            begun.end(&done);
        }
        done
    });
    let done = task.await.map_err(|_| Problem::from(ended()))?;
    Ok(done.into_response())
}

fn ended() -> crate::api::Error {
    crate::api::Error::new(crate::api::Code::Failed, "the request came to an unexpected end", "try again")
}

async fn read(app: &App, operation: &Operation, headers: &HeaderMap, given: &Given) -> Result<Response, Problem> {
    let page = paging::Page::of(operation, &given.query)?;
    let mut value = call::value(app, operation, given).await?;
    if let Some(page) = page {
        page.cut(&mut value)?;
    }
    Ok(etag::response(headers, &value))
}

/// The answer to a write, as it is sent and, under an idempotency key, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    status: StatusCode,
    media: &'static str,
    body: Bytes,
}

impl Made {
    fn of(problem: &Problem) -> Self {
        let body = problem.to_json().to_string().into();
        Self { status: problem.status, media: super::problem::MEDIA, body }
    }
}

impl IntoResponse for Made {
    fn into_response(self) -> Response {
        let mut response = (self.status, Body::from(self.body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        response
    }
}

async fn write(app: &App, operation: &Operation, given: &Given) -> Result<Made, Problem> {
    let value = call::value(app, operation, given).await?;
    let status = if operation.makes { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Made { status, media: "application/json", body: value.to_string().into() })
}

/// The object in a body; an empty body is an empty object.
fn object(headers: &HeaderMap, bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if form::media(headers) != Some("application/json") {
        return Err(Problem::http(
            "bad_media_type",
            "this operation takes JSON",
            "send `Content-Type: application/json`",
        ));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::http("bad_body", "the body is no JSON object", "see /api/v1/docs for what it takes")),
        Err(error) => Err(Problem::http("bad_body", format!("the body is no JSON: {error}"), "correct it")),
    }
}
