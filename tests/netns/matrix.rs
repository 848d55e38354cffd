//! The matrix of access kinds: who meets whom, and how.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cell::{Cell, Measured};
use crate::gate::{self, Gate};
use crate::meeting::Transport;
use crate::nat::Kind;
use crate::report;

/// Cells at a time. Most of a cell is waiting; still, figures of cells that ran side by side on a busy machine are upper
/// bounds. `STUDYMESH_NETNS_JOBS` changes it.
const JOBS: usize = 2;
/// Percent of packets that are lost in the row with losses.
const LOSS: u8 = 5;

#[test]
fn every_pair_of_access_kinds_meets_over_tcp_directly_where_it_can() {
    if let Some(gate) = gate::open("the matrix over TCP") {
        matrix(&gate, Transport::Tcp);
    }
}

#[test]
fn every_pair_of_access_kinds_meets_over_quic_directly_where_it_can() {
    if let Some(gate) = gate::open("the matrix over QUIC") {
        matrix(&gate, Transport::Quic);
    }
}

#[test]
fn members_who_lose_five_packets_in_a_hundred_meet_all_the_same() {
    let Some(gate) = gate::open("the row with 5% loss") else { return };
    let joiners = if gate.full() { Kind::MATRIX.to_vec() } else { vec![Kind::Open, Kind::Eim] };
    let mut all = vec![];
    for transport in Transport::BOTH {
        let cells = joiners.iter().map(|joiner| Cell { transport, inviter: Kind::Eim, joiner: *joiner, loss: LOSS });
        let measured = run(&gate, cells.collect());
        let title = format!("{}, {LOSS}% loss", transport.as_str());
        publish(&format!("loss-{}", transport.as_str()), &title, &measured);
        all.extend(measured);
    }
    judge(&all);
}

#[test]
fn further_kinds_of_access_that_the_matrix_leaves_out() {
    let Some(gate) = gate::open("further kinds") else { return };
    if !gate.full() {
        gate::say("SKIPPED LOUDLY: further kinds: only in the full selection");
        return;
    }
    let mut all = vec![];
    for transport in Transport::BOTH {
        use Kind::{Apdm, Cone, Double, Eim, Open, OutboundOnly};
        let pairs = [
            (OutboundOnly, Open),
            (Open, OutboundOnly),
            (OutboundOnly, Eim),
            (OutboundOnly, OutboundOnly),
            (Cone, Cone),
            (Cone, Apdm),
            (Apdm, Cone),
            (Cone, Double),
        ];
        let cells = pairs.map(|(inviter, joiner)| Cell { transport, inviter, joiner, loss: 0 });
        let measured = run(&gate, cells.to_vec());
        publish(&format!("further-{}", transport.as_str()), transport.as_str(), &measured);
        all.extend(measured);
    }
    judge(&all);
}

fn matrix(gate: &Gate, transport: Transport) {
    let mut cells = vec![];
    for inviter in Kind::MATRIX {
        for joiner in Kind::MATRIX {
            let short = inviter == joiner || inviter == Kind::RelayOnly;
            if gate.full() || short {
                cells.push(Cell { transport, inviter, joiner, loss: 0 });
            }
        }
    }
    let measured = run(gate, cells);
    publish(&format!("matrix-{}", transport.as_str()), transport.as_str(), &measured);
    judge(&measured);
}

fn publish(name: &str, title: &str, measured: &[Measured]) {
    let lines: Vec<String> = measured.iter().map(|m| m.json().to_string()).collect();
    report::publish(&format!("{name}.jsonl"), &lines.join("\n"));
    report::publish(&format!("{name}.md"), &report::table(title, measured));
}

#[track_caller]
fn judge(measured: &[Measured]) {
    let faults: Vec<String> = measured.iter().flat_map(Measured::faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Measures cells, a few at a time, and gives them back in their order.
fn run(gate: &Gate, cells: Vec<Cell>) -> Vec<Measured> {
    let cells: Vec<Cell> = cells.into_iter().filter(wanted).collect();
    let jobs = std::env::var("STUDYMESH_NETNS_JOBS").ok().and_then(|j| j.parse().ok()).unwrap_or(JOBS).max(1);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![]));
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cells.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(at) else { break };
                    let measured = cell.measure(gate.features);
                    gate::say(&format!("{}/{} {}", at + 1, cells.len(), measured.json()));
                    done.lock().unwrap().push((at, measured));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, measured)| measured).collect()
}

/// `STUDYMESH_NETNS_CELLS=eim/eim,open/apdm` leaves everything else out.
fn wanted(cell: &Cell) -> bool {
    let given = std::env::var("STUDYMESH_NETNS_CELLS").unwrap_or_default();
    let name = |(a, b): (Kind, Kind)| format!("{}/{}", a.as_str(), b.as_str());
    let this = name((cell.inviter, cell.joiner));
    given.is_empty() || given.split(',').any(|g| this == g)
}
