//! Colour, and texts from others made safe to show.

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// Important.
    Bold,
    /// Less important.
    Dim,
    /// Wrong.
    Red,
    /// Right.
    Green,
    /// Under way, or doubtful.
    Yellow,
    /// A name or an id.
    Cyan,
}

/// Paints, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paint {
    /// Whether colour is used.
    pub on: bool,
}

impl Paint {
    /// The text in a style.
    pub fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "31",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Cyan => "36",
        };
        if self.on && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A text from somebody else on one line, with nothing in it that could steer a terminal or turn the direction of writing.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if steers(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The same for a text of several lines.
pub fn clean_lines(text: &str) -> String {
    text.chars().map(|c| if steers(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_there_when_it_is_on() {
        assert_eq!(Paint { on: false }.paint(Style::Red, "x"), "x");
        assert_eq!(Paint { on: true }.paint(Style::Red, "x"), "\x1b[31mx\x1b[0m");
    }

    #[test]
    fn a_text_from_somebody_else_can_not_steer_the_terminal() {
        assert_eq!(clean("a\x1b[2J\u{9b}1m\r\nb\u{202e}c"), "a\u{fffd}[2J\u{fffd}1m  b\u{fffd}c");
        assert_eq!(clean_lines("a\n\tb\x07\r"), "a\n\tb\u{fffd}\u{fffd}");
    }
}
