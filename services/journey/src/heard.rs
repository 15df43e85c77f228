//! What an account passes on its way: what its members hear, and sales.

use serde::{Deserialize, Serialize};
use tributary_model::path::Waypoint;
use tributary_model::{JourneyEvent, Touchpoint};

use crate::touch::Touch;

/// What was passed at one touch. Whatever is said of a touch is always the same, so that what is said twice is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Passed {
    pub(crate) occurred_at: i64,
    pub(crate) touchpoint_id: String,
    pub(crate) event: PassedEvent,
}

/// What it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum PassedEvent {
    /// An exposure, of whichever member.
    Heard {
        waypoint: Waypoint,
        /// What it told; `None` without a campaign or message.
        line: Option<Line>,
    },
    /// A conversion that names the account.
    Sold {
        waypoint: Waypoint,
        is_sale: bool,
        /// Whether what was heard before has come to a sale by it.
        ends_paths: bool,
        /// Minor units and currency, at the one account on whose path it is counted.
        value: Option<(i64, String)>,
    },
}

/// What an exposure told, as far as stories of accounts go by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) narrative_id: Option<String>,
    pub(crate) is_approved: bool,
}

impl Passed {
    /// What an exposure lets the accounts of its person hear; `None` when it is none.
    pub(crate) fn heard(touch: &Touch) -> Option<Self> {
        let event = &touch.event;
        let waypoint = event.touchpoint.is_exposure().then(|| waypoint(event))?;
        Some(Self::at(&event.touchpoint, PassedEvent::Heard { waypoint, line: line(touch) }))
    }

    /// The conversion that names an account; `None` when it is none, or none that this account goes by. It is counted at
    /// the first account that it names.
    pub(crate) fn sold(event: &JourneyEvent, is_first: bool) -> Option<Self> {
        let touchpoint = &event.touchpoint;
        let value = touchpoint.value.as_ref().filter(|_| touchpoint.is_conversion())?;
        let value = is_first.then(|| (value.amount_minor, value.currency.clone()));
        let is_sale = touchpoint.is_sale();
        let ends_paths = is_sale && !touchpoint.is_exposure();
        if value.is_none() && !ends_paths {
            return None;
        }
        Some(Self::at(touchpoint, PassedEvent::Sold { waypoint: waypoint(event), is_sale, ends_paths, value }))
    }

    fn at(touchpoint: &Touchpoint, event: PassedEvent) -> Self {
        let (occurred_at, touchpoint_id) = (touchpoint.occurred_at, touchpoint.touchpoint_id.clone());
        Self { occurred_at, touchpoint_id, event }
    }

    /// Its place among all that was passed.
    pub(crate) fn place(&self) -> (i64, &str) {
        (self.occurred_at, &self.touchpoint_id)
    }

    pub(crate) fn is_heard(&self) -> bool {
        matches!(self.event, PassedEvent::Heard { .. })
    }
}

/// What a touch told, by the plan of the time when it arrived.
fn line(touch: &Touch) -> Option<Line> {
    let told = touch.told.as_deref()?;
    Some(Line { narrative_id: told.narrative_id.clone(), is_approved: told.is_approved })
}

fn waypoint(event: &JourneyEvent) -> Waypoint {
    Waypoint { team_id: event.team_id.clone(), channel: event.touchpoint.channel.clone() }
}
