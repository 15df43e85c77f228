//! The two stages as the runtime sees them: bytes in, bytes out, everything else in [`crate::ledger`],
//! [`crate::scorecards`], [`crate::path_counts`] and [`crate::lift_book`].

use std::sync::Arc;

use tributary_model::experiment::LiftDelta;
use tributary_model::path::{PathDelta, PathStatistics};
use tributary_model::scorecard::{DIMENSION_CREATIVE, DIMENSION_PRODUCT, MeasureDelta, ScorecardKey};
use tributary_model::{Decision, DecisionOutcome, Enrolment, JourneyEvent, PersonId, topics};
use tributary_schema::{AvroRecord, SchemaError};
use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore};

use crate::config::Config;
use crate::error::InsightError;
use crate::ledger::Ledger;
use crate::lift_book::{EXPERIMENTS_STORE, LiftBook};
use crate::lift_gauges::LiftGauges;
use crate::metrics::{METRICS, StatementCounters, Statements};
use crate::path_counts::{PATHS_STORE, PathBook};
use crate::paths::PASSED_STORE;
use crate::reach::{HORIZON_STORE, SEEN_STORE};
use crate::scorecard_gauges::ScorecardGauges;
use crate::scorecards::{CARDS_STORE, Scorecards};
use crate::trials::{DEEDS_STORE, TRIALS_STORE};

/// The stage that turns journeys, decisions and enrolments into changes of scorecards, paths and experiments.
pub const CREDIT_STAGE: &str = "insight";
/// The stage that folds the changes into scorecards, counted paths and experiments.
pub const SCORECARD_STAGE: &str = "scorecards";

/// Drop reason: the record has a key and no value, so it says nothing.
const TOMBSTONE: &str = "tombstone";
/// Both stages set no timers, so how far the watermark stays behind changes nothing.
const ALLOWED_LATENESS_MS: i64 = 0;

/// Journeys, decisions and enrolments, all keyed by person, become changes of scorecards on [`topics::MEASURES`], of counted
/// paths on [`topics::PATH_CHANGES`] and of experiments on [`topics::EXPERIMENT_CHANGES`].
#[must_use]
pub fn credit_stage(config: &Config) -> Stage {
    let config = config.clone();
    tributary_service::metrics::describe(METRICS);
    Stage {
        name: CREDIT_STAGE,
        leader_topics: vec![topics::JOURNEYS.to_owned()],
        sibling_topics: [topics::DECISIONS, topics::ENROLMENTS, topics::OUTCOMES].map(str::to_owned).to_vec(),
        stores: vec![SEEN_STORE, HORIZON_STORE, PASSED_STORE, DEEDS_STORE, TRIALS_STORE],
        allowed_lateness_ms: ALLOWED_LATENESS_MS,
        factory: Arc::new(move |_| {
            Box::new(CreditProcessor {
                ledger: Ledger::new(&config),
                counters: StatementCounters::new(),
                counted: Statements::default(),
            })
        }),
    }
}

/// Changes of scorecards become scorecards on the topic of the team that reads them, those of paths the counts of
/// [`topics::PATHS`], and those of experiments the lifts of [`topics::LIFT`].
#[must_use]
pub fn scorecard_stage(config: &Config) -> Stage {
    let config = config.clone();
    tributary_service::metrics::describe(METRICS);
    Stage {
        name: SCORECARD_STAGE,
        leader_topics: vec![topics::MEASURES.to_owned()],
        sibling_topics: vec![topics::PATH_CHANGES.to_owned(), topics::EXPERIMENT_CHANGES.to_owned()],
        stores: vec![CARDS_STORE, PATHS_STORE, EXPERIMENTS_STORE],
        allowed_lateness_ms: ALLOWED_LATENESS_MS,
        factory: Arc::new(move |_| {
            Box::new(ScorecardProcessor {
                scorecards: Scorecards::new(&config),
                paths: PathBook::new(),
                lift: LiftBook::new(config.lift.plan()),
                gauges: ScorecardGauges::new(&config.export),
                lift_gauges: LiftGauges::new(config.export.max_experiments),
                shown: false,
            })
        }),
    }
}

struct CreditProcessor {
    ledger: Ledger,
    counters: StatementCounters,
    counted: Statements,
}

impl CreditProcessor {
    fn count(&mut self, input: &Record, bytes: &[u8], effects: &mut Effects) -> Result<(), Refused> {
        if input.topic == topics::DECISIONS {
            let decision: Decision = decode(effects, bytes)?;
            effects.observe_event_time(decision.decided_at);
            self.ledger.decision(&decision)?;
            self.counted.decisions += 1;
        } else if input.topic == topics::OUTCOMES {
            let outcome: DecisionOutcome = decode(effects, bytes)?;
            effects.observe_event_time(outcome.occurred_at);
            self.ledger.outcome(&outcome)?;
            self.counted.outcomes += 1;
        } else if input.topic == topics::ENROLMENTS {
            let enrolment: Enrolment = decode(effects, bytes)?;
            self.ledger.enrolment(&enrolment);
            self.counted.enrolments += 1;
        } else {
            let event: JourneyEvent = decode(effects, bytes)?;
            effects.observe_event_time(event.touchpoint.occurred_at);
            self.ledger.journey_event(&event)?;
            self.counted.asserted += u64::from(!event.retracted);
            self.counted.retracted += u64::from(event.retracted);
        }
        Ok(())
    }
}

