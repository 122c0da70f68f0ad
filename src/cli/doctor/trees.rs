//! Purpose: folders in the place of /proc and /sys, for tests. Owns: their form as text. Thread: a test's.
//! Takes and gives: text in, a folder out. Never: stands in for the machine where a test is of the machine.

use std::fs;
use std::path::Path;

use super::root::Root;

/// A folder with files.
pub(super) struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    /// A line each: `/path: content`, with `\n` for a line feed and `-> target` for a link; a path that ends with `/` is a
    /// folder. Later lines win.
    pub(super) fn of(text: &str) -> Tree {
        let tree = Tree { folder: tempfile::tempdir().unwrap() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (path, content) = line.split_once(':').unwrap_or((line, ""));
            let at = tree.path().join(path.trim_start_matches('/'));
            if path.ends_with('/') {
                fs::create_dir_all(at).unwrap();
                continue;
            }
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            match content.trim().strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, at).unwrap(),
                None => fs::write(at, content.trim().replace("\\n", "\n").replace("\\t", "\t")).unwrap(),
            }
        }
        tree
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn root(&self) -> Root {
        Root::at(self.path())
    }
}
