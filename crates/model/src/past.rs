//! The touches of a journey as chained steps look at them.
//!
//! A step asks of most touches when they were and of what type, and of few of them more. So a touch may stay packed until
//! somebody asks for the rest of it; then it is opened, once.

use std::cell::OnceCell;
use std::fmt;
use std::ops::Deref;

use crate::ids::PersonId;
use crate::journey::JourneyEvent;
use crate::touchpoint::{Direction, Touchpoint};

/// A touch that is packed.
pub trait Packed {
    /// All that was stated of it at this person, but for the path.
    fn open(&self, person_id: PersonId, glimpse: &Glimpse<'_>) -> JourneyEvent;

    /// One of its properties.
    fn property(&self, name: &str) -> Option<&str>;
}

/// What is seen of a touch before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glimpse<'a> {
    /// When it occurred.
    pub occurred_at: i64,
    /// Its touchpoint's id.
    pub touchpoint_id: &'a str,
    /// What happened.
    pub event_type: &'a str,
    /// Where.
    pub channel: &'a str,
    /// Who spoke.
    pub direction: Direction,
}

impl<'a> Glimpse<'a> {
    /// What is seen of a touchpoint.
    #[must_use]
    pub fn of(touchpoint: &'a Touchpoint) -> Self {
        Self {
            occurred_at: touchpoint.occurred_at,
            touchpoint_id: &touchpoint.touchpoint_id,
            event_type: &touchpoint.event_type,
            channel: &touchpoint.channel,
            direction: touchpoint.direction,
        }
    }
}

/// A touch of a journey. It dereferences to the whole event, which opens it.
pub struct Past<'a> {
    /// What is seen of it.
    pub glimpse: Glimpse<'a>,
    whole: Whole<'a>,
}

enum Whole<'a> {
    Open(&'a JourneyEvent),
    Packed { person_id: PersonId, touch: &'a dyn Packed, opened: OnceCell<Box<JourneyEvent>> },
}

impl<'a> Past<'a> {
    /// A touch that is open.
    #[must_use]
    pub fn of(event: &'a JourneyEvent) -> Self {
        Self { glimpse: Glimpse::of(&event.touchpoint), whole: Whole::Open(event) }
    }

    /// A touch of this person that is packed.
    #[must_use]
    pub fn packed(person_id: PersonId, glimpse: Glimpse<'a>, touch: &'a dyn Packed) -> Self {
        Self { glimpse, whole: Whole::Packed { person_id, touch, opened: OnceCell::new() } }
    }

    /// When it occurred.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.glimpse.occurred_at
    }

    /// One of its properties; does not open it.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        match &self.whole {
            Whole::Open(event) => event.touchpoint.properties.get(name).map(String::as_str),
            Whole::Packed { touch, .. } => touch.property(name),
        }
    }

    /// Its place in the journey.
    #[must_use]
    pub fn place(&self) -> (i64, &'a str) {
        (self.glimpse.occurred_at, self.glimpse.touchpoint_id)
    }
}

impl Deref for Past<'_> {
    type Target = JourneyEvent;

    fn deref(&self) -> &JourneyEvent {
        match &self.whole {
            Whole::Open(event) => event,
            Whole::Packed { person_id, touch, opened } => {
                opened.get_or_init(|| Box::new(touch.open(*person_id, &self.glimpse)))
            }
        }
    }
}

impl fmt::Debug for Past<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Past").field(&self.glimpse).finish()
    }
}
