//! Purpose: OpenMetrics text. Owns: its form: families whole and once, names, units, escapes, the end. Thread: the connection's.
//! Takes and gives: families in, text out. Never: a binary floating point number: seconds are written from nanoseconds.
//!
//! Our own, for the crate there is has no summaries, which our quantiles are, and tells seconds as floats.

use core::fmt::{self, Write as _};

/// The content type of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a family's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only ever rises; its samples end in `_total`.
    Counter,
    /// Any number.
    Gauge,
    /// Quantiles, none negative, with their count and sum.
    Summary,
    /// Labels that say something, with the value 1; its samples end in `_info`.
    Info,
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A count.
    Count(u64),
    /// Nanoseconds, shown as seconds.
    Seconds(i64),
}

/// Labels of a sample.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Text {
    out: String,
}

/// The family at hand.
#[derive(Debug)]
pub(super) struct Family<'t> {
    text: &'t mut Text,
    name: String,
    kind: Kind,
}

impl Text {
    /// Begins a family. `unit` is the end of its name, if it has one.
    pub(super) fn family(&mut self, name: &str, kind: Kind, unit: &str, help: &str) -> Family<'_> {
        let name = format!("meltica_{name}");
        let kind_name = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
            Kind::Info => "info",
        };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.out, "# TYPE {name} {kind_name}");
        if !unit.is_empty() {
            let _ = writeln!(self.out, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.out, "# HELP {name} {}", Escaped(help));
        Family { text: self, name, kind }
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.out.push_str("# EOF\n");
        self.out.into_bytes()
    }
}

impl Family<'_> {
    /// The one sample of these labels.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: Value) -> &mut Self {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Summary => "",
        };
        self.line(suffix, labels, value)
    }

    /// A summary's figures: quantiles as they are written, then sum and count.
    pub(super) fn summary(
        &mut self,
        labels: Labels<'_>,
        quantiles: &[(&str, i64)],
        (sum_ns, count): (i64, u64),
    ) -> &mut Self {
        for (quantile, ns) in quantiles {
            let mut labels = labels.to_vec();
            labels.push(("quantile", quantile));
            self.line("", &labels, Value::Seconds(*ns));
        }
        self.line("_sum", labels, Value::Seconds(sum_ns)).line("_count", labels, Value::Count(count))
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, value: Value) -> &mut Self {
        let out = &mut self.text.out;
        let _ = write!(out, "{}{suffix}", self.name);
        for (at, (name, value)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(out, "{before}{name}=\"{}\"", Escaped(value));
        }
        if !labels.is_empty() {
            out.push('}');
        }
        let _ = writeln!(out, " {value}");
        self
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Seconds(ns) => {
                let sign = if *ns < 0 { "-" } else { "" };
                let (seconds, rest) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
                write!(f, "{sign}{seconds}.{rest:09}")
            }
        }
    }
}

/// Text in which nothing ends what it stands in.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_the_format_has_them() {
        let mut text = Text::default();
        text.family("frames", Kind::Counter, "", "frames \"in\"\\out\nnext").sample(&[], Value::Count(7));
        text.family("hop_seconds", Kind::Summary, "seconds", "a hop").summary(
            &[("hop", "a\"b")],
            &[("0.5", 1_500), ("0.99", 2_000_000_001)],
            (-1, 3),
        );
        text.family("build", Kind::Info, "", "what runs").sample(&[("version", "1")], Value::Count(1));
        let shown = "# TYPE meltica_frames counter\n\
            # HELP meltica_frames frames \\\"in\\\"\\\\out\\nnext\n\
            meltica_frames_total 7\n\
            # TYPE meltica_hop_seconds summary\n\
            # UNIT meltica_hop_seconds seconds\n\
            # HELP meltica_hop_seconds a hop\n\
            meltica_hop_seconds{hop=\"a\\\"b\",quantile=\"0.5\"} 0.000001500\n\
            meltica_hop_seconds{hop=\"a\\\"b\",quantile=\"0.99\"} 2.000000001\n\
            meltica_hop_seconds_sum{hop=\"a\\\"b\"} -0.000000001\n\
            meltica_hop_seconds_count{hop=\"a\\\"b\"} 3\n\
            # TYPE meltica_build info\n\
            # HELP meltica_build what runs\n\
            meltica_build_info{version=\"1\"} 1\n\
            # EOF\n";
        assert_eq!(String::from_utf8(text.end()).unwrap(), shown);
    }
}
