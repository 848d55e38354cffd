//! Two real nodes in one program: one founds a group, the other joins it, and a note travels.
//!
//! ```text
//! cargo run --example local_network
//! ```

use studymesh::api::{Command, Error, GroupKind, Request};
use studymesh::config::{Home, Settings};
use studymesh::node::Node;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let settings = |name: &str| Settings {
        name: name.into(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".into(), "/ip4/127.0.0.1/udp/0/quic-v1".into()],
        mdns: false,
        ..Settings::default()
    };
    let mut ada = Node::start(&Home::new(dir.path().join("ada")), &settings("Ada")).await?;
    let mut bo = Node::start(&Home::new(dir.path().join("bo")), &settings("Bo")).await?;

    ada.handle()
        .call(Request::new(Command::GroupCreate { name: "Go to cloud".into(), kind: GroupKind::Open, roadmap: None }))
        .await?;
    ada.handle().call(Request::new(note("Plan", "Docker 先，然后 Kubernetes。\n"))).await?;
    let invited = ada
        .handle()
        .call(Request::new(Command::Invite {
            expires_hours: Some(1),
            addresses: true,
            role: None,
            uses: None,
            approve: false,
        }))
        .await?;
    let ticket = invited["ticket"].as_str().unwrap_or_default().to_owned();

    let joined = bo.handle().call(Request::new(Command::Join { ticket, wait_ms: 30_000 })).await?;
    println!("Bo: {} {}", joined["name"], joined["state"]);
    bo.handle().call(Request::new(note("Question", "What is a Pod?\n"))).await?;
    let wait = Command::SyncWait { peers: Some(1), fingerprint: None, timeout_ms: 30_000 };
    bo.handle().call(Request::new(wait)).await?;

    for node in [&ada, &bo] {
        let list =
            node.handle().call(Request::new(Command::NoteList { topic: None, tag: None, deleted: false })).await?;
        let titles: Vec<_> = list["items"].as_array().into_iter().flatten().map(|n| n["title"].to_string()).collect();
        println!("{}: {}", node.ready().peer_id, titles.join(", "));
    }
    stop(&mut ada).await?;
    stop(&mut bo).await?;
    Ok(())
}

fn note(title: &str, text: &str) -> Command {
    Command::NoteNew { title: title.into(), topic: None, tags: vec![], text: text.into() }
}

async fn stop(node: &mut Node) -> Result<(), Error> {
    node.stop();
    node.ended().await.map(drop)
}
