//! Directories, commands and running nodes for the tests. Everything waits on conditions, with one generous limit.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// One person's directory.
pub struct Home {
    dir: PathBuf,
    _guard: Option<tempfile::TempDir>,
}

/// A running node; it is killed when dropped.
pub struct Node {
    child: Child,
    pub peer_id: String,
    pub listen: Vec<String>,
    /// An address that lets a browser in, once.
    pub web: Option<String>,
}

impl Home {
    pub fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        Self { dir: guard.path().join("home"), _guard: Some(guard) }
    }

    pub fn at(dir: PathBuf) -> Self {
        Self { dir, _guard: None }
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studymesh"));
        command.args(args).env("STUDYMESH_HOME", &self.dir).env("LANG", "C.UTF-8").env_remove("RUST_LOG");
        command.env_remove("EDITOR").env_remove("VISUAL").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Starts a command whose standard output is read while it runs.
    pub fn spawn<A: AsRef<OsStr>>(&self, args: &[A]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a command with text on its standard input.
    pub fn run_with<A: AsRef<OsStr>>(&self, args: &[A], input: &str) -> Output {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command with `--json`, which must succeed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        parse(args, &self.run(&[args, &["--json"]].concat()))
    }

    /// The same with text on its standard input.
    #[track_caller]
    pub fn json_with(&self, args: &[&str], input: &str) -> Value {
        parse(args, &self.run_with(&[args, &["--json"]].concat(), input))
    }

    /// Runs a command with `--json`, which must fail: its exit status and its error object.
    #[track_caller]
    pub fn error(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(&[args, &["--json"]].concat());
        assert!(!output.status.success(), "{args:?} should fail, said {}", text(&output.stdout));
        let stderr = text(&output.stderr);
        let line = stderr
            .lines()
            .rev()
            .find(|l| l.starts_with('{'))
            .unwrap_or_else(|| panic!("no error object in {stderr:?}"));
        let value: Value = serde_json::from_str(line).unwrap();
        (output.status.code().unwrap(), value["error"].clone())
    }

    /// Starts a node on ports of the system's choice and waits until it is ready.
    #[track_caller]
    pub fn up(&self, args: &[&str]) -> Node {
        let listen = ["--listen", "/ip4/127.0.0.1/tcp/0", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--no-mdns"];
        self.up_on(&[&listen[..], args].concat())
    }

    /// Starts a node with exactly these options.
    #[track_caller]
    pub fn up_on(&self, args: &[&str]) -> Node {
        let log = std::fs::File::create(self.dir.with_extension("log")).unwrap();
        let mut child =
            self.command(&[&["up", "--json"], args].concat()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (lines, received) = mpsc::sync_channel(16);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let line = received.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!(
                "the node did not become ready: {}",
                std::fs::read_to_string(self.dir.with_extension("log")).unwrap_or_default()
            )
        });
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "ready", "{line}");
        let listen = ready["listen"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect();
        let web = ready["web"].as_str().map(str::to_owned);
        Node { child, peer_id: ready["peer_id"].as_str().unwrap().to_owned(), listen, web }
    }

    /// What the node wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.with_extension("log")).unwrap_or_default()
    }

    /// Founds an open group and returns its id.
    #[track_caller]
    pub fn create(&self, name: &str) -> String {
        self.json(&["group", "create", name, "--open"])["group_id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn ticket(&self) -> String {
        self.json(&["invite"])["ticket"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn note(&self, title: &str, body: &str) -> String {
        let note = self.json_with(&["note", "new", "--title", title, "--file", "-"], body);
        assert_eq!(note["durable"], true);
        note["note_id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn body(&self, note: &str) -> String {
        self.json(&["note", "show", note])["body"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn digest(&self) -> Value {
        self.json(&["db", "digest"])
    }

    /// Note titles, sorted.
    #[track_caller]
    pub fn titles(&self) -> Vec<String> {
        let list = self.json(&["note", "list"]);
        let mut titles: Vec<String> =
            list["items"].as_array().unwrap().iter().map(|n| n["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    }
}

impl Node {
    /// Kills the process with SIGKILL and waits for its end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end with SIGTERM and returns its exit status.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Waits until the process ends by itself, and returns its exit status.
    #[track_caller]
    pub fn ended(mut self) -> Option<i32> {
        eventually("the node ends", || self.child.try_wait().unwrap()).code()
    }

    /// An address to give to `--bootstrap`.
    pub fn address(&self) -> String {
        let tcp = self.listen.iter().find(|a| a.contains("/tcp/")).unwrap();
        if tcp.contains("/p2p/") { tcp.clone() } else { format!("{tcp}/p2p/{}", self.peer_id) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` gives a value.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a test's patience is real time")]
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until all directories hold the same entries and show the same views.
#[track_caller]
pub fn converge(homes: &[&Home]) -> Value {
    eventually("all nodes agree", || {
        let digests: Vec<Value> = homes.iter().map(|h| h.digest()).collect();
        digests.windows(2).all(|w| w[0] == w[1]).then(|| digests[0].clone())
    })
}

#[track_caller]
fn parse(args: &[&str], output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{args:?} failed with {:?}: {}{}",
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr)
    );
    let value: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{args:?} printed no JSON object ({e}): {}", text(&output.stdout)));
    assert_eq!(value["v"], 1, "{args:?}: {value}");
    value
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
