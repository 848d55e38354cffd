//! The key of the installation: its Ed25519 secret in `device.key`, mode 0600.

use std::path::Path;

use super::core::random;
use super::platform;
use crate::api::{Code, Error};

/// Reads the key, or makes one where there is none.
///
/// # Errors
/// When the file is there and not a key, or can not be read or written.
pub fn load_or_create(path: &Path) -> Result<[u8; 32], Error> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes).ok_or_else(|| {
            let message = format!("{} is not a key of 64 hex digits", path.display());
            Error::new(
                Code::StoreDamaged,
                message,
                "restore it from a backup, or move it away: the node then takes a new peer id",
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path),
        Err(error) => {
            let message = format!("{} can not be read: {error}", path.display());
            Err(Error::new(Code::Failed, message, "look at the permissions of the file"))
        }
    }
}

/// Makes a fresh key in the place of the one that may be there.
///
/// # Errors
/// When it can not be written.
pub fn create(path: &Path) -> Result<[u8; 32], Error> {
    let key: [u8; 32] = random();
    let text = data_encoding::HEXLOWER.encode(&key) + "\n";
    platform::private_file(path, text.as_bytes()).map_err(|error| {
        let message = format!("{} can not be written: {error}", path.display());
        Error::new(Code::Failed, message, "look at the permissions and the free space of the directory")
    })?;
    Ok(key)
}

fn parse(bytes: &[u8]) -> Option<[u8; 32]> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    data_encoding::HEXLOWER.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_and_a_damaged_one_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.key");
        let key = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap(), key);
        std::fs::write(&path, "half a ke").unwrap();
        assert_eq!(load_or_create(&path).unwrap_err().code, Code::StoreDamaged);
        assert_eq!(std::fs::read(&path).unwrap(), b"half a ke");
    }
}
