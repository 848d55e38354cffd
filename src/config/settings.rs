//! The settings of a node, resolved.

use std::net::{Ipv4Addr, SocketAddr};

/// What a node does for others, beside taking part in its own groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// Carries encrypted circuits between peers that can not reach each other.
    pub relay: bool,
    /// Answers questions of the DHT from the first moment, for newcomers who know nobody else.
    pub bootstrap: bool,
    /// Stores and serves groups that let it in as their keeper; it is told when it could read one.
    pub keeper: bool,
}

impl Roles {
    /// The words that name roles. `learner` is what every node is.
    pub const WORDS: [&str; 4] = ["learner", "relay", "bootstrap", "keeper"];

    /// From words; `None` when there is an unknown one.
    #[must_use]
    pub fn parse<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        words.into_iter().try_fold(Self::default(), |roles, word| match word {
            "learner" => Some(roles),
            "relay" => Some(Self { relay: true, ..roles }),
            "bootstrap" => Some(Self { bootstrap: true, ..roles }),
            "keeper" => Some(Self { keeper: true, ..roles }),
            _ => None,
        })
    }

    /// As words, `learner` first.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let mut words = vec!["learner"];
        words.extend(self.relay.then_some("relay"));
        words.extend(self.bootstrap.then_some("bootstrap"));
        words.extend(self.keeper.then_some("keeper"));
        words
    }
}

/// How much a node gives to others and takes of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most established connections: 16 to 65,535.
    pub connections: u64,
    /// As a relay: most peers that hold a reservation, 1 to 65,535.
    pub relay_reservations: u64,
    /// As a relay: most circuits at a time, 1 to 65,535.
    pub relay_circuits: u64,
    /// As a relay: most bytes that one circuit carries in each direction, 1,024 to 2^40.
    pub relay_circuit_bytes: u64,
    /// As a relay: most seconds that one circuit lives, 1 to 86,400.
    pub relay_circuit_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            relay_reservations: 128,
            relay_circuits: 16,
            relay_circuit_bytes: 128 * 1024,
            relay_circuit_seconds: 120,
        }
    }
}

/// The settings of a node, resolved: flag over environment over file over default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The person's name; empty when none was given yet.
    pub name: String,
    /// Multiaddrs to listen on.
    pub listen: Vec<String>,
    /// Multiaddrs of peers to ask first, each ending in `/p2p/PEER`.
    pub bootstrap: Vec<String>,
    /// Whether to look for peers on the local network.
    pub mdns: bool,
    /// What the node does for others.
    pub roles: Roles,
    /// Multiaddrs at which others reach this node, where it can not find out by itself.
    pub external: Vec<String>,
    /// Multiaddrs of relays to use, each ending in `/p2p/PEER`.
    pub relays: Vec<String>,
    /// Whether to ask the router for an open port.
    pub upnp: bool,
    /// How much it gives and takes.
    pub limits: Limits,
    /// Where the web page is served; none: nowhere. Port 0: the one of last time, or any free one.
    pub web: Option<SocketAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        let listen = ["/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1"];
        Self {
            name: String::new(),
            listen: listen.map(String::from).to_vec(),
            bootstrap: vec![],
            mdns: true,
            roles: Roles::default(),
            external: vec![],
            relays: vec![],
            upnp: true,
            limits: Limits::default(),
            web: Some((Ipv4Addr::LOCALHOST, 0).into()),
        }
    }
}

/// The name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// [`Settings::name`].
    Name,
    /// [`Settings::listen`].
    Listen,
    /// [`Settings::bootstrap`].
    Bootstrap,
    /// [`Settings::mdns`].
    Mdns,
    /// [`Settings::roles`].
    Role,
    /// [`Settings::external`].
    ExternalAddress,
    /// [`Settings::relays`].
    Relay,
    /// [`Settings::upnp`].
    Upnp,
    /// [`Limits::connections`].
    MaxConnections,
    /// [`Limits::relay_reservations`].
    RelayReservations,
    /// [`Limits::relay_circuits`].
    RelayCircuits,
    /// [`Limits::relay_circuit_bytes`].
    RelayCircuitBytes,
    /// [`Limits::relay_circuit_seconds`].
    RelayCircuitSeconds,
    /// [`Settings::web`].
    Web,
}

/// What a setting's values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// Addresses.
    Addresses,
    /// Words out of [`Roles::WORDS`].
    Roles,
    /// Yes or no.
    Flag,
    /// A whole number between these, both included.
    Number(u64, u64),
    /// An IP address with a port, or `off`.
    Socket,
}

