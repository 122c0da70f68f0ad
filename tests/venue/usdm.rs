//! A capture of USD-M in the market's place: its paths, its routes, its limits.

use std::path::PathBuf;

use meltica::schema::id::Market;
use meltica::sim::venue::{CaptureOptions, Venue, VenueLimits, VenueOptions};
use serde_json::{Value, json};

use crate::client::{ask, connect, get, json, text, try_connect, until, venue};

/// Diffs around a body, a best price, an aggregate trade, a mark price.
fn written(dir: &std::path::Path) -> PathBuf {
    let data = |stream: &str, payload: &str| format!(r#"{{"stream":"{stream}","data":{{{payload}}}}}"#);
    let diff = |first: u64, last: u64, previous: u64| {
        let payload = format!(
            r#""e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":{first},"u":{last},"pu":{previous},"b":[["9.0","{last}"]],"a":[]"#
        );
        data("btcusdt@depth@0ms", &payload)
    };
    let body = r#"{"lastUpdateId":15,"E":1,"T":1,"bids":[["9.0","12"]],"asks":[["10.0","1"]]}"#;
    let lines = [
        diff(5, 9, 4),
        data(
            "btcusdt@aggTrade",
            r#""e":"aggTrade","E":1,"a":1,"s":"BTCUSDT","p":"9.0","q":"1","f":1,"l":1,"T":1,"m":true"#,
        ),
        diff(12, 20, 9),
        format!(r#"{{"rest":"/fapi/v1/depth?symbol=BTCUSDT&limit=1000","data":{body}}}"#),
        data("btcusdt@markPrice@1s", r#""e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"9.0","i":"9.0","r":"0","T":1"#),
        diff(23, 30, 20),
    ];
    let text: String = lines.iter().enumerate().map(|(n, line)| format!("{} {line}\n", 1_000 + n)).collect();
    let path = dir.join("usdm.capture");
    std::fs::write(&path, text).unwrap();
    path
}

fn served(dir: &std::path::Path) -> Venue {
    let capture = CaptureOptions { files: vec![written(dir)], speed: 0 };
    let market = capture.market().unwrap();
    assert_eq!(market, Market::BinanceUsdm);
    venue(|options| {
        options.limits = VenueLimits::of(market);
        // One window, whenever the test runs.
        options.limits.weight_window = std::time::Duration::from_secs(86_400 * 365 * 100);
        options.capture = Some(capture);
    })
}

fn subscribe(names: &[&str]) -> String {
    json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string()
}

#[test]
fn each_route_speaks_its_own_streams_and_the_other_ones_stay_silent() {
    let dir = tempfile::tempdir().unwrap();
    let venue = served(dir.path());
    let address = venue.address();
    let all = ["btcusdt@depth@0ms", "btcusdt@aggTrade", "btcusdt@markPrice@1s"];
    let done = json!({"result": null, "id": 1});
    let mut bare = connect(address, "/ws");
    assert_eq!(ask(&mut bare, &subscribe(&["btcusdt@aggTrade"])), done);
    let mut public = connect(address, "/public/stream");
    assert_eq!(ask(&mut public, &subscribe(&all)), done, "a name at the wrong route is acknowledged");
    let listed = ask(&mut public, r#"{"method":"LIST_SUBSCRIPTIONS","id":2}"#);
    assert_eq!(listed["result"].as_array().unwrap().len(), 3, "and listed");
    // All streams have a reader with this one: it starts.
    let mut market = connect(address, "/market/ws/btcusdt@aggTrade/btcusdt@markPrice@1s/btcusdt@depth@0ms");
    assert_eq!(json(&mut market)["e"], "aggTrade");
    let ids = |frame: Value| (frame["stream"].as_str().unwrap().to_owned(), frame["data"]["u"].as_u64().unwrap());
    assert_eq!(ids(json(&mut public)), (all[0].to_owned(), 9));
    assert_eq!(ids(json(&mut public)), (all[0].to_owned(), 20));
    assert_eq!(json(&mut market)["e"], "markPriceUpdate", "what came before the diff that waits for the body");
    assert_eq!(get(address, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000").json()["lastUpdateId"], 15);
    assert_eq!(ids(json(&mut public)), (all[0].to_owned(), 30));
    until("it has ended", || venue.capture_progress().unwrap().ended);
    // Had a frame come by the wrong route, it would stand before these answers.
    for socket in [&mut bare, &mut market, &mut public] {
        assert!(text(socket_asks(socket)).contains("result"));
    }
}

fn socket_asks(socket: &mut crate::client::Socket) -> &mut crate::client::Socket {
    let message = r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#;
    socket.send(tungstenite::Message::text(message)).unwrap();
    socket
}

#[test]
fn rest_has_the_paths_weights_and_limits_of_the_market() {
    let dir = tempfile::tempdir().unwrap();
    let venue = served(dir.path());
    let address = venue.address();
    let info = get(address, "/fapi/v1/exchangeInfo").json();
    assert_eq!(info["rateLimits"][0]["limit"], 2_400);
    let symbol = &info["symbols"][0];
    assert_eq!((&symbol["symbol"], &symbol["pair"]), (&json!("BTCUSDT"), &json!("BTCUSDT")));
    assert_eq!((&symbol["contractType"], &symbol["status"]), (&json!("PERPETUAL"), &json!("TRADING")));
    let catalogue = meltica::binance::catalogue::read(Market::BinanceUsdm, info.to_string().as_bytes()).unwrap();
    assert_eq!((&*catalogue.instruments[0].name, catalogue.weight_per_minute), ("BTC-USDT", Some(2_400)));
    // target → status, code, weight used so far (exchangeInfo took 1)
    let table = [
        ("depth?symbol=BTCUSDT&limit=50", 200, 0, 3),
        ("depth?symbol=BTCUSDT&limit=100", 200, 0, 8),
        ("depth?symbol=BTCUSDT", 200, 0, 18),
        ("depth?symbol=BTCUSDT&limit=1000", 200, 0, 38),
        ("depth?symbol=BTCUSDT&limit=40", 400, -4021, 40),
        ("depth?symbol=BTCUSDT&limit=5000", 400, -1130, 60),
        ("depth?symbol=ETHUSDT&limit=5", 400, -1121, 62),
        ("ping", 200, 0, 63),
        ("time", 200, 0, 64),
    ];
    for (target, status, code, used) in table {
        let answer = get(address, &format!("/fapi/v1/{target}"));
        assert_eq!((answer.status, answer.json()["code"].as_i64().unwrap_or(0)), (status, code), "{target}");
        assert_eq!(answer.header("x-mbx-used-weight-1m"), Some(used.to_string().as_str()), "{target}");
        assert_eq!(answer.header("x-mbx-used-weight"), None, "{target}");
    }
    for target in ["/api/v3/ping", "/api/v3/depth?symbol=BTCUSDT", "/fapi/v1/trades?symbol=BTCUSDT"] {
        assert_eq!(get(address, target).status, 404, "{target}");
    }
}

#[test]
fn limits_are_those_of_the_market_and_a_spot_venue_has_no_routes() {
    let dir = tempfile::tempdir().unwrap();
    let usdm = served(dir.path());
    let mut socket = connect(usdm.address(), "/public/ws");
    let names: Vec<String> = (0..201).map(|n| format!("s{n}@trade")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(ask(&mut socket, &subscribe(&names)).to_string().contains("200"), "a stream too many");
    for n in 0..9 {
        let done = json!({"result": null, "id": 1});
        assert_eq!(ask(&mut socket, &subscribe(&names[n..=n])), done, "a tenth message within a second is fine");
    }
    for _ in 0..40 {
        // The venue may have closed already.
        let _ = socket.send(tungstenite::Message::text(subscribe(&names[..1])));
    }
    until("too many messages are not", || usdm.stats().exceeded.messages == 1);
    let spot = venue(|_| {});
    for path in ["/public/ws", "/public/stream", "/market/ws/btcusdt@trade", "/market/stream"] {
        assert!(try_connect(spot.address(), path).is_err(), "{path}");
        assert!(try_connect(usdm.address(), path).is_ok(), "{path}");
    }
    assert!(try_connect(usdm.address(), "/private/ws").is_err());
}

#[test]
fn a_venue_is_of_its_captures_market_and_of_one_only() {
    let dir = tempfile::tempdir().unwrap();
    let venue = served(dir.path());
    assert_eq!(venue.market(), Market::BinanceUsdm);
    assert_eq!(venue.capture_streams(), ["btcusdt@aggTrade", "btcusdt@depth@0ms", "btcusdt@markPrice@1s"]);
    let spot = dir.path().join("spot.capture");
    let diff = r#"{"stream":"abusdt@depth","data":{"e":"depthUpdate","U":1,"u":2,"b":[],"a":[]}}"#;
    std::fs::write(&spot, format!("1 {diff}\n")).unwrap();
    let capture = CaptureOptions { files: vec![spot, written(dir.path())], speed: 0 };
    let refused = Venue::start(VenueOptions { capture: Some(capture), ..VenueOptions::default() }).unwrap_err();
    assert!(refused.to_string().contains("a venue is of one market"), "{refused}");
}
