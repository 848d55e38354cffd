//! The table of cases in `docs/membership.md`, a story each, and what else the rules promise.

use super::{Acts, Members, Verdict};
use crate::log::keys::{LogKey, invite_key};
use crate::log::person;
use crate::model::action::{
    Accept, Action, Admit, AskKeys, Cut, Epoch, Genesis, GroupKind, Hide, Invite, Quota, Redeemed, Refuse, Remove,
    Request, Revoke, Role, Sealed, Seals, SetRole, Subject,
};
use crate::model::id::{EntryId, EpochId, GroupId, InviteId, LogId, PersonId};

const GROUP: GroupId = GroupId([7; 32]);
/// People, by the number of their first log; the owner to begin with is Ann.
const ANN: u8 = 10;
const BO: u8 = 20;
const CY: u8 = 30;
const DI: u8 = 40;
const ED: u8 = 50;

/// A device: the person's number, and 0 for the first device.
fn key(person: u8, device: u8) -> LogKey {
    LogKey::from_seed(&[person + device; 32])
}

fn log(person: u8, device: u8) -> LogId {
    key(person, device).id()
}

fn id(person: u8) -> PersonId {
    log(person, 0).into()
}

/// A group whose acts are written one after another; each sees what it is told to.
struct Story {
    acts: Acts,
    heads: Vec<EntryId>,
    written: u8,
}

impl Story {
    fn of(kind: GroupKind) -> Self {
        let mut story = Self { acts: Acts::new(GROUP), heads: vec![], written: 0 };
        story.now(ANN, Action::Genesis(Genesis { kind, salt: [0; 16] }));
        story
    }

    /// A closed group with these people in it, admitted by Ann one after another.
    fn with(people: &[(u8, Role)]) -> Self {
        let mut story = Self::of(GroupKind::Closed);
        for (person, role) in people {
            story.now(ANN, admit(*person, *role));
        }
        story
    }

    /// Somebody acts and has seen everything.
    fn now(&mut self, person: u8, action: Action) -> EntryId {
        let heads = self.heads.clone();
        self.after(&heads, log(person, 0), action)
    }

    /// Somebody acts and has seen these entries and what came before them.
    fn after(&mut self, seen: &[EntryId], log: LogId, action: Action) -> EntryId {
        self.written += 1;
        let id = EntryId([self.written; 32]);
        assert!(self.acts.add(id, log, seen, Some(&action)) || matches!(action, Action::Seals(_) | Action::AskKeys(_)));
        self.heads.retain(|head| !seen.contains(head));
        self.heads.push(id);
        id
    }

    /// What everybody has seen now.
    fn seen(&self) -> Vec<EntryId> {
        self.heads.clone()
    }

    /// A further device introduces itself, linked by the ones before it.
    fn link(&mut self, person: u8, device: u8, before: &[u8]) -> EntryId {
        let heads = self.heads.clone();
        self.after(&heads, log(person, device), endorse(person, device, before))
    }

    fn members(&self) -> Members {
        self.acts.fold()
    }

    fn role(&self, person: u8) -> Option<Role> {
        self.members().role(id(person))
    }

    fn is_removed(&self, person: u8) -> bool {
        self.members().persons().get(&id(person)).is_some_and(|p| p.removed)
    }

    /// Whether somebody's next act decides something.
    fn decides(&mut self, log: LogId) -> bool {
        let word = EntryId([200 + self.written; 32]);
        let heads = self.heads.clone();
        self.after(&heads, log, Action::Accept(Accept { entries: vec![word] }));
        self.members().is_accepted(word)
    }
}

fn admit(person: u8, role: Role) -> Action {
    Action::Admit(Admit { person: id(person), role, invite: None })
}

fn set(person: u8, role: Role) -> Action {
    Action::SetRole(SetRole { person: id(person), role, cut: vec![] })
}

fn remove(person: u8) -> Action {
    Action::Remove(Remove { subject: Subject::Person(id(person)), cut: vec![] })
}

fn remove_device(person: u8, device: u8) -> Action {
    Action::Remove(Remove { subject: Subject::Device(log(person, device)), cut: vec![] })
}

fn endorse(person: u8, device: u8, before: &[u8]) -> Action {
    let before: Vec<LogKey> = before.iter().map(|d| key(person, *d)).collect();
    Action::Endorse(person::endorse(GROUP, &key(person, device), &key(90, 0), &before))
}

fn invite_id(n: u8) -> InviteId {
    InviteId(invite_key(&[n; 16]).id().0)
}

