//! People: whose logs there are, and how much each wrote.

use std::collections::BTreeMap;

use super::key::{Stamp, unsigned};
use super::{Error, SqliteStore};
use crate::model::id::{GroupId, LogId, PersonId};
use crate::model::time::Hlc;

/// A person of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The person.
    pub person: PersonId,
    /// The person's logs, ascending.
    pub logs: Vec<LogId>,
    /// Entries in them, on all branches.
    pub entries: u64,
    /// The latest time of the last entries of the logs.
    pub last: Hlc,
}

impl SqliteStore {
    /// The people whose logs are stored, ascending.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn persons(&mut self, group: GroupId) -> Result<Vec<PersonRow>, Error> {
        let grp = self.group(group)?.no;
        let mut select = self.db.prepare_cached(
            "SELECT c.person, c.log, (e.key & 4294967295) + 1 - coalesce(c.parent_seq + 1, 0), e.time
             FROM chains c CROSS JOIN entries e
             ON e.key = (SELECT max(key) FROM entries WHERE key BETWEEN c.no << 32 AND c.no << 32 | 4294967295)
             WHERE c.grp = ?1",
        )?;
        let mut people: BTreeMap<PersonId, PersonRow> = BTreeMap::new();
        let mut rows = select.query([grp])?;
        while let Some(row) = rows.next()? {
            let (person, log) = (PersonId(row.get(0)?), LogId(row.get(1)?));
            let time = row.get::<_, Stamp>(3)?.0;
            let known =
                people.entry(person).or_insert_with(|| PersonRow { person, logs: vec![], entries: 0, last: time });
            known.logs.push(log);
            known.entries += unsigned(row.get(2)?);
            known.last = known.last.max(time);
        }
        for person in people.values_mut() {
            person.logs.sort_unstable();
            person.logs.dedup();
        }
        Ok(people.into_values().collect())
    }
}
