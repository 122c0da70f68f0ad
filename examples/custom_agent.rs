//! An agent of one's own beside the engine's: adds up the quantity traded, on a thread that the engine's runner drives.
use meltica::agent::{Agent, Failure, Runner, RunnerOptions, Shutdown};
use meltica::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use meltica::schema::{canonical_type::builtin, decimal::Decimal, payload::Trade};
use meltica::{engine::Engine, sim::options::SimOptions, sim::source::SimSource};

struct Volume(Subscription, Decimal);

impl Agent for Volume {
    fn name(&self) -> &str {
        "volume"
    }
    fn do_work(&mut self) -> usize {
        let Volume(trades, sum) = self;
        trades.poll(256, |delivery| {
            if let Delivery::Event(event) = delivery {
                let more = event.payload::<Trade>().and_then(Trade::quantity).unwrap_or_default();
                *sum = sum.checked_add(more).unwrap_or_default();
            }
        })
    }
    fn on_close(&mut self) {
        println!("{} BTC changed hands", self.1);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::over(Box::new(SimSource::new(SimOptions::real_time())?), &["BTC-USDT"])?;
    let trades = engine.bus().subscribe(&[builtin::TRADE], Filter::all(), SubscribeOptions::LOSSLESS)?;
    let volume = Box::new(Volume(trades, Decimal::ZERO));
    let agent = Runner::spawn(volume, RunnerOptions::new("volume"), Shutdown::new(), Failure::new())?;
    engine.start()?;
    std::thread::sleep(std::time::Duration::from_secs(3));
    engine.stop();
    engine.finish()?;
    agent.stop();
    agent.join()?;
    Ok(())
}
