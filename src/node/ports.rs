//! Ports that stay: where a node was told to take any port, it takes the one that it had last time, so that the
//! addresses in tickets and in others' caches go on to be right.

use std::net::{IpAddr, TcpListener, UdpSocket};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// The address with the port filled in that `remembered` knows for it, when that port is free now.
#[must_use]
pub fn refill(address: &Multiaddr, remembered: Option<u16>) -> Multiaddr {
    match (parts(address), remembered) {
        (Some((ip, 0, is_tcp)), Some(port)) if is_free(ip, port, is_tcp) => with_port(address, port),
        _ => address.clone(),
    }
}

/// Whether any port will do.
#[must_use]
pub fn is_open(address: &Multiaddr) -> bool {
    matches!(parts(address), Some((_, 0, _)))
}

/// Whether `listening` is an address of the listener `at`.
#[must_use]
pub fn serves(at: &Multiaddr, listening: &Multiaddr) -> bool {
    match (parts(at), parts(listening)) {
        (Some((ip, port, is_tcp)), Some((on, bound, tcp))) => {
            let same_ip = on == ip || (ip.is_unspecified() && on.is_ipv4() == ip.is_ipv4());
            is_tcp == tcp && same_ip && (port == 0 || port == bound)
        }
        _ => at == listening,
    }
}

/// The port on which an address that left it open now listens.
#[must_use]
pub fn bound<'a>(open: &Multiaddr, listening: impl Iterator<Item = &'a Multiaddr>) -> Option<u16> {
    listening.filter(|a| serves(open, a)).find_map(parts).map(|(_, port, _)| port)
}

fn parts(address: &Multiaddr) -> Option<(IpAddr, u16, bool)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((ip, port, true)),
        Protocol::Udp(port) => Some((ip, port, false)),
        _ => None,
    }
}

fn with_port(address: &Multiaddr, port: u16) -> Multiaddr {
    address
        .iter()
        .map(|part| match part {
            Protocol::Tcp(0) => Protocol::Tcp(port),
            Protocol::Udp(0) => Protocol::Udp(port),
            other => other,
        })
        .collect()
}

fn is_free(ip: IpAddr, port: u16, is_tcp: bool) -> bool {
    if is_tcp { TcpListener::bind((ip, port)).is_ok() } else { UdpSocket::bind((ip, port)).is_ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_again_only_while_it_is_free() {
        let open: Multiaddr = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = holder.local_addr().unwrap().port();
        assert_eq!(refill(&open, Some(port)), open);
        drop(holder);
        assert_eq!(refill(&open, Some(port)).to_string(), format!("/ip4/127.0.0.1/tcp/{port}"));
        let fixed: Multiaddr = "/ip4/127.0.0.1/tcp/4001".parse().unwrap();
        assert_eq!(refill(&fixed, Some(port)), fixed);
    }

    #[test]
    fn the_bound_port_is_that_of_the_same_transport_and_family() {
        let listening: Vec<Multiaddr> = ["/ip4/127.0.0.1/udp/7/quic-v1", "/ip6/::1/tcp/8", "/ip4/10.0.0.1/tcp/9"]
            .map(|a| a.parse().unwrap())
            .to_vec();
        assert_eq!(bound(&"/ip4/0.0.0.0/tcp/0".parse().unwrap(), listening.iter()), Some(9));
        assert_eq!(bound(&"/ip4/127.0.0.1/tcp/0".parse().unwrap(), listening.iter()), None);
    }
}
