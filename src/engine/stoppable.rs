//! Purpose: a source that can be told to end, so that a stop drains the stages in the order of the walk; keeps why a
//! source broke.
//! Owns: the inner source. Thread: its io thread; the flag and the fault are any thread's. Takes and gives: frames.
//! Never: hands over a frame once it has been told to end.

use std::sync::{Arc, OnceLock};

use crate::agent::Shutdown;
use crate::schema::frame::{Frame, FrameSource, Pulled, SnapshotRequest, SourceError};

/// Why the source broke, once it has.
pub(super) type SourceFault = Arc<OnceLock<SourceError>>;

/// Ends when `stop` is requested.
pub(super) struct Stoppable {
    inner: Box<dyn FrameSource>,
    stop: Shutdown,
    fault: SourceFault,
}

impl Stoppable {
    /// Around a source.
    pub(super) fn new(inner: Box<dyn FrameSource>, stop: Shutdown, fault: SourceFault) -> Stoppable {
        Stoppable { inner, stop, fault }
    }
}

impl FrameSource for Stoppable {
    #[inline]
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if self.stop.is_requested() {
            return Ok(Pulled::Ended);
        }
        let pulled = self.inner.pull(take);
        if let Err(error) = &pulled {
            // The first fault is the one to tell. Other sources do not go on without this one.
            let _ = self.fault.set(error.clone());
            self.stop.request();
        }
        pulled
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        self.inner.request_snapshot(request);
    }
}
