//! Full-text search: FTS5 behind the views.
//!
//! The index keeps words only (`content=''`); what is found is shown from the views. [`SqliteStore::index_while`] brings
//! it up to date bit by bit while a node is idle, the newest documents first; [`SqliteStore::unsearchable`] says how many are left.

use rusqlite::params;

use super::key::unsigned;
use super::query::{Phrase, Query};
use super::snippet::{Snippet, snippet};
use super::{Error, SqliteStore};
use crate::model::id::{GroupId, LinkId, NoteId};

/// Fewest and most documents that are chosen at once, the newest of all.
const MIN_INDEX_BATCH: usize = 64;
const MAX_INDEX_BATCH: usize = 4_096;
/// Most documents whose fit is weighed.
const MAX_RANKED: usize = 1_000;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A note.
    Note(NoteId),
    /// A link.
    Link(LinkId),
    /// A topic of a roadmap.
    Topic {
        /// The roadmap's id.
        roadmap: String,
        /// The topic's id.
        topic: String,
    },
}

/// One result of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What was found.
    pub found: Found,
    /// Its title; of a topic, in both languages with ` / ` between.
    pub title: String,
    /// The part of its text around the first hit: of a note the text, of a link the URL, of a topic the description.
    pub snippet: Snippet,
    /// How well it fits: greater is better, comparable within one search.
    pub score: f64,
}

impl SqliteStore {
    /// Brings documents of the index up to date as long as `go_on` says so; true when nothing is left to do.
    ///
    /// # Errors
    /// When the store fails.
    pub fn index_while(&mut self, mut go_on: impl FnMut() -> bool) -> Result<bool, Error> {
        self.atomically(|store| {
            loop {
                // A roadmap that is looked at marks its topics: only an empty look is the end.
                let docs = store.newest_stale(store.cache.index_batch)?;
                if docs.is_empty() {
                    return Ok(true);
                }
                for (done, doc) in docs.iter().enumerate() {
                    if !go_on() {
                        // As many as there was time for come next, so that the newest are not left over again and again.
                        store.cache.index_batch = done.max(MIN_INDEX_BATCH);
                        return Ok(false);
                    }
                    store.index_doc(*doc)?;
                }
                store.cache.index_batch = (2 * store.cache.index_batch).min(MAX_INDEX_BATCH);
            }
        })
    }

    /// The newest documents that search does not know in their present state, ascending: SQLite writes what it has gathered of the
    /// index to the tables whenever a document comes before its predecessor.
    fn newest_stale(&self, max: usize) -> Result<Vec<i64>, Error> {
        let limit = i64::try_from(max).unwrap_or(i64::MAX);
        let mut select = self.db.prepare_cached("SELECT doc FROM stale ORDER BY doc DESC LIMIT ?1")?;
        let docs = select.query_map([limit], |row| row.get(0))?;
        let mut docs = docs.collect::<Result<Vec<i64>, _>>()?;
        docs.reverse();
        Ok(docs)
    }

    /// How many documents search does not know in their present state.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unsearchable(&self) -> Result<u64, Error> {
        let mut count = self.db.prepare_cached("SELECT count(*) FROM stale")?;
        Ok(unsigned(count.query_row([], |row| row.get(0))?))
    }

    /// Looks for notes, links and topics of a group: the best first, `limit` of them after the first `offset`. All words
    /// of the query must be found; when nothing has them all, any. The last Latin word may be half typed. Only what the index
    /// knows is found.
    ///
    /// # Errors
    /// When the store fails or the group is not in it; never because of what the query says.
    pub fn search(&mut self, group: GroupId, query: &str, limit: usize, offset: usize) -> Result<Vec<Hit>, Error> {
        let group = self.group(group)?;
        let Some(query) = Query::parse(query) else { return Ok(vec![]) };
        let mut phrases = &query.strict;
        let mut docs = self.matching(group.no, &query.all(), limit, offset)?;
        if docs.is_empty()
            && let Some(any) = query.any()
            && self.matching(group.no, &query.all(), 1, 0)?.is_empty()
        {
            phrases = &query.loose;
            docs = self.matching(group.no, &any, limit, offset)?;
        }
        let mut hits = vec![];
        for (doc, score) in docs {
            hits.extend(self.doc(&group, doc)?.map(|doc| hit(doc, phrases, score)));
        }
        Ok(hits)
    }

    /// Documents that match an FTS5 expression, the best first: a word in the title counts most, then in the tags. To weigh words
    /// takes a look at every document that has them. So what more than [`MAX_RANKED`] documents have is not weighed: what has it
    /// in the title comes first, and then the newest.
    fn matching(&self, grp: i64, expression: &str, limit: usize, offset: usize) -> Result<Vec<(i64, f64)>, Error> {
        if self.newest(grp, expression, MAX_RANKED + 1)?.len() <= MAX_RANKED {
            return self.ranked(grp, expression, limit, offset);
        }
        let wanted = limit.saturating_add(offset);
        let titled = self.newest(grp, &format!("{{title}} : ({expression})"), wanted)?;
        let others = self.newest(grp, expression, wanted.saturating_add(titled.len()))?;
        let others = others.into_iter().filter(|doc| !titled.contains(doc)).map(|doc| (doc, 1.0));
        let all = titled.iter().map(|doc| (*doc, 2.0)).chain(others);
        Ok(all.skip(offset).take(limit).collect())
    }

    fn ranked(&self, grp: i64, expression: &str, limit: usize, offset: usize) -> Result<Vec<(i64, f64)>, Error> {
        let mut select = self.db.prepare_cached(
            "SELECT words.rowid, -bm25(words, 8.0, 1.0, 4.0) AS score FROM words JOIN atoms ON atoms.no = words.rowid >> 2
             WHERE words MATCH ?1 AND atoms.grp = ?2 ORDER BY score DESC, words.rowid LIMIT ?3 OFFSET ?4",
        )?;
        let [limit, offset] = [limit, offset].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let rows = select.query_map(params![expression, grp, limit, offset], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The documents that match and became known here last. Stops where it has enough.
    fn newest(&self, grp: i64, expression: &str, limit: usize) -> Result<Vec<i64>, Error> {
        let mut select = self.db.prepare_cached(
            "SELECT words.rowid FROM words CROSS JOIN atoms ON atoms.no = words.rowid >> 2
             WHERE words MATCH ?1 AND atoms.grp = ?2 ORDER BY words.rowid DESC LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![expression, grp, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn hit(doc: super::docs::Doc, phrases: &[Phrase], score: f64) -> Hit {
    Hit { snippet: snippet(&doc.body, phrases), found: doc.found, title: doc.title, score }
}
