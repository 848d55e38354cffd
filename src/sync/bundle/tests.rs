use proptest::prelude::*;

use super::*;
use crate::log::entry::{self, Place, Verified};
use crate::log::keys::LogKey;
use crate::log::run::MAX_RUN;
use crate::log::run::{Run, RunError};
use crate::model::action::{Action, Profile};
use crate::model::id::EntryId;
use crate::model::time::Hlc;

const GROUP: GroupId = GroupId([9; 32]);

fn keys() -> GroupKeys {
    GroupKeys::from_seed(&[7; 16])
}

/// The first entries of a log.
fn log(seed: u8, count: usize) -> Vec<Verified> {
    let key = LogKey::from_seed(&[seed; 32]);
    let mut entries: Vec<Verified> = vec![];
    for seq in 0..count as u64 {
        let prev = entries.last().map_or(EntryId::ZERO, |e| e.id);
        let place = Place { group: GROUP, seq, prev, control_heads: vec![] };
        let action = Action::Profile(Profile { name: format!("name {seq}"), supersedes: vec![] });
        entries.push(entry::write(&key, &keys(), place, Hlc::new(seq, 0), &action, [seed; 24]).unwrap());
    }
    entries
}

/// A run and the messages of its first `bodies` bodies, `at_once` in each.
fn messages(entries: &[Verified], bodies: usize, at_once: usize) -> Vec<Message> {
    let run = Run::new(entries.iter().map(|e| &e.header), entries.last().unwrap().signature);
    let mut messages = vec![Message::Run { bodies: bodies as u16, run }];
    let bodies: Vec<_> = entries[..bodies].iter().map(|e| e.body.clone()).collect();
    messages.extend(bodies.chunks(at_once).map(|b| Message::Bodies(b.to_vec())));
    messages
}

fn file_of(messages: &[Message]) -> Vec<u8> {
    let mut writer = Writer::new(&keys(), Kind::Bundle, Begin { group: GROUP, entries: 5 }, [1; 32]);
    let mut file = vec![];
    for message in messages {
        writer.push_message(message);
        file.extend(writer.take());
    }
    file.extend(writer.finish());
    file
}

/// A file of records as they are, whatever they say.
fn file_with(kind: Kind, records: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(&keys(), kind, Begin { group: GROUP, entries: 0 }, [1; 32]);
    records.iter().for_each(|record| writer.push(record));
    writer.finish()
}

/// Everything that a file gives, and why it ended.
fn read(file: &[u8]) -> (Vec<Item>, Option<Carried>, Result<(), Damage>) {
    let (head, sealed) = file.split_first_chunk::<HEAD_BYTES>().unwrap();
    let head = Head::decode(head).unwrap();
    assert!(head.is_for(&keys()));
    let mut reader = Reader::new(&head, &keys(), GROUP);
    let mut items = vec![];
    let mut all = || {
        for chunk in sealed.chunks(CHUNK_BYTES) {
            reader.feed(chunk)?;
            while let Some(item) = reader.poll()? {
                items.push(item);
            }
        }
        reader.end()
    };
    let ended = all();
    (items, reader.cut(), ended)
}

fn runs(items: Vec<Item>) -> Vec<Carried> {
    items.into_iter().filter_map(|item| if let Item::Run(run) = item { Some(run) } else { None }).collect()
}

#[test]
fn runs_and_bodies_come_out_as_they_went_in_and_each_entry_is_authentic() {
    let (ada, bo) = (log(1, 64), log(2, 3));
    let file = file_of(&[messages(&ada, 64, 7), messages(&bo, 2, 64)].concat());
    let (items, cut, ended) = read(&file);
    assert_eq!((ended, cut), (Ok(()), None));
    assert_eq!(items[0], Item::Begin(Begin { group: GROUP, entries: 5 }));
    let mut runs = runs(items).into_iter();
    let checked = runs.next().unwrap().check(GROUP).unwrap();
    assert_eq!((checked.entries().len(), checked.tail().len(), checked.spoiled()), (64, 0, 0));
    assert!(checked.entries().iter().zip(&ada).all(|((a, body), e)| (a.id, body) == (e.id, &e.body)));
    let checked = runs.next().unwrap().check(GROUP).unwrap();
    assert_eq!((checked.entries().len(), checked.tail()[0].id, checked.signature()), (2, bo[2].id, bo[2].signature));
    assert_eq!(runs.next(), None);
}

