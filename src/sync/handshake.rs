//! The handshake: both sides prove the discovery secret and a log key for this pair of peers and this handshake.
//!
//! A stranger who dials learns nothing: without the secret no hello verifies, and the stream is closed unanswered. Who
//! knows the secret but may not read (a guest) learns where it stands, and nothing of what is held: whether the holdings are equal
//! is told by a keyed hash, which only somebody who holds the same can recognise.
//! The proofs name both transport ids, which the encrypted connection has authenticated, so they can not be replayed
//! by or towards anybody else.

use crate::log::keys::{GroupKeys, LogKey, verify_session};
use crate::log::seal;
use crate::model::id::{LogId, Peer};

use super::message::{MAX_KEYS, Message, Told, put_told, read_told};
use crate::model::id::EpochId;
use crate::model::limits::SEALED_TO_BYTES;
use crate::model::wire::{Reader, put_count};

const HELLO: &str = "studymesh 2026 v1 sync hello";
const WELCOME: &str = "studymesh 2026 v1 sync welcome";
const HELLO_SEAL: &str = "studymesh 2026 v1 sync hello sealed";
const WELCOME_SEAL: &str = "studymesh 2026 v1 sync welcome sealed";
const AGREES: &str = "studymesh 2026 v1 sync agreement";
const HOLDS: &str = "studymesh 2026 v1 sync epochs";
const TRANSCRIPT: &str = "studymesh 2026 v1 sync transcript";

/// What a replica says of itself in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// The fingerprint of everything that it holds.
    pub fingerprint: [u8; 32],
    /// How many entries that is.
    pub entries: u64,
}

/// The two transport ids of a stream: who opened it, and who answers.
#[derive(Debug, Clone, Copy)]
pub struct Ends<'a> {
    /// The side that opened the stream.
    pub puller: &'a Peer,
    /// The side that answers.
    pub server: &'a Peer,
}

/// The handshake does not prove what it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sync handshake does not prove knowledge of the group")]
pub struct HandshakeError;

/// Where a puller stands in the group, as the other side's fold has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Standing {
    /// It may read, or keep: it is served.
    #[default]
    In = 0,
    /// Nothing is known of it yet.
    Unknown = 1,
    /// It asked to be let in, and somebody will see to that.
    Asked = 2,
    /// It asked to be let in, and an admin has to accept.
    NeedsApproval = 3,
    /// It asked with an invite that lets nobody in any more.
    InviteOver = 4,
    /// An admin turned it down.
    Refused = 5,
    /// It was removed.
    Removed = 6,
    /// It is served what the answering side wrote itself; that one waits to be let in, and can not tell.
    Both = 7,
}

impl Standing {
    /// Whether the puller is served.
    #[must_use]
    pub fn is_served(self) -> bool {
        matches!(self, Self::In | Self::Both)
    }

    /// The word that the command line and the API use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Unknown => "unknown",
            Self::Asked => "asked",
            Self::NeedsApproval => "needs-approval",
            Self::InviteOver => "invite-over",
            Self::Refused => "refused",
            Self::Removed => "removed",
            Self::Both => "unknown",
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        let all = [
            Self::In,
            Self::Unknown,
            Self::Asked,
            Self::NeedsApproval,
            Self::InviteOver,
            Self::Refused,
            Self::Removed,
            Self::Both,
        ];
        all.get(usize::from(byte)).copied()
    }
}

/// What a puller says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// [`agreement`] over what it holds.
    pub agrees: [u8; 32],
    /// [`holdings`] over the epochs whose keys it holds.
    pub holds: [u8; 32],
    /// The log that it writes; its signature was checked.
    pub log: LogId,
}

