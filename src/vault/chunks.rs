//! The content of a sealed file: chunks of 64 KiB, each sealed in its place.

use std::io::{self, Read};

use super::head::{HEAD_BYTES, Head, HeadError, Kind, SALT_BYTES, WrongPassphrase};
use super::{Cost, Passphrase};
use crate::log::stream::{MAX_CHUNK_BYTES, MAX_SEALED_CHUNK_BYTES, Opener, Sealer};

/// Begins a sealed file: the bytes of its head, and what seals the rest. The salt must be fresh and random.
#[must_use]
pub fn seal(kind: Kind, cost: Cost, salt: [u8; SALT_BYTES], passphrase: &Passphrase) -> ([u8; HEAD_BYTES], Writer) {
    let (head, key) = Head::seal(kind, cost, salt, passphrase);
    (*head.as_bytes(), Writer { sealer: Sealer::new(key), buffer: Vec::with_capacity(MAX_CHUNK_BYTES) })
}

/// Seals content as it comes. A file without [`Writer::finish`]'s bytes is known to be cut off.
#[derive(Debug)]
pub struct Writer {
    sealer: Sealer,
    buffer: Vec<u8>,
}

impl Writer {
    /// Adds content; the bytes that are ready to be written.
    #[must_use]
    pub fn push(&mut self, content: &[u8]) -> Vec<u8> {
        let (mut out, mut rest) = (vec![], content);
        while !rest.is_empty() {
            if self.buffer.len() == MAX_CHUNK_BYTES {
                out.extend(self.sealer.seal(&self.buffer, false));
                self.buffer.clear();
            }
            let (now, later) = rest.split_at(rest.len().min(MAX_CHUNK_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
        }
        out
    }

    /// The last bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.sealer.seal(&self.buffer, true)
    }
}

/// A sealed file whose head was read.
#[derive(Debug)]
pub struct Sealed<R> {
    head: Head,
    rest: R,
}

/// Why a sealed file can not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its head is not one.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// It is sealed, and of the other kind.
    #[error("it is a sealed file of another kind")]
    OtherKind(Kind),
    /// It was changed or cut off.
    #[error("it was changed or cut off, at byte {at} or in the 64 KiB after it")]
    Broken {
        /// Where the chunk begins that does not open.
        at: u64,
    },
    /// It can not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<R: Read> Sealed<R> {
    /// Reads the head of a sealed file of this kind.
    ///
    /// # Errors
    /// When it is something else, or can not be read.
    pub fn read(mut from: R, kind: Kind) -> Result<Self, ReadError> {
        let mut bytes = vec![];
        (&mut from).take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
        let head = Head::decode(bytes.as_slice().try_into().map_err(|_| HeadError::Magic)?)?;
        if head.kind() != kind {
            return Err(ReadError::OtherKind(head.kind()));
        }
        Ok(Self { head, rest: from })
    }

    /// Opens it. This takes as long and as much memory as its head says.
    ///
    /// # Errors
    /// When the passphrase is another one.
    pub fn open(self, passphrase: &Passphrase) -> Result<Opened<R>, WrongPassphrase> {
        let opener = Opener::new(self.head.unlock(passphrase)?);
        Ok(Opened { opener, rest: self.rest, at: HEAD_BYTES as u64, sealed: vec![] })
    }
}

/// A sealed file that is being read. What it gives is authentic, but not whole before [`Opened::chunk`] gives `None`.
#[derive(Debug)]
pub struct Opened<R> {
    opener: Opener,
    rest: R,
    at: u64,
    sealed: Vec<u8>,
}

