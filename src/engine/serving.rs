//! The engine's part in answering: proving, and moving the answering streams on.

use super::due::{RECHECK_MS, backoff};
use super::io::{Event, Output, Relation, StreamId};
use super::store::Store;
use super::{Engine, MAX_SERVES, MAX_STREAMS, MAX_STREAMS_PER_PEER, MAX_UNPROVEN, Serve, Stream};
use crate::model::id::{GroupId, Peer};
use crate::sync::handshake::{self, Ends, Summary, Welcome};
use crate::sync::index::Range;
use crate::sync::message::{Message, Told};

/// Most bytes of told peers in a welcome to somebody who holds the same: agreeing costs less than 1 KB.
const TOLD_BYTES_WHEN_EQUAL: usize = 320;

impl<S: Store> Engine<S> {
    pub(super) fn begin_serve(&mut self, now: u64, stream: StreamId, peer: Peer) {
        let serves =
            || self.streams.iter().filter_map(|(id, s)| if let Stream::Serve(s) = s { Some((id, s)) } else { None });
        let of_peer = serves().filter(|(_, s)| s.peer == peer).count();
        let unproven = || serves().filter(|(_, s)| s.group.is_none());
        if unproven().count() >= MAX_UNPROVEN
            && let Some((oldest, _)) = unproven().min_by_key(|(_, s)| s.since_ms)
        {
            // Whoever is a member says hello at once: the one that has been silent for longest has nothing to say.
            let oldest = *oldest;
            self.streams.remove(&oldest);
            self.output(Output::Close(oldest));
        }
        let serves = self.streams.values().filter(|s| matches!(s, Stream::Serve(_))).count();
        if of_peer >= MAX_STREAMS_PER_PEER || serves >= MAX_SERVES || self.streams.len() >= MAX_STREAMS {
            self.output(Output::Close(stream));
            return;
        }
        self.streams.insert(stream, Stream::Serve(Box::new(Serve::new(peer, now))));
    }

    pub(super) fn serve_frame(&mut self, now: u64, stream: StreamId, bytes: &[u8]) -> Result<(), S::Error> {
        let Some(Stream::Serve(serve)) = self.streams.get_mut(&stream) else { return Ok(()) };
        let peer = serve.peer.clone();
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(error) => {
                self.streams.remove(&stream);
                self.punish(stream, peer, error.to_string());
                return Ok(());
            }
        };
        let Some(id) = serve.group else {
            self.greet(now, stream, &peer, message);
            return Ok(());
        };
        let Some(group) = self.groups.get_mut(&id) else {
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            return Ok(());
        };
        if let Err(refused) = serve.handle(now, &message, group) {
            self.streams.remove(&stream);
            self.punish(stream, peer, refused.to_string());
            return Ok(());
        }
        let log = serve.log;
        if let Message::Finish { fingerprint, entries } = message {
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            self.finished(now, id, &peer, Summary { fingerprint, entries });
            return Ok(());
        }
        if let (Message::Identify { .. }, Some(member)) = (message, group.member(&peer, &self.connected)) {
            member.log = log;
        }
        self.pump(stream)
    }

    /// Answers a hello: finds the group that it proves, or closes without a word.
    fn greet(&mut self, now: u64, stream: StreamId, peer: &Peer, message: Message) {
        let me = self.identity.peer.clone();
        let ends = Ends { puller: peer, server: &me };
        let Message::Hello { nonce, proof, sealed } = message else {
            self.streams.remove(&stream);
            self.punish(stream, peer.clone(), "a sync stream that does not begin with a hello".into());
            return;
        };
        let proven = self
            .groups
            .values_mut()
            .find_map(|g| handshake::open_hello(&g.keys, ends, &nonce, &proof, &sealed).map(|greeting| (g, greeting)));
        let Some((group, greeting)) = proven else {
            // A peer may well know a group that we have left: no penalty, no answer.
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            return;
        };
        let ours = group.summary();
        let (standing, quarantined) = group.standing_of(now, greeting.log);
        let id = group.id();
        if !standing.is_served() {
            // What it has to say to the group, a request above all, is fetched from it. More is not for it.
            let says = Welcome { standing, quarantined, ..Welcome::default() };
            let (welcome, _) = handshake::welcome(&group.keys, ends, &nonce, self.entropy.array(), &group.me, &says);
            if let Some(member) = group.member(peer, &self.connected) {
                member.log = Some(greeting.log);
                member.calls_as_guest(now);
            }
            self.streams.remove(&stream);
            self.output(Output::Send(stream, welcome.encode()));
            self.output(Output::Close(stream));
            return;
        }
        let equal = greeting.agrees == handshake::agreement(&group.keys, &nonce, ours);
        let told = tell(&group.told, peer, if equal { TOLD_BYTES_WHEN_EQUAL } else { usize::MAX });
        let lacks_keys = greeting.holds != handshake::holdings(&group.keys, &nonce);
        let keys = if lacks_keys { group.keys_for(greeting.log, &mut self.entropy) } else { vec![] };
        let says = Welcome { standing, quarantined, summary: Some(ours), told, keys };
        let (welcome, transcript) =
            handshake::welcome(&group.keys, ends, &nonce, self.entropy.array(), &group.me, &says);
        if equal {
            group.agreed(Range::ALL);
            if let Some(member) = group.member(peer, &self.connected) {
                member.checked(now, Relation::Equal);
            }
        }
        if let Some(Stream::Serve(serve)) = self.streams.get_mut(&stream) {
            serve.greeted(now, id, transcript, greeting.log);
        }
        self.output(Output::Send(stream, welcome.encode()));
    }

    /// A puller is done: if it holds something else than we do, pull in turn.
    fn finished(&mut self, now: u64, id: GroupId, peer: &Peer, theirs: Summary) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let equal = group.index.fingerprint() == theirs.fingerprint;
        if equal {
            group.agreed(Range::ALL);
        }
        let Some(member) = group.member(peer, &self.connected) else { return };
        if equal {
            member.checked(now, Relation::Equal);
            member.barren = 0;
            member.left.clear();
            // Both know now: no need to ask the same in turn.
            member.pull_at = Some(now + RECHECK_MS);
            self.event(Event::Compared { group: id, peer: peer.clone(), relation: Relation::Equal, received: 0 });
        } else {
            let at = now + backoff(member.barren);
            member.checked_ms = Some(now);
            member.doubt();
            member.pull_by(at);
        }
    }

    /// Sends on a stream what its window allows.
    pub(super) fn pump(&mut self, stream: StreamId) -> Result<(), S::Error> {
        // What is coming in on another stream right now is served as well.
        self.prove_tips();
        loop {
            let Some(Stream::Serve(serve)) = self.streams.get_mut(&stream) else { return Ok(()) };
            let Some(group) = serve.group.and_then(|id| self.groups.get(&id)) else { return Ok(()) };
            let Some(message) = serve.poll(&mut self.store, group)? else { return Ok(()) };
            let bytes = message.encode();
            self.output(Output::Send(stream, bytes));
        }
    }
}

/// As many of the told peers as take at most `room` bytes, without the one that is told.
fn tell(told: &[Told], to: &Peer, room: usize) -> Vec<Told> {
    let mut room = room;
    let others = told.iter().filter(|t| t.peer != to.as_bytes());
    let fitting = others.take_while(|t| {
        let fits = t.encoded_len() <= room;
        room = room.saturating_sub(t.encoded_len());
        fits
    });
    fitting.cloned().collect()
}
