//! What a note costs: 10,000 small edits by 20 authors, one after the other, and 1,000 that know nothing of each other.
//!
//! Every edit is sealed and signed as in a group, so its size on the wire is the real one. Prints one JSON object; times
//! are seconds on this machine. Run: `cargo run --release --no-default-features --example note_cost`.
#![expect(clippy::disallowed_methods, reason = "measures how long things take")]

use std::error::Error;
use std::time::Instant;

use studymesh::log::entry::{self, Place};
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::model::action::{Action, NoteEdit};
use studymesh::model::id::{EntryId, GroupId, NoteId};
use studymesh::model::note::{self, Edit};
use studymesh::model::text::{Text, TextEdit};
use studymesh::model::time::Hlc;

const SEED: u64 = 2026;
const AUTHORS: usize = 20;
const SEQUENTIAL: usize = 10_000;
const CONCURRENT: usize = 1_000;
const WORDS: &[&str] =
    &["pod ", "service ", "节点", "调度器", "the ", "区块链", "goroutine ", "通道", "and ", "，", "。\n", "cluster "];

/// A replayable source of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn words(&mut self, most: usize) -> String {
        (0..=self.below(most)).map(|_| WORDS[self.below(WORDS.len())]).collect()
    }
}

/// The authors' logs.
struct Group {
    keys: GroupKeys,
    logs: Vec<(LogKey, u64, EntryId)>,
    written: u64,
    size: Size,
}

/// Bytes in all.
#[derive(Default)]
struct Size {
    payload: usize,
    body: usize,
    entry: usize,
}

impl Group {
    fn new() -> Self {
        let logs = (0..AUTHORS).map(|n| (LogKey::from_seed(&[n as u8; 32]), 0, EntryId::ZERO)).collect();
        Self { keys: GroupKeys::from_seed(&[7; 16]), logs, written: 0, size: Size::default() }
    }

    fn write(&mut self, author: usize, builds_on: Vec<EntryId>, edit: TextEdit) -> Result<Edit, Box<dyn Error>> {
        let (log, seq, prev) = &mut self.logs[author];
        let place = Place { group: GroupId([1; 32]), seq: *seq, prev: *prev, control_heads: vec![EntryId([2; 32])] };
        self.written += 1;
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&self.written.to_le_bytes());
        let time = Hlc::new(self.written, 0);
        let action =
            Action::NoteEdit(NoteEdit { note: NoteId([3; 32]), builds_on: builds_on.clone(), edit: edit.clone() });
        let written = entry::write(log, &self.keys, place, time, &action, nonce)?;
        (*seq, *prev) = (*seq + 1, written.id);
        self.size.payload += action.encode().len();
        self.size.body += written.body.len();
        self.size.entry += 2 + written.header_bytes.len() + written.signature.len() + written.body.len();
        Ok(Edit { entry: written.id, time, builds_on, edit })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (sequential, text) = sequential()?;
    let (concurrent, base) = concurrent(&text)?;
    println!(
        "{{\"v\":1,\"seed\":{SEED},\"authors\":{AUTHORS},\n\"sequential\":{},\n\"concurrent\":{}}}",
        report(&sequential, &[]),
        report(&concurrent, &base)
    );
    Ok(())
}

/// Each edit sees all before it: most insert a few words somewhere, some append, delete or replace.
fn sequential() -> Result<(Measured, String), Box<dyn Error>> {
    let (mut group, mut random, mut replica) = (Group::new(), Random(SEED), Text::new());
    let (mut shown, mut edits): (String, Vec<Edit>) = (String::new(), vec![]);
    let started = Instant::now();
    for n in 0..SEQUENTIAL {
        shown = change(&shown, &mut random);
        let edit = replica.next_edit_towards(&shown).unwrap_or_default();
        let builds_on = edits.last().map(|edit| edit.entry).into_iter().collect();
        let edit = group.write(n % AUTHORS, builds_on, edit)?;
        replica.apply(edit.entry, &edit.edit);
        edits.push(edit);
    }
    let write_seconds = started.elapsed().as_secs_f64();
    Ok((Measured { edits, size: group.size, write_seconds }, replica.read()))
}

/// All edits are made on the same text, each inserting some words at one of three places.
fn concurrent(base: &str) -> Result<(Measured, Vec<Edit>), Box<dyn Error>> {
    let (mut group, mut random, mut replica) = (Group::new(), Random(SEED), Text::new());
    let mut first = vec![];
    while let Some(edit) = replica.next_edit_towards(base) {
        let edit = group.write(0, note::heads(&first), edit)?;
        replica.apply(edit.entry, &edit.edit);
        first.push(edit);
    }
    group.size = Size::default();
    let places = [0, base.len() / 2, base.len()];
    let started = Instant::now();
    let mut edits = vec![];
    for n in 0..CONCURRENT {
        let at = (0..=places[n % 3]).rev().find(|at| base.is_char_boundary(*at)).unwrap_or(0);
        let new = [&base[..at], &random.words(5), &base[at..]].concat();
        let edit = replica.next_edit_towards(&new).unwrap_or_default();
        edits.push(group.write(n % AUTHORS, note::heads(&first), edit)?);
    }
    let write_seconds = started.elapsed().as_secs_f64();
    Ok((Measured { edits, size: group.size, write_seconds }, first))
}

fn change(shown: &str, random: &mut Random) -> String {
    let chars: Vec<char> = shown.chars().collect();
    let at = random.below(chars.len() + 1);
    let (at, remove, put) = match random.below(10) {
        0..6 => (at, 0, random.words(5)),
        6..8 => (chars.len(), 0, random.words(5)),
        8 => (at, random.below(12), String::new()),
        _ => (at, random.below(12), random.words(5)),
    };
    let behind = chars.len().min(at + remove);
    chars[..at].iter().copied().chain(put.chars()).chain(chars[behind..].iter().copied()).collect()
}

/// Edits and what it took to write them.
struct Measured {
    edits: Vec<Edit>,
    size: Size,
    write_seconds: f64,
}

/// Integrates the edits behind `base` in the order of their ids, which is none, and tells the cost.
fn report(measured: &Measured, base: &[Edit]) -> String {
    let mut arriving = measured.edits.clone();
    arriving.sort_unstable_by_key(|edit| edit.entry);
    let mut replica = Text::new();
    base.iter().for_each(|edit| replica.apply(edit.entry, &edit.edit));
    let (integrate, ()) = timed(|| arriving.iter().for_each(|edit| replica.apply(edit.entry, &edit.edit)));
    let (read, text) = timed(|| replica.read());
    let (order, history) = timed(|| note::history(&measured.edits));
    let half = measured.edits[history[history.len() / 2]].entry;
    let (version, _) = timed(|| note::version(&measured.edits, half).read());
    let count = measured.edits.len();
    let Size { payload, body, entry } = measured.size;
    format!(
        "{{\"edits\":{count},\"text_bytes\":{},\"integrate_s\":{integrate:.6},\"read_s\":{read:.6},\
         \"history_s\":{order:.6},\"version_half_way_s\":{version:.6},\"write_s\":{:.3},\
         \"payload_bytes_per_edit\":{},\"body_bytes_per_edit\":{},\"entry_bytes_per_edit\":{},\
         \"memory_bytes\":{},\"memory_bytes_per_edit\":{}}}",
        text.len(),
        measured.write_seconds,
        payload / count,
        body / count,
        entry / count,
        replica.memory_bytes(),
        replica.memory_bytes() / count
    )
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let done = work();
    (started.elapsed().as_secs_f64(), done)
}
