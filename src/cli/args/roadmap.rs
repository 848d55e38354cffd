//! `roadmap`.

use clap::{ArgGroup, Args, Subcommand};

use super::value::{self, Format};

/// See and edit what the group studies
#[derive(Debug, Subcommand)]
pub enum Roadmap {
    /// List roadmaps: the group's and the built-in ones
    List,
    /// Show a roadmap's topics, and how far you are
    Show {
        /// Id or title
        roadmap: String,
    },
    /// Add a built-in roadmap to the group
    Add {
        /// Its id, such as cloud-native-path
        roadmap: String,
    },
    /// Import a roadmap: our TOML, a Markdown outline, or the React Flow JSON of roadmap.sh
    Import {
        /// The file, or - for standard input
        file: String,
    },
    /// Edit a roadmap; nobody's progress is lost
    Edit(Edit),
    /// Print a roadmap as a file that `edit` and `import` read
    Export {
        /// Id or title
        roadmap: String,
        /// The form
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a roadmap off the list; everybody's progress stays
    Remove {
        /// Id or title
        roadmap: String,
    },
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("roadmap-change").required(true).multiple(true).args(["file", "remove", "rename"])))]
pub struct Edit {
    /// Id or title
    pub roadmap: String,
    /// The edited file, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<String>,
    /// Remove a topic (repeatable)
    #[arg(long, value_name = "TOPIC")]
    pub remove: Vec<String>,
    /// Give a topic another title (repeatable)
    #[arg(long, value_name = "ID=TITLE", value_parser = value::rename)]
    pub rename: Vec<(String, String)>,
}
