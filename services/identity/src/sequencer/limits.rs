//! Whether the union of two persons would break a rule.

use std::cmp::Reverse;

use super::node::{Member, Root};
use crate::rules::{NamespaceRule, Rules};

/// Why two persons that have no identifier in common cannot be one: `unique:<namespace>` or `limit:<namespace>`, of the
/// rule of highest priority that the union would break. `None` when they can.
///
/// Each person alone keeps the rules, so only namespaces that both have values of matter.
pub(super) fn broken_limit(rules: &Rules, left: &Root, right: &Root) -> Option<String> {
    let is_broken = |namespace: &&str| {
        let values = left.members_of(namespace).chain(right.members_of(namespace));
        exceeds(rules.namespace(namespace), values)
    };
    let common = left.namespaces().filter(|namespace| right.members_of(namespace).next().is_some());
    let first = common.filter(is_broken).min_by_key(|name| (Reverse(rules.namespace(name).priority), *name))?;
    let kind = if rules.namespace(first).unique { "unique" } else { "limit" };
    Some(format!("{kind}:{first}"))
}

/// True when there are more of these distinct values than the rule allows, or more within one window.
fn exceeds<'a>(rule: &NamespaceRule, values: impl Iterator<Item = &'a Member>) -> bool {
    let Some(limit) = rule.limit else { return false };
    let Some(window_ms) = rule.window_ms else { return values.count() > limit };
    let mut seen_at: Vec<i64> = values.map(|value| value.seen_at).collect();
    seen_at.sort_unstable();
    seen_at.iter().zip(seen_at.iter().skip(limit)).any(|(first, last)| last.saturating_sub(*first) < window_ms)
}
