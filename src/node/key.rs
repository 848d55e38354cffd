//! The key of an installation as a person handles it: carried to another machine, put under a passphrase.
//!
//! The key is this node's name on the network, no more: what it is in its groups stands in the store. Two nodes with one key can not
//! meet; the one that notices takes a fresh key (see [`super::run`]), so a key that was carried and forgotten harms nobody for long.

use std::io::Read as _;
use std::path::Path;

use serde_json::json;

use super::keys::{self, Stored, Unlock};
use super::output::Output;
use super::{in_use, local};
use crate::api::{Code, Error, Reply};
use crate::config::Home;
use crate::vault::{KeyText, KeyTextError, MAX_KEY_TEXT_BYTES};

/// Whether the key of a directory is protected by a passphrase.
///
/// # Errors
/// When the file is not a key, or can not be read.
pub fn is_key_protected(home: &Home) -> Result<bool, Error> {
    Ok(keys::read(&home.device_key())?.is_some_and(|stored| stored.is_protected()))
}

/// Writes the key into a file that a passphrase opens: a new one, or, where the key is protected already, the same:
/// `{path, peer_id}`.
///
/// # Errors
/// When there is no key, a passphrase is not given or wrong, or the file can not be written.
pub fn export_key(home: &Home, path: &Path, force: bool, unlock: &Unlock, new: &Unlock) -> Reply {
    let stored = present(home)?;
    let mut output = Output::create(path, force)?;
    let text = match &stored {
        Stored::Plain(key) => keys::seal(key, &new()?),
        Stored::Protected(text) => {
            stored.open(unlock)?;
            text.clone()
        }
    };
    output.write(text.to_string().as_bytes())?;
    output.publish()?;
    Ok(json!({ "v": 1, "path": path, "peer_id": text.peer() }))
}

/// Makes the key of a file the key of a directory without one; it stays under its passphrase: `{peer_id, protected:true}`.
///
/// # Errors
/// When the directory is in use or has a key or a store, the passphrase is wrong, or the file is no sealed key.
pub fn import_key(home: &Home, path: &Path, passphrase: &Unlock) -> Reply {
    let text = read_text(path)?;
    let fresh = |home: &Home| {
        let present = [home.device_key(), home.store()].into_iter().find(|path| path.exists());
        present.map_or(Ok(()), |path| {
            let cause = format!("{} is there already: a node has one key, and its groups know it", path.display());
            let remedy =
                "import into another directory with `--home`; to take groups along, use `studymesh backup restore`";
            Err(Error::new(Code::BadInput, cause, remedy))
        })
    };
    fresh(home)?;
    keys::open_text(&text, &passphrase()?, &path.display().to_string())?;
    let _lock = local::lock(home)?.ok_or_else(|| in_use(home))?;
    fresh(home)?;
    keys::write(&home.device_key(), &Stored::Protected(text.clone()))?;
    Ok(json!({ "v": 1, "peer_id": text.peer(), "protected": true }))
}

/// Puts the key under a passphrase, or under another one: `{peer_id, protected:true}`.
///
/// # Errors
/// When the directory is in use or has no key, or a passphrase is not given or wrong.
pub fn protect_key(home: &Home, unlock: &Unlock, new: &Unlock) -> Reply {
    let _lock = local::lock(home)?.ok_or_else(|| in_use(home))?;
    let stored = keys::read(&home.device_key())?;
    let key = match &stored {
        Some(stored) => stored.open(unlock)?,
        // A directory that is made ready for its first start.
        None => keys::load_or_create(&home.device_key(), unlock)?,
    };
    let text = keys::seal(&key, &new()?);
    keys::write(&home.device_key(), &Stored::Protected(text.clone()))?;
    Ok(json!({ "v": 1, "peer_id": text.peer(), "protected": true }))
}

/// Takes the passphrase off the key: `{peer_id, protected:false}`.
///
/// # Errors
/// When the directory is in use or has no key, or the passphrase is not given or wrong.
pub fn unprotect_key(home: &Home, unlock: &Unlock) -> Reply {
    let stored = present(home)?;
    let _lock = local::lock(home)?.ok_or_else(|| in_use(home))?;
    let key = stored.open(unlock)?;
    keys::write(&home.device_key(), &Stored::Plain(key))?;
    Ok(json!({ "v": 1, "peer_id": stored.peer(), "protected": false }))
}

