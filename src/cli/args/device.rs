//! `device`: the devices of one person.

use clap::{Args, Subcommand};

use super::value;

/// Use several devices as one person: link, list, name, remove them
#[derive(Debug, Subcommand)]
pub enum Device {
    /// Show a code that links a new device, and wait for it
    Link {
        /// Seconds that the code is good, at most 600
        #[arg(long, value_name = "SECONDS", value_parser = value::seconds, default_value = "600")]
        timeout: u64,
    },
    /// On the new device: type the code that the old one shows
    Join(Join),
    /// List your devices
    List,
    /// Say what a device is called
    Rename {
        /// The new name
        name: String,
        /// Which device: its name, or a part of its peer id [default: this one]
        #[arg(long, value_name = "DEVICE")]
        device: Option<String>,
    },
    /// Remove a lost device from all groups, or from the one that -g names
    Remove(Remove),
}

#[derive(Debug, Args)]
pub struct Join {
    /// The code, like 4821-7093-5518; blanks instead of hyphens will do
    #[arg(required = true, num_args = 1..=3)]
    pub code: Vec<String>,
    /// An address of the old device; with /p2p/PEER at its end only that one is asked
    #[arg(long, value_name = "MULTIADDR")]
    pub at: Option<String>,
    /// Seconds to look for the old device
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds, default_value = "60")]
    pub timeout: u64,
}

#[derive(Debug, Args)]
pub struct Remove {
    /// Which device: its name, a part of its peer id, or a log id
    pub device: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}
