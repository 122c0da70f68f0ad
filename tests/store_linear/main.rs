//! The snapshot store under many writers is linearisable: histories of real threads, checked; and the check is checked.

mod history;
mod planted;
mod stress;
