//! Purpose: a stage that panicked: its name, what it said, where; and the cell in which the engine finds it.
//! Owns: the first failure of a process. Thread: any. Takes and gives: reports. Never: lets a thread die unnamed.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Once, OnceLock};

/// A stage ended by a panic. Its thread is gone, and whatever it alone kept current is no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagePanicked {
    /// Name of the agent.
    pub stage: String,
    /// What the panic said.
    pub message: String,
    /// `file:line:column` of the panic, if [`record_panic_sites`] was called before.
    pub location: Option<String>,
}

impl fmt::Display for StagePanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "agent/panicked: stage `{}` panicked: {}", self.stage, self.message)?;
        match &self.location {
            Some(location) => write!(f, " (at {location})"),
            None => Ok(()),
        }?;
        write!(f, "; this is a defect of the program: end the process, keep the message")
    }
}

impl std::error::Error for StagePanicked {}

impl StagePanicked {
    /// Makes the report of a caught panic on the thread that caught it.
    pub(super) fn caught(stage: &str, payload: &(dyn Any + Send)) -> StagePanicked {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a value that is not text".to_owned());
        StagePanicked { stage: stage.to_owned(), message, location: SITE.take() }
    }
}

/// Where the first stage failure of a process is kept. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    first: Arc<OnceLock<StagePanicked>>,
}

impl Failure {
    /// No failure yet.
    pub fn new() -> Failure {
        Failure::default()
    }

    /// Records a failure; whether it was the first. Later ones are told by their handle's `join` only.
    pub fn record(&self, failure: StagePanicked) -> bool {
        self.first.set(failure).is_ok()
    }

    /// The first failure, if any. One load: fit for a control duty's every cycle.
    pub fn get(&self) -> Option<&StagePanicked> {
        self.first.get()
    }
}

thread_local! {
    /// Where this thread last panicked.
    static SITE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Adds the place of a panic to what stages report. Wraps the process's panic hook, which still runs; once, however
/// often it is called. A program calls it at its start; the library never does by itself.
///
/// # Panics
/// When called from a thread that is panicking, as `std::panic::set_hook`.
pub fn record_panic_sites() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let site = info.location().map(ToString::to_string);
            // A thread whose locals are gone already has nobody left to tell.
            let _ = SITE.try_with(|last| last.replace(site));
            previous(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_who_what_and_where() {
        let mut failure = StagePanicked { stage: "dispatch-0".into(), message: "boom".into(), location: None };
        assert!(failure.to_string().contains("stage `dispatch-0` panicked: boom;"), "{failure}");
        failure.location = Some("src/a.rs:1:2".into());
        assert!(failure.to_string().contains("boom (at src/a.rs:1:2);"), "{failure}");
    }

    #[test]
    fn a_message_is_read_from_any_text_payload() {
        let cases: [(Box<dyn Any + Send>, &str); 3] = [
            (Box::new("fixed"), "fixed"),
            (Box::new(String::from("made")), "made"),
            (Box::new(7_u8), "a value that is not text"),
        ];
        for (payload, message) in cases {
            assert_eq!(StagePanicked::caught("x", &*payload).message, message);
        }
    }

    #[test]
    fn only_the_first_failure_is_kept() {
        let failure = Failure::new();
        assert_eq!(failure.get(), None);
        let report = |stage: &str| StagePanicked { stage: stage.into(), message: "m".into(), location: None };
        assert!(failure.clone().record(report("first")));
        assert!(!failure.record(report("second")));
        assert_eq!(failure.get().map(|f| f.stage.as_str()), Some("first"));
    }
}
