//! Purpose: keys → what they mean. Owns: which key is which. Thread: main. Takes and gives: the terminal's events in, acts out.
//! Never: acts on a key's release, or on one that was not meant.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::screen::{Act, Pane};

/// Rows that a page key moves.
const PAGE: isize = 10;

/// Every key, as the help tells of it.
pub(super) const HELP: [(&str, &str); 9] = [
    ("q  Esc  Ctrl-C  Ctrl-D", "quit"),
    ("1 2 3 4", "books, latency, flow, counters"),
    ("Tab  Shift-Tab  ← →", "next pane, the one before"),
    ("↑ ↓  j k", "a row up, down"),
    ("PgUp PgDn  Home End", "ten rows, the first, the last"),
    ("s", "other order of the rows"),
    ("Enter  z", "one pane alone, or all that fit"),
    ("p  Space", "hold the tables; again: go on"),
    ("?  h", "this help"),
];

/// What an event means; `None`: nothing.
pub(super) fn act(event: &Event) -> Option<Act> {
    let KeyEvent { code, modifiers, kind, .. } = match event {
        Event::Key(key) => key,
        Event::Resize(..) => return Some(Act::Resize),
        _ => return None,
    };
    if *kind == KeyEventKind::Release {
        return None;
    }
    if modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(code, KeyCode::Char('c' | 'd')).then_some(Act::Quit);
    }
    if modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    Some(match code {
        KeyCode::Char('q') | KeyCode::Esc => Act::Quit,
        KeyCode::Char('j') | KeyCode::Down => Act::Move(1),
        KeyCode::Char('k') | KeyCode::Up => Act::Move(-1),
        KeyCode::PageDown => Act::Move(PAGE),
        KeyCode::PageUp => Act::Move(-PAGE),
        KeyCode::Home | KeyCode::Char('g') => Act::First,
        KeyCode::End | KeyCode::Char('G') => Act::Last,
        KeyCode::Tab | KeyCode::Right => Act::Turn(1),
        KeyCode::BackTab | KeyCode::Left => Act::Turn(-1),
        KeyCode::Char('1') => Act::Show(Pane::Books),
        KeyCode::Char('2') => Act::Show(Pane::Latency),
        KeyCode::Char('3') => Act::Show(Pane::Flow),
        KeyCode::Char('4') => Act::Show(Pane::Counters),
        KeyCode::Enter | KeyCode::Char('z') => Act::Zoom,
        KeyCode::Char('p' | ' ') => Act::Pause,
        KeyCode::Char('s') => Act::Sort,
        KeyCode::Char('?' | 'h') => Act::Help,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let plain = |code: KeyCode| act(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        let letter = |letter: char| plain(KeyCode::Char(letter));
        let with = |code: char, held: KeyModifiers| act(&Event::Key(KeyEvent::new(KeyCode::Char(code), held)));
        for (found, meant) in [
            (letter('q'), Some(Act::Quit)),
            (plain(KeyCode::Esc), Some(Act::Quit)),
            (with('c', KeyModifiers::CONTROL), Some(Act::Quit)),
            (with('q', KeyModifiers::ALT), None),
            (with('j', KeyModifiers::CONTROL), None),
            (letter('j'), Some(Act::Move(1))),
            (plain(KeyCode::Up), Some(Act::Move(-1))),
            (plain(KeyCode::Tab), Some(Act::Turn(1))),
            (plain(KeyCode::BackTab), Some(Act::Turn(-1))),
            (letter('3'), Some(Act::Show(Pane::Flow))),
            (letter('5'), None),
            (letter('p'), Some(Act::Pause)),
            (letter('s'), Some(Act::Sort)),
            (letter('?'), Some(Act::Help)),
            (act(&Event::Resize(1, 1)), Some(Act::Resize)),
            (act(&Event::FocusGained), None),
            (act(&Event::Paste("q".into())), None),
        ] {
            assert_eq!(found, meant);
        }
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(act(&Event::Key(release)), None);
    }
}
