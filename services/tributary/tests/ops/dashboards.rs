//! A real Prometheus scrapes a hub at work: each query of each dashboard gives numbers, and each rule works.

mod prometheus;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_model::time::to_rfc3339;
use tributary_service::metrics::{Kind, Metric};
use tributary_testkit::{eventually_every, free_port};

use crate::bed::Bed;
use prometheus::{Prometheus, repository};

const SOURCE: &str = "domain: store\ndescription: Till\nauth: none\nevent_id: [/id]\n\
                      types: [store.visited, store.purchased, display.shown]\n";
/// An event is a touchpoint already, unless it is broken.
const MAPPING: &str = r#"
if .body.broken == true { abort "this one is broken" }
.body
"#;
/// Every visit is told to the team of the stores, of half of the persons.
const TRIGGER: &str = r#"
id: visit-notice
version: 1
team: store
action: notify
pattern:
  - on: store.visited
reentry: {per: touchpoint}
validity: 1d
holdout_percent: 50
payload: {touchpoint: "{{touchpoint.touchpoint_id}}"}
"#;
/// Two prices for one machine.
const CANVAS: &str = r#"
messages:
  - {message_id: a-fifth-off, narrative_id: plenty, approved: true, offer_subject: KIT-1, offer_claim: 20% off}
  - {message_id: a-third-off, narrative_id: cheap, approved: true, offer_subject: KIT-1, offer_claim: 30% off}
"#;
/// What stands for the variables, in this order.
const VARIABLES: [(&str, &str); 8] = [
    ("$__rate_interval", "1m"),
    ("$__range", "10m"),
    ("$instance", ".*"),
    ("$currency", "EUR"),
    ("$stage", ".*"),
    ("$model", "linear"),
    ("=~\"$team\"", "=~\".+\""),
    ("$team", "brand"),
];
/// Parts of queries that may give nothing here, and why.
const MAY_BE_EMPTY: [(&str, &str); 16] = [
    ("ALERTS{", "no alert has to fire"),
    ("tributary_stream_timers_total", "no timer has to be due within the minutes of the test"),
    ("tributary_stream_checkpoint_failures_total", "no disk fails"),
    ("tributary_stream_checkpoints_refused_total", "no checkpoint is damaged"),
    ("tributary_stream_disk_failures_total", "no disk fails"),
    ("tributary_stream_disk_refused_total", "state is in memory"),
    ("tributary_journey_erased_persons_total", "nobody is erased"),
    ("tributary_journey_beyond_horizon_touches_total", "nothing is older than the horizon"),
    ("tributary_journey_splits_total", "nobody is taken apart"),
    ("tributary_journey_redirects_total", "an event has to overtake a merge to be forwarded"),
    ("tributary_identity_refusals_total", "no link breaks a limit"),
    ("tributary_journey_account_merges_total", "no account turns out to be another"),
    ("tributary_triggers_condition_failures_total", "no condition fails"),
    ("reason=\"lost_arbitration\"", "no messages compete"),
    ("decisions_withheld:rate5m{team=\"brand\"}", "brand has no trigger with a hold-out"),
    ("outcomes:rate5m{team=\"brand\"}", "nothing follows from what brand is told"),
];

fn bed() -> Bed {
    let bed = Bed::new();
    std::fs::write(bed.source().join("source.yaml"), SOURCE).unwrap();
    bed.map(MAPPING);
    for (folder, text) in [("triggers", TRIGGER), ("canvas", CANVAS)] {
        let folder = bed.dir.path().join("definitions").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("of-the-test.yaml"), text).unwrap();
    }
    // Nobody listens there, so deliveries wait and fail.
    let nobody = json!({
        "teams": ["store"], "url": format!("http://127.0.0.1:{}", free_port().unwrap()),
        "secrets": [{ "env": "TEST_WEBHOOK_SECRET" }], "allow_private": true,
    });
    let retry = json!({ "delays": vec!["1s"; 600], "jitter_percent": 0 });
    bed.set("delivery", json!({ "destinations": { "nobody": nobody }, "retry": retry }));
    bed
}

/// An event of the till some minutes ago.
fn event(id: String, kind: &str, minutes_ago: i64, who: Value, more: &Value) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let at = to_rfc3339(now - minutes_ago * 60_000);
    let mut event = json!({ "id": id, "type": kind, "occurred_at": at, "identifiers": who });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

/// One of each kind of thing that dashboards show, about persons that no other wave is about.
fn wave(number: i64) -> Vec<Value> {
    let id = |name: &str| format!("{name}-{number}");
    let shopper = || json!({ "loyalty_id": id("shopper") });
    let shown = |message: &str| {
        json!({
            "channel": "display", "direction": "outbound", "message_id": message,
            "cost": { "currency": "EUR", "amount": "0.50" },
        })
    };
    let sale = json!({
        "channel": "in_store", "order_id": id("order"), "value": { "currency": "EUR", "amount": "25.00" },
    });
    let in_store = json!({ "channel": "in_store" });
    let visit =
        |name: &str, minutes_ago: i64, who: Value| event(id(name), "store.visited", minutes_ago, who, &in_store);
    let (card, mail) = (id("card"), format!("{}@example.org", id("mail")));
    let twice = visit("twice", 50, json!({ "loyalty_id": id("twice") }));
    vec![
        // Heard, bought, and heard another price although it was to be left alone.
        event(id("first"), "display.shown", 180, shopper(), &shown("a-fifth-off")),
        event(id("sale"), "store.purchased", 120, shopper(), &sale),
        event(id("second"), "display.shown", 60, shopper(), &shown("a-third-off")),
        // One person who seemed to be two.
        visit("by-card", 40, json!({ "loyalty_id": card })),
        visit("by-mail", 39, json!({ "email": mail })),
        visit("by-both", 38, json!({ "loyalty_id": card, "email": mail })),
        // Earlier than what came before of the same person.
        visit("late", 300 + number, json!({ "loyalty_id": "regular" })),
        visit("nobody", 30, json!({})),
        twice.clone(),
        twice,
        json!({ "id": id("broken"), "broken": true }),
    ]
}

