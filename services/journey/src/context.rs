//! What is known at a touch's place in the journey: session, exposure, totals, story, stage and path.
//!
//! [`derive`] is a function of the touches before, newest first, and reads no further back than the rolling window. So a
//! touch in order costs the window, whatever the length of the journey.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_model::journey::{ExposureContext, JourneyEvent, PathStep, SessionContext, StoryContext, Totals};
use tributary_model::time::DAY_MS;
use tributary_model::{PersonId, Touchpoint};
use uuid::Uuid;

use crate::account_rules::AccountRules;
use crate::base::{Base, FoldedExposure};
use crate::config::Config;
use crate::earlier::{Earlier, Previous};
use crate::stage::{Facts, StageDefinitions};
use crate::story::Story;
use crate::touch::{Counts, Heard, Touch};

/// The rules by which contexts are derived.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Touches less than this apart belong to one session.
    pub session_gap_ms: i64,
    /// The rolling window of exposure, story and recent types.
    pub window_ms: i64,
    /// How far a path reaches.
    pub path: PathLimits,
    /// The most touches that are kept for a person.
    pub horizon_touches: usize,
    /// How long before the newest they are kept.
    pub horizon_ms: i64,
    /// The stages.
    pub stages: Arc<StageDefinitions>,
    /// What an account is.
    pub accounts: Arc<AccountRules>,
    /// The namespace of the realm's ids.
    pub realm: Uuid,
}

impl Rules {
    /// The rules that `config`, `stages` and `accounts` give.
    #[must_use]
    pub fn new(config: &Config, stages: Arc<StageDefinitions>, accounts: Arc<AccountRules>) -> Self {
        Self {
            session_gap_ms: config.session_gap_ms(),
            window_ms: config.window_ms(),
            path: PathLimits { lookback_ms: config.lookback_ms(), max_steps: config.max_path_steps },
            horizon_touches: config.horizon_touches,
            horizon_ms: config.horizon_ms(),
            stages,
            accounts,
            realm: config.realm_uuid(),
        }
    }
}

/// How far the path of a conversion reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathLimits {
    /// How far back, in milliseconds.
    pub lookback_ms: i64,
    /// The most exposures, the newest of them.
    pub max_steps: usize,
}

/// What is derived for one touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    /// Its session.
    pub(crate) session: SessionContext,
    /// The stage from it on.
    pub(crate) stage: String,
    /// The stage before, when it changed.
    pub(crate) previous_stage: Option<String>,
    /// What was heard before.
    pub(crate) exposure: ExposureContext,
    /// Totals including it.
    pub(crate) totals: Totals,
    /// Counts including it.
    pub(crate) counts: Counts,
    /// One story or several.
    pub(crate) story: StoryContext,
    /// Exposures on the way to it, when it is a conversion.
    pub(crate) path: Vec<PathStep>,
}

/// What stands right before a touch.
#[derive(Debug, Clone)]
pub(crate) struct Before<'a> {
    last: Option<Last>,
    stage: &'a str,
    totals: Totals,
    counts: Counts,
}

/// The touch right before.
#[derive(Debug, Clone, Copy)]
struct Last {
    occurred_at: i64,
    started_at: i64,
    position: i32,
}

impl<'a> Before<'a> {
    /// What stands before `touch` when only the base, or nothing, comes before it.
    #[must_use]
    pub(crate) fn from_base(rules: &'a Rules, base: &'a Base, touch: &Touch) -> Self {
        let mut before =
            Self { last: None, stage: rules.stages.person.first(), totals: base.totals(), counts: base.counts };
        before.heed_tail(base, touch, None);
        before
    }

    /// What stands before `touch` when `previous` comes right before it.
    #[must_use]
    pub(crate) fn after(previous: Previous<'a>, base: &'a Base, touch: &Touch) -> Self {
        let Previous { occurred_at, id, started_at, position, stage, totals, counts } = previous;
        let mut before = Self { last: Some(Last { occurred_at, started_at, position }), stage, totals, counts };
        before.heed_tail(base, touch, Some((occurred_at, id)));
        before
    }

