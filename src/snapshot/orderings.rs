//! Purpose: reads the table of orderings in the room's docs and holds it against the code.
//! Owns: the room's sources as text. Thread: a test's. Takes and gives: ids. Never: part of a build that ships.

/// Id, file, ordering and partner of each row.
pub(super) fn rows() -> Vec<[&'static str; 4]> {
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.strip_prefix("//! | `")?.split('|').map(|c| c.trim().trim_matches('`')).collect();
        Some([*cells.first()?, *cells.get(1)?, *cells.get(2)?, *cells.get(3)?])
    };
    let table = include_str!("mod.rs").split_once("# Orderings").map_or("", |(_, table)| table);
    table.lines().filter_map(row).collect()
}

#[cfg(not(loom))]
mod tests {
    use super::rows;

    const SOURCES: [(&str, &str); 5] = [
        ("memory.rs", include_str!("memory.rs")),
        ("slot.rs", include_str!("slot.rs")),
        ("stamp.rs", include_str!("stamp.rs")),
        ("sweeper.rs", include_str!("sweeper.rs")),
        ("table.rs", include_str!("table.rs")),
    ];

    #[test]
    fn each_row_is_one_site_and_its_partner_names_it_back() {
        let rows = rows();
        assert_eq!(rows.len(), 6);
        for [id, file, ordering, partner] in &rows {
            for (name, source) in SOURCES {
                let sites = [format!("ordering!(\"{id}\", {ordering})"), format!("fence_at!(\"{id}\", {ordering})")];
                let found: usize = sites.iter().map(|site| source.matches(site.as_str()).count()).sum();
                assert_eq!(found, usize::from(name == *file), "{id} in {name}");
            }
            let back = rows.iter().find(|row| row[0] == *partner).map(|row| row[3]);
            assert_eq!(back, Some(*id), "the partner of {id}");
        }
    }

    #[test]
    fn no_ordering_but_relaxed_stands_outside_the_table() {
        let mut named = 0;
        for (name, source) in SOURCES {
            for bare in ["Ordering::Acquire", "Ordering::Release", "Ordering::AcqRel", "fence(Ordering"] {
                assert!(!source.contains(bare), "{bare} in {name}");
            }
            named += source.matches("ordering!(\"").count() + source.matches("fence_at!(\"").count();
        }
        assert_eq!(named, rows().len());
    }
}
