//! The bench of identity on a small crowd: what it reports about the rules has to hold at any size.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use tributary_bench::{Crowd, Findings, Identity, Tally, resolve};
use tributary_identity::Rules;
use tributary_model::ids::realm_uuid;
use tributary_normalizer::{Config, Rulebook};

const HUMANS: u64 = 12_000;

fn resolved(rules: &str) -> (Identity, Findings) {
    let rules = Arc::new(Rules::from_yaml(rules).unwrap());
    let rulebook = Rulebook::load(&Config::default()).unwrap();
    let mut identity = Identity::new(realm_uuid("test"), &rules, 5, 64);
    let mut crowd = Crowd::new(HUMANS, &rulebook).unwrap();
    let production = Rules::built_in().unwrap();
    let findings = resolve(&mut crowd, &mut identity, &production, 100);
    (identity, findings)
}

#[test]
fn a_crowd_with_shared_kiosks_and_null_addresses_keeps_every_limit() {
    let (identity, findings) = resolved(tributary_identity::BUILT_IN_YAML);
    assert_eq!(findings.violations, Vec::<String>::new());
    assert_eq!(findings.apart, 0, "no rule stands between the two halves of a human");
    assert_eq!(findings.kiosks, 2);
    assert_eq!(identity.identifier_count() as u64, 3 * HUMANS + findings.kiosks);
    let Tally { touchpoints, merges, quarantined, refusals, .. } = identity.tally().clone();
    assert_eq!(findings.nulls, touchpoints.div_ceil(10));
    assert_eq!(quarantined, findings.kiosks, "each kiosk, and nothing else");
    // Who used a kiosk has a customer number, so nobody became one with another at it.
    assert_eq!(findings.together, 0);
    assert_eq!(identity.person_count() as u64, HUMANS);
    assert_eq!(merges, 2 * HUMANS + findings.kiosks);
    let mut reasons: Vec<&str> = refusals.keys().map(String::as_str).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["blocked_value:email", "shared:device_id", "unique:customer_id"]);
    assert!(
        identity.tally().forwarded > 0,
        "who comes back by a browser that nobody has told of the merge is forwarded"
    );
    let share = identity.tally().forwarded * 100 / touchpoints;
    assert!(share < 50, "the hint shortens the way of what follows: {share} %");
}

#[test]
fn without_the_rule_a_kiosk_makes_one_person_of_many_and_it_is_seen() {
    let lax = tributary_identity::BUILT_IN_YAML
        .replace("limit: 1, unique: true", "limit: 0")
        .replace("max_persons: 10", "max_persons: 1000")
        .replace("default_limit: 5", "default_limit: 0")
        .replace("limit: 5", "limit: 0");
    let (_, findings) = resolved(&lax);
    assert_eq!(findings.together, 120, "everybody who ever touched a kiosk");
    let namespaces = ["customer_id", "email"].map(|name| {
        findings.violations.iter().filter(|violation| violation.ends_with(&format!("60 values of {name}"))).count()
    });
    assert_eq!(namespaces, [2, 2], "{:?}", findings.violations);
}
