//! Purpose: asks the feed how it does, and follows its books. Owns: three threads, which end with the process or when nobody
//! listens any more. Thread: those; each blocks. Takes and gives: HTTP in, news out.
//! Never: asks more of the feed than [`ASK`] and [`BYTES_A_SECOND`] say, however many events there are; gives up.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::news::{News, Quality, Top};
use crate::cli::control::client::Client;
use crate::cli::control::tail::escaped;
use crate::cli::exit::{Cause, Failed};

/// How often the feed is asked.
const ASK: Duration = Duration::from_secs(1);
/// Whoever looks at a screen must not be told for long that a feed does well that hangs: an answer is whole within, and a stream
/// says something within; it does so each second.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the newest tops are handed on while lines come: the last of a burst goes with the next line, or with the feed's sign of
/// life a second later.
const HAND_ON: Duration = Duration::from_millis(100);
/// Events are read up to so many bytes a second. What is beyond is not asked for: the stream is left, and joined again in the
/// next second, so that the feed does not write what nobody can read.
const BYTES_A_SECOND: usize = 1 << 20;
/// Bytes of a line at most.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// News that wait.
const WAITING_MAX: usize = 64;

/// What a thread runs: it ends when nobody listens any more.
type Job = Box<dyn FnOnce(&SyncSender<News>) + Send>;

/// The threads, and what they say.
pub(super) struct Link {
    news: Receiver<News>,
    threads: Vec<JoinHandle<()>>,
}

impl Link {
    /// Starts to ask. `since` is the start of `top`; `client` makes a way to the feed for each thread.
    pub(super) fn start(
        instruments: &[String],
        since: Instant,
        client: impl Fn() -> Result<Client, Failed>,
    ) -> Result<Link, Failed> {
        let (sender, news) = sync_channel(WAITING_MAX);
        let only: String = instruments.iter().map(|name| format!("&instrument={}", escaped(name))).collect();
        // Latencies are asked for with the patience of anyone who asks once.
        let latency = client()?;
        let client = || client().map(|client| client.patient_for(PATIENCE));
        let (status, tops, qualities) = (client()?, client()?, client()?);
        let (of_tops, of_qualities) =
            (format!("/events?type=ANALYTICS.FUSED{only}"), format!("/events?type=STATUS.BOOK{only}"));
        let jobs: [(&str, Job); 4] = [
            ("status", Box::new(move |out| follow(out, |out| ask_status(&status, out)))),
            ("latency", Box::new(move |out| follow(out, |out| ask_latency(&latency, out)))),
            ("tops", Box::new(move |out| follow(out, |out| read_tops((&tops, &of_tops), since, out)))),
            ("qualities", Box::new(move |out| follow(out, |out| read_qualities(&qualities, &of_qualities, out)))),
        ];
        let mut threads = Vec::with_capacity(jobs.len());
        for (name, job) in jobs {
            let out = sender.clone();
            let thread = std::thread::Builder::new().name(format!("meltica-top-{name}")).spawn(move || job(&out));
            threads.push(thread.map_err(|error| Failed::new(Cause::System, format!("a thread: {error}")))?);
        }
        Ok(Link { news, threads })
    }

    /// What was said since.
    pub(super) fn take(&self) -> impl Iterator<Item = News> {
        self.news.try_iter()
    }

    /// Whether a thread has ended though it was listened to: a defect.
    pub(super) fn is_broken(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }
}

/// Nobody listens any more.
struct Unheard;

fn say(out: &SyncSender<News>, news: News) -> Result<(), Unheard> {
    out.send(news).map_err(|_| Unheard)
}

/// Asks how the feed does.
fn ask_status(client: &Client, out: &SyncSender<News>) -> Result<(), Unheard> {
    match client.report("/status") {
        Ok(report) => say(out, News::Status(Box::new(report))),
        Err(failed) => say(out, News::Lost(failed.message)),
    }
}

/// Asks for its latencies, by a way of its own: these are long, and have their turn behind others' there.
fn ask_latency(client: &Client, out: &SyncSender<News>) -> Result<(), Unheard> {
    match client.report("/latency") {
        Ok(latency) => say(out, News::Latency(Some(Box::new(latency)))),
        // It has no such path. What else goes wrong may be right the next time.
        Err(failed) if failed.cause == Cause::BadInput => say(out, News::Latency(None)),
        Err(_) => Ok(()),
    }
}

