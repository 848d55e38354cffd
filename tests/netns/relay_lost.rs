//! A relay with default limits carries a group of ten; then it is gone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gate;
use crate::lab::Lab;
use crate::maker;
use crate::meeting::{self, Meeting, Transport};
use crate::nat::Kind;
use crate::node::{Home, Node};
use crate::report;
use crate::wait::{Since, eventually, within};

/// How long the relay may take to carry everything to everybody: a circuit ends after 128 KiB, and a relay with default
/// limits gives a peer 30 of them in two minutes.
const CARRY: Duration = Duration::from_secs(45 * 60);
/// How long the members may take to notice that the relay is gone, and to find another way.
const NOTICE: Duration = Duration::from_secs(240);

/// The group: three who can go direct to each other, and seven who partly can not. Nobody has a public address, so that
/// no member can stand in for the relay.
const KINDS: [Kind; 10] = [
    Kind::Eim,
    Kind::Eim,
    Kind::Eim,
    Kind::Double,
    Kind::Apdm,
    Kind::Apdm,
    Kind::Apdm,
    Kind::RelayOnly,
    Kind::RelayOnly,
    Kind::RelayOnly,
];
/// The short selection has one of each.
const FEW: [Kind; 4] = [Kind::Eim, Kind::Eim, Kind::Apdm, Kind::RelayOnly];

#[test]
fn a_relay_with_default_limits_carries_a_group_and_is_missed_truthfully_when_it_is_gone() {
    let Some(gate) = gate::open_with_relay("a group of ten over one relay") else { return };
    let (kinds, entries) = if gate.full() { (&KINDS[..], 10_000) } else { (&FEW[..], 500) };
    let lab = Lab::new("relay");
    let mut meeting = Meeting::up(&lab, gate.features);
    let homes: Vec<Home> = kinds
        .iter()
        .enumerate()
        .map(|(n, kind)| Home::new(&format!("{} {n}", kind.as_str()), &lab.place(&format!("m{n}"), *kind)))
        .collect();
    let total = maker::make_group(&homes[0], entries);
    let start = |(home, kind): (&Home, &Kind)| meeting::start(home, &meeting.member(*kind, Transport::Tcp));
    let nodes: Vec<Node> = homes.iter().zip(kinds).map(start).collect();
    eventually("the source has a reservation", NOTICE, || {
        let status = homes[0].ask(&["status"])?;
        status["external"].as_array()?.iter().any(|a| a.as_str().unwrap().contains("p2p-circuit")).then_some(())
    });
    let ticket = homes[0].json(&["invite"])["ticket"].as_str().unwrap().to_owned();

    let since = Since::now();
    let joins: Vec<_> = homes[1..].iter().map(|h| h.start(&["join", &ticket, "--wait", "5"])).collect();
    joins.into_iter().for_each(|join| drop(join.end()));
    let carried = carry(&homes, since);
    let late: Vec<&str> =
        homes.iter().zip(&carried).filter(|(_, s)| s.is_none()).map(|(h, _)| h.name.as_str()).collect();
    let relay = meeting.node.as_ref().expect("not gone yet");
    let (memory, cpu) = (relay.memory(), relay.cpu_seconds());
    let paths: Vec<Value> = homes.iter().map(paths).collect();
    assert!(late.is_empty(), "not everything has come to {late:?} of {total} entries: {carried:?}");
    for home in &homes {
        assert_eq!(home.json(&["db", "check"])["ok"], true, "{}", home.name);
    }

    meeting.node.take().expect("not gone yet").kill();
    homes[0].note("after the relay", "who hears this?");
    let wanted = homes[0].digest().unwrap();
    let ends: Vec<&str> = homes.iter().map(|home| fate(home, &wanted)).collect();
    report::line(
        "relay-lost",
        &json!({
            "v": 1, "what": "relay", "entries": total, "carried_s": carried, "relay_rss_kib": memory.1, "relay_cpu_s": cpu,
            "members": homes.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), "paths": paths, "after": ends,
        }),
    );
    for home in &homes {
        report::keep(&format!("relay-{}.log", home.name.replace(' ', "-")), &home.log());
    }
    drop(nodes);
    for ((home, kind), end) in homes.iter().zip(kinds).zip(&ends) {
        assert_ne!(*end, "untruthful", "{} neither has the note nor says that it is alone", home.name);
        // The source and those like it go on without the relay: their mappings can be met directly.
        assert!(*kind != Kind::Eim || *end == "has it", "{} found no other way: {ends:?}", home.name);
    }
}

/// Waits until everybody holds everything: seconds until each of them did.
fn carry(homes: &[Home], since: Since) -> Vec<Option<f64>> {
    let wanted = homes[0].digest().unwrap();
    let mut seen = vec![None; homes.len()];
    seen[0] = Some(0.0);
    within(CARRY, || {
        for (home, seen) in homes.iter().zip(&mut seen).filter(|(_, seen)| seen.is_none()) {
            // Members write as they join, so entries of their own come on top of the source's.
            if home.entries() >= wanted["entries"].as_u64().unwrap() && equal(home, &homes[0]) {
                *seen = Some((since.seconds() * 10.0).round() / 10.0);
            }
        }
        seen.iter().all(Option::is_some).then_some(())
    });
    seen
}

fn equal(a: &Home, b: &Home) -> bool {
    a.digest().is_some_and(|d| b.digest().as_ref() == Some(&d))
}

/// How the member's connections go.
fn paths(home: &Home) -> Value {
    let peers = home.peers();
    let count = |path: &str| peers.iter().filter(|p| p["path"] == path && !p["member"].is_null()).count();
    json!({ "direct": count("direct"), "relayed": count("relayed") })
}

/// What becomes of a member without the relay: it has the newest entry, or it says that it is cut off.
fn fate(home: &Home, wanted: &Value) -> &'static str {
    let end = within(NOTICE, || {
        if home.entries() >= wanted["entries"].as_u64().unwrap() {
            return Some("has it");
        }
        let alone = home.peers().iter().all(|p| p["member"].is_null());
        let warned = home.findings("members").iter().any(|f| f["ok"] == false);
        let wait = home.run(&["sync", "wait", "--timeout", "2"]);
        (alone && warned && !wait.status.success()).then_some("says that it is alone")
    });
    end.unwrap_or_else(|| {
        // It has company that is cut off as well: also true, if none of them is said to be more than that.
        let peers = home.peers();
        let some = peers.iter().any(|p| p["path"] == "direct" && !p["member"].is_null());
        if some { "has company that lacks it too" } else { "untruthful" }
    })
}
