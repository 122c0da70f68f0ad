//! What agents are promised by those that run them: order of calls, drain before close, named panics, degraded pins.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use meltica::agent::{
    Agent, Composite, CycleMeter, DutyCounts, Ended, Failure, Handle, IdleStrategy, Placement, Runner, RunnerOptions,
    Settled, Shutdown, Stepper, record_panic_sites, stop_in_order, usable_cores,
};

type Diary = Arc<Mutex<Vec<String>>>;
type Queue = Arc<Mutex<VecDeque<u32>>>;

/// Writes down its calls; works on what a queue holds and hands it on to the next.
struct Stage {
    name: String,
    diary: Diary,
    input: Queue,
    output: Option<Queue>,
    ends_when_empty: bool,
    panics_at: Option<&'static str>,
}

impl Stage {
    fn new(name: &str, diary: &Diary) -> Stage {
        Stage {
            name: name.into(),
            diary: Arc::clone(diary),
            input: Queue::default(),
            output: None,
            ends_when_empty: false,
            panics_at: None,
        }
    }

    fn holding(self, items: u32) -> Stage {
        self.input.lock().expect("a poisoned test lock").extend(0..items);
        self
    }

    fn before(mut self, next: &Stage) -> Stage {
        self.output = Some(Arc::clone(&next.input));
        self
    }

    fn ending(mut self) -> Stage {
        self.ends_when_empty = true;
        self
    }

    fn panicking_at(mut self, call: &'static str) -> Stage {
        self.panics_at = Some(call);
        self
    }

    fn note(&self, call: &'static str) {
        self.diary.lock().expect("a poisoned test lock").push(format!("{} {call}", self.name));
        if self.panics_at == Some(call) {
            panic!("{} broke at {call}", self.name);
        }
    }
}

impl Agent for Stage {
    fn name(&self) -> &str {
        &self.name
    }
    fn on_start(&mut self) {
        self.note("start");
    }
    fn do_work(&mut self) -> usize {
        let Some(item) = self.input.lock().expect("a poisoned test lock").pop_front() else { return 0 };
        self.note("work");
        if let Some(output) = &self.output {
            output.lock().expect("a poisoned test lock").push_back(item);
        }
        1
    }
    fn is_done(&self) -> bool {
        self.ends_when_empty && self.input.lock().expect("a poisoned test lock").is_empty()
    }
    fn on_stop(&mut self) {
        self.note("stop");
    }
    fn on_close(&mut self) {
        self.note("close");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.panics_at == Some("drop") {
            panic!("{} broke at drop", self.name);
        }
    }
}

fn spawn(agent: impl Agent + 'static, shutdown: &Shutdown, failure: &Failure) -> Handle {
    let options = RunnerOptions::new(agent.name());
    Runner::spawn(Box::new(agent), options, shutdown.clone(), failure.clone()).expect("a thread for a test")
}

fn lines(diary: &Diary) -> Vec<String> {
    diary.lock().expect("a poisoned test lock").clone()
}

#[test]
fn an_agent_that_is_done_ends_its_thread_and_is_closed_once() {
    let diary = Diary::default();
    let agent = Stage::new("source", &diary).holding(2).ending();
    let report = spawn(agent, &Shutdown::new(), &Failure::new()).join().unwrap();
    assert_eq!(report.ended, Ended::Done);
    assert_eq!((report.duty.busy, report.duty.work, report.duty.idle), (2, 2, 1));
    assert_eq!(lines(&diary), ["source start", "source work", "source work", "source close"]);
}

#[test]
fn a_stop_that_came_first_still_drains_before_it_closes() {
    let diary = Diary::default();
    let shutdown = Shutdown::new();
    shutdown.request();
    let report = spawn(Stage::new("sink", &diary).holding(3), &shutdown, &Failure::new()).join().unwrap();
    assert_eq!(report.ended, Ended::Drained);
    let expected = ["sink start", "sink work", "sink stop", "sink work", "sink work", "sink close"];
    assert_eq!(lines(&diary), expected);
}

#[test]
fn a_drain_has_a_bound_and_says_when_it_was_reached() {
    let diary = Diary::default();
    let shutdown = Shutdown::new();
    shutdown.request();
    let agent = Stage::new("flood", &diary).holding(100);
    let options = RunnerOptions { drain_cycles_max: 5, ..RunnerOptions::new("flood") };
    let report = Runner::spawn(Box::new(agent), options, shutdown, Failure::new()).unwrap().join().unwrap();
    assert_eq!((report.ended, report.duty.work), (Ended::Undrained, 6));
    assert_eq!(lines(&diary).last().map(String::as_str), Some("flood close"));
}

