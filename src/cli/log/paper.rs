//! Purpose: writes lines and draws the status, so that nobody else waits for a terminal that was halted or a pipe that is full.
//! Owns: standard error, while it runs. Thread: its own. Takes and gives: text in. Never: grows with what is not taken; takes
//! an output that leads nowhere for a failure.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use console::Term;

use crate::cli::say::tell;

/// Lines that wait at most.
const LINES_MAX: usize = 256;
/// Columns of a terminal that does not tell.
const COLUMNS: u16 = 80;
/// Columns that stay free: a full line makes some terminals wrap, and a terminal shows `^C` where the cursor stands.
const MARGIN: usize = 4;
/// Between two looks whether there is room for the last sheet.
const NAP: Duration = Duration::from_millis(5);

/// Gives the lines of a status for so many columns.
pub(in crate::cli) type Drawing = Box<dyn FnOnce(usize) -> Vec<String> + Send>;

enum Sheet {
    Line(String),
    Draw(Drawing),
    /// The last one, whoever still holds a pen.
    End,
}

/// Writes lines on it, from any thread.
#[derive(Clone)]
pub(super) struct Pen(SyncSender<Sheet>);

impl Pen {
    /// Writes a line; whether there was room.
    pub(super) fn line(&self, text: String) -> bool {
        self.0.try_send(Sheet::Line(text)).is_ok()
    }
}

/// The thread's near end.
pub(super) struct Paper {
    pen: Pen,
    /// Closed by the thread's end.
    ended: Receiver<()>,
    draws: bool,
}

impl Paper {
    /// Starts it. Without a thread from the system nothing is told, and the run goes on.
    pub(super) fn start(draws: bool) -> Paper {
        let (sheets, incoming) = sync_channel(LINES_MAX);
        let (alive, ended) = sync_channel::<()>(1);
        let write = move || {
            let _alive = alive;
            run(incoming, draws);
        };
        // A refusal drops the receiver: every line is then one that finds no room.
        let _ = std::thread::Builder::new().name("meltica-tell".to_owned()).spawn(write);
        Paper { pen: Pen(sheets), ended, draws }
    }

    /// Something to write with.
    pub(super) const fn pen(&self) -> &Pen {
        &self.pen
    }

    /// Draws the status, or leaves it out when there is no room: the next one says more.
    pub(super) fn draw(&self, drawing: Drawing) {
        if self.draws {
            let _ = self.pen.0.try_send(Sheet::Draw(drawing));
        }
    }

    /// Waits until all is written, but no longer than this. What others write later goes nowhere.
    pub(super) fn finish(self, patience: Duration) {
        let since = Instant::now();
        while let Err(TrySendError::Full(_)) = self.pen.0.try_send(Sheet::End) {
            if since.elapsed() >= patience {
                return;
            }
            std::thread::sleep(NAP);
        }
        // Nothing is ever sent: it ends with the thread, or with our patience.
        let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(patience.saturating_sub(since.elapsed()));
    }
}

fn run(sheets: Receiver<Sheet>, draws: bool) {
    let term = draws.then(Term::stderr);
    let mut status = Status::default();
    for sheet in &sheets {
        match sheet {
            Sheet::Line(mut text) => {
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                tell(&status.under(&text));
            }
            Sheet::Draw(drawing) => {
                let columns = term.as_ref().and_then(Term::size_checked).map_or(COLUMNS, |(_, columns)| columns);
                tell(&status.redraw(drawing(usize::from(columns).saturating_sub(MARGIN).max(1))));
            }
            Sheet::End => break,
        }
    }
    tell(&status.redraw(Vec::new()));
}

/// The lines at the foot of the terminal. The cursor stands behind the last one.
#[derive(Debug, Default)]
struct Status {
    lines: Vec<String>,
}

impl Status {
    /// What puts these lines in the place of those that are there. What stands there is written over, not cleared first:
    /// nothing flickers.
    fn redraw(&mut self, lines: Vec<String>) -> String {
        let text = lines.join("\x1b[K\n");
        let out = if self.lines.is_empty() && lines.is_empty() { String::new() } else { self.top() + &text + "\x1b[J" };
        self.lines = lines;
        out
    }

    /// What writes text above the lines.
    fn under(&self, text: &str) -> String {
        if self.lines.is_empty() {
            return text.to_owned();
        }
        self.top() + "\x1b[J" + text + &self.lines.join("\n")
    }

    /// To the beginning of the first line.
    fn top(&self) -> String {
        match self.lines.len() {
            0 | 1 => "\r".to_owned(),
            count => format!("\r\x1b[{}A", count - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_over_and_lines_go_above_it() {
        let two = || vec!["one".to_owned(), "two".to_owned()];
        let mut status = Status::default();
        assert_eq!(status.under("text\n"), "text\n");
        assert_eq!(status.redraw(Vec::new()), "", "where nothing stands nothing is cleared");
        assert_eq!(status.redraw(two()), "\rone\x1b[K\ntwo\x1b[J");
        assert_eq!(status.redraw(two()), "\r\x1b[1Aone\x1b[K\ntwo\x1b[J");
        assert_eq!(status.under("text\n"), "\r\x1b[1A\x1b[Jtext\none\ntwo");
        assert_eq!(status.redraw(vec!["one".to_owned()]), "\r\x1b[1Aone\x1b[J");
        assert_eq!(status.redraw(Vec::new()), "\r\x1b[J");
    }

    #[test]
    fn what_nobody_takes_is_refused_and_nobody_waits() {
        // No thread takes from it.
        let (sheets, _incoming) = sync_channel(LINES_MAX);
        let pen = Pen(sheets);
        let taken = (0..1_000).filter(|at| pen.line(at.to_string())).count();
        assert_eq!(taken, LINES_MAX);
    }

    #[test]
    fn the_end_waits_for_no_pen_and_for_no_reader() {
        let paper = Paper::start(false);
        let pen = paper.pen().clone();
        let since = Instant::now();
        paper.finish(Duration::from_secs(3_600));
        assert!(since.elapsed() < Duration::from_secs(600), "somebody still holds a pen");
        assert!(!pen.line("too late".to_owned()));
        // A thread that takes nothing.
        let (sheets, _incoming) = sync_channel(1);
        let (_alive, ended) = sync_channel::<()>(1);
        let paper = Paper { pen: Pen(sheets), ended, draws: false };
        assert!(paper.pen().line("fills it".to_owned()));
        paper.finish(Duration::from_millis(20));
    }
}
