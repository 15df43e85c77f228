//! Definitions that were applied to a running hub, over those of its files.
//!
//! What was last said of a trigger counts, unless a file has a higher version: then the file is newer. Removed triggers are
//! remembered with their version, so that an older definition does not come back; a file with a higher version does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_model::{DefinitionStatus, TriggerDefinition};

use crate::config::TriggersConfig;
use crate::definition::Parsed;
use crate::load::{Definitions, Summary};
use crate::problem::Problem;

/// The definitions of files and what was applied over them.
#[derive(Debug, Clone, Default)]
pub struct LiveDefinitions {
    files: Definitions,
    /// Ids that the configuration switches off, wherever they are defined.
    off: BTreeSet<String>,
    applied: BTreeMap<String, Applied>,
}

#[derive(Debug, Clone)]
struct Applied {
    record: TriggerDefinition,
    parsed: Parsed,
}

/// Where the definition in force comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file, or one of those compiled in.
    File(String),
    /// It was applied.
    Applied,
}

/// What is in force of one trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Its summary.
    #[serde(flatten)]
    pub summary: Summary,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it runs.
    pub status: DefinitionStatus,
    /// True when the configuration switches it off.
    pub is_off: bool,
    /// When that was said, of an applied one.
    pub applied_at: Option<i64>,
}

impl LiveDefinitions {
    /// The definitions of files, with nothing applied yet.
    #[must_use]
    pub fn new(files: Definitions, config: &TriggersConfig) -> Self {
        Self { files, off: config.disabled.iter().cloned().collect(), applied: BTreeMap::new() }
    }

