//! The same commands without a running node, on the store itself.

use crate::harness::{Home, text};

#[test]
fn a_command_gives_the_same_result_with_and_without_a_running_node() {
    let home = Home::new();
    home.create("云原生学习");
    let note = home.note("K8s 部署", "用 kubectl apply 部署。libp2p打洞 与 云原生");
    home.json(&["link", "add", "https://Kubernetes.io/docs/?utm_source=x", "--title", "Docs", "--tag", "k8s"]);
    home.json(&["progress", "set", "docker", "doing", "--minutes", "25"]);
    let commands: &[&[&str]] = &[
        &["group", "list"],
        &["note", "list"],
        &["note", "show", &note],
        &["note", "history", "K8s"],
        &["link", "list"],
        &["progress", "show"],
        &["progress", "group"],
        &["search", "云"],
        &["search", "libp2p打洞"],
        &["roadmap", "list"],
        &["db", "digest"],
    ];
    let without: Vec<_> = commands.iter().map(|c| home.json(c)).collect();
    let _node = home.up(&[]);
    let with: Vec<_> = commands.iter().map(|c| home.json(c)).collect();
    assert_eq!(without, with);
    assert_eq!(without[4]["items"][0]["url"], "https://kubernetes.io/docs/");
    for search in [7, 8] {
        assert_eq!(without[search]["items"][0]["id"], note.as_str(), "{}", without[search]);
    }
}

#[test]
fn without_json_a_note_is_its_body_alone_and_errors_go_to_stderr() {
    let home = Home::new();
    home.create("group");
    let note = home.note("title", "the body\n");
    let shown = home.run(&["note", "show", &note]);
    assert_eq!(text(&shown.stdout), "the body\n");
    let missing = home.run(&["note", "show", "no such note"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(missing.stdout.is_empty());
    assert!(!missing.stderr.is_empty());
    assert_eq!(home.run(&["note", "frobnicate"]).status.code(), Some(2));
}

#[test]
fn rebuilding_the_views_changes_nothing() {
    let home = Home::new();
    home.create("group");
    let note = home.note("a", "one");
    home.json_with(&["note", "edit", &note, "--file", "-"], "one two");
    home.json(&["link", "add", "https://example.org/a", "--tag", "x"]);
    home.json(&["progress", "set", "helm", "done", "--evidence", "https://example.org/repo"]);
    let before = home.digest();
    home.json(&["db", "rebuild"]);
    assert_eq!(home.digest(), before);
}
