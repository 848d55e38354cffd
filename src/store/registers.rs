//! Registers: their current values, what a new write must supersede, and their history.

use rusqlite::{Row, params};

use super::key::Stamp;
use super::{Error, SqliteStore};
use crate::model::fold::{Register, Value};
use crate::model::id::{EntryId, GroupId, LogId, PersonId};
use crate::model::limits::MAX_SUPERSEDES;
use crate::model::time::Hlc;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteInfo {
    /// The entry that wrote it.
    pub entry: EntryId,
    /// When its author says that it was written.
    pub time: Hlc,
    /// Who wrote it.
    pub person: PersonId,
    /// The log that the entry stands in.
    pub log: LogId,
}

/// What a register says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The value.
    pub value: Value,
    /// The write that it comes from: the greatest by (time, id) of those that nobody superseded.
    pub write: WriteInfo,
    /// All writes that nobody superseded, greatest first: what a new write must name. At most [`MAX_SUPERSEDES`].
    pub frontier: Vec<EntryId>,
}

/// One write of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRow {
    /// The register.
    pub register: Register,
    /// Where it comes from.
    pub write: WriteInfo,
    /// What it says.
    pub value: Value,
}

/// A register in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub kind: u8,
    pub subject: i64,
    pub part: i64,
}

/// A write as it is read, its value not yet decoded.
#[derive(Debug)]
struct Line {
    slot: Slot,
    names: (Vec<u8>, Vec<u8>),
    write: WriteInfo,
    value: Vec<u8>,
}

const SELECT: &str = "
    SELECT w.kind, w.subject, w.part, s.bytes, p.bytes, e.id, e.time, c.person, c.log, w.value
    FROM writes w CROSS JOIN entries e ON e.key = w.entry CROSS JOIN chains c ON c.no = w.entry >> 32
    LEFT JOIN atoms s ON s.no = w.subject LEFT JOIN atoms p ON p.no = w.part
    WHERE w.grp = ?1 AND w.kind = ?2";

impl Line {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let bytes = |column| row.get::<_, Option<Vec<u8>>>(column).map(Option::unwrap_or_default);
        Ok(Self {
            slot: Slot { kind: row.get(0)?, subject: row.get(1)?, part: row.get(2)? },
            names: (bytes(3)?, bytes(4)?),
            write: WriteInfo {
                entry: EntryId(row.get(5)?),
                time: row.get::<_, Stamp>(6)?.0,
                person: PersonId(row.get(7)?),
                log: LogId(row.get(8)?),
            },
            value: row.get(9)?,
        })
    }

    fn register(&self) -> Result<Register, Error> {
        let register = Register::from_parts(self.slot.kind, &self.names.0, &self.names.1);
        register.ok_or_else(|| Error::damaged("a view holds a register that does not exist"))
    }

    fn order(&self) -> (Hlc, EntryId) {
        (self.write.time, self.write.entry)
    }
}

fn decode(value: &[u8]) -> Result<Value, Error> {
    Value::decode(value).ok_or_else(|| Error::damaged("a view holds a value that does not read"))
}

/// The current value among the writes of one register that nobody superseded.
fn current(mut lines: Vec<Line>) -> Result<Option<Current>, Error> {
    lines.sort_unstable_by_key(|line| std::cmp::Reverse(line.order()));
    let Some(first) = lines.first() else { return Ok(None) };
    let frontier = lines.iter().take(MAX_SUPERSEDES).map(|line| line.write.entry).collect();
    Ok(Some(Current { value: decode(&first.value)?, write: first.write, frontier }))
}

