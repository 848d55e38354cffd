//! A guard around a behaviour of libp2p: what it gets to see, and what it may do by itself.
//!
//! AutoNAT must not spend a circuit's few kilobytes on its tests, nor believe a neighbour; hole punching must not offer
//! addresses that a stranger made up; and which addresses are announced is decided in one place (`reach`), not by whoever
//! confirms something. So a guarded behaviour sees no relayed connections where the rules say so, gets its addresses from
//! us instead of from the swarm, and what it confirms becomes an event.

use std::collections::{HashMap, HashSet};
use std::task::{Context, Poll};

use libp2p::core::transport::{ListenerId, PortUse};
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::behaviour::{
    ConnectionEstablished, ExternalAddrConfirmed, ExternalAddrExpired, FromSwarm, NewExternalAddrCandidate,
    NewListenAddr,
};
use libp2p::swarm::derive_prelude::Either;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};

use super::address::{self, Scope};

/// What a guarded behaviour gets to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rules {
    /// No connections and no listeners behind a relay.
    pub only_direct: bool,
    /// No connections with peers of the local network or this machine.
    pub only_global: bool,
    /// Addresses of ours only by [`Guarded::candidate`], [`Guarded::confirm`] and [`Guarded::expire`].
    pub own_addresses: bool,
    /// It may dial addresses of the local network or this machine only for a peer that is there.
    pub careful_dials: bool,
}

/// What a guarded behaviour tells.
#[derive(Debug)]
pub(super) enum Out<E> {
    /// Its own event.
    Event(E),
    /// It holds that this node can be reached at this address.
    Confirmed(Multiaddr),
    /// It does not hold so any more.
    Expired(Multiaddr),
}

/// Why a guarded behaviour may not dial.
#[derive(Debug, thiserror::Error)]
#[error("a peer elsewhere may not send this node to an address of the local network")]
struct NotThere;

/// A behaviour and what it may.
pub(super) struct Guarded<B> {
    inner: B,
    rules: Rules,
    /// Connections that it does not see.
    hidden: HashSet<ConnectionId>,
    /// Connections that it sees.
    seen: HashMap<ConnectionId, (PeerId, ConnectedPoint)>,
    /// Where this node listens, as far as it sees that.
    listens: Vec<(ListenerId, Multiaddr)>,
    /// What it asked to dial.
    dials: HashSet<ConnectionId>,
}

impl<B: NetworkBehaviour> Guarded<B> {
    pub fn new(inner: B, rules: Rules) -> Self {
        Self { inner, rules, hidden: HashSet::new(), seen: HashMap::new(), listens: vec![], dials: HashSet::new() }
    }

    /// Begins anew with a fresh behaviour, which is told of the listeners and connections that are there. What it would
    /// otherwise learn from looking at connections before they are established, it has to do without.
    pub fn replace(&mut self, inner: B) {
        self.inner = inner;
        for (id, (peer, endpoint)) in &self.seen {
            self.inner.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id: *peer,
                connection_id: *id,
                endpoint,
                failed_addresses: &[],
                other_established: 0,
            }));
        }
        for (listener_id, addr) in &self.listens {
            let listener_id = *listener_id;
            self.inner.on_swarm_event(FromSwarm::NewListenAddr(NewListenAddr { listener_id, addr }));
        }
    }

    /// Offers an address that might be ours.
    pub fn candidate(&mut self, addr: &Multiaddr) {
        self.inner.on_swarm_event(FromSwarm::NewExternalAddrCandidate(NewExternalAddrCandidate { addr }));
    }

    /// An address is ours.
    pub fn confirm(&mut self, addr: &Multiaddr) {
        self.inner.on_swarm_event(FromSwarm::ExternalAddrConfirmed(ExternalAddrConfirmed { addr }));
    }

    /// An address is not ours any more.
    pub fn expire(&mut self, addr: &Multiaddr) {
        self.inner.on_swarm_event(FromSwarm::ExternalAddrExpired(ExternalAddrExpired { addr }));
    }

    fn hides(&self, local: Option<&Multiaddr>, remote: &Multiaddr) -> bool {
        let relayed = local.is_some_and(address::is_circuit) || address::is_circuit(remote);
        let near = address::scope(remote) != Some(Scope::Global);
        (self.rules.only_direct && relayed) || (self.rules.only_global && near)
    }

    /// Whether it may dial these addresses of a peer.
    fn may_dial(&self, peer: Option<PeerId>, addresses: &[Multiaddr]) -> bool {
        let remotes = self.seen.values().filter(|(p, _)| Some(*p) == peer).map(|(_, end)| end.get_remote_address());
        let near = remotes.filter_map(address::scope).min().unwrap_or(Scope::Global);
        addresses.iter().all(|target| {
            let plain = !address::is_circuit(target) && address::ip(target).is_some();
            plain && address::scope(target).is_some_and(|scope| scope >= near)
        })
    }
}

