//! The rules for Prometheus, as `promtool` checks them and tests them on made-up series.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::bed::{promtool, repository, said, text, yaml};
use crate::manifests::items;

/// The files below a folder of the repository, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = repository(folder).read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// The names under `key` of all rules in a file of the chart.
fn names(file: &str, key: &str) -> BTreeSet<String> {
    let file = yaml(&text(&format!("charts/tributary/rules/{file}")));
    let rules = items(&file["groups"]).flat_map(|group| items(&group["rules"]));
    rules.map(|rule| rule[key].as_str().unwrap().to_owned()).collect()
}

/// The tests of all files under `key`.
fn tests(key: &str) -> Vec<Value> {
    let files = files("tests/deploy/rules").into_iter().map(|file| yaml(&std::fs::read_to_string(file).unwrap()));
    let cases = files.flat_map(|file| items(&file["tests"]).cloned().collect::<Vec<_>>());
    cases.flat_map(|case| items(&case[key]).cloned().collect::<Vec<_>>()).collect()
}

#[test]
fn promtool_takes_the_rules() {
    let output = promtool().args(["check", "rules"]).args(files("charts/tributary/rules")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let settings = repository("charts/compose/prometheus.yml");
    let output = promtool().args(["check", "config", "--syntax-only"]).arg(settings).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_rules_fire_and_record_on_made_up_series_as_their_tests_say() {
    let output = promtool().args(["test", "rules"]).args(files("tests/deploy/rules")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn each_alert_has_a_time_at_which_it_fires_and_one_at_which_it_does_not() {
    let alerts = names("alerts.yaml", "alert");
    assert!(alerts.len() > 20, "{alerts:?}");
    let tested = |fires: bool| -> BTreeSet<String> {
        let all = tests("alert_rule_test").into_iter();
        let of_kind = all.filter(|test| (items(&test["exp_alerts"]).count() > 0) == fires);
        of_kind.map(|test| test["alertname"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(tested(true), alerts);
    assert_eq!(tested(false), alerts);
}

#[test]
fn each_recording_rule_is_tested() {
    let tests = tests("promql_expr_test");
    let tested = |name: &String| tests.iter().any(|test| test["expr"] == format!("round({name}, 0.0001)"));
    let untested: Vec<String> = names("recording.yaml", "record").into_iter().filter(|name| !tested(name)).collect();
    assert_eq!(untested, Vec::<String>::new());
    assert!(tests.iter().all(|test| items(&test["exp_samples"]).count() > 0), "a test expects nothing");
}
