//! The files themselves: written beside their place and moved there whole; read chunk by chunk.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::api::{Code, Error};
use crate::node::core::random;
use crate::sync::bundle::{CHUNK_BYTES, HEAD_BYTES, Head, HeadError, Kind};

/// A file that is being written. It is not there before [`Output::publish`], and only its owner can read it.
#[derive(Debug)]
pub(super) struct Output {
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
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial).map_err(|error| unwritable(path, &error))?;
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

/// A file that is being read. Its head was read already.
#[derive(Debug)]
pub(super) struct Input {
    pub head: Head,
    file: File,
    chunk: Vec<u8>,
}

impl Input {
    /// Opens a file of this kind.
    ///
    /// # Errors
    /// When there is none, or it is something else.
    pub fn open(path: &Path, kind: Kind) -> Result<Self, Error> {
        let shown = path.display();
        let unreadable = |error: io::Error| {
            if error.kind() == ErrorKind::NotFound {
                return Error::new(Code::NotFound, format!("there is no file {shown}"), "check the path");
            }
            Error::new(Code::BadInput, format!("{shown} can not be read: {error}"), "check that you may read it")
        };
        // Opening a pipe would wait for somebody to write into it.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(Error::new(Code::BadInput, format!("{shown} is not a file"), "name a file"));
        }
        let mut file = File::open(path).map_err(unreadable)?;
        let mut bytes = vec![];
        (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        let decoded = <&[u8; HEAD_BYTES]>::try_from(bytes.as_slice()).map_err(|_| HeadError::Magic);
        let head = decoded.and_then(Head::decode).map_err(|error| {
            let remedy = match error {
                HeadError::Magic => "name a file that `studymesh bundle` wrote; or copy it again, whole",
                _ => "use the studymesh that wrote it, or a newer one",
            };
            Error::new(Code::BadInput, format!("{shown}: {error}"), remedy)
        })?;
        match (kind, head.kind) {
            (Kind::Bundle, Kind::Have) => Err(Error::new(
                Code::BadInput,
                format!("{shown} says what somebody holds; it brings no entries"),
                "answer it with `studymesh bundle export FILE --have` and its name",
            )),
            (Kind::Have, Kind::Bundle) => Err(Error::new(
                Code::BadInput,
                format!("{shown} is a bundle of entries; it does not say what somebody holds"),
                "import it with `studymesh bundle import`; the other side writes such a file with `studymesh bundle have FILE`",
            )),
            _ => Ok(Self { head, file, chunk: vec![] }),
        }
    }

    /// Goes back to the first chunk.
    ///
    /// # Errors
    /// When the file can not be read.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(HEAD_BYTES as u64)).map(drop)
    }

    /// The next chunk, or what is left of the file; `None` at its end.
    ///
    /// # Errors
    /// When the file can not be read.
    pub fn chunk(&mut self) -> io::Result<Option<&[u8]>> {
        self.chunk.clear();
        (&mut self.file).take(CHUNK_BYTES as u64).read_to_end(&mut self.chunk)?;
        Ok(Some(self.chunk.as_slice()).filter(|chunk| !chunk.is_empty()))
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

    #[test]
    fn what_is_no_bundle_is_said_to_be_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        assert_eq!(Input::open(&path, Kind::Bundle).unwrap_err().code, Code::NotFound);
        assert_eq!(Input::open(dir.path(), Kind::Bundle).unwrap_err().code, Code::BadInput);
        for content in ["", "STUDYMSH", &"# a note, and quite long enough for a head\n".repeat(9)] {
            std::fs::write(&path, content).unwrap();
            let error = Input::open(&path, Kind::Bundle).unwrap_err();
            assert!(error.code == Code::BadInput && error.message.ends_with("this is no bundle"), "{error}");
        }
    }
}
