//! Backups, protected keys, and what nobody else holds: with real processes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Home, Node, converge, eventually, text};

const WORDS: &str = "云 two three four";

/// A directory for files, with the passphrase in one of them.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        std::fs::write(files.path("words"), format!("{WORDS}\n")).unwrap();
        std::fs::write(files.path("others"), "not the passphrase\n").unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The command with the passphrase.
    fn with<'a>(&'a self, args: &[&'a str], words: &'a str) -> Vec<String> {
        let file = self.file(words);
        args.iter().map(|arg| (*arg).to_owned()).chain(["--passphrase-file".into(), file]).collect()
    }

    #[track_caller]
    fn json(&self, home: &Home, args: &[&str]) -> Value {
        let args = self.with(args, "words");
        home.json(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[track_caller]
    fn error(&self, home: &Home, args: &[&str], words: &str) -> (i32, String) {
        let args = self.with(args, words);
        let (status, error) = home.error(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!error["remedy"].as_str().unwrap().is_empty(), "{error}");
        (status, error["message"].as_str().unwrap().to_owned())
    }
}

/// Everything in a directory: names and contents.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = vec![];
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push((path.clone(), vec![]));
            all.extend(contents(&path));
        } else {
            all.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

fn up_near(home: &Home, name: &str, near: &[&Node]) -> Node {
    let addresses: Vec<String> = near.iter().map(|node| node.address()).collect();
    let mut args = vec!["--name", name];
    addresses.iter().for_each(|address| args.extend(["--bootstrap", address]));
    home.up(&args)
}

/// Ada in a closed and an open group with Bo, both with a note of hers.
fn a_closed_and_an_open_group(ada: &Home, bo: &Home) -> (Node, Node, [String; 2]) {
    let a = ada.up(&["--name", "Ada"]);
    let b = up_near(bo, "Bo", &[&a]);
    let closed = ada.json(&["group", "create", "closed", "--closed"])["group_id"].as_str().unwrap().to_owned();
    let open = ada.create("open");
    for group in [&closed, &open] {
        let ticket = ada.json(&["invite", "-g", group])["ticket"].as_str().unwrap().to_owned();
        assert_eq!(bo.json(&["join", &ticket, "--wait", "60"])["state"], "joined");
        ada.json(&["note", "new", "-g", group, "--title", "plan", "--text", "学习计划 with a plan"]);
        ada.json(&["sync", "wait", "-g", group, "--peers", "1", "--timeout", "60"]);
    }
    (a, b, [closed, open])
}

fn notes(home: &Home, group: &str) -> Vec<String> {
    let list = home.json(&["note", "list", "-g", group]);
    let mut titles: Vec<String> =
        list["items"].as_array().unwrap().iter().map(|n| n["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

fn agree(homes: &[&Home], group: &str) {
    eventually("all nodes agree", || {
        let digests: Vec<Value> = homes.iter().map(|h| h.json(&["db", "digest", "-g", group])).collect();
        digests.windows(2).all(|w| w[0] == w[1]).then_some(())
    });
}

#[test]
fn after_a_loss_all_groups_come_back_from_the_file_and_new_words_reach_the_others() {
    let (ada, bo, files) = (Home::new(), Home::new(), Files::new());
    let (a, b, groups) = a_closed_and_an_open_group(&ada, &bo);
    std::fs::write(ada.path().join("config.toml"), "name = \"Ada\"\nupnp = false\n").unwrap();
    let file = files.file("ada.backup");
    // While the node runs.
    let made = files.json(&ada, &["backup", "create", &file]);
    assert_eq!(made["groups"].as_array().unwrap().len(), 2);
    assert_eq!(files.error(&ada, &["backup", "create", &file], "words").0, 4, "no file is replaced unasked");
    let sealed = std::fs::read(&file).unwrap();
    let shows = |what: &[u8]| sealed.windows(what.len()).any(|w| w == what);
    assert!(!shows(b"SQLite format") && !shows("学习计划".as_bytes()) && !shows(b"upnp"));
    let inspected = files.json(&ada, &["backup", "inspect", &file]);
    assert_eq!((&inspected["person"], &inspected["peer_id"]), (&"Ada".into(), &a.peer_id.as_str().into()));
    let before = ada.json(&["group", "list"]);
    assert_eq!(a.terminate(), Some(0));
    // And while none does: the same is in it.
    let again = files.file("again.backup");
    files.json(&ada, &["backup", "create", &again]);
    assert_eq!(files.json(&ada, &["backup", "inspect", &again])["entries"], inspected["entries"]);

    std::fs::remove_dir_all(ada.path()).unwrap();
    let restored = files.json(&ada, &["backup", "restore", &file]);
    assert_eq!(restored["groups"].as_array().unwrap().len(), 2);
    let settings = std::fs::read_to_string(ada.path().join("config.toml")).unwrap();
    assert!(settings.contains("upnp = false"));
    let a = ada.up(&["--bootstrap", &b.address()]);
    assert_ne!(Value::from(a.peer_id.clone()), inspected["peer_id"], "it takes a fresh key");
    assert!(ada.log().contains("comes from a backup"), "{}", ada.log());
    for (now, then) in
        ada.json(&["group", "list"])["items"].as_array().unwrap().iter().zip(before["items"].as_array().unwrap())
    {
        for key in ["group_id", "name", "kind", "members", "role"] {
            assert_eq!(now[key], then[key], "{key}");
        }
    }
    for group in &groups {
        assert_eq!(notes(&ada, group), ["plan"]);
        ada.json(&["note", "new", "-g", group, "--title", "after the loss", "--text", "x"]);
        eventually("Bo has the new note", || (notes(&bo, group) == ["after the loss", "plan"]).then_some(()));
        agree(&[&ada, &bo], group);
        let show = bo.json(&["group", "show", "-g", group]);
        let adas = show["members"].as_array().unwrap().iter().filter(|m| m["name"] == "Ada").count();
        assert_eq!(adas, 1, "it is the same person: {show}");
    }
}

#[test]
fn an_old_backup_beside_the_original_that_runs_on_bricks_nobody_and_loses_no_word() {
    let (ada, bo, files) = (Home::new(), Home::new(), Files::new());
    let (a, b, groups) = a_closed_and_an_open_group(&ada, &bo);
    let file = files.file("old.backup");
    files.json(&ada, &["backup", "create", &file]);
    for group in &groups {
        ada.json(&["note", "new", "-g", group, "--title", "after the backup", "--text", "x"]);
    }
    let spare = Home::at(files.path("elsewhere/spare"));
    files.json(&spare, &["backup", "restore", &file]);
    // Offline, on the old state, before it has met anybody.
    for group in &groups {
        spare.json(&["note", "new", "-g", group, "--title", "on the old state", "--text", "y"]);
    }
    let s = spare.up(&["--bootstrap", &b.address(), "--bootstrap", &a.address()]);
    assert_ne!(s.peer_id, a.peer_id);
    for group in &groups {
        ada.json(&["note", "new", "-g", group, "--title", "original goes on", "--text", "z"]);
        spare.json(&["note", "new", "-g", group, "--title", "copy goes on", "--text", "z"]);
        let all = ["after the backup", "copy goes on", "on the old state", "original goes on", "plan"];
        for home in [&ada, &bo, &spare] {
            eventually("every word is on every node", || (notes(home, group) == all).then_some(()));
        }
        agree(&[&ada, &bo, &spare], group);
        assert_eq!(bo.json(&["sync", "status", "-g", group])["forked_logs"], 0, "the copy never wrote in the old log");
    }
}

#[test]
fn keys_alone_bring_back_who_one_is_and_the_members_bring_the_rest() {
    let (ada, bo, files) = (Home::new(), Home::new(), Files::new());
    let (a, b, groups) = a_closed_and_an_open_group(&ada, &bo);
    let (small, large) = (files.file("keys.backup"), files.file("all.backup"));
    assert_eq!(files.json(&ada, &["backup", "create", &small, "--keys-only"])["entries"], 0);
    files.json(&ada, &["backup", "create", &large]);
    let bytes = |file: &str| std::fs::metadata(file).unwrap().len();
    assert!(bytes(&small) <= bytes(&large));
    assert_eq!(a.terminate(), Some(0));
    std::fs::remove_dir_all(ada.path()).unwrap();
    // The original is gone: the peer id stays.
    files.json(&ada, &["backup", "restore", &small, "--keep-peer-id"]);
    let back = ada.up(&["--bootstrap", &b.address()]);
    assert_eq!(Value::from(back.peer_id.clone()), files.json(&ada, &["backup", "inspect", &small])["peer_id"]);
    for group in &groups {
        eventually("the note is back", || (notes(&ada, group) == ["plan"]).then_some(()));
        ada.json(&["note", "new", "-g", group, "--title", "written anew", "--text", "x"]);
        eventually("Bo has the new note", || (notes(&bo, group) == ["plan", "written anew"]).then_some(()));
        agree(&[&ada, &bo], group);
    }
    assert_eq!(ada.json(&["group", "show", "-g", &groups[0]])["role"], "owner");
}

#[test]
fn what_is_wrong_with_a_backup_is_said_and_nothing_is_changed() {
    let (ada, files) = (Home::new(), Files::new());
    ada.create("group");
    ada.note("a note", "some words");
    let file = files.file("b");
    files.json(&ada, &["backup", "create", &file]);
    let good = std::fs::read(&file).unwrap();
    let target = Home::at(files.path("target"));
    let refused = |status: i32, words: &str, part: &str| {
        let (got, message) = files.error(&target, &["backup", "restore", &files.file("x")], words);
        assert_eq!(got, status, "{message}");
        assert!(message.contains(part), "{message}");
        assert!(!target.path().exists(), "{message}");
        let left: Vec<_> = std::fs::read_dir(files.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("restore-")), "{left:?}");
    };
    let put = |bytes: &[u8]| std::fs::write(files.path("x"), bytes).unwrap();

    put(&good);
    refused(7, "others", "the passphrase is wrong");
    for (len, part) in [
        (0, "no sealed file"),
        (50, "no sealed file"),
        (72, "cut off"),
        (100, "cut off"),
        (good.len() / 2, "cut off"),
        (good.len() - 1, "cut off"),
    ] {
        put(&good[..len]);
        refused(4, "words", part);
    }
    put(&[&good[..], b"x"].concat());
    refused(4, "words", "changed or cut off");
    // Magic, version, kind, memory, passes, lanes; then salt and check; then the first chunk, the middle and the end.
    for (at, status) in [
        (0, 4),
        (8, 4),
        (9, 4),
        (10, 4),
        (15, 4),
        (19, 4),
        (23, 4),
        (30, 7),
        (60, 7),
        (72, 4),
        (good.len() / 2, 4),
        (good.len() - 1, 4),
    ] {
        let mut changed = good.clone();
        changed[at] ^= 0x40;
        put(&changed);
        refused(status, "words", "");
    }
    let mut newer = good.clone();
    newer[8] = 2;
    put(&newer);
    refused(4, "words", "format 2");
    put(b"# a note, and quite long enough for a head, one would think, if not two of them at once");
    refused(4, "words", "no sealed file");
    std::fs::remove_file(files.path("x")).unwrap();
    refused(3, "words", "no file");

    // A directory with something in it stays as it is.
    std::fs::create_dir(target.path()).unwrap();
    std::fs::write(target.path().join("mine"), "a file").unwrap();
    let (status, message) = files.error(&target, &["backup", "restore", &file], "words");
    assert!(status == 4 && message.contains("not empty"), "{status} {message}");
    assert_eq!(contents(target.path()), [(target.path().join("mine"), b"a file".to_vec())]);
    std::fs::remove_file(target.path().join("mine")).unwrap();
    files.json(&target, &["backup", "restore", &file]);
    assert_eq!(target.titles(), ["a note"]);
    // A store from a newer program is refused with its own status, and nothing is left of it.
    let db = rusqlite::Connection::open(ada.path().join("studymesh.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    assert_eq!(files.error(&ada, &["backup", "create", &files.file("newer")], "words").0, 8);
    assert!(!files.path("newer").exists());
}

/// Where a restore is working, if it is.
fn work(files: &Files, round: u64) -> Option<PathBuf> {
    let prefix = format!(".target{round}.restore-");
    let mut paths = std::fs::read_dir(files.0.path()).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
}

#[test]
fn a_restore_that_is_killed_leaves_the_directory_absent_or_whole() {
    let (ada, files) = (Home::new(), Files::new());
    ada.create("group");
    for n in 0..20 {
        ada.note(&format!("note {n:02}"), &"words 词语 ".repeat(2_000));
    }
    let file = files.file("b");
    files.json(&ada, &["backup", "create", &file]);
    let total = std::fs::metadata(&file).unwrap().len();
    let (mut absent, mut whole) = (0, 0);
    for round in 0..8u64 {
        let target = Home::at(files.path(&format!("target{round}")));
        let args = files.with(&["backup", "restore", &file], "words");
        let mut child = target.spawn(&args);
        let begun = || work(&files, round).is_some();
        // Killed when nothing, a seventh, two sevenths .. of the store is written.
        let written = || work(&files, round).map(|dir| dir.join("studymesh.db").metadata().map_or(0, |m| m.len()));
        eventually("so much is written, or it is done", || {
            let enough = written().is_some_and(|bytes| bytes >= total * round / 7);
            (enough || target.path().exists() || child.try_wait().unwrap().is_some()).then_some(())
        });
        let _ = child.kill();
        child.wait().unwrap();
        if target.path().exists() {
            whole += 1;
        } else {
            absent += 1;
            files.json(&target, &["backup", "restore", &file]);
        }
        assert_eq!(target.titles().len(), 20);
        assert!(!begun(), "what was left behind is cleared away");
    }
    assert!(absent > 0 && absent + whole == 8, "{absent} absent, {whole} whole");
}

#[test]
fn a_protected_key_is_asked_for_by_every_way_to_start_and_a_wrong_word_has_status_seven() {
    let (ada, files) = (Home::new(), Files::new());
    let group = ada.create("group");
    let peer = ada.json(&["status"])["peer_id"].clone();
    files.json(&ada, &["key", "passphrase", "set"]);
    let stored = std::fs::read_to_string(ada.path().join("device.key")).unwrap();
    assert!(stored.starts_with("studymesh-key 12D3KooW"), "{stored}");

    // Commands on the directory itself.
    let (status, error) = ada.error(&["note", "list"]);
    assert!(status == 7 && error["code"] == "not_permitted", "{error}");
    assert_eq!(files.error(&ada, &["note", "list"], "others").0, 7);
    assert_eq!(files.json(&ada, &["status"])["peer_id"], peer);
    // A node in the foreground, with the passphrase on its standard input.
    let (status, _) = ada.error(&["up"]);
    assert_eq!(status, 7);
    let args = files.with(&[], "words");
    let node = ada.up(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(Value::from(node.peer_id.clone()), peer);
    // A running node has its key; nobody has to know the passphrase any more.
    assert_eq!(ada.json(&["group", "list"])["items"][0]["group_id"], group.as_str());
    assert_eq!(files.error(&ada, &["key", "passphrase", "remove"], "words").0, 5, "not under a running node");
    assert_eq!(node.terminate(), Some(0));

    // In the background: the passphrase goes along, and comes from standard input or the environment as well.
    let listen = ["up", "--detach", "--json", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--passphrase-file"];
    let others = files.file("others");
    assert_eq!(ada.run(&[&listen[..], &[&others]].concat()).status.code(), Some(7));
    let up = ada.run_with(&[&listen[..], &["-"]].concat(), &format!("{WORDS}\n"));
    let ready: Value = serde_json::from_slice(&up.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&up.stderr)));
    assert_eq!(ready["peer_id"], peer);
    assert_eq!(ada.json(&["stop"])["stopped"], true);
    assert!(!std::fs::read_to_string(ada.path().join("node.log")).unwrap().contains("two three"));

    // A copy takes a fresh key, under the same passphrase.
    let copy = Home::at(files.path("copy"));
    std::fs::create_dir(copy.path()).unwrap();
    for name in ["studymesh.db", "device.key"] {
        std::fs::copy(ada.path().join(name), copy.path().join(name)).unwrap();
    }
    assert_eq!(copy.error(&["status"]).0, 7);
    assert_ne!(files.json(&copy, &["status"])["peer_id"], peer);
    assert_eq!(copy.error(&["status"]).0, 7, "still protected");

    files.json(&ada, &["key", "passphrase", "remove"]);
    assert_eq!(ada.json(&["status"])["peer_id"], peer);
}

#[test]
fn a_key_that_was_carried_and_runs_twice_is_found_out() {
    let (old, files) = (Home::new(), Files::new());
    let a = old.up(&["--name", "Ada"]);
    old.create("group");
    let text = files.file("key.txt");
    assert_eq!(files.json(&old, &["key", "export", &text])["peer_id"], a.peer_id.as_str());
    let new = Home::at(files.path("new"));
    files.json(&new, &["key", "import", &text]);
    assert_eq!(files.error(&new, &["key", "import", &text], "words").0, 4, "a directory has one key");
    files.json(&new, &["key", "passphrase", "remove"]);
    let ticket = old.ticket();
    let b = new.up(&["--name", "Bo", "--bootstrap", &a.address()]);
    assert_eq!(b.peer_id, a.peer_id, "at first they are the same to the network");
    new.json(&["join", &ticket, "--wait", "0"]);
    new.note("from the new one", "x");
    converge(&[&old, &new]);
    let now = |home: &Home| home.json(&["status"])["peer_id"].clone();
    assert_ne!(now(&old), now(&new), "one of them took a fresh key");
    assert_eq!(old.titles(), ["from the new one"]);
}

#[test]
fn what_nobody_else_holds_is_counted_listed_and_not_left_unasked() {
    let (ada, bo) = (Home::new(), Home::new());
    let a = ada.up(&["--name", "Ada"]);
    let group = ada.create("group");
    ada.note("plan", "x");
    let only_here = |home: &Home| home.json(&["sync", "status"])["only_here"].as_u64().unwrap();
    let alone = only_here(&ada);
    assert_eq!(Value::from(alone), ada.json(&["sync", "status"])["held"], "nobody else has anything");
    let b = up_near(&bo, "Bo", &[&a]);
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    for home in [&ada, &bo] {
        eventually("somebody else has everything", || (only_here(home) == 0).then_some(()));
        assert_eq!(home.json(&["sync", "only-here"])["items"].as_array().unwrap().len(), 0);
    }
    // It is remembered, and grows by what is written while nobody is there.
    assert_eq!((a.terminate(), b.terminate()), (Some(0), Some(0)));
    assert_eq!(only_here(&bo), 0);
    bo.note("in the train", "y");
    assert_eq!(only_here(&bo), 1);
    let items = bo.json(&["sync", "only-here"])["items"].clone();
    assert_eq!(
        (&items[0]["kind"], &items[0]["title"], &items[0]["work"]),
        (&"note".into(), &"in the train".into(), &true.into())
    );
    let group_of = |home: &Home| home.json(&["group", "show"]);
    assert_eq!(group_of(&bo)["only_here"], 1);
    assert_eq!(bo.json(&["status"])["groups"][0]["only_here"], 1);
    assert_eq!(only_here(&ada), 0);

    // Leaving would lose it.
    let (status, error) = bo.error(&["group", "leave", "--yes"]);
    assert!(
        status == 6 && error["message"].as_str().unwrap().contains("here only, of this group's entries: 1"),
        "{error}"
    );
    assert_eq!(bo.titles(), ["in the train", "plan"]);
    let a = ada.up(&[]);
    let b = up_near(&bo, "Bo", &[&a]);
    eventually("Ada has it", || (only_here(&bo) == 0).then_some(()));
    converge(&[&ada, &bo]);
    assert_eq!(bo.json(&["group", "leave", "--yes"])["left"], true);
    drop(b);
    assert_eq!(ada.titles(), ["in the train", "plan"]);
    // Who is told to leave all the same does.
    ada.note("only Ada's", "z");
    assert_eq!(ada.error(&["group", "leave", "--yes"]).0, 6);
    assert_eq!(ada.json(&["group", "leave", &group, "--yes", "--force"])["left"], true);
}

#[test]
fn an_entry_that_reached_nobody_for_a_day_is_warned_of() {
    use studymesh::api::GroupKind;
    let (ada, bo) = (Home::new(), Home::new());
    // Ada founded the group two days ago.
    let at = studymesh::config::Home::new(ada.path().to_path_buf());
    let mut opened = studymesh::node::open_alone(&at, &studymesh::config::Settings::default()).unwrap();
    let then = studymesh::node::core::now_ms() - 2 * 24 * 3_600_000 - 60_000;
    opened.core.batch(|engine| Ok(engine.create_group(then, GroupKind::Open, "group").unwrap())).unwrap();
    drop(opened);
    let shown = |home: &Home| text(&home.run(&["status"]).stdout);
    assert!(shown(&ada).contains("on this node only, the oldest for 2 d"), "{}", shown(&ada));
    let write = |home: &Home| {
        let out = home.run(&["note", "new", "--title", "today", "--text", "x"]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stderr)
    };
    assert!(!write(&ada).contains("on this node only"), "who is alone in a group knows that");

    let a = ada.up(&["--name", "Ada"]);
    let b = up_near(&bo, "Bo", &[&a]);
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    eventually("Ada's entries are at Bo", || (ada.json(&["sync", "status"])["only_here"] == 0).then_some(()));
    assert_eq!((a.terminate(), b.terminate()), (Some(0), Some(0)));
    assert!(!write(&ada).contains("on this node only"), "it was written just now");
    assert!(!shown(&ada).contains("on this node only"));
    assert!(ada.json(&["doctor"])["items"].as_array().unwrap().iter().all(|c| c["check"] != "copies"));
    // As if nobody had ever had them.
    let db = rusqlite::Connection::open(ada.path().join("studymesh.db")).unwrap();
    db.execute("UPDATE chains SET elsewhere = NULL", []).unwrap();
    drop(db);
    assert!(write(&ada).contains("are known to be on this node only, the oldest for 2 d"));
    assert!(shown(&ada).contains("on this node only"));
    let checks = ada.json(&["doctor"]);
    let copies = checks["items"].as_array().unwrap().iter().find(|c| c["check"] == "copies").cloned();
    assert_eq!(copies.unwrap()["level"], "warning");
}
