//! The benchmark of a cold join: a fresh node joins a group of many entries over real TCP on loopback.
//!
//! ```text
//! cargo run --release --example cold_join -- --entries 10000 --authors 20
//! cargo run --release --example cold_join -- --entries 10000 --authors 20 --closed --trials 5
//! ```
//!
//! One process serves the entries; for each trial a fresh one joins, and its time, processor time and memory are measured. In turn with the
//! joins the *floor* is measured (`floor.rs`): TCP, verify each item, insert into SQLite, nothing else. `ratio_to_floor` is
//! the median join's time divided by the median floor's. The *parts* are hashing, decrypting and inserting the same entries in
//! one thread and without a network; `ratio_to_parts` is the join's time divided by that. An entry is a note of 500 bytes of
//! mixed Chinese and English Markdown, made from a seed; `incompressible` says to which share of its size DEFLATE brings all of
//! them together. `searchable_seconds` counts from the begin of the join until every note can be found. Bytes on the wire are
//! those of the loopback interface, TCP and IP headers and acknowledgements included (Linux).

mod floor;
mod group;
mod parts;
mod usage;

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use studymesh::api::{Command, Request};
use studymesh::config::{Home, Settings};
use studymesh::node::Node;
use tokio::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a note's text.
const NOTE_BYTES: usize = 500;
/// Entries of one transaction while the group is made, and while the parts and the floor are measured.
const BATCH: usize = 256;
/// Most entries whose parts are measured: they are held in memory for that.
const MAX_PARTS: usize = 200_000;

/// How often a joiner asks whether everything can be found. Asking more often would slow it down.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

struct Options {
    entries: usize,
    authors: usize,
    seed: u64,
    closed: bool,
    trials: usize,
}

fn main() -> Result<()> {
    let mut options = Options { entries: 10_000, authors: 20, seed: 1, closed: false, trials: 1 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--entries" => options.entries = value()?.parse()?,
            "--authors" => options.authors = value()?.parse()?,
            "--seed" => options.seed = value()?.parse()?,
            "--trials" => options.trials = value()?.parse()?,
            "--closed" => options.closed = true,
            // What the children do.
            "--serve" => return serve(Path::new(&value()?)),
            "--join" => return join(&Home::new(value()?.into()), &value()?),
            "--serve-items" => return floor::serve(Path::new(&value()?)),
            "--fetch-items" => return fetch(Path::new(&value()?), &value()?),
            other => {
                let there = "--entries, --authors, --seed, --trials and --closed";
                return Err(format!("unknown option {other}; there are {there}").into());
            }
        }
    }
    if options.authors == 0 || options.entries < options.authors || options.trials == 0 {
        return Err("give at least one entry for each author, and one trial".into());
    }
    run(&options)
}

fn settings(name: &str) -> Settings {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    Settings { name: name.into(), listen, mdns: false, upnp: false, ..Settings::default() }
}

/// Serves the group in a directory until the parent closes our input; then tells the most memory that it took, KiB.
fn serve(dir: &Path) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut node = Node::start(&Home::new(dir.to_path_buf()), &settings("Source")).await?;
        // In an open group a ticket has no uses.
        let shown = node.handle().call(Request::new(Command::GroupShow)).await?;
        let uses = (shown["kind"] == "closed").then_some(0);
        let invite = Command::Invite { expires_hours: None, addresses: true, role: None, uses, approve: false };
        let invited = node.handle().call(Request::new(invite)).await?;
        println!("{}", invited["ticket"].as_str().unwrap_or_default());
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut vec![])).await??;
        node.stop();
        node.ended().await?;
        println!("{}", usage::peak_kib());
        Ok(())
    })
}

/// Joins, waits until everything is here and committed, and then until all of it can be found; tells what that took.
fn join(home: &Home, ticket: &str) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut node = Node::start(home, &settings("Joiner")).await?;
        let (cpu, wire) = (usage::cpu_seconds(), usage::loopback_bytes());
        let began = Instant::now();
        let request = Command::Join { ticket: ticket.into(), wait_ms: 3_600_000 };
        let joined = node.handle().call(Request::new(request)).await?;
        let seconds = began.elapsed().as_secs_f64();
        let (cpu, wire) = (usage::cpu_seconds() - cpu, usage::loopback_bytes().saturating_sub(wire));
        let peak = usage::peak_kib();
        if joined["state"] != "joined" {
            return Err(format!("the join ended as {joined}").into());
        }
        while node.handle().call(Request::new(Command::Status)).await?["unsearchable"] != 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let searchable = began.elapsed().as_secs_f64();
        let digest = node.handle().call(Request::new(Command::DbDigest)).await?;
        node.stop();
        node.ended().await?;
        println!(
            "{}",
            json!({ "seconds": seconds, "cpu": cpu, "wire": wire, "peak": peak, "held": digest["entries"], "searchable": searchable })
        );
        Ok(())
    })
}

