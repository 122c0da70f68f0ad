//! `meltica top`: a running feed on a screen.
//!
//! | file | holds |
//! |---|---|
//! | `command` | the verb: from its arguments to its end |
//! | `terminal` | the terminal, taken and given back |
//! | `link` | asks the feed, follows its events |
//! | `news` | what the feed says, as plain data |
//! | `figures` | what is known of the feed: pure |
//! | `screen` | what a person did to the screen: pure |
//! | `keys` | keys → what they mean |
//! | `view` | figures and screen → what is to be seen: pure |
//! | `recent` | percentiles of the last seconds, from reports that only grow: pure |
//! | `books`, `hops`, `flow`, `counters` | the tables of the four panes: pure |
//! | `table` | tables, cells and what they mean |
//! | `draw` | what is to be seen → cells of a terminal |

mod books;
pub(in crate::cli) mod command;
mod counters;
mod draw;
#[cfg(test)]
mod draw_tests;
mod figures;
#[cfg(test)]
mod figures_tests;
mod flow;
mod hops;
mod keys;
mod link;
#[cfg(test)]
mod narrow_tests;
mod news;
mod recent;
mod screen;
mod table;
mod terminal;
mod view;
