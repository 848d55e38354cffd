//! Stories of closed groups: who gets in, who reads what, and what happens to what a removed member writes.

use super::*;
use crate::log::envelope;
use crate::log::keys::invite_key;
use crate::membership::Members;
use crate::model::action::{Class, NoteNew, Role, Subject};
use crate::model::fold::Register;
use crate::model::id::{EpochId, NoteId, PersonId};
use crate::model::text::{Side, TextEdit, TextOp};
use crate::sync::handshake::Standing;

pub(super) const ONCE: NewInvite = NewInvite { role: Role::Member, uses: 1, expires_ms: 0, approve: false };

impl Table {
    pub(super) fn closed(count: usize) -> (Self, GroupId) {
        let mut table = Self::new(count);
        let group = table.batch(0, |e, now| e.create_group(now, GroupKind::Closed, "group").unwrap());
        (table, group)
    }

    pub(super) fn invite(&mut self, by: usize, group: GroupId, new: NewInvite) -> [u8; 16] {
        self.act(by, |e, now| e.invite(now, group, new).unwrap())
    }

    pub(super) fn act<R>(&mut self, n: usize, run: impl FnOnce(&mut Engine<MemStore>, u64) -> R) -> R {
        self.batch(n, |e, now| {
            let result = run(e, now);
            e.handle(now, Input::Tick).unwrap();
            result
        })
    }

    pub(super) fn ask(&mut self, n: usize, group: GroupId, secret: [u8; 16]) {
        let seed = self.status(0, group).seed;
        self.act(n, |e, now| e.join_group(now, group, Joining { seed, invite: Some(secret) }).unwrap());
    }

    pub(super) fn members(&mut self, n: usize, group: GroupId) -> Members {
        self.act(n, |e, now| e.members(now, group).unwrap().unwrap().clone())
    }

    pub(super) fn person(&mut self, n: usize, group: GroupId) -> PersonId {
        self.status(n, group).person
    }

    pub(super) fn role(&mut self, of: usize, group: GroupId, seen_by: usize) -> Option<Role> {
        let person = self.person(of, group);
        self.members(seen_by, group).role(person)
    }

    pub(super) fn note(&mut self, n: usize, group: GroupId, title: &str) -> EntryId {
        let note = Action::NoteNew(NoteNew { title: title.into(), topic: None, tags: vec![], text: text(title) });
        self.act(n, |e, now| e.write(now, group, &note).unwrap())
    }

    pub(super) fn reads(&mut self, n: usize, group: GroupId, note: EntryId) -> bool {
        let views = self.nodes[n].engine.store().views(group);
        views.value(&Register::NoteTitle(NoteId::from(note))).is_some()
    }

    /// Everybody is connected with everybody, and time goes on until all that are in hold the same.
    pub(super) fn meet(&mut self, all: &[usize]) {
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                if !self.links.contains(&(*a.min(b), *a.max(b))) {
                    self.connect(*a, *b);
                }
            }
        }
        self.advance(30_000);
    }

    pub(super) fn part(&mut self, n: usize) {
        for other in self.neighbours(n) {
            self.disconnect(n, other);
        }
    }

    /// A group of `count` people, all in and in agreement.
    pub(super) fn circle(count: usize) -> (Self, GroupId) {
        let (mut table, group) = Self::closed(count);
        let secret = table.invite(0, group, NewInvite { uses: 0, ..ONCE });
        (1..count).for_each(|n| table.ask(n, group, secret));
        table.meet(&(0..count).collect::<Vec<_>>());
        table.same(group, &(0..count).collect::<Vec<_>>());
        (table, group)
    }

    pub(super) fn same(&mut self, group: GroupId, all: &[usize]) {
        let first = self.status(all[0], group).fingerprint;
        let members = self.members(all[0], group);
        let views = self.nodes[all[0]].engine.store().views(group).digest();
        for n in all {
            assert_eq!(self.status(*n, group).fingerprint, first, "node {n} holds something else");
            assert_eq!(self.members(*n, group), members, "node {n} sees other members");
            let store = self.nodes[*n].engine.store();
            assert_eq!(store.views(group).digest(), views, "node {n} sees something else");
            assert_eq!(store.rebuilt_views(group).digest(), views, "node {n} folds something else anew");
        }
    }

    /// How many content bodies on a node's disk open with the keys of another one.
    pub(super) fn opened(&mut self, on: usize, with: usize, group: GroupId) -> (usize, usize) {
        let keys = self.keys(with, group);
        let store = self.nodes[on].engine.store();
        let mut content = vec![];
        for row in store.chains(group).unwrap() {
            content.extend(store.entries(group, row.chain, 0, usize::MAX, usize::MAX, true).unwrap());
        }
        content.retain(|e| e.header.class == Class::Content);
        let all = content.len();
        (content.iter().filter(|e| keys.open(&e.header, &e.body).is_ok()).count(), all)
    }
}

