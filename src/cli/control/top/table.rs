//! Purpose: tables, cells and what they mean. Owns: which columns give way where it is narrow. Thread: main.
//! Takes and gives: rows in, columns and widths that fit out. Never: cuts a column that can give way.

use unicode_width::UnicodeWidthStr;

/// Between two columns.
pub(super) const GAP: usize = 2;

/// What a cell means; how that looks is decided where it is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Not yet, or no more.
    Warn,
    /// Wrong.
    Bad,
    /// Beside the point.
    Faint,
    /// The point.
    Strong,
}

/// A text and what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Cell {
        Cell { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text, Tone::Plain)
    }
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether its cells stand at the right, as numbers do.
    pub(super) right: bool,
    /// Which give way first: the highest; 0 never.
    pub(super) rank: u8,
}

/// A column of words.
pub(super) const fn words(name: &'static str, rank: u8) -> Column {
    Column { name, right: false, rank }
}

/// A column of numbers.
pub(super) const fn numbers(name: &'static str, rank: u8) -> Column {
    Column { name, right: true, rank }
}

/// Rows under a head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// What stands there while there are no rows.
    pub(super) empty: String,
}

impl Table {
    pub(super) fn new(columns: &[Column], empty: impl Into<String>) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new(), empty: empty.into() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The columns that fit so many cells of a terminal, by number, and how wide each is.
    pub(super) fn fit(&self, width: usize) -> Vec<(usize, usize)> {
        let wide = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width());
            cells.chain([self.columns[at].name.width()]).max().unwrap_or(0)
        };
        let mut kept: Vec<(usize, usize)> = (0..self.columns.len()).map(|at| (at, wide(at))).collect();
        let total =
            |kept: &[(usize, usize)]| kept.iter().map(|(_, wide)| wide + GAP).sum::<usize>().saturating_sub(GAP);
        while total(&kept) > width {
            let highest = kept.iter().map(|(at, _)| self.columns[*at].rank).max().unwrap_or(0);
            if highest == 0 {
                break;
            }
            // All of one rank go together: a bid without its ask says little.
            kept.retain(|(at, _)| self.columns[*at].rank < highest);
        }
        // What still does not fit is cut at its end, and nowhere else.
        let over = total(&kept).saturating_sub(width);
        if let Some((_, wide)) = kept.last_mut() {
            *wide = wide.saturating_sub(over);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_way_by_rank_and_never_in_part() {
        let mut table = Table::new(&[words("NAME", 0), numbers("A", 2), numbers("B", 1), words("C", 3)], "");
        table.row(["instrument".into(), "12345".into(), "678".into(), "币".into()]);
        let names =
            |width: usize| table.fit(width).iter().map(|(at, _)| table.columns[*at].name).collect::<Vec<_>>().join(" ");
        for (width, kept) in [
            (26, "NAME A B C"),
            (25, "NAME A B"),
            (22, "NAME A B"),
            (21, "NAME B"),
            (15, "NAME B"),
            (14, "NAME"),
            (3, "NAME"),
        ] {
            assert_eq!(names(width), kept, "{width}");
        }
        assert_eq!(table.fit(80)[3], (3, 2), "two cells for a wide character");
        assert_eq!(table.fit(3), [(0, 3)], "what cannot give way is cut at its end");
    }
}
