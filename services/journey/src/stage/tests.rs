use super::*;

fn facts() -> Facts<'static> {
    Facts { touches: 1, ..Facts::default() }
}

#[test]
fn the_built_in_stages_are_those_of_the_domain() {
    let definitions = StageDefinitions::built_in().unwrap();
    let person: Vec<&str> = definitions.person.names().collect();
    assert_eq!(person, ["unaware", "aware", "engaged", "considering", "customer", "loyal", "lapsed"]);
    let account: Vec<&str> = definitions.account.names().collect();
    assert_eq!(account, ["target", "engaged", "qualified", "opportunity", "customer", "expansion"]);
}

#[test]
fn a_person_climbs_the_ladder_and_lapses() {
    let ladder = StageDefinitions::built_in().unwrap().person;
    assert_eq!(ladder.stage(&facts()), "unaware");
    assert_eq!(ladder.stage(&Facts { exposures: 1, ..facts() }), "aware");
    assert_eq!(ladder.stage(&Facts { inbound: 1, ..facts() }), "engaged");
    assert_eq!(ladder.stage(&Facts { inbound: 1, seen: vec!["cart.updated"], ..facts() }), "considering");
    let buyer = Facts { inbound: 1, orders: 1, value_minor: 500, days_since_order: Some(0), ..facts() };
    assert_eq!(ladder.stage(&buyer), "customer");
    assert_eq!(ladder.stage(&Facts { value_minor: 0, ..buyer.clone() }), "engaged", "all of it was returned");
    assert_eq!(ladder.stage(&Facts { orders: 3, ..buyer.clone() }), "loyal");
    assert_eq!(ladder.stage(&Facts { orders: 3, days_since_order: Some(179), ..buyer.clone() }), "loyal");
    assert_eq!(ladder.stage(&Facts { orders: 3, days_since_order: Some(180), ..buyer }), "lapsed");
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = "
version: 2
person:
  - stage: unaware
    any: [{min_touches: 1}]
  - stage: Aware
  - stage: aware
    any:
      - {}
      - {min_orders: -1, min_persons: 2}
      - {min_days_since_order: 9, max_days_since_order: 3}
      - {seen: [cart]}
  - stage: aware
    any: [{min_orders: 1}]
account: []
";
    let Err(JourneyError::Invalid(problems)) = StageDefinitions::parse("mine.yaml", text) else {
        panic!("the file is wrong in ten places")
    };
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "mine.yaml: version",
            "mine.yaml: person[0].any",
            "mine.yaml: person[1].stage",
            "mine.yaml: person[1].any",
            "mine.yaml: person[2].any[0]",
            "mine.yaml: person[2].any[1].min_orders",
            "mine.yaml: person[2].any[1].min_persons",
            "mine.yaml: person[2].any[2].min_days_since_order",
            "mine.yaml: person[2].any[3].seen[0]",
            "mine.yaml: person[3].stage",
            "mine.yaml: account",
        ]
    );
}

#[test]
fn an_unknown_line_is_named() {
    let text = "version: 1\nperson:\n  - stage: a\n  - stage: b\n    any: [{min_order: 1}]\naccount:\n  - stage: a\n";
    let error = StageDefinitions::parse("mine.yaml", text).unwrap_err().to_string();
    assert!(error.starts_with("mine.yaml:") && error.contains("min_order"), "{error}");
}
