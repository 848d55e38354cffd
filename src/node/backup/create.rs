//! `backup create`.

use std::path::Path;

use serde_json::json;

use super::archive::{GroupLine, Manifest, Packing, Part};
use super::workplace::Workplace;
use crate::api::{Code, Error, Reply};
use crate::config::{Home, MAX_FILE_BYTES};
use crate::engine::store::{GroupRow, Store as _};
use crate::log::envelope::epoch_of;
use crate::log::seal::Key;
use crate::model::action::GroupKind;
use crate::model::fold::{Register, Value};
use crate::node::core::{now_ms, random};
use crate::node::fail::store_error;
use crate::node::keys;
use crate::node::output::Output;
use crate::store::{self, SqliteStore};
use crate::vault::{Cost, Kind, Passphrase, seal};

/// What goes into a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The whole store.
    Everything,
    /// Groups, keys, known peers and what waits to be sent: the members have to bring the entries back.
    KeysOnly,
}

/// Writes a backup of a directory, which may be in use: `{path, bytes, created_ms, keys_only, groups:[{group_id, name, kind}], entries}`.
///
/// # Errors
/// When there is nothing to back up, the passphrase is not given, or the file can not be written.
pub fn create(
    home: &Home,
    path: &Path,
    content: Content,
    force: bool,
    passphrase: &dyn Fn() -> Result<Passphrase, Error>,
) -> Reply {
    if !home.store().exists() {
        let cause = format!("there is no store in {}", home.dir().display());
        return Err(Error::new(Code::NotFound, cause, "name the node's directory with `--home`"));
    }
    let output = Output::create(path, force)?;
    let passphrase = passphrase()?;
    let work = Workplace::new(home.dir(), ".backup-").map_err(|error| {
        let cause = format!("the directory {} can not be written to: {error}", home.dir().display());
        Error::new(Code::Failed, cause, "look at its permissions and at free space")
    })?;
    let mut copy = work.path("copy.db");
    store::snapshot(&home.store(), &copy).map_err(|e| store_error(&e))?;
    let mut manifest = describe(&copy).map_err(|e| store_error(&e))?;
    if content == Content::KeysOnly {
        let keys = work.path("keys.db");
        without_entries(&copy, &keys).map_err(|e| store_error(&e))?;
        (copy, manifest.keys_only, manifest.entries) = (keys, true, 0);
    }
    let key = keys::read(&home.device_key())?;
    manifest.peer_id = key.as_ref().map(keys::Stored::peer);
    let (head, writer) = seal(Kind::Backup, Cost::NEW, random(), &passphrase);
    let mut packing = Packing::begin(output, &head, writer)?;
    let text = serde_json::to_vec(&manifest).expect("a manifest is plain data");
    packing.put(Part::Manifest, &text)?;
    if let Some(key) = &key {
        packing.put(Part::Key, keys::text(key).as_bytes())?;
    }
    if let Some(settings) = settings(home)? {
        packing.put(Part::Settings, &settings)?;
    }
    packing.put_file(Part::Store, &copy)?;
    let bytes = packing.finish()?;
    Ok(json!({
        "v": 1, "path": path, "bytes": bytes, "created_ms": manifest.created_ms, "keys_only": manifest.keys_only,
        "groups": manifest.groups, "entries": manifest.entries,
    }))
}

/// What the store says of itself. It is a copy: an older one may be migrated.
fn describe(copy: &Path) -> Result<Manifest, store::Error> {
    let mut store = SqliteStore::open(copy)?;
    let mut manifest = Manifest::new(now_ms());
    manifest.person = store.meta_get("name")?.unwrap_or_default();
    for row in store.groups()? {
        let name = match store.register(row.id, &Register::GroupName)?.map(|current| current.value) {
            Some(Value::Text(name)) => name,
            _ => String::new(),
        };
        manifest.entries += store.count(row.id)?;
        manifest.groups.push(GroupLine { group_id: row.id, name, kind: row.kind });
    }
    Ok(manifest)
}

/// A store with the same groups and keys, and nothing in them.
fn without_entries(from: &Path, to: &Path) -> Result<(), store::Error> {
    let mut from = SqliteStore::open(from)?;
    let mut to = SqliteStore::open(to)?;
    to.begin()?;
    for row in from.groups()? {
        let id = row.id;
        // As after joining: what an open group is, its first entry says.
        let kind = row.kind.filter(|kind| *kind == GroupKind::Closed);
        to.put_group(&GroupRow { kind, ..row })?;
        for key in from.epoch_keys(id)? {
            to.put_epoch_key(id, epoch_of(&Key::new(key)), key)?;
        }
        for kept in from.kept(id)? {
            to.keep(id, &kept)?;
        }
        for peer in from.peers(id)? {
            to.peer_seen(id, &peer)?;
        }
    }
    for (key, value) in from.meta_all()? {
        to.meta_set(&key, &value)?;
    }
    to.commit()
}

/// The settings as they stand in their file.
fn settings(home: &Home) -> Result<Option<Vec<u8>>, Error> {
    use std::io::Read as _;
    let path = home.config();
    let failed = |error: std::io::Error| {
        let cause = format!("{} can not be read: {error}", path.display());
        Error::new(Code::Failed, cause, "look at the permissions of the file")
    };
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = vec![];
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let cause = format!("{} has more than {MAX_FILE_BYTES} bytes", path.display());
        return Err(Error::new(Code::BadInput, cause, "no node can read such settings: make it shorter"));
    }
    Ok(Some(bytes))
}
