//! Tokens: what the search index is made of, and what a query is cut into.
//!
//! One token per Han character, kana and Hangul syllable; other letters and digits in runs, lower-cased, without
//! diacritics. So a Chinese word of any length is a phrase of its characters, found without a dictionary. Everything is
//! decided here, for the index, the query and the snippet alike: SQLite's `ascii` tokenizer only splits at the blanks
//! that [`spaced`] puts between tokens, whatever Unicode version it knows.

use std::ops::Range;

/// Longest run of letters that is one token, in characters; a longer one is cut.
const MAX_TOKEN_CHARS: usize = 64;

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// As it is compared: lower-cased, without diacritics.
    pub text: String,
    /// Where it stands in the text, in bytes.
    pub at: Range<usize>,
    /// Whether it is a character that is a token by itself.
    pub single: bool,
}

/// The tokens of a text, in their order.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let mut run = Token { text: String::new(), at: 0..0, single: false };
        let mut length = 0;
        while let Some(&(start, c)) = chars.peek() {
            let (c, end) = (narrow(c), start + c.len_utf8());
            let in_run = !run.text.is_empty();
            if is_single(c) {
                if in_run {
                    return Some(run);
                }
                chars.next();
                return Some(Token { text: c.to_string(), at: start..end, single: true });
            }
            if is_mark(c) {
                run.at.end = if in_run { end } else { run.at.end };
            } else if c.is_alphanumeric() {
                if length == MAX_TOKEN_CHARS {
                    return Some(run);
                }
                run.at = if in_run { run.at.start..end } else { start..end };
                run.text.extend(c.to_lowercase().filter(|c| !is_mark(*c)).map(plain));
                length += 1;
            } else if in_run {
                return Some(run);
            }
            chars.next();
        }
        (!run.text.is_empty()).then_some(run)
    })
}

/// A text as it is given to the index: its [`tokens`] with blanks between, without making each of them.
pub(super) fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    // Characters of the run that is being written.
    let mut length = 0;
    for c in text.chars() {
        if is_mark(c) {
            continue;
        }
        let c = narrow(c);
        let single = is_single(c);
        if !single && !c.is_alphanumeric() {
            length = 0;
            continue;
        }
        if (single || length == 0 || length == MAX_TOKEN_CHARS) && !out.is_empty() {
            out.push(' ');
        }
        if single || length == MAX_TOKEN_CHARS {
            length = 0;
        }
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else if single {
            out.push(c);
            continue;
        } else {
            out.extend(c.to_lowercase().filter(|c| !is_mark(*c)).map(plain));
        }
        length += 1;
    }
    out
}

/// Han characters, kana, bopomofo and Hangul syllables.
fn is_single(c: char) -> bool {
    // Most of them by far, and all of them letters.
    if matches!(c, '\u{4e00}'..='\u{9fff}') {
        return true;
    }
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}' | '\u{31a0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

/// Combining marks on Latin letters.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Full-width Latin letters and digits, as Chinese input methods make them, as plain ones.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// A lower-case letter without its diacritic, for the Latin blocks (pinyin among them): U+00C0 to U+024F and U+1E00 to
/// U+1EFF. The tables have a dot where a letter stays.
fn plain(c: char) -> char {
    const LATIN: &[u8; 400] = b"\
        aaaaaa.ceeeeiiii.nooooo.ouuuuy..aaaaaa.ceeeeiiii.nooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggggggg\
        hhhhiiiiiiiiii..jjkk.llllll..llnnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzzs........\
        ........................oo.............uu............................aaiioouuuuuuuuuu.aaaa....ggkkoo\
        oo..j...gg..nnaa....aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............................";
    const ADDITIONAL: &[u8; 256] = b"\
        aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssss\
        ssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy.s....aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeee\
        iiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";
    let code = u32::from(c) as usize;
    let letter = match code {
        0xc0..=0x24f => LATIN[code - 0xc0],
        0x1e00..=0x1eff => ADDITIONAL[code - 0x1e00],
        _ => b'.',
    };
    if letter == b'.' { c } else { char::from(letter) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chinese_falls_apart_into_characters_and_latin_into_words() {
        assert_eq!(spaced("用 Rust 写libp2p打洞，云原生！"), "用 rust 写 libp2p 打 洞 云 原 生");
        assert_eq!(spaced("ひらカナ한글"), "ひ ら カ ナ 한 글");
        assert_eq!(spaced("Node.js, C++ & `go build`"), "node js c go build");
        assert_eq!(spaced(" \n—…「」"), "");
    }

    #[test]
    fn case_width_and_diacritics_make_no_difference() {
        assert_eq!(spaced("Ｋ８ｓ"), "k8s");
        assert_eq!(spaced("pīnyīn Lǜ Čapek Nguyễn Ørsted Łódź"), "pinyin lu capek nguyen orsted lodz");
        assert_eq!(spaced("e\u{301}te\u{301}"), "ete");
        assert_eq!(spaced("İstanbul"), "istanbul");
    }

    #[test]
    fn rare_characters_beyond_the_basic_plane_are_tokens_too() {
        assert_eq!(spaced("𠮷野𪚥"), "𠮷 野 𪚥");
    }

    #[test]
    fn an_endless_word_is_cut() {
        let text = "a".repeat(150);
        let lengths: Vec<_> = tokens(&text).map(|t| t.text.len()).collect();
        assert_eq!(lengths, [64, 64, 22]);
    }

    proptest! {
        #[test]
        fn tokens_lie_in_order_on_character_borders_and_hold_no_syntax(text in any::<String>()) {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert!(token.at.start >= end && token.at.end > token.at.start);
                prop_assert!(text.get(token.at.clone()).is_some());
                prop_assert!(!token.text.is_empty() && token.text.chars().all(char::is_alphanumeric));
                end = token.at.end;
            }
        }

        #[test]
        fn spaced_is_the_tokens_with_blanks_between(
            some in any::<String>(), text in "[a-zA-Z0-9 云原生é\u{301}\u{302}.，Ａ-Ｚ한ßİ𠮷\n]{0,300}", long in "[a-é]{60,200}",
        ) {
            for text in [&some, &text, &long, &format!("{long}{text}")] {
                let joined: Vec<String> = tokens(text).map(|token| token.text).collect();
                prop_assert_eq!(spaced(text), joined.join(" "));
            }
        }

        #[test]
        fn tokens_of_spaced_tokens_are_the_same(text in "[a-zA-Z0-9 云原生é.，Ａ-Ｚ한]{0,40}") {
            let once = spaced(&text);
            prop_assert_eq!(spaced(&once), once);
        }
    }
}
