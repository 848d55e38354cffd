//! What a backup holds, and in what order: its parts, one after the other, inside the sealed stream.
//!
//! A part is `kind (u8) | length (u64) | bytes`. The manifest comes first and the store last; each stands there once at most. What is
//! read into memory is bounded by a constant of its part.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::api::{Code, Error};
use crate::config::MAX_FILE_BYTES;
use crate::model::action::GroupKind;
use crate::model::id::GroupId;
use crate::node::output::Output;
use crate::vault::{Kind, WrongPassphrase};
use crate::vault::{MAX_KEY_TEXT_BYTES, Opened, Passphrase, ReadError, Sealed, Writer};

/// Most bytes of a manifest.
const MAX_MANIFEST_BYTES: u64 = 256 * 1024;
/// The version of the manifest and of what the parts mean.
const VERSION: u8 = 1;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// JSON: [`Manifest`].
    Manifest = 1,
    /// `device.key` as it was, in plain or under its own passphrase.
    Key = 2,
    /// `config.toml` as it was.
    Settings = 3,
    /// A SQLite database.
    Store = 4,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub v: u8,
    /// The version of the program that made it.
    pub program: String,
    /// When, Unix milliseconds.
    pub created_ms: u64,
    /// Of the node that it was made from; null without a key.
    pub peer_id: Option<String>,
    pub person: String,
    /// Whether the entries were left out.
    pub keys_only: bool,
    pub groups: Vec<GroupLine>,
    /// How many entries are in it.
    pub entries: u64,
}

/// A group in a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupLine {
    pub group_id: GroupId,
    pub name: String,
    pub kind: Option<GroupKind>,
}

impl Manifest {
    pub fn new(created_ms: u64) -> Self {
        Self {
            v: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            created_ms,
            peer_id: None,
            person: String::new(),
            keys_only: false,
            groups: vec![],
            entries: 0,
        }
    }
}

/// A backup that is being written.
pub(super) struct Packing {
    writer: Writer,
    output: Output,
}

impl Packing {
    /// Begins with the head of the file.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn begin(mut output: Output, head: &[u8], writer: Writer) -> Result<Self, Error> {
        output.write(head)?;
        Ok(Self { writer, output })
    }

    /// Adds a small part.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn put(&mut self, part: Part, bytes: &[u8]) -> Result<(), Error> {
        self.begin_part(part, bytes.len() as u64)?;
        self.push(bytes)
    }

    /// Adds a file of exactly `length` bytes.
    ///
    /// # Errors
    /// When it can not be read or written.
    pub fn put_file(&mut self, part: Part, path: &Path) -> Result<(), Error> {
        let unreadable = |error: std::io::Error| {
            let cause = format!("{} can not be read: {error}", path.display());
            Error::new(Code::Failed, cause, "look at the disk, then try again")
        };
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        self.begin_part(part, length)?;
        let (mut buffer, mut left) = (vec![0; 64 * 1024], length);
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = file.read(&mut buffer[..most]).map_err(unreadable)?;
            if read == 0 {
                return Err(unreadable(std::io::ErrorKind::UnexpectedEof.into()));
            }
            self.push(&buffer[..read])?;
            left -= read as u64;
        }
        Ok(())
    }

    /// Ends it and puts the file in its place; how many bytes it has.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn finish(mut self) -> Result<u64, Error> {
        self.output.write(&self.writer.finish())?;
        self.output.publish()
    }

    fn begin_part(&mut self, part: Part, length: u64) -> Result<(), Error> {
        self.push(&[part as u8])?;
        self.push(&length.to_le_bytes())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let ready = self.writer.push(bytes);
        self.output.write(&ready)
    }
}

/// A backup that was opened, up to its store.
pub(super) struct Unpacking {
    pub manifest: Manifest,
    pub key: Option<Vec<u8>>,
    pub settings: Option<Vec<u8>>,
    /// Bytes of the store that are still to be read.
    left: u64,
    content: Content,
}

/// The stream, with what was read of it and not used.
struct Content {
    opened: Opened<std::io::BufReader<std::fs::File>>,
    chunk: Vec<u8>,
    used: usize,
    shown: String,
}

