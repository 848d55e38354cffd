//! What depends on the operating system: private files, the lock on a directory, where this directory is, the socket.
//!
//! Linux is tested. macOS goes through the same code. Elsewhere files get no special mode and there is no control
//! socket: commands then work only while no node runs.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// Makes a directory that only its owner can enter.
///
/// # Errors
/// When it can not be made.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Refuses a directory that somebody else made or may write to: what lies in it may be theirs.
///
/// # Errors
/// When it is not a directory of this user alone, or not there.
#[cfg(unix)]
pub fn check_own_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    // Not through a link: that may lead elsewhere a moment later.
    let found = std::fs::symlink_metadata(dir)?;
    if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0 {
        return Ok(());
    }
    let message = format!("{} is not a directory that only this user can write to; remove it", dir.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// When it can not be written.
pub fn private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let _ = std::fs::remove_file(&partial);
    let mut file = new_private_file(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    // The name is durable only with its directory.
    if let Some(dir) = path.parent().filter(|_| cfg!(unix)) {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

/// Makes a file that only its owner can read, where there is none.
///
/// # Errors
/// When something is there, or it can not be made.
pub fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes the lock on a directory; `None` when another process has it. It is free again when the file is dropped.
///
/// # Errors
/// When the lock file can not be opened.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Whoever can open the file can lock it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What this machine is called; empty when that is not known.
#[must_use]
pub fn host_name() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    return std::env::var("COMPUTERNAME").unwrap_or_default();
}

/// Names this directory on this machine: a copy elsewhere has another name.
#[must_use]
pub fn place(dir: &Path) -> String {
    let machine = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|id| id.trim().to_owned())
        .unwrap_or_default();
    let path = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    // A hash, so that a copied directory does not tell which machine it came from.
    let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 place");
    hasher.update(machine.as_bytes()).update(&[0]).update(path.as_os_str().as_encoded_bytes());
    hasher.finalize().to_hex().to_string()
}
