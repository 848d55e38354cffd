//! Entries carried by hand between nodes that never meet.

use super::*;
use crate::model::action::Role;
use crate::sync::bundle::{Begin, CHUNK_BYTES, Carried, HEAD_BYTES, Head, Item, Kind, Reader, Writer};

/// Every run of a file, and what of the last one came before it broke.
fn runs(file: &[u8], keys: &GroupKeys, group: GroupId) -> Vec<Carried> {
    let (head, sealed) = file.split_first_chunk::<HEAD_BYTES>().unwrap();
    let mut reader = Reader::new(&Head::decode(head).unwrap(), keys, group);
    let mut runs = vec![];
    for chunk in sealed.chunks(CHUNK_BYTES) {
        if reader.feed(chunk).is_err() {
            break;
        }
        while let Ok(Some(item)) = reader.poll() {
            runs.extend(if let Item::Run(run) = item { Some(run) } else { None });
        }
    }
    runs.extend(reader.cut());
    runs
}

impl Table {
    /// What node `n` would export to somebody who holds what `to` says.
    fn bundle(&mut self, n: usize, group: GroupId, to: Option<usize>) -> Vec<u8> {
        let mut held = Held::default();
        let mut positions = vec![];
        if let Some(to) = to {
            while let Some((log, some)) =
                self.nodes[to].engine.positions(group, positions.last().map(|(log, _)| *log)).unwrap()
            {
                positions.push((log, some));
            }
        }
        let keys = self.keys(n, group);
        self.batch(n, |e, _| {
            for (log, some) in &positions {
                e.note_held(&mut held, group, *log, some).unwrap();
            }
            let mut export = e.export(group, &held).unwrap();
            let begin = Begin { group, entries: export.planned };
            let mut writer = Writer::new(&keys, Kind::Bundle, begin, [n as u8; 32]);
            while let Some(message) = e.export_next(&mut export).unwrap() {
                match message {
                    // In small parts, so that a file may break in the middle of a run.
                    Message::Bodies(bodies) => {
                        bodies.chunks(7).for_each(|b| writer.push_message(&Message::Bodies(b.to_vec())));
                    }
                    run => writer.push_message(&run),
                }
            }
            assert_eq!(writer.entries(), begin.entries);
            writer.finish()
        })
    }

    /// Takes a file in, as the shell does.
    fn import(&mut self, n: usize, group: GroupId, file: &[u8]) -> Tally {
        let runs = runs(file, &self.keys(n, group), group);
        let tally = self.batch(n, |e, now| {
            let mut tally = Tally::default();
            for run in runs {
                let brought = run.entries();
                match run.check(group) {
                    Ok(run) => tally += e.import_run(now, group, &run).unwrap(),
                    Err(_) => tally.invalid += brought,
                }
            }
            e.import_end(now, group).unwrap();
            e.handle(now, Input::Tick).unwrap();
            tally
        });
        self.nodes[n].engine.store().verify().unwrap();
        tally
    }

    fn is_in(&mut self, n: usize, group: GroupId, file: &[u8]) -> Option<bool> {
        let mut rehearsal = self.nodes[n].engine.rehearse(group)?;
        runs(file, &self.keys(n, group), group)
            .into_iter()
            .filter_map(|run| run.check(group).ok())
            .for_each(|run| rehearsal.look(&run));
        Some(rehearsal.is_in())
    }
}

fn new(new: u64) -> Tally {
    Tally { new, ..Tally::default() }
}

#[test]
fn two_who_never_meet_end_with_the_same_and_carry_only_what_is_lacking() {
    let (mut table, group) = Table::group(2);
    for n in 0..150 {
        table.write(n % 2, group, &format!("{n}"));
    }
    let all = table.bundle(0, group, None);
    let held = table.status(0, group).held;
    assert_eq!(table.import(1, group, &all), new(held));
    assert_eq!(table.import(1, group, &all), Tally { held, ..Tally::default() }, "again changes nothing");
    let back = table.bundle(1, group, Some(0));
    let lacking = table.status(1, group).held - held;
    assert_eq!(table.import(0, group, &back), new(lacking));
    assert!(table.agree(group));
    let nothing = table.bundle(1, group, Some(0));
    assert!(runs(&nothing, &table.keys(0, group), group).is_empty());
}

