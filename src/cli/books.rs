//! Purpose: the books of a run as one JSON object. Owns: its form. Thread: main, after the run.
//! Takes and gives: book reports in, bytes out. Never: leaves a level out, or rounds one.

use crate::conductor::BookReport;
use crate::schema::decimal::Decimal;
use crate::schema::json::{Names, write_text};

/// Writes `{ "MARKET/INSTRUMENT": { updateId, quality, knownRange { bid, ask }, applied, dropped, agree, disagree, bids,
/// asks } }`, instruments in order of their names, best levels first, levels outside the known range included.
pub(super) fn write_books(reports: &[BookReport], directory: &crate::directory::Directory) -> Vec<u8> {
    let mut named: Vec<(String, &BookReport)> = reports.iter().map(|r| (name_of(r, directory), r)).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out = b"{".to_vec();
    for (at, (name, report)) in named.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        write_text(name, &mut out);
        out.push(b':');
        write_book(report, &mut out);
    }
    out.extend_from_slice(b"\n}\n");
    out
}

fn name_of(report: &BookReport, directory: &crate::directory::Directory) -> String {
    let market = directory.instrument(report.instrument).map_or("?", |i| i.market.name());
    format!("{market}/{}", directory.instrument_name(report.instrument).unwrap_or("?"))
}

fn write_book(report: &BookReport, out: &mut Vec<u8>) {
    let update_id = report.update_id.map_or("null".to_owned(), |id| id.to_string());
    let head = format!(
        "{{\"updateId\":{update_id},\"quality\":\"{}\",\"knownRange\":{{\"bid\":{},\"ask\":{}}},\"applied\":{},\"dropped\":{},\"agree\":{},\"disagree\":{}",
        report.quality.name(),
        bound(report.known_bid),
        bound(report.known_ask),
        report.applied,
        report.dropped,
        report.agree,
        report.disagree
    );
    out.extend_from_slice(head.as_bytes());
    for (key, levels) in [("bids", &report.bids), ("asks", &report.asks)] {
        out.extend_from_slice(format!(",\"{key}\":[").as_bytes());
        for (at, (price, quantity)) in levels.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            out.extend_from_slice(format!("{comma}[\"{price}\",\"{quantity}\"]").as_bytes());
        }
        out.push(b']');
    }
    out.push(b'}');
}

fn bound(price: Option<Decimal>) -> String {
    price.map_or("null".to_owned(), |p| format!("\"{p}\""))
}
