//! A copied data directory: both copies written to, nothing lost, all views equal.

use std::path::Path;

use crate::harness::{Home, converge, eventually};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn both_copies_of_a_directory_go_on_and_lose_nothing() {
    let (laptop, friend) = (Home::new(), Home::new());
    let node = laptop.up(&["--name", "Ada"]);
    laptop.create("group");
    let note = laptop.note("shared", "before the copy");
    friend.json(&["join", &laptop.ticket()]);
    assert_eq!(node.terminate(), Some(0));

    let copies = tempfile::tempdir().unwrap();
    let desktop = Home::at(copies.path().join("home"));
    copy(laptop.path(), desktop.path());
    laptop.json_with(&["note", "edit", &note, "--file", "-"], "before the copy, laptop");
    laptop.note("on the laptop", "x");
    desktop.json_with(&["note", "edit", &note, "--file", "-"], "desktop, before the copy");
    desktop.note("on the desktop", "y");

    let a = laptop.up(&[]);
    let b = desktop.up(&["--bootstrap", &a.address()]);
    let _c = friend.up(&["--name", "Bo", "--bootstrap", &a.address(), "--bootstrap", &b.address()]);
    assert_ne!(a.peer_id, b.peer_id, "the copy takes a fresh transport key");
    eventually("three directories agree", || {
        let (x, y, z) = (laptop.digest(), desktop.digest(), friend.digest());
        (x == y && y == z).then_some(())
    });
    converge(&[&laptop, &desktop, &friend]);
    assert_eq!(friend.titles(), ["on the desktop", "on the laptop", "shared"]);
    let text = friend.body(&note);
    assert!(text.contains("laptop") && text.contains("desktop") && text.contains("before the copy"), "{text}");
    // Both copies are the same person, and both can go on writing.
    laptop.note("later, laptop", "");
    desktop.note("later, desktop", "");
    converge(&[&laptop, &desktop, &friend]);
    assert_eq!(friend.titles().len(), 5);
    let show = friend.json(&["group", "show"]);
    let names: Vec<&str> = show["members"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|n| **n == "Ada").count(), 1, "{show}");
}

#[test]
fn a_restored_old_backup_bricks_nobody_and_loses_nothing() {
    let (ada, bo) = (Home::new(), Home::new());
    let a = ada.up(&["--name", "Ada"]);
    let b = bo.up(&["--name", "Bo"]);
    ada.create("group");
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    converge(&[&ada, &bo]);
    assert_eq!(a.terminate(), Some(0));
    let backup = tempfile::tempdir().unwrap();
    copy(ada.path(), backup.path());

    let a = ada.up(&["--bootstrap", &b.address()]);
    ada.note("after the backup", "Bo has it");
    converge(&[&ada, &bo]);
    assert_eq!(a.terminate(), Some(0));

    // The old state comes back to the same place: nothing tells the program, until it meets its own newer entries.
    std::fs::remove_dir_all(ada.path()).unwrap();
    copy(backup.path(), ada.path());
    let offline = ada.note("written before meeting anybody", "on the old state");
    let _a = ada.up(&["--bootstrap", &b.address()]);
    converge(&[&ada, &bo]);
    ada.note("goes on", "");
    converge(&[&ada, &bo]);
    assert_eq!(bo.titles(), ["after the backup", "goes on", "written before meeting anybody"]);
    assert_eq!(bo.body(&offline), "on the old state");
}

/// A disk image that is started twice: nothing on the directory tells that it is a copy, so both run with one peer id and one
/// log key, and could never dial each other.
#[test]
fn two_running_copies_with_one_identity_find_out_and_both_go_on() {
    let (laptop, copies) = (Home::new(), tempfile::tempdir().unwrap());
    laptop.create("group");
    let note = laptop.note("shared", "before the copy");
    let twin = Home::at(copies.path().join("home"));
    copy(laptop.path(), twin.path());
    let db = rusqlite::Connection::open(twin.path().join("studymesh.db")).unwrap();
    assert_eq!(db.execute("DELETE FROM meta WHERE key = 'place'", []).unwrap(), 1, "the twin forgets where it was");
    drop(db);

    let a = laptop.up(&["--name", "Ada"]);
    let b = twin.up(&["--bootstrap", &a.address()]);
    assert_eq!(a.peer_id, b.peer_id, "at first they are the same to the network");
    laptop.note("on the laptop", "x");
    twin.note("on the twin", "y");
    laptop.json_with(&["note", "edit", &note, "--file", "-"], "before the copy, laptop");
    twin.json_with(&["note", "edit", &note, "--file", "-"], "twin, before the copy");
    converge(&[&laptop, &twin]);
    assert_eq!(laptop.titles(), ["on the laptop", "on the twin", "shared"]);
    let text = twin.body(&note);
    assert!(text.contains("laptop") && text.contains("twin") && text.contains("before the copy"), "{text}");
    let now = |home: &Home| home.json(&["status"])["peer_id"].clone();
    assert_ne!(now(&laptop), now(&twin), "one of them took a fresh key");
    laptop.note("later, laptop", "");
    twin.note("later, twin", "");
    converge(&[&laptop, &twin]);
}
