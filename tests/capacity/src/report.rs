//! Simulations as Markdown and pictures.

use crate::costs::Costs;
use crate::format::{count, seconds, table};
use crate::plan::{Plan, RealmPlan};
use crate::problem::Problems;
use crate::sim::{Case, FAULT_AT_S, Model, Outcome, PATH, Slice, run};
use crate::svg::{Line, Plot};

/// Shares of what a slice can do at which latency is looked at.
const LOADS: [f64; 11] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95];
/// Seconds of each, the first of which is not counted.
const SECONDS: f64 = 8.0;
const WARM_UP_S: f64 = 1.0;
/// Workers of the busiest stage, and partitions of each worker, where latency over load is looked at.
const STEADY: (usize, usize) = (2, 3);
/// The same, where workers come, go and die.
const STRUCK: (usize, usize) = (4, 3);

/// A trigger that comes within this time is not held up.
const QUICK_MS: f64 = 1_000.0;

/// Text and picture of one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Markdown.
    pub text: String,
    /// Pictures.
    pub plots: Vec<Plot>,
}

/// Latency over load.
///
/// # Errors
/// [`Problems`] when a stage of the path has no costs.
pub fn steady(costs: &Costs, realm: &RealmPlan) -> Result<Report, Problems> {
    let slice = Slice::of(costs, realm, STEADY.0, STEADY.1)?;
    let outcomes = run_all(LOADS.iter().map(|load| slice.at(*load, SECONDS)).collect());
    let (mut rows, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for (load, outcome) in LOADS.iter().zip(&outcomes) {
        let of = |percent: f64| outcome.percentile(percent, WARM_UP_S, SECONDS);
        p50.push((load * 100.0, of(50.0)));
        p99.push((load * 100.0, of(99.0)));
        let busy = slice.workers().into_iter().zip(&outcome.busy_s);
        let busy: Vec<String> =
            busy.map(|((_, workers, _), s)| format!("{:.0} %", 100.0 * s / SECONDS / workers as f64)).collect();
        let commits: u64 = outcome.commits.iter().sum();
        let mut row = vec![format!("{:.0} %", load * 100.0), count(load * slice.most_per_s), busy.join(", ")];
        row.push(count(commits as f64 / SECONDS));
        row.extend([50.0, 90.0, 99.0, 100.0].map(|percent| seconds(of(percent) / 1e3)));
        rows.push(row);
    }
    let head = ["load", "events/s", "busy with records", "commits/s", "p50", "p90", "p99", "most"];
    let text = format!("{}\n{}", described(&slice), table(&head, &rows));
    let line = |name: &str, points| Line { name: name.to_owned(), points };
    let plot = Plot {
        title: "From a raw event to its trigger, over load".to_owned(),
        x: "load, % of what the slice can do".to_owned(),
        y: "ms".to_owned(),
        lines: vec![line("p50", p50), line("p99", p99)],
    };
    Ok(Report { text, plots: vec![plot] })
}

/// Latency of several hubs, each with the load that it is planned for and with the one that workers may have.
///
/// # Errors
/// [`Problems`] when a stage of the path has no costs.
pub fn hubs(costs: &Costs, plans: &[Plan]) -> Result<String, Problems> {
    let (mut models, mut rows) = (Vec::new(), Vec::new());
    for plan in plans {
        let slice = Slice::of(costs, &plan.realm, STEADY.0, STEADY.1)?;
        let on_path = plan.realm.stages.iter().filter(|stage| PATH.contains(&stage.name.as_str()));
        let planned = on_path.map(|stage| stage.records_per_s / stage.workers / stage.worker_per_s).fold(0.0, f64::max);
        for load in [planned, plan.scenario.utilisation] {
            let rate = load * slice.most_per_s;
            rows.push(vec![
                count(plan.scenario.events_per_s),
                count(plan.scenario.persons),
                count(plan.realm.partitions),
                format!("{:.0} %", load * 100.0),
                format!("{:.2} %", 100.0 * rate / plan.scenario.events_per_s.max(rate)),
            ]);
            models.push(slice.at(load, SECONDS));
        }
    }
    for (row, outcome) in rows.iter_mut().zip(run_all(models)) {
        row.extend([50.0, 99.0].map(|percent| seconds(outcome.percentile(percent, WARM_UP_S, SECONDS) / 1e3)));
    }
    Ok(table(&["events/s", "persons", "partitions", "load", "simulated, of all", "p50", "p99"], &rows))
}

fn described(slice: &Slice) -> String {
    let part = |(name, workers, partitions): (String, usize, usize)| {
        let some = if workers == 1 { "worker" } else { "workers" };
        format!("`{name}` {workers} {some} with {partitions} partitions")
    };
    let parts: Vec<String> = slice.workers().into_iter().map(part).collect();
    format!(
        "The slice: {}. It can do {} events/s; `{}` can do no more.\n",
        parts.join(", "),
        count(slice.most_per_s),
        slice.busiest
    )
}

/// Workers that come, go and die, at this load.
///
/// # Errors
/// [`Problems`] when a stage of the path has no costs.
pub fn faults(costs: &Costs, realm: &RealmPlan, load: f64) -> Result<Report, Problems> {
    let slice = Slice::of(costs, realm, STRUCK.0, STRUCK.1)?;
    let cases = slice.faults(load);
    let outcomes = run_all(cases.iter().map(|case| case.model.clone()).collect());
    let rows: Vec<Vec<String>> = cases.iter().zip(&outcomes).map(|(case, outcome)| row(case, outcome)).collect();
    let head = [
        "what happens",
        "a partition is restored in",
        "within a second again after",
        "p50 until then",
        "p99",
        "most",
        "within a second even so",
        "waiting at most",
    ];
    let usual = outcomes.first().map_or(0.0, |outcome| outcome.percentile(99.0, 5.0, FAULT_AT_S - 5.0));
    let text = format!(
        "{}\nThe load is {:.0} %, {} events/s; p99 is {} as long as nothing happens.\n\n{}",
        described(&slice),
        load * 100.0,
        count(load * slice.most_per_s),
        seconds(usual / 1e3),
        table(&head, &rows)
    );
    Ok(Report { text, plots: pictures(&cases, &outcomes) })
}

fn row(case: &Case, outcome: &Outcome) -> Vec<String> {
    let model = &case.model;
    let again = outcome.below_again(FAULT_AT_S, model.seconds, QUICK_MS);
    let until = again.unwrap_or(model.seconds).max(FAULT_AT_S + 5.0);
    let of = |percent: f64| seconds(outcome.percentile(percent, FAULT_AT_S, until) / 1e3);
    let came = || outcome.samples.iter().filter(|sample| (FAULT_AT_S..until).contains(&sample.at_s));
    let quick = came().filter(|sample| sample.ms <= QUICK_MS).count() as f64 / came().count().max(1) as f64;
    vec![
        case.name.clone(),
        model.faults.first().map_or_else(String::new, |fault| seconds(fault.restore_s)),
        again.map_or_else(
            || format!("not within {}", seconds(model.seconds - FAULT_AT_S)),
            |at| seconds(at - FAULT_AT_S),
        ),
        of(50.0),
        of(99.0),
        of(100.0),
        format!("{:.0} %", quick * 100.0),
        count(outcome.most_lag()),
    ]
}

/// Latency and lag over time, of those cases that differ most.
fn pictures(cases: &[Case], outcomes: &[Outcome]) -> Vec<Plot> {
    const SHOWN: [usize; 4] = [0, 2, 4, 8];
    let shown = || SHOWN.iter().filter_map(|index| Some((cases.get(*index)?, outcomes.get(*index)?)));
    let longest = shown().map(|(case, outcome)| end_of(case, outcome)).fold(0.0, f64::max);
    let latency = shown().map(|(case, outcome)| {
        let points = outcome.over_time(99.0, 2.0, case.model.seconds.min(longest));
        Line { name: case.name.clone(), points: points.into_iter().map(|(at, ms)| (at, ms / 1e3)).collect() }
    });
    let lag = shown().map(|(case, outcome)| {
        let points = outcome.lag.iter().step_by(4).filter(|point| point.at_s <= longest);
        let points = points.map(|point| (point.at_s, point.records.iter().sum())).collect();
        Line { name: case.name.clone(), points }
    });
    let plot = |title: &str, y: &str, lines: Vec<Line>| Plot {
        title: title.to_owned(),
        x: format!("seconds; it happens after {FAULT_AT_S:.0}"),
        y: y.to_owned(),
        lines,
    };
    vec![
        plot("From a raw event to its trigger, p99 by the time at which it came", "seconds", latency.collect()),
        plot("Records that wait", "records", lag.collect()),
    ]
}

fn end_of(case: &Case, outcome: &Outcome) -> f64 {
    outcome.below_again(FAULT_AT_S, case.model.seconds, QUICK_MS).unwrap_or(case.model.seconds) + 20.0
}

/// Simulates all models, side by side; the outcomes stand in their order.
fn run_all(models: Vec<Model>) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = models.iter().map(|model| scope.spawn(|| run(model))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    })
}
