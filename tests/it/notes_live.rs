//! A note under editors, as pages use it: changes at a revision, over HTTP.

use serde_json::{Value, json};

use crate::browser::Client;
use crate::harness::{Home, eventually};

struct Editor {
    client: Client,
    path: String,
    rev: Value,
    text: String,
}

/// Applies changes as a browser does: in UTF-16 units.
fn applied(text: &str, changes: &Value) -> String {
    let old: Vec<u16> = text.encode_utf16().collect();
    let (mut new, mut at) = (vec![], 0);
    for change in changes.as_array().unwrap() {
        let place = |n: usize| usize::try_from(change[n].as_u64().unwrap()).unwrap();
        new.extend(&old[at..place(0)]);
        new.extend(change[2].as_str().unwrap().encode_utf16());
        at = place(1);
    }
    new.extend(&old[at..]);
    String::from_utf16(&new).unwrap()
}

impl Editor {
    fn open(client: &Client, group: &str, note: &str) -> Self {
        let path = format!("/api/v1/groups/{group}/notes/{note}/live");
        let answer = client.get(&path).json();
        let text = answer["text"].as_str().unwrap().to_owned();
        let client = client.with("x-editor", "1");
        Self { client, path, rev: answer["rev"].clone(), text }
    }

    #[track_caller]
    fn send(&mut self, changes: &Value, again: bool) -> Value {
        let body = json!({ "rev": self.rev, "changes": changes, "again": again, "cursor_from": 0 });
        let answer = self.client.json("POST", &self.path, &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    #[track_caller]
    fn put(&mut self, changes: &Value) {
        let answer = self.send(changes, false);
        self.text = applied(&applied(&self.text, changes), &answer["changes"]);
        self.rev = answer["rev"].clone();
    }

    fn look(&mut self) {
        let since: Vec<&str> = self.rev.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        let answer = self.client.get(&format!("{}?since={}", self.path, since.join(","))).json();
        assert_eq!(answer["text"], Value::Null);
        self.text = applied(&self.text, &answer["changes"]);
        self.rev = answer["rev"].clone();
    }
}

#[test]
fn two_editors_of_one_node_merge_at_their_revisions_and_a_repeated_request_is_done_once() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let group = home.create("G");
    let program = Client::program(&home, &node);
    let note = home.note("云", "学习 🙂 Go\n");
    let (mut one, mut two) = (Editor::open(&program, &group, &note), Editor::open(&program, &group, &note));
    // Both at the first revision; the face is two units.
    one.put(&json!([[3, 5, "👍"], [8, 8, "!"]]));
    assert_eq!(one.text, "学习 👍 Go!\n");
    two.put(&json!([[0, 2, "我们学"], [9, 9, "末"]]));
    assert_eq!(two.text, "我们学 👍 Go!\n末");
    one.look();
    assert_eq!((&one.text, home.body(&note)), (&two.text, two.text.clone()));

    // The answer was lost, and the page sends it again, perhaps after a restart of the node.
    let lost = json!([[0, 0, "einmal "]]);
    let first = one.send(&lost, false);
    let again = one.send(&lost, true);
    assert_eq!(first["entry_ids"], again["entry_ids"]);
    one.text = applied(&applied(&one.text, &lost), &again["changes"]);
    assert_eq!(home.body(&note).matches("einmal").count(), 1);
    assert_eq!(one.text, home.body(&note));

    // What can not be: places within a character, behind the end, out of order; revisions of elsewhere; too much.
    two = Editor::open(&program, &group, &note);
    let bad = |rev: &Value, changes: Value| {
        let answer = program.json("POST", &two.path, &json!({ "rev": rev, "changes": changes }));
        (answer.status, answer.code())
    };
    let face = two.text.encode_utf16().position(|unit| (0xd800..0xdc00).contains(&unit)).unwrap() + 1;
    assert_eq!(bad(&two.rev, json!([[face, face, "x"]])), (422, "bad_input".into()));
    assert_eq!(bad(&two.rev, json!([[999, 999, "x"]])), (422, "bad_input".into()));
    assert_eq!(bad(&two.rev, json!([[2, 3, "x"], [1, 1, "y"]])), (422, "bad_input".into()));
    assert_eq!(bad(&json!([]), json!([])), (422, "bad_input".into()));
    assert_eq!(bad(&json!(["0".repeat(64)]), json!([])), (404, "not_found".into()));
    let many: Vec<Value> = (0..2_001).map(|n| json!([n, n, "x"])).collect();
    assert_eq!(bad(&two.rev, json!(many)), (422, "bad_input".into()));
    assert_eq!(bad(&two.rev, json!([[0, "1", "x"]])), (400, "bad_parameter".into()));
    assert_eq!(bad(&two.rev, json!([[0, 0, "x".repeat(4 << 20)]])), (422, "bad_input".into()));
    assert_eq!(home.body(&note), two.text, "nothing of it was written");
}

#[test]
fn a_cursor_reaches_the_other_node_and_is_no_event_and_links_lead_back() {
    let (ada, bo) = (Home::new(), Home::new());
    let node = ada.up(&["--name", "Ada"]);
    let group = ada.create("G");
    let note = ada.note("计划", "一二三");
    let other = bo.up(&["--name", "Bo"]);
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    crate::harness::converge(&[&ada, &bo]);
    let (ada_page, bo_page) = (Client::program(&ada, &node), Client::program(&bo, &other));
    let mut editor = Editor::open(&bo_page, &group, &note);
    let path = editor.path.clone();
    let cursors = eventually("Bo is seen", || {
        let body = json!({ "rev": editor.rev, "changes": [], "cursor_from": 1, "cursor_to": 2 });
        assert_eq!(bo_page.json("POST", &path, &body).status, 200);
        let cursors = ada_page.get(&path).json()["cursors"].clone();
        (cursors != json!([])).then_some(cursors)
    });
    assert_eq!((&cursors[0]["person"], &cursors[0]["from"], &cursors[0]["to"]), (&json!("Bo"), &json!(1), &json!(2)));
    // The stream says it, without an id to resume after.
    let lines = std::thread::scope(|scope| {
        let follow = scope.spawn(|| {
            ada_page.follow("/api/v1/events", None, |lines| lines.iter().any(|line| line == "event: presence"))
        });
        let mut at = 0;
        eventually("it is told", || {
            at = 3 - at;
            bo_page.json("POST", &path, &json!({ "rev": editor.rev, "changes": [], "cursor_from": at }));
            follow.is_finished().then_some(())
        });
        follow.join().unwrap()
    });
    assert!(lines.iter().any(|line| line == "event: presence"));
    let happened = ada.json(&["events"]).to_string();
    assert!(!happened.contains("presence"), "it is no event");
    editor.put(&json!([[0, 0, "see "]]));
    bo.note("Other", "as in [[计划]] and [[nowhere]]");
    crate::harness::converge(&[&ada, &bo]);
    let back = eventually("search knows it", || {
        let items = ada_page.get(&format!("/api/v1/groups/{group}/notes/{note}/links")).json()["items"].clone();
        (items != json!([])).then_some(items)
    });
    assert_eq!(back[0]["title"], "Other");
}

#[test]
fn the_pages_of_notes_show_forms_that_work_and_differences() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let group = home.create("G");
    let browser = Client::browser(&node);
    let notes = format!("/groups/{group}/notes");
    let made = browser.form(&notes, &[("title", "容器"), ("tags", "k8s，网络"), ("text", "one\r\ntwo"), ("topic", "")]);
    assert_eq!(made.status, 303, "{}", made.text());
    let page = made.header("location").unwrap().to_owned();
    let note = page.rsplit('/').next().unwrap();
    assert_eq!(home.body(note), "one\ntwo");
    let list = browser.get(&notes).text();
    assert!(list.contains("容器") && list.contains("#网络"), "{list}");
    assert!(browser.get(&format!("{notes}?tag=go")).text().contains("Nothing fits"));
    // The form has the revision that was read; what came since is merged.
    let rev = home.json(&["note", "show", note])["heads"][0].as_str().unwrap().to_owned();
    assert!(browser.get(&format!("{page}/edit")).text().contains(&rev));
    home.json_with(&["note", "edit", note, "--file", "-"], "zero\none\ntwo");
    assert_eq!(browser.form(&page, &[("rev", &rev), ("text", "one\r\ntwo\r\nthree")]).status, 303);
    assert_eq!(home.body(note), "zero\none\ntwo\nthree");
    let history = browser.get(&format!("{page}/history")).text();
    assert!(history.contains("<ins>") && history.contains("three"), "{history}");
    let details = [
        ("title", "Pods"),
        ("had_title", "容器"),
        ("tags", "k8s"),
        ("had_tags", "k8s, 网络"),
        ("topic", ""),
        ("had_topic", ""),
    ];
    assert_eq!(browser.form(&format!("{page}/details"), &details).status, 303);
    let shown = home.json(&["note", "show", note]);
    assert_eq!((&shown["title"], &shown["tags"]), (&json!("Pods"), &json!(["k8s"])));
    assert_eq!(browser.form(&format!("{page}/delete"), &[]).status, 303);
    assert!(browser.get(&page).text().contains("This note was deleted"));
    assert!(browser.get(&format!("{notes}?deleted=true")).text().contains("Pods"));
    assert_eq!(browser.form(&format!("{page}/restore"), &[]).status, 303);
    assert_eq!(browser.form(&format!("{page}/restore"), &[("version", "1")]).status, 303);
    assert_eq!(home.body(note), "one\ntwo");
    let preview =
        browser.form(&format!("{notes}/preview"), &[("text", "[[Pods]] [[new one]] <script>x</script>")]).text();
    assert!(
        preview.contains(&page) && preview.contains("notes/new?title=new+one") && !preview.contains("<script"),
        "{preview}"
    );
}
