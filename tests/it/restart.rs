//! Starting, stopping, starting again.

use crate::harness::{Home, PATIENCE, text};

#[test]
fn a_restart_keeps_identity_and_state_and_sigterm_ends_cleanly() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let peer_id = node.peer_id.clone();
    let group = home.create("group");
    let note = home.note("kept", "over the restart");
    let before = home.digest();
    assert_eq!(node.terminate(), Some(0), "{}", home.log());

    let node = home.up(&[]);
    assert_eq!(node.peer_id, peer_id);
    assert_eq!(home.digest(), before);
    assert_eq!(home.body(&note), "over the restart");
    assert_eq!(home.json(&["group", "list"])["items"][0]["group_id"], group.as_str());
    assert_eq!(home.json(&["status"])["person"], "Ada");
    let stopped = home.json(&["stop"]);
    assert_eq!(stopped["stopped"], true);
    assert_eq!(home.json(&["status"])["running"], false);
    drop(node);
}

#[test]
fn a_second_process_on_one_directory_is_refused_with_a_remedy() {
    let home = Home::new();
    let _node = home.up(&[]);
    let second = home.run(&["up", "--json", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(second.status.code(), Some(5), "{}", text(&second.stderr));
    assert!(text(&second.stderr).contains("remedy"), "{}", text(&second.stderr));
}

#[cfg(unix)]
#[test]
fn the_device_key_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.create("group");
    let mode = std::fs::metadata(home.path().join("device.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A full disk left a process that held the lock, answered every command with "the node has ended", and never ended.
#[test]
fn a_node_whose_store_fails_ends_and_says_why() {
    let home = Home::new();
    let node = home.up(&[]);
    home.create("group");
    // What a full disk does to every write, without filling one.
    let store = rusqlite::Connection::open(home.path().join("studymesh.db")).unwrap();
    store.busy_timeout(PATIENCE).unwrap();
    store.execute_batch("ALTER TABLE events RENAME TO gone").unwrap();
    let (code, error) = home.error(&["group", "create", "another", "--open"]);
    assert_eq!((code, error["code"].as_str()), (1, Some("failed")), "{error}");
    assert_eq!(node.ended(), Some(1), "{}", home.log());
    assert!(home.log().contains("events"), "{}", home.log());
    store.execute_batch("ALTER TABLE gone RENAME TO events").unwrap();
    drop(store);
    let _node = home.up(&[]);
    home.create("another");
}