#[test]
fn where_the_other_side_is_ahead_little_is_carried_in_vain() {
    // It names a tip that is not known here: what it shares with us is told by its other positions.
    let (mut table, group) = Table::group(2);
    for n in 0..300 {
        table.write(0, group, &format!("{n}"));
    }
    let all = table.bundle(0, group, None);
    table.import(1, group, &all);
    for n in 0..20 {
        table.write(0, group, &format!("later {n}"));
    }
    table.write(1, group, "an answer");
    let back = table.bundle(1, group, Some(0));
    let tally = table.import(0, group, &back);
    assert!(tally.new >= 1 && tally.held <= 20, "{tally:?}");
    let there = table.bundle(0, group, Some(1));
    assert_eq!(table.import(1, group, &there), new(20));
    assert!(table.agree(group));
}

#[test]
fn every_branch_of_a_forked_log_is_carried() {
    let (mut table, group) = Table::group(3);
    let (key, keys) = (LogKey::from_seed(&[50; 32]), table.keys(0, group));
    let stem = chain(&keys, &key, group, None, 70, "stem");
    let left = chain(&keys, &key, group, Some(&stem[65]), 70, "left");
    let right = chain(&keys, &key, group, Some(&stem[2]), 3, "right");
    let other = chain(&keys, &key, group, None, 2, "other root");
    for (n, entries) in [(0, vec![&stem, &left]), (1, vec![&stem, &right, &other])] {
        for entry in entries.into_iter().flatten() {
            table.batch(n, |e, now| {
                let signed = entry::Signed::decode(&entry.encode()).unwrap();
                assert_eq!(e.import(now, group, signed).unwrap(), Imported::New);
            });
        }
    }
    let to_one = table.bundle(0, group, Some(1));
    let own = table.status(0, group).held - 140;
    assert_eq!(table.import(1, group, &to_one), new(own + 70));
    let to_zero = table.bundle(1, group, Some(0));
    let own = table.status(1, group).held - 145 - own;
    assert_eq!(table.import(0, group, &to_zero), new(own + 5));
    let all = table.bundle(1, group, None);
    table.import(2, group, &all);
    let back = table.bundle(2, group, Some(0));
    table.import(0, group, &back);
    table.import(1, group, &back);
    assert!(table.agree(group));
    assert_eq!(table.status(2, group).forked_logs, 1);
}

#[test]
fn what_came_before_a_file_breaks_off_stays_proven_is_passed_on_and_is_completed() {
    let (mut table, group) = Table::group(3);
    for n in 0..500 {
        table.write(0, group, &format!("entry {n} of a person with quite a long name indeed, yes"));
    }
    let whole = table.bundle(0, group, None);
    // Two chunks: the second is broken, so a run is cut in the middle.
    let broken = &whole[..HEAD_BYTES + CHUNK_BYTES + 9];
    let tally = table.import(1, group, broken);
    assert!(tally.new > 100 && tally.new % 64 != 0 && tally == new(tally.new), "{tally:?}");
    table.restart(1);
    let passed_on = table.bundle(1, group, None);
    let (own, got) = (table.status(1, group).held - tally.new, tally.new);
    assert_eq!(table.import(2, group, &passed_on), new(own + got));
    let all = table.status(0, group).held;
    for n in [1, 2] {
        assert_eq!(table.import(n, group, &whole).new, all - got);
    }
    let back = table.bundle(2, group, None);
    table.import(0, group, &back);
    table.import(1, group, &back);
    assert!(table.agree(group));
}

#[test]
fn what_is_false_or_builds_on_nothing_is_left_out_and_counted() {
    let (mut table, group) = Table::group(1);
    let keys = table.keys(0, group);
    let a = chain(&keys, &LogKey::from_seed(&[50; 32]), group, None, 5, "a");
    let b = chain(&keys, &LogKey::from_seed(&[51; 32]), group, None, 4, "b");
    let c = chain(&keys, &LogKey::from_seed(&[52; 32]), group, None, 3, "c");
    let foreign = chain(&keys, &LogKey::from_seed(&[53; 32]), GroupId([1; 32]), None, 2, "foreign");
    let mut spoiled = bodies_of(&a);
    if let Message::Bodies(bodies) = &mut spoiled {
        bodies[2][30] ^= 1;
    }
    let mut forged = run_of(&c, 3);
    if let Message::Run { run, .. } = &mut forged {
        run.signature[0] ^= 1;
    }
    let mut writer = Writer::new(&keys, Kind::Bundle, Begin { group, entries: 9 }, [1; 32]);
    let parts = [
        (run_of(&a, 5), spoiled),
        (run_of(&b[2..], 2), bodies_of(&b[2..])),
        (forged, bodies_of(&c)),
        (run_of(&foreign, 2), bodies_of(&foreign)),
    ];
    for (run, bodies) in parts {
        writer.push_message(&run);
        writer.push_message(&bodies);
    }
    let held = table.status(0, group).held;
    let tally = table.import(0, group, &writer.finish());
    // The signature of a foreign entry is over another group's header.
    assert_eq!(tally, Tally { new: 2, held: 0, missing: 2 + 2, refused: 0, invalid: 1 + 3 + 2 });
    assert_eq!(table.status(0, group).held, held + 2);
}