fn invite(n: u8, role: Role, uses: u32) -> Action {
    let (epoch, request_key) = (EpochId::ZERO, vec![]);
    Action::Invite(Invite { invite: invite_id(n), role, uses, expires_ms: 0, approve: false, epoch, request_key })
}

/// Somebody with an invite is let in.
fn redeem(n: u8, person: u8, role: Role) -> Action {
    let proof = invite_key(&[n; 16]).sign_invite(GROUP, log(person, 0));
    Action::Admit(Admit { person: id(person), role, invite: Some(Redeemed { invite: invite_id(n), proof }) })
}

fn request(n: u8, person: u8) -> Action {
    let proof = invite_key(&[n; 16]).sign_invite(GROUP, log(person, 0));
    Action::Request(Request { invite: invite_id(n), proof, name: vec![] })
}

fn sealed(epoch: u8, person: u8) -> Sealed {
    Sealed { epoch: EpochId([epoch; 32]), log: log(person, 0), key: vec![0; 80] }
}

fn epoch(n: u8, to: &[u8]) -> Action {
    let seals = to.iter().map(|person| sealed(n, *person)).collect();
    Action::Epoch(Epoch { epoch: EpochId([n; 32]), parents: vec![], seals })
}

fn latest(members: &Members) -> Vec<u8> {
    members.latest_epochs().map(|e| e.0[0]).collect()
}

// ---- the table ----

#[test]
fn of_two_admins_who_remove_each_other_the_senior_one_stays() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Admin)]);
    let seen = s.seen();
    s.after(&seen, log(BO, 0), remove(CY));
    s.after(&seen, log(CY, 0), remove(BO));
    assert_eq!((s.role(BO), s.role(CY)), (Some(Role::Admin), None));
}

#[test]
fn whom_an_admin_lets_in_while_it_is_removed_is_out_as_well() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    let seen = s.seen();
    s.after(&seen, log(ANN, 0), remove(BO));
    s.after(&seen, log(BO, 0), admit(CY, Role::Member));
    assert_eq!((s.role(BO), s.role(CY)), (None, None));
    assert!(s.is_removed(BO) && !s.is_removed(CY));
}

#[test]
fn who_is_let_in_and_removed_at_once_is_out_until_either_lets_it_in_again() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Admin)]);
    let seen = s.seen();
    s.after(&seen, log(CY, 0), admit(DI, Role::Member));
    s.after(&seen, log(BO, 0), remove(DI));
    assert!(s.is_removed(DI));
    s.now(CY, admit(DI, Role::Member));
    assert_eq!(s.role(DI), Some(Role::Member));
}

#[test]
fn one_person_whom_two_members_let_in_by_one_invite_took_one_place() {
    let mut s = Story::with(&[(BO, Role::Member), (CY, Role::Member)]);
    let made = s.now(ANN, invite(1, Role::Member, 1));
    s.after(&[made], log(BO, 0), redeem(1, DI, Role::Member));
    s.after(&[made], log(CY, 0), redeem(1, DI, Role::Member));
    assert_eq!(s.role(DI), Some(Role::Member));
    assert_eq!(s.members().invites()[&invite_id(1)].used_by.len(), 1);
}

#[test]
fn of_two_people_let_in_at_once_by_a_single_use_invite_one_is_in_and_one_waits_and_keys_are_changed() {
    let mut s = Story::with(&[(BO, Role::Member), (CY, Role::Member)]);
    s.now(ANN, epoch(1, &[ANN, BO, CY]));
    s.now(ANN, invite(1, Role::Member, 1));
    s.now(DI, request(1, DI));
    s.now(ED, request(1, ED));
    let seen = s.seen();
    let by_bo = s.after(&seen, log(BO, 0), redeem(1, DI, Role::Member));
    let by_cy = s.after(&seen, log(CY, 0), redeem(1, ED, Role::Member));
    s.after(&[by_bo], log(BO, 0), Action::Seals(Seals { seals: vec![sealed(1, DI)] }));
    assert_eq!(latest(&s.members()), [1], "the one who is in holds the key by right");
    s.after(&[by_cy], log(CY, 0), Action::Seals(Seals { seals: vec![sealed(1, ED)] }));
    let members = s.members();
    assert_eq!((members.role(id(DI)), members.role(id(ED))), (Some(Role::Member), None));
    assert_eq!(members.requests().iter().map(|r| r.person).collect::<Vec<_>>(), [id(ED)]);
    assert_eq!(latest(&members), [0u8; 0], "the other one holds the key: there has to be another one");
}

