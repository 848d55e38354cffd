//! The key of the installation: its Ed25519 secret in `device.key`, mode 0600, in plain or under a passphrase.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::core::{identity, peer_text, random};
use super::platform;
use crate::api::{Code, Error};
use crate::vault::{Cost, KeyText, KeyTextError, MAX_KEY_TEXT_BYTES, Passphrase};

/// Gives the passphrase of a protected device key; asked only where there is one.
pub type Unlock = Arc<dyn Fn() -> Result<Passphrase, Error> + Send + Sync>;

/// A secret key.
pub type Secret = Zeroizing<[u8; 32]>;

/// Whoever can not be asked.
#[must_use]
pub fn no_passphrase() -> Unlock {
    Arc::new(|| {
        Err(Error::new(
            Code::NotPermitted,
            "the key of this installation is protected by a passphrase, and none was given",
            "give it with --passphrase-file or STUDYMESH_PASSPHRASE, or run the command on a terminal",
        ))
    })
}

/// A key as it stands in its file.
#[derive(Debug)]
pub enum Stored {
    /// In plain.
    Plain(Secret),
    /// Under a passphrase.
    Protected(KeyText),
}

impl Stored {
    /// The key itself.
    ///
    /// # Errors
    /// When the passphrase is not given or wrong.
    pub fn open(&self, unlock: &Unlock) -> Result<Secret, Error> {
        match self {
            Self::Plain(key) => Ok(key.clone()),
            Self::Protected(text) => open_text(text, &unlock()?, "device.key"),
        }
    }

    /// Whether a passphrase protects it.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        matches!(self, Self::Protected(_))
    }

    /// The peer id that the key gives.
    #[must_use]
    pub fn peer(&self) -> String {
        match self {
            Self::Plain(key) => peer_of(key),
            Self::Protected(text) => text.peer().to_owned(),
        }
    }
}

/// The peer id that a key gives.
#[must_use]
pub fn peer_of(key: &[u8; 32]) -> String {
    peer_text(&identity(key, "").peer)
}

/// Seals a key under a passphrase.
#[must_use]
pub fn seal(key: &[u8; 32], passphrase: &Passphrase) -> KeyText {
    KeyText::seal(&peer_of(key), key, Cost::NEW, random(), passphrase)
}

/// Opens a sealed key.
///
/// # Errors
/// When the passphrase is wrong, or the text was changed.
pub fn open_text(text: &KeyText, passphrase: &Passphrase, shown: &str) -> Result<Secret, Error> {
    let key = text.open(passphrase).map_err(|error| match error {
        KeyTextError::Passphrase => Error::new(
            Code::NotPermitted,
            format!("the passphrase does not open {shown}"),
            "type it again; look at the keyboard layout and at capital letters",
        ),
        error => Error::new(Code::BadInput, format!("{shown} can not be used: {error}"), "copy it again, whole"),
    })?;
    if peer_of(&key) == text.peer() {
        return Ok(key);
    }
    Err(Error::new(Code::BadInput, format!("{shown} says another peer id than its key has"), "copy it again, whole"))
}

