//! `backup restore`, `backup inspect`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::archive::{Manifest, Unpacking};
use super::workplace::Workplace;
use crate::api::{Code, Error, Reply};
use crate::config::Home;
use crate::node::core::{PLACE, RESTORED, RESTORED_AS_BEFORE};
use crate::node::fail::store_error;
use crate::node::{keys, platform};
use crate::store::SqliteStore;
use crate::vault::Passphrase;

/// Which peer id a restored node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerId {
    /// A fresh one: what the backup was made from may still run.
    Fresh,
    /// The one of the backup: its owner says that the original is gone for good.
    Same,
}

/// Reads a backup from its first byte to its last, and says what is in it: `{path, created_ms, program, peer_id, person, keys_only,
/// groups, entries, settings, key_protected}`.
///
/// # Errors
/// When it is something else, newer, changed or cut off, or the passphrase is another one.
pub fn inspect(path: &Path, passphrase: &dyn Fn() -> Result<Passphrase, Error>) -> Reply {
    let backup = Unpacking::open(path, passphrase)?;
    let settings = backup.settings.is_some();
    let protected = backup.key.as_deref().and_then(|key| keys::parse(key).ok()).map(|key| key.is_protected());
    let manifest = backup.store(|_| Ok(()))?;
    let mut value = of(&manifest);
    value["path"] = json!(path);
    value["program"] = json!(manifest.program);
    value["settings"] = json!(settings);
    value["key_protected"] = json!(protected);
    Ok(value)
}

/// Makes the directory of a node from a backup, whole or not at all: `{home, created_ms, peer_id, person, keys_only, groups, entries,
/// same_peer_id}`. At its first start it goes on in fresh logs.
///
/// # Errors
/// When something is in the directory, the backup can not be used, or the directory can not be written: then it is as it was.
pub fn restore(home: &Home, path: &Path, peer: PeerId, passphrase: &dyn Fn() -> Result<Passphrase, Error>) -> Reply {
    check_empty(home.dir())?;
    let backup = Unpacking::open(path, passphrase)?;
    let failed = |error: std::io::Error| {
        let cause = format!("{} can not be written: {error}", home.dir().display());
        Error::new(Code::Failed, cause, "look at its permissions and at free space, or name another one with `--home`")
    };
    let target = absolute(home.dir()).map_err(failed)?;
    let (parent, name) =
        target.parent().zip(target.file_name()).ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
    platform::private_dir(parent).map_err(failed)?;
    let work = Workplace::new(parent, &format!(".{}.restore-", name.to_string_lossy())).map_err(failed)?;
    let at = |path: PathBuf| work.path(path.file_name().unwrap_or_default());
    if let Some(key) = &backup.key {
        keys::parse(key).map_err(|_| unusable(path))?;
        platform::private_file(&at(home.device_key()), key).map_err(failed)?;
    }
    if let Some(settings) = &backup.settings {
        platform::private_file(&at(home.config()), settings).map_err(failed)?;
    }
    let store = at(home.store());
    let mut file = platform::new_private_file(&store).map_err(failed)?;
    let manifest = backup.store(|piece| file.write_all(piece).map_err(failed))?;
    drop(file);
    mark(&store, peer).map_err(|e| store_error(&e))?;
    check_empty(home.dir())?;
    work.move_to(&target).map_err(failed)?;
    let mut value = of(&manifest);
    value["home"] = json!(home.dir().display().to_string());
    value["same_peer_id"] = json!(peer == PeerId::Same);
    if peer == PeerId::Fresh {
        // It has one only once it has started.
        value["peer_id"] = Value::Null;
    }
    Ok(value)
}

/// Writes into the store that it comes from a backup. An older one is migrated; a newer one is refused.
fn mark(store: &Path, peer: PeerId) -> Result<(), crate::store::Error> {
    let mut store = SqliteStore::open(store)?;
    let place = match peer {
        PeerId::Fresh => RESTORED,
        PeerId::Same => RESTORED_AS_BEFORE,
    };
    store.begin()?;
    store.meta_set(PLACE, place)?;
    store.commit()
}

fn of(manifest: &Manifest) -> Value {
    json!({
        "v": 1, "created_ms": manifest.created_ms, "peer_id": manifest.peer_id, "person": manifest.person,
        "keys_only": manifest.keys_only, "groups": manifest.groups, "entries": manifest.entries,
    })
}

fn check_empty(dir: &Path) -> Result<(), Error> {
    let remedy = "restore into another directory with `--home`, or move this one away first: nothing is written over";
    match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::new(Code::BadInput, format!("{} can not be used: {error}", dir.display()), remedy)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::new(Code::BadInput, format!("the directory {} is not empty", dir.display()), remedy)),
        },
    }
}

/// Through a link to where the directory really is: it is replaced, not the link.
fn absolute(dir: &Path) -> std::io::Result<PathBuf> {
    if dir.exists() { dir.canonicalize() } else { std::path::absolute(dir) }
}

fn unusable(path: &Path) -> Error {
    let cause = format!("{} holds a key that this studymesh does not know", path.display());
    Error::new(Code::BadInput, cause, "use the studymesh that wrote it, or a newer one")
}
