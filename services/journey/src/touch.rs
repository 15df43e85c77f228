//! One touch as a journey keeps it: what was stated, and what the plan said of it when it arrived.

use serde::{Deserialize, Serialize};
use tributary_model::canvas::Campaign;
use tributary_model::journey::{ExposureContext, JourneyEvent, PlanContext, SessionContext, StoryContext, Totals};
use tributary_model::{Canvas, Identifier, PersonId, Touchpoint};
use tributary_stream::OrderedStore;

use crate::context::{PathLimits, Rules};
use crate::kept::Kept;

/// A touch's place in its person's journey: event time, then id.
pub type TouchKey = (i64, String);

/// The touches of all persons of a task, each person's in order.
pub type Touches = OrderedStore<PersonId, TouchKey, Kept>;

/// Campaigns below this share of demand count as brand.
const DEMAND_PERCENT_OF_BRAND: i32 = 50;

/// A touch in a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// The identifier by which it came, if that is not its touchpoint's first: should the person be taken apart, it goes
    /// with this one.
    pub via: Option<Box<Identifier>>,
    /// What is stated of it on the journeys stream, but for the `path`: that is left empty and derived again
    /// when it is needed, since it repeats what other touches hold.
    pub event: JourneyEvent,
    /// What it told the person, for exposures with a campaign or message.
    pub told: Option<Box<Told>>,
    /// Counts up to and including this touch that stages go by and the statement does not carry.
    pub counts: Counts,
    /// The limits by which the path was derived that was stated, so that taking it back repeats it whatever the
    /// limits are by then.
    pub path_limits: PathLimits,
}

/// Running counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Touches in which the person did something.
    pub inbound: i64,
    /// Touches in which the person received a message.
    pub exposures: i64,
}

/// What the canvas said, when an exposure arrived, of the time at which it happened. It is kept, so that a correction years
/// later does not judge by another plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The story it told.
    pub narrative_id: Option<String>,
    /// Its campaign stands on the brand side of the spectrum.
    pub is_brand: bool,
    /// Its message is approved.
    pub is_approved: bool,
    /// Its message speaks to people who have not bought yet.
    pub is_acquisition: bool,
    /// It asks to buy: its campaign's role is conversion, or its message makes an offer outside of any campaign.
    pub is_push: bool,
    /// What it offers.
    pub offer: Option<Offer>,
}

/// What a touch told, where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard<'a> {
    pub(crate) narrative_id: Option<&'a str>,
    pub(crate) is_brand: bool,
    pub(crate) is_approved: bool,
    pub(crate) is_acquisition: bool,
    pub(crate) is_push: bool,
    /// Subject and claim.
    pub(crate) offer: Option<(&'a str, &'a str)>,
}

/// An offer as a message words it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The sku or category.
    pub subject: String,
    /// The claim, such as `20% off`; empty when the message names a subject only.
    pub claim: String,
}

impl Told {
    /// The same, where it lies.
    pub(crate) fn heard(&self) -> Heard<'_> {
        Heard {
            narrative_id: self.narrative_id.as_deref(),
            is_brand: self.is_brand,
            is_approved: self.is_approved,
            is_acquisition: self.is_acquisition,
            is_push: self.is_push,
            offer: self.offer.as_ref().map(|offer| (offer.subject.as_str(), offer.claim.as_str())),
        }
    }

    /// What `touchpoint` told; `None` when it is no exposure or carries neither campaign nor message.
    #[must_use]
    pub fn by(canvas: &Canvas, touchpoint: &Touchpoint) -> Option<Box<Self>> {
        let is_planned = touchpoint.campaign_id.is_some() || touchpoint.message_id.is_some();
        if !is_planned || !touchpoint.is_exposure() {
            return None;
        }
        let campaign = touchpoint.campaign_id.as_deref().and_then(|id| canvas.campaign(id, touchpoint.occurred_at));
        let message = touchpoint.message_id.as_deref().and_then(|id| canvas.message(id, touchpoint.occurred_at));
        let offer = message.and_then(|message| {
            let subject = message.offer_subject.clone()?;
            Some(Offer { subject, claim: message.claim() })
        });
        Some(Box::new(Self {
            narrative_id: canvas.narrative_of(touchpoint).map(str::to_owned),
            is_brand: campaign.is_some_and(|campaign| campaign.demand_percent < DEMAND_PERCENT_OF_BRAND),
            is_approved: message.is_some_and(|message| message.approved),
            is_acquisition: message.is_some_and(|message| message.stage.as_deref() == Some("acquisition")),
            is_push: campaign.map_or(offer.is_some(), |campaign| campaign.funnel_role == "conversion"),
            offer,
        }))
    }
}

