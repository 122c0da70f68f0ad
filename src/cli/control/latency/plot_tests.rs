//! Plots and pages: whole, alone, harmless.

use super::measured::Series;
use super::measured_tests::{measured, series};
use super::page::page;
use super::plot::{SERIES_MAX, file};
use crate::schema::latency::Hop;

fn tags(markup: &str) -> Vec<String> {
    let mut open = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap_or_else(|| panic!("a tag without an end: {}", &rest[at..]));
        let tag = &rest[at + 1..end];
        let name = tag.split([' ', '/', '\n']).find(|part| !part.is_empty()).unwrap().to_owned();
        let is_void = tag.ends_with('/') || tag.starts_with(['?', '!']) || name == "meta";
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "tags that do not nest");
        } else if !is_void {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    open
}

fn sets() -> Vec<Vec<Series>> {
    let own = Hop::ReadToPublished.name();
    let many: Vec<Series> = (0..20).map(|at| series(own, Some(&format!("KIND.{at}")), &[10 * at + 1, 5_000])).collect();
    vec![
        Vec::new(),
        vec![series(own, None, &[])],
        vec![series(own, None, &[1])],
        vec![series("<script>\"&'\u{1b}", None, &[-7, 0, 60_000_000_000])],
        std::iter::once(series(Hop::ExchangeToReceive.name(), None, &(-40..4_000).collect::<Vec<_>>()))
            .chain(many)
            .collect(),
    ]
}

#[test]
fn plots_and_pages_are_well_formed_need_nothing_and_let_no_name_be_markup() {
    for set in sets() {
        let all: Vec<&Series> = set.iter().collect();
        let (svg, html) = (file(&all, "a < b", "run \"x\" & y"), page(&measured(set.clone())));
        for markup in [&svg, &html] {
            assert_eq!(tags(markup), Vec::<String>::new(), "{markup}");
            for foreign in ["<script", "src=", "href=", "url(", "@import", "\u{1b}", "NaN", "inf"] {
                assert!(!markup.contains(foreign), "{foreign} in {markup}");
            }
            let without = markup.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            assert!(!without.contains("http"), "an address in {markup}");
            assert!(markup.contains("prefers-color-scheme:dark"), "readable in the dark");
        }
        assert!(svg.contains("a &lt; b") && svg.contains("run &quot;x&quot; &amp; y"));
        let lines = svg.matches("<path class=\"line ").count();
        let drawn = set.iter().take(SERIES_MAX).filter(|one| !one.positive.is_empty()).count();
        assert_eq!(lines, drawn + set.len().min(SERIES_MAX), "a line and a key in the legend each");
        assert_eq!(svg.contains("nothing was recorded"), drawn == 0);
    }
}

#[test]
fn lines_stay_within_their_plot() {
    for set in sets() {
        let all: Vec<&Series> = set.iter().collect();
        let svg = file(&all, "t", "b");
        for path in svg.lines().filter(|line| line.starts_with("<path class=\"line ")) {
            let Some(drawn) = path.split("d=\"M").nth(1).filter(|drawn| drawn.contains('L')) else { continue };
            for point in drawn.trim_end_matches("\"/>").split('L') {
                let (x, y) = point.split_once(' ').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((78.0..=734.1).contains(&x) && (72.0..=474.1).contains(&y), "{point}");
            }
        }
    }
}

#[test]
fn a_page_says_what_its_figures_mean() {
    let hops = Hop::ALL.map(|hop| series(hop.name(), None, &[5, 6, 7]));
    let html = page(&measured(hops.into()));
    for words in ["Two clocks", "clockAheadNs", "SO_TIMESTAMPNS", "Meltica's own latency", "12 s, to 2026-11-26T"] {
        assert!(html.contains(words), "{words} is not in {html}");
    }
    for hop in Hop::ALL {
        assert!(html.contains(&format!("<code>{}</code>", hop.name())), "{}", hop.name());
    }
    let without = page(&measured(vec![series(Hop::ReadToPublished.name(), None, &[5])]));
    assert!(!without.contains("Two clocks"), "one clock alone tells it");
}
