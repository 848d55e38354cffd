//! The pages, one file per noun. A page asks the node by a command, and makes HTML of the answer.
//!
//! To add one: write `pages/NOUN.rs` with handlers that take [`crate::web::layout::Frame`], name its routes in [`router`], its texts in
//! `lang/NOUN.rs`, and, when it is a part of a group, its row in `layout::SECTIONS`. `docs/web.md` walks through one.

mod feed;
mod group;
mod home;
mod link;
mod links;
mod login;
mod me;
mod network;
mod note;
mod note_history;
mod notes;
mod parts;
mod roadmap;
mod roadmaps;
mod search;
mod settings;
mod topic;

pub use login::refused;
pub use parts::{class, sign, word};

use std::sync::Arc;

use axum::Router;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};

use super::layout::Frame;
use super::problem::Problem;
use super::state::App;
use super::{api, assets};

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let api = api::router(&app);
    Router::new()
        .route("/", get(home::show))
        .route("/new", get(home::new))
        .route("/name", post(home::name))
        .route("/groups", post(home::create))
        .route("/join", post(home::join))
        .route("/look", post(home::look))
        .route("/login", get(login::exchange))
        .route("/groups/{group}", get(group::show))
        .route("/groups/{group}/roadmaps", get(roadmaps::show).post(roadmaps::add))
        .route("/groups/{group}/roadmap-files", post(roadmaps::import))
        .route("/groups/{group}/roadmaps/{roadmap}", get(roadmap::show).post(roadmap::edit))
        .route("/groups/{group}/roadmaps/{roadmap}/topics/{topic}", get(topic::show))
        .route("/groups/{group}/topics/{topic}/progress", post(topic::set))
        .route("/groups/{group}/notes", get(notes::show).post(notes::create))
        .route("/groups/{group}/notes/new", get(notes::new))
        .route("/groups/{group}/notes/preview", post(note::preview))
        .route("/groups/{group}/notes/{note}", get(note::show).post(note::save))
        .route("/groups/{group}/notes/{note}/edit", get(note::edit))
        .route("/groups/{group}/notes/{note}/history", get(note_history::show))
        .route("/groups/{group}/notes/{note}/details", post(note::set))
        .route("/groups/{group}/notes/{note}/delete", post(note::delete))
        .route("/groups/{group}/notes/{note}/restore", post(note::restore))
        .route("/groups/{group}/links", get(links::show).post(links::add))
        .route("/groups/{group}/links/{link}", get(link::show).post(link::change))
        .route("/groups/{group}/settings", get(settings::show).post(settings::change))
        .route("/groups/{group}/settings/invite", post(settings::invite::make))
        .route("/groups/{group}/settings/device", post(settings::device::offer))
        .route("/backup", post(settings::backup::make))
        .route("/search", get(search::show))
        .route("/feed", get(feed::show).post(feed::seen))
        .route("/me", get(me::show))
        .route("/zone", post(me::zone))
        .route("/network", get(network::show))
        .route("/livez", get(api::health::live))
        .route("/readyz", get(api::health::ready))
        .route("/assets/{hash}/{name}", get(assets::serve))
        .route("/favicon.ico", get(assets::favicon))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
        .merge(api)
}

async fn nothing(frame: Frame, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(80).collect();
    frame.problem(&Problem::http("no_such_path", format!("nothing is at {path}"), ""))
}

async fn wrong_method(frame: Frame) -> Response {
    frame.problem(&Problem::http("bad_method", "this page takes no such request", ""))
}