pub(super) fn text(words: &str) -> TextEdit {
    let insert = TextOp::Insert { parent: None, side: Side::Right, text: words.to_owned() };
    TextEdit { refs: vec![], ops: vec![insert] }
}

#[test]
fn whoever_brings_a_good_invite_is_let_in_and_reads_everything() {
    let (mut table, group) = Table::closed(2);
    let old = table.note(0, group, "before");
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    assert_eq!(table.role(1, group, 0), Some(Role::Member));
    assert!(table.reads(1, group, old), "newcomers read all history");
    let new = table.note(1, group, "after");
    table.advance(5_000);
    assert!(table.reads(0, group, new));
    table.same(group, &[0, 1]);
    assert!(table.nodes.iter().all(|n| n.penalised.is_empty()));
}

#[test]
fn an_invite_for_one_lets_in_one_and_the_other_one_is_told() {
    let (mut table, group) = Table::closed(3);
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    table.ask(2, group, secret);
    table.meet(&[0, 1, 2]);
    assert_eq!((table.role(1, group, 0), table.role(2, group, 0)), (Some(Role::Member), None));
    let status = table.status(2, group);
    assert_eq!((status.inside, status.told_standing), (false, Standing::InviteOver));
    assert!(status.members.is_empty() || status.held == 2, "it holds only what it wrote itself");
    // An admin's own word lets it in all the same.
    let person = table.person(2, group);
    table.act(0, |e, now| e.accept_request(now, group, person, None).unwrap());
    table.meet(&[0, 1, 2]);
    assert_eq!(table.role(2, group, 1), Some(Role::Member));
    table.same(group, &[0, 1, 2]);
}

#[test]
fn an_invite_works_while_its_author_is_away() {
    let (mut table, group) = Table::circle(3);
    let secret = table.invite(0, group, ONCE);
    table.advance(5_000);
    table.part(0);
    let newcomer = table.seat(MemStore::default());
    table.ask(newcomer, group, secret);
    table.meet(&[1, 2, newcomer]);
    assert_eq!(table.role(newcomer, group, 1), Some(Role::Member));
    table.same(group, &[1, 2, newcomer]);
}

#[test]
fn an_invite_that_needs_approval_waits_for_an_admin() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, NewInvite { approve: true, ..ONCE });
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    assert_eq!(table.status(1, group).told_standing, Standing::NeedsApproval);
    let requests = table.members(0, group).requests().to_vec();
    assert_eq!(requests.len(), 1);
    let name = table.nodes[0].engine.name_in(group, &requests[0]);
    assert_eq!(name.as_deref(), Some(table.nodes[1].engine.identity().name.as_str()));
    table.act(0, |e, now| e.refuse_request(now, group, requests[0].person).unwrap());
    table.advance(30_000);
    assert_eq!(table.status(1, group).told_standing, Standing::Refused);
    table.act(0, |e, now| e.accept_request(now, group, requests[0].person, Some(Role::Reader)).unwrap());
    table.advance(30_000);
    assert_eq!(table.role(1, group, 1), Some(Role::Reader));
    let refused = table.act(1, |e, now| e.write(now, group, &profile("x")).unwrap_err());
    assert!(matches!(refused, WriteError::NoWrite(NoWrite::Reads)), "{refused}");
}

