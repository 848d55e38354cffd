use std::collections::BTreeMap;

use super::world::{Node, World};
use crate::engine::entropy::Entropy;
use crate::engine::store::{GroupRow, Kept, Store};
use crate::model::action::{GroupKind, PersonLink};
use crate::model::id::{EpochId, GroupId, LogId, Peer};
use crate::store::{PeerRow, SqliteStore};

/// How many rows every table has, FTS5's own tables included.
fn rows(store: &SqliteStore) -> BTreeMap<String, i64> {
    let mut select = store.db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let count = |name: &String| store.db.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0));
    names.into_iter().map(|name| (name.clone(), count(&name).unwrap())).collect()
}

fn peer(n: u64) -> PeerRow {
    PeerRow {
        peer: Peer::new(&n.to_be_bytes()).unwrap(),
        addresses: vec![vec![4; 8]],
        log: Some(LogId([1; 32])),
        last_seen_ms: n,
        last_sync_ms: None,
        source: "mdns".into(),
    }
}

/// Fills every table with rows of a group.
fn fill(node: &mut Node, world: &World) {
    node.take_all(world);
    node.search(world.group, "go", 5, 0);
    node.store.peer_seen(world.group, &peer(1)).unwrap();
    node.store.event_push(1, "entry", Some(world.group), "{}").unwrap();
    node.store.put_epoch_key(world.group, EpochId([5; 32]), [6; 32]).unwrap();
    node.store.keep(world.group, &Kept { written_ms: 1, kind: 16, version: 1, payload: vec![1] }).unwrap();
    node.store.set_stale(world.group, true).unwrap();
}

#[test]
fn a_group_that_is_removed_leaves_no_row_anywhere() {
    let mut dice = Entropy::new([3; 32]);
    let mut world = World::new(3);
    let note = world.note(0, "Note", "go", &["tag"]);
    world.fork(2);
    for _ in 0..120 {
        world.write_anything(&mut dice);
    }
    let mut node = Node::new(&world);
    let mut bare = node.store.open_bare();
    let expected = rows(&bare);
    fill(&mut node, &world);
    // Leave work for later, too.
    node.store.db.execute("INSERT OR IGNORE INTO stale SELECT note << 2 FROM notes", []).unwrap();
    node.store.db.execute("INSERT INTO early VALUES (1, zeroblob(32), 1 << 32)", []).unwrap();
    let full = rows(&node.store);
    let empty: Vec<_> = full.iter().filter(|(name, count)| **count == 0 && !name.starts_with("words_")).collect();
    assert!(empty.is_empty(), "the test fills every table: {empty:?}");

    node.store.remove_group(world.group).unwrap();
    let mut left = rows(&node.store);
    // The numbering of events goes on.
    assert_eq!(left.remove("sqlite_sequence"), Some(1));
    let mut expected = expected;
    expected.remove("sqlite_sequence");
    assert_eq!(left, expected);
    assert!(node.store.note_text(world.group, note).is_err());
    assert!(node.store.groups().unwrap().is_empty());
    node.store.remove_group(world.group).unwrap();
    assert!(bare.groups().unwrap().is_empty());
}

impl SqliteStore {
    /// A store in which nothing ever was.
    fn open_bare(&self) -> SqliteStore {
        SqliteStore::open_in_memory().unwrap()
    }
}

#[test]
fn the_other_groups_stay_as_they_were_and_are_still_found() {
    let mut world = World::new(2);
    world.note(0, "Kept", "云原生", &[]);
    let mut node = Node::with_all(&world);
    let before = node.digest();
    node.search(world.group, "云原生", 5, 0);

    let other = GroupId([8; 32]);
    let row = GroupRow { id: other, seed: [9; 16], log_keys: vec![[3; 32]], joined_ms: 1, kind: None, before: vec![] };
    node.store.put_group(&row).unwrap();
    node.store.peer_seen(other, &peer(2)).unwrap();
    node.store.event_push(1, "entry", Some(other), "{}").unwrap();
    node.store.event_push(1, "entry", Some(world.group), "{}").unwrap();
    node.store.remove_group(other).unwrap();

    assert_eq!(node.digest(), before);
    assert_eq!(node.search(world.group, "云原生", 5, 0).len(), 1);
    assert_eq!(node.store.events_since(0, 9).unwrap().len(), 1);
    assert_eq!(node.store.groups().unwrap().len(), 1);
}

#[test]
fn a_group_that_is_joined_again_starts_afresh() {
    let mut world = World::new(2);
    world.note(0, "Note", "云原生", &[]);
    let mut node = Node::with_all(&world);
    let digest = node.digest();
    node.store.remove_group(world.group).unwrap();
    let mut again = Node::on(node.store, &world);
    assert_eq!(again.store.count(world.group).unwrap(), 0);
    again.take_all(&world);
    assert_eq!(again.digest(), digest);
}

