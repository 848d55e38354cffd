//! Clocks that are wrong, and one that jumps while the node runs (libfaketime).

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::gate;
use crate::lab::{Host, Lab};
use crate::meeting::{self, Meeting, Transport};
use crate::nat::Kind;
use crate::node::{Home, Node};
use crate::report;
use crate::wait::{PATIENCE, eventually};

/// The clocks of honest nodes in this test may differ by this much, milliseconds: the test's own duration.
const ABOUT_NOW: u64 = 30 * 60_000;
const YEAR: u64 = 365 * 24 * 3_600_000;

/// A node whose wall clock this test sets.
struct Skewed {
    home: Home,
    /// Says the offset to libfaketime.
    file: PathBuf,
    _dir: tempfile::TempDir,
    node: Option<Node>,
}

#[test]
fn clocks_that_are_years_off_or_jump_stop_nobody_and_are_shown_as_doubtful() {
    let Some(gate) = gate::open("clocks") else { return };
    let Some(library) = library() else {
        gate::say("SKIPPED LOUDLY: clocks: there is no libfaketime (package libfaketime)");
        return;
    };
    let lab = Lab::new("clock");
    let meeting = Meeting::up(&lab, gate.features);
    let options = |kind| meeting.member(kind, Transport::Tcp);
    let ada = Home::new("Ada", &lab.place("a", Kind::Open));
    let _ada_node = meeting::start(&ada, &options(Kind::Open));
    ada.json(&["group", "create", "clocks", "--open"]);
    let ticket = ada.json(&["invite"])["ticket"].as_str().unwrap().to_owned();

    let mut ahead = Skewed::new("Ten years ahead", &lab.place("b", Kind::Open), "+10y");
    let mut behind = Skewed::new("A year behind", &lab.place("c", Kind::Eim), "-1y");
    let mut jumping = Skewed::new("Jumping", &lab.place("d", Kind::Eim), "+0");
    for (skewed, kind) in [(&mut ahead, Kind::Open), (&mut behind, Kind::Eim), (&mut jumping, Kind::Eim)] {
        skewed.up(&library, &options(kind));
        skewed.home.json(&["join", &ticket, "--wait", "120"]);
    }
    ahead.home.note("from ahead", "x");
    behind.home.note("from behind", "y");
    jumping.home.note("before the jump", "z");
    let all = [&ada, &ahead.home, &behind.home, &jumping.home];
    converge(&all, 3);

    jumping.set("+10y");
    eventually("the jumping node's clock has jumped", PATIENCE, || {
        jumping.home.note("at the jump", "");
        let latest = updated(&jumping.home, "at the jump")?;
        (latest > updated(&ada, "before the jump")? + 9 * YEAR).then_some(())
    });
    ada.note("during the jump", "");
    converge(&all, 5);
    jumping.set("-1y");
    ada.note("after the second jump", "");
    jumping.home.note("back from the future", "");
    converge(&all, 7);

    let now = updated(&ada, "during the jump").unwrap();
    assert_eq!(doubt(&ada, "from ahead"), Some(true), "ten years ahead is doubtful to those who are not");
    assert_eq!(doubt(&ada, "at the jump"), Some(true));
    assert_eq!(doubt(&ada, "from behind"), Some(false));
    assert!(updated(&ada, "from behind").unwrap() + 300 * 24 * 3_600_000 < now);
    ada.note("honest", "");
    let honest = updated(&ada, "honest").unwrap();
    assert!(honest.abs_diff(now) < ABOUT_NOW, "nobody's future has moved Ada's clock: {now} then {honest}");
    converge(&all, 8);
    assert!(
        ahead.home.findings("clock").iter().any(|f| f["ok"] == false),
        "doctor sees a clock that is ten years ahead"
    );
    for skewed in [&mut ahead, &mut behind, &mut jumping] {
        assert!(skewed.node.as_mut().is_some_and(Node::is_running));
        report::line(
            &format!("clock-{}", skewed.home.name.to_lowercase().replace(' ', "-")),
            &serde_json::json!({ "v": 1, "what": "clock", "node": skewed.home.name, "doctor": skewed.home.findings("clock") }),
        );
    }
}

impl Skewed {
    fn new(name: &str, host: &Host, offset: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let skewed = Self { home: Home::new(name, host), file: dir.path().join("offset"), _dir: dir, node: None };
        skewed.set(offset);
        skewed
    }

    fn set(&self, offset: &str) {
        // In one step, so that nobody reads half of it.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{offset}\n")).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    #[track_caller]
    fn up(&mut self, library: &str, args: &[String]) {
        let environment = [
            format!("LD_PRELOAD={library}"),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.file.display()),
            "FAKETIME_CACHE_DURATION=1".to_owned(),
            // Timers run on the monotonic clock, which no change of the date touches.
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "DONT_FAKE_MONOTONIC=1".to_owned(),
        ];
        self.node = Some(self.home.up_with(&environment, &args.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}

/// The preloaded library for programs with threads.
fn library() -> Option<String> {
    let machine = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    let known = [machine.as_str(), "/usr/lib64/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1"];
    known.into_iter().find(|path| std::path::Path::new(path).exists()).map(str::to_owned)
}

/// Waits until all hold the same, with at least so many notes of different titles.
#[track_caller]
fn converge(homes: &[&Home], titles: usize) {
    eventually(&format!("all agree on {titles} titles"), Duration::from_secs(240), || {
        let digests: Vec<Value> = homes.iter().filter_map(|h| h.digest()).collect();
        let equal = digests.len() == homes.len() && digests.windows(2).all(|w| w[0] == w[1]);
        let mut seen: Vec<String> = notes(homes[0]).iter().map(|n| n["title"].to_string()).collect();
        seen.sort();
        seen.dedup();
        (equal && seen.len() >= titles).then_some(())
    });
}

fn notes(home: &Home) -> Vec<Value> {
    home.ask(&["note", "list"]).and_then(|l| l["items"].as_array().cloned()).unwrap_or_default()
}

/// The latest time at which a note of this title was written.
fn updated(home: &Home, title: &str) -> Option<u64> {
    notes(home).iter().filter(|n| n["title"] == title).filter_map(|n| n["updated_ms"].as_u64()).max()
}

fn doubt(home: &Home, title: &str) -> Option<bool> {
    let of_title = notes(home).into_iter().filter(|n| n["title"] == title);
    of_title.max_by_key(|n| n["updated_ms"].as_u64())?["doubtful_time"].as_bool()
}
