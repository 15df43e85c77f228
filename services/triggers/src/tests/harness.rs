//! A journey small enough to read: touches in any order, timers by a watermark without lateness, and what the engine
//! made of them.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::ids::realm_uuid;
use tributary_model::journey::{ExposureContext, SessionContext, StoryContext, Totals};
use tributary_model::step::{PersonStep, PersonView, StepEffects};
use tributary_model::time::{MINUTE_MS, from_rfc3339};
use tributary_model::{
    Consent, Decision, DecisionOutcome, Direction, Domain, Fate, Identifier, JourneyEvent, Money, Past, PersonId,
    Touchpoint, TriggerIntent, WithheldReason,
};

use crate::{Definitions, TriggerEngine, TriggerState, TriggersConfig};

/// Ten in the morning, UTC, of a Monday.
pub(crate) fn monday() -> i64 {
    from_rfc3339("2026-03-02T10:00:00Z").unwrap()
}

pub(crate) fn person(number: u32) -> PersonId {
    PersonId::of(&realm_uuid("test"), &Identifier::new("email", number.to_string()))
}

/// An inbound touch of a web shop, to be changed by the methods below.
pub(crate) fn touch(event_type: &str, at: i64) -> JourneyEvent {
    JourneyEvent {
        person_id: person(0),
        account_ids: Vec::new(),
        revision: 1,
        retracted: false,
        team_id: "unassigned".to_owned(),
        touchpoint: Touchpoint {
            touchpoint_id: format!("test:{event_type}@{at}"),
            source: "test".to_owned(),
            domain: Domain::Ecommerce,
            event_type: event_type.to_owned(),
            occurred_at: at,
            received_at: at,
            identifiers: Vec::new(),
            refused_identifiers: Vec::new(),
            account_identifiers: Vec::new(),
            channel: "direct".to_owned(),
            direction: Direction::Inbound,
            campaign_id: None,
            message_id: None,
            decision_id: None,
            agency: None,
            partner: None,
            cost: None,
            value: None,
            items: Vec::new(),
            order_id: None,
            location: None,
            consents: Vec::new(),
            duplicate_of: None,
            properties: BTreeMap::new(),
        },
        session: SessionContext { session_id: String::new(), started_at: 0, position: 0 },
        stage: String::new(),
        previous_stage: None,
        exposure: ExposureContext::default(),
        totals: Totals::default(),
        story: StoryContext::default(),
        path: Vec::new(),
        plan: None,
    }
}

pub(crate) trait TouchExt: Sized {
    fn change(self, change: impl FnOnce(&mut JourneyEvent)) -> Self;

    fn outbound(self, channel: &str, team_id: &str) -> Self {
        self.change(|event| {
            event.touchpoint.direction = Direction::Outbound;
            event.touchpoint.channel = channel.to_owned();
            event.team_id = team_id.to_owned();
        })
    }

    fn worth(self, amount_minor: i64) -> Self {
        self.change(|event| event.touchpoint.value = Some(Money::new("EUR", amount_minor)))
    }

    fn order(self, order_id: &str) -> Self {
        self.change(|event| event.touchpoint.order_id = Some(order_id.to_owned()))
    }

    fn property(self, name: &str, value: &str) -> Self {
        self.change(|event| drop(event.touchpoint.properties.insert(name.to_owned(), value.to_owned())))
    }

    fn consent(self, channel: &str, purpose: &str, granted: bool) -> Self {
        let consent = Consent { channel: channel.to_owned(), purpose: purpose.to_owned(), granted };
        self.change(|event| event.touchpoint.consents.push(consent))
    }
}

impl TouchExt for JourneyEvent {
    fn change(mut self, change: impl FnOnce(&mut JourneyEvent)) -> Self {
        change(&mut self);
        self
    }
}

/// One person, the engine, and everything it said.
pub(crate) struct World {
    pub(crate) engine: TriggerEngine,
    pub(crate) person_id: PersonId,
    pub(crate) history: Vec<JourneyEvent>,
    pub(crate) state: TriggerState,
    pub(crate) timers: BTreeSet<i64>,
    pub(crate) watermark_at: i64,
    /// By which identifier the next touches come.
    pub(crate) via: Option<Identifier>,
    pub(crate) merge_pending: bool,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) intents: Vec<TriggerIntent>,
    pub(crate) outcomes: Vec<DecisionOutcome>,
}

impl World {
    pub(crate) fn of(definitions: &[&str]) -> Self {
        Self::with(definitions, &TriggersConfig::default())
    }

    pub(crate) fn with(definitions: &[&str], config: &TriggersConfig) -> Self {
        let files = definitions.iter().map(|text| ("test.yaml", *text));
        let definitions = Definitions::parse(files).unwrap_or_else(|problems| panic!("{problems:#?}"));
        Self::running(TriggerEngine::new(definitions, config).unwrap())
    }

    /// The shipped triggers of these names and no others, so that a story is about them.
    pub(crate) fn shipped(trigger_ids: &str) -> Self {
        let wanted: Vec<&str> = trigger_ids.split(' ').collect();
        let builtin = Definitions::builtin().unwrap();
        let disabled =
            builtin.iter().map(|known| known.id.clone()).filter(|id| !wanted.contains(&id.as_str())).collect();
        Self::running(TriggerEngine::configured(&TriggersConfig { disabled, ..TriggersConfig::default() }).unwrap())
    }

