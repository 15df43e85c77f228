//! The normaliser as the runtime sees it: raw records in, touchpoints, dead letters and counted drops out.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tributary_model::identity::IdentifierCommand;
use tributary_model::time::HOUR_MS;
use tributary_model::{Domain, Pseudonymizer, Touchpoint, topics};
use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore};

use crate::config::Config;
use crate::dedup::{self, DedupWindow, Verdict};
use crate::engine::{Engine, Normalised, Outcome};
use crate::error::{NormalizerError, Refusal};
use crate::metrics::Meters;
use crate::raw::{self, Unread};
use crate::rulebook::Rulebook;

/// Name of the stage.
pub const STAGE: &str = "normalizer";
/// The drop reason of natural duplicates.
const DUPLICATE: &str = "duplicate";
/// How many hexadecimal digits of the fingerprint a conflicting duplicate's id carries.
const SHORT_FINGERPRINT_DIGITS: usize = 8;

/// The normaliser's stage: the raw topics of all domains in, touchpoints out.
///
/// # Errors
/// [`NormalizerError::Data`] with everything that is wrong in configuration, rule files and sources.
pub fn stage(config: &Config, pseudonymizer: Pseudonymizer) -> Result<Stage, NormalizerError> {
    Ok(stage_with(config, Rulebook::load(config)?, pseudonymizer))
}

/// As [`stage`], with a rulebook that is loaded already.
#[must_use]
pub fn stage_with(config: &Config, rulebook: Rulebook, pseudonymizer: Pseudonymizer) -> Stage {
    let engine = Arc::new(Engine::new(rulebook, pseudonymizer));
    let (window_ms, max_entries) = (config.dedup_window_ms(), config.dedup_max_entries);
    Stage {
        name: STAGE,
        leader_topics: Domain::ALL.into_iter().map(topics::raw).collect(),
        sibling_topics: Vec::new(),
        stores: vec![dedup::STORE],
        allowed_lateness_ms: HOUR_MS,
        factory: Arc::new(move |_| {
            Box::new(Normalizer {
                engine: Arc::clone(&engine),
                window: DedupWindow::new(window_ms, max_entries),
                meters: Meters::default(),
            })
        }),
    }
}

/// One task.
struct Normalizer {
    engine: Arc<Engine>,
    window: DedupWindow,
    meters: Meters,
}

impl Processor for Normalizer {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        match self.normalise(input, effects) {
            Ok(result) => result,
            Err(refusal) => {
                Meters::dead_letter(refusal.code);
                effects.dead_letter(input, STAGE, refusal.code, &refusal.message);
                Ok(())
            }
        }
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.window]
    }
}

impl Normalizer {
    fn normalise(&mut self, input: &Record, effects: &mut Effects) -> Result<Result<(), Failure>, Refusal> {
        let event = match raw::read(input, effects.contracts()) {
            Ok(event) => event,
            Err(Unread::Refused(refusal)) => return Err(refusal),
            Err(Unread::Failed(failure)) => return Ok(Err(failure)),
        };
        match self.engine.touchpoints(&event)? {
            Outcome::Dropped(reason) => {
                effects.drop_input(reason);
                Ok(Ok(()))
            }
            Outcome::Touchpoints(touchpoints) => Ok(self.write(touchpoints, effects)),
        }
    }

    /// Writes what is new; an event of which nothing is new is a duplicate.
    fn write(&mut self, touchpoints: Vec<Normalised>, effects: &mut Effects) -> Result<(), Failure> {
        let Some(source) = touchpoints.first().map(|first| first.touchpoint.source.clone()) else { return Ok(()) };
        let (total, mut written) = (touchpoints.len(), 0);
        for Normalised { mut touchpoint, fingerprint, names } in touchpoints {
            effects.observe_event_time(touchpoint.occurred_at);
            if self.admit(&mut touchpoint, fingerprint) {
                let key = match touchpoint.identifiers.first() {
                    Some(identifier) => identifier.to_key(),
                    None => touchpoint.touchpoint_id.clone().into_bytes(),
                };
                effects.emit(topics::TOUCHPOINTS, key, &touchpoint)?;
                for (identifier, names) in names {
                    let command = IdentifierCommand::rekey(identifier, names, &touchpoint);
                    effects.emit(topics::IDENTIFIERS, command.identifier.to_key(), &command)?;
                }
                self.count(&touchpoint);
                written += 1;
            }
        }
        if written == 0 {
            effects.drop_input(DUPLICATE);
        } else if written < total {
            self.meters.source(&source).partial.increment(1);
        }
        Ok(())
    }

    /// True when the touchpoint is to be written; a conflicting duplicate gets an id of its own.
    fn admit(&mut self, touchpoint: &mut Touchpoint, fingerprint: u64) -> bool {
        let mut key = dedup::key_of(&touchpoint.touchpoint_id);
        let mut verdict = self.window.look(key, fingerprint);
        if verdict == Verdict::Conflict {
            let hex = format!("{fingerprint:016x}");
            let own_id = format!("{}~{}", touchpoint.touchpoint_id, &hex[..SHORT_FINGERPRINT_DIGITS]);
            key = dedup::key_of(&own_id);
            verdict = self.window.look(key, fingerprint);
            touchpoint.duplicate_of = Some(std::mem::replace(&mut touchpoint.touchpoint_id, own_id));
        }
        if verdict == Verdict::Duplicate {
            return false;
        }
        let Touchpoint { occurred_at, received_at, .. } = *touchpoint;
        self.window.remember(key, fingerprint, occurred_at, received_at);
        let evicted_early = self.window.take_evicted_early();
        if evicted_early > 0 {
            Meters::evicted_early(evicted_early);
        }
        true
    }

    fn count(&mut self, touchpoint: &Touchpoint) {
        let meter = self.meters.source(&touchpoint.source);
        meter.touchpoints.increment(1);
        meter.refused.increment(touchpoint.refused_identifiers.len() as u64);
        meter.conflicts.increment(u64::from(touchpoint.duplicate_of.is_some()));
    }
}
