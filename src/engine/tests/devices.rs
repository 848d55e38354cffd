//! Stories of one person with several devices: groups are handed over, and everybody sees one person.

use super::closed::ONCE;
use super::*;
use crate::model::action::{Role, Subject};
use crate::model::id::PersonId;

impl Table {
    /// Node `from` hands a group over to node `to`, as linking does.
    fn hand(&mut self, from: usize, to: usize, group: GroupId, seed: u8) -> (Handed, LogKey) {
        let log = LogKey::from_seed(&[seed; 32]);
        let handed = self.batch(from, |e, _| e.hand_over(group, log.id())).unwrap();
        let taken = self.batch(to, |e, now| e.take_over(now, &handed, &log).unwrap());
        assert_eq!(taken, Taken::New);
        (handed, log)
    }

    fn persons(&mut self, n: usize, group: GroupId) -> BTreeSet<PersonId> {
        let own = self.status(n, group).person;
        let members = self.batch(n, |e, now| e.members(now, group).unwrap().unwrap().clone());
        let known: BTreeSet<PersonId> = members.devices().values().map(|d| d.person).collect();
        assert!(known.contains(&own));
        known
    }

    fn own_logs(&mut self, n: usize, group: GroupId) -> Vec<OwnLog> {
        self.batch(n, |e, now| e.own_devices(now, group).unwrap())
    }
}

#[test]
fn a_linked_device_is_let_into_a_closed_group_by_the_chain_alone_and_gets_every_key() {
    let mut table = Table::new(3);
    let group = table.batch(0, |e, now| e.create_group(now, GroupKind::Closed, "group").unwrap());
    table.hand(0, 1, group, 11);
    // The one that handed over is away: its own name for it in the store is all that the other has. It meets the first.
    table.connect(0, 1);
    table.advance(30_000);
    assert_eq!(table.status(0, group).fingerprint, table.status(1, group).fingerprint);
    assert_eq!(table.status(1, group).role, Some(Role::Owner), "the same person has the same role");
    assert_eq!(table.persons(0, group).len(), 1);
    assert_eq!(table.own_logs(0, group).iter().filter(|own| own.here).count(), 1);
    assert_eq!(table.own_logs(0, group).len(), 2);
    // It decides as the person does: it lets a third one in, whom the first has not met.
    let invite = NewInvite { role: Role::Member, uses: 1, expires_ms: 0, approve: false };
    let secret = table.batch(1, |e, now| e.invite(now, group, invite).unwrap());
    let seed = table.status(1, group).seed;
    table.batch(2, |e, now| e.join_group(now, group, Joining { seed, invite: Some(secret) }).unwrap());
    table.connect(1, 2);
    table.advance(30_000);
    assert_eq!(table.status(2, group).role, Some(Role::Member));
    assert_eq!(table.persons(2, group).len(), 2);
}

#[test]
fn an_owners_last_device_is_told_apart_from_one_of_several_and_from_a_member() {
    let (mut table, group) = Table::closed(3);
    let last = |table: &mut Table, n: usize| table.batch(n, |e, now| e.is_owners_last(now, group).unwrap());
    assert!(!last(&mut table, 0), "nobody stays behind");
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    assert_eq!((last(&mut table, 0), last(&mut table, 1)), (true, false));
    // A fresh log on the same device is no other device; a linked one is.
    table.batch(0, |e, now| e.rotate(now, group).unwrap());
    assert!(last(&mut table, 0));
    let (_, second) = table.hand(0, 2, group, 12);
    table.meet(&[0, 1, 2]);
    assert_eq!((last(&mut table, 0), last(&mut table, 2)), (false, false));
    table.batch(0, |e, now| e.remove(now, group, Subject::Device(second.id())).unwrap());
    assert!(last(&mut table, 0), "one that was removed is none");
    // Whoever handed the group over is free to go.
    let heir = table.status(1, group).person;
    table.batch(0, |e, now| e.set_role(now, group, heir, Role::Owner).unwrap());
    assert!(!last(&mut table, 0));
}

