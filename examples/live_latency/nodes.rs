//! Two nodes: one writes, the other says when it has what.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use studymesh::api::{Command, GroupKind, MAX_NEW_NOTES, NewNote, Request};
use studymesh::config::{Home, Settings};
use studymesh::node::{Handle, Node};

use crate::{NOTE_BYTES, Options, Result, WARM_UP, Worker, now_us, percentiles};

/// How long the second node waits for the group, milliseconds.
const JOIN_MS: u64 = 60_000;

pub fn settings(name: &str) -> Settings {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    Settings { name: name.into(), listen, mdns: false, upnp: false, ..Settings::default() }
}

/// A note's text; no two are the same.
pub fn text(n: usize) -> String {
    let mut text = format!("# 笔记 {n}\n\n");
    let mut state = n as u64;
    while text.len() < NOTE_BYTES - 30 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let words = ["云原生", " container", " 调度器", " gossip", "，服务", " channel", "。\n"];
        text.push_str(words[(state >> 33) as usize % words.len()]);
        if (state >> 40).is_multiple_of(9) {
            text.push_str(&format!(" `{:08x}`", state >> 32));
        }
    }
    text.push_str(&"~".repeat(NOTE_BYTES.saturating_sub(text.len())));
    text
}

/// The lines of standard input, read beside the node.
pub fn orders() -> tokio::sync::mpsc::Receiver<String> {
    let (send, receive) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(std::io::Result::ok) {
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receive
}

/// Founds a group and writes as told.
pub fn write(dir: &Path) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut node = Node::start(&Home::new(dir.to_path_buf()), &settings("Writer")).await?;
        let handle = node.handle().clone();
        println!("{}", json!({ "ticket": found(&handle).await? }));
        let mut orders = orders();
        while let Some(order) = orders.recv().await {
            let words: Vec<&str> = order.split(' ').collect();
            let count: usize = words.get(1).ok_or("how many?")?.parse()?;
            let answer = if words[0] == "burst" {
                burst(&handle, count).await?
            } else {
                one_by_one(&handle, count, words.get(2).ok_or("what pause?")?.parse()?).await?
            };
            println!("{answer}");
        }
        node.stop();
        node.ended().await?;
        Ok(())
    })
}

/// Founds a group; gives its ticket.
pub async fn found(handle: &Handle) -> Result<String> {
    let create = Command::GroupCreate { name: "live".into(), kind: GroupKind::Open, roadmap: None };
    handle.call(Request::new(create)).await?;
    let invite = Command::Invite { expires_hours: None, addresses: true, role: None, uses: None, approve: false };
    let invited = handle.call(Request::new(invite)).await?;
    Ok(invited["ticket"].as_str().unwrap_or_default().to_owned())
}

async fn one_by_one(handle: &Handle, count: usize, pause_ms: u64) -> Result<Value> {
    let mut written = vec![];
    for n in 0..count {
        let new = Command::NoteNew { title: format!("note {n}"), topic: None, tags: vec![], text: text(n) };
        let before = now_us();
        let answer = handle.call(Request::new(new)).await?;
        written.push(json!({ "entry": answer["entry_id"], "before": before, "after": now_us() }));
        // Not in step with anybody's timer.
        tokio::time::sleep(Duration::from_micros(pause_ms * 1_000 + n as u64 * 37 % 1_000)).await;
    }
    Ok(json!(written))
}

async fn burst(handle: &Handle, count: usize) -> Result<Value> {
    let began = now_us();
    write_many(handle, 0..count).await?;
    Ok(json!({ "began": began, "ended": now_us() }))
}

/// Writes notes as fast as the node takes them.
pub async fn write_many(handle: &Handle, numbers: std::ops::Range<usize>) -> Result<()> {
    let numbers: Vec<usize> = numbers.collect();
    for part in numbers.chunks(MAX_NEW_NOTES) {
        let new = |n: &usize| NewNote { title: format!("note {n}"), text: text(*n), ..NewNote::default() };
        let answer = handle.call(Request::new(Command::NotesNew { notes: part.iter().map(new).collect() })).await?;
        if let Some(item) = answer["items"].as_array().and_then(|items| items.iter().find(|i| i["entry_id"].is_null()))
        {
            return Err(format!("a note was not written: {item}").into());
        }
    }
    Ok(())
}

