//! Queries: what people type, as phrases of tokens.
//!
//! Each word becomes a phrase; all must be found, and when nothing has them all, any may. A Chinese sentence has no
//! blanks, so in that second try a long run of single characters counts as its pairs. Only tokens reach SQLite, inside
//! quotes, so no character of a query is ever syntax.

use super::token::{Token, tokens};

/// Most characters of a query that are looked at.
pub const MAX_QUERY_CHARS: usize = 256;
/// Most words of a query that are looked at.
pub const MAX_QUERY_WORDS: usize = 16;

/// Tokens that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    /// At least one.
    pub tokens: Vec<String>,
    /// Whether the last token may be the beginning of a longer one.
    pub prefix: bool,
}

/// A query: at least one phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// All of them are looked for.
    pub strict: Vec<Phrase>,
    /// Any of them is looked for when nothing has all the strict ones. Empty when that would be the same.
    pub loose: Vec<Phrase>,
}

impl Query {
    /// Cuts a query into phrases; `None` when there is nothing to look for in it.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.char_indices().nth(MAX_QUERY_CHARS).map_or(text.len(), |(at, _)| at);
        let words = text[..end].split_whitespace().map(|word| tokens(word).collect::<Vec<_>>());
        let words: Vec<Vec<Token>> = words.filter(|word| !word.is_empty()).take(MAX_QUERY_WORDS).collect();
        let mut strict: Vec<Phrase> = words.iter().map(|word| Phrase::new(word)).collect();
        let mut loose: Vec<Phrase> = words.iter().flat_map(|word| pairs(word)).map(Phrase::new).collect();
        // The last word may be half typed; a character that is a token by itself can not be.
        let unfinished = words.last()?.last().is_some_and(|token| !token.single);
        for phrases in [&mut strict, &mut loose] {
            phrases.last_mut()?.prefix = unfinished;
        }
        if strict.len() == 1 && loose == strict {
            loose.clear();
        }
        Some(Self { strict, loose })
    }

    /// The strict form in the syntax of FTS5.
    pub fn all(&self) -> String {
        join(&self.strict, " AND ")
    }

    /// The loose form, when there is one.
    pub fn any(&self) -> Option<String> {
        (!self.loose.is_empty()).then(|| join(&self.loose, " OR "))
    }
}

impl Phrase {
    fn new(tokens: &[Token]) -> Self {
        Self { tokens: tokens.iter().map(|token| token.text.clone()).collect(), prefix: false }
    }
}

/// A word in pieces for the loose form: runs of single characters as overlapping pairs, the rest as it stands.
fn pairs(word: &[Token]) -> Vec<&[Token]> {
    let runs = word.chunk_by(|a, b| a.single == b.single);
    let cut = |run: &'_ [Token]| run[0].single && run.len() > 2;
    runs.flat_map(|run| if cut(run) { run.windows(2).collect() } else { vec![run] }).collect()
}

fn join(phrases: &[Phrase], between: &str) -> String {
    let quoted = |phrase: &Phrase| {
        let words = format!("\"{}\"", phrase.tokens.join(" "));
        // What has the very word counts twice, and so comes before what only begins with it.
        if phrase.prefix { format!("({words} OR {words} *)") } else { words }
    };
    phrases.iter().map(quoted).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_phrases_and_the_last_latin_word_a_prefix() {
        let query = Query::parse("云原生  libp2p打洞 kuber").unwrap();
        assert_eq!(query.all(), "\"云 原 生\" AND \"libp2p 打 洞\" AND (\"kuber\" OR \"kuber\" *)");
        let any = "\"云 原\" OR \"原 生\" OR \"libp2p\" OR \"打 洞\" OR (\"kuber\" OR \"kuber\" *)";
        assert_eq!(query.any().unwrap(), any);
    }

    #[test]
    fn one_word_that_can_not_be_cut_has_no_second_try() {
        assert_eq!(Query::parse("链").unwrap().any(), None);
        assert_eq!(Query::parse("共识").unwrap().any(), None);
        assert_eq!(Query::parse("go").unwrap().any(), None);
        assert!(Query::parse("共识算法").unwrap().any().is_some());
    }

    #[test]
    fn what_is_only_punctuation_looks_for_nothing() {
        for nothing in ["", "  ", "\"*()^:-", "，。！"] {
            assert_eq!(Query::parse(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_query_is_bounded() {
        let query = Query::parse(&"a ".repeat(10_000)).unwrap();
        assert_eq!(query.strict.len(), MAX_QUERY_WORDS);
        let query = Query::parse(&"云".repeat(10_000)).unwrap();
        assert_eq!(query.strict[0].tokens.len(), MAX_QUERY_CHARS);
    }
}
