//! Many own writes at once: an import.

use std::path::Path;
use std::process::{Command as Process, Stdio};

use serde_json::{Value, json};
use studymesh::api::{Command, GroupKind, MAX_NEW_NOTES, NewNote, Request};
use studymesh::config::Home;
use studymesh::node::{self, Node};
use tokio::time::Instant;

use crate::{Options, Result, group, ms, program, settings};

const NOTES: usize = 10_000;

pub fn measure(options: &Options) -> Result<Value> {
    let options = Options { entries: NOTES, ..options.clone() };
    let (texts, _) = group::texts(&options);
    let files = options.dir.join("files");
    std::fs::create_dir(&files)?;
    for (n, text) in texts.iter().enumerate() {
        std::fs::write(files.join(format!("{n:05}.md")), text)?;
    }
    let found = |name: &str| -> Result<Home> {
        let home = Home::new(options.dir.join(name));
        let create = Command::GroupCreate { name: "burst".into(), kind: GroupKind::Open, roadmap: None };
        node::call(&home, &settings("Burst"), &Request::new(create))?;
        Ok(home)
    };
    let alone = found("alone")?;
    let without = import(&alone, &files)?;
    let again = import(&alone, &files)?;
    let (by_import, by_api) = (found("by-import")?, found("by-api")?);
    let runtime = tokio::runtime::Runtime::new()?;
    let with = runtime.block_on(async {
        let mut node = Node::start(&by_import, &settings("Burst")).await?;
        let files = files.clone();
        let took = tokio::task::spawn_blocking(move || import(&by_import, &files).map_err(|e| e.to_string())).await??;
        node.stop();
        node.ended().await?;
        Ok::<f64, Box<dyn std::error::Error>>(took)
    })?;
    let through = runtime.block_on(through_a_node(&by_api, &texts))?;
    Ok(json!({
        "notes": NOTES, "node_ms": through, "import_ms": with, "import_without_node_ms": without, "import_again_ms": again,
    }))
}

/// The program's `import` of a directory.
fn import(home: &Home, files: &Path) -> Result<f64> {
    let began = Instant::now();
    let done = Process::new(program()?)
        .arg("import")
        .arg(files)
        .args(["--json", "--home"])
        .arg(home.dir())
        .stdout(Stdio::null())
        .status()?;
    if done.success() { Ok(ms(began)) } else { Err(format!("the import ended with {done}").into()) }
}

/// The same notes given to a running node.
async fn through_a_node(home: &Home, texts: &[String]) -> Result<f64> {
    let mut node = Node::start(home, &settings("Burst")).await?;
    let began = Instant::now();
    for (n, part) in texts.chunks(MAX_NEW_NOTES).enumerate() {
        let new = |(i, text): (usize, &String)| NewNote {
            title: format!("note {n}-{i}"),
            text: text.clone(),
            ..NewNote::default()
        };
        let notes = part.iter().enumerate().map(new).collect();
        node.handle().call(Request::new(Command::NotesNew { notes })).await?;
    }
    let took = ms(began);
    let list = node.handle().call(Request::new(Command::NoteList { topic: None, tag: None, deleted: false })).await?;
    let count = list["items"].as_array().map_or(0, Vec::len);
    node.stop();
    node.ended().await?;
    if count == texts.len() { Ok(took) } else { Err(format!("{count} notes were made").into()) }
}
