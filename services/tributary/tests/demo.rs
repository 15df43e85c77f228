//! The demo from end to end: everything it fed is accounted for, and what it shows is true.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::process::Command;

use serde_json::Value;

fn demo(arguments: &[&str]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_tributary"))
        .args(["demo", "--exit", "--report", report.to_str().unwrap()])
        .args(arguments)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("accepted = "), "{said}");
    serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap()
}

#[test]
fn everything_is_accounted_for_and_the_result_is_the_truth() {
    let report = demo(&["--persons", "160", "--days", "12", "--seed", "3"]);
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_i64).unwrap();
    let accepted = number("/accounting/accepted");
    assert!(accepted > 500, "{accepted}");
    assert_eq!(
        accepted,
        number("/accounting/processed") + number("/accounting/dead_lettered") + number("/accounting/dropped")
    );
    assert_eq!(number("/accounting/dead_lettered"), number("/noise/malformed"));
    assert_eq!(report["accounting"]["adds_up"], true);
    assert_eq!(number("/identities/wrong_merges"), 0);
    assert_eq!(number("/identities/missed_merges"), 0);
    assert!(number("/identities/merges") > 20);
    for fact in report["facts"].as_array().unwrap() {
        assert_eq!(fact["truth"], fact["result"], "{fact}");
    }
    assert!(!report["decisions"].as_array().unwrap().is_empty());
    let lift = report["lift"].as_array().unwrap();
    let letter = lift.iter().find(|line| line["experiment"] == "external:voucher-letter").unwrap();
    for arm in ["treated", "held_out"] {
        assert_eq!(letter[arm], report["letter"][arm], "{letter}");
    }
    assert!(number("/letter/treated") > 10 && number("/letter/caused_sales") > 0, "{letter}");
    let caused = letter["caused"].as_object().unwrap();
    let of = |name: &str| caused[name].as_i64().unwrap();
    let truth = number("/letter/caused_minor");
    assert!(of("low_minor") <= truth && truth <= of("high_minor"), "{letter}");
    assert!(lift.iter().any(|line| line["caused"].is_null()), "too few persons of some: {lift:?}");
    let domains: std::collections::BTreeSet<&str> =
        report["customer"]["lines"].as_array().unwrap().iter().map(|line| line["domain"].as_str().unwrap()).collect();
    assert!(domains.len() >= 3, "{domains:?}");
    assert_eq!(report["good"], true);
}
