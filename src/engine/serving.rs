//! The engine's part in answering: proving, and moving the answering streams on.

use super::io::{Output, StreamId};
use super::store::Store;
use super::{Engine, MAX_STREAMS, MAX_STREAMS_PER_PEER, Member, Serve, Stream};
use crate::model::id::{GroupId, Peer};
use crate::sync::handshake::{self, Ends, Summary};
use crate::sync::message::Message;

use super::io::Relation;

impl<S: Store> Engine<S> {
    pub(super) fn begin_serve(&mut self, stream: StreamId, peer: Peer) {
        let open = |s: &&Stream| matches!(s, Stream::Serve(serve) if serve.peer == peer);
        let of_peer = self.streams.values().filter(open).count();
        if of_peer >= MAX_STREAMS_PER_PEER || self.streams.len() >= MAX_STREAMS {
            self.output(Output::Close(stream));
            return;
        }
        self.streams.insert(stream, Stream::Serve(Box::new(Serve::new(peer))));
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
        if let Message::Finish { fingerprint, entries } = message {
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            self.finished(now, id, &peer, Summary { fingerprint, entries });
            return Ok(());
        }
        if let Err(refused) = serve.handle(message, group) {
            self.streams.remove(&stream);
            self.punish(stream, peer, refused.to_string());
            return Ok(());
        }
        if let Some(log) = serve.log {
            group.members.entry(peer).or_default().log = Some(log);
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
            .find_map(|g| handshake::open_hello(&g.keys, ends, &nonce, &proof, &sealed).map(|summary| (g, summary)));
        let Some((group, theirs)) = proven else {
            // A peer may well know a group that we have left: no penalty, no answer.
            self.streams.remove(&stream);
            self.output(Output::Close(stream));
            return;
        };
        let ours = group.summary();
        let told: Vec<_> = group.told.iter().filter(|t| t.peer != peer.as_bytes()).cloned().collect();
        let (welcome, transcript) =
            handshake::welcome(&group.keys, ends, &nonce, self.entropy.array(), ours, &group.me, &told);
        let id = group.id();
        let member = group.members.entry(peer.clone()).or_default();
        if theirs.fingerprint == ours.fingerprint {
            member.relation = Relation::Equal;
            member.checked_ms = Some(now);
        }
        if let Some(Stream::Serve(serve)) = self.streams.get_mut(&stream) {
            serve.group = Some(id);
            serve.transcript = Some(transcript);
            serve.in_flight += 1;
        }
        self.output(Output::Send(stream, welcome.encode()));
    }

    /// A puller is done: if it holds something else than we do, pull in turn.
    fn finished(&mut self, now: u64, id: GroupId, peer: &Peer, theirs: Summary) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let equal = group.index.fingerprint() == theirs.fingerprint;
        let member: &mut Member = group.members.entry(peer.clone()).or_default();
        member.checked_ms = Some(now);
        if equal {
            member.relation = Relation::Equal;
            member.barren = 0;
        } else {
            let at = now + super::pulling::backoff(member.barren);
            member.relation = Relation::Unknown;
            member.pull_at = Some(member.pull_at.map_or(at, |before| before.min(at)));
        }
    }

    /// Sends on a stream what its window allows.
    pub(super) fn pump(&mut self, stream: StreamId) -> Result<(), S::Error> {
        loop {
            let Some(Stream::Serve(serve)) = self.streams.get_mut(&stream) else { return Ok(()) };
            let Some(group) = serve.group.and_then(|id| self.groups.get(&id)) else { return Ok(()) };
            let Some(message) = serve.poll(&mut self.store, group)? else { return Ok(()) };
            let bytes = message.encode();
            self.output(Output::Send(stream, bytes));
        }
    }
}
