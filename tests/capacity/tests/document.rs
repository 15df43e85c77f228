//! What is planned with is what the hub is, and the document is what comes of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tributary_capacity::{Costs, document};
use tributary_model::{Domain, topics};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn costs() -> Costs {
    Costs::read(&text_of("tests/capacity/costs.yaml")).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_document_is_what_the_costs_make() {
    let made = document::make(&costs()).unwrap();
    let remedy = "run `just capacity`";
    let text = text_of("docs/capacity.md");
    let renewed = document::renew(&text, &made.blocks).unwrap();
    for (there, expected) in text.lines().zip(renewed.lines()) {
        assert_eq!(there, expected, "docs/capacity.md is not what the costs make; {remedy}");
    }
    assert!(text == renewed, "docs/capacity.md is not as long as what the costs make; {remedy}");
    assert_eq!(made.pictures.len(), 3);
    for (name, picture) in &made.pictures {
        assert!(text_of(&format!("docs/{name}")) == *picture, "docs/{name} is not what the costs make; {remedy}");
        assert!(text.contains(&format!("({name})")), "docs/capacity.md does not show {name}");
    }
}

#[derive(Deserialize)]
struct Scaled {
    stage: String,
    topics: Vec<String>,
    #[serde(default)]
    alone: bool,
}

#[test]
fn the_stages_are_those_of_the_chart() {
    let costs = costs();
    let chart: BTreeMap<String, Vec<Scaled>> =
        serde_saphyr::from_str(&text_of("charts/tributary/stages.yaml")).unwrap();
    let raw: Vec<String> = Domain::ALL.into_iter().map(topics::raw).collect();
    let mut seen = 0;
    for (service, stages) in &chart {
        for scaled in stages {
            let name = &scaled.stage;
            let stage = costs.stages.iter().find(|stage| stage.name == *name);
            let stage = stage.unwrap_or_else(|| panic!("tests/capacity/costs.yaml has no stage {name}"));
            assert_eq!((&stage.service, stage.alone), (service, scaled.alone), "{name}");
            for topic in &scaled.topics {
                let known = if raw.contains(topic) { "tributary.raw.<domain>" } else { topic };
                assert!(stage.reads.iter().any(|read| read == known), "{name} does not read {topic}");
            }
            seen += 1;
        }
    }
    let working = costs.stages.iter().filter(|stage| !stage.reads.is_empty()).count();
    assert_eq!(working, seen, "tests/capacity/costs.yaml has a stage that the chart does not have");
}

#[derive(Deserialize)]
struct Example {
    kafka: Kafka,
    state: State,
}

#[derive(Deserialize)]
struct Kafka {
    commit_interval_ms: f64,
    commit_records: f64,
}

#[derive(Deserialize)]
struct State {
    checkpoint_interval_s: f64,
}

#[test]
fn the_settings_are_the_defaults_of_the_hub() {
    let example: Example = serde_saphyr::from_str(&text_of("tributary.yaml")).unwrap();
    let runtime = costs().runtime;
    assert_eq!(runtime.commit_interval_ms.value, example.kafka.commit_interval_ms);
    assert_eq!(runtime.commit_records.value, example.kafka.commit_records);
    assert_eq!(runtime.checkpoint_behind_ms.value, example.state.checkpoint_interval_s * 1e3);
    let set = |path: &str, line: &str| assert!(text_of(path).contains(line), "{path} does not say `{line}` any more");
    set(
        "crates/stream/src/settings.rs",
        &format!("session_timeout_ms: {}_000,", runtime.session_timeout_ms.value / 1e3),
    );
    let timeout = runtime.transaction_timeout_ms.value;
    set("crates/stream/src/transaction.rs", &format!("TRANSACTION_TIMEOUT_MS: &str = \"{timeout}\""));
    let behind_s = runtime.standby_behind_ms.value / 1e3;
    set("crates/stream/src/standby.rs", &format!("FOLLOW_EVERY: Duration = Duration::from_secs({behind_s})"));
    set("services/normalizer/src/config.rs", "dedup_window_hours: 48,");
    set("services/normalizer/src/config.rs", "dedup_max_entries: 2_000_000,");
}
