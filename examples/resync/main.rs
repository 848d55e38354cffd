//! The benchmark of meeting again: two replicas that agree, or differ in a few logs, compare.
//!
//! ```text
//! cargo run --release --example resync
//! cargo run --release --example resync -- --entries 1000000 --differ 10 --trials 5
//! cargo run --release --example resync -- --entries 50000 --authors 50000
//! ```
//!
//! Two processes hold the same group, each an engine on its own store (`shell.rs`), and speak over one TCP connection on loopback: the
//! messages are those of the node's sync stream, without what libp2p puts around them. In each trial they compare while they
//! agree; then the answering side takes in one new entry in each of a few logs, and they compare again. *Round trips* are how
//! often the asking side waited for an answer. A comparison begins with a handshake, hello and welcome, which tells already
//! whether both agree; what is `after_handshake` begins when the welcome is there. Bytes count both directions, with the four
//! of length before each message.

#[path = "../cold_join/group.rs"]
mod group;
mod shell;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use studymesh::config::{Home, Settings};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a note's text.
const NOTE_BYTES: usize = 500;
/// Entries of one transaction while the group is made.
const BATCH: usize = 256;

/// What is measured.
struct Options {
    entries: usize,
    authors: usize,
    seed: u64,
    closed: bool,
    differ: usize,
    trials: usize,
}

fn main() -> Result<()> {
    let mut options = Options { entries: 100_000, authors: 20, seed: 1, closed: false, differ: 10, trials: 5 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--entries" => options.entries = value()?.parse()?,
            "--authors" => options.authors = value()?.parse()?,
            "--seed" => options.seed = value()?.parse()?,
            "--differ" => options.differ = value()?.parse()?,
            "--trials" => options.trials = value()?.parse()?,
            // What the children do.
            "--replica" => return shell::run(Path::new(&value()?), value()?.parse()?, value()?.parse()?),
            other => {
                let there = "--entries, --authors, --seed, --differ and --trials";
                return Err(format!("unknown option {other}; there are {there}").into());
            }
        }
    }
    if options.authors == 0 || options.entries < options.authors || options.trials == 0 {
        return Err("give at least one entry for each author, and one trial".into());
    }
    if options.differ > options.authors {
        return Err("each entry that differs is another author's: there are not that many".into());
    }
    run(&options)
}

fn settings(name: &str) -> Settings {
    Settings { name: name.into(), ..Settings::default() }
}

/// A process that holds a replica and does what it is told, line by line.
struct Replica {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Replica {
    fn start(dir: &Path, options: &Options) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--replica")
            .arg(dir)
            .args([options.seed.to_string(), options.authors.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    fn tell(&mut self, order: &str) -> Result<()> {
        writeln!(self.input, "{order}")?;
        Ok(self.input.flush()?)
    }

    fn hear(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("a replica ended: {:?}", self.child.wait()?).into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn ask(&mut self, order: &str) -> Result<Value> {
        self.tell(order)?;
        self.hear()
    }
}

fn run(options: &Options) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let [first, second] = ["answers", "asks"].map(|name| Home::new(dir.path().join(name)));
    let (texts, _) = group::texts(options);
    group::make_group(&first, options, &texts)?;
    drop(texts);
    std::fs::create_dir(second.dir())?;
    // The copy finds out that it is one, takes fresh keys, and adds an entry that says so.
    std::fs::copy(first.store(), second.store())?;
    let mut answers = Replica::start(first.dir(), options)?;
    let mut asks = Replica::start(second.dir(), options)?;
    // Both ways, so that both hold the entries that the copy added.
    compare(&mut asks, &mut answers)?;
    compare(&mut answers, &mut asks)?;
    let (mut agree, mut differ) = (vec![], vec![]);
    for _ in 0..options.trials {
        let same = compare(&mut answers, &mut asks)?;
        expect(&same, "equal", 0)?;
        agree.push(same);
        let written = answers.ask(&format!("write {}", options.differ))?;
        expect(&written, "written", options.differ)?;
        let other = compare(&mut answers, &mut asks)?;
        expect(&other, "equal", options.differ)?;
        differ.push(other);
    }
    let held = asks.ask("held")?;
    for replica in [asks, answers] {
        let Replica { mut child, input, .. } = replica;
        drop(input);
        child.wait()?;
    }
    println!(
        "{}",
        json!({
            "v": 1, "entries": held["entries"], "logs": held["logs"], "differ_logs": options.differ,
            "trials": options.trials, "agree": median(&agree), "differ": median(&differ),
        })
    );
    Ok(())
}

/// One side asks, the other answers; what the asking side saw.
fn compare(answers: &mut Replica, asks: &mut Replica) -> Result<Value> {
    let at = answers.ask("answer")?;
    let seen = asks.ask(&format!("compare {}", at["at"].as_str().unwrap_or_default()))?;
    answers.hear()?;
    Ok(seen)
}

fn expect(seen: &Value, relation: &str, received: usize) -> Result<()> {
    if seen["relation"] != relation || seen["received"] != received {
        return Err(format!("expected {relation} and {received} new entries: {seen}").into());
    }
    Ok(())
}

/// The median of each figure, and the slowest trial.
fn median(trials: &[Value]) -> Value {
    let of = |path: &str| {
        let mut all: Vec<f64> = trials.iter().filter_map(|t| t.pointer(path)?.as_f64()).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    };
    let middle = |path: &str| of(path).get(trials.len() / 2).copied();
    let part = |name: &str| {
        let [trips, bytes, ms] = ["round_trips", "bytes", "ms"].map(|figure| format!("/{name}/{figure}"));
        json!({
            "round_trips": middle(&trips), "bytes": middle(&bytes), "ms": middle(&ms), "ms_of_each": of(&ms),
        })
    };
    json!({ "whole": part("whole"), "after_handshake": part("after_handshake") })
}
