//! The command line as its users meet it: what it says when something is wrong, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn tributary(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tributary"))
        .args(arguments)
        .env("TRIBUTARY_PSEUDONYM_KEY", KEY)
        .env_remove("TRIBUTARY_CONFIG")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_says(output: &Output, exit_code: i32, words: &[&str]) {
    let said = said(output);
    for word in words {
        assert!(said.contains(word), "expected {word:?} in:\n{said}");
    }
    assert_eq!(code(output), exit_code, "{said}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_command_has_help_with_examples_and_the_exit_codes_are_told() {
    assert_says(&tributary(&["--help"]), 0, &["Exit codes", "no Kafka broker answers"]);
    let commands = [
        "run",
        "demo",
        "check",
        "topics",
        "trigger",
        "load",
        "journey",
        "account",
        "scorecard",
        "silo-report",
        "privacy",
        "dlq",
        "reconcile",
        "dump-config",
    ];
    for command in commands {
        assert_says(&tributary(&[command, "--help"]), 0, &["Examples:", &format!("tributary {command}")]);
    }
    for command in ["list", "show", "replay"] {
        assert_says(&tributary(&["dlq", command, "--help"]), 0, &["Examples:", &format!("tributary dlq {command}")]);
    }
}

#[test]
fn what_is_built_in_and_the_example_configuration_are_good() {
    assert_says(&tributary(&["check"]), 0, &["are good"]);
    let example = root().join("tributary.yaml");
    let checked = tributary(&["check", "--config", example.to_str().unwrap(), "--output", "json"]);
    let answer: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(answer["good"], true, "{answer}");
}

#[test]
fn a_dumped_configuration_is_read_again_and_shows_no_secret() {
    let first = tributary(&["dump-config", "--set", "kafka.partitions=7"]);
    assert_eq!(code(&first), 0, "{}", said(&first));
    assert!(!said(&first).contains(KEY));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dumped.yaml");
    let dumped = String::from_utf8(first.stdout).unwrap();
    assert!(dumped.contains("partitions: 7"), "{dumped}");
    fs::write(&file, &dumped).unwrap();
    let second = tributary(&["dump-config", "--config", file.to_str().unwrap()]);
    assert_eq!(String::from_utf8(second.stdout).unwrap(), dumped);
}

#[test]
fn unknown_keys_and_wrong_values_are_all_named_with_their_remedy() {
    let output = tributary(&[
        "dump-config",
        "--set",
        "kafka.partitons=3",
        "--set",
        "workers.journey=0",
        "--set",
        "journey.window_days=0",
    ]);
    assert_says(
        &output,
        2,
        &["kafka.partitons", "did you mean partitions?", "workers.journey = 0", "journey.window_days = 0"],
    );
    let output = tributary(&["check", "--set", "kafka.bootstrp=x"]);
    assert_says(&output, 3, &["kafka.bootstrp", "did you mean bootstrap?"]);
    assert_says(&tributary(&["check", "--set", "nonsense"]), 2, &["nonsense", "key=value"]);
    assert_says(&tributary(&["check", "--config", "no-such-file.yaml"]), 3, &["no-such-file.yaml"]);
}

#[test]
fn settings_of_checkpoints_that_would_lose_deletions_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let set_directory = format!("state.directory={}", file.display());
    let output = tributary(&["check", "--set", &set_directory, "--set", "state.checkpoint_max_age_s=90000"]);
    assert_says(&output, 3, &["state.directory", "is no directory", "90000", "give at most 72000"]);
    let output =
        tributary(&["check", "--set", "state.checkpoint_interval_s=0", "--set", "state.checkpoint_max_age_s=0"]);
    assert_says(&output, 3, &["state.checkpoint_interval_s = 0"]);
    let output = tributary(&["check", "--set", "state.checkpoint_max_age_s=100"]);
    assert_says(&output, 3, &["twice state.checkpoint_interval_s (60)"]);
    assert_says(&tributary(&["check", "--set", "state.dir=x"]), 3, &["state.dir"]);
}

