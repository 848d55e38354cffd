//! `kill -9` in the middle of a stream of writes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::harness::{Home, text};

/// Each round a process writes notes one after the other and prints each acknowledgement; it is killed at another
/// point of the stream. What was acknowledged must be there afterwards.
#[test]
fn fifty_kills_during_acknowledged_writes_lose_nothing() {
    let rounds: usize = std::env::var("STUDYMESH_KILL_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(50);
    let home = Home::new();
    home.create("group");
    let mut acknowledged: Vec<String> = vec![];
    for round in 0..rounds {
        let node = home.up(&[]);
        let script = format!(
            "i=0; while :; do \"$0\" note new --title \"r{round} n$i\" --text \"text $i\" --json || exit 1; i=$((i+1)); done"
        );
        let mut writer = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_studymesh")])
            .env("STUDYMESH_HOME", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        for _ in 0..=(round % 3) {
            let line = lines.next().expect("the writer goes on").unwrap();
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            acknowledged.push(value["note_id"].as_str().unwrap().to_owned());
        }
        node.kill();
        let _ = writer.kill();
        let _ = writer.wait();
        // Acknowledgements that were on their way when the process was killed count as well.
        for line in lines.map_while(Result::ok) {
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&line)
                && let Some(id) = value["note_id"].as_str()
            {
                acknowledged.push(id.to_owned());
            }
        }
    }
    let list = home.run(&["note", "list", "--json"]);
    assert!(list.status.success(), "the store opens: {}", text(&list.stderr));
    let list = text(&list.stdout);
    let lost: Vec<_> = acknowledged.iter().filter(|id| !list.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged writes are lost: {lost:?}", lost.len(), acknowledged.len());
    assert!(acknowledged.len() >= rounds);
}
