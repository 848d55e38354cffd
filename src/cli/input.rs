//! Reading files and standard input: bounded, checked, with cause and remedy.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::api::{Code, Error};

/// The argument that means standard input.
pub const STDIN: &str = "-";

/// A text of at most `max` bytes from a file, or from standard input when the name is `-`.
///
/// # Errors
/// `not_found` when there is no such file; `bad_input` when it is too large, no text, or can not be read.
pub fn text(name: &str, max: usize) -> Result<String, Error> {
    if name == STDIN { read(std::io::stdin().lock(), "standard input", max) } else { file(Path::new(name), max) }
}

/// A text of at most `max` bytes from a file.
///
/// # Errors
/// As [`text`].
pub fn file(path: &Path, max: usize) -> Result<String, Error> {
    let shown = path.display().to_string();
    if path.is_dir() {
        return Err(Error::new(Code::BadInput, format!("{shown} is a directory"), "name a file"));
    }
    let file = File::open(path).map_err(|error| unreadable(&shown, &error))?;
    read(file, &shown, max)
}

/// The error for a path that can not be read.
pub fn unreadable(shown: &str, error: &std::io::Error) -> Error {
    if error.kind() == ErrorKind::NotFound {
        return Error::new(Code::NotFound, format!("there is no file {shown}"), "check the path");
    }
    Error::new(Code::BadInput, format!("{shown} can not be read: {error}"), "check that you may read it")
}

/// The error for a path that can not be written.
pub fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    let cause = format!("{} can not be written: {error}", path.display());
    Error::new(Code::Failed, cause, "check that you may write there and that there is room, or choose another place")
}

fn read(from: impl Read, shown: &str, max: usize) -> Result<String, Error> {
    let mut bytes = vec![];
    from.take(max as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(shown, &error))?;
    if bytes.len() > max {
        let cause = format!("{shown} has more than {max} bytes");
        return Err(Error::new(Code::BadInput, cause, "split it into smaller parts"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let cause = format!("{shown} is not UTF-8 text: line {line} has other bytes");
        Error::new(Code::BadInput, cause, "save it as UTF-8, or choose a text file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_read_has_a_code_a_cause_and_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        assert_eq!(file(&path, 10).unwrap_err().code, Code::NotFound);
        assert_eq!(file(dir.path(), 10).unwrap_err().code, Code::BadInput);
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(file(&path, 10).unwrap(), "0123456789");
        let large = file(&path, 9).unwrap_err();
        assert_eq!(large.code, Code::BadInput);
        assert!(large.message.ends_with("has more than 9 bytes") && !large.remedy.is_empty());
        std::fs::write(&path, b"a\nb\xff").unwrap();
        assert!(file(&path, 10).unwrap_err().message.contains("line 2"));
    }
}
