//! Purpose: keeps what a command writes away from what it reads, and its outputs from each other.
//! Owns: nothing. Thread: main, before anything is opened. Takes and gives: paths in, a fault or none out.
//! Never: opens, makes or shortens a file.

use std::path::{Path, PathBuf};

use super::args::OutputArgs;
use super::exit::{Cause, Failed};
use super::whole_file::led_to;

/// Refuses outputs that would destroy an input or each other. `inputs` are what the command reads, by what a person calls
/// them.
///
/// # Errors
/// [`Cause::Usage`], naming both.
pub(super) fn keep_apart<'a>(
    output: &'a OutputArgs,
    inputs: impl Iterator<Item = (&'static str, &'a Path)>,
) -> Result<(), Failed> {
    let outputs: Vec<(&str, &Path)> = [("--events", output.events.as_deref()), ("--books", output.books.as_deref())]
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)))
        .collect();
    keep_apart_named(&outputs, inputs)
}

/// The same of outputs by the names of their arguments, two at most.
///
/// # Errors
/// [`Cause::Usage`], naming both.
pub(super) fn keep_apart_named<'a>(
    outputs: &[(&str, &Path)],
    inputs: impl Iterator<Item = (&'static str, &'a Path)>,
) -> Result<(), Failed> {
    let usage = |message: String| Err(Failed::new(Cause::Usage, message));
    if let [(one, a), (other, b)] = outputs[..]
        && is_same(a, b)
    {
        let shown = if a == Path::new("-") { "standard output".to_owned() } else { a.display().to_string() };
        return usage(format!(
            "{one} and {other} both name {shown}: each needs a place of its own; name a file for one"
        ));
    }
    for (what, input) in inputs {
        if let Some((name, path)) = outputs.iter().find(|(_, path)| *path != Path::new("-") && is_same(path, input)) {
            let shown = path.display();
            return usage(format!("{name} {shown} would overwrite the {what} {}: name another file", input.display()));
        }
    }
    Ok(())
}

/// Whether two paths lead to one file. Devices and pipes may be shared: writing destroys nothing there.
fn is_same(a: &Path, b: &Path) -> bool {
    let is_special = |path: &Path| path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    if is_special(a) && is_special(b) {
        return false;
    }
    a == b || is_one_file(a, b) || resolved(a).is_some_and(|a| resolved(b).is_some_and(|b| a == b))
}

/// Whether they are names of one file, hard links included.
#[cfg(unix)]
fn is_one_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| path.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
    identity(a).is_some_and(|a| identity(b) == Some(a))
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}

/// The path without links; of a file that is not there yet, its folder's and its name.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = led_to(path).ok()?;
    if let Ok(whole) = path.canonicalize() {
        return Some(whole);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_by_whatever_name() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        std::fs::write(at("a"), "x").unwrap();
        std::fs::write(at("b"), "x").unwrap();
        std::fs::hard_link(at("a"), at("hard")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for (one, other, same) in [
            ("a", "a", true),
            ("a", "folder/../a", true),
            ("a", "b", false),
            ("new", "folder/../new", true),
            ("new", "newer", false),
            ("nowhere/new", "new", false),
        ] {
            assert_eq!(is_same(&at(one), &at(other)), same, "{one} {other}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("a"), at("soft")).unwrap();
            std::os::unix::fs::symlink("newest", at("dangling")).unwrap();
            assert!(is_same(&at("dangling"), &at("newest")), "what will be written is one file");
            assert!(is_same(&at("a"), &at("hard")) && is_same(&at("soft"), &at("hard")));
            assert!(!is_same(Path::new("/dev/null"), Path::new("/dev/null")), "what goes nowhere is no harm");
        }
        assert!(is_same(Path::new("-"), Path::new("-")));
    }
}
