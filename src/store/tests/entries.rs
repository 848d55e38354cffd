use super::world::{Node, World};
use crate::engine::store::{ChainNo, Store, Tip};
use crate::log::header;
use crate::model::action::Action;
use crate::model::action::{Class, NoteNew};
use crate::model::id::EntryId;
use crate::store::ErrorKind;

/// A world with a long log, a log that forked twice, and control entries with different heads.
fn world() -> World {
    let mut world = World::new(4);
    for n in 0..70 {
        world.note(0, &format!("Note {n}"), &"云原生 text ".repeat(n % 7), &[]);
    }
    let fork = world.fork(1);
    world.name_group(1, "Here", &[]);
    world.name_group(fork, "There", &[]);
    let again = world.fork(fork);
    world.name_group(fork, "Still there", &[]);
    world.name_group(again, "Elsewhere", &[]);
    world
}

#[test]
fn what_is_read_is_byte_for_byte_what_was_stored() {
    let world = world();
    let mut node = Node::with_all(&world);
    let mut read = vec![];
    for row in node.store.chains(world.group).unwrap() {
        read.extend(node.store.entries(world.group, row.chain, 0, usize::MAX, usize::MAX, true).unwrap());
    }
    assert_eq!(read.len(), world.entries.len());
    for entry in &world.entries {
        let stored = read.iter().find(|s| s.id == entry.id).unwrap();
        assert_eq!(stored.header.encode(), entry.header_bytes);
        assert_eq!(header::id_of(&stored.header.encode()), entry.id);
        assert_eq!(stored.body, entry.body);
        let kept = header_is_signed(entry.header.seq).then_some(entry.signature);
        assert_eq!(stored.signature, kept);
    }
    assert_eq!(node.store.count(world.group).unwrap(), world.entries.len() as u64);
}

fn header_is_signed(seq: u64) -> bool {
    crate::log::run::is_signature_point(seq)
}

#[test]
fn entries_come_in_the_portions_that_are_asked_for() {
    let world = world();
    let mut node = Node::with_all(&world);
    let chain = node.chain_of(world.branches[0].key.id());
    let mut get = |from, max, bytes, bodies| node.store.entries(world.group, chain, from, max, bytes, bodies).unwrap();
    let seqs = |got: &[crate::engine::store::Stored]| got.iter().map(|s| s.header.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&get(3, 4, usize::MAX, true)), [3, 4, 5, 6]);
    assert_eq!(seqs(&get(70, 9, usize::MAX, true)), [70, 71]);
    assert_eq!(seqs(&get(72, 9, usize::MAX, true)), [0u64; 0]);
    assert_eq!(seqs(&get(u64::MAX, 9, usize::MAX, true)), [0u64; 0]);
    // At least one, however large; then as many as fit.
    assert_eq!(seqs(&get(3, 9, 0, true)), [3]);
    let sizes: Vec<usize> = get(3, 9, usize::MAX, true).iter().map(|s| s.body.len()).collect();
    assert_eq!(get(3, 9, sizes[..3].iter().sum(), true).len(), 3);
    assert_eq!(get(3, 9, sizes[..3].iter().sum::<usize>() - 1, true).len(), 2);
    // Without bodies their size does not count, and the headers still tell it.
    let bare = get(3, 9, 0, false);
    assert_eq!(bare.len(), 9);
    assert!(bare.iter().all(|s| s.body.is_empty()));
    assert_eq!(bare.iter().map(|s| s.header.body_len as usize).collect::<Vec<_>>(), sizes);
}

