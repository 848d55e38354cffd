//! What forms and addresses carry: `name=value&name=value`.

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use url::form_urlencoded;

use super::problem::Problem;
use crate::api::MAX_NOTE_BYTES;

/// Most bytes of a body: a note's text, with every character written as `%XX%XX%XX`.
pub const MAX_BODY_BYTES: usize = 3 * MAX_NOTE_BYTES + 64 * 1024;
/// Most pairs.
const MAX_PAIRS: usize = 512;

/// The pairs of a form or a query, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads pairs.
    ///
    /// # Errors
    /// When there are too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut pairs = form_urlencoded::parse(bytes);
        let read: Vec<_> = pairs.by_ref().take(MAX_PAIRS).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        if pairs.next().is_some() {
            let cause = format!("there are more than {MAX_PAIRS} values");
            return Err(Problem::http("bad_parameter", cause, "send fewer values"));
        }
        Ok(Self(read))
    }

    /// Reads the body of a form.
    ///
    /// # Errors
    /// When it is no form, or too large.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        if media(headers) != Some("application/x-www-form-urlencoded") {
            return Err(Problem::http("bad_media_type", "this path takes a form", "send it as a form does"));
        }
        Self::parse(&bytes(body, MAX_BODY_BYTES).await?)
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of that name without spaces around it; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// The text of that name with the line ends of this program: browsers send CR LF.
    pub fn area(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().replace("\r\n", "\n")
    }

    /// All pairs.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// A body, read whole.
///
/// # Errors
/// When it is larger than `limit`, or does not come.
pub async fn bytes(body: Body, limit: usize) -> Result<axum::body::Bytes, Problem> {
    let too_large = || {
        let cause = format!("the body has more than {limit} bytes, or did not come whole");
        Problem::http("too_large", cause, "send less at a time")
    };
    // What says that it is too large is not read at all.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    axum::body::to_bytes(body, limit).await.map_err(|_| too_large())
}

/// The media type of a body, without its parameters.
pub fn media(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_in_their_order_and_bounded() {
        let form = Form::parse("a=1&text=%E5%AE%B9%E5%99%A8+x%0D%0Ay&a=2".as_bytes()).unwrap();
        assert_eq!((form.get("a"), form.area("text").as_str(), form.get("b")), (Some("1"), "容器 x\ny", None));
        assert_eq!(form.pairs().len(), 3);
        assert_eq!(Form::parse("a&".repeat(MAX_PAIRS + 1).as_bytes()).unwrap_err().code, "bad_parameter");
    }
}
