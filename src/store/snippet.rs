//! Snippets: the part of a text around the first hit, with the hits marked.

use std::ops::Range;

use super::query::Phrase;
use super::token::{Token, tokens};

/// About how many characters a snippet has.
pub const SNIPPET_CHARS: usize = 80;
/// Characters before the first hit.
const LEAD_CHARS: usize = 24;
/// Bytes of a text that are looked through for a hit; in a longer text a later hit shows the beginning.
const MAX_SCAN_BYTES: usize = 256 << 10;
const CUT: char = '…';

/// A part of a text on one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snippet {
    /// The text, with an ellipsis where it was cut.
    pub text: String,
    /// The hits in it, as ranges of bytes, ascending, not touching.
    pub marks: Vec<Range<usize>>,
}

/// The snippet of `text` for these phrases; its beginning when none is found.
pub(super) fn snippet(text: &str, phrases: &[Phrase]) -> Snippet {
    let mut scan = text.len().min(MAX_SCAN_BYTES);
    while !text.is_char_boundary(scan) {
        scan -= 1;
    }
    let hits = hits(&text[..scan], phrases);
    let window = window(text, hits.first().map_or(0, |hit| hit.start));
    let mut out = Snippet::default();
    let cut_before = text[..window.start].chars().any(|c| !c.is_whitespace());
    if cut_before {
        out.text.push(CUT);
    }
    let shift = out.text.len();
    // One line: every control character and line break is a blank. One of several bytes becomes as many, so that the
    // ranges stay.
    for c in text[window.clone()].chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            out.text.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            out.text.push(c);
        }
    }
    let inside = hits.into_iter().filter(|hit| hit.start >= window.start && hit.end <= window.end);
    out.marks = inside.map(|hit| hit.start - window.start + shift..hit.end - window.start + shift).collect();
    if text[window.end..].chars().any(|c| !c.is_whitespace()) {
        out.text.push(CUT);
    }
    out
}

/// Where the phrases stand in a text, ascending; what overlaps or touches is joined.
fn hits(text: &str, phrases: &[Phrase]) -> Vec<Range<usize>> {
    let tokens: Vec<Token> = tokens(text).collect();
    let mut hits: Vec<Range<usize>> = vec![];
    for first in 0..tokens.len() {
        let longest = phrases.iter().filter(|phrase| stands_at(phrase, &tokens[first..])).map(|p| p.tokens.len()).max();
        let Some(longest) = longest else { continue };
        let hit = tokens[first].at.start..tokens[first + longest - 1].at.end;
        match hits.last_mut() {
            Some(last) if last.end >= hit.start => last.end = last.end.max(hit.end),
            _ => hits.push(hit),
        }
    }
    hits
}

fn stands_at(phrase: &Phrase, tokens: &[Token]) -> bool {
    let Some((last, before)) = phrase.tokens.split_last() else { return false };
    let Some(here) = tokens.get(..phrase.tokens.len()) else { return false };
    let ends = |token: &Token| if phrase.prefix { token.text.starts_with(last) } else { token.text == *last };
    before.iter().zip(here).all(|(want, have)| *want == have.text) && here.last().is_some_and(ends)
}

/// About [`SNIPPET_CHARS`] characters around a place.
fn window(text: &str, hit: usize) -> Range<usize> {
    let lead = text[..hit].char_indices().rev().take(LEAD_CHARS).last().map_or(hit, |(at, _)| at);
    let mut end = text[lead..].char_indices().nth(SNIPPET_CHARS).map_or(text.len(), |(at, _)| lead + at);
    // Near the end of the text there is room for more before the hit.
    let spare = SNIPPET_CHARS.saturating_sub(text[lead..end].chars().count());
    let start = text[..lead].char_indices().rev().take(spare).last().map_or(lead, |(at, _)| at);
    let trimmed = text[start..end].trim_end();
    end = start + trimmed.len();
    start + (trimmed.len() - trimmed.trim_start().len())..end
}

#[cfg(test)]
mod tests {
    use super::super::query::Query;
    use super::*;
    use proptest::prelude::*;

    fn marked(text: &str, query: &str) -> String {
        let snippet = snippet(text, &Query::parse(query).unwrap().strict);
        let mut out = snippet.text.clone();
        for mark in snippet.marks.iter().rev() {
            out.insert(mark.end, ']');
            out.insert(mark.start, '[');
        }
        out
    }

    #[test]
    fn hits_are_marked_in_the_original_text() {
        assert_eq!(marked("学习云原生，再学 Rust。", "云原生 rus"), "学习[云原生]，再学 [Rust]。");
        assert_eq!(marked("Café au lait", "cafe"), "[Café] au lait");
        assert_eq!(marked("# NAT\n\n用 libp2p 打洞", "libp2p打洞"), "# NAT  用 [libp2p 打洞]");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_hit() {
        let text = format!("{}打洞{}", "前".repeat(100), "后".repeat(100));
        let shown = marked(&text, "打洞");
        assert_eq!(
            shown,
            format!("…{}[打洞]{}…", "前".repeat(LEAD_CHARS), "后".repeat(SNIPPET_CHARS - LEAD_CHARS - 2))
        );
        // Near the end the room is used for what comes before.
        let text = format!("{}打洞", "前".repeat(100));
        assert_eq!(marked(&text, "打洞").chars().count(), SNIPPET_CHARS + 3);
    }

    #[test]
    fn a_text_without_the_words_shows_its_beginning() {
        assert_eq!(marked("Only the title had it", "云"), "Only the title had it");
    }

    proptest! {
        #[test]
        fn any_text_gives_marks_that_fit(text in any::<String>(), query in "[a-z云原生 ]{1,6}") {
            if let Some(query) = Query::parse(&query) {
                let snippet = snippet(&text, &query.strict);
                let mut end = 0;
                for mark in &snippet.marks {
                    prop_assert!(mark.start >= end && snippet.text.get(mark.clone()).is_some());
                    end = mark.end + 1;
                }
                prop_assert!(!snippet.text.contains(['\n', '\r']));
                prop_assert!(snippet.text.chars().count() <= 4 * SNIPPET_CHARS);
            }
        }
    }
}
