//! How many records a second there are on each topic and before each stage, from raw events and new links.

use std::collections::BTreeMap;

use crate::costs::{Costs, Stage, Write};
use crate::problem::{Problem, Problems};

/// Rounds after which a loop between stages that still grows is one that never settles.
const ROUNDS: usize = 500;

/// Records a second.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    /// On each topic.
    pub topics: BTreeMap<String, f64>,
    /// Read by each stage, in the order of the costs.
    pub stages: Vec<f64>,
    /// Written by each stage: one rate for each of its writes.
    pub writes: Vec<Vec<f64>>,
}

/// What comes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// Raw events a second.
    pub events_per_s: f64,
    /// New links a second.
    pub links_per_s: f64,
}

/// Follows what comes in through all stages. `most` says for a write of a stage that combines changes how many records a second
/// it writes at most.
///
/// # Errors
/// [`Problems`] when stages that write to each other make ever more of it.
pub(crate) fn follow(costs: &Costs, input: Input, most: &dyn Fn(usize, &Write) -> f64) -> Result<Flow, Problems> {
    let mut flow = Flow::default();
    for _ in 0..ROUNDS {
        let next = round(costs, input, most, &flow);
        let is_settled = next.topics.iter().all(|(topic, rate)| {
            let before = flow.topics.get(topic).copied().unwrap_or(0.0);
            (rate - before).abs() <= 1e-9 * rate.abs()
        });
        if is_settled && flow.topics.len() == next.topics.len() && flow.stages == next.stages {
            return Ok(next);
        }
        flow = next;
    }
    let busiest = flow.topics.iter().max_by(|left, right| left.1.total_cmp(right.1));
    let (topic, rate) = busiest.map_or(("", 0.0), |(topic, rate)| (topic.as_str(), *rate));
    let why = "stages that write to each other make more records of each than they read";
    Err(Problems(vec![Problem::new(topic, rate, why, "look at the `records` of the stages that write it")]))
}

fn round(costs: &Costs, input: Input, most: &dyn Fn(usize, &Write) -> f64, before: &Flow) -> Flow {
    let rate = |topic: &String| before.topics.get(topic).copied().unwrap_or(0.0);
    let read_by =
        |stage: &Stage| if stage.reads.is_empty() { input.events_per_s } else { stage.reads.iter().map(rate).sum() };
    let mut next = Flow::default();
    for (index, stage) in costs.stages.iter().enumerate() {
        let read = read_by(stage);
        let mut written = Vec::new();
        for write in &stage.writes {
            let driver = match write.per.as_str() {
                "record" => read,
                "link" => input.links_per_s,
                _ => rate(&write.per),
            };
            let records = (driver * write.records.value).min(most(index, write));
            *next.topics.entry(write.topic.clone()).or_insert(0.0) += records;
            written.push(records);
        }
        next.stages.push(read);
        next.writes.push(written);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{costs, stage, write};

    #[test]
    fn loops_between_stages_come_to_their_sum() {
        // Half of what the middle reads goes round once more: 100 + 50 + 25 + … = 200.
        let mut middle = stage("middle", &["raw", "again"], 1.0);
        middle.writes = vec![write("again", "record", 0.5), write("out", "raw", 2.0), write("linked", "link", 3.0)];
        let costs = costs(vec![middle, stage("end", &["out", "linked"], 1.0)]);
        let input = Input { events_per_s: 100.0, links_per_s: 7.0 };
        let flow = follow(&costs, input, &|_, _| f64::INFINITY).unwrap();
        assert!((flow.topics["again"] - 100.0).abs() < 1e-5, "{flow:?}");
        assert!((flow.stages[1] - 200.0).abs() < 1e-5);
        assert!((flow.stages[2] - (200.0 + 21.0)).abs() < 1e-5);
        let capped =
            follow(&costs, input, &|_, write| if write.topic == "out" { 30.0 } else { f64::INFINITY }).unwrap();
        assert!((capped.stages[2] - (30.0 + 21.0)).abs() < 1e-5);
    }

    #[test]
    fn a_loop_that_grows_is_named() {
        let mut middle = stage("middle", &["raw", "again"], 1.0);
        middle.writes = vec![write("again", "record", 1.5)];
        let input = Input { events_per_s: 100.0, links_per_s: 0.0 };
        let told = follow(&costs(vec![middle]), input, &|_, _| f64::INFINITY).unwrap_err().to_string();
        assert!(told.starts_with("again = ") && told.contains("look at the `records`"), "{told}");
    }
}
