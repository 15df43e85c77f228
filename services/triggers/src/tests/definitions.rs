//! What a definition may say, and how every mistake in it is reported at once.

use crate::reentry::Reentry;
use crate::span::Span;
use crate::{Definition, Definitions, Problem, TriggersConfig, check};

fn problems(text: &str) -> Vec<String> {
    let problems = Definition::parse("test.yaml", text).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{} {}", problem.key, problem.what)).collect()
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let found = problems(
        r#"
id: Cart Abandoned
version: 0
action: shout
chanels: [email]
pattern:
  - on: [cart.updated, Cart]
    within: 1h
  - on: order.placed
    count: 0
    direction: sideways
    where: .touchpoint.channel ==
absent:
  on: order.placed
condition: .person.totals.order_cuont > 3
caps:
  - {scope: everyone, max: 1, per: 1month}
  - {scope: all, max: 1}
holdout_percent: 120
reentry: {per: fortnight}
quiet_hours: {from: "25:00", to: "08:00", until: x}
validity: soon
transactional: maybe
payload:
  a: "{{touchpoint.oder_id}}"
  b: "{{person.totals.value_minor"
  c: "{{person.properties.size}} {{decision.channel}}"
consent: perhaps
"#,
    );
    let expected = [
        "team is missing",
        "id \"Cart Abandoned\" is not a name",
        "action \"shout\" is unknown",
        "pattern[0].on \"Cart\" is not an event type",
        "pattern[0].within has no effect on a first step with a count of 1",
        "pattern[1].direction \"sideways\" is unknown",
        "pattern[1].where pattern[1].where does not compile",
        "pattern[1].count 0 is out of range",
        "absent.for is missing",
        "version 0 is out of range",
        "condition condition does not compile",
        "holdout_percent 120 is not a share",
        "reentry.per \"fortnight\" is unknown",
        "validity \"soon\" is not a duration",
        "transactional \"maybe\" is neither true nor false",
        "consent \"perhaps\" is unknown",
        "caps[0].scope \"everyone\" is unknown",
        "caps[0].per \"1month\" is not a duration",
        "caps[1].per is missing",
        "quiet_hours.from",
        "quiet_hours.until is not a key that exists here",
        "payload.a \"touchpoint.oder_id\" is not a field",
        "payload.b \"{{person.totals.value_minor\" opens {{",
        "chanels is not a key that exists here",
    ];
    for beginning in expected {
        assert!(found.iter().any(|problem| problem.starts_with(beginning)), "no \"{beginning}\" in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn keys_that_do_not_fit_together_are_refused() {
    let base = "id: a\nversion: 1\nteam: t\npattern: [{on: a.b}]\n";
    let with = |more: &str| problems(&format!("{base}{more}"));
    assert_eq!(with("action: notify"), [] as [String; 0]);
    assert_eq!(with("action: message"), ["channels names no channel"]);
    assert_eq!(with("action: suppress"), ["suppress is missing or broken in a trigger that suppresses"]);
    assert_eq!(with("action: notify\nsuppress: {channels: [email], for: 1d}"), ["suppress has no effect"]);
    let exempt = with("action: notify\ntransactional: true\ncaps: [{scope: all, max: 1, per: day}]");
    assert_eq!(exempt, ["transactional is exempt from caps and quiet hours and yet has some"]);
    let still = with("action: notify\nquiet_hours: {from: \"08:00\", to: \"08:00\"}");
    assert_eq!(still, ["quiet_hours.to is the same as from"]);
    assert_eq!(problems("id: [").len(), 1);
    assert_eq!(problems("[]")[0], " [] is not a mapping");
}

#[test]
fn a_problem_prints_file_key_what_and_remedy() {
    let problem = Definition::parse("x.yaml", "id: a\nversion: 1\nteam: t\naction: notify\npattern: []").unwrap_err();
    assert_eq!(
        problem[0].to_string(),
        "x.yaml:5:1: pattern: has no steps: add at least one, such as `- on: cart.updated`\n  5 | pattern: []\n    | ^^^^^^^"
    );
}

#[test]
fn defaults_are_as_documented() {
    let text = "id: a\nversion: 1\nteam: t\naction: notify\npattern: [{on: a.b}]\nholdout_percent: 12.34";
    let definition = Definition::parse("x.yaml", text).unwrap();
    assert_eq!(definition.reentry, Reentry::Once);
    assert_eq!(definition.validity, Span::days(1));
    assert_eq!((definition.seed.as_str(), definition.purpose.as_str()), ("a", "marketing"));
    assert_eq!((definition.priority, definition.holdout_buckets), (0, 1_234));
}

#[test]
fn directories_replace_and_extend_what_is_built_in_and_ids_are_unique() {
    let directory = std::env::temp_dir().join(format!("tributary-triggers-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let own = "id: cart-abandoned\nversion: 7\nteam: t\naction: notify\npattern: [{on: a.b}]";
    std::fs::write(directory.join("a.yaml"), own).unwrap();
    std::fs::write(directory.join("notes.txt"), "not a definition").unwrap();
    let config = TriggersConfig { directories: vec![directory.clone()], ..TriggersConfig::default() };
    let definitions = Definitions::configured(&config).unwrap();
    assert_eq!(definitions.iter().find(|known| known.id == "cart-abandoned").map(|known| known.version), Some(7));
    assert_eq!(definitions.iter().count(), 20);
    assert_eq!(check(std::slice::from_ref(&directory)), []);
    std::fs::write(directory.join("b.yaml"), own).unwrap();
    let twice: Vec<Problem> = check(std::slice::from_ref(&directory));
    assert!(twice.len() == 1 && twice[0].what.contains("is also the id of"), "{twice:#?}");
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(check(&[directory]).len(), 1);
    let config = TriggersConfig { disabled: vec!["cart-abadoned".to_owned()], ..TriggersConfig::default() };
    assert!(Definitions::configured(&config).unwrap_err().to_string().contains("\"cart-abadoned\" is not a trigger"));
}

#[test]
fn the_configuration_reports_all_its_problems() {
    let config = TriggersConfig {
        default_time_zone: "Mars/Olympus".to_owned(),
        caps: vec![serde_json::json!({"scope": "all", "max": -1, "per": "day"})],
        quiet_hours: Some(serde_json::json!({"from": "21:00"})),
        ..TriggersConfig::default()
    };
    let keys: Vec<String> = config.validate().into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["default_time_zone", "caps[0].max", "quiet_hours.to"]);
    assert_eq!(TriggersConfig::default().validate(), []);
}