#[test]
fn chains_grow_from_device_to_device_and_a_fresh_log_of_a_linked_one_still_belongs_to_the_person() {
    let (mut table, group) = Table::group(1);
    let person = table.status(0, group).person;
    let last = MAX_HANDED_CHAIN;
    for n in 1..=last {
        table.seat(MemStore::default());
        let (handed, _) = table.hand(n - 1, n, group, 20 + n as u8);
        assert_eq!(handed.chain.len(), n);
        table.connect(n - 1, n);
        table.advance(2_000);
    }
    // The next chain would leave no room for a fresh log.
    assert!(table.batch(last, |e, _| e.hand_over(group, LogId([9; 32]))).is_none());
    // Somebody else wrote in the log of the last one: it goes on in a fresh log, and is still the same person.
    table.batch(last, |e, now| e.rotate(now, group).unwrap());
    table.advance(60_000);
    for n in [0, last] {
        assert_eq!(table.persons(n, group), BTreeSet::from([person]), "seen by {n}");
        assert_eq!(table.own_logs(n, group).len(), last + 2);
    }
}

#[test]
fn a_chain_that_leads_to_another_log_or_group_is_not_taken_over() {
    let (mut table, group) = Table::group(2);
    let (log, other) = (LogKey::from_seed(&[11; 32]), LogKey::from_seed(&[12; 32]));
    table.seat(MemStore::default());
    let handed = table.batch(0, |e, _| e.hand_over(group, log.id())).unwrap();
    let foreign = Handed { group: GroupId([5; 32]), ..handed.clone() };
    let empty = Handed { chain: vec![], ..handed.clone() };
    for (handed, key) in [(&handed, &other), (&foreign, &log), (&empty, &log)] {
        assert_eq!(table.batch(2, |e, now| e.take_over(now, handed, key).unwrap()), Taken::Broken);
    }
    assert_eq!(table.batch(1, |e, now| e.take_over(now, &handed, &log).unwrap()), Taken::Held, "in it already");
    assert_eq!(table.batch(2, |e, now| e.take_over(now, &handed, &log).unwrap()), Taken::New);
}

#[test]
fn a_removed_device_is_listed_as_ended_and_what_it_hands_over_is_out_as_well() {
    let mut table = Table::new(3);
    let group = table.batch(0, |e, now| e.create_group(now, GroupKind::Closed, "group").unwrap());
    let (_, phone) = table.hand(0, 1, group, 11);
    table.connect(0, 1);
    table.advance(30_000);
    table.disconnect(0, 1);
    table.batch(0, |e, now| e.remove(now, group, Subject::Device(phone.id())).unwrap());
    // The finder of the phone links another device, without having heard of the removal.
    let (_, theirs) = table.hand(1, 2, group, 12);
    table.connect(0, 2);
    table.connect(0, 1);
    table.advance(30_000);
    let own = table.own_logs(0, group);
    let ended = |log: LogId| own.iter().find(|own| own.log == log).is_none_or(|own| own.ended);
    assert!(ended(phone.id()) && ended(theirs.id()));
    assert_eq!(own.iter().filter(|own| !own.ended).count(), 1);
    let note = table.batch(0, |e, now| e.write(now, group, &profile("after")).unwrap());
    table.advance(30_000);
    for n in [1, 2] {
        assert!(!table.batch(n, |e, now| e.members(now, group).unwrap().is_some_and(|m| m.is_accepted(note))));
        assert_ne!(table.status(n, group).fingerprint, table.status(0, group).fingerprint);
    }
}

#[test]
fn the_log_that_writes_here_signs_for_the_session_of_two_devices() {
    let (mut table, group) = Table::group(1);
    let log = table.status(0, group).log;
    let (signed, signature) = table.batch(0, |e, _| e.sign_session(group, &[4; 32])).unwrap();
    assert_eq!(signed, log);
    assert!(crate::log::keys::verify_session(log, &[4; 32], &signature).is_ok());
    assert!(table.batch(0, |e, _| e.sign_session(GroupId([9; 32]), &[4; 32])).is_none());
}
