//! What Helm makes of the chart: sound, complete, and allowed no more than it needs.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{Rendered, SETS, repository, text, values, yaml};
use crate::manifests::items;
use crate::sources::services;

/// The linter's number for what is good to know; above are warnings and errors.
const INFORMATION: i64 = 1;
const FOREIGN_KINDS: [&str; 3] = ["PrometheusRule", "ScaledObject", "ServiceMonitor"];

#[test]
fn each_set_of_values_lints_and_renders_to_what_kubernetes_takes() {
    for name in SETS {
        let rendered = Rendered::judged(name);
        assert_eq!(rendered.refused, None, "{name}");
        let complaints = rendered.lint.iter().filter(|finding| finding["severity"].as_i64() != Some(INFORMATION));
        assert_eq!(complaints.collect::<Vec<_>>(), Vec::<&Value>::new(), "{name}");
        assert!(!rendered.lint.is_empty(), "{name}: the linter looked at nothing; it always misses an icon");
        assert_eq!(rendered.problems, Vec::<Value>::new(), "{name}");
        let unknown = rendered.foreign_kinds.iter().filter(|kind| !FOREIGN_KINDS.contains(&kind.as_str()));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&String>::new(), "{name}");
        let names: BTreeSet<_> = rendered.manifests.iter().map(|manifest| (manifest.kind(), manifest.name())).collect();
        assert_eq!(names.len(), rendered.manifests.len(), "{name}: two manifests have one name");
        assert!(rendered.notes.contains("tributary reconcile"), "{name}: {}", rendered.notes);
        if name == "production" {
            let all: BTreeSet<&str> = rendered.foreign_kinds.iter().map(String::as_str).collect();
            assert_eq!(all, FOREIGN_KINDS.into(), "it shows all that the chart can do");
        }
    }
}

#[test]
fn each_service_is_there_once_and_runs_itself() {
    for name in SETS {
        let rendered = Rendered::set(name);
        let expected = if name == "all-in-one" { BTreeSet::from(["all".to_owned()]) } else { services() };
        let workloads = rendered.workloads();
        let found: BTreeSet<String> = workloads.iter().map(|workload| workload.component().to_owned()).collect();
        assert_eq!((found, workloads.len()), (expected.clone(), expected.len()), "{name}");
        for workload in workloads {
            let service = workload.component();
            let containers = workload.containers();
            assert_eq!(containers.len(), 1, "{name} {service}");
            assert_eq!(containers[0]["args"], json!(["run", service]), "{name}");
            let numbered = service != "gateway";
            assert_eq!(workload.kind() == "StatefulSet", numbered, "{name} {service}: a process needs its number");
            let instance = items(&containers[0]["env"]).find(|entry| entry["name"] == "TRIBUTARY__KAFKA__INSTANCE");
            let path = instance.map(|entry| entry["valueFrom"]["fieldRef"]["fieldPath"].as_str().unwrap());
            let wanted = numbered.then_some("metadata.labels['apps.kubernetes.io/pod-index']");
            assert_eq!(path, wanted, "{name} {service}");
        }
        let jobs: Vec<_> = rendered.kind("Job").collect();
        assert_eq!(jobs.len(), 1, "{name}");
        assert_eq!(jobs[0].containers()[0]["args"], json!(["topics", "apply"]), "{name}");
        assert_eq!(jobs[0].at("/metadata/annotations")["helm.sh/hook"], "pre-install,pre-upgrade", "{name}");
        assert_eq!(jobs[0].pod()["serviceAccountName"], Value::Null, "{name}: the account is not there yet");
    }
}

#[test]
fn no_container_may_do_more_than_it_needs() {
    for name in SETS {
        let rendered = Rendered::set(name);
        for workload in rendered.with_pods() {
            let (service, pod) = (workload.component(), workload.pod());
            let what = format!("{name} {service}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{what}");
            assert_eq!(pod["enableServiceLinks"], false, "{what}: links would be taken for settings");
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{what}");
            for key in ["hostNetwork", "hostPID", "hostIPC"] {
                assert_eq!(pod[key], Value::Null, "{what} {key}");
            }
            for container in workload.containers() {
                let security = &container["securityContext"];
                assert_eq!(security["runAsNonRoot"], true, "{what}");
                assert_eq!(security["readOnlyRootFilesystem"], true, "{what}");
                assert_eq!(security["allowPrivilegeEscalation"], false, "{what}");
                assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}), "{what}");
                assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{what}");
                assert!(container["resources"]["limits"]["memory"].is_string(), "{what}");
                let image = container["image"].as_str().unwrap();
                let (_, tag) = image.rsplit_once(':').unwrap();
                assert!(tag != "latest" && tag.contains(|c: char| c.is_ascii_digit()), "{what}: {image}");
            }
        }
        for workload in rendered.workloads() {
            let container = workload.containers()[0];
            let paths = ["startupProbe", "livenessProbe", "readinessProbe"].map(|probe| {
                assert_eq!(container[probe]["httpGet"]["port"], "admin", "{name} {}", workload.component());
                container[probe]["httpGet"]["path"].as_str().unwrap()
            });
            assert_eq!(paths, ["/livez", "/livez", "/readyz"], "{name} {}", workload.component());
            let writable = items(&container["volumeMounts"]).filter(|mount| mount["readOnly"] != true);
            let writable: Vec<&str> = writable.map(|mount| mount["mountPath"].as_str().unwrap()).collect();
            let expected: &[&str] = if workload.kind() == "StatefulSet" { &["/var/lib/tributary"] } else { &[] };
            assert_eq!(writable, expected, "{name} {}", workload.component());
        }
    }
}