/// Reads the file; `None` where there is none.
///
/// # Errors
/// When it is not a key, or can not be read.
pub fn read(path: &Path) -> Result<Option<Stored>, Error> {
    use std::io::Read as _;
    let mut bytes = Zeroizing::new(vec![]);
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_KEY_TEXT_BYTES as u64 + 1).read_to_end(&mut bytes).map(drop));
    match read {
        Ok(()) => parse(&bytes).map(Some).map_err(|why| {
            let message = format!("{} is neither a key of 64 hex digits nor a sealed one: {why}", path.display());
            Error::new(
                Code::StoreDamaged,
                message,
                "restore it from a backup, or move it away: the node then takes a new peer id",
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("{} can not be read: {error}", path.display());
            Err(Error::new(Code::Failed, message, "look at the permissions of the file"))
        }
    }
}

/// Reads the key, or makes one where there is none.
///
/// # Errors
/// When the file is there and not a key, the passphrase does not open it, or it can not be read or written.
pub fn load_or_create(path: &Path, unlock: &Unlock) -> Result<Secret, Error> {
    match read(path)? {
        Some(stored) => stored.open(unlock),
        None => {
            let key = Secret::new(random());
            write(path, &Stored::Plain(key.clone()))?;
            Ok(key)
        }
    }
}

/// Makes a fresh key in the place of the one that may be there, under the same passphrase if there is one.
///
/// # Errors
/// When the passphrase does not open the present key, or the file can not be written.
pub fn renew(path: &Path, unlock: &Unlock) -> Result<Secret, Error> {
    let key = Secret::new(random());
    let stored = match read(path)? {
        Some(Stored::Protected(before)) => {
            let passphrase = unlock()?;
            // A slip of the fingers must not become the new passphrase.
            open_text(&before, &passphrase, "device.key")?;
            Stored::Protected(seal(&key, &passphrase))
        }
        _ => Stored::Plain(key.clone()),
    };
    write(path, &stored)?;
    Ok(key)
}

/// Puts a key into its file.
///
/// # Errors
/// When it can not be written.
pub fn write(path: &Path, stored: &Stored) -> Result<(), Error> {
    platform::private_file(path, text(stored).as_bytes()).map_err(|error| {
        let message = format!("{} can not be written: {error}", path.display());
        Error::new(Code::Failed, message, "look at the permissions and the free space of the directory")
    })
}

/// A key as it stands in its file.
#[must_use]
pub fn text(stored: &Stored) -> Zeroizing<String> {
    Zeroizing::new(match stored {
        Stored::Plain(key) => data_encoding::HEXLOWER.encode(&**key) + "\n",
        Stored::Protected(text) => text.to_string(),
    })
}

/// A key from the bytes of its file.
///
/// # Errors
/// When it is none.
pub fn parse(bytes: &[u8]) -> Result<Stored, KeyTextError> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if let Some(key) = data_encoding::HEXLOWER.decode(text).ok().and_then(|key| key.try_into().ok()) {
        return Ok(Stored::Plain(Secret::new(key)));
    }
    let text = std::str::from_utf8(text).map_err(|_| KeyTextError::Shape)?;
    KeyText::parse(text).map(Stored::Protected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &'static str) -> Unlock {
        Arc::new(move || Ok(Passphrase::new(text)))
    }

    #[test]
    fn a_key_is_made_once_and_kept_and_a_damaged_one_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.key");
        let key = load_or_create(&path, &no_passphrase()).unwrap();
        assert_eq!(load_or_create(&path, &no_passphrase()).unwrap(), key);
        for damaged in ["half a ke", "studymesh-key peer AAAA", ""] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(load_or_create(&path, &no_passphrase()).unwrap_err().code, Code::StoreDamaged);
            assert_eq!(std::fs::read(&path).unwrap(), damaged.as_bytes());
        }
    }

    #[test]
    fn a_protected_key_opens_with_its_passphrase_and_a_fresh_one_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.key");
        let key = load_or_create(&path, &no_passphrase()).unwrap();
        write(&path, &Stored::Protected(seal(&key, &Passphrase::new("open sesame")))).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(!before.windows(64).any(|w| w == data_encoding::HEXLOWER.encode(&*key).as_bytes()));
        assert_eq!(read(&path).unwrap().unwrap().peer(), peer_of(&key));
        assert_eq!(load_or_create(&path, &words("open sesame")).unwrap(), key);
        for wrong in [no_passphrase(), words("open barley")] {
            assert_eq!(load_or_create(&path, &wrong).unwrap_err().code, Code::NotPermitted);
            assert_eq!(renew(&path, &wrong).unwrap_err().code, Code::NotPermitted);
        }
        assert_eq!(std::fs::read(&path).unwrap(), before, "a wrong passphrase changes nothing");
        let fresh = renew(&path, &words("open sesame")).unwrap();
        assert_ne!(fresh, key);
        assert_eq!(load_or_create(&path, &words("open sesame")).unwrap(), fresh);
        assert!(load_or_create(&path, &no_passphrase()).is_err());
    }
}
