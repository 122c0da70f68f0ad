//! Commands: what reaches the control duty, and which status each of its answers is.

use meltica::schema::command::ControlCode;

use super::rig::{Rig, wish};

#[test]
fn a_command_reaches_the_duty_as_it_was_meant_and_its_answer_comes_back() {
    let rig = Rig::open();
    let body = r#"{"type":"trade","consumer":"desk-1","filters":{"instrument":["BTC-USDT"],"price":{"op":"neq","value":"1"}},
                   "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","leaseSeconds":60}"#;
    let first = rig.post("/control/subscribe", body);
    assert_eq!(
        (first.status, first.body.as_str()),
        (202, r#"{"type":"TRADE","status":"accepted","dispatchVersion":2}"#)
    );
    let again = rig.post("/control/subscribe", body);
    assert_eq!((again.status, again.body.as_str()), (200, r#"{"type":"TRADE","status":"noop","dispatchVersion":2}"#));
    let filters = rig.post("/control/filters", r#"{"type":"TRADE","consumer":"desk-1","filters":{}}"#);
    assert_eq!((filters.status, &filters.json()["dispatchVersion"]), (202, &3.into()));
    let other = rig.post("/control/unsubscribe", r#"{"type":"TRADE","consumer":"desk-2"}"#);
    assert_eq!((other.status, &other.json()["status"]), (200, &"noop".into()));
    let gone = rig.post("/control/unsubscribe", r#"{"type":"TRADE","consumer":"desk-1"}"#);
    assert_eq!((gone.status, &gone.json()["dispatchVersion"]), (202, &4.into()));
    let nobody = rig.post("/control/subscribe", r#"{"type":"TRADE","consumer":null,"traceId":null}"#);
    assert_eq!(nobody.status, 202);
    let heard: Vec<_> = rig.heard.lock().unwrap().iter().map(|row| row.join(" ")).collect();
    let expected = [
        "subscribe trade desk-1 http",
        "subscribe trade desk-1 http",
        "updateFilters TRADE desk-1 http",
        "unsubscribe TRADE desk-2 http",
        "unsubscribe TRADE desk-1 http",
        "subscribe TRADE anonymous http",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn reports_come_as_they_are_with_the_version() {
    let rig = Rig::open();
    let not_ready = rig.get("/readyz");
    assert_eq!(not_ready.status, 503);
    assert_eq!(not_ready.json(), serde_json::json!({"ready": false, "waitsFor": "somebody who wants something"}));
    assert_eq!(rig.post("/control/subscribe", r#"{"type":"TRADE","consumer":"desk"}"#).status, 202);
    assert_eq!(rig.get("/readyz").json(), serde_json::json!({"ready": true, "waitsFor": null}));
    let routes = rig.get("/control/routes").json();
    assert_eq!(
        (&routes["kind"], &routes["dispatchVersion"], &routes["routes"][1]["type"]),
        (&"routes".into(), &2.into(), &"TRADE".into())
    );
    let subscriptions = rig.get("/control/subscriptions").json();
    assert_eq!(subscriptions["consumers"][0]["name"], "desk");
    assert_eq!(rig.get("/status").json()["version"], 2);
    assert_eq!(rig.get("/healthz").json(), serde_json::json!({"alive": true}));
}

#[test]
fn every_refusal_of_the_duty_has_its_status() {
    let mut rig = Rig::open();
    for code in ControlCode::ALL {
        use ControlCode as C;
        let expected = match code {
            C::BadCommand => 400,
            C::UnknownType | C::UnknownInstrument | C::UnknownMarket | C::NotSubscribed => 404,
            C::TooMany => 409,
            C::BadType | C::BadFilter | C::BadLease | C::BadTrace | C::BadConsumer => 422,
            C::Busy => 429,
            C::Closed | C::Unanswered | C::Journal => 503,
        };
        let reply = rig.post("/control/subscribe", &format!(r#"{{"type":"{}"}}"#, wish(*code)));
        assert_eq!((reply.status, reply.code().as_str()), (expected, code.as_str()));
        assert_eq!(
            (&reply.json()["status"], &reply.json()["error"]["message"]),
            (&"error".into(), &"as the test wished".into())
        );
        assert_eq!(reply.header("retry-after"), (expected == 429).then_some("1"), "{code}");
    }
    let dropped = rig.post("/control/subscribe", r#"{"type":"UNANSWERED"}"#);
    assert_eq!((dropped.status, dropped.code().as_str()), (503, "control/unanswered"));
    rig.end_duty();
    for reply in [rig.post("/control/subscribe", r#"{"type":"TRADE"}"#), rig.get("/status"), rig.get("/readyz")] {
        assert_eq!((reply.status, reply.code().as_str()), (503, "control/closed"));
    }
    assert_eq!(rig.get("/healthz").status, 200, "the process is there");
}
