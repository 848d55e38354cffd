//! Who belongs: invites, requests, roles, removals.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::find::pick;
use super::people::Names;
use super::{Done, Service, list};
use crate::api::{Code, Error, GroupKind, Role};
use crate::engine::NewInvite;
use crate::membership::Members;
use crate::model::action::Subject;
use crate::model::id::{GroupId, InviteId, PersonId};
use crate::model::ticket::Ticket;
use crate::node::fail::Fail;

/// Longest life of a ticket, in hours: one year.
const MAX_EXPIRES_HOURS: u64 = 366 * 24;
/// How long an invite to a closed group lives unless told otherwise, in hours.
const DEFAULT_EXPIRES_HOURS: u64 = 7 * 24;
/// Most people that one invite lets in, unless it is any number.
const MAX_USES: u32 = 10_000;
/// The setting that says whom this node mutes.
const MUTED: &str = "muted.";

/// What an invite is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub expires_hours: Option<u64>,
    pub addresses: bool,
    pub role: Option<Role>,
    pub uses: Option<u32>,
    pub approve: bool,
}

impl Service<'_> {
    pub(super) fn invite(&mut self, group: GroupId, wanted: Wanted) -> Done {
        if wanted.expires_hours.is_some_and(|h| h > MAX_EXPIRES_HOURS) {
            let message = format!("a ticket lives 1 to {MAX_EXPIRES_HOURS} hours, or for ever");
            return Err(Error::new(Code::BadInput, message, "give --expires HOURS, or leave it out").into());
        }
        let now = self.context.now;
        let status = self.engine.status(now, group).ok_or_else(|| super::group::gone(group))?;
        let closed = self.engine.kind(group) == Some(GroupKind::Closed);
        let hours = match wanted.expires_hours {
            Some(0) => None,
            None if closed => Some(DEFAULT_EXPIRES_HOURS),
            given => given,
        };
        let expires_ms = hours.map(|h| now + h * 3_600_000).map(|ms| ms / 1000 * 1000);
        let (role, uses) = (wanted.role.unwrap_or(Role::Member), wanted.uses.unwrap_or(1));
        let secret = if closed {
            Some(self.make_invite(
                group,
                NewInvite { role, uses, expires_ms: expires_ms.unwrap_or(0), approve: wanted.approve },
            )?)
        } else {
            if wanted.role.is_some() || wanted.uses.is_some() || wanted.approve {
                let message =
                    "in an open group whoever holds the ticket is a member: it has no roles, uses or approval";
                let remedy = "leave these options out, or found a group with `--closed`";
                return Err(Error::new(Code::NotPermitted, message, remedy).into());
            }
            None
        };
        let peers = if wanted.addresses { self.ticket_peers(group)? } else { vec![] };
        let invite = secret.map(|secret| InviteId(crate::log::keys::invite_key(&secret).id().0));
        let ticket = Ticket { expires_ms: expires_ms.unwrap_or(0), group, seed: status.seed, invite: secret, peers };
        Ok(json!({
            "v": 1, "ticket": ticket.encode(), "expires_ms": expires_ms, "group_id": group,
            "uses": if closed && uses > 0 { Some(uses) } else { None }, "peers": ticket.peers.len(), "invite_id": invite,
            "role": closed.then_some(role), "approve": closed && (wanted.approve || role > Role::Member),
        }))
    }

    fn make_invite(&mut self, group: GroupId, new: NewInvite) -> Result<[u8; 16], Fail> {
        if new.role >= Role::Owner {
            let message = "nobody becomes the owner by an invite";
            let remedy = "hand the group over with `studymesh member role NAME owner`";
            return Err(Error::new(Code::BadInput, message, remedy).into());
        }
        if new.uses > MAX_USES {
            let message = format!("an invite lets in at most {MAX_USES} people, or any number");
            return Err(Error::new(Code::BadInput, message, "give a smaller --uses, or 0 for any number").into());
        }
        Ok(self.engine.invite(self.context.now, group, new)?)
    }

    /// The members of a group, as folded now.
    fn members(&mut self, group: GroupId) -> Result<Members, Fail> {
        let members = self.engine.members(self.context.now, group)?;
        Ok(members.ok_or_else(|| super::group::gone(group))?.clone())
    }

    pub(super) fn invite_list(&mut self, group: GroupId) -> Done {
        let (members, names, now) = (self.members(group)?, self.names(group)?, self.context.now);
        let items = members.invites().iter().map(|(id, invite)| {
            let expired = invite.expires_ms != 0 && invite.expires_ms <= now;
            let used: Vec<String> = invite.used_by.iter().map(|p| names.of(*p)).collect();
            json!({
                "invite_id": id, "role": invite.role, "uses": (invite.uses > 0).then_some(invite.uses),
                "used": used.len(), "used_by": used, "expires_ms": (invite.expires_ms > 0).then_some(invite.expires_ms),
                "approve": invite.approve, "revoked": invite.revoked, "open": invite.is_open() && !expired,
                "by": names.of(invite.by),
            })
        });
        Ok(list(items.collect()))
    }

    pub(super) fn invite_revoke(&mut self, group: GroupId, given: &str) -> Done {
        let members = self.members(group)?;
        let candidates: Vec<_> = members.invites().keys().map(|id| (*id, id.to_string(), String::new())).collect();
        let invite = pick("invite", given, &candidates, "list them with `studymesh invite list`")?;
        let entry = self.engine.revoke(self.context.now, group, invite)?;
        Ok(json!({ "v": 1, "invite_id": invite, "entry_id": entry, "durable": true }))
    }

    pub(super) fn member_list(&mut self, group: GroupId) -> Done {
        let (members, names) = (self.members(group)?, self.names(group)?);
        let status = self.engine.status(self.context.now, group).ok_or_else(|| super::group::gone(group))?;
        let rows = self.store().persons(group)?;
        let mut persons: Vec<(&PersonId, &crate::membership::Person)> = members.persons().iter().collect();
        persons.sort_by_key(|(id, p)| (std::cmp::Reverse(p.role), p.seniority.unwrap_or(u64::MAX), names.of(**id)));
        let mut items = vec![];
        for (id, person) in persons {
            // Whoever only asks is in `requests`.
            if person.role.is_none() && !person.removed {
                continue;
            }
            let devices: Vec<Value> = members
                .devices()
                .iter()
                .filter(|(_, d)| d.person == *id)
                .map(|(log, d)| json!({ "log": log, "ended": d.ended, "you": *log == status.log }))
                .collect();
            let entries = rows.iter().find(|r| r.person == *id).map_or(0, |r| r.entries);
            items.push(json!({
                "person_id": id, "person": names.of(*id), "role": person.role, "removed": person.removed,
                "you": *id == status.person, "connected": status.members.iter().any(|m| m.person == Some(*id)),
                "muted": self.is_muted(group, *id)?, "entries": entries, "devices": devices,
            }));
        }
        Ok(list(items))
    }

    /// Leaving deletes the keys of the owner: nobody could hand the group over any more.
    pub(super) fn check_successor(&mut self, group: GroupId) -> Result<(), Fail> {
        if !self.engine.is_owners_last(self.context.now, group)? {
            return Ok(());
        }
        let cause =
            "you own this group, and would leave it with your last device: the others would stay without an owner";
        let remedy = "hand it over with `studymesh member role NAME owner`, then leave; or repeat with `--force`";
        Err(Error::new(Code::NotPermitted, cause, remedy).into())
    }

    /// Somebody who is or was in.
    fn member(&mut self, group: GroupId, given: &str) -> Result<(PersonId, Names), Fail> {
        let (members, names) = (self.members(group)?, self.names(group)?);
        let known = members.persons().iter().filter(|(_, p)| p.role.is_some() || p.removed);
        let candidates: Vec<_> = known.map(|(id, _)| (*id, id.to_string(), names.of(*id))).collect();
        Ok((pick("member", given, &candidates, "list them with `studymesh member list`")?, names))
    }

    pub(super) fn member_role(&mut self, group: GroupId, given: &str, role: Role) -> Done {
        let (person, names) = self.member(group, given)?;
        let entry = self.engine.set_role(self.context.now, group, person, role)?;
        Ok(json!({
            "v": 1, "person_id": person, "person": names.of(person), "role": role, "entry_id": entry, "durable": true,
        }))
    }

    pub(super) fn member_remove(&mut self, group: GroupId, given: &str) -> Done {
        let (person, names) = self.member(group, given)?;
        let you = person == self.me(group);
        let entry = self.engine.remove(self.context.now, group, Subject::Person(person))?;
        Ok(json!({
            "v": 1, "person_id": person, "person": names.of(person), "kind": self.group_kind(group), "you": you,
            "entry_id": entry, "durable": true,
        }))
    }

    pub(super) fn member_mute(&mut self, group: GroupId, given: &str, muted: bool) -> Done {
        let (person, names) = self.member(group, given)?;
        self.store().meta_set(&format!("{MUTED}{group}.{person}"), if muted { "1" } else { "" })?;
        Ok(json!({ "v": 1, "person_id": person, "person": names.of(person), "muted": muted }))
    }

    /// Whom this node mutes.
    pub(super) fn muted(&mut self, group: GroupId) -> Result<BTreeSet<PersonId>, Fail> {
        let persons: Vec<PersonId> = self.members(group)?.persons().keys().copied().collect();
        let mut muted = BTreeSet::new();
        for person in persons {
            if self.is_muted(group, person)? {
                muted.insert(person);
            }
        }
        Ok(muted)
    }

    /// Whether this node hides what a person writes.
    pub(super) fn is_muted(&mut self, group: GroupId, person: PersonId) -> Result<bool, Fail> {
        Ok(self.store().meta_get(&format!("{MUTED}{group}.{person}"))?.is_some_and(|m| !m.is_empty()))
    }

    pub(super) fn requests(&mut self, group: GroupId) -> Done {
        let members = self.members(group)?;
        let mut items = vec![];
        for request in members.requests() {
            let invite = members.invites().get(&request.invite);
            let name = self.engine.name_in(group, request);
            items.push(json!({
                "person_id": request.person, "person": name, "invite_id": request.invite,
                "role": invite.map(|i| i.role), "approve": invite.is_some_and(|i| i.approve), "refused": request.refused,
                "removed": members.persons().get(&request.person).is_some_and(|p| p.removed),
            }));
        }
        Ok(list(items))
    }

    /// Somebody who asks to be let in.
    fn asking(&mut self, group: GroupId, given: &str) -> Result<(PersonId, String), Fail> {
        let members = self.members(group)?;
        let mut candidates = vec![];
        for request in members.requests() {
            let name = self.engine.name_in(group, request).unwrap_or_default();
            if !candidates.iter().any(|(p, _, _)| *p == request.person) {
                candidates.push((request.person, request.person.to_string(), name));
            }
        }
        let person = pick("request", given, &candidates, "list them with `studymesh requests list`")?;
        let name = candidates.into_iter().find(|(p, _, _)| *p == person).map(|(_, _, name)| name).unwrap_or_default();
        Ok((person, name))
    }

    pub(super) fn member_add(&mut self, group: GroupId, given: &str, role: Option<Role>) -> Done {
        if role.is_some_and(|role| role >= Role::Owner) {
            let remedy = "let them in first, then hand over with `studymesh member role NAME owner`";
            return Err(Error::new(Code::BadInput, "nobody is let in as the owner", remedy).into());
        }
        let (person, name) = self.asking(group, given)?;
        let entry = self.engine.accept_request(self.context.now, group, person, role)?;
        let role = self.members(group)?.role(person);
        Ok(json!({
            "v": 1, "person_id": person, "person": name, "role": role, "entry_id": entry, "durable": true,
        }))
    }

    pub(super) fn request_refuse(&mut self, group: GroupId, given: &str) -> Done {
        let (person, _) = self.asking(group, given)?;
        let entry = self.engine.refuse_request(self.context.now, group, person)?;
        Ok(json!({ "v": 1, "person_id": person, "entry_id": entry, "durable": true }))
    }

    pub(super) fn group_rotate(&mut self, group: GroupId) -> Done {
        let epoch = self.engine.rotate_keys(self.context.now, group)?;
        Ok(json!({ "v": 1, "group_id": group, "epoch": epoch }))
    }
}
