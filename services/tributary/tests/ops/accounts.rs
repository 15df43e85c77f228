//! The accounts: what is on its way is explained, what was tampered with is found, and the metrics say so.

use serde_json::Value;
use tributary_model::topics;
use tributary_stream::OutRecord;

use crate::bed::{Bed, GOOD_MAPPING, account, bare, said};

#[test]
fn records_on_their_way_are_counted_and_a_record_that_nobody_wrote_is_found() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let hub = bed.hub();
    bed.publish(&(0..20).map(|number| bare(&format!("e-{number}"), "fine")).collect::<Vec<_>>());
    bed.until_settled(20);
    bed.until_metric(|line| line == "tributary_tributary_unexplained_records 0");
    bed.until_metric(|line| {
        line == "tributary_stream_accepted_records_total{stage=\"normalizer\",topic=\"tributary.raw.store\"} 20"
    });
    bed.until_metric(|line| {
        line == "tributary_stream_lag_records{stage=\"normalizer\",topic=\"tributary.raw.store\"} 0"
    });
    let copies = bed.records(topics::TOUCHPOINTS);
    drop(hub);

    bed.publish(&(0..5).map(|number| bare(&format!("later-{number}"), "fine")).collect::<Vec<_>>());
    let waiting = bed.json(&["reconcile"]);
    assert_eq!(
        (&waiting["adds_up"], waiting["unexplained"].as_i64(), waiting["in_flight"].as_i64()),
        (&Value::Bool(false), Some(0), Some(5))
    );
    let text = bed.run(&["reconcile"]);
    assert!(
        text.status.success()
            && said(&text).contains("5 records of tributary.raw.store are on their way to normalizer")
    );

    // Somebody writes a touchpoint past the normalizer.
    let copy = copies.into_iter().next().unwrap();
    bed.publish(&[OutRecord { topic: copy.topic, key: copy.key, value: copy.value, headers: Vec::new() }]);
    let _hub = bed.hub();
    let found = tributary_testkit::eventually_every(
        std::time::Duration::from_millis(500),
        std::time::Duration::from_secs(60),
        || {
            let audit = bed.json(&["reconcile"]);
            let touchpoints = &account(&audit, "identity")["accepted_from"][topics::TOUCHPOINTS];
            let all_read = *touchpoints == 26 && audit["in_flight"] == 0;
            // The one that saw the hub at work may explain the record by what was read meanwhile.
            all_read.then(|| bed.json(&["reconcile"]))
        },
    );
    let audit = found.unwrap();
    assert_eq!(audit["unexplained"], 1, "{audit:#}");
    let output = bed.run(&["reconcile"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said(&output)
            .contains("tributary.touchpoints: stage identity has read or will read 1 records that no stage wrote"),
        "{}",
        said(&output)
    );
    bed.until_metric(|line| line == "tributary_tributary_unexplained_records 1");
}
