//! Large groups and people of ill will who write very much: what the fold takes. It is made anew when control entries come.
//!
//! Signatures are left out here: each is checked once, when its entry comes, and is no part of the fold.

use std::time::{Duration, Instant};

use studymesh::membership::{Act, Acts, Members};
use studymesh::model::action::{
    Accept, Action, Admit, AskKeys, Endorse, Epoch, Genesis, GroupKind, Hide, Invite, PersonLink, Redeemed, Remove,
    Request, Role, Sealed, Seals, SetRole, Subject,
};
use studymesh::model::id::{EntryId, EpochId, InviteId, LogId, PersonId};

use crate::cast::GROUP;
use crate::random::Dice;

struct Crowd {
    acts: Acts,
    heads: Vec<EntryId>,
    dice: Dice,
}

fn log(n: usize) -> LogId {
    let mut id = [1; 32];
    id[..8].copy_from_slice(&(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    LogId(id)
}

fn invite_id(n: usize) -> InviteId {
    InviteId(log(1_000_000 + n).0)
}

fn epoch_id(n: usize) -> EpochId {
    EpochId(log(2_000_000 + n).0)
}

impl Crowd {
    fn new() -> Self {
        let mut crowd = Self { acts: Acts::new(GROUP), heads: vec![], dice: Dice::new(1) };
        crowd.now(0, Action::Genesis(Genesis { kind: GroupKind::Closed, salt: [0; 16] }));
        crowd
    }

    /// Somebody who has seen everything acts.
    fn now(&mut self, by: usize, action: Action) -> EntryId {
        let names = std::mem::take(&mut self.heads);
        let id = self.after(&names, by, action);
        self.heads = vec![id];
        id
    }

    fn after(&mut self, names: &[EntryId], by: usize, action: Action) -> EntryId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&self.dice.number().to_be_bytes());
        let person = match &action {
            Action::Endorse(e) => e.person.first().map(|link| link.log.into()).or(Some(log(by).into())),
            _ => None,
        };
        let act = Act { id: EntryId(id), log: log(by), action: Some(action), proven: true, person };
        self.acts.add_checked(names, act);
        EntryId(id)
    }

    /// Somebody introduces itself and asks, and knows nothing of the group but how it was founded.
    fn ask(&mut self, who: usize, invite: usize, known: EntryId) -> EntryId {
        let endorse = Endorse { transport: [0; 32], transport_sig: [0; 64], person: vec![] };
        let first = self.after(&[known], who, Action::Endorse(endorse));
        let request = Request { invite: invite_id(invite), proof: [0; 64], name: vec![0; 60] };
        self.after(&[first], who, Action::Request(request))
    }

    fn admit(&mut self, by: usize, who: usize, role: Role) {
        self.now(by, Action::Admit(Admit { person: person(who), role, invite: None }));
    }

    /// Folds, within a time that a release build keeps by far.
    #[allow(clippy::disallowed_methods, reason = "it measures")]
    fn folds(&self, what: &str, at_most: Duration) -> Members {
        let at_most = if cfg!(debug_assertions) { at_most * 40 } else { at_most };
        let begin = Instant::now();
        let members = self.acts.fold();
        let took = begin.elapsed();
        println!("{what}: {} control entries fold in {took:?}", self.acts.len());
        assert!(took < at_most, "{what}: {took:?}");
        members
    }
}

fn person(n: usize) -> PersonId {
    log(n).into()
}

fn invite(n: usize, uses: u32) -> Action {
    Action::Invite(Invite {
        invite: invite_id(n),
        role: Role::Member,
        uses,
        expires_ms: 0,
        approve: false,
        epoch: EpochId::ZERO,
        request_key: vec![0; 72],
    })
}

fn redeem(n: usize, who: usize) -> Action {
    let invite = Some(Redeemed { invite: invite_id(n), proof: [0; 64] });
    Action::Admit(Admit { person: person(who), role: Role::Member, invite })
}

