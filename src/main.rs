//! The `meltica` command: everything is in [`meltica::cli`]; this only leaves with its exit code.

fn main() -> std::process::ExitCode {
    meltica::cli::main()
}
