//! A node that has nothing to do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use studymesh::api::{Command, GroupKind, Request};
use studymesh::config::Home;
use studymesh::node::{Handle, Node};
use tokio::time::Instant;

use crate::{Options, Result, resident_kib, round, settings, usage};

const GROUPS: usize = 10;
const PEERS: usize = 10;
/// How long everything may take until all agree.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the node rests after that, before it is looked at.
const REST: Duration = Duration::from_secs(20);

pub fn measure(options: &Options) -> Result<Value> {
    let home = Home::new(options.dir.join("idle"));
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut node = Node::start(&home, &settings("Idle")).await?;
        let alone = resident_kib();
        let mut tickets = vec![];
        for n in 0..GROUPS {
            let create = Command::GroupCreate { name: format!("group {n}"), kind: GroupKind::Open, roadmap: None };
            let made = node.handle().call(Request::new(create)).await?;
            let invite = Command::Invite { expires_hours: None, addresses: true, role: None, uses: None, approve: false };
            let request = Request::new(invite).in_group(made["group_id"].as_str().map(str::to_owned));
            tickets.push(node.handle().call(request).await?["ticket"].as_str().unwrap_or_default().to_owned());
        }
        let mut peers = Process::new(std::env::current_exe()?)
            .arg("--peers")
            .arg(options.dir.join("peers"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = peers.stdin.take().ok_or("no input")?;
        writeln!(input, "{}", tickets.join(" "))?;
        let mut line = String::new();
        BufReader::new(peers.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let connected = all_equal(node.handle()).await?;
        tokio::time::sleep(REST).await;
        let (cpu, wire) = (usage::cpu_seconds(), usage::loopback_bytes());
        tokio::time::sleep(Duration::from_secs(options.window)).await;
        let (cpu, wire) = (usage::cpu_seconds() - cpu, usage::loopback_bytes().saturating_sub(wire));
        let resident = resident_kib();
        drop(input);
        peers.wait()?;
        node.stop();
        node.ended().await?;
        Ok(json!({
            "groups": GROUPS, "peers": PEERS, "connected": connected, "resident_kib": resident, "peak_kib": usage::peak_kib(),
            "resident_alone_kib": alone, "window_s": options.window, "cpu_percent": round(cpu / options.window as f64 * 100.0),
            // All nodes speak over one loopback: this is theirs together.
            "wire_bytes_per_second_of_all": wire / options.window.max(1),
        }))
    })
}

/// Waits until every peer agrees in every group; gives how many are connected.
async fn all_equal(handle: &Handle) -> Result<u64> {
    let began = Instant::now();
    loop {
        let list = handle.call(Request::new(Command::GroupList)).await?;
        let mut equal = 0;
        for group in list["items"].as_array().into_iter().flatten() {
            let request = Request::new(Command::SyncStatus).in_group(group["group_id"].as_str().map(str::to_owned));
            let status = handle.call(request).await?;
            equal += status["peers"].as_array().into_iter().flatten().filter(|p| p["relation"] == "equal").count();
        }
        if equal == GROUPS * PEERS {
            return Ok(handle.call(Request::new(Command::Status)).await?["connections"].as_u64().unwrap_or(0));
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("only {equal} of {} comparisons are equal", GROUPS * PEERS).into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The peers, in one process: each joins every group, and stays until standard input ends.
pub fn peers(dir: &Path) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut tickets = String::new();
        std::io::stdin().lock().read_line(&mut tickets)?;
        let mut nodes = vec![];
        for n in 0..PEERS {
            let node = Node::start(&Home::new(dir.join(n.to_string())), &settings(&format!("Peer {n}"))).await?;
            for ticket in tickets.split_whitespace() {
                let join = Command::Join { ticket: ticket.into(), wait_ms: 60_000 };
                node.handle().call(Request::new(join)).await?;
            }
            nodes.push(node);
        }
        println!("joined");
        tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await??;
        for node in &mut nodes {
            node.stop();
            node.ended().await?;
        }
        Ok(())
    })
}
