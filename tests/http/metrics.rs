//! `GET /metrics`: OpenMetrics to the letter, with every counter under its English label, and nothing whose labels grow.

use std::collections::{BTreeMap, BTreeSet};

use meltica::schema::quality::Quality;
use meltica::telemetry::Counter;

use super::rig::{READ, Rig};

type Labels = BTreeMap<String, String>;

/// A family as it was read.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: Option<String>,
    help: Option<String>,
    /// Name, labels, value as written.
    samples: Vec<(String, Labels, String)>,
}

/// Reads a text by the rules of OpenMetrics 1.0 that it has to obey; panics at the first that is broken.
fn read(text: &str) -> BTreeMap<String, Family> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF and a line feed");
    assert!(!body.contains("# EOF") && !body.contains('\r'), "nothing behind the end");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.split_terminator('\n') {
        assert!(!line.is_empty() && line.trim() == line, "{line:?}");
        if let Some(said) = line.strip_prefix("# ") {
            let mut words = said.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            assert!(is_metric_name(name), "{line}");
            if name != current {
                assert!(!families.contains_key(name), "{name} comes twice, or in parts");
                families.insert(name.to_owned(), Family::default());
                name.clone_into(&mut current);
            }
            let family = families.get_mut(name).unwrap();
            assert!(family.samples.is_empty(), "{line}: behind its samples");
            let place = match what {
                "TYPE" => {
                    assert!(family.kind.is_empty(), "{line}: twice");
                    rest.clone_into(&mut family.kind);
                    continue;
                }
                "UNIT" => &mut family.unit,
                "HELP" => &mut family.help,
                other => panic!("{other} is no descriptor"),
            };
            assert!(place.replace(rest.to_owned()).is_none(), "{line}: twice");
            continue;
        }
        let family = families.get_mut(&current).expect("samples follow a descriptor");
        family.samples.push(sample(line, &current));
    }
    families.iter().for_each(|(name, family)| judge(name, family));
    families
}

fn is_metric_name(name: &str) -> bool {
    let first = name.chars().next().unwrap();
    (first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn sample(line: &str, family: &str) -> (String, Labels, String) {
    let end = line.find(['{', ' ']).unwrap();
    let name = &line[..end];
    assert!(is_metric_name(name) && name.starts_with(family), "{line}: of {family}");
    let mut labels = Labels::new();
    let mut rest = &line[end..];
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, behind) = inside.split_once("=\"").unwrap();
            assert!(is_metric_name(label) && !label.contains(':'), "{line}");
            let (value, after) = quoted(behind);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}: a label twice");
            match after.strip_prefix(',') {
                Some(more) => inside = more,
                None => {
                    rest = after.strip_prefix('}').unwrap();
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    assert!(value.parse::<f64>().unwrap().is_finite() && !value.contains(' '), "{line}");
    (name.to_owned(), labels, value.to_owned())
}

/// A text up to its closing quote, without escapes, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let (mut out, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, &text[at + 1..]),
            '\\' => out.push(match chars.next().unwrap().1 {
                'n' => '\n',
                other => {
                    assert!(other == '\\' || other == '"', "an escape that is none");
                    other
                }
            }),
            other => out.push(other),
        }
    }
    panic!("a label without end: {text}");
}

fn judge(name: &str, family: &Family) {
    assert!(family.help.is_some(), "{name} has no HELP");
    if let Some(unit) = &family.unit {
        assert!(name.ends_with(&format!("_{unit}")), "{name} does not end in its unit {unit}");
    }
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "summary" => &["", "_sum", "_count"],
        "info" => &["_info"],
        other => panic!("{name}: {other} is no type that is used here"),
    };
    let mut seen = BTreeSet::new();
    for (sample, labels, value) in &family.samples {
        let suffix = sample.strip_prefix(name).unwrap();
        assert!(suffixes.contains(&suffix), "{sample} is no sample of a {}", family.kind);
        assert!(seen.insert((sample, labels)), "{sample} {labels:?} twice");
        let value: f64 = value.parse().unwrap();
        assert!(family.kind == "gauge" || value >= 0.0, "{sample} {labels:?} is negative");
        let quantile = labels.get("quantile").filter(|_| family.kind == "summary");
        assert_eq!(quantile.is_some(), family.kind == "summary" && suffix.is_empty(), "{sample} {labels:?}");
        assert!(quantile.is_none_or(|q| (0.0..=1.0).contains(&q.parse::<f64>().unwrap())), "{sample} {labels:?}");
    }
}

