//! The store: batches of entries with their views, and searching in them.

use criterion::{BatchSize, Criterion, Throughput};
use studymesh::engine::store::{Append, ChainNo, GroupRow, Reading, Store, Tip};
use studymesh::log::entry::Verified;
use studymesh::log::run::is_signature_point;
use studymesh::model::id::PersonId;
use studymesh::store::SqliteStore;

use crate::{GROUP, keys, log};

/// Entries of one transaction.
const BATCH: usize = 256;
/// Notes that are searched.
const NOTES: usize = 10_000;

/// A store on the disk with the group in it, and one log without entries.
fn fresh() -> (tempfile::TempDir, SqliteStore, ChainNo) {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let mut store = SqliteStore::open(&dir.path().join("bench.db")).expect("it opens");
    store.begin().expect("it begins");
    let row = GroupRow { id: GROUP, seed: [7; 16], log_keys: vec![], joined_ms: 0, kind: None, before: vec![] };
    store.put_group(&row).expect("it is stored");
    let chain = store.new_chain(GROUP, log_id(), None, PersonId::ZERO).expect("it is stored");
    store.commit().expect("it commits");
    (dir, store, chain)
}

fn log_id() -> studymesh::model::id::LogId {
    log(1, 1)[0].header.log
}

/// Stores entries in one transaction, opened before.
fn append(store: &mut SqliteStore, chain: ChainNo, entries: &[Verified]) {
    let keys = keys();
    store.begin().expect("it begins");
    for entry in entries {
        let action = keys.open(&entry.header, &entry.body).expect("it opens");
        let signature = is_signature_point(entry.header.seq).then_some(entry.signature);
        let reading = Reading::Action(&action);
        let append = Append {
            id: entry.id,
            header: &entry.header,
            body: &entry.body,
            signature,
            person: PersonId::ZERO,
            reading,
        };
        store.append(GROUP, chain, &append).expect("it is stored");
    }
    if let Some(last) = entries.last() {
        let tip = Tip { seq: last.header.seq, id: last.id, signature: Some(last.signature), pending: None };
        store.set_tip(chain, &tip).expect("it is stored");
    }
    store.commit().expect("it commits");
}

pub fn benches(c: &mut Criterion) {
    let entries = log(1, NOTES);
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("open, store and fold 256 notes, durably", |b| {
        b.iter_batched(
            fresh,
            |(dir, mut store, chain)| {
                append(&mut store, chain, &entries[..BATCH]);
                (dir, store)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("index 256 notes for search", |b| {
        b.iter_batched(
            || {
                let (dir, mut store, chain) = fresh();
                append(&mut store, chain, &entries[..BATCH]);
                (dir, store)
            },
            |(dir, mut store)| {
                store.index_while(|| true).expect("it indexes");
                (dir, store)
            },
            BatchSize::PerIteration,
        );
    });
    let (_dir, mut store, chain) = fresh();
    entries.chunks(BATCH).for_each(|part| append(&mut store, chain, part));
    store.index_while(|| true).expect("it indexes");
    group.bench_function("read 256 entries to serve them", |b| {
        b.iter(|| store.entries(GROUP, chain, 1_000, BATCH, usize::MAX, true).expect("they are there").len());
    });
    group.throughput(Throughput::Elements(1));
    for query in ["kubernetes", "gossip 云原生", "区块链节点", "kuber", "调度器 cluster pod"] {
        group.bench_function(format!("search \"{query}\" in 10,000 notes"), |b| {
            b.iter(|| store.search(GROUP, query, 20, 0).expect("it searches").len());
        });
    }
    group.finish();
}
