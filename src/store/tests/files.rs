use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::world::{Node, World};
use crate::engine::store::Store;
use crate::model::id::EpochId;
use crate::store::schema::{self, Migration, Schema, backup_path};
use crate::store::{Error, ErrorKind, SqliteStore};

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    (dir, path)
}

/// The names and contents of all files in a directory.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |e: std::fs::DirEntry| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap());
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| read(e.unwrap())).collect();
    files.sort();
    files
}

fn filled(path: &Path) -> (World, [u8; 32]) {
    let mut world = World::new(2);
    for n in 0..200 {
        world.note(n % 2, &format!("Note {n}"), "云原生", &[]);
    }
    let mut node = Node::on(SqliteStore::open(path).unwrap(), &world);
    node.take_all(&world);
    node.store.meta_set("name", "Ada").unwrap();
    (world, node.digest())
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let (_dir, path) = place();
    let (world, digest) = filled(&path);
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.digest(world.group).unwrap(), digest);
    assert_eq!(store.meta_get("name").unwrap().as_deref(), Some("Ada"));
    assert_eq!(store.meta_get("nothing").unwrap(), None);
    store.begin().unwrap();
    store.meta_set("name", "Bo").unwrap();
    store.rollback().unwrap();
    store.rollback().unwrap();
    assert_eq!(store.meta_get("name").unwrap().as_deref(), Some("Ada"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, path) = place();
    let mut store = SqliteStore::open(&path).unwrap();
    store.meta_set("a", "b").unwrap();
    let mut names = vec![];
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal"]);
}

#[test]
fn a_newer_schema_is_refused_and_no_byte_of_it_is_touched() {
    let (dir, path) = place();
    filled(&path);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let before = files(dir.path());
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 9, known: schema::VERSION, .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Newer);
    assert_eq!(files(dir.path()), before);
}

#[test]
fn a_newer_schema_that_is_only_in_the_write_ahead_log_is_refused_too() {
    let (dir, path) = place();
    filled(&path);
    // A newer build migrated and was killed: its change stands in the log alone.
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 9).unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    drop(newer);
    let before = files(copy.path());
    assert!(before[1].1.len() > 1_000);
    let error = SqliteStore::open(&copy.path().join("store.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Newer);
    let after: Vec<_> = files(copy.path()).into_iter().filter(|(name, _)| !name.ends_with("-shm")).collect();
    assert_eq!(after, before);
}

#[test]
fn what_is_no_store_is_told_as_damage_and_left_alone() {
    let (dir, path) = place();
    let refuse = |what: &str| {
        let before = files(dir.path());
        let error = SqliteStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}");
        assert_eq!(files(dir.path()), before, "{what}");
    };
    std::fs::write(&path, [7; 5_000]).unwrap();
    refuse("noise");
    std::fs::write(&path, b"SQLite format 3\0").unwrap();
    refuse("a header that ends");
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    refuse("a database of nobody");
    Connection::open(&path).unwrap().pragma_update(None, "application_id", 42).unwrap();
    refuse("a database of somebody else");
}

#[test]
fn a_file_that_was_cut_is_told_as_damage() {
    let (_dir, path) = place();
    filled(&path);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(SqliteStore::open(&path).unwrap_err().kind(), ErrorKind::Damaged);
}

#[test]
fn pages_that_were_overwritten_are_told_as_damage_where_they_are_read() {
    let (_dir, path) = place();
    let (world, _) = filled(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes[4096..].chunks_mut(4096) {
        page.fill(0xa5);
    }
    std::fs::write(&path, &bytes).unwrap();
    let read = SqliteStore::open(&path).and_then(|mut store| store.digest(world.group));
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Damaged);

    // The check says so, too, as far as it can open the file.
    let (_dir, path) = place();
    filled(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let mut store = SqliteStore::open(&path).unwrap();
    assert!(!store.integrity().unwrap().problems.is_empty());
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_dir, path) = place();
    std::fs::write(&path, b"").unwrap();
    assert!(SqliteStore::open(&path).unwrap().groups().unwrap().is_empty());
}

