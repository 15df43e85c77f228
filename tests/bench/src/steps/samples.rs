//! What is under way in a hub: events, touchpoints and statements that belong to each other.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use tributary_model::identity::Resolved;
use tributary_model::{Domain, JourneyEvent, PersonId, RawEvent, Touchpoint, topics};
use tributary_schema::Contracts;
use tributary_stream::OutRecord;

use crate::hub::Traffic;
use crate::inline::InlineHub;

/// Persons. So few that what is known of them stays in the caches: what memory costs shows in the whole.
const PERSONS: u32 = 500;
/// Touches of each.
pub(super) const TOUCHES: usize = 21;

/// What was under way.
pub(super) struct Samples {
    /// Raw events, each with its topic.
    pub(super) raw: Vec<(String, RawEvent)>,
    /// Touchpoints.
    pub(super) touchpoints: Vec<Touchpoint>,
    /// The same at their persons, in order.
    pub(super) resolved: BTreeMap<PersonId, Vec<Resolved>>,
    /// What was stated of them, the last statement of each touch, in order.
    pub(super) journeys: BTreeMap<PersonId, Vec<JourneyEvent>>,
}

impl Samples {
    /// Of a hub in memory.
    pub(super) fn collect() -> Result<Self> {
        let contracts = Contracts::single_object()?;
        let mut hub = InlineHub::new()?.untimed();
        hub.listen();
        let mut traffic = Traffic::of_each_in_turn(PERSONS);
        for _ in 0..TOUCHES {
            let records = (0..PERSONS).map(|_| traffic.record(&contracts)).collect::<Result<Vec<_>>>()?;
            hub.take(records)?;
        }
        let mut samples =
            Self { raw: Vec::new(), touchpoints: Vec::new(), resolved: BTreeMap::new(), journeys: BTreeMap::new() };
        let (mut resolved, mut stated) = (BTreeMap::new(), BTreeMap::new());
        for OutRecord { topic, value, .. } in hub.take_heard() {
            let Some(value) = value else { continue };
            if topic == topics::TOUCHPOINTS {
                samples.touchpoints.push(contracts.decode(&value)?);
            } else if topic == topics::RESOLVED {
                // One that was forwarded comes again, at the person whose it is.
                let event: Resolved = contracts.decode(&value)?;
                resolved.insert(event.touchpoint.touchpoint_id.clone(), event);
            } else if topic == topics::JOURNEYS {
                let event: JourneyEvent = contracts.decode(&value)?;
                if !event.retracted {
                    stated.insert(event.touchpoint.touchpoint_id.clone(), event);
                }
            } else if Domain::ALL.into_iter().any(|domain| topics::raw(domain) == topic) {
                samples.raw.push((topic, contracts.decode(&value)?));
            }
        }
        for event in resolved.into_values() {
            samples.resolved.entry(event.person_id).or_default().push(event);
        }
        for event in stated.into_values() {
            samples.journeys.entry(event.person_id).or_default().push(event);
        }
        samples.resolved.values_mut().for_each(|touches| touches.sort_by_key(|touch| touch.touchpoint.occurred_at));
        samples.journeys.values_mut().for_each(|touches| touches.sort_by_key(|touch| touch.touchpoint.occurred_at));
        samples.resolved.retain(|_, touches| touches.len() == TOUCHES);
        samples.journeys.retain(|_, touches| touches.len() == TOUCHES);
        let least = PERSONS as usize / 2;
        ensure!(
            samples.resolved.len() > least && samples.journeys.len() > least,
            "only {} persons have {TOUCHES} touches",
            samples.journeys.len()
        );
        Ok(samples)
    }

    /// The last statement of everybody.
    pub(super) fn last_statements(&self) -> impl Iterator<Item = &JourneyEvent> {
        self.journeys.values().filter_map(|touches| touches.last())
    }
}
