//! What people mean: a prefix, a title or a name becomes an id.

use std::collections::{BTreeMap, BTreeSet};

use super::Service;
use crate::api::{Code, Error};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{GroupId, LinkId, NoteId, PersonId};
use crate::model::link;
use crate::node::fail::Fail;

/// Shortest prefix of an id that is taken for one, in digits.
const MIN_PREFIX: usize = 4;

/// Shortest beginning of a name that is taken for it, in characters.
const MIN_NAME_PREFIX: usize = 2;

/// Whether a text may be the beginning of an id.
fn is_prefix(text: &str) -> bool {
    (MIN_PREFIX..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What may be meant: something, its id, its name.
type Candidate<T> = (T, String, String);
/// One way of meaning a candidate.
type Test<'t, T> = &'t dyn Fn(&&Candidate<T>) -> bool;

/// Picks the one candidate that `given` means: by id, by exact name, by name without case, by the beginning of the id, and
/// at last by the beginning of the name.
///
/// # Errors
/// When there is none, or more than one.
pub(crate) fn pick<T: Copy>(what: &str, given: &str, candidates: &[Candidate<T>], remedy: &str) -> Result<T, Error> {
    if given.trim().is_empty() {
        return Err(Error::new(Code::BadInput, format!("the {what} is not named"), remedy));
    }
    let lower = given.to_lowercase();
    let by_id = |(_, id, _): &&(T, String, String)| *id == lower;
    let exact = |(_, _, name): &&(T, String, String)| *name == given;
    let loose = |(_, _, name): &&(T, String, String)| name.to_lowercase() == lower;
    let prefix = |(_, id, _): &&(T, String, String)| is_prefix(&lower) && id.starts_with(&lower);
    let begins = |(_, _, name): &&(T, String, String)| {
        lower.chars().count() >= MIN_NAME_PREFIX && name.to_lowercase().starts_with(&lower)
    };
    let tests: [Test<'_, T>; 5] = [&by_id, &exact, &loose, &prefix, &begins];
    for test in tests {
        let found: Vec<&(T, String, String)> = candidates.iter().filter(|c| test(c)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one.0),
            many => {
                let ids: Vec<&str> = many.iter().take(4).map(|(_, id, _)| &id[..id.len().min(12)]).collect();
                let message = format!("{} {what}s are meant by \"{given}\": {}", many.len(), ids.join(", "));
                return Err(Error::new(Code::Ambiguous, message, "give more digits of the id"));
            }
        }
    }
    Err(Error::new(Code::NotFound, format!("there is no {what} \"{given}\" here"), remedy))
}

impl Service<'_> {
    /// The group that is meant; with one group only it may be left out.
    pub(super) fn group(&mut self, given: Option<&str>) -> Result<GroupId, Fail> {
        let ids: Vec<GroupId> = self.engine.groups().collect();
        let Some(given) = given else {
            return match ids.as_slice() {
                [] => {
                    let remedy =
                        "found one with `studymesh group create NAME`, or join one with `studymesh join TICKET`";
                    Err(Error::new(Code::NotFound, "this node is in no group yet", remedy).into())
                }
                [one] => Ok(*one),
                many => {
                    let message = format!("this node is in {} groups, and the command says none of them", many.len());
                    Err(Error::new(Code::Usage, message, "name one with `-g NAME`; `studymesh group list` shows them")
                        .into())
                }
            };
        };
        let mut candidates = vec![];
        for id in ids {
            candidates.push((id, id.to_string(), self.group_name(id)?));
        }
        Ok(pick("group", given, &candidates, "list the groups with `studymesh group list`")?)
    }

    /// The note that is meant.
    pub(super) fn note(&mut self, group: GroupId, given: &str) -> Result<NoteId, Fail> {
        if let Ok(id) = given.parse::<NoteId>() {
            let known = self.store().register(group, &Register::NoteTitle(id))?.is_some();
            return if known { Ok(id) } else { Err(no_note(given).into()) };
        }
        let titles = self.texts(group, &Register::NoteTitle(NoteId::ZERO), |r| match r {
            Register::NoteTitle(id) => Some(*id),
            _ => None,
        })?;
        let candidates: Vec<Candidate<NoteId>> =
            titles.into_iter().map(|(id, title)| (id, id.to_string(), title)).collect();
        let deleted = self.flags(group, &Register::NoteDeleted(NoteId::ZERO), |r| match r {
            Register::NoteDeleted(id) => Some(*id),
            _ => None,
        })?;
        // A deleted note gives way to a living one of the same title.
        let living: Vec<_> = candidates.iter().filter(|(id, ..)| !deleted.contains(id)).cloned().collect();
        let remedy = "list the notes with `studymesh note list`";
        match pick("note", given, &living, remedy) {
            Err(error) if error.code == Code::NotFound => Ok(pick("note", given, &candidates, remedy)?),
            other => Ok(other?),
        }
    }

    /// The link that is meant: by URL in any spelling, id or prefix.
    pub(super) fn link(&mut self, group: GroupId, given: &str) -> Result<LinkId, Fail> {
        if given.contains("://") {
            let url = link::canonical(given).map_err(|e| bad_link(&e))?;
            let id = link::id(&url);
            let known =
                !self.store().registers(group, kind(&Register::LinkAdded(id, PersonId::ZERO)), Some(&id.0))?.is_empty();
            let error =
                || Error::new(Code::NotFound, format!("nobody added {url} here"), "add it with `studymesh link add`");
            return if known { Ok(id) } else { Err(error().into()) };
        }
        let mut candidates: Vec<(LinkId, String, String)> = vec![];
        for (register, _) in self.registers(group, &Register::LinkAdded(LinkId::ZERO, PersonId::ZERO))? {
            if let Register::LinkAdded(id, _) = register
                && candidates.last().is_none_or(|(last, ..)| *last != id)
            {
                let title = self.text(group, &Register::LinkTitle(id))?.unwrap_or_default();
                candidates.push((id, id.to_string(), title));
            }
        }
        candidates.sort_by_key(|(id, ..)| *id);
        candidates.dedup_by_key(|(id, ..)| *id);
        Ok(pick("link", given, &candidates, "list the links with `studymesh link list`")?)
    }

    /// The person that is meant; none: the one that writes here.
    pub(super) fn person(&mut self, group: GroupId, given: Option<&str>) -> Result<PersonId, Fail> {
        let Some(given) = given else { return Ok(self.me(group)) };
        let mut candidates = vec![];
        for person in self.store().persons(group)? {
            candidates.push((person.person, person.person.to_string(), self.person_name(group, person.person)?));
        }
        Ok(pick("member", given, &candidates, "list the members with `studymesh group show`")?)
    }

    /// All registers of the kind that `like` is of, with their current values.
    pub(super) fn registers(&mut self, group: GroupId, like: &Register) -> Result<Vec<(Register, Current)>, Fail> {
        Ok(self.store().registers(group, kind(like), None)?)
    }

    /// The texts of all registers of the kind that `like` is of, by what `key` makes of the register.
    pub(super) fn texts<K: Ord>(
        &mut self,
        group: GroupId,
        like: &Register,
        key: impl Fn(&Register) -> Option<K>,
    ) -> Result<BTreeMap<K, String>, Fail> {
        self.values(group, like, key, |value| match value {
            Folded::Text(text) => Some(text),
            _ => None,
        })
    }

    /// The values of all registers of a kind, in one reading.
    pub(super) fn values<K: Ord, V>(
        &mut self,
        group: GroupId,
        like: &Register,
        key: impl Fn(&Register) -> Option<K>,
        value: impl Fn(Folded) -> Option<V>,
    ) -> Result<BTreeMap<K, V>, Fail> {
        let rows = self.registers(group, like)?;
        Ok(rows.into_iter().filter_map(|(register, current)| Some((key(&register)?, value(current.value)?))).collect())
    }

    /// The text in a register.
    pub(super) fn text(&mut self, group: GroupId, register: &Register) -> Result<Option<String>, Fail> {
        Ok(self.store().register(group, register)?.and_then(|current| match current.value {
            Folded::Text(text) => Some(text),
            _ => None,
        }))
    }

    /// Whose flag is set, of all registers of a kind.
    pub(super) fn flags<K: Ord>(
        &mut self,
        group: GroupId,
        like: &Register,
        key: impl Fn(&Register) -> Option<K>,
    ) -> Result<BTreeSet<K>, Fail> {
        let set = self.values(group, like, key, |value| matches!(value, Folded::Flag(true)).then_some(()))?;
        Ok(set.into_keys().collect())
    }

    /// The flag in a register; false when nobody wrote it.
    pub(super) fn flag(&mut self, group: GroupId, register: &Register) -> Result<bool, Fail> {
        Ok(matches!(self.store().register(group, register)?.map(|c| c.value), Some(Folded::Flag(true))))
    }

    /// The writes of these registers that a new write replaces.
    pub(super) fn seen<'r>(
        &mut self,
        group: GroupId,
        registers: impl IntoIterator<Item = &'r Register>,
    ) -> Result<Vec<crate::model::id::EntryId>, Fail> {
        let mut seen = BTreeSet::new();
        for register in registers {
            seen.extend(self.store().register(group, register)?.map(|c| c.frontier).unwrap_or_default());
        }
        // What is left out stays concurrent, and (time, id) decides: a later write has the later time.
        Ok(seen.into_iter().take(crate::model::limits::MAX_SUPERSEDES).collect())
    }
}

