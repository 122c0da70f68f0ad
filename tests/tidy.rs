//! Holds the house to its plan: floors, homes of foreign crates, where `unsafe` may stand, the table of orderings, headers
//! of files. Sizes only warn.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor (ARCHITECTURE.md, "Rooms and floors").
const FLOORS: [&[&str]; 6] = [
    &["schema", "sync"],
    &["ring", "snapshot", "agent", "config", "directory"],
    &["telemetry", "capture"],
    &["binance", "dispatch", "conductor", "bus"],
    &["engine", "sim"],
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
const HOMES: [(&str, &[&str]); 26] = [
    ("simd_json", &["binance"]),
    ("ureq", &["binance"]),
    ("webpki_roots", &["binance"]),
    ("arc_swap", &["dispatch", "engine"]),
    ("core_affinity", &["agent"]),
    ("hdrhistogram", &["telemetry", "bus"]),
    ("quanta", &["telemetry"]),
    ("flate2", &["capture", "cli"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("signal_hook", &["cli"]),
    ("serde_saphyr", &["config", "dispatch", "sim"]),
    ("garde", &["config"]),
    ("schemars", &["config"]),
    ("humantime_serde", &["config", "cli"]),
    ("crossbeam_queue", &["bus", "engine"]),
    ("loom", &["sync", "ring", "snapshot"]),
    ("bytemuck", &["schema", "binance", "dispatch", "conductor", "bus", "engine", "sim", "snapshot"]),
    ("httparse", &["sim", "engine", "binance"]),
    ("mio", &["sim", "binance"]),
    ("rcgen", &["sim"]),
    ("rustls", &["sim", "binance"]),
    ("socket2", &["sim", "binance"]),
    ("tungstenite", &["sim", "binance"]),
    ("tempfile", &["capture", "config", "cli"]),
    (
        "proptest",
        &["schema", "binance", "dispatch", "conductor", "bus", "sim", "capture", "config", "snapshot", "ring"],
    ),
];

/// Crates that any room may name.
const EVERYWHERE: [&str; 6] = ["std", "core", "serde", "serde_json", "smallvec", "thiserror"];

/// Rooms in which `unsafe` may stand.
const UNSAFE_ROOMS: [&str; 2] = ["ring", "snapshot"];

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

/// Code without comments and string contents, line by line, so that prose does not count as code.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    text.lines().enumerate().map(|(at, line)| {
        let code = line.find("//").map_or(line, |cut| &line[..cut]);
        (at + 1, code.to_owned())
    })
}

/// Every `crate::room` (or `meltica::room`) that a line names, grouped imports included.
fn rooms_named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        found.push(word);
    }
    found
}

#[test]
fn rooms_look_only_down() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        let Some(floor) = floor_of(&room) else { continue };
        for (line, code) in code_lines(&text) {
            for named in rooms_named(&code) {
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
        for (line, code) in code_lines(&text) {
            if path.components().any(|c| c.as_os_str() == "tests") {
                continue;
            }
            for (foreign, homes) in HOMES {
                let named = code.contains(&format!("{foreign}::")) && !code.contains(&format!("::{foreign}::"))
                    || code.contains(&format!(" ::{foreign}::"));
                if named && floor_of(&room).is_some() && !homes.contains(&room.as_str()) {
                    faults.push(format!("{}:{line}: `{foreign}` lives in {homes:?}, not in `{room}`", path.display()));
                }
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
            || bench_and_test_only.contains(&name.as_str())
            || name == "crossbeam_utils";
        assert!(known, "Cargo.toml names `{name}`: give it a home in tests/tidy.rs");
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
            if !words.contains(&"unsafe") || code.contains('"') {
                continue;
            }
            if !UNSAFE_ROOMS.contains(&room.as_str()) {
                faults.push(format!("{}:{line}: `unsafe` outside of {UNSAFE_ROOMS:?}", path.display()));
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
        for (line, code) in code_lines(&text) {
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
            let logic =
                code_lines(&text).find(|(_, c)| c.contains("fn ") || c.contains("impl ") || c.contains("struct "));
            if let Some((line, _)) = logic {
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
