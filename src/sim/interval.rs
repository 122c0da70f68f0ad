//! Purpose: the intervals of candles: their names, and where each begins and ends in any time zone
//! (web-socket-streams.md and rest-api.md of 2026-07-21). Owns: nothing. Thread: any. Takes and gives: UTC milliseconds.
//! Never: knows daylight saving; the venue does not either.

use super::tape::{MINUTE_MS, SECOND_MS};

const DAY_MS: i64 = 1_440 * MINUTE_MS;
/// 1970 began on a Thursday, weeks begin on Monday.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;

/// An interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    name: &'static str,
    /// 0 for a month.
    length_ms: i64,
}

impl Interval {
    /// All that the venue has.
    pub const ALL: [Interval; 16] = [
        Interval { name: "1s", length_ms: SECOND_MS },
        Interval { name: "1m", length_ms: MINUTE_MS },
        Interval { name: "3m", length_ms: 3 * MINUTE_MS },
        Interval { name: "5m", length_ms: 5 * MINUTE_MS },
        Interval { name: "15m", length_ms: 15 * MINUTE_MS },
        Interval { name: "30m", length_ms: 30 * MINUTE_MS },
        Interval { name: "1h", length_ms: 60 * MINUTE_MS },
        Interval { name: "2h", length_ms: 120 * MINUTE_MS },
        Interval { name: "4h", length_ms: 240 * MINUTE_MS },
        Interval { name: "6h", length_ms: 360 * MINUTE_MS },
        Interval { name: "8h", length_ms: 480 * MINUTE_MS },
        Interval { name: "12h", length_ms: 720 * MINUTE_MS },
        Interval { name: "1d", length_ms: DAY_MS },
        Interval { name: "3d", length_ms: 3 * DAY_MS },
        Interval { name: "1w", length_ms: 7 * DAY_MS },
        Interval { name: "1M", length_ms: 0 },
    ];

    /// A minute, the interval of the exchange's own candles.
    pub const MINUTE: Interval = Interval::ALL[1];

    /// The interval of a name, which minds its case.
    pub fn of(name: &str) -> Option<Interval> {
        Interval::ALL.into_iter().find(|interval| interval.name == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The beginning of the interval in which a moment lies, where clocks are `zone_ms` ahead of UTC.
    pub fn start(self, time_ms: i64, zone_ms: i64) -> i64 {
        let local = time_ms + zone_ms;
        let start = match self.length_ms {
            0 => month_of(local.div_euclid(DAY_MS)).0 * DAY_MS,
            length if length == 7 * DAY_MS => (local - FIRST_MONDAY_MS).div_euclid(length) * length + FIRST_MONDAY_MS,
            length => local.div_euclid(length) * length,
        };
        start - zone_ms
    }

    /// The beginning of the next one after an interval that begins at `start_ms`.
    pub fn next(self, start_ms: i64, zone_ms: i64) -> i64 {
        match self.length_ms {
            0 => {
                let (first, days) = month_of((start_ms + zone_ms).div_euclid(DAY_MS));
                (first + days) * DAY_MS - zone_ms
            }
            length => start_ms + length,
        }
    }
}

/// The first day of the month in which a day since 1970 lies, and how many days it has. Counted in the era of 400 years
/// that begin in March, so that the odd day is the last one.
const fn month_of(day: i64) -> (i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let begin = (153 * month + 2) / 5;
    // The era's year ends with February: the year's length decides its days.
    let next_year = year + 1;
    let year_days = 365 + (next_year % 4 == 0 && (next_year % 100 != 0 || next_year % 400 == 0)) as i64;
    let end = if month == 11 { year_days } else { (153 * (month + 1) + 2) / 5 };
    (era * 146_097 + of_era - of_year + begin - 719_468, end - begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29 12:34:56.789.
    const LEAP: i64 = 1_709_210_096_789;

    #[test]
    fn intervals_begin_where_the_calendar_says() {
        for (name, zone_h, start, next) in [
            ("1s", 0, 1_709_210_096_000, 1_709_210_097_000),
            ("1m", 0, 1_709_210_040_000, 1_709_210_100_000),
            ("1h", 0, 1_709_208_000_000, 1_709_211_600_000),
            ("1d", 0, 1_709_164_800_000, 1_709_251_200_000),
            // In Shanghai it is 20:34: the day began at 16:00 UTC the day before.
            ("1d", 8, 1_709_136_000_000, 1_709_222_400_000),
            ("12h", 8, 1_709_179_200_000, 1_709_222_400_000),
            // Monday, 2024-02-26.
            ("1w", 0, 1_708_905_600_000, 1_709_510_400_000),
            // 2024-02-01 to 2024-03-01.
            ("1M", 0, 1_706_745_600_000, 1_709_251_200_000),
            ("1M", 8, 1_706_716_800_000, 1_709_222_400_000),
        ] {
            let (interval, zone_ms) = (Interval::of(name).expect(name), zone_h * 60 * MINUTE_MS);
            assert_eq!(interval.start(LEAP, zone_ms), start, "{name} {zone_h}");
            assert_eq!(interval.next(start, zone_ms), next, "{name} {zone_h}");
            assert_eq!(interval.start(next - 1, zone_ms), start, "{name} {zone_h}");
            assert_eq!(interval.start(next, zone_ms), next, "{name} {zone_h}");
        }
        assert_eq!((Interval::of("1M").map(Interval::name), Interval::of("7m")), (Some("1M"), None));
    }

    #[test]
    fn months_follow_each_other_for_four_hundred_years() {
        let (mut first, mut days) = month_of(0);
        assert_eq!((first, days), (0, 31));
        let mut lengths = [0; 4];
        for _ in 0..4_800 {
            assert!((0..days).step_by(9).all(|day| month_of(first + day) == (first, days)));
            lengths[(days - 28) as usize] += 1;
            first += days;
            days = month_of(first).1;
        }
        assert_eq!((first, lengths), (146_097, [303, 97, 1_600, 2_800]));
    }
}