#[test]
fn who_asks_again_after_a_refusal_or_with_a_newer_invite_is_listed_anew() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    s.now(ANN, invite(1, Role::Member, 1));
    s.now(CY, request(1, CY));
    s.now(BO, Action::Refuse(Refuse { person: id(CY) }));
    let refused = |s: &Story| s.members().requests().iter().map(|r| r.refused).collect::<Vec<_>>();
    assert_eq!(refused(&s), [true]);
    // Who is not in reads nothing of the group, the refusal neither.
    let made = s.now(ANN, invite(2, Role::Member, 1));
    s.after(&[], log(CY, 0), request(2, CY));
    assert_eq!(refused(&s), [true, false]);
    s.after(&[made], log(CY, 0), request(1, CY));
    assert_eq!(refused(&s), [true, false, false]);
}

#[test]
fn an_invite_that_is_taken_back_while_it_is_honoured_lets_nobody_in() {
    let mut s = Story::with(&[(BO, Role::Member)]);
    s.now(ANN, invite(1, Role::Member, 0));
    s.now(CY, request(1, CY));
    let seen = s.seen();
    s.after(&seen, log(BO, 0), redeem(1, CY, Role::Member));
    assert_eq!(s.role(CY), Some(Role::Member));
    s.after(&seen, log(ANN, 0), Action::Revoke(Revoke { invite: invite_id(1) }));
    let members = s.members();
    assert_eq!(members.role(id(CY)), None);
    assert!(members.invites()[&invite_id(1)].revoked);
    assert_eq!(members.requests().len(), 1, "the request stays");
}

#[test]
fn nothing_that_a_removed_admin_writes_counts_whatever_it_claims_to_have_seen() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Member)]);
    let long_ago = s.seen();
    s.now(ANN, remove(BO));
    s.now(BO, remove(CY));
    s.after(&long_ago, log(BO, 0), remove(CY));
    s.after(&long_ago, log(BO, 0), admit(DI, Role::Admin));
    s.after(&long_ago, log(BO, 0), invite(1, Role::Member, 0));
    assert_eq!((s.role(CY), s.role(DI)), (Some(Role::Member), None));
    assert!(s.members().invites().is_empty());
}

#[test]
fn what_an_admin_did_offline_for_long_counts_when_it_comes_back() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Admin)]);
    let offline = s.seen();
    for person in [60, 61, 62] {
        s.now(CY, admit(person, Role::Member));
    }
    let first = s.after(&offline, log(BO, 0), admit(DI, Role::Member));
    s.after(&[first], log(BO, 0), remove(CY));
    assert_eq!((s.role(DI), s.role(CY)), (Some(Role::Member), None));
    assert_eq!(s.role(60), None, "whom the junior admin let in meanwhile is out with it");
}

#[test]
fn of_two_roles_that_are_set_at_once_the_lesser_one_counts() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Admin), (DI, Role::Member)]);
    let seen = s.seen();
    s.after(&seen, log(BO, 0), set(DI, Role::Reader));
    s.after(&seen, log(CY, 0), set(DI, Role::Admin));
    assert_eq!(s.role(DI), Some(Role::Reader));
}

#[test]
fn what_somebody_did_as_an_admin_is_void_when_it_was_demoted_at_the_same_time() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Admin), (DI, Role::Member)]);
    let seen = s.seen();
    let up = s.after(&seen, log(CY, 0), set(DI, Role::Admin));
    s.after(&[up], log(DI, 0), admit(ED, Role::Member));
    assert_eq!(s.role(ED), Some(Role::Member));
    s.after(&seen, log(BO, 0), set(DI, Role::Member));
    assert_eq!((s.role(DI), s.role(ED)), (Some(Role::Member), None));
}

#[test]
fn of_two_hand_overs_the_one_counts_that_more_members_acted_on() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Admin), (DI, Role::Member)]);
    s.link(ANN, 1, &[0]);
    let seen = s.seen();
    let to_bo = s.after(&seen, log(ANN, 0), set(BO, Role::Owner));
    let to_cy = s.after(&seen, log(ANN, 1), set(CY, Role::Owner));
    assert_eq!(s.members().owner(), Some(id(BO)), "nobody acted on either: the first by place");
    s.after(&[to_cy], log(DI, 0), epoch(1, &[]));
    assert_eq!(s.members().owner(), Some(id(CY)));
    // Who has seen both vouches for neither.
    s.after(&[to_bo, to_cy], log(BO, 0), epoch(2, &[]));
    assert_eq!(s.members().owner(), Some(id(CY)));
    assert_eq!((s.role(ANN), s.role(BO)), (Some(Role::Admin), Some(Role::Admin)));
}

