//! A private directory for what is half done. Whatever ends it, the next one of its kind clears it away.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::node::core::random;
use crate::node::platform;

/// The file that a process holds locked while it works here: in a directory that becomes a node's, it is that node's lock.
const LOCK: &str = "lock";

/// A directory of this process alone; it is gone when dropped, unless it was moved to its place.
#[derive(Debug)]
pub(super) struct Workplace {
    dir: PathBuf,
    _lock: File,
    moved: bool,
}

impl Workplace {
    /// Makes one in `parent`, under a name that begins with `prefix`, after clearing away those that a process left behind.
    ///
    /// # Errors
    /// When it can not be made.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        sweep(parent, prefix);
        let suffix: [u8; 8] = random();
        let dir = parent.join(format!("{prefix}{}", data_encoding::HEXLOWER.encode(&suffix)));
        platform::private_dir(&dir)?;
        let lock = platform::lock(&dir.join(LOCK))?.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Self { dir, _lock: lock, moved: false })
    }

    /// The path of a file in it.
    pub fn path(&self, name: impl Into<OsString>) -> PathBuf {
        self.dir.join(name.into())
    }

    /// Makes the directory, with everything in it on the disk, the directory `target`, which must be empty or not there.
    ///
    /// # Errors
    /// When something is in the way: then nothing has changed.
    pub fn move_to(mut self, target: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.dir)? {
            File::open(entry?.path())?.sync_all()?;
        }
        sync_dir(&self.dir)?;
        std::fs::rename(&self.dir, target)?;
        self.moved = true;
        target.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !self.moved {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Removes the workplaces that nobody works in.
fn sweep(parent: &Path, prefix: &str) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        let lock = entry.path().join(LOCK);
        if is_ours && lock.is_file() && matches!(platform::lock(&lock), Ok(Some(_))) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A name is durable only with its directory.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_behind_goes_and_what_is_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(dir.path()).unwrap().count();
        let here = Workplace::new(dir.path(), ".w-").unwrap();
        let left = dir.path().join(".w-left");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join(LOCK), "").unwrap();
        std::fs::create_dir(dir.path().join(".w-not-ours")).unwrap();
        let second = Workplace::new(dir.path(), ".w-").unwrap();
        assert!(!left.exists() && names() == 3);
        drop(second);
        std::fs::write(here.path("x"), "kept").unwrap();
        let target = dir.path().join("target");
        std::fs::create_dir(&target).unwrap();
        here.move_to(&target).unwrap();
        assert_eq!(std::fs::read(target.join("x")).unwrap(), b"kept");
        let full = Workplace::new(dir.path(), ".w-").unwrap();
        assert!(full.move_to(&target).is_err());
        assert_eq!((std::fs::read(target.join("x")).unwrap(), names()), (b"kept".to_vec(), 2));
    }
}
