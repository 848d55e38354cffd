//! `up --detach`: the node in the background, as a process of its own.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{OK, Session, Status};
use crate::api::{Code, Error};
use crate::cli::show::peek::Peek as _;
use crate::node::Ready;

/// Most lines of the log, from its end, in which the error is looked for.
const MAX_SEARCHED_LINES: usize = 50;

/// Starts this very command without `--detach` in a process group of its own, and waits until it says that it is ready. Its log
/// goes to `node.log` in the directory.
pub fn run(session: &mut Session) -> Status {
    let failed =
        |what: String| Error::new(Code::Failed, what, "run `studymesh up` in the foreground to see what it says");
    let path = session.home.dir().join("node.log");
    let log =
        std::fs::File::create(&path).map_err(|e| failed(format!("{} can not be written: {e}", path.display())))?;
    let program = std::env::current_exe().map_err(|e| failed(format!("this program does not find itself: {e}")))?;
    let is_ours = |arg: &OsString| arg != "--detach" && arg != "-d" && arg != "--json";
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1).filter(is_ours)).arg("--json");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    // The other process has no terminal: what it would ask for is asked here, and goes to it through a pipe.
    let passphrase = if crate::node::is_key_protected(&session.home)? { Some((session.unlock())()?) } else { None };
    if passphrase.is_some() {
        command.args(["--passphrase-file", "-"]).stdin(Stdio::piped());
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| failed(format!("no process can be started: {e}")))?;
    if let (Some(passphrase), Some(mut stdin)) = (passphrase, child.stdin.take()) {
        // A process that ended already is told of below.
        let _ = stdin.write_all(passphrase.as_bytes());
    }
    let mut first = String::new();
    if let Some(stdout) = child.stdout.take() {
        // A line that can not be read is as good as none.
        let _ = BufReader::new(stdout).read_line(&mut first);
    }
    let Ok(said) = serde_json::from_str::<Value>(&first) else {
        let status = child.wait().ok().and_then(|s| s.code()).unwrap_or(1);
        return Err(told(&path, status).unwrap_or_else(|| failed("the node did not start".into())));
    };
    let listen = said.get("listen").and_then(Value::as_array).into_iter().flatten();
    let listen = listen.filter_map(|a| a.as_str().map(str::to_owned)).collect();
    let ready = Ready { peer_id: said.at("peer_id").to_owned(), listen, pid: child.id() };
    let web = said.get("web").and_then(Value::as_str);
    super::node::announce(session, &ready, web, session.view.texts.up_detached());
    Ok(OK)
}

/// The error that the process ended with: the last line of its log.
fn told(log: &std::path::Path, status: i32) -> Option<Error> {
    let text = std::fs::read_to_string(log).ok()?;
    let error =
        text.lines().rev().take(MAX_SEARCHED_LINES).find_map(|line| serde_json::from_str::<Value>(line).ok())?;
    serde_json::from_value(error.get("error")?.clone())
        .ok()
        .filter(|e: &Error| i32::from(e.code.exit_status()) == status)
}
