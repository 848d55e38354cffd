//! The code that a person reads on one device and types on the other.
//!
//! Twelve digits, as `4821-7093-5518`: digits are said and typed alike in every language. The first four find the other device and
//! are known to whoever is asked for it; the next seven (23 bits) are the secret, of which whoever does not know it may try one;
//! the last one notices a slip, so that it does not cost the one attempt.
//!
//! ```
//! use studymesh::device::Code;
//!
//! let code = Code::draw([7; 16]);
//! assert_eq!(code.to_string().parse(), Ok(code.clone()));
//! assert_eq!(code.to_string().replace('-', " ").parse(), Ok(code));
//! ```

use std::fmt;
use std::str::FromStr;

/// Digits that find the other device.
const PLACE_DIGITS: usize = 4;
/// Digits that nobody else may know.
const SECRET_DIGITS: usize = 7;
/// All digits, with the check digit at the end.
const DIGITS: usize = PLACE_DIGITS + SECRET_DIGITS + 1;
/// Digits between two hyphens.
const GROUP: usize = 4;
/// How many different secrets there are.
const SECRETS: u64 = 10u64.pow(SECRET_DIGITS as u32);
/// How long a DHT key of an offer is used, in milliseconds.
pub const SLOT_MS: u64 = 600_000;
/// Longest text that is looked at, in characters.
const MAX_TEXT_CHARS: usize = 64;

const _: () = assert!(SECRETS >= 1 << 20, "a guess is right once in a million times at most");

/// A code for linking two devices.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; DIGITS]);

/// Why a text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// It has another number of digits, or other characters.
    #[error("a code has {DIGITS} digits, like 4821-7093-5518")]
    Shape,
    /// A digit is wrong, or two were swapped.
    #[error("a digit of the code is wrong, or two digits are swapped")]
    Check,
}

impl Code {
    /// A code from random bytes.
    #[must_use]
    pub fn draw(random: [u8; 16]) -> Self {
        let mut rest = u128::from_le_bytes(random);
        let mut digits = [0; DIGITS];
        for digit in &mut digits[..DIGITS - 1] {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        digits[DIGITS - 1] = check(&digits[..DIGITS - 1]);
        Self(digits)
    }

    /// The key under which the two devices may find each other in the DHT within one slot of [`SLOT_MS`] (Unix time divided by it).
    #[must_use]
    pub fn dht_key(&self, slot: u64) -> [u8; 32] {
        let place = [&self.0[..PLACE_DIGITS], &slot.to_le_bytes()].concat();
        blake3::derive_key("studymesh 2026 v1 device link rendezvous", &place)
    }

    /// The key with which one says which offer is meant. Everybody can try all of them: it hides nothing and proves nothing.
    #[must_use]
    pub(super) fn place_key(&self) -> [u8; 32] {
        blake3::derive_key("studymesh 2026 v1 device link knock", &self.0[..PLACE_DIGITS])
    }

    /// What both sides have to know.
    #[must_use]
    pub(super) fn password(&self) -> [u8; 32] {
        blake3::derive_key("studymesh 2026 v1 device link password", &self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, digits) in self.0.chunks(GROUP).enumerate() {
            if n > 0 {
                f.write_str("-")?;
            }
            digits.iter().try_for_each(|digit| write!(f, "{digit}"))?;
        }
        Ok(())
    }
}

/// A code in a log would be a secret in a log.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

impl FromStr for Code {
    type Err = BadCode;

    /// Reads a code with any hyphens and blanks between its digits, full-width ones included.
    fn from_str(text: &str) -> Result<Self, BadCode> {
        let mut digits = vec![];
        if text.chars().count() > MAX_TEXT_CHARS {
            return Err(BadCode::Shape);
        }
        for c in text.chars() {
            match c {
                '0'..='9' => digits.push((c as u32 - '0' as u32) as u8),
                '０'..='９' => digits.push((c as u32 - '０' as u32) as u8),
                '-' | '‐' | '‑' | '–' | '—' | '－' => {}
                c if c.is_whitespace() => {}
                _ => return Err(BadCode::Shape),
            }
        }
        let digits: [u8; DIGITS] = digits.try_into().map_err(|_| BadCode::Shape)?;
        if check(&digits[..DIGITS - 1]) != digits[DIGITS - 1] {
            return Err(BadCode::Check);
        }
        Ok(Self(digits))
    }
}

/// A quasigroup of order ten in which every single wrong digit and every swap of neighbours changes the result (H. M. Damm).
const STEP: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The digit that goes behind these.
fn check(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |state, digit| STEP[usize::from(state)][usize::from(*digit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_one_digit_or_a_swap_of_two_neighbours_is_noticed_before_it_costs_the_attempt() {
        for seed in 0..20 {
            let code = Code::draw([seed; 16]);
            let digits: Vec<char> = code.to_string().chars().filter(char::is_ascii_digit).collect();
            for at in 0..DIGITS {
                for other in '0'..='9' {
                    let mut slip = digits.clone();
                    slip[at] = other;
                    let expected = if slip == digits { Ok(code.clone()) } else { Err(BadCode::Check) };
                    assert_eq!(slip.iter().collect::<String>().parse(), expected);
                }
                let mut swapped = digits.clone();
                swapped.swap(at, (at + 1).min(DIGITS - 1));
                let expected = if swapped == digits { Ok(code.clone()) } else { Err(BadCode::Check) };
                assert_eq!(swapped.iter().collect::<String>().parse(), expected);
            }
        }
    }

    #[test]
    fn a_code_is_read_however_people_write_it() {
        let code = Code::draw([9; 16]);
        let plain = code.to_string();
        assert_eq!(plain.len(), DIGITS + 2);
        let wide: String =
            plain.chars().map(|c| c.to_digit(10).map_or('－', |d| char::from_u32('０' as u32 + d).unwrap())).collect();
        for text in [plain.clone(), plain.replace('-', ""), plain.replace('-', " "), format!(" {plain}\n"), wide] {
            assert_eq!(text.parse(), Ok(code.clone()), "{text}");
        }
        for text in ["", "1234", "1234-5678-901x", &"1".repeat(13), &"-".repeat(1_000)] {
            assert_eq!(text.parse::<Code>(), Err(BadCode::Shape), "{text}");
        }
        assert_eq!(format!("{code:?}"), "Code(..)");
    }

    #[test]
    fn codes_of_one_place_meet_and_others_do_not() {
        let (a, b) = (Code::draw([1; 16]), Code::draw([2; 16]));
        assert_eq!(a.dht_key(5), a.clone().dht_key(5));
        assert_ne!(a.dht_key(5), a.dht_key(6));
        assert_ne!(a.dht_key(5), b.dht_key(5));
        assert_ne!(a.password(), b.password());
    }
}
