//! `backup` and `key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Keep a node in one sealed file, and bring it back
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Write keys, groups, settings and all entries into a file that a passphrase opens
    Create(Create),
    /// Make a node's directory from a backup; it must be empty or not there (see --home)
    Restore(Restore),
    /// Read a backup from end to end and say what is in it
    Inspect(Inspect),
}

#[derive(Debug, Args)]
pub struct Create {
    /// The file to write
    pub file: PathBuf,
    /// Leave the entries out: the file is small, and the members have to bring them back
    #[arg(long)]
    pub keys_only: bool,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    pub file: PathBuf,
    /// The original is gone for good: keep its peer id, which addresses and tickets name
    #[arg(long)]
    pub keep_peer_id: bool,
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// The backup
    pub file: PathBuf,
}

/// Carry this node's network key to another machine, or protect it
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Write the key into a text file that a passphrase opens
    Export(Export),
    /// Make the key of a file the key of a directory that has none
    Import(Import),
    /// Say whether a passphrase protects the key on this disk, set or remove one
    #[command(subcommand)]
    Passphrase(KeyPassphrase),
}

#[derive(Debug, Args)]
pub struct Export {
    /// The file to write
    pub file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The file
    pub file: PathBuf,
}

/// A passphrase on the key
#[derive(Debug, Subcommand)]
pub enum KeyPassphrase {
    /// Say whether there is one
    Show,
    /// Set one, or change it
    Set(Set),
    /// Store the key in plain again
    Remove,
}

#[derive(Debug, Args)]
pub struct Set {
    /// A file with the new passphrase; --passphrase-file has the present one, if there is one
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}
