//! What two devices say once they share a key: sealed, in order, and bound to this exchange and its two ends.

use super::Failed;
use super::message::Message;
use crate::log::seal::{self, Key, NONCE_BYTES};

/// Most frames of one side; an exchange has a dozen.
const MAX_FRAMES: u64 = 1_024;

/// The two sides of a channel, by what they are in the exchange before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The side that opened the stream.
    Opener,
    /// The side that answered.
    Answerer,
}

/// A sealed channel. Each side has a key of its own, and its frames are numbered: none can be left out, repeated, swapped or handed
/// back.
#[derive(Debug)]
pub struct Channel {
    transcript: [u8; 32],
    ours: Key,
    theirs: Key,
    sent: u64,
    received: u64,
}

impl Channel {
    /// A channel under a fresh shared key, bound to what was said before it.
    pub(super) fn new(shared: &[u8; 32], transcript: [u8; 32], side: Side) -> Self {
        let key = |label: &str| Key::new(derive(label, shared, &transcript));
        let opener = key("studymesh 2026 v1 device channel opener");
        let answerer = key("studymesh 2026 v1 device channel answerer");
        let (ours, theirs) = if side == Side::Opener { (opener, answerer) } else { (answerer, opener) };
        Self { transcript, ours, theirs, sent: 0, received: 0 }
    }

    /// What both sides said before the channel began: they agree on it, and on who they are.
    #[must_use]
    pub fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// Seals what this side says next: a whole frame.
    ///
    /// # Panics
    /// When it does not fit a body, or after too many frames: what is said here is bounded well below (`parcel`).
    #[must_use]
    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        assert!(self.sent < MAX_FRAMES, "an exchange has few frames");
        let sealed = seal::seal(&self.ours, 0, 1, plain, &self.transcript, nonce(self.sent));
        self.sent += 1;
        Message::Sealed(sealed.expect("what is said on a channel fits a body")).encode()
    }

    /// Opens the next frame of the other side.
    ///
    /// # Errors
    /// When it is not the next one that the other side sealed.
    pub fn open(&mut self, frame: &[u8]) -> Result<Vec<u8>, Failed> {
        let Ok(Message::Sealed(sealed)) = Message::decode(frame) else { return Err(Failed) };
        if self.received >= MAX_FRAMES || sealed.get(..NONCE_BYTES) != Some(&nonce(self.received)[..]) {
            return Err(Failed);
        }
        let framed = seal::open(&self.theirs, &sealed, &self.transcript).map_err(|_| Failed)?;
        self.received += 1;
        Ok(framed.payload)
    }
}

/// A key for one use from the shared one and what was said.
pub(super) fn derive(label: &str, shared: &[u8; 32], transcript: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key(label, &[&shared[..], transcript].concat())
}

/// The number of a frame; each key is used once with each.
fn nonce(number: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(transcripts: [[u8; 32]; 2]) -> (Channel, Channel) {
        (Channel::new(&[1; 32], transcripts[0], Side::Opener), Channel::new(&[1; 32], transcripts[1], Side::Answerer))
    }

    #[test]
    fn frames_arrive_in_order_once_and_from_the_other_side_only() {
        let (mut a, mut b) = pair([[2; 32]; 2]);
        let (one, two) = (a.seal(b"one"), a.seal(b"two"));
        assert_eq!(a.open(&one), Err(Failed), "handed back");
        assert_eq!(b.open(&two), Err(Failed), "the first was left out");
        assert_eq!(b.open(&one).unwrap(), b"one");
        assert_eq!(b.open(&one), Err(Failed), "repeated");
        assert_eq!(b.open(&two).unwrap(), b"two");
        let back = b.seal(b"three");
        assert_eq!(a.open(&back).unwrap(), b"three");
    }

    #[test]
    fn a_changed_or_cut_frame_and_one_of_another_exchange_do_not_open() {
        let (mut a, mut b) = pair([[2; 32]; 2]);
        let frame = a.seal(b"hello");
        for at in 0..frame.len() {
            let mut spoiled = frame.clone();
            spoiled[at] ^= 1;
            assert_eq!(b.open(&spoiled), Err(Failed));
            assert_eq!(b.open(&frame[..at]), Err(Failed));
        }
        let (_, mut other) = pair([[2; 32], [3; 32]]);
        assert_eq!(other.open(&frame), Err(Failed));
        assert_eq!(b.open(&frame).unwrap(), b"hello");
    }
}