    /// The newest folded touch is the one right before when it lies between: after a merge it may be newer than touches
    /// that are still kept.
    fn heed_tail(&mut self, base: &'a Base, touch: &Touch, previous: Option<(i64, &str)>) {
        let Some(tail) = &base.tail else { return };
        let place = (tail.key.0, tail.key.1.as_str());
        if place < touch.place() && previous.is_none_or(|previous| place > previous) {
            self.last = Some(Last { occurred_at: tail.key.0, started_at: tail.started_at, position: tail.position });
            self.stage = &tail.stage;
        }
    }
}

/// The context of `touch`, from what stands right `before` it, the touches before it, newest first, and the base.
pub(crate) fn derive<'a>(
    rules: &Rules,
    person_id: PersonId,
    touch: &'a Touch,
    before: Before<'_>,
    earlier: impl Iterator<Item = Earlier<'a>>,
    base: &'a Base,
) -> Context {
    let touchpoint = &touch.event.touchpoint;
    let mut window = Window::at(rules, touch);
    window.gather(rules, earlier, base);
    let session = session(rules, person_id, touchpoint.occurred_at, before.last);
    let has_ordered = before.totals.order_count > 0;
    let totals = before.totals.after(touchpoint);
    let counts = before.counts.after(touchpoint);
    let facts = Facts {
        touches: totals.touch_count,
        inbound: counts.inbound,
        exposures: counts.exposures,
        orders: totals.order_count,
        value_minor: totals.value_minor,
        days_since_order: totals.last_order_at.map(|at| touchpoint.occurred_at.saturating_sub(at) / DAY_MS),
        seen: window.seen,
        ..Facts::default()
    };
    let stage = rules.stages.person.stage(&facts);
    Context {
        session,
        stage: stage.to_owned(),
        previous_stage: (stage != before.stage).then(|| before.stage.to_owned()),
        exposure: window.exposure,
        totals,
        counts,
        story: window.story.finish(has_ordered),
        path: window.path,
    }
}

/// The path of a conversion as it was stated, derived again by the limits of then; empty for other touches.
pub(crate) fn stated_path<'a>(
    rules: &Rules,
    touch: &'a Touch,
    earlier: impl Iterator<Item = Earlier<'a>>,
    base: &'a Base,
) -> Vec<PathStep> {
    if !touch.event.touchpoint.is_conversion() {
        return Vec::new();
    }
    let mut window = Window::at(rules, touch);
    window.limits = touch.path_limits;
    window.gather(rules, earlier, base);
    window.path
}

/// An exposure as it stands on a path.
pub(crate) fn path_step(event: &JourneyEvent) -> PathStep {
    let touchpoint = &event.touchpoint;
    PathStep {
        touchpoint_id: touchpoint.touchpoint_id.clone(),
        occurred_at: touchpoint.occurred_at,
        channel: touchpoint.channel.clone(),
        campaign_id: touchpoint.campaign_id.clone(),
        team_id: event.team_id.clone(),
        agency: touchpoint.agency.clone(),
        partner: touchpoint.partner.clone(),
        tentpole_id: event.tentpole_id().map(str::to_owned),
        flight_at: event.flight_at(),
        message_id: touchpoint.message_id.clone(),
    }
}

fn session(rules: &Rules, person_id: PersonId, occurred_at: i64, last: Option<Last>) -> SessionContext {
    let continued = last.filter(|last| occurred_at.saturating_sub(last.occurred_at) < rules.session_gap_ms);
    let (started_at, position) =
        continued.map_or((occurred_at, 1), |last| (last.started_at, last.position.saturating_add(1)));
    SessionContext::of(person_id, started_at, position)
}

impl Counts {
    /// The counts after one more touch.
    #[must_use]
    pub fn after(self, touchpoint: &Touchpoint) -> Self {
        let is_inbound = touchpoint.direction == tributary_model::Direction::Inbound;
        Self {
            inbound: self.inbound + i64::from(is_inbound),
            exposures: self.exposures + i64::from(touchpoint.is_exposure()),
        }
    }
}

/// Totals that run on.
trait RunningTotals {
    /// The totals after one more touch.
    fn after(self, touchpoint: &Touchpoint) -> Self;
}