#[test]
fn state_is_on_a_claim_of_its_own_where_that_is_asked_for() {
    let sizes = |name: &str| {
        let rendered = Rendered::set(name);
        let sets = rendered.kind("StatefulSet").map(|set| {
            let claim = set.at("/spec/volumeClaimTemplates/0/spec/resources/requests/storage").clone();
            let empty = items(&set.pod()["volumes"])
                .any(|volume| volume["name"] == "state" && volume["emptyDir"] != json!(null));
            assert_ne!(claim.is_null(), !empty, "{name} {}: state is on one volume", set.name());
            (set.component().to_owned(), claim)
        });
        sets.collect::<Vec<_>>()
    };
    assert!(sizes("minimal").iter().all(|(_, claim)| claim.is_null()));
    for (service, claim) in sizes("production") {
        assert_eq!(claim, if service == "journey" { "100Gi" } else { "20Gi" }, "{service}");
    }
    assert_eq!(sizes("all-in-one"), [("all".to_owned(), json!("5Gi"))]);
}

#[test]
fn the_rules_are_those_of_the_files() {
    let rendered = Rendered::set("production");
    let rules: Vec<_> = rendered.kind("PrometheusRule").collect();
    assert_eq!(rules.len(), 1);
    let groups = |name: &str| {
        let file = yaml(&text(&format!("charts/tributary/rules/{name}.yaml")));
        assert!(items(&file["groups"]).count() > 1, "{file}");
        items(&file["groups"]).cloned().collect::<Vec<_>>()
    };
    let expected: Vec<Value> = groups("alerts").into_iter().chain(groups("recording")).collect();
    assert_eq!(rules[0].at("/spec"), &json!({ "groups": expected }));
}

#[test]
fn each_dashboard_is_a_config_map_with_its_bytes() {
    let dashboard = "{\n  \"title\": \"a\", \"legend\": \"{{stage}}\"\n}\n";
    let directory = TempDir::new().unwrap();
    let chart = directory.path().join("tributary");
    copy(&repository("charts/tributary"), &chart);
    std::fs::write(chart.join("dashboards/made-up.json"), dashboard).unwrap();
    let rendered = Rendered::of("with a dashboard", &chart, &values("production"), &[]);
    assert_eq!(rendered.refused, None);
    let marked = rendered.kind("ConfigMap").filter(|map| map.labels().contains_key("grafana_dashboard"));
    let found: Vec<_> = marked.filter(|map| map.name() == "hub-tributary-dashboard-made-up").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].at("/data"), &json!({"made-up.json": dashboard}));
    let files = repository("charts/tributary/dashboards").read_dir().unwrap().flatten();
    let ours = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "json")).count();
    let all = Rendered::set("production");
    let marked = all.kind("ConfigMap").filter(|map| map.labels().contains_key("grafana_dashboard")).count();
    assert_eq!(marked, ours, "one for each file of the chart");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn values_that_would_show_a_secret_be_overwritten_or_do_nothing_are_refused() {
    let good = json!({"config": {"kafka": {"bootstrap": "kafka:9092", "partitions": 4}}});
    assert_eq!(Rendered::with("good", &good).refused, None);
    let bad = [
        ("replica", json!({"replica": 3})),
        ("tag", json!({"image": {"tag": "latest"}})),
        ("write_keys", json!({"config": {"gateway": {"write_keys": {"segment": ["in clear"]}}}})),
        ("pseudonym_key", json!({"config": {"pseudonym_key": "in clear"}})),
        ("secrets", json!({"config": {"delivery": {"destinations": {"crm": {"secrets": ["whsec_a"]}}}}})),
        ("sasl.password", json!({"config": {"kafka": {"properties": {"sasl.password": "in clear"}}}})),
        ("admin", json!({"config": {"admin": {"listen": "0.0.0.0:1"}}})),
        ("definitions", json!({"config": {"definitions": "elsewhere"}})),
        ("instance", json!({"config": {"kafka": {"instance": 1}}})),
        ("properties_file", json!({"config": {"kafka": {"properties_file": "elsewhere"}}})),
        ("directory", json!({"config": {"state": {"directory": "elsewhere"}}})),
        ("listen", json!({"config": {"gateway": {"listen": "0.0.0.0:1"}}})),
        ("write_keys", json!({"services": {"gateway": {"config": {"gateway": {"write_keys": {"a": ["in clear"]}}}}}})),
    ];
    for (key, values) in bad {
        let refused = Rendered::with(key, &values).refused.unwrap_or_default();
        assert!(refused.contains(key), "{values} is not refused for {key}: {refused}");
        assert!(!refused.contains("in clear"), "the message shows the secret: {refused}");
    }
}
