//! The Grafana dashboard that comes with Meltica asks for what is served, by labels that there are, of its one data source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rig::Rig;

const DASHBOARD: &str = include_str!("../../config/grafana/meltica.json");

/// What tells that a feed is gone: its own series end with it, and say nothing.
const ANSWERS: &str = "min(up{job=~\"$job\", instance=~\"$instance\"})";

/// Every value under a key of this name, however deep.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(entries) => {
            found.extend(entries.get(key));
            entries.values().for_each(|inner| all(inner, key, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| all(inner, key, found)),
        _ => {}
    }
}

fn under<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    all(value, key, &mut found);
    found
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The samples that are served, by name, with their labels; `None` for a family without any yet, of which nothing is known.
fn served(text: &str) -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut names: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let ends: &[&str] = match kind {
                "counter" => &["_total"],
                "summary" => &["", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            names.extend(ends.iter().map(|end| (format!("{name}{end}"), None)));
        } else if !line.starts_with('#') {
            let name: String = line.chars().take_while(|c| is_word(*c)).collect();
            let labels = line[name.len()..].split(['{', ',', '}']).filter_map(|part| part.split_once("=\""));
            names.entry(name).or_default().get_or_insert_default().extend(labels.map(|(label, _)| label.to_owned()));
        }
    }
    names
}

/// The words of a query, with what stands before and behind each; what stands in quotes is none.
fn words(query: &str) -> Vec<(char, String, char)> {
    let plain: String = query.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(at) = plain[rest..].find(is_word).map(|at| rest + at) {
        let end = plain[at..].find(|c| !is_word(c)).map_or(plain.len(), |length| at + length);
        let before = plain[..at].chars().next_back().unwrap_or(' ');
        let behind = plain[end..].trim_start().chars().next().unwrap_or(' ');
        found.push((before, plain[at..end].to_owned(), behind));
        rest = end;
    }
    found
}

#[test]
fn the_dashboard_asks_for_what_is_served() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let rig = Rig::open();
    let served = served(&rig.get("/metrics").body);
    let queries: Vec<&str> = under(&dashboard, "expr").into_iter().map(|query| query.as_str().unwrap()).collect();
    assert!(queries.len() > 50, "{} queries", queries.len());
    for query in queries {
        let words = words(query);
        let metrics: Vec<&String> =
            words.iter().map(|(_, word, _)| word).filter(|w| w.starts_with("meltica_")).collect();
        // Whether there was an answer at all is told by Prometheus itself, of each target.
        if query == ANSWERS {
            continue;
        }
        assert!(!metrics.is_empty(), "{query}: it asks for nothing of ours");
        let known: BTreeSet<&str> = metrics
            .iter()
            .filter_map(|name| served.get(*name).unwrap_or_else(|| panic!("{query}: {name} is not served")).as_ref())
            .flatten()
            .map(String::as_str)
            .chain(["instance"])
            .collect();
        let empty = metrics.iter().any(|name| served[*name].is_none());
        for (_, label, _) in words.iter().filter(|(_, _, behind)| matches!(behind, '=' | '!')) {
            assert!(empty || known.contains(label.as_str()), "{query}: there is no label {label}");
        }
        let grouped = query.split("by (").skip(1).filter_map(|rest| rest.split_once(')')).map(|(labels, _)| labels);
        for label in grouped.flat_map(|labels| labels.split(", ")) {
            assert!(empty || known.contains(label), "{query}: there is no label {label}");
        }
    }
}

#[test]
fn the_dashboard_has_one_data_source_and_panels_that_do_not_overlap() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let sources = under(&dashboard, "datasource");
    assert!(sources.len() > 50);
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    for source in sources {
        let uid = source["uid"].as_str().unwrap_or_else(|| panic!("{source} has no uid"));
        let variable = uid.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        assert!(variable.is_some_and(|name| variables.contains(&name)) || uid == "-- Grafana --", "{source} dangles");
    }
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "an id stands twice");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{}", panel["title"]);
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{} stands over another", panel["title"]);
            }
        }
        let refs: Vec<&Value> = under(panel, "refId");
        assert_eq!(refs.iter().map(|r| r.as_str()).collect::<BTreeSet<_>>().len(), refs.len(), "{}", panel["title"]);
    }
}

/// A stat shows the last value that it finds: of a query over the whole span that is the one from before the feed died, in green.
#[test]
fn what_is_shown_as_the_state_is_of_now_and_a_feed_that_is_gone_is_seen() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let stats: Vec<&Value> = panels.iter().filter(|panel| panel["type"] == "stat").collect();
    assert!(stats.len() > 7, "{} stats", stats.len());
    for panel in &stats {
        for target in panel["targets"].as_array().unwrap() {
            let asked = (target["instant"].as_bool(), target["range"].as_bool());
            assert_eq!(asked, (Some(true), Some(false)), "{}", panel["title"]);
        }
    }
    let gone =
        stats.iter().find(|panel| panel["targets"][0]["expr"] == ANSWERS).expect("nothing asks whether it is up");
    assert_eq!(gone["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"], "red");
}

/// A feed's own series end with it, and a list made of them forgets it when the span has moved on; `up` stays for as long as
/// Prometheus has the target.
#[test]
fn a_feed_that_has_long_been_gone_is_still_in_the_list() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let queries: Vec<&Value> = variables.iter().filter(|variable| variable["type"] == "query").collect();
    let asked: Vec<_> =
        queries.iter().map(|v| (v["name"].as_str().unwrap(), v["definition"].as_str().unwrap())).collect();
    // A variable is known to those behind it.
    assert_eq!(asked, [("job", "label_values(up, job)"), ("instance", "label_values(up{job=~\"$job\"}, instance)")]);
    for variable in &queries {
        assert_eq!(variable["query"]["query"], variable["definition"], "what is shown is not what is asked");
    }
    // Who scrapes as the README says has nothing to choose.
    let named = include_str!("../../README.md").split("job_name: ").nth(1).and_then(|rest| rest.split(',').next());
    assert_eq!(queries[0]["current"]["value"][0].as_str(), named);
}