#[test]
fn positions_come_out_as_they_went_in_however_many_a_log_has() {
    let mut writer = Writer::new(&keys(), Kind::Have, Begin { group: GROUP, entries: 1 }, [1; 32]);
    let positions: Vec<Tip> = (0..150).map(|seq| Tip { seq, id: EntryId([seq as u8; 32]) }).collect();
    writer.push_have(LogId([1; 32]), &positions);
    writer.push_have(LogId([2; 32]), &positions[..1]);
    let (items, _, ended) = read(&writer.finish());
    assert_eq!(ended, Ok(()));
    let have = items
        .into_iter()
        .filter_map(|i| if let Item::Have { log, positions } = i { Some((log, positions)) } else { None });
    let have: Vec<_> = have.collect();
    assert_eq!(
        have.iter().map(|(log, p)| (log.0[0], p.len())).collect::<Vec<_>>(),
        [(1, 64), (1, 64), (1, 22), (2, 1)]
    );
    assert_eq!(have[..3].iter().flat_map(|(_, p)| p.clone()).collect::<Vec<_>>(), positions);
}

#[test]
fn a_file_says_neither_its_group_nor_its_logs_and_opens_for_nobody_else() {
    let entries = log(1, 3);
    let file = file_of(&messages(&entries, 3, 3));
    assert_eq!((file.len() - HEAD_BYTES) % CHUNK_BYTES, 0, "the size says little");
    let shows = |what: &[u8]| file.windows(what.len()).any(|w| w == what);
    assert!(!shows(&GROUP.0[..8]) && !shows(&entries[0].header.log.0[..8]) && !shows(&entries[0].id.0[..8]));
    let (head, sealed) = file.split_first_chunk::<HEAD_BYTES>().unwrap();
    let head = Head::decode(head).unwrap();
    let stranger = GroupKeys::from_seed(&[8; 16]);
    assert!(!head.is_for(&stranger));
    let mut reader = Reader::new(&head, &stranger, GROUP);
    assert_eq!(reader.feed(&sealed[..CHUNK_BYTES]), Err(Damage::Changed));
    // Two files of one group have nothing in common.
    let other = Writer::new(&keys(), Kind::Bundle, Begin { group: GROUP, entries: 5 }, [2; 32]).finish();
    assert!(file[10..HEAD_BYTES].windows(8).all(|w| !other.windows(8).any(|o| o == w)));
}

#[test]
fn each_changed_byte_of_a_file_is_noticed() {
    let file = file_of(&messages(&log(1, 3), 3, 3));
    for at in (0..HEAD_BYTES).chain((HEAD_BYTES..file.len()).step_by(97)).chain([file.len() - 1]) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let head = Head::decode(changed.first_chunk().unwrap());
        match at {
            0..8 => assert_eq!(head, Err(HeadError::Magic)),
            8 => assert_eq!(head, Err(HeadError::Version(0))),
            9 => assert_eq!(head, Err(HeadError::Kind(0))),
            _ if at < HEAD_BYTES => assert!(!head.unwrap().is_for(&keys()), "byte {at}"),
            _ => {
                let (items, cut, ended) = read(&changed);
                assert_eq!((items, cut, ended), (vec![], None, Err(Damage::Changed)), "byte {at}");
            }
        }
    }
    // One kind of file is not taken for the other.
    let mut changed = file.clone();
    changed[9] = Kind::Have as u8;
    assert!(!Head::decode(changed.first_chunk().unwrap()).unwrap().is_for(&keys()));
}

