//! Who is answered what: every column of the table in docs/threat-model.md, row by row, by a node of a closed group.

use super::closed::{ONCE, text};
use super::*;
use crate::gossip::presence::{Content, Presence};
use crate::membership::Members;
use crate::model::action::{
    Accept, Admit, Hide, Invite, NoteNew, Quota, Refuse, Remove, Revoke, Role, SetRole, Subject,
};
use crate::model::id::{EpochId, InviteId, NoteId, PersonId};
use crate::sync::handshake::Standing;

/// A column of the table: somebody who has the ticket, and speaks with a changed program.
struct Column {
    who: &'static str,
    seat: usize,
    standing: Standing,
    /// How many keys it is handed when it says that it lost them.
    keys: usize,
    /// Whether what is held is told and given to it.
    served: bool,
    /// Whether what it writes counts.
    counts: bool,
    /// The peer that it speaks as.
    other: Peer,
    log: LogKey,
    /// Tells its messages from those of the others.
    number: u8,
}

/// Node 0, which answers, and the others.
struct Scene {
    table: Table,
    group: GroupId,
    /// A note of node 0.
    note: EntryId,
    columns: Vec<Column>,
    guest: usize,
}

fn scene() -> Scene {
    let (mut table, group) = Table::closed(1);
    let mut seats = vec![];
    for role in [Role::Keeper, Role::Reader, Role::Member, Role::Member] {
        let secret = table.invite(0, group, NewInvite { role, ..ONCE });
        let seat = table.seat(MemStore::default());
        table.ask(seat, group, secret);
        table.meet(&[0, seat]);
        seats.push(seat);
    }
    let removed = table.person(seats[3], group);
    table.act(0, |e, now| e.remove(now, group, Subject::Person(removed)).unwrap());
    let secret = table.invite(0, group, NewInvite { approve: true, ..ONCE });
    let guest = table.seat(MemStore::default());
    table.ask(guest, group, secret);
    table.meet(&[0, guest]);
    let note = table.note(0, group, "for readers");
    table.advance(10_000);
    for seat in seats.iter().chain([&guest]) {
        table.part(*seat);
    }
    table.settle();
    let columns = [
        ("keeper", seats[0], Standing::In, 0, true, false),
        ("reader", seats[1], Standing::In, 1, true, false),
        ("member", seats[2], Standing::In, 1, true, true),
        ("removed", seats[3], Standing::Removed, 0, false, false),
        ("not let in", guest, Standing::NeedsApproval, 0, false, false),
    ];
    let columns = (50..).zip(columns).map(|(number, (who, seat, standing, keys, served, counts))| {
        let other = table.hostile(0, group, usize::from(number));
        let log = table.nodes[seat].engine.groups[&group].me.clone();
        Column { who, seat, standing, keys, served, counts, other, log, number }
    });
    let columns = columns.collect();
    Scene { table, group, note, columns, guest }
}

#[test]
fn every_kind_of_peer_is_greeted_and_served_as_the_table_says() {
    let Scene { mut table, group, columns, .. } = scene();
    for Column { who, standing, keys: handed, served, other, log, number, .. } in &columns {
        // It says that it holds no key, as after losing them.
        let keys = GroupKeys::from_seed(&table.status(0, group).seed);
        let stream = StreamId(2 * u64::from(*number) + 1);
        table.handle(0, Input::StreamOpened(stream, other.clone()));
        let (me, nonce) = (peer(0), [*number; 32]);
        let ends = Ends { puller: other, server: &me };
        table.said(0);
        let summary = Summary { fingerprint: [9; 32], entries: 1 };
        table.say(0, stream, &handshake::hello(&keys, ends, nonce, summary, log));
        let said = table.said(0);
        let [Message::Welcome { nonce: theirs, proof, sealed }] = &said[..] else { panic!("{who}: {said:?}") };
        let proven = handshake::open_welcome(&keys, ends, &nonce, theirs, proof, sealed).unwrap();
        assert_eq!((proven.welcome.standing, proven.welcome.keys.len()), (*standing, *handed), "{who}");
        assert_eq!(proven.welcome.summary.is_some(), *served, "{who}");
        table.say(0, stream, &handshake::identify(log, &proven.transcript));
        table.say(0, stream, &Message::Ask(vec![Range::ALL]));
        let answered = table.said(0).iter().any(|m| matches!(m, Message::Answers(_)));
        assert_eq!(answered, *served, "{who}");
        let own = table.status(0, group).log;
        let tip = Tip { seq: 0, id: EntryId([1; 32]) };
        table.say(0, stream, &Message::Want(vec![Want { log: own, tip, have: vec![] }]));
        let answered = table.said(0).iter().any(|m| matches!(m, Message::End(_)));
        assert_eq!(answered, *served, "{who}");
    }
}

