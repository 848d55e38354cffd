//! One node of the demo: a process of its own, spoken to through its control socket.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::api::{Code, Command, Error, Reply, Request};
use crate::config::{Home, Settings};
use crate::node;

/// How long a node may take until it listens.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A person of the demo.
pub(super) struct Person {
    pub name: &'static str,
    pub home: Home,
    child: Option<Child>,
    /// Where it listens, while it runs.
    pub listen: Vec<String>,
}

impl Person {
    pub fn new(name: &'static str, dir: PathBuf) -> Self {
        Self { name, home: Home::new(dir), child: None, listen: vec![] }
    }

    /// Starts the node and waits until it listens.
    pub fn start(&mut self, bootstrap: Option<&str>) -> Result<(), Error> {
        let failed = |what: String| {
            Error::new(
                Code::Failed,
                format!("{}'s node: {what}", self.name),
                "see whether a process may be started and listen on loopback",
            )
        };
        let program = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
        std::fs::create_dir_all(self.home.dir()).map_err(|e| failed(e.to_string()))?;
        let log = std::fs::File::create(self.home.dir().join("demo.log")).map_err(|e| failed(e.to_string()))?;
        let mut command = Process::new(program);
        command.args([
            "up",
            "--json",
            "--no-mdns",
            "--listen",
            "/ip4/127.0.0.1/tcp/0",
            "--listen",
            "/ip4/127.0.0.1/udp/0/quic-v1",
        ]);
        command.args(["--name", self.name]).arg("--home").arg(self.home.dir());
        if let Some(address) = bootstrap {
            command.args(["--bootstrap", address]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("has no output".into()))?;
        let (line, first) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            let _ = line.send(lines.next());
            // The rest is read so that the node never waits for its reader.
            lines.for_each(drop);
        });
        let ready = first.recv_timeout(READY_TIMEOUT).ok().flatten().and_then(Result::ok);
        let ready: Option<Value> = ready.and_then(|line| serde_json::from_str(&line).ok());
        self.child = Some(child);
        let Some(ready) = ready else {
            let said = std::fs::read_to_string(self.home.dir().join("demo.log")).unwrap_or_default();
            return Err(failed(format!("did not become ready: {said}")));
        };
        let listen = ready["listen"].as_array().cloned().unwrap_or_default();
        self.listen = listen.iter().filter_map(|a| a.as_str().map(str::to_owned)).collect();
        Ok(())
    }

    /// Kills the process as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.listen.clear();
    }

    /// Ends the node as a person would.
    pub fn stop(&mut self) {
        if self.child.is_some() {
            let _ = self.call(Command::Stop);
        }
        self.kill();
    }

    /// Runs a command: in the process while it runs, on the directory while it does not.
    pub fn call(&self, command: Command) -> Reply {
        node::call(&self.home, &Settings::default(), &Request::new(command))
            .map_err(|error| Error { message: format!("{}: {}", self.name, error.message), ..error })
    }

    /// One text out of an answer.
    pub fn text(&self, command: Command, key: &str) -> Result<String, Error> {
        Ok(self.call(command)?[key].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for Ctrl-C.
pub(super) fn until_interrupted() {
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        let _ = runtime.block_on(tokio::signal::ctrl_c());
    }
}
