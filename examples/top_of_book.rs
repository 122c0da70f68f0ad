//! The top of two books, from an engine embedded in this process. Stops by itself after three seconds.
use std::time::{Duration, Instant};

use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions};
use meltica::engine::Engine;
use meltica::schema::json::Names;
use meltica::schema::payload::Fused;
use meltica::sim::{options::SimOptions, source::SimSource};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let venue = SimSource::new(SimOptions::real_time())?;
    let mut engine = Engine::over(Box::new(venue), &["BTC-USDT", "ETH-USDT"])?;
    let bus = engine.bus().clone();
    let mut tops = bus.subscribe(&bus.type_ids(&["ANALYTICS.FUSED"])?, Filter::all(), SubscribeOptions::default())?;
    engine.start()?;
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let looked = tops.poll(256, |delivery| match delivery {
            Delivery::Event(event) => {
                let name = bus.directory().instrument_name(event.header().instrument()).unwrap_or("?");
                if let Some((bid, ask)) = event.payload::<Fused>().and_then(|f| f.bid().zip(f.ask())) {
                    println!("{name:>9} {bid:>12} {ask:>12}  {}", event.header().quality().name());
                }
            }
            Delivery::Lag(lag) => println!("too slow: missed {} records", lag.count),
        });
        if looked == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    engine.stop();
    engine.finish()?;
    Ok(())
}
