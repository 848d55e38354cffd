//! Later: two devices that were linked meet, and know each other by the secret that linking left behind.
//!
//! All devices of a person that were linked with one another hold one secret. Holding it is not enough, or a lost device would be let in for
//! ever: on the channel each side then proves, in a group that both are in, the log that it writes there, and the other one's fold
//! says whether that log is the same person's and was not removed.

use super::Failed;
use super::channel::{Channel, Side, derive};
use super::message::Message;
use super::pake::same;
use crate::log::keys::verify_session;
use crate::model::id::{LogId, Peer};

const OPENER: &str = "studymesh 2026 v1 device kin opener";
const ANSWERER: &str = "studymesh 2026 v1 device kin answerer";
const CHANNEL: &str = "studymesh 2026 v1 device kin channel";

/// The transport ids of the two devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The one that opened the stream.
    pub opener: Peer,
    /// The one that answers.
    pub answerer: Peer,
}

impl Ends {
    fn bytes(&self) -> Vec<u8> {
        let sized = |peer: &Peer| [&[u8::try_from(peer.as_bytes().len()).unwrap_or(0)], peer.as_bytes()].concat();
        [sized(&self.opener), sized(&self.answerer)].concat()
    }
}

/// The opening side, which waits for the answer.
#[derive(Debug)]
pub struct Opener {
    secret: [u8; 32],
    ends: Ends,
    nonce: [u8; 32],
}

impl Opener {
    /// Greets a device of the same person. `random` must be fresh.
    #[must_use]
    pub fn greet(secret: [u8; 32], ends: Ends, random: [u8; 32]) -> (Self, Vec<u8>) {
        let mac = derive(OPENER, &secret, &said(&ends, &random, None));
        (Self { secret, ends, nonce: random }, Message::Kin { nonce: random, mac }.encode())
    }

    /// Takes the answer.
    ///
    /// # Errors
    /// When the other side does not hold the secret.
    pub fn finish(self, answer: &[u8]) -> Result<Channel, Failed> {
        let Ok(Message::KinHere { nonce, mac }) = Message::decode(answer) else { return Err(Failed) };
        let said = said(&self.ends, &self.nonce, Some(&nonce));
        if !same(&mac, &derive(ANSWERER, &self.secret, &said)) {
            return Err(Failed);
        }
        Ok(Channel::new(&derive(CHANNEL, &self.secret, &said), said, Side::Opener))
    }
}

/// Answers a greeting; `None` when the other side does not hold the secret. `random` must be fresh.
#[must_use]
pub fn answer(secret: &[u8; 32], ends: &Ends, random: [u8; 32], greeting: &[u8]) -> Option<(Channel, Vec<u8>)> {
    let Ok(Message::Kin { nonce, mac }) = Message::decode(greeting) else { return None };
    if !same(&mac, &derive(OPENER, secret, &said(ends, &nonce, None))) {
        return None;
    }
    let said = said(ends, &nonce, Some(&random));
    let mac = derive(ANSWERER, secret, &said);
    let channel = Channel::new(&derive(CHANNEL, secret, &said), said, Side::Answerer);
    Some((channel, Message::KinHere { nonce: random, mac }.encode()))
}

/// What each side signs with its log: the transcript, by who says it, so that a proof can not be handed back.
#[must_use]
pub fn to_sign(transcript: &[u8; 32], by_opener: bool) -> [u8; 32] {
    let label =
        if by_opener { "studymesh 2026 v1 device kin opener log" } else { "studymesh 2026 v1 device kin answerer log" };
    blake3::derive_key(label, transcript)
}

/// Whether a log speaks for one side of this exchange.
#[must_use]
pub fn proves(log: LogId, signature: &[u8; 64], transcript: &[u8; 32], by_opener: bool) -> bool {
    verify_session(log, &to_sign(transcript, by_opener), signature).is_ok()
}

fn said(ends: &Ends, nonce: &[u8; 32], answer: Option<&[u8; 32]>) -> [u8; 32] {
    let said = [&nonce[..], answer.map_or(&[][..], |a| a), &ends.bytes()].concat();
    blake3::derive_key("studymesh 2026 v1 device kin transcript", &said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::keys::LogKey;

    fn ends() -> Ends {
        Ends { opener: Peer::new(b"phone").unwrap(), answerer: Peer::new(b"laptop").unwrap() }
    }

    #[test]
    fn devices_with_the_secret_share_a_channel_and_others_do_not() {
        let (opener, greeting) = Opener::greet([1; 32], ends(), [2; 32]);
        assert!(answer(&[9; 32], &ends(), [3; 32], &greeting).is_none(), "another person's");
        let swapped = Ends { opener: ends().answerer, answerer: ends().opener };
        assert!(answer(&[1; 32], &swapped, [3; 32], &greeting).is_none(), "handed back");
        let (mut b, here) = answer(&[1; 32], &ends(), [3; 32], &greeting).unwrap();
        let mut a = opener.finish(&here).unwrap();
        let frame = a.seal(b"hello");
        assert_eq!(b.open(&frame).unwrap(), b"hello");

        let (other, _) = Opener::greet([1; 32], ends(), [4; 32]);
        assert!(other.finish(&here).is_err(), "the answer to another greeting");
        for at in 0..greeting.len() {
            let mut spoiled = greeting.clone();
            spoiled[at] ^= 1;
            assert!(answer(&[1; 32], &ends(), [3; 32], &spoiled).is_none());
            assert!(answer(&[1; 32], &ends(), [3; 32], &greeting[..at]).is_none());
        }
        for at in 0..here.len() {
            let mut spoiled = here.clone();
            spoiled[at] ^= 1;
            assert!(Opener::greet([1; 32], ends(), [2; 32]).0.finish(&spoiled).is_err());
            assert!(Opener::greet([1; 32], ends(), [2; 32]).0.finish(&here[..at]).is_err());
        }
    }

    #[test]
    fn the_proof_of_a_log_holds_for_its_side_of_this_exchange_only() {
        let key = LogKey::from_seed(&[5; 32]);
        let signature = key.sign_session(&to_sign(&[6; 32], true));
        assert!(proves(key.id(), &signature, &[6; 32], true));
        assert!(!proves(key.id(), &signature, &[6; 32], false));
        assert!(!proves(key.id(), &signature, &[7; 32], true));
        assert!(!proves(LogKey::from_seed(&[8; 32]).id(), &signature, &[6; 32], true));
    }
}
