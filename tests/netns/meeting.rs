//! The meeting point on the public internet, and how members are told of it.

use crate::gate::Features;
use crate::lab::{Lab, MEETING};
use crate::nat::Kind;
use crate::node::{Home, Node};

/// By what members listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Quic,
}

impl Transport {
    pub const BOTH: [Self; 2] = [Self::Tcp, Self::Quic];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
        }
    }

    fn listen(self) -> &'static str {
        match self {
            Self::Tcp => "/ip4/0.0.0.0/tcp/0",
            Self::Quic => "/ip4/0.0.0.0/udp/0/quic-v1",
        }
    }
}

/// A relay and bootstrap node with a public address, in no group. It is only a bootstrap node when the program has no
/// relay yet.
pub struct Meeting {
    pub home: Home,
    pub node: Option<Node>,
    pub is_relay: bool,
    features: Features,
    peer_id: String,
}

impl Meeting {
    /// Starts it with default limits.
    #[track_caller]
    pub fn up(lab: &Lab, features: Features) -> Self {
        let home = Home::new("Meeting point", &lab.meeting_point());
        let (ip, port) = MEETING;
        let (tcp, quic) = (format!("/tcp/{port}"), format!("/udp/{port}/quic-v1"));
        let mut args = vec!["--no-mdns".to_owned()];
        for end in [&tcp, &quic] {
            args.extend(["--listen".to_owned(), format!("/ip4/0.0.0.0{end}")]);
        }
        if features.roles {
            args.extend(["--role", "relay", "--role", "bootstrap"].map(String::from));
            for end in [&tcp, &quic] {
                args.extend(["--external-address".to_owned(), format!("/ip4/{ip}{end}")]);
            }
        }
        if features.no_upnp {
            args.push("--no-upnp".to_owned());
        }
        let node = home.up(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let peer_id = node.peer_id.clone();
        Self { home, node: Some(node), is_relay: features.roles, features, peer_id }
    }

    /// Its address for a member. Who has no UDP is told of TCP, whatever it listens by: a person would do the same.
    pub fn address(&self, kind: Kind, transport: Transport) -> String {
        let (ip, port) = MEETING;
        let peer = &self.peer_id;
        if transport == Transport::Quic && !kind.lacks_udp() {
            format!("/ip4/{ip}/udp/{port}/quic-v1/p2p/{peer}")
        } else {
            format!("/ip4/{ip}/tcp/{port}/p2p/{peer}")
        }
    }

    /// Options of `up` for a member that listens by one transport.
    pub fn member(&self, kind: Kind, transport: Transport) -> Vec<String> {
        let mut args = self.defaults(kind, transport);
        args.extend(["--no-mdns", "--listen", transport.listen()].map(String::from));
        if self.features.no_upnp {
            args.push("--no-upnp".to_owned());
        }
        args
    }

    /// Options of `up` for a member that leaves everything else at its default.
    pub fn defaults(&self, kind: Kind, transport: Transport) -> Vec<String> {
        let address = self.address(kind, transport);
        let mut args = vec!["--bootstrap".to_owned(), address.clone()];
        if self.is_relay && self.features.relay_option {
            args.extend(["--relay".to_owned(), address]);
        }
        args
    }
}

/// Starts a member's node with these options.
#[track_caller]
pub fn start(home: &Home, args: &[String]) -> Node {
    home.up(&args.iter().map(String::as_str).collect::<Vec<_>>())
}