/// Fetches the items of the floor; tells what that took.
fn fetch(db: &Path, address: &str) -> Result<()> {
    let (cpu, wire) = (usage::cpu_seconds(), usage::loopback_bytes());
    let (held, seconds) = floor::fetch(db, address)?;
    let (cpu, wire) = (usage::cpu_seconds() - cpu, usage::loopback_bytes().saturating_sub(wire));
    println!("{}", json!({ "seconds": seconds, "cpu": cpu, "wire": wire, "peak": usage::peak_kib(), "held": held }));
    Ok(())
}

/// A child that serves, with the first line that it prints.
fn server(role: &str, path: &Path) -> Result<(Child, BufReader<std::process::ChildStdout>, String)> {
    let mut server = Process::new(std::env::current_exe()?)
        .args([role.as_ref(), path.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut out = BufReader::new(server.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    out.read_line(&mut line)?;
    Ok((server, out, line.trim().into()))
}

/// What a child that measures says.
fn measured(role: &str, path: &Path, from: &str) -> Result<Value> {
    let out = Process::new(std::env::current_exe()?)
        .args([role.as_ref(), path.as_os_str(), from.as_ref()])
        .stderr(Stdio::inherit())
        .output()?;
    if !out.status.success() {
        return Err(format!("{role} ended with {}", out.status).into());
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

fn run(options: &Options) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let source = Home::new(dir.path().join("source"));
    let items = dir.path().join("items");
    let (texts, packed) = group::texts(options);
    let incompressible = packed as f64 / (NOTE_BYTES * texts.len()) as f64;
    group::make_group(&source, options, &texts)?;
    floor::make(&items, &texts, options.authors)?;
    drop(texts);
    let (mut server_of_items, _out, address) = server("--serve-items", &items)?;
    let (mut server_of_group, mut told, ticket) = server("--serve", source.dir())?;
    let (mut joins, mut floors) = (vec![], vec![]);
    let home = Home::new(dir.path().join("joiner"));
    for trial in 0..options.trials {
        let db = dir.path().join(format!("items-{trial}.db"));
        floors.push(measured("--fetch-items", &db, &address)?);
        std::fs::remove_file(db)?;
        if trial > 0 {
            std::fs::remove_dir_all(home.dir())?;
        }
        joins.push(measured("--join", home.dir(), &ticket)?);
    }
    let disk = std::fs::metadata(home.store())?.len();
    drop((server_of_items.stdin.take(), server_of_group.stdin.take()));
    server_of_items.wait()?;
    server_of_group.wait()?;
    let mut server_peak = String::new();
    told.read_line(&mut server_peak)?;

    let held = joins.iter().map(|j| j["held"].as_u64().unwrap_or(0)).min().unwrap_or(0);
    let parts =
        if held as usize <= MAX_PARTS { Some(parts::measure(&dir.path().join("parts.db"), &home)?) } else { None };
    let join = |what: &str| median(&joins, what);
    let floor = |what: &str| median(&floors, what);
    let (seconds, count) = (join("seconds"), held as f64);
    println!(
        "{}",
        json!({
            "v": 1, "entries": held, "held": held, "authors": options.authors, "closed": options.closed,
            "trials": options.trials, "note_bytes": NOTE_BYTES, "incompressible": round(incompressible),
            "seconds": round(seconds), "seconds_of_each": each(&joins, "seconds"),
            "entries_per_second": (count / seconds).round(), "cpu_seconds": round(join("cpu")), "peak_kib": join("peak"),
            "server_peak_kib": server_peak.trim().parse::<u64>().unwrap_or(0),
            "wire_bytes": join("wire"), "wire_bytes_per_entry": (join("wire") / count).round(),
            "disk_bytes_per_entry": (disk as f64 / count).round(),
            "searchable_seconds": round(join("searchable")),
            "floor_seconds": round(floor("seconds")), "floor_of_each": each(&floors, "seconds"),
            "floor_cpu_seconds": round(floor("cpu")), "floor_wire_bytes_per_item": (floor("wire") / options.entries as f64).round(),
            "ratio_to_floor": round(seconds / floor("seconds")), "cpu_ratio_to_floor": round(join("cpu") / floor("cpu")),
            "searchable_ratio_to_floor": round(join("searchable") / floor("seconds")),
            "parts_seconds": parts.map(round), "ratio_to_parts": parts.map(|p| round(seconds / p)),
        })
    );
    if (held as usize) < options.entries {
        return Err(format!("a joiner holds {held} of {} entries", options.entries).into());
    }
    Ok(())
}

fn each(trials: &[Value], what: &str) -> Vec<f64> {
    trials.iter().map(|t| round(t[what].as_f64().unwrap_or(0.0))).collect()
}

fn median(trials: &[Value], what: &str) -> f64 {
    let mut all: Vec<f64> = trials.iter().map(|t| t[what].as_f64().unwrap_or(0.0)).collect();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
