//! A broker that answers nothing, and one that is gone: the process stays, says so, and goes on by itself.

use tributary_model::topics;

use crate::bed::{Bed, GOOD_MAPPING, account, bare, event};

#[test]
fn a_broker_that_is_gone_is_named_by_readyz_and_work_goes_on_when_it_is_back() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let mut hub = bed.hub();
    bed.publish(&(0..10).map(|number| bare(&format!("before-{number}"), "fine")).collect::<Vec<_>>());
    bed.until_settled(10);
    for round in 0..2 {
        bed.broker.cut(true);
        let answer = bed.until_ready(false);
        let kafka = &answer["components"]["kafka"];
        let reason = kafka["reason"].as_str().unwrap_or_default();
        assert!(kafka["ready"] == false && reason.contains("no Kafka broker has answered"), "{answer:#}");
        assert!(reason.contains("127.0.0.1"), "{reason}");
        bed.until_metric(|line| line == "tributary_stream_broker_up 0");
        assert_ne!(bed.post(&event(&format!("refused-{round}"), "fine")), 200, "200 means that the broker has it");
        bed.broker.cut(false);
        bed.until_ready(true);
        assert!(hub.0.try_wait().unwrap().is_none(), "the process stayed: {}", bed.log_tail());
        bed.publish(&[bare(&format!("after-{round}"), "fine")]);
        bed.until_settled(10 + round + 1);
    }
    assert_eq!(bed.post(&event("accepted", "fine")), 200);
    let audit = bed.until_settled(13);
    // What was refused may still have reached the broker: a sender that tries again is right, and nothing counts twice.
    let normalizer = account(&audit, "normalizer");
    assert_eq!(normalizer["accepted"], normalizer["processed"], "{audit:#}");
    assert_eq!(account(&audit, "insight")["dead_lettered"], 0);
}

#[test]
fn an_output_that_the_broker_does_not_commit_is_stuck_and_comes_loose_by_itself() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let mut hub = bed.hub();
    bed.publish(&[bare("first", "fine")]);
    bed.until_settled(1);
    // The broker stops in the middle of the work: connections stay, nothing is answered.
    let many: Vec<_> = (0..5_000).map(|number| bare(&format!("e-{number}"), "fine")).collect();
    bed.publish(&many);
    // More than the first, or nothing may have been read yet that could be stuck.
    let is_at_work = |line: &str| {
        let count = line.strip_prefix("tributary_stream_accepted_records_total{stage=\"normalizer\"");
        count.and_then(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).is_some_and(|count| count > 1.0)
    };
    bed.until_metric(is_at_work);
    bed.broker.hang(true).unwrap();
    let stuck = tributary_testkit::eventually_every(
        std::time::Duration::from_millis(200),
        std::time::Duration::from_secs(60),
        || {
            let answer: serde_json::Value = serde_json::from_str(&bed.get("/readyz")?).ok()?;
            let components = answer["components"].as_object()?.clone();
            let is_stuck = |(name, part): &(String, serde_json::Value)| {
                name.ends_with(" output") && part["reason"].as_str().is_some_and(|why| why.contains("output stuck"))
            };
            components.into_iter().find(is_stuck)
        },
    );
    let Some((name, _)) = stuck else { panic!("{:?}\n{}", bed.get("/readyz"), bed.log_tail()) };
    let stage = name.trim_end_matches(" output").to_owned();
    bed.until_metric(|line| line == format!("tributary_stream_output_stuck_workers{{stage=\"{stage}\"}} 1"));
    bed.broker.hang(false).unwrap();
    bed.until_ready(true);
    bed.until_metric(|line| line == format!("tributary_stream_output_stuck_workers{{stage=\"{stage}\"}} 0"));
    let audit = bed.until_settled(5_001);
    assert!(hub.0.try_wait().unwrap().is_none(), "the process stayed: {}", bed.log_tail());
    assert_eq!(account(&audit, "normalizer")["processed"], 5_001, "{audit:#}");
    assert_eq!(bed.records(topics::TOUCHPOINTS).len(), 5_001);
}

#[test]
fn an_input_that_nobody_reads_on_is_named_by_readyz_until_somebody_does() {
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    // Whoever is silent keeps its partitions for longer than it takes to notice that nobody reads them.
    let settings = serde_json::json!({
        "bootstrap": bed.broker.bootstrap(), "session_timeout_ms": 60_000, "static_membership": false, "partitions": 2,
        "stalled_after_ms": 2_000,
    });
    bed.set("kafka", settings);
    let _hub = bed.hub();
    bed.publish(&(0..20).map(|number| bare(&format!("before-{number}"), "fine")).collect::<Vec<_>>());
    bed.until_settled(20);
    let second = bed.second("identity");
    let signal = |name: &str| {
        let status = std::process::Command::new("kill").args([name, &second.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    };
    signal("-STOP");
    bed.publish(&(0..20).map(|number| bare(&format!("after-{number}"), "fine")).collect::<Vec<_>>());
    let answer = bed.until_ready(false);
    let input = &answer["components"]["identity input"];
    let reason = input["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("input stalled: tributary.touchpoints-"), "{answer:#}");
    assert!(reason.contains("no worker of this process has the partition"), "{reason}");
    bed.until_metric(|line| line == "tributary_stream_input_stalled_partitions{stage=\"identity\"} 1");
    signal("-CONT");
    bed.until_ready(true);
    bed.until_metric(|line| line == "tributary_stream_input_stalled_partitions{stage=\"identity\"} 0");
    let audit = bed.until_settled(40);
    assert_eq!(account(&audit, "normalizer")["processed"], 40, "{audit:#}");
    assert!(bed.log_tail().contains("input no longer stalled"), "{}", bed.log_tail());
}
