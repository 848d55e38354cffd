//! The head of a sealed file: what it is, and how the passphrase becomes its key.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::Passphrase;
use crate::log::seal::Key;

/// Bytes of a head.
pub const HEAD_BYTES: usize = SALTED_BYTES + CHECK_BYTES;

const MAGIC: &[u8; 8] = b"SMSHSEAL";
const VERSION: u8 = 1;
/// Bytes of the salt.
pub(super) const SALT_BYTES: usize = 32;
/// Everything before the check: magic, version, kind, two zeros, three numbers, the salt.
const SALTED_BYTES: usize = 8 + 1 + 1 + 2 + 3 * 4 + SALT_BYTES;
const CHECK_BYTES: usize = 16;
const KEY_LABEL: &str = "studymesh 2026 v1 sealed file key";
const CHECK_LABEL: &str = "studymesh 2026 v1 sealed file check";

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A backup of a node's directory.
    Backup = 1,
    /// The key of an installation.
    Key = 2,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Backup, Self::Key].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// How expensive one guess at the passphrase is, as Argon2id counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB: at least 8 per lane, at most [`Cost::MAX`]'s.
    pub memory_kib: u32,
    /// How often the memory is gone through: 1 to [`Cost::MAX`]'s.
    pub passes: u32,
    /// Lanes: 1 to [`Cost::MAX`]'s.
    pub lanes: u32,
}

impl Cost {
    /// What new files get: the second recommendation of RFC 9106, on one lane.
    pub const NEW: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
    /// The most that is opened: somebody else's file can not ask for more memory or time than this.
    pub const MAX: Self = Self { memory_kib: 256 * 1024, passes: 8, lanes: 4 };
    /// The least there can be. For tests only: it hardly protects.
    pub const LEAST: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    fn is_bounded(self) -> bool {
        let within = |number, most| (1..=most).contains(&number);
        within(self.lanes, Self::MAX.lanes)
            && within(self.passes, Self::MAX.passes)
            && (8 * self.lanes..=Self::MAX.memory_kib).contains(&self.memory_kib)
    }
}

/// A head whose bounds hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; HEAD_BYTES],
    kind: Kind,
    cost: Cost,
}

/// Why bytes are no head of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It does not begin as a sealed file does.
    #[error("it is no sealed file of studymesh, or not whole")]
    Magic,
    /// A newer program wrote it.
    #[error("it has format {0}, and this studymesh knows format {VERSION}")]
    Newer(u8),
    /// A kind that is not known.
    #[error("it is of a kind that this studymesh does not know")]
    Kind,
    /// It would cost more to open than is allowed, or nothing.
    #[error("it asks for more memory or time than any sealed file may")]
    Cost,
}

/// The passphrase does not open the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase is wrong, or the first {HEAD_BYTES} bytes were changed")]
pub struct WrongPassphrase;

impl Head {
    /// A new head, and the key that it gives with the passphrase. The salt must be fresh and random.
    ///
    /// # Panics
    /// When the cost is out of its bounds: it is our own code that chooses it.
    pub(super) fn seal(kind: Kind, cost: Cost, salt: [u8; SALT_BYTES], passphrase: &Passphrase) -> (Self, Key) {
        assert!(cost.is_bounded(), "our own code chooses the cost");
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        (bytes[8], bytes[9]) = (VERSION, kind as u8);
        for (at, number) in [(12, cost.memory_kib), (16, cost.passes), (20, cost.lanes)] {
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        bytes[24..SALTED_BYTES].copy_from_slice(&salt);
        let mut head = Self { bytes, kind, cost };
        let (key, check) = head.derive(passphrase);
        head.bytes[SALTED_BYTES..].copy_from_slice(&check);
        (head, key)
    }

    /// Reads a head. Nothing is allocated or computed for it.
    ///
    /// # Errors
    /// When it is something else, newer, or beyond a bound.
    pub fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<Self, HeadError> {
        if !bytes.starts_with(MAGIC) {
            return Err(HeadError::Magic);
        }
        if bytes[8] != VERSION {
            return Err(HeadError::Newer(bytes[8]));
        }
        let kind = Kind::from_byte(bytes[9]).filter(|_| bytes[10..12] == [0, 0]).ok_or(HeadError::Kind)?;
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes of the head"));
        let cost = Cost { memory_kib: number(12), passes: number(16), lanes: number(20) };
        if !cost.is_bounded() {
            return Err(HeadError::Cost);
        }
        Ok(Self { bytes: *bytes, kind, cost })
    }

    /// What is sealed.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a guess costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; HEAD_BYTES] {
        &self.bytes
    }

