//! Caps: how much one person may receive, over all teams.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::contact::{Contact, ContactLedger, Send};
use crate::fields::{Fields, Report};
use crate::pattern::History;
use crate::span::Span;
use crate::zone::local_day_start;

/// Which contacts a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapScope {
    /// Those of the trigger itself, ghosts included.
    Trigger,
    /// Those on the channel in question, whoever sent them.
    Channel,
    /// Those of the trigger's team.
    Team,
    /// All: contact pressure.
    All,
}

/// Over which time a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapWindow {
    /// The calendar day of the person's zone.
    Day,
    /// The span up to now.
    Rolling(Span),
}

/// At most `max` contacts of a scope in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// What is counted.
    pub scope: CapScope,
    /// How many are allowed.
    pub max: usize,
    /// Over which time.
    pub per: CapWindow,
}

/// A contact that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) trigger_id: &'a str,
    pub(crate) team_id: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) now_at: i64,
}

impl CapScope {
    const NAMES: [(&'static str, Self); 4] =
        [("trigger", Self::Trigger), ("channel", Self::Channel), ("team", Self::Team), ("all", Self::All)];

    const fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Channel => "channel",
            Self::Team => "team",
            Self::All => "all",
        }
    }
}

impl FromStr for CapWindow {
    type Err = crate::span::SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "day" { Ok(Self::Day) } else { text.parse().map(Self::Rolling) }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} per ", self.scope.name(), self.max)?;
        match self.per {
            CapWindow::Day => f.write_str("day"),
            CapWindow::Rolling(span) => write!(f, "{span}"),
        }
    }
}

impl Cap {
    /// How many contacts count against this cap now.
    pub(crate) fn used(
        &self,
        asked: Asked<'_>,
        ledger: &ContactLedger,
        history: &History<'_>,
        zone: &TimeZone,
    ) -> usize {
        let after = match self.per {
            CapWindow::Day => local_day_start(asked.now_at, zone) - 1,
            CapWindow::Rolling(span) => asked.now_at - span.as_ms(),
        };
        ledger.contacts(history, after, asked.now_at).filter(|contact| self.counts(contact, asked)).count()
    }

    /// Whether one of our sends counts.
    pub(crate) fn counts_send(&self, send: &Send, asked: Asked<'_>) -> bool {
        self.counts(&send.as_contact(), asked)
    }

    fn counts(&self, contact: &Contact<'_>, asked: Asked<'_>) -> bool {
        match self.scope {
            CapScope::Trigger => contact.trigger_id == Some(asked.trigger_id),
            CapScope::Channel => contact.reaches_person && contact.channel == asked.channel,
            CapScope::Team => contact.reaches_person && contact.team_id == asked.team_id,
            CapScope::All => contact.reaches_person,
        }
    }

    /// How far back the cap looks.
    pub(crate) fn looks_back_ms(&self) -> i64 {
        match self.per {
            // A day of 25 hours when the clock is put back, and as much again for a change of zone.
            CapWindow::Day => Span::days(2).as_ms() + Span::hours(2).as_ms(),
            CapWindow::Rolling(span) => span.as_ms(),
        }
    }

    pub(crate) fn read_list(report: &Report, path: &str, values: Vec<Value>) -> Vec<Self> {
        values
            .into_iter()
            .enumerate()
            .filter_map(|(position, value)| Self::read(report, &format!("{path}[{position}]"), value))
            .collect()
    }

    fn read(report: &Report, path: &str, value: Value) -> Option<Self> {
        let mut fields = Fields::of(report, path, value);
        for (key, remedy) in [
            ("scope", "write trigger, channel, team or all"),
            ("max", "write how many contacts are allowed"),
            ("per", "write `day` or a duration such as 7d"),
        ] {
            if !fields.has(key) {
                fields.problem(key, "is missing", remedy);
            }
        }
        let scope = fields.one_of("scope", &CapScope::NAMES);
        let max = fields.integer("max", 0..=100_000);
        let per = fields.parsed("per", "write `day` or a duration such as 7d");
        fields.finish();
        Some(Self { scope: scope?, max: max? as usize, per: per? })
    }
}
