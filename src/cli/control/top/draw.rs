//! Purpose: what is to be seen → cells of a terminal. Owns: layout and styles. Thread: main. Takes and gives: a view and a frame.
//! Never: tells by colour alone what matters; draws outside of what there is, however little.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Row, Sparkline, Table as Grid, TableState};
use unicode_width::UnicodeWidthStr;

use super::keys::HELP;
use super::screen::Pane;
use super::table::{Cell, GAP, Tone};
use super::view::{Bar, Panel, View};
use crate::cli::status::cut;

/// From here on all four panes are there at once.
const WIDE: u16 = 110;
const HIGH: u16 = 26;
/// Between two parts of a bar.
const SPACE: usize = 3;
/// The widest that the small curve gets.
const CURVE: u16 = 40;

/// With colours, or with none: then bold, faint and reversed must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint {
    pub(super) colours: bool,
}

impl Paint {
    fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let (colour, style) = match tone {
            Tone::Plain => return plain,
            Tone::Strong => return plain.add_modifier(Modifier::BOLD),
            Tone::Faint => return plain.add_modifier(Modifier::DIM),
            Tone::Good => (Color::Green, plain),
            Tone::Warn => (Color::Yellow, plain),
            Tone::Bad => (Color::Red, plain.add_modifier(Modifier::BOLD)),
        };
        match (self.colours, tone) {
            (true, _) => style.fg(colour),
            (false, Tone::Good) => plain,
            (false, Tone::Warn) => plain.add_modifier(Modifier::UNDERLINED),
            (false, _) => plain.add_modifier(Modifier::REVERSED),
        }
    }

    fn accent(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if self.colours { bold.fg(Color::Cyan) } else { bold }
    }

    fn span(self, cell: &Cell) -> Span<'static> {
        Span::styled(cell.text.clone(), self.style(cell.tone))
    }
}

/// Draws all of it.
pub(super) fn draw(view: &View, paint: Paint, frame: &mut Frame<'_>) {
    let area = frame.area();
    let heads = (view.head.len() as u16).min(area.height.saturating_sub(4));
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(heads), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    for (bar, row) in view.head.iter().zip(head.rows()) {
        draw_bar(bar, paint, row, frame);
    }
    draw_curve(view, paint, head, frame);
    let all = area.width >= WIDE && area.height >= HIGH && !view.alone;
    if all {
        draw_all(view, paint, body, frame)
    } else {
        draw_one(view, paint, body, frame)
    }
    draw_bar(&view.foot, paint, foot, frame);
    if view.help {
        draw_help(paint, area, frame);
    }
}

/// The parts that fit, whole; the first and those at the right come before the others.
fn draw_bar(bar: &Bar, paint: Paint, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width);
    let wide = |cells: &[&Cell]| cells.iter().map(|cell| cell.text.width() + SPACE).sum::<usize>();
    let right: Vec<&Cell> = bar.right.iter().collect();
    let mut left: Vec<&Cell> = bar.left.iter().collect();
    while left.len() > 1 && (wide(&left) + wide(&right)).saturating_sub(SPACE) > width {
        left.pop();
    }
    if !right.is_empty() && wide(&left) + wide(&right) - SPACE > width {
        left.clear();
    }
    // Only one that stands alone can be too long: it says that there was more.
    let part = |cell: &Cell| paint.span(&Cell::new(cut(&cell.text, width), cell.tone));
    let line = |cells: &[&Cell]| {
        let spans = cells
            .iter()
            .enumerate()
            .flat_map(|(at, cell)| [Span::raw(" ".repeat(if at > 0 { SPACE } else { 0 })), part(cell)]);
        Line::from_iter(spans)
    };
    frame.render_widget(Paragraph::new(line(&left)), area);
    if !right.is_empty() {
        let taken = (wide(&right) - SPACE).min(width) as u16;
        let place = Rect { x: area.right() - taken, width: taken, ..area };
        frame.render_widget(Paragraph::new(line(&right)), place);
    }
}

/// How many events a second there were, at the right of the second line, where it is free.
fn draw_curve(view: &View, paint: Paint, head: Rect, frame: &mut Frame<'_>) {
    let Some(row) = head.rows().nth(1) else { return };
    let text: usize = view.head[1].left.iter().map(|cell| cell.text.width() + SPACE).sum();
    let free = row.width.saturating_sub(text as u16);
    let width = free.min(CURVE).min(view.curve.len() as u16);
    if width < 8 {
        return;
    }
    let newest = &view.curve[view.curve.len() - usize::from(width)..];
    let place = Rect { x: row.right() - width, width, ..row };
    let style = if view.old { paint.style(Tone::Faint) } else { paint.accent() };
    frame.render_widget(Sparkline::default().data(newest).style(style), place);
}

fn draw_one(view: &View, paint: Paint, area: Rect, frame: &mut Frame<'_>) {
    let [tabs, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let names = Pane::ALL.iter().enumerate().map(|(at, pane)| {
        let name = format!(" {} {} ", at + 1, short(*pane, tabs.width));
        let style = if *pane == view.focus { paint.accent().add_modifier(Modifier::REVERSED) } else { Style::new() };
        Span::styled(name, style)
    });
    frame.render_widget(Paragraph::new(Line::from_iter(names)), tabs);
    for panel in view.panels.iter().filter(|panel| panel.pane == view.focus) {
        draw_panel(view, panel, paint, body, frame);
        draw_order(panel, paint, tabs, frame);
    }
}

/// A pane's name where there is little room.
fn short(pane: Pane, width: u16) -> &'static str {
    if width >= 50 { pane.name() } else { pane.name().get(..5).unwrap_or(pane.name()) }
}

