//! `group`, `invite`, `join`, `ticket`.

use clap::{Args, Subcommand};

use super::value::{self, Expiry};

/// Found, list, show, rename or leave study groups
#[derive(Debug, Subcommand)]
pub enum Group {
    /// Found a group
    Create(Create),
    /// List your groups
    List,
    /// Show a group with its members
    Show(Which),
    /// Give the group another name
    Rename {
        /// The new name: 1 to 64 characters
        name: String,
    },
    /// Forget the group and its entries on this node
    Leave(Leave),
}

#[derive(Debug, Args)]
pub struct Create {
    /// 1 to 64 characters
    pub name: String,
    /// Whoever holds a ticket is a member [default]
    #[arg(long, conflicts_with = "closed")]
    pub open: bool,
    /// Members are admitted one by one
    #[arg(long)]
    pub closed: bool,
    /// A built-in roadmap to begin with, such as cloud-native-path
    #[arg(long, value_name = "ID")]
    pub roadmap: Option<String>,
}

#[derive(Debug, Args)]
pub struct Which {
    /// The group, as with -g
    #[arg(value_name = "GROUP")]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Leave {
    #[command(flatten)]
    pub which: Which,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Invite {
    /// Hours until the ticket stops working, or never
    #[arg(long, value_name = "HOURS", value_parser = value::expiry, default_value = "never")]
    pub expires: Expiry,
    /// Leave addresses out: the other one finds the group by mDNS or the DHT
    #[arg(long)]
    pub no_addresses: bool,
}

#[derive(Debug, Args)]
pub struct Join {
    /// The ticket, or - to read it from standard input
    pub ticket: String,
    /// Seconds to wait until everything is here; then exit status 6 when it is not [default: 5, without that status]
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub wait: Option<u64>,
}

/// Look into a ticket
#[derive(Debug, Subcommand)]
pub enum Ticket {
    /// Say what is in a ticket, and whether it still works
    Inspect {
        /// The ticket, or - to read it from standard input
        ticket: String,
    },
}
