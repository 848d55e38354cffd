//! Ids made from titles: readable for English, stable for Chinese.

use std::collections::BTreeSet;

use super::MAX_ID;

/// Context of the key derivation behind the hash suffixes; never changed, or ids made from titles would change.
const CONTEXT: &str = "studymesh 2026 slug v1";

/// Hex digits of a hash suffix: with 1,000 topics, two titles collide once in some 8,600 roadmaps, and then
/// [`unique`] tells them apart.
const HASH_DIGITS: usize = 8;

/// An id made from a title: always the same for the same title, whatever its case and spacing.
///
/// ASCII letters and digits stay, everything between becomes one `-`. A title with other letters, or too long, gets a
/// hash of the whole as suffix, and `t` in front when nothing else is left.
///
/// ```
/// use studymesh::model::roadmap::slug;
/// assert_eq!(slug("Kubernetes: the Basics!"), "kubernetes-the-basics");
/// assert!(slug("Docker 容器").starts_with("docker-"));
/// assert!(slug("容器").starts_with("t-"));
/// ```
#[must_use]
pub fn slug(text: &str) -> String {
    let whole = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut plain = String::new();
    for c in whole.chars() {
        if c.is_ascii_alphanumeric() {
            plain.push(c);
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    let plain = plain.trim_end_matches('-');
    let lost = plain.is_empty() || whole.chars().any(|c| !c.is_ascii() && c.is_alphanumeric());
    if !lost && plain.len() <= MAX_ID {
        return plain.to_owned();
    }
    let head = head(plain, HASH_DIGITS + 1);
    let head = if head.is_empty() { "t" } else { head };
    format!("{head}-{}", hash(whole.as_bytes(), HASH_DIGITS))
}

/// `base`, or the first of `base-2`, `base-3`, ... that is not taken. Shortened to stay within [`MAX_ID`] bytes.
#[must_use]
pub fn unique(base: &str, taken: &BTreeSet<String>) -> String {
    if !taken.contains(base) {
        return base.to_owned();
    }
    let mut count = 2_usize;
    loop {
        let suffix = format!("-{count}");
        let candidate = format!("{}{suffix}", head(base, suffix.len()));
        if !taken.contains(&candidate) {
            return candidate;
        }
        count += 1;
    }
}

/// The first hex digits of the keyed hash of some bytes; at most 64.
#[must_use]
pub fn hash(bytes: &[u8], digits: usize) -> String {
    let mut hex = data_encoding::HEXLOWER.encode(&blake3::derive_key(CONTEXT, bytes));
    hex.truncate(digits);
    hex
}

/// The start of an ASCII slug that leaves `room` bytes free, with no `-` at its end.
fn head(plain: &str, room: usize) -> &str {
    plain.get(..MAX_ID - room).unwrap_or(plain).trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::is_id;
    use super::*;

    #[test]
    fn a_title_gives_one_id_whatever_its_case_and_spacing() {
        assert_eq!(slug("  Helm \t Charts "), slug("helm charts"));
        assert_eq!(slug("CI/CD"), "ci-cd");
        assert_ne!(slug("容器"), slug("编排"));
        assert_ne!(slug("Go 语言"), slug("Go 并发"));
        assert_eq!(slug("容器"), slug(" 容器 "));
        assert_eq!(slug("容器"), "t-abc2646e");
    }

    #[test]
    fn long_titles_with_the_same_start_stay_apart() {
        let (a, b) = (slug(&format!("{}a", "x".repeat(90))), slug(&format!("{}b", "x".repeat(90))));
        assert_ne!(a, b);
        assert_eq!(a.len(), MAX_ID);
    }

    #[test]
    fn a_taken_id_is_counted_up() {
        let taken: BTreeSet<String> = ["go".to_owned(), "go-2".to_owned(), "x".repeat(MAX_ID)].into();
        assert_eq!(unique("go", &taken), "go-3");
        assert_eq!(unique("rust", &taken), "rust");
        assert_eq!(unique(&"x".repeat(MAX_ID), &taken).len(), MAX_ID);
    }

    proptest! {
        #[test]
        fn any_text_gives_an_id(text in any::<String>()) {
            prop_assert!(is_id(&slug(&text)));
        }
    }
}
