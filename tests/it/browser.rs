//! A tiny HTTP client: what a browser or a program would send, to the byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Home, Node, PATIENCE};

/// A browser, or a program, at one node's page.
pub struct Client {
    /// `127.0.0.1:PORT`.
    pub host: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {} {}", self.status, self.text()))
    }

    /// The code of a problem.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{} {}", self.status, self.text());
        let value = self.json();
        assert_eq!(value["status"], self.status);
        for key in ["type", "title", "detail", "remedy"] {
            assert!(value[key].is_string(), "{key} in {value}");
        }
        value["code"].as_str().unwrap().to_owned()
    }
}

impl Client {
    /// Somebody who was not let in.
    pub fn stranger(node: &Node) -> Self {
        let url = node.web.as_deref().expect("the node serves its page");
        let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        Self { host: host.to_owned(), headers: vec![] }
    }

    /// A program that has the secret.
    pub fn program(home: &Home, node: &Node) -> Self {
        let secret = std::fs::read_to_string(home.path().join("web.token")).unwrap();
        Self::stranger(node).with("authorization", &format!("Bearer {}", secret.trim()))
    }

    /// A browser that followed the address which the node printed.
    #[track_caller]
    pub fn browser(node: &Node) -> Self {
        let stranger = Self::stranger(node);
        let path = node.web.as_deref().unwrap().strip_prefix(&format!("http://{}", stranger.host)).unwrap();
        let answer = stranger.get(path);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        stranger.with("cookie", &cookie).with("sec-fetch-site", "same-origin")
    }

    /// With one more header in every request; one of the same name is replaced.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut headers = self.without(name).headers;
        headers.push((name.to_owned(), value.to_owned()));
        Self { host: self.host.clone(), headers }
    }

    /// The value of a header that it sends.
    #[track_caller]
    pub fn sends(&self, name: &str) -> &str {
        &self.headers.iter().find(|(key, _)| key == name).unwrap().1
    }

    /// Without a header.
    pub fn without(&self, name: &str) -> Self {
        let headers = self.headers.iter().filter(|(key, _)| key != name).cloned().collect();
        Self { host: self.host.clone(), headers }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// Sends JSON.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Sends a form.
    pub fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.send("POST", path, &[("content-type", "application/x-www-form-urlencoded")], body.as_bytes())
    }

    /// Sends a request, and reads the whole answer.
    pub fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut reader = self.begin(method, path, more, body);
        let (status, headers) = head(&mut reader);
        let mut raw = vec![];
        reader.read_to_end(&mut raw).unwrap();
        let is_chunked = headers.iter().any(|(k, v)| k == "transfer-encoding" && v == "chunked");
        let body = if is_chunked { unchunked(&raw) } else { raw };
        Answer { status, headers, body }
    }

    /// Opens a stream of events and reads lines of it until `enough` says so.
    pub fn follow(&self, path: &str, last: Option<&str>, mut enough: impl FnMut(&[String]) -> bool) -> Vec<String> {
        let mut more = vec![("accept", "text/event-stream")];
        more.extend(last.map(|id| ("last-event-id", id)));
        let mut reader = self.begin("GET", path, &more, b"");
        let (status, _) = head(&mut reader);
        assert_eq!(status, 200);
        let mut lines = vec![];
        while !enough(&lines) {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended: {lines:?}");
            let line = line.trim_end().to_owned();
            // Chunks' lengths stand between the lines of the stream.
            if !line.is_empty() && u64::from_str_radix(&line, 16).is_err() {
                lines.push(line);
            }
        }
        lines
    }

    fn begin(&self, method: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !more.iter().any(|(key, _)| *key == "content-length") {
            head += &format!("content-length: {}\r\n", body.len());
        }
        let has_host = self.headers.iter().any(|(key, _)| key == "host");
        if !has_host {
            head += &format!("host: {}\r\n", self.host);
        }
        let more = more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        for (key, value) in self.headers.iter().cloned().chain(more) {
            head += &format!("{key}: {value}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes()).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(body);
        BufReader::new(stream)
    }
}

fn head(reader: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no status: {line:?}"));
    let mut headers = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((key, value)) = line.trim_end().split_once(':') else { return (status, headers) };
        headers.push((key.to_lowercase(), value.trim().to_owned()));
    }
}

fn unchunked(mut raw: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    while let Some(at) = raw.windows(2).position(|w| w == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&raw[..at]).unwrap(), 16).unwrap();
        out.extend_from_slice(&raw[at + 2..at + 2 + length]);
        raw = &raw[at + 2 + length + 2..];
        if length == 0 {
            break;
        }
    }
    out
}
