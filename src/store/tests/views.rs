use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{Node, World, first};
use crate::engine::entropy::Entropy;
use crate::engine::store::{Reading, Store};
use crate::model::action::{
    Action, GroupName, NoteEdit, NoteNew, NoteSet, Progress, RoadmapEdit, TopicPut, TopicState,
};
use crate::model::fold::{Register, Value};
use crate::model::id::{EntryId, GroupId, PersonId};
use crate::model::limits::{EDIT_BYTES, EDIT_OP_BYTES, MAX_EDIT_TEXT_BYTES, MAX_NOTE_EDITS_BYTES};
use crate::model::roadmap::{Localized, Topic};
use crate::model::text::Text;
use crate::model::time::Hlc;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn dice(seed: u64) -> Entropy {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Entropy::new(bytes)
}

/// A group of three people, one of them with a second log and one with a log that was copied and went on twice.
fn anything(dice: &mut Entropy, entries: u64) -> World {
    let mut world = World::new(3);
    world.note(0, "First", "# 学习", &["go"]);
    world.second_log(1, 50);
    for n in 0..entries {
        if n == entries / 2 {
            world.fork(2);
        }
        world.write_anything(dice);
    }
    world
}

/// All registers that a store knows, by asking kind after kind.
fn registers(node: &mut Node) -> BTreeMap<Register, (Value, Vec<EntryId>)> {
    let group = node.group;
    let all = (0..17u8).flat_map(|kind| node.store.registers(group, kind, None).unwrap());
    all.map(|(register, current)| (register, (current.value, current.frontier))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_the_same_entries_gives_the_same_views(seed: u64, entries in 1u64..60) {
        let mut dice = dice(seed);
        let world = anything(&mut dice, entries);
        let mut first = Node::with_all(&world);
        let mut second = Node::new(&world);
        second.take_shuffled(&world, &mut dice);

        // What the plain model says, and the same however the entries came.
        prop_assert_eq!(&registers(&mut first), &world.registers());
        prop_assert_eq!(&registers(&mut second), &world.registers());
        for (note, text) in world.texts() {
            prop_assert_eq!(first.store.note_text(world.group, note).unwrap(), Some(text.clone()));
            prop_assert_eq!(second.store.note_text(world.group, note).unwrap(), Some(text));
        }
        let digest = first.digest();
        prop_assert_eq!(second.digest(), digest);

        // Made anew from the ciphertext, too.
        second.store.rebuild().unwrap();
        prop_assert_eq!(second.digest(), digest);
        prop_assert_eq!(&registers(&mut second), &world.registers());
        prop_assert_eq!(first.store.persons(world.group).unwrap(), second.store.persons(world.group).unwrap());
        let notes = |node: &mut Node| {
            let mut rows = node.store.notes(world.group).unwrap();
            rows.sort_by_key(|row| row.note);
            rows
        };
        prop_assert_eq!(notes(&mut first), notes(&mut second));
        prop_assert_eq!(first.store.integrity().unwrap().problems, Vec::<String>::new());
        prop_assert_eq!(second.store.integrity().unwrap().entries, world.entries.len() as u64);
        for query in ["云原生", "go", "共识"] {
            let found = |node: &mut Node| {
                let hits = node.search(world.group, query, 100, 0);
                let mut found: Vec<_> = hits.into_iter().map(|h| format!("{:?} {} {}", h.found, h.title, h.snippet.text)).collect();
                found.sort();
                found
            };
            prop_assert_eq!(found(&mut first), found(&mut second));
        }
    }

    #[test]
    fn one_more_entry_changes_the_digest_unless_it_says_nothing(seed: u64) {
        let mut dice = dice(seed);
        let mut world = anything(&mut dice, 10);
        let before = Node::with_all(&world).digest();
        world.name_group(0, "Another name", &[]);
        prop_assert_ne!(Node::with_all(&world).digest(), before);
    }
}

#[test]
fn a_write_supersedes_what_it_names_even_with_an_earlier_time() {
    let mut world = World::new(2);
    let future = Hlc::from_bits(u64::MAX);
    let name = |name: &str, supersedes: &[EntryId]| {
        Action::GroupName(GroupName { name: name.into(), supersedes: supersedes.into() })
    };
    let wrong = world.write_at(0, future, &name("Typo", &[]));
    let right = world.write_at(1, Hlc::new(1, 0), &name("Right", &[wrong]));
    let mut node = Node::with_all(&world);
    let current = node.store.register(world.group, &Register::GroupName).unwrap().unwrap();
    assert_eq!((current.value, current.write.entry, current.frontier), (text("Right"), right, vec![right]));
    let history = node.store.register_writes(world.group, &Register::GroupName).unwrap();
    let values: Vec<_> = history.iter().map(|(info, value)| (info.entry, value.clone())).collect();
    assert_eq!(values, [(right, text("Right")), (wrong, text("Typo"))]);
}

#[test]
fn a_superseding_write_that_comes_first_still_supersedes() {
    let mut world = World::new(2);
    let old = world.name_group(0, "Old", &[]);
    let new = world.name_group(1, "New", &[old]);
    let mut node = Node::new(&world);
    let early: Vec<_> = world.entries.iter().filter(|e| e.id != old).collect();
    for entry in early {
        node.put(&world, entry).unwrap();
    }
    node.put(&world, world.entries.iter().find(|e| e.id == old).unwrap()).unwrap();
    let current = node.store.register(world.group, &Register::GroupName).unwrap().unwrap();
    assert_eq!(current.frontier, [new]);
    assert_eq!(node.store.register_writes(world.group, &Register::GroupName).unwrap().len(), 2);
}

#[test]
fn a_write_of_another_register_supersedes_nothing() {
    let mut world = World::new(2);
    let note = world.note(0, "Title", "text", &["tag"]);
    // Names the note's first entry, which wrote title and tags, and writes the title only.
    let set = NoteSet { note, title: Some("New".into()), supersedes: vec![EntryId(note.0)], ..NoteSet::default() };
    world.write(1, &Action::NoteSet(set));
    let mut node = Node::with_all(&world);
    let title = node.store.register(world.group, &Register::NoteTitle(note)).unwrap().unwrap();
    let tags = node.store.register(world.group, &Register::NoteTags(note)).unwrap().unwrap();
    assert_eq!((title.value, title.frontier.len()), (text("New"), 1));
    assert_eq!((tags.value, tags.frontier), (Value::Tags(vec!["tag".into()]), vec![EntryId(note.0)]));
}

#[test]
fn concurrent_writes_are_decided_by_time_then_id_and_both_stand_in_the_frontier() {
    let mut world = World::new(3);
    let name = |name: &str| Action::GroupName(GroupName { name: name.into(), supersedes: vec![] });
    let a = world.write_at(0, Hlc::new(9, 1), &name("A"));
    let b = world.write_at(1, Hlc::new(9, 1), &name("B"));
    let c = world.write_at(2, Hlc::new(8, 0), &name("C"));
    let mut node = Node::with_all(&world);
    let current = node.store.register(world.group, &Register::GroupName).unwrap().unwrap();
    assert_eq!(current.frontier, [a.max(b), a.min(b), c]);
    assert_eq!(current.value, text(if a > b { "A" } else { "B" }));
    assert_eq!(current.write.person, world.branches[usize::from(b > a)].person);
}

#[test]
fn a_register_with_thousands_of_concurrent_writes_is_replaced_by_one_that_names_them() {
    let mut world = World::new(2);
    let ids: Vec<EntryId> = (0..600).map(|n| world.name_group(0, &format!("N{n}"), &[])).collect();
    let (named, left) = ids.split_at(500);
    let last = world.name_group(1, "One", named);
    let mut node = Node::with_all(&world);
    let current = node.store.register(world.group, &Register::GroupName).unwrap().unwrap();
    assert_eq!(current.value, text("One"));
    let mut expected: Vec<EntryId> = [&[last], left].concat();
    expected.sort();
    let mut frontier = current.frontier;
    frontier.sort();
    assert_eq!(frontier, expected);
}

#[test]
fn one_entry_that_writes_a_topic_twice_means_the_second() {
    let mut world = World::new(1);
    let topic = |title: &str| Topic { id: "go".into(), title: Localized::en(title), ..Topic::default() };
    let put = |title: &str| TopicPut { id: "go".into(), topic: Some(topic(title)) };
    let edit = RoadmapEdit { roadmap: "path".into(), meta: None, topics: vec![put("A"), put("B")], supersedes: vec![] };
    world.write(0, &Action::RoadmapEdit(edit));
    let mut node = Node::with_all(&world);
    let register = Register::Topic("path".into(), "go".into());
    assert_eq!(node.store.register(world.group, &register).unwrap().unwrap().value, Value::Topic(Some(topic("B"))));
    assert_eq!(node.store.register_writes(world.group, &register).unwrap().len(), 1);
}

#[test]
fn an_entry_that_comes_twice_counts_once() {
    let mut world = World::new(1);
    world.note(0, "Note", "text", &[]);
    let mut node = Node::with_all(&world);
    let before = node.digest();
    let last = world.entries.last().unwrap();
    let action = world.action(last);
    let append = crate::engine::store::Append {
        id: last.id,
        header: &last.header,
        body: &last.body,
        signature: None,
        person: world.branches[0].person,
        reading: Reading::Action(&action),
    };
    let chain = node.chain_of(last.header.log);
    node.store.append(world.group, chain, &append).unwrap();
    assert_eq!(node.digest(), before);
    assert_eq!(node.store.count(world.group).unwrap(), world.entries.len() as u64);
}

#[test]
fn registers_of_one_subject_and_the_events_of_one_person_are_found() {
    let mut world = World::new(2);
    for (person, topic, minutes) in [(0, "go", 30), (1, "go", 10), (0, "rust", 20), (0, "go", 5)] {
        let register = Register::Progress(world.branches[person].person, topic.into());
        let supersedes = world.frontier(&register);
        let state = TopicState::Doing;
        let progress = Progress { topic: topic.into(), state, minutes, evidence: None, remark: None, supersedes };
        world.write(person, &Action::Progress(progress));
    }
    let mut node = Node::with_all(&world);
    let me = world.branches[0].person;
    let kind = Register::Progress(me, String::new()).parts().0;
    let mine = node.store.registers(world.group, kind, Some(&me.0)).unwrap();
    let topics: Vec<_> = mine.iter().map(|(register, _)| register.clone()).collect();
    assert_eq!(topics, [Register::Progress(me, "go".into()), Register::Progress(me, "rust".into())]);
    assert_eq!(node.store.registers(world.group, kind, None).unwrap().len(), 3);
    let minutes = |rows: Vec<crate::store::WriteRow>| -> Vec<u32> {
        rows.into_iter()
            .map(|row| match row.value {
                Value::Progress { minutes, .. } => minutes,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(minutes(node.store.writes(world.group, kind, Some(&me.0)).unwrap()), [30, 20, 5]);
    assert_eq!(minutes(node.store.writes(world.group, kind, None).unwrap()), [30, 10, 20, 5]);
    assert!(node.store.registers(world.group, kind, Some(&[9; 32])).unwrap().is_empty());
    assert_eq!(node.store.register(world.group, &Register::PersonName(me)).unwrap(), None);
}

#[test]
fn a_note_lists_its_authors_and_every_edit_that_was_made() {
    let mut world = World::new(3);
    let note = world.note(1, "共同笔记", "云", &[]);
    let mut replica = Text::new();
    replica.apply(EntryId(note.0), &first("云"));
    let mut ids = vec![EntryId(note.0)];
    for (branch, new) in [(2, "云原"), (0, "云原生"), (2, "学云原生")] {
        let edit = replica.next_edit_towards(new).unwrap();
        let builds_on = vec![*ids.last().unwrap()];
        let id = world.write(branch, &Action::NoteEdit(NoteEdit { note, builds_on, edit: edit.clone() }));
        replica.apply(id, &edit);
        ids.push(id);
    }
    let mut node = Node::with_all(&world);
    assert_eq!(node.store.note_text(world.group, note).unwrap().as_deref(), Some("学云原生"));
    let rows = node.store.notes(world.group).unwrap();
    let people: Vec<PersonId> = world.branches.iter().map(|b| b.person).collect();
    let mut authors = vec![people[1]];
    authors.extend([people[0].min(people[2]), people[0].max(people[2])]);
    assert_eq!((rows[0].note, &rows[0].authors, rows[0].chars), (note, &authors, 4));
    assert_eq!(rows[0].created.person, people[1]);
    let edits = node.store.note_edits(world.group, note).unwrap();
    // The same from memory, from a store that was just opened, and from one that met the edits with the note in memory.
    assert_eq!(node.store.note_edits(world.group, note).unwrap(), edits);
    node.store.cache.clear();
    assert_eq!(node.store.note_edits(world.group, note).unwrap(), edits);
    let mut reader = Node::new(&world);
    for entry in &world.entries {
        reader.put(&world, entry).unwrap();
        reader.store.note_edits(world.group, note).unwrap();
    }
    assert_eq!(reader.store.note_edits(world.group, note).unwrap(), edits);
    assert_eq!(edits.iter().map(|row| row.edit.entry).collect::<Vec<_>>(), ids);
    assert_eq!(edits[2].edit.builds_on, [ids[1]]);
    assert_eq!((edits[3].person, edits[3].log), (people[2], world.branches[2].key.id()));
    assert_eq!(rows[0].updated, edits[3].edit.time);

    let id = note.to_string();
    for prefix in [&id[..], &id[..1], &id[..7], ""] {
        assert_eq!(node.store.notes_by_prefix(world.group, prefix, 9).unwrap(), [note], "{prefix}");
    }
    for prefix in
        ["zz", "云", &format!("{id}0"), &format!("{}{}", &id[..7], if id.as_bytes()[7] == b'0' { 'f' } else { '0' })]
    {
        assert!(node.store.notes_by_prefix(world.group, prefix, 9).unwrap().is_empty(), "{prefix}");
    }
}

#[test]
fn edits_of_a_note_that_nobody_made_show_nowhere_until_it_comes() {
    let mut world = World::new(2);
    let note = world.note(0, "Late", "Go", &[]);
    let mut replica = Text::new();
    replica.apply(EntryId(note.0), &first("Go"));
    let edit = replica.next_edit_towards("Go, Rust").unwrap();
    world.write(1, &Action::NoteEdit(NoteEdit { note, builds_on: vec![EntryId(note.0)], edit }));
    let mut node = Node::new(&world);
    for entry in world.entries.iter().filter(|e| e.id.0 != note.0) {
        node.put(&world, entry).unwrap();
    }
    assert_eq!(node.store.note_text(world.group, note).unwrap(), None);
    assert!(node.store.notes(world.group).unwrap().is_empty());
    assert!(node.store.note_edits(world.group, note).unwrap().is_empty());
    assert!(node.search(world.group, "rust", 9, 0).is_empty());
    let made = world.entries.iter().find(|e| e.id.0 == note.0).unwrap();
    node.put(&world, made).unwrap();
    assert_eq!(node.store.note_text(world.group, note).unwrap().as_deref(), Some("Go, Rust"));
    assert_eq!(node.store.notes(world.group).unwrap()[0].chars, 8);
    assert_eq!(node.search(world.group, "rust", 9, 0).len(), 1);
}

#[test]
fn an_edit_that_was_rolled_back_leaves_nothing_in_a_note_that_is_kept_in_memory() {
    let mut world = World::new(2);
    let note = world.note(0, "Note", "a", &[]);
    let mut replica = Text::new();
    replica.apply(EntryId(note.0), &first("a"));
    let ids = |rows: Vec<crate::store::EditRow>| rows.len();
    let mut step = |world: &mut World, new: &str| {
        let edit = replica.next_edit_towards(new).unwrap();
        let id = world.write(1, &Action::NoteEdit(NoteEdit { note, builds_on: vec![], edit: edit.clone() }));
        replica.apply(id, &edit);
    };
    step(&mut world, "ab");
    let mut node = Node::with_all(&world);
    assert_eq!(node.store.note_text(world.group, note).unwrap().as_deref(), Some("ab"));
    step(&mut world, "abc");
    node.store.begin().unwrap();
    node.put(&world, world.entries.last().unwrap()).unwrap();
    assert_eq!(node.store.note_text(world.group, note).unwrap().as_deref(), Some("abc"));
    assert_eq!(ids(node.store.note_edits(world.group, note).unwrap()), 3);
    node.store.rollback().unwrap();
    assert_eq!(ids(node.store.note_edits(world.group, note).unwrap()), 2);
    assert_eq!(node.store.note_text(world.group, note).unwrap().as_deref(), Some("ab"));
    assert_eq!(node.store.notes(world.group).unwrap()[0].chars, 2);
}

#[test]
fn what_could_not_be_read_when_it_came_folds_when_it_can() {
    let mut world = World::new(2);
    let note = world.note(0, "Note", "text", &[]);
    world.name_group(1, "Name", &[]);
    let mut knows_all = Node::with_all(&world);
    // An older build took the same entries and could not read some of them.
    let mut older = Node::new(&world);
    for entry in &world.entries {
        let action = world.action(entry);
        let known = !matches!(action, Action::NoteNew(NoteNew { .. }) | Action::GroupName(_));
        let reading = if known { Reading::Action(&action) } else { Reading::Later };
        older.put_reading(&world, entry, reading).unwrap();
    }
    assert_eq!(older.store.note_text(world.group, note).unwrap(), None);
    assert_ne!(older.digest(), knows_all.digest());
    older.store.rebuild().unwrap();
    assert_eq!(older.digest(), knows_all.digest());
    assert_eq!(older.store.note_text(world.group, note).unwrap().as_deref(), Some("text"));
    assert_eq!(older.store.entry_info(world.group, &note.to_string(), 2).unwrap().len(), 1);
    assert!(older.store.entry_info(world.group, &note.to_string(), 2).unwrap()[0].folded);
}

#[test]
fn people_have_their_logs_and_how_much_they_wrote() {
    let mut world = World::new(2);
    let second = world.second_log(1, 77);
    world.name_group(second, "From the second log", &[]);
    let fork = world.fork(0);
    world.name_group(0, "Here", &[]);
    world.name_group(fork, "There", &[]);
    let mut node = Node::with_all(&world);
    let persons = node.store.persons(world.group).unwrap();
    let of = |branch: usize| persons.iter().find(|p| p.person == world.branches[branch].person).unwrap();
    assert_eq!(persons.len(), 2);
    assert_eq!((of(0).logs.len(), of(0).entries), (1, 4));
    let mut logs = vec![world.branches[1].key.id(), world.branches[second].key.id()];
    logs.sort();
    assert_eq!((&of(1).logs, of(1).entries), (&logs, 3));
    assert_eq!(persons.iter().map(|p| p.entries).sum::<u64>(), world.entries.len() as u64);
    assert_eq!(of(0).last, world.entries.last().unwrap().header.time);
}

#[test]
fn a_note_of_another_group_is_not_found() {
    let mut world = World::new(1);
    let note = world.note(0, "Note", "text", &[]);
    let mut node = Node::with_all(&world);
    let other = GroupId([3; 32]);
    let row = crate::engine::store::GroupRow {
        id: other,
        seed: [1; 16],
        log_keys: vec![],
        joined_ms: 0,
        kind: None,
        before: vec![],
    };
    node.store.put_group(&row).unwrap();
    assert_eq!(node.store.note_text(other, note).unwrap(), None);
    assert_eq!(node.store.register(other, &Register::NoteTitle(note)).unwrap(), None);
    assert!(node.search(other, "text", 9, 0).is_empty());
    assert!(matches!(node.store.notes(GroupId([4; 32])), Err(crate::store::Error::NoGroup(_))));
}

/// Text of one letter compresses to nothing: a note of a megabyte of entries took gigabytes to read, on every node.
#[test]
fn a_note_over_its_bound_has_no_text_and_costs_no_memory_whatever_the_order() {
    let mut world = World::new(1);
    let note = world.note(0, "Bomb", "small", &[]);
    let other = world.note(0, "Other", "not concerned", &[]);
    let long = "x".repeat(MAX_EDIT_TEXT_BYTES);
    let edit = Action::NoteEdit(NoteEdit { note, builds_on: vec![], edit: first(&long) });
    let fit = MAX_NOTE_EDITS_BYTES / (MAX_EDIT_TEXT_BYTES + EDIT_OP_BYTES + EDIT_BYTES);
    for _ in 0..fit {
        world.write(0, &edit);
    }
    let mut node = Node::with_all(&world);
    assert!(node.store.note_text(world.group, note).unwrap().unwrap().len() > MAX_NOTE_EDITS_BYTES / 2);
    assert_eq!(node.store.note_edits(world.group, note).unwrap().len(), fit + 1);
    world.write(0, &edit);
    node.store.begin().unwrap();
    node.put(&world, world.entries.last().unwrap()).unwrap();
    node.store.commit().unwrap();
    let mut fresh = Node::with_all(&world);
    for node in [&mut node, &mut fresh] {
        assert!(node.store.note_text(world.group, note).unwrap().is_some_and(|text| text.is_empty()));
        assert!(node.store.note_edits(world.group, note).unwrap().is_empty());
        assert_eq!(node.store.note_text(world.group, other).unwrap().as_deref(), Some("not concerned"));
        assert_eq!(node.search(world.group, "bomb", 9, 0).len(), 1, "its title is found");
        let row = node.store.notes(world.group).unwrap().into_iter().find(|row| row.note == note).unwrap();
        assert_eq!(row.chars, 0);
    }
    assert_eq!(node.digest(), fresh.digest());
}