#[test]
fn state_on_disk_needs_a_directory_and_a_cache_that_makes_sense() {
    let output = tributary(&["check", "--set", "state.store=disk"]);
    assert_says(&output, 3, &["state.store = disk", "set state.directory", "state.store to memory"]);
    let set_directory = format!("state.directory={}", tempfile::tempdir().unwrap().path().display());
    for cache in ["0", "65537"] {
        let set_cache = format!("state.cache_mbytes={cache}");
        let output = tributary(&["check", "--set", "state.store=disk", "--set", &set_directory, "--set", &set_cache]);
        assert_says(&output, 3, &["state.cache_mbytes", cache, "between 1 and 65536", "give 64"]);
    }
    assert_says(&tributary(&["check", "--set", "state.store=disc"]), 3, &["state.store", "disc"]);
    let both = ["check", "--set", "state.store=disk", "--set", &set_directory, "--set", "state.standby=true"];
    assert_says(&tributary(&both), 3, &["state.standby", "copies in memory", "state.store to memory"]);
    let output = tributary(&["check", "--set", "state.store=disk", "--set", &set_directory]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_broken_mapping_is_shown_with_line_and_caret_and_other_definitions_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("sources/app");
    fs::create_dir_all(&source).unwrap();
    fs::create_dir_all(directory.path().join("canvas")).unwrap();
    fs::write(
        source.join("source.yaml"),
        "domain: store\ndescription: An app\nevent_id: [/id]\ntypes: [store.visited]\n",
    )
    .unwrap();
    fs::write(source.join("mapping.vrl"), "{\n  \"id\": .body.id,\n  \"type\": upcase(\n}\n").unwrap();
    fs::write(
        directory.path().join("canvas/plan.yaml"),
        "campaigns: [{campaign_id: a, name: A, team_id: nobody, demand_percent: 10, funnel_role: awareness}]\n\
         messages: [{message_id: m, narrative_id: nothing, approved: true, effective_from: 2090-01-01}]\n",
    )
    .unwrap();
    let rules = fs::read_to_string(root().join("schemas/accounts.yaml")).unwrap();
    fs::write(directory.path().join("accounts.yaml"), rules.replace("half_life_days: 30", "half_life_days: 0"))
        .unwrap();
    fs::create_dir_all(directory.path().join("triggers")).unwrap();
    let trigger =
        "id: hot\nversion: 1\nscope: account\nteam: sales\naction: notify\ncondition: .account.engagment >= 1\n";
    fs::write(directory.path().join("triggers/hot.yaml"), trigger).unwrap();
    let output = tributary(&["check", "--set", &format!("definitions={}", directory.path().display())]);
    let of_accounts = "engagement.half_life_days = 0: must be from 1 to 730; 30 suits most";
    assert_says(
        &output,
        3,
        &[
            "mapping.vrl",
            "^",
            "no team `nobody`",
            "no narrative `nothing`: add it, or retire this too (from 2090-01-01 on)",
            of_accounts,
            "hot.yaml:6:12: condition",
            "engagment",
        ],
    );
}

#[test]
fn an_unreachable_broker_is_named_with_what_to_do() {
    let replay = &["dlq", "replay", "--yes"][..];
    for arguments in
        [&["topics", "apply"][..], &["scorecard"], &["reconcile"], &["dlq", "list"], &["canvas", "show"], replay]
    {
        let output = tributary(&[arguments, &["--set", "kafka.bootstrap=127.0.0.1:1"]].concat());
        assert_says(&output, 4, &["127.0.0.1:1", "check kafka.bootstrap"]);
    }
}

#[test]
fn the_topics_are_listed_without_a_broker() {
    let output = tributary(&["topics", "list", "--output", "json"]);
    let topics: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = topics.as_array().unwrap().iter().map(|topic| topic["topic"].as_str().unwrap()).collect();
    for expected in [
        "tributary.raw.store",
        "tributary.journeys",
        "tributary.metrics.email",
        "tributary.metrics.all",
        "tributary.metrics.unassigned",
        "tributary.triggers.sales",
        "tributary.journey.touches.changelog",
    ] {
        assert!(names.contains(&expected), "{expected} not in {names:?}");
    }
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
}

#[test]
fn unknown_data_sets_and_missing_files_are_named() {
    assert_says(&tributary(&["load", "nothing", "x.json"]), 2, &["nothing", "complete-journey"]);
    assert_says(&tributary(&["load", "shopify", "no-such-file.json"]), 2, &["no-such-file.json"]);
    assert_says(&tributary(&["load", "shopify"]), 2, &["FILES"]);
}

#[test]
fn nobody_is_looked_up_by_nonsense_or_without_the_key() {
    assert_says(&tributary(&["journey", "ada"]), 2, &["namespace:value"]);
    assert_says(&tributary(&["account", "acme"]), 2, &["namespace:value"]);
    assert_says(&tributary(&["journey", "email:null"]), 2, &["email:null", "blocked_value", "check how it is written"]);
    let output = Command::new(env!("CARGO_BIN_EXE_tributary"))
        .args(["journey", "email:ada@example.org"])
        .env_remove("TRIBUTARY_PSEUDONYM_KEY")
        .env_remove("TRIBUTARY_CONFIG")
        .output()
        .unwrap();
    assert_says(&output, 2, &["TRIBUTARY_PSEUDONYM_KEY", "openssl rand -hex 32"]);
}
