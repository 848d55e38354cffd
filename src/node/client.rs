//! Placeholder signatures; the bodies come with the runtime.

use crate::api::{Code, Error, Reply, Request};
use crate::config::{Home, Settings};

/// What a node says once it is ready.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its peer id, base58.
    pub peer_id: String,
    /// The multiaddrs that it listens on.
    pub listen: Vec<String>,
    /// The process.
    pub pid: u32,
}

/// Runs one command: in the running node of this directory, or on the store itself when none runs. Blocks.
///
/// # Errors
/// As the command says.
pub fn call(_home: &Home, _settings: &Settings, _request: &Request) -> Reply {
    Err(Error::new(Code::NotRunning, "not built yet", "wait"))
}

/// Streams events of the running node until `line` returns false or the node ends. Blocks.
///
/// # Errors
/// When no node runs.
pub fn follow(
    _home: &Home,
    _since: Option<u64>,
    _line: &mut dyn FnMut(&serde_json::Value) -> bool,
) -> Result<(), Error> {
    Err(Error::new(Code::NotRunning, "not built yet", "wait"))
}

/// Runs a node until it is told to stop (the `stop` command, SIGINT, SIGTERM). Blocks.
///
/// # Errors
/// When the directory is in use, or the store, the key or a listener can not be opened.
pub fn run(_home: &Home, _settings: &Settings, _ready: &mut dyn FnMut(&Ready)) -> Result<(), Error> {
    Err(Error::new(Code::NotRunning, "not built yet", "wait"))
}