/// What the answering side tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Welcome {
    /// Where the puller stands. Unless it is in, everything below is empty.
    pub standing: Standing,
    /// How many entries of the puller's log wait for an admin's word.
    pub quarantined: u32,
    /// What the answering side holds.
    pub summary: Option<Summary>,
    /// Members' peers: a hint, nothing vouches for them. At most [`super::message::MAX_PEERS`], each of which [`Told::fits`].
    pub told: Vec<Told>,
    /// Keys of epochs that the puller lacks, sealed to its log: at most [`MAX_KEYS`].
    pub keys: Vec<(EpochId, Vec<u8>)>,
}

/// A proven other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What it says.
    pub welcome: Welcome,
    /// What it holds; nothing when it does not let us read.
    pub summary: Summary,
    /// The log that it writes.
    pub log: LogId,
    /// The handshake's transcript, which the other side must sign in turn.
    pub transcript: [u8; 32],
}

/// What two sides that hold the same make alike, for one nonce.
#[must_use]
pub fn agreement(keys: &GroupKeys, nonce: &[u8; 32], summary: Summary) -> [u8; 32] {
    keys.prove(AGREES, &[&nonce[..], &summary.encode()].concat())
}

/// What two sides that hold the same epoch keys make alike, for one nonce.
#[must_use]
pub fn holdings(keys: &GroupKeys, nonce: &[u8; 32]) -> [u8; 32] {
    let mut message = nonce.to_vec();
    keys.held().for_each(|(epoch, _)| message.extend_from_slice(&epoch.0));
    keys.prove(HOLDS, &message)
}

/// The puller's first message.
#[must_use]
pub fn hello(keys: &GroupKeys, ends: Ends<'_>, nonce: [u8; 32], summary: Summary, log: &LogKey) -> Message {
    let greeted = message(&[&nonce], ends);
    let proof = keys.prove(HELLO, &greeted);
    let plain = [
        &agreement(keys, &nonce, summary)[..],
        &holdings(keys, &nonce),
        &log.id().0,
        &log.sign_session(&hello_side(keys, &greeted)),
    ];
    let sealed = seal(keys, HELLO_SEAL, &nonce, &plain.concat());
    Message::Hello { nonce, proof, sealed }
}

/// Whether a hello was made with these keys; what the puller says of itself if so.
#[must_use]
pub fn open_hello(
    keys: &GroupKeys,
    ends: Ends<'_>,
    nonce: &[u8; 32],
    proof: &[u8; 32],
    sealed: &[u8],
) -> Option<Greeting> {
    let greeted = message(&[nonce], ends);
    if !same(&keys.prove(HELLO, &greeted), proof) {
        return None;
    }
    let plain = open(keys, HELLO_SEAL, nonce, sealed)?;
    let mut r = Reader::new(&plain);
    let (agrees, holds, log) = (r.array().ok()?, r.array().ok()?, LogId(r.array().ok()?));
    let signature = r.array().ok()?;
    r.finish().ok()?;
    verify_session(log, &hello_side(keys, &greeted), &signature).ok()?;
    Some(Greeting { agrees, holds, log })
}

/// The answer to a hello, and the transcript that the puller will sign.
#[must_use]
pub fn welcome(
    keys: &GroupKeys,
    ends: Ends<'_>,
    hello_nonce: &[u8; 32],
    nonce: [u8; 32],
    log: &LogKey,
    says: &Welcome,
) -> (Message, [u8; 32]) {
    let transcript = transcript(keys, ends, hello_nonce, &nonce);
    let proof = keys.prove(WELCOME, &transcript);
    let mut plain = [&log.id().0[..], &log.sign_session(&transcript)].concat();
    plain.push(says.standing as u8);
    plain.extend_from_slice(&says.quarantined.to_le_bytes());
    if says.standing.is_served() {
        plain.extend_from_slice(&says.summary.unwrap_or_default().encode());
        put_count(&mut plain, says.keys.len());
        for (epoch, key) in &says.keys {
            plain.extend_from_slice(&epoch.0);
            plain.extend_from_slice(key);
        }
        put_told(&mut plain, &says.told);
    }
    (Message::Welcome { nonce, proof, sealed: seal(keys, WELCOME_SEAL, &nonce, &plain) }, transcript)
}

