//! Importing a directory of notes, with and without a running node.

use serde_json::Value;

use crate::harness::{Home, converge};

/// More than are sent together.
const FILES: usize = 300;

fn actions(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap()).collect()
}

#[test]
fn a_directory_of_notes_comes_in_once_and_reaches_the_others() {
    let (ada, bo) = (Home::new(), Home::new());
    let dir = tempfile::tempdir().unwrap();
    for n in 0..FILES {
        let file = dir.path().join(format!("{n:03}.md"));
        std::fs::write(file, format!("---\ntitle: Note {n:03}\ntopic: docker\ntags: [import]\n---\n文本 {n}\n"))
            .unwrap();
    }
    ada.create("group");
    let files = dir.path().to_str().unwrap();
    let _a = ada.up(&["--name", "Ada"]);
    let _b = bo.up(&["--name", "Bo"]);
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    let first = ada.json(&["import", files]);
    assert_eq!(actions(&first), ["created"; FILES]);
    let again = ada.json(&["import", files]);
    assert_eq!(actions(&again), ["unchanged"; FILES]);
    converge(&[&ada, &bo]);
    assert_eq!(bo.titles().len(), FILES);
    assert_eq!(
        bo.json(&["note", "list", "--topic", "docker", "--tag", "import"])["items"].as_array().unwrap().len(),
        FILES
    );
}

#[test]
fn a_topic_that_is_not_here_and_a_title_that_is_too_long_keep_no_other_note_back() {
    let home = Home::new();
    home.create("group");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.md"), "---\ntitle: A\ntags: [x]\n---\none").unwrap();
    std::fs::write(dir.path().join("b.md"), format!("---\ntitle: B\ntags: [{}]\n---\ntwo", "t".repeat(500))).unwrap();
    std::fs::write(dir.path().join("c.md"), "---\ntitle: C\ntopic: no-such-topic\n---\nthree").unwrap();
    let ran = home.run(&["import", dir.path().to_str().unwrap(), "--json"]);
    let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(actions(&answer), ["created", "failed", "created"], "{answer}");
    assert_eq!(answer["items"][1]["error"]["code"], "bad_input");
    assert_eq!(answer["items"][2]["dropped_topic"], "no-such-topic");
    assert_eq!(ran.status.code(), Some(4));
    assert_eq!(home.titles(), ["A", "C"]);
}
