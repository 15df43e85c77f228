//! A trigger as its team writes it.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::account::AccountTrigger;
use crate::arms::BUCKETS;
use crate::caps::Cap;
use crate::condition::Condition;
use crate::consent::ConsentRule;
use crate::experiment::HoldoutUnit;
use crate::fields::{Fields, Report};
use crate::load::Summary;
use crate::outcome::OutcomeRule;
use crate::pattern::Pattern;
use crate::payload::Payload;
use crate::preference::ChannelChoice;
use crate::problem::Problem;
use crate::quiet::QuietHours;
use crate::reentry::Reentry;
use crate::send_time::SendTime;
use crate::span::Span;
use crate::suppression::SuppressOrder;

/// What a trigger asks its team to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the person a message.
    Message,
    /// Leave the person alone on some channels for a time.
    Suppress,
    /// Know something, such as that somebody should call.
    Notify,
}

impl Action {
    /// The name used in intents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Suppress => "suppress",
            Self::Notify => "notify",
        }
    }
}

/// A trigger, compiled and ready to run.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Name, unique among all triggers: lower case letters, digits and `-`.
    pub id: String,
    /// Counts up when the team changes it.
    pub version: i32,
    /// For people.
    pub description: Option<String>,
    /// The team that owns it and gets its intents.
    pub team_id: String,
    /// What is asked for.
    pub action: Action,
    /// Channels in order of preference; empty for actions that reach nobody.
    pub channels: Vec<String>,
    /// Whether the order of channels is the one written or the person's.
    pub channel_choice: ChannelChoice,
    /// What must have happened.
    pub pattern: Pattern,
    /// What must hold of the person then.
    pub condition: Option<Condition>,
    /// Higher wins.
    pub priority: i32,
    /// Among equal priorities the more valuable wins, in minor units.
    pub expected_value_minor: i64,
    /// Its own caps, beside those of the configuration.
    pub caps: Vec<Cap>,
    /// How many of the 10,000 buckets are held out.
    pub holdout_buckets: u16,
    /// The campaign of the canvas that its messages belong to.
    pub campaign_id: Option<String>,
    /// Seed of the hold-out; another seed is another experiment.
    pub seed: String,
    /// Who is held out together.
    pub holdout_unit: HoldoutUnit,
    /// When to act on it.
    pub send: SendTime,
    /// How often it may fire.
    pub reentry: Reentry,
    /// How long a decision can be acted on.
    pub validity: Span,
    /// Exempt from caps, quiet hours, suppression and arbitration, never from consent.
    pub transactional: bool,
    /// The purpose consent is asked for.
    pub purpose: String,
    /// How much consent it needs; `None` as configured for its purpose.
    pub consent: Option<ConsentRule>,
    /// When not to act; `None` as configured.
    pub quiet_hours: Option<QuietHours>,
    /// What the intent carries.
    pub payload: Payload,
    /// What a `suppress` trigger suppresses.
    pub suppress: Option<SuppressOrder>,
    /// Which touches afterwards are its outcomes by rule; `None` for sales.
    pub outcome: Option<OutcomeRule>,
}

const ACTIONS: [(&str, Action); 3] =
    [("message", Action::Message), ("suppress", Action::Suppress), ("notify", Action::Notify)];
const CONSENTS: [(&str, ConsentRule); 2] = [("required", ConsentRule::Required), ("opt_out", ConsentRule::OptOut)];

impl Definition {
    /// Reads one definition from YAML. `file` is its name, for messages.
    ///
    /// # Errors
    /// Every problem found in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        match Parsed::parse(file, text)? {
            Parsed::OfPerson(definition) => Ok(*definition),
            Parsed::OfAccount(_) => {
                let report = Report::new(file);
                report.add("scope", "is account", "read it as one of several definitions");
                Err(report.into_problems())
            }
        }
    }
}

/// A trigger about persons or about accounts.
#[derive(Debug, Clone)]
pub(crate) enum Parsed {
    OfPerson(Box<Definition>),
    OfAccount(Box<AccountTrigger>),
}

const SCOPES: [(&str, bool); 2] = [("person", false), ("account", true)];

impl Parsed {
    /// Reads one definition from YAML. `file` is its name, for messages.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let report = Report::new(file);
        // Only `true` and `false` are booleans: `on` and `n` are words.
        let strict = serde_saphyr::options! { strict_booleans: true };
        let value = match serde_saphyr::from_str_with_options::<Value>(text, strict) {
            Ok(value) => value,
            Err(error) => return Err(vec![Problem::of_syntax(file, text, &error)]),
        };
        let mut fields = Fields::of(&report, "", value);
        let is_of_account = fields.one_of("scope", &SCOPES).unwrap_or(false);
        let parsed = if is_of_account {
            Self::OfAccount(Box::new(AccountTrigger::read(&report, fields)))
        } else {
            Self::OfPerson(Box::new(Definition::read(&report, fields)))
        };
        let problems = report.into_problems();
        if problems.is_empty() {
            return Ok(parsed);
        }
        Err(problems.into_iter().map(|problem| problem.placed_in(text)).collect())
    }

    /// The trigger's id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::OfPerson(definition) => &definition.id,
            Self::OfAccount(trigger) => &trigger.id,
        }
    }

    /// What one looks for first in it; `file` and `text` are where it comes from.
    pub(crate) fn summary(&self, file: &str, text: &str) -> Summary {
        let (version, team_id, description) = match self {
            Self::OfPerson(of_person) => (of_person.version, &of_person.team_id, &of_person.description),
            Self::OfAccount(of_account) => (of_account.version, &of_account.team_id, &of_account.description),
        };
        Summary {
            trigger_id: self.id().to_owned(),
            version,
            team_id: team_id.clone(),
            is_of_account: matches!(self, Self::OfAccount(_)),
            description: description.clone(),
            file: file.to_owned(),
            text: text.to_owned(),
        }
    }
}