#[test]
fn what_is_written_before_one_is_let_in_is_kept_and_sent_then() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    let note = Action::NoteNew(NoteNew { title: "early".into(), topic: None, tags: vec![], text: text("early") });
    let waits = table.act(1, |e, now| e.write(now, group, &note).unwrap_err());
    assert!(matches!(waits, WriteError::NoWrite(NoWrite::Waits)), "{waits}");
    table.act(1, |e, now| e.keep(now, group, &note).unwrap());
    // Its own name waits as well.
    assert_eq!(table.status(1, group).kept, 2);
    table.meet(&[0, 1]);
    assert_eq!(table.status(1, group).kept, 0);
    assert_eq!(table.nodes[0].engine.store().views(group).notes().count(), 1);
    table.same(group, &[0, 1]);
}

#[test]
fn a_removed_member_reads_nothing_that_is_written_afterwards() {
    let (mut table, group) = Table::circle(3);
    let before = table.note(0, group, "before");
    table.advance(5_000);
    let removed = table.person(2, group);
    table.act(0, |e, now| e.remove(now, group, Subject::Person(removed)).unwrap());
    table.advance(500);
    // It was told that it is "in" by then, while its own fold knew better from gossip.
    let status = table.status(2, group);
    assert_eq!((status.standing(), status.told_standing, status.inside), ("removed", Standing::In, false));
    table.advance(10_000);
    let after: Vec<EntryId> = (0..50).map(|n| table.note(n % 2, group, &format!("after {n}"))).collect();
    table.advance(10_000);
    assert!(after.iter().all(|note| table.reads(0, group, *note) && table.reads(1, group, *note)));
    table.same(group, &[0, 1]);
    assert!(table.reads(2, group, before));
    assert!(after.iter().all(|note| !table.reads(2, group, *note)));
    assert_eq!(table.status(2, group).told_standing, Standing::Removed);
    // It holds the removal, by gossip: its own program writes nothing more for the group.
    let more = table.act(2, |e, now| e.write(now, group, &profile("more")));
    assert!(matches!(more, Err(WriteError::NoWrite(NoWrite::Removed))), "{more:?}");
    // Not even with a copy of the others' disks: whatever it opens was written before the removal.
    let (opened, all) = table.opened(0, 2, group);
    assert_eq!(all - opened, after.len());
}

#[test]
fn what_a_removed_member_wrote_meanwhile_is_quarantined_and_an_admin_can_accept_it() {
    let (mut table, group) = Table::circle(3);
    table.part(2);
    let known = table.person(2, group);
    let honest = table.note(2, group, "honest work, offline");
    table.act(0, |e, now| e.remove(now, group, Subject::Person(known)).unwrap());
    // What gossip carries of it goes by while the removed one is away.
    table.settle();
    table.meet(&[0, 1, 2]);
    for n in 0..2 {
        assert!(!table.reads(n, group, honest), "node {n}");
        assert_eq!(table.status(n, group).quarantined, 1);
    }
    table.same(group, &[0, 1]);
    let told = table.status(2, group);
    assert_eq!((told.told_standing, told.told_quarantined), (Standing::Removed, 1), "its author is told");
    // That is only others' word for it: nobody is silenced by that, and nobody else takes what comes of it for the group's.
    let on = table.note(2, group, "on my own");
    table.advance(10_000);
    assert!(table.reads(2, group, on) && !table.reads(0, group, on));
    table.act(0, |e, now| e.accept_entries(now, group, &[honest]).unwrap());
    table.advance(10_000);
    assert!(table.reads(0, group, honest) && table.reads(1, group, honest));
    table.same(group, &[0, 1]);
}

#[test]
fn nobodys_words_hang_in_the_air() {
    // 1 edits a note that 2 began after the cut: what it builds on counts as well.
    let (mut table, group) = Table::circle(3);
    table.part(0);
    let note = table.note(2, group, "begun");
    let alone = table.note(2, group, "nobody built on this");
    table.advance(5_000);
    let deleted = Action::NoteSet(crate::model::action::NoteSet {
        note: NoteId::from(note),
        title: Some("gone on with".into()),
        ..Default::default()
    });
    table.act(1, |e, now| e.write(now, group, &deleted).unwrap());
    let removed = table.person(2, group);
    table.act(0, |e, now| e.remove(now, group, Subject::Person(removed)).unwrap());
    table.meet(&[0, 1]);
    for n in 0..2 {
        assert!(table.reads(n, group, note) && !table.reads(n, group, alone), "node {n}");
    }
    table.same(group, &[0, 1]);
}

