//! What an act does when its author may do it.

use std::collections::BTreeSet;

use super::fold::Fold;
use super::grants::{End, Rank};
use super::members::InviteInfo;
use crate::model::action::{Action, Admit, Redeemed, Remove, Role, SetRole, Subject};
use crate::model::id::PersonId;

/// An act, and the right under which it is made.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    party: usize,
    role: Role,
    rank: Rank,
    act: usize,
}

impl Fold<'_> {
    /// Looks at an act whose grant and device are alive; whether it counts.
    pub(super) fn decide(&mut self, party: usize, grant: usize, rank: Rank, act: usize) -> bool {
        let turn = Turn { party, role: self.parties[party].grants[grant].role, rank, act };
        let Some(action) = &self.order.act(act).action else { return false };
        match action {
            Action::Epoch(_) => self.epochs.push(act),
            Action::Admit(Admit { person, role, invite: Some(redeemed) }) => {
                return self.redeem(turn, *person, *role, redeemed);
            }
            // Nobody raises himself. What stepping down takes is taken without a right; who holds the group hands it over.
            Action::SetRole(set) if set.person == self.parties[party].id => {
                if set.role >= turn.role || self.parties[party].holds_the_group(&self.order, act) {
                    return false;
                }
                self.give(party, set.role, act);
            }
            _ => return turn.role.decides() && self.decide_as_admin(turn, action),
        }
        true
    }

    fn decide_as_admin(&mut self, turn: Turn, action: &Action) -> bool {
        let Turn { party, act, .. } = turn;
        match action {
            Action::Invite(a) if a.role < Role::Owner => {
                let (entry, by) = (self.order.act(act).id, self.parties[party].id);
                self.invites.entry(a.invite).or_insert(act);
                self.members.invites.entry(a.invite).or_insert_with(|| InviteInfo {
                    entry,
                    by,
                    role: a.role,
                    uses: a.uses,
                    used_by: BTreeSet::new(),
                    expires_ms: a.expires_ms,
                    approve: a.approve || a.role > Role::Member,
                    revoked: false,
                    epoch: a.epoch,
                    request_key: a.request_key.clone(),
                });
            }
            Action::Revoke(a) => self.revokes.entry(a.invite).or_default().push(act),
            Action::Refuse(a) => {
                let party = self.party(a.person);
                self.parties[party].refusals.push(act);
            }
            Action::Accept(a) => self.members.accepted.extend(&a.entries),
            Action::Hide(a) => {
                for entry in &a.entries {
                    self.hides.entry(*entry).or_default().push((act, a.hidden));
                }
            }
            Action::Quota(_) => self.quotas.push(act),
            Action::Admit(a) if a.role < Role::Owner && self.may_act_on(turn, a.person) => {
                let party = self.party(a.person);
                self.give(party, a.role, act);
            }
            Action::SetRole(a) if a.role < Role::Owner && self.may_act_on(turn, a.person) => self.set_role(act, a),
            Action::Remove(a) => {
                let person = match a.subject {
                    Subject::Person(person) => person,
                    Subject::Device(log) => self.introduced.person_seen(&self.order, log, act),
                };
                if !self.may_act_on(turn, person) {
                    return false;
                }
                self.remove(act, a);
            }
            _ => return false,
        }
        true
    }

    /// A role that somebody else sets.
    fn set_role(&mut self, act: usize, set: &SetRole) {
        let party = self.party(set.person);
        self.parties[party].decided.push(act);
        if !set.role.decides() {
            self.end(party, End { entry: act, above: Some(set.role) }, &set.cut);
        }
        self.give(party, set.role, act);
    }

    fn remove(&mut self, act: usize, remove: &Remove) {
        match remove.subject {
            Subject::Person(person) => {
                let party = self.party(person);
                self.parties[party].decided.push(act);
                self.end(party, End { entry: act, above: None }, &remove.cut);
            }
            Subject::Device(log) => {
                let person = self.introduced.person_seen(&self.order, log, act);
                self.removals.entry((log, person)).or_default().push(act);
            }
        }
    }

    /// Lets an act that takes something count, before anything is looked at.
    pub(super) fn settle(&mut self, act: usize) {
        self.looked[act] = true;
        match &self.order.act(act).action {
            Some(Action::SetRole(set)) => self.set_role(act, set),
            Some(Action::Remove(remove)) => self.remove(act, remove),
            _ => {}
        }
    }

    /// Whether a person is another one, who is junior or decides nothing: as far as the act has seen.
    fn may_act_on(&self, turn: Turn, person: PersonId) -> bool {
        person != self.parties[turn.party].id && !self.is_protected(person, turn.rank, turn.act)
    }

    fn redeem(&mut self, turn: Turn, person: PersonId, role: Role, redeemed: &Redeemed) -> bool {
        let (invite, act) = (redeemed.invite, turn.act);
        let (Some(made), Some(info)) = (self.invites.get(&invite), self.members.invites.get(&invite)) else {
            return false;
        };
        let fits = info.role == role && role < Role::Admin && (!info.approve || turn.role.decides());
        let full = info.uses > 0 && info.used_by.len() >= info.uses as usize && !info.used_by.contains(&person);
        if !fits || full || !self.order.act(act).proven || !self.order.is_before(*made, act) {
            return false;
        }
        let mut revokes = self.revokes.get(&invite).into_iter().flatten();
        if revokes.any(|revoke| !self.order.is_before(act, *revoke)) {
            return false;
        }
        // After a word of somebody who decides, an old invite undoes nothing.
        let decided = self.party_of.get(&person).map_or(&[][..], |party| &self.parties[*party].decided);
        if decided.iter().any(|by| self.order.is_before(*by, act)) || !self.may_act_on(turn, person) {
            return false;
        }
        if let Some(info) = self.members.invites.get_mut(&invite) {
            info.used_by.insert(person);
        }
        let party = self.party(person);
        self.give(party, role, act);
        true
    }
}
