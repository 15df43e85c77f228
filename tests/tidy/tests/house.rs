//! The house rules over this workspace. Each failing test prints every place, what is wrong and how to mend it.

use std::sync::LazyLock;

use tributary_tidy::catalogue::{self, Catalogue};
use tributary_tidy::{
    File, Finding, Workspace, alerts, dashboards, dependencies, files, manifests, metric_names, recording, report,
    schemas, topic_names,
};

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| match Workspace::read() {
    Ok(workspace) => workspace,
    Err(error) => panic!("the workspace cannot be read: {error}"),
});

fn rust_files() -> impl Iterator<Item = &'static File> {
    WORKSPACE.files_ending(".rs")
}

/// Fails with the report, and fails when the rule has looked at nothing.
#[track_caller]
fn hold(rule: &str, looked_at: usize, findings: Vec<Finding>) {
    assert!(looked_at > 0, "{rule}: nothing was looked at, so the rule holds nothing; mend the test");
    if let Some(text) = report(rule, findings) {
        panic!("{text}");
    }
}

#[test]
fn dependencies_point_one_way() {
    let edges = dependencies::edges(&WORKSPACE.metadata);
    hold("dependency rule", edges.len(), dependencies::findings(&edges));
}

#[test]
fn every_package_takes_versions_and_lints_from_the_workspace() {
    let manifests: Vec<&File> = WORKSPACE.files_ending("/Cargo.toml").collect();
    assert_eq!(manifests.len(), WORKSPACE.metadata.packages.len(), "a folder with a Cargo.toml is no member");
    hold("manifests", manifests.len(), manifests.into_iter().flat_map(manifests::findings).collect());
}

#[test]
fn files_and_functions_are_short() {
    let beyond_aim: Vec<&str> =
        rust_files().filter(|file| files::is_beyond_aim(file)).map(|file| &*file.path).collect();
    println!("{} of {} files are longer than {} lines:", beyond_aim.len(), rust_files().count(), files::AIM_FILE_LINES);
    println!("  {}", beyond_aim.join("\n  "));
    let long_files = rust_files().filter_map(files::too_long);
    let long_functions = rust_files().filter(|file| !file.is_test()).flat_map(files::long_functions);
    hold("length", rust_files().count(), long_files.chain(long_functions).collect());
}

#[test]
fn every_file_says_what_it_is_for() {
    hold("purpose", rust_files().count(), rust_files().filter_map(files::without_purpose).collect());
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    hold("paths", WORKSPACE.files.len(), WORKSPACE.files.iter().flat_map(files::machine_paths).collect());
}

#[test]
fn no_test_is_switched_off_without_a_reason() {
    hold("ignored tests", rust_files().count(), rust_files().flat_map(files::ignored_tests).collect());
}

#[test]
fn metrics_are_named_by_the_rule_and_listed() {
    let mut findings = Vec::new();
    for package in &WORKSPACE.metadata.packages {
        let root = &WORKSPACE.metadata.workspace_root;
        let Some(folder) = package.manifest_path.parent().and_then(|folder| folder.strip_prefix(root).ok()) else {
            continue;
        };
        let service = package.name.strip_prefix("tributary-").unwrap_or(&package.name);
        let files = rust_files().filter(|file| file.path.starts_with(&format!("{folder}/"))).collect();
        findings.extend(metric_names::findings(&metric_names::Package { service, files }));
    }
    hold("metric names", WORKSPACE.metadata.packages.len(), findings);
}

fn file(path: &str) -> &'static File {
    match WORKSPACE.files.iter().find(|file| file.path == path) {
        Some(file) => file,
        None => panic!("{path} is gone"),
    }
}

/// What queries may ask for, and what is wrong with the recording rules.
fn catalogue() -> (Catalogue, usize, Vec<Finding>) {
    let mut catalogue = Catalogue::of(file("docs/metrics.md"));
    assert!(catalogue.metrics().len() > 40, "{catalogue:?}");
    let (rules, findings) = recording::record(file("charts/tributary/rules/recording.yaml"), &mut catalogue);
    (catalogue, rules, findings)
}

#[test]
fn the_document_of_metrics_has_those_of_the_code() {
    let document = file("docs/metrics.md");
    let catalogue = Catalogue::of(document);
    let findings = catalogue::findings(document, &catalogue, rust_files());
    hold("metrics in docs/metrics.md", catalogue.metrics().len(), findings);
}

#[test]
fn alerts_look_at_metrics_that_exist_and_have_their_section_in_the_runbook() {
    let (catalogue, _, _) = catalogue();
    let (rules, findings) =
        alerts::findings(file("charts/tributary/rules/alerts.yaml"), file("docs/runbook.md"), &catalogue);
    hold("alerts", rules, findings);
}

#[test]
fn recording_rules_are_named_by_what_they_are_and_use_metrics_that_exist() {
    let (_, rules, findings) = catalogue();
    hold("recording rules", rules, findings);
}

#[test]
fn dashboards_ask_for_what_there_is_and_each_panel_says_what_it_shows() {
    let (catalogue, _, _) = catalogue();
    let is_dashboard = |file: &&File| file.path.starts_with("charts/tributary/dashboards/");
    let dashboards: Vec<&File> = WORKSPACE.files_ending(".json").filter(is_dashboard).collect();
    hold("dashboards", dashboards.len(), dashboards::findings(&dashboards, &catalogue));
}

#[test]
fn topics_have_one_list() {
    let known = topic_names::known();
    let is_document = |file: &&File| {
        let ending = file.path.rsplit('.').next().unwrap_or_default();
        ["md", "avsc", "yaml", "yml", "json"].contains(&ending)
    };
    let documents = WORKSPACE.files.iter().filter(is_document);
    let unknown = documents.flat_map(|file| topic_names::unknown_topics(file, &known));
    let spelled_out = rust_files().flat_map(|file| topic_names::spelled_out(file, &known));
    hold("topics", WORKSPACE.files.iter().filter(is_document).count(), unknown.chain(spelled_out).collect());
}

#[test]
fn every_schema_is_documented() {
    let schemas: Vec<&File> = WORKSPACE
        .files_ending(".avsc")
        .filter(|file| file.path.starts_with("schemas/avro/") && !file.path.contains("/published/"))
        .collect();
    hold("schema docs", schemas.len(), schemas.into_iter().flat_map(schemas::findings).collect());
}
