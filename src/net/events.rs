//! What the swarm tells, sorted.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::core::ConnectedPoint;
use libp2p::kad::store::RecordStore;
use libp2p::kad::{
    GetClosestPeersError, GetClosestPeersOk, GetProvidersOk, InboundRequest, PeerInfo, ProviderRecord, QueryId,
    QueryResult,
};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, gossipsub, identify, mdns, ping};
use tokio::time::Instant;

use super::behaviour::BehaviourEvent;
use super::dialling::cut;
use super::shell::Shell;
use super::streams::negotiate;
use super::{Direction, Event, MAX_PROTOCOLS, address, gossip, kad};

/// Most addresses of one peer that are passed on.
const MAX_ADDRESSES: usize = 16;

impl Shell {
    pub(super) fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, num_established, endpoint, .. } => {
                self.connected(peer_id, connection_id, &endpoint, num_established.get() == 1);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, cause, .. } => {
                tracing::debug!(peer = %peer_id, ?cause, left = num_established, "a connection closed");
                self.connections.remove(connection_id);
                self.streams.cut(connection_id);
                if num_established == 0 {
                    self.bootstrap.disconnected(Instant::now(), &peer_id);
                    self.tell(Event::Disconnected(peer_id));
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                self.outgoing_failed(peer_id, connection_id, &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                self.incoming_failed(send_back_addr, &error);
            }
            SwarmEvent::NewListenAddr { address, .. } => self.listening(address),
            SwarmEvent::ExpiredListenAddr { address, .. } => self.expired(address),
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                self.listener_closed(listener_id, addresses, reason);
            }
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "a listener stumbled"),
            _ => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint, first: bool) {
        let now = Instant::now();
        let direction = if endpoint.is_dialer() { Direction::Outbound } else { Direction::Inbound };
        let at = endpoint.get_remote_address().clone();
        self.dialled(&peer, id);
        self.bootstrap.connected(now, peer, id);
        self.connections.add(now, id, peer, at.clone(), direction);
        if first {
            let transport = address::transport(&at);
            let path = address::path(&at);
            self.tell(Event::Connected { peer, address: at, direction, transport, path });
        }
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => self.identified(peer_id, info),
            BehaviourEvent::Identify(_) => {}
            BehaviourEvent::Ping(ping::Event { connection, result, peer }) => {
                let rtt = match result {
                    Ok(rtt) => Some(rtt),
                    Err(ping::Failure::Unsupported) => return,
                    Err(_) => None,
                };
                if self.connections.pinged(connection, rtt) {
                    tracing::debug!(%peer, "a dead connection is closed");
                    self.swarm.close_connection(connection);
                }
            }
            BehaviourEvent::Gossipsub(event) => self.gossipsub_event(event),
            BehaviourEvent::Kad(event) => self.kad_event(event),
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => self.discovered(found),
            BehaviourEvent::Mdns(mdns::Event::Expired(_)) => {}
            BehaviourEvent::Streams(negotiate::Event::Inbound(stream)) => self.streams.accept(stream),
            BehaviourEvent::Streams(negotiate::Event::Opened(id, stream)) => self.streams.opened(id, stream),
            BehaviourEvent::Streams(negotiate::Event::Failed(id)) => {
                if self.streams.failed(id) {
                    self.tell(Event::StreamFailed(id));
                }
            }
            BehaviourEvent::Limits(never) | BehaviourEvent::Memory(never) | BehaviourEvent::Blocked(never) => {
                match never {}
            }
        }
    }

    fn identified(&mut self, peer: PeerId, info: identify::Info) {
        let local = self.connections.is_local(&peer);
        let addresses = info.listen_addrs.iter().filter_map(|given| address::of_peer(given, &peer));
        let addresses = address::worth_keeping(addresses, local, MAX_ADDRESSES);
        // Kademlia does not listen to identify by itself.
        if info.protocols.contains(&kad::PROTOCOL) {
            for address in addresses.iter().take(kad::MAX_ADDRESSES_PER_PEER) {
                self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
            }
        }
        let protocols = info.protocols.iter().take(MAX_PROTOCOLS).map(|p| cut(p.to_string())).collect();
        self.tell(Event::Identified { peer, agent: cut(info.agent_version), addresses, protocols });
    }

    fn gossipsub_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                self.gossiped(propagation_source, message_id, message);
            }
            gossipsub::Event::Subscribed { peer_id, topic, .. } => {
                if let Some(topic) = gossip::key(&topic).filter(|topic| self.topics.contains(topic)) {
                    self.tell(Event::Subscribed(peer_id, topic));
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                if let Some(topic) = gossip::key(&topic).filter(|topic| self.topics.contains(topic)) {
                    self.tell(Event::Unsubscribed(peer_id, topic));
                }
            }
            gossipsub::Event::GossipsubNotSupported { .. } => {}
            gossipsub::Event::SlowPeer { peer_id, failed_messages } => {
                tracing::debug!(peer = %peer_id, ?failed_messages, "a peer takes gossip too slowly");
            }
        }
    }

    fn discovered(&mut self, found: Vec<(PeerId, Multiaddr)>) {
        let mut of_peers: BTreeMap<PeerId, Vec<Multiaddr>> = BTreeMap::new();
        for (peer, given) in found {
            if let Some(bare) = address::of_peer(&given, &peer) {
                of_peers.entry(peer).or_default().push(bare);
            }
        }
        of_peers.remove(self.swarm.local_peer_id());
        for (peer, addresses) in of_peers {
            let addresses = address::worth_keeping(addresses, false, MAX_ADDRESSES);
            self.tell(Event::Discovered(peer, addresses));
        }
    }

    fn kad_event(&mut self, event: libp2p::kad::Event) {
        use libp2p::kad::Event as Kad;
        match event {
            Kad::InboundRequest { request: InboundRequest::AddProvider { record: Some(record) } } => {
                self.shelve(record)
            }
            // Value records are not taken: there is no use for them here.
            Kad::InboundRequest { .. } => {}
            Kad::RoutingUpdated { is_new_peer: true, .. } => {
                self.provided.changed();
                let waiting = std::mem::take(&mut self.lookups.waiting);
                waiting.into_iter().for_each(|key| self.look_up(key));
            }
            Kad::OutboundQueryProgressed { id, result: QueryResult::GetProviders(result), step, .. } => {
                let found = match result {
                    Ok(GetProvidersOk::FoundProviders { providers, .. }) => providers.into_iter().collect(),
                    Ok(GetProvidersOk::FinishedWithNoAdditionalRecord { .. }) | Err(_) => BTreeSet::new(),
                };
                self.found_providers(id, found, step.last);
            }
            Kad::OutboundQueryProgressed { id, result: QueryResult::GetClosestPeers(result), step, .. }
                if step.last =>
            {
                let (Ok(GetClosestPeersOk { peers, .. }) | Err(GetClosestPeersError::Timeout { peers, .. })) = result;
                self.found_peer(id, peers);
            }
            _ => {}
        }
    }

    /// Keeps a provider record that its provider sent (Kademlia has checked that the two are one).
    fn shelve(&mut self, mut record: ProviderRecord) {
        let local = self.connections.is_local(&record.provider);
        if !self.shelf.admit(Instant::now(), &mut record, local) {
            tracing::debug!(provider = %record.provider, "a provider record is refused");
            return;
        }
        if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().add_provider(record) {
            tracing::debug!(%error, "a provider record has no room");
        }
    }

    fn found_providers(&mut self, query: QueryId, found: BTreeSet<PeerId>, finished: bool) {
        let Some(mut lookup) = self.lookups.providers.remove(&query) else { return };
        let me = *self.swarm.local_peer_id();
        let mut peers = vec![];
        for peer in found.into_iter().filter(|peer| *peer != me) {
            let addresses = self.provider_addresses(&lookup.key, peer);
            let known = lookup.found.get(&peer).copied();
            let news = known.is_none_or(|known| addresses.len() > known);
            if news && (known.is_some() || lookup.found.len() < kad::MAX_FOUND) {
                lookup.found.insert(peer, addresses.len());
                peers.push((peer, addresses));
            }
        }
        let key = lookup.key;
        if !finished {
            self.lookups.providers.insert(query, lookup);
        }
        if finished || !peers.is_empty() {
            self.tell(Event::Providers { key, peers, finished });
        }
    }

    fn found_peer(&mut self, query: QueryId, peers: Vec<PeerInfo>) {
        let Some(peer) = self.lookups.peers.remove(&query) else { return };
        // Asking whoever is close to the peer usually means asking the peer itself.
        if self.swarm.is_connected(&peer) {
            return;
        }
        let found = peers.into_iter().filter(|info| info.peer_id == peer).flat_map(|info| info.addrs);
        let mut addresses: Vec<Multiaddr> = found.filter_map(|a| address::of_peer(&a, &peer)).collect();
        addresses.extend(kad::known_addresses(&mut self.swarm.behaviour_mut().kad, peer));
        let addresses = address::worth_keeping(addresses, self.connections.any_local(), MAX_ADDRESSES);
        if addresses.is_empty() {
            let error = "no address of this peer is known in the DHT".to_owned();
            self.tell(Event::DialFailed { peer: Some(peer), error });
        } else {
            self.dial_peer(peer, addresses);
        }
    }
}
