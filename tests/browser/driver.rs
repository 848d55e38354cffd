//! A browser under WebDriver: a client of chromedriver over plain HTTP, as small as these tests need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::PATIENCE;

/// Where Debian puts them.
pub const CHROMIUM: &str = "/usr/bin/chromium";
pub const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A running chromedriver; it ends with this.
pub struct Driver {
    child: Child,
    host: String,
}

/// One browser with one window.
pub struct Browser {
    host: String,
    session: String,
    _profile: tempfile::TempDir,
}

impl Driver {
    /// A driver on a port of its choice. It takes one for both families of addresses, and ends when the other has it already.
    pub fn start() -> Self {
        (0..5).find_map(|_| Self::try_start()).expect("chromedriver starts and says its port")
    }

    fn try_start() -> Option<Self> {
        let mut child = Command::new(CHROMEDRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("successfully on port ").map(|(_, port)| port.trim_end_matches('.').to_owned())
        });
        let Some(port) = port else {
            let _ = child.wait();
            return None;
        };
        // Whatever it says later is read, so that it can go on.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self { child, host: format!("127.0.0.1:{port}") })
    }

    /// Opens a browser of its own.
    pub fn open(&self) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let args = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-timer-throttling",
            "--disable-renderer-backgrounding",
            "--no-first-run",
            "--lang=en-US",
            "--window-size=1440,900",
            format!("--user-data-dir={}", profile.path().display()),
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "unhandledPromptBehavior": "ignore",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "binary": CHROMIUM, "args": args },
            "timeouts": { "script": 600_000, "pageLoad": 60_000, "implicit": 10_000 },
        } } });
        let made = ask(&self.host, "POST", "/session", &wanted);
        let session = made["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {made}")).to_owned();
        Browser { host: self.host.clone(), session, _profile: profile }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver may be gone already, when a test failed.
        let path = format!("/session/{}", self.session);
        let _ = std::panic::catch_unwind(|| ask(&self.host, "DELETE", &path, &Value::Null));
    }
}

impl Browser {
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        ask(&self.host, method, &format!("/session/{}{path}", self.session), body)
    }

    /// Opens an address, and waits until the page is loaded.
    pub fn go(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// The address that is shown.
    pub fn url(&self) -> String {
        self.call("GET", "/url", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script, which may `return` something.
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": args }))
    }

    /// Runs the body of an asynchronous function to its end.
    pub fn wait_for(&self, script: &str, args: &[Value]) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const args = [...arguments].slice(0, -1);
             (async () => {{ {script} }})().then((value) => done({{ value }}), (error) => done({{ error: String(error.stack) }}));"
        );
        let answer = self.call("POST", "/execute/async", &json!({ "script": script, "args": args }));
        assert!(answer.get("error").is_none(), "{}", answer["error"]);
        answer["value"].clone()
    }

    /// The one element of a selector, which may take a while to appear.
    #[track_caller]
    pub fn element(&self, selector: &str) -> String {
        let found = self.call("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {selector} on {}: {found}", self.url())).to_owned()
    }

    /// Clicks on an element.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let id = self.element(selector);
        self.call("POST", &format!("/element/{id}/click"), &json!({}));
    }

    /// Types into an element with the keys of a keyboard.
    #[track_caller]
    pub fn keys(&self, selector: &str, text: &str) {
        let id = self.element(selector);
        self.call("POST", &format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Chooses an option of a list by its value.
    pub fn choose(&self, selector: &str, value: &str) {
        self.element(selector);
        let script = "const at = document.querySelector(arguments[0]); at.value = arguments[1];
                      at.dispatchEvent(new Event('change', { bubbles: true }));";
        self.run(script, &[json!(selector), json!(value)]);
    }

    /// A command of the DevTools protocol.
    pub fn cdp(&self, command: &str, params: &Value) -> Value {
        self.call("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// The size of the page's viewport.
    pub fn size(&self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &params);
    }

    /// Whether the page prefers dark colours.
    pub fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let params = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.cdp("Emulation.setEmulatedMedia", &params);
    }

    /// What was logged since this was asked last: of the console, or of the network.
    pub fn log(&self, kind: &str) -> Vec<Value> {
        let lines = self.call("POST", "/se/log", &json!({ "type": kind }));
        lines.as_array().cloned().unwrap_or_default()
    }

    /// Errors and warnings of the console since this was asked last.
    pub fn complaints(&self) -> Vec<String> {
        let bad = |line: &&Value| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING"));
        self.log("browser").iter().filter(bad).map(|line| line["message"].to_string()).collect()
    }

    /// The addresses that were asked for since this was asked last.
    pub fn requests(&self) -> Vec<String> {
        let mut urls = vec![];
        for line in self.log("performance") {
            let Ok(event) = serde_json::from_str::<Value>(line["message"].as_str().unwrap_or_default()) else {
                continue;
            };
            if event["message"]["method"] == "Network.requestWillBeSent" {
                urls.extend(event["message"]["params"]["request"]["url"].as_str().map(str::to_owned));
            }
        }
        urls
    }

    /// Writes a picture of what is shown.
    pub fn picture(&self, file: &Path) {
        let shot = self.call("GET", "/screenshot", &Value::Null);
        let bytes = data_encoding::BASE64.decode(shot.as_str().unwrap_or_default().as_bytes()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// The text of a dialog that a script opened.
    pub fn dialog(&self) -> Option<String> {
        let answer = self.raw("GET", "/alert/text");
        answer["value"].as_str().map(str::to_owned)
    }

    fn raw(&self, method: &str, path: &str) -> Value {
        send(&self.host, method, &format!("/session/{}{path}", self.session), &Value::Null).1
    }
}

/// Sends a command; it must succeed.
#[track_caller]
fn ask(host: &str, method: &str, path: &str, body: &Value) -> Value {
    let (status, mut answer) = send(host, method, path, body);
    assert!(status == 200, "{method} {path}: {}", answer["value"]["message"]);
    answer["value"].take()
}

fn send(host: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(host).expect("chromedriver listens");
    stream.set_read_timeout(Some(PATIENCE * 4)).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut status, mut length) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if let Some(code) = line.strip_prefix("HTTP/1.1 ") {
            status = code[..3].parse().unwrap();
        } else if let Some((key, value)) = line.split_once(':') {
            if key.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>().ok();
            }
        } else if line.is_empty() {
            break;
        }
    }
    let mut bytes = vec![];
    match length {
        Some(length) => {
            bytes.resize(length, 0);
            reader.read_exact(&mut bytes).unwrap();
        }
        None => drop(reader.read_to_end(&mut bytes).unwrap()),
    }
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
