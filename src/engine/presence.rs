//! Who is in which note right now, as members say it: bounded, forgotten after seconds, never stored.
//!
//! Time here is only how long ago something came; nothing that others say of time is believed, but that of two words of one log the
//! one with the greater stamp is the later. What is passed on and what is shown are two things: a node passes on what a member
//! signed, also when it has no key for it.

use std::collections::BTreeMap;

use super::Engine;
use super::group::Group;
use super::io::{Output, Verdict};
use super::store::Store;
use crate::gossip::frame;
use crate::gossip::presence::{Content, Presence};
use crate::model::action::Class;
use crate::model::id::{GroupId, LogId, NoteId, Peer, PersonId};
use crate::model::text::Anchor;

/// How long somebody counts as present after the last word, milliseconds.
pub const EXPIRE_MS: u64 = 10_000;
/// How often one log may speak in the long run, milliseconds a word; and how many words may come at once.
pub const SPACING_MS: u64 = 250;
/// As [`SPACING_MS`].
pub const BURST: u64 = 8;
/// As [`BURST`], for all that one peer passes on.
pub const PEER_BURST: u64 = 128;
/// How often one peer may pass words on in the long run, milliseconds a word.
pub const PEER_SPACING_MS: u64 = 8;
/// Most logs whose last word is remembered, per group.
pub const MAX_PRESENT: usize = 256;
/// Most peers whose words are counted, per group.
const MAX_PEERS: usize = super::group::MAX_MEMBERS;

/// Somebody who is in a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// The device.
    pub log: LogId,
    /// The person.
    pub person: PersonId,
    /// Where the selection begins and ends.
    pub selection: [Option<Anchor>; 2],
}

/// How much may still come: one unit is one millisecond.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    left: u64,
    at: u64,
}

impl Allowance {
    fn new(now: u64, burst: u64, spacing: u64) -> Self {
        Self { left: burst * spacing, at: now }
    }

    fn take(&mut self, now: u64, burst: u64, spacing: u64) -> bool {
        let gained = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        self.left = self.left.saturating_add(gained).min(burst * spacing);
        let has = self.left >= spacing;
        if has {
            self.left -= spacing;
        }
        has
    }
}

/// The last word of a log.
#[derive(Debug)]
struct Word {
    stamp: u64,
    heard: u64,
    allowance: Allowance,
    content: Option<Content>,
}

/// What a group remembers.
#[derive(Debug, Default)]
pub(super) struct Presences {
    words: BTreeMap<LogId, Word>,
    peers: BTreeMap<Peer, Allowance>,
    /// The stamp of our own last word, and when it went out.
    own: (u64, u64),
}

impl Presences {
    /// Whether a peer may pass another word on.
    fn hears(&mut self, now: u64, peer: &Peer) -> bool {
        if !self.peers.contains_key(peer) && self.peers.len() >= MAX_PEERS {
            self.peers.retain(|_, allowance| allowance.at + EXPIRE_MS > now);
            if self.peers.len() >= MAX_PEERS {
                return false;
            }
        }
        let fresh = Allowance::new(now, PEER_BURST, PEER_SPACING_MS);
        self.peers.entry(peer.clone()).or_insert(fresh).take(now, PEER_BURST, PEER_SPACING_MS)
    }

    /// Whether a word is later than the last one of its log, and not too soon after.
    fn is_news(&mut self, now: u64, log: LogId, stamp: u64) -> bool {
        if !self.words.contains_key(&log) && self.words.len() >= MAX_PRESENT {
            self.words.retain(|_, word| word.heard + EXPIRE_MS > now);
            if self.words.len() >= MAX_PRESENT {
                return false;
            }
        }
        let word = self.words.entry(log).or_insert(Word {
            stamp: 0,
            heard: now,
            allowance: Allowance::new(now, BURST, SPACING_MS),
            content: None,
        });
        if stamp <= word.stamp || !word.allowance.take(now, BURST, SPACING_MS) {
            return false;
        }
        (word.stamp, word.heard) = (stamp, now);
        true
    }
}

