//! Metrics are named `tributary_<service>_<noun>_<unit>[_total]` and listed in their package's `metrics.rs`.

use std::collections::BTreeSet;

use regex::Regex;

use crate::{File, Finding};

const SHAPE: &str = "tributary_<service>_<noun>_<unit>[_total]";
/// What follows the name of a histogram in Prometheus' own text format.
const SERIES_ENDINGS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// A package and its sources.
#[derive(Debug)]
pub struct Package<'a> {
    /// Its name without the prefix: `gateway`.
    pub service: &'a str,
    /// Its Rust files.
    pub files: Vec<&'a File>,
}

/// Metric names in the code that break the rules.
#[must_use]
pub fn findings(package: &Package<'_>) -> Vec<Finding> {
    let Ok(literal) = Regex::new(r#""(tributary_[a-z0-9_]+)""#) else { return Vec::new() };
    let names_in = |line: &str| -> Vec<String> {
        literal.captures_iter(line).filter_map(|captures| Some(captures.get(1)?.as_str().to_owned())).collect()
    };
    let is_catalogue = |file: &File| file.path.ends_with("/metrics.rs");
    let catalogues = package.files.iter().filter(|file| is_catalogue(file));
    let listed: BTreeSet<String> =
        catalogues.flat_map(|file| file.production_lines().flat_map(|(_, line)| names_in(line))).collect();
    let mut findings = Vec::new();
    for file in &package.files {
        for (number, line) in file.production_lines() {
            for name in names_in(line) {
                findings.extend(
                    wrong_name(&name, package.service, line)
                        .map(|(what, remedy)| Finding::at(file, number, what, remedy)),
                );
                let bare = SERIES_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
                if !listed.contains(&name) && !listed.contains(bare) {
                    findings.push(Finding::at(
                        file,
                        number,
                        format!("metric {name} is not listed"),
                        "list and describe it in the package's metrics.rs",
                    ));
                }
            }
        }
    }
    findings
}

/// What is wrong with a name where it stands, and how to mend it.
fn wrong_name(name: &str, service: &str, line: &str) -> Option<(String, String)> {
    let own = format!("tributary_{service}_");
    if name.strip_prefix(&own).is_none_or(str::is_empty) || name.ends_with('_') || name.contains("__") {
        return Some((
            format!("metric {name} is not {SHAPE}"),
            format!("begin it with {own} and name what is counted"),
        ));
    }
    let is_counter = line.contains("counter!(");
    let is_other = line.contains("gauge!(") || line.contains("histogram!(");
    if is_counter && !name.ends_with("_total") {
        return Some((format!("counter {name} does not end in _total"), "add _total".to_owned()));
    }
    if is_other && name.ends_with("_total") {
        return Some((format!("{name} is no counter and ends in _total"), "name its unit instead".to_owned()));
    }
    if line.contains("histogram!(") && !["_seconds", "_bytes", "_records"].iter().any(|unit| name.ends_with(unit)) {
        return Some((format!("histogram {name} has no unit"), "end it in _seconds, _bytes or _records".to_owned()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, line: &str) -> Vec<String> {
        let catalogue = File {
            path: "services/gateway/src/metrics.rs".to_owned(),
            text: "\"tributary_gateway_events_total\" \"tributary_gateway_publish_seconds\"\n".to_owned(),
        };
        let file = File { path: path.to_owned(), text: format!("{line}\n") };
        let package = Package { service: "gateway", files: vec![&catalogue, &file] };
        findings(&package).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn names_follow_the_shape_and_are_listed() {
        let path = "services/gateway/src/a.rs";
        assert_eq!(found(path, "counter!(\"tributary_gateway_events_total\")"), Vec::<String>::new());
        assert_eq!(found(path, "text.contains(\"tributary_gateway_publish_seconds_bucket\")"), Vec::<String>::new());
        assert_eq!(found(path, "counter!(\"tributary_gateway_events\")").len(), 2, "ending and listing");
        assert_eq!(found(path, "gauge!(\"tributary_gateway_events_total\")").len(), 1);
        assert_eq!(found(path, "counter!(\"tributary_hub_events_total\")").len(), 2);
        assert_eq!(
            found(path, "counter!(\"tributary_gateway_unheard_total\")"),
            ["metric tributary_gateway_unheard_total is not listed"]
        );
        assert_eq!(
            found("services/gateway/src/metrics.rs", "histogram!(\"tributary_gateway_wait\")"),
            ["histogram tributary_gateway_wait has no unit"]
        );
        assert_eq!(found("services/gateway/tests/a.rs", "counter!(\"tributary_x\")"), Vec::<String>::new());
    }
}