    pub(crate) fn running(engine: TriggerEngine) -> Self {
        Self {
            engine,
            person_id: person(1),
            history: Vec::new(),
            state: TriggerState::default(),
            timers: BTreeSet::new(),
            watermark_at: i64::MIN,
            via: None,
            merge_pending: false,
            decisions: Vec::new(),
            intents: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// A person in the arm asked for, of a trigger whose seed is its id.
    pub(crate) fn in_arm(mut self, seed: &str, holdout_buckets: u16, arm: tributary_model::Arm) -> Self {
        let fits = |number: &u32| crate::arms::assign(seed, person(*number), holdout_buckets) == arm;
        self.person_id = person((1..10_000).find(fits).unwrap());
        self
    }

    /// Time passes to `at`, then the touch arrives.
    pub(crate) fn see(&mut self, event: JourneyEvent) -> &mut Self {
        self.pass_to(self.watermark_at.max(event.touchpoint.occurred_at));
        let changes = self.insert(event);
        self.step(|engine, person, state, effects| engine.on_journey(person, &changes, state, effects));
        self
    }

    /// Timers due by `at` fire.
    pub(crate) fn pass_to(&mut self, at: i64) -> &mut Self {
        self.watermark_at = self.watermark_at.max(at);
        while let Some(due_at) = self.timers.first().copied().filter(|due_at| *due_at <= at) {
            self.timers.remove(&due_at);
            self.step(|engine, person, state, effects| engine.on_timer(person, due_at, state, effects));
        }
        self
    }

    pub(crate) fn step(
        &mut self,
        run: impl FnOnce(&TriggerEngine, PersonView<'_>, &mut TriggerState, &mut StepEffects),
    ) {
        let mut effects = StepEffects::default();
        let history: Vec<Past<'_>> = self.history.iter().map(Past::of).collect();
        let person = PersonView {
            person_id: self.person_id,
            experiment_id: self.person_id,
            history: &history,
            via: self.via.as_ref(),
            merge_pending: self.merge_pending,
        };
        run(&self.engine, person, &mut self.state, &mut effects);
        self.decisions.extend(effects.decisions);
        self.intents.extend(effects.intents);
        self.timers.extend(effects.wake_at);
        self.timers.extend(effects.wake_promptly_at);
        self.outcomes.extend(effects.outcomes);
    }

    /// Puts a touch at its place and gives the records of the journeys stream: it, and corrections of later ones.
    pub(crate) fn insert(&mut self, mut event: JourneyEvent) -> Vec<JourneyEvent> {
        event.person_id = self.person_id;
        let touchpoint_id = event.touchpoint.touchpoint_id.clone();
        let before: BTreeMap<String, JourneyEvent> =
            self.history.iter().map(|event| (event.touchpoint.touchpoint_id.clone(), event.clone())).collect();
        self.history.push(event);
        self.recompute();
        let mut changes = Vec::new();
        for event in &mut self.history {
            match before.get(&event.touchpoint.touchpoint_id) {
                Some(known) if known != event => {
                    changes.push(JourneyEvent { retracted: true, ..known.clone() });
                    event.revision += 1;
                    changes.push(event.clone());
                }
                None if event.touchpoint.touchpoint_id == touchpoint_id => changes.push(event.clone()),
                _ => {}
            }
        }
        changes
    }

    pub(crate) fn recompute(&mut self) {
        self.history.sort_by(|a, b| {
            let place = |event: &JourneyEvent| (event.touchpoint.occurred_at, event.touchpoint.touchpoint_id.clone());
            place(a).cmp(&place(b))
        });
        let mut totals = Totals::default();
        let mut session: Option<(SessionContext, i64)> = None;
        for event in &mut self.history {
            let at = event.touchpoint.occurred_at;
            totals.touch_count += 1;
            if event.touchpoint.is_sale() {
                totals.order_count += 1;
                totals.last_order_at = Some(at);
            }
            let current = match session.take() {
                Some((mut known, last_at)) if at - last_at < 30 * MINUTE_MS => {
                    known.position += 1;
                    known
                }
                _ => SessionContext { session_id: format!("{}:{at}", event.person_id), started_at: at, position: 1 },
            };
            session = Some((current.clone(), at));
            event.session = current;
            event.totals = totals.clone();
            let stage = match totals.order_count {
                0 => "engaged",
                1 | 2 => "customer",
                _ => "loyal",
            };
            event.stage = stage.to_owned();
        }
    }

    /// Fates in order: `sent` or the reason.
    pub(crate) fn fates(&self) -> Vec<&'static str> {
        self.decisions.iter().map(fate).collect()
    }

    pub(crate) fn only(&self) -> &Decision {
        assert_eq!(self.decisions.len(), 1, "{:#?}", self.decisions);
        &self.decisions[0]
    }
}

pub(crate) fn fate(decision: &Decision) -> &'static str {
    match decision.fate {
        Fate::Sent => "sent",
        Fate::Withheld => decision.reason.map_or("?", WithheldReason::name),
    }
}
