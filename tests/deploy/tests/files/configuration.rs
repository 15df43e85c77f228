//! What the chart tells the hub: the binary takes it, secrets are not in it, and a change restarts those whom it
//! concerns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{Rendered, SETS, hub, said, yaml};
use crate::manifests::{Manifest, items};

/// Any key of pseudonyms.
const KEY: &str = "a key that only this test has";

/// What the test gives for a secret: another for each name, and for webhooks in the one form that they take.
fn made_up(variable: &str) -> String {
    let webhook = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    if variable.contains("WEBHOOK") { webhook.to_owned() } else { format!("made up for {variable}") }
}

/// The configuration that a workload or job mounts.
fn mounted<'a>(rendered: &'a Rendered, workload: &Manifest) -> &'a str {
    let volume = items(&workload.pod()["volumes"]).find(|volume| volume["name"] == "config").unwrap();
    let map = rendered.kind("ConfigMap").find(|map| map.name() == volume["configMap"]["name"]).unwrap();
    map.at("/data/tributary.yaml").as_str().unwrap()
}

/// The variables that a workload gets from the Secret.
fn from_secret(workload: &Manifest) -> BTreeSet<String> {
    let entries =
        items(&workload.containers()[0]["env"]).filter(|entry| entry["valueFrom"]["secretKeyRef"].is_object());
    entries.map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

/// Every variable that a configuration refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("env").filter(|_| members.len() == 1) {
                found.insert(name.clone());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(all) => all.iter().for_each(|element| references(element, found)),
        _ => {}
    }
}

#[test]
fn the_hub_accepts_what_each_service_and_the_job_are_told() {
    for name in SETS {
        let rendered = Rendered::set(name);
        let mut seen = BTreeSet::new();
        for workload in rendered.with_pods() {
            // `check` compiles everything, so those who are told the same are asked once.
            if !seen.insert((mounted(&rendered, workload), from_secret(workload))) {
                continue;
            }
            let what = format!("{name} {}", workload.component());
            let directory = TempDir::new().unwrap();
            let properties = directory.path().join("kafka.properties");
            std::fs::write(&properties, "sasl.password=made-up\n").unwrap();
            let text = mounted(&rendered, workload);
            let has_file = text.contains("properties_file: /etc/tributary/secrets/kafka.properties");
            assert_eq!(has_file, name == "production", "{what}");
            let path = directory.path().join("tributary.yaml");
            let here = text.replace("/etc/tributary/secrets/kafka.properties", properties.to_str().unwrap());
            std::fs::write(&path, here).unwrap();
            // Whoever makes no pseudonyms gets no key; `check` alone asks everybody for one.
            let mut check = hub();
            check.env("TRIBUTARY_PSEUDONYM_KEY", KEY).args(["check", "--config"]).arg(&path);
            check.envs(from_secret(workload).into_iter().map(|variable| (variable.clone(), made_up(&variable))));
            check.env("TRIBUTARY__KAFKA__INSTANCE", "3");
            let output = check.output().unwrap();
            assert!(output.status.success(), "{what}: {}\n{text}", said(&output));
        }
    }
}

#[test]
fn a_misspelt_key_of_the_configuration_does_not_pass() {
    let rendered = Rendered::with("misspelt", &json!({"config": {"kafka": {"comit_records": 5}}}));
    let gateway = rendered.workloads()[0];
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tributary.yaml");
    std::fs::write(&path, mounted(&rendered, gateway)).unwrap();
    let output = hub().env("TRIBUTARY_PSEUDONYM_KEY", KEY).args(["check", "--config"]).arg(&path).output().unwrap();
    assert!(!output.status.success() && said(&output).contains("comit_records"), "{}", said(&output));
}

#[test]
fn secrets_are_references_and_reach_those_who_need_them() {
    for name in SETS {
        let rendered = Rendered::set(name);
        assert_eq!(rendered.kind("Secret").count(), 0, "{name}: the chart makes no secret");
        for workload in rendered.with_pods() {
            let what = format!("{name} {}", workload.component());
            for entry in items(&workload.containers()[0]["env"]) {
                let is_known = ["TRIBUTARY_CONFIG"].contains(&entry["name"].as_str().unwrap());
                assert!(is_known || entry["value"].is_null(), "{what}: {entry} is given in clear");
            }
            let mut wanted = BTreeSet::new();
            references(&yaml(mounted(&rendered, workload)), &mut wanted);
            let given = from_secret(workload);
            assert!(wanted.is_subset(&given), "{what}: {wanted:?} are referred to and {given:?} are there");
        }
        let given: BTreeMap<&str, BTreeSet<String>> =
            rendered.with_pods().into_iter().map(|workload| (workload.component(), from_secret(workload))).collect();
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(given["topics"], names(&[]), "{name}");
        match name {
            "minimal" => {
                assert_eq!(given["normalizer"], names(&["TRIBUTARY_PSEUDONYM_KEY"]));
                assert!(given.iter().all(|(service, all)| *service == "normalizer" || all.is_empty()), "{given:?}");
            }
            "production" => {
                assert_eq!(given["gateway"], names(&["CRM_WEBHOOK_SECRET", "SEGMENT_WRITE_KEY"]));
                let keys = ["CRM_WEBHOOK_SECRET", "PSEUDONYM_KEY_2026", "PSEUDONYM_KEY_2027"];
                assert_eq!(given["normalizer"], names(&keys));
                assert_eq!(given["identity"], names(&["CRM_WEBHOOK_SECRET"]));
            }
            _ => assert_eq!(given["all"], names(&["SEGMENT_WRITE_KEY", "TRIBUTARY_PSEUDONYM_KEY"])),
        }
    }
}

#[test]
fn a_change_of_the_configuration_restarts_those_whom_it_concerns() {
    let checksums = |values: &Value| -> BTreeMap<String, String> {
        let rendered = Rendered::with("checksums", values);
        let annotated = rendered.workloads().into_iter().map(|workload| {
            let annotations = workload.at("/spec/template/metadata/annotations");
            (workload.component().to_owned(), annotations["checksum/config"].as_str().unwrap().to_owned())
        });
        annotated.collect()
    };
    let changed = |values: Value| -> Vec<String> {
        let before = checksums(&json!({}));
        let after = checksums(&values);
        assert_eq!(before.len(), after.len());
        before.into_iter().filter(|(service, sum)| after[service] != *sum).map(|(service, _)| service).collect()
    };
    let all = ["delivery", "gateway", "identity", "insight", "journey", "normalizer"];
    assert_eq!(changed(json!({"config": {"realm": "another"}})), all);
    assert_eq!(changed(json!({"config": {"gateway": {"write_keys": {"a": [{"env": "KEY"}]}}}})), ["gateway"]);
    assert_eq!(changed(json!({"services": {"journey": {"config": {"workers": {"journey": 2}}}}})), ["journey"]);
    assert_eq!(changed(json!({"services": {"journey": {"replicas": 2}}})), Vec::<String>::new());
}
