//! Ten nodes in one process.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use studymesh::api::{Command, Request};
use studymesh::config::Home;
use studymesh::node::Node;
use tokio::time::Instant;

use crate::Result;
use crate::nodes::{found, settings, write_many};

const NODES: usize = 10;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// All nodes write their part of the notes; tells how many entries a second reached all of them.
pub fn run(dir: &Path, notes: usize) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut nodes = vec![];
        for n in 0..NODES {
            nodes.push(Node::start(&Home::new(dir.join(n.to_string())), &settings(&format!("Node {n}"))).await?);
        }
        let ticket = found(nodes[0].handle()).await?;
        for node in &nodes[1..] {
            let join = Command::Join { ticket: ticket.clone(), wait_ms: 60_000 };
            node.handle().call(Request::new(join)).await?;
        }
        let before = agree(&nodes, 0).await?;
        let began = Instant::now();
        let part = notes / NODES;
        let writing = nodes.iter().enumerate().map(|(n, node)| write_many(node.handle(), n * part..(n + 1) * part));
        for written in futures::future::join_all(writing).await {
            written?;
        }
        let written = (part * NODES) as u64;
        agree(&nodes, before + written).await?;
        let seconds = began.elapsed().as_secs_f64();
        println!("{}", json!({ "rate": written as f64 / seconds, "seconds": seconds }));
        for mut node in nodes {
            node.stop();
            node.ended().await?;
        }
        Ok(())
    })
}

/// Waits until all hold the same, and at least so much; gives how much that is.
async fn agree(nodes: &[Node], least: u64) -> Result<u64> {
    let began = Instant::now();
    loop {
        let mut held = vec![];
        for node in nodes {
            let status = node.handle().call(Request::new(Command::SyncStatus)).await?;
            held.push((status["fingerprint"].clone(), status["held"].as_u64().unwrap_or(0)));
        }
        if held.iter().all(|one| *one == held[0]) && held[0].1 >= least {
            return Ok(held[0].1);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("ten nodes do not agree: {held:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