impl<S: Store> Engine<S> {
    /// A presence came.
    pub(super) fn presence(&mut self, now: u64, id: GroupId, source: &Peer, presence: &Presence) -> Verdict {
        let Some(group) = self.groups.get_mut(&id) else { return Verdict::Ignore };
        // What a flood costs is bounded before anything is computed.
        if !group.presences.hears(now, source) || group.is_own(presence.log) {
            return Verdict::Ignore;
        }
        let may_speak = group.logs.contains_key(&presence.log)
            && group.members.role_of_log(presence.log).is_some_and(crate::model::action::Role::writes);
        if !may_speak {
            return Verdict::Ignore;
        }
        if !presence.is_signed(id) {
            return Verdict::Reject;
        }
        if !group.presences.is_news(now, presence.log, presence.stamp) {
            return Verdict::Ignore;
        }
        // Under another key than the one that is written under now it is passed on and not shown.
        let content = match group.keys.body_key(Class::Content, presence.epoch) {
            Some(key) if group.present_epoch() == Some(presence.epoch) => match presence.open(id, key) {
                Some(content) => Some(content),
                None => return Verdict::Reject,
            },
            _ => None,
        };
        if let Some(word) = group.presences.words.get_mut(&presence.log)
            && word.content != content
        {
            word.content = content;
            self.output(Output::Presence(id));
        }
        Verdict::Accept
    }

    /// Says where this installation's person is in a note, or that they left it; not more often than others would pass on.
    pub fn say_presence(&mut self, now: u64, id: GroupId, content: &Content) {
        let nonce = [self.entropy.array(), self.entropy.array()];
        let Some(group) = self.groups.get_mut(&id) else { return };
        let (stamp, said) = group.presences.own;
        let (Some(epoch), false) = (group.present_epoch(), group.connected.is_empty()) else { return };
        if now < said.saturating_add(2 * SPACING_MS) && now >= said && content.selection.is_some() {
            return;
        }
        let Some(key) = group.keys.body_key(Class::Content, epoch) else { return };
        let stamp = now.max(stamp + 1);
        let presence = Presence::new(id, &group.me, (epoch, key), stamp, content, nonce[0]);
        group.presences.own = (stamp, now);
        let bytes = frame::presence(&group.keys, group.topic, &presence, nonce[1]);
        let topic = group.topic;
        self.output(Output::Publish(topic, bytes));
    }

    /// Who is in a note, besides this installation.
    #[must_use]
    pub fn present_in(&self, now: u64, id: GroupId, note: NoteId) -> Vec<Present> {
        let Some(group) = self.groups.get(&id) else { return vec![] };
        let of = |(log, word): (&LogId, &Word)| {
            let content = word.content.filter(|content| content.note == note && word.heard + EXPIRE_MS > now)?;
            let person = group.logs.get(log)?.chains.first()?.person;
            Some(Present { log: *log, person, selection: content.selection? })
        };
        group.presences.words.iter().filter_map(of).collect()
    }
}

impl Group {
    /// The epoch that is written under now, if this installation may write.
    fn present_epoch(&self) -> Option<crate::model::id::EpochId> {
        self.may_write().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_by_log_and_by_peer_and_an_old_word_is_none() {
        let (mut presences, peer) = (Presences::default(), Peer::new(&[1; 32]).unwrap());
        let heard = (0..10_000).filter(|n| presences.hears(n / 10, &peer)).count() as u64;
        assert!((PEER_BURST..=PEER_BURST + 1_000 / PEER_SPACING_MS + 1).contains(&heard), "{heard}");
        let log = LogId([1; 32]);
        let said = (1..1_000).filter(|n| presences.is_news(1_000, log, *n)).count() as u64;
        assert_eq!(said, BURST);
        assert!(!presences.is_news(9_000, log, BURST), "a word from before");
        assert!(presences.is_news(9_000, log, 5_000));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_those_who_fell_silent_make_room() {
        let mut presences = Presences::default();
        let log = |n: u32| LogId(*blake3::hash(&n.to_le_bytes()).as_bytes());
        for n in 0..2_000 {
            presences.is_news(1_000, log(n), 1);
            let peer = Peer::new(&log(n).0).unwrap();
            presences.hears(1_000, &peer);
        }
        assert_eq!((presences.words.len(), presences.peers.len()), (MAX_PRESENT, MAX_PEERS));
        assert!(presences.is_news(1_000 + EXPIRE_MS, log(5_000), 1));
        assert!(presences.hears(1_000 + EXPIRE_MS, &Peer::new(&[7; 32]).unwrap()));
    }
}
