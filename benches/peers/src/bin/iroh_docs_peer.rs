//! iroh-docs as one of the peers: persistent, loopback only, without relays.
//!
//! `iroh-docs-peer serve DIR ITEMS BYTES AUTHORS` fills a document, prints a ticket and serves until standard input ends;
//! `iroh-docs-peer join DIR TICKET ITEMS` joins and prints what it took.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Instant;

use iroh::endpoint::presets;
use iroh::protocol::Router;
use iroh::{Endpoint, RelayMode};
use iroh_blobs::store::fs::FsStore;
use iroh_blobs::{ALPN as BLOBS_ALPN, BlobsProtocol};
use iroh_docs::api::protocol::{AddrInfoOptions, ShareMode};
use iroh_docs::engine::LiveEvent;
use iroh_docs::protocol::Docs;
use iroh_docs::{ALPN as DOCS_ALPN, ContentStatus, DocTicket};
use iroh_gossip::ALPN as GOSSIP_ALPN;
use iroh_gossip::net::Gossip;
use n0_future::StreamExt as _;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A node with its three protocols.
struct Node {
    router: Router,
    docs: Docs,
}

async fn node(dir: &str) -> Result<Node> {
    let dir = Path::new(dir);
    std::fs::create_dir_all(dir)?;
    let endpoint = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr((Ipv4Addr::LOCALHOST, 0))?
        .bind()
        .await?;
    let blobs = FsStore::load(dir.join("blobs")).await?;
    let gossip = Gossip::builder().spawn(endpoint.clone());
    let docs = Docs::persistent(dir.to_path_buf()).spawn(endpoint.clone(), (*blobs).clone(), gossip.clone()).await?;
    let router = Router::builder(endpoint)
        .accept(BLOBS_ALPN, BlobsProtocol::new(&blobs, None))
        .accept(GOSSIP_ALPN, gossip)
        .accept(DOCS_ALPN, docs.clone())
        .spawn();
    Ok(Node { router, docs })
}

async fn serve(dir: &str, items: &str, bytes: usize, authors: usize) -> Result<()> {
    let node = node(dir).await?;
    let items = std::fs::read(items)?;
    let doc = node.docs.create().await?;
    let mut ids = vec![];
    for _ in 0..authors {
        ids.push(node.docs.author_create().await?);
    }
    for (n, item) in items.chunks_exact(bytes).enumerate() {
        doc.set_bytes(ids[n % authors], format!("{n:08}").into_bytes(), item.to_vec()).await?;
    }
    let ticket = doc.share(ShareMode::Write, AddrInfoOptions::Addresses).await?;
    println!("{ticket}");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut vec![])).await??;
    node.router.shutdown().await?;
    Ok(())
}

async fn join(dir: &str, ticket: &str, wanted: usize) -> Result<()> {
    let node = node(dir).await?;
    let ticket: DocTicket = ticket.parse()?;
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let (_doc, mut events) = node.docs.import_and_subscribe(ticket).await?;
    let (mut entries, mut ready) = (BTreeSet::new(), BTreeSet::new());
    // Texts differ, so as many contents as entries are all of them.
    while entries.len() < wanted || ready.len() < wanted {
        match events.next().await.ok_or("the events ended")?? {
            LiveEvent::InsertRemote { entry, content_status, .. } => {
                entries.insert(entry.key().to_vec());
                if content_status == ContentStatus::Complete {
                    ready.insert(entry.content_hash());
                }
            }
            LiveEvent::ContentReady { hash } => drop(ready.insert(hash)),
            _ => {}
        }
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    // What is written in batches behind the events is durable when this has ended; that is not counted.
    node.router.shutdown().await?;
    println!("{}", serde_json::json!({ "seconds": seconds, "cpu": cpu, "held": entries.len() }));
    Ok(())
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / 100.0
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve", dir, items, bytes, authors] => serve(dir, items, bytes.parse()?, authors.parse()?).await,
        ["join", dir, ticket, items] => join(dir, ticket, items.parse()?).await,
        _ => Err("usage: serve DIR ITEMS BYTES AUTHORS, or join DIR TICKET ITEMS".into()),
    }
}
