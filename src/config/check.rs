//! Which values a setting may have. Addresses are refused here, early, rather than by a listener later.

use std::net::{Ipv4Addr, SocketAddr};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use super::{Error, Key, Place, Roles};
use crate::model::limits::MAX_NAME_CHARS;

/// Most addresses in one setting.
const MAX_ADDRESSES: usize = 64;
/// Most bytes of one address as text.
const MAX_ADDRESS_BYTES: usize = 1024;
/// Most characters of a bad value that an error repeats.
const MAX_SHOWN_CHARS: usize = 120;

const LISTEN_REMEDY: &str =
    "write an address of this machine, such as /ip4/0.0.0.0/tcp/0 or /ip4/0.0.0.0/udp/0/quic-v1 (port 0: any free one)";
const BOOTSTRAP_REMEDY: &str = "write a peer's whole address, such as /ip4/192.0.2.7/tcp/4001/p2p/PEER; `studymesh up` prints them on that machine";

const EXTERNAL_REMEDY: &str = "write the address at which others reach this node, such as /ip4/203.0.113.7/tcp/4001 or /dns4/mesh.example/tcp/4001";

/// The roles that words name.
pub(super) fn roles(place: &Place, key: Key, list: &[String]) -> Result<Roles, Error> {
    Roles::parse(list.iter().map(String::as_str)).ok_or_else(|| {
        let unknown = list.iter().find(|word| !Roles::WORDS.contains(&word.as_str()));
        let shown = unknown.map_or_else(String::new, Clone::clone);
        bad(place, key, &shown, "there is no such role".into(), "choose of learner, relay, bootstrap and keeper")
    })
}

/// Checks a number against its bounds.
pub(super) fn number(place: &Place, key: Key, number: u64, least: u64, most: u64) -> Result<(), Error> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    let cause = format!("it must be {least} to {most}");
    Err(bad(place, key, &number.to_string(), cause, "choose a number in between"))
}

/// An IP address with a port, a port of this machine alone, or none for `off`.
pub(super) fn socket(place: &Place, key: Key, text: &str) -> Result<Option<SocketAddr>, Error> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let port = text.parse().ok().map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|| text.parse().ok()).map(Some).ok_or_else(|| {
        let cause = "this is no IP address with a port".to_owned();
        bad(place, key, text, cause, "write it like 127.0.0.1:8080, or off")
    })
}

/// Checks a person's name; an empty one means that none was given.
pub(super) fn name(place: &Place, name: &str) -> Result<(), Error> {
    let cause = if name.chars().count() > MAX_NAME_CHARS {
        format!("a name has at most {MAX_NAME_CHARS} characters")
    } else if name.chars().any(char::is_control) {
        "a name has no control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(bad(place, Key::Name, name, cause, "choose a shorter name on one line"))
}

/// Checks the addresses of a setting that holds addresses.
pub(super) fn addresses(place: &Place, key: Key, list: &[String]) -> Result<(), Error> {
    let remedy = match key {
        Key::Listen => LISTEN_REMEDY,
        Key::ExternalAddress => EXTERNAL_REMEDY,
        _ => BOOTSTRAP_REMEDY,
    };
    if list.len() > MAX_ADDRESSES {
        let cause = format!("more than {MAX_ADDRESSES} addresses");
        return Err(bad(place, key, &list.len().to_string(), cause, "keep the most useful ones"));
    }
    if key == Key::Listen && list.is_empty() {
        return Err(bad(place, key, "", "a node listens on at least one address".into(), remedy));
    }
    let check = match key {
        Key::Listen => listen,
        Key::ExternalAddress => external,
        _ => bootstrap,
    };
    list.iter().try_for_each(|text| check(text).map_err(|cause| bad(place, key, text, cause, remedy)))
}

fn parse(text: &str) -> Result<Multiaddr, String> {
    if text.len() > MAX_ADDRESS_BYTES {
        return Err(format!("an address has at most {MAX_ADDRESS_BYTES} bytes"));
    }
    if !text.starts_with('/') {
        return Err("a multiaddr begins with '/'".into());
    }
    text.parse().map_err(|error| format!("this is no multiaddr: {error}"))
}

/// An address of this machine, or a reservation at a relay.
fn listen(text: &str) -> Result<(), String> {
    let address = parse(text)?;
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match &parts[..] {
        [Protocol::Ip4(_) | Protocol::Ip6(_), Protocol::Tcp(_)]
        | [Protocol::Ip4(_) | Protocol::Ip6(_), Protocol::Udp(_), Protocol::QuicV1] => Ok(()),
        [before @ .., Protocol::P2pCircuit] if matches!(before.last(), Some(Protocol::P2p(_))) => transport(before),
        [Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_), ..] => {
            Err("a node listens on an IP address, not on a name".into())
        }
        _ => Err("a node listens on TCP (/tcp/PORT) or QUIC (/udp/PORT/quic-v1) of an IP address".into()),
    }
}

