//! Keys: what a group's seed derives, and the key that signs a log.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::envelope;
use super::header::Header;
use super::seal::{self, Key, OpenError};
use crate::model::action::{Action, Class, ReadError};
use crate::model::id::{EntryId, EpochId, GroupId, InviteId, LogId, TopicHash};

/// Bytes of the seed in a ticket.
pub const SEED_BYTES: usize = 16;

/// The keys of a group: those that whoever holds its seed can derive, and those of the epochs that are held.
///
/// Every derived key is `BLAKE3 derive_key(label, seed)`; the labels stand in `docs/protocol.md` and are frozen with wire
/// version 1.
#[derive(Clone, Debug)]
pub struct GroupKeys {
    discovery: Key,
    control: Key,
    /// The content key of an open group; none once the group is known to be closed.
    content: Option<Key>,
    epochs: BTreeMap<EpochId, Key>,
}

impl GroupKeys {
    /// Derives the keys of a group from the seed of its ticket.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let derive = |label: &str| Key::new(blake3::derive_key(label, seed));
        Self {
            discovery: derive("studymesh 2026 v1 discovery secret"),
            control: derive("studymesh 2026 v1 control key"),
            content: Some(derive("studymesh 2026 v1 content key")),
            epochs: BTreeMap::new(),
        }
    }

    /// The group is closed: what the seed gives opens no content.
    pub fn close(&mut self) {
        self.content = None;
    }

    /// Holds an epoch's key; the epoch, and whether it is new here.
    pub fn hold(&mut self, key: Key) -> (EpochId, bool) {
        let epoch = envelope::epoch_of(&key);
        (epoch, self.epochs.insert(epoch, key).is_none())
    }

    /// The key of an epoch, if it is held.
    #[must_use]
    pub fn epoch(&self, epoch: EpochId) -> Option<&Key> {
        self.epochs.get(&epoch)
    }

    /// The epochs whose keys are held, by id.
    pub fn held(&self) -> impl Iterator<Item = (EpochId, &Key)> + '_ {
        self.epochs.iter().map(|(epoch, key)| (*epoch, key))
    }

    /// The gossip topic: opaque to whoever lacks the discovery secret.
    #[must_use]
    pub fn gossip_topic(&self) -> TopicHash {
        TopicHash(blake3::derive_key("studymesh 2026 v1 gossip topic", self.discovery.as_bytes()))
    }

    /// The key of the group's provider records in the DHT.
    #[must_use]
    pub fn dht_key(&self) -> TopicHash {
        TopicHash(blake3::derive_key("studymesh 2026 v1 dht key", self.discovery.as_bytes()))
    }

    /// The key that gossip frames are sealed under.
    #[must_use]
    pub fn gossip_key(&self) -> Key {
        Key::new(blake3::derive_key("studymesh 2026 v1 gossip frames", self.discovery.as_bytes()))
    }

    /// A keyed hash under the discovery secret: what the sync handshake proves its knowledge with.
    #[must_use]
    pub fn prove(&self, label: &str, message: &[u8]) -> [u8; 32] {
        let key = blake3::derive_key(label, self.discovery.as_bytes());
        *blake3::keyed_hash(&key, message).as_bytes()
    }

    /// A key under the discovery secret for sealing under `label`.
    #[must_use]
    pub fn sealing_key(&self, label: &str) -> Key {
        Key::new(blake3::derive_key(label, self.discovery.as_bytes()))
    }

    /// The key that opens bodies of this class and epoch, when it is held.
    #[must_use]
    pub fn body_key(&self, class: Class, epoch: EpochId) -> Option<&Key> {
        match (class, epoch) {
            (Class::Control, EpochId::ZERO) => Some(&self.control),
            (Class::Content, EpochId::ZERO) => self.content.as_ref(),
            (Class::Content, epoch) => self.epochs.get(&epoch),
            (Class::Control, _) => None,
        }
    }

    /// Opens and reads the body of an entry.
    ///
    /// # Errors
    /// When the key is missing or wrong, the kind is from a newer version, or the payload breaks its shape or bounds.
    pub fn open(&self, header: &Header, body: &[u8]) -> Result<Action, ReadError> {
        let key = self.body_key(header.class, header.epoch).ok_or(ReadError::NoKey)?;
        let framed = seal::open(key, body, &header.associated_data()).map_err(|e| match e {
            OpenError::Key => ReadError::WrongKey,
            OpenError::Frame(what) => ReadError::Malformed(what.into()),
        })?;
        let action = Action::decode(framed.kind, framed.version, &framed.payload)?;
        if action.class() != header.class {
            return Err(ReadError::Malformed("the action belongs to the other entry class".into()));
        }
        // A group is founded once, by the entry that its id is the hash of; a member does not open a closed group by
        // founding it again.
        if matches!(action, Action::Genesis(_)) && header.group != GroupId::ZERO {
            return Err(ReadError::Malformed("only the first entry of a group founds it".into()));
        }
        Ok(action)
    }
}

