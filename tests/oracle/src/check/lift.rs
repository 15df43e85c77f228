//! `enrolments`: everybody who was sent a message of an experiment, or would have been, takes part in it; `experiment-changes` and
//! `lift`: every sum over what they did, each the sum of the changes that were written for it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::experiment::{
    ArmSums, ExperimentKey, ExperimentLift, ExperimentSums, LiftDelta, LiftMetric, MetricSums,
};
use tributary_model::{Decision, Enrolment, EnrolmentStatus, PersonId};

use crate::check::read::{Read, Reader, position, text};
use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::truth::World;
use crate::truth::lift::{Part, parts, sums};

const ENROLMENTS: &str = "tributary.enrolments";
const CHANGES: &str = "tributary.experiment-changes";
const LIFT: &str = "tributary.lift";

type Summed = BTreeMap<ExperimentKey, ExperimentSums>;

pub(super) fn check(
    world: &World,
    ids: &[PersonId],
    decided: &[Decision],
    outputs: &Outputs,
    reader: &Reader<'_>,
    report: &mut Report,
) {
    let enrolled = check_enrolments(world, ids, decided, reader, report);
    let latest = latest(outputs, reader, report);
    compare(LIFT, &sums(&world.people, &enrolled), &latest, report);
    // The internal topics may have been left out, all of them or none.
    if outputs.records(CHANGES).chain(outputs.records("tributary.measures")).next().is_some() {
        compare(CHANGES, &latest, &added_up(reader, report), report);
    }
}

/// The last word on each person and experiment has to follow from the decisions; gives these parts with their experiments.
fn check_enrolments(
    world: &World,
    ids: &[PersonId],
    decided: &[Decision],
    reader: &Reader<'_>,
    report: &mut Report,
) -> BTreeMap<(usize, ExperimentKey), Part> {
    let mut last: BTreeMap<(PersonId, String), Enrolment> = BTreeMap::new();
    for Read { key, value: enrolment } in reader.all::<Enrolment>(ENROLMENTS, report) {
        if key != enrolment.person_id.to_string() {
            report.add(ENROLMENTS, &key, "the person as key", enrolment.person_id);
        }
        let name = (enrolment.person_id, enrolment.key.experiment.clone());
        if last.get(&name) == Some(&enrolment) {
            report.add(ENROLMENTS, &key, "what has changed", format!("{enrolment:?} again"));
        }
        last.insert(name, enrolment);
    }
    last.retain(|_, enrolment| enrolment.status != EnrolmentStatus::Withdrawn);
    let mut enrolled = BTreeMap::new();
    for ((person, experiment), part) in parts(&world.people, decided) {
        let name = format!("{} in {experiment}", ids[person]);
        let Some(enrolment) = last.remove(&(ids[person], experiment)) else {
            report.add(ENROLMENTS, name, format!("{part:?}"), "nobody");
            continue;
        };
        let Enrolment { key, arm, status, enrolled_at, .. } = enrolment;
        let found = Part { arm, status, enrolled_at, team_id: key.team_id.clone() };
        if found != part || !(1..=9_999).contains(&key.holdout_buckets) || key.is_clustered {
            report.add(ENROLMENTS, name, format!("{part:?}"), format!("{found:?} {key:?}"));
        }
        enrolled.insert((person, key), part);
    }
    for (name, enrolment) in last {
        report.add(ENROLMENTS, format!("{} in {}", name.0, name.1), "nobody", format!("{enrolment:?}"));
    }
    enrolled
}

fn compare(topic: &str, expected: &Summed, found: &Summed, report: &mut Report) {
    let nothing = ExperimentSums::default();
    let keys: BTreeSet<&ExperimentKey> = expected.keys().chain(found.keys()).collect();
    for key in keys {
        let of = |summed: &Summed| summed.get(key).cloned().unwrap_or_else(|| nothing.clone());
        report.fields(topic, record_key(key), &of(expected), &of(found));
    }
}