impl<R: Read> Opened<R> {
    /// The next part of the content, at most 64 KiB; `None` at its end.
    ///
    /// # Errors
    /// When the file was changed, cut off or added to, or can not be read.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        self.sealed.clear();
        (&mut self.rest).take(MAX_SEALED_CHUNK_BYTES as u64).read_to_end(&mut self.sealed)?;
        if self.opener.has_ended() && self.sealed.is_empty() {
            return Ok(None);
        }
        let broken = ReadError::Broken { at: self.at };
        let chunk = self.opener.open(&self.sealed).map_err(|_| broken)?;
        self.at += self.sealed.len() as u64;
        Ok(Some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words() -> Passphrase {
        Passphrase::new("correct horse battery")
    }

    fn sealed(content: &[u8], pieces: usize) -> Vec<u8> {
        let (head, mut writer) = seal(Kind::Backup, Cost::LEAST, [5; 32], &words());
        let mut file = head.to_vec();
        content.chunks(pieces.max(1)).for_each(|piece| file.extend(writer.push(piece)));
        file.extend(writer.finish());
        file
    }

    fn opened(file: &[u8]) -> Result<Vec<u8>, String> {
        let sealed = Sealed::read(file, Kind::Backup).map_err(|e| e.to_string())?;
        let mut opened = sealed.open(&words()).map_err(|e| e.to_string())?;
        let mut content = vec![];
        while let Some(chunk) = opened.chunk().map_err(|e| e.to_string())? {
            content.extend(chunk);
        }
        Ok(content)
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn content_of_every_length_around_a_chunk_comes_back() {
        for len in [0, 1, MAX_CHUNK_BYTES - 1, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1, 2 * MAX_CHUNK_BYTES, 150_000] {
            let content = noise(len);
            assert_eq!(opened(&sealed(&content, 10_000)).unwrap(), content, "{len}");
            assert_eq!(
                sealed(&content, 10_000),
                sealed(&content, usize::MAX),
                "how it is handed over makes no difference"
            );
        }
    }

    #[test]
    fn a_cut_at_the_border_of_two_chunks_a_swap_and_an_addition_are_noticed() {
        let file = sealed(&noise(3 * MAX_CHUNK_BYTES), 1 << 20);
        let chunk = |n: usize| HEAD_BYTES + n * MAX_SEALED_CHUNK_BYTES;
        for n in 0..3 {
            assert!(opened(&file[..chunk(n)]).unwrap_err().contains(&format!("at byte {}", chunk(n))));
        }
        let mut swapped = file.clone();
        swapped[chunk(0)..chunk(2)].rotate_left(MAX_SEALED_CHUNK_BYTES);
        assert!(opened(&swapped).is_err());
        let mut left_out = file.clone();
        left_out.drain(chunk(1)..chunk(2));
        assert!(opened(&left_out).is_err());
        assert!(opened(&[&file[..], b"x"].concat()).is_err());
        assert!(opened(&[&file[..], &file[chunk(2)..]].concat()).is_err());
        assert!(opened(&file).is_ok());
    }

    #[test]
    fn a_file_of_the_other_kind_is_named_as_such() {
        let (head, writer) = seal(Kind::Key, Cost::LEAST, [5; 32], &words());
        let file = [&head[..], &writer.finish()].concat();
        assert!(matches!(Sealed::read(file.as_slice(), Kind::Backup), Err(ReadError::OtherKind(Kind::Key))));
        assert!(matches!(Sealed::read(&file[..50], Kind::Key), Err(ReadError::Head(HeadError::Magic))));
    }

    proptest! {
        #[test]
        fn any_single_change_is_refused(
            len in 0..2_000usize, at: prop::sample::Index, bit in 0..8u32, cut: prop::sample::Index, extra in 1..40usize,
        ) {
            let content = noise(len);
            let file = sealed(&content, 700);
            prop_assert_eq!(opened(&file), Ok(content));
            let mut changed = file.clone();
            changed[at.index(file.len())] ^= 1 << bit;
            prop_assert!(opened(&changed).is_err(), "byte {}", at.index(file.len()));
            prop_assert!(opened(&file[..cut.index(file.len())]).is_err());
            prop_assert!(opened(&[&file[..], &vec![0; extra]].concat()).is_err());
        }

        #[test]
        fn bytes_of_somebody_else_are_an_error_and_no_more(bytes in prop::collection::vec(any::<u8>(), 0..300), begins: bool) {
            let mut file = bytes;
            if begins {
                // Past the magic and the version, within the cost.
                file.splice(0..0, sealed(b"", 1)[..24].to_vec());
            }
            prop_assert!(opened(&file).is_err());
        }
    }
}
