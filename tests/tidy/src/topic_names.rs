//! Topics have one list, `tributary_model::topics`; what documents and schemas call a topic is on it.

use std::collections::BTreeSet;

use regex::Regex;
use tributary_model::topics;

use crate::{File, Finding};

/// Names with `tributary.` in front that are no topics: headers and files.
const NO_TOPICS: [&str; 5] = [
    "tributary.rule_version",
    "tributary.source",
    "tributary.replayed-from",
    "tributary.original-timestamp",
    "tributary.yaml",
];
/// Beginnings of topics that end in the name of a domain, a team or a stage.
const FAMILIES: [&str; 3] = ["tributary.raw.", "tributary.triggers.", "tributary.metrics."];

/// All topics but those of families.
#[must_use]
pub fn known() -> BTreeSet<String> {
    topics::definitions(&[]).into_iter().map(|definition| definition.name).collect()
}

/// Topics in a document or schema that do not exist.
#[must_use]
pub fn unknown_topics(file: &File, known: &BTreeSet<String>) -> Vec<Finding> {
    let Ok(pattern) = Regex::new(r"(?:^|[^A-Za-z0-9_./-])(tributary\.[a-z][A-Za-z0-9_.-]*)") else { return Vec::new() };
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        for found in pattern.captures_iter(line).filter_map(|captures| captures.get(1)) {
            // A sentence may end behind the name, and `<team>` may follow it.
            let name = found.as_str().trim_end_matches(['.', '-']);
            let in_family =
                FAMILIES.iter().any(|family| name.starts_with(family) || name == family.trim_end_matches('.'));
            let is_changelog = name.ends_with(".changelog");
            if in_family || is_changelog || known.contains(name) || NO_TOPICS.contains(&name) {
                continue;
            }
            findings.push(Finding::at(
                file,
                number,
                format!("there is no topic {name}"),
                "use a name from tributary_model::topics, or add the topic there",
            ));
        }
    }
    findings
}

/// Topic names spelled out in production code.
#[must_use]
pub fn spelled_out(file: &File, known: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.path == "crates/model/src/topics.rs" {
        return findings;
    }
    for (number, line) in file.production_lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        let spelled = known.iter().find(|topic| line.contains(&format!("\"{topic}\"")));
        let family = FAMILIES.iter().find(|family| line.contains(&format!("\"{family}")));
        if let Some(name) = spelled.map(String::as_str).or(family.copied()) {
            findings.push(Finding::at(
                file,
                number,
                format!("the topic {name} is spelled out"),
                "use the constant or function of tributary_model::topics",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_name_topics_that_exist() {
        let found = |text: &str| {
            let file = File { path: "docs/a.md".to_owned(), text: text.to_owned() };
            unknown_topics(&file, &known()).into_iter().map(|finding| finding.what).collect::<Vec<_>>()
        };
        let good = "`tributary.journeys`, tributary.metrics.<team>, tributary.raw.crm. And tributary.identity.changes.";
        assert_eq!(found(good), Vec::<String>::new());
        assert_eq!(found("see tributary.journey."), ["there is no topic tributary.journey"]);
        assert_eq!(
            found("tributary.insight.seen.changelog, type tributary.Money, src/tributary.rs"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn code_uses_the_list() {
        let found = |path: &str, text: &str| {
            spelled_out(&File { path: path.to_owned(), text: text.to_owned() }, &known()).len()
        };
        assert_eq!(found("services/a/src/b.rs", "emit(\"tributary.journeys\")"), 1);
        assert_eq!(found("services/a/src/b.rs", "format!(\"tributary.metrics.{team}\")"), 1);
        assert_eq!(found("services/a/src/b.rs", "// \"tributary.journeys\"\nemit(topics::JOURNEYS)"), 0);
        assert_eq!(found("services/a/tests/b.rs", "emit(\"tributary.journeys\")"), 0);
    }
}
