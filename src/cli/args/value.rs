//! Values of options: numbers with their units and bounds.

use clap::ValueEnum;

use crate::api::{Role, TopicState};

/// Longest wait that an option takes, in seconds: a week.
const MAX_WAIT_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// Milliseconds from seconds, which may have a fraction.
pub fn seconds(text: &str) -> Result<u64, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds, such as 30 or 0.5".to_owned())?;
    if !(0.0..=MAX_WAIT_SECONDS).contains(&seconds) {
        return Err(format!("give 0 to {MAX_WAIT_SECONDS} seconds"));
    }
    // In bounds, so the cast keeps the value.
    Ok((seconds * 1000.0).round() as u64)
}

/// When a ticket expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    Never,
    /// After so many hours.
    Hours(u64),
}

impl Expiry {
    /// Hours as a request says them: 0 is never.
    pub fn hours(self) -> u64 {
        match self {
            Self::Never => 0,
            Self::Hours(hours) => hours,
        }
    }
}

/// Hours, or `never`; the node knows the upper bound.
pub fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    match text.parse() {
        Ok(0) => Err("a ticket that lives no hour is no use; give 1 or more, or never".into()),
        Ok(hours) => Ok(Expiry::Hours(hours)),
        Err(_) => Err("give a number of hours, or never".into()),
    }
}

/// `ID=TITLE`.
pub fn rename(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((id, title)) if !id.trim().is_empty() && !title.trim().is_empty() => {
            Ok((id.trim().to_owned(), title.trim().to_owned()))
        }
        _ => Err("write ID=TITLE, such as docker=Containers".into()),
    }
}

/// How far somebody is with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Not begun
    Todo,
    /// Begun
    Doing,
    /// Finished
    Done,
    /// Left out on purpose
    Skip,
}

impl From<State> for TopicState {
    fn from(state: State) -> Self {
        match state {
            State::Todo => Self::Todo,
            State::Doing => Self::Doing,
            State::Done => Self::Done,
            State::Skip => Self::Skip,
        }
    }
}

/// What somebody may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GivenRole {
    /// Stores and serves what it can not read
    Keeper,
    /// Reads
    Reader,
    /// Reads and writes
    Member,
    /// Decides who belongs
    Admin,
    /// The one that the group belongs to
    Owner,
}

impl GivenRole {
    /// The role.
    pub fn role(self) -> Role {
        match self {
            Self::Keeper => Role::Keeper,
            Self::Reader => Role::Reader,
            Self::Member => Role::Member,
            Self::Admin => Role::Admin,
            Self::Owner => Role::Owner,
        }
    }
}

/// How many people; 0 or `unlimited` is any number.
pub fn uses(text: &str) -> Result<u32, String> {
    if text == "unlimited" { Ok(0) } else { text.parse().map_err(|_| "give a number, or unlimited".to_owned()) }
}

/// The form of an exported roadmap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Everything, both languages, with ids
    #[default]
    Toml,
    /// A Markdown outline in English
    OutlineEn,
    /// A Markdown outline in Chinese
    OutlineZh,
}

impl Format {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::OutlineEn => "outline-en",
            Self::OutlineZh => "outline-zh",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_milliseconds_and_have_bounds() {
        assert_eq!(seconds("0.25"), Ok(250));
        assert_eq!(seconds("60"), Ok(60_000));
        for bad in ["-1", "NaN", "inf", "1e99", "", "5s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_expiry_of_never_and_unlimited_uses_are_zero_in_a_request() {
        assert_eq!((expiry("never").map(Expiry::hours), expiry("24").map(Expiry::hours)), (Ok(0), Ok(24)));
        assert!(expiry("0").is_err() && expiry("soon").is_err());
        assert_eq!((uses("unlimited"), uses("0"), uses("3")), (Ok(0), Ok(0), Ok(3)));
        assert!(uses("-1").is_err() && uses("4294967296").is_err());
    }

    #[test]
    fn a_renaming_has_two_sides() {
        assert_eq!(rename("docker = Containers = 容器"), Ok(("docker".into(), "Containers = 容器".into())));
        assert!(rename("docker").is_err() && rename("=x").is_err() && rename("x=").is_err());
    }
}
