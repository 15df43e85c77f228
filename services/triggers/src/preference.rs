//! The channel that suits a person, learnt from how they have responded.
//!
//! For each channel the share of contacts that were responded to, newer ones counting more, is drawn towards a prior: the
//! mean of a Beta posterior, `(responses + strength × prior) / (contacts + strength)`, with exponentially decaying counts.
//! It is a function of the journey, so that merges, late touches and replays need nothing of their own.

use std::collections::BTreeMap;

use serde_json::Value;
use tributary_model::Glimpse;

use crate::contact::is_contact;
use crate::fields::{Fields, Report};
use crate::filter::TypePattern;
use crate::pattern::History;
use crate::span::Span;

/// How the channel of a message is chosen among those it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelChoice {
    /// In the order written.
    Order,
    /// By what the person responds to.
    Preference,
}

impl ChannelChoice {
    pub(crate) const NAMES: [(&'static str, Self); 2] = [("order", Self::Order), ("preference", Self::Preference)];
}

/// How preferences are learnt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PreferenceRules {
    /// Response rate expected of a channel before anything is known.
    priors: BTreeMap<String, f64>,
    default_prior: f64,
    /// How many contacts the prior weighs as much as.
    strength: f64,
    half_life: Span,
    /// How long after a contact a touch is a response to it.
    response_window: Span,
    responses: Vec<TypePattern>,
}

impl Default for PreferenceRules {
    fn default() -> Self {
        let responses = ["email.clicked", "sms.replied", "push.opened", "ad.clicked", "coupon.redeemed"];
        Self {
            priors: BTreeMap::new(),
            default_prior: 0.05,
            strength: 10.0,
            half_life: Span::days(90),
            response_window: Span::days(7),
            responses: responses.iter().filter_map(|text| text.parse().ok()).collect(),
        }
    }
}

/// What is known of one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Record {
    contacts: u32,
    responses: u32,
    weighed_contacts: f64,
    weighed_responses: f64,
}

impl PreferenceRules {
    pub(crate) fn read(report: &Report, path: &str, value: Value) -> Self {
        let mut fields = Fields::of(report, path, value);
        let known = Self::default();
        let mut priors = BTreeMap::new();
        if let Some(Value::Object(map)) = fields.take("priors") {
            for (channel, value) in map {
                match value.as_f64().filter(|rate| (0.0..=1.0).contains(rate)) {
                    Some(rate) => drop(priors.insert(channel, rate)),
                    None => report.add(
                        format!("{path}.priors.{channel}"),
                        format!("{value} is not a response rate"),
                        "write a number from 0 to 1, such as 0.05",
                    ),
                }
            }
        }
        let mut responses = Vec::new();
        for text in fields.texts("responses") {
            match text.parse() {
                Ok(pattern) => responses.push(pattern),
                Err(_) => {
                    let remedy = "write object.action, such as email.clicked, or a beginning such as email.*";
                    fields.problem("responses", format!("\"{text}\" is not an event type"), remedy);
                }
            }
        }
        let rules = Self {
            priors,
            default_prior: known.default_prior,
            strength: fields.integer("strength", 1..=10_000).map_or(known.strength, |weight| weight as f64),
            half_life: fields.parsed("half_life", "write a duration such as 90d").unwrap_or(known.half_life),
            response_window: fields
                .parsed("response_window", "write a duration such as 7d")
                .unwrap_or(known.response_window),
            responses: if responses.is_empty() { known.responses } else { responses },
        };
        fields.finish();
        rules
    }

    /// The channels, best first, and in words why; equal ones stay in the order given.
    pub(crate) fn rank<'c>(
        &self,
        channels: &'c [String],
        history: &History<'_>,
        now_at: i64,
    ) -> (Vec<&'c str>, String) {
        let records = self.records(history, now_at);
        let scored = |channel: &'c String| {
            let record = records.get(channel.as_str()).copied().unwrap_or_default();
            (channel.as_str(), self.score(channel, record), record)
        };
        let mut ranked: Vec<_> = channels.iter().map(scored).collect();
        ranked.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
        let words = |(channel, score, record): &(&str, f64, Record)| {
            format!("{channel} {score:.3} ({} of {} responded to)", record.responses, record.contacts)
        };
        let why = ranked.iter().map(words).collect::<Vec<_>>().join(", ");
        (ranked.into_iter().map(|(channel, ..)| channel).collect(), why)
    }

    fn score(&self, channel: &str, record: Record) -> f64 {
        let prior = self.priors.get(channel).copied().unwrap_or(self.default_prior);
        (record.weighed_responses + self.strength * prior) / (record.weighed_contacts + self.strength)
    }

    /// Contacts and responses of each channel up to `now_at`. A response is to the newest contact of its channel that is
    /// still waiting for one within the window; a contact has one at most.
    fn records<'h>(&self, history: &History<'h>, now_at: i64) -> BTreeMap<&'h str, Record> {
        let mut records: BTreeMap<&str, Record> = BTreeMap::new();
        let mut waiting: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for touch in history.iter().map(|touch| touch.glimpse).take_while(|touch| touch.occurred_at <= now_at) {
            let (channel, at) = (touch.channel, touch.occurred_at);
            let record = records.entry(channel).or_default();
            if is_contact(&touch) {
                record.contacts += 1;
                record.weighed_contacts += self.weight(at, now_at);
                waiting.entry(channel).or_default().push(at);
            }
            if self.is_response(&touch)
                && let Some(contact_at) = waiting.get_mut(channel).and_then(Vec::pop)
                && at - contact_at <= self.response_window.as_ms()
            {
                record.responses += 1;
                record.weighed_responses += self.weight(contact_at, now_at);
            }
        }
        records
    }

    fn is_response(&self, touch: &Glimpse<'_>) -> bool {
        self.responses.iter().any(|pattern| pattern.matches(touch.event_type))
    }

    fn weight(&self, at: i64, now_at: i64) -> f64 {
        let half_lives = (now_at - at) as f64 / self.half_life.as_ms() as f64;
        0.5_f64.powf(half_lives.max(0.0))
    }
}
