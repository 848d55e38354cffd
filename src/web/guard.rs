//! Who may ask: what stands before every handler.
//!
//! A port on loopback is no boundary: every page that a browser on this machine shows can send requests to it, and with DNS
//! rebinding even read the answers. So, in this order: the `Host` must be this machine (rebinding), what is not public needs the
//! cookie or the secret, and a request that another site caused is refused, by what browsers say of it themselves
//! (`Sec-Fetch-Site`, `Origin`) and by the cookie's `SameSite=Strict`. A cookie is sent to every port of one host, so another
//! program's page on this machine is "same site": only "same origin" passes here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::state::App;
use super::token::Purpose;
use super::{api, pages};
use crate::node::core::now_ms;

/// How long a request may take; what carries files may take longer.
const TIMEOUT: Duration = Duration::from_secs(60);
const LONG_TIMEOUT: Duration = Duration::from_secs(600);

/// What every answer says. Nothing is loaded from elsewhere, nothing inline runs, nobody frames the page.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ("cache-control", "no-store"),
];

/// Puts the guard around all handlers.
pub fn around(router: Router, app: Arc<App>) -> Router {
    router.layer(from_fn_with_state(app, guard))
}

async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with(api::PREFIX);
    let mut response = match check(&app, &request) {
        Ok(()) => {
            let limit = if request.uri().path().contains("/bundle") { LONG_TIMEOUT } else { TIMEOUT };
            let slow =
                |_| Problem::http("too_many", "the node has too much to do", "try again in a while").into_response();
            tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(slow)
        }
        Err(problem) if is_api => problem.into_response(),
        Err(problem) => pages::refused(request.headers(), &problem),
    };
    for (name, value) in HEADERS {
        let entry = response.headers_mut().entry(HeaderName::from_static(name));
        entry.or_insert(HeaderValue::from_static(value));
    }
    response
}

fn check(app: &App, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let host = text(headers, &header::HOST).unwrap_or_default();
    if !is_own_host(app, host) {
        return Err(Problem::http(
            "bad_host",
            "this page is served under the address of this machine only",
            format!("open {}", app.address()),
        ));
    }
    // A proxy would be asked like this; the node is none.
    if request.uri().authority().is_some_and(|asked| asked.as_str() != host) {
        return Err(Problem::http("bad_host", "the request names two hosts", "send one request to one host"));
    }
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    check_site(headers, host, request.method(), is_write)?;
    if is_public(request.uri().path()) {
        return Ok(());
    }
    match caller(app, headers) {
        Some(Caller::Program) => Ok(()),
        Some(Caller::Browser) if !is_write || says_same_origin(headers, host) => Ok(()),
        Some(Caller::Browser) => Err(cross_site()),
        None => Err(Problem::http(
            "unauthorized",
            "this browser or program was not let in yet",
            "open the address that `studymesh web` prints; programs send the secret of web.token as a bearer token",
        )),
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Browser,
    Program,
}

fn caller(app: &App, headers: &HeaderMap) -> Option<Caller> {
    if let Some(given) = text(headers, &header::AUTHORIZATION) {
        // Whoever tries with a wrong secret is not let in by a cookie.
        let secret = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?.1;
        return app.secret.is_bearer(secret.trim()).then_some(Caller::Program);
    }
    let cookie = cookie(headers, &app.cookie())?;
    app.secret.open(Purpose::Session, cookie, now_ms()).map(|_| Caller::Browser)
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// What anybody on this machine may see: whether the node lives, the way in, and what the page looks like.
fn is_public(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/login" | "/favicon.ico") || path.starts_with("/assets/")
}

/// The names of this machine with our port: names that others control are none of them.
fn is_own_host(app: &App, host: &str) -> bool {
    let bound = app.bound();
    let suffix = format!(":{}", bound.port());
    let name = match host.strip_suffix(&suffix) {
        Some(name) => name,
        None if bound.port() == 80 => host,
        None => return false,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    let ip: Option<IpAddr> = match bare {
        Some(inner) => inner.parse().ok().filter(IpAddr::is_ipv6),
        None => name.parse().ok().filter(IpAddr::is_ipv4),
    };
    // Rebinding needs a name; whoever listens on more than loopback is asked by address.
    ip.is_some_and(|ip| ip.is_loopback() || ip == bound.ip() || bound.ip().is_unspecified())
}

/// Refuses what a browser says that another site caused. Following a link from elsewhere to a page is allowed: the cookie does
/// not come along.
fn check_site(headers: &HeaderMap, host: &str, method: &Method, is_write: bool) -> Result<(), Problem> {
    let site = text(headers, &HeaderName::from_static("sec-fetch-site"));
    let is = |name: &'static str, wanted: &str| text(headers, &HeaderName::from_static(name)) == Some(wanted);
    let follows_a_link = *method == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    let site_is_good = match site {
        None | Some("same-origin") => true,
        Some("none") => !is_write,
        Some(_) => follows_a_link,
    };
    let origin_is_good = match text(headers, &header::ORIGIN) {
        None => !headers.contains_key(header::ORIGIN),
        // Under `no-referrer` browsers send this for the page's own forms; then they say more of it.
        Some("null") => site == Some("same-origin"),
        Some(origin) => is_origin(origin, host),
    };
    if site_is_good && origin_is_good { Ok(()) } else { Err(cross_site()) }
}

/// Whether a browser says of a write that the page itself caused it. One that says nothing is too old to be safe.
fn says_same_origin(headers: &HeaderMap, host: &str) -> bool {
    text(headers, &HeaderName::from_static("sec-fetch-site")) == Some("same-origin")
        || text(headers, &header::ORIGIN).is_some_and(|origin| is_origin(origin, host))
}

fn is_origin(origin: &str, host: &str) -> bool {
    origin.strip_prefix("http://").is_some_and(|rest| rest.eq_ignore_ascii_case(host))
}

fn cross_site() -> Problem {
    Problem::http("cross_site", "the request comes from a page of another site", "use the page itself")
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
