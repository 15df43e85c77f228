//! Rules and schedules that the random tests share.

use std::sync::Arc;

use proptest::prelude::*;
use tributary_identity::Rules;

use super::Schedule;

/// More persons than there are: nothing is quarantined.
pub(crate) const EVERYBODY: u32 = 1_000_000;

pub(crate) fn rules(text: &str) -> Arc<Rules> {
    Arc::new(Rules::from_yaml(text).expect("rules of the test"))
}

/// No limit to anything.
pub(crate) fn no_limits() -> Arc<Rules> {
    rules(&format!(
        "
version: none
default_limit: 0
namespaces: [{{name: customer_id, priority: 9, normalise: trim}}]
quarantine: {{max_persons: {EVERYBODY}}}
"
    ))
}

/// One customer, two addresses, two phones in three days; what was seen with more than `max_persons` is quarantined.
pub(crate) fn tight_limits(max_persons: u32) -> Arc<Rules> {
    rules(&format!(
        "
version: tight
default_limit: 0
namespaces:
  - {{name: customer_id, priority: 90, unique: true, normalise: trim}}
  - {{name: email, priority: 70, limit: 2, normalise: email}}
  - {{name: phone, priority: 60, limit: 2, window_days: 3, normalise: phone}}
quarantine: {{max_persons: {max_persons}}}
"
    ))
}

/// Any schedule over fewer partitions than `partitions`; `repeats_input`: touchpoints may be written twice too.
pub(crate) fn schedules(partitions: usize, repeats_input: bool) -> impl Strategy<Value = Schedule> {
    (any::<u64>(), 1..partitions, 1..partitions, 0..3_u8, 0..3_u8).prop_map(
        move |(seed, identifier_partitions, person_partitions, abort, repeat)| {
            let often = f64::from(repeat) * 0.1;
            Schedule {
                seed,
                identifier_partitions,
                person_partitions,
                abort: f64::from(abort) * 0.15,
                repeat: often,
                repeat_input: if repeats_input { often } else { 0.0 },
            }
        },
    )
}
