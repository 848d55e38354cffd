//! Small tables, aligned by what a terminal shows: a Han character takes two columns.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::paint::{Paint, Style, clean};

/// Columns between two columns of a table.
const GAP: usize = 2;

/// How many columns a terminal shows a text in.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, cut to so many columns; `…` says that something is missing.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        out.push(c);
        used += wide;
    }
    out.push('…');
    out
}

/// One field of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A field in a style. The text may come from anybody.
    pub fn new(style: Style, text: &str) -> Self {
        Self { text: clean(text), style }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Style::Plain, text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Style::Plain, &text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::new(Style::Plain, &number.to_string())
    }
}

/// Rows of fields under headings.
#[derive(Debug, Clone, Default)]
pub struct Table {
    heads: Vec<String>,
    right: Vec<bool>,
    max: Vec<Option<usize>>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more column, its fields to the left.
    pub fn left(mut self, head: &str) -> Self {
        self.heads.push(clean(head));
        self.right.push(false);
        self.max.push(None);
        self
    }

    /// One more column, its fields to the right.
    pub fn right(mut self, head: &str) -> Self {
        self = self.left(head);
        if let Some(last) = self.right.last_mut() {
            *last = true;
        }
        self
    }

    /// Cuts the fields of the last column to so many columns of the terminal; `None` for no bound.
    pub fn at_most(mut self, columns: Option<usize>) -> Self {
        if let Some(last) = self.max.last_mut() {
            *last = columns;
        }
        self
    }

    /// One more row, with a field for each column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.heads.len());
        self.rows.push(cells);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, the last with its line break. Headings that are all empty are left out.
    pub fn render(&self, paint: Paint) -> String {
        let head: Vec<Cell> = self.heads.iter().map(|text| Cell { text: text.clone(), style: Style::Bold }).collect();
        let with_head = self.heads.iter().any(|text| !text.is_empty());
        let fitted =
            |at: usize, cell: &Cell| self.max[at].map_or_else(|| cell.text.clone(), |max| fit(&cell.text, max));
        let rows: Vec<&Vec<Cell>> = with_head.then_some(&head).into_iter().chain(&self.rows).collect();
        let widths: Vec<usize> = (0..self.heads.len())
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(&fitted(at, cell))).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in rows {
            let mut line = String::new();
            let mut blanks = 0;
            for (at, cell) in row.iter().enumerate() {
                let text = fitted(at, cell);
                let missing = widths[at].saturating_sub(width(&text));
                let (before, after) = if self.right[at] { (missing, 0) } else { (0, missing) };
                if !text.is_empty() {
                    line.push_str(&" ".repeat(blanks + before));
                    line.push_str(&paint.paint(cell.style, &text));
                    blanks = after + GAP;
                } else {
                    // Blanks are written only when something follows: no line ends in blanks.
                    blanks += missing + GAP;
                }
            }
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn han_characters_take_two_columns() {
        let mut table = Table::new().left("ID").left("TITLE").at_most(Some(11)).right("N");
        table.row(vec!["ab".into(), "云原生学习小组".into(), 5u64.into()]);
        table.row(vec!["c".into(), "Go".into(), 120u64.into()]);
        assert_eq!(
            table.render(Paint::default()),
            "ID  TITLE          N\nab  云原生学习…    5\nc   Go           120\n"
        );
    }

    #[test]
    fn empty_fields_leave_no_blanks_at_the_end() {
        let mut table = Table::new().left("").left("").left("");
        table.row(vec!["a".into(), "".into(), "".into()]);
        table.row(vec!["bb".into(), "".into(), "c".into()]);
        assert_eq!(table.render(Paint::default()), "a\nbb    c\n");
    }

    #[test]
    fn cutting_never_splits_a_character_and_keeps_the_width() {
        assert_eq!(fit("云原生", 6), "云原生");
        assert_eq!(fit("云原生", 5), "云原…");
        assert_eq!(fit("云原生", 4), "云…");
        assert_eq!(fit("abc", 2), "a…");
        for columns in 1..12 {
            assert!(width(&fit("a云b原c生d态", columns)) <= columns);
        }
    }

    #[test]
    fn colour_does_not_move_a_column() {
        let mut table = Table::new().left("A").left("B");
        table.row(vec![Cell::new(Style::Green, "完"), "x".into()]);
        table.row(vec!["long".into(), "y".into()]);
        let painted = table.render(Paint { on: true });
        assert!(painted.contains("\x1b[32m完\x1b[0m    x\n"), "{painted:?}");
    }
}
