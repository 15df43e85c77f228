//! docker-compose.yml, as Docker Compose itself reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{docker_compose, hub, repository, said, text, yaml};
use crate::manifests::{items, strings};
use crate::sources::services;

/// What the file takes from the environment, with a value that nothing else has.
const VARIABLES: [(&str, &str); 3] = [
    ("TRIBUTARY_PSEUDONYM_KEY", "given-as-pseudonym-key-0123456789"),
    ("SEGMENT_WRITE_KEY", "given-as-write-key"),
    ("GRAFANA_ADMIN_PASSWORD", "given-as-password"),
];

fn config(variables: &[(&str, &str)]) -> std::process::Output {
    // Of no file `.env` that may lie about.
    let empty = TempDir::new().unwrap();
    let environment = empty.path().join("environment");
    std::fs::write(&environment, "").unwrap();
    docker_compose()
        .env_clear()
        .envs(variables.iter().copied())
        .arg("--file")
        .arg(repository("docker-compose.yml"))
        .arg("--env-file")
        .arg(&environment)
        .args(["config", "--format", "json"])
        .output()
        .unwrap()
}

/// The services as Docker Compose understands them.
fn composed() -> BTreeMap<String, Value> {
    let output = config(&VARIABLES);
    assert!(output.status.success(), "{}", said(&output));
    let mut all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let Value::Object(services) = all["services"].take() else { panic!("{all} has no services") };
    services.into_iter().collect()
}

fn is_hub(service: &Value) -> bool {
    service["build"].is_object()
}

#[test]
fn docker_compose_takes_the_file_and_refuses_it_without_a_secret() {
    let all: BTreeSet<String> = composed().into_keys().collect();
    let around = ["grafana", "kafka", "prometheus", "schema-registry", "topics"].map(str::to_owned);
    assert_eq!(all, services().into_iter().chain(around).collect());
    for (missing, _) in VARIABLES {
        let others: Vec<_> = VARIABLES.into_iter().filter(|(name, _)| *name != missing).collect();
        let output = config(&others);
        assert!(!output.status.success() && said(&output).contains(missing), "{missing}: {}", said(&output));
    }
    let example = text(".env.example");
    let assigned = Regex::new("(?m)^([A-Z_]+)=(.*)$").unwrap();
    let in_example: BTreeSet<(String, String)> =
        assigned.captures_iter(&example).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
    assert_eq!(in_example, VARIABLES.map(|(name, _)| (name.to_owned(), String::new())).into());
}

#[test]
fn each_service_of_the_hub_runs_itself_when_what_it_needs_is_there() {
    for (name, service) in composed().iter().filter(|(_, service)| is_hub(service)) {
        assert_eq!((&service["read_only"], &service["cap_drop"]), (&json!(true), &json!(["ALL"])), "{name}");
        if name == "topics" {
            assert_eq!(service["command"], json!(["topics", "apply"]));
            assert_eq!(service["restart"], "no");
            continue;
        }
        assert!(services().contains(name), "{name}");
        assert_eq!(service["command"], json!(["run", name]));
        let needs: BTreeMap<&str, &str> = service["depends_on"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(other, how)| (other.as_str(), how["condition"].as_str().unwrap()))
            .collect();
        assert_eq!(needs["topics"], "service_completed_successfully", "{name}");
        assert_eq!((needs["kafka"], needs["schema-registry"]), ("service_healthy", "service_healthy"), "{name}");
        let check = service["healthcheck"]["test"].to_string();
        assert!(check.contains("/readyz") && check.contains("/9464"), "{name}: {check}");
    }
    for name in ["kafka", "schema-registry", "prometheus", "grafana"] {
        assert!(items(&composed()[name]["healthcheck"]["test"]).count() > 1, "{name} has no health check");
    }
}