#[test]
fn a_file_that_was_cut_gives_what_was_whole_before() {
    // Four chunks and more of one log.
    let entries: Vec<Verified> = log(1, 64 * 32);
    let blocks: Vec<Message> = entries.chunks(64).flat_map(|block| messages(block, block.len(), 9)).collect();
    let file = file_of(&blocks);
    assert!(file.len() > HEAD_BYTES + 4 * CHUNK_BYTES);
    let mut least = 0;
    for cut_at in (HEAD_BYTES..file.len()).step_by(20_011).chain((1..=4).map(|n| HEAD_BYTES + n * CHUNK_BYTES)) {
        let (items, cut, ended) = read(&file[..cut_at]);
        assert_eq!(ended, Err(Damage::EndsEarly), "at {cut_at}");
        let whole = runs(items).into_iter().chain(cut);
        let mut brought = vec![];
        for run in whole {
            let checked = run.check(GROUP).unwrap();
            brought.extend(checked.entries().iter().map(|(a, _)| a.id));
        }
        assert!(brought.iter().zip(&entries).all(|(id, e)| *id == e.id), "a prefix, at {cut_at}");
        least = least.max(brought.len());
    }
    assert!(least > 64 * 15, "most of it came: {least}");
    // A chunk that is left out, or stands twice, is noticed at its place.
    let (head, chunks) = file.split_at(HEAD_BYTES);
    let chunks: Vec<&[u8]> = chunks.chunks(CHUNK_BYTES).collect();
    let joined =
        |order: &[usize]| [head, &order.iter().flat_map(|i| chunks[*i]).copied().collect::<Vec<u8>>()].concat();
    assert_eq!(read(&joined(&[0, 2, 3, 4])).2, Err(Damage::Changed));
    assert_eq!(read(&joined(&[0, 0, 1, 2])).2, Err(Damage::Changed));
    let (items, _, ended) = read(&[&file[..], b"x"].concat());
    assert_eq!((runs(items).len(), ended), (32, Err(Damage::Trailing)));
}

#[test]
fn what_is_not_authentic_inside_is_told_from_what_is() {
    let entries = log(1, 5);
    let mut spoiled = messages(&entries, 5, 5);
    if let Message::Bodies(bodies) = &mut spoiled[1] {
        bodies[2][30] ^= 1;
    }
    let mut forged = messages(&entries, 5, 5);
    if let Message::Run { run, .. } = &mut forged[0] {
        run.signature[3] ^= 1;
    }
    let (items, _, ended) = read(&file_of(&[spoiled, forged].concat()));
    assert_eq!(ended, Ok(()));
    let mut runs = runs(items).into_iter();
    let checked = runs.next().unwrap().check(GROUP).unwrap();
    // The third body and what hangs on it are not taken; the headers prove the two before.
    assert_eq!((checked.entries().len(), checked.tail().len(), checked.spoiled()), (2, 3, 3));
    assert_eq!(runs.next().unwrap().check(GROUP), Err(RunError::Signature));
    // A run beyond a kept signature would leave that place without one.
    let long = log(1, MAX_RUN + 1);
    let (items, ..) = read(&file_of(&messages(&long[1..], MAX_RUN, 64)));
    assert!(runs_of(items).check(GROUP).is_err());
}

fn runs_of(items: Vec<Item>) -> Carried {
    runs(items).pop().unwrap()
}

