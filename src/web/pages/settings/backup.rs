//! Backups and files to carry: downloads.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use super::Of;
use crate::api::peek::Peek as _;
use crate::api::{Code, Error};
use crate::node::backup::{self, Content, Passphrase};
use crate::web::api::files::{self, Scratch};
use crate::web::form::Form;
use crate::web::layout::Frame;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The name of the file that is offered.
const NAME: &str = "studymesh.backup";

/// The form, and what can be taken along besides.
pub fn form(of: &Of<'_>) -> Markup {
    let (t, id) = (of.frame.texts, of.group.at("group_id"));
    html! {
        p.dim { (t.backup_about()) }
        form.fields method="post" action="/backup" {
            label { span { (t.passphrase()) } input type="password" name="passphrase" required minlength="8" maxlength="512" autocomplete="new-password"; }
            label { span { (t.passphrase_again()) } input type="password" name="again" required minlength="8" maxlength="512" autocomplete="new-password"; }
            label.choice { input type="checkbox" name="keys" value="yes"; span { (t.keys_only()) } }
            button { (t.download_backup()) }
        }
        ul.rows {
            li { a href={ "/api/v1/groups/" (id) "/bundle" } download { (t.bundle()) } }
            li { a href={ "/api/v1/groups/" (id) "/bundle/have" } download { (t.have_file()) } }
            li { a href={ "/api/v1/groups/" (id) "/export" } download="group.json" { (t.export_json()) } }
        }
    }
}

/// `POST /backup`: the whole directory, sealed with a passphrase, as a download.
pub async fn make(State(app): State<Arc<App>>, frame: Frame, headers: HeaderMap, body: Body) -> Response {
    match made(&app, &headers, body).await {
        Ok(response) => response,
        Err(problem) => frame.problem(&problem),
    }
}

async fn made(app: &App, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let form = Form::read(headers, body).await?;
    let given = form.get("passphrase").unwrap_or_default().to_owned();
    if form.get("again") != Some(&given) {
        return Err(Error::new(Code::BadInput, "the two passphrases differ", "type the same one twice").into());
    }
    if !Passphrase::new(given.clone()).is_long_enough() {
        return Err(Error::new(Code::BadInput, "the passphrase is too short", "take several words").into());
    }
    let content = if form.text("keys") == "yes" { Content::KeysOnly } else { Content::Everything };
    let scratch = Scratch::new(app)?;
    let (home, path) = (app.home.clone(), scratch.path().to_owned());
    let write = move || backup::create(&home, &path, content, false, &|| Ok(Passphrase::new(given.clone())));
    let done = tokio::task::spawn_blocking(write).await;
    done.map_err(|_| Error::new(Code::Failed, "the backup was not finished", "try it again"))??;
    files::send(scratch, NAME).await
}
