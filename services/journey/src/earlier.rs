//! The touches before one whose context is derived, as far as it goes by them.

use std::borrow::Cow;

use tributary_model::PersonId;
use tributary_model::journey::Totals;

use crate::context::Context;
use crate::kept::{Kept, Running};
use crate::touch::{Counts, Heard, Touch, TouchKey};

/// An earlier touch of the journey. Few are looked at as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Earlier<'a> {
    pub(crate) occurred_at: i64,
    pub(crate) id: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) is_exposure: bool,
    pub(crate) is_conversion: bool,
    pub(crate) is_sale: bool,
    /// What it told.
    pub(crate) told: Option<Heard<'a>>,
    whole: Whole<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Whole<'a> {
    Open(&'a Touch),
    Kept(PersonId, &'a Kept),
}

impl<'a> Earlier<'a> {
    /// One that is open.
    pub(crate) fn open(touch: &'a Touch) -> Self {
        let touchpoint = &touch.event.touchpoint;
        Self {
            occurred_at: touchpoint.occurred_at,
            id: &touchpoint.touchpoint_id,
            event_type: &touchpoint.event_type,
            channel: &touchpoint.channel,
            is_exposure: touchpoint.is_exposure(),
            is_conversion: touchpoint.is_conversion(),
            is_sale: touchpoint.is_sale(),
            told: touch.told.as_deref().map(|told| told.heard()),
            whole: Whole::Open(touch),
        }
    }

    /// One that is kept of this person.
    pub(crate) fn kept(person_id: PersonId, key: &'a TouchKey, kept: &'a Kept) -> Self {
        let head = kept.head();
        Self {
            occurred_at: key.0,
            id: &key.1,
            event_type: head.event_type,
            channel: head.channel,
            is_exposure: head.is_exposure(),
            is_conversion: head.is_conversion(),
            is_sale: head.is_sale(),
            told: head.told,
            whole: Whole::Kept(person_id, kept),
        }
    }

    pub(crate) fn place(&self) -> (i64, &'a str) {
        (self.occurred_at, self.id)
    }

    /// As the one right before another.
    pub(crate) fn as_previous(&self) -> Previous<'a> {
        match self.whole {
            Whole::Open(touch) => Previous::open(touch),
            Whole::Kept(_, kept) => {
                let Running { started_at, position, stage, totals, counts } = kept.running();
                Previous { occurred_at: self.occurred_at, id: self.id, started_at, position, stage, totals, counts }
            }
        }
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Cow<'a, Touch> {
        match self.whole {
            Whole::Open(touch) => Cow::Borrowed(touch),
            Whole::Kept(person_id, kept) => Cow::Owned(kept.open(person_id, self.place())),
        }
    }
}

/// The touch right before, as far as the next one goes on from it.
#[derive(Debug, Clone)]
pub(crate) struct Previous<'a> {
    pub(crate) occurred_at: i64,
    pub(crate) id: &'a str,
    pub(crate) started_at: i64,
    pub(crate) position: i32,
    pub(crate) stage: &'a str,
    pub(crate) totals: Totals,
    pub(crate) counts: Counts,
}

impl<'a> Previous<'a> {
    /// One that is open, with the context that is stated of it.
    pub(crate) fn open(touch: &'a Touch) -> Self {
        let event = &touch.event;
        Self {
            occurred_at: touch.occurred_at(),
            id: touch.id(),
            started_at: event.session.started_at,
            position: event.session.position,
            stage: &event.stage,
            totals: event.totals.clone(),
            counts: touch.counts,
        }
    }

    /// One with a context that is not stated yet.
    pub(crate) fn with(touch: &'a Touch, context: &'a Context) -> Self {
        Self {
            occurred_at: touch.occurred_at(),
            id: touch.id(),
            started_at: context.session.started_at,
            position: context.session.position,
            stage: &context.stage,
            totals: context.totals.clone(),
            counts: context.counts,
        }
    }
}
