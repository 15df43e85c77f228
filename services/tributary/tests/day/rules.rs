//! The triggers of the day beside the shipped ones, each with something of its own, and the limits on all messages.

use std::path::Path;

use serde_json::{Value, json};

/// At most so many messages a person and calendar day, from all teams.
pub(crate) const PER_DAY: usize = 2;
/// At most so many in seven days on one channel.
pub(crate) const PER_WEEK_AND_CHANNEL: usize = 5;
/// Share of persons who get no message at all.
pub(crate) const GLOBAL_PERCENT: f64 = 5.0;
/// The name of that experiment.
pub(crate) const GLOBAL_EXPERIMENT: &str = "global:day";

/// Triggers of this test that send messages, with the share that they hold out.
pub(crate) const MESSAGES: [(&str, f64); 7] = [
    ("browsed-yesterday", 20.0),
    ("product-follow-up", 10.0),
    ("ad-click-welcome", 50.0),
    ("household-offer", 25.0),
    ("liked-channel", 0.0),
    ("needs-consent", 10.0),
    ("too-late", 0.0),
];

const TRIGGERS: [(&str, &str); 9] = [
    (
        "browsed-yesterday",
        "team: ecommerce, action: message, channels: [push, email], consent: opt_out, priority: 5, \
      pattern: [{on: page.viewed}], reentry: {per: session}, holdout_percent: 20",
    ),
    (
        "product-follow-up",
        "team: ecommerce, action: message, channels: [email], consent: opt_out, priority: 20, \
      pattern: [{on: product.viewed, count: 2, within: 1h}], reentry: {per: day}, send: {after: 2h}, holdout_percent: 10",
    ),
    (
        "ad-click-welcome",
        "team: media, action: message, channels: [push], consent: opt_out, priority: 10, \
      pattern: [{on: [ad.clicked, page.viewed]}], reentry: {per: touchpoint}, holdout_percent: 50",
    ),
    (
        "household-offer",
        "team: email, action: message, channels: [email], consent: opt_out, \
      pattern: [{on: email.opened}], reentry: {per: day}, holdout_percent: 25, holdout_by: household",
    ),
    (
        "liked-channel",
        "team: email, action: message, channels: [sms, push, email], consent: opt_out, priority: 30, \
      channel_choice: preference, pattern: [{on: cart.updated}], reentry: {per: session}, \
      quiet_hours: {from: '12:00', to: '15:00', policy: queue}",
    ),
    (
        "needs-consent",
        "team: email, action: message, channels: [email], priority: 40, \
      pattern: [{on: [page.viewed, store.purchased]}], reentry: {per: day}, holdout_percent: 10",
    ),
    (
        "too-late",
        "team: email, action: message, channels: [email], consent: opt_out, pattern: [{on: email.clicked}], \
      absent: {on: order.placed, for: 10m, patience: 10m}, validity: 5m, reentry: {per: day}",
    ),
    (
        "bought-leave-alone",
        "team: care, action: suppress, pattern: [{on: [order.placed, store.purchased, case.opened]}], \
      reentry: {per: touchpoint}, suppress: {channels: [email, push, sms], for: 12h}",
    ),
    // Suppressed by nothing and on every touch: where devices of both arms turn out to be one person's, it is told.
    (
        "visit-to-store",
        "team: store, action: notify, pattern: [{on: [page.viewed, product.viewed, order.placed]}], \
      reentry: {per: touchpoint}, holdout_percent: 50",
    ),
];

/// Writes the definitions.
pub(crate) fn write(directory: &Path) {
    std::fs::create_dir(directory).unwrap();
    for (id, rest) in TRIGGERS {
        std::fs::write(directory.join(format!("{id}.yaml")), format!("{{id: {id}, version: 1, {rest}}}\n")).unwrap();
    }
}

/// The section `triggers` of the configuration.
pub(crate) fn configuration(directory: &str) -> Value {
    json!({
        "directories": [directory],
        "caps": [
            { "scope": "all", "max": PER_DAY, "per": "day" },
            { "scope": "channel", "max": PER_WEEK_AND_CHANNEL, "per": "7d" },
        ],
        "quiet_hours": { "from": "22:00", "to": "07:00" },
        "arbitration": { "window": "30s" },
        "global_control": { "holdout_percent": GLOBAL_PERCENT, "seed": "day" },
    })
}

/// Whether a trigger suppresses messages on all channels that the triggers of this test use.
pub(crate) fn suppresses(trigger_id: &str) -> bool {
    trigger_id == "bought-leave-alone"
}
