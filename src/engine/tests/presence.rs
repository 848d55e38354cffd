//! Who is in a note: what members see of each other, and what nobody can make them see.

use super::closed::ONCE;
use super::*;
use crate::engine::presence::EXPIRE_MS;
use crate::gossip::presence::{Content, Presence};
use crate::log::seal::Key;
use crate::model::action::Class;
use crate::model::id::{EpochId, NoteId};
use crate::model::text::Anchor;

const NOTE: NoteId = NoteId([5; 32]);

fn behind(n: u8) -> Content {
    let at = Some(Anchor { entry: EntryId([n; 32]), offset: 3 });
    Content { note: NOTE, selection: Some([at, at]) }
}

impl Table {
    fn is_at(&mut self, n: usize, group: GroupId, content: &Content) {
        self.batch(n, |e, now| e.say_presence(now, group, content));
        self.settle();
    }

    fn sees(&mut self, n: usize, group: GroupId) -> Vec<Option<Anchor>> {
        let now = self.now;
        self.nodes[n].engine.present_in(now, group, NOTE).into_iter().map(|one| one.selection[1]).collect()
    }

    /// A frame that the test made, from a peer that it plays.
    pub(super) fn whisper(&mut self, n: usize, group: GroupId, from: &Peer, bytes: Vec<u8>) -> Verdict {
        self.next_message += 1;
        let (message, topic) = (MessageId(1_000_000 + self.next_message), self.status(n, group).topic);
        self.handle(n, Input::Gossip { message, source: from.clone(), topic, bytes });
        self.nodes[n].verdicts[&message]
    }
}

#[test]
fn members_see_each_others_cursors_for_a_while_and_nothing_is_kept() {
    let (mut table, group) = Table::group(3);
    table.connect(0, 1);
    table.connect(1, 2);
    table.advance(30_000);
    let before = table.status(2, group).held;
    table.is_at(0, group, &behind(1));
    let at = |n| Some(Anchor { entry: EntryId([n; 32]), offset: 3 });
    // It comes over one that stands between, and nobody sees themselves.
    assert_eq!((table.sees(0, group), table.sees(1, group), table.sees(2, group)), (vec![], vec![at(1)], vec![at(1)]));
    // Too soon after: it does not even go out.
    table.is_at(0, group, &behind(2));
    assert_eq!(table.sees(2, group), [at(1)]);
    table.advance(1_000);
    table.is_at(0, group, &behind(3));
    assert_eq!(table.sees(2, group), [at(3)]);
    table.is_at(0, group, &Content { note: NOTE, selection: None });
    assert_eq!(table.sees(2, group), []);
    table.advance(1_000);
    table.is_at(0, group, &behind(4));
    assert_eq!(table.sees(2, group), [at(4)]);
    table.advance(EXPIRE_MS);
    assert_eq!(table.sees(2, group), []);
    assert_eq!(table.status(2, group).held, before, "nothing became an entry");
}

#[test]
fn nobody_who_may_not_write_is_shown_and_nobody_speaks_for_another() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    table.is_at(0, group, &behind(1));
    assert_eq!(table.sees(1, group).len(), 1, "in a closed group too");

    let keys = GroupKeys::from_seed(&table.status(0, group).seed);
    let (topic, hostile) = (keys.gossip_topic(), table.hostile(1, group, 9));
    let epoch = table.status(1, group).epoch.unwrap();
    let ada = table.status(0, group).log;
    let framed = |presence: &Presence, n: u8| frame::presence(&keys, topic, presence, [n; 24]);
    // Somebody with the ticket who is not let in: a log that is not known here.
    let eve = LogKey::from_seed(&[66; 32]);
    let own = Presence::new(group, &eve, (epoch, &Key::new([1; 32])), T0, &behind(7), [1; 24]);
    assert_eq!(table.whisper(1, group, &hostile, framed(&own, 1)), Verdict::Ignore);
    // In Ada's name, with Eve's signature.
    let mut bytes = own.encode();
    bytes[..32].copy_from_slice(&ada.0);
    let forged = Presence::decode(&bytes).unwrap();
    assert_eq!(table.whisper(1, group, &hostile, framed(&forged, 2)), Verdict::Reject);
    // Ada's own word again: the stamp is an old one.
    let again = table.nodes[0].published.last().unwrap().clone();
    assert_eq!(table.whisper(1, group, &hostile, again), Verdict::Ignore);
    assert_eq!(table.sees(1, group).len(), 1);
    // A flood is not looked at for long.
    let verdicts: Vec<Verdict> = (0..400u64)
        .map(|n| {
            let mut nonce = [0; 24];
            nonce[..8].copy_from_slice(&n.to_le_bytes());
            let bytes = frame::presence(&keys, topic, &forged, nonce);
            table.whisper(1, group, &hostile, bytes)
        })
        .collect();
    assert!(verdicts[300..].iter().all(|verdict| *verdict == Verdict::Ignore));
}

#[test]
fn a_word_under_another_key_is_passed_on_and_not_shown() {
    let (mut table, group) = Table::group(2);
    table.connect(0, 1);
    table.advance(30_000);
    let keys = GroupKeys::from_seed(&table.status(0, group).seed);
    let seed = table.nodes[0].engine.groups[&group].me.to_seed();
    let ada = LogKey::from_seed(&seed);
    let hostile = table.hostile(1, group, 9);
    let other = Presence::new(group, &ada, (EpochId([3; 32]), &Key::new([1; 32])), T0, &behind(1), [1; 24]);
    assert_eq!(
        table.whisper(1, group, &hostile, frame::presence(&keys, keys.gossip_topic(), &other, [1; 24])),
        Verdict::Accept
    );
    assert_eq!(table.sees(1, group), []);
    // Under the right epoch with another key it is a lie.
    let wrong = Presence::new(group, &ada, (EpochId::ZERO, &Key::new([1; 32])), T0 + 1, &behind(1), [1; 24]);
    assert_eq!(
        table.whisper(1, group, &hostile, frame::presence(&keys, keys.gossip_topic(), &wrong, [2; 24])),
        Verdict::Reject
    );
    let key = keys.body_key(Class::Content, EpochId::ZERO).unwrap();
    let right = Presence::new(group, &ada, (EpochId::ZERO, key), T0 + 2, &behind(1), [1; 24]);
    assert_eq!(
        table.whisper(1, group, &hostile, frame::presence(&keys, keys.gossip_topic(), &right, [3; 24])),
        Verdict::Accept
    );
    assert_eq!(table.sees(1, group).len(), 1);
}
