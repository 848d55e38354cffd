//! The demo: a whole group's life in half a minute, with real processes on loopback.
//!
//! Every node is a process of its own with a directory of its own; what is compared at the end are the views that each
//! process answers with. Nothing here knows more than a script could.

mod process;
mod story;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::config::Demo;
use super::run::{OK, Session, Status};
use crate::api::{Code, Error};
use crate::model::roadmap::Lang;

/// How the demo is told.
#[derive(Debug, Clone, Copy)]
struct Telling {
    /// The story goes to stderr, so that stdout has the one JSON object alone.
    json: bool,
    lang: Lang,
}

/// Runs the demo: exit status 1 when the nodes did not come to the same views.
pub fn run(session: &mut Session, args: &Demo) -> Status {
    let telling = Telling { json: session.global.json, lang: session.view.texts.lang };
    let dir = directory()?;
    let mut story = story::Story::new(telling, dir.clone());
    let told = story.tell();
    let result = match &told {
        Ok(outcome) => {
            story.say(&outcome.summary(telling.lang));
            if telling.json {
                session.out.line(&outcome.json().to_string());
                session.out.finish()?;
            }
            if outcome.converged && outcome.late_joiner_complete { Ok(OK) } else { Err(not_converged()) }
        }
        Err(error) => {
            if telling.json {
                session.out.line(&Outcome::default().json().to_string());
            }
            Err(error.clone())
        }
    };
    if result.is_ok() && !args.once {
        story.look_around();
        process::until_interrupted();
    }
    story.end();
    // What the demo made is the demo's to remove.
    let _ = std::fs::remove_dir_all(dir);
    result
}

/// What the demo found.
#[derive(Debug, Clone, Default)]
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
            (true, Lang::En) => {
                format!("All {nodes} nodes show the same views of {entries} entries, after {seconds:.1} s.")
            }
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
    let remedy =
        "see whether this machine is very busy, then run it again; if it happens twice, report it with the output";
    Error::new(Code::Failed, "the nodes of the demo did not come to the same views", remedy)
}
