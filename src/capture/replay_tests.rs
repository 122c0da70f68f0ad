//! Tests of the replay: order, shapes, bad input, pace, progress.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64 as Count, Ordering as Order};

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;

fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn captures(paths: &[PathBuf]) -> Vec<CaptureFile> {
    paths.iter().map(|path| CaptureFile { path: path.clone(), market: None }).collect()
}

/// A frame as one line of text.
fn shown(frame: &Frame<'_>) -> String {
    let bytes = String::from_utf8_lossy(frame.bytes);
    let (market, c, n, at) = (frame.market, frame.connection.0, frame.number, frame.receive);
    format!("{market} {c}.{n} {at} {:?} {bytes}", frame.origin)
}

/// Every frame of the files, and the error that ended them, if one did.
fn drain(paths: &[PathBuf], options: ReplayOptions) -> (Vec<String>, Option<String>) {
    let mut frames = Vec::new();
    let mut source = match ReplaySource::open(captures(paths), options) {
        Ok(source) => source,
        Err(err) => return (frames, Some(err.message)),
    };
    loop {
        match source.pull(&mut |frame| frames.push(shown(&frame))) {
            Ok(Pulled::Frame) => {}
            Ok(Pulled::Nothing) => panic!("a replay at full speed never waits"),
            Ok(Pulled::Ended) => return (frames, None),
            Err(err) => {
                let again = source.pull(&mut |_| panic!("a broken source hands nothing over"));
                assert_eq!(again, Err(err.clone()), "a broken source stays broken");
                return (frames, Some(err.message));
            }
        }
    }
}

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade"}}"#;

#[test]
fn each_shape_of_line_is_handed_over_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "5 {TRADE}\r\n6 {{\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}}\n6 {}\n7 {}\n8 {}\n9 {}\n10 {}\n11 {{broken",
        r#"{"rest":"/api/v3/depth?symbol=ethusdt&limit=100","data":{"lastUpdateId": 2}}"#,
        r#"{"rest":"\/api\/v3\/exchangeInfo","data": {"symbols":[]} }"#,
        r#"{"rest":"/api/v3/time","data":[1]}"#,
        r#"{"result":null,"id":1}"#,
        r#"{"rest":"/api/v3/time"}"#,
    );
    let expected = [
        format!("BINANCE-SPOT 0.0 5 Combined {TRADE}"),
        r#"BINANCE-SPOT 0.1 6 RestDepth { symbol: "BTCUSDT", limit: 0 } {"lastUpdateId":1,"bids":[],"asks":[]}"#.into(),
        r#"BINANCE-SPOT 0.2 6 RestDepth { symbol: "ETHUSDT", limit: 100 } {"lastUpdateId": 2}"#.into(),
        r#"BINANCE-SPOT 0.3 7 ExchangeInfo { whole: true } {"symbols":[]}"#.into(),
        r#"BINANCE-SPOT 0.4 8 RestOther { path: "/api/v3/time" } [1]"#.into(),
        r#"BINANCE-SPOT 0.5 9 Combined {"result":null,"id":1}"#.into(),
        r#"BINANCE-SPOT 0.6 10 Combined {"rest":"/api/v3/time"}"#.into(),
        "BINANCE-SPOT 0.7 11 Combined {broken".into(),
    ];
    let (first, second) = text.split_at(60);
    let members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    for (name, bytes) in [("plain.gz", text.as_bytes()), ("one.txt", &gzip(text.as_bytes())), ("members.gz", &members)]
    {
        let (frames, error) = drain(&[file(dir.path(), name, bytes)], ReplayOptions::default());
        assert_eq!((frames.as_slice(), error), (&expected[..], None), "{name}");
    }
}

#[test]
fn files_are_merged_by_time_and_equal_times_keep_the_order_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let spot = file(dir.path(), "spot", b"1 {\"stream\":\"a@bookTicker\",\"data\":{\"u\":1}}\n3 b\n3 c\n9 d\n");
    let usdm = file(dir.path(), "usdm", b"2 {\"stream\":\"!forceOrder@arr\",\"data\":{}}\n3 f\n10 g\n");
    let third = file(dir.path(), "third", b"3 h\n");
    let (frames, error) = drain(&[spot, usdm, third], ReplayOptions::default());
    assert_eq!(error, None);
    let ends: Vec<_> = frames.iter().map(|f| f.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "BINANCE-SPOT 0.0 1",
        "BINANCE-USDM 1.0 2",
        "BINANCE-SPOT 0.1 3",
        "BINANCE-SPOT 0.2 3",
        "BINANCE-USDM 1.1 3",
        "BINANCE-SPOT 2.0 3",
        "BINANCE-SPOT 0.3 9",
        "BINANCE-USDM 1.2 10",
    ];
    assert_eq!(ends, expected);
}

