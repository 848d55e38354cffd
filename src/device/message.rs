//! The frames of a link stream and their bytes.

use crate::model::wire::{Reader, WireError};

/// Bytes of a SPAKE2 message: a side and an element.
pub const ELEMENT_BYTES: usize = 33;
/// Most bytes of a frame: a sealed body at its largest, and the type.
pub const MAX_FRAME_BYTES: usize = 1 + crate::log::header::MAX_BODY_BYTES as usize;

/// A frame of a link stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// New device: is the offer of this code here?
    Knock {
        /// Random.
        nonce: [u8; 32],
        /// Says which offer is meant.
        tag: [u8; 32],
    },
    /// Old device: it is.
    Here {
        /// Random.
        nonce: [u8; 32],
        /// Says which offer is meant.
        tag: [u8; 32],
        /// Its part of SPAKE2.
        element: [u8; ELEMENT_BYTES],
    },
    /// New device: the one attempt.
    Prove {
        /// Its part of SPAKE2.
        element: [u8; ELEMENT_BYTES],
        /// Confirms the key.
        mac: [u8; 32],
    },
    /// Old device: the key is confirmed here as well.
    Proven {
        /// Confirms the key.
        mac: [u8; 32],
    },
    /// Old device: the code was another one, and the offer is over.
    WrongCode,
    /// What only the two devices read.
    Sealed(Vec<u8>),
    /// A device to another one of the same person.
    Kin {
        /// Random.
        nonce: [u8; 32],
        /// Proves the secret of the person's devices.
        mac: [u8; 32],
    },
    /// The other one's answer.
    KinHere {
        /// Random.
        nonce: [u8; 32],
        /// Proves the secret of the person's devices.
        mac: [u8; 32],
    },
}

impl Message {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts = |kind: u8, parts: &[&[u8]]| {
            let mut out = vec![kind];
            parts.iter().for_each(|part| out.extend_from_slice(part));
            out
        };
        match self {
            Self::Knock { nonce, tag } => parts(1, &[nonce, tag]),
            Self::Here { nonce, tag, element } => parts(2, &[nonce, tag, element]),
            Self::Prove { element, mac } => parts(3, &[element, mac]),
            Self::Proven { mac } => parts(4, &[mac]),
            Self::WrongCode => parts(5, &[]),
            Self::Sealed(sealed) => parts(6, &[sealed]),
            Self::Kin { nonce, mac } => parts(7, &[nonce, mac]),
            Self::KinHere { nonce, mac } => parts(8, &[nonce, mac]),
        }
    }

    /// Reads a frame that fills `bytes` exactly.
    ///
    /// # Errors
    /// When the bytes do not follow the layout, or are too many.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(WireError::Bounds("frame"));
        }
        let mut r = Reader::new(bytes);
        let message = match r.u8()? {
            1 => Self::Knock { nonce: r.array()?, tag: r.array()? },
            2 => Self::Here { nonce: r.array()?, tag: r.array()?, element: r.array()? },
            3 => Self::Prove { element: r.array()?, mac: r.array()? },
            4 => Self::Proven { mac: r.array()? },
            5 => Self::WrongCode,
            6 => return Ok(Self::Sealed(r.rest().to_vec())),
            7 => Self::Kin { nonce: r.array()?, mac: r.array()? },
            8 => Self::KinHere { nonce: r.array()?, mac: r.array()? },
            _ => return Err(WireError::Bounds("type")),
        };
        r.finish()?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_frame_reads_back_and_no_shorter_or_longer_one_does() {
        let all = [
            Message::Knock { nonce: [1; 32], tag: [2; 32] },
            Message::Here { nonce: [1; 32], tag: [2; 32], element: [3; 33] },
            Message::Prove { element: [3; 33], mac: [4; 32] },
            Message::Proven { mac: [4; 32] },
            Message::WrongCode,
            Message::Kin { nonce: [1; 32], mac: [2; 32] },
            Message::KinHere { nonce: [1; 32], mac: [2; 32] },
        ];
        for message in all {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes), Ok(message));
            (0..bytes.len()).for_each(|cut| assert!(Message::decode(&bytes[..cut]).is_err()));
            assert!(Message::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
        let sealed = Message::Sealed(vec![7; 100]);
        assert_eq!(Message::decode(&sealed.encode()), Ok(sealed));
        assert!(Message::decode(&vec![6; MAX_FRAME_BYTES + 1]).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_have_one_reading(kind in 0u8..10, rest in prop::collection::vec(any::<u8>(), 0..120)) {
            let bytes = [&[kind][..], &rest].concat();
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }
}
