//! `meltica doctor`: what this machine costs a feed, and what to change.
//!
//! | file | holds |
//! |---|---|
//! | `words` | the grammar |
//! | `command` | from arguments to a report and an exit code |
//! | `finding` | what is, how good that is, what to change |
//! | `plan` | what the configuration asks of the machine |
//! | `root` | files of /proc and /sys, bounded, with why they could not be read |
//! | `core_set` | sets of cores as the kernel writes them |
//! | `layout` | which cores there are, how they lie, which are set apart |
//! | `cores`, `neighbours` | judged by it: cores for threads; siblings, nodes, caches |
//! | `quota` | what a control group allows |
//! | `frequency` | clock speed and idle states |
//! | `interrupts` | where the network device's interrupts go |
//! | `clocks`, `sync` | the clock, and who keeps it |
//! | `asked` | what programs say that files do not |
//! | `limits`, `memory` | bounds of the process; huge pages, swap |
//! | `network` | busy polling, buffers |
//! | `machine` | load, steal, virtualisation, mitigations |
//! | `race`, `lanes` | connections to the venue, timed; what they came to |
//! | `report` | the findings for a person and for a program |
//!
//! In each of them reading (`see`) stands apart from judging (`judge`), which is pure, and `report` alone prints.

mod asked;
mod clocks;
pub(super) mod command;
pub(super) mod core_set;
mod cores;
mod finding;
mod frequency;
mod interrupts;
mod lanes;
mod layout;
mod limits;
mod machine;
mod memory;
mod neighbours;
mod network;
mod plan;
mod quota;
mod race;
mod report;
mod root;
mod sync;
#[cfg(test)]
mod trees;
pub(super) mod words;