/// A query with where it stands.
type Query = (String, String);

fn queries() -> Vec<Query> {
    let files = repository("charts/tributary/dashboards").read_dir().unwrap().map(|file| file.unwrap().path());
    let mut queries = Vec::new();
    for file in files.filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        let dashboard: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("{name}: {} {}", panel["title"], target["refId"]);
                let mut query = target["expr"].as_str().unwrap().to_owned();
                VARIABLES.iter().for_each(|(name, value)| query = query.replace(name, value));
                queries.push((place, query));
            }
        }
    }
    queries
}

/// Whether a query may give nothing here.
fn may_be_empty(query: &str) -> bool {
    MAY_BE_EMPTY.iter().any(|(part, _)| query.contains(part))
}

/// Series that are in no catalogue, or have a label that theirs does not tell.
fn strangers(prometheus: &Prometheus) -> BTreeSet<String> {
    let catalogue = tributary_tributary::metrics::catalogue();
    let metrics: Vec<Metric> = catalogue.into_iter().flat_map(|(_, metrics)| metrics).collect();
    let of_series = |series: &str| {
        metrics.iter().find(|metric| match metric.kind {
            Kind::Histogram => {
                ["_bucket", "_sum", "_count"].iter().any(|end| series == format!("{}{end}", metric.name))
            }
            Kind::Counter | Kind::Gauge => series == metric.name,
        })
    };
    let by_prometheus = ["__name__", "instance", "job", "le"];
    let all = prometheus.data("series", &[("match[]", r#"{__name__=~"tributary_.+"}"#)]);
    let all = all.as_array().unwrap();
    assert!(all.len() > 100, "{} series", all.len());
    let is_known = |series: &Value| {
        let Some(metric) = of_series(series["__name__"].as_str().unwrap()) else { return false };
        let mut labels = series.as_object().unwrap().keys().map(String::as_str);
        labels.all(|label| by_prometheus.contains(&label) || metric.labels.contains(&label))
    };
    all.iter().filter(|series| !is_known(series)).map(Value::to_string).collect()
}

/// Rules that failed, with what Prometheus says of them.
fn failed_rules(prometheus: &Prometheus) -> Vec<String> {
    let data = prometheus.data("rules", &[]);
    let rules = data["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    let rules: Vec<&Value> = rules.collect();
    assert!(rules.len() > 40, "{} rules", rules.len());
    let failed = rules.into_iter().filter(|rule| rule["health"] != "ok");
    failed.map(|rule| format!("{}: {}", rule["name"], rule["lastError"])).collect()
}

#[test]
fn every_query_of_every_dashboard_gives_numbers_about_a_hub_that_works() {
    let queries = queries();
    let stale = MAY_BE_EMPTY.iter().filter(|(part, _)| !queries.iter().any(|(_, query)| query.contains(part)));
    assert_eq!(stale.collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "no query has this part any more");
    let bed = bed();
    let _hub = bed.hub();
    let prometheus = Prometheus::scraping(&bed.admin_address());
    let mut waiting: Vec<&Query> = queries.iter().filter(|(_, query)| !may_be_empty(query)).collect();
    assert!(waiting.len() > 80, "{} queries", waiting.len());
    let mut number = 0;
    // Rates need counters that grow while they are watched, hence wave after wave.
    let answered = eventually_every(Duration::from_secs(1), Duration::from_secs(300), || {
        number += 1;
        wave(number).iter().for_each(|event| assert_eq!(bed.post(event), 200, "{event}"));
        waiting.retain(|(_, query)| !prometheus.gives_a_number(query));
        waiting.is_empty().then_some(())
    });
    assert!(
        answered.is_some(),
        "after {number} waves these give nothing: {waiting:#?}\n{}\n{}",
        prometheus.log(),
        bed.log_tail()
    );
    for (place, query) in queries.iter().filter(|(_, query)| may_be_empty(query)) {
        // It is taken all the same, whether it gives anything or not.
        let data = prometheus.data("query", &[("query", query)]);
        assert!(data["result"].is_array(), "{place}: {data}");
    }
    let worked = eventually_every(Duration::from_millis(500), Duration::from_secs(30), || {
        failed_rules(&prometheus).is_empty().then_some(())
    });
    assert!(worked.is_some(), "{:#?}", failed_rules(&prometheus));
    assert_eq!(strangers(&prometheus), BTreeSet::new());
}
