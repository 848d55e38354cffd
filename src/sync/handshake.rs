//! The handshake: both sides prove the discovery secret for this pair of peers, then a log key for this transcript.
//!
//! A stranger who dials learns nothing: without the secret no hello verifies, and the stream is closed unanswered.
//! The proofs name both transport ids, which the encrypted connection has authenticated, so they can not be replayed
//! by or towards anybody else.

use crate::log::keys::{GroupKeys, LogKey, verify_session};
use crate::log::seal;
use crate::model::id::{LogId, Peer};

use super::message::{Message, Told, put_told, read_told};

const HELLO: &str = "studymesh 2026 v1 sync hello";
const WELCOME: &str = "studymesh 2026 v1 sync welcome";
const HELLO_SEAL: &str = "studymesh 2026 v1 sync hello sealed";
const WELCOME_SEAL: &str = "studymesh 2026 v1 sync welcome sealed";
const TRANSCRIPT: &str = "studymesh 2026 v1 sync transcript";

/// What a replica says of itself in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A proven other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What it holds.
    pub summary: Summary,
    /// The log that it writes.
    pub log: LogId,
    /// The handshake's transcript, which the other side must sign in turn.
    pub transcript: [u8; 32],
    /// Members' peers that it tells about. A hint: nothing vouches for them.
    pub told: Vec<Told>,
}

/// The puller's first message.
#[must_use]
pub fn hello(keys: &GroupKeys, ends: Ends<'_>, nonce: [u8; 32], summary: Summary) -> Message {
    let proof = keys.prove(HELLO, &message(&[&nonce], ends));
    let sealed = seal(keys, HELLO_SEAL, &nonce, &summary.encode());
    Message::Hello { nonce, proof, sealed }
}

/// Whether a hello was made with these keys; what the puller holds if so.
#[must_use]
pub fn open_hello(
    keys: &GroupKeys,
    ends: Ends<'_>,
    nonce: &[u8; 32],
    proof: &[u8; 32],
    sealed: &[u8],
) -> Option<Summary> {
    if !same(&keys.prove(HELLO, &message(&[nonce], ends)), proof) {
        return None;
    }
    Summary::decode(&open(keys, HELLO_SEAL, nonce, sealed)?)
}

/// The answer to a hello, and the transcript that the puller will sign. What is told is bounded by the caller: at most
/// [`super::message::MAX_PEERS`] peers, each of which [`Told::fits`].
#[must_use]
pub fn welcome(
    keys: &GroupKeys,
    ends: Ends<'_>,
    hello_nonce: &[u8; 32],
    nonce: [u8; 32],
    summary: Summary,
    log: &LogKey,
    told: &[Told],
) -> (Message, [u8; 32]) {
    let transcript = transcript(keys, ends, hello_nonce, &nonce);
    let proof = keys.prove(WELCOME, &transcript);
    let mut plain = [&summary.encode()[..], &log.id().0, &log.sign_session(&transcript)].concat();
    put_told(&mut plain, told);
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
    let (summary, rest) = plain.split_at_checked(Summary::BYTES).ok_or(HandshakeError)?;
    let (log, rest) = rest.split_first_chunk::<32>().ok_or(HandshakeError)?;
    let (signature, told) = rest.split_first_chunk::<64>().ok_or(HandshakeError)?;
    verify_session(LogId(*log), &transcript, signature).map_err(|_| HandshakeError)?;
    let summary = Summary::decode(summary).ok_or(HandshakeError)?;
    let told = read_told(told).map_err(|_| HandshakeError)?;
    Ok(Proven { summary, log: LogId(*log), transcript, told })
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

        let Message::Hello { nonce, proof, sealed } = hello(&keys, ends(&alice, &bob), [5; 32], summary) else {
            unreachable!()
        };
        assert_eq!(open_hello(&keys, ends(&alice, &bob), &nonce, &proof, &sealed), Some(summary));
        assert_eq!(open_hello(&stranger, ends(&alice, &bob), &nonce, &proof, &sealed), None);
        assert_eq!(open_hello(&keys, ends(&eve, &bob), &nonce, &proof, &sealed), None, "replayed by eve");

        let (message, transcript) = welcome(&keys, ends(&alice, &bob), &nonce, [6; 32], summary, &key_b, &[]);
        let Message::Welcome { nonce: other, proof, sealed } = message else { unreachable!() };
        let proven = open_welcome(&keys, ends(&alice, &bob), &nonce, &other, &proof, &sealed).unwrap();
        assert_eq!((proven.summary, proven.log, proven.transcript), (summary, key_b.id(), transcript));
        assert!(open_welcome(&keys, ends(&alice, &bob), &[0; 32], &other, &proof, &sealed).is_err(), "stale");

        let Message::Identify { log, signature } = identify(&key_a, &transcript) else { unreachable!() };
        assert!(open_identify(log, &signature, &transcript).is_ok());
        assert!(open_identify(key_b.id(), &signature, &transcript).is_err());
    }
}
