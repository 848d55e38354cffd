//! What is about the program itself: `config`, `completions`, `man`, `demo`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::net;
use crate::config::Key;

/// Show or change the settings
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Show every setting and where its value comes from; takes the flags of `up`
    Show(net::Settings),
    /// Set a value in config.toml; comments stay
    Set(Set),
    /// Print where config.toml is
    Path,
}

#[derive(Debug, Args)]
pub struct Set {
    /// The setting; `config show` lists them
    #[arg(value_parser = PossibleValuesParser::new(Key::ALL.map(Key::as_str)))]
    pub key: String,
    /// The value; several, or commas between them, for listen and bootstrap
    #[arg(required_unless_present = "default")]
    pub value: Vec<String>,
    /// Take the key out, so that its default counts again
    #[arg(long, conflicts_with = "value")]
    pub default: bool,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Write one page per command into this directory [default: the main page on standard output]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// End by itself and clean up; exit status 1 when the nodes do not agree
    #[arg(long)]
    pub once: bool,
}
