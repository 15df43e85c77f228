//! The steps of the stages one by one, each without what is around it: what `bench` reports and what Criterion times.
//!
//! They work on what was under way in a hub in memory that got a retailer's traffic: twenty touches of everybody and then
//! one more, which is the one that is timed.

mod samples;
mod work;

use std::time::Duration;

use anyhow::Result;

use crate::Spread;
use crate::inline::cpu_time;
use samples::Samples;

/// Calls so many times, at least, for one measurement.
const CALLS: u64 = 20_000;

/// Calls that were timed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    calls: u64,
    took: Duration,
}

impl Timed {
    /// Calls `step` with each of these and times all of them together; what comes out is dropped when time is taken.
    pub(crate) fn each<I, O>(inputs: Vec<I>, mut step: impl FnMut(I) -> O) -> Self {
        let mut out = Vec::with_capacity(inputs.len());
        let calls = inputs.len() as u64;
        let started = cpu_time();
        inputs.into_iter().for_each(|input| out.push(step(input)));
        Self { calls, took: cpu_time().saturating_sub(started) }
    }
}

/// One step, ready to be timed.
pub struct Step {
    /// Its name for Criterion.
    pub name: &'static str,
    /// What it does, for the report.
    pub what: &'static str,
    /// What P8 demands, in microseconds.
    pub limit_us: Option<f64>,
    /// Makes its inputs, and times itself on them.
    batch: Box<dyn FnMut() -> Timed>,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Step {
    fn new(name: &'static str, what: &'static str, batch: impl FnMut() -> Timed + 'static) -> Self {
        Self { name, what, limit_us: None, batch: Box::new(batch) }
    }

    fn within(self, limit_us: f64) -> Self {
        Self { limit_us: Some(limit_us), ..self }
    }

    /// The CPU's time for so many calls, inputs aside.
    pub fn times(&mut self, calls: u64) -> Duration {
        let mut all = Timed { calls: 0, took: Duration::ZERO };
        while all.calls < calls {
            let Timed { calls, took } = (self.batch)();
            all = Timed { calls: all.calls + calls.max(1), took: all.took + took };
        }
        all.took.mul_f64(calls as f64 / all.calls.max(1) as f64)
    }
}

/// All steps, in the order in which an event meets them.
///
/// # Errors
/// When a definition is broken or a stage refuses a record.
pub fn steps() -> Result<Vec<Step>> {
    let samples = Samples::collect()?;
    let mut steps = vec![
        work::mapping(&samples)?.within(5.0),
        work::vendor()?.within(5.0),
        work::owners(&samples)?.within(0.5),
        work::journey(&samples)?.within(2.0),
        work::triggers(&samples)?.within(5.0),
    ];
    steps.extend(work::codecs(&samples)?);
    Ok(steps)
}

/// Microseconds of CPU for a call of each, over rounds in which all take turns; each is called for nothing first, in every
/// round, so that it does not matter whose data the caches hold when its turn comes.
#[must_use]
pub fn measure(steps: &mut [Step], rounds: usize) -> Vec<Spread> {
    let mut figures = vec![Vec::new(); steps.len()];
    for _ in 0..rounds {
        for (step, figures) in steps.iter_mut().zip(&mut figures) {
            step.times(CALLS);
            figures.push(step.times(CALLS).as_secs_f64() * 1e6 / CALLS as f64);
        }
    }
    figures.into_iter().map(Spread::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_runs_and_takes_time() {
        for mut step in steps().unwrap() {
            let took = step.times(500);
            assert!(took > Duration::ZERO, "{} took {took:?}", step.name);
        }
    }

    #[test]
    fn calls_are_reckoned_to_those_asked_for() {
        let timed = || Timed { calls: 4, took: Duration::from_micros(8) };
        assert_eq!(Step::new("", "", timed).times(6), Duration::from_micros(12));
    }
}
