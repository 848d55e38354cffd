//! What scripts rely on, whatever the node says: streams, exit status, pipes, pages.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Home, text};

#[test]
fn a_usage_error_is_a_json_object_on_the_last_line_of_stderr() {
    let home = Home::new();
    for args in [&["note", "frobnicate"][..], &["note", "new"], &["progress", "set", "docker", "finished"], &["group"]]
    {
        let (status, error) = home.error(args);
        assert_eq!((status, error["code"].as_str()), (2, Some("usage")), "{args:?}: {error}");
        assert!(!error["message"].as_str().unwrap().is_empty() && !error["remedy"].as_str().unwrap().is_empty());
        let output = home.run(&[args, &["--json"]].concat());
        assert!(output.stdout.is_empty());
        assert!(text(&output.stderr).lines().last().unwrap().starts_with('{'));
    }
    let help = home.run(&["note", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("history") && help.stderr.is_empty());
    assert!(text(&home.run(&["--version"]).stdout).starts_with("studymesh 0."));
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let home = Home::new();
    for args in [&["completions", "bash"][..], &["man"], &["--help"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_studymesh"))
            .args(args)
            .env("STUDYMESH_HOME", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.read_line(&mut String::new()).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn settings_are_made_shown_and_refused_with_their_place() {
    let home = Home::new();
    let set = home.json(&["config", "set", "listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(set["key"], "listen");
    let item = |answer: &Value, key: &str| {
        answer["items"].as_array().unwrap().iter().find(|i| i["key"] == key).unwrap().clone()
    };
    let shown = home.json(&["config", "show", "--name", "Ada"]);
    assert_eq!(item(&shown, "listen")["source"], "file");
    assert_eq!(item(&shown, "name")["source"], "flag");
    assert_eq!(item(&shown, "mdns")["source"], "default");
    assert_eq!(item(&shown, "home")["source"], "env");
    let (status, error) = home.error(&["config", "set", "bootstrap", "example.org:4001"]);
    assert_eq!((status, error["code"].as_str()), (4, Some("bad_input")));
    let (status, _) = home.error(&["up", "--listen", "nonsense"]);
    assert_eq!(status, 4);
    std::fs::write(home.path().join("config.toml"), "\nnick = 'x'\n").unwrap();
    let (status, error) = home.error(&["note", "list"]);
    assert_eq!(status, 4);
    assert!(error["message"].as_str().unwrap().contains("config.toml:2"), "{error}");
}

#[test]
fn people_are_spoken_to_in_their_language_and_without_colour_in_a_pipe() {
    let home = Home::new();
    let zh = home.run(&["--lang", "zh", "config", "show"]);
    assert!(text(&zh.stdout).starts_with("设置"), "{}", text(&zh.stdout));
    assert!(!text(&zh.stdout).contains('\x1b'));
    let en = home.run(&["config", "show"]);
    assert!(text(&en.stdout).starts_with("SETTING"));
    let painted = home.run(&["--color", "always", "config", "show"]);
    assert!(text(&painted.stdout).contains("\x1b[1mSETTING"));
}

#[test]
fn whoever_waits_for_a_closed_group_is_told_why_and_what_they_write_is_kept_without_an_id() {
    let (ada, bo) = (Home::new(), Home::new());
    let founded = ada.run(&["group", "create", "G"]);
    assert!(text(&founded.stderr).contains("It is closed"), "{}", text(&founded.stderr));
    assert_eq!(ada.json(&["group", "list"])["items"][0]["kind"], "closed");
    let ticket = ada.ticket();

    // No node runs, so nobody is met.
    let joined = bo.run(&["join", &ticket]);
    let (said, data) = (text(&joined.stderr), text(&joined.stdout));
    assert_eq!(joined.status.code(), Some(0), "{said}");
    assert!(said.contains("waiting for a member who can let you in") && said.lines().count() == 1, "{said}");
    assert_eq!(data.trim(), ada.json(&["group", "list"])["items"][0]["group_id"]);
    let written = bo.run(&["note", "new", "--title", "early", "--text", "x"]);
    assert!(written.status.success() && written.stdout.is_empty(), "{}", text(&written.stdout));
    assert!(text(&written.stderr).contains("Kept here"), "{}", text(&written.stderr));
    let kept = bo.json(&["note", "new", "--title", "early too", "--text", "x"]);
    assert_eq!((&kept["note_id"], &kept["entry_id"], &kept["kept"]), (&Value::Null, &Value::Null, &1.into()));
    let shown = text(&bo.run(&["group", "list", "--lang", "zh"]).stdout);
    assert!(shown.contains("正在等待能让你加入的成员") && shown.contains("获准加入后发送"), "{shown}");

    // The global options stand in any place, and asking for a list makes no invite.
    let before = ada.json(&["invite", "list"]);
    assert_eq!(ada.json(&["invite", "-g", "G", "list"]), before);
    assert_eq!(before["items"].as_array().unwrap().len(), 1);
    let (status, error) = ada.error(&["keeper", "remove", "Ada", "--yes"]);
    assert_eq!((status, error["code"].as_str()), (3, Some("not_found")));
    assert_eq!(ada.error(&["member", "remove", "Ada"]).0, 2, "nobody can be asked");
    assert_eq!(ada.json(&["requests"])["items"], Value::Array(vec![]));
}