#[test]
fn what_was_carried_to_one_reaches_those_who_are_connected_to_it() {
    let (mut table, group) = Table::group(3);
    table.connect(1, 2);
    table.write(1, group, "here");
    table.advance(20_000);
    for n in 0..80 {
        table.write(0, group, &format!("{n}"));
    }
    let file = table.bundle(0, group, None);
    table.import(1, group, &file);
    table.converge_some(group, &[1, 2], 5_000);
    assert!(table.nodes[2].penalised.is_empty());
}

#[test]
fn a_restored_backup_that_meets_its_own_newer_entries_in_a_file_goes_on_in_a_fresh_log() {
    let (mut table, group) = Table::group(2);
    let backup = table.nodes[1].engine.store().clone();
    for n in 0..5 {
        table.write(1, group, &format!("after the backup {n}"));
    }
    let file = table.bundle(1, group, None);
    table.import(0, group, &file);
    let restored = table.seat(backup);
    let old = table.status(restored, group).log;
    let back = table.bundle(0, group, Some(restored));
    assert!(table.import(restored, group, &back).new >= 5);
    assert_ne!(table.status(restored, group).log, old);
    table.write(restored, group, "goes on");
    let file = table.bundle(restored, group, Some(0));
    table.import(0, group, &file);
    assert!(table.agree_some(group, &[0, restored]));
    assert_eq!(table.status(0, group).forked_logs, 0);
}

#[test]
fn a_request_and_its_answer_are_carried_by_hand() {
    let mut table = Table::new(3);
    let group = table.batch(0, |e, now| e.create_group(now, GroupKind::Closed, "group").unwrap());
    let once = NewInvite { role: Role::Member, uses: 1, expires_ms: 0, approve: false };
    let secret = table.batch(0, |e, now| e.invite(now, group, once).unwrap());
    table.write(0, group, "written before");
    let seed = table.status(0, group).seed;
    table.batch(1, |e, now| e.join_group(now, group, Joining { seed, invite: Some(secret) }).unwrap());

    // A bundle that knows nothing of the request lets nobody in, and nothing of it is stored.
    let early = table.bundle(0, group, None);
    assert_eq!(table.is_in(1, group, &early), Some(false));

    let request = table.bundle(1, group, None);
    assert_eq!(table.import(0, group, &request), new(2));
    table.advance(1_000);
    let answer = table.bundle(0, group, Some(1));
    assert_eq!(table.is_in(1, group, &answer), Some(true));
    table.batch(1, |e, _| e.let_in_by_hand(group));
    let tally = table.import(1, group, &answer);
    assert_eq!(tally, new(tally.new));
    assert_eq!(table.nodes[1].engine.rehearse(group).map(|_| ()), None, "it waits no more");
    table.advance(1_000);
    // What it had to say goes the same way.
    table.write(1, group, "an answer");
    let back = table.bundle(1, group, Some(0));
    table.import(0, group, &back);
    table.advance(1_000);
    let last = table.bundle(0, group, Some(1));
    table.import(1, group, &last);
    assert!(table.agree_some(group, &[0, 1]));
    let store = |table: &mut Table, n: usize| table.nodes[n].engine.store().views(group).digest();
    assert_eq!(store(&mut table, 0), store(&mut table, 1), "it reads everything");

    // Who was let in by nobody is not, whatever it carries home.
    let stranger = LogKey::from_seed(&[9; 32]);
    let entries = chain(&GroupKeys::from_seed(&seed), &stranger, group, None, 3, "stranger");
    let mut writer = Writer::new(&table.keys(0, group), Kind::Bundle, Begin { group, entries: 3 }, [1; 32]);
    writer.push_message(&run_of(&entries, 3));
    writer.push_message(&bodies_of(&entries));
    assert_eq!(table.import(0, group, &writer.finish()), Tally { refused: 3, ..Tally::default() });
}
