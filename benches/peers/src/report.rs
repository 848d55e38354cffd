//! The table.

use std::path::Path;

use serde_json::{Value, json};

use crate::{AUTHORS, ITEM_BYTES, Peer, Result, Round};

/// Writes the table and the rounds, and prints the table.
pub fn write(count: usize, rounds: usize, peers: &[Box<dyn Peer>], all: &[Round]) -> Result<()> {
    let mut names: Vec<&'static str> = vec![];
    for round in all {
        if !names.contains(&round.peer) {
            names.push(round.peer);
        }
    }
    let of = |name: &str, figure: fn(&Round) -> Option<f64>| -> Vec<f64> {
        let mut figures: Vec<f64> = all.iter().filter(|r| r.peer == name).filter_map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        figures
    };
    let middle = |figures: &[f64]| figures.get(figures.len() / 2).copied();
    let ours = middle(&of("studymesh", |r| Some(r.seconds)));
    let shown = |figure: Option<f64>, digits: usize| figure.map_or("".to_owned(), |f| format!("{f:.digits$}"));
    let mut table = format!(
        "# A cold join of {count} items\n\nItems of {ITEM_BYTES} bytes by {AUTHORS} authors, loopback, {rounds} rounds, all peers in turn. Medians.\n\n\
         | peer | seconds | from | to | times studymesh | processor, s | wire, B an item | disk, B an item |\n|---|---|---|---|---|---|---|---|\n"
    );
    let mut rows: Vec<Value> = vec![];
    for name in &names {
        let seconds = of(name, |r| Some(r.seconds));
        let (cpu, wire, disk) = (of(name, |r| r.cpu), of(name, |r| r.wire), of(name, |r| r.disk));
        let ratio = middle(&seconds).zip(ours).map(|(theirs, ours)| theirs / ours);
        table.push_str(&format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} |\n",
            shown(middle(&seconds), 3),
            shown(seconds.first().copied(), 3),
            shown(seconds.last().copied(), 3),
            shown(ratio, 2),
            shown(middle(&cpu), 2),
            shown(middle(&wire), 0),
            shown(middle(&disk), 0),
        ));
        rows.push(json!({
            "peer": name, "seconds": middle(&seconds), "seconds_of_each": seconds, "times_studymesh": ratio,
            "cpu_seconds": middle(&cpu), "wire_bytes_per_item": middle(&wire), "disk_bytes_per_item": middle(&disk),
        }));
    }
    table.push_str("\nWhat is not alike:\n\n");
    let mut versions = vec![];
    for peer in peers {
        let version = peer.version()?;
        table.push_str(&format!("- {} ({version}): {}.\n", peer.name(), peer.note()));
        versions.push(json!({ "peer": peer.name(), "version": version, "note": peer.note() }));
    }
    if !crate::syncthing::is_installed() {
        table.push_str("- syncthing: not installed here, and left out.\n");
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("report");
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join(format!("{count}.md")), &table)?;
    let whole = json!({ "v": 1, "items": count, "rounds": rounds, "peers": rows, "versions": versions });
    std::fs::write(dir.join(format!("{count}.json")), format!("{whole}\n"))?;
    println!("{table}");
    Ok(())
}