#[test]
fn what_the_owner_decides_on_another_device_while_handing_over_does_not_count() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Member)]);
    s.link(ANN, 1, &[0]);
    let seen = s.seen();
    s.after(&seen, log(ANN, 1), remove(BO));
    let other = s.after(&seen, log(ANN, 1), remove(CY));
    s.after(&seen, log(ANN, 0), set(BO, Role::Owner));
    assert_eq!(s.members().owner(), Some(id(BO)));
    assert_eq!(s.role(CY), Some(Role::Member));
    // The former owner is an admin now, and does it again.
    let heads = s.seen();
    assert!(heads.contains(&other));
    s.after(&heads, log(ANN, 1), remove(CY));
    assert_eq!((s.role(ANN), s.role(CY)), (Some(Role::Admin), None));
}

#[test]
fn a_former_owner_does_not_take_the_group_back_by_an_entry_that_claims_to_be_older() {
    let mut s = Story::of(GroupKind::Closed);
    let founded = s.seen();
    s.now(ANN, admit(BO, Role::Admin));
    s.now(ANN, set(BO, Role::Owner));
    let removal = s.now(BO, remove(ANN));
    assert_eq!(s.members().owner(), Some(id(BO)));
    // By the order of ids alone it would come first.
    let first = EntryId([0; 32]);
    s.acts.add(first, log(ANN, 0), &founded, Some(&set(CY, Role::Owner)));
    s.after(&[first], log(CY, 0), remove(BO));
    assert_eq!(s.members().owner(), Some(id(BO)));
    assert!(s.is_removed(ANN));
    s.after(&[removal], log(ANN, 0), remove(BO));
    assert_eq!(s.members().owner(), Some(id(BO)));
}

#[test]
fn a_former_owner_does_not_undo_a_handing_over_by_removing_the_device_it_was_made_on() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    let linked = s.link(ANN, 1, &[0]);
    s.now(ANN, set(BO, Role::Owner));
    s.now(BO, epoch(1, &[]));
    s.after(&[linked], log(ANN, 1), remove_device(ANN, 0));
    assert_eq!(s.members().owner(), Some(id(BO)));
    assert!(s.members().devices()[&log(ANN, 1)].person == id(ANN) && !s.decides(log(ANN, 0)));
}

#[test]
fn a_thief_does_not_hand_the_group_over_on_a_device_that_was_removed() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    let linked = s.link(ANN, 1, &[0]);
    s.now(ANN, remove_device(ANN, 1));
    s.now(BO, epoch(1, &[]));
    let theft = s.after(&[linked], log(ANN, 1), set(CY, Role::Owner));
    s.after(&[theft], log(CY, 0), remove(BO));
    assert_eq!((s.members().owner(), s.role(BO)), (Some(id(ANN)), Some(Role::Admin)));
}

#[test]
fn who_steps_down_or_leaves_while_it_is_made_the_owner_is_the_owner() {
    for gives_up in [set(BO, Role::Reader), remove(BO)] {
        let mut s = Story::with(&[(BO, Role::Admin)]);
        let seen = s.seen();
        s.after(&seen, log(BO, 0), gives_up);
        s.after(&seen, log(ANN, 0), set(BO, Role::Owner));
        assert_eq!(s.members().owner(), Some(id(BO)));
        assert!(s.decides(log(BO, 0)));
        assert!(s.decides(log(ANN, 0)), "the former owner is an admin");
    }
}

#[test]
fn whom_a_member_let_in_stays_in_when_the_member_is_made_an_admin() {
    let mut s = Story::with(&[(BO, Role::Member)]);
    s.now(ANN, invite(1, Role::Member, 0));
    s.now(BO, redeem(1, CY, Role::Member));
    s.now(CY, redeem(1, DI, Role::Member));
    s.now(ANN, set(CY, Role::Admin));
    s.now(ANN, set(BO, Role::Admin));
    assert_eq!((s.role(CY), s.role(DI)), (Some(Role::Admin), Some(Role::Member)));
}

