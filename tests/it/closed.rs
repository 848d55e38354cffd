//! Closed groups with real processes: who gets in, who reads, who is shown the door.

use serde_json::Value;

use crate::harness::{Home, Node, converge, eventually};

fn found(home: &Home, name: &str) -> String {
    home.json(&["group", "create", name, "--closed"])["group_id"].as_str().unwrap().to_owned()
}

fn invite(home: &Home, args: &[&str]) -> String {
    home.json(&[&["invite"], args].concat())["ticket"].as_str().unwrap().to_owned()
}

/// A running node with a name, that knows where the first one is.
fn up(home: &Home, name: &str, first: Option<&Node>) -> Node {
    match first {
        Some(node) => home.up(&["--name", name, "--bootstrap", &node.address()]),
        None => home.up(&["--name", name]),
    }
}

/// Joins and waits until everything is here.
fn join(home: &Home, ticket: &str) {
    let joined = home.json(&["join", ticket, "--wait", "90"]);
    assert_eq!((joined["state"].as_str(), joined["standing"].as_str()), (Some("joined"), Some("in")), "{joined}");
}

fn standing(home: &Home) -> String {
    home.json(&["sync", "status"])["standing"].as_str().unwrap().to_owned()
}

fn stands(home: &Home, wanted: &str) {
    eventually(wanted, || (standing(home) == wanted).then_some(()));
}

fn role(home: &Home, name: &str) -> Value {
    let list = home.json(&["member", "list"]);
    list["items"].as_array().unwrap().iter().find(|m| m["person"] == name).map_or(Value::Null, |m| m["role"].clone())
}

#[test]
fn a_ticket_is_an_invite_for_one_and_works_while_its_author_is_away() {
    let (ada, bo, cy, dee) = (Home::new(), Home::new(), Home::new(), Home::new());
    let a = up(&ada, "Ada", None);
    found(&ada, "group");
    ada.note("first", "before anybody came");
    let b = up(&bo, "Bo", Some(&a));
    join(&bo, &invite(&ada, &[]));
    assert_eq!(bo.titles(), ["first"], "newcomers read all history");
    let ticket = invite(&ada, &[]);
    converge(&[&ada, &bo]);
    a.kill();

    // Its author was killed; any member that is online lets in.
    let c = up(&cy, "Cy", Some(&b));
    join(&cy, &ticket);
    assert_eq!((cy.titles(), role(&bo, "Cy")), (vec!["first".to_owned()], "member".into()));

    // The second one who brings the ticket is told, and what it writes meanwhile waits, `kill -9` included.
    let d = up(&dee, "Dee", Some(&b));
    let refused = dee.run(&["join", &ticket, "--wait", "30", "--json"]);
    assert_eq!(refused.status.code(), Some(7));
    let answer: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((answer["state"].as_str(), answer["standing"].as_str()), (Some("waiting"), Some("invite-over")));
    let kept = dee.json(&["note", "new", "--title", "written while waiting", "--text", "x"]);
    assert_eq!(
        (kept["durable"].as_bool(), &kept["note_id"], kept["kept"].as_u64()),
        (Some(true), &Value::Null, Some(1))
    );
    d.kill();
    let _d = up(&dee, "Dee", Some(&b));

    // An admin comes back, sees who asks by name, and lets her in.
    let _a = up(&ada, "Ada", Some(&b));
    let asked = eventually("Ada sees who asks", || {
        let list = ada.json(&["requests", "list"]);
        list["items"].as_array().unwrap().iter().find(|r| r["person"] == "Dee").cloned()
    });
    assert_eq!(asked["refused"], false);
    ada.json(&["requests", "accept", "Dee", "--role", "member"]);
    eventually("what Dee wrote arrives", || ada.titles().contains(&"written while waiting".into()).then_some(()));
    converge(&[&ada, &bo, &cy, &dee]);
    assert_eq!(dee.titles(), ["first", "written while waiting"]);
    drop((b, c));
}

