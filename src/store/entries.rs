//! Entries as they were received, without what their neighbours imply.
//!
//! A row leaves out what the chain knows (group, log, seq, the previous id) and what the body tells (its length and
//! hash). Reading puts the header together again and hashes it: a row that does not give the stored id is damage, so
//! what is served is byte for byte what was signed.

use rusqlite::{OptionalExtension, Row, params};

use super::cache::{ChainInfo, GroupInfo};
use super::fold::{Source, tag};
use super::key::{Key, Stamp, unsigned};
use super::{Error, SqliteStore};
use crate::engine::store::{Append, ChainNo, Reading, Stored};
use crate::log::header::{Header, MAX_SEQ};
use crate::model::action::{Action, Class, ReadError};
use crate::model::id::{EntryId, EpochId, GroupId, LogId, PersonId};
use crate::model::time::Hlc;

/// Columns `class`: a control entry; a content entry; the genesis entry, whose header has no group.
const CONTROL: u8 = Class::Control as u8;
const CONTENT: u8 = Class::Content as u8;
const GENESIS: u8 = 2;

/// Column `reading`: folded; to be read later; never to be folded.
pub(super) const FOLDED: u8 = 0;
pub(super) const LATER: u8 = 1;
pub(super) const NEVER: u8 = 2;
/// Not counting now: see `engine::judging`.
pub(super) const WITHHELD: u8 = 3;

/// The shortest prefix of an id that is looked for, in hex digits.
const MIN_PREFIX: usize = 4;

/// What is known of a stored entry without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// Its id.
    pub id: EntryId,
    /// The log that it stands in.
    pub log: LogId,
    /// Whose log that is.
    pub person: PersonId,
    /// Its position there.
    pub seq: u64,
    /// When its author says that it was written.
    pub time: Hlc,
    /// Its class.
    pub class: Class,
    /// Whether it was folded; false when this build can not read it, or never will.
    pub folded: bool,
    /// Bytes of its body.
    pub body_bytes: u64,
}

/// An entry whose body was opened again.
#[derive(Debug)]
pub(super) struct Opened {
    pub id: EntryId,
    pub time: Hlc,
    pub chain: ChainInfo,
    pub action: Result<Action, ReadError>,
}

/// A row as it is read.
struct Raw {
    seq: u64,
    id: EntryId,
    time: Hlc,
    class: u8,
    heads: i64,
    epoch: EpochId,
    signature: Option<[u8; 64]>,
    body: Vec<u8>,
}

const COLUMNS: &str = "key, id, time, class, heads, epoch, signature, body";

impl Raw {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get::<_, Key>(0)?.seq(),
            id: EntryId(row.get(1)?),
            time: row.get::<_, Stamp>(2)?.0,
            class: row.get(3)?,
            heads: row.get(4)?,
            epoch: row.get::<_, Option<[u8; 32]>>(5)?.map_or(EpochId::ZERO, EpochId),
            signature: row.get(6)?,
            body: row.get(7)?,
        })
    }
}

impl SqliteStore {
    pub(super) fn append_entry(&mut self, group: GroupId, chain: ChainNo, entry: &Append<'_>) -> Result<(), Error> {
        let group = self.group(group)?;
        let header = entry.header;
        let key = Key::new(chain, header.seq);
        let heads = self.heads_no(group.no, &header.control_heads)?;
        let class = if header.group == GroupId::ZERO { GENESIS } else { header.class as u8 };
        let reading = match entry.reading {
            Reading::Action(_) => FOLDED,
            Reading::Later => LATER,
            Reading::Never => NEVER,
            Reading::Withheld => WITHHELD,
        };
        let epoch = (header.epoch != EpochId::ZERO).then_some(header.epoch.0);
        let insert = "INSERT INTO entries (key, id, time, class, reading, heads, epoch, signature, body)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (key) DO NOTHING";
        let (id, time) = (entry.id.0, Stamp(header.time));
        let inserted = self.db.prepare_cached(insert)?.execute(params![
            key,
            id,
            time,
            class,
            reading,
            heads,
            epoch,
            entry.signature,
            entry.body
        ])?;
        if inserted == 0 {
            let held = self.read_id(chain, header.seq)?;
            return if held == Some(entry.id) { Ok(()) } else { Err(Error::damaged("two entries in one place")) };
        }
        if self.chain(chain)?.branch {
            let insert = "INSERT INTO branches (tag, key) VALUES (?1, ?2)";
            self.db.prepare_cached(insert)?.execute(params![tag(entry.id), key])?;
        }
        match entry.reading {
            Reading::Action(action) => {
                let source = Source { key, id: entry.id, time: header.time, person: entry.person };
                self.fold(&group, source, action)
            }
            Reading::Later | Reading::Never | Reading::Withheld => Ok(()),
        }
    }

