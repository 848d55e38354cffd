//! Sealing a body: frame, compression, padding, XChaCha20-Poly1305.
//!
//! The plaintext is `kind (u16) | compression (u8) | kind version (u8) | payload length (u32) | payload | zeros`. The
//! frame stands outside bincode, so that a kind from a newer version can be kept, served and passed on unread. Zeros
//! pad the plaintext to a bucket of [`padded_len`], so that sizes say little.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::header::MAX_BODY_BYTES;
use crate::model::limits::MAX_NOTE_PAYLOAD_BYTES;

/// Bytes of the nonce in front of the ciphertext.
pub const NONCE_BYTES: usize = 24;
/// Bytes of the authentication tag behind the ciphertext.
pub const TAG_BYTES: usize = 16;
/// Bytes of the frame in front of the payload.
pub const FRAME_BYTES: usize = 8;
/// Smallest padded plaintext, in bytes.
pub const MIN_PADDED_BYTES: usize = 64;
/// Most bytes of a payload before compression.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Largest padded plaintext whose ciphertext still fits [`MAX_BODY_BYTES`].
pub const MAX_PLAINTEXT_BYTES: usize = MAX_BODY_BYTES as usize - NONCE_BYTES - TAG_BYTES;
/// Payloads below this many bytes are not worth compressing.
const MIN_COMPRESS_BYTES: usize = 128;
/// Payloads from this many bytes on are deflated. Making the tables of a short one takes longer than all else that is done to an
/// entry, twenty times as long as LZ4 takes for the whole.
const MIN_DEFLATE_BYTES: usize = 2_048;
/// Bytes in front of an LZ4 block: how long the payload is, u16.
const LZ4_HEAD_BYTES: usize = 2;

const _: () = assert!(FRAME_BYTES + MAX_NOTE_PAYLOAD_BYTES <= MAX_PLAINTEXT_BYTES, "any note edit fits one body");

const PLAIN: u8 = 0;
const DEFLATE: u8 = 1;
const LZ4: u8 = 2;

/// A symmetric key of 32 bytes, wiped when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// From raw bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What a body says before it is interpreted: a kind, its version and the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    /// The kind of action; unknown kinds are kept and passed on.
    pub kind: u16,
    /// The version of the kind's payload.
    pub version: u8,
    /// The payload, at most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
}

/// Why a body can not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the content is too long for one entry: {bytes} bytes after compression, at most {limit}; write it in parts")]
pub struct TooLong {
    /// Bytes needed.
    pub bytes: usize,
    /// Bytes allowed.
    pub limit: usize,
}

/// Why a body can not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The key is another one, or the bytes were changed.
    #[error("the body does not open with this key")]
    Key,
    /// The plaintext does not follow the frame's layout.
    #[error("the body's frame is malformed: {0}")]
    Frame(&'static str),
}

/// The bucket that a plaintext of `len` bytes is padded to (Padmé: at most about 12% more), at least
/// [`MIN_PADDED_BYTES`].
#[must_use]
pub const fn padded_len(len: usize) -> usize {
    if len <= MIN_PADDED_BYTES {
        return MIN_PADDED_BYTES;
    }
    let exponent = len.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1usize << (exponent - kept_bits)) - 1;
    (len + mask) & !mask
}

/// Seals a payload into a body: nonce, ciphertext, tag.
///
/// # Errors
/// When the payload is longer than [`MAX_PAYLOAD_BYTES`], or does not fit [`MAX_BODY_BYTES`] after compression.
pub fn seal(
    key: &Key,
    kind: u16,
    version: u8,
    payload: &[u8],
    associated: &[u8],
    nonce: [u8; NONCE_BYTES],
) -> Result<Vec<u8>, TooLong> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(TooLong { bytes: payload.len(), limit: MAX_PAYLOAD_BYTES });
    }
    let (compression, small) = compress(payload);
    let stored = small.as_deref().unwrap_or(payload);
    let len = FRAME_BYTES + stored.len();
    let padded = padded_len(len).min(MAX_PLAINTEXT_BYTES.max(len));
    if padded > MAX_PLAINTEXT_BYTES {
        return Err(TooLong { bytes: len, limit: MAX_PLAINTEXT_BYTES });
    }
    let mut plain = Vec::with_capacity(padded);
    plain.extend_from_slice(&kind.to_le_bytes());
    plain.push(compression);
    plain.push(version);
    plain.extend_from_slice(&u32::try_from(stored.len()).expect("bounded above").to_le_bytes());
    plain.extend_from_slice(stored);
    plain.resize(padded, 0);
    let sealed = key
        .cipher()
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: &plain, aad: associated })
        .expect("the plaintext is far below the cipher's limit");
    let mut body = Vec::with_capacity(NONCE_BYTES + sealed.len());
    body.extend_from_slice(&nonce);
    body.extend_from_slice(&sealed);
    Ok(body)
}

