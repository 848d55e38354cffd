//! A bot that follows a group: it joins with a ticket, and greets every new note with a note of its own.
//!
//! ```text
//! cargo run --example events_bot -- TICKET [HOW-MANY-NOTES]
//! ```

use studymesh::api::{Command, Request};
use studymesh::config::{Home, Settings};
use studymesh::node::Node;

/// The kind number of an entry that founds a note; `docs/protocol.md` section 5 has the table.
const NOTE_NEW: u64 = 32;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let ticket = args.next().ok_or("usage: events_bot TICKET [HOW-MANY-NOTES]")?;
    let mut left: u64 = args.next().map_or(Ok(u64::MAX), |n| n.parse())?;

    let dir = tempfile::tempdir()?;
    let settings = Settings { name: "Bot".into(), mdns: false, ..Settings::default() };
    let mut node = Node::start(&Home::new(dir.path().join("bot")), &settings).await?;
    let bot = node.handle().clone();
    let mut events = bot.follow(None).await?;
    let joined = bot.call(Request::new(Command::Join { ticket, wait_ms: 30_000 })).await?;
    eprintln!("{}: {}", joined["name"], joined["state"]);

    while left > 0 {
        for event in events.next().await? {
            let data = &event["data"];
            let is_note = event["type"] == "entry" && data["kind"] == NOTE_NEW && data["own"] == false;
            if !is_note || left == 0 {
                continue;
            }
            let note = data["entry_id"].as_str().unwrap_or_default().to_owned();
            let shown = bot.call(Request::new(Command::NoteShow { note, version: None })).await?;
            println!("{} by {}", shown["title"], shown["authors"]);
            let text = format!("Read: {}\n", shown["title"].as_str().unwrap_or_default());
            bot.call(Request::new(Command::NoteNew {
                title: "👋".into(),
                topic: None,
                tags: vec!["bot".into()],
                text,
            }))
            .await?;
            left -= 1;
        }
    }
    let wait = Command::SyncWait { peers: None, fingerprint: None, timeout_ms: 10_000 };
    bot.call(Request::new(wait)).await?;
    node.stop();
    node.ended().await?;
    Ok(())
}