#[test]
fn an_old_invite_undoes_no_word_of_an_admin() {
    for word in [set(CY, Role::Keeper), remove(CY)] {
        let mut s = Story::with(&[(BO, Role::Member), (CY, Role::Member)]);
        s.now(ANN, invite(1, Role::Member, 0));
        s.now(ANN, word);
        let lowered = s.role(CY);
        s.now(BO, redeem(1, CY, Role::Member));
        assert_eq!(s.role(CY), lowered);
        // Leaving does not wash it off.
        s.now(CY, remove(CY));
        s.now(BO, redeem(1, CY, Role::Member));
        assert_eq!(s.role(CY), None);
        s.now(ANN, admit(CY, Role::Member));
        assert_eq!(s.role(CY), Some(Role::Member));
    }
}

#[test]
fn who_left_comes_back_by_an_invite() {
    let mut s = Story::with(&[(BO, Role::Member), (CY, Role::Member)]);
    s.now(ANN, invite(1, Role::Reader, 0));
    s.now(CY, remove(CY));
    assert!(s.is_removed(CY));
    s.now(BO, redeem(1, CY, Role::Reader));
    assert_eq!(s.role(CY), Some(Role::Reader));
}

#[test]
fn an_invite_that_is_redeemed_in_the_name_of_somebody_who_is_in_lowers_nobody() {
    for kind in [GroupKind::Closed, GroupKind::Open] {
        let mut s = Story::of(kind);
        s.now(ANN, admit(BO, Role::Member));
        if kind == GroupKind::Closed {
            s.now(ANN, admit(CY, Role::Member));
        }
        s.now(ANN, invite(1, Role::Keeper, 0));
        // Whoever holds an invite's secret can sign for anybody.
        s.now(BO, redeem(1, CY, Role::Keeper));
        assert_eq!(s.role(CY), Some(Role::Member));
        s.now(ANN, admit(CY, Role::Reader));
        assert_eq!(s.role(CY), Some(Role::Member), "an admission gives, a role is set");
    }
}

#[test]
fn an_admin_lets_another_admin_in_by_its_own_word_only() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    s.now(ANN, invite(1, Role::Admin, 1));
    assert!(s.members().invites()[&invite_id(1)].approve);
    s.now(BO, redeem(1, CY, Role::Admin));
    assert_eq!(s.role(CY), None);
    s.now(BO, admit(CY, Role::Admin));
    assert_eq!(s.role(CY), Some(Role::Admin));
    let members = s.members();
    let line = |person| members.persons()[&id(person)].seniority;
    assert!(line(ANN) < line(BO) && line(BO) < line(CY));
}

#[test]
fn of_two_devices_of_one_person_that_remove_each_other_the_senior_one_stays() {
    let mut s = Story::with(&[(BO, Role::Member)]);
    s.link(BO, 1, &[0]);
    let seen = s.seen();
    s.after(&seen, log(BO, 1), remove_device(BO, 0));
    s.after(&seen, log(BO, 0), remove_device(BO, 1));
    // A device does not become senior by introducing itself once more, out of turn.
    let again = s.after(&[], log(BO, 1), endorse(BO, 1, &[0]));
    s.after(&[again], log(BO, 1), remove_device(BO, 0));
    let members = s.members();
    let ended = |device| members.devices().get(&log(BO, device)).is_some_and(|d| d.ended);
    assert!(!ended(0) && ended(1));
    assert_eq!(members.role_of_log(log(BO, 0)), Some(Role::Member));
    assert_eq!(members.role_of_log(log(BO, 1)), None);
}

#[test]
fn a_stolen_device_that_an_admin_removes_takes_no_other_one_with_it() {
    let mut s = Story::with(&[(BO, Role::Member)]);
    s.link(BO, 1, &[0]);
    let seen = s.seen();
    s.now(ANN, Action::Remove(Remove { subject: Subject::Device(log(BO, 0)), cut: vec![] }));
    assert!(!s.members().devices().get(&log(BO, 1)).is_some_and(|d| d.ended), "what it linked before stays");
    s.after(&seen, log(BO, 0), remove_device(BO, 1));
    assert!(!s.members().devices()[&log(BO, 1)].ended);
}

#[test]
fn what_a_removed_device_links_is_out_as_well() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    s.link(BO, 1, &[0]);
    let long_ago = s.seen();
    let now = s.now(BO, remove_device(BO, 1));
    s.after(&[now], log(BO, 2), endorse(BO, 2, &[0, 1]));
    s.after(&long_ago, log(BO, 3), endorse(BO, 3, &[0, 1]));
    let members = s.members();
    assert!(members.devices()[&log(BO, 2)].ended && members.devices()[&log(BO, 3)].ended);
    assert!(!s.decides(log(BO, 2)) && !s.decides(log(BO, 3)) && s.decides(log(BO, 0)));
}

