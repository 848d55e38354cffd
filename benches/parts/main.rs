//! What the parts cost, one by one. `cargo bench` runs all of them in a few minutes; `cargo bench -- chain` those of one name.
//!
//! A figure here says where time goes, not how long people wait: for that there are the examples (`docs/performance.md`).

mod chain;
mod compare;
mod membership;
mod store;
mod text;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use studymesh::engine::entropy::Entropy;
use studymesh::log::entry::{self, Place, Verified};
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::log::person;
use studymesh::model::action::{Action, NoteNew};
use studymesh::model::id::{EntryId, GroupId};
use studymesh::model::text::Text;
use studymesh::model::time::Hlc;

/// The group that everything is of.
const GROUP: GroupId = GroupId([1; 32]);
/// The words of the notes.
const WORDS: &[&str] = &[
    "pod ",
    "service ",
    "节点",
    "调度器",
    "gossip ",
    "区块链",
    "goroutine ",
    "通道",
    "。\n",
    "cluster ",
    "云原生",
    "kubernetes ",
];

/// About 500 bytes of Chinese and English.
fn note_text(entropy: &mut Entropy) -> String {
    let mut text = String::new();
    while text.len() < 480 {
        text.push_str(WORDS[entropy.below(WORDS.len() as u64) as usize]);
        if entropy.below(12) == 0 {
            text.push_str(&format!("`{:08x}` ", entropy.number() as u32));
        }
    }
    text
}

fn note(title: &str, text: &str) -> Action {
    let text = Text::new().next_edit_towards(text).unwrap_or_default();
    Action::NoteNew(NoteNew { title: title.to_owned(), topic: None, tags: vec![], text })
}

/// The keys of the group.
fn keys() -> GroupKeys {
    GroupKeys::from_seed(&[7; 16])
}

/// A log with its introduction and then notes, `length` entries in all.
fn log(number: u8, length: usize) -> Vec<Verified> {
    let mut entropy = Entropy::new([number; 32]);
    let (log, transport) = (LogKey::from_seed(&entropy.array()), LogKey::from_seed(&entropy.array()));
    let (keys, mut prev, mut out) = (keys(), EntryId::ZERO, vec![]);
    for seq in 0..length as u64 {
        let action = if seq == 0 {
            Action::Endorse(person::endorse(GROUP, &log, &transport, &[]))
        } else {
            note(&format!("笔记 {seq}"), &note_text(&mut entropy))
        };
        let place = Place { group: GROUP, seq, prev, control_heads: vec![] };
        let time = Hlc::new(1_790_000_000_000 + seq * 1_000, 0);
        let written = entry::write(&log, &keys, place, time, &action, entropy.array()).expect("a short note fits");
        prev = written.id;
        out.push(written);
    }
    out
}

criterion_group! {
    name = parts;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = chain::benches, compare::benches, membership::benches, store::benches, text::benches
}
criterion_main!(parts);
