//! Purpose: loads a configuration: file, variables, schema, rules; all faults at once.
//! Owns: the bound on a file's size. Thread: any (cold). Takes and gives: a path and variables in, a configuration out.
//! Never: gives a configuration of which anything is faulty.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use garde::Validate;
use serde::Deserialize;
use serde_json::Value;

use super::fault::{ConfigFaults, Fault, Place, shown_path};
use super::node::{Content, Node};
use super::schema::json_schema;
use super::settings::Config;
use super::variables::overlay;
use super::walk::{Finding, Walk};

/// Most bytes of a configuration file.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// A configuration, and where its values stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where its values stand.
    pub places: Places,
}

/// Where the values of a configuration stand, so that what is found wrong later is told with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    file: Option<Arc<str>>,
    lines: Vec<Box<str>>,
    tree: Node,
}

impl Places {
    /// Line and column, both from 1, of the value of that path, or of the deepest part of the path that the file has.
    /// List items are named by their number from 0. `None` for what the file does not say.
    pub fn locate<S: AsRef<str>>(&self, path: &[S]) -> Option<(u32, u32)> {
        match self.tree.find(path)? {
            Place::File { line, column, .. } => Some((*line, *column)),
            Place::Variable(_) | Place::Nowhere => None,
        }
    }

    /// Whether the file or a variable says this value itself; `false` where the default holds.
    pub fn says<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.tree.holds(path)
    }

    /// A fault of the value of that path, to be shown like those that loading found.
    pub fn fault<S: AsRef<str>>(&self, path: &[S], message: impl Into<String>) -> Fault {
        let place = self.tree.find(path).cloned().unwrap_or(Place::Nowhere);
        self.complete(Finding { place, path: shown_path(path), message: message.into() })
    }

    fn complete(&self, finding: Finding) -> Fault {
        let Finding { place, path, message } = finding;
        let source_line = match &place {
            Place::File { line, .. } => self.lines.get(*line as usize - 1).map(|text| text.to_string()),
            _ => None,
        };
        Fault { file: self.file.clone(), place, path, message, source_line }
    }
}

/// Loads a configuration: the file where there is one, variables over it, defaults for the rest.
///
/// `env` is the environment, [`super::RESERVED_VARIABLES`] and others' variables included.
///
/// # Errors
/// Every fault found, with its place; at least one.
pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, ConfigFaults> {
    let file: Option<Arc<str>> = path.map(|path| path.display().to_string().into());
    let mut places = Places { file, lines: Vec::new(), tree: Node { place: Place::Nowhere, content: Content::Null } };
    let one = |places: &Places, place, message| {
        ConfigFaults(vec![places.complete(Finding { place, path: String::new(), message })])
    };
    if let Some(path) = path {
        let text = read(path).map_err(|(place, message)| one(&places, place, message))?;
        places.lines = text.lines().map(Box::from).collect();
        places.tree = Node::parse(&text).map_err(|(place, message)| {
            let tab = matches!(&place, Place::File { line, .. } if leads_with_tab(&places.lines, *line));
            let hint = if tab { "; YAML takes no tabs for indentation, use spaces" } else { "" };
            one(&places, place, format!("this is no YAML: {message}{hint}"))
        })?;
    }
    let schema = json_schema();
    let defaults = serde_json::to_value(Config::default()).unwrap_or(Value::Null);
    let mut findings = overlay(&mut places.tree, &schema, &defaults, env);
    match examine(&places.tree, &schema, &mut findings) {
        Some(config) if findings.is_empty() => Ok(Loaded { config, places }),
        _ => Err(ConfigFaults::sorted(findings.into_iter().map(|found| places.complete(found)).collect())),
    }
}

/// Checks a configuration that was made in code by the rules that hold for a file.
///
/// # Errors
/// Every fault found.
pub fn check(config: &Config) -> Result<(), ConfigFaults> {
    let mut findings = Vec::new();
    let value = serde_json::to_value(config).unwrap_or(Value::Null);
    let tree = Node::from_json(&value, &Place::Nowhere);
    examine(&tree, &json_schema(), &mut findings);
    if findings.is_empty() {
        return Ok(());
    }
    let places = Places { file: None, lines: Vec::new(), tree };
    Err(ConfigFaults::sorted(findings.into_iter().map(|found| places.complete(found)).collect()))
}

/// Finds every fault of the tree; the configuration, with defaults for what is faulty.
fn examine(tree: &Node, schema: &Value, findings: &mut Vec<Finding>) -> Option<Config> {
    let mut walk = Walk::new(schema);
    let value = walk.tree(tree);
    let walked = walk.findings.is_empty();
    findings.append(&mut walk.findings);
    let config = match Config::deserialize(value) {
        Ok(config) => config,
        Err(err) => {
            // The walk lets nothing through that serde refuses; should it ever, the file is refused all the same.
            if walked {
                findings.push(Finding { place: Place::Nowhere, path: String::new(), message: err.to_string() });
            }
            return None;
        }
    };
    if let Err(report) = config.validate() {
        for (path, error) in report.iter() {
            let segments = segments(&path.to_string());
            let place = tree.find(&segments).cloned().unwrap_or(Place::Nowhere);
            findings.push(Finding { place, path: shown_path(&segments), message: error.to_string() });
        }
    }
    Some(config)
}

/// Takes a path of garde's (`a.b[2]`) apart.
fn segments(path: &str) -> Vec<String> {
    path.split(['.', '[', ']']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn read(path: &Path) -> Result<String, (Place, String)> {
    let whole = |message: String| (Place::Nowhere, message);
    let open = |err: std::io::Error| whole(format!("cannot be read: {err}; check the path and its permissions"));
    // Asked before opening: opening a pipe waits for its other end.
    let meta = std::fs::metadata(path).map_err(open)?;
    if !meta.is_file() {
        return Err(whole("is not a regular file: expected a YAML file".to_owned()));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(open)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(open)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("is larger than {FILE_BYTES_MAX} bytes: is it the right file? Expected a configuration");
        return Err(whole(message));
    }
    let text = String::from_utf8(bytes).map_err(|err| {
        let valid = &err.as_bytes()[..err.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|b| **b == b'\n').count();
        let start = valid.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = 1 + String::from_utf8_lossy(&valid[start..]).chars().count();
        let place = Place::File { line: line as u32, column: column as u32, length: 1 };
        (place, "this is not UTF-8: save the file as UTF-8".to_owned())
    })?;
    if text.trim().is_empty() {
        return Err(whole("is empty: expected keys and values; to run with the defaults, name no file".to_owned()));
    }
    Ok(text)
}

fn leads_with_tab(lines: &[Box<str>], line: u32) -> bool {
    let line = lines.get(line as usize - 1).map_or("", |line| line);
    line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t')
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
