//! Reads the table of orderings in the room's docs, and holds it against the code.
//!
//! Owns: the sources of the room as text. Thread: a test's. Takes and gives: rows out.
//! Never: part of a build that ships.

/// One row of the table.
#[derive(Debug)]
#[cfg_attr(loom, allow(dead_code, reason = "under loom only the ids are wanted"))]
pub(super) struct Row {
    pub(super) id: &'static str,
    file: &'static str,
    ordering: &'static str,
    partner: &'static str,
}

#[cfg(not(loom))]
const SOURCES: &[(&str, &str)] = &[
    ("copy.rs", include_str!("copy.rs")),
    ("spsc/consumer.rs", include_str!("spsc/consumer.rs")),
    ("spsc/memory.rs", include_str!("spsc/memory.rs")),
    ("spsc/producer.rs", include_str!("spsc/producer.rs")),
    ("spsc/shared.rs", include_str!("spsc/shared.rs")),
    ("broadcast/gates.rs", include_str!("broadcast/gates.rs")),
    ("broadcast/memory.rs", include_str!("broadcast/memory.rs")),
    ("broadcast/publisher.rs", include_str!("broadcast/publisher.rs")),
    ("broadcast/reader.rs", include_str!("broadcast/reader.rs")),
    ("broadcast/shared.rs", include_str!("broadcast/shared.rs")),
    ("broadcast/tap.rs", include_str!("broadcast/tap.rs")),
    ("broadcast/watch.rs", include_str!("broadcast/watch.rs")),
];

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let cells: Vec<&str> =
            line.strip_prefix("//! | `")?.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        Some(Row { id: cells[0], file: cells[1], ordering: cells[2], partner: cells[3] })
    };
    include_str!("mod.rs").lines().filter_map(row).collect()
}

#[cfg(not(loom))]
mod tests {
    use super::{SOURCES, rows};

    /// The code of a file, without comment lines.
    fn code(source: &str) -> String {
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_row_is_one_site_and_its_partner_names_it_back() {
        let rows = rows();
        assert_eq!(rows.len(), 22);
        for row in &rows {
            let sites = |macro_name: &str| format!("{macro_name}!(\"{}\", {})", row.id, row.ordering);
            let in_file = |file: &str, source: &str| {
                let (code, of) = (code(source), [sites("ordering"), sites("fence_at")]);
                let found: usize = of.iter().map(|site| code.matches(site.as_str()).count()).sum();
                assert_eq!(found, usize::from(file == row.file), "{} in {file}", row.id);
            };
            SOURCES.iter().for_each(|(file, source)| in_file(file, source));
            let back = rows.iter().find(|other| other.id == row.partner).map(|other| other.partner);
            assert_eq!(back, Some(row.id), "the partner of {}", row.id);
            assert!(source(row.file).contains(&format!("partner {}", row.partner)), "a comment beside {}", row.id);
        }
    }

    #[test]
    fn no_ordering_but_relaxed_stands_outside_the_table() {
        let named: usize = SOURCES
            .iter()
            .map(|(file, source)| {
                let code = code(source);
                let bare = code.split("Ordering::").skip(1).filter(|rest| !rest.starts_with("Relaxed"));
                assert_eq!(bare.count(), 0, "an ordering without an id in {file}");
                assert!(!code.contains("fence("), "a fence without an id in {file}");
                code.matches("ordering!(\"").count() + code.matches("fence_at!(\"").count()
            })
            .sum();
        assert_eq!(named, rows().len());
    }

    fn source(file: &str) -> &'static str {
        SOURCES.iter().find(|(name, _)| *name == file).map_or("", |(_, source)| source)
    }
}