#[test]
fn who_is_removed_reads_nothing_new_and_its_late_work_is_quarantined_and_can_be_accepted() {
    let (ada, bo, cy) = (Home::new(), Home::new(), Home::new());
    let a = up(&ada, "Ada", None);
    found(&ada, "group");
    let (b, c) = (up(&bo, "Bo", Some(&a)), up(&cy, "Cy", Some(&a)));
    join(&bo, &invite(&ada, &[]));
    join(&cy, &invite(&ada, &[]));
    cy.note("by Cy", "in time");
    converge(&[&ada, &bo, &cy]);

    // Cy works offline while Ada removes her.
    c.kill();
    let late = cy.note("by Cy, offline", "honest work");
    ada.json(&["member", "remove", "Cy", "--yes"]);
    ada.note("after the removal", "not for Cy");
    converge(&[&ada, &bo]);
    let _c = up(&cy, "Cy", Some(&a));
    stands(&cy, "removed");
    let lists = |home: &Home| {
        let list = home.json(&["group", "quarantine"]);
        list["items"].as_array().unwrap().iter().any(|e| e["entry_id"] == late.as_str() && e["person"] == "Cy")
    };
    for home in [&ada, &bo] {
        eventually("the late note is listed", || lists(home).then_some(()));
    }
    eventually("its author is told", || {
        (cy.json(&["sync", "status"])["quarantined_elsewhere"].as_u64()? >= 1).then_some(())
    });
    assert_eq!(ada.titles(), ["after the removal", "by Cy"], "what was written in time stays");
    assert!(cy.titles().iter().all(|t| t != "after the removal"));
    // Others' word alone does not keep her from writing on; the removal itself does, and gossip may have brought it. (The
    // engine's stories have one of each.) Nobody else takes what she writes for the group's.
    let on_her_own = cy.run(&["note", "new", "--title", "on her own", "--text", "x", "--json"]);
    let written = on_her_own.status.success();
    assert_eq!(cy.titles().contains(&"on her own".into()), written);
    if !written {
        assert_eq!(on_her_own.status.code(), Some(7));
        let list = cy.json(&["member", "list"]);
        let own = list["items"].as_array().unwrap().iter().find(|m| m["person"] == "Cy");
        assert!(own.is_none_or(|m| m["removed"] == true), "it is her own node that knows: {list}");
    }
    let (status, _) = bo.error(&["group", "quarantine", "admit", "--all"]);
    assert_eq!(status, 7, "a member does not decide");
    ada.json(&["group", "quarantine", "admit", &late[..12]]);
    eventually("the late note counts", || bo.titles().contains(&"by Cy, offline".into()).then_some(()));
    converge(&[&ada, &bo]);
    assert_eq!(bo.titles(), ["after the removal", "by Cy", "by Cy, offline"]);

    // The views are a function of the entries: made anew they are the same, also after a restart.
    let before = bo.digest();
    bo.json(&["db", "rebuild"]);
    assert_eq!(bo.digest(), before);
    b.kill();
    assert_eq!(bo.digest(), before);
}

#[test]
fn roles_decide_who_may_do_what() {
    let (ada, bo, cy) = (Home::new(), Home::new(), Home::new());
    let a = up(&ada, "Ada", None);
    found(&ada, "group");
    let (_b, _c) = (up(&bo, "Bo", Some(&a)), up(&cy, "Cy", Some(&a)));
    join(&bo, &invite(&ada, &["--role", "reader"]));
    join(&cy, &invite(&ada, &[]));
    let note = cy.note("by Cy", "x");
    converge(&[&ada, &bo, &cy]);

    // A reader reads and writes nothing; a member decides nothing.
    assert_eq!(bo.body(&note), "x");
    assert_eq!(bo.error(&["note", "new", "--title", "t", "--text", "x"]).0, 7);
    for line in [
        &["invite"][..],
        &["member", "remove", "Ada", "--yes"],
        &["member", "role", "Bo", "admin"],
        &["group", "hide", "by Cy"],
        &["group", "limits", "--entries", "5"],
    ] {
        for home in [&bo, &cy] {
            assert_eq!(home.error(line).0, 7, "{line:?}");
        }
    }
    // The owner can not leave without a successor, and nobody is raised above the one who raises.
    let (status, error) = ada.error(&["member", "remove", "Ada", "--yes"]);
    assert!(status == 7 && error["remedy"].as_str().unwrap().contains("member role NAME owner"), "{error}");
    let (status, error) = ada.error(&["group", "leave", "--yes"]);
    assert!(status == 7 && error["remedy"].as_str().unwrap().contains("member role NAME owner"), "{error}");
    assert_eq!(role(&ada, "Ada"), "owner", "nothing was deleted");
    ada.json(&["member", "role", "Cy", "admin"]);
    converge(&[&ada, &bo, &cy]);
    assert_eq!(cy.error(&["member", "remove", "Ada", "--yes"]).0, 7, "an admin acts on juniors only");
    cy.json(&["member", "role", "Bo", "member"]);
    converge(&[&ada, &bo, &cy]);
    let by_bo = bo.note("by Bo", "now I may");
    ada.json(&["member", "role", "Cy", "owner"]);
    converge(&[&ada, &bo, &cy]);
    assert_eq!((role(&bo, "Cy"), role(&bo, "Ada"), role(&bo, "Bo")), ("owner".into(), "admin".into(), "member".into()));
    cy.json(&["group", "hide", "by Bo"]);
    converge(&[&ada, &bo, &cy]);
    assert_eq!(ada.titles(), ["by Cy"]);
    let list = cy.json(&["group", "quarantine"]);
    assert_eq!((list["items"][0]["entry_id"].as_str(), &list["items"][0]["hidden"]), (Some(&by_bo[..]), &true.into()));
    cy.json(&["group", "hide", &by_bo, "--undo"]);
    converge(&[&ada, &bo, &cy]);
    assert_eq!(ada.titles(), ["by Bo", "by Cy"]);
    // Whose the group is no more may leave it, once somebody has said to hold what is here.
    eventually("Ada's work is elsewhere", || (ada.json(&["group", "show"])["only_here"] == 0).then_some(()));
    assert_eq!(ada.json(&["group", "leave", "--yes"])["left"], true);
}

