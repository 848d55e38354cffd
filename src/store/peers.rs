//! Peers that were met or told of, per group: where to knock after a start.

use rusqlite::{OptionalExtension, Row, params};

use super::key::{signed, unsigned};
use super::{Error, SqliteStore};
use crate::model::id::{GroupId, LogId, Peer};

/// Peers of one group that are kept; those not seen for the longest time go.
pub const MAX_PEERS: usize = 256;
/// Addresses of one peer that are kept.
pub const MAX_ADDRESSES: usize = 8;
/// Longest address that is kept, in bytes.
pub const MAX_ADDRESS_BYTES: usize = 128;

const _: () = assert!(MAX_ADDRESS_BYTES <= u8::MAX as usize, "a length is one byte in the column");

/// What is known of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRow {
    /// The peer.
    pub peer: Peer,
    /// Binary multiaddrs, the newest first: at most [`MAX_ADDRESSES`] of at most [`MAX_ADDRESS_BYTES`].
    pub addresses: Vec<Vec<u8>>,
    /// The log that it proved to write.
    pub log: Option<LogId>,
    /// When it was met or told of last, Unix milliseconds.
    pub last_seen_ms: u64,
    /// When a comparison with it ended last, Unix milliseconds.
    pub last_sync_ms: Option<u64>,
    /// Where the news of it came from: `ticket`, `mdns`, `dht`, `member`, and so on.
    pub source: String,
}

impl SqliteStore {
    /// Takes in what is known of a peer: new addresses go before the old ones, times only grow, a log or a source that
    /// is not given stays.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn peer_seen(&mut self, group: GroupId, row: &PeerRow) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        self.atomically(|store| {
            let known = store.known_peer(grp, &row.peer)?;
            let is_new = known.is_none();
            let merged = known.map_or_else(|| merge(row.clone(), row), |known| merge(known, row));
            let put = "INSERT OR REPLACE INTO peers (grp, peer, addresses, log, last_seen_ms, last_sync_ms, source)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            store.db.prepare_cached(put)?.execute(params![
                grp,
                merged.peer.as_bytes(),
                pack(&merged.addresses),
                merged.log.map(|log| log.0),
                signed(merged.last_seen_ms),
                merged.last_sync_ms.map(signed),
                merged.source,
            ])?;
            if is_new {
                let prune = "DELETE FROM peers WHERE grp = ?1 AND peer IN (
                               SELECT peer FROM peers WHERE grp = ?1 ORDER BY last_seen_ms DESC, peer LIMIT -1 OFFSET ?2)";
                store.db.prepare_cached(prune)?.execute([grp, MAX_PEERS as i64])?;
            }
            Ok(())
        })
    }

    /// The known peers of a group, last seen first.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn peers(&mut self, group: GroupId) -> Result<Vec<PeerRow>, Error> {
        let grp = self.group(group)?.no;
        let mut select = self.db.prepare_cached(
            "SELECT peer, addresses, log, last_seen_ms, last_sync_ms, source FROM peers
             WHERE grp = ?1 ORDER BY last_seen_ms DESC, peer",
        )?;
        let rows = select.query_map([grp], read)?;
        rows.map(|row| row?.ok_or_else(broken)).collect()
    }

    /// Forgets a peer.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn peer_forget(&mut self, group: GroupId, peer: &Peer) -> Result<(), Error> {
        let grp = self.group(group)?.no;
        let delete = "DELETE FROM peers WHERE grp = ?1 AND peer = ?2";
        self.db.prepare_cached(delete)?.execute(params![grp, peer.as_bytes()])?;
        Ok(())
    }

    fn known_peer(&self, grp: i64, peer: &Peer) -> Result<Option<PeerRow>, Error> {
        let mut select = self.db.prepare_cached(
            "SELECT peer, addresses, log, last_seen_ms, last_sync_ms, source FROM peers WHERE grp = ?1 AND peer = ?2",
        )?;
        let row = select.query_row(params![grp, peer.as_bytes()], read).optional()?;
        row.map(|row| row.ok_or_else(broken)).transpose()
    }
}

fn merge(known: PeerRow, news: &PeerRow) -> PeerRow {
    let mut addresses: Vec<Vec<u8>> = vec![];
    for address in news.addresses.iter().chain(&known.addresses) {
        if address.len() <= MAX_ADDRESS_BYTES && !addresses.contains(address) && addresses.len() < MAX_ADDRESSES {
            addresses.push(address.clone());
        }
    }
    PeerRow {
        peer: known.peer,
        addresses,
        log: news.log.or(known.log),
        last_seen_ms: known.last_seen_ms.max(news.last_seen_ms),
        last_sync_ms: known.last_sync_ms.max(news.last_sync_ms),
        source: if news.source.is_empty() { known.source } else { news.source.clone() },
    }
}

/// Addresses in one blob, each after its length.
fn pack(addresses: &[Vec<u8>]) -> Vec<u8> {
    let sized = |a: &Vec<u8>| [&[u8::try_from(a.len()).unwrap_or(0)], a.as_slice()].concat();
    addresses.iter().flat_map(sized).collect()
}

fn unpack(mut blob: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut addresses = vec![];
    while let Some((length, rest)) = blob.split_first() {
        let (address, rest) = rest.split_at_checked(usize::from(*length))?;
        addresses.push(address.to_vec());
        blob = rest;
    }
    Some(addresses)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<PeerRow>> {
    let peer = Peer::new(&row.get::<_, Vec<u8>>(0)?);
    let addresses = unpack(&row.get::<_, Vec<u8>>(1)?);
    let log = row.get::<_, Option<[u8; 32]>>(2)?.map(LogId);
    let (seen, sync): (i64, Option<i64>) = (row.get(3)?, row.get(4)?);
    let source = row.get(5)?;
    Ok(peer.zip(addresses).map(|(peer, addresses)| PeerRow {
        peer,
        addresses,
        log,
        last_seen_ms: unsigned(seen),
        last_sync_ms: sync.map(unsigned),
        source,
    }))
}

fn broken() -> Error {
    Error::damaged("a known peer does not read")
}