#[test]
fn a_member_let_in_during_a_removal_reads_what_is_written_next() {
    // p2panda#807: the one who removes does not know the newcomer, so the new key is not sealed to it.
    let (mut table, group) = Table::circle(4);
    let admin = table.person(1, group);
    table.act(0, |e, now| e.set_role(now, group, admin, Role::Admin).unwrap());
    table.advance(5_000);
    let secret = table.invite(1, group, ONCE);
    table.advance(10_000);
    for (a, b) in [(0, 1), (0, 3), (2, 1), (2, 3)] {
        table.disconnect(a, b);
    }
    let newcomer = table.seat(MemStore::default());
    table.ask(newcomer, group, secret);
    table.connect(1, newcomer);
    let removed = table.person(3, group);
    table.act(0, |e, now| e.remove(now, group, Subject::Person(removed)).unwrap());
    table.advance(20_000);
    assert_eq!(table.role(newcomer, group, 1), Some(Role::Member));
    table.meet(&[0, 1, 2, newcomer]);
    let next = table.note(2, group, "written next");
    table.advance(20_000);
    assert!(table.reads(newcomer, group, next));
    table.same(group, &[0, 1, 2, newcomer]);
    table.meet(&[0, 1, 2, 3, newcomer]);
    assert!(!table.reads(3, group, next));
}

#[test]
fn two_members_that_honour_one_invite_for_two_people_let_in_one() {
    let (mut table, group) = Table::circle(2);
    let secret = table.invite(0, group, ONCE);
    table.advance(5_000);
    table.part(0);
    let (left, right) = (table.seat(MemStore::default()), table.seat(MemStore::default()));
    table.ask(left, group, secret);
    table.ask(right, group, secret);
    table.connect(0, left);
    table.connect(1, right);
    table.advance(20_000);
    assert_eq!(table.role(left, group, 0), Some(Role::Member));
    assert_eq!(table.role(right, group, 1), Some(Role::Member));
    let epoch = table.status(0, group).epoch;
    table.meet(&[0, 1, left, right]);
    let roles = (table.role(left, group, 0), table.role(right, group, 0));
    assert!(matches!(roles, (Some(Role::Member), None) | (None, Some(Role::Member))), "{roles:?}");
    table.same(group, &[0, 1]);
    // The key that the wrong one got is not written under any more.
    let next = table.note(0, group, "after the mistake");
    table.advance(5_000);
    assert_ne!(table.status(0, group).epoch, epoch);
    let out = if roles.0.is_some() { right } else { left };
    assert!(table.reads(1, group, next) && !table.reads(out, group, next));
    assert_eq!(table.members(0, group).requests().len(), 1, "it may be let in by hand");
}

#[test]
fn epochs_that_were_begun_at_once_are_both_read_and_the_next_one_joins_them() {
    let (mut table, group) = Table::circle(2);
    table.part(0);
    let old: Vec<EpochId> = table.members(0, group).latest_epochs().collect();
    for n in 0..2 {
        table.act(n, |e, now| e.rotate_keys(now, group).unwrap());
    }
    let notes = [table.note(0, group, "left"), table.note(1, group, "right")];
    table.meet(&[0, 1]);
    assert!((0..2).all(|n| notes.iter().all(|note| table.reads(n, group, *note))));
    assert_eq!(table.members(0, group).latest_epochs().count(), 2);
    assert_eq!(table.status(0, group).epoch, table.status(1, group).epoch, "both write under the same");
    table.act(0, |e, now| e.rotate_keys(now, group).unwrap());
    table.advance(5_000);
    let latest: Vec<EpochId> = table.members(1, group).latest_epochs().collect();
    assert_eq!(latest.len(), 1);
    assert!(!old.contains(&latest[0]));
    // A newcomer gets one key and reads everything.
    let secret = table.invite(0, group, ONCE);
    let newcomer = table.seat(MemStore::default());
    table.ask(newcomer, group, secret);
    table.meet(&[0, 1, newcomer]);
    assert!(notes.iter().all(|note| table.reads(newcomer, group, *note)));
    table.same(group, &[0, 1, newcomer]);
}

