//! Very many groups on one node, while nothing happens.

use std::time::Instant;

use studymesh::engine::store::{GroupRow, Store};
use studymesh::model::id::GroupId;
use studymesh::sim::store::MemStore;

use crate::Result;
use crate::sizes::{Desk, NOW, connect, live};

const HOUR_MS: u64 = 3_600_000;

/// Two engines that hold the same groups, and nothing in them yet, for an hour.
pub fn measure(count: usize) -> Result<String> {
    let stored = || -> Result<MemStore> {
        let mut store = MemStore::default();
        store.begin();
        for n in 0..count {
            let hash = *blake3::hash(&n.to_le_bytes()).as_bytes();
            let mut seed = [0; 16];
            seed.copy_from_slice(&hash[..16]);
            let row =
                GroupRow { id: GroupId(hash), seed, log_keys: vec![hash], joined_ms: NOW, kind: None, before: vec![] };
            let Ok(()) = store.put_group(&row);
        }
        store.commit();
        Ok(store)
    };
    let (mut a, mut b) = (Desk::new(1, stored()?)?, Desk::new(2, stored()?)?);
    // Both subscribe to everything.
    for desk in [&mut a, &mut b] {
        desk.batch(NOW, |_| ());
    }
    connect(NOW, &mut a, &mut b);
    let begin = NOW + 10 * 60_000;
    live(NOW, begin, &mut a, &mut b);
    let before = (a.gossip, a.gossip_bytes, a.frames, a.frame_bytes, a.wakes, a.compared);
    let began = Instant::now();
    live(begin, begin + HOUR_MS, &mut a, &mut b);
    // Both engines are in this thread.
    let cpu = began.elapsed().as_secs_f64() / 2.0;
    Ok(format!(
        "{{\"groups\":{count},\"hours\":1,\"announcements\":{},\"gossip_bytes\":{},\"stream_messages\":{},\"stream_bytes\":{},\
         \"comparisons\":{},\"wakes\":{},\"engine_seconds\":{cpu:.2}}}",
        a.gossip - before.0,
        a.gossip_bytes - before.1,
        a.frames - before.2,
        a.frame_bytes - before.3,
        a.compared - before.5,
        a.wakes - before.4,
    ))
}
