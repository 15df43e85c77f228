use std::fs;
use std::path::Path;

use crate::{Config, Problem, Rulebook, check};

const YAML: &str = "domain: store\ndescription: a test\ntypes: [store.visited]\n";
const MAPPING: &str = "{ \"id\": .body.id, \"type\": \"store.visited\", \"occurred_at\": .received_at }\n";
const SAMPLE: &str = r#"{"received_at": "2026-03-01T09:00:00Z", "input": {"id": 1}, "expected": [
    {"id": "1", "type": "store.visited", "occurred_at": "2026-03-01T09:00:00Z", "channel": "in_store", "direction": "inbound"}]}"#;

fn write(dir: &Path, name: &str, yaml: &str, mapping: Option<&str>, sample: &str) {
    let folder = dir.join(name);
    fs::create_dir_all(folder.join("samples")).unwrap();
    fs::write(folder.join("source.yaml"), yaml).unwrap();
    fs::write(folder.join("samples/one.json"), sample).unwrap();
    if let Some(mapping) = mapping {
        fs::write(folder.join("mapping.vrl"), mapping).unwrap();
    }
}

fn config(dir: &Path) -> Config {
    Config { source_dirs: vec![dir.to_path_buf()], ..Config::default() }
}

fn problems_of(dir: &Path) -> Vec<Problem> {
    let own = dir.display().to_string();
    check(&config(dir)).into_iter().filter(|problem| problem.file.starts_with(&own)).collect()
}

#[test]
fn a_folder_is_a_source() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "loyalty-app", YAML, Some(MAPPING), SAMPLE);
    assert_eq!(problems_of(dir.path()), []);
    let directory = Rulebook::load(&config(dir.path())).unwrap().directory();
    let info = directory.iter().find(|info| info.name == "loyalty-app").unwrap();
    assert_eq!((info.domain, info.auth), (tributary_model::Domain::Store, crate::Auth::WriteKey));
    assert!(directory.iter().any(|info| info.name == "segment"), "built-in sources stay");
}

#[test]
fn a_folder_replaces_a_builtin_source_and_may_borrow_a_mapping() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "loyalty-app", YAML, Some(MAPPING), SAMPLE);
    write(dir.path(), "segment", &format!("{YAML}mapping: ../loyalty-app/mapping.vrl\n"), None, SAMPLE);
    assert_eq!(problems_of(dir.path()), []);
}

#[test]
fn every_problem_of_every_folder_is_reported_at_once() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "one", "domain: shop\n", Some(MAPPING), SAMPLE);
    write(dir.path(), "two", YAML, Some("{ \"id\": upcase(.body.id) }"), SAMPLE);
    write(dir.path(), "three", &format!("{YAML}max_age_days: 0\ndrops: [No]\nevent_id: [id]\n"), None, SAMPLE);
    write(dir.path(), "Four", YAML, Some(MAPPING), SAMPLE);
    let problems = problems_of(dir.path());
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let text = listed.join("\n");
    assert_eq!(problems.len(), 7, "{text}");
    assert!(text.contains("two/mapping.vrl:1:16") && text.contains("^^^"), "{text}");
    assert!(text.contains("mapping: there is no file mapping.vrl"), "{text}");
    assert!(text.contains("Four: the folder's name"), "{text}");
}

#[test]
fn a_sample_that_does_not_hold_names_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let wrong =
        SAMPLE.replace("\"in_store\"", "\"sales\"").replace("\"direction\": \"inbound\"", "\"location\": \"S1\"");
    write(dir.path(), "one", YAML, Some(MAPPING), &wrong);
    write(dir.path(), "two", YAML, Some(MAPPING), &SAMPLE.replace("{\"id\": 1}", "{}"));
    let problems = problems_of(dir.path());
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["expected[0].channel", "expected[0].location", "expected[0].direction", ""]);
    assert!(problems[3].what.contains("missing_field: id"), "{}", problems[3]);
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let problems = check(&config(Path::new("/nowhere/sources")));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().starts_with("/nowhere/sources: cannot be read"), "{}", problems[0]);
}

#[test]
fn settings_that_break_promises_are_refused() {
    let config = Config { dedup_window_hours: 1, dedup_max_entries: 0, ..Config::default() };
    assert_eq!(check(&config).len(), 2);
}