/// What is wrong, the file's bytes, frames handed over before it, what the error must say.
type BadInput = (&'static str, Vec<u8>, usize, &'static [&'static str]);

fn bad_inputs() -> Vec<BadInput> {
    let line = |stamp: u64| format!("{stamp} {TRADE}\n").into_bytes();
    let many: Vec<u8> = (0..2_000).flat_map(line).collect();
    let packed = gzip(&many);
    let mut damaged = packed.clone();
    let middle = damaged.len() - 6;
    damaged[middle] ^= 0xff;
    let two = r#"{"stream":"ethusdt@trade","data":{}}"#;
    let bare = r#"{"lastUpdateId":1,"bids":[],"asks":[]}"#;
    let late: Vec<u8> = [line(1), format!("2 {bare}\n").into_bytes()]
        .concat()
        .into_iter()
        .chain((3..3_000).flat_map(line))
        .chain(format!("3000 {two}\n").into_bytes())
        .collect();
    vec![
        ("empty", vec![], 0, &["bad: holds no line: expected at least one message; "]),
        ("empty gzip", gzip(b""), 0, &["bad: holds no line"]),
        (
            "no stamp",
            b"{\"stream\":\"a@trade\"}\n".to_vec(),
            0,
            &["bad:1: ", "expected `<receive time, unix ns> <json>`; "],
        ),
        (
            "header",
            b"wss://host <-> 1\n1633998512.06: {}\n".to_vec(),
            0,
            &[r#"bad:1: the line begins with "wss://host <-> 1""#],
        ),
        ("seconds", b"1633998512.06: {}\n".to_vec(), 0, &["bad:1: ", "unix ns"]),
        ("stamp alone", b"12\n".to_vec(), 0, &["bad:1: "]),
        ("blank line", [line(1), b"\n".to_vec()].concat(), 1, &["bad:2: the line begins with \"\""]),
        ("huge stamp", b"99999999999999999999 {}\n".to_vec(), 0, &["bad:1: the stamp", "2262"]),
        ("binary", vec![0, 159, 146, 150, 27, 91], 0, &[r#"bad:1: the line begins with "\x00\x9f\x92\x96\x1b["#]),
        (
            "not UTF-8",
            [line(1), b"2 {\"a\":\"\xff\"}\n".to_vec()].concat(),
            1,
            &["bad:2: byte 9 of the line is not UTF-8"],
        ),
        ("backwards", [line(7), line(8), line(6)].concat(), 2, &["bad:3: time goes backwards, from 8 to 6", "sort"]),
        (
            "long line",
            [line(1), vec![b'2'], vec![b' '; 5_000]].concat(),
            1,
            &["bad:2: the line is longer than 4096 bytes", "limits.line_bytes"],
        ),
        (
            "long gzip line",
            gzip(&[b"1 ".to_vec(), vec![0; 50_000_000]].concat()),
            0,
            &["bad:1: the line is longer than 4096 bytes"],
        ),
        ("cut gzip", packed[..packed.len() / 2].to_vec(), usize::MAX, &["the gzip stream is cut off", "copy"]),
        ("cut gzip trailer", packed[..packed.len() - 4].to_vec(), 2_000, &["bad:2001: the gzip stream is cut off"]),
        ("damaged gzip", damaged, 2_000, &["bad:2001: the gzip stream is damaged"]),
        ("gzip magic alone", vec![0x1f, 0x8b], 0, &["bad:1: the gzip stream is cut off"]),
        ("zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0], 0, &["bad: is packed with zstd", "unzstd"]),
        (
            "body of two",
            format!("1 {bare}\n2 {TRADE}\n3 {two}\n").into_bytes(),
            0,
            &["bad:1: ", "BTCUSDT and (line 3) ETHUSDT", r#"{"rest":"#],
        ),
        ("body of none", format!("1 {bare}\n").into_bytes(), 0, &["bad:1: a depth body without a symbol", "names one"]),
        (
            "body, much later two",
            late,
            2_999,
            &["bad:3000: ETHUSDT is named here", "line 2 was taken to be of BTCUSDT"],
        ),
    ]
}

#[test]
fn bad_input_is_told_with_its_place_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, before, says) in bad_inputs() {
        let path = file(dir.path(), "bad", &bytes);
        let options = ReplayOptions { line_bytes_max: 4_096, ..ReplayOptions::default() };
        let (frames, error) = drain(&[path], options);
        let error = error.unwrap_or_else(|| panic!("{name}: no error"));
        assert!(before == usize::MAX || frames.len() == before, "{name}: {} frames", frames.len());
        for part in says {
            assert!(error.contains(part), "{name}: {error:?} lacks {part:?}");
        }
        assert!(!error.contains(char::is_control), "{name}: {error:?}");
    }
}

#[test]
fn what_is_no_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        (dir.path().join("absent"), "cannot be opened"),
        (dir.path().to_owned(), "is a directory"),
        (PathBuf::from("/dev/null"), "is not a regular file"),
        (PathBuf::from("a\0b"), "cannot be opened"),
    ];
    for (path, says) in cases {
        let error = drain(std::slice::from_ref(&path), ReplayOptions::default()).1.unwrap();
        assert!(error.contains(says) && error.contains("expected a capture file; "), "{error}");
    }
    assert!(drain(&[], ReplayOptions::default()).1.unwrap().contains("expected 1 to 65535"));
}

#[test]
fn a_recorded_pace_waits_for_the_clock_that_is_handed_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "a", b"1000 a\n1000 b\n1500 c\n");
    let clock = Arc::new(Count::new(77));
    let reading = Arc::clone(&clock);
    let speed = Speed::Recorded(Box::new(move || reading.load(Order::Relaxed)));
    let options = ReplayOptions { speed, ..ReplayOptions::default() };
    let mut source = ReplaySource::open(captures(&[path]), options).unwrap();
    let mut pull = |at: u64| {
        clock.store(at, Order::Relaxed);
        source.pull(&mut |_| {}).unwrap()
    };
    for (at, expected) in [
        (77, Pulled::Frame),
        (77, Pulled::Frame),
        (77, Pulled::Nothing),
        (576, Pulled::Nothing),
        (577, Pulled::Frame),
        (577, Pulled::Ended),
        (9_999, Pulled::Ended),
    ] {
        assert_eq!(pull(at), expected, "at {at}");
    }
}

#[test]
fn progress_reaches_its_total_and_unserved_requests_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let text: Vec<u8> = (0..50_000).flat_map(|n| format!("{n} {TRADE}\n").into_bytes()).collect();
    let paths = [file(dir.path(), "plain", &text), file(dir.path(), "packed", &gzip(&text))];
    let count = Arc::new(Count::new(0));
    let seen = Arc::clone(&count);
    let unserved = Box::new(move || {
        seen.fetch_add(1, Order::Relaxed);
    });
    let mut source =
        ReplaySource::open(captures(&paths), ReplayOptions { unserved, ..ReplayOptions::default() }).unwrap();
    let progress = source.progress();
    let total: u64 = paths.iter().map(|p| std::fs::metadata(p).unwrap().len()).sum();
    assert_eq!(progress.total(), total);
    assert!(progress.read() < total / 2);
    let mut last = 0;
    while source.pull(&mut |_| {}).unwrap() == Pulled::Frame {
        assert!(progress.read() >= last);
        last = progress.read();
    }
    assert_eq!(progress.read(), total);
    source.request_snapshot(SnapshotRequest {
        market: Market::BinanceSpot,
        symbol: "BTCUSDT",
        epoch: 1,
        urgency: crate::schema::frame::Urgency::Book,
    });
    assert_eq!(count.load(Order::Relaxed), 1);
}