impl RunningTotals for Totals {
    fn after(mut self, touchpoint: &Touchpoint) -> Self {
        let at = touchpoint.occurred_at;
        self.first_at = if self.touch_count == 0 { at } else { self.first_at.min(at) };
        self.touch_count += 1;
        self.order_count += touchpoint.order_delta();
        if touchpoint.is_sale() {
            self.last_order_at = self.last_order_at.max(Some(at));
        }
        if touchpoint.is_conversion()
            && let Some(value) = &touchpoint.value
        {
            if self.currency.get_or_insert_with(|| value.currency.clone()) == &value.currency {
                self.value_minor = self.value_minor.saturating_add(value.amount_minor);
                self.margin_minor = self.margin_minor.saturating_add(touchpoint.margin_minor());
            } else {
                self.other_currency_count += 1;
            }
        }
        self
    }
}

/// What the touches of the rolling windows add up to, gathered from the newest to the oldest.
struct Window<'a> {
    touch: &'a Touch,
    limits: PathLimits,
    exposure: ExposureContext,
    story: Story<'a>,
    seen: Vec<&'a str>,
    path: Vec<PathStep>,
}

impl<'a> Window<'a> {
    fn at(rules: &Rules, touch: &'a Touch) -> Self {
        let mut window = Self {
            touch,
            limits: rules.path,
            exposure: ExposureContext::default(),
            story: Story::at(touch),
            seen: Vec::new(),
            path: Vec::new(),
        };
        window.see(rules, &touch.event.touchpoint.event_type);
        window
    }

    fn gather(&mut self, rules: &Rules, earlier: impl Iterator<Item = Earlier<'a>>, base: &'a Base) {
        let at = self.touch.occurred_at();
        let window_start = at.saturating_sub(rules.window_ms);
        let lookback_start = if self.touch.event.touchpoint.is_conversion() {
            at.saturating_sub(self.limits.lookback_ms)
        } else {
            i64::MAX
        };
        let start = window_start.min(lookback_start);
        for touch in earlier.take_while(|touch| touch.occurred_at >= start) {
            if touch.occurred_at >= window_start {
                if touch.may_be_watched(&rules.stages.person) {
                    self.see(rules, touch.event_type());
                }
                self.story.look_at(&touch);
            }
            if touch.is_exposure() {
                if touch.occurred_at >= window_start {
                    self.hear(touch.occurred_at, || touch.channel());
                    if let Some(told) = touch.told() {
                        self.be_told(touch.id, told);
                    }
                }
                if touch.occurred_at >= lookback_start && self.path.len() < self.limits.max_steps {
                    self.path.push(path_step(&touch.whole().event));
                }
            }
        }
        self.gather_folded(base, window_start, lookback_start);
        self.path.reverse();
    }

    /// Exposures beyond the horizon. They usually lie before all touches that are kept; after a merge the path is put in
    /// order by its time.
    fn gather_folded(&mut self, base: &'a Base, window_start: i64, lookback_start: i64) {
        if base.exposures.is_empty() {
            return;
        }
        let place = self.touch.place();
        let is_before =
            |exposure: &&FoldedExposure| (exposure.step.occurred_at, exposure.step.touchpoint_id.as_str()) < place;
        for exposure in base.exposures.iter().rev().filter(is_before) {
            let at = exposure.step.occurred_at;
            if at >= window_start {
                self.hear(at, || &exposure.step.channel);
                if let Some(told) = exposure.told.as_deref() {
                    self.be_told(&exposure.step.touchpoint_id, told.heard());
                }
            }
            if at >= lookback_start {
                self.path.push(exposure.step.clone());
            }
        }
        self.path.sort_by(|a, b| (b.occurred_at, &b.touchpoint_id).cmp(&(a.occurred_at, &a.touchpoint_id)));
        self.path.truncate(self.limits.max_steps);
    }

    fn see(&mut self, rules: &Rules, kind: &'a str) {
        if rules.stages.person.watches(kind) && !self.seen.contains(&kind) {
            self.seen.push(kind);
        }
    }

    fn hear<'c>(&mut self, occurred_at: i64, channel: impl FnOnce() -> &'c str) {
        self.exposure.count_30d += 1;
        if self.exposure.last_at.is_none_or(|last_at| occurred_at > last_at) {
            self.exposure.last_at = Some(occurred_at);
            self.exposure.last_channel = Some(channel().to_owned());
        }
    }

    fn be_told(&mut self, touchpoint_id: &'a str, told: Heard<'a>) {
        self.exposure.brand_count_30d += i32::from(told.is_brand);
        self.story.hear(touchpoint_id, told);
    }
}