/// What a node saw come in.
#[derive(Default)]
struct Seen {
    /// When the event of an entry came, by its id.
    entries: BTreeMap<String, u64>,
    /// How many entries came in all.
    count: u64,
    /// When the last of them came.
    last: u64,
}

/// Joins, watches its events, and tells what came when.
pub fn read(dir: &Path, ticket: &str) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut node = Node::start(&Home::new(dir.to_path_buf()), &settings("Reader")).await?;
        let handle = node.handle().clone();
        let join = Command::Join { ticket: ticket.into(), wait_ms: JOIN_MS };
        let joined = handle.call(Request::new(join)).await?;
        if joined["state"] != "joined" {
            return Err(format!("the join ended as {joined}").into());
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut events = handle.follow(None).await?;
        let watched = seen.clone();
        tokio::spawn(async move {
            while let Ok(batch) = events.next().await {
                let now = now_us();
                let mut seen = watched.lock().unwrap_or_else(PoisonError::into_inner);
                for event in batch {
                    let data = &event["data"];
                    match event["type"].as_str() {
                        Some("entry") if data["own"] == false => {
                            seen.entries.insert(data["entry_id"].as_str().unwrap_or_default().to_owned(), now);
                            (seen.count, seen.last) = (seen.count + 1, now);
                        }
                        Some("entries") => {
                            (seen.count, seen.last) = (seen.count + data["count"].as_u64().unwrap_or(0), now);
                        }
                        _ => {}
                    }
                }
            }
        });
        println!("{}", json!({ "joined": true }));
        let mut orders = orders();
        while let Some(order) = orders.recv().await {
            let wanted: u64 = order.parse()?;
            let done = || {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                (seen.count >= wanted).then(|| std::mem::take(&mut *seen))
            };
            let came = loop {
                if let Some(came) = done() {
                    break came;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            println!("{}", json!({ "entries": came.entries, "last": came.last }));
        }
        node.stop();
        node.ended().await?;
        Ok(())
    })
}

/// One trial.
pub fn pair(options: &Options) -> Result<Value> {
    let dir = tempfile::tempdir()?;
    let path = |name: &str| dir.path().join(name).to_str().map(str::to_owned).ok_or("a directory without a name");
    let mut writer = Worker::start(&["--writer", &path("writer")?])?;
    let ticket = writer.hear()?["ticket"].as_str().unwrap_or_default().to_owned();
    let mut reader = Worker::start(&["--reader", &path("reader")?, &ticket])?;
    reader.hear()?;
    // Until both are in each other's mesh the first entries travel by sync.
    writer.ask(&format!("notes {WARM_UP} 100"))?;
    reader.ask(&WARM_UP.to_string())?;
    let written = writer.ask(&format!("notes {} {}", options.notes, options.pause_ms))?;
    let came = reader.ask(&options.notes.to_string())?;
    let (mut live, mut own, mut whole) = (vec![], vec![], vec![]);
    for note in written.as_array().into_iter().flatten() {
        let id = note["entry"].as_str().unwrap_or_default();
        let at = came["entries"][id].as_u64().ok_or_else(|| format!("the entry {id} had no event of its own"))?;
        let [before, after] = ["before", "after"].map(|key| note[key].as_u64().unwrap_or(0));
        own.push(after - before);
        whole.push(at.saturating_sub(before));
        // The answer may reach the writer later than the entry reaches the other node.
        live.push(at.saturating_sub(after));
    }
    let burst = writer.ask(&format!("burst {}", options.burst))?;
    let came = reader.ask(&options.burst.to_string())?;
    let [began, ended] = ["began", "ended"].map(|key| burst[key].as_u64().unwrap_or(0));
    let per_second = |until: u64| options.burst as f64 / (until.saturating_sub(began).max(1) as f64 / 1e6);
    let (rate, speed) = (per_second(came["last"].as_u64().unwrap_or(u64::MAX)), per_second(ended));
    writer.end()?;
    reader.end()?;
    Ok(json!({
        "live": percentiles(live), "own": percentiles(own), "whole": percentiles(whole), "rate": rate, "written": speed,
    }))
}
