//! The control socket: how the command line speaks to the running node of its directory.
//!
//! A Unix socket in the directory, which only its owner can open. One connection carries one request: a line of JSON
//! (see [`crate::api`]), answered by a line `{"ok":..}` or `{"error":..}`; `follow` is answered by a line per event.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::handle::Handle;
use crate::api::{Code, Command, Device, Error, MAX_LINE_BYTES, Reply, Request};

/// Most connections to the control socket at a time; more wait.
const MAX_CLIENTS: usize = 64;
/// How long a client may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A line of the node's answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// The answer, or an event.
    Ok(Value),
    /// Why there is no answer.
    Error(Error),
}

impl From<Reply> for Line {
    fn from(reply: Reply) -> Self {
        reply.map_or_else(Self::Error, Self::Ok)
    }
}

/// Reads one line of at most [`MAX_LINE_BYTES`]; `None` at the end.
///
/// # Errors
/// When the line is longer, or the stream fails.
pub async fn read_line(stream: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = vec![];
    let mut bounded = stream.take(MAX_LINE_BYTES as u64 + 1);
    bounded.read_until(b'\n', &mut line).await?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(line));
    }
    if line.is_empty() {
        return Ok(None);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a line ends before its end or is longer than {MAX_LINE_BYTES} bytes"),
    ))
}

#[cfg(unix)]
pub use unix::{connect, serve};

#[cfg(unix)]
mod unix {
    use std::sync::Arc;

    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::config::Home;
    use crate::node::platform;

    /// Opens the socket and answers clients until the task is aborted.
    ///
    /// # Errors
    /// When the socket can not be opened.
    pub fn serve(path: &Path, handle: Handle) -> io::Result<tokio::task::JoinHandle<()>> {
        if let Some(dir) = path.parent() {
            platform::private_dir(dir)?;
        }
        check_dir(path)?;
        // The lock on the directory is held, so whatever is there was left behind.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let free = Arc::new(Semaphore::new(MAX_CLIENTS));
        Ok(tokio::spawn(async move {
            loop {
                let Ok(place) = free.clone().acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let handle = handle.clone();
                        tokio::spawn(async move {
                            if let Err(error) = answer(stream, &handle).await {
                                tracing::debug!(%error, "a control client went away");
                            }
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the control socket can not accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        }))
    }

    /// A socket whose path would be too long lies in the system's temporary directory, under a name that anybody can work
    /// out: somebody else may have made that directory first, to answer in the node's place.
    fn check_dir(path: &Path) -> io::Result<()> {
        let temporary = std::env::temp_dir();
        let is_shared = |dir: &Path| dir.strip_prefix(&temporary).is_ok_and(Home::is_socket_dir);
        path.parent().filter(|dir| is_shared(dir)).map_or(Ok(()), platform::check_own_dir)
    }

    async fn answer(stream: UnixStream, handle: &Handle) -> io::Result<()> {
        // The mode of the socket says it already; some systems do not look at it.
        if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut stream = BufReader::new(stream);
        let line = match tokio::time::timeout(REQUEST_TIMEOUT, read_line(&mut stream)).await {
            Ok(line) => line?,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        let Some(line) = line else { return Ok(()) };
        let request: Request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                let message = format!("the request is not understood: {error}");
                let error = Error::new(Code::Usage, message, "use the studymesh of the version that runs the node");
                return send(&mut stream, &Line::Error(error)).await;
            }
        };
        if let Command::Follow { since } = request.command {
            return follow(stream, handle, since).await;
        }
        if let Command::Device(Device::Link { timeout_ms }) = request.command {
            return link(stream, handle, timeout_ms).await;
        }
        // A client that goes away takes its waiting command with it.
        let (reading, mut writing) = stream.get_mut().split();
        let reply = tokio::select! {
            reply = handle.call(request) => reply,
            _ = gone(reading) => return Ok(()),
        };
        let mut line = serde_json::to_vec(&Line::from(reply)).map_err(io::Error::other)?;
        line.push(b'\n');
        writing.write_all(&line).await
    }

    async fn gone(reading: tokio::net::unix::ReadHalf<'_>) {
        loop {
            if reading.readable().await.is_err() {
                return;
            }
            match reading.try_read(&mut [0; 64]) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    }

    async fn follow(mut stream: BufReader<UnixStream>, handle: &Handle, since: Option<u64>) -> io::Result<()> {
        let mut events = match handle.follow(since).await {
            Ok(events) => events,
            Err(error) => return send(&mut stream, &Line::Error(error)).await,
        };
        loop {
            let batch = tokio::select! {
                batch = events.next() => batch,
                () = closed(&mut stream) => return Ok(()),
            };
            match batch {
                Ok(batch) => {
                    for event in batch {
                        send(&mut stream, &Line::Ok(event)).await?;
                    }
                }
                Err(error) => return send(&mut stream, &Line::Error(error)).await,
            }
        }
    }

    /// Two answers: the code, and what came of it. A client that goes away takes the offer with it.
    async fn link(mut stream: BufReader<UnixStream>, handle: &Handle, timeout_ms: u64) -> io::Result<()> {
        let offered = match handle.link_device(Duration::from_millis(timeout_ms)).await {
            Ok(offered) => offered,
            Err(error) => return send(&mut stream, &Line::Error(error)).await,
        };
        send(&mut stream, &Line::Ok(offered.to_json())).await?;
        let linked = tokio::select! {
            linked = offered.linked() => linked,
            () = closed(&mut stream) => return Ok(()),
        };
        send(&mut stream, &Line::from(linked)).await
    }

    async fn closed(stream: &mut BufReader<UnixStream>) {
        let mut byte = [0; 64];
        while let Ok(n) = stream.read(&mut byte).await {
            if n == 0 {
                return;
            }
        }
    }

    async fn send(stream: &mut BufReader<UnixStream>, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
        bytes.push(b'\n');
        stream.get_mut().write_all(&bytes).await
    }

    /// Connects to the node of a directory; `None` when none listens.
    ///
    /// # Errors
    /// When the socket is there and can not be opened.
    pub fn connect(path: &Path) -> io::Result<Option<std::os::unix::net::UnixStream>> {
        match check_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            checked => checked?,
        }
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(unix))]
/// There is no control socket here: the node runs, and commands work while it does not.
///
/// # Errors
/// Never.
pub fn serve(_path: &Path, _handle: Handle) -> io::Result<tokio::task::JoinHandle<()>> {
    Ok(tokio::spawn(std::future::pending()))
}

#[cfg(not(unix))]
/// There is no control socket here.
///
/// # Errors
/// Never.
pub fn connect(_path: &Path) -> io::Result<Option<std::net::TcpStream>> {
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Another user of the machine made the directory first, and its socket was asked as if it were the node's.
    #[test]
    fn a_socket_in_a_temporary_directory_that_others_can_write_to_is_not_asked() {
        let named = || tempfile::Builder::new().prefix("studymesh-").tempdir().unwrap();
        let dir = named();
        let socket = dir.path().join("control.sock");
        assert!(connect(&socket).unwrap().is_none());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(connect(&socket).unwrap().is_some());
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
        assert_eq!(connect(&socket).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let link = named().path().to_owned();
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(connect(&link.join("control.sock")).is_err());
        std::fs::remove_file(&link).unwrap();
    }
}