fn set(who: usize, role: Role) -> Action {
    Action::SetRole(SetRole { person: person(who), role, cut: vec![] })
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_group_of_five_thousand_who_came_one_by_one() {
    for single in [false, true] {
        let mut crowd = Crowd::new();
        let founded = crowd.heads[0];
        for admin in 1..=10 {
            crowd.admit(0, admin, Role::Admin);
        }
        let mut invites = 0;
        for who in 100..5_100 {
            if who % 100 == 0 {
                // A class is invited at once.
                for n in 0..if single { 100 } else { 1 } {
                    crowd.now(1 + who % 10, invite(invites + n, u32::from(single)));
                }
                invites += if single { 100 } else { 1 };
            }
            let with = if single { who - 100 } else { invites - 1 };
            let asked = crowd.ask(who, with, founded);
            crowd.heads.push(asked);
            // Whoever is there lets them in: a few people who are often online, and now and then two at once.
            let by =
                if who < 200 || crowd.dice.percent(70) { 1 + crowd.dice.below(10) } else { 100 + crowd.dice.below(50) };
            let seen = crowd.heads.clone();
            let let_in = crowd.after(&seen, by, redeem(with, who));
            crowd.heads = vec![let_in];
            if crowd.dice.percent(5) {
                let by = 1 + crowd.dice.below(10);
                let again = crowd.after(&seen, by, redeem(with, who));
                crowd.heads.push(again);
            }
        }
        let members = crowd.folds(if single { "5,000 invites" } else { "50 invites" }, SECOND / 2);
        assert_eq!(members.persons().values().filter(|p| p.role == Some(Role::Member)).count(), 5_000);
    }
}

#[test]
fn an_admin_who_turns_a_role_over_two_thousand_times() {
    let mut crowd = Crowd::new();
    crowd.admit(0, 1, Role::Admin);
    crowd.admit(0, 2, Role::Member);
    crowd.admit(0, 3, Role::Admin);
    let begin = crowd.heads.clone();
    for n in 0..2_000 {
        crowd.now(1, set(2, if n % 2 == 0 { Role::Admin } else { Role::Member }));
        // The one who is turned over does something every time, and somebody junior tries to stop that.
        crowd.now(2, invite(n, 1));
        crowd.now(3, set(2, Role::Keeper));
    }
    crowd.folds("a role that is turned over", SECOND);
    // The same, when nobody has seen the other times.
    for n in 0..2_000 {
        let action = set(2, if n % 2 == 0 { Role::Admin } else { Role::Member });
        let turned = crowd.after(&begin, 1, action);
        crowd.heads.push(turned);
    }
    crowd.folds("a role that is turned over at once", 2 * SECOND);
}

#[test]
fn a_member_who_asks_for_keys_five_thousand_times_and_others_who_answer() {
    let mut crowd = Crowd::new();
    crowd.admit(0, 1, Role::Member);
    crowd.admit(0, 2, Role::Member);
    for n in 0..40 {
        crowd.now(0, Action::Epoch(Epoch { epoch: epoch_id(n), parents: vec![], seals: vec![] }));
    }
    for n in 0..5_000 {
        crowd.now(1, Action::AskKeys(AskKeys { epochs: (0..32).map(epoch_id).collect() }));
        if n % 5 == 0 {
            let seals = (0..32).map(|n| Sealed { epoch: epoch_id(n), log: log(1), key: vec![] }).collect();
            crowd.now(2, Action::Seals(Seals { seals }));
        }
    }
    let members = crowd.folds("5,000 times 32 keys", SECOND);
    assert_eq!(members.wanted().count(), 32);
}

#[test]
fn a_member_who_begins_three_thousand_epochs() {
    let mut crowd = Crowd::new();
    for who in 1..=300 {
        crowd.admit(0, who, Role::Member);
        if who % 3 == 0 {
            crowd.now(0, Action::Remove(Remove { subject: Subject::Person(person(who)), cut: vec![] }));
        }
    }
    let begin = crowd.heads.clone();
    for n in 0..3_000 {
        let seals = (1..=200).map(|to| Sealed { epoch: epoch_id(n), log: log(to), key: vec![] }).collect();
        let epoch = Action::Epoch(Epoch { epoch: epoch_id(n), parents: vec![], seals });
        if n % 2 == 0 {
            crowd.now(1, epoch);
        } else {
            let at_once = crowd.after(&begin, 1, epoch);
            crowd.heads.push(at_once);
        }
    }
    let members = crowd.folds("3,000 epochs", SECOND);
    assert_eq!(members.epochs().len(), 3_000);
}

#[test]
fn an_owner_who_hands_over_a_thousand_times_at_once_and_people_who_pass_the_group_around() {
    let mut crowd = Crowd::new();
    for who in 1..=200 {
        crowd.admit(0, who, Role::Admin);
    }
    let begin = crowd.heads.clone();
    for n in 0..1_000 {
        let given = crowd.after(&begin, 0, set(1 + n % 200, Role::Owner));
        crowd.after(&[given], 1 + (n * 7) % 200, Action::Accept(Accept { entries: vec![] }));
    }
    let members = crowd.folds("1,000 new owners at once", SECOND);
    assert!(members.owner().is_some());

    let mut crowd = Crowd::new();
    crowd.admit(0, 1, Role::Admin);
    for n in 0..2_000 {
        crowd.now(n % 2, set(1 - n % 2, Role::Owner));
        crowd.now(1 - n % 2, invite(n, 1));
    }
    let members = crowd.folds("2,000 owners one after another", SECOND);
    assert_eq!(members.owner(), Some(person(0)));
    assert_eq!(members.invites().len(), 2_000);
}

#[test]
fn an_admin_who_hides_and_removes_much_and_a_person_with_a_thousand_devices() {
    let mut crowd = Crowd::new();
    crowd.admit(0, 1, Role::Admin);
    let begin = crowd.heads.clone();
    for n in 0..1_000 {
        let entries = (0..200).map(|n| EntryId(log(n).0)).collect();
        let hide = crowd.after(&begin, 1, Action::Hide(Hide { entries, hidden: n % 2 == 0 }));
        crowd.heads.push(hide);
    }
    crowd.folds("1,000 times 200 hidden entries", SECOND);

    let mut crowd = Crowd::new();
    crowd.admit(0, 1, Role::Admin);
    let link = |n: usize| PersonLink { log: log(n), signature: [0; 64] };
    for n in 1_000..2_000 {
        let person = vec![link(1), link(1_000 + (n - 1_000) / 2)];
        crowd.now(n, Action::Endorse(Endorse { transport: [0; 32], transport_sig: [0; 64], person }));
        crowd.now(n, invite(n, 1));
    }
    let begin = crowd.heads.clone();
    for n in 1_000..2_000 {
        let subject = Subject::Device(log(1_000 + (n + 1) % 1_000));
        let removal = crowd.after(&begin, n, Action::Remove(Remove { subject, cut: vec![] }));
        crowd.heads.push(removal);
    }
    let members = crowd.folds("1,000 devices that remove each other", SECOND);
    assert!(members.owner().is_some());
}
