//! Feeding the hub: in the order of event time, and never much faster than it works.

use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tributary_model::time::{DAY_MS, HOUR_MS, SECOND_MS};
use tributary_normalizer::Rulebook;

use super::report::Input;
use super::stand::Stand;
use crate::error::CliError;
use crate::gateway::loadable;
use crate::load::{Load, LoadedEvent, Tally};
use crate::pace::Pace;
use crate::simulate::{Settings, Simulation};

/// The journeys are let settle after so much event time, so that no event overtakes another by more than their watermark
/// allows: the raw topics' partitions are read in no order.
pub(super) const SLICE_MS: i64 = 6 * HOUR_MS;
/// Most records between two stages.
const MOST_LAG: i64 = 1_500;
/// The sources' way to the hub.
const TRANSIT_MS: i64 = 2 * SECOND_MS;

/// Feeds a simulation.
pub(super) fn simulation(
    stand: &Stand,
    settings: &Settings,
    simulation: &Simulation,
    rate: u64,
    visible: bool,
) -> Result<Input, CliError> {
    let bar = bar(simulation.events.len() as u64, visible);
    let mut pace = Pace::new(rate);
    let place: Arc<Path> = Path::new("simulation").into();
    let mut slice_end_at = settings.start_at + SLICE_MS;
    for (index, event) in simulation.events.iter().enumerate() {
        if event.occurred_at >= slice_end_at {
            stand.wait_for_journeys()?;
            slice_end_at = event.occurred_at - (event.occurred_at - settings.start_at) % SLICE_MS + SLICE_MS;
            let day = (event.occurred_at - settings.start_at) / DAY_MS + 1;
            bar.set_message(format!("day {day} of {}", settings.days));
            bar.set_position(index as u64);
        }
        let loaded = LoadedEvent {
            source: event.source.into(),
            domain: event.domain,
            event_id: Some(event.event_id.clone()),
            body: event.body.clone(),
            file: Arc::clone(&place),
            line: index as u64 + 1,
        };
        stand.publish(&loaded.to_record(event.occurred_at + TRANSIT_MS, &stand.contracts)?)?;
        pace.keep();
        if (index + 1).is_multiple_of(500) {
            stand.wait_for(MOST_LAG)?;
        }
    }
    stand.wait_for(0)?;
    bar.finish_and_clear();
    Ok(Input {
        what: "simulation".to_owned(),
        persons: Some(settings.persons),
        days: Some(settings.days),
        seed: Some(settings.seed),
        events: simulation.events.len() as i64,
    })
}

/// Feeds dunnhumby's Complete Journey.
pub(super) fn complete_journey(stand: &Stand, directory: &Path, rate: u64, visible: bool) -> Result<Input, CliError> {
    const NAME: &str = "complete-journey";
    let rulebook = Rulebook::load(&stand.config.normalizer)
        .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
    let load = Load::open(NAME, &[directory.to_owned()], &loadable(&rulebook))?;
    let (bytes, total_bytes) = (load.bytes(), load.total_bytes()?);
    let bar = bar(total_bytes, visible);
    let mut pace = Pace::new(rate);
    let mut reader = load.into_reader();
    let mut tally = Tally::default();
    let mut events = 0;
    while let Some(event) = reader.advance(&mut tally)? {
        events += 1;
        stand.publish(&event.to_record(crate::commands::now_ms(), &stand.contracts)?)?;
        pace.keep();
        if events % 500 == 0 {
            stand.wait_for(MOST_LAG)?;
            bar.set_position(bytes.bytes());
            bar.set_message(format!("{events} events"));
        }
    }
    stand.wait_for(0)?;
    bar.finish_and_clear();
    Ok(Input { what: NAME.to_owned(), events, ..Input::default() })
}

fn bar(length: u64, visible: bool) -> ProgressBar {
    let target = if visible { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
