//! How long a search takes.

use serde_json::{Value, json};
use studymesh::node::open_alone;
use tokio::time::Instant;

use crate::{Options, Result, home, middle, ms, settings};

/// How often each query is asked.
const TIMES: usize = 9;
/// Hits that are shown.
const SHOWN: usize = 20;
/// What people ask: words that many notes have, that few have, that none has; half typed; of several words; without blanks.
const CHINESE: [&str; 10] =
    ["云原生", "打洞", "共识", "区块链节点", "容器 调度", "服务网关", "链", "笔记 99", "分布式并发存储", "量子纠缠"];
const ENGLISH: [&str; 10] = [
    "kubernetes",
    "gossip",
    "goroutine channel",
    "kuber",
    "trait borrow",
    "helm chart",
    "operator pod",
    "e",
    "signature epoch hash",
    "quantum",
];

pub fn measure(options: &Options) -> Result<Value> {
    let mut opened = open_alone(&home(options), &settings("Search"))?;
    let store = opened.core.engine().store();
    let group = studymesh::engine::store::Store::groups(store)?.remove(0).id;
    let left = store.unsearchable()?;
    if left > 0 {
        return Err(format!("{left} notes are not indexed").into());
    }
    let mut of_language = |queries: &[&str]| -> Result<Value> {
        let (mut all, mut each) = (vec![], vec![]);
        for query in queries {
            let (mut times, mut found) = (vec![], 0);
            for _ in 0..TIMES {
                let began = Instant::now();
                found = store.search(group, query, SHOWN, 0)?.len();
                times.push(ms(began));
            }
            all.extend(times.clone());
            each.push(json!([query, middle(times), found]));
        }
        all.sort_unstable_by(f64::total_cmp);
        Ok(json!({ "p50_ms": all[all.len() / 2], "p95_ms": all[all.len() * 95 / 100], "of_each": each }))
    };
    Ok(json!({ "chinese": of_language(&CHINESE)?, "english": of_language(&ENGLISH)? }))
}
