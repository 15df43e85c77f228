//! What decoding and encoding take of a stage's time: what it read and wrote is decoded and encoded once more, by itself.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use tributary_model::identity::Resolved;
use tributary_model::scorecard::{MeasureDelta, Scorecard};
use tributary_model::{Decision, Domain, JourneyEvent, RawEvent, Touchpoint, TriggerIntent, topics};
use tributary_schema::{AvroRecord, Contracts};

/// Records that are timed together.
const PIECE: usize = 32;

/// Tells the time.
pub(crate) type Clock = fn() -> Duration;

/// What is asked of the records of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// To be decoded.
    Decode,
    /// To be encoded.
    Encode,
}

/// Microseconds that the same takes once more for records of these topics; what hardly anybody writes is left out.
pub(crate) fn again(
    what: Again,
    contracts: &Contracts,
    clock: Clock,
    mut records: Vec<(&str, Option<&[u8]>)>,
) -> Result<f64> {
    records.sort_by_key(|(topic, _)| *topic);
    let mut took = Duration::ZERO;
    for run in records.chunk_by(|(left, _), (right, _)| left == right) {
        let Some((topic, _)) = run.first() else { continue };
        let values: Vec<&[u8]> = run.iter().filter_map(|(_, value)| *value).collect();
        if let Some(time) = of(topic) {
            took += time(what, contracts, clock, topic, &values)?;
        }
    }
    Ok(took.as_secs_f64() * 1e6)
}

/// Times the records of one topic.
type Time = fn(Again, &Contracts, Clock, &str, &[&[u8]]) -> Result<Duration>;

fn of(topic: &str) -> Option<Time> {
    Some(match topic {
        topics::TOUCHPOINTS => time::<Touchpoint>,
        topics::RESOLVED => time::<Resolved>,
        topics::JOURNEYS => time::<JourneyEvent>,
        topics::DECISIONS => time::<Decision>,
        topics::MEASURES => time::<MeasureDelta>,
        other if Domain::ALL.into_iter().any(|domain| topics::raw(domain) == other) => time::<RawEvent>,
        other if other.starts_with(&topics::triggers("")) => time::<TriggerIntent>,
        other if other.starts_with(&topics::metrics("")) => time::<Scorecard>,
        _ => return None,
    })
}

fn time<T: AvroRecord>(
    what: Again,
    contracts: &Contracts,
    clock: Clock,
    topic: &str,
    values: &[&[u8]],
) -> Result<Duration> {
    let mut took = Duration::ZERO;
    // In small pieces, as a stage has them: what was just decoded is still in the caches.
    for piece in values.chunks(PIECE) {
        if what == Again::Decode {
            let started = clock();
            for value in piece {
                drop(black_box(contracts.decode::<T>(value)?));
            }
            took += clock().saturating_sub(started);
            continue;
        }
        let mut decoded: Vec<T> = Vec::with_capacity(piece.len());
        for value in piece {
            decoded.push(contracts.decode(value)?);
        }
        let started = clock();
        for value in &decoded {
            drop(black_box(contracts.encode(topic, value)?));
        }
        took += clock().saturating_sub(started);
    }
    Ok(took)
}