#[test]
fn branches_know_where_they_left_and_only_what_is_their_own() {
    let world = world();
    let mut node = Node::with_all(&world);
    let log = world.branches[1].key.id();
    let rows: Vec<_> = node.store.chains(world.group).unwrap().into_iter().filter(|r| r.log == log).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].parent, None);
    assert_eq!(rows[1].parent, Some((rows[0].chain, 0)));
    assert_eq!(rows[2].parent, Some((rows[1].chain, 1)));
    assert_eq!(node.store.id_at(rows[1].chain, 0).unwrap(), None);
    assert_eq!(node.store.id_at(rows[1].chain, 2).unwrap(), rows[1].tip.as_ref().map(|t| t.id));
    assert_eq!(node.store.id_at(rows[1].chain, u64::MAX).unwrap(), None);
    let own = node.store.entries(world.group, rows[2].chain, 0, 9, usize::MAX, true).unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].header.prev, node.store.id_at(rows[1].chain, 1).unwrap().unwrap());
}

#[test]
fn chains_and_tips_read_back_as_they_were_written() {
    let world = world();
    let mut node = Node::with_all(&world);
    let chain = node.chain_of(world.branches[2].key.id());
    let tip = Tip { seq: 0, id: EntryId([5; 32]), signature: None, pending: Some(vec![1, 2, 3]) };
    node.store.set_tip(chain, &tip).unwrap();
    let empty = node
        .store
        .new_chain(world.group, world.branches[3].key.id(), Some((chain, 7)), world.branches[3].person)
        .unwrap();
    let rows = node.store.chains(world.group).unwrap();
    let row = |no: ChainNo| rows.iter().find(|r| r.chain == no).unwrap();
    assert_eq!(row(chain).tip, Some(tip));
    assert_eq!((row(empty).parent, row(empty).tip.clone()), (Some((chain, 7)), None));
    assert!(rows.windows(2).all(|w| w[0].chain < w[1].chain), "parents come before their branches");
}

#[test]
fn control_entries_come_with_the_heads_that_they_name() {
    let world = world();
    let mut node = Node::with_all(&world);
    let stored = node.store.control_entries(world.group).unwrap();
    assert!(stored.iter().all(|e| e.header.class == Class::Control && !e.body.is_empty()));
    let mut control: Vec<_> = stored.into_iter().map(|e| (e.id, e.header.control_heads)).collect();
    control.sort();
    let mut expected: Vec<_> = world
        .entries
        .iter()
        .filter(|e| e.header.class == Class::Control)
        .map(|e| (e.id, e.header.control_heads.clone()))
        .collect();
    expected.sort();
    assert_eq!(control, expected);
}

#[test]
fn a_byte_changed_on_the_disk_is_noticed_when_it_is_read() {
    let mut world = World::new(1);
    let long = "x".repeat(2_000);
    world.note(0, "Note", &long, &[]);
    let columns =
        ["body = zeroblob(length(body))", "time = time + 1", "id = zeroblob(32)", "class = 0", "epoch = zeroblob(32)"];
    for change in columns {
        let mut node = Node::with_all(&world);
        let chain = node.chain_of(world.branches[0].key.id());
        node.store.db.execute(&format!("UPDATE entries SET {change} WHERE key & 4294967295 = 2"), []).unwrap();
        let read = node.store.entries(world.group, chain, 0, 9, usize::MAX, true);
        if change.starts_with("epoch") {
            // Another spelling of the zero epoch: what is read is still the entry.
            assert_eq!(read.unwrap().len(), 3);
            continue;
        }
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Damaged, "{change}");
        assert!(!node.store.integrity().unwrap().problems.is_empty(), "{change}");
    }
}

#[test]
fn the_check_tells_gaps_and_wrong_tips_and_signatures() {
    let world = world();
    let problems = |change: &str| {
        let mut node = Node::with_all(&world);
        assert_eq!(node.store.integrity().unwrap().problems, Vec::<String>::new());
        assert_eq!(node.store.db.execute(change, []).unwrap(), 1, "{change}");
        node.store.integrity().unwrap().problems
    };
    for change in [
        "DELETE FROM entries WHERE key = 1 << 32 | 30",
        "DELETE FROM entries WHERE key = 1 << 32 | 71",
        "UPDATE entries SET signature = zeroblob(64) WHERE key = 1 << 32 | 63",
        "UPDATE entries SET signature = NULL WHERE key = 1 << 32 | 63",
        "UPDATE chains SET tip_signature = zeroblob(64) WHERE no = 1",
        "UPDATE chains SET tip_seq = 70 WHERE no = 1",
        "UPDATE chains SET tip_seq = NULL WHERE no = 1",
    ] {
        assert_eq!(problems(change).len(), 1, "{change}");
    }
}

