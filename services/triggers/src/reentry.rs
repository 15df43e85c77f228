//! How often a trigger may fire for one person, and the memory of what fired.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_model::{JourneyEvent, Past};
use uuid::Uuid;

use crate::fields::Fields;
use crate::pattern::History;
use crate::span::Span;
use crate::zone::{local, local_day_start};

/// The most firings remembered of one trigger for one person; older ones move the floor.
pub const MAX_REMEMBERED: usize = 512;

/// What a trigger fires once per.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reentry {
    /// Once in the person's life.
    Once,
    /// Once for each touch that completes the pattern.
    Touchpoint,
    /// Once a session.
    Session,
    /// Once an order (touches without one count for themselves).
    Order,
    /// Once a calendar day of the person's zone.
    Day,
    /// Not again within this span, before or after.
    Every(Span),
}

impl Reentry {
    /// The re-entry key of a completion, as it enters the decision id.
    #[must_use]
    pub fn key(self, event: &JourneyEvent, zone: &TimeZone) -> String {
        let touchpoint = &event.touchpoint;
        match self {
            Self::Once => "once".to_owned(),
            Self::Touchpoint => format!("touchpoint:{}", touchpoint.touchpoint_id),
            Self::Session => format!("session:{}", event.session.started_at),
            Self::Order => match &touchpoint.order_id {
                Some(order_id) => format!("order:{order_id}"),
                None => format!("touchpoint:{}", touchpoint.touchpoint_id),
            },
            Self::Day => format!("day:{}", local(touchpoint.occurred_at, zone).date()),
            Self::Every(_) => format!("from:{}", touchpoint.touchpoint_id),
        }
    }

    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const REMEDY: &str = "write `reentry: once` or `reentry: {per: touchpoint|session|order|day|<duration>}`";
        match fields.take("reentry")? {
            Value::String(text) if text == "once" => Some(Self::Once),
            Value::Object(map) => {
                let mut inner = Fields::of(fields.report(), &fields.key("reentry"), Value::Object(map));
                let per = inner.required_text("per", "session");
                let reentry = match per.as_str() {
                    "" => None,
                    "touchpoint" => Some(Self::Touchpoint),
                    "session" => Some(Self::Session),
                    "order" => Some(Self::Order),
                    "day" => Some(Self::Day),
                    span => span.parse().map(Self::Every).ok(),
                };
                if reentry.is_none() && !per.is_empty() {
                    inner.problem("per", format!("\"{per}\" is unknown"), REMEDY);
                }
                inner.finish();
                reentry
            }
            other => {
                fields.problem("reentry", format!("{other} is unknown"), REMEDY);
                None
            }
        }
    }
}

/// What one trigger has fired for one person.
///
/// A firing is remembered by the time of the touch that completed the pattern, and by a mark of its key. The re-entry rule
/// is judged on the times, since a late event or a merge can move a key: a session that begins earlier than it did is still
/// the session that has fired. A key that was given stays given all the same: whoever moves to another time zone may come
/// to the date of a day that has fired elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredLog {
    /// Firings up to here are forgotten; nothing at or before it fires again.
    floor_at: Option<i64>,
    firings: BTreeSet<(i64, u64)>,
}

impl FiredLog {
    /// Whether a completion at `position` may not fire because one of the same re-entry key has.
    #[must_use]
    pub fn blocks(&self, reentry: Reentry, history: &History<'_>, position: usize, zone: &TimeZone) -> bool {
        let event = &history[position];
        let at = event.at();
        if self.floor_at.is_some_and(|floor_at| at <= floor_at) {
            return true;
        }
        if !self.firings.is_empty() {
            let mark = mark_of(reentry, event, zone);
            if self.firings.iter().any(|(_, fired)| *fired == mark) {
                return true;
            }
        }
        let fired_in = |from: i64, to: i64| self.firings.range((from, 0)..=(to, u64::MAX)).next().is_some();
        match reentry {
            Reentry::Once => !self.firings.is_empty() || self.floor_at.is_some(),
            Reentry::Touchpoint | Reentry::Order => false,
            Reentry::Session => {
                let same = |other: &&Past<'_>| other.session.session_id == event.session.session_id;
                let end = history[position..].iter().take_while(same).last().unwrap_or(&history[position]);
                fired_in(event.session.started_at, end.at())
            }
            Reentry::Day => {
                let start = local_day_start(at, zone);
                let same_day = |fired: i64| local_day_start(fired, zone) == start;
                self.firings.range((start, 0)..).next().is_some_and(|(fired, _)| same_day(*fired))
            }
            Reentry::Every(span) => fired_in(at - span.as_ms() + 1, at + span.as_ms() - 1),
        }
    }

    /// Remembers a firing, and forgets those at or before `forget_at` and those too many.
    pub fn remember(&mut self, reentry: Reentry, event: &JourneyEvent, zone: &TimeZone, forget_at: i64) {
        self.firings.insert((event.touchpoint.occurred_at, mark_of(reentry, event, zone)));
        if reentry != Reentry::Once {
            while self.firings.len() > MAX_REMEMBERED || self.firings.first().is_some_and(|(at, _)| *at <= forget_at) {
                let Some((at, _)) = self.firings.pop_first() else { break };
                self.floor_at = self.floor_at.max(Some(at));
            }
        }
    }

    /// Adds what the same trigger fired for a person merged into this one.
    pub fn absorb(&mut self, other: Self) {
        self.firings.extend(other.firings);
        self.floor_at = self.floor_at.max(other.floor_at);
        let floor_at = self.floor_at;
        self.firings.retain(|(at, _)| floor_at.is_none_or(|floor_at| *at > floor_at));
    }

    /// How many firings are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.firings.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.firings.is_empty()
    }
}

/// 64 bits that stand for the re-entry key.
fn mark_of(reentry: Reentry, event: &JourneyEvent, zone: &TimeZone) -> u64 {
    let name = match reentry {
        Reentry::Order if event.touchpoint.order_id.is_some() => reentry.key(event, zone),
        Reentry::Day | Reentry::Session => reentry.key(event, zone),
        Reentry::Once | Reentry::Touchpoint | Reentry::Order | Reentry::Every(_) => {
            event.touchpoint.touchpoint_id.clone()
        }
    };
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u64_pair().0
}
