//! `progress`.

use clap::{Args, Subcommand};

use super::value::State;
use crate::model::limits::MAX_MINUTES;

/// Say how far you are, see how far others are
#[derive(Debug, Subcommand)]
pub enum Progress {
    /// Say how far you are with a topic
    Set(Set),
    /// Show how far somebody is
    Show {
        /// Id, beginning of one, or name [default: you]
        person: Option<String>,
    },
    /// Show topics by members
    Group,
    /// List what was studied, and when
    History {
        /// Only this topic
        topic: Option<String>,
        /// Id, beginning of one, or name [default: you]
        #[arg(long)]
        person: Option<String>,
    },
    /// Import a progress file of roadmap.sh
    Import {
        /// The file, or - for standard input
        file: String,
    },
}

#[derive(Debug, Args)]
pub struct Set {
    /// Id, beginning of one, or title
    pub topic: String,
    /// How far you are
    #[arg(value_enum)]
    pub state: State,
    /// Where the work can be seen: a web address
    #[arg(long, value_name = "URL")]
    pub evidence: Option<String>,
    /// Minutes studied since the last time
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_MINUTES)))]
    pub minutes: u32,
    /// A remark
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}