/// A payload in as few bytes as its length allows; none when compression makes it no shorter.
fn compress(payload: &[u8]) -> (u8, Option<Vec<u8>>) {
    let (compression, small) = match payload.len() {
        0..MIN_COMPRESS_BYTES => return (PLAIN, None),
        len @ MIN_COMPRESS_BYTES..MIN_DEFLATE_BYTES => {
            let mut small = u16::try_from(len).expect("it is short").to_le_bytes().to_vec();
            small.resize(LZ4_HEAD_BYTES + lz4_flex::block::get_maximum_output_size(len), 0);
            let end = lz4_flex::block::compress_into(payload, &mut small[LZ4_HEAD_BYTES..])
                .expect("there is room for the worst");
            small.truncate(LZ4_HEAD_BYTES + end);
            (LZ4, small)
        }
        _ => (DEFLATE, miniz_oxide::deflate::compress_to_vec(payload, 6)),
    };
    if small.len() < payload.len() { (compression, Some(small)) } else { (PLAIN, None) }
}

/// The payload that such a block stands for: exactly as long as it says, and shorter than what is deflated.
fn from_lz4(stored: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (head, block) =
        stored.split_first_chunk::<LZ4_HEAD_BYTES>().ok_or(OpenError::Frame("an LZ4 payload without its length"))?;
    let len = usize::from(u16::from_le_bytes(*head));
    if len >= MIN_DEFLATE_BYTES {
        return Err(OpenError::Frame("an LZ4 payload that is too long"));
    }
    let mut payload = vec![0; len];
    match lz4_flex::block::decompress_into(block, &mut payload) {
        Ok(end) if end == len => Ok(payload),
        _ => Err(OpenError::Frame("an LZ4 payload that is damaged")),
    }
}

