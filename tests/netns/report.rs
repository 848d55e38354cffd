//! Tables for people, JSON lines for programs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use crate::cell::Measured;
use crate::nat::{Kind, Theory};

/// Where tables, lines and logs go: below cargo's own directory for tests.
fn dir() -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("netns");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Keeps a file.
pub fn keep(name: &str, text: &str) {
    std::fs::write(dir().join(name), text).unwrap();
}

/// Prints lines on standard output, past the test harness, and keeps them.
pub fn publish(name: &str, text: &str) {
    keep(name, text);
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// One measurement that is no cell: a JSON line.
pub fn line(name: &str, value: &serde_json::Value) {
    publish(&format!("{name}.json"), &value.to_string());
}

/// A table with the inviting member's kind down and the joining one's across.
pub fn table(title: &str, cells: &[Measured]) -> String {
    let (mut rows, mut columns): (Vec<Kind>, Vec<Kind>) = (vec![], vec![]);
    for measured in cells {
        rows.push(measured.cell.inviter);
        columns.push(measured.cell.joiner);
    }
    for list in [&mut rows, &mut columns] {
        list.sort_unstable();
        list.dedup();
    }
    let mut text = format!("| {title} |");
    columns.iter().for_each(|kind| write!(text, " {} |", kind.as_str()).unwrap());
    text.push_str("\n|---|");
    columns.iter().for_each(|_| text.push_str("---|"));
    for row in rows {
        write!(text, "\n| **{}** |", row.as_str()).unwrap();
        for column in &columns {
            let found = cells.iter().find(|m| m.cell.inviter == row && m.cell.joiner == *column);
            write!(text, " {} |", found.map_or("not run".to_owned(), entry)).unwrap();
        }
    }
    text.push('\n');
    text
}

/// What stands in the table: the path at last, seconds to connected, to direct and to synchronised.
fn entry(measured: &Measured) -> String {
    let Some(connected) = measured.connected else {
        return match measured.synced {
            Some(synced) => format!("never seen connected, synchronised {synced:.1}"),
            None => "**not connected**".to_owned(),
        };
    };
    let mut text = match (measured.direct, measured.path.as_deref()) {
        (Some(direct), Some("direct")) if direct > connected + 0.05 => format!("direct: {connected:.1} → {direct:.1}"),
        (Some(_), Some("direct")) => format!("direct: {connected:.1}"),
        (Some(direct), _) => format!("direct at {direct:.1}, then lost"),
        (None, _) => format!("relayed: {connected:.1}"),
    };
    match measured.synced {
        Some(synced) => write!(text, ", same {synced:.1}").unwrap(),
        None => text.push_str(", **not synchronised**"),
    }
    if measured.direct.is_none() && measured.cell.theory() == Theory::Possible {
        text.push_str(" (direct was possible)");
    }
    text
}
