//! What the hub's sources say of its services and stages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;
use tributary_model::{Domain, topics};

use crate::bed::{repository, text};

/// A stage of the code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stage {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) leader_topics: BTreeSet<String>,
}

/// What `tributary run` takes beside `all`.
pub(crate) fn services() -> BTreeSet<String> {
    let cli = text("services/tributary/src/cli.rs");
    let (_, rest) = cli.split_once("pub enum Service {").unwrap();
    let (variants, _) = rest.split_once("\n}").unwrap();
    let variant = Regex::new(r"(?m)^    ([A-Z][a-z]+),$").unwrap();
    let names: BTreeSet<String> = variant.captures_iter(variants).map(|found| found[1].to_lowercase()).collect();
    assert!(names.contains("all") && names.len() > 3, "{names:?}");
    names.into_iter().filter(|name| name != "all").collect()
}

/// All stages, from where they are made.
pub(crate) fn stages() -> BTreeSet<Stage> {
    let mut files = Vec::new();
    collect(&repository("services"), &mut files);
    let made = Regex::new(r"Stage \{\s*name: ([^,]+),\s*leader_topics: ([^\n]+),\n").unwrap();
    let mut stages = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let found: Vec<_> = made.captures_iter(production).collect();
        let mentioned = production.matches(" leader_topics: ").count();
        assert_eq!(found.len(), mentioned, "{}: a stage is made in another way than this test reads", file.display());
        let services = repository("services");
        let service = file.strip_prefix(&services).unwrap().components().next().unwrap();
        let service = service.as_os_str().to_str().unwrap().to_owned();
        for stage in found {
            let name = quoted(&stage[1]).unwrap_or_else(|| constant(production, &stage[1]));
            stages.insert(Stage { service: service.clone(), name, leader_topics: leader_topics(&stage[2]) });
        }
    }
    stages
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "tests" && name != "examples" {
            collect(&path, files);
        } else if name.to_str().is_some_and(|name| name.ends_with(".rs") && name != "tests.rs") {
            files.push(path);
        }
    }
}

fn quoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

fn constant(text: &str, name: &str) -> String {
    let declared = Regex::new(&format!(r#"const {name}: &str = "([^"]+)";"#)).unwrap();
    declared.captures(text).unwrap_or_else(|| panic!("there is no constant {name}"))[1].to_owned()
}

fn leader_topics(expression: &str) -> BTreeSet<String> {
    if expression.contains("Domain::ALL") {
        return Domain::ALL.into_iter().map(topics::raw).collect();
    }
    let named = Regex::new(r"topics::([A-Z_]+)").unwrap();
    let list = text("crates/model/src/topics.rs");
    let found: BTreeSet<String> = named.captures_iter(expression).map(|name| constant(&list, &name[1])).collect();
    assert!(!found.is_empty(), "{expression} names no topic that this test understands");
    found
}

/// The same as the chart has it, by service.
pub(crate) fn by_service() -> BTreeMap<String, BTreeSet<Stage>> {
    let mut all: BTreeMap<String, BTreeSet<Stage>> = BTreeMap::new();
    for stage in stages() {
        all.entry(stage.service.clone()).or_default().insert(stage);
    }
    all
}
