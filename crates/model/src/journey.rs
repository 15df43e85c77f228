//! One touchpoint after resolution, with the context known at its place in the person's journey.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AccountId, PersonId};
use crate::touchpoint::Touchpoint;

/// The visit a touchpoint belongs to: touches less than 30 minutes apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionContext {
    /// `<person>:<start>`; stable while the session's first touch is.
    pub session_id: String,
    /// When its first touch occurred.
    pub started_at: i64,
    /// This touch's place in it, from 1.
    pub position: i32,
}

impl SessionContext {
    /// The session of a person that began then, at its `position`th touch.
    #[must_use]
    pub fn of(person_id: PersonId, started_at: i64, position: i32) -> Self {
        let mut session_id = String::with_capacity(56);
        session_id.push_str(person_id.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        session_id.push(':');
        session_id.push_str(&started_at.to_string());
        Self { session_id, started_at, position }
    }
}

/// What the person had been exposed to before this touch, over the rolling 30 days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureContext {
    /// Messages received.
    pub count_30d: i32,
    /// Of these, from brand campaigns (demand below 50 percent).
    pub brand_count_30d: i32,
    /// When the last one was received.
    pub last_at: Option<i64>,
    /// Its channel.
    pub last_channel: Option<String>,
}

/// Running totals up to and including this touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Touches of any kind.
    pub touch_count: i64,
    /// Sales less cancelled ones (frequency); a return or refund lowers the value and leaves the order standing.
    pub order_count: i64,
    /// Net value in minor units of `currency` (monetary value).
    pub value_minor: i64,
    /// Net margin in minor units of `currency`.
    pub margin_minor: i64,
    /// The currency of the totals: that of the person's first value. Others are counted, not added.
    pub currency: Option<String>,
    /// Conversions in another currency, left out of the sums.
    pub other_currency_count: i64,
    /// First touch.
    pub first_at: i64,
    /// The sale before this touch, or this one (recency is `occurred_at - last_order_at`).
    pub last_order_at: Option<i64>,
}

/// Whether the person hears one story, over the rolling 30 days up to and including this touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryContext {
    /// Distinct narratives heard.
    pub narrative_count: i32,
    /// Exposures with a message or campaign.
    pub exposure_count: i32,
    /// Of these, with a message approved in the canvas.
    pub approved_count: i32,
    /// Conflicts this touch completes: `offer`, `stage`, `already_bought`, `open_case`.
    pub conflicts: Vec<String>,
    /// For each of these the touchpoint that this one contradicts; empty when it is not kept any more.
    #[serde(default)]
    pub conflicts_with: Vec<String>,
    /// True when this exposure is the first to tell its narrative after another one was heard: it made one story two.
    #[serde(default)]
    pub is_second_story: bool,
}

/// What the plan said of a touch with a campaign or message when the touch arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanContext {
    /// The tentpole that its campaign hangs on.
    pub tentpole_id: Option<String>,
    /// When the flight of its campaign begins that it belongs to.
    pub flight_at: Option<i64>,
    /// The campaign's place between pure brand (0) and pure demand (100).
    pub demand_percent: Option<i32>,
    /// The campaign's role in the funnel.
    pub funnel_role: Option<String>,
    /// The narrative that it told.
    pub narrative_id: Option<String>,
    /// Whether its message was approved.
    pub is_approved: bool,
}

/// One exposure on the way to a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStep {
    /// The exposure's touchpoint.
    pub touchpoint_id: String,
    /// When.
    pub occurred_at: i64,
    /// Where.
    pub channel: String,
    /// For which campaign.
    pub campaign_id: Option<String>,
    /// Whose.
    pub team_id: String,
    /// Which agency trafficked it.
    #[serde(default)]
    pub agency: Option<String>,
    /// Which partner did it.
    #[serde(default)]
    pub partner: Option<String>,
    /// Which tentpole its campaign hangs on.
    #[serde(default)]
    pub tentpole_id: Option<String>,
    /// When the flight of its campaign begins.
    #[serde(default)]
    pub flight_at: Option<i64>,
    /// Which message it was.
    #[serde(default)]
    pub message_id: Option<String>,
}

/// One touchpoint after resolution; the record of `tributary.journeys`, keyed by person.
///
/// The stream is a changelog: a correction is a record with `retracted = true` that repeats what was said before,
/// followed by one with the next revision. Folding assertions less retractions gives the present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JourneyEvent {
    /// The person.
    pub person_id: PersonId,
    /// The person's accounts as this touch states them.
    pub account_ids: Vec<AccountId>,
    /// 1 for the first statement of this touchpoint at this person, then counting up.
    pub revision: i32,
    /// True when this takes back the statement it repeats.
    pub retracted: bool,
    /// The team that answers for the touch, by the canvas at that time.
    pub team_id: String,
    /// The event.
    pub touchpoint: Touchpoint,
    /// Its session.
    pub session: SessionContext,
    /// Lifecycle stage from this touch on.
    pub stage: String,
    /// Stage before, when this touch changed it.
    pub previous_stage: Option<String>,
    /// What was heard before.
    pub exposure: ExposureContext,
    /// Running totals.
    pub totals: Totals,
    /// One story or several.
    pub story: StoryContext,
    /// Conversions only: the newest exposures within the look-back window (30 days, at most 50), oldest first.
    pub path: Vec<PathStep>,
    /// What the plan said of it.
    #[serde(default)]
    pub plan: Option<Box<PlanContext>>,
}

impl JourneyEvent {
    /// The tentpole of its campaign.
    #[must_use]
    pub fn tentpole_id(&self) -> Option<&str> {
        self.plan.as_ref().and_then(|plan| plan.tentpole_id.as_deref())
    }

    /// When the flight of its campaign begins.
    #[must_use]
    pub fn flight_at(&self) -> Option<i64> {
        self.plan.as_ref().and_then(|plan| plan.flight_at)
    }
}