#[test]
fn no_trace_of_a_removed_groups_secrets_is_left_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let mut world = World::new(1);
    world.note(0, "Confidential", "plaintext-marker-in-a-title-or-the-index", &["plaintextmarkertag"]);
    let mut node = Node::on(SqliteStore::open(&path).unwrap(), &world);
    fill(&mut node, &world);
    node.search(world.group, "marker", 5, 0);
    let contains = |needle: &[u8]| {
        ["", "-wal"].iter().any(|suffix| {
            let bytes = std::fs::read(format!("{}{suffix}", path.display())).unwrap_or_default();
            bytes.windows(needle.len()).any(|w| w == needle)
        })
    };
    let secrets: [&[u8]; 4] = [&super::world::SEED, &[1; 32], b"Confidential", b"plaintextmarkertag"];
    assert!(secrets.iter().all(|s| contains(s)), "they were there");
    node.store.remove_group(world.group).unwrap();
    for secret in secrets {
        assert!(!contains(secret), "{:?}", String::from_utf8_lossy(secret));
    }
}

#[test]
fn groups_come_back_with_their_keys_in_the_order_in_which_they_were_joined() {
    let mut store = SqliteStore::open_in_memory().unwrap();
    let row = |n: u8| GroupRow {
        id: GroupId([n; 32]),
        seed: [n; 16],
        log_keys: vec![[n; 32]],
        joined_ms: n.into(),
        kind: None,
        before: vec![],
    };
    for n in [5, 2, 9] {
        store.put_group(&row(n)).unwrap();
    }
    let mut changed = row(2);
    changed.log_keys.push([77; 32]);
    changed.kind = Some(GroupKind::Closed);
    changed.before = vec![PersonLink { log: LogId([6; 32]), signature: [7; 64] }; 2];
    store.put_group(&changed).unwrap();
    assert_eq!(store.groups().unwrap(), [row(5), changed, row(9)]);
}

#[test]
fn peers_are_merged_and_bounded() {
    let mut store = SqliteStore::open_in_memory().unwrap();
    let group = GroupId([5; 32]);
    store
        .put_group(&GroupRow { id: group, seed: [5; 16], log_keys: vec![], joined_ms: 0, kind: None, before: vec![] })
        .unwrap();
    let one = |addresses: &[u8]| PeerRow { addresses: addresses.iter().map(|a| vec![*a; 6]).collect(), ..peer(100) };
    store.peer_seen(group, &PeerRow { last_sync_ms: Some(50), ..one(&[1, 2]) }).unwrap();
    let news = PeerRow { log: None, last_seen_ms: 90, source: String::new(), ..one(&[3, 1]) };
    store.peer_seen(group, &news).unwrap();
    let merged = PeerRow { last_sync_ms: Some(50), ..one(&[3, 1, 2]) };
    assert_eq!(store.peers(group).unwrap(), [merged]);

    // Too many addresses: the newest stay. Too long ones never come in.
    let mut many = one(&[9, 8, 7, 6, 5, 4]);
    many.addresses.push(vec![0; 129]);
    store.peer_seen(group, &many).unwrap();
    let kept: Vec<u8> = store.peers(group).unwrap()[0].addresses.iter().map(|a| a[0]).collect();
    assert_eq!(kept, [9, 8, 7, 6, 5, 4, 3, 1]);

    for n in 1_000..1_300 {
        store.peer_seen(group, &peer(n)).unwrap();
    }
    let peers = store.peers(group).unwrap();
    assert_eq!(peers.len(), crate::store::MAX_PEERS);
    assert_eq!((peers[0].last_seen_ms, peers[255].last_seen_ms), (1_299, 1_044));
    store.peer_forget(group, &peers[0].peer).unwrap();
    assert_eq!(store.peers(group).unwrap().len(), 255);
    assert!(store.peers(GroupId([6; 32])).is_err());
}

#[test]
fn event_ids_grow_and_are_never_given_twice() {
    let mut store = SqliteStore::open_in_memory().unwrap();
    assert_eq!(store.last_event().unwrap(), 0);
    store.begin().unwrap();
    for n in 1..=crate::store::MAX_EVENTS + 10 {
        assert_eq!(store.event_push(n, "tick", None, "{}").unwrap(), n);
    }
    store.commit().unwrap();
    let kept = store.events_since(0, usize::MAX).unwrap();
    assert_eq!(kept.len() as u64, crate::store::MAX_EVENTS);
    assert_eq!(kept[0].id, 11);
    let last = kept.last().unwrap().clone();
    assert_eq!(store.events_since(last.id - 2, 1).unwrap()[0].id, last.id - 1);
    assert!(store.events_since(last.id, 9).unwrap().is_empty());
    assert!(store.events_since(u64::MAX, 9).unwrap().is_empty());
    // Even when all are gone.
    store.db.execute("DELETE FROM events", []).unwrap();
    assert_eq!(store.event_push(1, "tick", Some(GroupId([1; 32])), "{}").unwrap(), last.id + 1);
    assert_eq!(store.last_event().unwrap(), last.id + 1);
    assert_eq!(store.events_since(0, 9).unwrap()[0].group, Some(GroupId([1; 32])));
}
