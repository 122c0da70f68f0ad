//! Purpose: where a value stands on a logarithmic axis, and the axis's ticks. Owns: nothing. Thread: main.
//! Takes and gives: numbers. Never: a tick outside of its axis.

/// Pixels of a character of a label at most: a figure in the type of the plots.
const CHARACTER: f64 = 7.5;

/// A logarithmic axis between two values, over so many pixels from the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    pixels: f64,
}

/// A place where something stands at an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) pixel: f64,
    pub(super) label: String,
    /// Whether it has a label at all, and a strong line.
    pub(super) major: bool,
}

impl Axis {
    /// From whole decades around these values; a decade at least. Values are greater than 0.
    pub(super) fn around(least: f64, greatest: f64, pixels: f64) -> Axis {
        let low = least.max(f64::MIN_POSITIVE).log10().floor();
        let high = greatest.max(f64::MIN_POSITIVE).log10().ceil();
        Axis { low, high: high.max(low + 1.0), pixels }
    }

    /// Pixels from the axis's beginning.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = (value.max(f64::MIN_POSITIVE).log10() - self.low) / (self.high - self.low);
        part.clamp(0.0, 1.0) * self.pixels
    }

    fn decades(&self) -> impl Iterator<Item = i32> + use<> {
        (self.low as i32)..=(self.high as i32)
    }

    /// Spans of time in ns: whole decades with their units, 2 and 5 between.
    pub(super) fn spans(&self) -> Vec<Tick> {
        let few = self.high - self.low < 2.5;
        let mut ticks = Vec::new();
        for decade in self.decades() {
            for (factor, major) in [(1.0, true), (2.0, few), (5.0, few)] {
                let value = factor * 10_f64.powi(decade);
                if value <= 10_f64.powf(self.high) * 1.000_001 {
                    ticks.push(Tick { pixel: self.at(value), label: span(value), major });
                }
            }
        }
        ticks
    }

    /// Percentiles, of an axis of `1 / (1 - quantile)`: 0 %, 50 %, 90 %, 99 %, 99.9 % …
    pub(super) fn percentiles(&self) -> Vec<Tick> {
        let mut ticks: Vec<Tick> = self
            .decades()
            .map(|decade| {
                let label = match decade {
                    ..=0 => "0 %".to_owned(),
                    1 => "90 %".to_owned(),
                    2 => "99 %".to_owned(),
                    more => format!("99.{} %", "9".repeat(more as usize - 2)),
                };
                Tick { pixel: self.at(10_f64.powi(decade)), label, major: true }
            })
            .collect();
        ticks.insert(1, Tick { pixel: self.at(2.0), label: "50 %".to_owned(), major: true });
        apart(&mut ticks);
        ticks
    }
}

/// Labels that would run into the one before them are left out; their lines stay.
fn apart(ticks: &mut [Tick]) {
    let mut taken = f64::NEG_INFINITY;
    for tick in ticks {
        let half = tick.label.chars().count() as f64 * CHARACTER / 2.0;
        tick.major = tick.pixel - half >= taken;
        if tick.major {
            taken = tick.pixel + half + CHARACTER;
        }
    }
}

/// One of 1, 2 or 5 times a power of ten ns.
fn span(ns: f64) -> String {
    let (unit, size) = match ns {
        ..1e3 => ("ns", 1.0),
        ..1e6 => ("µs", 1e3),
        ..1e9 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    format!("{} {unit}", (ns / size).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_within_their_axis_and_in_order() {
        let labels = |ticks: &[Tick]| {
            assert!(ticks.iter().all(|tick| (0.0..=700.0).contains(&tick.pixel)), "{ticks:?}");
            assert!(ticks.windows(2).all(|pair| pair[0].pixel < pair[1].pixel), "{ticks:?}");
            ticks.iter().filter(|tick| tick.major).map(|tick| tick.label.clone()).collect::<Vec<_>>().join(" ")
        };
        for (least, greatest, expected) in [
            (1_500.0, 80_000.0, "1 µs 2 µs 5 µs 10 µs 20 µs 50 µs 100 µs"),
            (7.0, 2e9, "1 ns 10 ns 100 ns 1 µs 10 µs 100 µs 1 ms 10 ms 100 ms 1 s 10 s"),
            (1.0, 1.0, "1 ns 2 ns 5 ns 10 ns"),
        ] {
            assert_eq!(labels(&Axis::around(least, greatest, 100.0).spans()), expected);
        }
        assert_eq!(labels(&Axis::around(1.0, 9_999.0, 700.0).percentiles()), "0 % 50 % 90 % 99 % 99.9 % 99.99 %");
        assert_eq!(labels(&Axis::around(1.0, 1.0, 700.0).percentiles()), "0 % 50 % 90 %");
        let axis = Axis::around(1.0, 100.0, 100.0);
        assert_eq!([0.0, 1.0, 10.0, 1e9].map(|value| axis.at(value)), [0.0, 0.0, 50.0, 100.0]);
    }

    #[test]
    fn labels_of_percentiles_do_not_run_into_each_other() {
        for (greatest, labels) in [
            (10.0, "0 % 50 % 90 %"),
            (1e4, "0 % 50 % 90 % 99 % 99.9 % 99.99 %"),
            (1e7, "0 % 90 % 99 % 99.9 % 99.99 % 99.999 % 99.9999 % 99.99999 %"),
            (1e9, "0 % 90 % 99 % 99.9 % 99.99 % 99.999 % 99.9999 % 99.999999 %"),
        ] {
            let ticks = Axis::around(1.0, greatest, 656.0).percentiles();
            let shown: Vec<&Tick> = ticks.iter().filter(|tick| tick.major).collect();
            let found: Vec<&str> = shown.iter().map(|tick| tick.label.as_str()).collect();
            assert_eq!(found.join(" "), labels);
            // Labels stand centred, a figure of 13 pixels is some 7 wide.
            let side = |tick: &Tick| tick.label.chars().count() as f64 * 3.5;
            for pair in shown.windows(2) {
                assert!(pair[0].pixel + side(pair[0]) + 4.0 < pair[1].pixel - side(pair[1]), "{pair:?}");
            }
        }
    }
}
