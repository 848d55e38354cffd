//! The settings of a node, resolved.

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
}

impl Default for Settings {
    fn default() -> Self {
        let listen = ["/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1"];
        Self { name: String::new(), listen: listen.map(String::from).to_vec(), bootstrap: vec![], mdns: true }
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
}

impl Key {
    /// Every setting, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Name, Self::Listen, Self::Bootstrap, Self::Mdns];

    /// The name in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Listen => "listen",
            Self::Bootstrap => "bootstrap",
            Self::Mdns => "mdns",
        }
    }

    /// The environment's variable.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Name => "STUDYMESH_NAME",
            Self::Listen => "STUDYMESH_LISTEN",
            Self::Bootstrap => "STUDYMESH_BOOTSTRAP",
            Self::Mdns => "STUDYMESH_MDNS",
        }
    }

    /// The flag of `studymesh up`.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Name => "--name",
            Self::Listen => "--listen",
            Self::Bootstrap => "--bootstrap",
            Self::Mdns => "--no-mdns",
        }
    }

    /// The setting of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}
