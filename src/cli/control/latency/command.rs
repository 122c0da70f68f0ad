//! Purpose: `meltica latency`: where it reads, what it gives. Owns: nothing. Thread: main. Takes and gives: arguments in; text on
//! standard output, files. Never: writes over what it reads; gives an empty plot for a feed that records nothing.

use std::fs;
use std::path::Path;

use console::Term;

use super::hgrm::hgrm;
use super::measured::{Measured, Series, Tag};
use super::page::page;
use super::text::{COLUMNS, head, paragraph, text};
use super::{hlog, plot};
use crate::cli::control::client::Client;
use crate::cli::control::grid::plain;
use crate::cli::control::words::{LatencyArgs, LatencyForm};
use crate::cli::exit::{Cause, Failed};
use crate::cli::outputs::keep_apart_named;
use crate::cli::say::give;
use crate::cli::whole_file::keep;
use crate::schema::canonical_type::builtin;
use crate::schema::latency::{Hop, LatencyReport};

/// Shows, keeps or draws latencies.
pub(in crate::cli) fn latency(arguments: &LatencyArgs) -> Result<(), Failed> {
    let outputs: Vec<(&str, &Path)> = [("--svg", arguments.svg.as_deref()), ("--html", arguments.html.as_deref())]
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)))
        .collect();
    keep_apart_named(&outputs, arguments.from.iter().map(|path| ("log", path.as_path())))?;
    let Some(mut measured) = read(arguments)? else { return Ok(()) };
    choose(&mut measured, arguments)?;
    if let Some(path) = &arguments.svg {
        keep(path, &drawn(&measured))?;
    }
    if let Some(path) = &arguments.html {
        keep(path, &page(&measured))?;
    }
    // Files alone were asked for.
    if arguments.output.is_none() && !outputs.is_empty() {
        return Ok(());
    }
    match arguments.output.unwrap_or(LatencyForm::Table) {
        LatencyForm::Table => give(&text(&measured, columns())),
        LatencyForm::Json => give(&format!("{}\n", measured.json())),
        LatencyForm::Hgrm => give(&hgrm(one(&measured)?)),
        LatencyForm::Hlog => {
            let log = hlog::write(&measured).map_err(|error| Failed::new(Cause::BadInput, error))?;
            give(&String::from_utf8_lossy(&log))
        }
    }
}

/// Leaves what was asked for.
fn choose(measured: &mut Measured, arguments: &LatencyArgs) -> Result<(), Failed> {
    let there: Vec<Tag> = measured.series.iter().map(|series| series.tag.clone()).collect();
    measured.series.retain(|series| arguments.wants(series.tag.hop.as_str(), series.tag.kind.as_deref()));
    if measured.series.is_empty() { Err(none_of(&there, arguments)) } else { Ok(()) }
}

/// A feed may record yet what has a name that we know; a log never will, and nothing has a name that is mistyped.
fn none_of(there: &[Tag], arguments: &LatencyArgs) -> Failed {
    if there.is_empty() {
        return Failed::new(Cause::TryAgain, "nothing was recorded yet: the feed has published no event so far");
    }
    let is_hop = |hop: &String| Hop::ALL.into_iter().any(|known| known.name().eq_ignore_ascii_case(hop));
    let is_kind = |kind: &String| builtin::find(&kind.to_ascii_uppercase()).is_some();
    let known = arguments.hop.as_ref().is_none_or(is_hop) && arguments.kind.as_ref().is_none_or(is_kind);
    let (cause, yet) = if known && arguments.from.is_none() { (Cause::TryAgain, " yet") } else { (Cause::Usage, "") };
    let asked = [("--hop", &arguments.hop), ("--kind", &arguments.kind)];
    let asked: Vec<String> =
        asked.iter().filter_map(|(name, value)| Some(format!("{name} {}", plain(value.as_ref()?)))).collect();
    let names = there.iter().map(|tag| plain(&tag.to_string())).collect::<Vec<_>>().join(", ");
    let names = paragraph(&names, columns().unwrap_or(COLUMNS).min(COLUMNS));
    Failed::new(cause, format!("nothing was recorded of {}{yet}; there is:\n{}", asked.join(" "), names.trim_end()))
}

