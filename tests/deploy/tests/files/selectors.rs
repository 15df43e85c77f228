//! What names something else by labels or by name names something that is there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bed::{Rendered, SETS};
use crate::manifests::{Manifest, items, selects, strings};

/// The components whose pods a selector selects.
fn selected(rendered: &Rendered, selector: &BTreeMap<String, String>) -> Vec<String> {
    let pods = rendered.with_pods().into_iter().filter(|workload| selects(selector, &workload.pod_labels()));
    pods.map(|workload| workload.component().to_owned()).collect()
}

fn components(rendered: &Rendered) -> Vec<String> {
    rendered.workloads().iter().map(|workload| workload.component().to_owned()).collect()
}

#[test]
fn workloads_and_budgets_select_their_own_pods_and_no_others() {
    for name in SETS {
        let rendered = Rendered::set(name);
        for workload in rendered.workloads() {
            let own = [workload.component().to_owned()];
            assert_eq!(selected(&rendered, &strings(workload.at("/spec/selector/matchLabels"))), own, "{name}");
            let spread: Vec<_> = items(&workload.pod()["topologySpreadConstraints"]).collect();
            assert_eq!(spread.len(), 2, "{name} {}", workload.name());
            for constraint in spread {
                assert_eq!(selected(&rendered, &strings(&constraint["labelSelector"]["matchLabels"])), own, "{name}");
            }
        }
        let budgets = rendered.kind("PodDisruptionBudget");
        let guarded: Vec<String> = budgets
            .flat_map(|budget| {
                assert_eq!(budget.at("/spec/maxUnavailable"), 1, "{name}: more would stop a service, less a drain");
                selected(&rendered, &strings(budget.at("/spec/selector/matchLabels")))
            })
            .collect();
        let mut expected = components(&rendered);
        expected.sort();
        let mut guarded_in_order = guarded.clone();
        guarded_in_order.sort();
        assert_eq!(guarded_in_order, expected, "{name}: each workload has one budget");
    }
}

#[test]
fn services_ingress_and_monitor_lead_to_ports_that_are_open() {
    for name in SETS {
        let rendered = Rendered::set(name);
        for service in rendered.kind("Service") {
            let behind = selected(&rendered, &strings(service.at("/spec/selector")));
            assert_eq!(behind, [service.component()], "{name} {}", service.name());
            let workloads = rendered.workloads();
            let workload = workloads.iter().find(|workload| workload.component() == service.component()).unwrap();
            for port in items(service.at("/spec/ports")) {
                let mut open = items(&workload.containers()[0]["ports"]);
                assert!(open.any(|open| open["name"] == port["targetPort"]), "{name} {}: {port}", service.name());
            }
        }
        for set in rendered.kind("StatefulSet") {
            let governing = rendered.kind("Service").find(|service| service.name() == set.at("/spec/serviceName"));
            assert_eq!(governing.unwrap().at("/spec/clusterIP"), "None", "{name} {}", set.name());
        }
        let account = rendered.kind("ServiceAccount").next().unwrap();
        assert_eq!(account.at("/automountServiceAccountToken"), false);
        assert!(rendered.workloads().iter().all(|workload| workload.pod()["serviceAccountName"] == account.name()));
    }
    let rendered = Rendered::set("production");
    let ingress = rendered.kind("Ingress").next().unwrap();
    let backend = ingress.at("/spec/rules/0/http/paths/0/backend/service");
    let behind = rendered.kind("Service").find(|service| service.name() == backend["name"]).unwrap();
    let named = |service: &Manifest, port: &Value| items(service.at("/spec/ports")).any(|open| &open["name"] == port);
    assert!(named(behind, &backend["port"]["name"]) && behind.component() == "gateway", "{backend}");
    let monitor = rendered.kind("ServiceMonitor").next().unwrap();
    let selector = strings(monitor.at("/spec/selector/matchLabels"));
    let scraped = rendered.kind("Service").filter(|service| selects(&selector, &service.labels()));
    let scraped: Vec<String> = scraped
        .map(|service| {
            assert!(named(service, monitor.at("/spec/endpoints/0/port")), "{}", service.name());
            service.component().to_owned()
        })
        .collect();
    let mut expected = components(&rendered);
    expected.sort();
    let mut in_order = scraped.clone();
    in_order.sort();
    assert_eq!(in_order, expected, "each workload is scraped once");
}

#[test]
fn policies_deny_all_and_open_to_each_what_it_needs() {
    for name in ["production", "all-in-one"] {
        let rendered = Rendered::set(name);
        let policy = |ending: &str| {
            let named = rendered.kind("NetworkPolicy").find(|policy| policy.name().ends_with(ending));
            named.unwrap_or_else(|| panic!("{name}: no policy {ending}"))
        };
        let reach = |policy: &Manifest| selected(&rendered, &strings(policy.at("/spec/podSelector/matchLabels")));
        let everybody = selected(&rendered, &strings(policy("default-deny").at("/spec/podSelector/matchLabels")));
        assert_eq!(everybody.len(), rendered.with_pods().len(), "{name}: nobody is left out, not even the job");
        let deny = policy("default-deny");
        assert_eq!(deny.at("/spec/policyTypes"), &serde_json::json!(["Ingress", "Egress"]), "{name}");
        assert!(deny.at("/spec/ingress").is_null() && deny.at("/spec/egress").is_null(), "{name}");
        assert_eq!(reach(policy("-kafka")), everybody, "{name}");
        assert_eq!(reach(policy("-metrics")), everybody, "{name}");
        let one = |service: &str| [if name == "all-in-one" { "all" } else { service }.to_owned()];
        assert_eq!(reach(policy("-senders")), one("gateway"), "{name}");
        assert_eq!(reach(policy("-webhooks")), one("delivery"), "{name}");
        let ports = |policy: &Manifest, direction: &str| -> Vec<i64> {
            let rules = items(policy.at(&format!("/spec/{direction}"))).flat_map(|rule| items(&rule["ports"]));
            rules.map(|port| port["port"].as_i64().unwrap()).collect()
        };
        let kafka: &[i64] = if name == "production" { &[53, 53, 9093, 8081] } else { &[53, 53, 9092] };
        assert_eq!(
            ports(policy("-kafka"), "egress"),
            kafka,
            "{name}: names, brokers, and the registry if there is one"
        );
        assert_eq!(ports(policy("-metrics"), "ingress"), [9464], "{name}");
        assert_eq!(ports(policy("-senders"), "ingress"), [8080], "{name}");
        assert_eq!(ports(policy("-webhooks"), "egress"), [443], "{name}");
    }
    assert_eq!(Rendered::set("minimal").kind("NetworkPolicy").count(), 0);
}
