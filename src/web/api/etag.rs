//! Entity tags: the hash of an answer, so that a client which holds it is told so in a few bytes, and a write can name the
//! state that it was made for.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::operation::Operation;
use super::{Given, call};
use crate::web::form::Form;
use crate::web::problem::Problem;
use crate::web::state::App;

/// Hex digits of a tag.
const DIGITS: usize = 32;

/// The tag of a body.
fn tag(body: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(body).to_hex()[..DIGITS])
}

/// Whether a header of tags names this one. Weak tags count: two bodies of one tag are equal to the byte.
fn names(headers: &HeaderMap, header: &HeaderName, tag: &str) -> Option<bool> {
    if !headers.contains_key(header) {
        return None;
    }
    let mut all = headers.get_all(header).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    Some(all.any(|one| matches!(one.trim().trim_start_matches("W/"), other if other == tag || other == "*")))
}

/// The answer to a read.
pub fn response(headers: &HeaderMap, value: &Value) -> Response {
    let body = value.to_string();
    let tag = tag(body.as_bytes());
    let unchanged = names(headers, &header::IF_NONE_MATCH, &tag) == Some(true);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from(body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let tag = HeaderValue::from_str(&tag).expect("a tag is hex digits between quotation marks");
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Refuses a write whose `If-Match` is not the tag of what a read of the same path gives now. What comes between this look and
/// the write is merged, as everything concurrent is.
pub async fn if_match(app: &App, reads: &Operation, headers: &HeaderMap, given: &Given) -> Result<(), Problem> {
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(());
    }
    let same = Given { path: given.path.clone(), query: Form::default(), body: serde_json::Map::new() };
    let now = call::value(app, reads, &same).await?;
    if names(headers, &header::IF_MATCH, &tag(now.to_string().as_bytes())) == Some(true) {
        return Ok(());
    }
    Err(Problem::http("stale", "it has changed since it was read", "read it again, and make the change anew"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_holds_the_answer_gets_none() {
        let value = json!({ "v": 1, "title": "容器" });
        let first = response(&HeaderMap::new(), &value);
        let tag = first.headers()[header::ETAG].clone();
        assert_eq!(first.status(), StatusCode::OK);
        let ask = |sent: &str, value: &Value| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(sent).unwrap())]);
            response(&headers, value).status()
        };
        let tag = tag.to_str().unwrap();
        for sent in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".into()] {
            assert_eq!(ask(&sent, &value), StatusCode::NOT_MODIFIED, "{sent}");
            if sent != "*" {
                assert_eq!(ask(&sent, &json!({ "v": 1, "title": "容器 2" })), StatusCode::OK);
            }
        }
        assert_eq!(ask("", &value), StatusCode::OK);
    }
}