#[test]
fn when_the_first_device_is_lost_the_second_one_links_a_third() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    s.link(BO, 1, &[0]);
    let heads = s.seen();
    s.after(&heads, log(BO, 1), remove_device(BO, 0));
    s.link(BO, 2, &[0, 1]);
    assert!(!s.members().devices()[&log(BO, 2)].ended);
    assert!(s.decides(log(BO, 2)) && !s.decides(log(BO, 0)));
}

#[test]
fn a_device_that_was_removed_before_its_person_was_made_the_owner_stays_removed() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Member)]);
    s.link(CY, 1, &[0]);
    s.now(BO, remove_device(CY, 1));
    s.now(ANN, set(CY, Role::Owner));
    assert!(!s.decides(log(CY, 1)) && s.decides(log(CY, 0)));
}

#[test]
fn what_somebody_did_stays_when_it_introduces_its_log_as_somebody_elses() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    s.now(BO, admit(CY, Role::Member));
    s.now(ANN, remove(BO));
    // By place this comes before everything but the founding.
    let by_di = person::endorse(GROUP, &key(BO, 0), &key(90, 0), &[key(DI, 0)]);
    s.acts.add(EntryId([0; 32]), log(BO, 0), &[], Some(&Action::Endorse(by_di)));
    let members = s.members();
    assert_eq!(members.role(id(CY)), Some(Role::Member));
    assert!(members.persons()[&id(BO)].removed);
}

#[test]
fn who_was_removed_does_not_undo_what_it_did_by_removing_its_device() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    let long_ago = s.link(BO, 1, &[0]);
    s.now(BO, admit(CY, Role::Member));
    s.now(ANN, remove(BO));
    s.after(&[long_ago], log(BO, 1), remove_device(BO, 0));
    assert_eq!(s.role(CY), Some(Role::Member));
    // Who was let in again may lose a device like others.
    s.now(ANN, admit(BO, Role::Admin));
    let heads = s.seen();
    s.after(&heads, log(BO, 1), remove_device(BO, 0));
    assert!(s.members().devices()[&log(BO, 0)].ended);
    assert!(!s.decides(log(BO, 0)) && s.decides(log(BO, 1)));
}

#[test]
fn a_member_who_is_let_in_during_a_removal_reads_what_is_written_next() {
    let mut s = Story::with(&[(BO, Role::Admin), (CY, Role::Member)]);
    s.now(ANN, epoch(1, &[ANN, BO, CY]));
    let seen = s.seen();
    let removal = s.after(&seen, log(ANN, 0), remove(CY));
    s.after(&[removal], log(ANN, 0), epoch(2, &[ANN, BO]));
    s.after(&seen, log(BO, 0), admit(DI, Role::Member));
    s.after(&[], log(DI, 0), endorse(DI, 0, &[]));
    let members = s.members();
    assert_eq!(latest(&members), [2]);
    assert!(members.unsealed(EpochId([2; 32])).eq([log(DI, 0)]), "whoever holds the key seals it to the newcomer");
    s.now(BO, Action::Seals(Seals { seals: vec![sealed(2, DI)] }));
    assert_eq!(s.members().unsealed(EpochId([2; 32])).count(), 0);
}

#[test]
fn of_two_epochs_that_begin_at_once_the_lower_is_written_under_until_one_joins_both() {
    let mut s = Story::with(&[(BO, Role::Member)]);
    let seen = s.seen();
    s.after(&seen, log(ANN, 0), epoch(5, &[ANN, BO]));
    s.after(&seen, log(BO, 0), epoch(3, &[ANN, BO]));
    assert_eq!(latest(&s.members()), [3, 5]);
    s.now(BO, epoch(9, &[ANN, BO]));
    assert_eq!(latest(&s.members()), [9]);
    assert_eq!(s.members().epochs().len(), 3, "all of them are readable");
}

// ---- what else the rules promise ----

