//! Carrying commands out.

use libp2p::gossipsub::{self, MessageAcceptance, MessageId, PublishError};
use libp2p::kad::store::RecordStore;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::kad::{PeerLookup, ProviderLookup};
use super::shell::Shell;
use super::{Command, Event, Key, StreamId, Use, Verdict, address, gossip, kad};

impl Shell {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Subscribe(topic) => self.subscribe(topic),
            Command::Unsubscribe(topic) => self.unsubscribe(topic),
            Command::Publish(topic, bytes) => self.publish(topic, bytes),
            Command::Verdict(message, verdict) => {
                // One that is not there any more has been given up already.
                if let Some((id, source)) = self.undecided.take(message) {
                    self.report(&id, &source, verdict);
                }
            }
            Command::OpenStream { stream, peer } => self.open(stream, peer, Use::Sync),
            Command::OpenLink { stream, peer } => self.open(stream, peer, Use::Link),
            Command::SendFrame { stream, bytes } => self.streams.send(stream, bytes),
            Command::CloseStream(stream) => {
                if self.streams.close(stream) {
                    self.tell(Event::StreamFailed(stream));
                }
            }
            Command::Dial { peer, addresses } => self.dial(peer, addresses),
            Command::Provide(key) => self.provide(key),
            Command::StopProviding(key) => {
                self.provided.remove(&key);
                self.swarm.behaviour_mut().kad.stop_providing(&kad::record_key(&key));
            }
            Command::FindProviders(key) => self.find_providers(key),
            Command::FindPeer(peer) => self.find_peer(peer),
            Command::Penalise(peer, why) => self.penalise(peer, &why),
            Command::Disconnect(peer) => {
                // The only error is that it is not connected.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            Command::Snapshot(reply) => {
                let _ = reply.send(self.snapshot());
            }
            // The loop ends on it.
            Command::Shutdown => {}
        }
    }

    fn open(&mut self, stream: StreamId, peer: PeerId, purpose: Use) {
        if self.streams.ask(stream, peer) {
            self.swarm.behaviour_mut().streams.open(stream, peer, purpose);
        } else {
            self.tell(Event::StreamFailed(stream));
        }
    }

    fn subscribe(&mut self, topic: Key) {
        let name = gossip::topic(&topic);
        let gossipsub = &mut self.swarm.behaviour_mut().gossipsub;
        if let Err(error) = gossipsub.subscribe(&name) {
            tracing::warn!(%error, "gossipsub refused a topic");
            return;
        }
        if let Err(error) = gossipsub.set_topic_params(name.clone(), gossip::topic_scores()) {
            tracing::warn!(error, "gossipsub refused the topic's scores");
        }
        // gossipsub told who takes part when it was none of our business yet.
        let hash = name.hash();
        let there: Vec<PeerId> =
            gossipsub.all_peers().filter(|(_, topics)| topics.contains(&&hash)).map(|(peer, _)| *peer).collect();
        if self.topics.insert(topic) {
            there.into_iter().for_each(|peer| self.tell(Event::Subscribed(peer, topic)));
        }
    }

    fn unsubscribe(&mut self, topic: Key) {
        self.topics.remove(&topic);
        self.swarm.behaviour_mut().gossipsub.unsubscribe(&gossip::topic(&topic));
    }

    fn publish(&mut self, topic: Key, bytes: Vec<u8>) {
        if bytes.len() > gossip::MAX_MESSAGE_BYTES {
            tracing::warn!(size = bytes.len(), "a message over the limit is not published");
            return;
        }
        match self.swarm.behaviour_mut().gossipsub.publish(gossip::topic(&topic), bytes) {
            Ok(_) => {}
            // Nobody there yet, or said already: sync brings what gossip does not.
            Err(error @ (PublishError::NoPeersSubscribedToTopic | PublishError::Duplicate)) => {
                tracing::debug!(%error, "not published");
            }
            Err(error) => tracing::warn!(%error, "not published"),
        }
    }

    /// Tells gossipsub what becomes of a message.
    pub(super) fn report(&mut self, id: &MessageId, source: &PeerId, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        self.swarm.behaviour_mut().gossipsub.report_message_validation_result(id, source, acceptance);
    }

    pub(super) fn gossiped(&mut self, source: PeerId, id: MessageId, message: gossipsub::Message) {
        let topic = gossip::key(&message.topic).filter(|topic| self.topics.contains(topic));
        let Some(topic) = topic else {
            self.report(&id, &source, Verdict::Ignore);
            return;
        };
        if message.data.len() > gossip::MAX_MESSAGE_BYTES {
            self.report(&id, &source, Verdict::Reject);
            return;
        }
        let (number, given_up) = self.undecided.add(Instant::now(), id, source);
        if let Some((id, source)) = given_up {
            self.report(&id, &source, Verdict::Ignore);
        }
        self.tell(Event::Gossip { message: number, source, topic, bytes: message.data });
    }

    fn provide(&mut self, key: Key) {
        if self.provided.add(key) {
            self.provide_now(&key);
        } else {
            tracing::warn!(most = kad::MAX_OWN_KEYS, "too many keys to provide");
        }
    }

    /// Tells the DHT once that this node is to be asked about a key.
    pub(super) fn provide_now(&mut self, key: &Key) {
        if let Err(error) = self.swarm.behaviour_mut().kad.start_providing(kad::record_key(key)) {
            tracing::warn!(%error, "a key can not be provided");
        }
    }

    fn find_providers(&mut self, key: Key) {
        if self.lookups.is_looking_for(&key) {
            return;
        }
        if !self.lookups.has_room() {
            self.tell(Event::Providers { key, peers: vec![], finished: true });
            return;
        }
        let nobody_to_ask = self.swarm.behaviour_mut().kad.kbuckets().next().is_none();
        if nobody_to_ask {
            self.lookups.waiting.insert(key);
        } else {
            self.look_up(key);
        }
    }

    pub(super) fn look_up(&mut self, key: Key) {
        let query = self.swarm.behaviour_mut().kad.get_providers(kad::record_key(&key));
        self.lookups.providers.insert(query, ProviderLookup { key, found: Default::default() });
    }

    fn find_peer(&mut self, peer: PeerId) {
        let me = *self.swarm.local_peer_id();
        if peer == me || self.swarm.is_connected(&peer) || self.lookups.is_looking_for_peer(&peer) {
            return;
        }
        if !self.lookups.has_room() {
            let error = "too many lookups are under way".to_owned();
            self.tell(Event::DialFailed { peer: Some(peer), error });
            return;
        }
        // Who serves the DHT stands in routing tables; the others say where they are under a key of their own.
        let kad = &mut self.swarm.behaviour_mut().kad;
        let queries = [kad.get_closest_peers(peer), kad.get_providers(kad::record_key(&kad::peer_key(&peer)))];
        self.lookups.peers.insert(peer, PeerLookup { pending: queries.len(), found: false });
        self.lookups.of_peers.extend(queries.map(|query| (query, peer)));
    }

    /// Counts an offence, and bans whoever has too many.
    pub(super) fn penalise(&mut self, peer: PeerId, why: &str) {
        if peer == *self.swarm.local_peer_id() {
            return;
        }
        let outcome = self.penalties.penalise(Instant::now(), peer);
        tracing::info!(%peer, why, banned = outcome.banned, "a peer broke the protocol");
        let behaviour = self.swarm.behaviour_mut();
        if outcome.banned {
            // This closes its connections, too.
            behaviour.blocked.block_peer(peer);
            behaviour.kad.remove_peer(&peer);
        }
        if let Some(lifted) = outcome.lifted {
            behaviour.blocked.unblock_peer(lifted);
        }
    }

    /// The addresses that this node's own shelf and the DHT give of a peer that may provide a key.
    pub(super) fn provider_addresses(&mut self, key: &Key, peer: PeerId) -> Vec<Multiaddr> {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let shelved = kad.store_mut().providers(&kad::record_key(key)).into_iter().filter(|r| r.provider == peer);
        let mut addresses: Vec<_> = shelved.flat_map(|record| record.addresses).collect();
        addresses.extend(kad::known_addresses(kad, peer));
        let addresses = addresses.iter().filter_map(|given| address::of_peer(given, &peer));
        address::worth_keeping(addresses, self.connections.any_near(), kad::MAX_ADDRESSES_PER_PEER)
    }
}
