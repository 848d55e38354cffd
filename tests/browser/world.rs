//! Two people, two nodes, two browsers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::driver::{Browser, CHROMEDRIVER, CHROMIUM, Driver};
use crate::harness::{Home, Node, converge, eventually};

/// Set to anything, these tests run.
const SWITCH: &str = "STUDYMESH_BROWSER";
/// A directory for pictures of the pages.
const PICTURES: &str = "STUDYMESH_PICTURES";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The right to use the machine's browsers; `None` when these tests are not asked for, said loudly.
pub fn turn() -> Option<MutexGuard<'static, ()>> {
    let missing = [CHROMIUM, CHROMEDRIVER].into_iter().find(|path| !Path::new(path).exists());
    let why = match (std::env::var_os(SWITCH), missing) {
        (None, _) => format!("{SWITCH} is not set"),
        (_, Some(path)) => format!("there is no {path}; install chromium and chromium-driver"),
        _ => return Some(ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)),
    };
    say(&format!("SKIPPED: {why}"));
    None
}

/// Writes past the test harness, which hides what passing tests print.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "browser: {text}");
}

/// Where pictures go, when they are asked for.
pub fn pictures() -> Option<PathBuf> {
    let dir = PathBuf::from(std::env::var_os(PICTURES)?);
    std::fs::create_dir_all(&dir).unwrap();
    Some(dir)
}

/// A person with a node and a browser.
pub struct Person {
    pub home: Home,
    pub node: Option<Node>,
    pub browser: Browser,
    pub web: String,
}

/// Ada and Bo in one open group.
pub struct World {
    pub ada: Person,
    pub bo: Person,
    pub group: String,
    _driver: Driver,
}

impl Person {
    pub fn new(driver: &Driver, name: Option<&str>) -> Self {
        let home = Home::new();
        let options = name.map_or(vec![], |name| vec!["--name", name]);
        let node = home.up(&options);
        let browser = driver.open();
        let login = node.web.clone().expect("the node serves its page");
        browser.go(&login);
        let web = login.split("/login").next().unwrap().to_owned();
        Self { home, node: Some(node), browser, web }
    }

    /// Opens a page of the node.
    pub fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.web));
    }

    /// A request to the API as the page makes it.
    pub fn api(&self, method: &str, path: &str, body: Value) -> Value {
        let script = "const [method, path, body] = args;
            const options = method === 'GET' ? {} : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
            const at = Date.now();
            const response = await fetch('/api/v1' + path, options);
            return { at, status: response.status, body: await response.json() };";
        let answer = self.browser.wait_for(script, &[json!(method), json!(path), body]);
        assert!(answer["status"].as_u64().unwrap() < 300, "{method} {path}: {answer}");
        answer
    }

    /// Waits until an expression of the page is true.
    #[track_caller]
    pub fn until(&self, what: &str, expression: &str) {
        eventually(what, || (self.browser.run(&format!("return !!({expression})"), &[]) == true).then_some(()));
    }

    /// Kills the node; [`Person::revive`] starts it again.
    pub fn kill(&mut self) {
        self.node.take().unwrap().kill();
    }

    pub fn revive(&mut self, options: &[&str]) {
        self.node = Some(self.home.up(options));
    }

    /// The text field of the editor.
    pub fn typed(&self) -> String {
        self.browser.run("return document.querySelector('#source').value", &[]).as_str().unwrap().to_owned()
    }
}

impl World {
    /// Both are in, and have the same.
    pub fn new() -> Self {
        let driver = Driver::start();
        let ada = Person::new(&driver, Some("Ada"));
        let group = ada.home.create("Cloud natives");
        ada.home.json(&["roadmap", "add", "cloud-native-path"]);
        let bo = Person::new(&driver, Some("Bo"));
        bo.home.json(&["join", &ada.home.ticket(), "--wait", "60"]);
        converge(&[&ada.home, &bo.home]);
        Self { ada, bo, group, _driver: driver }
    }

    /// Both open the editor of a note of Ada's.
    pub fn edit(&self, title: &str, text: &str) -> String {
        let note = self.ada.home.note(title, text);
        converge(&[&self.ada.home, &self.bo.home]);
        for person in [&self.ada, &self.bo] {
            person.go(&format!("/groups/{}/notes/{note}/edit", self.group));
            person.until("the editor is open", "document.querySelector('#editor[data-ready]')");
        }
        note
    }

    /// Waits until both editors show and both nodes hold one text; gives it.
    #[track_caller]
    pub fn one_text(&self, note: &str) -> String {
        let mut last = String::new();
        eventually("both editors and both nodes have one text", || {
            let texts = [self.ada.typed(), self.bo.typed(), self.ada.home.body(note), self.bo.home.body(note)];
            let state = "return document.querySelector('#editor').dataset.state";
            let states = [&self.ada, &self.bo].map(|person| person.browser.run(state, &[]));
            let now = format!("{states:?}, {:?} bytes", texts.each_ref().map(String::len));
            if now != last {
                say(&now);
                last = now;
            }
            let quiet = states.iter().all(|state| *state == "saved");
            (quiet && texts.iter().all(|text| *text == texts[0])).then(|| texts[0].clone())
        })
    }
}
