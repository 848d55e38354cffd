//! A file that is written beside its place and moved there whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::core::random;
use super::platform;
use crate::api::{Code, Error};

/// A file that is being written. It is not there before [`Output::publish`], and only its owner can read it.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    /// Where it is written; gone once it stands in its place.
    partial: Option<PathBuf>,
    file: File,
    bytes: u64,
    force: bool,
}

impl Output {
    /// Begins a file.
    ///
    /// # Errors
    /// When something is there already and `force` does not say that it may go, or nothing can be written there.
    pub fn create(path: &Path, force: bool) -> Result<Self, Error> {
        check_free(path, force)?;
        let name = path.file_name().ok_or_else(|| is_directory(path))?;
        let suffix: [u8; 8] = random();
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.partial", data_encoding::HEXLOWER.encode(&suffix)));
        let partial = path.with_file_name(beside);
        let file = platform::new_private_file(&partial).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), partial: Some(partial), file, bytes: 0, force })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When they can not be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| unwritable(&self.path, &error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Puts the file in its place, durably; how many bytes it has.
    ///
    /// # Errors
    /// When it can not be written, or something has come into its place meanwhile.
    pub fn publish(mut self) -> Result<u64, Error> {
        self.file.sync_all().map_err(|error| unwritable(&self.path, &error))?;
        check_free(&self.path, self.force)?;
        if let Some(partial) = &self.partial {
            std::fs::rename(partial, &self.path).map_err(|error| unwritable(&self.path, &error))?;
        }
        self.partial = None;
        // The name is durable only with its directory; some file systems of sticks can not say so.
        #[cfg(unix)]
        if let Some(dir) = self.path.parent() {
            let _ = File::open(dir).and_then(|dir| dir.sync_all());
        }
        Ok(self.bytes)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            let _ = std::fs::remove_file(partial);
        }
    }
}

fn check_free(path: &Path, force: bool) -> Result<(), Error> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Err(is_directory(path)),
        Ok(_) if !force => Err(Error::new(
            Code::BadInput,
            format!("{} is there already", path.display()),
            "choose another name, or say with `--force` that it may be replaced",
        )),
        _ => Ok(()),
    }
}

fn is_directory(path: &Path) -> Error {
    Error::new(Code::BadInput, format!("{} is a directory", path.display()), "name a file in it")
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let cause = format!("{} can not be written: {error}", path.display());
    Error::new(Code::Failed, cause, "check that you may write there and that there is room, or choose another place")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all_and_replaces_nothing_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.bundle");
        let mut output = Output::create(&path, false).unwrap();
        output.write(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert!(names(dir.path()).is_empty(), "nothing is left behind");

        let mut output = Output::create(&path, false).unwrap();
        output.write(b"whole").unwrap();
        assert_eq!(output.publish().unwrap(), 5);
        assert_eq!((std::fs::read(&path).unwrap(), names(dir.path())), (b"whole".to_vec(), vec!["b.bundle".into()]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(Output::create(&path, false).unwrap_err().code, Code::BadInput);
        assert_eq!(Output::create(dir.path(), true).unwrap_err().code, Code::BadInput);
        let mut output = Output::create(&path, true).unwrap();
        output.write(b"new").unwrap();
        output.publish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");

        // Somebody else's file that came meanwhile stays.
        let late = dir.path().join("late");
        let output = Output::create(&late, false).unwrap();
        std::fs::write(&late, "theirs").unwrap();
        assert_eq!(output.publish().unwrap_err().code, Code::BadInput);
        assert_eq!((std::fs::read(&late).unwrap(), names(dir.path()).len()), (b"theirs".to_vec(), 2));
    }
}