    pub(super) fn read_entries(
        &mut self,
        group: GroupId,
        chain: ChainNo,
        from: u64,
        max_entries: usize,
        max_bytes: usize,
        bodies: bool,
    ) -> Result<Vec<Stored>, Error> {
        if from > MAX_SEQ {
            return Ok(vec![]);
        }
        let group = self.group(group)?.id;
        let mut raws: Vec<Raw> = vec![];
        {
            let sql = format!("SELECT {COLUMNS} FROM entries WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3");
            let mut select = self.db.prepare_cached(&sql)?;
            let limit = i64::try_from(max_entries).unwrap_or(i64::MAX);
            let mut rows = select.query(params![Key::new(chain, from), Key::of_chain(chain).1, limit])?;
            let mut bytes = 0usize;
            while let Some(row) = rows.next()? {
                let raw = Raw::read(row)?;
                bytes = bytes.saturating_add(raw.body.len());
                if bodies && bytes > max_bytes && !raws.is_empty() {
                    break;
                }
                raws.push(raw);
            }
        }
        let Some(first) = raws.first() else { return Ok(vec![]) };
        let info = self.chain(chain)?;
        let mut prev = self.id_before(chain, &info, first.seq)?;
        raws.into_iter()
            .map(|raw| {
                let mut stored = self.whole(group, &info, prev, raw)?;
                prev = stored.id;
                if !bodies {
                    stored.body = vec![];
                }
                Ok(stored)
            })
            .collect()
    }

    /// Puts an entry together again, and checks that it is the one that was stored.
    fn whole(&mut self, group: GroupId, chain: &ChainInfo, prev: EntryId, raw: Raw) -> Result<Stored, Error> {
        let header = Header {
            group: if raw.class == GENESIS { GroupId::ZERO } else { group },
            log: chain.log,
            seq: raw.seq,
            prev,
            class: if raw.class == CONTENT { Class::Content } else { Class::Control },
            control_heads: self.head_set(raw.heads)?,
            epoch: raw.epoch,
            time: raw.time,
            body_len: u32::try_from(raw.body.len()).map_err(|_| Error::damaged("a body is too long"))?,
            body_hash: *blake3::hash(&raw.body).as_bytes(),
        };
        let whole = header.check().is_ok() && header.id() == raw.id;
        if !whole {
            return Err(Error::damaged(format!("entry {} of log {} was changed on the disk", raw.seq, chain.log)));
        }
        Ok(Stored { id: raw.id, header, signature: raw.signature, body: raw.body })
    }

    /// The id of the entry before `seq` on the way to the root.
    fn id_before(&mut self, chain: ChainNo, info: &ChainInfo, seq: u64) -> Result<EntryId, Error> {
        let before = match (seq.checked_sub(1), info.parent) {
            (None, _) => return Ok(EntryId::ZERO),
            (Some(before), Some((parent, last))) if before == last => self.read_id(parent, last)?,
            (Some(before), _) => self.read_id(chain, before)?,
        };
        before.ok_or_else(|| Error::damaged(format!("log {} has a gap before entry {seq}", info.log)))
    }