/// Opens a body.
///
/// # Errors
/// When the key does not match, the bytes were changed, or the frame is malformed.
pub fn open(key: &Key, body: &[u8], associated: &[u8]) -> Result<Framed, OpenError> {
    if body.len() < NONCE_BYTES + TAG_BYTES || body.len() > MAX_BODY_BYTES as usize {
        return Err(OpenError::Key);
    }
    let (nonce, sealed) = body.split_at(NONCE_BYTES);
    let plain = key
        .cipher()
        .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: associated })
        .map_err(|_| OpenError::Key)?;
    let Some((frame, rest)) = plain.split_first_chunk::<FRAME_BYTES>() else {
        return Err(OpenError::Frame("shorter than its header"));
    };
    let [k0, k1, compression, version, l0, l1, l2, l3] = *frame;
    let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if len > rest.len() {
        return Err(OpenError::Frame("payload longer than the body"));
    }
    let (stored, padding) = rest.split_at(len);
    if padding.iter().any(|&b| b != 0) {
        return Err(OpenError::Frame("padding is not zero"));
    }
    let payload = match compression {
        PLAIN => stored.to_vec(),
        DEFLATE => miniz_oxide::inflate::decompress_to_vec_with_limit(stored, MAX_PAYLOAD_BYTES)
            .map_err(|_| OpenError::Frame("payload does not inflate within its limit"))?,
        LZ4 => from_lz4(stored)?,
        _ => return Err(OpenError::Frame("unknown compression")),
    };
    Ok(Framed { kind: u16::from_le_bytes([k0, k1]), version, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_sealed_opens_with_the_same_key_and_context_only(
            payload in prop::collection::vec(any::<u8>(), 0..3000), kind: u16, version: u8, aad in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let key = Key::new([1; 32]);
            let body = seal(&key, kind, version, &payload, &aad, [9; 24]).unwrap();
            prop_assert_eq!(open(&key, &body, &aad).unwrap(), Framed { kind, version, payload });
            prop_assert_eq!(open(&Key::new([2; 32]), &body, &aad), Err(OpenError::Key));
            let mut other = aad.clone();
            other.push(0);
            prop_assert_eq!(open(&key, &body, &other), Err(OpenError::Key));
        }

        #[test]
        fn padding_never_shrinks_and_costs_at_most_an_eighth(len in MIN_PADDED_BYTES..MAX_PLAINTEXT_BYTES) {
            let padded = padded_len(len);
            prop_assert!(padded >= len && padded - len <= len / 8);
        }
    }

    /// Opens a body whose plaintext says these bytes, compressed so.
    fn open_stored(compression: u8, stored: &[u8]) -> Result<Framed, OpenError> {
        let key = Key::new([1; 32]);
        let mut plain = vec![0, 0, compression, 0];
        plain.extend_from_slice(&u32::try_from(stored.len()).unwrap().to_le_bytes());
        plain.extend_from_slice(stored);
        let sealed = key.cipher().encrypt(XNonce::from_slice(&[0; 24]), plain.as_slice()).unwrap();
        open(&key, &[&[0u8; 24][..], &sealed].concat(), &[])
    }

    #[test]
    fn a_payload_that_inflates_beyond_the_limit_is_refused() {
        let zeros = vec![0u8; MAX_PAYLOAD_BYTES + 1];
        let bomb = miniz_oxide::deflate::compress_to_vec(&zeros, 9);
        assert!(matches!(open_stored(DEFLATE, &bomb), Err(OpenError::Frame(_))));
    }

    #[test]
    fn a_short_payload_is_exactly_what_its_block_says_or_refused() {
        let text = "云原生 cloud native ".repeat(40);
        let (compression, small) = compress(text.as_bytes());
        let small = small.unwrap();
        assert_eq!((compression, small.len() < text.len() / 4), (LZ4, true));
        assert_eq!(open_stored(LZ4, &small).unwrap().payload, text.as_bytes());
        // As builds before wrote it.
        let deflated = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6);
        assert_eq!(open_stored(DEFLATE, &deflated).unwrap().payload, text.as_bytes());
        let says = |len: u16| [&len.to_le_bytes(), &small[2..]].concat();
        let len = u16::try_from(text.len()).unwrap();
        for wrong in [says(len - 1), says(len + 1), says(u16::MAX), says(0), small[..1].to_vec(), small[..9].to_vec()] {
            assert!(matches!(open_stored(LZ4, &wrong), Err(OpenError::Frame(_))), "{wrong:?}");
        }
        assert!(matches!(open_stored(3, &small), Err(OpenError::Frame(_))));
    }

    #[test]
    fn a_longer_payload_is_deflated_and_a_very_short_one_left_alone() {
        let text = "云原生 cloud native ".repeat(200);
        assert_eq!(compress(text.as_bytes()).0, DEFLATE);
        assert_eq!(compress(&text.as_bytes()[..120]).0, PLAIN);
        let mut noise = [0; 1_000];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        assert_eq!(compress(&noise), (PLAIN, None));
    }

    proptest! {
        #[test]
        fn any_bytes_as_a_block_give_an_error_or_a_payload(stored in prop::collection::vec(any::<u8>(), 0..300)) {
            let payload = open_stored(LZ4, &stored);
            prop_assert!(payload.is_err() || payload.is_ok_and(|framed| framed.payload.len() < MIN_DEFLATE_BYTES));
        }
    }

    #[test]
    fn the_longest_incompressible_text_fits_exactly_or_is_refused_with_the_limit() {
        let mut noise = vec![0u8; MAX_PLAINTEXT_BYTES];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        let key = Key::new([1; 32]);
        let fits = seal(&key, 1, 1, &noise[..MAX_PLAINTEXT_BYTES - FRAME_BYTES], &[], [0; 24]).unwrap();
        assert!(fits.len() <= MAX_BODY_BYTES as usize);
        assert!(seal(&key, 1, 1, &noise, &[], [0; 24]).is_err());
    }
}
