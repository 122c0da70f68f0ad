//! Purpose: columns for a person. Owns: their layout. Thread: any (cold). Takes and gives: cells in, lines out.
//! Never: lets a cell move the cursor: what came from elsewhere is escaped (faults.md, S12).

use unicode_width::UnicodeWidthStr;

/// A text without anything that a terminal or a log would act upon: control characters, and marks that turn the direction of
/// writing, stand as escapes.
pub(in crate::cli) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if turns(c) || breaks(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Rows under a head, each column as wide as its widest cell. Columns of numbers stand at the right.
pub(in crate::cli) struct Grid {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// With this head; a name that begins with `>` is a column of numbers.
    pub(in crate::cli) fn new(head: &[&'static str]) -> Grid {
        Grid { head: head.to_vec(), rows: Vec::new() }
    }

    pub(in crate::cli) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }

    /// The lines, each with its end.
    pub(in crate::cli) fn lines(&self) -> String {
        let name = |at: usize| self.head[at].trim_start_matches('>');
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.width()).chain([name(at).len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let head = (0..self.head.len()).map(|at| name(at).to_owned()).collect();
        let mut out = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate().take(widths.len()) {
                let pad = " ".repeat(widths[at].saturating_sub(cell.width()));
                let gap = if at > 0 { "  " } else { "" };
                if self.head[at].starts_with('>') {
                    line.push_str(&format!("{gap}{pad}{cell}"));
                } else {
                    line.push_str(&format!("{gap}{cell}{pad}"));
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cells_are_harmless() {
        let mut grid = Grid::new(&["NAME", ">COUNT", "WHY"]);
        grid.row(["币安".into(), "7".into(), String::new()]);
        grid.row(["a\u{1b}[2J\n".into(), "1200".into(), "x".into()]);
        let expected = "\
NAME          COUNT  WHY
币安              7
a\\u{1b}[2J\\n   1200  x
";
        assert_eq!(grid.lines(), expected);
        assert_eq!(plain("a\u{202e}b\u{2028}\u{7f}"), "a\\u{202e}b\\u{2028}\\u{7f}");
    }
}