impl<B: NetworkBehaviour> NetworkBehaviour for Guarded<B> {
    type ConnectionHandler = Either<THandler<B>, dummy::ConnectionHandler>;
    type ToSwarm = Out<B::ToSwarm>;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner.handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if self.hides(Some(local), remote) {
            self.hidden.insert(id);
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        self.inner.handle_established_inbound_connection(id, peer, local, remote).map(Either::Left)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if self.dials.remove(&id) && !self.may_dial(peer, addresses) {
            return Err(ConnectionDenied::new(NotThere));
        }
        self.inner.handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if self.hides(None, remote) {
            self.hidden.insert(id);
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        self.inner.handle_established_outbound_connection(id, peer, remote, role, port).map(Either::Left)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match &event {
            FromSwarm::ConnectionEstablished(up) => {
                if self.hidden.contains(&up.connection_id) {
                    return;
                }
                self.seen.insert(up.connection_id, (up.peer_id, up.endpoint.clone()));
            }
            FromSwarm::ConnectionClosed(closed) => {
                self.seen.remove(&closed.connection_id);
                if self.hidden.remove(&closed.connection_id) {
                    return;
                }
            }
            FromSwarm::AddressChange(change) if self.hidden.contains(&change.connection_id) => return,
            // A connection that was refused by somebody else after we had looked at it.
            FromSwarm::DialFailure(failed) => {
                self.hidden.remove(&failed.connection_id);
            }
            FromSwarm::ListenFailure(failed) => {
                self.hidden.remove(&failed.connection_id);
            }
            FromSwarm::NewExternalAddrCandidate(_)
            | FromSwarm::ExternalAddrConfirmed(_)
            | FromSwarm::ExternalAddrExpired(_)
                if self.rules.own_addresses =>
            {
                return;
            }
            FromSwarm::NewListenAddr(new) => {
                if self.rules.only_direct && address::is_circuit(new.addr) {
                    return;
                }
                self.listens.push((new.listener_id, new.addr.clone()));
            }
            FromSwarm::ExpiredListenAddr(old) => {
                if self.rules.only_direct && address::is_circuit(old.addr) {
                    return;
                }
                self.listens.retain(|(id, addr)| *id != old.listener_id || addr != old.addr);
            }
            _ => {}
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {
            Either::Left(event) => self.inner.on_connection_handler_event(peer, id, event),
            Either::Right(never) => match never {},
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(cx).map(|action| match action {
            ToSwarm::ExternalAddrConfirmed(address) => ToSwarm::GenerateEvent(Out::Confirmed(address)),
            ToSwarm::ExternalAddrExpired(address) => ToSwarm::GenerateEvent(Out::Expired(address)),
            action => {
                if let ToSwarm::Dial { opts } = &action
                    && self.rules.careful_dials
                {
                    self.dials.insert(opts.connection_id());
                }
                action.map_out(Out::Event).map_in(Either::Left)
            }
        })
    }
}