/// The key pair of an invite, from the secret in its ticket.
#[must_use]
pub fn invite_key(secret: &[u8; SEED_BYTES]) -> LogKey {
    LogKey::from_seed(&blake3::derive_key("studymesh 2026 v1 invite key", secret))
}

/// The key that requests with an invite seal a name under, from the secret in its ticket.
#[must_use]
pub fn request_key(secret: &[u8; SEED_BYTES]) -> Key {
    Key::new(blake3::derive_key("studymesh 2026 v1 request key", secret))
}

/// The secret key of one log.
#[derive(Clone)]
pub struct LogKey(SigningKey);

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogKey({})", self.id().short())
    }
}

const ENTRY_LABEL: &[u8] = b"studymesh/1 entry";
const LINK_LABEL: &[u8] = b"studymesh/1 next log";
const TRANSPORT_LABEL: &[u8] = b"studymesh/1 transport";
const INVITE_LABEL: &[u8] = b"studymesh/1 invite";
const PRESENCE_LABEL: &[u8] = b"studymesh/1 presence";
const SESSION_LABEL: &[u8] = b"studymesh/1 session";

impl LogKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The secret bytes, for the store.
    #[must_use]
    pub fn to_seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half: the log's id.
    #[must_use]
    pub fn id(&self) -> LogId {
        LogId(self.0.verifying_key().to_bytes())
    }

    /// The secret scalar: the X25519 secret that belongs to the log's id in Montgomery form.
    #[must_use]
    pub(super) fn to_scalar_bytes(&self) -> [u8; 32] {
        self.0.to_scalar_bytes()
    }

    /// Signs an entry id.
    #[must_use]
    pub fn sign_entry(&self, id: EntryId) -> [u8; 64] {
        self.sign(ENTRY_LABEL, &[&id.0])
    }

    /// Signs that `next` continues the person whose log this is.
    #[must_use]
    pub fn sign_next_log(&self, group: GroupId, next: LogId) -> [u8; 64] {
        self.sign(LINK_LABEL, &[&group.0, &next.0])
    }

    /// Signs, as a transport key, that this peer speaks for `log` in `group`.
    #[must_use]
    pub fn sign_transport(&self, group: GroupId, log: LogId) -> [u8; 64] {
        self.sign(TRANSPORT_LABEL, &[&group.0, &log.0])
    }

    /// Signs what is said of who is here.
    #[must_use]
    pub fn sign_presence(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.sign(PRESENCE_LABEL, &[digest])
    }

    /// Signs the transcript of a sync handshake.
    #[must_use]
    pub fn sign_session(&self, transcript: &[u8; 32]) -> [u8; 64] {
        self.sign(SESSION_LABEL, &[transcript])
    }

    /// Signs, as the key of an invite, that whoever writes `log` holds the invite's secret.
    #[must_use]
    pub fn sign_invite(&self, group: GroupId, log: LogId) -> [u8; 64] {
        self.sign(INVITE_LABEL, &[&group.0, &log.0])
    }

    fn sign(&self, label: &[u8], parts: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&labelled(label, parts)).to_bytes()
    }
}

