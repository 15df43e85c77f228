//! What teams take, held against what their triggers give.

use tempfile::TempDir;

use crate::{Definitions, TriggersConfig, TriggersError};

const SCHEMA: &str = "
fields:
  order_id: {type: text, required: true, nullable: true}
  value_minor: {type: integer, nullable: true}
  items: {type: list}
  greeting: {type: text}
";

fn check(schema: &str, payload: &str) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("x.yaml"), schema).unwrap();
    let config = TriggersConfig { payload_schemas: Some(directory.path().to_owned()), ..TriggersConfig::default() };
    let text = format!(
        "{{id: a, version: 1, team: x, action: notify, pattern: [{{on: order.placed}}], payload: {{{payload}}}}}"
    );
    let definitions = Definitions::parse([("a.yaml", text.as_str())]).unwrap();
    let problems = match definitions.check_payloads(&config) {
        Err(TriggersError::Invalid(problems)) => problems,
        other => return other.err().map(|error| error.to_string()).into_iter().collect(),
    };
    problems.iter().map(|problem| format!("{} {}: {}", problem.file, problem.key, problem.what)).collect()
}

#[test]
fn what_fits_passes() {
    let payload = "order_id: '{{touchpoint.order_id}}', value_minor: '{{touchpoint.value_minor}}', \
                   items: '{{touchpoint.items}}', greeting: 'Order {{touchpoint.order_id}}'";
    assert_eq!(check(SCHEMA, payload), [] as [String; 0]);
    assert_eq!(check(SCHEMA, "order_id: '{{decision.decision_id}}', value_minor: 12"), [] as [String; 0]);
}

#[test]
fn what_does_not_fit_is_told_with_what_is_given_and_what_is_taken() {
    let payload =
        "order_id: 7, value_minor: '{{touchpoint.channel}}', colour: red, greeting: '{{touchpoint.order_id}}'";
    assert_eq!(
        check(SCHEMA, payload),
        [
            "trigger a payload.colour: is not a field of what x takes",
            "trigger a payload.greeting: gives text or null where x takes text",
            "trigger a payload.order_id: gives integer where x takes text or null",
            "trigger a payload.value_minor: gives text where x takes integer or null",
        ]
    );
    assert_eq!(check(SCHEMA, ""), ["trigger a payload.order_id: is missing, and x requires it"]);
    assert_eq!(check("open: true\nfields: {a: {type: any}}", "colour: red"), [] as [String; 0]);
}

#[test]
fn a_schema_that_says_nothing_is_told() {
    let told = check("fields: {a: {type: words}, b: {}}\nclosed: true", "");
    let told = told.join("\n");
    for part in ["fields.a.type: \"words\" is unknown", "fields.b.type: is missing", "closed: is not a key"] {
        assert!(told.contains(part), "{told}");
    }
}