/// Where a peer can be reached, and which peer it is.
fn bootstrap(text: &str) -> Result<(), String> {
    let address = parse(text)?;
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    match &parts[..] {
        [] | [.., Protocol::P2pCircuit] => Err("the peer is missing at the end (/p2p/PEER)".into()),
        [.., Protocol::P2p(_)] => transport(&parts),
        _ => Err("the peer is missing at the end (/p2p/PEER)".into()),
    }
}

/// Where others reach this node; which peer it is goes without saying.
fn external(text: &str) -> Result<(), String> {
    let address = parse(text)?;
    transport(&address.iter().collect::<Vec<_>>())
}

fn transport(parts: &[Protocol<'_>]) -> Result<(), String> {
    let is_host = |part: &Protocol<'_>| {
        matches!(part, Protocol::Ip4(_) | Protocol::Ip6(_) | Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_))
    };
    match parts {
        [Protocol::Dnsaddr(_), ..] => Ok(()),
        [host, Protocol::Tcp(port), ..] | [host, Protocol::Udp(port), Protocol::QuicV1, ..] if is_host(host) => {
            if *port == 0 { Err("nobody can be reached on port 0".into()) } else { Ok(()) }
        }
        _ => Err("a peer is reached by TCP (/tcp/PORT) or QUIC (/udp/PORT/quic-v1)".into()),
    }
}

fn bad(place: &Place, key: Key, value: &str, cause: String, remedy: &'static str) -> Error {
    let mut shown: String = value.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    Error::Value { place: place.clone(), key: key.as_str(), value: shown, cause, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn a_node_listens_on_addresses_of_its_own_only() {
        for good in ["/ip4/0.0.0.0/tcp/0", "/ip6/::/udp/4001/quic-v1", "/ip4/127.0.0.1/udp/0/quic-v1"] {
            assert_eq!(listen(good), Ok(()), "{good}");
        }
        assert_eq!(listen(&format!("/ip4/192.0.2.1/tcp/4001/p2p/{PEER}/p2p-circuit")), Ok(()));
        for bad in
            ["", "0.0.0.0:4001", "/ip4/0.0.0.0", "/dns/example.org/tcp/1", "/ip4/1.2.3/tcp/1", "/ip4/0.0.0.0/udp/1"]
        {
            assert!(listen(bad).is_err(), "{bad}");
        }
        assert!(listen(&"/ip4/0.0.0.0".repeat(999)).is_err());
    }

    #[test]
    fn a_bootstrap_address_names_its_peer_and_a_port() {
        for good in ["/ip4/192.0.2.7/tcp/4001", "/dns4/boot.example/udp/1/quic-v1", "/dnsaddr/boot.example"] {
            assert_eq!(bootstrap(&format!("{good}/p2p/{PEER}")), Ok(()), "{good}");
            assert!(bootstrap(good).unwrap_err().contains("peer is missing"), "{good}");
        }
        assert!(bootstrap(&format!("/ip4/192.0.2.7/tcp/0/p2p/{PEER}")).unwrap_err().contains("port 0"));
        assert!(bootstrap("/ip4/192.0.2.7/tcp/4001/p2p/notapeer").is_err());
    }

    #[test]
    fn the_page_is_served_at_an_address_a_port_or_nowhere() {
        let socket = |text| super::socket(&Place::New, Key::Web, text);
        assert_eq!(socket("off").unwrap(), None);
        assert_eq!(socket(" 8080 ").unwrap().unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(socket("[::1]:0").unwrap().unwrap().to_string(), "[::1]:0");
        for bad in ["", "on", "localhost:8080", "127.0.0.1", "99999", "http://127.0.0.1:1"] {
            assert!(matches!(socket(bad), Err(Error::Value { .. })), "{bad}");
        }
    }
}
