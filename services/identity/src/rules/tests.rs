use super::*;

#[test]
fn the_built_in_rules_are_sound_and_put_the_customer_first() {
    let rules = Rules::built_in().expect("built-in rules");
    let customer = rules.namespace("customer_id");
    assert_eq!((customer.limit, customer.unique), (Some(1), true));
    let order = ["customer_id", "crm_contact_id", "loyalty_id", "email", "phone", "device_id", "anonymous_id"];
    assert!(order.is_sorted_by_key(|name| -rules.namespace(name).priority));
    assert_eq!(rules.namespace("email").limit, Some(5));
    assert_eq!(rules.namespace("anonymous_id").limit, None);
    assert_eq!(rules.namespace("never_heard_of").limit, Some(5));
    assert!(rules.namespace("never_heard_of").priority < rules.namespace("anonymous_id").priority);
}

#[test]
fn windows_are_counted_in_days() {
    let text = "
version: '7'
default_limit: 0
namespaces: [{name: device_id, priority: 1, limit: 3, window_days: 2, normalise: trim}]
quarantine: {max_persons: 4}
";
    let rules = Rules::from_yaml(text).expect("rules");
    let rule = rules.namespace("device_id");
    assert_eq!((rule.limit, rule.window_ms), (Some(3), Some(2 * DAY_MS)));
    assert_eq!(rules.namespace("other").limit, None);
    assert_eq!((rules.version(), rule.max_persons), ("7", 4));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = "
version: ' '
default_limit: 5
blocked: {patterns: ['(']}
namespaces:
  - {name: Email, priority: 1, normalise: email}
  - {name: phone, priority: 1, normalise: phone, window_days: 0}
  - {name: phone, priority: 2, normalise: digits, blocked: {values: ['12a']}}
  - {name: customer_id, priority: 3, limit: 2, unique: true, window_days: 9, normalise: trim}
  - {name: touchpoint, priority: 4, normalise: trim, max_persons: 0}
  - {name: member_id, priority: 5, unique: true, max_persons: 2, normalise: code, code: {case: upper}}
quarantine: {max_persons: 0}
free_mail_domains: [GMAIL.com, gmx]
";
    let Err(IdentityError::Invalid { problems }) = Rules::from_yaml(text) else { panic!("expected problems") };
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "version",
            "blocked.patterns[0]",
            "namespaces[0].name",
            "namespaces[1].window_days",
            "namespaces[1].priority",
            "namespaces[2].blocked.values",
            "namespaces[2].name",
            "namespaces[3].limit",
            "namespaces[3].window_days",
            "namespaces[4].name",
            "namespaces[4].max_persons",
            "namespaces[5].max_persons",
            "quarantine.max_persons",
            "free_mail_domains[0]",
            "free_mail_domains[1]",
        ]
    );
    assert!(problems.iter().all(|problem| !problem.why.is_empty() && !problem.remedy.is_empty()));
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let text = "{version: '1', default_limit: 5, namespace: [], namespaces: [], quarantine: {max_persons: 3}}";
    let Err(IdentityError::Unreadable { detail }) = Rules::from_yaml(text) else { panic!("expected a refusal") };
    assert!(detail.contains("namespace"), "{detail}");
}
