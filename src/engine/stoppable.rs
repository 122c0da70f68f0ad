//! Purpose: a source that can be told to end, so that a stop drains the stages in the order of the walk.
//! Owns: the inner source. Thread: the io thread; the flag is any thread's. Takes and gives: frames.
//! Never: hands over a frame once it has been told to end.

use crate::agent::Shutdown;
use crate::schema::frame::{Frame, FrameSource, Pulled, SnapshotRequest, SourceError};

/// Ends when `stop` is requested.
pub struct Stoppable {
    inner: Box<dyn FrameSource>,
    stop: Shutdown,
}

impl Stoppable {
    /// Around a source.
    pub fn new(inner: Box<dyn FrameSource>, stop: Shutdown) -> Stoppable {
        Stoppable { inner, stop }
    }
}

impl FrameSource for Stoppable {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if self.stop.is_requested() {
            return Ok(Pulled::Ended);
        }
        self.inner.pull(take)
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        self.inner.request_snapshot(request);
    }
}
