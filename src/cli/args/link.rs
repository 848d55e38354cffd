//! `link`.

use clap::{ArgGroup, Args, Subcommand};

use super::note::Tags;
use super::tags;

/// Collect links, vote for them, mark them read
#[derive(Debug, Subcommand)]
pub enum Link {
    /// Add a web page; the same page added twice is one link
    Add(Add),
    /// List links, most votes first
    List {
        /// Only with this tag
        #[arg(long)]
        tag: Option<String>,
        /// Only this topic's
        #[arg(long)]
        topic: Option<String>,
        /// Only those that you have not read
        #[arg(long)]
        unread: bool,
        /// Removed ones instead
        #[arg(long)]
        removed: bool,
    },
    /// Add and take away tags: link tag LINK +go -draft
    Tag(Tag),
    /// Change title, topic or tags
    Edit(Edit),
    /// Vote for a link: one vote per person
    Vote(Toggle),
    /// Mark a link as read
    Read(Toggle),
    /// Remove a link for everybody; --undo brings it back
    Remove(Toggle),
}

#[derive(Debug, Args)]
pub struct Add {
    /// The address; http or https
    pub url: String,
    /// At most 200 characters
    #[arg(long, default_value = "")]
    pub title: String,
    /// A tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// The topic that it belongs to
    #[arg(long)]
    pub topic: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("tag-change").required(true).multiple(true).args(["signed", "add", "remove"])))]
pub struct Tag {
    /// Id, beginning of one, or address
    pub link: String,
    /// +x or x adds a tag, -x takes it away
    #[arg(value_name = "+TAG|-TAG")]
    signed: Vec<String>,
    /// Add a tag (repeatable)
    #[arg(long, value_name = "TAG")]
    add: Vec<String>,
    /// Take a tag away (repeatable)
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,
}

impl Tag {
    /// Tags to add, tags to take away.
    pub fn change(&self) -> tags::Change {
        tags::change(&self.signed, &self.add, &self.remove)
    }
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("link-change").required(true).multiple(true).args(["title", "topic", "signed", "add", "remove"])))]
pub struct Edit {
    /// Id, beginning of one, or address
    pub link: String,
    /// A new title
    #[arg(long)]
    pub title: Option<String>,
    /// The topic that it belongs to; empty for none
    #[arg(long)]
    pub topic: Option<String>,
    #[command(flatten)]
    pub tags: Tags,
}

#[derive(Debug, Args)]
pub struct Toggle {
    /// Id, beginning of one, or address
    pub link: String,
    /// Take it back
    #[arg(long)]
    pub undo: bool,
}
