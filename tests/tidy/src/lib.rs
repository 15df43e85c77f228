//! The house rules as functions: files and manifests in, findings out. `tests/house.rs` runs them over the workspace, so
//! that a rule is a red test with a remedy and not a matter of who reviews.
//!
//! Rules see text, not syntax: the sources are formatted by rustfmt, which makes that enough.

pub mod alerts;
pub mod catalogue;
pub mod dashboards;
pub mod dependencies;
pub mod files;
pub mod manifests;
pub mod metric_names;
pub mod promql;
pub mod recording;
pub mod schemas;
pub mod topic_names;
mod workspace;

pub use workspace::{File, Workspace, WorkspaceError};

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File or package, with the line where there is one.
    pub place: String,
    /// What is wrong there.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
}

impl Finding {
    /// A finding about a file or package as a whole.
    pub fn new(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), remedy: remedy.into() }
    }

    /// A finding on a line of a file, counted from 1.
    pub fn at(file: &File, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(format!("{}:{line}", file.path), what, remedy)
    }
}

/// The findings of a rule as a text for people; `None` when there are none.
#[must_use]
pub fn report(rule: &str, mut findings: Vec<Finding>) -> Option<String> {
    if findings.is_empty() {
        return None;
    }
    findings.sort();
    let mut text = format!("{rule}: {} to mend\n", findings.len());
    for Finding { place, what, remedy } in findings {
        text.push_str(&format!("  {place}: {what}\n      {remedy}\n"));
    }
    Some(text)
}
