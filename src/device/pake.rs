//! The first time: from a code that both know to a channel, with one guess for whoever does not know it.
//!
//! The new device knocks at peers that may have the offer; only one that has answers. Then comes the one run of SPAKE2 (over
//! edwards25519, as the crate `spake2` has it). Each side's identity in it is its role and both transport ids: somebody in the middle
//! who passes messages on has other ids and gets another key. The new device confirms the key first; the old one says nothing but
//! its own confirmation, and that only when the other was right. Knocking is free, since it tells nothing of the secret digits;
//! whatever comes after it is the attempt.

use spake2::{Ed25519Group, Identity, Password, Spake2};

use super::Failed;
use super::channel::{Channel, Side, derive};
use super::code::Code;
use super::message::{ELEMENT_BYTES, Message};
use crate::log::seal::Key;
use crate::model::id::Peer;

const CONFIRM_NEW: &str = "studymesh 2026 v1 device link confirm new";
const CONFIRM_OLD: &str = "studymesh 2026 v1 device link confirm old";
const CHANNEL: &str = "studymesh 2026 v1 device link channel";

/// The transport ids of the two devices, as the encrypted connection has authenticated them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The device on which the code is typed.
    pub new: Peer,
    /// The device that shows it.
    pub old: Peer,
}

impl Ends {
    /// Both ids, each behind its length.
    fn bytes(&self) -> Vec<u8> {
        let sized = |peer: &Peer| [&[u8::try_from(peer.as_bytes().len()).unwrap_or(0)], peer.as_bytes()].concat();
        [sized(&self.new), sized(&self.old)].concat()
    }
}

/// The new device, before the run.
#[derive(Debug)]
pub struct New {
    code: Code,
    ends: Ends,
    nonce: [u8; 32],
}

/// The new device, which waits for the confirmation.
#[derive(Debug)]
pub struct Proving {
    shared: Key,
    transcript: [u8; 32],
}

/// The old device, which waits for the attempt.
pub struct Old {
    ends: Ends,
    nonces: [[u8; 32]; 2],
    spake: Spake2<Ed25519Group>,
    element: [u8; ELEMENT_BYTES],
}

impl std::fmt::Debug for Old {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Old").field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl New {
    /// Asks a peer whether the offer is with it. `random` must be fresh.
    #[must_use]
    pub fn knock(code: Code, ends: Ends, random: [u8; 32]) -> (Self, Vec<u8>) {
        let tag = knock_tag(&code, &ends, &random);
        (Self { code, ends, nonce: random }, Message::Knock { nonce: random, tag }.encode())
    }

    /// Begins the run with a peer that has the offer. Once the bytes are sent, the attempt is made: whoever gets them may check one
    /// guess of the code. `random` must be fresh.
    ///
    /// # Errors
    /// When the peer does not have the offer: nothing was said, and others may be asked.
    pub fn prove(self, random: [u8; 32], here: &[u8]) -> Result<(Proving, Vec<u8>), Failed> {
        let Ok(Message::Here { nonce, tag, element: theirs }) = Message::decode(here) else { return Err(Failed) };
        if !same(&tag, &here_tag(&self.code, &self.ends, &self.nonce, &nonce)) {
            return Err(Failed);
        }
        let (password, new, old) = names(&self.code, &self.ends);
        let (spake, element) = Spake2::<Ed25519Group>::start_a_with_rng(&password, &new, &old, Random::new(random));
        let element = fixed(&element);
        let shared = finish(spake, &theirs)?;
        let transcript = transcript(&self.ends, [&self.nonce, &nonce], [&element, &theirs]);
        let mac = derive(CONFIRM_NEW, &shared, &transcript);
        Ok((Proving { shared: Key::new(shared), transcript }, Message::Prove { element, mac }.encode()))
    }
}

