//! `group`, `invite`, `join`, `ticket`.

use clap::{Args, Subcommand};

use super::value::{self, Expiry, GivenRole};

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
    /// See entries that do not count, or let them count
    Quarantine {
        #[command(subcommand)]
        what: Option<Quarantine>,
    },
    /// Begin a new key epoch: what is written from then on is under a fresh key
    Rotate,
    /// Hide a note or a link for everybody
    Hide {
        /// Id, beginning of one, title or URL
        what: String,
        /// Show it again
        #[arg(long)]
        undo: bool,
    },
    /// Show or set how much each member's log may hold
    Limits {
        /// Most entries; 0 for any number
        #[arg(long, value_name = "N")]
        entries: Option<u64>,
        /// Most bytes of all bodies; 0 for any number
        #[arg(long, value_name = "N")]
        bytes: Option<u64>,
    },
    /// Forget the group and its entries on this node
    Leave(Leave),
}

/// What to do about entries that do not count
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List them
    List,
    /// Let them count
    Admit {
        /// Ids, or beginnings of them
        #[arg(required_unless_present = "all")]
        entries: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "entries")]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub struct Create {
    /// 1 to 64 characters
    pub name: String,
    /// Whoever gets hold of a ticket is a member
    #[arg(long, conflicts_with = "closed")]
    pub open: bool,
    /// Members are let in by invites [default]
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
    /// Leave even when entries are known to be on this node only, or the group stays without its owner
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Invite {
    #[command(subcommand)]
    pub what: Option<Invites>,
    /// Hours until the ticket stops working, or never [default: a week; never in an open group]
    #[arg(long, value_name = "HOURS", value_parser = value::expiry)]
    pub expires: Option<Expiry>,
    /// What it makes of people: member, reader or admin [default: member]
    #[arg(long, value_enum, value_name = "ROLE", hide_possible_values = true)]
    pub role: Option<GivenRole>,
    /// How many people it lets in; 0 or unlimited for any number [default: 1]
    #[arg(long, value_name = "N", value_parser = value::uses)]
    pub uses: Option<u32>,
    /// An admin has to accept each request
    #[arg(long)]
    pub approve: bool,
    /// Leave addresses out: the other one finds the group by mDNS or the DHT
    #[arg(long)]
    pub no_addresses: bool,
}

/// What to do about invites
#[derive(Debug, Subcommand)]
pub enum Invites {
    /// List the invites
    List,
    /// Take an invite back
    Revoke {
        /// Id, or the beginning of one
        invite: String,
    },
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