/// Checks a welcome.
///
/// # Errors
/// When the other side does not prove the discovery secret and its log key.
pub fn open_welcome(
    keys: &GroupKeys,
    ends: Ends<'_>,
    hello_nonce: &[u8; 32],
    nonce: &[u8; 32],
    proof: &[u8; 32],
    sealed: &[u8],
) -> Result<Proven, HandshakeError> {
    let transcript = transcript(keys, ends, hello_nonce, nonce);
    if !same(&keys.prove(WELCOME, &transcript), proof) {
        return Err(HandshakeError);
    }
    let plain = open(keys, WELCOME_SEAL, nonce, sealed).ok_or(HandshakeError)?;
    let (log, welcome) = read_welcome(Reader::new(&plain), &transcript).ok_or(HandshakeError)?;
    Ok(Proven { summary: welcome.summary.unwrap_or_default(), welcome, log, transcript })
}

fn read_welcome(mut r: Reader<'_>, transcript: &[u8; 32]) -> Option<(LogId, Welcome)> {
    let (log, signature) = (LogId(r.array().ok()?), r.array().ok()?);
    verify_session(log, transcript, &signature).ok()?;
    let standing = Standing::from_byte(r.u8().ok()?)?;
    let quarantined = u32::from_le_bytes(r.array().ok()?);
    if !standing.is_served() {
        r.finish().ok()?;
        return Some((log, Welcome { standing, quarantined, ..Welcome::default() }));
    }
    let summary = Summary::decode(r.bytes(Summary::BYTES).ok()?);
    let count = r.count(MAX_KEYS, "keys").ok()?;
    let mut keys = vec![];
    for _ in 0..count {
        keys.push((EpochId(r.array().ok()?), r.bytes(SEALED_TO_BYTES).ok()?.to_vec()));
    }
    let told = read_told(r.rest()).ok()?;
    Some((log, Welcome { standing, quarantined, summary, told, keys }))
}

/// The puller's own proof, after the welcome. It signs another transcript than the server, so that neither proof can
/// be handed back.
#[must_use]
pub fn identify(log: &LogKey, transcript: &[u8; 32]) -> Message {
    Message::Identify { log: log.id(), signature: log.sign_session(&puller_side(transcript)) }
}

/// Checks the puller's proof.
///
/// # Errors
/// When the signature is not the log key's over this transcript.
pub fn open_identify(log: LogId, signature: &[u8; 64], transcript: &[u8; 32]) -> Result<(), HandshakeError> {
    verify_session(log, &puller_side(transcript), signature).map_err(|_| HandshakeError)
}

fn hello_side(keys: &GroupKeys, greeted: &[u8]) -> [u8; 32] {
    keys.prove("studymesh 2026 v1 sync hello log", greeted)
}

fn puller_side(transcript: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("studymesh 2026 v1 sync puller", transcript)
}

impl Summary {
    const BYTES: usize = 40;

    fn encode(&self) -> [u8; Self::BYTES] {
        [&self.fingerprint[..], &self.entries.to_le_bytes()].concat().try_into().expect("32 and 8 bytes")
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (fingerprint, entries) = bytes.split_first_chunk::<32>()?;
        Some(Self { fingerprint: *fingerprint, entries: u64::from_le_bytes(entries.try_into().ok()?) })
    }
}

fn transcript(keys: &GroupKeys, ends: Ends<'_>, hello_nonce: &[u8; 32], nonce: &[u8; 32]) -> [u8; 32] {
    keys.prove(TRANSCRIPT, &message(&[hello_nonce, nonce], ends))
}

fn message(nonces: &[&[u8; 32]], ends: Ends<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    nonces.iter().for_each(|n| out.extend_from_slice(*n));
    for peer in [ends.puller, ends.server] {
        out.push(u8::try_from(peer.as_bytes().len()).expect("bounded by Peer::MAX"));
        out.extend_from_slice(peer.as_bytes());
    }
    out
}

