//! The node and its network: `up`, `name`, `search`, `peers`, `ping`, `sync`, `db`, `events`.

use clap::{Args, Subcommand};

use super::value;
use crate::config::Flags;

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
}

impl Settings {
    /// As the settings take them.
    pub fn flags(&self) -> Flags {
        Flags {
            name: self.name.clone(),
            listen: self.listen.clone(),
            bootstrap: self.bootstrap.clone(),
            no_mdns: self.no_mdns,
        }
    }
}

#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub settings: Settings,
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
}

/// See what is held and what is missing, or wait until nothing is
#[derive(Debug, Subcommand)]
pub enum Sync {
    /// Say what this node has and lacks, and how members compare
    Status,
    /// Wait until fresh exchanges find connected members equal and nothing missing
    Wait(Wait),
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
