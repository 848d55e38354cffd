//! `member`, `requests`, `keeper`: who belongs to a closed group.

use clap::{Args, Subcommand};

use super::value::{self, Expiry, GivenRole};

/// See who belongs, give roles, remove, mute
#[derive(Debug, Subcommand)]
pub enum Member {
    /// List the members with their roles and devices
    List,
    /// Let somebody in who asks, as with `requests accept`
    Add(Accept),
    /// Remove somebody, or leave the group yourself: keys are changed with the same act
    Remove(Remove),
    /// Give somebody another role; owner hands the group over
    Role {
        /// Id, beginning of one, or name
        member: String,
        /// keeper, reader, member, admin or owner
        #[arg(value_enum, hide_possible_values = true)]
        role: GivenRole,
    },
    /// Hide what somebody writes, on this node only
    Mute {
        /// Id, beginning of one, or name
        member: String,
        /// Show it again
        #[arg(long)]
        undo: bool,
    },
}

#[derive(Debug, Args)]
pub struct Remove {
    /// Id, beginning of one, or name
    pub member: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Accept {
    /// Id, beginning of one, or the name that they give
    pub person: String,
    /// As what: keeper, reader, member or admin [default: what the invite says]
    #[arg(long, value_enum, value_name = "ROLE", hide_possible_values = true)]
    pub role: Option<GivenRole>,
}

/// See who asks to be let in, accept or refuse
#[derive(Debug, Subcommand)]
pub enum Requests {
    /// List who asks
    List,
    /// Let somebody in
    Accept(Accept),
    /// Turn somebody down
    Refuse {
        /// Id, beginning of one, or the name that they give
        person: String,
    },
}

/// Always-on nodes that store and serve the group without being able to read it
#[derive(Debug, Subcommand)]
pub enum Keeper {
    /// Make a ticket for a keeper: run `join TICKET` and `up --role keeper` there
    Add(AddKeeper),
    /// List the keepers
    List,
    /// Withdraw a keeper's right
    Remove(Remove),
}

#[derive(Debug, Args)]
pub struct AddKeeper {
    /// Hours until the ticket stops working, or never [default: a week]
    #[arg(long, value_name = "HOURS", value_parser = value::expiry)]
    pub expires: Option<Expiry>,
    /// How many keepers it lets in; 0 or unlimited for any number [default: 1]
    #[arg(long, value_name = "N", value_parser = value::uses)]
    pub uses: Option<u32>,
    /// Leave addresses out: the keeper finds the group by mDNS or the DHT
    #[arg(long)]
    pub no_addresses: bool,
}
