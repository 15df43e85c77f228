//! What applying definitions would change, and why some may not be applied: pure, before anything is said on the topic.

use serde::Serialize;
use tributary_model::{DefinitionStatus, TriggerDefinition};
use tributary_triggers::{InForce, LiveDefinitions, Summary};

/// What applying a definition does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Nobody knew this trigger.
    Added,
    /// It replaces an older version.
    Replaced {
        /// That version.
        version: i32,
    },
    /// The same definition was disabled or removed, and runs again.
    RunsAgain,
    /// It is in force already.
    Unchanged,
}

/// One definition and what applying it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The trigger.
    pub trigger_id: String,
    /// Its version.
    pub version: i32,
    /// The team that owns it.
    pub team_id: String,
    /// What applying it does.
    #[serde(flatten)]
    pub change: Change,
    /// True when the configuration switches the trigger off, whatever is applied.
    pub is_off: bool,
    /// What is to be said of it; nothing of what is in force.
    #[serde(skip)]
    pub said: Option<TriggerDefinition>,
}

/// What applying these definitions does, as of `now_ms`.
///
/// # Errors
/// A sentence for every definition that may not be applied: then none of them is.
pub fn plan(known: &LiveDefinitions, wanted: &[Summary], now_ms: i64) -> Result<Vec<Step>, Vec<String>> {
    let in_force = known.in_force();
    let mut refusals = Vec::new();
    let mut steps = Vec::new();
    for summary in wanted {
        let before = in_force.iter().find(|one| one.summary.trigger_id == summary.trigger_id);
        match change(before, summary) {
            Ok(change) => steps.push(step(summary, before, change, now_ms)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() { Ok(steps) } else { Err(refusals) }
}

fn change(before: Option<&InForce>, wanted: &Summary) -> Result<Change, String> {
    let Some(before) = before else { return Ok(Change::Added) };
    let Summary { trigger_id, version, file, .. } = wanted;
    let known = before.summary.version;
    if *version < known {
        let next = known + 1;
        return Err(format!("{file}: version: {version} is lower than version {known} of {trigger_id}: write {next}"));
    }
    if *version > known {
        return Ok(Change::Replaced { version: known });
    }
    if before.summary.text.trim_end() != wanted.text.trim_end() {
        let next = known + 1;
        return Err(format!(
            "{file}: version: {known} of {trigger_id} is known with another text: write {next}, so that decisions tell which \
             of them decided"
        ));
    }
    Ok(if before.status == DefinitionStatus::Enabled { Change::Unchanged } else { Change::RunsAgain })
}

fn step(wanted: &Summary, before: Option<&InForce>, change: Change, now_ms: i64) -> Step {
    let said = TriggerDefinition {
        trigger_id: wanted.trigger_id.clone(),
        version: wanted.version,
        text: wanted.text.clone(),
        status: DefinitionStatus::Enabled,
        applied_at: now_ms,
    };
    Step {
        trigger_id: wanted.trigger_id.clone(),
        version: wanted.version,
        team_id: wanted.team_id.clone(),
        is_off: before.is_some_and(|before| before.is_off),
        said: (change != Change::Unchanged).then_some(said),
        change,
    }
}

#[cfg(test)]
mod tests {
    use tributary_triggers::{Definitions, TriggersConfig};

    use super::*;

    fn text(version: i32, types: &str) -> String {
        format!("id: a\nversion: {version}\nteam: t\naction: notify\npattern: [{{on: {types}}}]\n")
    }

    fn summaries(text: &str) -> Vec<Summary> {
        Definitions::parse([("a.yaml", text)]).unwrap().summaries().collect()
    }

    fn known(version: i32, types: &str, status: DefinitionStatus) -> LiveDefinitions {
        let files = Definitions::parse([("f.yaml", text(1, "a.b").as_str())]).unwrap();
        let mut known = LiveDefinitions::new(files, &TriggersConfig::default());
        let text = text(version, types);
        known.apply(TriggerDefinition { trigger_id: "a".to_owned(), version, text, status, applied_at: 1 }).unwrap();
        known
    }

    #[test]
    fn a_changed_text_needs_a_higher_version() {
        let known = known(2, "a.b", DefinitionStatus::Enabled);
        let changed = |version, types| plan(&known, &summaries(&text(version, types)), 7);
        assert_eq!(changed(3, "x.y").unwrap()[0].change, Change::Replaced { version: 2 });
        let unchanged = changed(2, "a.b").unwrap();
        assert_eq!((&unchanged[0].change, &unchanged[0].said), (&Change::Unchanged, &None));
        let refused = changed(2, "x.y").unwrap_err().join("\n");
        assert!(refused.starts_with("a.yaml: version: 2 of a is known with another text: write 3"), "{refused}");
        let refused = changed(1, "a.b").unwrap_err().join("\n");
        assert_eq!(refused, "a.yaml: version: 1 is lower than version 2 of a: write 3");
    }

    #[test]
    fn what_was_removed_runs_again_and_never_in_an_older_version() {
        let known = known(2, "a.b", DefinitionStatus::Removed);
        assert_eq!(plan(&known, &summaries(&text(2, "a.b")), 7).unwrap()[0].change, Change::RunsAgain);
        assert!(plan(&known, &summaries(&text(1, "a.b")), 7).is_err());
        let nothing = LiveDefinitions::default();
        let added = plan(&nothing, &summaries(&text(1, "a.b")), 7).unwrap();
        assert_eq!(added[0].change, Change::Added);
        assert_eq!(added[0].said.as_ref().map(|said| said.applied_at), Some(7));
    }
}
