//! What the integration tests share: where the captures are, how to convert them, how to run the program.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)] // Each test binary uses its own part.

pub mod recordings;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use meltica::schema::decimal::Decimal;
use serde_json::Value;

/// Nothing that is waited for here takes so long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of captures, or `None` with a word on standard error: a test that needs them says that it was skipped.
pub fn captures(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("MELTICA_CAPTURES").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"));
    if folder.join("README.md").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED {test}: no captures at {} (set MELTICA_CAPTURES)", folder.display());
    None
}

pub fn read_gz(path: &Path) -> String {
    let mut text = String::new();
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// `1633998512.0633569` seconds as nanoseconds, exactly.
fn nanos(seconds: &str) -> i64 {
    let value: Decimal = seconds.parse().unwrap_or_else(|_| panic!("`{seconds}` is no time"));
    value.mantissa_at(9).unwrap()
}

/// Turns a cryptofeed recording (WebSocket lines and REST lines) into a capture, in order of time.
pub fn convert_cryptofeed(ws: &Path, http: &Path, out: &Path) {
    let mut lines: Vec<(i64, String)> = Vec::new();
    for line in fs::read_to_string(ws).unwrap().lines().filter(|l| !l.is_empty() && !l.starts_with("wss://")) {
        let (stamp, json) = line.split_once(": ").unwrap();
        lines.push((nanos(stamp), json.to_owned()));
    }
    for line in fs::read_to_string(http).unwrap().lines().filter(|l| l.contains("/depth?")) {
        let (url, rest) = line.split_once(" -> ").unwrap();
        let (stamp, body) = rest.split_once(": ").unwrap();
        let path = &url[url.find(".com").unwrap() + 4..];
        lines.push((nanos(stamp), format!("{{\"rest\":\"{path}\",\"data\":{body}}}")));
    }
    lines.sort_by_key(|(stamp, _)| *stamp);
    let text: String = lines.iter().map(|(stamp, json)| format!("{stamp} {json}\n")).collect();
    fs::write(out, text).unwrap();
}

/// Runs the program and gives its output. Overrides of the environment are those given and no others.
pub fn meltica(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("MELTICA_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).output().unwrap()
}

/// As [`meltica`], and the program must have ended well.
pub fn meltica_ok(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let output = meltica(arguments, environment);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "meltica {arguments:?} ended with {}:\n{stderr}", output.status);
    output
}

/// A running program that ends with its test, however that goes.
pub struct Running(Child);

impl Running {
    /// Starts it with these arguments, and with these overrides of the environment and no others; both outputs are piped.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("MELTICA_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(command.spawn().unwrap())
    }

    /// Takes a program that was started otherwise.
    pub fn of(child: Child) -> Running {
        Running(child)
    }

    /// Starts a feed with these overrides of the environment; and the address of its facade, `http://` and all, once it says it.
    pub fn feed(environment: &[(&str, &str)]) -> (Running, String) {
        let mut feed = Running::start(&["run"], &[&[("MELTICA_CONTROL__LISTEN", "127.0.0.1:0")], environment].concat());
        let (mut lines, mut seen) = (feed.stderr(), String::new());
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {seen}")).unwrap();
            if let Some((_, at)) = line.split_once("control at ") {
                let at = at.split_whitespace().next().unwrap().to_owned();
                // What it tells from now on is not to fill the pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return (feed, at);
            }
            seen.push_str(&line);
        }
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Lines of its standard output.
    pub fn stdout(&mut self) -> Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.stdout.take().unwrap()).lines()
    }

    /// Lines of its standard error.
    pub fn stderr(&mut self) -> Lines<BufReader<ChildStderr>> {
        BufReader::new(self.0.stderr.take().unwrap()).lines()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits until it is held up in a write to its standard output: the pipe is full, and nobody reads.
    pub fn until_held_up(&self) {
        // The number of the call in which a thread waits, and its first argument; or `running`.
        let call = if cfg!(target_arch = "x86_64") { "1 0x1 " } else { "64 0x1 " };
        self.until("it is not held up", |process| {
            fs::read_to_string(process.join("syscall")).is_ok_and(|waits| waits.starts_with(call))
        });
    }

    /// Does what is to end its stages, and waits until they have ended, in whatever topology: the last of the walk ends last.
    pub fn until_stages_ended(&self, by: impl FnOnce(&Running)) {
        let last = ["meltica-engine", "meltica-shard", "meltica-condu"];
        let is_one = |task: fs::DirEntry| {
            let name = fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| last.iter().any(|last| name.starts_with(last)))
        };
        let has_one = |process: &Path| fs::read_dir(process.join("task")).unwrap().flatten().any(is_one);
        // Stages of other names would be taken for ended; asked before they end.
        assert!(has_one(&self.process()), "no thread is called {last:?}: name the last stages here as the engine does");
        by(self);
        self.until("its stages do not end", |process| !has_one(process));
    }

    /// Where Linux tells of the process.
    fn process(&self) -> PathBuf {
        Path::new("/proc").join(self.0.id().to_string())
    }

    /// Waits until Linux says this of the process.
    fn until(&self, otherwise: &str, is_so: impl Fn(&Path) -> bool) {
        let process = self.process();
        let since = Instant::now();
        while !is_so(&process) {
            assert!(since.elapsed() < PATIENCE, "{otherwise}, or {} does not say so", process.display());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for its end: how it was, and what it told until then if nobody has read it.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut told = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut told).unwrap();
        }
        (self.0.wait().unwrap(), told)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn json_lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e} in {l}"))).collect()
}

pub fn decimal(value: &Value) -> Decimal {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no decimal"));
    text.parse().unwrap_or_else(|_| panic!("{value} is no decimal"))
}

/// Published events must be numbered 1, 2, 3… for each (market, instrument, type).
pub fn assert_gapless(events: &[Value]) {
    let mut last: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for event in events {
        let word = |key: &str| event[key].as_str().unwrap_or("*").to_owned();
        let key = (word("market"), word("instrument"), word("type"));
        let seq = event["seq"].as_u64().unwrap();
        let before = last.insert(key.clone(), seq).unwrap_or(0);
        assert_eq!(seq, before + 1, "{key:?}");
        assert_eq!(event["key"], format!("{}:{}:{seq}", key.1, key.2));
    }
}
