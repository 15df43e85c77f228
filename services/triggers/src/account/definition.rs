//! A trigger about accounts as its team writes it.

use std::sync::Arc;

use tributary_rules::Value;

use super::context::{context_shape, knows_path};
use crate::definition::{check_name, read_holdout};
use crate::fields::{Fields, Report};
use crate::metrics;
use crate::misspelt;
use crate::payload::Payload;
use crate::reentry::Reentry;
use crate::span::Span;

/// A trigger about accounts, compiled and ready to run.
#[derive(Debug, Clone)]
pub struct AccountTrigger {
    /// Name, unique among all triggers: lower case letters, digits and `-`.
    pub id: String,
    /// Counts up when the team changes it.
    pub version: i32,
    /// For people.
    pub description: Option<String>,
    /// The team that owns it and gets its intents.
    pub team_id: String,
    /// The channel that the team is to use; may be empty.
    pub channel: String,
    /// Higher is more urgent to those who read the intents.
    pub priority: i32,
    /// How many of the 10,000 buckets are held out.
    pub holdout_buckets: u16,
    /// Seed of the hold-out; another seed is another experiment.
    pub seed: String,
    /// How often it may fire: once, once a day, or once in a span.
    pub reentry: Reentry,
    /// How long a decision can be acted on.
    pub validity: Span,
    /// What the intent carries.
    pub payload: Payload,
    /// Namespaces of the accounts that it is about; empty for all.
    kinds: Vec<String>,
    condition: Option<Arc<tributary_rules::Condition>>,
}

impl AccountTrigger {
    pub(crate) fn read(report: &Report, mut fields: Fields<'_>) -> Self {
        let id = fields.required_text("id", "account-hot-to-sales");
        let team_id = fields.required_text("team", "sales");
        check_name(&fields, "id", &id);
        check_name(&fields, "team", &team_id);
        if !fields.has("version") {
            fields.problem("version", "is missing", "add it, such as `version: 1`");
        }
        if !fields.has("action") {
            fields.problem("action", "is missing", "add it, such as `action: notify`");
        }
        fields.one_of("action", &[("notify", ())]);
        let reentry = Reentry::read(&mut fields).unwrap_or(Reentry::Once);
        if !matches!(reentry, Reentry::Once | Reentry::Day | Reentry::Every(_)) {
            let remedy = "write `reentry: once`, or `reentry: {per: day}` or a duration such as `{per: 30d}`";
            fields.problem("reentry", "is of one person's journey", remedy);
        }
        let payload = fields.take("payload");
        let example = "account or decision, such as {{account.stage}}";
        let trigger = Self {
            version: fields.integer("version", 1..=i64::from(i32::MAX)).map_or(1, |version| version as i32),
            description: fields.text("description"),
            channel: fields.text("channel").unwrap_or_default(),
            priority: fields.integer("priority", -1_000..=1_000).unwrap_or(0) as i32,
            holdout_buckets: read_holdout(&mut fields),
            seed: fields.text("seed").unwrap_or_else(|| id.clone()),
            reentry,
            validity: fields.parsed("validity", "write a duration such as 2d").unwrap_or(Span::days(1)),
            payload: Payload::read_with(report, payload, knows_path, example),
            kinds: fields.texts("kinds"),
            condition: read_condition(&mut fields),
            id,
            team_id,
        };
        fields.finish();
        trigger
    }

    /// Whether it is about accounts that are named by this namespace.
    pub(super) fn concerns(&self, namespace: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == namespace)
    }

    /// Whether the condition holds. One that fails on this input does not hold, and is counted.
    pub(super) fn holds(&self, context: &Value) -> bool {
        let Some(condition) = &self.condition else { return false };
        condition.holds(&mut context.clone()).unwrap_or_else(|_| {
            metrics::condition_failed(&self.id);
            false
        })
    }
}

fn read_condition(fields: &mut Fields<'_>) -> Option<Arc<tributary_rules::Condition>> {
    let source = fields.required_text("condition", ".account.stage == \"qualified\"");
    if source.is_empty() {
        return None;
    }
    match tributary_rules::Condition::compile_for(&fields.key("condition"), &source, &context_shape()) {
        Ok(condition) => {
            fields.misspelt("condition", misspelt::first(&source, &["account"], knows_path));
            Some(Arc::new(condition))
        }
        Err(error) => {
            let remedy = "mend the condition; it sees .account and .now_at (see docs/accounts.md)";
            fields.problem("condition", error.to_string(), remedy);
            None
        }
    }
}
