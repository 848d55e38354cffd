//! Starting, stopping, starting again.

use crate::harness::{Home, PATIENCE, converge, text};

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

/// A node that is killed and comes back at once meets others who have not noticed: over QUIC they believe for ten seconds that
/// it is still there. Everything with it once stood still until the next minute's comparison.
#[test]
fn a_killed_node_that_comes_back_at_once_is_met_at_once() {
    let (ada, bo) = (Home::new(), Home::new());
    let a = ada.up(&["--name", "Ada"]);
    let b = bo.up(&["--name", "Bo", "--bootstrap", &a.address()]);
    ada.create("group");
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    converge(&[&ada, &bo]);
    b.kill();
    bo.note("written while down", "x");
    let _b = bo.up(&["--bootstrap", &a.address()]);
    let wait = bo.json(&["sync", "wait", "--peers", "1", "--timeout", "30"]);
    assert_eq!(wait["complete"], true, "{wait}");
    let wait = ada.json(&["sync", "wait", "--peers", "1", "--timeout", "30"]);
    assert_eq!(wait["complete"], true, "{wait}");
    assert_eq!(ada.titles(), ["written while down"]);
}

/// What a first batch before the network runs leaves to be done (here: setting the name) once took the subscriptions along,
/// and the node never met anybody.
#[test]
fn a_node_that_joined_before_its_first_start_meets_the_group() {
    let (ada, bo) = (Home::new(), Home::new());
    let a = ada.up(&["--name", "Ada"]);
    ada.create("group");
    ada.note("hello", "x");
    assert_eq!(bo.json(&["join", &ada.ticket()])["state"], "waiting");
    let _b = bo.up(&["--name", "Bo", "--bootstrap", &a.address()]);
    converge(&[&ada, &bo]);
    assert_eq!(bo.titles(), ["hello"]);
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
