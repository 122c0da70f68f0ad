//! Tests of loading: defaults, overrides, and faults with their places.

use std::path::PathBuf;

use super::*;
use crate::config::{Bytes, Idle, MarketChoice, Topology, annotated};

fn variables(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>().into_iter()
}

fn load_bytes(bytes: &[u8], env: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.yaml");
    std::fs::write(&path, bytes).unwrap();
    let dir = format!("{}/", dir.path().display());
    load(Some(&path), variables(env)).map_err(|faults| {
        let shown = faults.to_string().replace(&dir, "");
        assert_eq!(shown.split("\n\n").count(), faults.0.len(), "one fault a paragraph: {shown}");
        shown.split("\n\n").map(str::to_owned).collect()
    })
}

fn load_text(text: &str) -> Result<Loaded, Vec<String>> {
    load_bytes(text.as_bytes(), &[])
}

/// The first lines of the faults, without the excerpt of the file below them.
fn faults(text: &str) -> Vec<String> {
    let faults = load_text(text).err().unwrap_or_default();
    faults.iter().map(|fault| fault.lines().next().unwrap().to_owned()).collect()
}

fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[test]
fn nothing_given_means_the_defaults_and_they_are_faultless() {
    let loaded =
        load(None, variables(&[("PATH", "/bin"), ("MELTICA_CAPTURES", "/x"), ("MELTICA_SHARDS", "")])).unwrap();
    assert_eq!(loaded.config, Config::default());
    check(&Config::default()).unwrap();
    for text in ["# only a comment\n", "books:\n  # prune_outside: false\n", "{}", "---\nroutes:\n"] {
        assert_eq!(load_text(text).unwrap().config, Config::default(), "{text}");
    }
}

#[test]
fn the_annotated_file_is_the_defaults_and_documents_every_key() {
    let (path, text) = (shipped("meltica.yaml"), annotated());
    if std::env::var_os("MELTICA_WRITE_ANNOTATED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap();
    assert_eq!(shipped, text, "config/meltica.yaml is stale: run this test with MELTICA_WRITE_ANNOTATED=1");
    let loaded = load(Some(&path), variables(&[])).unwrap();
    assert_eq!(loaded.config, Config::default());
    each_key(&json_schema(), &mut Vec::new(), &mut |path, schema| {
        let (line, _) = loaded.places.locate(path).unwrap_or_else(|| panic!("{path:?} is not in the file"));
        let lines: Vec<_> = shipped.lines().take(line as usize).collect();
        assert!(lines[line as usize - 1].trim_start().starts_with(&format!("{}:", path[path.len() - 1])), "{path:?}");
        let above = lines.iter().rev().skip(1).take_while(|l| l.trim_start().starts_with('#'));
        let comment = above.map(|l| l.trim_start_matches(['#', ' '])).collect::<Vec<_>>();
        let comment = comment.into_iter().rev().collect::<Vec<_>>().join(" ");
        assert!(comment.len() > 20, "{path:?} has a meaning: {comment:?}");
        let limits = crate::config::schema::limits(schema).unwrap_or_default();
        let limits = if limits.is_empty() { limits } else { format!("Allowed: {limits}.") };
        assert!(comment.contains(&limits), "{path:?}: {comment:?} lacks {limits:?}");
    });
}

/// Every key of every section, and its schema.
fn each_key(schema: &Value, path: &mut Vec<String>, visit: &mut dyn FnMut(&[String], &Value)) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        path.push(key.clone());
        visit(path, below);
        each_key(below, path, visit);
        path.pop();
    }
}

#[test]
fn every_shipped_file_is_faultless_and_changes_something() {
    let files =
        ["demo.yaml", "live-spot-majors.yaml", "live-spot-usdt.yaml", "live-usdm-majors.yaml", "served-capture.yaml"];
    for file in files {
        let loaded = load(Some(&shipped(file)), variables(&[])).unwrap();
        assert_ne!(loaded.config, Config::default(), "{file}");
    }
}