/// As wide as the terminal is; `None`: standard output is none.
fn columns() -> Option<usize> {
    let out = Term::stdout();
    out.is_term().then(|| usize::from(out.size().1))
}

/// What is to be shown; `None`: the feed's answer was given as it is.
fn read(arguments: &LatencyArgs) -> Result<Option<Measured>, Failed> {
    if let Some(path) = &arguments.from {
        let unread = |cause, what: String| Failed::new(cause, format!("{}: {what}", path.display()));
        let bytes = fs::read(path).map_err(|error| unread(Cause::NoInput, error.to_string()))?;
        return hlog::read(&bytes).map(Some).map_err(|error| unread(Cause::BadInput, error));
    }
    let client = Client::new(&arguments.place)?;
    let answer = client.get("/latency")?;
    if arguments.output == Some(LatencyForm::Json) && arguments.is_plain() {
        return give(&format!("{answer}\n")).map(|()| None);
    }
    let report: LatencyReport = serde_json::from_value(answer).map_err(|error| client.strange(&error.to_string()))?;
    if !report.recorded {
        let message = format!("{}: this feed records no latency: `telemetry.latency` is off", client.shown());
        return Err(Failed::new(Cause::BadInput, message));
    }
    Measured::of(&report).map(Some).map_err(|error| client.strange(&error))
}

/// The lines of a plot: whole hops, or what was asked for.
fn drawn(measured: &Measured) -> String {
    plot::file(&measured.drawn(), "Latency by hop", &head(measured))
}

/// The one series that a percentile text is of: Meltica's own hop where nothing else is said.
fn one(measured: &Measured) -> Result<&Series, Failed> {
    let own = |series: &&Series| series.tag.hop == Hop::ReadToPublished.name() && series.tag.is_total();
    let totals = measured.totals().find(own).or_else(|| measured.totals().next());
    let named = match &measured.series[..] {
        [only] => Some(only),
        _ => totals,
    };
    named.ok_or_else(|| {
        let there: Vec<String> = measured.series.iter().map(|series| plain(&series.tag.to_string())).collect();
        Failed::new(Cause::Usage, format!("hgrm is of one series: say --hop and --kind; there is {}", there.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::measured_tests::{measured, series};
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        latency: LatencyArgs,
    }

    #[test]
    fn what_was_not_recorded_is_told_from_what_is_mistyped() {
        let own = Hop::ReadToPublished.name();
        let kinds: Vec<String> = (0..30).map(|at| format!("KIND.{at}")).collect();
        let many: Vec<Series> = kinds.iter().map(|kind| series(own, Some(kind), &[1])).collect();
        for (there, words, outcome) in [
            (&many, "--hop readtopublished", None),
            (&many, "--kind kind.7", None),
            (&many, "--hop nowhere", Some((Cause::Usage, "nothing was recorded of --hop nowhere; there is:"))),
            (&many, "--kind TRAED", Some((Cause::Usage, "of --kind TRAED; there"))),
            (&many, "--hop kernelToRead", Some((Cause::TryAgain, "of --hop kernelToRead yet"))),
            (&many, "--kind liquidation", Some((Cause::TryAgain, "of --kind liquidation yet"))),
            (&many, "--hop kernelToRead --kind x", Some((Cause::Usage, "of --hop kernelToRead --kind x; there"))),
            (&many, "--from x --hop kernelToRead", Some((Cause::Usage, "of --hop kernelToRead; there"))),
            (&Vec::new(), "", Some((Cause::TryAgain, "nothing was recorded yet"))),
            (&Vec::new(), "--hop kernelToRead", Some((Cause::TryAgain, "nothing was recorded yet"))),
        ] {
            let line = Line::parse_from(std::iter::once("latency").chain(words.split_whitespace()));
            let told = choose(&mut measured(there.clone()), &line.latency).err();
            assert_eq!(told.as_ref().map(|failed| failed.cause), outcome.map(|(cause, _)| cause), "{words}");
            let (Some(told), Some((_, start))) = (told, outcome) else { continue };
            assert!(told.message.contains(start), "{words}: {told}");
            assert!(told.message.lines().all(|line| line.len() <= COLUMNS), "{words}: {told}");
            assert_eq!(told.message.contains("KIND.29"), !there.is_empty(), "{words}: {told}");
        }
    }
}
