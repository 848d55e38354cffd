//! Listening: beginning, what the swarm tells of it, and the addresses that this node is told to be reached at.

use std::net::{IpAddr, SocketAddr, TcpListener};

use libp2p::Multiaddr;
use libp2p::core::transport::{ListenerId, TransportError};
use libp2p::multiaddr::Protocol;
use tokio::time::Instant;

use super::shell::Shell;
use super::{Event, address};

impl Shell {
    /// Begins to listen wherever it is configured.
    pub(super) fn listen(&mut self, addresses: Vec<Multiaddr>) {
        // All ports are looked at before the first is taken, so that this node is not in its own way.
        let (free, taken): (Vec<_>, Vec<_>) =
            addresses.into_iter().map(|address| (probe(&address), address)).partition(|(probed, _)| probed.is_ok());
        for (probed, address) in taken {
            let error = probed.err().map(|e| e.to_string()).unwrap_or_default();
            self.tell(Event::ListenFailed { address, error });
        }
        for (_, address) in free {
            match self.swarm.listen_on(address.clone()) {
                Ok(listener) => {
                    self.listeners.insert(listener, address);
                    self.opening.insert(listener);
                }
                Err(error) => self.tell(Event::ListenFailed { address, error: cause(error) }),
            }
        }
    }

    pub(super) fn listening(&mut self, listener: ListenerId, address: Multiaddr) {
        if address::is_circuit(&address) {
            self.listening_behind_relay(&address);
        } else {
            self.reach.listens(&address);
            self.address_changed(Instant::now());
        }
        // Of "any interface" loopback is told first, and no way to anybody.
        let loopback_only = address::is_loopback(&address)
            && self.listeners.get(&listener).is_some_and(|configured| !address::is_loopback(configured));
        self.tell(Event::Listening(address));
        self.reconcile();
        if !loopback_only && self.opening.remove(&listener) {
            self.reach_out(Instant::now());
        }
    }

    pub(super) fn expired(&mut self, address: Multiaddr) {
        if address::is_circuit(&address) {
            self.swarm.remove_external_address(&address);
        } else {
            let now = Instant::now();
            self.reach.listens_no_more(now, &address);
            self.address_gone(now, &address);
        }
        self.tell(Event::Expired(address));
        self.reconcile();
    }

    pub(super) fn listener_closed(
        &mut self,
        listener: ListenerId,
        addresses: Vec<Multiaddr>,
        reason: std::io::Result<()>,
    ) {
        addresses.into_iter().for_each(|address| self.expired(address));
        self.opening.remove(&listener);
        match (self.listeners.remove(&listener), reason) {
            (Some(address), Err(error)) => self.tell(Event::ListenFailed { address, error: error.to_string() }),
            (Some(_), Ok(())) => {}
            (None, reason) => self.circuit_listener_closed(listener, reason),
        }
    }
}

/// Whether a TCP port is free. libp2p lets several sockets share a listening port, so that a second node on one port would
/// listen without an error, and each would get half of the other's connections.
fn probe(address: &Multiaddr) -> std::io::Result<()> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::V4(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::V6(ip),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind(SocketAddr::new(ip, port)).map(drop),
        _ => Ok(()),
    }
}

/// An error in words, without the layers around it.
fn cause(error: TransportError<std::io::Error>) -> String {
    match error {
        TransportError::MultiaddrNotSupported(_) => "no transport for this kind of address".to_owned(),
        TransportError::Other(error) => {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            cause.to_string()
        }
    }
}
