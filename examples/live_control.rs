//! Changes what flows while it polls: trades of one instrument, then of another, then none. Stops by itself.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use meltica::bus::data::Delivery;
use meltica::directory::Directory;
use meltica::dispatch::default_routes;
use meltica::engine::control::{ConsumerHandle, ControlOptions};
use meltica::engine::{Engine, EngineOptions};
use meltica::schema::command::Filters;
use meltica::schema::json::Names;
use meltica::sim::{options::SimOptions, source::SimSource};
use meltica::telemetry::{Clock, Ledger};

/// Polls for a second: how many events of each instrument were handed over.
fn poll(desk: &mut ConsumerHandle, directory: &Directory) -> BTreeMap<String, u64> {
    let (until, mut counts) = (Instant::now() + Duration::from_secs(1), BTreeMap::new());
    while Instant::now() < until {
        let looked = desk.poll(256, |delivery| match delivery {
            Delivery::Event(event) => {
                let name = directory.instrument_name(event.header().instrument()).unwrap_or("?");
                *counts.entry(name.to_owned()).or_default() += 1;
            }
            Delivery::Lag(lag) => println!("too slow: missed {} records", lag.count),
        });
        while let Some(answer) = desk.acknowledgement() {
            println!("{:?} from version {}", answer.ack.status, answer.ack.dispatch_version);
        }
        if looked == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    counts
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let venue = SimSource::new(SimOptions::real_time())?;
    // Nothing flows at first.
    let control = ControlOptions { boot: None, ..ControlOptions::default() };
    let options = EngineOptions { live: true, control: Some(control), ..EngineOptions::default() };
    let directory = Arc::new(Directory::default());
    let (routes, clock) = (default_routes(), Clock::default());
    let mut engine =
        Engine::build(options, &routes, Arc::clone(&directory), Box::new(venue), clock, Ledger::default())?;
    let mut desk = engine.control().connect("desk")?;
    engine.start()?;
    let only = |name: &str| Filters::from([("instrument".to_owned(), name.into())]);
    println!("at first {:?}", poll(&mut desk, &directory));
    desk.subscribe("TRADE", only("BTC-USDT"))?;
    println!("subscribed {:?}", poll(&mut desk, &directory));
    desk.update_filters("TRADE", only("ETH-USDT"))?;
    println!("another filter {:?}", poll(&mut desk, &directory));
    desk.unsubscribe("TRADE", None)?;
    println!("unsubscribed {:?}", poll(&mut desk, &directory));
    engine.stop();
    engine.finish()?;
    Ok(())
}