#[test]
fn an_invite_can_be_taken_back_and_one_with_approval_waits_for_an_admin() {
    let (ada, bo, cy) = (Home::new(), Home::new(), Home::new());
    let a = up(&ada, "Ada", None);
    found(&ada, "group");
    let (_b, _c) = (up(&bo, "Bo", Some(&a)), up(&cy, "Cy", Some(&a)));
    let made = ada.json(&["invite", "--uses", "unlimited", "--expires", "never"]);
    assert_eq!((&made["uses"], &made["expires_ms"]), (&Value::Null, &Value::Null));
    ada.json(&["invite", "revoke", &made["invite_id"].as_str().unwrap()[..10]]);
    assert_eq!(bo.run(&["join", made["ticket"].as_str().unwrap(), "--wait", "30", "--json"]).status.code(), Some(7));
    assert_eq!(standing(&bo), "invite-over");
    // A new invite for the same directory: it asks again, and is in.
    join(&bo, &invite(&ada, &[]));

    let ticket = invite(&ada, &["--approve"]);
    cy.json(&["join", &ticket]);
    stands(&cy, "needs-approval");
    ada.json(&["requests", "refuse", "Cy"]);
    stands(&cy, "refused");
    ada.json(&["requests", "accept", "Cy"]);
    stands(&cy, "in");
    converge(&[&ada, &bo, &cy]);
    let invites = ada.json(&["invite", "list"]);
    let open: Vec<bool> = invites["items"].as_array().unwrap().iter().map(|i| i["open"].as_bool().unwrap()).collect();
    assert_eq!(open.iter().filter(|o| **o).count(), 0, "used up or taken back, all of them: {invites}");
}

/// What was broken: the later entries of a long note named the one that was kept before them by an id of zeros.
#[test]
fn what_takes_several_entries_and_is_written_while_waiting_arrives_whole() {
    let (ada, bo) = (Home::new(), Home::new());
    let a = up(&ada, "Ada", None);
    found(&ada, "group");
    let b = up(&bo, "Bo", Some(&a));
    bo.json(&["join", &invite(&ada, &["--approve"])]);
    stands(&bo, "needs-approval");

    let long: String = (0..9_000).map(|line| format!("line {line} 云\n")).collect();
    let twin = long.replace("line", "verse");
    for (title, text) in [("long", &long), ("twin", &twin)] {
        let kept = bo.json_with(&["note", "new", "--title", title, "--file", "-"], text);
        assert!(kept["kept"].as_u64().unwrap() > 2, "it takes several entries: {kept}");
        assert_eq!(kept["note_id"], Value::Null, "it has no id yet");
    }
    bo.json_with(&["roadmap", "import", "-"], "# Trail\n\n## First\n\n- one\n- two\n");
    bo.json(&["link", "add", "https://example.org/a", "--title", "first"]);
    bo.json(&["link", "add", "https://example.org/a", "--title", "second"]);
    // They wait on the disk, not in the memory.
    b.kill();
    let _b = up(&bo, "Bo", Some(&a));

    eventually("Ada sees who asks", || {
        let list = ada.json(&["requests", "list"]);
        list["items"].as_array().unwrap().iter().any(|r| r["person"] == "Bo").then_some(())
    });
    ada.json(&["requests", "accept", "Bo"]);
    eventually("the notes arrive", || (ada.titles() == ["long", "twin"]).then_some(()));
    converge(&[&ada, &bo]);
    for home in [&ada, &bo] {
        let list = home.json(&["note", "list"]);
        for note in list["items"].as_array().unwrap() {
            let wanted = if note["title"] == "long" { &long } else { &twin };
            let body = home.body(note["note_id"].as_str().unwrap());
            assert!(body == *wanted, "{}: {} bytes of {}", note["title"], body.len(), wanted.len());
        }
        assert_eq!(home.json(&["link", "list"])["items"][0]["title"], "second");
    }
}