impl Processor for CreditProcessor {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(bytes) = &input.value else {
            // Nothing under the key of a person: the person was erased.
            match std::str::from_utf8(&input.key).ok().and_then(|key| key.parse::<PersonId>().ok()) {
                Some(person_id) if input.topic == topics::JOURNEYS => self.ledger.forget_person(person_id),
                Some(person_id) if input.topic == topics::ENROLMENTS => self.ledger.withdraw(person_id),
                Some(_) => {} // Of decisions and outcomes nothing is kept by person.
                None => effects.drop_input(TOMBSTONE),
            }
            return Ok(());
        };
        let outcome = self.count(input, bytes, effects);
        settle(outcome, input, CREDIT_STAGE, effects)
    }

    fn before_commit(&mut self, effects: &mut Effects) -> Result<(), Failure> {
        for delta in self.ledger.drain() {
            effects.emit(topics::MEASURES, delta.key.to_key(), &delta)?;
        }
        for delta in self.ledger.drain_paths() {
            effects.emit(topics::PATH_CHANGES, delta.key.to_key(), &delta)?;
        }
        for delta in self.ledger.drain_lift() {
            effects.emit(topics::EXPERIMENT_CHANGES, delta.key.to_key(), &delta)?;
        }
        self.counters.add(std::mem::take(&mut self.counted));
        Ok(())
    }

    fn on_abort(&mut self) {
        self.ledger.forget();
        self.counted = Statements::default();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        self.ledger.stores()
    }
}

struct ScorecardProcessor {
    scorecards: Scorecards,
    paths: PathBook,
    lift: LiftBook,
    gauges: ScorecardGauges,
    lift_gauges: LiftGauges,
    /// Whether what was restored has been shown on the gauges.
    shown: bool,
}

impl Processor for ScorecardProcessor {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(bytes) = &input.value else {
            effects.drop_input(TOMBSTONE);
            return Ok(());
        };
        let outcome = if input.topic == topics::PATH_CHANGES {
            decode::<PathDelta>(effects, bytes).map(|change| self.paths.apply(change))
        } else if input.topic == topics::EXPERIMENT_CHANGES {
            decode::<LiftDelta>(effects, bytes).map(|change| self.lift.apply(change))
        } else {
            decode::<MeasureDelta>(effects, bytes).map(|change| {
                effects.observe_event_time(change.occurred_at);
                self.scorecards.apply(change);
            })
        };
        settle(outcome, input, SCORECARD_STAGE, effects)
    }

    fn before_commit(&mut self, effects: &mut Effects) -> Result<(), Failure> {
        if !self.shown {
            self.scorecards.for_each(|key, measures| self.gauges.set(key, measures));
            self.lift.for_each(|lift| {
                if !lift.key.is_observed {
                    self.lift_gauges.set(lift);
                }
            });
            self.shown = true;
        }
        for scorecard in self.scorecards.drain() {
            let topic = topic_of(&scorecard.key);
            effects.emit(&topic, scorecard.key.to_key(), &scorecard)?;
            self.gauges.set(&scorecard.key, &scorecard.measures);
        }
        for (key, counts) in self.paths.drain() {
            match counts {
                None => effects.emit_tombstone(topics::PATHS, key.to_key()),
                Some(counts) => effects.emit(topics::PATHS, key.to_key(), &PathStatistics { key, counts })?,
            }
        }
        for (key, lift) in self.lift.drain() {
            let topic = if key.is_observed { topics::BRAND_DEMAND } else { topics::LIFT };
            match lift {
                None => effects.emit_tombstone(topic, key.to_key()),
                Some(ref lift) => effects.emit(topic, key.to_key(), lift)?,
            }
            match lift.filter(|lift| !lift.key.is_observed) {
                None => self.lift_gauges.gone(&key),
                Some(lift) => self.lift_gauges.set(&lift),
            }
        }
        Ok(())
    }

    fn on_abort(&mut self) {
        self.scorecards.forget();
        self.paths.forget();
        self.lift.forget();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let [cards] = self.scorecards.stores();
        vec![cards, self.paths.store(), self.lift.store()]
    }
}

/// Where a scorecard is read: by its team, or by those who make products and creatives.
fn topic_of(key: &ScorecardKey) -> String {
    match key.dimension.as_str() {
        DIMENSION_PRODUCT | DIMENSION_CREATIVE => topics::PRODUCTS.to_owned(),
        _ => topics::metrics(&key.team_id),
    }
}

/// Why an input was not counted.
enum Refused {
    Undecodable(SchemaError),
    Uncountable(InsightError),
}

impl From<InsightError> for Refused {
    fn from(error: InsightError) -> Self {
        Self::Uncountable(error)
    }
}

fn decode<T: AvroRecord>(effects: &Effects, bytes: &[u8]) -> Result<T, Refused> {
    effects.contracts().decode(bytes).map_err(Refused::Undecodable)
}

/// Gives a refused input to the dead-letter topic, unless it is the registry or the build that is at fault. Nothing has
/// been changed by it, so that the transaction can go on.
fn settle(
    outcome: Result<(), Refused>,
    input: &Record,
    stage: &'static str,
    effects: &mut Effects,
) -> Result<(), Failure> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Refused::Uncountable(error)) => {
            effects.dead_letter(input, stage, error.code(), &error.to_string());
            Ok(())
        }
        Err(Refused::Undecodable(error)) => match Failure::from(error) {
            Failure::Poison { code, message } => {
                effects.dead_letter(input, stage, code, &message);
                Ok(())
            }
            failure @ (Failure::Retry(_) | Failure::Fatal(_)) => Err(failure),
        },
    }
}
