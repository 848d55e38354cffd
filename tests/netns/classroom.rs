//! A class behind one NAT, everybody with the default settings.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gate;
use crate::lab::Lab;
use crate::meeting::{self, Meeting, Transport};
use crate::nat::Kind;
use crate::node::{Home, Node};
use crate::report;
use crate::wait::{Since, eventually};

/// How long the class may take to agree.
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn a_class_behind_one_nat_forms_one_healthy_group_with_the_default_settings() {
    let Some(gate) = gate::open("a class behind one NAT") else { return };
    let size = if gate.full() { 30 } else { 12 };
    let lab = Lab::new("class");
    let meeting = Meeting::up(&lab, gate.features);
    let site = lab.site("school", Kind::Eim);
    let homes: Vec<Home> =
        (0..size).map(|n| Home::new(&format!("Pupil {n}"), &lab.host_at(&format!("p{n}"), &site))).collect();
    let options = meeting.defaults(Kind::Eim, Transport::Tcp);
    let nodes: Vec<Node> = homes.iter().map(|home| meeting::start(home, &options)).collect();

    homes[0].json(&["group", "create", "class", "--open"]);
    let ticket = homes[0].json(&["invite"])["ticket"].as_str().unwrap().to_owned();
    let since = Since::now();
    let joins: Vec<_> = homes[1..].iter().map(|home| home.start(&["join", &ticket, "--wait", "240"])).collect();
    for (join, home) in joins.into_iter().zip(&homes[1..]) {
        let (status, said) = join.end();
        assert_eq!(status, Some(0), "{}: {said}", home.name);
    }
    let joined = since.seconds();
    // Everybody's log has three entries with the first note; the founder's has the group's first one as well.
    homes.iter().for_each(|home| home.note(&format!("from {}", home.name), "good morning"));
    let agreed = agree(&homes, size);
    let all = since.seconds();

    // The last word of one reaches everybody.
    let since = Since::now();
    homes[size - 1].note("the last word", "");
    agree(&homes, size + 1);
    let spread = since.seconds();
    for home in &homes {
        let sync = home.json(&["sync", "wait", "--timeout", "60"]);
        assert_eq!(sync["complete"], true, "{}: {sync}", home.name);
    }
    let met: Vec<usize> = homes.iter().map(members).collect();
    let direct: usize = homes.iter().flat_map(Home::peers).filter(|p| p["path"] == "direct").count();
    let relayed: usize = homes.iter().flat_map(Home::peers).filter(|p| p["path"] == "relayed").count();
    let memory: Vec<(u64, u64)> = nodes.iter().map(Node::memory).collect();
    let cpu: f64 = nodes.iter().map(Node::cpu_seconds).sum();
    report::line(
        "classroom",
        &json!({
            "v": 1, "what": "classroom", "nodes": size, "joined_s": tenths(joined), "notes_everywhere_s": tenths(all),
            "one_more_note_s": tenths(spread), "entries": agreed["entries"],
            "connected_members_least": met.iter().min(), "connected_members_most": met.iter().max(),
            "connections_direct": direct, "connections_relayed": relayed,
            "rss_kib_mean": memory.iter().map(|m| m.0).sum::<u64>() / size as u64,
            "rss_kib_most": memory.iter().map(|m| m.1).max(), "cpu_s_mean": tenths(cpu / size as f64),
        }),
    );
    assert!(met.iter().all(|members| *members >= 1), "somebody is connected to nobody: {met:?}");
}

/// Waits until all hold the same, with so many notes.
#[track_caller]
fn agree(homes: &[Home], notes: usize) -> Value {
    eventually(&format!("{} nodes agree on {notes} notes", homes.len()), LIMIT, || {
        let list = homes[0].ask(&["note", "list"])?;
        if list["items"].as_array()?.len() < notes {
            return None;
        }
        let wanted = homes[0].digest()?;
        homes[1..].iter().all(|home| home.digest().as_ref() == Some(&wanted)).then_some(wanted)
    })
}

/// How many connected peers are members.
fn members(home: &Home) -> usize {
    home.peers().iter().filter(|p| !p["member"].is_null()).count()
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
