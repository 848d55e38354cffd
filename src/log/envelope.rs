//! Keys of epochs on their way: sealed to a device, or wrapped under a later epoch's key.
//!
//! A device is sealed to by HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305). Its X25519 key is the log key in its
//! other form, so a log's id is all that is needed to seal to it; that one key pair may serve both signatures and this KEM is shown in
//! <https://eprint.iacr.org/2021/509>. An epoch's id is a commitment to its key, so a wrong key is always noticed.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead as _, Payload};
use ed25519_dalek::VerifyingKey;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};

use super::keys::LogKey;
use super::seal::{self, Key, NONCE_BYTES};
use crate::model::id::{EpochId, GroupId, LogId};
use crate::model::limits::{MAX_NAME_CHARS, SEALED_TO_BYTES};

type Dh = X25519HkdfSha256;
const INFO: &[u8] = b"studymesh/1 epoch key to a device";
const NAME: &[u8] = b"studymesh/1 name of who asks";
const WRAP: &[u8] = b"studymesh/1 epoch key under a later one";
/// Bytes of the encapsulated key at the front.
const ENCAPSULATED_BYTES: usize = 32;

/// The epoch that a key makes: a commitment, so that nobody can pass another key off as this epoch's.
#[must_use]
pub fn epoch_of(key: &Key) -> EpochId {
    EpochId(blake3::derive_key("studymesh 2026 v1 epoch commitment", key.as_bytes()))
}

/// Seals an epoch's key to the device that writes `log`; `None` when the log's id is no usable public key. `random` must be fresh.
#[must_use]
pub fn seal_to(group: GroupId, log: LogId, key: &Key, random: [u8; 32]) -> Option<Vec<u8>> {
    let point = VerifyingKey::from_bytes(&log.0).ok()?;
    if point.is_weak() {
        return None;
    }
    let to = <Dh as Kem>::PublicKey::from_bytes(&point.to_montgomery().to_bytes()).ok()?;
    let context = context(group, epoch_of(key), log);
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Dh>(
        &OpModeS::Base,
        &to,
        INFO,
        key.as_bytes(),
        &context,
        &mut Random::new(random),
    )
    .ok()?;
    let mut out = encapsulated.to_bytes().to_vec();
    out.extend_from_slice(&sealed);
    debug_assert_eq!(out.len(), SEALED_TO_BYTES);
    Some(out)
}

/// Opens what was sealed to a device; `None` when it was not, or the key is not the epoch's.
#[must_use]
pub fn open(group: GroupId, log: &LogKey, epoch: EpochId, sealed: &[u8]) -> Option<Key> {
    let (encapsulated, sealed) = sealed.split_at_checked(ENCAPSULATED_BYTES)?;
    let secret = <Dh as Kem>::PrivateKey::from_bytes(&log.to_scalar_bytes()).ok()?;
    let encapsulated = <Dh as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Dh>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        INFO,
        sealed,
        &context(group, epoch, log.id()),
    )
    .ok()?;
    let key = Key::new(plain.try_into().ok()?);
    (epoch_of(&key) == epoch).then_some(key)
}

/// Wraps a key under another one.
///
/// # Panics
/// Never: 32 bytes are within the cipher's limit.
#[must_use]
pub fn wrap(under: &Key, key: &Key, nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
    let sealed = under
        .cipher()
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: key.as_bytes(), aad: WRAP })
        .expect("32 bytes are within the cipher's limit");
    [&nonce[..], &sealed].concat()
}

/// Opens a wrapped key; `None` when it was wrapped under another one or changed. Whoever knows which epoch it should be compares
/// [`epoch_of`].
#[must_use]
pub fn unwrap(under: &Key, wrapped: &[u8]) -> Option<Key> {
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_BYTES>()?;
    let plain = under.cipher().decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: WRAP }).ok()?;
    Some(Key::new(plain.try_into().ok()?))
}

/// Seals the name of who asks to be let in: padded, so that its length tells little.
///
/// # Panics
/// Never: a padded name is within the cipher's limit.
#[must_use]
pub fn seal_name(key: &Key, name: &str, nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    seal::seal(key, 0, 1, name.as_bytes(), NAME, nonce).expect("a name is short")
}

/// Opens a sealed name; `None` when the key is another one or it is no name.
#[must_use]
pub fn open_name(key: &Key, sealed: &[u8]) -> Option<String> {
    let name = String::from_utf8(seal::open(key, sealed, NAME).ok()?.payload).ok()?;
    let fits = name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    fits.then_some(name)
}

fn context(group: GroupId, epoch: EpochId, log: LogId) -> Vec<u8> {
    [&group.0[..], &epoch.0, &log.0].concat()
}

/// Randomness that was drawn outside, stretched.
struct Random(blake3::OutputReader);

impl Random {
    fn new(seed: [u8; 32]) -> Self {
        Self(blake3::Hasher::new_derive_key("studymesh 2026 v1 hpke randomness").update(&seed).finalize_xof())
    }
}

impl TryRng for Random {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(dst);
        Ok(())
    }
}

impl TryCryptoRng for Random {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reaches_the_device_that_it_was_sealed_to_and_nobody_else() {
        let (group, bob, eve) = (GroupId([1; 32]), LogKey::from_seed(&[2; 32]), LogKey::from_seed(&[3; 32]));
        let key = Key::new([7; 32]);
        let epoch = epoch_of(&key);
        let sealed = seal_to(group, bob.id(), &key, [9; 32]).unwrap();
        assert_eq!(sealed.len(), SEALED_TO_BYTES);
        assert_eq!(open(group, &bob, epoch, &sealed).unwrap().as_bytes(), &[7; 32]);
        assert!(open(group, &eve, epoch, &sealed).is_none());
        assert!(open(GroupId([2; 32]), &bob, epoch, &sealed).is_none(), "of another group");
        let other = seal_to(group, bob.id(), &Key::new([8; 32]), [9; 32]).unwrap();
        assert!(open(group, &bob, epoch, &other).is_none(), "a key that is not the epoch's");
        for at in 0..sealed.len() {
            let mut spoiled = sealed.clone();
            spoiled[at] ^= 1;
            assert!(open(group, &bob, epoch, &spoiled).is_none(), "byte {at} may be changed unnoticed");
            assert!(open(group, &bob, epoch, &sealed[..at]).is_none());
        }
    }

    #[test]
    fn a_log_id_that_is_no_key_is_not_sealed_to() {
        assert!(seal_to(GroupId([1; 32]), LogId([0; 32]), &Key::new([7; 32]), [9; 32]).is_none());
        assert!(seal_to(GroupId([1; 32]), LogId([2; 32]), &Key::new([7; 32]), [9; 32]).is_none());
    }

    #[test]
    fn a_wrapped_key_opens_under_the_later_one_only() {
        let (old, new) = (Key::new([1; 32]), Key::new([2; 32]));
        let wrapped = wrap(&new, &old, [3; 24]);
        assert_eq!(unwrap(&new, &wrapped).unwrap().as_bytes(), &[1; 32]);
        assert!(unwrap(&old, &wrapped).is_none() && unwrap(&new, &wrapped[..20]).is_none());
    }
}