/// What of the membership an act of an admin changes.
fn decided(members: &Members) -> impl PartialEq + std::fmt::Debug + use<> {
    let refused: Vec<PersonId> = members.requests().iter().filter(|r| r.refused).map(|r| r.person).collect();
    let (persons, invites) = (members.persons().clone(), members.invites().clone());
    (persons, invites, members.hidden().clone(), members.quota(), members.accepted().clone(), refused)
}

#[test]
fn acts_of_admins_count_for_no_other_kind_of_peer() {
    let Scene { mut table, group, note, columns, guest } = scene();
    let (owner, asking) = (table.person(0, group), table.person(guest, group));
    let open = table.members(0, group).asked(asking).unwrap().invite;
    let before = decided(&table.members(0, group));
    for Column { who, seat, other, .. } in &columns {
        let own = table.person(*seat, group);
        let acts = [
            Action::Remove(Remove { subject: Subject::Person(owner), cut: vec![] }),
            Action::SetRole(SetRole { person: own, role: Role::Admin, cut: vec![] }),
            Action::Admit(Admit { person: PersonId([5; 32]), role: Role::Member, invite: None }),
            Action::Hide(Hide { entries: vec![note], hidden: true }),
            Action::Quota(Quota { entries: 1, bytes: 1 }),
            Action::Revoke(Revoke { invite: open }),
            Action::Refuse(Refuse { person: asking }),
            Action::Accept(Accept { entries: vec![EntryId([7; 32])] }),
            Action::Invite(Invite {
                invite: InviteId([6; 32]),
                role: Role::Admin,
                uses: 0,
                expires_ms: 0,
                approve: false,
                epoch: EpochId::ZERO,
                request_key: vec![],
            }),
        ];
        for act in acts {
            table.act(*seat, |e, now| e.write(now, group, &act).unwrap());
            let entry = last_of(&mut table, *seat, group);
            table.gossip_to(0, group, other, &entry);
        }
        assert_eq!(decided(&table.members(0, group)), before, "{who}");
        assert!(table.reads(0, group, note), "{who}");
    }
    // The same acts by the owner do count: what is looked at above can change.
    table.act(0, |e, now| e.write(now, group, &Action::Revoke(Revoke { invite: open })).unwrap());
    assert_ne!(decided(&table.members(0, group)), before);
}

/// The last entry of a node's own log.
fn last_of(table: &mut Table, seat: usize, group: GroupId) -> Verified {
    let id = table.nodes[seat].engine.groups[&group].me.id();
    let store = table.nodes[seat].engine.store();
    let chain = store.chains(group).unwrap().into_iter().find(|c| c.log == id).unwrap();
    let (no, tip) = (chain.chain, chain.tip.unwrap());
    let stored = store.entries(group, no, tip.seq, 1, usize::MAX, true).unwrap().remove(0);
    Verified {
        id: stored.id,
        header_bytes: stored.header.encode(),
        header: stored.header,
        signature: tip.signature.unwrap(),
        body: stored.body,
    }
}