#[test]
fn a_long_body_and_an_entry_with_most_heads_come_back_whole() {
    let mut world = World::new(1);
    let mut noise = vec![0u8; 30_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let text: String = noise.iter().map(|b| char::from(b'a' + b % 26)).collect();
    world.write(
        0,
        &Action::NoteNew(NoteNew { title: String::new(), topic: None, tags: vec![], text: super::world::first(&text) }),
    );
    let mut node = Node::with_all(&world);
    let note = world.entries.last().unwrap();
    assert_eq!(node.store.note_text(world.group, note.id.into()).unwrap(), Some(text));
    let chain = node.chain_of(note.header.log);
    let read = node.store.entries(world.group, chain, note.header.seq, 1, usize::MAX, true).unwrap();
    assert_eq!(read[0].body, note.body);
}

#[test]
fn an_entry_is_found_by_the_beginning_of_its_id() {
    let world = world();
    let mut node = Node::with_all(&world);
    let entry = &world.entries[40];
    let id = entry.id.to_string();
    let found = node.store.entry_info(world.group, &id[..12], 5).unwrap();
    assert_eq!(found.len(), 1);
    let info = &found[0];
    assert_eq!((info.id, info.log, info.seq), (entry.id, entry.header.log, entry.header.seq));
    assert_eq!((info.time, info.class, info.folded), (entry.header.time, Class::Content, true));
    assert_eq!(info.body_bytes, entry.body.len() as u64);
    for none in ["", "abc", "zzzz", "ABCDEF", "'; DROP TABLE entries; --"] {
        assert!(node.store.entry_info(world.group, none, 5).unwrap().is_empty(), "{none}");
    }
}

#[test]
fn an_entry_is_found_on_its_branch_however_many_there_are() {
    let mut world = World::new(2);
    // A log that was copied after its second entry, and copies of the copies.
    world.name_group(1, "Trunk", &[]);
    let copies: Vec<usize> =
        (0..40).map(|n| world.fork(if n % 3 == 2 { world.branches.len() - 1 } else { 1 })).collect();
    world.name_group(1, "Trunk goes on", &[]);
    for (n, copy) in copies.iter().enumerate() {
        world.name_group(*copy, &format!("Copy {n}"), &[]);
        world.name_group(*copy, &format!("Copy {n} goes on"), &[]);
    }
    let mut node = Node::with_all(&world);
    let log = world.branches[1].key.id();
    let all: Vec<ChainNo> =
        node.store.chains(world.group).unwrap().iter().filter(|r| r.log == log).map(|r| r.chain).collect();
    assert!(all.len() > 30, "{}", all.len());
    for entry in world.entries.iter().filter(|e| e.header.log == log) {
        let (seq, id) = (entry.header.seq, entry.id);
        for asked in [all.len(), 9, 8, 3, 1] {
            let chains = &all[..asked];
            let slow = chains.iter().find(|c| node.store.id_at(**c, seq).unwrap() == Some(id)).copied();
            assert_eq!(node.store.chain_of(chains, seq, id).unwrap(), slow);
        }
        assert_eq!(node.store.chain_of(&all[1..], seq + 1, id).unwrap(), None);
    }
    assert_eq!(node.store.chain_of(&all, 1, EntryId([9; 32])).unwrap(), None);
    assert_eq!(node.store.chain_of(&[], 1, EntryId([9; 32])).unwrap(), None);
}
