//! `demo`: three real nodes on this machine.

use super::args::config::Demo;
use super::run::{Session, Status};
use crate::api::{Code, Error};

/// Runs the demonstration.
pub fn run(_session: &mut Session, _args: &Demo) -> Status {
    let message = "the demonstration is not built yet";
    Err(Error::new(
        Code::Failed,
        message,
        "start two nodes in two directories: `studymesh --home DIR up`, see the README",
    ))
}
