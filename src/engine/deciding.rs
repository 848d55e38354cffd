//! What admins decide: invites, requests, roles, removals, words about single entries, the quota, fresh keys.
//!
//! Each is refused here when the fold would not count it, so that nobody believes to have done what everybody else disregards.

use super::store::Store;
use super::writing::WriteError;
use super::{Engine, Group};
use crate::log::envelope;
use crate::log::keys::{SEED_BYTES, invite_key, request_key};
use crate::log::seal::Key;
use crate::membership::{Device, Members, Person, RequestInfo};
use crate::model::action::{
    Accept, Action, Admit, Cut, GroupKind, Hide, Invite, Quota, Redeemed, Refuse, Remove, Revoke, Role, SetRole,
    Subject,
};
use crate::model::id::{EntryId, EpochId, GroupId, InviteId, LogId, PersonId};
use crate::model::limits::{MAX_CUT, MAX_NAMED};

/// An invite to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewInvite {
    /// What it makes of people; below owner.
    pub role: Role,
    /// How many it lets in; 0 for any number.
    pub uses: u32,
    /// When members stop honouring it, Unix milliseconds; 0 for never.
    pub expires_ms: u64,
    /// Whether an admin has to accept each request.
    pub approve: bool,
}

/// Why somebody may not decide something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Only admins and the owner decide.
    #[error("only admins and the owner of the group may do this")]
    Role,
    /// The other one is senior.
    #[error("that person is senior to you: only somebody senior to them, or the owner, may do this")]
    Senior,
    /// Only the owner hands over.
    #[error("only the owner hands the group over")]
    Owner,
    /// An owner does not step down without a successor.
    #[error("the owner hands the group over first: a group does not end without one")]
    HandOverFirst,
    /// Nothing is known of this person, device, invite or request.
    #[error("nobody and nothing of that kind is known in the group")]
    Unknown,
    /// A device does not remove itself.
    #[error("a device does not remove itself: do it on another one")]
    Oneself,
}

type Decided<T, S> = Result<T, WriteError<<S as Store>::Error>>;

impl<S: Store> Engine<S> {
    /// The members of a group, with everything that was received folded in.
    ///
    /// # Errors
    /// When the store fails.
    pub fn members(&mut self, now: u64, id: GroupId) -> Result<Option<&Members>, S::Error> {
        self.settle(now, id)?;
        Ok(self.groups.get(&id).map(|g| &g.members))
    }