fn draw_order(panel: &Panel, paint: Paint, tabs: Rect, frame: &mut Frame<'_>) {
    if tabs.width >= 76 {
        let words = Span::styled(panel.note.clone(), paint.style(Tone::Faint));
        frame.render_widget(Paragraph::new(words).alignment(Alignment::Right), tabs);
    }
}

fn draw_all(view: &View, paint: Paint, area: Rect, frame: &mut Frame<'_>) {
    let [left, right] = Layout::horizontal([Constraint::Percentage(52), Constraint::Percentage(48)]).areas(area);
    let [books, counters] = Layout::vertical([Constraint::Percentage(62), Constraint::Percentage(38)]).areas(left);
    let lines = view.panels.iter().find(|panel| panel.pane == Pane::Flow).map_or(0, |panel| panel.table.rows.len());
    // Connections are few: the latency gets what they do not need.
    let wanted = (lines as u16 + 3).clamp(5, right.height / 3);
    let [latency, lines] = Layout::vertical([Constraint::Min(0), Constraint::Length(wanted)]).areas(right);
    for panel in &view.panels {
        let (number, place) = match panel.pane {
            Pane::Books => (1, books),
            Pane::Latency => (2, latency),
            Pane::Flow => (3, lines),
            Pane::Counters => (4, counters),
        };
        let focused = panel.pane == view.focus;
        let edge = if focused { paint.accent() } else { paint.style(Tone::Faint) };
        let kind = if focused && !paint.colours { BorderType::Thick } else { BorderType::Plain };
        let title = Span::styled(format!(" {number} {} ", panel.pane.name()), edge.remove_modifier(Modifier::DIM));
        let order = Line::styled(format!(" {} ", panel.note), paint.style(Tone::Faint)).right_aligned();
        let block = Block::bordered().border_type(kind).border_style(edge).title(title).title(order);
        frame.render_widget(block, place);
        draw_panel(view, panel, paint, place.inner(Margin::new(1, 1)), frame);
    }
}

fn draw_panel(view: &View, panel: &Panel, paint: Paint, area: Rect, frame: &mut Frame<'_>) {
    let table = &panel.table;
    if table.rows.is_empty() {
        let words = Text::styled(table.empty.clone(), paint.style(Tone::Faint));
        frame.render_widget(Paragraph::new(words).wrap(ratatui::widgets::Wrap { trim: true }), area);
        return;
    }
    let fit = table.fit(usize::from(area.width));
    let side = |at: usize| if table.columns[at].right { Alignment::Right } else { Alignment::Left };
    let cell = |at: usize, span: Span<'static>| Text::from(Line::from(span).alignment(side(at)));
    let head = fit.iter().map(|(at, _)| cell(*at, Span::styled(table.columns[*at].name, paint.style(Tone::Faint))));
    let row = |cells: &Vec<Cell>| {
        Row::new(fit.iter().map(|(at, wide)| match cells.get(*at) {
            Some(found) => {
                // What is old is not to be taken for what is.
                let tone = if view.old { Tone::Faint } else { found.tone };
                cell(*at, paint.span(&Cell::new(cut(&found.text, *wide), tone)))
            }
            None => Text::default(),
        }))
    };
    let widths = fit.iter().map(|(_, wide)| Constraint::Length(*wide as u16));
    let mut state = TableState::new();
    let mut grid = Grid::new(table.rows.iter().map(row), widths).header(Row::new(head)).column_spacing(GAP as u16);
    if panel.pane == view.focus {
        state.select(Some(panel.row));
        grid = grid.row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    }
    frame.render_stateful_widget(grid, area, &mut state);
}

/// Keys with what they do beside them in a column; where that is too wide right behind them, and on below.
fn help_lines(paint: Paint, width: usize) -> Vec<Line<'static>> {
    let widest = |widths: [usize; HELP.len()]| widths.into_iter().max().unwrap_or(0);
    let (keys_wide, words_wide) =
        (widest(HELP.map(|(keys, _)| keys.width())), widest(HELP.map(|(_, words)| words.width())));
    // A cell of each edge stays free.
    let aside = 1 + keys_wide + GAP + words_wide < width;
    let mut lines = Vec::new();
    for (keys, words) in HELP {
        let pad = GAP + if aside { keys_wide - keys.width() } else { 0 };
        let mut line = Line::from(vec![Span::styled(format!(" {keys}"), paint.accent()), Span::raw(" ".repeat(pad))]);
        for word in words.split(' ') {
            if line.width() + word.width() >= width {
                lines.push(std::mem::replace(&mut line, Line::raw("     ")));
            }
            line.push_span(format!("{word} "));
        }
        lines.push(line);
    }
    lines
}

fn draw_help(paint: Paint, area: Rect, frame: &mut Frame<'_>) {
    let text = Text::from(help_lines(paint, usize::from(area.width.saturating_sub(2))));
    let (width, height) = (text.width() as u16 + 2, text.height() as u16 + 2);
    let place = area.centered(Constraint::Length(width.min(area.width)), Constraint::Length(height.min(area.height)));
    frame.render_widget(Clear, place);
    let block =
        Block::bordered().border_style(paint.accent()).title(" Keys ").title(Line::from(" any key ").right_aligned());
    frame.render_widget(Paragraph::new(text).block(block), place);
}