#[test]
fn images_are_pinned_ports_are_loopback_and_secrets_come_from_outside() {
    let pinned = Regex::new(r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+$").unwrap();
    let secretive = Regex::new("KEY|PASSWORD|SECRET|TOKEN").unwrap();
    let mut holders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, service) in composed() {
        let image = service["image"].as_str().unwrap();
        assert!(pinned.is_match(image), "{name}: {image}");
        for port in items(&service["ports"]) {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}: {port}");
        }
        for (key, value) in strings(&service["environment"]) {
            let from_outside = VARIABLES.iter().find(|(_, given)| *given == value);
            if let Some((variable, _)) = from_outside {
                holders.entry((*variable).to_owned()).or_default().insert(name.clone());
            } else if secretive.is_match(&key) {
                assert_eq!(value, "{segment: [{env: SEGMENT_WRITE_KEY}]}", "{name}: {key} is given in clear");
            }
        }
    }
    let one = |service: &str| BTreeSet::from([service.to_owned()]);
    let expected = [("TRIBUTARY_PSEUDONYM_KEY", "normalizer"), ("SEGMENT_WRITE_KEY", "gateway")];
    for (variable, service) in expected.into_iter().chain([("GRAFANA_ADMIN_PASSWORD", "grafana")]) {
        assert_eq!(holders[variable], one(service), "{variable}");
    }
}

#[test]
fn what_is_mounted_is_there_and_state_is_on_volumes() {
    let mut volumes = BTreeSet::new();
    for (name, service) in composed() {
        for volume in items(&service["volumes"]) {
            let source = volume["source"].as_str().unwrap();
            match volume["type"].as_str() {
                Some("bind") => {
                    assert_eq!(volume["read_only"], true, "{name}: {volume}");
                    assert!(Path::new(source).exists(), "{name}: {source} is not there");
                }
                Some("volume") => drop(volumes.insert(source.to_owned())),
                _ => panic!("{name}: {volume}"),
            }
        }
    }
    assert_eq!(volumes, ["grafana-data", "hub-state", "kafka-data", "prometheus-data"].map(str::to_owned).into());
}

#[test]
fn prometheus_scrapes_each_service_and_has_the_charts_rules() {
    let settings = yaml(&text("charts/compose/prometheus.yml"));
    let of_hub = items(&settings["scrape_configs"]).find(|job| job["job_name"] == "tributary").unwrap();
    let targets = items(&of_hub["static_configs"]).flat_map(|group| items(&group["targets"]));
    let targets: BTreeSet<String> = targets.map(|target| target.as_str().unwrap().to_owned()).collect();
    assert_eq!(targets, services().iter().map(|service| format!("{service}:9464")).collect());
    let services = composed();
    let rules = items(&services["prometheus"]["volumes"]).find(|volume| volume["target"] == "/etc/prometheus/rules");
    let folder = rules.unwrap()["source"].as_str().unwrap();
    assert!(Path::new(folder).ends_with("charts/tributary/rules"), "{folder}");
    assert_eq!(settings["rule_files"], json!(["/etc/prometheus/rules/*.yaml"]));
    let provided = yaml(&text("charts/compose/grafana/provisioning/dashboards/tributary.yaml"));
    let dashboards = provided["providers"][0]["options"]["path"].clone();
    let mounted = items(&services["grafana"]["volumes"]).find(|volume| volume["target"] == dashboards).unwrap();
    assert!(Path::new(mounted["source"].as_str().unwrap()).ends_with("charts/tributary/dashboards"), "{mounted}");
}

#[test]
fn the_hub_accepts_what_its_containers_are_told() {
    let mut seen = BTreeSet::new();
    for (name, service) in composed().iter().filter(|(_, service)| is_hub(service)) {
        let mut environment = strings(&service["environment"]);
        let mounted = items(&service["volumes"]).find(|volume| volume["target"] == environment["TRIBUTARY_CONFIG"]);
        let file = mounted.unwrap()["source"].as_str().unwrap().to_owned();
        environment.insert("TRIBUTARY_CONFIG".to_owned(), file);
        if !seen.insert(environment.clone()) {
            continue;
        }
        // `check` asks for the key of pseudonyms whatever the process would do.
        let output = hub().env(VARIABLES[0].0, VARIABLES[0].1).envs(environment).arg("check").output().unwrap();
        assert!(output.status.success(), "{name}: {}", said(&output));
    }
}