    /// Whether this is the last installation of a closed group's owner, with others in the group: they would stay without one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_owners_last(&mut self, now: u64, id: GroupId) -> Result<bool, S::Error> {
        self.settle(now, id)?;
        let Some(group) = self.groups.get(&id) else { return Ok(false) };
        let (members, me) = (&group.members, group.person());
        let elsewhere = |(log, device): (&LogId, &Device)| device.person == me && !device.ended && !group.is_own(*log);
        let other = |(person, info): (&PersonId, &Person)| *person != me && info.role.is_some_and(Role::reads);
        Ok(members.kind() == Some(GroupKind::Closed)
            && members.owner() == Some(me)
            && !members.devices().iter().any(elsewhere)
            && members.persons().iter().any(other))
    }

    /// Makes an invite; the secret for its ticket.
    ///
    /// # Errors
    /// When this person may not, or the store fails.
    pub fn invite(&mut self, now: u64, id: GroupId, new: NewInvite) -> Decided<[u8; SEED_BYTES], S> {
        self.decides(now, id)?;
        let secret: [u8; SEED_BYTES] = self.entropy.array();
        let nonce = self.entropy.array();
        let group = self.group_of(id)?;
        let epoch = group.epoch_to_write();
        let request_key = match epoch.and_then(|e| group.keys.epoch(e)) {
            Some(key) => envelope::wrap(key, &request_key(&secret), nonce),
            None => vec![],
        };
        let NewInvite { role, uses, expires_ms, approve } = new;
        let invite = InviteId(invite_key(&secret).id().0);
        let epoch = epoch.unwrap_or(EpochId::ZERO);
        self.write(now, id, &Action::Invite(Invite { invite, role, uses, expires_ms, approve, epoch, request_key }))?;
        self.settle(now, id).map_err(WriteError::Store)?;
        Ok(secret)
    }

    /// Takes an invite back.
    ///
    /// # Errors
    /// When this person may not, there is no such invite, or the store fails.
    pub fn revoke(&mut self, now: u64, id: GroupId, invite: InviteId) -> Decided<EntryId, S> {
        self.decides(now, id)?;
        if !self.group_of(id)?.members.invites().contains_key(&invite) {
            return Err(Forbidden::Unknown.into());
        }
        self.decide(now, id, &Action::Revoke(Revoke { invite }))
    }

    /// The name in a request, when it can be read here.
    pub fn name_in(&mut self, id: GroupId, request: &RequestInfo) -> Option<String> {
        let group = self.groups.get(&id)?;
        let invite = group.members.invites().get(&request.invite)?;
        let key: Key = envelope::unwrap(group.keys.epoch(invite.epoch)?, &invite.request_key)?;
        envelope::open_name(&key, &request.name)
    }

    /// Lets somebody in who asks, whatever became of the invite.
    ///
    /// # Errors
    /// When this person may not, nobody asks so, or the store fails.
    pub fn accept_request(
        &mut self,
        now: u64,
        id: GroupId,
        person: PersonId,
        role: Option<Role>,
    ) -> Decided<EntryId, S> {
        self.decides(now, id)?;
        let group = self.group_of(id)?;
        let request = group.members.requests().iter().rfind(|r| r.person == person);
        let request = request.ok_or(Forbidden::Unknown)?.clone();
        let invite = group.members.invites().get(&request.invite);
        let wanted = role.or(invite.map(|i| i.role)).unwrap_or(Role::Member);
        let removed = group.members.persons().get(&person).is_some_and(|p| p.removed);
        // The use is counted where the invite still holds; else an admin's own word lets in.
        let counts = invite.is_some_and(|i| i.is_open() && i.role == wanted) && wanted <= Role::Member && !removed;
        let invite = counts.then_some(Redeemed { invite: request.invite, proof: request.proof });
        let entry = self.decide(now, id, &Action::Admit(Admit { person, role: wanted, invite }))?;
        self.hand_over_keys(now, id)?;
        Ok(entry)
    }

    /// Turns a request down.
    ///
    /// # Errors
    /// When this person may not, nobody asks so, or the store fails.
    pub fn refuse_request(&mut self, now: u64, id: GroupId, person: PersonId) -> Decided<EntryId, S> {
        self.decides(now, id)?;
        if !self.group_of(id)?.members.requests().iter().any(|r| r.person == person) {
            return Err(Forbidden::Unknown.into());
        }
        self.decide(now, id, &Action::Refuse(Refuse { person }))
    }

    /// Gives a person another role, or hands the group over.
    ///
    /// # Errors
    /// When this person may not, or the store fails.
    pub fn set_role(&mut self, now: u64, id: GroupId, person: PersonId, role: Role) -> Decided<EntryId, S> {
        let own = self.decides(now, id)?;
        let group = self.group_of(id)?;
        if !group.members.persons().contains_key(&person) {
            return Err(Forbidden::Unknown.into());
        }
        if person == group.person() {
            if own == Role::Owner {
                return Err(Forbidden::HandOverFirst.into());
            }
            if role >= own {
                return Err(Forbidden::Senior.into());
            }
        } else if role == Role::Owner && own != Role::Owner {
            return Err(Forbidden::Owner.into());
        } else {
            group.may_act_on(person)?;
        }
        let cut = if role.writes() { vec![] } else { group.cut(&group.logs_of(person)) };
        let entry = self.decide(now, id, &Action::SetRole(SetRole { person, role, cut }))?;
        self.renew_keys(now, id)?;
        self.hand_over_keys(now, id)?;
        Ok(entry)
    }

    /// Removes a person or a device, takes the invite back by which the person came, and begins a new epoch: one act.
    /// Removing oneself is leaving.
    ///
    /// # Errors
    /// When this person may not, or the store fails.
    pub fn remove(&mut self, now: u64, id: GroupId, subject: Subject) -> Decided<EntryId, S> {
        self.settle(now, id).map_err(WriteError::Store)?;
        let group = self.group_of(id)?;
        let cut = match subject {
            Subject::Person(person) => group.cut(&group.logs_of(person)),
            Subject::Device(log) => group.cut(&[log]),
        };
        self.remove_up_to(now, id, subject, cut)
    }

    /// The same, with what is accepted of the logs.
    pub(super) fn remove_up_to(
        &mut self,
        now: u64,
        id: GroupId,
        subject: Subject,
        cut: Vec<Cut>,
    ) -> Decided<EntryId, S> {
        self.settle(now, id).map_err(WriteError::Store)?;
        let group = self.group_of(id)?;
        let me = group.person();
        let own = group.members.role_of_log(group.me.id());
        let person = match subject {
            Subject::Person(person) => person,
            Subject::Device(log) => {
                let device = group.members.devices().get(&log).ok_or(Forbidden::Unknown)?;
                if log == group.me.id() {
                    return Err(Forbidden::Oneself.into());
                }
                device.person
            }
        };
        if !group.members.persons().contains_key(&person) {
            return Err(Forbidden::Unknown.into());
        }
        match subject {
            Subject::Person(_) if person == me && own == Some(Role::Owner) => {
                return Err(Forbidden::HandOverFirst.into());
            }
            _ if person == me => {}
            _ if !own.is_some_and(Role::decides) => return Err(Forbidden::Role.into()),
            _ => group.may_act_on(person)?,
        }
        let came_by: Vec<InviteId> = match subject {
            Subject::Person(person) if own.is_some_and(Role::decides) => {
                let by = group.members.invites().iter().filter(|(_, i)| i.used_by.contains(&person) && i.is_open());
                by.map(|(invite, _)| *invite).collect()
            }
            _ => vec![],
        };
        let entry = self.decide(now, id, &Action::Remove(Remove { subject, cut }))?;
        for invite in came_by {
            self.decide(now, id, &Action::Revoke(Revoke { invite }))?;
        }
        self.renew_keys(now, id)?;
        Ok(entry)
    }

    /// Accepts entries beyond a cut.
    ///
    /// # Errors
    /// When this person may not, or the store fails.
    pub fn accept_entries(&mut self, now: u64, id: GroupId, entries: &[EntryId]) -> Decided<Vec<EntryId>, S> {
        self.decides(now, id)?;
        let decide = |part: &[EntryId]| Action::Accept(Accept { entries: part.to_vec() });
        entries.chunks(MAX_NAMED).map(|part| self.decide(now, id, &decide(part))).collect()
    }

    /// Hides entries from everybody's views, or shows them again.
    ///
    /// # Errors
    /// When this person may not, or the store fails.
    pub fn hide(&mut self, now: u64, id: GroupId, entries: &[EntryId], hidden: bool) -> Decided<Vec<EntryId>, S> {
        self.decides(now, id)?;
        let decide = |part: &[EntryId]| Action::Hide(Hide { entries: part.to_vec(), hidden });
        entries.chunks(MAX_NAMED).map(|part| self.decide(now, id, &decide(part))).collect()
    }

    /// Sets how much each log may hold.
    ///
    /// # Errors
    /// When this person may not, or the store fails.
    pub fn set_quota(&mut self, now: u64, id: GroupId, quota: Quota) -> Decided<EntryId, S> {
        self.decides(now, id)?;
        self.decide(now, id, &Action::Quota(quota))
    }

    /// Begins a new epoch, on demand; none in an open group.
    ///
    /// # Errors
    /// When this person may not write, or the store fails.
    pub fn rotate_keys(&mut self, now: u64, id: GroupId) -> Decided<Option<EpochId>, S> {
        self.settle(now, id).map_err(WriteError::Store)?;
        let group = self.group_of(id)?;
        if group.row.kind != Some(crate::model::action::GroupKind::Closed) {
            return Ok(None);
        }
        if !group.members.role_of_log(group.me.id()).is_some_and(Role::writes) {
            return Err(Forbidden::Role.into());
        }
        self.begin_epoch(now, id).map_err(WriteError::Store)
    }

    /// The entries that are stored and do not count, with their logs and times.
    ///
    /// # Errors
    /// When the store fails.
    pub fn withheld(&mut self, now: u64, id: GroupId) -> Result<Vec<super::store::Stored>, S::Error> {
        self.settle(now, id)?;
        let Some(group) = self.groups.get(&id) else { return Ok(vec![]) };
        let at: Vec<_> = group.withheld.values().copied().collect();
        let mut out = vec![];
        for (chain, seq) in at {
            out.extend(self.store.entries(id, chain, seq, 1, usize::MAX, true)?);
        }
        out.sort_by_key(|e| (e.header.time, e.id));
        Ok(out)
    }

    fn group_of(&self, id: GroupId) -> Decided<&Group, S> {
        self.groups.get(&id).ok_or(WriteError::NoGroup(id))
    }

    /// This person's role, when it decides.
    fn decides(&mut self, now: u64, id: GroupId) -> Decided<Role, S> {
        self.settle(now, id).map_err(WriteError::Store)?;
        let group = self.group_of(id)?;
        match group.members.role_of_log(group.me.id()) {
            Some(role) if role.decides() => Ok(role),
            _ => Err(Forbidden::Role.into()),
        }
    }

    fn decide(&mut self, now: u64, id: GroupId, action: &Action) -> Decided<EntryId, S> {
        let entry = self.write(now, id, action)?;
        self.settle(now, id).map_err(WriteError::Store)?;
        Ok(entry)
    }

    /// After somebody lost the right to read: what is written next is not for them.
    fn renew_keys(&mut self, now: u64, id: GroupId) -> Decided<(), S> {
        let group = self.group_of(id)?;
        let closed = group.row.kind == Some(crate::model::action::GroupKind::Closed);
        let writes = group.members.role_of_log(group.me.id()).is_some_and(Role::writes);
        if closed && writes && group.members.latest_epochs().next().is_none() {
            self.begin_epoch(now, id).map_err(WriteError::Store)?;
        }
        Ok(())
    }

    /// Whoever may read now gets the keys with the same batch.
    fn hand_over_keys(&mut self, now: u64, id: GroupId) -> Decided<(), S> {
        self.hand_on(now, id).map_err(WriteError::Store)
    }
}