impl Unpacking {
    /// Opens a backup and reads what stands before its store.
    ///
    /// # Errors
    /// When it is something else, newer, changed or cut off, or the passphrase is another one.
    pub fn open(path: &Path, passphrase: &dyn Fn() -> Result<Passphrase, Error>) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let sealed = read_head(path, &shown)?;
        let opened = sealed.open(&passphrase()?).map_err(|wrong: WrongPassphrase| {
            Error::new(
                Code::NotPermitted,
                format!("{shown} does not open: {wrong}"),
                "type the passphrase again; look at the keyboard layout and at capital letters",
            )
        })?;
        let mut content = Content { opened, chunk: vec![], used: 0, shown };
        let (mut manifest, mut key, mut settings) = (None, None, None);
        loop {
            let kind = content.array::<1>()?[0];
            let length = u64::from_le_bytes(content.array()?);
            match (kind, &manifest) {
                (1, None) => {
                    let bytes = content.part(length, MAX_MANIFEST_BYTES)?;
                    let read: Manifest = serde_json::from_slice(&bytes).map_err(|_| content.strange())?;
                    if read.v != VERSION {
                        return Err(content.strange());
                    }
                    manifest = Some(read);
                }
                (2, Some(_)) if key.is_none() => key = Some(content.part(length, MAX_KEY_TEXT_BYTES as u64)?),
                (3, Some(_)) if settings.is_none() => settings = Some(content.part(length, MAX_FILE_BYTES)?),
                (4, Some(_)) => {
                    let manifest = manifest.ok_or_else(|| content.strange())?;
                    return Ok(Self { manifest, key, settings, left: length, content });
                }
                _ => return Err(content.strange()),
            }
        }
    }

    /// Hands the store over piece by piece, then sees that nothing is missing and nothing follows.
    ///
    /// # Errors
    /// When the file was changed or cut off, or as `take` says: what was handed over is worth nothing then.
    pub fn store(mut self, mut take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<Manifest, Error> {
        while self.left > 0 {
            let piece = self.content.some(self.left)?;
            take(piece)?;
            let taken = piece.len();
            self.content.used += taken;
            self.left -= taken as u64;
        }
        if self.content.used < self.content.chunk.len() || self.content.fill()? {
            return Err(self.content.strange());
        }
        Ok(self.manifest)
    }
}

impl Content {
    /// Reads the next chunk that is not empty; `false` at the end.
    fn fill(&mut self) -> Result<bool, Error> {
        loop {
            let chunk = self.opened.chunk().map_err(|error| unusable(&self.shown, error))?;
            let Some(chunk) = chunk else { return Ok(false) };
            (self.chunk, self.used) = (chunk, 0);
            if !self.chunk.is_empty() {
                return Ok(true);
            }
        }
    }

    /// What there is, at least one byte and at most `most`.
    fn some(&mut self, most: u64) -> Result<&[u8], Error> {
        if self.used == self.chunk.len() && !self.fill()? {
            return Err(self.strange());
        }
        let rest = &self.chunk[self.used..];
        Ok(&rest[..rest.len().min(usize::try_from(most).unwrap_or(usize::MAX))])
    }

    /// A part that is read into memory.
    fn part(&mut self, length: u64, most: u64) -> Result<Vec<u8>, Error> {
        if length > most {
            return Err(self.strange());
        }
        let mut bytes = vec![];
        while (bytes.len() as u64) < length {
            let piece = self.some(length - bytes.len() as u64)?;
            bytes.extend_from_slice(piece);
            self.used += piece.len();
        }
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let bytes = self.part(N as u64, N as u64)?;
        Ok(bytes.try_into().expect("as many as were asked for"))
    }

    /// It is authentic, and does not mean anything to this program.
    fn strange(&self) -> Error {
        let cause = format!("{} holds something that this studymesh does not know", self.shown);
        Error::new(Code::BadInput, cause, "use the studymesh that wrote it, or a newer one")
    }
}

fn read_head(path: &Path, shown: &str) -> Result<Sealed<std::io::BufReader<std::fs::File>>, Error> {
    let io = |error: std::io::Error| unusable(shown, ReadError::Io(error));
    // Opening a pipe would wait for somebody to write into it.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(Error::new(Code::BadInput, format!("{shown} is not a file"), "name a file"));
    }
    let file = std::fs::File::open(path).map_err(io)?;
    Sealed::read(std::io::BufReader::new(file), Kind::Backup).map_err(|error| unusable(shown, error))
}

fn unusable(shown: &str, error: ReadError) -> Error {
    use crate::vault::HeadError;
    let cause = format!("{shown} can not be used: {error}");
    match error {
        ReadError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Error::new(Code::NotFound, format!("there is no file {shown}"), "check the path")
        }
        ReadError::Io(_) => Error::new(Code::BadInput, cause, "check that you may read it"),
        ReadError::Head(HeadError::Magic) => Error::new(
            Code::BadInput,
            cause,
            "name a file that `studymesh backup create` wrote; or copy it again, whole",
        ),
        ReadError::Head(_) => Error::new(Code::BadInput, cause, "use the studymesh that wrote it, or a newer one"),
        ReadError::OtherKind(_) => {
            Error::new(Code::BadInput, cause, "`studymesh key import` takes keys, `studymesh backup restore` backups")
        }
        ReadError::Broken { .. } => {
            Error::new(Code::BadInput, cause, "copy it again, or take another backup; nothing was changed here")
        }
    }
}
