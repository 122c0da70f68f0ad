//! Purpose: `meltica latency`: where it reads, what it gives. Owns: nothing. Thread: main. Takes and gives: arguments in; text on
//! standard output, files. Never: writes over what it reads; gives an empty plot for a feed that records nothing.

use std::fs;
use std::path::Path;

use console::Term;

use super::hgrm::hgrm;
use super::measured::{Measured, Series, Tag};
use super::missing::{Types, none_of};
use super::page::page;
use super::text::{COLUMNS, head, text};
use super::{hlog, plot};
use crate::cli::control::client::Client;
use crate::cli::control::grid::plain;
use crate::cli::control::words::{LatencyArgs, LatencyForm};
use crate::cli::exit::{Cause, Failed};
use crate::cli::outputs::keep_apart_named;
use crate::cli::say::give;
use crate::cli::whole_file::keep;
use crate::schema::latency::{Hop, LatencyReport};
use crate::schema::report::RoutesReport;

/// Shows, keeps or draws latencies.
pub(in crate::cli) fn latency(arguments: &LatencyArgs) -> Result<(), Failed> {
    let outputs: Vec<(&str, &Path)> = [("--svg", arguments.svg.as_deref()), ("--html", arguments.html.as_deref())]
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)))
        .collect();
    keep_apart_named(&outputs, arguments.from.iter().map(|path| ("log", path.as_path())))?;
    let Some((mut measured, feed)) = read(arguments)? else { return Ok(()) };
    choose(&mut measured, arguments, || types(feed.as_ref()))?;
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

/// Leaves what was asked for. `types` is asked where there is none of it.
fn choose(measured: &mut Measured, arguments: &LatencyArgs, types: impl FnOnce() -> Types) -> Result<(), Failed> {
    let there: Vec<Tag> = measured.series.iter().map(|series| series.tag.clone()).collect();
    measured.series.retain(|series| arguments.wants(series.tag.hop.as_str(), series.tag.kind.as_deref()));
    if !measured.series.is_empty() {
        return Ok(());
    }
    Err(none_of(&there, arguments, &types(), columns().unwrap_or(COLUMNS).min(COLUMNS)))
}

/// Which types there are besides those that were recorded.
fn types(feed: Option<&Client>) -> Types {
    let Some(feed) = feed else { return Types::Kept };
    // Why it does not tell (the token's role, an older feed) matters to nobody here: nothing was asked about routes.
    let told = feed.report::<RoutesReport>("/control/routes");
    told.map_or(Types::Untold, |told| Types::Routed(told.routes.into_iter().map(|route| route.type_name).collect()))
}

/// As wide as the terminal is; `None`: standard output is none.
fn columns() -> Option<usize> {
    let out = Term::stdout();
    out.is_term().then(|| usize::from(out.size().1))
}

/// What is to be shown, with the feed where it is of one; `None`: the feed's answer was given as it is.
fn read(arguments: &LatencyArgs) -> Result<Option<(Measured, Option<Client>)>, Failed> {
    if let Some(path) = &arguments.from {
        let unread = |cause, what: String| Failed::new(cause, format!("{}: {what}", path.display()));
        let bytes = fs::read(path).map_err(|error| unread(Cause::NoInput, error.to_string()))?;
        let measured = hlog::read(&bytes).map_err(|error| unread(Cause::BadInput, error))?;
        return Ok(Some((measured, None)));
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
    let measured = Measured::of(&report).map_err(|error| client.strange(&error))?;
    Ok(Some((measured, Some(client))))
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
    use super::*;
    use crate::cli::control::words::PlaceArgs;

    #[test]
    fn types_of_a_feed_that_does_not_tell_its_routes_are_not_known() {
        // A port that nobody listens on.
        let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let place = PlaceArgs { at: Some(format!("http://{at}")), token_file: None, ca_file: None };
        assert_eq!(types(Some(&Client::new(&place).unwrap())), Types::Untold);
        assert_eq!(types(None), Types::Kept);
    }
}
