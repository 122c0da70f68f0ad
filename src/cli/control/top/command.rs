//! Purpose: `meltica top`, from its arguments to its end. Owns: the loop. Thread: main. Takes and gives: keys and news in, pictures
//! out. Never: leaves the terminal as it is not to be found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::draw::{Paint, draw};
use super::keys::act;
use super::link::Link;
use super::news::News;
use super::screen::Screen;
use super::terminal::{Terminal, check};
use super::view::View;
use crate::cli::control::client::Client;
use crate::cli::control::words::TopArgs;
use crate::cli::exit::{Cause, Failed};
use crate::schema::report::StatusReport;

/// A picture is as old as this at most: ages and rates go on.
const PICTURE: Duration = Duration::from_millis(250);
/// How long a key is waited for before the news are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Shows a running feed until it is told to stop.
pub(in crate::cli) fn top(arguments: &TopArgs) -> Result<(), Failed> {
    // Before the terminal is taken: what fails here is told as by every other command.
    check()?;
    let client = Client::new(&arguments.place)?;
    let place = client.shown().to_owned();
    let report: StatusReport = client.report("/status")?;
    let stop = stop_flag()?;
    let since = Instant::now();
    let link = Link::start(&arguments.instrument, since, || Client::new(&arguments.place))?;
    let mut terminal = Terminal::take()?;
    let paint = Paint { colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
    let mut screen = Screen::default();
    screen.take(News::Status(Box::new(report)), Duration::ZERO);
    run(&mut terminal, (&link, &stop, since), &mut screen, (&place, paint))
}

/// Set by the first signal that would end the program, whether a person, a shell or a terminal that closes sends it: none may
/// leave the terminal raw. The second ends the program at once: the first may find it waiting for a terminal that takes
/// nothing any more.
fn stop_flag() -> Result<Arc<AtomicBool>, Failed> {
    let stop = Arc::new(AtomicBool::new(false));
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        // In this order: the first signal must find the flag down.
        signal_hook::flag::register_conditional_default(number, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(number, Arc::clone(&stop)))
            .map_err(|error| Failed::new(Cause::System, format!("signals cannot be caught: {error}")))?;
    }
    Ok(stop)
}

fn run(
    terminal: &mut Terminal,
    (link, stop, since): (&Link, &AtomicBool, Instant),
    screen: &mut Screen,
    (place, paint): (&str, Paint),
) -> Result<(), Failed> {
    let mut drawn: Option<Instant> = None;
    // Relaxed: the flag carries no data.
    while !stop.load(Ordering::Relaxed) {
        let mut changed = drawn.is_none_or(|drawn| drawn.elapsed() >= PICTURE);
        for news in link.take() {
            screen.take(news, since.elapsed());
        }
        screen.tick(since.elapsed());
        if let Some(event) = terminal.wait(LOOK)? {
            changed = true;
            if !act(&event).is_none_or(|act| screen.act(act)) {
                return Ok(());
            }
        }
        if link.is_broken() {
            let message = "a thread of top ended: this is a defect of the program; keep what was told above";
            return Err(Failed::new(Cause::Stage, message));
        }
        if changed {
            let view = View::of(screen, place);
            terminal.draw(|frame| draw(&view, paint, frame))?;
            drawn = Some(Instant::now());
        }
    }
    Ok(())
}
