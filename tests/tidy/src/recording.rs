//! Recording rules: `level:metric:operations`, where the level is the labels that are left.

use regex::Regex;
use serde::Deserialize;

use crate::catalogue::Catalogue;
use crate::{File, Finding, promql};

/// The level of what has no labels left.
const WHOLE: &str = "hub";

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
    record: String,
    expr: String,
}

/// Adds what a file of rules records to the catalogue; gives how many rules it has, and what is wrong with them.
#[must_use]
pub fn record(rules: &File, catalogue: &mut Catalogue) -> (usize, Vec<Finding>) {
    let parsed: Rules = match serde_saphyr::from_str(&rules.text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let what = format!("is no file of recording rules: {error}");
            return (0, vec![Finding::new(&rules.path, what, "see the Prometheus manual")]);
        }
    };
    let mut findings = Vec::new();
    let all: Vec<Rule> = parsed.groups.into_iter().flat_map(|group| group.rules).collect();
    for rule in &all {
        let mut find = |what: String, remedy: &str| {
            findings.push(Finding::new(format!("{}: {}", rules.path, rule.record), what, remedy));
        };
        let query = promql::read(&rule.expr, catalogue);
        let level: Vec<&str> = query.labels.iter().map(String::as_str).collect();
        if !is_named(&rule.record, &level, catalogue) {
            let remedy = format!("name it level:metric:operations, by the labels {level:?} or {WHOLE}");
            find("is not named by what it is".to_owned(), &remedy);
        }
        for fault in query.faults {
            find(fault, "mend the expression; a rule may use what those before it record");
        }
        if !catalogue.record(&rule.record, query.labels) {
            find("is there twice".to_owned(), "give each rule a name of its own");
        }
    }
    (all.len(), findings)
}

/// Whether the level has these labels, and the metric is one that is exported.
fn is_named(name: &str, labels: &[&str], catalogue: &Catalogue) -> bool {
    let Ok(shape) = Regex::new("^([a-z_]+):([a-z_]+):([a-z0-9_]+)$") else { return false };
    let Some(parts) = shape.captures(name) else { return false };
    let mut level: Vec<&str> = parts[1].split('_').filter(|word| *word != WHOLE).collect();
    level.sort_unstable();
    let metric = &parts[2];
    let is_exported = catalogue.metrics().iter().any(|exported| {
        let bare = exported.strip_suffix("_total").unwrap_or(exported);
        metric == bare || metric.strip_prefix(bare).is_some_and(|part| part.starts_with('_'))
    });
    level == labels && is_exported
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::small;

    fn found(rules: &[(&str, &str)]) -> Vec<String> {
        let rules: Vec<String> =
            rules.iter().map(|(name, expr)| format!("  - record: {name}\n    expr: {expr}\n")).collect();
        let text = format!("groups:\n- name: g\n  rules:\n{}", rules.concat());
        let (_, findings) = record(&File { path: "recording.yaml".to_owned(), text }, &mut small());
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn rules_are_named_by_their_labels_and_may_build_on_each_other() {
        let lag = "max by (stage, topic) (tributary_stream_lag_records)";
        let first = ("topic_stage:tributary_stream_lag_records:max", lag);
        let second =
            ("stage:tributary_stream_lag_records:max", "max by (stage) (topic_stage:tributary_stream_lag_records:max)");
        assert_eq!(found(&[first, second]), Vec::<String>::new());
        assert_eq!(found(&[second, first]).len(), 2, "it comes before what it uses, so its labels are not known");
        assert_eq!(found(&[first, first]), ["is there twice"]);
        for name in ["stage:tributary_stream_lag_records:max", "lag", "stage_topic:tributary_stream_other:max"] {
            assert_eq!(found(&[(name, lag)]), ["is not named by what it is"], "{name}");
        }
        let whole = ("hub:tributary_stream_starts:rate5m", "sum(rate(tributary_stream_starts_total[5m]))");
        assert_eq!(found(&[whole]), Vec::<String>::new());
    }
}
