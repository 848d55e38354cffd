//! The benchmark of what a node costs where it stands: memory, processor time, disk, and how long people wait.
//!
//! ```text
//! cargo build --release && cargo run --release --example footprint
//! cargo run --release --example footprint -- --entries 1000000 --only start,disk,search
//! ```
//!
//! Every part runs in a process of its own. `idle`: a node in 10 groups, with 10 peers in each, over a window after all of them agree.
//! `disk`: bytes for each note of 500 bytes, before the notes are indexed for search and after. `start`: from starting the
//! program, which must have been built, until it says that it is ready. `search`: every query on its own, over all notes,
//! in one thread. `burst`: 10,000 own notes, through a running node and by `studymesh import`. `note`: a note with 10,000
//! edits, and one with 1,000 that know nothing of each other. Linux only: the figures are those of `/proc`.

#[path = "../cold_join/group.rs"]
mod group;
#[path = "../cold_join/usage.rs"]
mod usage;

mod burst;
mod disk;
mod idle;
mod note;
mod search;
mod start;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use studymesh::config::{Home, Settings};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a note's text.
const NOTE_BYTES: usize = 500;
/// Entries of one transaction while the group is made.
const BATCH: usize = 256;
/// All parts, in their order. `start` and `search` use what `disk` made.
const PARTS: [&str; 7] = ["binary", "idle", "disk", "start", "search", "burst", "note"];

#[derive(Clone)]
struct Options {
    entries: usize,
    authors: usize,
    seed: u64,
    closed: bool,
    window: u64,
    dir: PathBuf,
}

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut options =
        Options { entries: 100_000, authors: 20, seed: 1, closed: false, window: 60, dir: dir.path().to_owned() };
    let (mut only, mut part): (Vec<String>, Option<String>) = (PARTS.map(String::from).to_vec(), None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--entries" => options.entries = value()?.parse()?,
            "--authors" => options.authors = value()?.parse()?,
            "--window" => options.window = value()?.parse()?,
            "--only" => only = value()?.split(',').map(String::from).collect(),
            // What the children do.
            "--part" => part = Some(value()?),
            "--dir" => options.dir = value()?.into(),
            "--peers" => return idle::peers(Path::new(&value()?)),
            other => {
                let there = "--entries, --authors, --window and --only";
                return Err(format!("unknown option {other}; there are {there}").into());
            }
        }
    }
    if let Some(part) = part {
        println!("{}", run(&part, &options)?);
        return Ok(());
    }
    if let Some(other) = only.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part {other}; there are {}", PARTS.join(", ")).into());
    }
    let mut report = Map::from_iter([("v".to_owned(), json!(1)), ("entries".to_owned(), json!(options.entries))]);
    let wants = |part: &&str| only.iter().any(|p| p == part);
    if wants(&"start") || wants(&"search") || wants(&"disk") {
        let (texts, _) = group::texts(&options);
        group::make_group(&home(&options), &options, &texts)?;
    }
    // Search needs the index that `disk` makes.
    let needed = |part: &&str| wants(part) || (*part == "disk" && wants(&"search"));
    for part in PARTS.iter().filter(|part| needed(part)) {
        report.insert((*part).to_owned(), child(part, &options)?);
    }
    println!("{}", Value::from(report));
    Ok(())
}

/// The directory that several parts use.
fn home(options: &Options) -> Home {
    Home::new(options.dir.join("many"))
}

fn settings(name: &str) -> Settings {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".into(), "/ip4/127.0.0.1/udp/0/quic-v1".into()];
    Settings { name: name.into(), listen, mdns: false, upnp: false, ..Settings::default() }
}

fn child(part: &str, options: &Options) -> Result<Value> {
    let [entries, authors, window] =
        [options.entries.to_string(), options.authors.to_string(), options.window.to_string()];
    let out = Command::new(std::env::current_exe()?)
        .args(["--part", part, "--entries", &entries, "--authors", &authors, "--window", &window, "--dir"])
        .arg(&options.dir)
        .stderr(Stdio::inherit())
        .output()?;
    if !out.status.success() {
        return Err(format!("the part {part} ended with {}", out.status).into());
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

fn run(part: &str, options: &Options) -> Result<Value> {
    match part {
        "binary" => Ok(json!({ "bytes": std::fs::metadata(program()?)?.len() })),
        "idle" => idle::measure(options),
        "disk" => disk::measure(options),
        "start" => start::measure(options),
        "search" => search::measure(options),
        "burst" => burst::measure(options),
        "note" => note::measure(options),
        other => Err(format!("there is no part {other}").into()),
    }
}

/// The program, beside the examples.
fn program() -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let built = exe.ancestors().nth(2).ok_or("no directory of built programs")?.join("studymesh");
    if built.exists() { Ok(built) } else { Err("build the program first: cargo build --release".into()) }
}

/// Memory of this process now, KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn ms(began: tokio::time::Instant) -> f64 {
    round(began.elapsed().as_secs_f64() * 1_000.0)
}

fn middle(mut all: Vec<f64>) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}
