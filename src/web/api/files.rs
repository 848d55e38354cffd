//! Bundles as downloads and uploads. They pass through a private directory beside the store, under names of our own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::operation::{Does, Operation};
use super::{Given, call};
use crate::api::{Code, Command, Error, Request};
use crate::node::core::random;
use crate::node::private_dir;
use crate::web::form;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The media type of a bundle.
pub const MEDIA: &str = "application/octet-stream";
/// Most bytes of an upload.
pub const MAX_UPLOAD_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// A file of ours; it is gone when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A name for a file that is not there yet.
    ///
    /// # Errors
    /// When the directory can not be made.
    pub fn new(app: &App) -> Result<Self, Problem> {
        let dir = app.home.dir().join("web");
        private_dir(&dir).map_err(|error| failed(&dir, &error))?;
        let name: [u8; 16] = random();
        Ok(Self(dir.join(data_encoding::HEXLOWER.encode(&name))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    let cause = format!("{} can not be used: {error}", path.display());
    Error::new(Code::Failed, cause, "look at the permissions and the free space of the directory").into()
}

/// Makes a file and sends it.
pub async fn down(app: &App, operation: &Operation, given: &Given, have: Option<String>) -> Result<Response, Problem> {
    call::fields(operation, given)?;
    let scratch = Scratch::new(app)?;
    let file = scratch.text();
    let (command, name) = match operation.does {
        Does::BundleHave => (Command::BundleHave { file, force: false }, "studymesh.have"),
        _ => (Command::BundleExport { file, have, force: false }, "studymesh.bundle"),
    };
    let group = given.path.get("group").cloned();
    app.handle.call(Request::new(command).in_group(group)).await?;
    send(scratch, name).await
}

/// Sends a file of ours as a download under a name; it is gone when it was read.
///
/// # Errors
/// When it can not be read.
pub async fn send(scratch: Scratch, name: &str) -> Result<Response, Problem> {
    let file = tokio::fs::File::open(&scratch.0).await.map_err(|error| failed(&scratch.0, &error))?;
    let length = file.metadata().await.map_err(|error| failed(&scratch.0, &error))?.len();
    // The file lives as long as somebody reads it.
    let chunks = stream::try_unfold((file, scratch), |(mut file, scratch)| async move {
        let mut chunk = vec![0; CHUNK];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((chunk, (file, scratch))))
    });
    let mut response = Body::from_stream(chunks.map_ok(axum::body::Bytes::from)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let disposition = format!("attachment; filename=\"{name}\"");
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).expect("a name of ours"));
    Ok(response)
}

/// Takes a file, and does with it what the operation says.
pub async fn up(
    app: &Arc<App>,
    operation: &Operation,
    headers: &HeaderMap,
    given: &Given,
    body: Body,
) -> Result<Response, Problem> {
    call::fields(operation, given)?;
    if form::media(headers) != Some(MEDIA) {
        let remedy = format!("send the file itself, with `Content-Type: {MEDIA}`");
        return Err(Problem::http("bad_media_type", "this operation takes a file", remedy));
    }
    let scratch = Scratch::new(app)?;
    store(&scratch, body).await?;
    if operation.does == Does::BundleExport {
        return down(app, operation, given, Some(scratch.text())).await;
    }
    let value: Value = app.ask(Command::BundleImport { file: scratch.text() }).await?;
    let mut response = (StatusCode::OK, value.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn store(scratch: &Scratch, body: Body) -> Result<(), Problem> {
    let told = |error: std::io::Error| failed(&scratch.0, &error);
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&scratch.0).await.map_err(told)?;
    let (mut chunks, mut bytes) = (body.into_data_stream(), 0_u64);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::http("bad_body", "the file did not come whole", "send it again"))?;
        bytes += chunk.len() as u64;
        if bytes > MAX_UPLOAD_BYTES {
            let cause = format!("the file has more than {MAX_UPLOAD_BYTES} bytes");
            return Err(Problem::http("too_large", cause, "use `studymesh bundle import`"));
        }
        file.write_all(&chunk).await.map_err(told)?;
    }
    file.flush().await.map_err(told)
}