#[test]
fn the_owner_is_removed_or_demoted_by_nobody_and_does_not_leave() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    s.now(BO, remove(ANN));
    s.now(BO, set(ANN, Role::Reader));
    s.now(ANN, remove(ANN));
    s.now(ANN, set(ANN, Role::Member));
    assert_eq!(s.members().owner(), Some(id(ANN)));
    assert!(s.decides(log(ANN, 0)));
    // After handing over it is an admin like others, and may leave.
    s.now(ANN, set(BO, Role::Owner));
    assert_eq!((s.role(ANN), s.role(BO)), (Some(Role::Admin), Some(Role::Owner)));
    s.now(ANN, remove(ANN));
    assert!(s.is_removed(ANN));
}

#[test]
fn a_role_suffices_for_what_the_table_says_and_for_no_more() {
    for (role, decides, writes) in [
        (Role::Keeper, false, false),
        (Role::Reader, false, false),
        (Role::Member, false, true),
        (Role::Admin, true, true),
    ] {
        let mut s = Story::with(&[(CY, Role::Member), (BO, role)]);
        s.now(ANN, invite(1, Role::Member, 0));
        s.now(BO, redeem(1, DI, Role::Member));
        s.now(BO, epoch(1, &[]));
        s.now(BO, invite(2, Role::Member, 0));
        s.now(BO, Action::Quota(Quota { entries: 5, bytes: 0 }));
        s.now(BO, Action::Hide(Hide { entries: vec![EntryId([99; 32])], hidden: true }));
        s.now(BO, set(BO, Role::Owner));
        s.now(BO, remove(CY));
        let members = s.members();
        assert_eq!(members.role(id(DI)).is_some(), writes, "{role:?}");
        assert_eq!(members.epochs().len() == 1, writes, "{role:?}");
        assert_eq!(members.invites().contains_key(&invite_id(2)), decides, "{role:?}");
        assert_eq!(members.quota().entries == 5, decides, "{role:?}");
        assert_eq!(members.hidden().len() == 1, decides, "{role:?}");
        assert_eq!(members.role(id(CY)).is_none(), decides, "{role:?}");
        assert_eq!(members.owner(), Some(id(ANN)), "{role:?}");
        s.now(BO, remove(BO));
        assert!(s.is_removed(BO), "{role:?}: everybody may leave");
    }
}

#[test]
fn an_invite_has_its_places_and_asks_for_its_proof_and_its_role() {
    let mut s = Story::with(&[(BO, Role::Member)]);
    let long_ago = s.seen();
    s.now(ANN, invite(1, Role::Reader, 2));
    s.now(BO, redeem(1, CY, Role::Member));
    assert_eq!(s.role(CY), None, "not the invite's role");
    s.now(BO, Action::Admit(Admit { person: id(CY), ..admission(redeem(1, DI, Role::Reader)) }));
    assert_eq!(s.role(CY), None, "the proof is somebody else's");
    s.after(&long_ago, log(BO, 0), redeem(1, CY, Role::Reader));
    assert_eq!(s.role(CY), None, "the invite was not known");
    for person in [CY, DI, ED] {
        s.now(BO, redeem(1, person, Role::Reader));
    }
    assert_eq!([CY, DI, ED].map(|p| s.role(p)), [Some(Role::Reader), Some(Role::Reader), None]);
    assert!(!s.members().invites()[&invite_id(1)].is_open());
}

fn admission(action: Action) -> Admit {
    let Action::Admit(admit) = action else { panic!("an admission") };
    admit
}

#[test]
fn what_is_accepted_of_a_removed_persons_logs_is_what_removals_of_that_person_name() {
    let mut s = Story::with(&[(BO, Role::Member), (CY, Role::Member)]);
    s.link(BO, 1, &[0]);
    let cut = |log, seq: u8| Cut { log, seq: seq.into(), id: EntryId([seq; 32]) };
    let (first, second, foreign) = (cut(log(BO, 0), 4), cut(log(BO, 1), 7), cut(log(CY, 0), 1));
    assert_eq!(s.members().verdict(id(BO), log(BO, 0)), Verdict::All);
    let named = vec![first, second, foreign];
    s.now(ANN, Action::Remove(Remove { subject: Subject::Person(id(BO)), cut: named }));
    let members = s.members();
    assert_eq!(members.verdict(id(BO), log(BO, 0)), Verdict::UpTo(&[first]));
    assert_eq!(members.verdict(id(BO), log(BO, 1)), Verdict::UpTo(&[second]));
    assert_eq!(members.verdict(id(CY), log(CY, 0)), Verdict::All);
    s.now(ANN, Action::SetRole(SetRole { person: id(CY), role: Role::Keeper, cut: vec![foreign] }));
    assert_eq!(s.members().verdict(id(CY), log(CY, 0)), Verdict::UpTo(&[foreign]));
}

