//! A passphrase, wiped from memory when it is let go.

use zeroize::Zeroizing;

/// Most bytes of a passphrase.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;
/// Fewest characters of a new passphrase.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// What a person typed to seal or open something. Compared byte by byte, as it was typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// From a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Whether it is long enough to be a new one.
    #[must_use]
    pub fn is_long_enough(&self) -> bool {
        self.0.chars().count() >= MIN_PASSPHRASE_CHARS
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
