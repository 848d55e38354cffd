//! What is sealed under a passphrase: backups and device keys.
//!
//! A sealed file begins with a [`Head`]: what it is, how expensive a guess at the passphrase is, a salt, and a check by which a wrong
//! passphrase is told from a damaged file. Its content follows as a stream of sealed chunks ([`crate::log::stream`]) under a key that the
//! passphrase and every byte of the head give, so nothing of either can be changed, left out or moved unnoticed. `docs/backup.md` has the
//! bytes.
//!
//! ```
//! use studymesh::vault::{Cost, Kind, Opened, Passphrase, Sealed, seal};
//! let passphrase = Passphrase::new("three words and a number");
//! let (head, mut writer) = seal(Kind::Backup, Cost::LEAST, [7; 32], &passphrase);
//! let mut file = head.to_vec();
//! file.extend(writer.push(b"what must not get lost"));
//! file.extend(writer.finish());
//!
//! let sealed = Sealed::read(file.as_slice(), Kind::Backup).unwrap();
//! let mut opened: Opened<_> = sealed.open(&passphrase).unwrap();
//! assert_eq!(opened.chunk().unwrap().unwrap(), b"what must not get lost");
//! assert_eq!(opened.chunk().unwrap(), None);
//! ```

mod chunks;
mod head;
mod key_text;
mod passphrase;

pub use chunks::{Opened, ReadError, Sealed, Writer, seal};
pub use head::{Cost, HEAD_BYTES, Head, HeadError, Kind, WrongPassphrase};
pub use key_text::{KeyText, KeyTextError, MAX_KEY_TEXT_BYTES};
pub use passphrase::{MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS, Passphrase};