#[test]
fn a_keeper_stores_and_serves_and_reads_nothing() {
    let (mut table, group) = Table::circle(2);
    let secret = table.invite(0, group, NewInvite { role: Role::Keeper, ..ONCE });
    let keeper = table.seat(MemStore::default());
    table.ask(keeper, group, secret);
    table.meet(&[0, 1, keeper]);
    let note = table.note(0, group, "for members");
    table.advance(10_000);
    assert_eq!(table.role(keeper, group, 0), Some(Role::Keeper));
    assert_eq!(table.status(keeper, group).fingerprint, table.status(0, group).fingerprint);
    assert_eq!(table.opened(keeper, keeper, group).0, 0, "it opens no body");
    assert!(table.opened(keeper, 0, group).0 > 0);
    // Its author is away, and the keeper hands it to a member that was not there.
    table.part(1);
    let late = table.note(0, group, "while 1 was away");
    table.advance(10_000);
    table.part(0);
    table.connect(1, keeper);
    table.advance(20_000);
    assert!(table.reads(1, group, note) && table.reads(1, group, late));
    // The right can be withdrawn.
    let person = table.person(keeper, group);
    table.meet(&[0, 1]);
    table.act(0, |e, now| e.remove(now, group, Subject::Person(person)).unwrap());
    table.meet(&[0, 1, keeper]);
    let held = table.status(keeper, group).held;
    table.note(0, group, "not for the keeper");
    table.advance(60_000);
    assert!(table.status(keeper, group).held <= held + 1, "it is not served any more; gossip may still reach it");
    assert_eq!(table.status(keeper, group).told_standing, Standing::Removed);
}

#[test]
fn a_seal_with_a_wrong_key_is_noticed_and_somebody_else_seals_it_again() {
    let (mut table, group) = Table::circle(3);
    table.part(2);
    // 1 is a member with ill will: it begins an epoch whose key it seals wrongly to 2.
    let bad = table.nodes[2].engine.status(0, group).unwrap().log;
    let key = crate::log::seal::Key::new([42; 32]);
    let epoch = envelope::epoch_of(&key);
    let good = table.status(0, group).log;
    let seal = |log, key: &crate::log::seal::Key| envelope::seal_to(group, log, key, [7; 32]).unwrap();
    let mut seals = vec![
        crate::model::action::Sealed { epoch, log: good, key: seal(good, &key) },
        crate::model::action::Sealed { epoch, log: bad, key: seal(bad, &crate::log::seal::Key::new([43; 32])) },
    ];
    seals.sort_by_key(|s| s.log);
    let action = Action::Epoch(crate::model::action::Epoch { epoch, parents: vec![], seals });
    table.act(1, |e, now| e.write(now, group, &action).unwrap());
    table.meet(&[0, 1, 2]);
    assert!(table.keys(0, group).epoch(epoch).is_some());
    assert!(table.keys(2, group).epoch(epoch).is_some(), "it asked, and somebody who holds the key answered");
    table.same(group, &[0, 1, 2]);
}

#[test]
fn a_stranger_with_the_ticket_of_a_group_gets_nothing_before_it_is_let_in() {
    let (mut table, group) = Table::closed(2);
    table.note(0, group, "secret");
    // It has the seed, and an invite that was taken back.
    let secret = table.invite(0, group, ONCE);
    let invite = crate::model::id::InviteId(invite_key(&secret).id().0);
    table.act(0, |e, now| e.revoke(now, group, invite).unwrap());
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    assert_eq!(table.status(1, group).held, 2, "its own two entries");
    assert_eq!(table.status(1, group).told_standing, Standing::InviteOver);
    // Played by hand: a hello is answered with where it stands, and the stream is closed; asking on is of no use.
    let who = table.hostile(0, group, 10);
    let keys = table.keys(1, group);
    table.handle(0, Input::StreamOpened(StreamId(1), who.clone()));
    let (me, nonce) = (peer(0), [8; 32]);
    let ends = Ends { puller: &who, server: &me };
    table.said(0);
    let key = LogKey::from_seed(&[78; 32]);
    let hello = handshake::hello(&keys, ends, nonce, Summary { fingerprint: [9; 32], entries: 1 }, &key);
    table.say(0, StreamId(1), &hello);
    let said = table.said(0);
    let [Message::Welcome { nonce: theirs, proof, sealed }] = &said[..] else { panic!("{said:?}") };
    let proven = handshake::open_welcome(&keys, ends, &nonce, theirs, proof, sealed).unwrap();
    assert_eq!(proven.welcome, handshake::Welcome { standing: Standing::Unknown, ..handshake::Welcome::default() });
    for message in
        [Message::Ask(vec![Range::ALL]), Message::Want(vec![]), handshake::identify(&key, &proven.transcript)]
    {
        table.say(0, StreamId(1), &message);
        assert!(table.said(0).is_empty(), "{message:?} was answered");
    }
}

