//! The series that queries may ask for: the metrics of docs/metrics.md, which a test of `services/tributary` holds equal
//! to the code, what rules record, and the alerts.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::{File, Finding};

/// Labels that Prometheus gives to everything that it scrapes.
const SCRAPED: [&str; 2] = ["instance", "job"];
/// What Prometheus itself shows of alerts, with the labels that all of them have.
const ALERTS: (&str, [&str; 3]) = ("ALERTS", ["alertname", "alertstate", "severity"]);

/// The labels of each series by its name, those of histograms by each of their three.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    series: BTreeMap<String, BTreeSet<String>>,
    metrics: BTreeSet<String>,
}

fn owned<'a>(labels: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    labels.into_iter().map(str::to_owned).collect()
}

impl Catalogue {
    /// The metrics of the document, and the alerts.
    #[must_use]
    pub fn of(document: &File) -> Self {
        let row = Regex::new(r"^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([^|]*) \|");
        let (Ok(row), Ok(word)) = (row, Regex::new("`([a-z_]+)`")) else { return Self::default() };
        let mut catalogue = Self::default();
        catalogue.series.insert(ALERTS.0.to_owned(), owned(ALERTS.1));
        for found in document.text.lines().filter_map(|line| row.captures(line)) {
            let own: BTreeSet<String> = word.captures_iter(&found[3]).map(|label| label[1].to_owned()).collect();
            let labels: BTreeSet<String> = own.union(&owned(SCRAPED)).cloned().collect();
            catalogue.metrics.insert(found[1].to_owned());
            if &found[2] == "histogram" {
                let bounds = labels.union(&owned(["le"])).cloned().collect();
                catalogue.series.insert(format!("{}_bucket", &found[1]), bounds);
                catalogue.series.insert(format!("{}_sum", &found[1]), labels.clone());
                catalogue.series.insert(format!("{}_count", &found[1]), labels);
            } else {
                catalogue.series.insert(found[1].to_owned(), labels);
            }
        }
        catalogue
    }

    /// Adds what a rule records; false when it is there already.
    pub fn record(&mut self, name: &str, labels: BTreeSet<String>) -> bool {
        self.series.insert(name.to_owned(), labels).is_none()
    }

    /// The labels of a series; `None` when nothing shows it.
    #[must_use]
    pub fn labels(&self, series: &str) -> Option<&BTreeSet<String>> {
        self.series.get(series)
    }

    /// The names of the metrics.
    #[must_use]
    pub fn metrics(&self) -> &BTreeSet<String> {
        &self.metrics
    }
}

/// Where the document and the sources differ in the names of metrics, as far as text shows it.
#[must_use]
pub fn findings<'a>(document: &File, catalogue: &Catalogue, sources: impl Iterator<Item = &'a File>) -> Vec<Finding> {
    let in_code = in_sources(sources);
    let remedy = "write the document anew: cargo test -p tributary-tributary --lib write_the_document -- --ignored";
    let finding = |what: String| Finding::new(&document.path, what, remedy);
    let missing = in_code.difference(&catalogue.metrics).map(|name| finding(format!("{name} is missing")));
    let stale = catalogue.metrics.difference(&in_code).map(|name| finding(format!("{name} is in no metrics.rs")));
    missing.chain(stale).collect()
}

/// The names of metrics in `metrics.rs` files.
fn in_sources<'a>(sources: impl Iterator<Item = &'a File>) -> BTreeSet<String> {
    let Ok(quoted) = Regex::new(r#""(tributary_[a-z0-9_]+)""#) else { return BTreeSet::new() };
    let catalogues = sources.filter(|file| file.path.ends_with("/src/metrics.rs"));
    let names = catalogues.flat_map(|file| {
        let lines = file.production_lines();
        lines.flat_map(|(_, line)| quoted.captures_iter(line).map(|found| found[1].to_owned())).collect::<Vec<_>>()
    });
    names.collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A catalogue with one metric of each type.
    pub(crate) fn small() -> Catalogue {
        Catalogue::of(&document())
    }

    fn document() -> File {
        let rows = [
            "| metric | type | labels | what it says |",
            "| `tributary_stream_lag_records` | gauge | `stage`, `topic` | Lag. |",
            "| `tributary_stream_commit_seconds` | histogram | `stage` | Time. |",
            "| `tributary_stream_starts_total` | counter |  | Starts. |",
        ];
        File { path: "docs/metrics.md".to_owned(), text: rows.join("\n") }
    }

    #[test]
    fn series_are_those_that_prometheus_has() {
        let catalogue = small();
        assert_eq!(catalogue.metrics().len(), 3);
        let labels = |series: &str| catalogue.labels(series).map(|labels| Vec::from_iter(labels.iter().map(|l| &**l)));
        assert_eq!(labels("tributary_stream_lag_records"), Some(vec!["instance", "job", "stage", "topic"]));
        assert_eq!(labels("tributary_stream_commit_seconds"), None);
        assert_eq!(labels("tributary_stream_commit_seconds_bucket"), Some(vec!["instance", "job", "le", "stage"]));
        assert_eq!(labels("tributary_stream_commit_seconds_sum"), Some(vec!["instance", "job", "stage"]));
        assert_eq!(labels("tributary_stream_starts_total"), Some(vec!["instance", "job"]));
    }

    #[test]
    fn the_document_has_what_the_sources_have() {
        let found = |names: &str| {
            let source = File { path: "crates/stream/src/metrics.rs".to_owned(), text: names.to_owned() };
            let findings = findings(&document(), &small(), [&source].into_iter());
            findings.into_iter().map(|finding| finding.what).collect::<Vec<_>>()
        };
        let names = r#""tributary_stream_lag_records" "tributary_stream_commit_seconds""#;
        assert_eq!(found(names), ["tributary_stream_starts_total is in no metrics.rs"]);
        let names = format!("{names} \"tributary_stream_starts_total\" \"tributary_stream_other\"");
        assert_eq!(found(&names), ["tributary_stream_other is missing"]);
    }
}