#[test]
fn the_text_obeys_the_format_and_has_every_counter_with_its_label() {
    let rig = Rig::guarded();
    let token = format!("Authorization: Bearer {READ}\r\n");
    let _ = rig.get("/no/such/path");
    let reply = rig.connect().get("/metrics", &token);
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/openmetrics-text; version=1.0.0; charset=utf-8"))
    );
    let families = read(&reply.body);
    for counter in Counter::ALL {
        let family = &families[&format!("meltica_{}", counter.name())];
        assert_eq!((family.kind.as_str(), family.help.as_deref()), ("counter", Some(counter.label())));
        let [(_, labels, value)] = family.samples.as_slice() else { panic!("{family:?}") };
        assert_eq!((labels.len(), value), (0, &rig.ledger.total(*counter).to_string()), "{counter:?}");
    }
    assert!(rig.ledger.total(Counter::HttpRefused) > 0, "and not all of them are zero");
    let values = |family: &str| -> Vec<_> {
        families[family].samples.iter().map(|(name, labels, value)| (&name[..], labels.clone(), &value[..])).collect()
    };
    let labels =
        |pairs: &[(&str, &str)]| -> Labels { pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect() };
    // What the rig's control duty reports of latency: one signed total, one kind, one connection.
    let kind = labels(&[("hop", "readToPublished"), ("kind", "TRADE")]);
    let counts: Vec<_> =
        values("meltica_hop_kind_seconds").into_iter().filter(|(name, _, _)| name.ends_with("_count")).collect();
    assert_eq!(counts, [("meltica_hop_kind_seconds_count", kind, "1")]);
    assert_eq!(values("meltica_hop_seconds"), [], "a connection's figures are not shown: its number rises for ever");
    let exchange = values("meltica_exchange_to_receive_seconds");
    assert!(exchange.contains(&(
        "meltica_exchange_to_receive_seconds",
        labels(&[("quantile", "0.5")]),
        "-0.000000005"
    )));
    assert_eq!(values("meltica_agent_cycles"), [("meltica_agent_cycles_total", labels(&[("agent", "io")]), "7")]);
    assert_eq!(values("meltica_ring_used_bytes"), [("meltica_ring_used_bytes", labels(&[("ring", "frames-0")]), "64")]);
    let of = |quality: &str| if quality == "Good" { "3" } else { "0" };
    let books: Vec<_> =
        Quality::NAMES.iter().map(|name| ("meltica_books", labels(&[("quality", name)]), of(name))).collect();
    assert_eq!(values("meltica_books"), books, "a quality of no book is 0, and not left out");
}

#[test]
fn the_reader_of_the_format_refuses_what_breaks_it() {
    let good = "# TYPE a counter\n# HELP a b\na_total 1\n# EOF\n";
    assert_eq!(read(good).len(), 1);
    for bad in [
        "# TYPE a counter\n# HELP a b\na_total 1\n",
        "# TYPE a counter\n# HELP a b\na 1\n# EOF\n",
        "# TYPE a counter\n# HELP a b\na_total -1\n# EOF\n",
        "# TYPE a counter\n# HELP a b\na_total 1\na_total 2\n# EOF\n",
        "# TYPE a counter\n# TYPE a counter\n# HELP a b\na_total 1\n# EOF\n",
        "# TYPE a gauge\n# HELP a b\na 1\n# TYPE c gauge\n# HELP c d\nc 1\n# TYPE a gauge\n# EOF\n",
        "# TYPE a gauge\n# UNIT a seconds\n# HELP a b\na 1\n# EOF\n",
        "# TYPE a summary\n# HELP a b\na{quantile=\"2\"} 1\n# EOF\n",
        "# TYPE a gauge\n# HELP a b\na{l=\"x} 1\n# EOF\n",
        "# TYPE a gauge\n# HELP a b\n\na 1\n# EOF\n",
        "a 1\n# EOF\n",
    ] {
        assert!(std::panic::catch_unwind(|| read(bad)).is_err(), "{bad}");
    }
}