fn seal(keys: &GroupKeys, label: &str, nonce: &[u8; 32], plain: &[u8]) -> Vec<u8> {
    let nonce = *nonce.first_chunk::<24>().expect("32 bytes hold 24");
    seal::seal(&keys.sealing_key(label), 0, 1, plain, label.as_bytes(), nonce).expect("a summary is short")
}

fn open(keys: &GroupKeys, label: &str, nonce: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    if sealed.get(..24) != Some(&nonce[..24]) {
        return None;
    }
    Some(seal::open(&keys.sealing_key(label), sealed, label.as_bytes()).ok()?.payload)
}

/// Compares two proofs in constant time (BLAKE3's own hash type does).
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    blake3::Hash::from_bytes(*a) == blake3::Hash::from_bytes(*b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends<'a>(a: &'a Peer, b: &'a Peer) -> Ends<'a> {
        Ends { puller: a, server: b }
    }

    #[test]
    fn both_sides_prove_group_and_log_and_nobody_else_can() {
        let keys = GroupKeys::from_seed(&[1; 16]);
        let stranger = GroupKeys::from_seed(&[2; 16]);
        let (alice, bob, eve) = (Peer::new(b"alice").unwrap(), Peer::new(b"bob").unwrap(), Peer::new(b"eve").unwrap());
        let (key_a, key_b) = (LogKey::from_seed(&[1; 32]), LogKey::from_seed(&[2; 32]));
        let summary = Summary { fingerprint: [3; 32], entries: 4 };

        let hello = |keys| hello(keys, ends(&alice, &bob), [5; 32], summary, &key_a);
        let Message::Hello { nonce, proof, sealed } = hello(&keys) else { unreachable!() };
        let greeting = open_hello(&keys, ends(&alice, &bob), &nonce, &proof, &sealed).unwrap();
        assert_eq!((greeting.log, greeting.agrees), (key_a.id(), agreement(&keys, &nonce, summary)));
        assert_ne!(greeting.agrees, agreement(&keys, &nonce, Summary { entries: 5, ..summary }));
        assert_eq!(open_hello(&stranger, ends(&alice, &bob), &nonce, &proof, &sealed), None);
        assert_eq!(open_hello(&keys, ends(&eve, &bob), &nonce, &proof, &sealed), None, "replayed by eve");

        let says =
            Welcome { summary: Some(summary), keys: vec![(EpochId([1; 32]), vec![2; 80])], ..Welcome::default() };
        let (message, transcript) = welcome(&keys, ends(&alice, &bob), &nonce, [6; 32], &key_b, &says);
        let Message::Welcome { nonce: other, proof, sealed } = message else { unreachable!() };
        let proven = open_welcome(&keys, ends(&alice, &bob), &nonce, &other, &proof, &sealed).unwrap();
        assert_eq!((proven.summary, proven.log, proven.transcript), (summary, key_b.id(), transcript));
        assert_eq!(proven.welcome, says);
        assert!(open_welcome(&keys, ends(&alice, &bob), &[0; 32], &other, &proof, &sealed).is_err(), "stale");

        // A guest is told where it stands, and nothing of what is held.
        let says = Welcome { standing: Standing::Removed, quarantined: 3, ..says };
        let (message, _) = welcome(&keys, ends(&alice, &bob), &nonce, [6; 32], &key_b, &says);
        let Message::Welcome { nonce: other, proof, sealed } = message else { unreachable!() };
        let told = open_welcome(&keys, ends(&alice, &bob), &nonce, &other, &proof, &sealed).unwrap().welcome;
        assert_eq!(told, Welcome { standing: Standing::Removed, quarantined: 3, ..Welcome::default() });

        let Message::Identify { log, signature } = identify(&key_a, &transcript) else { unreachable!() };
        assert!(open_identify(log, &signature, &transcript).is_ok());
        assert!(open_identify(key_b.id(), &signature, &transcript).is_err());
    }
}
