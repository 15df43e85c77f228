use crate::{Condition, Program, RuleError, Shape, Value, instant, instant_ms, parse_json, to_json};

fn run(source: &str, input: &str) -> Result<serde_json::Value, RuleError> {
    let program = Program::compile("mapping.vrl", source)?;
    program.run(parse_json(input.as_bytes()).unwrap()).map(|value| to_json(&value))
}

fn refusal(source: &str) -> String {
    Program::compile("shop/mapping.vrl", source).unwrap_err().to_string()
}

#[test]
fn a_program_makes_a_value_out_of_a_value() {
    let result = run(r#"{"id": .n, "name": upcase(string!(.name))}"#, r#"{"n": 7, "name": "ada"}"#).unwrap();
    assert_eq!(result, serde_json::json!({"id": 7, "name": "ADA"}));
}

#[test]
fn a_program_that_only_names_a_place_says_which() {
    let places =
        [(".a", "a"), ("# a comment\n.a.b", "a.b"), (".a.\"b c\"", "a.b c"), ("\n\n  .c.d.e\n", "c.d.e"), (".", "")];
    for (source, place) in places {
        let program = Program::compile("mapping.vrl", source).unwrap();
        let fields: Vec<&str> = program.place().unwrap().iter().map(|field| field.as_str()).collect();
        assert_eq!(fields.join("."), place, "{source}");
    }
    for source in [".a.b[0]", "{\"a\": .a}", ".b = 1\n.a", "x = .a\nx", ".a == .b", "%a", ".a\n.b", "[.a]", "7"] {
        assert_eq!(Program::compile("mapping.vrl", source).unwrap().place(), None, "{source}");
    }
}

#[test]
fn diagnostics_show_file_line_and_caret() {
    let text = refusal("x = 1\ny = upcase(x)\ny");
    assert!(text.contains("shop/mapping.vrl:2:"), "{text}");
    assert!(text.contains("y = upcase(x)"), "{text}");
    assert!(text.contains('^'), "{text}");
}

#[test]
fn all_diagnostics_are_shown_at_once() {
    let text = refusal("x = upcase(1)\ny = downcase(2)\ny");
    assert!(text.contains(":1:") && text.contains(":2:"), "{text}");
}

#[test]
fn a_flood_of_diagnostics_is_cut_short() {
    let text = refusal(&"upcase(1)\n".repeat(9));
    assert_eq!(text.matches("error[").count(), 5, "{text}");
    assert!(text.ends_with("and 4 more, which may go with the first"), "{text}");
}

#[test]
fn a_program_cannot_reach_outside_or_depend_on_the_moment() {
    for call in ["get_env_var(\"HOME\")", "get_hostname()", "http_request(\"http://a\")", "dns_lookup(\"a\")"] {
        let text = refusal(call);
        assert!(text.contains("undefined function"), "{call}: {text}");
    }
    for call in ["now()", "uuid_v4()", "uuid_v7()", "random_int(1, 2)", "random_float(0.0, 1.0)", "log(\"a\")"] {
        let text = refusal(call);
        assert!(text.contains("is not available in rules"), "{call}: {text}");
        assert!(text.contains("shop/mapping.vrl:1:1") && text.contains('^'), "{call}: {text}");
    }
}

#[test]
fn a_failure_names_the_place_and_not_the_data() {
    let error = run("x = 1\n{\"n\": to_int!(.secret)}", r#"{"secret": "ada@example.org"}"#).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("mapping.vrl:2:7: `to_int!(.secret)`"), "{text}");
    assert!(!text.contains("ada"), "{text}");
}

#[test]
fn abort_carries_the_authors_words() {
    let error = run("if .a == null { abort \"an order without lines\" }\n1", "{}").unwrap_err();
    assert_eq!(error.to_string(), "mapping.vrl:1:17: an order without lines");
}

#[test]
fn programs_keep_nothing_between_runs() {
    let program = Program::compile("a.vrl", "if exists(.x) { seen = true }\nseen = seen || false\nseen");
    // A variable that is only set on one path does not exist on the other: the compiler says so.
    assert!(program.is_err());
    let program = Program::compile("a.vrl", "n = int(.n) ?? 0\n.n = n + 1\n.n").unwrap();
    for _ in 0..3 {
        assert_eq!(program.run(parse_json(b"{\"n\": 1}").unwrap()).unwrap(), Value::from(2));
    }
}

#[test]
fn endless_work_is_stopped() {
    let source = "n = 0\nfor_each(array!(.a)) -> |_i, _x| { for_each(array!(.a)) -> |_j, _y| { n = n + 1 } }\nn";
    let program = Program::compile("loop.vrl", source).unwrap();
    let many = vec![Value::from(1); 3_000];
    let input = Value::Object([("a".into(), Value::Array(many))].into());
    assert!(matches!(program.run(input), Err(RuleError::OutOfSteps { .. })));
}

#[test]
fn conditions_answer_yes_or_no() {
    let shape = Shape::object([("orders", Shape::integer()), ("stage", Shape::text().or_null())]);
    let condition = Condition::compile_for("rule", ".orders > 2 && .stage == \"customer\"", &shape).unwrap();
    let mut input = parse_json(br#"{"orders": 3, "stage": "customer"}"#).unwrap();
    assert!(condition.holds(&mut input).unwrap());
    let mut input = parse_json(br#"{"orders": 3, "stage": null}"#).unwrap();
    assert!(!condition.holds(&mut input).unwrap());
}

#[test]
fn conditions_that_cannot_answer_or_that_change_things_are_refused() {
    let shape = Shape::object([("orders", Shape::integer())]);
    let text = Condition::compile_for("rule", ".orders + 1", &shape).unwrap_err().to_string();
    assert!(text.contains("never true or false"), "{text}");
    let text = Condition::compile_for("rule", ".ordres > 1", &shape).unwrap_err().to_string();
    assert!(text.contains("rule:1:1"), "{text}");
    let text = Condition::compile("rule", ".a = true").unwrap_err().to_string();
    assert!(text.contains("read-only"), "{text}");
    let text = Condition::compile("rule", "del(.a) == 1").unwrap_err().to_string();
    assert!(text.contains("read-only"), "{text}");
    let condition = Condition::compile("rule", ".a").unwrap();
    let mut input = parse_json(b"{\"a\": 1}").unwrap();
    assert!(matches!(condition.holds(&mut input), Err(RuleError::NotBoolean { .. })));
}

#[test]
fn instants_round_trip_in_milliseconds() {
    assert_eq!(instant_ms(&instant(1_700_000_000_123)), Some(1_700_000_000_123));
    assert_eq!(instant(i64::MAX), Value::Null);
    assert_eq!(instant_ms(&Value::from(1)), None);
}

#[test]
fn broken_json_is_located_and_not_quoted() {
    let error = parse_json(b"{\"email\": ada@example.org}").unwrap_err();
    assert_eq!(error, "is not JSON at line 1, column 11");
    assert_eq!(parse_json(b"{\"a\":").unwrap_err(), "ends too early at line 1, column 5");
}