impl Group {
    /// Whether this person may decide about another one.
    pub(super) fn may_act_on(&self, person: PersonId) -> Result<(), Forbidden> {
        let persons = self.members.persons();
        let rank = |p: &PersonId| {
            let known = persons.get(p)?;
            let role = known.role.filter(|r| r.decides())?;
            Some((std::cmp::Reverse(role), known.seniority))
        };
        match (rank(&self.person()), rank(&person)) {
            (None, _) => Err(Forbidden::Role),
            (Some(_), None) => Ok(()),
            (Some(own), Some(other)) if own < other => Ok(()),
            _ => Err(Forbidden::Senior),
        }
    }

    fn logs_of(&self, person: PersonId) -> Vec<LogId> {
        let of = self.logs.iter().filter(|(_, l)| l.chains.first().is_some_and(|c| c.person == person));
        of.map(|(log, _)| *log).collect()
    }

    /// The tips of logs as they are here: what of them is accepted.
    fn cut(&self, logs: &[LogId]) -> Vec<Cut> {
        let tips = logs.iter().filter_map(|log| Some((log, self.logs.get(log)?)));
        let cuts = tips.flat_map(|(log, l)| l.tips().map(|tip| Cut { log: *log, seq: tip.seq, id: tip.id }));
        cuts.take(MAX_CUT).collect()
    }
}
