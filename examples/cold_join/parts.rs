//! What the joiner stored, and what hashing, decrypting and inserting the same costs alone.

use std::path::Path;

use rusqlite::{Connection, params};
use studymesh::config::Home;
use studymesh::engine::store::{Store, Stored};
use studymesh::log::entry;
use studymesh::log::keys::GroupKeys;
use studymesh::log::seal::Key;
use studymesh::model::id::GroupId;
use studymesh::node;
use tokio::time::Instant;

use crate::{BATCH, Result, settings};

/// Entries with the number of the chain that each stands in.
type Chained = Vec<(u64, Stored)>;

/// Seconds for hashing, decrypting and inserting what the joiner stored, in one thread.
pub fn measure(db: &Path, home: &Home) -> Result<f64> {
    let (group, entries, keys) = read_back(home)?;
    parts(db, &entries, &keys, group)
}

/// Everything that the joiner stored.
fn read_back(home: &Home) -> Result<(GroupId, Chained, GroupKeys)> {
    let mut opened = node::open_alone(home, &settings("Joiner"))?;
    let store = opened.core.engine().store();
    let row = store.groups()?.remove(0);
    let mut entries = vec![];
    for chain in store.chains(row.id)? {
        let mut next = 0;
        loop {
            let part = store.entries(row.id, chain.chain, next, BATCH, usize::MAX, true)?;
            let Some(last) = part.last() else { break };
            next = last.header.seq + 1;
            entries.extend(part.into_iter().map(|e| (chain.chain.0, e)));
        }
    }
    let mut keys = GroupKeys::from_seed(&row.seed);
    for key in store.epoch_keys(row.id)? {
        keys.hold(Key::new(key));
    }
    Ok((row.id, entries, keys))
}

fn parts(path: &Path, entries: &[(u64, Stored)], keys: &GroupKeys, group: GroupId) -> Result<f64> {
    let mut db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE entries (chain INTEGER, seq INTEGER, id BLOB, header BLOB, body BLOB, PRIMARY KEY (chain, seq)) WITHOUT ROWID;",
    )?;
    let began = Instant::now();
    let mut opened = 0;
    for part in entries.chunks(BATCH) {
        let transaction = db.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (chain, entry) in part {
                let header = entry.header.encode();
                let is_genesis = entry.header.group == GroupId::ZERO;
                assert!(is_genesis || entry.header.group == group, "an entry of this group");
                assert_eq!(studymesh::log::header::id_of(&header), entry.id, "the header hashes to its id");
                entry::check_body(&entry.header, &entry.body)?;
                opened += usize::from(keys.open(&entry.header, &entry.body).is_ok());
                insert.execute(params![*chain as i64, entry.header.seq as i64, entry.id.0, header, entry.body])?;
            }
        }
        transaction.commit()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    if opened != entries.len() {
        return Err(format!("only {opened} of {} bodies open", entries.len()).into());
    }
    Ok(seconds.max(1e-6))
}
