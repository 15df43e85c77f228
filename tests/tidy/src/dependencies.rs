//! Which package may depend on which: dependencies point one way.

use cargo_metadata::{DependencyKind, Metadata};

use crate::Finding;

const PREFIX: &str = "tributary-";
/// The one service that composes the others.
const COMPOSER: &str = "tributary-tributary";
/// What the libraries may use of each other.
const LAYERS: [(&str, &[&str]); 10] = [
    ("tributary-model", &[]),
    ("tributary-schema", &["tributary-model"]),
    ("tributary-stream", &["tributary-model", "tributary-schema"]),
    ("tributary-service", &[]),
    ("tributary-rules", &[]),
    ("tributary-attribution", &[]),
    ("tributary-silo", &["tributary-model"]),
    ("tributary-story", &["tributary-model"]),
    ("tributary-lift", &[]),
    ("tributary-testkit", &[]),
];
/// Packages from elsewhere that only one of ours may name.
const KEPT_IN_ONE_PLACE: [(&str, &str); 3] =
    [("rdkafka", "tributary-stream"), ("vrl", "tributary-rules"), ("apache-avro", "tributary-schema")];
/// Measures what is built on a client against the client alone.
const YARDSTICK: (&str, &str) = ("tributary-bench", "rdkafka");

/// Where in the repository a package lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `crates/`.
    Library,
    /// `services/`.
    Service,
    /// `tests/`.
    Test,
}

/// One package's wish for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The package that depends.
    pub from: String,
    /// Where it lives.
    pub place: Place,
    /// What it depends on.
    pub to: String,
    /// True for a dependency of tests only.
    pub is_dev: bool,
}

/// All dependencies that the packages of the workspace declare.
#[must_use]
pub fn edges(metadata: &Metadata) -> Vec<Edge> {
    let mut edges = Vec::new();
    for package in &metadata.packages {
        let place = if package.manifest_path.starts_with(metadata.workspace_root.join("crates")) {
            Place::Library
        } else if package.manifest_path.starts_with(metadata.workspace_root.join("services")) {
            Place::Service
        } else {
            Place::Test
        };
        for dependency in &package.dependencies {
            edges.push(Edge {
                from: package.name.to_string(),
                place,
                to: dependency.name.clone(),
                is_dev: dependency.kind == DependencyKind::Development,
            });
        }
    }
    edges
}

/// The dependencies that point the wrong way.
#[must_use]
pub fn findings(edges: &[Edge]) -> Vec<Finding> {
    edges.iter().filter_map(finding).collect()
}

fn finding(edge: &Edge) -> Option<Finding> {
    let Edge { from, place, to, is_dev } = edge;
    let wrong = |why: &str, remedy: String| Some(Finding::new(from, format!("depends on {to}: {why}"), remedy));
    for (kept, home) in KEPT_IN_ONE_PLACE {
        if to == kept && from != home && (from.as_str(), kept) != YARDSTICK {
            return wrong("only one package names it", format!("use what {home} offers, or add to it what is missing"));
        }
    }
    if !to.starts_with(PREFIX) || *place == Place::Test {
        return None;
    }
    if to == "tributary-testkit" {
        let remedy = "move it to [dev-dependencies]".to_owned();
        return if *is_dev { None } else { wrong("it is for tests only", remedy) };
    }
    let layer = LAYERS.iter().find(|(library, _)| library == from);
    match (place, layer) {
        (Place::Library, Some((_, below))) if !below.contains(&to.as_str()) => {
            let allowed = if below.is_empty() { "nothing of ours".to_owned() } else { below.join(" and ") };
            wrong("libraries point one way", format!("{from} uses {allowed}; move the shared part down a layer"))
        }
        (Place::Library, None) => {
            wrong("this library has no place in the layers", "give it one in tests/tidy/src/dependencies.rs".to_owned())
        }
        (Place::Service, _) if from != COMPOSER && !LAYERS.iter().any(|(library, _)| library == to) => wrong(
            "services never depend on each other",
            format!("move the shared part to a crate, or compose the two in {COMPOSER}"),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(from: &str, place: Place, to: &str, is_dev: bool) -> bool {
        findings(&[Edge { from: from.to_owned(), place, to: to.to_owned(), is_dev }]).is_empty()
    }

    #[test]
    fn dependencies_point_one_way() {
        assert!(allowed("tributary-stream", Place::Library, "tributary-schema", false));
        assert!(!allowed("tributary-schema", Place::Library, "tributary-stream", false));
        assert!(!allowed("tributary-model", Place::Library, "tributary-service", false));
        assert!(!allowed("tributary-rules", Place::Library, "tributary-model", false));
        assert!(!allowed("tributary-attribution", Place::Library, "tributary-model", false));
        assert!(!allowed("tributary-lift", Place::Library, "tributary-attribution", false));
        assert!(!allowed("tributary-novel", Place::Library, "tributary-model", false), "no place in the layers");
        assert!(allowed("tributary-journey", Place::Service, "tributary-rules", false));
        assert!(!allowed("tributary-journey", Place::Service, "tributary-triggers", false));
        assert!(!allowed("tributary-journey", Place::Service, "tributary-triggers", true), "not even in tests");
        assert!(allowed(COMPOSER, Place::Service, "tributary-triggers", false));
        assert!(!allowed("tributary-stream", Place::Library, "tributary-insight", false));
    }

    #[test]
    fn test_support_stays_in_tests_and_clients_in_their_crate() {
        assert!(allowed("tributary-gateway", Place::Service, "tributary-testkit", true));
        assert!(!allowed("tributary-gateway", Place::Service, "tributary-testkit", false));
        assert!(allowed("tributary-test-broker", Place::Test, "tributary-testkit", false));
        assert!(allowed("tributary-stream", Place::Library, "rdkafka", false));
        assert!(!allowed("tributary-gateway", Place::Service, "rdkafka", false));
        assert!(!allowed("tributary-test-broker", Place::Test, "rdkafka", true));
        assert!(allowed("tributary-bench", Place::Test, "rdkafka", false));
        assert!(!allowed("tributary-bench", Place::Test, "vrl", false));
    }
}
