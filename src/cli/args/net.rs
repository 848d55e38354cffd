//! The node and its network: `up`, `name`, `search`, `peers`, `ping`, `sync`, `db`, `events`.

use clap::{Args, Subcommand};

use super::value;
use crate::config::{Flags, Key};

/// Settings of a node.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// An address to listen on (repeatable) [env: STUDYMESH_LISTEN]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
    /// A peer to ask first, with /p2p/PEER at its end (repeatable) [env: STUDYMESH_BOOTSTRAP]
    #[arg(long, value_name = "MULTIADDR")]
    bootstrap: Vec<String>,
    /// Do not look for peers on the local network [env: STUDYMESH_MDNS=0]
    #[arg(long)]
    no_mdns: bool,
    /// Your name, as your groups see it [env: STUDYMESH_NAME]
    #[arg(long)]
    name: Option<String>,
    /// What the node does for others: learner, relay, bootstrap, keeper (repeatable) [env: STUDYMESH_ROLE]
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// Where others reach this node, when it can not find out (repeatable) [env: STUDYMESH_EXTERNAL_ADDRESS]
    #[arg(long, value_name = "MULTIADDR")]
    external_address: Vec<String>,
    /// A relay to use, with /p2p/PEER at its end (repeatable) [env: STUDYMESH_RELAY]
    #[arg(long, value_name = "MULTIADDR")]
    relay: Vec<String>,
    /// Do not ask the router for an open port [env: STUDYMESH_UPNP=0]
    #[arg(long)]
    no_upnp: bool,
    /// Where the web page is served: an address with a port, or off [env: STUDYMESH_WEB]
    #[arg(long, value_name = "ADDRESS|off")]
    web: Option<String>,
    /// Most connections [env: STUDYMESH_MAX_CONNECTIONS]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    max_connections: Option<u64>,
    /// As a relay: most peers that hold a reservation [env: STUDYMESH_RELAY_RESERVATIONS]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    relay_reservations: Option<u64>,
    /// As a relay: most circuits at a time [env: STUDYMESH_RELAY_CIRCUITS]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    relay_circuits: Option<u64>,
    /// As a relay: most bytes of a circuit in each direction [env: STUDYMESH_RELAY_CIRCUIT_BYTES]
    #[arg(long, value_name = "BYTES", help_heading = "Limits")]
    relay_circuit_bytes: Option<u64>,
    /// As a relay: most seconds of a circuit [env: STUDYMESH_RELAY_CIRCUIT_SECONDS]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    relay_circuit_seconds: Option<u64>,
}

impl Settings {
    /// As the settings take them.
    pub fn flags(&self) -> Flags {
        let numbers = [
            (Key::MaxConnections, self.max_connections),
            (Key::RelayReservations, self.relay_reservations),
            (Key::RelayCircuits, self.relay_circuits),
            (Key::RelayCircuitBytes, self.relay_circuit_bytes),
            (Key::RelayCircuitSeconds, self.relay_circuit_seconds),
        ];
        Flags {
            role: self.role.clone(),
            external_address: self.external_address.clone(),
            relay: self.relay.clone(),
            no_upnp: self.no_upnp,
            numbers: numbers.into_iter().filter_map(|(key, number)| Some((key, number?))).collect(),
            name: self.name.clone(),
            listen: self.listen.clone(),
            bootstrap: self.bootstrap.clone(),
            no_mdns: self.no_mdns,
            web: self.web.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub settings: Settings,
    /// Run in the background: return once the node is ready; `stop` ends it
    #[arg(long, short)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct Name {
    /// The new name: 1 to 64 characters
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Search {
    /// Words, in any language
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,
    /// How many results at most, 1 to 200
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub limit: u16,
}

#[derive(Debug, Args)]
pub struct Peers {
    /// Also members that are not connected now
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Ping {
    /// Peer id, beginning of one, or a member's name
    pub peer: String,
    /// Seconds to try
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds, default_value = "10")]
    pub timeout: u64,
    /// Go on until the connection is direct; exit status 6 when it stays relayed
    #[arg(long)]
    pub until_direct: bool,
}

/// See what is held and what is missing, or wait until nothing is
#[derive(Debug, Subcommand)]
pub enum Sync {
    /// Say what this node has and lacks, and how members compare
    Status,
    /// Wait until fresh exchanges find connected members equal and nothing missing
    Wait(Wait),
    /// List the entries that nobody else is known to hold
    OnlyHere,
}

#[derive(Debug, Args)]
pub struct Wait {
    /// How many members [default: all that are connected, at least one]
    #[arg(long, value_name = "N")]
    pub peers: Option<usize>,
    /// Until the group's fingerprint is this
    #[arg(long, value_name = "HEX")]
    pub fingerprint: Option<String>,
    /// Seconds to wait; then exit status 6
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds, default_value = "60")]
    pub timeout: u64,
}

/// Compare, rebuild or check the store
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Print digests that two nodes can compare
    Digest,
    /// Fold all views anew from the entries
    Rebuild,
    /// Check the database and every hash chain
    Check,
}

#[derive(Debug, Args)]
pub struct Events {
    /// Stay and print what happens, one line each; needs a running node
    #[arg(long, short)]
    pub follow: bool,
    /// Only events after this id
    #[arg(long, value_name = "ID")]
    pub since: Option<u64>,
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    #[arg(conflicts_with = "follow")]
    pub limit: u16,
}
