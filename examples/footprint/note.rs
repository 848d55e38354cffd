//! A note that was edited very often.

use serde_json::{Value, json};
use studymesh::api::{Command, GroupKind, Request};
use studymesh::config::Home;
use studymesh::engine::Imported;
use studymesh::engine::entropy::Entropy;
use studymesh::log::entry::{self, Place, Signed};
use studymesh::log::keys::LogKey;
use studymesh::log::person;
use studymesh::model::action::{Action, NoteEdit, NoteNew};
use studymesh::model::id::{EntryId, EpochId, GroupId, NoteId};
use studymesh::model::text::Text;
use studymesh::model::time::Hlc;
use studymesh::node::core::now_ms;
use studymesh::node::{self, Node, Opened, open_alone};
use tokio::time::Instant;

use crate::{BATCH, Options, Result, middle, ms, settings};

const EDITS: usize = 10_000;
const CONCURRENT: usize = 1_000;
const AUTHORS: usize = 20;
const TRIALS: usize = 5;
const WORDS: &[&str] = &["pod ", "service ", "节点", "调度器", "the ", "区块链", "channel ", "，", "。\n", "cluster "];

/// The notes' group, and what is written into it.
struct Written {
    group: GroupId,
    long: NoteId,
    wide: NoteId,
    /// Text of the wide note before the concurrent edits.
    base: Text,
}

pub fn measure(options: &Options) -> Result<Value> {
    let home = Home::new(options.dir.join("note"));
    let create = Command::GroupCreate { name: "notes".into(), kind: GroupKind::Open, roadmap: None };
    node::call(&home, &settings("Notes"), &Request::new(create))?;
    let written = write(&home)?;
    let (take_in, merge) = merge(&home, &written)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut cold, mut again, mut chars) = (vec![], vec![], 0);
    for _ in 0..TRIALS {
        let (first, second, shown) = runtime.block_on(open(&home, written.long))?;
        cold.push(first);
        again.push(second);
        chars = shown;
    }
    Ok(json!({
        "edits": EDITS, "chars": chars, "open_ms": middle(cold), "open_again_ms": middle(again),
        "concurrent": CONCURRENT, "concurrent_take_in_ms": take_in, "concurrent_merge_ms": merge,
    }))
}

/// Writes the long note, each edit on the one before, and the base of the wide one.
fn write(home: &Home) -> Result<Written> {
    let mut opened = open_alone(home, &settings("Notes"))?;
    let group = opened.core.engine().groups().next().ok_or("no group")?;
    let mut entropy = Entropy::new([3; 32]);
    let mut replica = Text::new();
    let new = |title: &str, text: &str, replica: &Text| -> Result<Action> {
        let text = replica.next_edit_towards(text).ok_or("an empty note")?;
        Ok(Action::NoteNew(NoteNew { title: title.into(), topic: None, tags: vec![], text }))
    };
    let first = new("long", "# 长", &replica)?;
    let id = put(&mut opened, group, std::slice::from_ref(&first))?[0];
    let (long, mut last) = (NoteId::from(id), id);
    if let Action::NoteNew(new) = &first {
        replica.apply(id, &new.text);
    }
    let mut shown: Vec<char> = replica.read().chars().collect();
    let mut left = EDITS - 1;
    while left > 0 {
        let count = left.min(BATCH);
        left -= count;
        // Each names the one before, so they are written one by one, in transactions of many.
        let ((), _) = opened.core.batch(|engine| {
            for _ in 0..count {
                change(&mut shown, &mut entropy);
                let text: String = shown.iter().collect();
                let edit = replica.next_edit_towards(&text).unwrap_or_default();
                let action = Action::NoteEdit(NoteEdit { note: long, builds_on: vec![last], edit: edit.clone() });
                match engine.write(now_ms(), group, &action) {
                    Ok(entry) => {
                        replica.apply(entry, &edit);
                        last = entry;
                    }
                    Err(studymesh::engine::WriteError::Store(error)) => return Err(error),
                    Err(other) => panic!("an edit is refused: {other}"),
                }
            }
            Ok(())
        })?;
    }
    let mut base = Text::new();
    let wide = new("wide", &WORDS.concat().repeat(20), &base)?;
    let id = put(&mut opened, group, std::slice::from_ref(&wide))?[0];
    if let Action::NoteNew(new) = &wide {
        base.apply(id, &new.text);
    }
    opened.core.engine().store().index_while(|| true)?;
    Ok(Written { group, long, wide: id.into(), base })
}

