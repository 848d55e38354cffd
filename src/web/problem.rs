//! Errors as `application/problem+json` (RFC 9457), and as pages.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::api::{Code, Error};

/// The media type.
pub const MEDIA: &str = "application/problem+json";

/// Codes that only HTTP has, with their status and their meaning; those of [`Code`] come before them in the documents.
pub const HTTP_CODES: [(&str, StatusCode, &str); 13] = [
    ("unauthorized", StatusCode::UNAUTHORIZED, "no cookie and no bearer token that this node knows"),
    ("bad_host", StatusCode::MISDIRECTED_REQUEST, "the Host header names another machine"),
    ("cross_site", StatusCode::FORBIDDEN, "the request comes from a page of another site"),
    ("no_such_path", StatusCode::NOT_FOUND, "there is nothing at this path"),
    ("bad_method", StatusCode::METHOD_NOT_ALLOWED, "the path has no such method"),
    ("bad_parameter", StatusCode::BAD_REQUEST, "a parameter is missing, unknown or of the wrong type"),
    ("bad_body", StatusCode::BAD_REQUEST, "the body is not what this path takes"),
    ("bad_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body's type is not what this path takes"),
    ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than this path takes"),
    ("stale", StatusCode::PRECONDITION_FAILED, "what `If-Match` names is not the present state"),
    ("idempotency_mismatch", StatusCode::UNPROCESSABLE_ENTITY, "the idempotency key came before with another request"),
    ("in_progress", StatusCode::CONFLICT, "the request with this idempotency key is still at work"),
    ("too_many", StatusCode::TOO_MANY_REQUESTS, "a limit of this node is reached"),
];

/// Why a request has no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// The cause, one sentence.
    pub detail: String,
    /// What to do about it, one sentence.
    pub remedy: String,
}

impl Problem {
    /// A problem of HTTP itself; the code is one of [`HTTP_CODES`].
    pub fn http(code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let found = HTTP_CODES.iter().find(|(name, ..)| *name == code);
        let status = found.map_or(StatusCode::BAD_REQUEST, |(_, status, _)| *status);
        Self { status, code, detail: detail.into(), remedy: remedy.into() }
    }

    /// The object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": format!("/api/v1/docs#{}", self.code), "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(), "detail": self.detail, "code": self.code, "remedy": self.remedy,
        })
    }
}

/// The status of a command's error.
#[must_use]
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::Failed | Code::StoreDamaged | Code::StoreNewer => StatusCode::INTERNAL_SERVER_ERROR,
        Code::NotRunning => StatusCode::SERVICE_UNAVAILABLE,
        Code::Usage => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Ambiguous | Code::Locked => StatusCode::CONFLICT,
        Code::BadInput | Code::BadTicket => StatusCode::UNPROCESSABLE_ENTITY,
        // Another node did not answer: this one is well.
        Code::Timeout | Code::Incomplete => StatusCode::FAILED_DEPENDENCY,
        Code::NotPermitted => StatusCode::FORBIDDEN,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code;
        Self { status: status(code), code: code.as_str(), detail: error.message, remedy: error.remedy }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.to_json().to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
