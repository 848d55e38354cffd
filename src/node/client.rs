//! One command from another process: through the control socket of the running node, or on the directory itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::control::{self, Line};
use super::keys::{Unlock, no_passphrase};
use super::{local, service};
use crate::api::{Code, Command, Device, Error, MAX_LINE_BYTES, NoteLive, Reply, Request};
use crate::config::{Home, Settings};

/// How often a directory that is in use is tried again, and how long it is waited for in all.
const RETRY: Duration = Duration::from_millis(20);
const MAX_RETRIES: u32 = 500;

/// Runs one command: in the running node of this directory, or on the store itself when none runs. Blocks.
///
/// # Errors
/// As the command says.
pub fn call(home: &Home, settings: &Settings, request: &Request) -> Reply {
    call_with(home, settings, &no_passphrase(), request)
}

/// The same for a directory whose key may be protected by a passphrase.
///
/// # Errors
/// As the command says, and when the passphrase is wrong.
pub fn call_with(home: &Home, settings: &Settings, unlock: &Unlock, request: &Request) -> Reply {
    for _ in 0..MAX_RETRIES {
        if let Some(reply) = ask(home, request)? {
            return match (&request.command, reply) {
                (Command::Stop, Ok(value)) => wait_for_end(home).map(|()| value),
                (_, reply) => reply,
            };
        }
        if let Some(lock) = local::lock(home)? {
            return match &request.command {
                Command::Stop => Ok(json!({ "v": 1, "stopped": true, "was_running": false })),
                Command::Ping { .. }
                | Command::SyncWait { .. }
                | Command::Follow { .. }
                | Command::Device(Device::Join { .. } | Device::Link { .. }) => Err(service::needs_node()),
                _ => local::call(home, settings, unlock, request, lock),
            };
        }
        // Another command has the directory for a moment, or a node is about to listen.
        std::thread::sleep(RETRY);
    }
    let message = format!("another process keeps the directory {} in use", home.dir().display());
    Err(Error::new(Code::Locked, message, "wait until it ends, or end it"))
}

/// Asks the running node; `None` when none answers.
fn ask(home: &Home, request: &Request) -> Result<Option<Reply>, Error> {
    let Some(mut stream) = control::connect(&home.socket()).map_err(|e| broken(&e))? else { return Ok(None) };
    let mut line = serde_json::to_vec(request).map_err(|e| broken(&e.into()))?;
    if line.len() >= MAX_LINE_BYTES {
        let message = format!("the request has {} bytes; at most {MAX_LINE_BYTES} can be sent", line.len());
        return Err(Error::new(Code::BadInput, message, "make it smaller"));
    }
    line.push(b'\n');
    // A node that ends at this moment may close first; then it is as if none had listened.
    if stream.write_all(&line).is_err() {
        return Ok(None);
    }
    match read(&mut BufReader::new(stream)).map_err(|e| broken(&e))? {
        Some(Line::Ok(value)) => Ok(Some(Ok(value))),
        Some(Line::Error(error)) => Ok(Some(Err(error))),
        None if repeatable(&request.command) => Ok(None),
        None => Err(Error::new(
            Code::Failed,
            "the node ended before it answered",
            "see whether the command was done, then repeat it",
        )),
    }
}

/// Whether a command may be sent again when it is not known whether it was done.
fn repeatable(command: &Command) -> bool {
    use Command as C;
    matches!(
        command,
        C::Status
            | C::Stop
            | C::Doctor
            | C::GroupList
            | C::GroupShow
            | C::TicketInspect { .. }
            | C::NoteShow { .. }
            | C::NoteList { .. }
            | C::NoteLive(NoteLive::Read { .. } | NoteLive::Compare { .. } | NoteLive::Links { .. })
            | C::NoteHistory { .. }
            | C::LinkList { .. }
            | C::RoadmapList
            | C::RoadmapShow { .. }
            | C::RoadmapExport { .. }
            | C::ProgressShow { .. }
            | C::ProgressGroup
            | C::ProgressHistory { .. }
            | C::Search { .. }
            | C::Peers { .. }
            | C::SyncStatus
            | C::OnlyHere
            | C::DbDigest
            | C::DbCheck
            | C::Events { .. }
            | C::Export
            | C::Join { .. }
            | C::InviteList
            | C::MemberList
            | C::Requests
            | C::Quarantine
            | C::BundleImport { .. }
            | C::Device(Device::List)
    )
}

/// Streams events of the running node until `line` returns false or the node ends. Blocks.
///
/// # Errors
/// When no node runs.
pub fn follow(home: &Home, since: Option<u64>, line: &mut dyn FnMut(&Value) -> bool) -> Result<(), Error> {
    let mut stream = ask_for_lines(home, Command::Follow { since })?;
    while let Some(next) = read(&mut stream).map_err(|e| broken(&e))? {
        match next {
            Line::Ok(value) if line(&value) => {}
            Line::Ok(_) => return Ok(()),
            Line::Error(error) => return Err(error),
        }
    }
    Ok(())
}

/// Offers all groups to a new device: `tell` gets the code as soon as there is one. Blocks until the new device has them.
///
/// # Errors
/// As the command says, and when no node runs.
pub fn link_device(home: &Home, timeout_ms: u64, tell: &mut dyn FnMut(&Value)) -> Reply {
    let mut stream = ask_for_lines(home, Command::Device(Device::Link { timeout_ms }))?;
    let mut next = || match read(&mut stream).map_err(|e| broken(&e))? {
        Some(Line::Ok(value)) => Ok(value),
        Some(Line::Error(error)) => Err(error),
        None => {
            let remedy = "see on the new device whether it has the groups; else link it again";
            Err(Error::new(Code::Failed, "the node ended before the devices were linked", remedy))
        }
    };
    tell(&next()?);
    next()
}

/// Asks the running node for something that is answered by several lines.
fn ask_for_lines(home: &Home, command: Command) -> Result<impl BufRead + use<>, Error> {
    let stream = control::connect(&home.socket()).map_err(|e| broken(&e))?;
    let mut stream = stream.ok_or_else(service::needs_node)?;
    let request = serde_json::to_vec(&Request::new(command)).map_err(|e| broken(&e.into()))?;
    stream.write_all(&[&request[..], b"\n"].concat()).map_err(|e| broken(&e))?;
    Ok(BufReader::new(stream))
}

/// A node that was told to stop has ended when its lock is free.
fn wait_for_end(home: &Home) -> Result<(), Error> {
    for _ in 0..MAX_RETRIES {
        if local::lock(home)?.is_some() {
            return Ok(());
        }
        std::thread::sleep(RETRY);
    }
    Err(Error::new(
        Code::Timeout,
        "the node was told to stop and has not ended",
        "end its process; `status` said its pid",
    ))
}

fn read(stream: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut line = vec![];
    // An answer may be longer than a request: a whole group is exported in one line.
    stream.take(64 * MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&line).map(Some).map_err(std::io::Error::from)
}

fn broken(error: &std::io::Error) -> Error {
    let message = format!("the running node can not be asked: {error}");
    Error::new(Code::Failed, message, "see whether its process runs as the same user, and start it again")
}