#[test]
fn stages_stopped_in_order_lose_nothing_between_them() {
    const ITEMS: u32 = 1_000;
    for idle in [IdleStrategy::SPIN_THEN_YIELD, IdleStrategy::BACK_OFF] {
        let diary = Diary::default();
        let last = Stage::new("last", &diary);
        let middle = Stage::new("middle", &diary).before(&last);
        let first = Stage::new("first", &diary).before(&middle).holding(ITEMS);
        let handles = [first, middle, last].map(|stage| {
            let options = RunnerOptions { idle, ..RunnerOptions::new(stage.name()) };
            Runner::spawn(Box::new(stage), options, Shutdown::new(), Failure::new()).unwrap()
        });
        let reports = stop_in_order(handles.into());
        for report in reports {
            let report = report.unwrap();
            assert_eq!((report.ended, report.duty.work), (Ended::Drained, u64::from(ITEMS)), "{}", report.name);
        }
        let closed: Vec<String> = lines(&diary).into_iter().filter(|line| line.ends_with("close")).collect();
        assert_eq!(closed, ["first close", "middle close", "last close"]);
    }
}

#[test]
fn a_handle_stops_an_agent_that_is_parked_for_long() {
    let diary = Diary::default();
    let hour = 3_600_000_000_000;
    let idle = IdleStrategy::Backoff { spins: 0, yields: 0, park_min_ns: hour, park_max_ns: hour };
    let options = RunnerOptions { idle, ..RunnerOptions::new("sleeper") };
    let handle =
        Runner::spawn(Box::new(Stage::new("sleeper", &diary)), options, Shutdown::new(), Failure::new()).unwrap();
    while handle.duty().idle == 0 {
        std::thread::yield_now();
    }
    handle.stop();
    assert_eq!(handle.join().unwrap().ended, Ended::Drained);
}

#[test]
fn a_panic_names_its_stage_and_place_and_reaches_the_failure_cell() {
    record_panic_sites();
    for (call, closed) in [("start", 0), ("work", 0), ("stop", 0), ("close", 1), ("drop", 1)] {
        let diary = Diary::default();
        let (shutdown, failure) = (Shutdown::new(), Failure::new());
        shutdown.request();
        let handle = spawn(Stage::new("book", &diary).holding(1).panicking_at(call), &shutdown, &failure);
        let panicked = handle.join().unwrap_err();
        assert_eq!(panicked.stage, "book");
        assert_eq!(panicked.message, format!("book broke at {call}"));
        assert!(panicked.location.as_ref().is_some_and(|site| site.contains("agent_runner.rs:")), "{panicked:?}");
        assert_eq!(failure.get(), Some(&panicked));
        let closes = lines(&diary).iter().filter(|line| *line == "book close").count();
        assert_eq!(closes, closed, "a broken agent is not called again: {call}");
    }
}

#[test]
fn a_panic_of_a_member_is_told_under_the_members_name() {
    let diary = Diary::default();
    let members: Vec<Box<dyn Agent>> = vec![
        Box::new(Stage::new("dispatch", &diary).holding(1)),
        Box::new(Stage::new("conductor", &diary).holding(1).panicking_at("work")),
        Box::new(Stage::new("sequencer", &diary).holding(1)),
    ];
    let failure = Failure::new();
    let panicked = spawn(Composite::new("shard-0", members), &Shutdown::new(), &failure).join().unwrap_err();
    assert_eq!(panicked.stage, "conductor");
    assert!(!lines(&diary).contains(&"sequencer work".to_owned()));
}

#[test]
fn other_stages_go_on_when_one_panics() {
    let diary = Diary::default();
    let failure = Failure::new();
    let broken = spawn(Stage::new("broken", &diary).holding(1).panicking_at("work"), &Shutdown::new(), &failure);
    let sound = spawn(Stage::new("sound", &diary), &Shutdown::new(), &failure);
    broken.join().unwrap_err();
    let seen = sound.duty().idle;
    while sound.duty().idle == seen {
        std::thread::yield_now();
    }
    assert!(!sound.is_finished());
    assert_eq!(failure.get().map(|f| f.stage.as_str()), Some("broken"));
    sound.stop();
    assert_eq!(sound.join().unwrap().ended, Ended::Drained);
}

#[test]
fn a_core_that_is_not_to_be_had_degrades_and_stops_nothing() {
    for core in [1_023, 1_024, 1 << 20, usize::MAX] {
        let diary = Diary::default();
        let options = RunnerOptions { core: Some(core), ..RunnerOptions::new("pinned") };
        let agent = Stage::new("pinned", &diary).holding(1).ending();
        let handle = Runner::spawn(Box::new(agent), options, Shutdown::new(), Failure::new()).unwrap();
        assert_eq!(handle.placement(), Placement::PinFailed(core));
        assert!(handle.placement().is_degraded());
        assert!(handle.placement().to_string().contains(&format!("core {core}")));
        assert_eq!(handle.join().unwrap().duty.work, 1);
    }
}

/// Says on which cores its thread may run.
struct WhereAmI(Arc<Mutex<Vec<usize>>>);

impl Agent for WhereAmI {
    fn name(&self) -> &str {
        "where"
    }
    fn on_start(&mut self) {
        *self.0.lock().expect("a poisoned test lock") = usable_cores().ids;
    }
    fn do_work(&mut self) -> usize {
        0
    }
    fn is_done(&self) -> bool {
        true
    }
}

