//! The secret of the web page, and what is made from it: tokens for one use, and cookies.
//!
//! The secret lies in `web.token`, which its owner alone can read. Everything else is a nonce and a time, sealed with a key
//! derived from it, so that `studymesh web` makes a token without asking the node, and a cookie outlives a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::api::{Code, Error};
use crate::node::core::random;
use crate::node::private_file;

/// How long a token for one use is good, milliseconds: ten minutes.
pub const LOGIN_MS: u64 = 600_000;
/// How long a cookie is good, milliseconds: thirty days.
pub const SESSION_MS: u64 = 30 * 24 * 3_600_000;
/// Most tokens that are remembered as used; they are forgotten when they would have expired anyway.
const MAX_USED: usize = 1_024;
/// Longest text that is looked at.
const MAX_TEXT: usize = 128;

/// What a sealed text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be exchanged once.
    Login,
    /// A browser that was let in.
    Session,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Login => "studymesh 2026 web login",
            Self::Session => "studymesh 2026 web session",
        }
    }

    fn life_ms(self) -> u64 {
        match self {
            Self::Login => LOGIN_MS,
            Self::Session => SESSION_MS,
        }
    }
}

/// The secret of one directory.
pub struct Secret([u8; 32]);

impl Secret {
    /// Reads the secret, or makes one where there is none.
    ///
    /// # Errors
    /// When the file is there and no secret, or can not be read or written.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).ok_or_else(|| {
                let cause = format!("{} is not a secret of 64 hex digits", path.display());
                Error::new(Code::Failed, cause, "remove the file: the next start makes a new one")
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secret = Self(random());
                private_file(path, (secret.bearer() + "\n").as_bytes()).map_err(|error| unusable(path, &error))?;
                Ok(secret)
            }
            Err(error) => Err(unusable(path, &error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.trim_end().as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The secret as programs send it: the content of the file.
    #[must_use]
    pub fn bearer(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// Whether a program sent the secret. Takes as long for a near miss as for a far one.
    #[must_use]
    pub fn is_bearer(&self, text: &str) -> bool {
        text.len() <= MAX_TEXT && Self::parse(text).is_some_and(|other| blake3::hash(&other.0) == blake3::hash(&self.0))
    }

    /// A sealed text: `nonce.expiry.mac`.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, now_ms: u64) -> String {
        let nonce: [u8; 16] = random();
        let head = format!("{}.{}", data_encoding::HEXLOWER.encode(&nonce), now_ms + purpose.life_ms());
        format!("{head}.{}", self.mac(purpose, &head).to_hex())
    }

    /// The expiry of a sealed text that is ours and still good.
    #[must_use]
    pub fn open(&self, purpose: Purpose, text: &str, now_ms: u64) -> Option<u64> {
        let (head, mac) = text.get(..).filter(|t| t.len() <= MAX_TEXT)?.rsplit_once('.')?;
        // Equality of hashes takes the same time wherever they differ.
        if blake3::Hash::from_hex(mac).ok()? != self.mac(purpose, head) {
            return None;
        }
        let expires: u64 = head.rsplit_once('.')?.1.parse().ok()?;
        (now_ms < expires).then_some(expires)
    }

    fn mac(&self, purpose: Purpose, head: &str) -> blake3::Hash {
        blake3::keyed_hash(&blake3::derive_key(purpose.label(), &self.0), head.as_bytes())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    let cause = format!("{} can not be used: {error}", path.display());
    Error::new(Code::Failed, cause, "look at the permissions and the free space of the directory")
}

/// The tokens that were exchanged already.
#[derive(Debug, Default)]
pub struct Used(Mutex<BTreeMap<String, u64>>);

impl Used {
    /// Exchanges a token; false when it is not good, or was used before.
    #[must_use]
    pub fn exchange(&self, secret: &Secret, token: &str, now_ms: u64) -> bool {
        let Some(expires) = secret.open(Purpose::Login, token, now_ms) else { return false };
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now_ms);
        used.len() < MAX_USED && used.insert(token.to_owned(), expires).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_once_within_its_life_and_for_its_purpose_alone() {
        let (secret, used) = (Secret([7; 32]), Used::default());
        let token = secret.seal(Purpose::Login, 1_000);
        assert_eq!(secret.open(Purpose::Session, &token, 1_000), None, "a token is no cookie");
        assert!(!used.exchange(&Secret([8; 32]), &token, 1_000), "another directory's");
        assert!(!used.exchange(&secret, &token, 1_000 + LOGIN_MS), "too late");
        assert!(used.exchange(&secret, &token, 999 + LOGIN_MS));
        assert!(!used.exchange(&secret, &token, 2_000), "a second time");
        assert!(used.exchange(&secret, &secret.seal(Purpose::Login, 1_000), 2_000));
    }

    #[test]
    fn nothing_but_the_whole_sealed_text_opens() {
        let secret = Secret([7; 32]);
        let cookie = secret.seal(Purpose::Session, 5);
        assert_eq!(secret.open(Purpose::Session, &cookie, 5), Some(5 + SESSION_MS));
        for at in 0..cookie.len() {
            let mut bytes = cookie.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let spoiled = String::from_utf8(bytes).unwrap();
            assert_eq!(secret.open(Purpose::Session, &spoiled, 5), None, "byte {at}");
        }
        for text in ["", ".", "..", "a.b.c", &"0".repeat(500), "é.1.é"] {
            assert_eq!(secret.open(Purpose::Session, text, 5), None, "{text}");
        }
    }

    #[test]
    fn the_secret_is_made_once_is_its_owners_alone_and_a_damaged_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.token");
        let secret = Secret::load_or_create(&path).unwrap();
        let again = Secret::load_or_create(&path).unwrap();
        assert!(secret.is_bearer(&again.bearer()) && !secret.is_bearer("") && !secret.is_bearer(&"0".repeat(64)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "half a sec").unwrap();
        assert_eq!(Secret::load_or_create(&path).unwrap_err().code, Code::Failed);
    }

    #[test]
    fn the_memory_of_used_tokens_is_bounded_and_empties_by_time() {
        let (secret, used) = (Secret([7; 32]), Used::default());
        for _ in 0..MAX_USED {
            assert!(used.exchange(&secret, &secret.seal(Purpose::Login, 0), 1));
        }
        assert!(!used.exchange(&secret, &secret.seal(Purpose::Login, 0), 1), "full: nobody is let in");
        assert!(used.exchange(&secret, &secret.seal(Purpose::Login, LOGIN_MS), LOGIN_MS));
    }
}
