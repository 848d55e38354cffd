//! Names of people and groups.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Done, Service};
use crate::api::{Code, Error};
use crate::model::action::{Action, Profile};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{GroupId, PersonId};
use crate::node::fail::Fail;

impl Service<'_> {
    /// The person that writes here.
    pub(super) fn me(&mut self, group: GroupId) -> PersonId {
        let now = self.context.now;
        self.engine.status(now, group).map_or(PersonId::ZERO, |s| s.person)
    }

    /// A person's name, or the first digits of the id.
    pub(super) fn person_name(&mut self, group: GroupId, person: PersonId) -> Result<String, Fail> {
        Ok(self.text(group, &Register::PersonName(person))?.unwrap_or_else(|| person.short()))
    }

    /// All names of a group.
    pub(super) fn names(&mut self, group: GroupId) -> Result<Names, Fail> {
        let mut names = BTreeMap::new();
        for (register, current) in self.registers(group, &Register::PersonName(PersonId::ZERO))? {
            if let (Register::PersonName(person), Folded::Text(name)) = (register, current.value) {
                names.insert(person, name);
            }
        }
        // Readers and keepers write nothing: they are known by the name that they gave when they asked.
        let members = self.engine.members(self.context.now, group)?.cloned().unwrap_or_default();
        for person in members.persons().keys().filter(|p| !names.contains_key(p)).copied().collect::<Vec<_>>() {
            let asked = members.asked(person).and_then(|request| self.engine.name_in(group, request));
            names.extend(asked.map(|name| (person, name)));
        }
        Ok(Names(names))
    }

    /// A group's name, or the first digits of the id while it is not known.
    pub(super) fn group_name(&mut self, group: GroupId) -> Result<String, Fail> {
        Ok(self.text(group, &Register::GroupName)?.unwrap_or_else(|| group.short()))
    }

    /// Sets the person's name here and in every group.
    pub(super) fn set_name(&mut self, name: &str) -> Done {
        let name = name.trim();
        let profile = Profile { name: name.to_owned(), supersedes: vec![] };
        Action::Profile(profile)
            .check()
            .map_err(|e| Error::new(Code::BadInput, e.to_string(), "give a name of 1 to 64 characters on one line"))?;
        self.store().meta_set("name", name)?;
        self.engine.set_name(name.to_owned());
        let groups: Vec<GroupId> = self.engine.groups().collect();
        for group in groups {
            let register = Register::PersonName(self.me(group));
            if self.text(group, &register)?.as_deref() != Some(name) {
                let supersedes = self.seen(group, [&register])?;
                self.write(group, &Action::Profile(Profile { name: name.to_owned(), supersedes }))?;
            }
        }
        Ok(json!({ "v": 1, "name": name }))
    }
}

/// The names of a group's people.
pub(super) struct Names(BTreeMap<PersonId, String>);

impl Names {
    /// A person's name, or the first digits of the id.
    pub fn of(&self, person: PersonId) -> String {
        self.0.get(&person).cloned().unwrap_or_else(|| person.short())
    }
}