#[test]
fn a_core_of_the_process_is_pinned_to_and_the_caller_stays_free() {
    let before = usable_cores();
    let Some(core) = before.ids.last().copied() else {
        println!("skipped: this system does not tell its cores");
        return;
    };
    let seen = Arc::default();
    let options = RunnerOptions { core: Some(core), ..RunnerOptions::new("where") };
    let agent = Box::new(WhereAmI(Arc::clone(&seen)));
    let handle = Runner::spawn(agent, options, Shutdown::new(), Failure::new()).unwrap();
    assert_eq!(handle.placement(), Placement::Pinned(core));
    handle.join().unwrap();
    assert_eq!(*seen.lock().unwrap(), [core]);
    assert_eq!(usable_cores(), before);
}

#[test]
fn a_composite_runs_its_members_in_order_sums_their_work_and_is_done_when_all_are() {
    let diary = Diary::default();
    let last = Stage::new("c", &diary).ending();
    let middle = Stage::new("b", &diary).before(&last).ending();
    let first = Stage::new("a", &diary).before(&middle).holding(1).ending();
    let mut joined = Composite::new("abc", vec![Box::new(first), Box::new(middle), Box::new(last)]);
    joined.on_start();
    assert!(!joined.is_done());
    assert_eq!(joined.do_work(), 3, "what one hands on, the next takes in the same cycle");
    assert_eq!(joined.do_work(), 0);
    assert!(joined.is_done());
    assert_eq!((joined.name(), joined.active()), ("abc", "abc"));
    joined.on_close();
    let expected = ["a start", "b start", "c start", "a work", "b work", "c work", "a close", "b close", "c close"];
    assert_eq!(lines(&diary), expected);
}

#[test]
fn a_stepper_settles_within_its_bound_and_closes_after_the_drain() {
    let diary = Diary::default();
    let sink = Stage::new("sink", &diary);
    let source = Stage::new("source", &diary).before(&sink).holding(4);
    let mut stepper = Stepper::new(vec![Box::new(source), Box::new(sink)]);
    assert_eq!(stepper.step(), 2);
    assert_eq!(stepper.run_until_idle(2), Settled { steps: 2, work: 4, idle: false });
    assert_eq!(stepper.run_until_idle(0), Settled { steps: 0, work: 0, idle: false });
    assert!(!stepper.is_done());
    assert_eq!(stepper.close(10), Settled { steps: 2, work: 2, idle: true });
    let diary = lines(&diary);
    assert_eq!(diary[..2], ["source start", "sink start"]);
    assert_eq!(diary[diary.len() - 2..], ["source close", "sink close"]);
    assert_eq!(diary.iter().filter(|line| line.ends_with("work")).count(), 8);
}

/// Writes down what a runner tells of its cycles.
struct Cycles(Arc<Mutex<Vec<&'static str>>>, DutyCounts);

impl CycleMeter for Cycles {
    fn resume(&mut self) {
        self.0.lock().expect("a poisoned test lock").push("resume");
    }
    fn cycle(&mut self, counts: &DutyCounts) {
        assert_eq!(counts.busy + counts.idle, self.1.busy + self.1.idle + 1, "each cycle once");
        let busy = counts.busy > self.1.busy;
        self.0.lock().expect("a poisoned test lock").push(if busy { "busy" } else { "idle" });
        self.1 = *counts;
    }
}

/// Works twice, then finds nothing for some cycles, then ends.
struct Twice(u32);

impl Agent for Twice {
    fn name(&self) -> &str {
        "twice"
    }
    fn do_work(&mut self) -> usize {
        self.0 += 1;
        usize::from(self.0 <= 2)
    }
    fn is_done(&self) -> bool {
        self.0 == 5
    }
}

#[test]
fn a_meter_is_told_of_each_cycle_and_of_each_pause_that_gives_the_core_away() {
    let spinning = ["resume", "busy", "busy", "idle", "idle", "idle"];
    let parking = ["resume", "busy", "busy", "idle", "resume", "idle", "resume", "idle"];
    let park = IdleStrategy::Backoff { spins: 0, yields: 0, park_min_ns: 1_000, park_max_ns: 1_000 };
    for (idle, expected) in [(IdleStrategy::BusySpin, &spinning[..]), (park, &parking[..])] {
        let told = Arc::<Mutex<Vec<_>>>::default();
        let options = RunnerOptions { idle, ..RunnerOptions::new("twice") };
        let meter = Some(Box::new(Cycles(Arc::clone(&told), DutyCounts::default())) as Box<dyn CycleMeter>);
        let handle = Runner::spawn_measured(Box::new(Twice(0)), options, Shutdown::new(), Failure::new(), meter)
            .expect("a thread for a test");
        let report = handle.join().expect("no panic");
        assert_eq!((report.duty.busy, report.duty.idle, report.ended), (2, 3, Ended::Done));
        assert_eq!(*told.lock().expect("a poisoned test lock"), expected, "{idle}");
    }
}
