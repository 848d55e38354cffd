//! `/livez` and `/readyz`: for whoever watches over a node.
//!
//! Alive: the event loop answers, and the store does, in time. Peers are never asked for: a node alone is well. Ready: it is
//! alive and listens.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::api::Command;
use crate::web::state::App;

/// How long the node may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Whether the event loop and the store answer.
pub async fn live(State(app): State<Arc<App>>) -> Response {
    // Any read of the store goes through the worker; it is the same loop that takes entries in.
    let asked = tokio::time::timeout(DEADLINE, app.handle.recall("livez")).await;
    say(matches!(asked, Ok(Ok(_))), "alive")
}

/// Whether the node also listens.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let asked = tokio::time::timeout(DEADLINE, app.ask(Command::Status)).await;
    let listens = |status: &serde_json::Value| status["listen"].as_array().is_some_and(|list| !list.is_empty());
    say(matches!(asked, Ok(Ok(status)) if listens(&status)), "ready")
}

fn say(is: bool, what: &str) -> Response {
    let status = if is { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = (status, json!({ "v": 1, what: is }).to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
