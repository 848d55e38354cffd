//! The demo: a whole group's life in half a minute, with real processes on loopback.
//!
//! Every node is a process of its own with a directory of its own; what is compared at the end are the views that each
//! process answers with. Nothing here knows more than a script could.

mod process;
mod story;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api::{Code, Error};
use crate::model::roadmap::Lang;

/// How the demo is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// End by itself and clean up.
    pub once: bool,
    /// The story goes to stderr, and the last line on stdout is one JSON object.
    pub json: bool,
    /// The language of the story.
    pub lang: Lang,
}

/// Runs the demo.
///
/// # Errors
/// When a process can not be started, or the nodes did not converge.
pub fn run(options: &Options) -> Result<(), Error> {
    let dir = directory()?;
    let mut story = story::Story::new(options, dir.clone());
    let told = story.tell();
    let result = match told {
        Ok(outcome) => {
            story.say(&outcome.summary(options.lang));
            if options.json {
                println!("{}", outcome.json());
            }
            if outcome.converged && outcome.late_joiner_complete { Ok(()) } else { Err(not_converged()) }
        }
        Err(error) => {
            if options.json {
                println!("{}", json!({ "v": 1, "nodes": 0, "entries": 0, "converged": false, "late_joiner_complete": false, "seconds": 0.0 }));
            }
            Err(error)
        }
    };
    if result.is_ok() && !options.once {
        story.look_around();
        process::until_interrupted();
    }
    story.end();
    // What the demo made is the demo's to remove.
    let _ = std::fs::remove_dir_all(dir);
    result
}

/// What the demo found.
#[derive(Debug, Clone)]
struct Outcome {
    nodes: usize,
    entries: u64,
    converged: bool,
    late_joiner_complete: bool,
    seconds: f64,
    fingerprint: String,
    views_digest: String,
}

impl Outcome {
    fn json(&self) -> Value {
        json!({
            "v": 1, "nodes": self.nodes, "entries": self.entries, "converged": self.converged,
            "late_joiner_complete": self.late_joiner_complete, "seconds": self.seconds,
            "fingerprint": self.fingerprint, "views_digest": self.views_digest,
        })
    }

    fn summary(&self, lang: Lang) -> String {
        let (nodes, entries, seconds) = (self.nodes, self.entries, self.seconds);
        match (self.converged, lang) {
            (true, Lang::En) => format!("All {nodes} nodes show the same views of {entries} entries, after {seconds:.1} s."),
            (true, Lang::Zh) => format!("全部 {nodes} 个节点的视图一致，共 {entries} 条记录，用时 {seconds:.1} 秒。"),
            (false, Lang::En) => format!("The {nodes} nodes do NOT agree after {seconds:.1} s."),
            (false, Lang::Zh) => format!("{nodes} 个节点在 {seconds:.1} 秒后仍不一致。"),
        }
    }
}

fn directory() -> Result<PathBuf, Error> {
    let dir = std::env::temp_dir().join(format!("studymesh-demo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| {
        let message = format!("{} can not be made: {error}", dir.display());
        Error::new(Code::Failed, message, "set TMPDIR to a directory that can be written")
    })?;
    Ok(dir)
}

fn not_converged() -> Error {
    let remedy = "see whether this machine is very busy, then run it again; if it happens twice, report it with the output";
    Error::new(Code::Failed, "the nodes of the demo did not come to the same views", remedy)
}
