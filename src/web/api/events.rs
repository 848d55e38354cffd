//! What happened: as a list, or as server-sent events that go on.
//!
//! Each event of a stream has the id that the store gave it, so a browser that was away says in `Last-Event-ID` what it has seen,
//! and gets the rest from the store. The store keeps the last 20,000; when some of what was missed is gone, the stream says so
//! first, with an event `reset`: the client then reads everything anew.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::operation::Operation;
use super::{Given, call, etag};
use crate::api::{Command, Request};
use crate::node::{Events, Told};
use crate::web::problem::Problem;
use crate::web::state::{App, MAX_STREAMS};

/// How often a quiet stream says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a browser comes back after a stream broke, milliseconds.
const RETRY_MS: u64 = 1_000;
/// The longest `Last-Event-ID` that is looked at.
const MAX_ID: usize = 20;

/// The events after an id.
pub async fn answer(
    app: &Arc<App>,
    operation: &Operation,
    headers: &HeaderMap,
    given: &Given,
) -> Result<Response, Problem> {
    let fields = call::fields(operation, given)?;
    let since = fields.get("since").and_then(Value::as_u64);
    let group = match fields.get("group").and_then(Value::as_str) {
        Some(named) => Some(group_id(app, named).await?),
        None => None,
    };
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accept.contains("text/event-stream") {
        let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).filter(|id| id.len() <= MAX_ID);
        return follow(app, last.and_then(|id| id.parse().ok()).or(since), group).await;
    }
    let limit = fields.get("limit").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(100);
    let mut value = app.ask(Command::Events { since, limit }).await?;
    if let (Some(group), Some(items)) = (&group, value.get_mut("items").and_then(Value::as_array_mut)) {
        items.retain(|event| event["group_id"] == *group);
    }
    Ok(etag::response(headers, &value))
}

/// The whole id of a group.
async fn group_id(app: &App, named: &str) -> Result<String, Problem> {
    let status = app.handle.call(Request::new(Command::SyncStatus).in_group(Some(named.to_owned()))).await?;
    Ok(status["group_id"].as_str().unwrap_or_default().to_owned())
}

struct Stream {
    events: Events,
    group: Option<String>,
    /// The last id that the client has, until it is known that nothing is missing.
    resumed: Option<u64>,
    /// What goes out first.
    greeting: Option<String>,
    _place: OwnedSemaphorePermit,
}

async fn follow(app: &Arc<App>, since: Option<u64>, group: Option<String>) -> Result<Response, Problem> {
    let place = app.streams.clone().try_acquire_owned().map_err(|_| {
        let cause = format!("{MAX_STREAMS} event streams are open already");
        Problem::http("too_many", cause, "close some, or read the list of events now and then")
    })?;
    let from = since.unwrap_or_else(|| app.handle.last_event());
    let events = app.handle.follow(Some(from)).await?;
    // The first id lets a browser resume even when nothing happens before the stream breaks.
    let greeting = Some(format!("retry: {RETRY_MS}\nid: {from}\nevent: ready\ndata: {{}}\n\n"));
    let state = Stream { events, group, resumed: since, greeting, _place: place };
    let chunks = stream::unfold(state, |mut state| async move {
        let chunk = state.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(chunk)), state))
    });
    let mut response = Body::from_stream(chunks).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

impl Stream {
    /// What goes out next; none when the node has ended.
    async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let Ok(told) = tokio::time::timeout(HEARTBEAT, self.events.next_told()).await else {
            return Some(":\n\n".into());
        };
        let batch = match told.ok()? {
            Told::Happened(batch) => batch,
            // Without an id: it is nothing to resume after.
            Told::Presence(groups) => {
                let groups = groups.iter().map(ToString::to_string);
                let wanted = groups.filter(|group| self.group.as_ref().is_none_or(|only| only == group));
                return Some(wanted.map(|group| presence(&group)).collect());
            }
        };
        let mut out = String::new();
        let first = batch.first().and_then(|e| e["id"].as_u64());
        if let (Some(last), Some(first)) = (self.resumed.take(), first)
            && first > last + 1
        {
            out.push_str(&format!("id: {}\nevent: reset\ndata: {{}}\n\n", first - 1));
        }
        let mut skipped = None;
        for event in batch {
            let id = event["id"].as_u64().unwrap_or_default();
            if self.group.as_ref().is_none_or(|group| event["group_id"] == *group.as_str()) {
                out.push_str(&block(id, &event));
                skipped = None;
            } else {
                skipped = Some(id);
            }
        }
        // A client of one group goes on behind what it was not told.
        if let Some(id) = skipped {
            out.push_str(&format!("id: {id}\nevent: ready\ndata: {{}}\n\n"));
        }
        Some(out)
    }
}

/// Somebody came, moved or left in a note of a group.
fn presence(group: &str) -> String {
    format!("event: presence\ndata: {{\"group_id\":\"{group}\"}}\n\n")
}

/// One event; JSON has no line ends.
fn block(id: u64, event: &Value) -> String {
    format!("id: {id}\nevent: happened\ndata: {event}\n\n")
}
