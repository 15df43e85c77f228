//! Alert rules use metrics that exist, and each has its section in the runbook; each section of an alert has its rule.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

use crate::catalogue::Catalogue;
use crate::{File, Finding, promql};

/// The heading in the runbook under which alerts stand.
const ALERTS_HEADING: &str = "## Alerts";
const RUNBOOK: &str = "docs/runbook.md";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[allow(dead_code, reason = "for Prometheus")]
    name: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(default)]
    r#for: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

/// What is wrong with a file of alert rules, and how many rules it has.
#[must_use]
pub fn findings(rules: &File, runbook: &File, catalogue: &Catalogue) -> (usize, Vec<Finding>) {
    let parsed: Rules = match serde_saphyr::from_str(&rules.text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let finding =
                Finding::new(&rules.path, format!("is no file of rules: {error}"), "see the Prometheus manual");
            return (0, vec![finding]);
        }
    };
    let all: Vec<&Rule> = parsed.groups.iter().flat_map(|group| &group.rules).collect();
    let sections = sections(runbook);
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for rule in &all {
        let mut find = |what: String, remedy: &str| {
            findings.push(Finding::new(format!("{}: {}", rules.path, rule.alert), what, remedy));
        };
        if !names.insert(rule.alert.clone()) {
            find("is there twice".to_owned(), "give each alert a name of its own");
        }
        shape(rule, &mut find);
        for fault in promql::read(&rule.expr, catalogue).faults {
            find(fault, "mend the expression; docs/metrics.md has the metrics and their labels");
        }
        let place = format!("{RUNBOOK}#{}", anchor(&rule.alert));
        if rule.annotations.get("runbook") != Some(&place) {
            find("does not name its section of the runbook".to_owned(), &format!("annotate it with runbook: {place}"));
        }
        if !sections.contains(&rule.alert) {
            find(format!("has no section in {RUNBOOK}"), &format!("add `### {}` under `{ALERTS_HEADING}`", rule.alert));
        }
    }
    for section in sections.iter().filter(|section| !names.contains(*section)) {
        let what = format!("section {section} is about no alert of {}", rules.path);
        findings.push(Finding::new(RUNBOOK, what, "remove it, or add the rule"));
    }
    (all.len(), findings)
}

fn shape(rule: &Rule, find: &mut impl FnMut(String, &str)) {
    if !rule.labels.get("severity").is_some_and(|severity| ["page", "ticket"].contains(&severity.as_str())) {
        find("has no severity".to_owned(), "label it severity: page or ticket");
    }
    for name in ["summary", "description"] {
        if rule.annotations.get(name).is_none_or(|text| text.trim().is_empty()) {
            find(format!("has no {name}"), "annotate it");
        }
    }
    let is_duration = |text: &str| Regex::new("^[0-9]+[smhd]$").is_ok_and(|pattern| pattern.is_match(text));
    if let Some(wait) = rule.r#for.as_deref().filter(|wait| !is_duration(wait)) {
        find(format!("waits for {wait}"), "give a number with s, m, h or d");
    }
}

/// The names of the alerts that the runbook has sections for.
fn sections(runbook: &File) -> BTreeSet<String> {
    let lines = runbook.text.lines().skip_while(|line| *line != ALERTS_HEADING).skip(1);
    let of_alerts = lines.take_while(|line| !line.starts_with("## "));
    of_alerts.filter_map(|line| line.strip_prefix("### ").map(str::to_owned)).collect()
}

/// The anchor of a heading that is one word.
fn anchor(heading: &str) -> String {
    heading.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::small;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(expr: &str, runbook: &str) -> Vec<String> {
        let rules = format!(
            "groups:\n- name: g\n  rules:\n  - alert: Lag\n    expr: {expr}\n    labels: {{severity: page}}\n    \
             annotations: {{summary: s, description: d, runbook: docs/runbook.md#lag}}\n"
        );
        let (count, findings) = findings(&file("alerts.yaml", &rules), &file(RUNBOOK, runbook), &small());
        assert_eq!(count, 1);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn metrics_and_sections_have_to_exist() {
        let runbook = "# R\n\n## Alerts\n\n### Lag\n\n## Failures\n\n### Disk full\n";
        assert_eq!(found("max by (stage) (tributary_stream_lag_records) > 3", runbook), Vec::<String>::new());
        assert_eq!(found("max(tributary_stream_leg_records) > 3", runbook).len(), 1);
        assert_eq!(found("tributary_stream_lag_records", "## Alerts\n").len(), 1, "no section");
        let stale = "## Alerts\n### Lag\n### Gone\n";
        assert_eq!(found("tributary_stream_lag_records", stale), ["section Gone is about no alert of alerts.yaml"]);
    }
}
