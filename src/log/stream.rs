//! Something long, sealed in chunks: each opens on its own, in its place only, and the last one says that it is the last.
//!
//! The key must be used for one stream only. A chunk's nonce is its number and whether it is the last, so chunks can not
//! be swapped, dropped, repeated or cut off unnoticed.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Aead;

use super::seal::{Key, NONCE_BYTES, TAG_BYTES};

/// Most bytes of a chunk before it is sealed.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024;
/// Most bytes of a sealed chunk.
pub const MAX_SEALED_CHUNK_BYTES: usize = MAX_CHUNK_BYTES + TAG_BYTES;

/// Seals chunks in order.
#[derive(Debug)]
pub struct Sealer {
    key: Key,
    next: u64,
}

impl Sealer {
    /// Seals under a key of this stream's own.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self { key, next: 0 }
    }

    /// The next chunk, sealed: [`TAG_BYTES`] longer. Nothing may follow the last.
    ///
    /// # Panics
    /// When the chunk is longer than [`MAX_CHUNK_BYTES`]: chunks are cut by our own code.
    #[must_use]
    pub fn seal(&mut self, chunk: &[u8], last: bool) -> Vec<u8> {
        assert!(chunk.len() <= MAX_CHUNK_BYTES, "chunks are cut by our own code");
        let nonce = nonce(self.next, last);
        self.next += 1;
        self.key.cipher().encrypt(&nonce, chunk).expect("a chunk is far below the cipher's limit")
    }
}

/// A chunk is not the next one of its stream: it was changed, or stands in another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chunk was changed, or is not in its place")]
pub struct Changed;

/// Opens chunks in order.
#[derive(Debug)]
pub struct Opener {
    key: Key,
    next: u64,
    ended: bool,
}

impl Opener {
    /// Opens under the stream's key.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self { key, next: 0, ended: false }
    }

    /// Whether the last chunk was opened.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next chunk, opened. After an error the same place may be tried with other bytes.
    ///
    /// # Errors
    /// When it is not the next one, too long, or follows the last.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, Changed> {
        if self.ended || sealed.len() > MAX_SEALED_CHUNK_BYTES {
            return Err(Changed);
        }
        let cipher = self.key.cipher();
        let opened = match cipher.decrypt(&nonce(self.next, false), sealed) {
            Ok(chunk) => chunk,
            Err(_) => {
                let chunk = cipher.decrypt(&nonce(self.next, true), sealed).map_err(|_| Changed)?;
                self.ended = true;
                chunk
            }
        };
        self.next += 1;
        Ok(opened)
    }
}

fn nonce(number: u64, last: bool) -> XNonce {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce[8] = u8::from(last);
    nonce.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut sealer = Sealer::new(Key::new([1; 32]));
        chunks.iter().enumerate().map(|(i, c)| sealer.seal(c, i + 1 == chunks.len())).collect()
    }

    #[test]
    fn chunks_open_in_their_order_and_the_last_one_is_known() {
        let chunks = sealed(&[b"one", b"", b"three"]);
        let mut opener = Opener::new(Key::new([1; 32]));
        assert_eq!(opener.open(&chunks[0]).unwrap(), b"one");
        // Neither skipped nor repeated nor from another stream, and then the right one still opens.
        assert_eq!(opener.open(&chunks[2]), Err(Changed));
        assert_eq!(opener.open(&chunks[0]), Err(Changed));
        assert_eq!(Opener::new(Key::new([2; 32])).open(&chunks[0]), Err(Changed));
        assert_eq!(opener.open(&chunks[1]).unwrap(), b"");
        assert!(!opener.has_ended());
        assert_eq!(opener.open(&chunks[2]).unwrap(), b"three");
        assert!(opener.has_ended());
        assert_eq!(opener.open(&chunks[2]), Err(Changed));
    }

    #[test]
    fn each_changed_bit_of_a_chunk_is_noticed() {
        let chunks = sealed(&[b"a chunk"]);
        for bit in 0..chunks[0].len() * 8 {
            let mut changed = chunks[0].clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Opener::new(Key::new([1; 32])).open(&changed), Err(Changed));
        }
        for len in 0..chunks[0].len() {
            assert_eq!(Opener::new(Key::new([1; 32])).open(&chunks[0][..len]), Err(Changed));
        }
    }
}
