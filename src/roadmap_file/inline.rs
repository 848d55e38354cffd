//! The inside of a Markdown line: links, attributes, escapes.

/// What a heading or list item says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Inline {
    /// The text without markup; may be empty.
    pub text: String,
    /// Targets of its links that are web addresses, in order.
    pub links: Vec<String>,
    /// The id in a trailing `{#id}`.
    pub id: Option<String>,
    /// Classes in a trailing `{.class}`.
    pub classes: Vec<String>,
}

/// Reads a line's content. Every step consumes what it looks at, so the time is linear in the line.
pub(super) fn parse(line: &str) -> Inline {
    let hidden = hide_escapes(line);
    let mut inline = Inline::default();
    let body = attributes(hidden.trim(), &mut inline);
    let mut text = String::new();
    let rest = bracketed(body, &mut text, &mut inline.links);
    text.push_str(rest);
    let words: Vec<&str> = text.split_whitespace().filter(|word| !take_address(word, &mut inline.links)).collect();
    let plain = words.join(" ").replace("**", "").replace('`', "");
    inline.text = super::build::one_line(&show_escapes(&plain));
    inline.links.iter_mut().for_each(|link| *link = show_escapes(link));
    if inline.text.is_empty()
        && let Some(link) = inline.links.first()
    {
        inline.text.clone_from(link);
    }
    inline
}

/// `text` written so that [`parse`] reads it back.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '[' | ']' | '<' | '{' | '}' | '*' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.replace("://", ":\\//")
}

/// Takes a trailing `{#id .class}` off; leaves braces that hold anything else.
fn attributes<'a>(text: &'a str, inline: &mut Inline) -> &'a str {
    let Some((before, inside)) = text.strip_suffix('}').and_then(|text| text.rsplit_once('{')) else {
        return text;
    };
    let words: Vec<&str> = inside.split_whitespace().collect();
    if words.is_empty() || !words.iter().all(|word| word.len() > 1 && word.starts_with(['#', '.'])) {
        return text;
    }
    for word in words {
        match word.strip_prefix('#') {
            Some(id) => inline.id = Some(show_escapes(id)),
            None => inline.classes.push(word[1..].to_owned()),
        }
    }
    before.trim_end()
}

/// Moves `[text](target)` to `text` and `links`; gives what is left after the last of them.
fn bracketed<'a>(mut rest: &'a str, text: &mut String, links: &mut Vec<String>) -> &'a str {
    while let Some(middle) = rest.find("](") {
        let Some(open) = rest[..middle].rfind('[') else {
            text.push_str(&rest[..middle + 2]);
            rest = &rest[middle + 2..];
            continue;
        };
        let Some(length) = target_length(&rest[middle + 2..]) else { break };
        let image = rest[..open].ends_with('!');
        text.push_str(rest[..open].strip_suffix('!').unwrap_or(&rest[..open]));
        text.push_str(&rest[open + 1..middle]);
        // A target may be followed by a title in quotes.
        let target = rest[middle + 2..middle + 2 + length].split_whitespace().next().unwrap_or_default();
        if !image {
            take_address(target.trim_start_matches('<').trim_end_matches('>'), links);
        }
        rest = &rest[middle + 2 + length + 1..];
    }
    rest
}

/// Bytes until the parenthesis that closes a target; pairs inside count.
fn target_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Keeps a web address, bare or as `<address>`. Anything else (an anchor, a relative path, mail) is no link to share.
fn take_address(word: &str, links: &mut Vec<String>) -> bool {
    let address = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')).unwrap_or(word);
    let scheme = address.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    let is_address = matches!(scheme.as_str(), "http" | "https");
    if is_address {
        links.push(address.to_owned());
    }
    is_address
}

/// Where escaped ASCII punctuation hides while markup is read: a private-use block that no markup uses.
const HIDDEN: u32 = 0xe000;

fn hide_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = chars.peek().copied().filter(|next| c == '\\' && next.is_ascii_punctuation());
        match escaped.and_then(|next| char::from_u32(HIDDEN + u32::from(next))) {
            Some(hidden) => {
                out.push(hidden);
                chars.next();
            }
            None => out.push(c),
        }
    }
    out
}

fn show_escapes(text: &str) -> String {
    let show = |c: char| {
        let shown = u32::from(c).checked_sub(HIDDEN).and_then(char::from_u32);
        shown.filter(char::is_ascii_punctuation).unwrap_or(c)
    };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_give_their_text_and_their_targets() {
        let inline = parse(
            "Read [the **docs**](https://a.com/x_(y) \"title\"), [top](#top) ![i](https://i.com) <https://b.com> {#docs .practice}",
        );
        assert_eq!(inline.text, "Read the docs, top i");
        assert_eq!(inline.links, ["https://a.com/x_(y)", "https://b.com"]);
        assert_eq!((inline.id.as_deref(), inline.classes), (Some("docs"), vec!["practice".to_owned()]));
    }

    #[test]
    fn what_only_looks_like_markup_is_text() {
        for text in ["a [b", "a ](b)", "map[string]{}", "{x}", "[a](b", "C#", "a {# }"] {
            assert_eq!(parse(text).text, text);
        }
        assert_eq!(parse(r"\[x\] \{#id\}").text, "[x] {#id}");
        assert_eq!(parse("https://a.com").text, "https://a.com");
    }

    proptest! {
        #[test]
        fn an_escaped_text_reads_back(text in "[a-c文 \\[\\]()<>{}#.!\\\\*`:/-]{0,24}") {
            let plain = super::super::build::one_line(&text);
            let inline = parse(&escape(&plain));
            prop_assert_eq!(inline.text, plain);
            prop_assert!(inline.links.is_empty() && inline.id.is_none());
        }
    }
}
