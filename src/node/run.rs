//! A node as a process: until a signal or a command ends it.

use std::time::Duration;

use super::keys::{self, Unlock};
use super::runtime::{End, Node};
use super::{control, in_use, local};
use crate::api::{Code, Error};
use crate::config::{Home, Settings};

/// How often a directory that a short command has is tried again, and how often in all.
const RETRY: Duration = Duration::from_millis(50);
const MAX_RETRIES: u32 = 200;

/// Runs a node until it is told to stop (the `stop` command, SIGINT, SIGTERM). Blocks. `attach` is called when it is ready;
/// what it gives is dropped when the node has ended.
///
/// # Errors
/// When the directory is in use, or the store, the key or the listeners can not be opened, or the store fails; also as
/// `attach` says.
pub fn run<A>(
    home: &Home,
    settings: &Settings,
    unlock: &Unlock,
    attach: &mut impl AsyncFnMut(&Node) -> Result<A, Error>,
) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Error::new(Code::Failed, format!("no threads can be started: {error}"), "look at the limits of this system")
    })?;
    loop {
        let lock = wait_for_lock(home)?;
        let end = runtime.block_on(async {
            let mut node = Node::start_locked(home, settings, unlock, lock).await?;
            let handle = node.handle().clone();
            let attached = attach(&node).await;
            if attached.is_err() {
                handle.stop.notify_one();
                node.ended().await?;
                return attached.map(|_| End::Stopped);
            }
            tokio::select! {
                end = node.ended() => return end,
                () = signalled() => {}
            }
            handle.stop.notify_one();
            node.ended().await
        })?;
        match end {
            End::Stopped => return Ok(()),
            End::SameIdentity => {
                let _lock = wait_for_lock(home)?;
                keys::renew(&home.device_key(), unlock)?;
            }
        }
    }
}

/// Takes the lock; a command that has it for a moment is waited for, a node is not.
fn wait_for_lock(home: &Home) -> Result<std::fs::File, Error> {
    for _ in 0..MAX_RETRIES {
        if let Some(lock) = local::lock(home)? {
            return Ok(lock);
        }
        if matches!(control::connect(&home.socket()), Ok(Some(_))) {
            return Err(in_use(home));
        }
        std::thread::sleep(RETRY);
    }
    Err(in_use(home))
}

/// Waits for SIGINT or SIGTERM.
async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