#[test]
fn every_key_refuses_what_lies_outside_its_limits() {
    let mut limited = 0;
    each_key(&json_schema(), &mut Vec::new(), &mut |path, schema| {
        let give = |value: &str| {
            let indented = path.iter().enumerate().map(|(n, key)| format!("\n{}{key}:", "  ".repeat(n)));
            load_text(&format!("{} {value}\n", indented.collect::<String>().trim_start()))
        };
        let says =
            |bound: &str| (schema["type"] == "string").then(|| schema[bound].as_str().map(str::to_owned)).flatten();
        if let (Some(least), Some(most)) = (says("x-minimum"), says("x-maximum")) {
            limited += 1;
            give(&least).unwrap_or_else(|e| panic!("{path:?} {least}: {e:?}"));
            give(&most).unwrap_or_else(|e| panic!("{path:?} {most}: {e:?}"));
            let unit = most.trim_start_matches(|c: char| c.is_ascii_digit());
            let above = format!("{}{unit}", most.strip_suffix(unit).unwrap().parse::<u64>().unwrap() + 1);
            let fault = &give(&above).unwrap_err()[0];
            assert!(fault.contains("is out of range") && fault.contains(&format!("{least} to {most}")), "{fault}");
            let below = if unit.ends_with('B') { "1 B" } else { "1ns" };
            assert!(
                ["0s", "0 B"].contains(&&*least) || give(below).unwrap_err()[0].contains("is out of range"),
                "{path:?}"
            );
            assert!(give("7").unwrap_err()[0].contains("7 has no unit"), "{path:?}");
        } else if let (Some(least), Some(most)) = (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
            limited += 1;
            give(&least.to_string()).map(drop).unwrap_or_else(|e| assert!(!e[0].contains("range"), "{e:?}"));
            for outside in [i128::from(most) + 1, i128::from(least) - 1] {
                let fault = &give(&outside.to_string()).unwrap_err()[0];
                assert!(fault.contains(&format!("{outside} is out of range")), "{fault}");
                assert!(fault.contains(&format!("{least} to {most}")), "{fault}");
            }
        }
    });
    assert!(limited >= 20, "{limited}");
}

#[test]
fn all_faults_are_told_at_once_with_their_places() {
    let text = "\
market: BINANCE-SPOT
topology: fusd
sim:
  symbls: 20
  rest_latency: 50
books:
  prune_outside: maybe
  fill_deadline: 2h
cores: { io: [0], shards: [1, 1] }
shards: 0
limits: [1]
";
    let expected = [
        "x.yaml:2:11: topology: \"fusd\" is not one of auto, fused, lean, dedicated, stepped; did you mean fused?",
        "x.yaml:4:3: sim.symbls: no such key; did you mean symbols? Known here: rate, rest_latency, seed, symbols",
        "x.yaml:5:17: sim.rest_latency: 50 has no unit: expected a duration such as 200ms, 0s to 1m (units: ns, us, ms, s, m, h, d)",
        "x.yaml:7:18: books.prune_outside: expected true or false, found \"maybe\"",
        "x.yaml:8:18: books.fill_deadline: \"2h\" is out of range: expected a duration such as 200ms, 1ms to 1m (units: ns, us, ms, s, m, h, d)",
        "x.yaml:9:1: cores: a core is named twice: two threads on one core starve each other",
        "x.yaml:10:9: shards: 0 is out of range: expected a whole number, 1 to 64",
        "x.yaml:11:1: limits: expected the keys held_diffs, instruments, line_bytes, found a list",
    ];
    assert_eq!(faults(text), expected);
}

#[test]
fn a_fault_shows_the_line_it_is_in() {
    let faults = load_text("shards: 1\ntopology:   fusd # oops\n").unwrap_err();
    let (_, excerpt) = faults[0].split_once('\n').unwrap();
    assert_eq!(excerpt, "     2 | topology:   fusd # oops\n       |             ^^^^");
}