impl Definition {
    fn read(report: &Report, mut fields: Fields<'_>) -> Self {
        let id = fields.required_text("id", "cart-abandoned");
        let team_id = fields.required_text("team", "ecommerce");
        check_name(&fields, "id", &id);
        check_name(&fields, "team", &team_id);
        for (key, example) in [("version", "1"), ("action", "message")] {
            if !fields.has(key) {
                fields.problem(key, "is missing", format!("add it, such as `{key}: {example}`"));
            }
        }
        let action = fields.one_of("action", &ACTIONS);
        let pattern = Pattern::read(&mut fields, &id);
        let caps = fields.list("caps");
        let quiet_hours = fields.take("quiet_hours");
        let suppress = fields.take("suppress");
        let send = fields.take("send");
        let outcome = fields.take("outcome");
        let payload = fields.take("payload");
        let definition = Self {
            version: fields.integer("version", 1..=i64::from(i32::MAX)).map_or(1, |version| version as i32),
            description: fields.text("description"),
            action: action.unwrap_or(Action::Notify),
            channels: fields.texts("channels"),
            channel_choice: fields.one_of("channel_choice", &ChannelChoice::NAMES).unwrap_or(ChannelChoice::Order),
            pattern,
            condition: Condition::read(&mut fields, "condition", &id),
            priority: fields.integer("priority", -1_000..=1_000).unwrap_or(0) as i32,
            expected_value_minor: fields.integer("expected_value_minor", 0..=1_000_000_000_000).unwrap_or(0),
            caps: Cap::read_list(report, "caps", caps),
            holdout_buckets: read_holdout(&mut fields),
            campaign_id: fields.text("campaign"),
            seed: fields.text("seed").unwrap_or_else(|| id.clone()),
            holdout_unit: fields.one_of("holdout_by", &HoldoutUnit::NAMES).unwrap_or(HoldoutUnit::Person),
            send: send.map(|value| SendTime::read(report, value)).unwrap_or_default(),
            reentry: Reentry::read(&mut fields).unwrap_or(Reentry::Once),
            validity: fields.parsed("validity", "write a duration such as 2d").unwrap_or(Span::days(1)),
            transactional: fields.flag("transactional"),
            purpose: fields.text("purpose").unwrap_or_else(|| "marketing".to_owned()),
            consent: fields.one_of("consent", &CONSENTS),
            quiet_hours: quiet_hours.and_then(|value| QuietHours::read(report, "quiet_hours", value)),
            payload: Payload::read(report, payload),
            suppress: suppress.and_then(|value| SuppressOrder::read(report, value, &id)),
            outcome: outcome.and_then(|value| OutcomeRule::read(report, value, &id)),
            id,
            team_id,
        };
        if action.is_some() {
            definition.check_together(report);
        }
        fields.finish();
        definition
    }

    /// Rules over several keys.
    fn check_together(&self, report: &Report) {
        match self.action {
            Action::Message if self.channels.is_empty() => {
                report.add("channels", "names no channel", "list where to send it, such as `channels: [email, push]`");
            }
            Action::Suppress if self.suppress.is_none() => {
                let remedy = "add `suppress: {channels: [...], for: 14d}`";
                report.add("suppress", "is missing or broken in a trigger that suppresses", remedy);
            }
            _ => {}
        }
        if self.action != Action::Suppress && self.suppress.is_some() {
            report.add("suppress", "has no effect", "write `action: suppress`, or remove it");
        }
        if self.transactional && (!self.caps.is_empty() || self.quiet_hours.is_some()) {
            let what = "is exempt from caps and quiet hours and yet has some";
            report.add("transactional", what, "remove caps and quiet_hours, or transactional");
        }
        for channel in &self.channels {
            if !channel.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                report.add("channels", format!("\"{channel}\" is not a channel"), "write it like retail_media");
            }
        }
    }

    /// The name of its experiment: another seed is another experiment.
    pub(crate) fn experiment(&self) -> String {
        format!("{}:{}", self.id, self.seed)
    }
}

pub(crate) fn check_name(fields: &Fields<'_>, key: &'static str, name: &str) {
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_plain || name.len() > 64 {
        fields.problem(key, format!("\"{name}\" is not a name"), "use at most 64 lower case letters, digits and -");
    }
}

/// `holdout_percent`, with up to two decimals, as a number of buckets.
pub(crate) fn read_holdout(fields: &mut Fields<'_>) -> u16 {
    let Some(value) = fields.take("holdout_percent") else { return 0 };
    let buckets = value.as_f64().map(|percent| percent * f64::from(BUCKETS) / 100.0);
    match buckets.filter(|b| (0.0..=f64::from(BUCKETS)).contains(b) && (b - b.round()).abs() < 1e-6) {
        Some(buckets) => buckets.round() as u16,
        None => {
            let remedy = "write a percentage from 0 to 100 with at most two decimals";
            fields.problem("holdout_percent", format!("{value} is not a share"), remedy);
            0
        }
    }
}

/// The zone with this name, as a problem when there is none.
pub(crate) fn read_zone(report: &Report, key: &str, name: &str) -> TimeZone {
    crate::zone::zone_by_name(name).unwrap_or_else(|| {
        let remedy = "write an IANA time zone such as Europe/Berlin";
        report.add(key, format!("\"{name}\" is not a time zone"), remedy);
        TimeZone::UTC
    })
}
