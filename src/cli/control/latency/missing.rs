//! Purpose: what to say where nothing was recorded of what was asked for. Owns: what is mistyped, and what is not there yet.
//! Thread: main. Takes and gives: names in, a failure out. Never: calls a type mistyped that the feed has.

use super::measured::Tag;
use super::text::paragraph;
use crate::cli::control::grid::plain;
use crate::cli::control::words::LatencyArgs;
use crate::cli::exit::{Cause, Failed};
use crate::config::nearest;
use crate::schema::canonical_type::builtin;
use crate::schema::latency::Hop;

/// Types that a feed may have, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Types {
    /// A log: it has what it has.
    Kept,
    /// Those that a feed routes, besides those that Meltica ships with.
    Routed(Vec<String>),
    /// A feed does not tell what it routes: it may have a type of any name.
    Untold,
}

/// A feed may record yet what has a name that it knows; a log never will, and nothing has a name that is mistyped.
pub(super) fn none_of(there: &[Tag], asked: &LatencyArgs, types: &Types, columns: usize) -> Failed {
    if there.is_empty() {
        return Failed::new(Cause::TryAgain, "nothing was recorded yet: the feed has published no event so far");
    }
    let of_log: Vec<&str> = there.iter().map(|tag| tag.hop.as_str()).collect();
    let kinds_of_log: Vec<&str> = there.iter().filter_map(|tag| tag.kind.as_deref()).collect();
    let hops: Vec<&str> = Hop::ALL.iter().map(|hop| hop.name()).chain(of_log).collect();
    let mut kinds: Vec<&str> = builtin::ALL.iter().map(|(_, name)| *name).chain(kinds_of_log).collect();
    if let Types::Routed(routed) = types {
        kinds.extend(routed.iter().map(String::as_str));
    }
    let kind = asked.kind.as_deref().filter(|_| *types != Types::Untold);
    let unknown = [("hop", asked.hop.as_deref(), hops), ("type", kind, kinds)]
        .into_iter()
        .find_map(|(what, word, known)| mistyped(what, word?, &known));
    let wanted = [("--hop", &asked.hop), ("--kind", &asked.kind)];
    let wanted: Vec<String> =
        wanted.iter().filter_map(|(name, value)| Some(format!("{name} {}", plain(value.as_ref()?)))).collect();
    let nothing = format!("nothing was recorded of {}", wanted.join(" "));
    let (cause, told) = match (unknown, types) {
        (Some(unknown), _) => (Cause::Usage, unknown),
        (None, Types::Kept) => (Cause::Usage, nothing),
        (None, Types::Routed(_) | Types::Untold) => (Cause::TryAgain, format!("{nothing} yet")),
    };
    let names = there.iter().map(|tag| plain(&tag.to_string())).collect::<Vec<_>>().join(", ");
    let there = if told.ends_with('?') { " There is" } else { "; there is" };
    Failed::new(cause, format!("{told}{there}:\n{}", paragraph(&names, columns).trim_end()))
}

/// What to say of a name that nothing has; `None` of one that something has.
fn mistyped(what: &str, word: &str, known: &[&str]) -> Option<String> {
    if known.iter().any(|name| name.eq_ignore_ascii_case(word)) {
        return None;
    }
    let hint = nearest(word, known.iter().copied()).map_or(String::new(), |near| format!("; did you mean {near}?"));
    Some(format!("no {what} is called {}{}", plain(word), plain(&hint)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::text::COLUMNS;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        latency: LatencyArgs,
    }

    #[test]
    fn what_was_not_recorded_yet_is_told_from_what_is_mistyped() {
        let own = Hop::ReadToPublished.name();
        let tag = |at: usize| Tag { hop: own.to_owned(), kind: Some(format!("KIND.{at}")), connection: None };
        let (many, none): (Vec<Tag>, Vec<Tag>) = ((0..30).map(tag).collect(), Vec::new());
        let (feed, log) = (Types::Routed(vec!["TRADE".to_owned(), "FUNDING.Rate".to_owned()]), Types::Kept);
        let untold = Types::Untold;
        for (there, types, words, cause, start) in [
            (&many, &feed, "--hop nowhere", Cause::Usage, "no hop is called nowhere; there is:"),
            (
                &many,
                &feed,
                "--hop kernelToRed",
                Cause::Usage,
                "no hop is called kernelToRed; did you mean kernelToRead?",
            ),
            (&many, &feed, "--kind TRAED", Cause::Usage, "no type is called TRAED; did you mean TRADE? There is:"),
            (&many, &feed, "--kind FUNDNG.RATE", Cause::Usage, "called FUNDNG.RATE; did you mean FUNDING.Rate?"),
            (&many, &feed, "--hop kernelToRead", Cause::TryAgain, "of --hop kernelToRead yet; there"),
            (&many, &feed, "--kind liquidation", Cause::TryAgain, "of --kind liquidation yet; there"),
            (&many, &feed, "--kind funding.rate", Cause::TryAgain, "of --kind funding.rate yet; there"),
            (&many, &feed, "--hop kernelToRead --kind x", Cause::Usage, "no type is called x; there"),
            (&many, &log, "--hop kernelToRead", Cause::Usage, "of --hop kernelToRead; there"),
            (&many, &log, "--kind KIND.77", Cause::Usage, "no type is called KIND.77; did you mean KIND.7?"),
            (&many, &log, "--kind funding.rate", Cause::Usage, "no type is called funding.rate; there"),
            (
                &many,
                &untold,
                "--kind FUNDNG.RATE",
                Cause::TryAgain,
                "nothing was recorded of --kind FUNDNG.RATE yet; there",
            ),
            (&many, &untold, "--hop nowhere --kind x", Cause::Usage, "no hop is called nowhere; there is:"),
            (&none, &feed, "", Cause::TryAgain, "nothing was recorded yet"),
            (&none, &feed, "--hop kernelToRead", Cause::TryAgain, "nothing was recorded yet"),
        ] {
            let line = Line::parse_from(std::iter::once("latency").chain(words.split_whitespace()));
            let told = none_of(there, &line.latency, types, COLUMNS);
            assert_eq!(told.cause, cause, "{words}: {told}");
            assert!(told.message.contains(start), "{words}: {told}");
            assert!(told.message.lines().all(|line| line.len() <= COLUMNS), "{words}: {told}");
            assert_eq!(told.message.contains("KIND.29"), !there.is_empty(), "{words}: {told}");
        }
    }
}
