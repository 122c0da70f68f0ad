//! Purpose: tables, cells and what they mean. Owns: which columns give way where it is narrow. Thread: main.
//! Takes and gives: rows in, columns and widths that fit out. Never: cuts a column that can give way, or a number.

use std::cmp::Reverse;

use unicode_width::UnicodeWidthStr;

/// Between two columns.
pub(super) const GAP: usize = 2;
/// Of words so many cells stay at least: three letters and the sign that there were more.
const LEAST: usize = 4;

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
    /// Which give way first: the highest; 0 never. What is left over is for the lowest that still fit.
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
    /// How wide each column is, where that is not for the rows alone to say.
    widths: Vec<usize>,
    /// What stands there while there are no rows.
    pub(super) empty: String,
}

impl Table {
    pub(super) fn new(columns: &[Column], empty: impl Into<String>) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new(), widths: Vec::new(), empty: empty.into() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Columns become no narrower than they were known to be: what is read must not move with each picture.
    pub(super) fn widen(&mut self, known: &mut Vec<usize>) {
        let were = |at: usize| known.get(at).copied().unwrap_or(0);
        self.widths = (0..self.columns.len()).map(|at| self.wide(at).max(were(at))).collect();
        known.clone_from(&self.widths);
    }

    /// The columns that fit so many cells of a terminal, by number, and how wide each is.
    pub(super) fn fit(&self, width: usize) -> Vec<(usize, usize)> {
        let mut ranks: Vec<u8> = self.columns.iter().map(|column| column.rank).filter(|rank| *rank > 0).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let mut fitting = vec![0];
        let mut kept = self.ranked(&fitting);
        for rank in ranks {
            // All of one rank go together: a bid without its ask says little. One that is too wide keeps no other out.
            fitting.push(rank);
            let more = self.ranked(&fitting);
            if total(&more) > width {
                fitting.pop();
            } else {
                kept = more;
            }
        }
        self.cut_words(&mut kept, width);
        kept
    }

    /// The columns of these ranks, whole.
    fn ranked(&self, ranks: &[u8]) -> Vec<(usize, usize)> {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| ranks.contains(&column.rank));
        columns.map(|(at, _)| (at, self.wide(at))).collect()
    }

    /// How wide a column is when nothing of it is cut.
    fn wide(&self, at: usize) -> usize {
        if let Some(wide) = self.widths.get(at) {
            return *wide;
        }
        let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width());
        cells.chain([self.columns[at].name.width()]).max().unwrap_or(0)
    }

    /// Of columns that cannot give way and still do not fit, words are cut, the widest first. A number that is cut is
    /// another number: where there is no room for it beside the words, it goes as a whole.
    fn cut_words(&self, kept: &mut Vec<(usize, usize)>, width: usize) {
        let mut over = total(kept).saturating_sub(width);
        let mut words: Vec<_> = kept.iter_mut().filter(|(at, _)| !self.columns[*at].right).collect();
        words.sort_by_key(|(_, wide)| Reverse(*wide));
        for (_, wide) in words {
            let less = over.min(wide.saturating_sub(LEAST));
            (*wide, over) = (*wide - less, over - less);
        }
        while kept.len() > 1 && total(kept) > width {
            kept.pop();
        }
        if let [(at, wide)] = &mut kept[..] {
            *wide = self.wide(*at).min(width);
        }
    }
}

/// How wide columns are side by side.
fn total(columns: &[(usize, usize)]) -> usize {
    columns.iter().map(|(_, wide)| wide + GAP).sum::<usize>().saturating_sub(GAP)
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
            (21, "NAME B C"),
            (19, "NAME B C"),
            (18, "NAME B"),
            (15, "NAME B"),
            (14, "NAME C"),
            (13, "NAME"),
            (3, "NAME"),
        ] {
            assert_eq!(names(width), kept, "{width}");
        }
        assert_eq!(table.fit(80)[3], (3, 2), "two cells for a wide character");
        assert_eq!(table.fit(3), [(0, 3)], "what cannot give way is cut at its end");
    }

    #[test]
    fn words_are_cut_and_numbers_never_are() {
        let counters = [words("WHAT", 0), numbers("SEEN", 1), numbers("IN ALL", 0)];
        let flow = [words("NAME", 0), words("STATE", 0), words("", 0)];
        type Row<'a> = (&'a [Column], [&'a str; 3], usize, &'a [(usize, usize)]);
        let table: [Row<'_>; 8] = [
            (&counters, ["what was dropped late", "+5", "1,820,000"], 38, &[(0, 21), (1, 4), (2, 9)]),
            (&counters, ["what was dropped late", "+5", "1,820,000"], 31, &[(0, 20), (2, 9)]),
            (&counters, ["what was dropped late", "+5", "1,820,000"], 15, &[(0, 4), (2, 9)]),
            (&counters, ["what was dropped late", "+5", "1,820,000"], 14, &[(0, 14)]),
            (&counters, ["what was dropped late", "+5", "1,820,000"], 2, &[(0, 2)]),
            (&flow, ["frames-0-0", "61.0 %", "full: 4 of 6 words"], 30, &[(0, 10), (1, 6), (2, 10)]),
            (&flow, ["frames-0-0", "61.0 %", "full: 4 of 6 words"], 20, &[(0, 6), (1, 6), (2, 4)]),
            (&flow, ["frames-0-0", "61.0 %", "full: 4 of 6 words"], 9, &[(0, 9)]),
        ];
        for (columns, cells, width, fit) in table {
            let mut table = Table::new(columns, "");
            table.row(cells.map(Cell::from));
            assert_eq!(table.fit(width), fit, "{cells:?} in {width}");
        }
    }
}
