//! Entries carried by hand: what two people with a stick and no network do, and what may happen to the stick.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Home, converge, eventually, text};

/// A stick: a directory that both sides can reach.
struct Stick(tempfile::TempDir);

impl Stick {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An import that ends otherwise than well: its exit status, what it answered, and what it said.
#[track_caller]
fn import_badly(home: &Home, file: &str) -> (i32, Value, String) {
    let output = home.run(&["bundle", "import", file, "--json"]);
    assert!(!output.status.success(), "{}", text(&output.stdout));
    let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), answer, text(&output.stderr))
}

fn count(answer: &Value, what: &str) -> u64 {
    answer[what].as_u64().unwrap_or_else(|| panic!("{what} in {answer}"))
}

fn held(home: &Home) -> u64 {
    count(&home.json(&["sync", "status"]), "held")
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Two people in one group who share some notes and have never met.
fn two_apart() -> (Home, Home, Stick) {
    let (ada, bo, stick) = (Home::new(), Home::new(), Stick::new());
    ada.json(&["name", "Ada"]);
    bo.json(&["name", "Bo"]);
    ada.create("离线小组");
    ada.note("from Ada", "写在没有网络的地方");
    bo.json(&["join", &ada.ticket()]);
    bo.note("from Bo", "written before anything came");
    (ada, bo, stick)
}

#[test]
fn two_homes_without_a_network_exchange_what_each_lacks_and_end_with_the_same() {
    let (ada, bo, stick) = two_apart();
    // Bo says what he holds; Ada brings what he lacks, and takes his answer home.
    bo.json(&["bundle", "have", &stick.file("bo.have")]);
    let out = ada.json(&["bundle", "export", &stick.file("to-bo"), "--have", &stick.file("bo.have")]);
    assert_eq!(count(&out, "entries"), held(&ada));
    let came = bo.json(&["bundle", "import", &stick.file("to-bo")]);
    assert_eq!((count(&came, "new"), count(&came, "held")), (count(&out, "entries"), 0));
    assert_eq!(came["group_id"], out["group_id"]);
    assert_eq!((&came["missing"], &came["refused"], &came["invalid"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(bo.titles(), ["from Ada", "from Bo"]);

    ada.json(&["bundle", "have", &stick.file("ada.have")]);
    let out = bo.json(&["bundle", "export", &stick.file("to-ada"), "--have", &stick.file("ada.have")]);
    assert!(count(&out, "entries") < held(&bo), "only what Ada lacks: {out}");
    let came = ada.json(&["bundle", "import", &stick.file("to-ada")]);
    assert_eq!((count(&came, "new"), count(&came, "held")), (count(&out, "entries"), 0));
    assert_eq!(ada.digest(), bo.digest());
    assert_eq!(ada.body("from Bo"), "written before anything came");

    // Both go on; a file with everything brings the new as well, and once more changes nothing.
    ada.note("later", "more");
    ada.json(&["bundle", "export", &stick.file("all"), "--all"]);
    let came = bo.json(&["bundle", "import", &stick.file("all")]);
    assert!(count(&came, "new") >= 1 && count(&came, "new") + count(&came, "held") == held(&ada), "{came}");
    let again = bo.json(&["bundle", "import", &stick.file("all")]);
    assert_eq!((count(&again, "new"), count(&again, "held")), (0, held(&ada)));
    assert_eq!(ada.digest(), bo.digest());
    assert_eq!(mode(&stick.path("all")), 0o600);
    assert_eq!(stick.names(), ["ada.have", "all", "bo.have", "to-ada", "to-bo"], "nothing is left beside them");
}

#[test]
fn nothing_is_replaced_unasked_and_files_are_told_apart() {
    let (ada, bo, stick) = two_apart();
    let all = stick.file("all");
    ada.json(&["bundle", "export", &all]);
    let before = std::fs::read(&all).unwrap();
    for command in ["export", "have"] {
        let (status, error) = ada.error(&["bundle", command, &all]);
        assert_eq!((status, error["code"].as_str()), (4, Some("bad_input")));
    }
    assert_eq!(std::fs::read(&all).unwrap(), before);
    ada.json(&["bundle", "export", &all, "--force"]);
    assert_ne!(std::fs::read(&all).unwrap(), before, "under a key of its own");
    bo.json(&["bundle", "have", &stick.file("have")]);
    assert_eq!(import_badly(&ada, &stick.file("have")).0, 4);
    assert_eq!(ada.error(&["bundle", "export", &stick.file("x"), "--have", &all]).0, 4);
    assert_eq!(import_badly(&ada, &stick.file("nothing")).0, 3);
    std::fs::write(stick.path("text"), "# a note\n".repeat(90)).unwrap();
    assert_eq!(import_badly(&ada, &stick.file("text")).0, 4);
    assert!(!stick.path("x").exists());
    // Relative names mean the directory of the command.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_studymesh"))
        .args(["bundle", "import", "all", "--quiet"])
        .env("STUDYMESH_HOME", bo.path())
        .current_dir(stick.0.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(bo.titles(), ["from Ada", "from Bo"]);
}

#[test]
fn a_found_stick_says_nothing_to_a_stranger_nor_to_who_has_left() {
    let (ada, bo, stick) = two_apart();
    let all = stick.file("all");
    ada.json(&["bundle", "export", &all]);
    let group = ada.digest()["group_id"].as_str().unwrap().to_owned();
    let bytes = std::fs::read(&all).unwrap();
    let log = ada.json(&["group", "show"])["log"].as_str().unwrap().to_owned();
    for id in [group, log] {
        let id = data_encoding::HEXLOWER.decode(id.as_bytes()).unwrap();
        assert!(!bytes.windows(8).any(|w| w == &id[..8]));
    }

    let stranger = Home::new();
    stranger.create("another group");
    let before = stranger.digest();
    let (status, answer, said) = import_badly(&stranger, &all);
    assert_eq!((status, answer), (3, Value::Null));
    assert!(said.contains("never joined it, or has left it"), "{said}");
    assert_eq!(stranger.digest(), before);

    // Bo is in both groups: the file finds its own, and `-g` does not send it elsewhere.
    bo.json(&["join", &stranger.ticket()]);
    let list = bo.json(&["group", "list"]);
    let other = list["items"].as_array().unwrap().iter().find(|g| g["group_id"] == before["group_id"]).unwrap();
    let (status, error) = bo.error(&["bundle", "import", &all, "-g", other["group_id"].as_str().unwrap()]);
    assert_eq!((status, error["code"].as_str()), (3, Some("not_found")));
    let came = bo.json(&["bundle", "import", &all]);
    assert_eq!(came["group_id"], ada.digest()["group_id"]);

    let group = came["group_id"].as_str().unwrap();
    // He has written something that nobody else has.
    bo.json(&["group", "leave", "-g", group, "--yes", "--force"]);
    let (status, _, said) = import_badly(&bo, &all);
    assert!(status == 3 && said.contains("has left it"), "{said}");
}

#[test]
fn a_file_that_broke_off_or_was_damaged_brings_what_is_whole_and_can_be_repeated() {
    let (ada, bo, stick) = two_apart();
    // Enough for several chunks.
    for n in 0..12 {
        let body: String = (0..1500).map(|i| format!("{} ", blake3::hash(format!("{n} {i}").as_bytes()))).collect();
        ada.note(&format!("long {n}"), &body[..60_000]);
    }
    let all = stick.file("all");
    ada.json(&["bundle", "export", &all]);
    let whole = std::fs::read(&all).unwrap();
    let begun = held(&bo);

    std::fs::write(stick.path("cut"), &whole[..whole.len() / 3]).unwrap();
    let (status, answer, said) = import_badly(&bo, &stick.file("cut"));
    assert_eq!((status, &answer["damage"]), (4, &"ends-early".into()), "{said}");
    let first = count(&answer, "new");
    assert!(first > 0 && first < held(&ada), "{answer}");
    assert_eq!(held(&bo), begun + first);
    assert!(said.contains("it ends early") && said.contains("repeat"), "{said}");
    assert_eq!(bo.json(&["db", "check"])["ok"], true);

    let mut damaged = whole.clone();
    let at = damaged.len() - 70_000;
    damaged[at] ^= 4;
    std::fs::write(stick.path("damaged"), &damaged).unwrap();
    let (status, answer, _) = import_badly(&bo, &stick.file("damaged"));
    assert_eq!((status, &answer["damage"]), (4, &"changed".into()));
    assert!(count(&answer, "new") > 0 && count(&answer, "held") >= first, "more than before: {answer}");
    assert_eq!(bo.json(&["db", "check"])["ok"], true);
    // A damaged beginning is for nobody.
    damaged[20] ^= 4;
    std::fs::write(stick.path("damaged"), &damaged).unwrap();
    assert_eq!(import_badly(&bo, &stick.file("damaged")).0, 3);

    let came = bo.json(&["bundle", "import", &all]);
    assert!(count(&came, "new") > 0);
    bo.json(&["bundle", "export", &stick.file("back")]);
    ada.json(&["bundle", "import", &stick.file("back")]);
    assert_eq!(ada.digest(), bo.digest());
}

#[test]
fn what_builds_on_something_absent_is_counted_and_comes_in_later() {
    let (ada, bo, stick) = two_apart();
    // Cy holds everything of Ada's, and says so; Bo is given what was meant for Cy.
    let cy = Home::new();
    cy.json(&["join", &ada.ticket()]);
    ada.json(&["bundle", "export", &stick.file("all")]);
    cy.json(&["bundle", "import", &stick.file("all")]);
    cy.json(&["bundle", "have", &stick.file("cy")]);
    ada.note("second", "builds on the first");
    ada.json(&["bundle", "export", &stick.file("for-cy"), "--have", &stick.file("cy")]);
    let (status, answer, said) = import_badly(&bo, &stick.file("for-cy"));
    assert_eq!((status, count(&answer, "new")), (6, 0), "{said}");
    assert!(count(&answer, "missing") > 0 && answer["damage"].is_null(), "{answer}");
    assert!(said.contains("build on entries that are not here"), "{said}");

    bo.json(&["bundle", "import", &stick.file("all")]);
    let came = bo.json(&["bundle", "import", &stick.file("for-cy")]);
    assert_eq!((count(&came, "new"), count(&came, "missing")), (count(&answer, "missing"), 0));
    assert_eq!(bo.titles(), ["from Ada", "from Bo", "second"]);
}

#[test]
fn what_a_running_node_imports_reaches_the_nodes_that_it_is_connected_to() {
    let (ada, bo, stick) = two_apart();
    let cy = Home::new();
    let b = bo.up(&[]);
    let _c = cy.up(&["--bootstrap", &b.address()]);
    cy.json(&["join", &bo.ticket(), "--wait", "60"]);
    converge(&[&bo, &cy]);

    // Ada's node runs too, where nobody reaches it: it writes the file itself, while it goes on.
    let _a = ada.up(&[]);
    ada.json(&["bundle", "export", &stick.file("all")]);
    let came = bo.json(&["bundle", "import", &stick.file("all")]);
    assert_eq!(count(&came, "new"), held(&ada));
    eventually("the note reaches the one who is connected", || {
        cy.titles().contains(&"from Ada".to_owned()).then_some(())
    });
    converge(&[&bo, &cy]);
    cy.json(&["bundle", "have", &stick.file("have")]);
    let out = bo.json(&["bundle", "export", &stick.file("none"), "--have", &stick.file("have")]);
    assert_eq!(count(&out, "entries"), 0);
    ada.json(&["bundle", "have", &stick.file("ada")]);
    cy.json(&["bundle", "export", &stick.file("back"), "--have", &stick.file("ada")]);
    ada.json(&["bundle", "import", &stick.file("back")]);
    converge(&[&ada, &bo, &cy]);
}

#[test]
fn a_request_to_be_let_in_goes_by_hand_and_so_does_the_answer() {
    let (ada, bo, stick) = (Home::new(), Home::new(), Stick::new());
    ada.json(&["name", "Ada"]);
    bo.json(&["name", "Bo"]);
    ada.json(&["group", "create", "closed", "--closed"]);
    ada.note("secret", "for those who are in");
    bo.json(&["join", &ada.ticket()]);
    let early = stick.file("early");
    ada.json(&["bundle", "export", &early]);
    // The bundle opens, since the ticket brought the secret; but nobody let Bo in, and nothing is taken in.
    let begun = held(&bo);
    let (status, _, said) = import_badly(&bo, &early);
    assert!(status == 7 && said.contains("bundle export"), "{status}: {said}");
    assert_eq!(held(&bo), begun);

    bo.json(&["bundle", "export", &stick.file("request")]);
    ada.json(&["bundle", "import", &stick.file("request")]);
    let members = ada.json(&["member", "list"]);
    assert_eq!(members["items"].as_array().unwrap().len(), 2, "the invite lets Bo in: {members}");
    ada.json(&["bundle", "export", &stick.file("answer")]);
    bo.json(&["bundle", "import", &stick.file("answer")]);
    assert_eq!(bo.body("secret"), "for those who are in");
    bo.note("thanks", "in the group's key");
    bo.json(&["bundle", "export", &stick.file("back")]);
    ada.json(&["bundle", "import", &stick.file("back")]);
    assert_eq!(ada.body("thanks"), "in the group's key");
    ada.json(&["bundle", "export", &stick.file("last")]);
    bo.json(&["bundle", "import", &stick.file("last")]);
    assert_eq!(ada.digest(), bo.digest());
}