/// What the plan says of a touch; `None` when it knows neither its campaign nor its message.
fn plan_of(canvas: &Canvas, touchpoint: &Touchpoint) -> Option<Box<PlanContext>> {
    let at = touchpoint.occurred_at;
    let campaign = touchpoint.campaign_id.as_deref().and_then(|id| canvas.campaign(id, at));
    let message = touchpoint.message_id.as_deref().and_then(|id| canvas.message(id, at));
    if campaign.is_none() && message.is_none() {
        return None;
    }
    Some(Box::new(PlanContext {
        tentpole_id: campaign.and_then(|campaign| campaign.tentpole_id.clone()),
        flight_at: campaign.and_then(|campaign| flight_at(campaign, at)),
        demand_percent: campaign.map(|campaign| campaign.demand_percent),
        funnel_role: campaign.map(|campaign| campaign.funnel_role.clone()),
        narrative_id: canvas.narrative_of(touchpoint).map(str::to_owned),
        is_approved: message.is_some_and(|message| message.approved),
    }))
}

/// When the flight begins that is on at `at`.
fn flight_at(campaign: &Campaign, at: i64) -> Option<i64> {
    campaign.starts_at.filter(|starts_at| *starts_at <= at && campaign.ends_at.is_none_or(|ends_at| at < ends_at))
}

impl Touch {
    /// A touch that has just arrived at `person_id`; its context is yet to be derived.
    #[must_use]
    pub fn new(rules: &Rules, person_id: PersonId, canvas: &Canvas, touchpoint: Touchpoint) -> Self {
        let told = Told::by(canvas, &touchpoint);
        let plan = plan_of(canvas, &touchpoint);
        let named = rules.accounts.named(&rules.realm, &touchpoint.account_identifiers);
        let event = JourneyEvent {
            person_id,
            account_ids: named.into_iter().map(|named| named.id).collect(),
            revision: 0,
            retracted: false,
            team_id: canvas.team_of(&touchpoint).to_owned(),
            touchpoint,
            session: SessionContext { session_id: String::new(), started_at: 0, position: 0 },
            stage: String::new(),
            previous_stage: None,
            exposure: ExposureContext::default(),
            totals: Totals::default(),
            story: StoryContext::default(),
            path: Vec::new(),
            plan,
        };
        Self { via: None, event, told, counts: Counts::default(), path_limits: PathLimits::default() }
    }

    /// The same touch, which came by `via`.
    #[must_use]
    pub fn by(mut self, via: Identifier) -> Self {
        let first = self.event.touchpoint.identifiers.first();
        self.via = first.is_some_and(|first| *first != via).then(|| Box::new(via));
        self
    }

    /// The identifier by which it came; `None` when it names nobody.
    #[must_use]
    pub fn via(&self) -> Option<&Identifier> {
        self.via.as_deref().or(self.event.touchpoint.identifiers.first())
    }

    /// The same touch without the identifiers for which `is_unseen` holds; `None` when it names none of them.
    #[must_use]
    pub fn without(&self, is_unseen: impl Fn(&Identifier, i64) -> bool) -> Option<Self> {
        let touchpoint = &self.event.touchpoint;
        let goes = |identifier: &Identifier| is_unseen(identifier, touchpoint.received_at);
        if !touchpoint.identifiers.iter().any(goes) {
            return None;
        }
        let via = self.via().cloned();
        let mut touch = self.clone();
        touch.event.touchpoint.identifiers.retain(|identifier| !goes(identifier));
        Some(match via {
            Some(via) => touch.by(via),
            None => touch,
        })
    }

    /// The same touch on its way to `person_id`, to be stated there for the first time.
    #[must_use]
    pub fn moved_to(mut self, person_id: PersonId) -> Self {
        self.event.person_id = person_id;
        self.event.revision = 0;
        self
    }

    /// Its place in the journey.
    #[must_use]
    pub fn key(&self) -> TouchKey {
        (self.occurred_at(), self.id().to_owned())
    }

    /// When it occurred.
    #[must_use]
    pub fn occurred_at(&self) -> i64 {
        self.event.touchpoint.occurred_at
    }

    /// Its touchpoint's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.event.touchpoint.touchpoint_id
    }

    pub(crate) fn place(&self) -> (i64, &str) {
        (self.occurred_at(), self.id())
    }
}