impl Key {
    /// Every setting, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Name,
        Self::Listen,
        Self::Bootstrap,
        Self::Mdns,
        Self::Role,
        Self::ExternalAddress,
        Self::Relay,
        Self::Upnp,
        Self::MaxConnections,
        Self::RelayReservations,
        Self::RelayCircuits,
        Self::RelayCircuitBytes,
        Self::RelayCircuitSeconds,
        Self::Web,
    ];

    /// The name in the file, the environment's variable, the flag of `studymesh up`, and the shape.
    fn row(self) -> (&'static str, &'static str, &'static str, Shape) {
        match self {
            Self::Name => ("name", "STUDYMESH_NAME", "--name", Shape::Text),
            Self::Listen => ("listen", "STUDYMESH_LISTEN", "--listen", Shape::Addresses),
            Self::Bootstrap => ("bootstrap", "STUDYMESH_BOOTSTRAP", "--bootstrap", Shape::Addresses),
            Self::Mdns => ("mdns", "STUDYMESH_MDNS", "--no-mdns", Shape::Flag),
            Self::Role => ("role", "STUDYMESH_ROLE", "--role", Shape::Roles),
            Self::ExternalAddress => {
                ("external_address", "STUDYMESH_EXTERNAL_ADDRESS", "--external-address", Shape::Addresses)
            }
            Self::Relay => ("relay", "STUDYMESH_RELAY", "--relay", Shape::Addresses),
            Self::Upnp => ("upnp", "STUDYMESH_UPNP", "--no-upnp", Shape::Flag),
            Self::MaxConnections => {
                ("max_connections", "STUDYMESH_MAX_CONNECTIONS", "--max-connections", Shape::Number(16, 65_535))
            }
            Self::RelayReservations => {
                ("relay_reservations", "STUDYMESH_RELAY_RESERVATIONS", "--relay-reservations", Shape::Number(1, 65_535))
            }
            Self::RelayCircuits => {
                ("relay_circuits", "STUDYMESH_RELAY_CIRCUITS", "--relay-circuits", Shape::Number(1, 65_535))
            }
            Self::RelayCircuitBytes => (
                "relay_circuit_bytes",
                "STUDYMESH_RELAY_CIRCUIT_BYTES",
                "--relay-circuit-bytes",
                Shape::Number(1_024, 1 << 40),
            ),
            Self::RelayCircuitSeconds => (
                "relay_circuit_seconds",
                "STUDYMESH_RELAY_CIRCUIT_SECONDS",
                "--relay-circuit-seconds",
                Shape::Number(1, 86_400),
            ),
            Self::Web => ("web", "STUDYMESH_WEB", "--web", Shape::Socket),
        }
    }

    /// The name in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The environment's variable.
    #[must_use]
    pub fn variable(self) -> &'static str {
        self.row().1
    }

    /// The flag of `studymesh up`.
    #[must_use]
    pub fn flag(self) -> &'static str {
        self.row().2
    }

    /// What its values look like.
    #[must_use]
    pub fn shape(self) -> Shape {
        self.row().3
    }

    /// The setting of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}

impl Settings {
    /// The number that a setting of the shape [`Shape::Number`] has.
    pub(super) fn number(&mut self, key: Key) -> Option<&mut u64> {
        match key {
            Key::MaxConnections => Some(&mut self.limits.connections),
            Key::RelayReservations => Some(&mut self.limits.relay_reservations),
            Key::RelayCircuits => Some(&mut self.limits.relay_circuits),
            Key::RelayCircuitBytes => Some(&mut self.limits.relay_circuit_bytes),
            Key::RelayCircuitSeconds => Some(&mut self.limits.relay_circuit_seconds),
            _ => None,
        }
    }

    /// A setting's value as JSON.
    #[must_use]
    pub fn value(&self, key: Key) -> serde_json::Value {
        use serde_json::json;
        match key {
            Key::Name => json!(self.name),
            Key::Listen => json!(self.listen),
            Key::Bootstrap => json!(self.bootstrap),
            Key::Mdns => json!(self.mdns),
            Key::Role => json!(self.roles.words()),
            Key::ExternalAddress => json!(self.external),
            Key::Relay => json!(self.relays),
            Key::Upnp => json!(self.upnp),
            Key::MaxConnections => json!(self.limits.connections),
            Key::RelayReservations => json!(self.limits.relay_reservations),
            Key::RelayCircuits => json!(self.limits.relay_circuits),
            Key::RelayCircuitBytes => json!(self.limits.relay_circuit_bytes),
            Key::RelayCircuitSeconds => json!(self.limits.relay_circuit_seconds),
            Key::Web => json!(self.web.map_or_else(|| "off".to_owned(), |at| at.to_string())),
        }
    }
}