#[test]
fn junk_of_ticket_holders_is_not_stored() {
    let (mut table, group) = Table::closed(1);
    let held = table.status(0, group).held;
    let keys = GroupKeys::from_seed(&table.status(0, group).seed);
    for number in 0..200u8 {
        let who = table.hostile(0, group, 20);
        let log = LogKey::from_seed(&[number; 32]);
        for entry in chain(&keys, &log, group, None, 3, "junk") {
            table.gossip_to(0, group, &who, &entry);
        }
    }
    assert_eq!(table.status(0, group).held, held);
}

/// What was broken: a log that had asked once was stored with all its branches, so that somebody who was never let in could
/// fill everybody's disk, and the room for the logs of others.
#[test]
fn who_asks_and_is_not_let_in_can_not_fill_the_others_with_branches() {
    let (mut table, group) = Table::closed(3);
    let secret = table.invite(0, group, NewInvite { approve: true, ..ONCE });
    let well = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    assert_eq!(table.status(1, group).told_standing, Standing::NeedsApproval);
    let before = table.status(0, group).held;
    let (keys, me) = (table.keys(1, group), table.nodes[1].engine.groups[&group].me.clone());
    let first = {
        let store = table.nodes[1].engine.store();
        let row = store.chains(group).unwrap().into_iter().find(|row| row.log == me.id()).unwrap();
        store.entries(group, row.chain, 0, 1, usize::MAX, true).unwrap().pop().unwrap()
    };
    let who = table.hostile(0, group, 30);
    for number in 0..200u8 {
        let place = Place { group, seq: 1, prev: first.id, control_heads: vec![] };
        let nothing = Action::Accept(crate::model::action::Accept { entries: vec![] });
        let branch = entry::write(&me, &keys, place, Hlc::new(T0, 0), &nothing, [number; 24]).unwrap();
        table.gossip_to(0, group, &who, &branch);
    }
    let stored = table.status(0, group).held - before;
    assert!(stored > 0 && stored < guests::MAX_BRANCHES as u64, "{stored} branches are stored");
    // Others still come in, and so does this one, with all that it wrote, once an admin says so.
    table.ask(2, group, well);
    table.meet(&[0, 2]);
    assert_eq!(table.role(2, group, 0), Some(Role::Member));
    let person = table.person(1, group);
    table.act(0, |e, now| e.accept_request(now, group, person, Some(Role::Member)).unwrap());
    table.meet(&[0, 1, 2]);
    assert_eq!(table.role(1, group, 2), Some(Role::Member));
    table.same(group, &[0, 1, 2]);
}

/// What was broken: an admission made room for whomever it named, whoever wrote it: a guest let its own log be stored without
/// bounds, content included.
#[test]
fn who_asks_and_is_not_let_in_makes_no_room_for_itself_or_its_friends() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, NewInvite { approve: true, ..ONCE });
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    let before = table.status(0, group).held;
    let (keys, me) = (table.keys(1, group), table.nodes[1].engine.groups[&group].me.clone());
    let friend = LogKey::from_seed(&[99; 32]);
    let admits = |person| Action::Admit(crate::model::action::Admit { person, role: Role::Admin, invite: None });
    let acts = [admits(table.person(1, group)), admits(PersonId::from(friend.id()))];
    for act in &acts {
        table.act(1, |e, now| e.write(now, group, act).unwrap());
    }
    table.advance(5_000);
    assert!(table.status(0, group).held > before, "its control entries are stored");
    let tip = table.nodes[1].engine.groups[&group].logs[&me.id()].chains[0].tip.clone().unwrap();
    let who = table.hostile(0, group, 31);
    let before = table.status(0, group).held;
    let mut last = (tip.seq, tip.id);
    for number in 0..50u8 {
        let place = Place { group, seq: last.0 + 1, prev: last.1, control_heads: vec![] };
        let entry = entry::write(&me, &keys, place, Hlc::new(T0, 0), &profile("filler"), [number; 24]).unwrap();
        last = (entry.header.seq, entry.id);
        table.gossip_to(0, group, &who, &entry);
    }
    for entry in chain(&keys, &friend, group, None, 50, "filler") {
        table.gossip_to(0, group, &who, &entry);
    }
    assert_eq!(table.status(0, group).held, before, "content of who was not let in is not stored");
}

