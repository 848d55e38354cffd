//! `bundle`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Carry entries by hand, on a stick for instance, where no network goes
#[derive(Debug, Subcommand)]
pub enum Bundle {
    /// Write the group's entries into a file that only members can open
    Export(Export),
    /// Take in what a bundle brings; it finds its group by itself
    Import(Import),
    /// Write what this node holds into a small file, so that the other side exports only the rest
    Have(Have),
}

#[derive(Debug, Args)]
pub struct Export {
    /// The file to write
    pub file: PathBuf,
    /// Only what the other side lacks, as its have file says
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    pub have: Option<PathBuf>,
    /// Everything [this is the default]
    #[arg(long)]
    pub all: bool,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The bundle
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Have {
    /// The file to write
    pub file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}
