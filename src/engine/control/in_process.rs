//! Purpose: the native side of a source in this process: it has every stream at all times, so that orders are carried out at
//! once; a stream is live when its first frame has passed.
//! Owns: the way between the io thread and the control duty. Thread: the source on the io thread, the side on the control
//! duty's. Takes and gives: orders and news; frames untouched. Never: locks; looks at a frame when nobody waits for one.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError};
use crate::schema::id::Market;
use crate::sync::{AtomicBool, Ordering};

use super::native::{Heard, NativeSide, News, Order};

/// Names under way each way.
const NAMES_MAX: usize = 1 << 16;

#[derive(Debug)]
struct Ways {
    /// Names whose first frame is waited for; `false`: no longer.
    wanted: ArrayQueue<(Box<str>, bool)>,
    /// Names whose first frame has come.
    seen: ArrayQueue<(Market, Box<str>)>,
    /// Whether its list of instruments, or else its first frame, has passed.
    listed: AtomicBool,
}

/// A source whose first frames are noticed.
struct Noticed {
    inner: Box<dyn FrameSource>,
    ways: Arc<Ways>,
    waits: HashSet<Box<str>>,
    listed: bool,
}

/// The control duty's end, to all sources.
#[derive(Debug)]
struct InProcess {
    ways: Vec<Arc<Ways>>,
    news: VecDeque<News>,
    /// Until they are listed.
    markets: Vec<Market>,
}

/// Around sources.
pub(in crate::engine) fn in_process(
    sources: Vec<Box<dyn FrameSource>>,
    markets: &[Market],
) -> (Vec<Box<dyn FrameSource>>, Box<dyn NativeSide>) {
    let ways = || Ways {
        wanted: ArrayQueue::new(NAMES_MAX),
        seen: ArrayQueue::new(NAMES_MAX),
        listed: AtomicBool::new(false),
    };
    let ways = || Arc::new(ways());
    let ways: Vec<_> = sources.iter().map(|_| ways()).collect();
    let noticed = sources.into_iter().zip(&ways).map(|(inner, ways)| {
        Box::new(Noticed { inner, ways: Arc::clone(ways), waits: HashSet::new(), listed: false })
            as Box<dyn FrameSource>
    });
    (noticed.collect(), Box::new(InProcess { ways, news: VecDeque::new(), markets: markets.to_vec() }))
}

impl NativeSide for InProcess {
    fn order(&mut self, order: &Order) -> bool {
        let (market, streams, on) = match order {
            Order::Want { market, streams, .. } => (*market, streams, true),
            Order::Unwant { market, streams, .. } => (*market, streams, false),
            // Sources in this process answer no polls but a book's, which needs no order.
            Order::Poll { .. } => return true,
        };
        if self.ways.iter().any(|ways| NAMES_MAX - ways.wanted.len() < streams.len()) {
            return false;
        }
        for stream in streams {
            for ways in &self.ways {
                // There is room: this is the only end that pushes.
                let _ = ways.wanted.push((stream.clone(), on));
            }
            let heard = if on { Heard::Acknowledged } else { Heard::Gone };
            self.news.push_back(News::Stream(market, stream.clone(), heard));
        }
        true
    }

    fn news(&mut self) -> Option<News> {
        // Acquire, partner: the store in `Noticed::pull`. The names are in the directory by then.
        if !self.markets.is_empty() && self.ways.iter().all(|ways| ways.listed.load(Ordering::Acquire)) {
            self.news.extend(self.markets.drain(..).map(News::Listing));
        }
        // What was ordered is answered before its frames are news.
        self.news.pop_front().or_else(|| {
            let (market, name) = self.ways.iter().find_map(|ways| ways.seen.pop())?;
            Some(News::Stream(market, name, Heard::Live))
        })
    }
}

/// The stream's name in a combined frame, when it stands first, as it does in frames of sources in this process.
fn stream_name(bytes: &[u8]) -> Option<&str> {
    let rest = bytes.strip_prefix(b"{\"stream\":\"")?;
    core::str::from_utf8(&rest[..rest.iter().position(|b| *b == b'"')?]).ok()
}

impl FrameSource for Noticed {
    #[inline]
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        while let Some((name, on)) = self.ways.wanted.pop() {
            if on {
                self.waits.insert(name)
            } else {
                self.waits.remove(&name)
            };
        }
        if self.waits.is_empty() && self.listed {
            return self.inner.pull(take);
        }
        let Noticed { inner, ways, waits, listed } = self;
        inner.pull(&mut |frame| {
            if matches!(frame.origin, Origin::Combined)
                && let Some(name) = stream_name(frame.bytes)
                && let Some(name) = waits.take(name)
            {
                // Full: the control duty is far behind, and the stream's next first frame is after its next order.
                let _ = ways.seen.push((frame.market, name));
            }
            take(frame);
            if !*listed {
                *listed = true;
                // Release, partner: the load in `InProcess::news`.
                ways.listed.store(true, Ordering::Release);
            }
        })
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        self.inner.request_snapshot(request);
    }
}
