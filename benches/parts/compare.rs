//! Fingerprints of what is held.

use criterion::{BatchSize, Criterion};
use studymesh::model::id::{EntryId, LogId};
use studymesh::sync::index::{Index, Range, Tip};

fn tip(log: usize, seq: u64) -> (LogId, Tip) {
    let id = *blake3::hash(&log.to_le_bytes()).as_bytes();
    let entry = *blake3::hash(&[log.to_le_bytes(), (seq as usize).to_le_bytes()].concat()).as_bytes();
    (LogId(id), Tip { seq, id: EntryId(entry) })
}

fn index(logs: usize) -> Index {
    let mut index = Index::default();
    for (log, tip) in (0..logs).map(|log| tip(log, 50)) {
        index.insert(log, tip);
    }
    index
}

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("fingerprint");
    for logs in [20, 5_000, 50_000] {
        let full = index(logs);
        group.bench_function(format!("of {logs} logs after one changed"), |b| {
            let (log, before) = tip(logs / 2, 50);
            let (_, after) = tip(logs / 2, 51);
            let mut index = full.clone();
            let mut forth = true;
            b.iter(|| {
                let (old, new) = if forth { (before, after) } else { (after, before) };
                forth = !forth;
                index.remove(log, old.id);
                index.insert(log, new);
                index.fingerprint()
            });
        });
        group.bench_function(format!("of all ranges of {logs} logs"), |b| {
            b.iter_batched(
                || full.split(Range::ALL),
                |ranges| ranges.into_iter().map(|range| full.range_fingerprint(range)[0]).max(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}