/// Each with the newest key in its hands, however it came by it.
#[test]
fn what_every_kind_of_peer_gossips_is_taken_as_the_table_says() {
    let Scene { mut table, group, note, columns, .. } = scene();
    let note = NoteId::from(note);
    for Column { who, seat, standing, counts, other, log, number, .. } in &columns {
        let (keys, nonce) = (table.keys(0, group), [*number; 24]);
        let epoch = table.status(0, group).epoch.unwrap();

        // An entry of its own log.
        let chain = table.nodes[0].engine.store().chains(group).unwrap().into_iter().find(|c| c.log == log.id());
        let tip = chain.unwrap().tip.unwrap();
        let place = Place { group, seq: tip.seq + 1, prev: tip.id, control_heads: vec![] };
        let words = Action::NoteNew(NoteNew { title: (*who).into(), topic: None, tags: vec![], text: text(who) });
        let time = Hlc::new(table.now, 0);
        let written = entry::write_under(log, &keys, epoch, place, time, &words, nonce).unwrap();
        let waiting = table.status(0, group).quarantined;
        let message = table.gossip_to(0, group, other, &written);
        assert_eq!(table.reads(0, group, written.id), *counts, "{who}");
        let (verdict, more) = (table.nodes[0].verdicts[&message], table.status(0, group).quarantined - waiting);
        let expected = match standing {
            Standing::In => (Verdict::Accept, u64::from(!counts)),
            Standing::Removed => (Verdict::Accept, 1),
            _ => (Verdict::Ignore, 0),
        };
        assert_eq!((verdict, more), expected, "{who}");

        // Its cursor.
        let content = Content { note, selection: Some([None, None]) };
        let key = (epoch, keys.epoch(epoch).unwrap());
        let presence = Presence::new(group, log, key, table.now, &content, nonce);
        let bytes = frame::presence(&keys, keys.gossip_topic(), &presence, nonce);
        let shown = if *counts { Verdict::Accept } else { Verdict::Ignore };
        assert_eq!(table.whisper(0, group, other, bytes), shown, "{who}");
        let (now, person) = (table.now, table.person(*seat, group));
        let here = table.nodes[0].engine.present_in(now, group, note);
        assert_eq!(here.iter().any(|one| one.person == person), *counts, "{who}");

        // A head announcement is a hint, whoever passes it on.
        let bytes = frame::heads(&keys, keys.gossip_topic(), [*number; 32], 1, nonce);
        assert_eq!(table.whisper(0, group, other, bytes), Verdict::Accept, "{who}");
    }
}

#[test]
fn a_stranger_gets_no_word() {
    let (mut table, group) = Table::closed(1);
    let stranger = table.hostile(0, group, 99);
    let (me, keys) = (peer(0), GroupKeys::from_seed(&[0; 16]));
    let ends = Ends { puller: &stranger, server: &me };
    let (log, own) = (LogKey::from_seed(&[1; 32]), table.status(0, group).log);
    let tip = Tip { seq: 0, id: EntryId([1; 32]) };
    // What proves another secret, and what only follows a proof.
    let words = [
        handshake::hello(&keys, ends, [8; 32], Summary { fingerprint: [9; 32], entries: 1 }, &log),
        handshake::identify(&log, &[2; 32]),
        Message::Ask(vec![Range::ALL]),
        Message::Want(vec![Want { log: own, tip, have: vec![] }]),
        Message::Finish { fingerprint: [9; 32], entries: 1 },
    ];
    for (number, message) in (999..).step_by(2).zip(words) {
        table.handle(0, Input::StreamOpened(StreamId(number), stranger.clone()));
        table.say(0, StreamId(number), &message);
        assert_eq!(table.said(0), [], "{message:?}");
    }
    let right = table.keys(0, group);
    let mut frame = frame::heads(&right, right.gossip_topic(), [1; 32], 1, [9; 24]);
    assert_eq!(table.whisper(0, group, &stranger, frame.clone()), Verdict::Accept, "the same frame, unharmed");
    *frame.last_mut().unwrap() ^= 1;
    assert_eq!(table.whisper(0, group, &stranger, frame), Verdict::Reject);
}
