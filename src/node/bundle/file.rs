//! The files themselves: read chunk by chunk. They are written by [`crate::node::output`].

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::api::{Code, Error};
use crate::sync::bundle::{CHUNK_BYTES, HEAD_BYTES, Head, HeadError, Kind};

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

#[cfg(test)]
mod tests {
    use super::*;

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
