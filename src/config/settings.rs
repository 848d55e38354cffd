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
