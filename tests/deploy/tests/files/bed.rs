//! The programs that the tests run, and the files that they run them on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::manifests::Manifest;

/// The sets of values that every test of the chart goes through.
pub(crate) const SETS: [&str; 3] = ["minimal", "production", "all-in-one"];

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

pub(crate) fn text(path: &str) -> String {
    let path = repository(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// The file of one of [`SETS`].
pub(crate) fn values(name: &str) -> PathBuf {
    repository(&format!("tests/deploy/values/{name}.yaml"))
}

/// Where `./test` has installed what the tests need.
fn tools() -> PathBuf {
    std::env::var_os("TRIBUTARY_TEST_TOOLS").map_or_else(|| repository("target/tools"), PathBuf::from)
}

fn tool(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} is not there: run ./test once, which installs it", path.display());
    path
}

/// Docker Compose itself, behind the Python script that would not pass its exit code on.
pub(crate) fn docker_compose() -> Command {
    let libraries = tools().join("lib").read_dir().into_iter().flatten().flatten();
    let candidates = libraries.map(|python| python.path().join("site-packages/compose/docker-compose"));
    let wanted = tools().join("lib/python3/site-packages/compose/docker-compose");
    Command::new(tool(candidates.into_iter().find(|path| path.is_file()).unwrap_or(wanted)))
}

/// Prometheus' own checker of rules.
pub(crate) fn promtool() -> Command {
    Command::new(tool(tools().join("prometheus/promtool")))
}

/// The hub's binary: the one that was built beside this test.
pub(crate) fn hub() -> Command {
    let built = || std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("tributary");
    let path = std::env::var_os("TRIBUTARY_TEST_HUB").map_or_else(built, PathBuf::from);
    assert!(path.is_file(), "{} is not there: cargo build --bin tributary, or run ./test", path.display());
    let mut command = Command::new(path);
    command.env_clear();
    command
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What Helm makes of the chart with some values.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) manifests: Vec<Manifest>,
    /// What Helm says when it renders nothing.
    pub(crate) refused: Option<String>,
    /// What the linter says, as `{severity, path, error}`.
    pub(crate) lint: Vec<Value>,
    /// What the schemas of Kubernetes have against the manifests.
    pub(crate) problems: Vec<Value>,
    /// Kinds that are not Kubernetes' own.
    pub(crate) foreign_kinds: Vec<String>,
    pub(crate) notes: String,
}

impl Rendered {
    /// Of one of [`SETS`].
    pub(crate) fn set(name: &str) -> Self {
        Self::of(name, &repository("charts/tributary"), &values(name), &[])
    }

    /// The same, linted, and held against the schemas of Kubernetes.
    pub(crate) fn judged(name: &str) -> Self {
        Self::of(name, &repository("charts/tributary"), &values(name), &["judge"])
    }

    /// Of values that a test makes up.
    pub(crate) fn with(name: &str, values: &Value) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("values.yaml");
        std::fs::write(&path, values.to_string()).unwrap();
        Self::of(name, &repository("charts/tributary"), &path, &[])
    }

    pub(crate) fn of(name: &str, chart: &Path, values: &Path, how: &[&str]) -> Self {
        let output = Command::new(tool(tools().join("bin/python")))
            .arg(repository("tests/deploy/render.py"))
            .args([chart, values])
            .args(how)
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", said(&output));
        let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut list = |key: &str| match answer[key].take() {
            Value::Array(all) => all,
            other => panic!("{name}: {key} is {other}"),
        };
        let documents = list("documents").into_iter();
        let manifests = documents.map(Manifest).collect();
        let (lint, problems) = (list("lint"), list("problems"));
        let foreign_kinds = list("foreign_kinds").iter().map(|kind| kind.as_str().unwrap().to_owned()).collect();
        let told = |key: &str| answer[key].as_str().map(str::to_owned);
        let (refused, notes) = (told("refused"), told("notes").unwrap_or_default());
        Self { manifests, refused, lint, problems, foreign_kinds, notes }
    }

    /// The manifests of a kind.
    pub(crate) fn kind(&self, kind: &str) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter().filter(move |manifest| manifest.kind() == kind)
    }

    /// Deployments and StatefulSets.
    pub(crate) fn workloads(&self) -> Vec<&Manifest> {
        self.kind("Deployment").chain(self.kind("StatefulSet")).collect()
    }

    /// All that make pods: the workloads and the job.
    pub(crate) fn with_pods(&self) -> Vec<&Manifest> {
        self.workloads().into_iter().chain(self.kind("Job")).collect()
    }
}