fn present(home: &Home) -> Result<Stored, Error> {
    keys::read(&home.device_key())?.ok_or_else(|| {
        let cause = format!("there is no key in {}", home.dir().display());
        Error::new(Code::NotFound, cause, "`studymesh up` makes one; or name the directory with `--home`")
    })
}

/// A sealed key from a file.
fn read_text(path: &Path) -> Result<KeyText, Error> {
    let shown = path.display();
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_KEY_TEXT_BYTES as u64 + 1).read_to_string(&mut text).map(drop));
    let unusable = |error: KeyTextError| {
        let remedy = match error {
            KeyTextError::Head(_) => "use the studymesh that wrote it, or a newer one",
            _ => "name a file that `studymesh key export` wrote",
        };
        Error::new(Code::BadInput, format!("{shown} can not be used: {error}"), remedy)
    };
    match read {
        Ok(()) => KeyText::parse(&text).map_err(unusable),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::NotFound, format!("there is no file {shown}"), "check the path"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(unusable(KeyTextError::Shape)),
        Err(error) => {
            Err(Error::new(Code::BadInput, format!("{shown} can not be read: {error}"), "check that you may read it"))
        }
    }
}

/// Gives a passphrase that is known.
#[cfg(test)]
fn known(text: &str) -> Unlock {
    let passphrase = crate::vault::Passphrase::new(text);
    std::sync::Arc::new(move || Ok(passphrase.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::no_passphrase;
    use super::*;

    #[test]
    fn a_key_is_carried_to_a_fresh_directory_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let home = |name: &str| Home::new(dir.path().join(name));
        let (old, new, file) = (home("old"), home("new"), dir.path().join("key.txt"));
        let words = known("eight or more");
        assert_eq!(export_key(&old, &file, false, &words, &words).unwrap_err().code, Code::NotFound);
        std::fs::create_dir(old.dir()).unwrap();
        let key = keys::load_or_create(&old.device_key(), &no_passphrase()).unwrap();
        let exported = export_key(&old, &file, false, &no_passphrase(), &words).unwrap();
        assert_eq!(exported["peer_id"], keys::peer_of(&key));
        assert_eq!(
            export_key(&old, &file, false, &words, &words).unwrap_err().code,
            Code::BadInput,
            "no file is replaced"
        );

        assert_eq!(import_key(&new, &file, &known("eight or less")).unwrap_err().code, Code::NotPermitted);
        assert!(!new.device_key().exists());
        import_key(&new, &file, &words).unwrap();
        assert!(is_key_protected(&new).unwrap() && !is_key_protected(&old).unwrap());
        assert_eq!(keys::load_or_create(&new.device_key(), &words).unwrap(), key);
        for taken in [&new, &old] {
            assert_eq!(import_key(taken, &file, &words).unwrap_err().code, Code::BadInput);
        }
        // A protected key leaves under its own passphrase, which must be known.
        let again = dir.path().join("again.txt");
        assert!(export_key(&new, &again, false, &no_passphrase(), &words).is_err() && !again.exists());
        export_key(&new, &again, false, &words, &no_passphrase()).unwrap();
        assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&file).unwrap());
    }

    #[test]
    fn a_passphrase_is_set_changed_and_removed_while_nobody_uses_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        let peer = protect_key(&home, &no_passphrase(), &known("the first one")).unwrap()["peer_id"].clone();
        assert_eq!(protect_key(&home, &known("a guess"), &known("x")).unwrap_err().code, Code::NotPermitted);
        let lock = local::lock(&home).unwrap().unwrap();
        assert_eq!(protect_key(&home, &known("the first one"), &known("x")).unwrap_err().code, Code::Locked);
        drop(lock);
        protect_key(&home, &known("the first one"), &known("the second one")).unwrap();
        assert_eq!(unprotect_key(&home, &known("the first one")).unwrap_err().code, Code::NotPermitted);
        assert_eq!(unprotect_key(&home, &known("the second one")).unwrap()["peer_id"], peer);
        assert!(!is_key_protected(&home).unwrap());
        assert_eq!(unprotect_key(&home, &no_passphrase()).unwrap()["protected"], false, "once more changes nothing");
    }
}
