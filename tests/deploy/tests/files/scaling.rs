//! Processes are scaled by the lag of consumer groups and topics that the code has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bed::{Rendered, SETS, text, yaml};
use crate::manifests::items;
use crate::sources::{Stage, by_service, stages};

/// The chart's own list, as the sources have it.
fn listed() -> BTreeMap<String, BTreeSet<Stage>> {
    let Value::Object(services) = yaml(&text("charts/tributary/stages.yaml")) else {
        panic!("it is no list of services")
    };
    let stage = |service: &str, stage: &Value| Stage {
        service: service.to_owned(),
        name: stage["stage"].as_str().unwrap().to_owned(),
        leader_topics: items(&stage["topics"]).map(|topic| topic.as_str().unwrap().to_owned()).collect(),
    };
    services.iter().map(|(service, list)| (service.clone(), items(list).map(|s| stage(service, s)).collect())).collect()
}

#[test]
fn the_charts_list_of_stages_is_that_of_the_code() {
    assert!(stages().len() > 5, "{:?}", stages());
    assert_eq!(listed(), by_service());
}

#[test]
fn processes_scale_by_the_lag_of_stages_that_exist() {
    for name in SETS {
        let rendered = Rendered::set(name);
        let scaled: Vec<_> = rendered.kind("ScaledObject").collect();
        assert_eq!(scaled.is_empty(), name == "minimal", "{name}");
        for object in scaled {
            let service = object.component();
            let target = object.at("/spec/scaleTargetRef");
            let workloads = rendered.workloads();
            let found = workloads.iter().find(|workload| workload.name() == target["name"]).unwrap();
            assert_eq!((found.kind(), found.component()), (target["kind"].as_str().unwrap(), service), "{name}");
            assert!(found.at("/spec/replicas").is_null(), "{name} {service}: Helm would undo what KEDA decides");
            let (least, most) = (object.at("/spec/minReplicaCount"), object.at("/spec/maxReplicaCount"));
            assert!(least.as_i64() >= Some(1) && most.as_i64() >= least.as_i64(), "{name} {service}");
            let watched: BTreeSet<(String, String)> = items(object.at("/spec/triggers"))
                .map(|trigger| {
                    let metadata = &trigger["metadata"];
                    assert_eq!(metadata["offsetResetPolicy"], "earliest", "{name}");
                    assert!(metadata["lagThreshold"].is_string(), "{name}: KEDA takes strings alone");
                    let told = |key: &str| metadata[key].as_str().unwrap().to_owned();
                    (told("consumerGroup"), told("topic"))
                })
                .collect();
            let of_service = stages().into_iter().filter(|stage| service == "all" || stage.service == service);
            // One has one partition; the other reads nothing where no destination is configured.
            let counted = of_service.filter(|stage| stage.name != "identity-sequencer");
            let counted = counted.filter(|stage| name == "production" || stage.service != "delivery");
            let expected: BTreeSet<(String, String)> = counted
                .flat_map(|stage| stage.leader_topics.into_iter().map(move |topic| (group(&stage.name), topic)))
                .collect();
            assert_eq!(watched, expected, "{name} {service}");
        }
    }
}

/// The consumer group of a stage, as `Stage::group` names it.
fn group(stage: &str) -> String {
    let named = text("crates/stream/src/processor.rs").contains(r#"format!("tributary.{}", self.name)"#);
    assert!(named, "groups are named in another way now");
    format!("tributary.{stage}")
}

#[test]
fn a_service_that_keda_leaves_alone_has_its_replicas() {
    let rendered = Rendered::set("production");
    let replicas: BTreeMap<&str, &Value> =
        rendered.workloads().iter().map(|workload| (workload.component(), workload.at("/spec/replicas"))).collect();
    assert_eq!((replicas["gateway"], replicas["insight"]), (&json!(3), &json!(2)));
    let idle = json!({"keda": {"enabled": true}});
    let rendered = Rendered::with("no destinations", &idle);
    let scaled: BTreeSet<&str> = rendered.kind("ScaledObject").map(|object| object.component()).collect();
    assert_eq!(scaled, ["identity", "insight", "journey", "normalizer"].into());
    let delivery = rendered.workloads().into_iter().find(|workload| workload.component() == "delivery").unwrap();
    assert_eq!(delivery.at("/spec/replicas"), 1, "it would seem to be behind for ever");
}
