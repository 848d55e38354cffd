//! The layers keep their direction, and files keep their size.

use std::path::{Path, PathBuf};

/// What each layer's sources may name of the crate. The pure ones name nothing with IO.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("log", &["model", "log"]),
    ("sync", &["model", "log", "sync"]),
    ("gossip", &["model", "log", "gossip"]),
    ("membership", &["model", "log", "membership"]),
    ("engine", &["model", "log", "membership", "sync", "gossip", "engine"]),
    ("sim", &["model", "log", "membership", "sync", "gossip", "engine", "sim"]),
    ("device", &["model", "log", "sync", "engine", "device"]),
    ("store", &["model", "log", "sync", "engine", "store"]),
    ("net", &["net"]),
    ("roadmap_file", &["model", "roadmap_file"]),
    ("vault", &["log", "vault"]),
    ("web", &["model", "api", "config", "node", "web"]),
    ("cli", &["model", "api", "config", "node", "web", "cli", "roadmap_file", "vault"]),
];
const PURE: &[&str] = &["model", "log", "membership", "sync", "gossip", "engine", "device", "sim"];
const IMPURE_NAMES: &[&str] = &[
    "tokio",
    "libp2p",
    "rusqlite",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "SystemTime",
    "Instant::now",
    "getrandom",
    "HashMap",
    "std::env",
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The source without its tests, comments and texts.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    // Every second piece between quotation marks is a text.
    let unquoted = |line: &str| line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    text.lines().map(|l| unquoted(l).split("//").next().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn imports_follow_the_arrows_of_the_architecture() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = vec![];
    for (layer, allowed) in MAY_USE {
        let mut files = vec![];
        sources(&src.join(layer), &mut files);
        assert!(!files.is_empty(), "{layer} has sources");
        for file in files {
            if file.ends_with("tests.rs") || file.iter().any(|part| part == "tests") {
                continue;
            }
            let code = code(&file);
            for (at, _) in code.match_indices("crate::") {
                let name: String = code[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} names crate::{name}", file.display()));
                }
            }
            for name in IMPURE_NAMES.iter().filter(|n| PURE.contains(layer) && code.contains(**n)) {
                wrong.push(format!("{} names {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_grows_beyond_five_hundred_lines_before_its_tests() {
    let mut files = vec![];
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let long: Vec<_> = files
        .iter()
        .map(|f| {
            let text = std::fs::read_to_string(f).unwrap();
            (f, text.lines().take_while(|l| !l.starts_with("#[cfg(test)]")).count())
        })
        .filter(|(f, lines)| *lines > 500 && !f.ends_with("tests.rs") && !f.iter().any(|part| part == "tests"))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