    /// The key of the stream that follows.
    pub(super) fn unlock(&self, passphrase: &Passphrase) -> Result<Key, WrongPassphrase> {
        let (key, check) = self.derive(passphrase);
        if self.bytes[SALTED_BYTES..] == check { Ok(key) } else { Err(WrongPassphrase) }
    }

    /// Argon2id of the passphrase and the salt, then with every byte of the head hashed to the key and the check.
    fn derive(&self, passphrase: &Passphrase) -> (Key, [u8; CHECK_BYTES]) {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let params = Params::new(memory_kib, passes, lanes, Some(32)).expect("the cost is within its bounds");
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut material = Zeroizing::new([0; 32 + SALTED_BYTES]);
        let (secret, head) = material.split_at_mut(32);
        argon
            .hash_password_into(passphrase.as_bytes(), &self.bytes[24..SALTED_BYTES], secret)
            .expect("passphrase, salt and output have lengths that Argon2 takes");
        head.copy_from_slice(&self.bytes[..SALTED_BYTES]);
        let check = blake3::derive_key(CHECK_LABEL, &*material);
        (Key::new(blake3::derive_key(KEY_LABEL, &*material)), *check.first_chunk().expect("a hash is longer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(cost: Cost) -> Head {
        Head::seal(Kind::Key, cost, [3; 32], &Passphrase::new("secret words")).0
    }

    #[test]
    fn a_head_opens_with_its_passphrase_and_with_no_other() {
        let (head, key) = Head::seal(Kind::Backup, Cost::LEAST, [3; 32], &Passphrase::new("secret words"));
        let read = Head::decode(head.as_bytes()).unwrap();
        assert_eq!((&read, read.kind(), read.cost()), (&head, Kind::Backup, Cost::LEAST));
        assert_eq!(read.unlock(&Passphrase::new("secret words")).unwrap().as_bytes(), key.as_bytes());
        for wrong in ["", "secret word", "Secret words", "secret words "] {
            assert_eq!(read.unlock(&Passphrase::new(wrong)).unwrap_err(), WrongPassphrase);
        }
    }

    /// The bytes of the document: a file of today opens in ten years.
    #[test]
    fn the_derivation_is_the_documented_one() {
        let head = head(Cost { memory_kib: 64, passes: 2, lanes: 2 });
        let mut secret = [0; 32];
        let params = Params::new(64, 2, 2, Some(32)).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(b"secret words", &[3; 32], &mut secret)
            .unwrap();
        let mut documented = vec![];
        documented.extend(b"SMSHSEAL\x01\x02\0\0\x40\0\0\0\x02\0\0\0\x02\0\0\0");
        documented.extend([3; 32]);
        let material = [&secret[..], &documented].concat();
        documented.extend(&blake3::derive_key("studymesh 2026 v1 sealed file check", &material)[..16]);
        assert_eq!(head.as_bytes().as_slice(), documented);
        let key = head.unlock(&Passphrase::new("secret words")).unwrap();
        assert_eq!(key.as_bytes(), &blake3::derive_key("studymesh 2026 v1 sealed file key", &material));
    }

    #[test]
    fn what_asks_for_too_much_is_refused_before_anything_is_done() {
        let with = |at: usize, number: u32| {
            let mut bytes = *head(Cost::LEAST).as_bytes();
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
            Head::decode(&bytes)
        };
        for (at, most) in [(12, Cost::MAX.memory_kib), (16, Cost::MAX.passes)] {
            assert!(with(at, most).is_ok());
            for wrong in [0, most + 1, u32::MAX] {
                assert_eq!(with(at, wrong), Err(HeadError::Cost), "{at}: {wrong}");
            }
        }
        // More lanes need more memory.
        assert_eq!(with(20, 2), Err(HeadError::Cost));
        assert_eq!(with(20, 0), Err(HeadError::Cost));
    }

    #[test]
    fn other_files_newer_ones_and_other_kinds_are_told_apart() {
        let with = |at: usize, byte: u8| {
            let mut bytes = *head(Cost::LEAST).as_bytes();
            bytes[at] = byte;
            Head::decode(&bytes)
        };
        assert_eq!(with(0, b'X'), Err(HeadError::Magic));
        assert_eq!(with(8, 2), Err(HeadError::Newer(2)));
        assert_eq!(with(9, 9), Err(HeadError::Kind));
        assert_eq!(with(10, 1), Err(HeadError::Kind));
        assert!(Cost::NEW.is_bounded() && Cost::MAX.is_bounded() && Cost::LEAST.is_bounded());
    }
}
