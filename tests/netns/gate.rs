//! Whether the tests of real networks run here, and how many of them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::lab;

/// Names the selection: unset or empty for nothing, `1` for what CI runs, `full` for everything.
const VARIABLE: &str = "STUDYMESH_NETNS";

/// How much runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    Ci,
    Full,
}

/// The leave to run. One test at a time has it: the figures would be worth little otherwise.
pub struct Gate {
    pub selection: Selection,
    pub features: Features,
    _turn: MutexGuard<'static, ()>,
}

/// What the program under test can do, as `--help` says.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// `up --role`, `--external-address`: a relay can be run.
    pub roles: bool,
    /// `up --relay`.
    pub relay_option: bool,
    /// `up --no-upnp`.
    pub no_upnp: bool,
    /// `ping --until-direct`.
    pub until_direct: bool,
}

impl Gate {
    pub fn full(&self) -> bool {
        self.selection == Selection::Full
    }
}

/// The leave for a test, or none, which is said loudly: a test that did not run must not look like one that passed.
pub fn open(test: &str) -> Option<Gate> {
    match ready() {
        Ok(selection) => {
            static TURN: Mutex<()> = Mutex::new(());
            // A test that failed leaves nothing behind that the next one could trip over.
            let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
            static SWEPT: OnceLock<()> = OnceLock::new();
            SWEPT.get_or_init(lab::sweep);
            say(&format!("== {test}"));
            Some(Gate { selection, features: features(), _turn: turn })
        }
        Err(why) => {
            say(&format!("SKIPPED LOUDLY: {test}: {why}"));
            None
        }
    }
}

/// The leave for a test that needs a relay, which an old program can not run.
pub fn open_with_relay(test: &str) -> Option<Gate> {
    let gate = open(test)?;
    if gate.features.roles {
        return Some(gate);
    }
    say(&format!("SKIPPED LOUDLY: {test}: this program has no `up --role relay`"));
    None
}

/// Writes a line to standard error, past the test harness, which keeps back what a passing test prints.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn ready() -> Result<Selection, String> {
    let selection = match std::env::var(VARIABLE).unwrap_or_default().as_str() {
        "" | "0" => return Err(format!("set {VARIABLE}=1, or {VARIABLE}=full, as root")),
        "1" | "ci" => Selection::Ci,
        "full" => Selection::Full,
        other => panic!("{VARIABLE} is {other:?}; there are 1 and full"),
    };
    if !rustix::process::geteuid().is_root() {
        return Err("network namespaces need root".to_owned());
    }
    for (tool, package) in [("ip", "iproute2"), ("nft", "nftables"), ("timeout", "coreutils")] {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            return Err(format!("there is no `{tool}` (package {package})"));
        }
    }
    lab::probe()?;
    Ok(selection)
}

fn features() -> Features {
    static FEATURES: OnceLock<Features> = OnceLock::new();
    *FEATURES.get_or_init(|| {
        let help = |command: &str| {
            let output = Command::new(env!("CARGO_BIN_EXE_studymesh")).args([command, "--help"]).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let (up, ping) = (help("up"), help("ping"));
        Features {
            roles: up.contains("--role") && up.contains("--external-address"),
            relay_option: up.contains("--relay"),
            no_upnp: up.contains("--no-upnp"),
            until_direct: ping.contains("--until-direct"),
        }
    })
}
