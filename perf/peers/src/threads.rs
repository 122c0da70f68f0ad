//! Purpose: a stream of records from one pinned thread to readers on another core, and what it cost: time on the clock, and
//! processor time of all of them. Owns: the threads, while a stream lasts. Thread: spawns them.
//! Takes and gives: closures in, a [`Spent`] out. Never: counts the starting of a thread.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use core_affinity::CoreId;
use crossbeam_utils::Backoff;

use crate::measure::{median, thread_ns};

/// Records of a block: many times what a ring holds, so that no block is one full ring emptied at a stretch.
const BLOCK: u64 = 10_000;

/// What a stream cost, in nanoseconds a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// On the clock, as the first reader saw it: the median over blocks of [`BLOCK`] records, so that a block in which one
    /// of the two threads had no core does not count.
    pub(crate) wall: f64,
    /// Processor time of the sender.
    pub(crate) sender: f64,
    /// Processor time of sender and readers together.
    pub(crate) all: f64,
}

/// The cores that this process may use, in order, as they were at the first call: a pinned thread sees only its own.
pub(crate) fn cores() -> &'static [CoreId] {
    static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();
    CORES.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default())
}

/// Pins this thread to the core of a number, counted round those there are.
pub(crate) fn pin(number: usize) {
    let cores = cores();
    if let Some(core) = cores.get(number % cores.len().max(1)) {
        core_affinity::set_for_current(*core);
    }
}

/// Streams `count` records. `send` tries to put one in; each of `readers` takes some out and says how many. The sender has
/// core 0, the readers share the others. Who can do nothing spins a while, then yields.
pub(crate) fn stream<R: FnMut() -> u64 + Send>(
    count: u64,
    mut send: impl FnMut() -> bool + Send,
    readers: Vec<R>,
) -> Spent {
    let (waiting, go) = (AtomicUsize::new(0), AtomicBool::new(false));
    let threads = readers.len() + 1;
    let ready = |core| {
        pin(core);
        waiting.fetch_add(1, Ordering::AcqRel);
        while !go.load(Ordering::Acquire) {
            thread::yield_now();
        }
        thread_ns()
    };
    let others = cores().len().saturating_sub(1).max(1);
    thread::scope(|scope| {
        let ready = &ready;
        let sender = scope.spawn(move || {
            let before = ready(0);
            let (mut sent, backoff) = (0, Backoff::new());
            while sent < count {
                if send() {
                    sent += 1;
                    backoff.reset();
                } else {
                    backoff.snooze();
                }
            }
            thread_ns() - before
        });
        let readers: Vec<_> = readers
            .into_iter()
            .enumerate()
            .map(|(number, mut receive)| {
                scope.spawn(move || {
                    let before = ready(1 + number % others);
                    let (mut received, backoff) = (0, Backoff::new());
                    let (mut blocks, mut last) =
                        (Vec::with_capacity((count / BLOCK) as usize + 1), (0, Instant::now()));
                    while received < count {
                        match receive() {
                            0 => backoff.snooze(),
                            step => {
                                received += step;
                                backoff.reset();
                            }
                        }
                        if received - last.0 >= BLOCK {
                            let now = Instant::now();
                            blocks.push((now - last.1).as_nanos() as f64 / (received - last.0) as f64);
                            last = (received, now);
                        }
                    }
                    (blocks, thread_ns() - before)
                })
            })
            .collect();
        while waiting.load(Ordering::Acquire) < threads {
            thread::yield_now();
        }
        go.store(true, Ordering::Release);
        let sent_ns = sender.join().unwrap();
        let (mut wall, mut all) = (None, sent_ns);
        for reader in readers {
            let (blocks, spent) = reader.join().unwrap();
            wall = wall.or(median(blocks));
            all += spent;
        }
        let each = |ns: u64| ns as f64 / count as f64;
        Spent { wall: wall.unwrap_or_default(), sender: each(sent_ns), all: each(all) }
    })
}
