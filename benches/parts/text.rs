//! The text of a note, made of the edits of many people.

use criterion::{BatchSize, Criterion, Throughput};
use studymesh::engine::entropy::Entropy;
use studymesh::model::id::EntryId;
use studymesh::model::text::{Text, TextEdit};

use crate::{WORDS, note_text};

const EDITS: usize = 10_000;
const CONCURRENT: usize = 1_000;

type Edits = Vec<(EntryId, TextEdit)>;

fn id(n: usize) -> EntryId {
    EntryId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

/// Edits that each build on all before.
fn sequential(count: usize) -> (Text, Edits) {
    let (mut entropy, mut text, mut edits) = (Entropy::new([9; 32]), Text::new(), vec![]);
    let mut shown: Vec<char> = vec![];
    for n in 0..count {
        let at = if entropy.below(3) == 0 { shown.len() } else { entropy.below(shown.len() as u64 + 1) as usize };
        if entropy.below(6) == 0 {
            let end = (at + entropy.below(12) as usize).min(shown.len());
            shown.drain(at..end);
        }
        let at = at.min(shown.len());
        shown.splice(at..at, WORDS[entropy.below(WORDS.len() as u64) as usize].chars());
        let edit = text.next_edit_towards(&shown.iter().collect::<String>()).unwrap_or_default();
        text.apply(id(n), &edit);
        edits.push((id(n), edit));
    }
    (text, edits)
}

/// Edits of one text that know nothing of each other.
fn concurrent(base: &Text, count: usize) -> Edits {
    let mut entropy = Entropy::new([8; 32]);
    let shown = base.read();
    let places: Vec<usize> = shown.char_indices().map(|(at, _)| at).collect();
    let edit = |n: usize| {
        let at = places[entropy.below(places.len() as u64) as usize];
        let word = WORDS[entropy.below(WORDS.len() as u64) as usize];
        (id(1_000_000 + n), base.next_edit_towards(&[&shown[..at], word, &shown[at..]].concat()).unwrap_or_default())
    };
    (0..count).map(edit).collect()
}

fn apply_all(mut text: Text, edits: &Edits) -> Text {
    edits.iter().for_each(|(entry, edit)| text.apply(*entry, edit));
    text
}

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("text");
    let (long, edits) = sequential(EDITS);
    group.throughput(Throughput::Elements(EDITS as u64));
    group.bench_function("integrate 10,000 edits and read", |b| b.iter(|| apply_all(Text::new(), &edits).read()));
    group.throughput(Throughput::Elements(1));
    group.bench_function("one edit of a text of 10,000 edits", |b| {
        let mut new = long.read();
        new.insert(0, '新');
        b.iter(|| long.next_edit_towards(&new));
    });
    let mut base = Text::new();
    let first = base.next_edit_towards(&note_text(&mut Entropy::new([7; 32]))).unwrap_or_default();
    base.apply(id(0), &first);
    let edits = concurrent(&base, CONCURRENT);
    group.throughput(Throughput::Elements(CONCURRENT as u64));
    group.bench_function("merge 1,000 concurrent edits and read", |b| {
        b.iter_batched(|| base.clone(), |base| apply_all(base, &edits).read(), BatchSize::SmallInput);
    });
    group.finish();
}