impl Proving {
    /// Checks the old device's confirmation.
    ///
    /// # Errors
    /// When it does not know the code.
    pub fn finish(self, proven: &[u8]) -> Result<Channel, Failed> {
        let Ok(Message::Proven { mac }) = Message::decode(proven) else { return Err(Failed) };
        if !same(&mac, &derive(CONFIRM_OLD, self.shared.as_bytes(), &self.transcript)) {
            return Err(Failed);
        }
        let shared = derive(CHANNEL, self.shared.as_bytes(), &self.transcript);
        Ok(Channel::new(&shared, self.transcript, Side::Opener))
    }
}

impl Old {
    /// Answers a knock; `None` when another offer is meant, or it is none: nothing is used up by that. `random` must be fresh.
    #[must_use]
    pub fn answer(code: &Code, ends: Ends, random: [[u8; 32]; 2], knock: &[u8]) -> Option<(Self, Vec<u8>)> {
        let Ok(Message::Knock { nonce: theirs, tag }) = Message::decode(knock) else { return None };
        if !same(&tag, &knock_tag(code, &ends, &theirs)) {
            return None;
        }
        let [nonce, seed] = random;
        let (password, new, old) = names(code, &ends);
        let (spake, element) = Spake2::<Ed25519Group>::start_b_with_rng(&password, &new, &old, Random::new(seed));
        let element = fixed(&element);
        let tag = here_tag(code, &ends, &theirs, &nonce);
        let here = Message::Here { nonce, tag, element }.encode();
        Some((Self { ends, nonces: [theirs, nonce], spake, element }, here))
    }

    /// Checks the attempt. Whatever comes of it, the offer is used up.
    ///
    /// # Errors
    /// When the code was another one, or it is no attempt.
    pub fn check(self, prove: &[u8]) -> Result<(Channel, Vec<u8>), Failed> {
        let Ok(Message::Prove { element: theirs, mac }) = Message::decode(prove) else { return Err(Failed) };
        let shared = finish(self.spake, &theirs)?;
        let transcript = transcript(&self.ends, [&self.nonces[0], &self.nonces[1]], [&theirs, &self.element]);
        if !same(&mac, &derive(CONFIRM_NEW, &shared, &transcript)) {
            return Err(Failed);
        }
        let mac = derive(CONFIRM_OLD, &shared, &transcript);
        let channel = Channel::new(&derive(CHANNEL, &shared, &transcript), transcript, Side::Answerer);
        Ok((channel, Message::Proven { mac }.encode()))
    }
}

/// The password, and what each side is called in the run.
fn names(code: &Code, ends: &Ends) -> (Password, Identity, Identity) {
    let ends = ends.bytes();
    let name = |role: &[u8]| Identity::new(&[role, &ends].concat());
    (Password::new(code.password()), name(b"studymesh/1 new device "), name(b"studymesh/1 old device "))
}

/// The shared key; the curve's arithmetic is the crate's.
fn finish(spake: Spake2<Ed25519Group>, theirs: &[u8; ELEMENT_BYTES]) -> Result<[u8; 32], Failed> {
    spake.finish(theirs).ok().and_then(|shared| shared.try_into().ok()).ok_or(Failed)
}

/// The crate gives its message as a list: a side and an element of 32 bytes.
fn fixed(element: &[u8]) -> [u8; ELEMENT_BYTES] {
    element.try_into().expect("a side and 32 bytes")
}

fn knock_tag(code: &Code, ends: &Ends, nonce: &[u8; 32]) -> [u8; 32] {
    *blake3::keyed_hash(&code.place_key(), &[&b"knock"[..], nonce, &ends.bytes()].concat()).as_bytes()
}

fn here_tag(code: &Code, ends: &Ends, nonce: &[u8; 32], answer: &[u8; 32]) -> [u8; 32] {
    *blake3::keyed_hash(&code.place_key(), &[&b"here"[..], nonce, answer, &ends.bytes()].concat()).as_bytes()
}

fn transcript(ends: &Ends, nonces: [&[u8; 32]; 2], elements: [&[u8; ELEMENT_BYTES]; 2]) -> [u8; 32] {
    let said = [&nonces[0][..], nonces[1], elements[0], elements[1], &ends.bytes()].concat();
    blake3::derive_key("studymesh 2026 v1 device link transcript", &said)
}

