//! The key of an installation as a line of text that a passphrase opens.

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::{Cost, HeadError, Kind, Passphrase, ReadError, Sealed, WrongPassphrase, seal};

/// Most bytes of such a text.
pub const MAX_KEY_TEXT_BYTES: usize = 512;

const PREFIX: &str = "studymesh-key";

/// A sealed key: `studymesh-key PEER BASE64`, where PEER says whose key it is without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyText {
    peer: String,
    sealed: Vec<u8>,
}

/// Why a key text can not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyTextError {
    /// It is something else.
    #[error("it is no sealed key of studymesh, or not whole")]
    Shape,
    /// A newer studymesh wrote it, or it is out of bounds.
    #[error(transparent)]
    Head(HeadError),
    /// The passphrase is another one.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// It opens and was changed.
    #[error("it was changed or cut off")]
    Broken,
}

impl KeyText {
    /// Seals a key for the peer that it belongs to. The salt must be fresh and random.
    #[must_use]
    pub fn seal(peer: &str, key: &[u8; 32], cost: Cost, salt: [u8; 32], passphrase: &Passphrase) -> Self {
        let (head, mut writer) = seal(Kind::Key, cost, salt, passphrase);
        let mut sealed = head.to_vec();
        sealed.extend(writer.push(&content(peer, key)));
        sealed.extend(writer.finish());
        Self { peer: peer.to_owned(), sealed }
    }

    /// Reads a text, one line with or without its end.
    ///
    /// # Errors
    /// When it is something else, newer or out of bounds.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        if text.len() > MAX_KEY_TEXT_BYTES {
            return Err(KeyTextError::Shape);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let [PREFIX, peer, sealed] = words[..] else { return Err(KeyTextError::Shape) };
        let sealed = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| KeyTextError::Shape)?;
        Sealed::read(sealed.as_slice(), Kind::Key).map_err(|error| match error {
            ReadError::Head(head) if head != HeadError::Magic => KeyTextError::Head(head),
            _ => KeyTextError::Shape,
        })?;
        Ok(Self { peer: peer.to_owned(), sealed })
    }

    /// The peer that the key belongs to.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Opens the key.
    ///
    /// # Errors
    /// When the passphrase is wrong, or something was changed.
    pub fn open(&self, passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, KeyTextError> {
        let sealed = Sealed::read(self.sealed.as_slice(), Kind::Key).map_err(|_| KeyTextError::Shape)?;
        let mut opened = sealed.open(passphrase).map_err(|WrongPassphrase| KeyTextError::Passphrase)?;
        let broken = |_| KeyTextError::Broken;
        let plain = Zeroizing::new(opened.chunk().map_err(broken)?.ok_or(KeyTextError::Broken)?);
        let end = opened.chunk().map_err(broken)?;
        let key = plain.first_chunk().ok_or(KeyTextError::Broken)?;
        if end.is_some() || plain.as_slice() != content(&self.peer, key).as_slice() {
            return Err(KeyTextError::Broken);
        }
        Ok(Zeroizing::new(*key))
    }
}

impl std::fmt::Display for KeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{PREFIX} {} {}", self.peer, BASE64URL_NOPAD.encode(&self.sealed))
    }
}

/// The key and whose it is: the peer that stands outside can not be another.
fn content(peer: &str, key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&key[..], peer.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> (Passphrase, String) {
        let words = Passphrase::new("eight or more");
        let text = KeyText::seal("12D3KooWPeer", &[9; 32], Cost::LEAST, [1; 32], &words).to_string();
        (words, text)
    }

    #[test]
    fn a_key_goes_through_its_text_with_the_passphrase_only() {
        let (words, text) = text();
        assert!(text.starts_with("studymesh-key 12D3KooWPeer ") && text.ends_with('\n'), "{text}");
        assert!(text.len() < MAX_KEY_TEXT_BYTES);
        let key = KeyText::parse(text.trim_end()).unwrap();
        assert_eq!((key.peer(), *key.open(&words).unwrap()), ("12D3KooWPeer", [9; 32]));
        assert!(matches!(key.open(&Passphrase::new("eight or less")), Err(KeyTextError::Passphrase)));
    }

    #[test]
    fn no_letter_of_the_text_can_be_another() {
        let (words, text) = text();
        for at in 0..text.trim_end().len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(KeyText::parse(&changed).and_then(|key| key.open(&words)).is_err(), "letter {at}");
            assert!(KeyText::parse(&text[..at]).and_then(|key| key.open(&words)).is_err(), "cut at {at}");
        }
        assert!(KeyText::parse(&"studymesh-key ".repeat(99)).is_err());
        assert!(KeyText::parse(&"0f".repeat(32)).is_err());
    }
}
