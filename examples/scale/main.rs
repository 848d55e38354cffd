//! Groups far larger than one machine can run: by simulation. `docs/scale.md` says what the figures mean.
//!
//! ```text
//! cargo run --release --no-default-features --example scale
//! cargo run --release --no-default-features --example scale -- --only crowd --nodes 100,1000,10000
//! ```
//!
//! `crowd`: one group of many nodes, with the model of `sim::overlay`; the sizes of its messages are taken from real ones first.
//! `class`: whole engines, 300 of which join within a minute, in an open group and in a closed one (about ten minutes). `groups`: two
//! whole engines with many groups each, which agree, for an hour in which nothing happens. A node takes part in at most 64; to see
//! how the cost grows, more are put into its store (`--groups 1000` takes an hour).
#![expect(clippy::disallowed_methods, reason = "measures how long an engine computes")]

mod groups;
mod sizes;

use std::error::Error;
use std::time::Instant;

use studymesh::sim::overlay::{self, Crowd, Spread};
use studymesh::sim::{self, Class};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A round trip between homes in one country, in milliseconds.
const ROUND_TRIP_MS: u64 = 60;
/// Members that a node looks for (`node::discovery`).
const LINKS: usize = 12;
/// The largest group that is simulated with evenly timed announcements too.
const MOST_EVEN: usize = 1_000;

fn main() -> Result<()> {
    let (mut only, mut nodes) = (String::new(), vec![5, 50, 500, 1_000, 5_000, 10_000]);
    let (mut joiners, mut groups) = (300, vec![16, 64, 256]);
    let (mut entries, mut seed) = (5, 1);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--only" => only = value()?,
            "--nodes" => nodes = value()?.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
            "--joiners" => joiners = value()?.parse()?,
            "--groups" => groups = value()?.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
            "--entries" => entries = value()?.parse()?,
            "--seed" => seed = value()?.parse()?,
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let sizes = sizes::measure()?;
    let mut parts = vec![format!("\"v\":1,\"seed\":{seed},\"sizes\":{}", sizes.to_json())];
    let wants = |part: &str| only.is_empty() || only.split(',').any(|p| p == part);
    if wants("crowd") {
        let mut all: Vec<String> = nodes.iter().map(|n| crowd(seed, *n, entries, &sizes, false)).collect();
        // With timers that fire evenly a crowd of thousands would take minutes to simulate, and the network as long.
        all.extend(nodes.iter().filter(|n| **n <= MOST_EVEN).map(|n| crowd(seed, *n, entries, &sizes, true)));
        parts.push(format!("\"crowd\":[\n{}]", all.join(",\n")));
    }
    if wants("class") {
        let all: Vec<String> =
            [false, true].into_iter().map(|closed| class(seed, joiners, closed)).collect::<Result<_>>()?;
        parts.push(format!("\"class\":[\n{}]", all.join(",\n")));
    }
    if wants("groups") {
        let all: Vec<String> = groups.into_iter().map(groups::measure).collect::<Result<_>>()?;
        parts.push(format!("\"groups\":[\n{}]", all.join(",\n")));
    }
    println!("{{{}}}", parts.join(",\n"));
    Ok(())
}

fn crowd(seed: u64, nodes: usize, entries: usize, sizes: &sizes::Sizes, even_timers: bool) -> String {
    let crowd = Crowd {
        nodes,
        links: LINKS,
        round_trip_ms: ROUND_TRIP_MS,
        store_ms: 3,
        even_timers,
        entries,
        spacing_ms: 30_000,
        entry_bytes: sizes.entry,
        heads_bytes: sizes.heads,
        compare_bytes: sizes.compare,
        compare_messages: sizes.compare_messages,
    };
    let began = Instant::now();
    let spread = overlay::spread(seed, crowd);
    let Spread { links, hops, round_trips, duplicates, announcements, heads_copies, .. } = spread;
    let [of_entries, heads, compare, control] = spread.bytes;
    format!(
        "{{\"nodes\":{nodes},\"even_timers\":{even_timers},\"links_mean\":{:.1},\"links_most\":{},\"hops_mean\":{:.2},\"hops_most\":{},\
         \"round_trips_half\":{:.2},\"round_trips_99\":{:.2},\"round_trips_all\":{:.2},\"duplicates\":{duplicates:.2},\
         \"announcements\":{announcements:.1},\"heads_copies\":{heads_copies:.1},\"comparisons\":{:.1},\"messages\":{:.1},\
         \"bytes_entries\":{of_entries:.0},\"bytes_heads\":{heads:.0},\"bytes_comparisons\":{compare:.0},\
         \"bytes_control\":{control:.0},\"busiest_bytes\":{:.0},\"busiest_messages\":{:.0},\"seconds\":{:.1}}}",
        links.0,
        links.1,
        hops.0,
        hops.1,
        round_trips.0,
        round_trips.1,
        round_trips.2,
        spread.comparisons,
        spread.messages,
        spread.busiest_bytes,
        spread.busiest_messages,
        began.elapsed().as_secs_f64()
    )
}

fn class(seed: u64, joiners: usize, closed: bool) -> Result<String> {
    let class = Class { joiners, within_ms: 60_000, entries: 1_000, closed, links: LINKS, delay_ms: ROUND_TRIP_MS };
    let began = Instant::now();
    let joined = sim::class(seed, class)?;
    let (half, most, all) = joined.caught_up_ms;
    Ok(format!(
        "{{\"closed\":{closed},\"joiners\":{joiners},\"entries\":{},\"caught_up_ms_half\":{half},\"caught_up_ms_99\":{most},\
         \"caught_up_ms_all\":{all},\"settled_ms\":{},\"messages\":{:.0},\"bytes\":{:.0},\"gossip_bytes\":{:.0},\
         \"busiest_messages\":{},\"busiest_bytes\":{},\"founder_bytes\":{},\"seconds\":{:.1}}}",
        joined.entries,
        joined.settled_ms,
        joined.messages,
        joined.bytes,
        joined.gossip_bytes,
        joined.busiest_messages,
        joined.busiest_bytes,
        joined.founder_bytes,
        began.elapsed().as_secs_f64()
    ))
}