#[test]
fn of_several_words_about_entries_and_the_quota_the_last_count_and_the_strict_ones_of_concurrent_ones() {
    let mut s = Story::with(&[(BO, Role::Admin)]);
    let entry = EntryId([99; 32]);
    let hide = |hidden| Action::Hide(Hide { entries: vec![entry], hidden });
    s.now(ANN, hide(true));
    s.now(BO, hide(false));
    assert!(s.members().hidden().is_empty());
    let seen = s.seen();
    s.after(&seen, log(ANN, 0), hide(false));
    s.after(&seen, log(BO, 0), hide(true));
    assert!(s.members().hidden().contains(&entry));
    s.now(ANN, Action::Quota(Quota { entries: 1, bytes: 1 }));
    let seen = s.seen();
    s.after(&seen, log(ANN, 0), Action::Quota(Quota { entries: 9, bytes: 0 }));
    s.after(&seen, log(BO, 0), Action::Quota(Quota { entries: 5, bytes: 7 }));
    assert_eq!(s.members().quota(), Quota { entries: 5, bytes: 7 });
}

#[test]
fn a_key_that_is_asked_for_is_lacking_until_somebody_seals_it_having_seen_that() {
    let mut s = Story::with(&[(BO, Role::Reader)]);
    s.after(&[], log(BO, 0), endorse(BO, 0, &[]));
    s.now(ANN, epoch(1, &[ANN, BO]));
    let seen = s.seen();
    let wanted = |s: &Story| s.members().wanted_by(EpochId([1; 32])).count();
    s.now(BO, Action::AskKeys(AskKeys { epochs: vec![EpochId([1; 32])] }));
    assert_eq!((wanted(&s), s.members().unsealed(EpochId([1; 32])).count()), (1, 1));
    let seals = || Action::Seals(Seals { seals: vec![sealed(1, BO)] });
    s.after(&seen, log(ANN, 0), seals());
    assert_eq!(wanted(&s), 1, "that was before it asked");
    s.now(CY, seals());
    assert_eq!(wanted(&s), 1, "a stranger holds no keys");
    s.now(ANN, seals());
    assert_eq!((wanted(&s), s.members().unsealed(EpochId([1; 32])).count()), (0, 0));
}

#[test]
fn whoever_is_out_or_was_never_in_makes_no_epoch_useless() {
    let mut s = Story::with(&[(BO, Role::Member), (CY, Role::Member)]);
    s.now(ANN, remove(BO));
    let known = s.now(ANN, epoch(1, &[ANN, CY]));
    s.now(BO, remove(BO));
    s.after(&[], log(DI, 0), remove(DI));
    s.after(&[], log(DI, 0), admit(CY, Role::Keeper));
    s.now(DI, Action::Seals(Seals { seals: vec![sealed(1, BO), sealed(1, ED)] }));
    assert_eq!(latest(&s.members()), [1]);
    s.after(&[known], log(CY, 0), remove(CY));
    assert_eq!(latest(&s.members()), [0u8; 0], "a reader who leaves does");
}

#[test]
fn in_an_open_group_everybody_is_a_member_until_somebody_says_otherwise() {
    let mut s = Story::of(GroupKind::Open);
    assert_eq!((s.role(BO), s.members().owner()), (Some(Role::Member), Some(id(ANN))));
    s.now(ANN, set(BO, Role::Reader));
    s.now(ANN, remove(CY));
    assert_eq!((s.role(BO), s.role(CY), s.role(DI)), (Some(Role::Reader), None, Some(Role::Member)));
    s.now(ANN, admit(CY, Role::Member));
    assert_eq!(s.role(CY), Some(Role::Member));
}

#[test]
fn before_the_genesis_entry_came_nothing_is_known_and_afterwards_everything_counts() {
    let mut acts = Acts::new(GROUP);
    let founded = EntryId([1; 32]);
    acts.add(EntryId([2; 32]), log(ANN, 0), &[founded], Some(&admit(BO, Role::Admin)));
    assert!(acts.fold().owner().is_none() && !acts.is_complete());
    assert_eq!(acts.fold().role(id(BO)), None);
    let genesis = Action::Genesis(Genesis { kind: GroupKind::Closed, salt: [0; 16] });
    acts.add(founded, log(ANN, 0), &[], Some(&genesis));
    assert_eq!((acts.fold().owner(), acts.fold().role(id(BO))), (Some(id(ANN)), Some(Role::Admin)));
}
