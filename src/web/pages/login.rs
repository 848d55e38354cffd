//! The way in: an address for one use becomes a cookie.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, html};

use crate::node::core::now_ms;
use crate::web::assets;
use crate::web::form::Form;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::token::{Purpose, SESSION_MS};

/// `/login?token=`: exchanges the token, and leads on so that it does not stay in the address.
pub async fn exchange(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Response {
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let now = now_ms();
    if !app.used.exchange(&app.secret, query.text("token"), now) {
        return way_in(&headers, StatusCode::UNAUTHORIZED, Texts::used_up);
    }
    let cookie = format!(
        "{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict",
        app.cookie(),
        app.secret.seal(Purpose::Session, now),
        SESSION_MS / 1_000
    );
    // A browser that followed a link from elsewhere would not send the cookie along with a redirect: there the page itself leads on.
    let from_elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    let mut response = if from_elsewhere { lead_on(&headers) } else { Redirect::to("/").into_response() };
    let cookie = HeaderValue::from_str(&cookie).expect("a cookie of ours is plain text");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

fn lead_on(headers: &HeaderMap) -> Response {
    let t = Texts::of(headers);
    let markup = html! {
        (DOCTYPE)
        html lang=(t.code()) {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content="0;url=/";
                title { (t.one_moment()) }
                link rel="stylesheet" href=(assets::path("style.css"));
            }
            body { main { p { a href="/" { (t.go_on()) } } } }
        }
    };
    let mut response = markup.into_string().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// What a browser sees that the guard did not let through.
pub fn refused(headers: &HeaderMap, problem: &Problem) -> Response {
    if problem.status == StatusCode::UNAUTHORIZED {
        return way_in(headers, problem.status, Texts::how_in);
    }
    Frame::bare(headers, "/").problem(problem)
}

fn way_in(headers: &HeaderMap, status: StatusCode, why: fn(Texts) -> &'static str) -> Response {
    let frame = Frame::bare(headers, "/");
    let t = frame.texts;
    let body = html! {
        section.sheet.narrow {
            h1 { (t.not_let_in()) }
            p { (why(t)) }
            pre { code { "studymesh web" } }
        }
    };
    frame.render(status, &Page::new(t.not_let_in(), body))
}
