//! An address that changes, and a lid that is closed, in the middle of a big sync.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::gate::{self, Gate};
use crate::lab::Lab;
use crate::maker;
use crate::meeting::{self, Meeting, Transport};
use crate::nat::{self, Kind};
use crate::node::{Home, Node};
use crate::report;
use crate::wait::{PATIENCE, Since, eventually};

/// Entries of the group.
const ENTRIES: u64 = 10_000;
/// What the joining member writes by itself: whose its log is, and its name.
const OF_THE_JOINER: u64 = 2;
/// The middle of a sync begins here.
const MIDDLE: u64 = 1_500;
/// KiB a second that the joining member receives, so that there is a middle whatever the machine.
const SLOW_KIB: u32 = 1_024;
/// How long the rest may take.
const REST: Duration = Duration::from_secs(600);
/// How long the lid is closed: longer than it takes the others to notice.
const ASLEEP: Duration = Duration::from_secs(90);

/// What happens in the middle.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// The joining member's interface goes down and comes up with another address behind the same router.
    NewLease,
    /// It leaves one router and appears behind another: from the home network to a phone's hotspot.
    NewRouter,
    /// The member who gives gets another public address.
    SourceMoves,
    /// The joining member's process stops for a while.
    Sleep,
}

/// The two of them with everything around.
struct Pair {
    lab: Lab,
    meeting: Meeting,
    source: Home,
    joiner: Home,
    source_node: Node,
    joiner_node: Node,
    total: u64,
}

#[test]
fn an_address_that_changes_in_the_middle_of_ten_thousand_entries_loses_and_doubles_nothing() {
    let Some(gate) = gate::open("roaming") else { return };
    roam(&gate, Transport::Tcp, Change::NewLease);
    roam(&gate, Transport::Quic, Change::NewRouter);
    if gate.full() {
        roam(&gate, Transport::Quic, Change::NewLease);
        roam(&gate, Transport::Tcp, Change::NewRouter);
        roam(&gate, Transport::Tcp, Change::SourceMoves);
        roam(&gate, Transport::Quic, Change::SourceMoves);
    }
}

#[test]
fn a_lid_that_is_closed_in_the_middle_of_ten_thousand_entries_loses_and_doubles_nothing() {
    let Some(gate) = gate::open("sleep") else { return };
    roam(&gate, Transport::Tcp, Change::Sleep);
    if gate.full() {
        roam(&gate, Transport::Quic, Change::Sleep);
    }
}

fn roam(gate: &Gate, transport: Transport, change: Change) {
    let name = format!("roaming-{}-{change:?}", transport.as_str()).to_lowercase();
    let pair = pair(gate, &name, transport);
    let ticket = pair.source.json(&["invite"])["ticket"].as_str().unwrap().to_owned();
    let since = Since::now();
    let join = pair.joiner.start(&["join", &ticket, "--wait", "600"]);
    eventually("the sync is in its middle", PATIENCE, || (held(&pair.joiner) >= MIDDLE).then_some(()));
    let at = since.seconds();
    let rest = change.happen(&pair);
    let before = held(&pair.joiner);
    assert!(before < pair.total, "{name}: all {before} entries were here before anything changed");

    pair.joiner.host.forget_rules("slow");
    let expected = pair.total + OF_THE_JOINER;
    let mut course = vec![];
    let equal = || {
        let paths: Vec<Value> = pair.joiner.peers().iter().map(|p| json!([p["path"], p["transport"]])).collect();
        course.push(json!([round(rest.seconds()), held(&pair.joiner), paths]).to_string());
        let digest = pair.joiner.digest()?;
        (digest["entries"].as_u64()? >= expected && pair.source.digest()? == digest).then_some(())
    };
    eventually(&format!("{name}: all {} entries are here", pair.total), REST, equal);
    let (whole, after) = (since.seconds(), rest.seconds());
    let (status, said) = join.end();
    assert_eq!(pair.joiner.entries(), expected, "{name}: not one more, not one less");
    let check = pair.joiner.json(&["db", "check"]);
    assert_eq!(check["ok"], true, "{name}: {check}");
    let list = pair.joiner.json(&["sync", "wait", "--timeout", "60"]);
    assert_eq!(list["complete"], true, "{name}: {list}");
    report::line(
        &name,
        &json!({
            "v": 1, "what": name, "entries": pair.total, "held_then": before, "changed_s": round(at),
            "whole_s": round(whole), "whole_after_change_s": round(after), "join_status": status, "joined": said.trim(),
            "loses_the_meeting_point": pair.meeting.node.is_none(),
        }),
    );
    report::keep(&format!("{name}-course.jsonl"), &course.join("\n"));
    report::keep(&format!("{name}-joiner.log"), &pair.joiner.log());
    report::keep(&format!("{name}-source.log"), &pair.source.log());
    drop((pair.source_node, pair.joiner_node));
}

/// A source with a public address and a big group, and a member behind a router who is to join slowly.
fn pair(gate: &Gate, name: &str, transport: Transport) -> Pair {
    let lab = Lab::new(name);
    let meeting = Meeting::up(&lab, gate.features);
    let source = Home::new("Source", &lab.place("s", Kind::Open));
    let home = lab.site("home", Kind::Eim);
    let joiner = Home::new("Joiner", &lab.host_at("j", &home));
    joiner.host.rules(&nat::throttle(SLOW_KIB));
    let total = maker::make_group(&source, ENTRIES);
    assert!(total >= ENTRIES, "{total}");
    let source_node = meeting::start(&source, &meeting.member(Kind::Open, transport));
    let joiner_node = meeting::start(&joiner, &meeting.member(Kind::Eim, transport));
    Pair { lab, meeting, source, joiner, source_node, joiner_node, total }
}

impl Change {
    /// Lets it happen; returns since when everything works again.
    fn happen(self, pair: &Pair) -> Since {
        match self {
            Self::NewLease => {
                pair.joiner.host.unplug("eth0");
                pair.joiner.host.plug_in_as("eth0", Ipv4Addr::new(192, 168, 1, 77), 24, "192.168.1.1");
            }
            Self::NewRouter => {
                pair.joiner.host.unplug("eth0");
                let hotspot = pair.lab.site("hotspot", Kind::Apdm);
                pair.lab.plug_in(&pair.joiner.host, "eth1", &hotspot);
            }
            Self::SourceMoves => {
                pair.source.host.unplug("eth0");
                pair.source.host.plug_in_as("eth0", Ipv4Addr::new(5, 9, 200, 200), 16, "5.9.0.1");
            }
            Self::Sleep => {
                pair.joiner_node.freeze();
                // The sleep itself is what is tested; nothing is expected to happen in it.
                std::thread::sleep(ASLEEP);
                pair.joiner_node.thaw();
            }
        }
        Since::now()
    }
}

fn held(home: &Home) -> u64 {
    let status = home.ask(&["sync", "status"]);
    status.as_ref().and_then(|s| s["held"].as_u64()).unwrap_or(0)
}

fn round(seconds: f64) -> Value {
    json!((seconds * 10.0).round() / 10.0)
}