fn record_key(key: &ExperimentKey) -> String {
    let ExperimentKey { experiment, team_id, holdout_buckets, is_clustered, .. } = key;
    let [experiment, team_id] = [experiment, team_id].map(|name| serde_json::Value::String(name.clone()));
    format!("[{experiment},{team_id},{holdout_buckets},{is_clustered}]")
}

/// The newest sums of each experiment; a tombstone says that nobody takes part any more.
fn latest(outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) -> Summed {
    let mut latest: BTreeMap<String, (ExperimentKey, ExperimentSums)> = BTreeMap::new();
    for record in outputs.records(LIFT) {
        let name = text(&record.key);
        if record.value.is_none() {
            latest.remove(&name);
            continue;
        }
        let Some(lift) = reader.one::<ExperimentLift>(record, report) else { continue };
        if name != record_key(&lift.key) {
            report.add(LIFT, &name, "the experiment as key", format!("{:?}", lift.key));
        }
        if latest.get(&name).is_some_and(|(_, before)| *before == lift.sums) {
            report.add(LIFT, &name, "sums that have changed", position(record));
        }
        check_effects(&name, &lift, report);
        latest.insert(name, (lift.key, lift.sums));
    }
    latest.into_values().collect()
}

/// Effects are the differences of the arms' means, and their limits lie around them.
fn check_effects(name: &str, lift: &ExperimentLift, report: &mut Report) {
    for one in &lift.estimates {
        let mean = |arm: &ArmSums| {
            let is_meant = |sums: &&MetricSums| (sums.metric, &sums.currency) == (one.metric, &one.currency);
            let sum = arm.metrics.iter().find(is_meant).map_or(0, |sums| sums.outcomes);
            sum as f64 / arm.persons as f64
        };
        let (treated, held_out) = (mean(&lift.sums.treated), mean(&lift.sums.held_out));
        let is_near =
            |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * (1.0 + treated.abs() + held_out.abs());
        let is_plain_right = one.is_adjusted
            || (is_near(one.treated_mean, treated)
                && is_near(one.held_out_mean, held_out)
                && is_near(one.effect, treated - held_out));
        let is_around = one.fixed_low <= one.effect && one.effect <= one.fixed_high;
        if !is_plain_right || !is_around {
            let expected = format!("{} with {treated} and {held_out}", LiftMetric::name(one.metric));
            report.add(LIFT, name, expected, format!("{one:?}"));
        }
    }
}

/// What the changes add up to.
fn added_up(reader: &Reader<'_>, report: &mut Report) -> Summed {
    let mut all = Summed::new();
    for Read { key: name, value: LiftDelta { key, delta } } in reader.all::<LiftDelta>(CHANGES, report) {
        if name != record_key(&key) {
            report.add(CHANGES, &name, "the experiment as key", format!("{key:?}"));
        }
        let sums = all.entry(key).or_default();
        add(&mut sums.treated, delta.treated);
        add(&mut sums.held_out, delta.held_out);
        sums.contaminated += delta.contaminated;
        sums.late += delta.late;
    }
    all.retain(|_, sums| *sums != ExperimentSums::default());
    all
}

fn add(arm: &mut ArmSums, delta: ArmSums) {
    arm.persons += delta.persons;
    for one in delta.metrics {
        match arm.metrics.iter_mut().find(|known| (known.metric, &known.currency) == (one.metric, &one.currency)) {
            Some(known) => {
                known.nonzero += one.nonzero;
                known.outcomes += one.outcomes;
                known.outcome_squares += one.outcome_squares;
                known.covariates += one.covariates;
                known.covariate_squares += one.covariate_squares;
                known.products += one.products;
            }
            None => arm.metrics.push(one),
        }
    }
    arm.metrics.retain(|one| one.outcome_squares + one.covariate_squares != 0);
    arm.metrics.sort_by_key(|one| (one.metric, one.currency.clone()));
}
