//! The one door to bincode: bounded, with no trailing bytes.
//!
//! bincode 2 is pinned and unmaintained, so nothing else in the crate names it but for deriving `Encode` and
//! `Decode`. What is decoded here was bounded by length before; the limit below bounds the memory that a short
//! input can claim. Types on the wire are never recursive and never contain zero-sized elements.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

/// Most bytes of memory that decoding one value may claim.
pub const MAX_DECODED_BYTES: usize = 1 << 20;

type Config = Configuration<LittleEndian, Varint, Limit<MAX_DECODED_BYTES>>;

fn config() -> Config {
    bincode::config::standard().with_limit::<MAX_DECODED_BYTES>()
}

/// Why bytes are not a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not follow the type's shape, or claim more than [`MAX_DECODED_BYTES`].
    #[error("the bytes do not have the expected shape: {0}")]
    Shape(String),
    /// A value was read, but bytes follow it.
    #[error("{0} bytes follow the value")]
    Trailing(usize),
}

/// The bincode form of a value (standard configuration: little endian, variable-length integers).
///
/// # Panics
/// If the value would claim more than [`MAX_DECODED_BYTES`]; our own values are bounded well below.
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, config()).expect("our own values are within the limit")
}

/// Reads one value that fills `bytes` exactly.
///
/// # Errors
/// When the bytes have another shape, claim too much memory, or go on after the value.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, used) =
        bincode::decode_from_slice::<T, _>(bytes, config()).map_err(|e| DecodeError::Shape(e.to_string()))?;
    if used != bytes.len() {
        return Err(DecodeError::Trailing(bytes.len() - used));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_bytes_that_claim_eight_gigabytes_are_refused() {
        let bomb = [253, 0, 0, 0, 0, 2, 0, 0, 0];
        assert!(matches!(decode::<Vec<u8>>(&bomb), Err(DecodeError::Shape(_))));
        assert!(matches!(decode::<Vec<[u8; 32]>>(&bomb), Err(DecodeError::Shape(_))));
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        assert_eq!(decode::<u8>(&[1, 2]), Err(DecodeError::Trailing(1)));
    }
}