fn put(opened: &mut Opened, group: GroupId, actions: &[Action]) -> Result<Vec<EntryId>> {
    let (written, _) =
        opened.core.batch(|engine| Ok(actions.iter().map(|a| engine.write(now_ms(), group, a)).collect::<Vec<_>>()))?;
    Ok(written.into_iter().collect::<std::result::Result<_, _>>()?)
}

/// Somebody inserts a few words, mostly at the end, or deletes some characters.
fn change(shown: &mut Vec<char>, entropy: &mut Entropy) {
    let length = shown.len() as u64;
    let at = if entropy.below(3) == 0 { length } else { entropy.below(length + 1) } as usize;
    if entropy.below(6) == 0 {
        let end = (at + entropy.below(12) as usize).min(shown.len());
        shown.drain(at..end);
    }
    let at = at.min(shown.len());
    let words: String = (0..=entropy.below(4)).map(|_| WORDS[entropy.below(WORDS.len() as u64) as usize]).collect();
    shown.splice(at..at, words.chars());
}

/// Takes edits of many authors in that all build on the same text, then reads the note.
fn merge(home: &Home, written: &Written) -> Result<(f64, f64)> {
    let mut opened = open_alone(home, &settings("Notes"))?;
    let group = written.group;
    let keys = opened.core.engine().keys(group).ok_or("no group")?.clone();
    let mut entropy = Entropy::new([4; 32]);
    let base = written.base.read();
    let places: Vec<usize> = base.char_indices().map(|(at, _)| at).collect();
    let mut made = vec![];
    for _ in 0..AUTHORS {
        let (log, transport) = (LogKey::from_seed(&entropy.array()), LogKey::from_seed(&entropy.array()));
        let mut actions = vec![Action::Endorse(person::endorse(group, &log, &transport, &[]))];
        for _ in 0..CONCURRENT / AUTHORS {
            let at = places[entropy.below(places.len() as u64) as usize];
            let word = WORDS[entropy.below(WORDS.len() as u64) as usize];
            let edit = written.base.next_edit_towards(&[&base[..at], word, &base[at..]].concat()).unwrap_or_default();
            let builds_on = vec![EntryId(written.wide.0)];
            actions.push(Action::NoteEdit(NoteEdit { note: written.wide, builds_on, edit }));
        }
        let mut prev = EntryId::ZERO;
        for (seq, action) in actions.iter().enumerate() {
            let place = Place { group, seq: seq as u64, prev, control_heads: vec![] };
            let time = Hlc::new(1_795_000_000_000 + seq as u64, 0);
            let entry = entry::write_under(&log, &keys, EpochId::ZERO, place, time, action, entropy.array())?;
            prev = entry.id;
            made.push(Signed::decode(&entry.encode())?);
        }
    }
    let began = Instant::now();
    let (imported, _) = opened.core.batch(|engine| {
        made.into_iter().map(|entry| engine.import(now_ms(), group, entry)).collect::<std::result::Result<Vec<_>, _>>()
    })?;
    let take_in = ms(began);
    if let Some(other) = imported.iter().find(|i| **i != Imported::New) {
        return Err(format!("an edit was not taken in: {other:?}").into());
    }
    let began = Instant::now();
    let text = opened.core.engine().store().note_text(group, written.wide)?.unwrap_or_default();
    let merge = ms(began);
    if text.len() <= base.len() {
        return Err("the edits are not in the text".into());
    }
    Ok((take_in, merge))
}

/// Opens a note on a node that has just started, and once more.
async fn open(home: &Home, note: NoteId) -> Result<(f64, f64, usize)> {
    let mut node = Node::start(home, &settings("Notes")).await?;
    // Whatever a start leaves to be done is done first: people do not open a note in the first moment.
    node.handle().call(Request::new(Command::Status)).await?;
    let show = Request::new(Command::NoteShow { note: note.to_string(), version: None });
    let began = Instant::now();
    let shown = node.handle().call(show.clone()).await?;
    let first = ms(began);
    if shown["version"] != EDITS {
        return Err(format!("the note has version {}", shown["version"]).into());
    }
    let began = Instant::now();
    node.handle().call(show).await?;
    let second = ms(began);
    node.stop();
    node.ended().await?;
    Ok((first, second, shown["body"].as_str().unwrap_or_default().chars().count()))
}
