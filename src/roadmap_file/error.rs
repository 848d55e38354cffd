//! Why a file is no roadmap.

use super::MAX_BYTES;
use crate::model::link::LinkError;
use crate::model::roadmap::{Invalid, MAX_ID};

/// Why a file cannot be imported. Each message has cause and remedy; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Over [`MAX_BYTES`].
    #[error("the file has {bytes} bytes, more than {MAX_BYTES}; split the roadmap into several files")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("line {line} is not UTF-8 text; save the file as UTF-8, or choose a text file")]
    NotText {
        /// Where.
        line: usize,
    },
    /// Nothing in it.
    #[error("the file is empty; choose a file with at least one topic")]
    Empty,
    /// No topic in it.
    #[error("the file has no topic; write topics as list items (\"- Topic\") in Markdown, or as [[topic]] in TOML")]
    NoTopic,
    /// Not the TOML that we define.
    #[error("line {line}: {cause}; correct that line (docs/roadmap-format.md lists the fields)")]
    Toml {
        /// Where.
        line: usize,
        /// What the parser found.
        cause: String,
    },
    /// A later version of our TOML.
    #[error("the file has format {found}, and this program reads format 1; update the program")]
    NewerFormat {
        /// The format found.
        found: u32,
    },
    /// Not JSON.
    #[error("line {line}, column {column}: this is not valid JSON ({cause}); download the file again, whole")]
    Json {
        /// Where.
        line: usize,
        /// Where in the line, counted from 1.
        column: usize,
        /// What the parser found.
        cause: String,
    },
    /// JSON, but neither a canvas nor progress.
    #[error(
        "this JSON has no \"nodes\" list, so it is not a React Flow roadmap; export the roadmap's own JSON, or write an \
         outline in Markdown"
    )]
    UnknownJson,
    /// The former format of roadmap.sh.
    #[error(
        "this is the older Balsamiq form of a roadmap ({{\"mockup\": ...}}), which holds drawings rather than topics; \
         get the newer form with \"nodes\" and \"edges\", or write an outline in Markdown"
    )]
    Balsamiq,
    /// Progress where a roadmap was expected.
    #[error("this is a progress file (done, learning, skipped), not a roadmap; import it as progress")]
    ProgressNotRoadmap,
    /// Something else where progress was expected.
    #[error(
        "this JSON has none of the lists \"done\", \"learning\" and \"skipped\", so it is no progress file; export your progress again"
    )]
    NotProgress,
    /// A list over its limit.
    #[error("the file has {found} {what}, more than {max}; split the roadmap into several files")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many were found; counting may have ended there.
        found: usize,
        /// How many are read.
        max: usize,
    },
    /// A line over its limit.
    #[error("line {line} has {bytes} bytes, more than {max}; break it")]
    LongLine {
        /// Where.
        line: usize,
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A code block without end.
    #[error("the code block that begins at line {line} never ends, so the rest of the file would be lost; close it")]
    OpenFence {
        /// Where it begins.
        line: usize,
    },
    /// A written id that is no slug.
    #[error(
        "line {line}: {id:?} cannot be an id; use 1 to {MAX_ID} of a-z, 0-9 and '-', starting with a letter or digit, or \
         leave it out"
    )]
    Id {
        /// Where.
        line: usize,
        /// The text found, shortened.
        id: String,
    },
    /// Months that are no span.
    #[error("line {line}: months are one or two numbers; write [1, 3] for months 1 to 3, or [6] for month 6 and on")]
    Months {
        /// Where.
        line: usize,
    },
    /// A link that cannot be shared.
    #[error("line {line}: {cause}")]
    Link {
        /// Where.
        line: usize,
        /// What is wrong with it.
        cause: LinkError,
    },
    /// Each part can be read, but together they are no valid roadmap.
    #[error("{}{cause}", At(*line))]
    Invalid {
        /// Where the topic at fault begins, when the format has lines.
        line: Option<usize>,
        /// What is wrong.
        cause: Invalid,
    },
}

struct At(Option<usize>);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, "line {line}: "))
    }
}
