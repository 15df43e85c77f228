//! Records that no service can handle, put on the topics between the stages by nobody in particular: the step that meets
//! one panics, or says that it is poison. Each has to end as one dead letter, and nothing else may come of it.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tributary_stream::{OutRecord, Stage};

use crate::workload::{Arrival, Workload};

/// What the keys of these records begin with.
const PREFIX: &[u8] = b"pill-";
const PANIC: &[u8] = b"pill-panic-";

/// True for the key of such a record.
#[must_use]
pub fn is_pill(key: &[u8]) -> bool {
    key.starts_with(PREFIX)
}

/// True when the step that meets it panics.
pub(crate) fn is_panic(key: &[u8]) -> bool {
    key.starts_with(PANIC)
}

/// Strews some among the raw records that arrive.
pub fn strew(workload: &mut Workload, stages: &[Stage], seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x9111);
    if rng.random_bool(0.5) {
        return;
    }
    let inputs: Vec<&String> =
        stages.iter().flat_map(|stage| stage.leader_topics.iter().chain(&stage.sibling_topics)).collect();
    for number in 0..rng.random_range(1..5) {
        let topic = inputs[rng.random_range(0..inputs.len())].clone();
        let kind = if rng.random_bool(0.5) { "panic" } else { "poison" };
        let key = format!("pill-{kind}-{number}").into_bytes();
        let record = OutRecord { topic, key, value: Some(b"?".to_vec()), headers: Vec::new() };
        let place = rng.random_range(0..=workload.arrivals.len());
        workload.arrivals.insert(place, Arrival { record, timestamp_ms: None });
        workload.pills += 1;
    }
}