/// Reads streams one after the other, for ever. That one cannot be had, or ends, says whoever asks for the status.
fn follow(out: &SyncSender<News>, mut read: impl FnMut(&SyncSender<News>) -> Result<(), Unheard>) {
    loop {
        let begun = Instant::now();
        if read(out).is_err() {
            return;
        }
        std::thread::sleep(ASK.saturating_sub(begun.elapsed()));
    }
}

/// Events of one stream, as far as is read in a second.
struct Events<R> {
    lines: BufReader<R>,
    line: String,
    second: Instant,
    read: usize,
}

impl<R: Read> Events<R> {
    fn new(lines: BufReader<R>) -> Events<R> {
        Events { lines, line: String::new(), second: Instant::now(), read: 0 }
    }

    /// The next line, `null` where it is no JSON. `None` at the end, behind a line that has none, and, once that second is over,
    /// behind more than is read in one.
    fn next(&mut self) -> Option<Value> {
        if self.second.elapsed() >= ASK {
            (self.second, self.read) = (Instant::now(), 0);
        }
        if self.read > BYTES_A_SECOND {
            std::thread::sleep(ASK.saturating_sub(self.second.elapsed()));
            return None;
        }
        self.line.clear();
        self.read += self.lines.by_ref().take(LINE_BYTES_MAX).read_line(&mut self.line).ok()?;
        self.line.ends_with('\n').then(|| serde_json::from_str(&self.line).unwrap_or_default())
    }
}

/// One stream of best prices, to its end.
fn read_tops((client, path): (&Client, &str), since: Instant, out: &SyncSender<News>) -> Result<(), Unheard> {
    let Ok(lines) = client.stream(path) else { return Ok(()) };
    hand_on_tops(Events::new(lines), since, out)
}

/// What is left when a stream falls silent was read long before: each top is as old as its line.
fn hand_on_tops(mut events: Events<impl Read>, since: Instant, out: &SyncSender<News>) -> Result<(), Unheard> {
    let mut newest = HashMap::new();
    let mut handed = Instant::now();
    while let Some(event) = events.next() {
        if let Some(top) = Top::of_event(&event, since.elapsed()) {
            newest.insert(top.book.clone(), top);
        }
        if handed.elapsed() >= HAND_ON {
            handed = Instant::now();
            say(out, News::Tops(newest.drain().map(|(_, top)| top).collect()))?;
        }
    }
    say(out, News::Tops(newest.into_values().collect()))
}

/// One stream of what becomes of books, to its end.
fn read_qualities(client: &Client, path: &str, out: &SyncSender<News>) -> Result<(), Unheard> {
    let Ok(lines) = client.stream(path) else { return Ok(()) };
    let mut events = Events::new(lines);
    while let Some(event) = events.next() {
        if let Some(change) = Quality::of_event(&event) {
            say(out, News::Quality(change))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::cli::control::words::PlaceArgs;

    /// A feed that hangs takes connections, as its system does for it, and says nothing.
    #[test]
    fn a_feed_that_hangs_is_given_up_within_two_seconds() {
        let hung = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = Some(format!("http://{}", hung.local_addr().unwrap()));
        let client = || Client::new(&PlaceArgs { at: at.clone(), token_file: None, ca_file: None });
        let link = Link::start(&[], Instant::now(), client).unwrap();
        let news = link.news.recv_timeout(Duration::from_secs(4));
        assert!(matches!(news, Ok(News::Lost(_))), "{news:?}");
    }

    /// Says this at once, then nothing for a while, as a feed that hangs: the stream ends when its patience does.
    struct Hangs<'a>(&'a [u8], Duration);

    impl Read for Hangs<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                std::thread::sleep(self.1);
            }
            self.0.read(into)
        }
    }

    #[test]
    fn what_is_left_when_a_stream_falls_silent_is_as_old_as_its_line() {
        let line = "{\"type\":\"ANALYTICS.FUSED\",\"instrument\":\"BTC-USDT\",\"seq\":1}\n";
        let (silence, since) = (Duration::from_millis(300), Instant::now());
        let (sender, news) = sync_channel(WAITING_MAX);
        let events = Events::new(BufReader::new(Hangs(line.as_bytes(), silence)));
        assert!(hand_on_tops(events, since, &sender).is_ok() && since.elapsed() >= silence);
        let Ok(News::Tops(tops)) = news.try_recv() else { panic!("nothing was handed on") };
        assert!(tops.len() == 1 && tops[0].heard < silence, "{tops:?}");
    }
}