    /// Takes over what was said of a trigger.
    ///
    /// # Errors
    /// What is wrong with it; then what was known of it before stays.
    pub fn apply(&mut self, record: TriggerDefinition) -> Result<(), Vec<Problem>> {
        let file = format!("trigger {}", record.trigger_id);
        let parsed = Parsed::parse(&file, &record.text)?;
        let summary = parsed.summary(&file, &record.text);
        let differs = |key: &str, said: String, written: String| Problem {
            file: file.clone(),
            key: key.to_owned(),
            what: format!("is \"{written}\" in the text, and \"{said}\" was applied"),
            remedy: "apply it with `tributary trigger apply`".to_owned(),
            place: None,
        };
        let mut problems = Vec::new();
        if summary.trigger_id != record.trigger_id {
            problems.push(differs("id", record.trigger_id.clone(), summary.trigger_id.clone()));
        }
        if summary.version != record.version {
            problems.push(differs("version", record.version.to_string(), summary.version.to_string()));
        }
        if problems.is_empty() {
            self.applied.insert(record.trigger_id.clone(), Applied { record, parsed });
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Forgets what was said of a trigger: its file counts again, if it has one.
    pub fn forget(&mut self, trigger_id: &str) {
        self.applied.remove(trigger_id);
    }

    /// What was last applied of a trigger, though a file may be newer.
    #[must_use]
    pub fn applied(&self, trigger_id: &str) -> Option<&TriggerDefinition> {
        self.applied.get(trigger_id).map(|applied| &applied.record)
    }

    /// What is in force of each trigger that is known, in order of id; those that do not run among them.
    #[must_use]
    pub fn in_force(&self) -> Vec<InForce> {
        let files: BTreeMap<String, Summary> =
            self.files.summaries().map(|summary| (summary.trigger_id.clone(), summary)).collect();
        let ids: BTreeSet<&String> = files.keys().chain(self.applied.keys()).collect();
        ids.into_iter().filter_map(|id| self.of_one(id, files.get(id))).collect()
    }

    fn of_one(&self, id: &str, file: Option<&Summary>) -> Option<InForce> {
        let is_off = self.off.contains(id);
        let applied = self.applied.get(id);
        match (applied.filter(|applied| file.is_none_or(|file| applied.record.version >= file.version)), file) {
            (Some(Applied { record, parsed }), _) => Some(InForce {
                summary: parsed.summary("", &record.text),
                origin: Origin::Applied,
                status: record.status,
                is_off,
                applied_at: Some(record.applied_at),
            }),
            (None, Some(file)) => Some(InForce {
                summary: file.clone(),
                origin: Origin::File(file.file.clone()),
                status: DefinitionStatus::Enabled,
                is_off,
                applied_at: None,
            }),
            (None, None) => None,
        }
    }

    /// The definitions that run.
    #[must_use]
    pub fn running(&self) -> Definitions {
        let mut running = self.files.clone();
        for one in self.in_force() {
            let id = &one.summary.trigger_id;
            if one.origin == Origin::Applied || one.is_off {
                running.remove(id);
            }
            let runs = one.origin == Origin::Applied && one.status == DefinitionStatus::Enabled && !one.is_off;
            if let Some(applied) = self.applied.get(id).filter(|_| runs) {
                running.insert("", &applied.record.text, applied.parsed.clone());
            }
        }
        running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, version: i32) -> String {
        format!("id: {id}\nversion: {version}\nteam: t\naction: notify\npattern: [{{on: a.b}}]\n")
    }

    fn said(id: &str, version: i32, status: DefinitionStatus) -> TriggerDefinition {
        TriggerDefinition { trigger_id: id.to_owned(), version, text: text(id, version), status, applied_at: 7 }
    }

    fn live(files: &[(&str, i32)]) -> LiveDefinitions {
        let texts: Vec<String> = files.iter().map(|(id, version)| text(id, *version)).collect();
        let files = Definitions::parse(texts.iter().map(|text| ("f.yaml", text.as_str()))).unwrap();
        LiveDefinitions::new(files, &TriggersConfig { disabled: vec!["off".to_owned()], ..TriggersConfig::default() })
    }

    fn running(live: &LiveDefinitions) -> Vec<(String, i32)> {
        live.running().summaries().map(|one| (one.trigger_id, one.version)).collect()
    }

    #[test]
    fn what_was_applied_counts_unless_a_file_is_newer() {
        let mut live = live(&[("a", 2), ("b", 2), ("c", 2)]);
        for (id, version) in [("a", 1), ("b", 2), ("c", 3), ("d", 1)] {
            live.apply(said(id, version, DefinitionStatus::Enabled)).unwrap();
        }
        let expected = [("a", 2), ("b", 2), ("c", 3), ("d", 1)].map(|(id, version)| (id.to_owned(), version));
        assert_eq!(running(&live), expected);
        let origins: Vec<bool> = live.in_force().iter().map(|one| one.origin == Origin::Applied).collect();
        assert_eq!(origins, [false, true, true, true]);
        live.forget("c");
        assert_eq!(running(&live)[2], ("c".to_owned(), 2));
    }

    #[test]
    fn what_was_removed_or_disabled_or_switched_off_does_not_run() {
        let mut live = live(&[("a", 1), ("b", 1), ("c", 2), ("off", 1)]);
        live.apply(said("a", 1, DefinitionStatus::Disabled)).unwrap();
        live.apply(said("b", 1, DefinitionStatus::Removed)).unwrap();
        live.apply(said("c", 1, DefinitionStatus::Removed)).unwrap();
        live.apply(said("off", 3, DefinitionStatus::Enabled)).unwrap();
        assert_eq!(running(&live), [("c".to_owned(), 2)], "a file with a higher version comes back");
        live.apply(said("a", 2, DefinitionStatus::Enabled)).unwrap();
        assert_eq!(running(&live).len(), 2);
    }

    #[test]
    fn a_definition_that_does_not_compile_leaves_what_was_there() {
        let mut live = live(&[("a", 1)]);
        live.apply(said("a", 2, DefinitionStatus::Enabled)).unwrap();
        let broken =
            TriggerDefinition { text: "id: a\nversion: 3".to_owned(), ..said("a", 3, DefinitionStatus::Enabled) };
        assert!(live.apply(broken).is_err());
        let other = TriggerDefinition { text: text("b", 3), ..said("a", 3, DefinitionStatus::Enabled) };
        let problems = live.apply(other).unwrap_err();
        assert!(problems[0].to_string().contains("is \"b\" in the text, and \"a\" was applied"), "{problems:?}");
        assert_eq!(running(&live), [("a".to_owned(), 2)]);
    }
}