#[test]
fn each_kind_of_fault_says_what_is_allowed() {
    let table: &[(&str, &[&str])] = &[
        ("shards: two", &["1:9: shards: expected a whole number, 1 to 64, found \"two\""]),
        ("shards: 1.5", &["1:9: shards: expected a whole number, 1 to 64, found 1.5"]),
        ("shards:", &["1:1: shards: it has no value"]),
        ("shards: [1]", &["1:1: shards: expected a whole number, 1 to 64, found a list"]),
        ("shards: 1\nidle: auto\nshards: 2", &["3:1: shards: the key is given twice, first at 1:1"]),
        ("seed: 7", &["1:1: seed: no such key; did you mean sim.seed?"]),
        ("sim: 7", &["1:6: sim: expected the keys rate, rest_latency, seed, symbols, found 7"]),
        (
            "sim: { symbols: 9000 }\nlimits: { instruments: 10 }",
            &["1:1: sim: 9000 symbols do not fit limits.instruments, which is 10"],
        ),
        (
            "rings:\n  raw: 1 MB",
            &["2:8: rings.raw: \"1 MB\": expected a size such as 1 MiB, 64 KiB to 1 GiB (units: B, KiB, MiB, GiB)"],
        ),
        ("rings: { raw: 1048576 }", &["1:15: rings.raw: 1048576 has no unit: "]),
        ("throttle: { trade: 1s }", &["1:13: throttle.trade: TRADE is never conflated: expected ANALYTICS.FUSED, "]),
        ("throttle: { \"a b\": 1s }", &["1:13: throttle.\"a b\": `a b` is not a canonical type"]),
        ("throttle: { ticker: 1s, TICKER: 2s }", &["1:25: throttle.TICKER: TICKER is given twice"]),
        ("throttle: { TICKER: 5 }", &["1:21: throttle.TICKER: 5 has no unit"]),
        ("instruments: BTC-USDT", &["1:14: instruments: expected a list such as [A, B], found \"BTC-USDT\""]),
        (
            "instruments: [BTC-USDT, \"a b\", 7]",
            &["1:25: instruments[1]: \"a b\": expected an instrument", "1:32: instruments[2]: expected text, found 7"],
        ),
        ("cores: { io: [-1] }", &["1:15: cores.io[0]: -1 is out of range: expected a whole number, 0 to 65535"]),
        ("cores: { io: [0, 1] }", &["1:1: cores: io names 2 cores, but feed.io_threads is 1: name as many, or none"]),
        (
            "feed: { io_threads: 2 }\ncores: { io: [0] }",
            &["2:1: cores: io names 1 cores, but feed.io_threads is 2: name as many, or none"],
        ),
        (
            "topology: fused\nfeed: { io_threads: 3 }",
            &["1:11: topology: fused is one thread, but feed.io_threads is 3: take lean or dedicated"],
        ),
        ("feed: { io_threads: 0 }", &["1:21: feed.io_threads: 0 is out of range: expected a whole number, 1 to 16"]),
        ("cores: { shards: [1, 2, 3] }", &["1:1: cores: shards names 3 cores"]),
        ("sim: { seed: 18446744073709551616 }", &["1:14: sim.seed: "]),
        (
            "routes:\n  TRADE:\n    topics: [a]\n    rest:\n      - name: x\n",
            &["5:9: ", "endpoint is missing", "5:9: ", "interval is missing", "", "parser is missing"],
        ),
        (
            "routes: { TRADE: { filters: [{ field: X, op: equals, value: 1 }] } }",
            &["1:46: routes.TRADE.filters[0].op: \"equals\" is not one of eq, neq, in, prefix"],
        ),
        (
            "routes: { TRADE: { payload_version: 70000, unknown_fields: dorp } }",
            &["1:37: routes.TRADE.payload_version: 70000 is out of range", "did you mean drop?"],
        ),
        ("sim: { seed: 1 }\ntopology: [", &["2:11: this is no YAML: "]),
        ("books:\n\tfill_deadline: 1s", &["this is no YAML: ", "use spaces"]),
        ("- 1", &["1:1: expected the keys books, "]),
        ("just words", &["1:1: expected the keys books, control, cores, feed, idle, instruments, limits, market, "]),
        ("? [a]\n: 1", &["this is no YAML: a key must be one word"]),
        ("shards: 1\n---\nshards: 2", &["this is no YAML: "]),
        ("shards: *x", &["this is no YAML: "]),
        ("x: \"\u{1b}[31m\"", &["1:5: this is no YAML"]),
        (" \n", &["x.yaml: is empty"]),
    ];
    for (text, says) in table {
        let found = faults(text).join("\n");
        assert!(!found.is_empty() && !found.contains('\u{1b}'), "{text}: {found:?}");
        for part in *says {
            assert!(found.contains(part), "{text}:\n{found}\nlacks {part:?}");
        }
    }
}