pub(super) use crate::store::Current;

/// The number of a register's kind.
pub(super) fn kind(register: &Register) -> u8 {
    register.parts().0
}

pub(super) fn bad_link(error: &link::LinkError) -> Error {
    Error::new(Code::BadInput, error.to_string(), "give the page's whole web address, with https:// or http://")
}

fn no_note(given: &str) -> Error {
    Error::new(Code::NotFound, format!("there is no note {given} here"), "list the notes with `studymesh note list`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_before_a_prefix_and_two_of_one_name_are_told_apart_by_id() {
        let candidates = [
            (1, "abcdef01".to_owned(), "Plan".to_owned()),
            (2, "abcd9999".into(), "plan".into()),
            (3, "ffff0000".into(), "abcd".into()),
        ];
        assert_eq!(pick("note", "plan", &candidates, "").unwrap(), 2);
        assert_eq!(pick("note", "abcd", &candidates, "").unwrap(), 3);
        assert_eq!(pick("note", "abcde", &candidates, "").unwrap(), 1);
        assert_eq!(pick("note", "PLAN", &candidates, "").unwrap_err().code, Code::Ambiguous);
        assert_eq!(pick("note", "pl", &candidates, "").unwrap_err().code, Code::Ambiguous);
        assert_eq!(pick("note", "ab", &candidates, "").unwrap(), 3, "the beginning of a name");
        assert_eq!(pick("note", "ffff1", &candidates, "").unwrap_err().code, Code::NotFound);
    }
}
