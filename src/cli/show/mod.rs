//! What people see of an answer: pure functions from JSON to text, one file per noun.

pub mod backup;
pub mod config;
pub mod device;
pub mod files;
pub mod group;
pub mod link;
pub mod member;
pub mod note;
pub mod peek;
pub mod progress;
pub mod roadmap;
pub mod search;
pub mod status;
pub mod sync;

use super::lang::Texts;
use super::paint::{Paint, Style};
use super::table::{Cell, Table};
use super::time;

/// Columns of a terminal beyond which a title is cut.
const TITLE_COLUMNS: usize = 48;
/// The same for lists of names and tags.
const NAMES_COLUMNS: usize = 24;

/// How to show something.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The language.
    pub texts: Texts,
    /// Colour or not.
    pub paint: Paint,
    /// Unix milliseconds, for "3 h ago".
    pub now: u64,
    /// Whether long fields are cut because a person looks at a terminal; a file gets everything.
    pub cut: bool,
}

impl View {
    fn title(&self) -> Option<usize> {
        self.cut.then_some(TITLE_COLUMNS)
    }

    fn names(&self) -> Option<usize> {
        self.cut.then_some(NAMES_COLUMNS)
    }

    fn dim(&self, text: &str) -> String {
        self.paint.paint(Style::Dim, text)
    }

    fn bold(&self, text: &str) -> String {
        self.paint.paint(Style::Bold, text)
    }

    /// How long ago; doubtful times are marked.
    fn ago(&self, then: Option<u64>, doubtful: bool) -> Cell {
        let Some(then) = then else { return Cell::new(Style::Dim, "-") };
        let text = time::ago(self.texts, self.now, then);
        if doubtful { Cell::new(Style::Yellow, &format!("{text} ?")) } else { text.into() }
    }

    /// Date and time.
    fn stamp(&self, then: Option<u64>, doubtful: bool) -> Cell {
        let text = then.map_or_else(|| "-".to_owned(), time::stamp);
        if doubtful { Cell::new(Style::Yellow, &format!("{text} ?")) } else { text.into() }
    }

    fn yes_no(&self, yes: bool) -> &'static str {
        if yes { self.texts.yes() } else { self.texts.no() }
    }
}

/// Labels with their values, one below the other.
struct Fields {
    table: Table,
}

impl Fields {
    fn new() -> Self {
        Self { table: Table::new().left("").left("") }
    }

    fn put(&mut self, label: &str, value: impl Into<Cell>) {
        self.table.row(vec![Cell::new(Style::Dim, label), value.into()]);
    }

    /// Several values; the label stands at the first.
    fn list(&mut self, label: &str, values: &[&str]) {
        for (at, value) in values.iter().enumerate() {
            self.put(if at == 0 { label } else { "" }, *value);
        }
    }

    fn render(&self, view: &View) -> String {
        self.table.render(view.paint)
    }
}

/// A number with its sign and style for a topic's state.
fn sign(state: &str) -> (&'static str, Style) {
    match state {
        "done" => ("✓", Style::Green),
        "doing" => ("◐", Style::Yellow),
        "skip" => ("–", Style::Dim),
        "todo" => ("·", Style::Plain),
        _ => ("", Style::Plain),
    }
}

/// The table, or one line that says that there is nothing and what to do.
fn or_nothing(view: &View, table: &Table, nothing: &str) -> String {
    if table.is_empty() { format!("{}\n", view.dim(nothing)) } else { table.render(view.paint) }
}

#[cfg(test)]
pub(super) fn plain(lang: crate::model::roadmap::Lang) -> View {
    View { texts: Texts::new(lang), paint: Paint { on: false }, now: 1_000_000_000, cut: true }
}
