//! Purpose: how the bytes of a window are moved, as tables: where digits go, and what comes near an end. Owns: the tables.
//! Thread: any. Takes and gives: counts in, shuffles out. Never: moves a byte that is not asked for: a zero comes there.

use super::window::WINDOW;

/// Names no byte: a zero comes there.
const NOTHING: u8 = 0x80;
/// Counts of digits that are told apart, in each direction.
const COUNTS: usize = 16;

/// For each place the byte that comes there.
pub(super) type Shuffle = [u8; WINDOW];

/// How the digits of a decimal are moved, by how many stand before the point and how many of those behind it are wanted.
#[derive(Debug)]
pub(super) struct Digits([Shuffle; COUNTS * COUNTS]);

/// Digits side by side, the last one last: those of one number.
pub(super) static CLOSED: Digits = Digits::moved(true);
/// Those before the point up to the middle, those behind it from there on.
pub(super) static ABOUT_THE_MIDDLE: Digits = Digits::moved(false);

impl Digits {
    const fn moved(closed: bool) -> Digits {
        let mut all = [[NOTHING; WINDOW]; COUNTS * COUNTS];
        let mut row = 0;
        while row < all.len() {
            let (before, behind) = (row % COUNTS, row / COUNTS);
            let point = if closed { WINDOW - behind } else { WINDOW / 2 };
            if before <= point && point + behind <= WINDOW {
                let mut digit = 0;
                while digit < before + behind {
                    // The point itself is passed over.
                    let from = if digit < before { digit } else { digit + 1 };
                    // Of sixteen digits the last one lies behind the window: that row is of no use.
                    if from < WINDOW {
                        all[row][point - before + digit] = from as u8;
                    }
                    digit += 1;
                }
            }
            row += 1;
        }
        Digits(all)
    }

    /// The shuffle for so many digits, below sixteen each; any other where they are more.
    #[inline(always)]
    pub(super) const fn of(&self, before: usize, behind: usize) -> &Shuffle {
        // A byte names a row whatever it is: nothing to be checked.
        &self.0[((behind * COUNTS) | before) as u8 as usize]
    }
}

/// Moves a window's first bytes to its end: so many of them; `None` for more than it has.
#[inline(always)]
pub(super) fn to_the_end(bytes: usize) -> Option<&'static Shuffle> {
    static SLIDE: [u8; 2 * WINDOW] = slide(WINDOW);
    SLIDE.get(bytes..)?.first_chunk()
}

/// Moves a window's last bytes to its front: all but so many; `None` for more than it has.
#[inline(always)]
pub(super) fn to_the_front(others: usize) -> Option<&'static Shuffle> {
    static SLIDE: [u8; 2 * WINDOW] = slide(0);
    SLIDE.get(others..)?.first_chunk()
}

/// All bytes of a window from a place on, and nothing on the other side.
const fn slide(begin: usize) -> [u8; 2 * WINDOW] {
    let mut all = [NOTHING; 2 * WINDOW];
    let mut at = 0;
    while at < WINDOW {
        all[begin + at] = at as u8;
        at += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a text; a dot stands for nothing.
    fn moved(text: &str, by: &Shuffle) -> String {
        let byte = |from: &u8| *text.as_bytes().get(usize::from(*from)).unwrap_or(&b'.') as char;
        by.iter().map(byte).collect()
    }

    #[test]
    fn digits_come_to_their_places_and_nothing_else_does() {
        let text = "12345678|abcdefgh";
        for (before, behind, closed, about) in [
            (8, 7, ".12345678abcdefg", "12345678abcdefg."),
            (8, 0, "........12345678", "12345678........"),
            (8, 8, "12345678abcdefg.", "12345678abcdefg."),
        ] {
            let [one, other] = [&CLOSED, &ABOUT_THE_MIDDLE].map(|digits| moved(text, digits.of(before, behind)));
            assert_eq!((one, other), (closed.to_owned(), about.to_owned()), "{before} before, {behind} behind");
        }
        for (text, before, behind, closed, about) in [
            ("7|25", 1, 2, ".............725", ".......725......"),
            ("7|25", 1, 0, "...............7", ".......7........"),
            ("123456789|5", 9, 1, "......1234567895", "................"),
            ("1|234567890123", 1, 12, "...1234567890123", "................"),
        ] {
            let [one, other] = [&CLOSED, &ABOUT_THE_MIDDLE].map(|digits| moved(text, digits.of(before, behind)));
            assert_eq!((one, other), (closed.to_owned(), about.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_window_slides_by_any_number_of_bytes() {
        let text = "0123456789abcdef";
        for bytes in 0..=WINDOW {
            let nothing = ".".repeat(WINDOW);
            let ends = format!("{nothing}{text}")[bytes..bytes + WINDOW].to_owned();
            let fronts = format!("{text}{nothing}")[bytes..bytes + WINDOW].to_owned();
            assert_eq!(to_the_end(bytes).map(|by| moved(text, by)), Some(ends));
            assert_eq!(to_the_front(bytes).map(|by| moved(text, by)), Some(fronts));
        }
        assert_eq!((to_the_end(WINDOW + 1), to_the_front(WINDOW + 1)), (None, None));
    }
}