#[test]
fn a_keeper_hands_over_what_it_can_not_read() {
    let (ada, bo, keeper) = (Home::new(), Home::new(), Home::new());
    let k = keeper.up(&["--name", "Shelf", "--role", "keeper"]);
    let a = up(&ada, "Ada", Some(&k));
    found(&ada, "group");
    join(&keeper, ada.json(&["keeper", "add"])["ticket"].as_str().unwrap());
    let b = up(&bo, "Bo", Some(&k));
    join(&bo, &invite(&ada, &[]));
    b.kill();
    let words = "only members know the word 咸鱼翻身";
    ada.note("for Bo", words);
    eventually("the keeper holds it", || {
        let (here, there) = (ada.digest(), keeper.digest());
        (here["fingerprint"] == there["fingerprint"]).then_some(())
    });
    a.kill();
    assert!(keeper.titles().is_empty(), "it reads nothing");
    assert_eq!(keeper.error(&["note", "new", "--title", "t", "--text", "x"]).0, 7);
    let (bytes, log) = (std::fs::read(keeper.path().join("studymesh.db")).unwrap(), keeper.log());
    for trace in ["咸鱼翻身", "for Bo"] {
        assert!(!log.contains(trace));
        assert!(!bytes.windows(trace.len()).any(|w| w == trace.as_bytes()), "{trace} is on the keeper's disk");
    }
    let _b = up(&bo, "Bo", Some(&k));
    eventually("Bo gets it from the keeper", || bo.titles().contains(&"for Bo".into()).then_some(()));
    let _a = up(&ada, "Ada", Some(&k));
    ada.json(&["keeper", "remove", "--yes", &role_id(&ada, "keeper")]);
    stands(&keeper, "removed");
}

fn role_id(home: &Home, role: &str) -> String {
    let list = home.json(&["member", "list"]);
    let member = list["items"].as_array().unwrap().iter().find(|m| m["role"] == role).unwrap();
    member["person_id"].as_str().unwrap().to_owned()
}

/// The directory of a running node is copied to a second place; both run, both write.
#[test]
fn copies_of_a_running_members_directory_brick_nobody_on_twenty_seeds() {
    for seed in 0..20 {
        let (ada, bo, copies) = (Home::new(), Home::new(), tempfile::tempdir().unwrap());
        let a = up(&ada, "Ada", None);
        found(&ada, "group");
        let note = ada.note("shared", "start");
        let b = up(&bo, "Bo", Some(&a));
        join(&bo, &invite(&ada, &[]));
        converge(&[&ada, &bo]);
        // Taken while the node runs, as a careless backup does: the write-ahead log may be ahead of the file.
        let twin = Home::at(copies.path().join("home"));
        copy(bo.path(), twin.path());
        let order: [(&Home, &str); 2] =
            if seed % 2 == 0 { [(&bo, "bo"), (&twin, "twin")] } else { [(&twin, "twin"), (&bo, "bo")] };
        for (home, word) in order {
            home.json_with(&["note", "edit", &note, "--file", "-"], &format!("start {word}{seed}"));
            home.note(&format!("by {word}"), word);
        }
        if seed % 3 == 0 {
            b.kill();
            let b = up(&bo, "Bo", Some(&a));
            let t = up(&twin, "Bo", Some(&a));
            check(&ada, &bo, &twin, &note, seed);
            drop((b, t));
        } else {
            let t = up(&twin, "Bo", Some(&a));
            check(&ada, &bo, &twin, &note, seed);
            drop((b, t));
        }
    }
}

fn check(ada: &Home, bo: &Home, twin: &Home, note: &str, seed: u64) {
    eventually("every word is everywhere", || {
        [ada, bo, twin].iter().all(|h| h.titles() == ["by bo", "by twin", "shared"]).then_some(())
    });
    converge(&[ada, bo, twin]);
    for home in [ada, bo, twin] {
        let text = home.body(note);
        assert!(text.contains(&format!("bo{seed}")) && text.contains(&format!("twin{seed}")), "seed {seed}: {text}");
    }
    let list = ada.json(&["member", "list"]);
    let names: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|m| &m["person"]).collect();
    assert_eq!(names, ["Ada", "Bo"], "the copy is the same person");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
