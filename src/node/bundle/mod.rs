//! Bundles on the disk: `bundle export`, `bundle have`, `bundle import`, with a running node and without one.
//!
//! The process that owns the store reads and writes the file itself. The work is cut into slices, each one batch of the
//! engine, so that a running node goes on meanwhile and memory stays bounded; reading, writing and checking signatures happen between the
//! slices, on a thread of their own.

mod export;
mod file;
mod import;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::core::{Core, now_ms};
use super::fail::{Fail, store_error};
use super::handle::{Handle, ended};
use super::service::{self, Context, NodeEngine};
use crate::api::{Code, Command, Error, Reply, Request};
use crate::log::keys::GroupKeys;
use crate::model::id::GroupId;
use crate::store;

/// Where the engine is: in the hands of this command alone, or in those of the running node.
pub(super) trait OnEngine {
    /// Runs something on the engine, inside a batch; what it wrote is durable when this returns.
    ///
    /// # Errors
    /// When the store fails or the node has ended: nothing more can be done then.
    fn run<R: Send + 'static>(
        &mut self,
        run: impl FnOnce(&mut NodeEngine) -> Result<R, store::Error> + Send + 'static,
    ) -> Result<R, Error>;
}

impl OnEngine for Core {
    fn run<R: Send + 'static>(
        &mut self,
        run: impl FnOnce(&mut NodeEngine) -> Result<R, store::Error> + Send + 'static,
    ) -> Result<R, Error> {
        self.batch(run).map(|(result, _)| result).map_err(|error| store_error(&error))
    }
}

/// The engine of a running node, as a thread outside of it sees it.
struct Running {
    handle: Handle,
    runtime: tokio::runtime::Handle,
    /// Whoever asked has gone: nobody waits for the rest.
    gone: Arc<AtomicBool>,
}

impl OnEngine for Running {
    fn run<R: Send + 'static>(
        &mut self,
        run: impl FnOnce(&mut NodeEngine) -> Result<R, store::Error> + Send + 'static,
    ) -> Result<R, Error> {
        if self.gone.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Failed, "the command was given up", "repeat it"));
        }
        self.runtime.block_on(self.handle.on_engine(run))
    }
}

/// Says that whoever asked has gone, when it is dropped.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether a command is one of these.
#[must_use]
pub(super) fn is_ours(command: &Command) -> bool {
    matches!(command, Command::BundleExport { .. } | Command::BundleHave { .. } | Command::BundleImport { .. })
}

/// Runs one of these commands on a running node.
///
/// # Errors
/// As the command says.
pub(super) async fn call(handle: &Handle, request: Request) -> Reply {
    let asker = Asker(Arc::default());
    let mut running =
        Running { handle: handle.clone(), runtime: tokio::runtime::Handle::current(), gone: asker.0.clone() };
    tokio::task::spawn_blocking(move || run(&mut running, &request)).await.map_err(|_| ended())?
}

/// Runs one of these commands. Blocks.
///
/// # Errors
/// As the command says.
pub(super) fn run(on: &mut impl OnEngine, request: &Request) -> Reply {
    let group = request.group.as_deref();
    match &request.command {
        Command::BundleExport { file, have, force } => {
            let have = have.as_deref().map(absolute).transpose()?;
            export::bundle(on, group, absolute(file)?, have, *force)
        }
        Command::BundleHave { file, force } => export::have(on, group, absolute(file)?, *force),
        Command::BundleImport { file } => import::bundle(on, group, absolute(file)?),
        other => unreachable!("no command on bundles: {other:?}"),
    }
}

/// A path that means the same in whichever process opens it.
fn absolute(path: &str) -> Result<&Path, Error> {
    let path = Path::new(path);
    if path.is_absolute() {
        return Ok(path);
    }
    let cause = format!("the path {} is not absolute", path.display());
    Err(Error::new(Code::BadInput, cause, "give the whole path, from the root on"))
}

/// The group that is meant.
fn group_of(on: &mut impl OnEngine, given: Option<&str>) -> Result<GroupId, Error> {
    let given = given.map(str::to_owned);
    on.run(move |engine| {
        let context = Context { now: now_ms(), network: None, home: "" };
        match service::group_of(engine, context, given.as_deref()) {
            Ok(group) => Ok(Ok(group)),
            Err(Fail::Command(error)) => Ok(Err(error)),
            Err(Fail::Store(error)) => Err(error),
        }
    })?
}

fn keys_of(on: &mut impl OnEngine, group: GroupId) -> Result<GroupKeys, Error> {
    on.run(move |engine| Ok(engine.keys(group).cloned()))?.ok_or_else(left)
}

fn left() -> Error {
    Error::new(Code::NotFound, "the group was left meanwhile", "list the groups with `studymesh group list`")
}
