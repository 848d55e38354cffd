//! Verifying what authors wrote: a run with one signature, or each entry; headers, actions and bodies and their bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use studymesh::log::entry::{Signed, check_body};
use studymesh::log::header::Header;
use studymesh::log::run::Run;
use studymesh::model::wire::Reader;

use crate::{GROUP, keys, log, note};

/// Entries of a run.
const RUN: usize = 64;

pub fn benches(c: &mut Criterion) {
    let entries = log(1, RUN);
    let last = entries.last().expect("the log has entries");
    let run = Run::new(entries.iter().map(|e| &e.header), last.signature);
    let mut bytes = vec![];
    run.encode_into(&mut bytes);
    let signed: Vec<Vec<u8>> = entries.iter().map(|e| e.encode()).collect();
    let headers: Vec<Vec<u8>> = entries.iter().map(|e| e.header.encode()).collect();
    let keys = keys();

    let mut group = c.benchmark_group("chain");
    group.throughput(Throughput::Elements(RUN as u64));
    group.bench_function("verify a run of 64", |b| b.iter(|| run.verify(black_box(GROUP)).expect("it is authentic")));
    group.bench_function("verify each of 64", |b| {
        b.iter(|| {
            for bytes in &signed {
                Signed::decode(black_box(bytes)).expect("it decodes").verify().expect("it is authentic");
            }
        });
    });
    group.bench_function("check 64 bodies", |b| {
        b.iter(|| {
            entries.iter().try_for_each(|e| check_body(black_box(&e.header), &e.body)).expect("they are the right ones")
        });
    });
    group.bench_function("open 64 bodies", |b| {
        b.iter(|| entries.iter().filter(|e| keys.open(black_box(&e.header), &e.body).is_ok()).count());
    });
    group.finish();

    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(RUN as u64));
    group.bench_function("decode 64 headers", |b| {
        b.iter(|| headers.iter().filter(|bytes| Header::decode(black_box(bytes)).is_ok()).count());
    });
    group.bench_function("encode 64 headers", |b| {
        b.iter(|| entries.iter().map(|e| black_box(&e.header).encode().len()).sum::<usize>())
    });
    group.bench_function("decode a run of 64 headers", |b| {
        b.iter(|| Run::decode(Reader::new(black_box(&bytes))).expect("it decodes"));
    });
    let action = note("笔记", "A channel is a queue with rendezvous. 通道是队列。");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode a note", |b| b.iter(|| black_box(&action).encode()));
    group.finish();
}
