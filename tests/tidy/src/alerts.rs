//! Alert rules use metrics that exist, and each has its section in the runbook; each section of an alert has its rule.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{METRIC_NAME, MatchOp};
use promql_parser::parser::{self, Expr, LabelModifier};
use regex::Regex;
use serde::Deserialize;

use crate::{File, Finding};

/// The heading in the runbook under which alerts stand.
const ALERTS_HEADING: &str = "## Alerts";
const RUNBOOK: &str = "docs/runbook.md";
/// Labels that Prometheus itself adds.
const FOREIGN_LABELS: [&str; 3] = ["le", "instance", "job"];

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

/// The metrics of the code: each name with the words its catalogue quotes, its labels among them.
#[must_use]
pub fn exported<'a>(files: impl Iterator<Item = &'a File>) -> BTreeMap<String, BTreeSet<String>> {
    let Ok(quoted) = Regex::new(r#""([a-z0-9_]+)""#) else { return BTreeMap::new() };
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files.filter(|file| file.path.ends_with("/metrics.rs")) {
        let lines = file.production_lines();
        let words: BTreeSet<String> = lines
            .flat_map(|(_, line)| quoted.captures_iter(line).map(|found| found[1].to_owned()).collect::<Vec<_>>())
            .collect();
        for name in words.iter().filter(|word| word.starts_with("tributary_")) {
            metrics.insert(name.clone(), words.clone());
        }
    }
    metrics
}

/// What is wrong with a file of alert rules, and how many rules it has.
#[must_use]
pub fn findings(rules: &File, runbook: &File, exported: &BTreeMap<String, BTreeSet<String>>) -> (usize, Vec<Finding>) {
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
        expression(&rule.expr, exported, &mut find);
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

fn expression(text: &str, exported: &BTreeMap<String, BTreeSet<String>>, find: &mut impl FnMut(String, &str)) {
    let expr = match parser::parse(text) {
        Ok(expr) => expr,
        Err(error) => return find(format!("is no PromQL: {error}"), "mend the expression"),
    };
    let mut used = Used::default();
    used.collect(&expr);
    if used.metrics.is_empty() {
        find("looks at no metric".to_owned(), "name one in the expression");
    }
    let mut known_words = BTreeSet::new();
    for metric in &used.metrics {
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|ending| metric.strip_suffix(ending));
        match exported.get(metric).or_else(|| exported.get(bare?)) {
            Some(words) => known_words.extend(words.iter().map(String::as_str)),
            None => find(format!("looks at {metric}, which nothing exports"), "use a metric of a metrics.rs"),
        }
    }
    for label in used.labels.iter().filter(|label| !FOREIGN_LABELS.contains(&label.as_str())) {
        if !known_words.contains(label.as_str()) {
            find(format!("uses the label {label}, which its metrics do not have"), "use a label of the catalogue");
        }
    }
}

/// What an expression uses.
#[derive(Debug, Default)]
struct Used {
    metrics: BTreeSet<String>,
    labels: BTreeSet<String>,
}

impl Used {
    fn collect(&mut self, expr: &Expr) {
        match expr {
            Expr::Aggregate(aggregate) => {
                if let Some(LabelModifier::Include(labels) | LabelModifier::Exclude(labels)) = &aggregate.modifier {
                    self.labels.extend(labels.labels.iter().cloned());
                }
                self.collect(&aggregate.expr);
            }
            Expr::Unary(unary) => self.collect(&unary.expr),
            Expr::Binary(binary) => {
                self.collect(&binary.lhs);
                self.collect(&binary.rhs);
            }
            Expr::Paren(paren) => self.collect(&paren.expr),
            Expr::Subquery(subquery) => self.collect(&subquery.expr),
            Expr::Call(call) => call.args.args.iter().for_each(|argument| self.collect(argument)),
            Expr::VectorSelector(selector) => self.select(selector),
            Expr::MatrixSelector(selector) => self.select(&selector.vs),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn select(&mut self, selector: &parser::VectorSelector) {
        self.metrics.extend(selector.name.clone());
        for matcher in &selector.matchers.matchers {
            match (matcher.name.as_str(), &matcher.op) {
                (METRIC_NAME, MatchOp::Equal) => drop(self.metrics.insert(matcher.value.clone())),
                (label, _) => drop(self.labels.insert(label.to_owned())),
            }
        }
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

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(expr: &str, runbook: &str) -> Vec<String> {
        let metrics = file(
            "crates/stream/src/metrics.rs",
            "\"tributary_stream_lag_records\" \"stage\" \"tributary_stream_commit_seconds\"\n",
        );
        let exported = exported([&metrics].into_iter());
        let rules = format!(
            "groups:\n- name: g\n  rules:\n  - alert: Lag\n    expr: {expr}\n    labels: {{severity: page}}\n    \
             annotations: {{summary: s, description: d, runbook: docs/runbook.md#lag}}\n"
        );
        let (count, findings) = findings(&file("alerts.yaml", &rules), &file(RUNBOOK, runbook), &exported);
        assert_eq!(count, 1);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn metrics_labels_and_sections_have_to_exist() {
        let runbook = "# R\n\n## Alerts\n\n### Lag\n\n## Failures\n\n### Disk full\n";
        assert_eq!(found("max by (stage) (tributary_stream_lag_records) > 3", runbook), Vec::<String>::new());
        let quantile = "histogram_quantile(0.9, sum by (le) (rate(tributary_stream_commit_seconds_bucket[5m]))) > 1";
        assert_eq!(found(quantile, runbook), Vec::<String>::new());
        assert_eq!(found("max(tributary_stream_leg_records) > 3", runbook).len(), 1);
        assert_eq!(
            found("sum by (stag) (tributary_stream_lag_records)", runbook),
            ["uses the label stag, which its metrics do not have"]
        );
        assert_eq!(found("tributary_stream_lag_records{stge='a'} > 3", runbook).len(), 1);
        assert_eq!(found("1 > bool 0", runbook), ["looks at no metric"]);
        assert!(found("max(tributary_stream_lag_records", runbook)[0].contains("is no PromQL"));
        assert_eq!(found("tributary_stream_lag_records", "## Alerts\n").len(), 1, "no section");
        let stale = "## Alerts\n### Lag\n### Gone\n";
        assert_eq!(found("tributary_stream_lag_records", stale), ["section Gone is about no alert of alerts.yaml"]);
    }
}
