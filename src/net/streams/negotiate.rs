//! The libp2p behaviour that opens and accepts streams: of sync, and of linking devices.
//!
//! It is our own instead of `libp2p-stream`: that one drops inbound streams when two come between two looks at its
//! channel, never forgets the channel of a closed connection (a stranger who connects over and over fills the memory),
//! and lets the opener of a stream hang when a dial ends in one of several ways. Here every request is answered once.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::{InboundUpgrade, ReadyUpgrade, UpgradeInfo};
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, FromSwarm};
use libp2p::swarm::handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, NetworkBehaviour, NotifyHandler, Stream,
    StreamProtocol, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::MAX_INBOUND_PER_PEER;
use crate::net::{Path, StreamId, Transport, address};

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Comparing and bringing over entries.
    Sync,
    /// Linking the devices of one person.
    Link,
}

impl Use {
    /// The name under which such streams are negotiated.
    #[must_use]
    pub const fn protocol(self) -> StreamProtocol {
        match self {
            Self::Sync => StreamProtocol::new("/studymesh/sync/1"),
            Self::Link => StreamProtocol::new("/studymesh/link/1"),
        }
    }
}

/// What became of a stream.
#[derive(Debug)]
pub(crate) enum Event {
    /// A peer opened one.
    Inbound(Negotiated),
    /// One that was asked for is open.
    Opened(StreamId, Negotiated),
    /// One that was asked for could not be opened.
    Failed(StreamId),
}

/// An open stream, and where it is.
#[derive(Debug)]
pub(crate) struct Negotiated {
    /// With whom.
    pub peer: PeerId,
    /// On which connection.
    pub connection: ConnectionId,
    /// What for.
    pub purpose: Use,
    /// The stream.
    pub stream: Stream,
}

#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    path: Path,
    transport: Transport,
}

/// Opens and accepts streams. It never dials: a stream needs a connection that is there.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    connections: BTreeMap<PeerId, Vec<Connection>>,
    opening: BTreeMap<StreamId, ConnectionId>,
    out: VecDeque<ToSwarm<Event, (StreamId, Use)>>,
}

impl Behaviour {
    /// Asks for a stream to a peer; [`Event::Opened`] or [`Event::Failed`] answers. The number must be free.
    pub fn open(&mut self, stream: StreamId, peer: PeerId, purpose: Use) {
        let connections = self.connections.get(&peer).map_or(&[][..], Vec::as_slice);
        let best = connections.iter().min_by_key(|c| (c.path, c.transport == Transport::Tcp));
        let Some(Connection { id, .. }) = best else {
            self.out.push_back(ToSwarm::GenerateEvent(Event::Failed(stream)));
            return;
        };
        self.opening.insert(stream, *id);
        let event = (stream, purpose);
        self.out.push_back(ToSwarm::NotifyHandler { peer_id: peer, handler: NotifyHandler::One(*id), event });
    }

    /// A connection is about to be closed: nothing new begins on it.
    pub fn leave(&mut self, id: ConnectionId) {
        self.connections.values_mut().for_each(|connections| connections.retain(|connection| connection.id != id));
    }

    fn established(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let path = if endpoint.is_relayed() { Path::Relayed } else { Path::Direct };
        let transport = address::transport(endpoint.get_remote_address());
        self.connections.entry(peer).or_default().push(Connection { id, path, transport });
    }

    fn closed(&mut self, peer: &PeerId, id: ConnectionId) {
        if let Some(connections) = self.connections.get_mut(peer) {
            connections.retain(|connection| connection.id != id);
            if connections.is_empty() {
                self.connections.remove(peer);
            }
        }
        let lost: Vec<StreamId> = self.opening.iter().filter(|(_, on)| **on == id).map(|(stream, _)| *stream).collect();
        for stream in lost {
            self.opening.remove(&stream);
            self.out.push_back(ToSwarm::GenerateEvent(Event::Failed(stream)));
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, connection_id, endpoint, .. }) => {
                self.established(peer_id, connection_id, endpoint);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.closed(&peer_id, connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: THandlerOutEvent<Self>) {
        let event = match event {
            FromHandler::Inbound(purpose, stream) => Event::Inbound(Negotiated { peer, connection, purpose, stream }),
            // An answer to what was given up when its connection closed is dropped, and the stream with it.
            FromHandler::Opened(id, purpose, stream) if self.opening.remove(&id).is_some() => {
                Event::Opened(id, Negotiated { peer, connection, purpose, stream })
            }
            FromHandler::Failed(id) if self.opening.remove(&id).is_some() => Event::Failed(id),
            FromHandler::Opened(..) | FromHandler::Failed(_) => return,
        };
        self.out.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        // Whoever calls `open` polls the swarm afterwards, so there is nobody to wake.
        self.out.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// What a connection's handler tells.
#[derive(Debug)]
pub(crate) enum FromHandler {
    Inbound(Use, Stream),
    Opened(StreamId, Use, Stream),
    Failed(StreamId),
}

/// Accepts a stream for any of its uses, and says which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accept;

impl UpgradeInfo for Accept {
    type Info = StreamProtocol;
    type InfoIter = [StreamProtocol; 2];

    fn protocol_info(&self) -> Self::InfoIter {
        [Use::Sync.protocol(), Use::Link.protocol()]
    }
}

impl InboundUpgrade<Stream> for Accept {
    type Output = (Use, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, name: StreamProtocol) -> Self::Future {
        let purpose = if name == Use::Link.protocol() { Use::Link } else { Use::Sync };
        ready(Ok((purpose, stream)))
    }
}

/// The part that lives on one connection.
#[derive(Debug, Default)]
pub(crate) struct Handler {
    wanted: VecDeque<(StreamId, Use)>,
    out: VecDeque<FromHandler>,
}

impl Handler {
    fn accept(&mut self, purpose: Use, stream: Stream) {
        // What the swarm has not taken yet. A peer that opens faster than that is over its limit anyway.
        let waiting = self.out.iter().filter(|event| matches!(event, FromHandler::Inbound(..))).count();
        if waiting < MAX_INBOUND_PER_PEER {
            self.out.push_back(FromHandler::Inbound(purpose, stream));
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = (StreamId, Use);
    type ToBehaviour = FromHandler;
    type InboundProtocol = Accept;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = (StreamId, Use);

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(Accept, ())
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (StreamId, Use), Self::ToBehaviour>> {
        if let Some(event) = self.out.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        let Some(wanted) = self.wanted.pop_front() else { return Poll::Pending };
        let protocol = SubstreamProtocol::new(ReadyUpgrade::new(wanted.1.protocol()), wanted);
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
    }

    fn on_behaviour_event(&mut self, wanted: (StreamId, Use)) {
        self.wanted.push_back(wanted);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol, (), (StreamId, Use)>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: (purpose, stream), .. }) => {
                self.accept(purpose, stream)
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                self.out.push_back(FromHandler::Opened(info.0, info.1, protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                tracing::debug!(stream = info.0, purpose = ?info.1, %error, "no stream");
                self.out.push_back(FromHandler::Failed(info.0));
            }
            _ => {}
        }
    }
}