/// A signature does not match its key and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct BadSignature;

/// Checks the signature of an entry.
///
/// # Errors
/// When it was not made by the log's key over this id.
pub fn verify_entry(log: LogId, id: EntryId, signature: &[u8; 64]) -> Result<(), BadSignature> {
    verify(log.0, ENTRY_LABEL, &[&id.0], signature)
}

/// Checks that `from` names `next` as the continuation of its person.
///
/// # Errors
/// When the signature is not `from`'s over this group and log.
pub fn verify_next_log(from: LogId, group: GroupId, next: LogId, signature: &[u8; 64]) -> Result<(), BadSignature> {
    verify(from.0, LINK_LABEL, &[&group.0, &next.0], signature)
}

/// Checks that a transport key speaks for `log` in `group`.
///
/// # Errors
/// When the signature is not the transport key's.
pub fn verify_transport(
    transport: [u8; 32],
    group: GroupId,
    log: LogId,
    signature: &[u8; 64],
) -> Result<(), BadSignature> {
    verify(transport, TRANSPORT_LABEL, &[&group.0, &log.0], signature)
}

/// Checks that the holder of an invite's secret speaks for `log` in `group`.
///
/// # Errors
/// When the signature is not the invite key's.
pub fn verify_invite(invite: InviteId, group: GroupId, log: LogId, signature: &[u8; 64]) -> Result<(), BadSignature> {
    verify(invite.0, INVITE_LABEL, &[&group.0, &log.0], signature)
}

/// Checks what a log says of who is here.
///
/// # Errors
/// When the signature was not made by the log's key over this digest.
pub fn verify_presence(log: LogId, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), BadSignature> {
    verify(log.0, PRESENCE_LABEL, &[digest], signature)
}

/// Checks a log key's signature over a handshake transcript.
///
/// # Errors
/// When it was not made by the log's key.
pub fn verify_session(log: LogId, transcript: &[u8; 32], signature: &[u8; 64]) -> Result<(), BadSignature> {
    verify(log.0, SESSION_LABEL, &[transcript], signature)
}

fn verify(key: [u8; 32], label: &[u8], parts: &[&[u8]], signature: &[u8; 64]) -> Result<(), BadSignature> {
    let key = VerifyingKey::from_bytes(&key).map_err(|_| BadSignature)?;
    key.verify_strict(&labelled(label, parts), &Signature::from_bytes(signature)).map_err(|_| BadSignature)
}

/// `label length (u8) | label | parts`: no two labels can yield the same message.
fn labelled(label: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + label.len() + parts.iter().map(|p| p.len()).sum::<usize>());
    message.push(u8::try_from(label.len()).expect("labels are short"));
    message.extend_from_slice(label);
    for part in parts {
        message.extend_from_slice(part);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::entry::{Place, write};
    use crate::model::action::{Genesis, GroupKind};
    use crate::model::time::Hlc;

    #[test]
    fn a_group_is_founded_once_and_a_second_founding_does_not_read() {
        let (keys, log) = (GroupKeys::from_seed(&[1; SEED_BYTES]), LogKey::from_seed(&[2; 32]));
        let genesis = Action::Genesis(Genesis { kind: GroupKind::Open, salt: [3; 16] });
        let written = |group| {
            let place = Place { group, seq: 0, prev: EntryId::ZERO, control_heads: vec![] };
            write(&log, &keys, place, Hlc::default(), &genesis, [4; 24]).unwrap()
        };
        let first = written(GroupId::ZERO);
        assert_eq!(keys.open(&first.header, &first.body), Ok(genesis.clone()));
        let again = written(GroupId([5; 32]));
        assert!(matches!(keys.open(&again.header, &again.body), Err(ReadError::Malformed(_))));
    }
}
