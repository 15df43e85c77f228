//! A condition in VRL over the situation of a person.

use std::sync::Arc;

pub use crate::context::Situation;
use crate::context::{Selection, build, context_shape, knows_path};
use crate::fields::Fields;
use crate::metrics;
use crate::misspelt;
use crate::needs::Needs;

/// A compiled condition; cheap to clone.
#[derive(Debug, Clone)]
pub struct Condition {
    trigger_id: Arc<str>,
    compiled: Arc<tributary_rules::Condition>,
    reads: Selection,
}

impl Condition {
    /// Compiles a condition for a trigger. `place` is where it stands, for messages.
    ///
    /// # Errors
    /// The compiler's diagnostics, with line and caret.
    pub fn compile(trigger_id: &str, place: &str, source: &str) -> Result<Self, tributary_rules::RuleError> {
        let compiled = tributary_rules::Condition::compile_for(place, source, &context_shape())?;
        let reads = Selection::of(&Needs::of_source(source));
        Ok(Self { trigger_id: trigger_id.into(), compiled: Arc::new(compiled), reads })
    }

    /// Whether it holds. A condition that fails on this input does not hold, and is counted.
    #[must_use]
    pub fn holds(&self, situation: &Situation<'_>) -> bool {
        self.compiled.holds(&mut build(situation, &self.reads)).unwrap_or_else(|_| {
            metrics::condition_failed(&self.trigger_id);
            false
        })
    }

    pub(crate) fn read(fields: &mut Fields<'_>, key: &'static str, trigger_id: &str) -> Option<Self> {
        let source = fields.text(key)?;
        match Self::compile(trigger_id, &fields.key(key), &source) {
            Ok(condition) => {
                fields.misspelt(key, misspelt::first(&source, &["touchpoint", "person"], knows_path));
                Some(condition)
            }
            Err(error) => {
                let remedy = "mend the condition; it sees .touchpoint, .person and .now_at (see docs/triggers.md)";
                fields.problem(key, error.to_string(), remedy);
                None
            }
        }
    }
}
