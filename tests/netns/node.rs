//! A person's directory and the node that runs in it, inside a namespace.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::lab::Host;
use crate::wait::PATIENCE;

const PROGRAM: &str = env!("CARGO_BIN_EXE_studymesh");
/// A command that takes longer hangs, seconds.
const HANGS: &str = "900";

/// One person's directory, and where its node is to run.
pub struct Home {
    dir: tempfile::TempDir,
    pub name: String,
    pub host: Host,
}

/// A running node; it is killed when dropped.
pub struct Node {
    child: Child,
    pub peer_id: String,
}

/// A command that runs while something else is looked at.
pub struct Running(Child);

impl Home {
    pub fn new(name: &str, host: &Host) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), name: name.to_owned(), host: host.clone() }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// What the node wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Commands speak to the node through a socket in the directory, so that they need not run in the namespace.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["-k", "5", HANGS, PROGRAM]).args(args).arg("--json").stdin(Stdio::null());
        self.surroundings(&mut command);
        command
    }

    fn surroundings(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|n| n.starts_with("STUDYMESH_") && n != "STUDYMESH_LOG") {
                command.env_remove(name);
            }
        }
        command.env("STUDYMESH_HOME", self.path()).env("LANG", "C.UTF-8").env_remove("RUST_LOG");
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command prints, if it succeeds.
    pub fn ask(&self, args: &[&str]) -> Option<Value> {
        let output = self.run(args);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).ok()).flatten()
    }

    /// What a command prints, which must succeed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{}: {args:?}: {:?}: {stdout}{stderr}", self.name, output.status.code());
        serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{}: {args:?}: {e}: {stdout}", self.name))
    }

    pub fn start(&self, args: &[&str]) -> Running {
        Running(self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    #[track_caller]
    pub fn note(&self, title: &str, body: &str) {
        let mut command = self.command(&["note", "new", "--title", title, "--file", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}: note new: {}", self.name, text(&output.stderr));
    }

    /// The digest of the only group, as soon as there is one.
    pub fn digest(&self) -> Option<Value> {
        self.ask(&["db", "digest"])
    }

    /// Entries that are held in the only group.
    pub fn entries(&self) -> u64 {
        self.digest().and_then(|d| d["entries"].as_u64()).unwrap_or(0)
    }

    /// Connected peers.
    pub fn peers(&self) -> Vec<Value> {
        let list = self.ask(&["peers"]).map(|mut p| p["items"].take());
        match list {
            Some(Value::Array(items)) => items,
            _ => vec![],
        }
    }

    /// A connected peer.
    pub fn peer(&self, peer_id: &str) -> Option<Value> {
        self.peers().into_iter().find(|p| p["peer_id"] == peer_id)
    }

    /// What `doctor` finds under this name, whatever its exit status.
    pub fn findings(&self, check: &str) -> Vec<Value> {
        let output = self.run(&["doctor"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let items = report["items"].as_array().cloned().unwrap_or_default();
        items.into_iter().filter(|item| item["check"] == check).collect()
    }

    #[track_caller]
    pub fn up(&self, args: &[&str]) -> Node {
        self.up_with(&[], args)
    }

    /// Starts a node in the namespace, with additions to its environment, and waits until it is ready.
    #[track_caller]
    pub fn up_with(&self, environment: &[String], args: &[&str]) -> Node {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host.namespace, "env"]).args(environment).arg(PROGRAM);
        command.args(["up", "--json", "--name", &self.name]).args(args);
        self.surroundings(&mut command);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (lines, received) = mpsc::sync_channel(16);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens after the first line; the pipe has to be emptied all the same.
                let _ = lines.try_send(line);
            }
        });
        let Ok(line) = received.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{}: the node did not become ready: {}", self.name, self.log());
        };
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "ready", "{line}");
        Node { child, peer_id: ready["peer_id"].as_str().unwrap().to_owned() }
    }
}

/// What a failing test's nodes logged is kept; `STUDYMESH_LOG` says how much that is.
impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let place = self.host.namespace.splitn(3, '-').nth(2).unwrap_or_default();
            crate::report::keep(&format!("failed-{place}.log"), &self.log());
        }
    }
}

impl Node {
    /// Stops the process where it is, as a laptop's lid does.
    pub fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    pub fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills the process and waits for its end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Resident memory now and at its most, KiB. `ip`, `env` and the node are one process after another under one id.
    pub fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Processor time so far, seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum::<f64>();
        // The kernel counts in hundredths of a second for programs, whatever its own clock is.
        ticks / 100.0
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Waits for the end: the exit status and what was printed on both outputs.
    pub fn end(self) -> (Option<i32>, String) {
        let output = self.0.wait_with_output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
