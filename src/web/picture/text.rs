//! How wide a text will be, so that it can be broken into lines: estimated, since the server knows no font.

/// The width of a text in ems of a sans-serif font, generously.
pub fn ems(text: &str) -> f32 {
    text.chars().map(em).sum()
}

fn em(c: char) -> f32 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.3,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '-' | '/' => 0.38,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' => 0.68,
        c if c.is_ascii() => 0.57,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0.0,
        // Latin, Greek and Cyrillic letters; what comes behind them is as wide as it is high, or nearly.
        '\u{80}'..='\u{10ff}' => 0.6,
        _ => 1.0,
    }
}

/// A text in at most `lines` lines of at most `width` ems; what does not fit ends in an ellipsis.
pub fn lines(text: &str, width: f32, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let mut line = String::new();
    let mut words = pieces(text).into_iter().peekable();
    while let Some(word) = words.peek() {
        if line.is_empty() || ems(&line) + ems(word.trim_end()) <= width {
            line.push_str(word);
            words.next();
            continue;
        }
        if out.len() + 1 == lines {
            break;
        }
        out.push(std::mem::take(&mut line).trim_end().to_owned());
    }
    let is_cut = words.peek().is_some();
    out.push(shortened(line.trim_end(), width, is_cut));
    out
}

/// Pieces between which a line may end: behind spaces, and around every character that is a word of its own.
fn pieces(text: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for c in text.chars() {
        let is_alone = em(c) >= 1.0;
        match out.last_mut() {
            Some(last)
                if !is_alone
                    && !last.ends_with([' ', '-', '/'])
                    && last.chars().last().is_some_and(|b| em(b) < 1.0) =>
            {
                last.push(c);
            }
            Some(last) if c == ' ' => last.push(c),
            // These never begin a line.
            Some(last) if "，。、；：！？）》」』".contains(c) => last.push(c),
            _ => out.push(c.to_string()),
        }
    }
    out
}

fn shortened(line: &str, width: f32, is_cut: bool) -> String {
    if !is_cut && ems(line) <= width {
        return line.to_owned();
    }
    let mut out = String::new();
    for c in line.chars() {
        if ems(&out) + em(c) + 1.0 > width {
            break;
        }
        out.push(c);
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_where_their_script_breaks_and_never_grow_beyond_the_box() {
        assert_eq!(lines("Kubernetes basics", 20.0, 2), ["Kubernetes basics"]);
        assert_eq!(lines("Kubernetes basics", 7.0, 2), ["Kubernetes", "basics"]);
        assert_eq!(lines("在本地集群上使用容器", 5.0, 2), ["在本地集群", "上使用容器"]);
        assert_eq!(lines("在本地集群上使用容器和卷", 5.0, 2), ["在本地集群", "上使用容…"]);
        assert_eq!(lines("", 5.0, 2), [""]);
        for text in
            ["averyveryverylongwordwithoutanyspace", "a b c d e f g h i j k l m n o p", "中文 and English 混排，标点。"]
        {
            for width in [4.0, 7.5, 12.0] {
                for line in lines(text, width, 2) {
                    assert!(ems(&line) <= width + 0.001 && lines(text, width, 2).len() <= 2, "{line:?} in {width}");
                }
            }
        }
    }
}
