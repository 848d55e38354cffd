//! The directory of a node, opened by this process: for a node that starts, or for one command while no node runs.

use std::fs::File;

use super::bundle;
use super::core::{self, Arrival, Core};
use super::fail::{Fail, store_error};
use super::keys::{self, Unlock, no_passphrase};
use super::platform;
use super::service::{self, Context};
use crate::api::{Code, Error, Reply, Request};
use crate::config::{Home, Settings};

/// A directory that this process has to itself.
pub struct Opened {
    /// The engine on its store.
    pub core: Core,
    /// The key of the installation.
    pub key: [u8; 32],
    /// Held as long as the directory is in use.
    pub lock: File,
}

/// Takes the lock on the directory; `None` when another process has it.
///
/// # Errors
/// When the directory can not be made or written to.
pub fn lock(home: &Home) -> Result<Option<File>, Error> {
    let failed = |error: std::io::Error| {
        let message = format!("the directory {} can not be used: {error}", home.dir().display());
        Error::new(Code::Failed, message, "look at its permissions, or name another one with `--home`")
    };
    platform::private_dir(home.dir()).map_err(failed)?;
    platform::lock(&home.lock()).map_err(failed)
}

/// Takes the lock on a directory and opens it, to work on it without a node.
///
/// # Errors
/// When another process has it, or the key or the store can not be opened.
pub fn open_alone(home: &Home, settings: &Settings) -> Result<Opened, Error> {
    let lock = lock(home)?.ok_or_else(|| super::in_use(home))?;
    open(home, settings, &no_passphrase(), lock)
}

/// Opens the directory under a lock that is held already.
///
/// A directory that finds itself at another place than last time is a copy or was moved, and one that says so comes from a backup: it
/// takes a fresh key, and every group goes on in a fresh log of the same person.
///
/// # Errors
/// When the key or the store can not be opened: a protected key needs its passphrase.
pub fn open(home: &Home, settings: &Settings, unlock: &Unlock, lock: File) -> Result<Opened, Error> {
    let place = platform::place(home.dir());
    let arrival = Core::arrival(&home.store(), &place).map_err(|e| store_error(&e))?;
    let key = match arrival {
        Arrival::Same | Arrival::RestoredAsBefore => keys::load_or_create(&home.device_key(), unlock)?,
        Arrival::Copied | Arrival::Restored => keys::renew(&home.device_key(), unlock)?,
    };
    match arrival {
        Arrival::Same => {}
        Arrival::Copied => {
            tracing::warn!("this directory was copied or moved: it goes on with fresh keys; nothing is lost");
        }
        Arrival::Restored => {
            tracing::warn!("this directory comes from a backup: it goes on with fresh keys; nothing is lost");
        }
        Arrival::RestoredAsBefore => {
            tracing::warn!(
                "this directory comes from a backup: its peer id stays, its logs go on afresh; nothing is lost"
            );
        }
    }
    let mut core = Core::open(&home.store(), core::identity(&key, ""), &place).map_err(|e| store_error(&e))?;
    apply_name(&mut core, settings).map_err(|e| store_error(&e))?;
    Ok(Opened { core, key: *key, lock })
}

/// The name is what was set last: by a setting that changed since, or by the `name` command.
fn apply_name(core: &mut Core, settings: &Settings) -> Result<(), crate::store::Error> {
    const APPLIED: &str = "name_setting";
    let (name, applied) = (core.engine().store().meta_get("name")?, core.engine().store().meta_get(APPLIED)?);
    let wanted = settings.name.trim();
    if wanted.is_empty() || applied.as_deref() == Some(wanted) {
        core.engine().set_name(name.unwrap_or_default());
        return Ok(());
    }
    let context = Context { now: core::now_ms(), network: None, home: "" };
    let request = Request::new(crate::api::Command::SetName { name: wanted.to_owned() });
    core.batch_ahead(|engine| {
        engine.store().meta_set(APPLIED, wanted)?;
        match service::run(engine, context, &request) {
            Err(Fail::Store(error)) => Err(error),
            Err(Fail::Command(error)) => {
                tracing::warn!("the name in the settings can not be used: {error}");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    })
}

/// Runs one command on the directory.
///
/// # Errors
/// As the command says.
pub fn call(home: &Home, settings: &Settings, unlock: &Unlock, request: &Request, lock: File) -> Reply {
    let mut opened = open(home, settings, unlock, lock)?;
    if bundle::is_ours(&request.command) {
        return bundle::run(&mut opened.core, request);
    }
    let dir = home.dir().display().to_string();
    let context = Context { now: core::now_ms(), network: None, home: &dir };
    let reply = opened.core.batch(|engine| match service::run(engine, context, request) {
        Ok(value) => Ok(Ok(value)),
        Err(Fail::Command(error)) => Ok(Err(error)),
        Err(Fail::Store(error)) => Err(error),
    });
    reply.map_err(|e| store_error(&e))?.0
}
