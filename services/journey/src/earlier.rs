//! The touches before one whose context is derived, as far as it goes by them.

use std::borrow::Cow;

use tributary_model::PersonId;
use tributary_model::journey::Totals;

use crate::context::Context;
use crate::kept::{Kept, Running};
use crate::stage::Ladder;
use crate::touch::{Counts, Heard, Touch, TouchKey};

/// An earlier touch of the journey. Few are looked at as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Earlier<'a> {
    pub(crate) occurred_at: i64,
    pub(crate) id: &'a str,
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
        Self { occurred_at: touch.occurred_at(), id: touch.id(), whole: Whole::Open(touch) }
    }

    /// One that is kept of this person.
    pub(crate) fn kept(person_id: PersonId, key: &'a TouchKey, kept: &'a Kept) -> Self {
        Self { occurred_at: key.0, id: &key.1, whole: Whole::Kept(person_id, kept) }
    }

    /// What happened.
    pub(crate) fn event_type(&self) -> &'a str {
        match self.whole {
            Whole::Open(touch) => &touch.event.touchpoint.event_type,
            Whole::Kept(_, kept) => kept.event_type(),
        }
    }

    /// Whether its type can be one that the stages ask for, by its length: most types are told apart by that.
    pub(crate) fn may_be_watched(&self, stages: &Ladder) -> bool {
        stages.watches_length(match self.whole {
            Whole::Open(touch) => touch.event.touchpoint.event_type.len(),
            Whole::Kept(_, kept) => kept.type_length(),
        })
    }

    /// Where.
    pub(crate) fn channel(&self) -> &'a str {
        match self.whole {
            Whole::Open(touch) => &touch.event.touchpoint.channel,
            Whole::Kept(_, kept) => kept.channel(),
        }
    }

    pub(crate) fn is_exposure(&self) -> bool {
        match self.whole {
            Whole::Open(touch) => touch.event.touchpoint.is_exposure(),
            Whole::Kept(_, kept) => kept.is_exposure(),
        }
    }

    pub(crate) fn is_conversion(&self) -> bool {
        match self.whole {
            Whole::Open(touch) => touch.event.touchpoint.is_conversion(),
            Whole::Kept(_, kept) => kept.is_conversion(),
        }
    }

    pub(crate) fn is_sale(&self) -> bool {
        match self.whole {
            Whole::Open(touch) => touch.event.touchpoint.is_sale(),
            Whole::Kept(_, kept) => kept.is_sale(),
        }
    }

    /// What it told.
    pub(crate) fn told(&self) -> Option<Heard<'a>> {
        match self.whole {
            Whole::Open(touch) => touch.told.as_deref().map(|told| told.heard()),
            Whole::Kept(_, kept) => kept.told(),
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
