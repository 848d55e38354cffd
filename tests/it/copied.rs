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
