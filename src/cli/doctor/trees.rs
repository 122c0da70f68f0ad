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

/// Two sockets of four physical cores with two threads each: 0-3 and 8-11; 4-7 and 12-15.
pub(super) fn two_sockets() -> String {
    let mut text = "/sys/devices/system/cpu/online: 0-15\n/sys/devices/system/cpu/isolated:\n".to_owned();
    text += "/proc/self/status: Name: x\\nCpus_allowed_list:\\t0-15\n";
    for core in 0..16 {
        let (low, socket) = (core % 8, core % 8 / 4);
        let at = format!("/sys/devices/system/cpu/cpu{core}");
        let cache = if socket == 0 { "0-3,8-11" } else { "4-7,12-15" };
        text += &format!("{at}/topology/thread_siblings_list: {low},{}\n", low + 8);
        text += &format!("{at}/cache/index0/level: 1\n{at}/cache/index0/shared_cpu_list: {low},{}\n", low + 8);
        text += &format!("{at}/cache/index3/level: 3\n{at}/cache/index3/shared_cpu_list: {cache}\n");
    }
    text += "/sys/devices/system/node/node0/cpulist: 0-3,8-11\n/sys/devices/system/node/node1/cpulist: 4-7,12-15\n";
    text
}