/// What was broken: what was kept had no id, so that the entries of a long note named one another by zeros.
#[test]
fn entries_that_wait_name_one_another_and_find_one_another_when_they_are_written() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    let new = Action::NoteNew(NoteNew { title: "long".into(), topic: None, tags: vec![], text: text("one ") });
    // The same note twice in one millisecond: each keeps its own end.
    table.act(1, |e, now| {
        for _ in 0..2 {
            let first = e.keep(now, group, &new).unwrap();
            let insert = TextOp::Insert {
                parent: Some(crate::model::text::CharRef { entry: 0, offset: 3 }),
                side: Side::Right,
                text: "two".into(),
            };
            let edit = TextEdit { refs: vec![first], ops: vec![insert] };
            let edit = crate::model::action::NoteEdit { note: NoteId::from(first), builds_on: vec![first], edit };
            e.keep(now, group, &Action::NoteEdit(edit)).unwrap();
        }
    });
    table.meet(&[0, 1]);
    assert_eq!(table.status(1, group).kept, 0);
    let views = table.nodes[0].engine.store().views(group);
    let notes: Vec<NoteId> = views.notes().collect();
    let texts: Vec<String> = notes.iter().map(|note| views.text(*note).read()).collect();
    assert_eq!(texts, ["one two", "one two"]);
    table.same(group, &[0, 1]);
}

#[test]
fn an_admin_that_was_offline_for_long_comes_back_and_everything_it_did_counts() {
    let (mut table, group) = Table::circle(3);
    let admin = table.person(1, group);
    table.act(0, |e, now| e.set_role(now, group, admin, Role::Admin).unwrap());
    table.advance(10_000);
    table.part(1);
    for n in 0..30 {
        table.note(0, group, &format!("{n}"));
    }
    let secret = table.invite(1, group, ONCE);
    let newcomer = table.seat(MemStore::default());
    table.ask(newcomer, group, secret);
    table.connect(1, newcomer);
    table.advance(60_000);
    table.act(0, |e, now| e.rotate_keys(now, group).unwrap());
    table.meet(&[0, 1, 2, newcomer]);
    assert_eq!(table.role(newcomer, group, 2), Some(Role::Member));
    table.same(group, &[0, 1, 2, newcomer]);
}

#[test]
fn two_admins_that_remove_each_other_end_with_the_senior_one() {
    let (mut table, group) = Table::circle(3);
    let persons = [table.person(1, group), table.person(2, group)];
    for person in persons {
        table.act(0, |e, now| e.set_role(now, group, person, Role::Admin).unwrap());
    }
    table.advance(10_000);
    table.part(1);
    table.part(2);
    table.act(1, |e, now| e.remove(now, group, Subject::Person(persons[1])).unwrap());
    let refused = table.act(2, |e, now| e.remove(now, group, Subject::Person(persons[0])).unwrap_err());
    assert!(matches!(refused, WriteError::Forbidden(Forbidden::Senior)), "{refused}");
    // A changed program would write it all the same.
    let forged = Action::Remove(crate::model::action::Remove { subject: Subject::Person(persons[0]), cut: vec![] });
    table.act(2, |e, now| e.write(now, group, &forged).unwrap());
    table.meet(&[0, 1, 2]);
    assert_eq!(table.role(1, group, 0), Some(Role::Admin));
    assert_eq!(table.role(2, group, 0), None);
    table.same(group, &[0, 1]);
}

