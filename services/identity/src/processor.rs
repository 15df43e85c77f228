//! The two stages of identity on the runtime: the owners of identifiers, and the sequencer.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tributary_model::Touchpoint;
use tributary_model::identity::{IdentifierCommand, MergeRequest};
use tributary_model::ids::realm_uuid;
use tributary_model::topics;
use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore};

use crate::config::Config;
use crate::metrics::Tally;
use crate::output::Output;
use crate::owner::{OWNERS_STORES, Owners};
use crate::rules::Rules;
use crate::sequencer::{SEQUENCER_STORES, Sequencer};

/// Input that is dropped because it has no value: neither topic is compacted, so nobody writes such a record.
const DROP_TOMBSTONE: &str = "tombstone";
/// Touchpoints of somebody who has been erased since they were received.
const DROP_ERASED: &str = "erased";

/// The owners of identifiers: touchpoints in, resolved touchpoints and claims out. As many tasks as partitions.
#[must_use]
pub fn owners_stage(config: &Config, rules: Arc<Rules>) -> Stage {
    let (realm, max_edges) = (realm_uuid(&config.realm), config.max_edges);
    Stage {
        name: "identity",
        leader_topics: vec![topics::TOUCHPOINTS.to_owned()],
        sibling_topics: vec![topics::IDENTIFIERS.to_owned(), topics::IDENTITY_REQUESTS.to_owned()],
        stores: OWNERS_STORES.to_vec(),
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| {
            Box::new(OwnersProcessor {
                owners: Owners::new(realm, rules.version(), max_edges),
                outputs: Vec::new(),
                tally: Tally::default(),
            })
        }),
    }
}

/// The sequencer: merge requests in, aliases and what persons and owners have to know of them out. One task.
#[must_use]
pub fn sequencer_stage(config: &Config, rules: Arc<Rules>) -> Stage {
    let realm = realm_uuid(&config.realm);
    Stage {
        name: "identity-sequencer",
        leader_topics: vec![topics::MERGES.to_owned()],
        sibling_topics: Vec::new(),
        stores: SEQUENCER_STORES.to_vec(),
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| {
            Box::new(SequencerProcessor {
                sequencer: Sequencer::new(realm, Arc::clone(&rules)),
                outputs: Vec::new(),
                tally: Tally::default(),
            })
        }),
    }
}

struct OwnersProcessor {
    owners: Owners,
    outputs: Vec<Output>,
    tally: Tally,
}

impl Processor for OwnersProcessor {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(value) = &input.value else {
            effects.drop_input(DROP_TOMBSTONE);
            return Ok(());
        };
        match input.topic.as_str() {
            topics::TOUCHPOINTS => {
                let touchpoint: Touchpoint = effects.contracts().decode(value)?;
                if self.owners.is_of_erased(&touchpoint) {
                    effects.drop_input(DROP_ERASED);
                    return Ok(());
                }
                self.owners.on_touchpoint(touchpoint, &mut self.outputs);
            }
            topics::IDENTIFIERS | topics::IDENTITY_REQUESTS => {
                let command: IdentifierCommand = effects.contracts().decode(value)?;
                self.owners.on_command(command, &mut self.outputs);
            }
            _ => return Err(unexpected(input)),
        }
        emit(&mut self.outputs, &mut self.tally, effects)
    }

    fn before_commit(&mut self, _effects: &mut Effects) -> Result<(), Failure> {
        self.tally.publish();
        Ok(())
    }

    fn on_abort(&mut self) {
        self.outputs.clear();
        self.tally = Tally::default();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        self.owners.stores()
    }
}

struct SequencerProcessor {
    sequencer: Sequencer,
    outputs: Vec<Output>,
    tally: Tally,
}

impl Processor for SequencerProcessor {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(value) = &input.value else {
            effects.drop_input(DROP_TOMBSTONE);
            return Ok(());
        };
        if input.topic != topics::MERGES {
            return Err(unexpected(input));
        }
        let request: MergeRequest = effects.contracts().decode(value)?;
        self.sequencer.on_request(&request, &mut self.outputs);
        emit(&mut self.outputs, &mut self.tally, effects)
    }

    fn before_commit(&mut self, _effects: &mut Effects) -> Result<(), Failure> {
        self.tally.publish();
        Ok(())
    }

    fn on_abort(&mut self) {
        self.outputs.clear();
        self.tally = Tally::default();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        self.sequencer.stores()
    }
}

fn unexpected(input: &Record) -> Failure {
    Failure::Fatal(format!("{} is no input of identity: check the stage's topics", input.position()))
}

fn emit(outputs: &mut Vec<Output>, tally: &mut Tally, effects: &mut Effects) -> Result<(), Failure> {
    for output in outputs.drain(..) {
        tally.note(&output);
        let (topic, key) = (output.topic(), output.key());
        match &output {
            Output::Resolved(value) => effects.emit(topic, key, value.as_ref())?,
            Output::Identifier(value) => effects.emit(topic, key, value)?,
            Output::Merge(value) => effects.emit(topic, key, value)?,
            Output::Person(value) => effects.emit(topic, key, value)?,
            Output::Alias(value) => effects.emit(topic, key, value)?,
            Output::Unalias(_) => effects.emit_tombstone(topic, key),
            Output::Change(value) => effects.emit(topic, key, value)?,
        }
    }
    Ok(())
}
