//! From file to tree, and from tree to the typed configuration, with all problems on the way.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::de::{Fault, FaultKind};
use super::overrides::Origins;
use super::problem::Problem;
use super::tree::{Node, Step, path_text};

/// How many problems are looked for: each costs one more pass.
const MAX_PROBLEMS: usize = 100;

/// How alike a key must be to be offered instead (Jaro-Winkler similarity, 0 to 1).
const SIMILAR: f64 = 0.8;

pub(super) fn file(path: &Path) -> Result<Node, Problem> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::new("", &name, format!("the configuration file cannot be read: {error}"), "give a readable YAML file")
    })?;
    if text.trim().is_empty() {
        return Ok(Node::Map(Default::default()));
    }
    match Node::from_yaml(&text) {
        Ok(Node::Null) => Ok(Node::Map(Default::default())),
        Ok(node @ Node::Map(_)) => Ok(node),
        Ok(other) => {
            let why = format!("the configuration file is {}", other.brief());
            Err(Problem::new("", &name, why, "write keys and values, as `kafka:` and below it `  bootstrap: …`"))
        }
        Err(error) => {
            Err(Problem::new("", &name, format!("the configuration file is no YAML: {error}"), "mend it there"))
        }
    }
}

/// Reads the tree again and again, putting aside what is faulty, until it fits or nothing can be put aside.
pub(super) fn tree<T: DeserializeOwned>(mut tree: Node, origins: &Origins, problems: &mut Vec<Problem>) -> Option<T> {
    let mut put_aside: Vec<String> = Vec::new();
    loop {
        let fault = match T::deserialize(&tree) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let path: Vec<Step> = fault.path.iter().rev().cloned().collect();
        let key = path_text(&path);
        let consequence = matches!(fault.kind, FaultKind::Missing) && put_aside.contains(&key);
        if !consequence {
            problems.push(problem(&fault, &path, &tree, origins));
        }
        put_aside.push(key);
        if problems.len() >= MAX_PROBLEMS || !put_aside_faulty(&mut tree, &fault, &path) {
            return None;
        }
    }
}

fn put_aside_faulty(tree: &mut Node, fault: &Fault, path: &[Step]) -> bool {
    match fault.kind {
        // Nothing stands there: what misses it goes.
        FaultKind::Missing => path.len() > 1 && tree.remove(&path[..path.len() - 1]),
        FaultKind::Unknown { .. } | FaultKind::Invalid { .. } => tree.remove(path),
    }
}

fn problem(fault: &Fault, path: &[Step], tree: &Node, origins: &Origins) -> Problem {
    let key = path_text(path);
    let origin = origins.of(&key).map(|origin| format!(" (set by {origin})")).unwrap_or_default();
    let value = match tree.get(path) {
        Some(node) if !fault.secret => node.brief(),
        _ => String::new(),
    };
    match &fault.kind {
        FaultKind::Missing => {
            let remedy = format!("set it in the file, as a flag --set {key}=…, or in the environment");
            Problem::new(key, "", "is not set and has no default", remedy)
        }
        FaultKind::Unknown { what, name, allowed } => {
            Problem::new(key, value, format!("is no known {what}{origin}"), instead(name, allowed))
        }
        FaultKind::Invalid { why, remedy } => Problem::new(key, value, format!("{why}{origin}"), remedy.clone()),
    }
}

fn instead(name: &str, allowed: &[&str]) -> String {
    if allowed.is_empty() {
        return "remove it: nothing can be set here".to_owned();
    }
    let all = allowed.join(", ");
    let nearest = allowed
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(similarity, _)| *similarity >= SIMILAR);
    match nearest {
        Some((_, candidate)) => format!("did you mean {candidate}? allowed: {all}"),
        None => format!("allowed: {all}"),
    }
}
