//! Intents become commands to destinations: one for each destination of the team, keyed by destination, so that each
//! destination has one queue, whatever partition the person is on.

use std::collections::BTreeMap;
use std::sync::Arc;

use tributary_model::delivery::{DeliveryCommand, DeliveryCommandKind};
use tributary_model::{TriggerIntent, topics};
use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore};

use crate::config::Config;
use crate::destination::Destination;
use crate::error::DeliveryError;

/// The stage that hands intents to destinations.
pub const INTAKE_STAGE: &str = "delivery-intake";

/// Drop reason: a record without a value says nothing.
const TOMBSTONE: &str = "tombstone";

/// Intents of the teams that have destinations become commands on [`topics::DELIVERIES`].
///
/// # Errors
/// [`DeliveryError::Invalid`] when the configuration is wrong.
pub fn intake_stage(config: &Config) -> Result<Stage, DeliveryError> {
    let destinations = Arc::new(config.destinations()?);
    let mut teams: Vec<&String> = destinations.values().flat_map(|destination| &destination.teams).collect();
    teams.sort_unstable();
    teams.dedup();
    Ok(Stage {
        name: INTAKE_STAGE,
        leader_topics: teams.into_iter().map(|team| topics::triggers(team)).collect(),
        sibling_topics: Vec::new(),
        stores: Vec::new(),
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| Box::new(Intake { destinations: Arc::clone(&destinations) })),
    })
}

struct Intake {
    destinations: Arc<BTreeMap<String, Arc<Destination>>>,
}

impl Processor for Intake {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let Some(bytes) = &input.value else {
            effects.drop_input(TOMBSTONE);
            return Ok(());
        };
        let intent: TriggerIntent = effects.contracts().decode(bytes)?;
        effects.observe_event_time(intent.decided_at);
        for destination in self.destinations.values().filter(|one| one.teams.contains(&intent.team_id)) {
            let command = DeliveryCommand {
                intent: Some(intent.clone()),
                ..DeliveryCommand::new(&destination.name, DeliveryCommandKind::Deliver)
            };
            effects.emit(topics::DELIVERIES, command.to_key(), &command)?;
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        Vec::new()
    }
}