#[test]
fn hostile_files_are_refused_within_bounds() {
    let bomb = (1..10).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let alias = format!("*a{}", n - 1);
        text + &format!("a{n}: &a{n} [{}]\n", vec![alias; 9].join(","))
    });
    let deep = "[".repeat(100_000);
    let keys: String = (0..30_000).map(|n| format!("k{n}: 1\n")).collect();
    let huge = vec![b'#'; FILE_BYTES_MAX as usize + 1];
    let cases: [(&str, &[u8], &str); 6] = [
        ("alias bomb", bomb.as_bytes(), "this is no YAML"),
        ("deep", deep.as_bytes(), "this is no YAML"),
        ("many keys", keys.as_bytes(), "no such key"),
        ("huge", &huge, "x.yaml: is larger than 1048576 bytes"),
        ("not UTF-8", b"market: auto\nidle: \xe9\n", "x.yaml:2:7: this is not UTF-8"),
        ("binary", &[0x1f, 0x8b, 8, 0, 0], "this is not UTF-8"),
    ];
    for (name, bytes, says) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.yaml");
        std::fs::write(&path, bytes).unwrap();
        let shown = load(Some(&path), variables(&[])).unwrap_err().to_string();
        assert!(shown.contains(says), "{name}: {}", &shown[..shown.len().min(400)]);
        assert!(shown.len() < 40_000, "{name}: {}", shown.len());
    }
    for (path, says) in
        [("/dev/null", "is not a regular file"), ("/", "is not a regular file"), ("/no/such", "cannot be read")]
    {
        let shown = load(Some(Path::new(path)), variables(&[])).unwrap_err().to_string();
        assert!(shown.starts_with(path) && shown.contains(says), "{shown}");
    }
}

#[test]
fn variables_override_the_file() {
    let env = [
        ("MELTICA_SIM__SEED", "7"),
        ("MELTICA_TOPOLOGY", "Lean"),
        ("MELTICA_INSTRUMENTS", "btc-usdt, ETHUSDT"),
        ("MELTICA_CORES__SHARDS", "3"),
        ("MELTICA_RINGS__EVENTS", "8 MiB"),
        ("MELTICA_THROTTLE__TICKER_BOOK", "5ms"),
        ("OTHER_SIM__SEED", "x"),
    ];
    let loaded = load_bytes(b"sim:\n  seed: 3\n  rate: 9\nmarket: binance-usdm\nidle: busy_spin\n", &env).unwrap();
    let config = &loaded.config;
    assert_eq!((config.sim.seed, config.sim.rate), (7, 9));
    assert_eq!(
        (config.topology, config.idle, config.market),
        (Topology::Lean, Idle::BusySpin, MarketChoice::BinanceUsdm)
    );
    assert_eq!(config.instruments, ["BTC-USDT", "ETHUSDT"]);
    assert_eq!((&config.cores.shards[..], config.rings.events), (&[3][..], Bytes(8 << 20)));
    let throttled: Vec<_> = config.throttle.iter().map(|(name, every)| (name.as_str(), every.as_millis())).collect();
    assert_eq!(throttled, [("ANALYTICS.FUSED", 100), ("TICKER.BOOK", 5)], "a variable adds to the default table");
    assert_eq!(loaded.places.locate(&["sim", "seed"]), None, "the file's value does not hold");
    assert_eq!(loaded.places.locate(&["sim", "rate"]), Some((3, 9)));
    for (path, said) in [
        (["sim", "rate"], true),
        (["sim", "seed"], true),
        (["sim", "symbols"], false),
        (["books", "prune_outside"], false),
    ] {
        assert_eq!(loaded.places.says(&path), said, "{path:?}");
    }
}

