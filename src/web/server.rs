//! The listener: few connections, each with a limit on its heads and on its patience.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::state::App;
use super::token::{Purpose, Secret};
use super::{guard, pages};
use crate::api::{Code, Error};
use crate::config::Home;
use crate::node::Handle;
use crate::node::core::now_ms;

/// Most connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 128;
/// How long a client may take to send the head of a request, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes that are read ahead, and so of a request's head.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Most headers of a request.
const MAX_HEADERS: usize = 64;
/// How often, and how many times, the port of last time is tried while somebody has it.
const PORT_PAUSE: Duration = Duration::from_millis(50);
const PORT_TRIES: u32 = 10;
/// Under which name the port is remembered.
const PORT: &str = "web port";

/// The web page of a running node. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the page of a node. With port 0 it is the port of last time if that is free, else any.
    ///
    /// # Errors
    /// When the address can not be listened on, or the secret can not be read.
    pub async fn start(handle: Handle, home: &Home, at: SocketAddr) -> Result<Self, Error> {
        let secret = Secret::load_or_create(&home.web_token())?;
        let listener = listen(&handle, at).await?;
        let failed = |error: std::io::Error| can_not_listen(at, &error);
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        handle.remember(PORT, &bound.port().to_string()).await?;
        let app = Arc::new(App::new(handle, secret, bound, home));
        app.handle.serves_web(Some(app.address().to_owned()));
        let task = tokio::spawn(accept(listener, app.clone()));
        Ok(Self { app, task })
    }

    /// An address that lets a browser in, once.
    #[must_use]
    pub fn login(&self) -> String {
        url(self.app.address(), &self.app.secret)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.handle.serves_web(None);
        self.task.abort();
    }
}

/// An address that lets a browser in at the page that is served at `address`, once.
///
/// # Errors
/// When the secret can not be read.
pub fn login(home: &Home, address: &str) -> Result<String, Error> {
    Ok(url(address, &Secret::load_or_create(&home.web_token())?))
}

fn url(address: &str, secret: &Secret) -> String {
    format!("{address}/login?token={}", secret.seal(Purpose::Login, now_ms()))
}

async fn listen(handle: &Handle, at: SocketAddr) -> Result<TcpListener, Error> {
    let last: Option<u16> = handle.recall(PORT).await?.and_then(|port| port.parse().ok());
    if let Some(port) = last.filter(|_| at.port() == 0) {
        for _ in 0..PORT_TRIES {
            if let Ok(listener) = TcpListener::bind((at.ip(), port)) {
                return Ok(listener);
            }
            tokio::time::sleep(PORT_PAUSE).await;
        }
    }
    TcpListener::bind(at).map_err(|error| can_not_listen(at, &error))
}

fn can_not_listen(at: SocketAddr, error: &std::io::Error) -> Error {
    let cause = format!("the web page can not be served at {at}: {error}");
    Error::new(Code::Failed, cause, "choose another address with `--web`, or none with `--web off`")
}

async fn accept(listener: tokio::net::TcpListener, app: Arc<App>) {
    let service = TowerToHyperService::new(guard::around(pages::router(app.clone()), app));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS);
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Connections end with this task.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = free.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // What is small goes out at once.
                let _ = stream.set_nodelay(true);
                let connection = http.serve_connection(TokioIo::new(stream), service.clone());
                connections.spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a browser's connection ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the web page can not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
