//! Holds the house to its plan: floors, homes of foreign crates, where `unsafe` may stand, the table of orderings, headers
//! of files. Sizes only warn.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod code;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use code::{code_lines, names_crate, rooms_named, tokens};

/// Rooms by floor (ARCHITECTURE.md, "Rooms and floors").
const FLOORS: [&[&str]; 6] = [
    &["schema", "sync"],
    &["ring", "snapshot", "agent", "config", "directory"],
    &["telemetry", "capture"],
    &["binance", "dispatch", "conductor", "bus"],
    &["engine", "http", "sim"],
    &["cli"],
];

/// Pairs on one floor that may know each other, with the reason.
const NEIGHBOURS: [(&str, &str); 2] = [
    // A capture replayed at recorded speed needs the one clock.
    ("capture", "telemetry"),
    // The schema's own files speak to each other; listed so that the rule below has no exception in code.
    ("schema", "schema"),
];

/// Foreign crates and the rooms that may name them.
const HOMES: [(&str, &[&str]); 40] = [
    ("simd_json", &["binance"]),
    ("ureq", &["binance", "cli", "telemetry"]),
    ("prost", &["telemetry"]),
    ("opentelemetry_proto", &["telemetry"]),
    ("webpki_roots", &["binance"]),
    ("arc_swap", &["bus", "dispatch", "engine"]),
    ("core_affinity", &["agent"]),
    ("hdrhistogram", &["telemetry", "cli"]),
    ("base64", &["telemetry", "cli"]),
    ("quanta", &["telemetry"]),
    ("flate2", &["capture", "cli", "sim"]),
    ("ratatui", &["cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("rustix", &["http", "telemetry"]),
    ("subtle", &["http"]),
    ("unicode_width", &["cli"]),
    ("wide", &["binance"]),
    ("zeroize", &["http"]),
    ("console", &["cli"]),
    ("humantime", &["config", "cli"]),
    ("signal_hook", &["cli"]),
    ("serde_saphyr", &["config", "dispatch", "sim"]),
    ("garde", &["config"]),
    ("schemars", &["config"]),
    ("humantime_serde", &["config", "cli"]),
    ("crossbeam_queue", &["bus", "engine"]),
    ("crossbeam_utils", &["ring", "snapshot", "agent"]),
    ("loom", &["sync", "ring", "snapshot"]),
    ("bytemuck", &["schema", "binance", "dispatch", "conductor", "bus", "engine", "sim", "snapshot", "telemetry"]),
    ("httparse", &["sim", "http", "binance"]),
    ("mio", &["sim", "binance"]),
    ("nix", &["binance"]),
    ("rcgen", &["sim"]),
    ("rustls", &["sim", "http", "binance"]),
    ("socket2", &["sim", "binance"]),
    ("tungstenite", &["sim", "binance"]),
    ("tempfile", &["capture", "config", "http", "cli", "binance", "sim", "engine"]),
    (
        "proptest",
        &[
            "schema",
            "binance",
            "dispatch",
            "conductor",
            "bus",
            "sim",
            "capture",
            "config",
            "snapshot",
            "ring",
            "engine",
            "telemetry",
        ],
    ),
];

/// Crates that any room may name.
const EVERYWHERE: [&str; 6] = ["std", "core", "serde", "serde_json", "smallvec", "thiserror"];

/// Rooms in which `unsafe` may stand.
const UNSAFE_ROOMS: [&str; 2] = ["ring", "snapshot"];

/// The files elsewhere: a hint to the processor that has no safe wrapper, and instructions that it was asked for.
const UNSAFE_FILES: [&str; 2] = ["sync/prefetch.rs", "scanner/v3.rs"];

/// Lines beyond which a file is worth a look.
const LINES_WARN: usize = 300;

fn sources(under: &str) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, String)>) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(under), &mut out);
    out.sort();
    assert!(!out.is_empty(), "no sources under {under}");
    out
}