#[test]
fn faulty_variables_are_told_by_name_beside_the_files_faults() {
    let env = [
        ("MELTICA_SIM_SEED", "7"),
        ("MELTICA_TOPOLGY", "lean"),
        ("MELTICA_SHARDS", "99"),
        ("MELTICA_BOOKS__FILL_DEADLINE", "7"),
        ("MELTICA_CORES__IO", "[1"),
        ("MELTICA_ROUTES__TRADE__TOPICS", "x"),
        ("MELTICA_SHARDS__X", "1"),
    ];
    let shown = load_bytes(b"idle: x\n", &env).unwrap_err();
    let says = [
        "x.yaml:1:7: idle: \"x\" is not one of",
        "environment MELTICA_BOOKS__FILL_DEADLINE: books.fill_deadline: 7 has no unit",
        "environment MELTICA_CORES__IO: the value is no YAML",
        "environment MELTICA_ROUTES__TRADE__TOPICS: routes replace each other as a whole",
        "environment MELTICA_SHARDS: shards: 99 is out of range: expected a whole number, 1 to 64",
        "environment MELTICA_SHARDS__X: no key has that name",
        "environment MELTICA_SIM_SEED: no key has that name; did you mean MELTICA_SIM__SEED?",
        "environment MELTICA_TOPOLGY: no key has that name; did you mean MELTICA_TOPOLOGY?",
    ];
    assert_eq!(shown.len(), says.len(), "{shown:#?}");
    for (fault, says) in shown.iter().zip(says) {
        assert!(fault.starts_with(says), "{fault:?} lacks {says:?}");
    }
}

#[test]
fn routes_are_read_and_later_faults_find_their_place() {
    let text = "\
routes:
  trade:
    topics: ['{symbol}@trade']
    unknown_fields: drop
    filters:
      - field: X
        op: in
        value: [MARKET, 7, null]
  Trade.Aggregate:
    rest:
      - { name: a, endpoint: /api/v3/aggTrades, interval: 1m, parser: aggTrade }
";
    let Loaded { config, places } = load_text(text).unwrap();
    let routes = config.routes.unwrap();
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["TRADE", "TRADE.AGGREGATE"]);
    assert_eq!(routes["TRADE"].filters[0].value, serde_json::json!(["MARKET", 7, null]));
    assert_eq!(routes["TRADE.AGGREGATE"].rest[0].interval.as_secs(), 60);
    for (path, place) in [
        (&["routes", "TRADE", "topics", "0"][..], Some((3, 14))),
        (&["routes", "TRADE", "filters", "0", "op"], Some((7, 13))),
        (&["routes", "TRADE", "filters", "0", "value", "1"], Some((8, 25))),
        (&["routes", "TRADE.AGGREGATE", "rest", "0", "endpoint"], Some((11, 30))),
        (&["routes", "TRADE.AGGREGATE", "topics", "0"], Some((9, 3))),
        (&["routes", "TRADE", "ignore"], Some((2, 3))),
        (&["sim"], None),
        (&[], None),
    ] {
        assert_eq!(places.locate(path), place, "{path:?}");
    }
    let fault = places.fault(&["routes", "TRADE.AGGREGATE", "rest", "0", "parser"], "no parser has that name");
    let shown = fault.to_string();
    assert!(
        shown.contains("x.yaml:11:71: routes.\"TRADE.AGGREGATE\".rest[0].parser: no parser has that name\n"),
        "{shown}"
    );
}

#[test]
fn a_configuration_made_in_code_is_held_to_the_same_rules() {
    let mut config = Config { shards: 65, instruments: vec!["a b".to_owned()], ..Config::default() };
    config.books.fill_deadline = core::time::Duration::from_secs(3_600);
    let shown = check(&config).unwrap_err().to_string();
    for says in
        ["configuration: shards: 65 is", "instruments[0]: \"a b\"", "books.fill_deadline: \"1h\" is out of range"]
    {
        assert!(shown.contains(says), "{shown}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
    #[test]
    fn no_text_makes_loading_panic(parts in proptest::collection::vec(0usize..24, 0..24), noise in "\\PC{0,12}") {
        let words = [
            "sim", "shards", "routes", ": ", ":\n", "\n", "  ", "- ", "[", "]", "{", "}", "&a ", "*a", "<<", "1", "1s",
            "\"", "'", "|\n", "\t", "? ", "!!int ", noise.as_str(),
        ];
        let text: String = parts.iter().map(|at| words[*at]).collect();
        let loaded = load_text(&text);
        proptest::prop_assert!(loaded.is_ok() || !loaded.unwrap_err().is_empty());
    }
}
