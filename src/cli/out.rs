//! Standard output, which may be closed at any time: `studymesh note list | head -1` ends quietly.

use std::io::{ErrorKind, Write};

use crate::api::{Code, Error};

/// Data goes here. After the reader has gone everything is swallowed; any other failure is kept until the end.
pub struct Out {
    writer: Box<dyn Write>,
    closed: bool,
    failed: Option<String>,
}

impl Out {
    /// Writes to somewhere.
    pub fn new(writer: Box<dyn Write>) -> Self {
        Self { writer, closed: false, failed: None }
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        if let Err(error) = self.writer.write_all(bytes).and_then(|()| self.writer.flush()) {
            self.closed = true;
            if error.kind() != ErrorKind::BrokenPipe {
                self.failed = Some(error.to_string());
            }
        }
    }

    /// Writes a text as it is.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes a text and a line break.
    pub fn line(&mut self, text: &str) {
        self.bytes(format!("{text}\n").as_bytes());
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether everything was written that anybody wanted to read.
    ///
    /// # Errors
    /// When the output failed otherwise than by being closed: a full disk.
    pub fn finish(&mut self) -> Result<(), Error> {
        match self.failed.take() {
            None => Ok(()),
            Some(cause) => Err(Error::new(
                Code::Failed,
                format!("the output can not be written: {cause}"),
                "check that there is room where it goes; the command itself was carried out",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_has_gone_is_no_failure_but_a_full_disk_is() {
        let mut gone = Out::new(Box::new(Broken(ErrorKind::BrokenPipe)));
        gone.line("x");
        gone.line("y");
        assert!(gone.is_closed());
        assert_eq!(gone.finish(), Ok(()));
        let mut full = Out::new(Box::new(Broken(ErrorKind::StorageFull)));
        full.line("x");
        assert_eq!(full.finish().unwrap_err().code, Code::Failed);
    }
}
