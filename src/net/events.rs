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

use super::address::Near;
use super::behaviour::BehaviourEvent;
use super::dialling::cut;
use super::shell::Shell;
use super::streams::negotiate;
use super::{Connection, Event, MAX_PROTOCOLS, Path, address, autonat, gossip, kad};

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
                self.closed(peer_id, connection_id, num_established == 0);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                self.outgoing_failed(peer_id, connection_id, &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                self.incoming_failed(send_back_addr, &error);
            }
            SwarmEvent::NewListenAddr { listener_id, address } => self.listening(listener_id, address),
            SwarmEvent::ExternalAddrConfirmed { .. } | SwarmEvent::ExternalAddrExpired { .. } => self.reconcile(),
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
        let before = self.connections.path(&peer);
        self.dialled(&peer, id);
        self.bootstrap.connected(now, peer, id);
        self.connections.add(now, id, peer, endpoint);
        let Some(Connection { address, direction, transport, path, .. }) = self.connections.get(now, id) else {
            return;
        };
        if path == Path::Direct {
            let dialled = self.connections.dialled(&peer).filter(address::is_dialable);
            self.relays.connected(&peer, dialled.as_ref());
        }
        if let Some(seen) = self.connections.seen(id) {
            self.reach.connected(now, seen);
        }
        if first {
            self.tell(Event::Connected { peer, address, direction, transport, path });
        } else {
            self.path_may_have_changed(peer, before);
        }
    }

    fn closed(&mut self, peer: PeerId, id: ConnectionId, last: bool) {
        let now = Instant::now();
        let before = self.connections.path(&peer);
        self.connections.remove(id);
        self.streams.cut(id);
        self.reach.disconnected(now, id);
        if self.connections.count_direct(&peer) == 0 {
            if self.relays.disconnected(now, &peer) {
                self.tell(Event::ReservationLost(peer, "the connection with it ended".to_owned()));
            }
            self.served.disconnected(&peer);
            self.tests.disconnected(&peer);
        }
        if last {
            self.bootstrap.disconnected(now, &peer);
            self.tell(Event::Disconnected(peer));
        } else {
            self.path_may_have_changed(peer, before);
        }
    }

    fn path_may_have_changed(&mut self, peer: PeerId, before: Option<Path>) {
        if let Some(path) = self.connections.path(&peer).filter(|path| Some(*path) != before) {
            tracing::debug!(%peer, path = path.as_str(), "another way to a peer");
            self.tell(Event::PathChanged { peer, path });
        }
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, connection_id, info }) => {
                self.seen_at(connection_id, &info);
                self.identified(peer_id, info);
            }
            BehaviourEvent::Identify(_) => {}
            BehaviourEvent::Ping(ping::Event { connection, result, .. }) => match result {
                Ok(rtt) => self.connections.pinged(Instant::now(), connection, Some(rtt)),
                Err(ping::Failure::Unsupported) => self.connections.mute(connection),
                // That none comes back is what counts.
                Err(_) => {}
            },
            BehaviourEvent::RelayClient(event) => self.relay_client(event),
            BehaviourEvent::RelayServer(event) => self.relayed(event),
            BehaviourEvent::AutonatClient(event) => self.tested(event),
            BehaviourEvent::AutonatServer(event) => tracing::debug!(?event, "tested for a peer"),
            BehaviourEvent::Dcutr(event) => tracing::debug!(?event, "punching a hole"),
            BehaviourEvent::Upnp(event) => self.router_told(event),
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
        let near = self.connections.near(&peer);
        let addresses = info.listen_addrs.iter().filter_map(|given| address::of_peer(given, &peer));
        let addresses = address::worth_keeping(addresses, near, MAX_ADDRESSES);
        self.tests.identified(peer, info.protocols.contains(&autonat::SERVER_PROTOCOL));
        self.may_relay(peer, &info.protocols, &addresses);
        self.may_upgrade(peer, &addresses);
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
            let nobody = Near { peer: false, relays: false };
            let addresses = address::worth_keeping(addresses, nobody, MAX_ADDRESSES);
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
                self.found_closest(id, peers);
            }
            _ => {}
        }
    }

    /// Keeps a provider record that its provider sent (Kademlia has checked that the two are one).
    fn shelve(&mut self, mut record: ProviderRecord) {
        let near = self.connections.near(&record.provider);
        if !self.shelf.admit(Instant::now(), &mut record, near) {
            tracing::debug!(provider = %record.provider, "a provider record is refused");
            return;
        }
        if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().add_provider(record) {
            tracing::debug!(%error, "a provider record has no room");
        }
    }

    fn found_providers(&mut self, query: QueryId, found: BTreeSet<PeerId>, finished: bool) {
        if let Some(peer) = self.lookups.of_peers.get(&query).copied() {
            let key = kad::peer_key(&peer);
            let addresses = if found.contains(&peer) { self.provider_addresses(&key, peer) } else { vec![] };
            self.found_peer(query, addresses, finished);
            return;
        }
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

    fn found_closest(&mut self, query: QueryId, peers: Vec<PeerInfo>) {
        let Some(peer) = self.lookups.of_peers.get(&query).copied() else { return };
        let found = peers.into_iter().filter(|info| info.peer_id == peer).flat_map(|info| info.addrs);
        let mut addresses: Vec<Multiaddr> = found.filter_map(|a| address::of_peer(&a, &peer)).collect();
        addresses.extend(kad::known_addresses(&mut self.swarm.behaviour_mut().kad, peer));
        let addresses = address::worth_keeping(addresses, self.connections.any_near(), MAX_ADDRESSES);
        self.found_peer(query, addresses, true);
    }

    /// A query for a peer found these addresses of it. The peer is dialled as soon as there are any.
    fn found_peer(&mut self, query: QueryId, addresses: Vec<Multiaddr>, finished: bool) {
        let Some(peer) = self.lookups.of_peers.get(&query).copied() else { return };
        if finished {
            self.lookups.of_peers.remove(&query);
        }
        let Some(lookup) = self.lookups.peers.get_mut(&peer) else { return };
        lookup.pending -= usize::from(finished);
        lookup.found |= !addresses.is_empty();
        let (over, found) = (lookup.pending == 0, lookup.found);
        if over {
            self.lookups.peers.remove(&peer);
        }
        // Asking whoever is close to the peer usually means asking the peer itself.
        if self.swarm.is_connected(&peer) {
            return;
        }
        if !addresses.is_empty() {
            self.dial_peer(peer, addresses);
        } else if over && !found {
            let error = "no address of this peer is known in the DHT".to_owned();
            self.tell(Event::DialFailed { peer: Some(peer), error });
        }
    }
}