#[test]
fn real_captures_have_every_message_and_tell_their_market() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = std::env::var_os("MELTICA_CAPTURES").map_or(manifest.join("../shared/captures"), PathBuf::from);
    let table = [
        ("spot_btcusdt_20240808_first120s.gz", 13_753, Market::BinanceSpot, "BTCUSDT"),
        ("usdm_btcusdt_20240808_first60s.gz", 15_738, Market::BinanceUsdm, "BTCUSDT"),
        ("usdm_ethusdt_20240808_first30s.gz", 6_665, Market::BinanceUsdm, "ETHUSDT"),
    ];
    let mut bodies = 0;
    for (name, messages, market, only) in table {
        let path = root.join("hftbacktest").join(name);
        if !path.exists() {
            println!("skipped: {} is absent; set MELTICA_CAPTURES", path.display());
            return;
        }
        let mut source = ReplaySource::open(captures(&[path]), ReplayOptions::default()).unwrap();
        let guess = source.files().next().unwrap().guess;
        assert_eq!((guess.market, guess.against), (market, None), "{name}");
        let (mut frames, mut last) = (0, i64::MIN);
        let mut take = |frame: Frame<'_>| {
            assert!(frame.receive.0 >= last && frame.number == frames && frame.market == market);
            (frames, last) = (frames + 1, frame.receive.0);
            if let Origin::RestDepth { symbol, limit } = frame.origin {
                assert_eq!((symbol, limit), (only, 0));
                assert!(frame.bytes.starts_with(b"{\"lastUpdateId\":") && frame.bytes.ends_with(b"}"));
                bodies += 1;
            }
        };
        while source.pull(&mut take).unwrap() == Pulled::Frame {}
        assert_eq!(frames, messages, "{name}");
    }
    assert_eq!(bodies, 3);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(192))]
    #[test]
    fn no_bytes_make_a_replay_panic(
        bytes in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..200),
        pick in proptest::collection::vec(0usize..6, 0..12),
        pack in proptest::arbitrary::any::<bool>(),
    ) {
        let parts: [&[u8]; 6] =
            [b"1 ", b"2 {\"stream\":\"a@depth\",\"data\":{", b"\n", b"{\"rest\":\"/api/v3/depth?symbol=", b"\"", &bytes];
        let text: Vec<u8> = pick.iter().flat_map(|at| parts[*at].to_vec()).collect();
        let dir = tempfile::tempdir().unwrap();
        let text = if pack { gzip(&text) } else { text };
        let (frames, error) = drain(&[file(dir.path(), "fuzz", &text)], ReplayOptions::default());
        proptest::prop_assert!(error.is_some() || !frames.is_empty());
    }
}