#[test]
fn a_missing_directory_is_an_error_with_the_path() {
    let (dir, _) = place();
    let error = SqliteStore::open(&dir.path().join("no/store.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("no/store.db"), "{error}");
}

/// A schema of the future, with steps from this one.
const FUTURE: Schema = Schema {
    version: schema::VERSION + 2,
    create: schema::SCHEMA.create,
    migrations: &[
        Migration { from: schema::VERSION, run: |db| db.execute_batch("CREATE TABLE moods (mood TEXT)") },
        Migration { from: schema::VERSION + 1, run: |db| db.execute_batch("INSERT INTO moods VALUES ('good')") },
    ],
};

#[test]
fn an_older_schema_is_copied_away_and_migrated() {
    let (_dir, path) = place();
    let (world, digest) = filled(&path);
    let mut store = SqliteStore::open_as(Some(&path), &FUTURE).unwrap();
    assert_eq!(store.digest(world.group).unwrap(), digest);
    let mood: String = store.db.query_row("SELECT mood FROM moods", [], |row| row.get(0)).unwrap();
    let version: u32 = store.db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!((mood.as_str(), version), ("good", FUTURE.version));
    drop(store);
    assert_eq!(SqliteStore::open(&path).unwrap_err().kind(), ErrorKind::Newer);

    // The copy is a store of the older schema with everything in it.
    let backup = backup_path(&path, schema::VERSION);
    assert!(backup.to_str().unwrap().ends_with(&format!("store.db.backup-v{}", schema::VERSION)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut copy = SqliteStore::open(&backup).unwrap();
    assert_eq!(copy.digest(world.group).unwrap(), digest);
    assert_eq!(copy.integrity().unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_store_of_the_first_schema_is_brought_to_this_one() {
    let (_dir, path) = place();
    let (world, digest) = filled(&path);
    let store = SqliteStore::open(&path).unwrap();
    let undo = "DROP INDEX unfolded_entries; DROP TABLE epoch_keys; DROP TABLE kept;
                ALTER TABLE groups DROP COLUMN before; ALTER TABLE chains DROP COLUMN elsewhere;
                PRAGMA user_version = 1;";
    store.db.execute_batch(undo).unwrap();
    drop(store);
    let mut store = SqliteStore::open(&path).unwrap();
    assert!(backup_path(&path, 1).exists());
    assert_eq!(store.digest(world.group).unwrap(), digest);
    store.put_epoch_key(world.group, EpochId([1; 32]), [2; 32]).unwrap();
    assert_eq!(store.epoch_keys(world.group).unwrap(), [[2; 32]]);
    assert!(store.groups().unwrap().iter().all(|g| g.before.is_empty()));
    assert!(store.kept(world.group).unwrap().is_empty() && store.withheld(world.group).unwrap().is_empty());
}

#[test]
fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let broken = Schema {
        migrations: &[
            Migration { from: schema::VERSION, run: |db| db.execute_batch("CREATE TABLE moods (mood TEXT)") },
            Migration { from: schema::VERSION + 1, run: |db| db.execute_batch("INSERT INTO nowhere VALUES (1)") },
        ],
        ..FUTURE
    };
    let (_dir, path) = place();
    let (world, digest) = filled(&path);
    assert_eq!(SqliteStore::open_as(Some(&path), &broken).unwrap_err().kind(), ErrorKind::Other);
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.digest(world.group).unwrap(), digest);
    // And the way is free for a build that does it right.
    drop(store);
    SqliteStore::open_as(Some(&path), &FUTURE).unwrap();
}

#[test]
fn views_of_another_build_are_folded_anew_when_the_store_is_opened() {
    for fold in ["0", "999", "not a number"] {
        let (_dir, path) = place();
        let (world, digest) = filled(&path);
        let mut store = SqliteStore::open(&path).unwrap();
        store.db.execute_batch("DELETE FROM writes WHERE kind = 2; UPDATE notes SET entry = NULL").unwrap();
        assert_ne!(store.digest(world.group).unwrap(), digest);
        store.meta_set("store.fold", fold).unwrap();
        drop(store);
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.digest(world.group).unwrap(), digest);
        assert!(store.index_while(|| true).unwrap());
        assert_eq!(store.search(world.group, "note 7", 5, 0).unwrap()[0].title, "Note 7");
        store.db.execute_batch("DELETE FROM writes WHERE kind = 2").unwrap();
        drop(store);
        // The same build does not do it twice.
        assert_ne!(SqliteStore::open(&path).unwrap().digest(world.group).unwrap(), digest);
    }
}

#[test]
fn a_second_process_that_writes_is_told_to_wait_and_nothing_is_lost() {
    let (_dir, path) = place();
    let mut first = SqliteStore::open(&path).unwrap();
    let mut second = SqliteStore::open(&path).unwrap();
    second.db.busy_timeout(std::time::Duration::from_millis(20)).unwrap();
    first.begin().unwrap();
    first.meta_set("a", "1").unwrap();
    assert_eq!(second.begin().unwrap_err().kind(), ErrorKind::Other);
    first.commit().unwrap();
    second.begin().unwrap();
    assert_eq!(second.meta_get("a").unwrap().as_deref(), Some("1"));
    second.commit().unwrap();
}