fn room_of(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path.strip_prefix(src).unwrap();
    inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn rooms_look_only_down() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        let Some(floor) = floor_of(&room) else { continue };
        for (line, named) in rooms_named(&path, &text) {
            let Some(other) = floor_of(&named) else { continue };
            let allowed = named == room || other < floor || NEIGHBOURS.contains(&(room.as_str(), named.as_str()));
            if !allowed {
                faults.push(format!(
                    "{}:{line}: room `{room}` (floor {floor}) names `{named}` (floor {other})",
                    path.display()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "rooms look only down:\n{}", faults.join("\n"));
}

#[test]
fn every_room_has_a_floor_and_every_floor_its_rooms() {
    let mut rooms = BTreeSet::new();
    for (path, _) in sources("src") {
        let room = room_of(&path);
        if room != "lib" && room != "main" {
            assert!(
                floor_of(&room).is_some(),
                "{}: room `{room}` stands on no floor: add it here and to ARCHITECTURE.md",
                path.display()
            );
            rooms.insert(room);
        }
    }
    for room in FLOORS.iter().flat_map(|f| f.iter()) {
        assert!(rooms.contains(*room), "room `{room}` is on a floor but has no files");
    }
}

#[test]
fn each_foreign_crate_has_its_home() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        if path.components().any(|c| c.as_os_str() == "tests") {
            continue;
        }
        let tokens = tokens(&text);
        for (at, (line, word)) in tokens.iter().enumerate() {
            let Some((foreign, homes)) = HOMES.iter().find(|(foreign, _)| foreign == word) else { continue };
            if names_crate(&tokens, at, foreign) && floor_of(&room).is_some() && !homes.contains(&room.as_str()) {
                faults.push(format!("{}:{line}: `{foreign}` lives in {homes:?}, not in `{room}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "each foreign crate has one address:\n{}", faults.join("\n"));
}

#[test]
fn every_dependency_is_listed_here() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let bench_and_test_only = ["criterion", "rtrb", "proptest", "tempfile"];
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
            continue;
        }
        let Some((name, _)) = line.split_once('=').filter(|_| inside && !line.trim_start().starts_with('#')) else {
            continue;
        };
        let name = name.trim().replace('-', "_");
        let known = EVERYWHERE.contains(&name.as_str())
            || HOMES.iter().any(|(n, _)| *n == name)
            || bench_and_test_only.contains(&name.as_str());
        assert!(known, "Cargo.toml names `{name}`: give it a home in tests/tidy/main.rs");
    }
}

#[test]
fn unsafe_stands_in_its_rooms_and_is_justified() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (line, code) in code_lines(&text) {
            let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if !words.contains(&"unsafe") {
                continue;
            }
            if !UNSAFE_ROOMS.contains(&room.as_str()) && !UNSAFE_FILES.iter().any(|file| path.ends_with(file)) {
                faults.push(format!(
                    "{}:{line}: `unsafe` outside of {UNSAFE_ROOMS:?} and {UNSAFE_FILES:?}",
                    path.display()
                ));
            }
            let above = lines[..line - 1].iter().rev().take_while(|l| {
                let l = l.trim_start();
                l.starts_with("//") || l.starts_with("#[")
            });
            let justified = above.clone().any(|l| l.contains("SAFETY") || l.contains("# Safety"));
            if !justified {
                faults.push(format!("{}:{line}: `unsafe` without SAFETY above it", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "unsafe:\n{}", faults.join("\n"));
}

#[test]
fn each_ring_has_one_table_of_orderings_and_it_is_true() {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ring/mod.rs")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|l| l.strip_prefix("//! | `"))
        .map(|l| l.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();
    assert!(rows.len() >= 10, "the table of orderings in src/ring/mod.rs was not found");
    let ids: BTreeSet<&str> = rows.iter().map(|r| r[0]).collect();
    assert_eq!(ids.len(), rows.len(), "an id stands twice in the table");
    for row in &rows {
        let (id, file, ordering, partner) = (row[0], row[1], row[2], row[3]);
        assert!(ids.contains(partner), "`{id}` names the partner `{partner}`, which is not in the table");
        let code = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ring").join(file)).unwrap();
        let sites = [format!("ordering!(\"{id}\", {ordering})"), format!("fence_at!(\"{id}\", {ordering})")];
        assert_eq!(
            sites.iter().map(|s| code.matches(s.as_str()).count()).sum::<usize>(),
            1,
            "`{id}` ({ordering}) in {file}"
        );
    }
    for (path, text) in sources("src/ring") {
        // The ids stand in strings, so these lines are read as they are.
        for (line, code) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            let strong =
                ["Ordering::Acquire", "Ordering::Release", "Ordering::AcqRel"].iter().any(|o| code.contains(o));
            assert!(!strong, "{}:{line}: an ordering that is not in the table", path.display());
            for (at, _) in code.match_indices("ordering!(\"").chain(code.match_indices("fence_at!(\"")) {
                let id = code[at..].split('"').nth(1).unwrap();
                assert!(ids.contains(id), "{}:{line}: `{id}` is not in the table", path.display());
            }
        }
    }
}

#[test]
fn an_ordering_outside_the_tables_names_its_partner() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        // Ring and store have tables of their own, each held against its code.
        if UNSAFE_ROOMS.contains(&room_of(&path).as_str()) {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (line, code) in code_lines(&text) {
            let strong =
                ["Ordering::Acquire", "Ordering::Release", "Ordering::AcqRel"].iter().any(|o| code.contains(o));
            let near = &lines[line.saturating_sub(5)..line];
            if strong && !near.iter().any(|l| l.contains("partner")) {
                faults.push(format!("{}:{line}: an ordering without a comment that names its partner", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nothing_is_sequentially_consistent() {
    for (path, text) in sources("src") {
        for (line, code) in code_lines(&text) {
            assert!(!code.contains("SeqCst"), "{}:{line}: no SeqCst in this house", path.display());
        }
    }
}

#[test]
fn files_open_with_their_purpose_and_mod_files_hold_no_logic() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        if !text.starts_with("//!") {
            faults.push(format!("{}: does not open with `//!`", path.display()));
        }
        if path.file_name().is_some_and(|n| n == "mod.rs") {
            let logic = ["fn", "impl", "struct", "enum", "union", "trait", "const", "static", "type", "macro_rules"];
            if let Some((line, _)) = tokens(&text).into_iter().find(|(_, token)| logic.contains(&token.as_str())) {
                faults.push(format!("{}:{line}: a mod.rs holds no logic", path.display()));
            }
        }
        for banned in ["utils", "common", "types", "helpers", "prelude"] {
            if path.components().any(|c| c.as_os_str().to_str().is_some_and(|s| s.trim_end_matches(".rs") == banned)) {
                faults.push(format!("{}: `{banned}` says nothing about what is in it", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn long_files_are_pointed_at() {
    for (path, text) in sources("src") {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        if code > LINES_WARN {
            println!(
                "warning: {} has {code} lines before its tests (over {LINES_WARN}): is there a noun to split it by?",
                path.display()
            );
        }
    }
}

#[test]
fn the_readme_shows_the_figures_of_the_kept_run_that_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, fast) = readme.split_once("\n## How fast\n").unwrap();
    let fast = fast.split("\n## ").next().unwrap_or_default();
    let named = |end: &str| {
        let names = fast.split(['(', ')', '`']).filter(|word| word.starts_with("perf/record/") && word.ends_with(end));
        names.collect::<BTreeSet<_>>()
    };
    let (records, pictures) = (named(".md"), named(".svg"));
    assert_eq!((records.len(), pictures.len()), (1, 1), "one run, and its picture");
    let record = records.first().unwrap();
    assert!(pictures.contains(record.replace(".md", ".svg").as_str()), "{pictures:?} is of another run than {record}");
    let kept = fs::read_to_string(root.join(record)).unwrap();
    let figures: Vec<&str> = fast.lines().filter(|line| line.starts_with('|') || line.contains("(p50)")).collect();
    assert!(figures.len() > 4, "{figures:?}");
    for line in figures {
        assert!(kept.contains(line), "{record} does not say: {line}");
    }
    for picture in pictures {
        assert!(root.join(picture).exists(), "{picture}");
    }
}
