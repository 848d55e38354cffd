//! The documents are true: what they say that commands print is what they print.
//!
//! The `console` blocks of a document are one session of a shell. A line that begins with `$ ` is run, the lines after it
//! are what it prints; `…` stands for anything on a line, a line of `…` alone for any lines. Every command must
//! succeed. Nodes listen on loopback only and look for nobody.

use std::path::Path;
use std::process::{Command, Stdio};

const LISTEN: &str = "/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/udp/0/quic-v1";

struct Step {
    line: usize,
    command: String,
    expected: Vec<String>,
}

fn steps(document: &str) -> Vec<Step> {
    let (mut steps, mut inside) = (Vec::<Step>::new(), false);
    for (at, line) in document.lines().enumerate() {
        match (inside, line.trim_end()) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, text) => match (text.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { line: at + 1, command: command.into(), expected: vec![] }),
                (None, Some(step)) => step.expected.push(text.into()),
                (None, None) => panic!("line {}: output before any command", at + 1),
            },
            (false, _) => {}
        }
    }
    assert!(!inside, "a console block never ends");
    steps
}

/// Whether a printed line is the expected one.
fn fits(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn all_fit(expected: &[String], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "…" => (0..=printed.len()).any(|skip| all_fit(rest, &printed[skip..])),
        Some((line, rest)) => printed.split_first().is_some_and(|(p, after)| fits(line, p) && all_fit(rest, after)),
    }
}

fn run(document: &Path, lang: &str) {
    let steps = steps(&std::fs::read_to_string(document).unwrap());
    assert!(steps.len() >= 8, "{} has a session to run", document.display());
    let home = tempfile::tempdir().unwrap();
    let mut script =
        String::from("trap 'for h in \"$HOME\"/*/; do studymesh --home \"$h\" stop >/dev/null 2>&1; done' EXIT\n");
    for (n, step) in steps.iter().enumerate() {
        script += &format!("{{ {}\n}} 2>&1; printf '\\n@@ {n} %s\\n' $?\n", step.command);
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_studymesh")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(home.path())
        .env_clear()
        .envs([("PATH", path.as_str()), ("LANG", lang), ("STUDYMESH_MDNS", "0"), ("STUDYMESH_LISTEN", LISTEN)])
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rest = text.as_ref();
    for (n, step) in steps.iter().enumerate() {
        let mark = format!("\n@@ {n} ");
        let place = format!("{}:{} $ {}", document.display(), step.line, step.command);
        let (printed, after) = rest.split_once(&mark).unwrap_or_else(|| panic!("{place}\ndid not end: {rest}"));
        let (status, after) = after.split_once('\n').unwrap();
        rest = after;
        assert_eq!(status, "0", "{place}\nfailed: {printed}");
        let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
        assert!(
            all_fit(&step.expected, &printed),
            "{place}\nprinted:\n{}\nexpected:\n{}",
            printed.join("\n"),
            step.expected.join("\n")
        );
    }
}

#[test]
fn the_first_five_minutes_of_the_readme_go_exactly_as_printed() {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), "C.UTF-8");
}

#[test]
fn the_first_five_minutes_of_the_chinese_readme_go_exactly_as_printed() {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.zh-CN.md"), "zh_CN.UTF-8");
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    assert!(fits("a … c …", "a b c d") && fits("same", "same") && fits("…", ""));
    assert!(!fits("a … c", "a b") && !fits("same", "same ") && !fits("a … b … a", "a b"));
    let lines = |l: &[&str]| l.iter().map(|s| (*s).to_string()).collect::<Vec<_>>();
    assert!(all_fit(&lines(&["a", "…", "z"]), &["a", "b", "c", "z"]) && all_fit(&lines(&["…"]), &[]));
    assert!(!all_fit(&lines(&["a"]), &["a", "b"]) && !all_fit(&lines(&["…", "z"]), &["a"]));
}
