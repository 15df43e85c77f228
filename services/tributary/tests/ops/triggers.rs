//! Triggers that are applied to a hub that runs: they decide, are changed, refused, switched off and taken away, without a
//! restart.

use tributary_model::{Decision, DefinitionStatus, TriggerDefinition, TriggerIntent, topics};
use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::OutRecord;
use tributary_testkit::eventually_every;

use crate::bed::{Bed, GOOD_MAPPING, bare, said};

const TEAM_TOPIC: &str = "tributary.triggers.hosts";

fn definition(version: i32, greeting: &str) -> String {
    format!(
        "id: greet-visitor\nversion: {version}\nteam: hosts\naction: notify\npattern: [{{on: store.visited}}]\n\
         reentry: {{per: touchpoint}}\npayload:\n  greeting: {greeting}\n"
    )
}

fn all<T: AvroRecord>(bed: &Bed, topic: &str) -> Vec<T> {
    let contracts = Contracts::single_object().unwrap();
    bed.records(topic).iter().filter_map(|record| contracts.decode(record.value.as_deref()?).ok()).collect()
}

/// Runs `tributary trigger`, which has to end with `code`, and gives what it said.
#[track_caller]
fn trigger(bed: &Bed, arguments: &[&str], code: i32) -> String {
    let output = bed.command(&["trigger"]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    said(&output)
}

fn write(bed: &Bed, text: &str) {
    std::fs::write(bed.dir.path().join("greet.yaml"), text).unwrap();
}

/// Waits until the hub has read so many definitions of this result.
fn until_read(bed: &Bed, result: &str, count: usize) {
    let line = format!("tributary_tributary_trigger_definitions_total{{result=\"{result}\"}} {count}");
    bed.until_metric(|found| found == line);
}

fn visit(bed: &Bed, id: &str) {
    bed.publish(&[bare(id, "fine")]);
}

/// Waits until there are so many intents of the team, and gives the newest.
fn until_intents(bed: &Bed, count: usize) -> TriggerIntent {
    let found = eventually_every(std::time::Duration::from_millis(200), std::time::Duration::from_secs(60), || {
        let mut intents: Vec<TriggerIntent> = all(bed, TEAM_TOPIC);
        intents.sort_by_key(|intent| intent.trigger_version);
        intents.sort_by_key(|intent| intent.decided_at);
        (intents.len() == count).then(|| intents.pop()).flatten()
    });
    found.unwrap_or_else(|| {
        panic!("no {count} intents: {:#?}\n{}", all::<TriggerIntent>(bed, TEAM_TOPIC), bed.log_tail())
    })
}

fn decisions(bed: &Bed) -> Vec<Decision> {
    let all: Vec<Decision> = all(bed, topics::DECISIONS);
    all.into_iter().filter(|decision| decision.trigger_id == "greet-visitor").collect()
}

#[test]
fn a_trigger_is_applied_to_a_running_hub_changed_and_taken_away_without_a_restart() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let hub = bed.hub();
    write(&bed, &definition(1, "hello"));
    let said = trigger(&bed, &["apply", "greet.yaml", "--dry-run"], 0);
    assert!(said.contains("greet-visitor version 1 of team hosts: added") && said.contains("dry run"), "{said}");
    let said = trigger(&bed, &["apply", "greet.yaml"], 0);
    assert!(
        said.contains("made the topic tributary.triggers.hosts") && said.contains("not a team of the canvas"),
        "{said}"
    );
    until_read(&bed, "taken_over", 1);
    visit(&bed, "e-1");
    let intent = until_intents(&bed, 1);
    assert_eq!((intent.trigger_version, intent.payload.as_str()), (1, r#"{"greeting":"hello"}"#));
    assert_eq!(decisions(&bed)[0].trigger_version, 1);

    // Another text needs another version.
    write(&bed, &definition(1, "welcome"));
    let said = trigger(&bed, &["apply", "greet.yaml"], 2);
    assert!(said.contains("version: 1 of greet-visitor is known with another text: write 2"), "{said}");
    write(&bed, &definition(2, "welcome"));
    assert!(trigger(&bed, &["apply", "greet.yaml"], 0).contains("replaces version 1"));
    until_read(&bed, "taken_over", 2);
    visit(&bed, "e-2");
    let intent = until_intents(&bed, 2);
    assert_eq!((intent.trigger_version, intent.payload.as_str()), (2, r#"{"greeting":"welcome"}"#));

    // What does not compile is refused, whoever wrote it; the last good one goes on.
    let broken = TriggerDefinition {
        trigger_id: "greet-visitor".to_owned(),
        version: 3,
        text: definition(3, "\"{{touchpoint.nothing}}\""),
        status: DefinitionStatus::Enabled,
        applied_at: 0,
    };
    let value = Contracts::single_object().unwrap().encode(topics::TRIGGER_DEFINITIONS, &broken).unwrap();
    let topic = topics::TRIGGER_DEFINITIONS.to_owned();
    bed.publish(&[OutRecord { topic, key: broken.key(), value: Some(value), headers: Vec::new() }]);
    until_read(&bed, "refused", 1);
    visit(&bed, "e-3");
    assert_eq!(until_intents(&bed, 3).trigger_version, 2);
    assert!(trigger(&bed, &["list"], 0).contains("refused by the hub"));
    drop(hub);
}

#[test]
fn what_was_disabled_or_removed_decides_nothing_also_after_a_restart() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let hub = bed.hub();
    write(&bed, &definition(2, "hello"));
    trigger(&bed, &["apply", "greet.yaml"], 0);
    until_read(&bed, "taken_over", 1);
    trigger(&bed, &["disable", "greet-visitor"], 0);
    assert!(trigger(&bed, &["disable", "greet-visitor"], 2).contains("is disabled already"));
    until_read(&bed, "taken_over", 2);
    visit(&bed, "e-1");
    bed.until_settled(1);
    assert_eq!(decisions(&bed).len(), 0);
    trigger(&bed, &["enable", "greet-visitor"], 0);
    until_read(&bed, "taken_over", 3);
    visit(&bed, "e-2");
    until_intents(&bed, 1);
    trigger(&bed, &["remove", "greet-visitor"], 0);
    until_read(&bed, "taken_over", 4);
    visit(&bed, "e-3");
    bed.until_settled(3);
    assert_eq!(decisions(&bed).len(), 1);
    drop(hub);

    let _hub = bed.hub();
    visit(&bed, "e-4");
    bed.until_settled(4);
    assert_eq!(decisions(&bed).len(), 1);
    let known = bed.json(&["trigger", "list"]);
    let removed = known.as_array().unwrap().iter().find(|one| one["trigger_id"] == "greet-visitor").unwrap();
    assert_eq!((removed["status"].as_str(), removed["version"].as_i64()), (Some("removed"), Some(2)));
    assert!(trigger(&bed, &["show", "greet-visitor"], 0).contains("greeting: hello"));
    assert!(trigger(&bed, &["show", "nothing"], 2).contains("is not known"));
    // Nothing older comes back, and the same does.
    write(&bed, &definition(1, "hello"));
    assert!(trigger(&bed, &["apply", "greet.yaml"], 2).contains("is lower than version 2"));
    write(&bed, &definition(2, "hello"));
    assert!(trigger(&bed, &["apply", "greet.yaml"], 0).contains("runs again"));
}