#[test]
fn the_owner_hands_over_before_leaving_and_a_quota_and_hiding_count_for_everybody() {
    let (mut table, group) = Table::circle(2);
    let (owner, other) = (table.person(0, group), table.person(1, group));
    let refused = table.act(0, |e, now| e.remove(now, group, Subject::Person(owner)).unwrap_err());
    assert!(matches!(refused, WriteError::Forbidden(Forbidden::HandOverFirst)), "{refused}");
    table.act(0, |e, now| e.set_role(now, group, other, Role::Owner).unwrap());
    table.advance(5_000);
    assert_eq!((table.role(0, group, 1), table.role(1, group, 0)), (Some(Role::Admin), Some(Role::Owner)));

    let note = table.note(0, group, "rude");
    table.advance(5_000);
    table.act(1, |e, now| e.hide(now, group, &[note], true).unwrap());
    table.advance(5_000);
    assert!(!table.reads(0, group, note) && !table.reads(1, group, note));
    table.same(group, &[0, 1]);
    table.act(1, |e, now| e.hide(now, group, &[note], false).unwrap());
    table.advance(5_000);
    assert!(table.reads(0, group, note) && table.reads(1, group, note));

    let held = table.status(0, group).held;
    table.act(1, |e, now| e.set_quota(now, group, crate::model::action::Quota { entries: held, bytes: 0 }).unwrap());
    table.advance(5_000);
    let many: Vec<EntryId> = (0..=held).map(|n| table.note(0, group, &format!("{n}"))).collect();
    table.advance(20_000);
    assert!(table.reads(1, group, many[0]) && !table.reads(1, group, many[many.len() - 1]));
    table.same(group, &[0, 1]);

    table.act(0, |e, now| e.remove(now, group, Subject::Person(owner)).unwrap());
    table.advance(5_000);
    assert_eq!(table.role(0, group, 1), None);
}

#[test]
fn a_removed_member_with_everything_opens_none_of_a_hundred_thousand_later_bodies() {
    use crate::log::seal;
    let (mut table, group) = Table::circle(3);
    let removed = table.person(2, group);
    table.act(0, |e, now| e.remove(now, group, Subject::Person(removed)).unwrap());
    table.advance(10_000);
    let keys_of_removed = table.keys(2, group);
    let seed = table.status(0, group).seed;
    let own: Vec<seal::Key> = keys_of_removed
        .held()
        .map(|(_, key)| key.clone())
        .chain([seal::Key::new(blake3::derive_key("studymesh 2026 v1 content key", &seed))])
        .chain([keys_of_removed.body_key(Class::Control, EpochId::ZERO).unwrap().clone()])
        .collect();
    let (mut opened, mut sealed) = (0, 0);
    for round in 0..10u64 {
        // Epochs go on; everything about them is on the disk of node 0.
        table.act(0, |e, now| e.rotate_keys(now, group).unwrap());
        let keys = table.keys(0, group);
        let key = keys.epoch(table.status(0, group).epoch.unwrap()).unwrap().clone();
        for n in 0..10_000u64 {
            let nonce = *blake3::hash(&(round << 32 | n).to_le_bytes()).as_bytes().first_chunk().unwrap();
            let body = seal::seal(&key, 32, 1, b"not for those who left", b"context", nonce).unwrap();
            sealed += 1;
            opened += own.iter().filter(|key| seal::open(key, &body, b"context").is_ok()).count();
        }
    }
    assert_eq!((opened, sealed), (0, 100_000));
    // With all of node 0's disk in its hands it finds no way to a later key either.
    let control = table.nodes[0].engine.store().control_entries(group).unwrap();
    let later: Vec<EpochId> = table.members(0, group).latest_epochs().collect();
    let engine = &mut table.nodes[2].engine;
    let thief = engine.groups.get_mut(&group).unwrap();
    for entry in control {
        if let Ok(action) = thief.keys.open(&entry.header, &entry.body) {
            thief.remember_keys(&action);
        }
    }
    engine.store.begin();
    engine.groups.get_mut(&group).unwrap().take_keys(&mut engine.store).unwrap();
    engine.store.rollback();
    assert!(later.iter().all(|epoch| table.keys(2, group).epoch(*epoch).is_none()));
    assert_eq!(later.len(), 1);
}
