//! Intents become commands to destinations: one for each destination of the team, keyed by destination, so that each
//! destination has one queue, whatever partition the person is on. A person that is erased is forgotten at every
//! destination that was told anything from here.
//!
//! The stage is led by `tributary.persons`, with the teams' topics beside it: all are keyed by person, and the stage has as
//! many tasks whatever teams have destinations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tributary_model::delivery::{DeliveryCommand, DeliveryCommandKind};
use tributary_model::identity::{PersonCommand, PersonCommandKind};
use tributary_model::{Fingerprint, PersonId, TriggerIntent, topics};
use tributary_stream::{Effects, Failure, KeyedStore, Processor, Record, Stage, StateStore};

use crate::config::Config;
use crate::destination::Destination;
use crate::error::DeliveryError;

/// The stage that hands intents to destinations.
pub const INTAKE_STAGE: &str = "delivery-intake";

/// Name of the store of destinations that were told anything.
const TOLD_STORE: &str = "told";
/// Name of the store of persons that were erased.
const ERASED_STORE: &str = "erased";
/// Version of the shape of both.
const VERSION: u8 = 1;
/// Drop reason: a record without a value says nothing.
const TOMBSTONE: &str = "tombstone";
/// Drop reason: no destination is configured for the team any more.
const NO_DESTINATION: &str = "no_destination";
/// Drop reason: the person was erased before its intent was read.
const ERASED: &str = "erased";

/// Intents of the teams that have destinations become commands on [`topics::DELIVERIES`].
///
/// # Errors
/// [`DeliveryError::Invalid`] when the configuration is wrong.
pub fn intake_stage(config: &Config) -> Result<Stage, DeliveryError> {
    let destinations = Arc::new(config.destinations()?);
    let teams: BTreeSet<&String> = destinations.values().flat_map(|destination| &destination.teams).collect();
    Ok(Stage {
        name: INTAKE_STAGE,
        leader_topics: vec![topics::PERSONS.to_owned()],
        sibling_topics: teams.into_iter().map(|team| topics::triggers(team)).collect(),
        stores: vec![TOLD_STORE, ERASED_STORE],
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| {
            Box::new(Intake {
                destinations: Arc::clone(&destinations),
                told: KeyedStore::new(TOLD_STORE, VERSION),
                erased: KeyedStore::new(ERASED_STORE, VERSION),
            })
        }),
    })
}

struct Intake {
    destinations: Arc<BTreeMap<String, Arc<Destination>>>,
    /// Destinations that were told anything, among them some that may not be configured any more.
    told: KeyedStore<String, ()>,
    /// Persons that were erased, with the number of the erasure: their topic may be read ahead of their intents.
    erased: KeyedStore<Fingerprint, i64>,
}

impl Intake {
    fn take(&mut self, intent: &TriggerIntent, effects: &mut Effects) -> Result<(), Failure> {
        let is_erased =
            intent.account_id.is_none() && self.erased.get(&Fingerprint::of_person(intent.person_id)).is_some();
        if is_erased {
            effects.drop_input(ERASED);
            return Ok(());
        }
        let mut is_for_nobody = true;
        for destination in self.destinations.values().filter(|one| one.teams.contains(&intent.team_id)) {
            is_for_nobody = false;
            let name = destination.name.to_string();
            if self.told.get(&name).is_none() {
                self.told.insert(name, ());
            }
            let command = DeliveryCommand {
                intent: Some(intent.clone()),
                ..DeliveryCommand::new(&destination.name, DeliveryCommandKind::Deliver)
            };
            effects.emit(topics::DELIVERIES, command.to_key(), &command)?;
        }
        if is_for_nobody {
            effects.drop_input(NO_DESTINATION);
        }
        Ok(())
    }

    fn erase(&mut self, person_id: PersonId, sequence: i64, effects: &mut Effects) -> Result<(), Failure> {
        self.erased.insert(Fingerprint::of_person(person_id), sequence);
        let mut told = Vec::new();
        self.told.for_each(|name, ()| told.push(name.clone()));
        told.sort_unstable();
        for name in told {
            let command = DeliveryCommand {
                person_id: Some(person_id),
                ..DeliveryCommand::new(&name, DeliveryCommandKind::Erase)
            };
            effects.emit(topics::DELIVERIES, command.to_key(), &command)?;
        }
        Ok(())
    }
}

impl Processor for Intake {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(bytes) = &input.value else {
            effects.drop_input(TOMBSTONE);
            return Ok(());
        };
        if input.topic == topics::PERSONS {
            let command: PersonCommand = effects.contracts().decode(bytes)?;
            return match command.kind {
                PersonCommandKind::Erase => self.erase(command.person_id, command.sequence, effects),
                _ => Ok(()), // Who is merged or taken apart keeps what it was sent.
            };
        }
        let intent: TriggerIntent = effects.contracts().decode(bytes)?;
        effects.observe_event_time(intent.decided_at);
        self.take(&intent, effects)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.told, &mut self.erased]
    }
}

#[cfg(test)]
mod tests;