    pub(super) fn read_id(&mut self, chain: ChainNo, seq: u64) -> Result<Option<EntryId>, Error> {
        if seq > MAX_SEQ {
            return Ok(None);
        }
        let mut select = self.db.prepare_cached("SELECT id FROM entries WHERE key = ?1")?;
        Ok(select.query_row([Key::new(chain, seq)], |row| row.get(0).map(EntryId)).optional()?)
    }

    pub(super) fn read_control(&mut self, group: GroupId) -> Result<Vec<Stored>, Error> {
        let group = self.group(group)?;
        let keys: Vec<Key> = {
            // The partial index has all control entries, and nothing else.
            let mut select = self.db.prepare_cached(
                "SELECT e.key FROM heads h CROSS JOIN entries e INDEXED BY control_entries ON e.heads = h.no
                 WHERE h.grp = ?1 AND e.class <> 1 ORDER BY e.key",
            )?;
            let keys = select.query_map([group.no], |row| row.get(0))?;
            keys.collect::<Result<_, _>>()?
        };
        keys.into_iter().map(|key| self.stored(&group, key)).collect()
    }

    fn stored(&mut self, group: &GroupInfo, key: Key) -> Result<Stored, Error> {
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE key = ?1");
        let raw = self.db.prepare_cached(&sql)?.query_row([key], Raw::read).optional()?;
        let raw = raw.ok_or_else(|| Error::damaged("a view names an entry that is not there"))?;
        let chain = self.chain(key.chain())?;
        let prev = self.id_before(key.chain(), &chain, raw.seq)?;
        self.whole(group.id, &chain, prev, raw)
    }

    pub(super) fn count_entries(&mut self, group: GroupId) -> Result<u64, Error> {
        let grp = self.group(group)?.no;
        let sum = "SELECT coalesce(sum(last - coalesce(parent_seq + 1, 0) + 1), 0) FROM (
                     SELECT parent_seq, (SELECT max(key) FROM entries
                                         WHERE key BETWEEN no << 32 AND no << 32 | 4294967295) & 4294967295 AS last
                     FROM chains WHERE grp = ?1) WHERE last IS NOT NULL";
        Ok(unsigned(self.db.prepare_cached(sum)?.query_row([grp], |row| row.get(0))?))
    }

    /// Opens a stored entry again.
    pub(super) fn open_entry(&mut self, group: &GroupInfo, key: Key) -> Result<Opened, Error> {
        let chain = self.chain(key.chain())?;
        let stored = self.stored(group, key)?;
        let action = group.keys.open(&stored.header, &stored.body);
        Ok(Opened { id: stored.id, time: stored.header.time, chain, action })
    }

    /// The entries of a group whose ids begin with these hex digits, at most `limit`. At least four digits are asked
    /// for. Ids have no index, so this looks at every entry of the group: for people, not for programs.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn entry_info(&mut self, group: GroupId, prefix: &str, limit: usize) -> Result<Vec<EntryInfo>, Error> {
        let grp = self.group(group)?.no;
        let digits = prefix.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if prefix.len() < MIN_PREFIX || !digits {
            return Ok(vec![]);
        }
        let mut select = self.db.prepare_cached(
            "SELECT e.key, e.id, c.log, c.person, e.time, e.class, e.reading, length(e.body) FROM chains c
             CROSS JOIN entries e ON e.key BETWEEN c.no << 32 AND c.no << 32 | 4294967295
             WHERE c.grp = ?1 AND substr(lower(hex(e.id)), 1, ?2) = ?3 LIMIT ?4",
        )?;
        let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![grp, length, prefix, limit], |row| {
            Ok(EntryInfo {
                seq: row.get::<_, Key>(0)?.seq(),
                id: EntryId(row.get(1)?),
                log: LogId(row.get(2)?),
                person: PersonId(row.get(3)?),
                time: row.get::<_, Stamp>(4)?.0,
                class: if row.get::<_, u8>(5)? == CONTENT { Class::Content } else { Class::Control },
                folded: row.get::<_, u8>(6)? == FOLDED,
                body_bytes: unsigned(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

const _: () = assert!(CONTROL != GENESIS && CONTENT != GENESIS, "the class column tells them apart");