#[test]
fn what_a_member_writes_against_the_layout_is_refused() {
    let entries = log(1, 3);
    let encoded: Vec<Vec<u8>> = messages(&entries, 3, 1).iter().map(Message::encode).collect();
    let [run, body] = [encoded[0].clone(), encoded[1].clone()];
    let have = [&[HAVE][..], &[1; 32], &[0, 0]].concat();
    let begin = [&[BEGIN][..], &GROUP.0, &[0; 8]].concat();
    for (name, kind, records) in [
        ("a body without a run", Kind::Bundle, vec![body.clone()]),
        ("a run inside a run", Kind::Bundle, vec![run.clone(), run.clone()]),
        ("an end inside a run", Kind::Bundle, vec![run.clone(), body.clone()]),
        ("no bodies", Kind::Bundle, vec![run.clone(), vec![8, 0, 0]]),
        (
            "more bodies than headers",
            Kind::Bundle,
            vec![run.clone(), body.clone(), body.clone(), body.clone(), body.clone()],
        ),
        ("a second beginning", Kind::Bundle, vec![begin.clone()]),
        ("positions in a bundle", Kind::Bundle, vec![have.clone()]),
        ("entries in a have file", Kind::Have, vec![run.clone()]),
        ("another message", Kind::Bundle, vec![Message::Ask(vec![]).encode()]),
        ("an unknown record", Kind::Bundle, vec![vec![200, 1]]),
        ("something after the end", Kind::Bundle, vec![[&[END][..], &[0; 8]].concat()]),
    ] {
        let ended = read(&file_with(kind, &records)).2;
        assert!(matches!(ended, Err(Damage::Malformed(_))), "{name}: {ended:?}");
    }
    let mut writer = Writer::new(&keys(), Kind::Bundle, Begin { group: GroupId([1; 32]), entries: 0 }, [1; 32]);
    let _ = writer.take();
    let other = Writer::new(&keys(), Kind::Bundle, Begin { group: GroupId([1; 32]), entries: 0 }, [1; 32]).finish();
    assert!(matches!(read(&other).2, Err(Damage::Malformed(_))), "another group inside");
    // A record that claims to be longer than records are is not waited for.
    writer.plain = u32::MAX.to_le_bytes().to_vec();
    let head = Writer::new(&keys(), Kind::Bundle, Begin { group: GROUP, entries: 0 }, [1; 32]).take();
    let huge = [head, writer.sealer.seal(&[255; 100], false)].concat();
    assert!(matches!(read(&huge).2, Err(Damage::Malformed(_))));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), HEAD_BYTES..600)) {
        prop_assert!(Head::decode(bytes.first_chunk().unwrap()).is_err());
        // And behind a head that is right.
        let head = Writer::new(&keys(), Kind::Bundle, Begin { group: GROUP, entries: 0 }, [1; 32]).take();
        let (items, cut, ended) = read(&[&head[..], &bytes].concat());
        prop_assert_eq!((items.len(), cut, ended), (0, None, Err(Damage::EndsEarly)));
    }

    #[test]
    fn what_a_member_seals_badly_never_panics(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 0..6),
        kinds in prop::collection::vec(prop::sample::select(vec![7u8, 8, BEGIN, HAVE, END]), 6),
        have: bool,
    ) {
        let kind = if have { Kind::Have } else { Kind::Bundle };
        let records: Vec<Vec<u8>> = records.into_iter().zip(kinds).map(|(mut r, k)| { r[0] = k; r }).collect();
        let (items, cut, _) = read(&file_with(kind, &records));
        for run in runs(items).into_iter().chain(cut) {
            prop_assert!(run.check(GROUP).is_err());
        }
    }

    #[test]
    fn any_runs_come_out_as_they_went_in(sizes in prop::collection::vec((1usize..64, 1usize..64, 1usize..9), 0..6)) {
        let mut all = vec![];
        let mut expected = vec![];
        for (n, (headers, bodies, at_once)) in sizes.into_iter().enumerate() {
            let entries = log(n as u8, headers);
            let bodies = bodies.min(headers);
            all.extend(messages(&entries, bodies, at_once));
            expected.push((entries[0].header.log, bodies, headers - bodies));
        }
        let (items, cut, ended) = read(&file_of(&all));
        prop_assert_eq!((cut, ended), (None, Ok(())));
        let got: Vec<_> = runs(items).into_iter().map(|r| r.check(GROUP).unwrap()).collect();
        let got: Vec<_> = got.iter().map(|c| (c.entries()[0].0.header.log, c.entries().len(), c.tail().len())).collect();
        prop_assert_eq!(got, expected);
    }
}
