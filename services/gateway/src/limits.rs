//! The limits of one event, as pure checks.

use tributary_model::time;

use crate::config::Limits;
use crate::refusal::{Fault, FaultCode};

/// What the checks of one request go by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) limits: &'a Limits,
    /// When the request came, in milliseconds.
    pub(crate) received_at: i64,
    /// How old an event of this source may be.
    pub(crate) max_age_ms: i64,
}

impl Rules<'_> {
    pub(crate) fn size(&self, bytes: usize) -> Option<Fault> {
        let limit = self.limits.event;
        (bytes > limit.as_usize()).then(|| {
            let detail = format!("the event has {bytes} bytes");
            let remedy = "send less in it, or what is large by reference";
            Fault::new(FaultCode::EventTooLarge, "", &format!("{bytes} bytes"), detail, remedy).limit(limit)
        })
    }

    pub(crate) fn properties(&self, field: &str, count: usize) -> Option<Fault> {
        let limit = self.limits.properties;
        (count > limit).then(|| {
            let detail = format!("it has {count} members");
            let remedy = "send those that are used, or put lists into one member";
            Fault::new(FaultCode::TooManyProperties, field, &format!("{count} members"), detail, remedy).limit(limit)
        })
    }

    pub(crate) fn id(&self, field: &str, id: &str) -> Option<Fault> {
        let limit = self.limits.id_chars;
        let count = id.chars().count();
        (count > limit).then(|| {
            let detail = format!("the id has {count} characters");
            Fault::new(FaultCode::IdTooLong, field, id, detail, "send a shorter id, such as a UUID")
                .limit(format!("{limit} characters"))
        })
    }

    /// An event's own time: neither too far ahead nor too old.
    pub(crate) fn happened(&self, field: &str, text: &str, at: i64) -> Option<Fault> {
        self.not_ahead(field, text, at).or_else(|| {
            let earliest = self.received_at.saturating_sub(self.max_age_ms);
            (at < earliest).then(|| {
                let detail = format!("the event is older than {}", time::to_rfc3339(earliest));
                let remedy = "load history with `tributary load`, or raise the source's max_age_days";
                Fault::new(FaultCode::TooOld, field, text, detail, remedy).limit(time::to_rfc3339(earliest))
            })
        })
    }

    /// Any time that a sender's clock gave.
    pub(crate) fn not_ahead(&self, field: &str, text: &str, at: i64) -> Option<Fault> {
        let latest = self.received_at.saturating_add(self.limits.ahead.as_millis_i64());
        (at > latest).then(|| {
            let detail = format!("the time is more than {} ahead of the receiver's clock", self.limits.ahead);
            Fault::new(FaultCode::TooFarAhead, field, text, detail, "set the sender's clock")
                .limit(time::to_rfc3339(latest))
        })
    }
}
