//! The benchmark of what is live: from a note written on one node until it is in the store and the events of another.
//!
//! ```text
//! cargo run --release --example live_latency
//! cargo run --release --example live_latency -- --notes 500 --burst 20000 --trials 3
//! ```
//!
//! Two processes on loopback, a node each. *Latency*: notes of 500 bytes are written one by one, with a pause between. `own` is
//! what the writer waits for its answer: its own transaction and fsync. `live` counts from that answer, when the entry has
//! just been published, until the other node has verified, stored and folded it, made it durable, and said so in an event;
//! `whole` is both together. *Rate*: notes are written as fast as the node takes them, and counted until the other node holds
//! them all; none may be lost. In turn with this, *raw* is gossipsub alone between two processes, with messages of 600 bytes
//! that are verified by nobody but gossipsub (`signed`) or by nobody at all (`anonymous`), and end in memory. *Ten* is ten
//! nodes in one process, all writing, until all hold everything.

mod nodes;
mod raw;
mod ten;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a note's text.
const NOTE_BYTES: usize = 500;
/// What is sent first, and not counted.
const WARM_UP: usize = 30;

struct Options {
    notes: usize,
    pause_ms: u64,
    burst: usize,
    ten: usize,
    trials: usize,
}

fn main() -> Result<()> {
    let mut options = Options { notes: 300, pause_ms: 20, burst: 20_000, ten: 5_000, trials: 3 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--notes" => options.notes = value()?.parse()?,
            "--pause-ms" => options.pause_ms = value()?.parse()?,
            "--burst" => options.burst = value()?.parse()?,
            "--ten" => options.ten = value()?.parse()?,
            "--trials" => options.trials = value()?.parse()?,
            // What the children do.
            "--writer" => return nodes::write(Path::new(&value()?)),
            "--reader" => return nodes::read(Path::new(&value()?), &value()?),
            "--raw-reader" => return raw::read(value()? == "signed"),
            "--raw-writer" => return raw::write(value()? == "signed", &value()?, &value()?),
            "--ten-nodes" => return ten::run(Path::new(&value()?), value()?.parse()?),
            other => {
                let there = "--notes, --pause-ms, --burst, --ten and --trials";
                return Err(format!("unknown option {other}; there are {there}").into());
            }
        }
    }
    if options.notes == 0 || options.trials == 0 {
        return Err("give at least one note and one trial".into());
    }
    run(&options)
}

/// Unix microseconds: one clock for the processes of one machine.
#[allow(clippy::disallowed_methods, reason = "two processes measure with one clock")]
fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
}

/// A child that takes orders and answers with a line of JSON each.
struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(args: &[&str]) -> Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    fn hear(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("a child ended: {:?}", self.child.wait()?).into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn ask(&mut self, order: &str) -> Result<Value> {
        self.tell(order)?;
        self.hear()
    }

    fn tell(&mut self, order: &str) -> Result<()> {
        let input = self.input.as_mut().ok_or("the child was told to end")?;
        writeln!(input, "{order}")?;
        Ok(input.flush()?)
    }

    /// Ends it, and waits until it has ended.
    fn end(mut self) -> Result<()> {
        self.input = None;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a child ended with {status}").into()) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.input.take().is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let (mut ours, mut signed, mut anonymous, mut ten) = (vec![], vec![], vec![], vec![]);
    for _ in 0..options.trials {
        signed.push(raw::pair(options, "signed")?);
        ours.push(nodes::pair(options)?);
        anonymous.push(raw::pair(options, "anonymous")?);
        if options.ten > 0 {
            let dir = tempfile::tempdir()?;
            let path = dir.path().to_str().ok_or("a temporary directory without a name")?;
            let mut worker = Worker::start(&["--ten-nodes", path, &options.ten.to_string()])?;
            ten.push(worker.hear()?);
            worker.end()?;
        }
    }
    let us = |trials: &[Value], part: &str, figure: &str| median(trials, &format!("/{part}/{figure}"));
    let ratio = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| (a / b * 100.0).round() / 100.0);
    let shown =
        |trials: &[Value], part: &str| json!({ "p50_us": us(trials, part, "p50"), "p99_us": us(trials, part, "p99") });
    let live = |figure: &str, raw: &[Value]| ratio(us(&ours, "live", figure), us(raw, "live", figure));
    println!(
        "{}",
        json!({
            "v": 1, "notes": options.notes, "burst": options.burst, "trials": options.trials, "note_bytes": NOTE_BYTES,
            "live": shown(&ours, "live"), "own": shown(&ours, "own"), "whole": shown(&ours, "whole"),
            "raw_signed": shown(&signed, "live"), "raw_anonymous": shown(&anonymous, "live"),
            "p50_ratio_to_raw_signed": live("p50", &signed), "p99_ratio_to_raw_signed": live("p99", &signed),
            "p50_ratio_to_raw_anonymous": live("p50", &anonymous), "p99_ratio_to_raw_anonymous": live("p99", &anonymous),
            "entries_per_second": median(&ours, "/rate"), "written_per_second": median(&ours, "/written"),
            "raw_signed_per_second": median(&signed, "/rate"), "raw_anonymous_per_second": median(&anonymous, "/rate"),
            "raw_signed_lost": median(&signed, "/lost"), "raw_anonymous_lost": median(&anonymous, "/lost"),
            "ten_nodes_entries_per_second": median(&ten, "/rate"),
        })
    );
    Ok(())
}

/// The median over the trials.
fn median(trials: &[Value], path: &str) -> Option<f64> {
    let mut all: Vec<f64> = trials.iter().filter_map(|t| t.pointer(path)?.as_f64()).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).map(|n| n.round())
}

/// Half of the figures are at most this, and 99 of a hundred that.
fn percentiles(mut all: Vec<u64>) -> Value {
    all.sort_unstable();
    let at = |of_hundred: usize| all.get((all.len() * of_hundred / 100).min(all.len().saturating_sub(1))).copied();
    json!({ "p50": at(50), "p99": at(99) })
}