/// Compares in constant time (BLAKE3's own hash type does).
pub(super) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    blake3::Hash::from_bytes(*a) == blake3::Hash::from_bytes(*b)
}

/// Randomness that was drawn outside, stretched.
struct Random(blake3::OutputReader);

impl Random {
    fn new(seed: [u8; 32]) -> Self {
        Self(blake3::Hasher::new_derive_key("studymesh 2026 v1 spake2 randomness").update(&seed).finalize_xof())
    }
}

impl rand_core::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(dest);
        Ok(())
    }
}

impl rand_core::CryptoRng for Random {}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> Peer {
        Peer::new(name.as_bytes()).unwrap()
    }

    fn ends() -> Ends {
        Ends { new: peer("new"), old: peer("old") }
    }

    fn code(n: u8) -> Code {
        Code::draw([n; 16])
    }

    /// A code of the same place with another secret.
    fn guess(of: &Code) -> Code {
        let text = of.to_string();
        let same_place = |c: &Code| c.to_string()[..4] == text[..4] && *c != *of;
        let step = |n: u64| Code::draw((place_number(&text) + u128::from(n) * 10_000).to_le_bytes());
        (0..).map(step).find(same_place).unwrap()
    }

    fn place_number(text: &str) -> u128 {
        text.chars().take(4).enumerate().map(|(n, c)| u128::from(c.to_digit(10).unwrap()) * 10u128.pow(n as u32)).sum()
    }

    /// Both sides up to the attempt, each with its own code and ids.
    fn attempt(new: (&Code, Ends), old: (&Code, Ends)) -> Option<(Proving, Vec<u8>, Old)> {
        let (n, knock) = New::knock(new.0.clone(), new.1, [2; 32]);
        let (o, here) = Old::answer(old.0, old.1, [[3; 32], [4; 32]], &knock)?;
        let (n, prove) = n.prove([5; 32], &here).unwrap();
        Some((n, prove, o))
    }

    #[test]
    fn who_knows_the_code_gets_a_channel_that_nothing_secret_was_said_before() {
        let code = code(1);
        let (new, prove, old) = attempt((&code, ends()), (&code, ends())).unwrap();
        let (mut old, proven) = old.check(&prove).unwrap();
        let mut new = new.finish(&proven).unwrap();
        assert_eq!(new.transcript(), old.transcript());
        let frame = old.seal(b"secret");
        assert_eq!(new.open(&frame).unwrap(), b"secret");
        let frame = new.seal(b"thanks");
        assert_eq!(old.open(&frame).unwrap(), b"thanks");
    }

    #[test]
    fn a_guess_fails_at_the_old_device_and_there_is_no_second_one() {
        let code = code(1);
        let wrong = guess(&code);
        let (_, prove, old) = attempt((&wrong, ends()), (&code, ends())).unwrap();
        // `check` takes the state by value: the type allows one attempt.
        assert_eq!(old.check(&prove).unwrap_err(), Failed);
    }

    #[test]
    fn an_old_device_that_does_not_know_the_code_can_not_confirm_it() {
        let code = code(1);
        let wrong = guess(&code);
        let (new, prove, old) = attempt((&code, ends()), (&wrong, ends())).unwrap();
        assert!(old.check(&prove).is_err());
        for forged in [[0; 32], [7; 32]] {
            let (new, _, _) = attempt((&code, ends()), (&wrong, ends())).unwrap();
            assert!(new.finish(&Message::Proven { mac: forged }.encode()).is_err());
        }
        assert!(new.finish(&Message::WrongCode.encode()).is_err());
    }

    #[test]
    fn a_knock_for_another_offer_or_by_somebody_else_is_not_answered() {
        let (a, b) = (code(1), code(2));
        assert_ne!(a.to_string()[..4], b.to_string()[..4]);
        assert!(attempt((&a, ends()), (&b, ends())).is_none());
        let (_, knock) = New::knock(a.clone(), ends(), [2; 32]);
        for others in [Ends { new: peer("eve"), ..ends() }, Ends { old: peer("eve"), ..ends() }] {
            assert!(Old::answer(&a, others, [[3; 32], [4; 32]], &knock).is_none(), "replayed");
        }
    }

    #[test]
    fn somebody_in_the_middle_who_passes_messages_on_gets_nowhere() {
        let code = code(1);
        let (to_eve, from_eve) = (Ends { old: peer("eve"), ..ends() }, Ends { new: peer("eve"), ..ends() });
        // The place digits are no secret: Eve makes tags of her own on both sides, and passes the elements on.
        let (new, knock) = New::knock(code.clone(), to_eve.clone(), [2; 32]);
        let (_, knock_on) = New::knock(code.clone(), from_eve.clone(), [6; 32]);
        let (old, here) = Old::answer(&code, from_eve, [[3; 32], [4; 32]], &knock_on).unwrap();
        let Ok(Message::Here { element, .. }) = Message::decode(&here) else { unreachable!() };
        let Ok(Message::Knock { nonce, .. }) = Message::decode(&knock) else { unreachable!() };
        let tag = here_tag(&code, &to_eve, &nonce, &[9; 32]);
        let forged = Message::Here { nonce: [9; 32], tag, element }.encode();
        let (_, prove) = new.prove([5; 32], &forged).unwrap();
        assert!(old.check(&prove).is_err());
    }

    #[test]
    fn replayed_reflected_changed_and_cut_messages_are_refused() {
        let code = code(1);
        // The attempt of another run, recorded.
        let (_, recorded, _) = attempt((&code, ends()), (&code, ends())).unwrap();
        let (_, knock) = New::knock(code.clone(), ends(), [8; 32]);
        let (old, _) = Old::answer(&code, ends(), [[9; 32], [10; 32]], &knock).unwrap();
        assert!(old.check(&recorded).is_err());
        // The old device's own element sent back to it.
        let (_, _, old) = attempt((&code, ends()), (&code, ends())).unwrap();
        let reflected = Message::Prove { element: old.element, mac: [0; 32] }.encode();
        assert!(old.check(&reflected).is_err());
        // The new device's own knock sent back.
        let (new, knock) = New::knock(code.clone(), ends(), [2; 32]);
        assert!(new.prove([5; 32], &knock).is_err());
        // Every byte counts, and none may be missing.
        let (_, knock) = New::knock(code.clone(), ends(), [2; 32]);
        let (_, here) = Old::answer(&code, ends(), [[3; 32], [4; 32]], &knock).unwrap();
        let (_, prove, _) = attempt((&code, ends()), (&code, ends())).unwrap();
        let proven = attempt((&code, ends()), (&code, ends())).unwrap().2.check(&prove).unwrap().1;
        let spoiled = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        for at in 0..knock.len() {
            let random = [[3; 32], [4; 32]];
            assert!(Old::answer(&code, ends(), random, &spoiled(&knock, at)).is_none());
            assert!(Old::answer(&code, ends(), random, &knock[..at]).is_none());
        }
        for at in 0..here.len() {
            // A changed element is noticed by the confirmation, at the latest.
            let (new, _) = New::knock(code.clone(), ends(), [2; 32]);
            if let Ok((_, prove)) = new.prove([5; 32], &spoiled(&here, at)) {
                let (_, _, old) = attempt((&code, ends()), (&code, ends())).unwrap();
                assert!(old.check(&prove).is_err(), "byte {at}");
            }
            let (new, _) = New::knock(code.clone(), ends(), [2; 32]);
            assert!(new.prove([5; 32], &here[..at]).is_err());
        }
        for at in 0..prove.len() {
            for bytes in [spoiled(&prove, at), prove[..at].to_vec()] {
                let (_, _, old) = attempt((&code, ends()), (&code, ends())).unwrap();
                assert!(old.check(&bytes).is_err(), "byte {at}");
            }
        }
        for at in 0..proven.len() {
            for bytes in [spoiled(&proven, at), proven[..at].to_vec()] {
                let (new, _, _) = attempt((&code, ends()), (&code, ends())).unwrap();
                assert!(new.finish(&bytes).is_err(), "byte {at}");
            }
        }
    }
}
