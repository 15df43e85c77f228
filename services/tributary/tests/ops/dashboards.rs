//! A real Prometheus scrapes a hub at work: each query of each dashboard gives numbers, and each rule works.

mod prometheus;
mod workload;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tributary_service::metrics::{Kind, Metric};
use tributary_testkit::eventually_every;

use crate::bed::Bed;
use prometheus::{Prometheus, repository};

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
const MAY_BE_EMPTY: [(&str, &str); 7] = [
    ("tributary_insight_lift_effect_low", "it takes 100 persons of each arm to say"),
    ("tributary_insight_lift_effect_high", "it takes 100 persons of each arm to say"),
    ("tributary_stream_checkpoint_failures_total", "no disk fails"),
    ("tributary_stream_checkpoints_refused_total", "no checkpoint is damaged"),
    ("tributary_stream_disk_failures_total", "no disk fails"),
    ("tributary_stream_disk_refused_total", "state is in memory"),
    ("tributary_journey_redirects_total", "an event has to overtake a merge to be forwarded"),
];

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

/// Sends an event as a source does: again when the gateway is too busy to answer for it.
fn send(bed: &Bed, event: &Value) {
    let taken = eventually_every(Duration::from_millis(200), Duration::from_secs(60), || match bed.post(event) {
        200 => Some(()),
        0 | 503 => None,
        status => panic!("{status} for {event}"),
    });
    assert!(taken.is_some(), "nobody takes {event}\n{}", bed.log_tail());
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
    let bed = workload::bed();
    let _hub = bed.hub();
    let prometheus = Prometheus::scraping(&bed.admin_address());
    let mut waiting: Vec<&Query> = queries.iter().filter(|(_, query)| !may_be_empty(query)).collect();
    assert!(waiting.len() > 80, "{} queries", waiting.len());
    let mut number = 0;
    // Rates need counters that grow while they are watched, hence wave after wave.
    let answered = eventually_every(Duration::from_secs(1), Duration::from_secs(300), || {
        number += 1;
        workload::wave(number).iter().for_each(|event| send(&bed, event));
        if number == 1 {
            workload::by_hand(&bed, number);
        }
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