impl SqliteStore {
    /// What a register says now; `None` when nobody wrote it.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn register(&mut self, group: GroupId, register: &Register) -> Result<Option<Current>, Error> {
        let grp = self.group(group)?.no;
        let Some(slot) = self.slot(grp, register)? else { return Ok(None) };
        current(self.lines(grp, slot.kind, Some((slot.subject, Some(slot.part))), true)?)
    }

    /// All registers of a kind (the number that [`Register::parts`] gives) that somebody wrote, ascending; those of one
    /// subject only, when one is given.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn registers(
        &mut self,
        group: GroupId,
        kind: u8,
        subject: Option<&[u8]>,
    ) -> Result<Vec<(Register, Current)>, Error> {
        let mut lines = self.lines_about(group, kind, subject, true)?.into_iter().peekable();
        let mut out = vec![];
        while let Some(line) = lines.next() {
            let (slot, register) = (line.slot, line.register()?);
            let mut same = vec![line];
            while let Some(line) = lines.next_if(|line| line.slot == slot) {
                same.push(line);
            }
            out.extend(current(same)?.map(|current| (register, current)));
        }
        out.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }

    /// Every write of a register, superseded or not, ascending by (time, id).
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn register_writes(&mut self, group: GroupId, register: &Register) -> Result<Vec<(WriteInfo, Value)>, Error> {
        let grp = self.group(group)?.no;
        let Some(slot) = self.slot(grp, register)? else { return Ok(vec![]) };
        let mut lines = self.lines(grp, slot.kind, Some((slot.subject, Some(slot.part))), false)?;
        lines.sort_unstable_by_key(Line::order);
        lines.into_iter().map(|line| Ok((line.write, decode(&line.value)?))).collect()
    }

    /// Every write of all registers of a kind, superseded or not, ascending by (time, id); those of one subject only,
    /// when one is given. The progress events of a person are the writes of kind progress whose subject it is.
    ///
    /// # Errors
    /// When the store fails or the group is not in it.
    pub fn writes(&mut self, group: GroupId, kind: u8, subject: Option<&[u8]>) -> Result<Vec<WriteRow>, Error> {
        let mut lines = self.lines_about(group, kind, subject, false)?;
        lines.sort_unstable_by_key(Line::order);
        let row =
            |line: Line| Ok(WriteRow { register: line.register()?, write: line.write, value: decode(&line.value)? });
        lines.into_iter().map(row).collect()
    }

    fn lines_about(
        &mut self,
        group: GroupId,
        kind: u8,
        subject: Option<&[u8]>,
        live: bool,
    ) -> Result<Vec<Line>, Error> {
        let grp = self.group(group)?.no;
        match subject {
            None => self.lines(grp, kind, None, live),
            Some(subject) => match self.atom(grp, subject)? {
                None => Ok(vec![]),
                Some(subject) => self.lines(grp, kind, Some((subject, None)), live),
            },
        }
    }

    /// Writes of a kind in the order of (subject, part), of a subject or a register only when one is given; those that
    /// nobody superseded, or all.
    fn lines(&mut self, grp: i64, kind: u8, of: Option<(i64, Option<i64>)>, live: bool) -> Result<Vec<Line>, Error> {
        let superseded = if live { "w.superseded = 0" } else { "w.superseded IN (0, 1)" };
        let order = "ORDER BY w.superseded, w.subject, w.part";
        let (subject, part) = match of {
            None => (None, None),
            Some((subject, part)) => (Some(subject), part),
        };
        let narrow = match (subject, part) {
            (None, _) => "AND ?3 IS NULL AND ?4 IS NULL",
            (Some(_), None) => "AND w.subject = ?3 AND ?4 IS NULL",
            (Some(_), Some(_)) => "AND w.subject = ?3 AND w.part = ?4",
        };
        let mut select = self.db.prepare_cached(&format!("{SELECT} AND {superseded} {narrow} {order}"))?;
        let rows = select.query_map(params![grp, kind, subject, part], Line::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A register in numbers; `None` when nobody wrote it.
    pub(super) fn slot(&mut self, grp: i64, register: &Register) -> Result<Option<Slot>, Error> {
        let (kind, subject, part) = register.parts();
        let (subject, part) = (self.atom(grp, &subject)?, self.atom(grp, &part)?);
        Ok(subject.zip(part).map(|(subject, part)| Slot { kind, subject, part }))
    }

    /// A register in numbers, which it gets when it has none.
    pub(super) fn new_slot(&mut self, grp: i64, register: &Register) -> Result<Slot, Error> {
        let (kind, subject, part) = register.parts();
        Ok(Slot { kind, subject: self.intern(grp, &subject)?, part: self.intern(grp, &part)? })
    }
}
