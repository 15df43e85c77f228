//! Whether the hub made of the traffic what has to come of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use rustc_hash::FxHashMap;
use tributary_model::decision::Fate;
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_TEAM, WINDOW_TOTAL};
use tributary_model::{Decision, JourneyEvent, PersonId, Scorecard, TriggerIntent, topics};
use tributary_schema::AvroRecord;
use tributary_stream::{KafkaSettings, list_topics, read_to_end};

use super::Truth;

/// Reads all outputs, committed records only.
///
/// Each event stands on exactly one journey, there are as many persons as there have to be, each form has its trigger, each
/// intent its decision and the other way round, nothing is a dead letter, and the scorecard of all teams has every touch,
/// sale, buyer and cent.
///
/// # Errors
/// The first difference, or that the broker does not answer.
pub fn judge(settings: &KafkaSettings, truth: &Truth) -> Result<()> {
    let mut letters = 0;
    read_to_end(settings, topics::DEAD_LETTERS, |_| letters += 1)?;
    ensure!(letters == 0, "{letters} dead letters");
    journeys(settings, truth)?;
    decisions(settings, truth)?;
    scorecard(settings, truth)
}

fn each<T: AvroRecord>(settings: &KafkaSettings, topic: &str, mut take: impl FnMut(T)) -> Result<()> {
    let contracts = settings.contracts()?;
    let mut fault = None;
    read_to_end(settings, topic, |record| match record.value.as_deref().map(|value| contracts.decode::<T>(value)) {
        Some(Ok(value)) => take(value),
        None => {}
        Some(Err(error)) => fault = Some(format!("{}: {error}", record.position())),
    })?;
    ensure!(fault.is_none(), "{}", fault.unwrap_or_default());
    Ok(())
}

fn journeys(settings: &KafkaSettings, truth: &Truth) -> Result<()> {
    // How often each touch stands at each person: a statement that is taken back leaves nothing.
    let mut stand: FxHashMap<String, BTreeMap<PersonId, i64>> = FxHashMap::default();
    each(settings, topics::JOURNEYS, |event: JourneyEvent| {
        let times = stand.entry(event.touchpoint.touchpoint_id).or_default().entry(event.person_id).or_default();
        *times = i64::from(!event.retracted);
    })?;
    ensure!(stand.len() as u64 == truth.events, "{} events are on journeys, not {}", stand.len(), truth.events);
    let mut persons = std::collections::BTreeSet::new();
    for (id, at) in &stand {
        let standing: Vec<_> = at.iter().filter(|(_, times)| **times > 0).map(|(person, _)| *person).collect();
        ensure!(standing.len() == 1, "{id} stands at {} persons", standing.len());
        persons.extend(standing);
    }
    ensure!(
        persons.len() == truth.persons.len(),
        "{} persons have journeys, not {}",
        persons.len(),
        truth.persons.len()
    );
    Ok(())
}

fn decisions(settings: &KafkaSettings, truth: &Truth) -> Result<()> {
    let mut sent: BTreeMap<String, i64> = BTreeMap::new();
    each(settings, topics::DECISIONS, |decision: Decision| {
        if decision.fate == Fate::Sent {
            *sent.entry(decision.decision_id).or_default() += 1;
        }
    })?;
    let mut fired = 0;
    let prefix = topics::triggers("");
    for (topic, _) in list_topics(settings)?.into_iter().filter(|(topic, _)| topic.starts_with(&prefix)) {
        each(settings, &topic, |intent: TriggerIntent| {
            *sent.entry(intent.decision_id).or_default() -= 1;
            fired += usize::from(intent.payload.contains("events-ecommerce:t"));
        })?;
    }
    let odd = sent.values().filter(|balance| **balance != 0).count();
    ensure!(odd == 0, "{odd} decisions have no intent, or one too many");
    ensure!(fired == truth.forms.len(), "{fired} forms fired, not {}", truth.forms.len());
    Ok(())
}

fn scorecard(settings: &KafkaSettings, truth: &Truth) -> Result<()> {
    let mut touches = 0;
    let mut total = None;
    each(settings, &topics::metrics(ALL_TEAMS), |card: Scorecard| {
        if card.key.dimension == DIMENSION_TEAM && card.key.window == WINDOW_TOTAL {
            match card.key.currency.as_str() {
                "" => touches = card.measures.touches,
                _ => total = Some(card.measures),
            }
        }
    })?;
    let total = total.context("there is no scorecard of all teams in USD")?;
    let found = (touches as u64, total.conversions, total.revenue_minor, total.buyers);
    let wanted = (truth.events, truth.orders, truth.cents, truth.buyers.len() as i64);
    ensure!(found == wanted, "touches, sales, cents and buyers are {found:?}, not {wanted:?}");
    Ok(())
}
