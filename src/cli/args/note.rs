//! `note`.

use clap::{Args, Subcommand};

use super::tags;

/// Write, edit, list and restore notes
#[derive(Debug, Subcommand)]
pub enum Note {
    /// Write a note: from --file, --text, or in your editor
    New(New),
    /// Edit a note: from --file, --text, or in your editor; edits that came meanwhile are merged
    Edit(Edit),
    /// Print a note's text, byte for byte
    Show {
        /// Id, beginning of one, or title
        note: String,
        /// A version: its number or an entry id
        #[arg(long, value_name = "V")]
        version: Option<String>,
    },
    /// List notes, latest first
    List {
        /// Only this topic's
        #[arg(long)]
        topic: Option<String>,
        /// Only with this tag
        #[arg(long)]
        tag: Option<String>,
        /// Deleted ones instead
        #[arg(long)]
        deleted: bool,
    },
    /// List who changed a note, and when
    History {
        /// Id, beginning of one, or title
        note: String,
    },
    /// Bring a deleted note back, or make an earlier version the present one
    Restore {
        /// Id, beginning of one, or title
        note: String,
        /// A version: its number or an entry id
        #[arg(long, value_name = "V")]
        version: Option<String>,
    },
    /// Delete a note; its history stays, and `restore` brings it back
    Delete {
        /// Id, beginning of one, or title
        note: String,
    },
}

/// Where a text comes from.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Text {
    /// A Markdown file in UTF-8, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<String>,
    /// The text itself
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub text: Option<String>,
}

#[derive(Debug, Args)]
pub struct New {
    /// At most 200 characters
    #[arg(long)]
    pub title: String,
    #[command(flatten)]
    pub text: Text,
    /// The topic that it belongs to
    #[arg(long)]
    pub topic: Option<String>,
    /// A tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Edit {
    /// Id, beginning of one, or title
    pub note: String,
    #[command(flatten)]
    pub text: Text,
    /// The version that the new text was made from, as `heads` of `note show --json` has it (repeatable) [default: the
    /// present one]
    #[arg(long, value_name = "ENTRY", value_delimiter = ',')]
    pub base: Vec<String>,
    /// A new title
    #[arg(long)]
    pub title: Option<String>,
    /// The topic that it belongs to; empty for none
    #[arg(long)]
    pub topic: Option<String>,
    #[command(flatten)]
    pub tags: Tags,
}

/// Tags to add and to take away.
#[derive(Debug, Args)]
pub struct Tags {
    /// +x adds a tag, -x takes it away (repeatable)
    #[arg(long = "tag", value_name = "+TAG|-TAG", allow_hyphen_values = true, value_parser = tags::signed)]
    signed: Vec<String>,
    /// Add a tag (repeatable)
    #[arg(long = "add-tag", value_name = "TAG")]
    add: Vec<String>,
    /// Take a tag away (repeatable)
    #[arg(long = "remove-tag", value_name = "TAG")]
    remove: Vec<String>,
}

impl Tags {
    /// Tags to add, tags to take away.
    pub fn change(&self) -> tags::Change {
        tags::change(&self.signed, &self.add, &self.remove)
    }
}

impl Edit {
    /// Whether anything but the text is to change.
    pub fn sets_something(&self) -> bool {
        let (add, remove) = self.tags.change();
        self.title.is_some() || self.topic.is_some() || !add.is_empty() || !remove.is_empty()
    }
}
