//! Scorecards, lifts and credits as rows with a header: CSV for spreadsheets.

use std::collections::BTreeMap;

use tributary_model::Scorecard;
use tributary_model::experiment::ExperimentLift;
use tributary_model::time::to_rfc3339;

use crate::credit_model::CreditModel;

/// Rows as CSV by RFC 4180. A text that a spreadsheet would take for a formula is written with an apostrophe before it.
pub(super) fn csv(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell)))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn harmless(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    if !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

/// The columns of [`card`].
pub(super) const CARD: &[&str] = &[
    "team",
    "dimension",
    "subject",
    "window",
    "window_start",
    "currency",
    "revision",
    "updated_at",
    "touches",
    "exposures",
    "persons",
    "reach",
    "buyers",
    "conversions",
    "returns",
    "lines",
    "pieces",
    "cost_minor",
    "revenue_minor",
    "margin_minor",
    "discounts_minor",
    "credit_first_minor",
    "credit_last_minor",
    "credit_last_non_direct_minor",
    "credit_linear_minor",
    "credit_position_based_minor",
    "credit_time_decay_minor",
    "decisions_sent",
    "decisions_withheld",
    "outcomes",
    "loops",
    "loop_ms",
    "suppressions",
    "leaks",
    "handover",
    "planned_exposures",
    "approved_exposures",
    "second_stories",
    "several_stories",
    "conflicts",
    "events",
    "ratings",
    "rating_centi",
];

/// A scorecard as a row.
pub(super) fn card(card: &Scorecard) -> Vec<String> {
    let Scorecard { key, revision, measures, updated_at } = card;
    let number = |number: i64| number.to_string();
    let start = if key.window == "total" { String::new() } else { to_rfc3339(key.window_start_at) };
    let texts = [&key.team_id, &key.dimension, &key.subject, &key.window, &start, &key.currency];
    let mut row: Vec<String> = texts.into_iter().cloned().collect();
    row.extend([number(*revision), to_rfc3339(*updated_at)]);
    let m = measures;
    row.extend(
        [m.touches, m.exposures, m.persons, m.reach, m.buyers, m.conversions, m.returns, m.lines, m.pieces].map(number),
    );
    row.extend([m.cost_minor, m.revenue_minor, m.margin_minor].map(number));
    row.push(map(&m.discounts_minor));
    row.extend(CreditModel::ALL.map(|model| number(m.credit_minor.get(model.name()).copied().unwrap_or(0))));
    row.push(number(m.decisions_sent));
    row.extend([map(&m.decisions_withheld), map(&m.outcomes)]);
    row.extend([m.loops, m.loop_ms, m.suppressions, m.leaks].map(number));
    row.push(map(&m.handover));
    row.extend([m.planned_exposures, m.approved_exposures, m.second_stories, m.several_stories].map(number));
    row.extend([map(&m.conflicts), map(&m.events)]);
    row.extend([m.ratings, m.rating_centi].map(number));
    row
}

/// The columns of [`estimates`].
pub(super) const ESTIMATE: &[&str] = &[
    "experiment",
    "team",
    "holdout_buckets",
    "trusted",
    "persons_treated",
    "persons_held_out",
    "metric",
    "currency",
    "adjusted",
    "treated_mean",
    "held_out_mean",
    "effect",
    "standard_error",
    "fixed_low",
    "fixed_high",
    "anytime_low",
    "anytime_high",
];

/// What an experiment says of each metric, as rows.
pub(super) fn estimates(lift: &ExperimentLift) -> impl Iterator<Item = Vec<String>> {
    lift.estimates.iter().map(|one| {
        let limit = |limit: Option<f64>| limit.map_or_else(String::new, |limit| limit.to_string());
        vec![
            lift.key.experiment.clone(),
            lift.key.team_id.clone(),
            lift.key.holdout_buckets.to_string(),
            lift.is_trusted.to_string(),
            lift.sums.treated.persons.to_string(),
            lift.sums.held_out.persons.to_string(),
            one.metric.name().to_owned(),
            one.currency.clone(),
            one.is_adjusted.to_string(),
            one.treated_mean.to_string(),
            one.held_out_mean.to_string(),
            one.effect.to_string(),
            one.standard_error.to_string(),
            one.fixed_low.to_string(),
            one.fixed_high.to_string(),
            limit(one.anytime_low),
            limit(one.anytime_high),
        ]
    })
}

fn map(named: &BTreeMap<String, i64>) -> String {
    named.iter().map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use tributary_model::scorecard::{Measures, ScorecardKey};

    use super::*;

    #[test]
    fn a_row_has_a_cell_for_each_column_and_no_formula() {
        let key = ScorecardKey {
            team_id: "email".to_owned(),
            dimension: "campaign".to_owned(),
            subject: "=HYPERLINK(\"x\")".to_owned(),
            window: "day".to_owned(),
            window_start_at: 0,
            currency: "USD".to_owned(),
        };
        let credit_minor = BTreeMap::from([("linear".to_owned(), -7)]);
        let measures = Measures { touches: 3, credit_minor, ..Measures::default() };
        let row = card(&Scorecard { key, revision: 2, measures, updated_at: 5 });
        assert_eq!(row.len(), CARD.len());
        let text = csv(CARD, [row].into_iter()).unwrap();
        assert!(text.contains("\"'=HYPERLINK(\"\"x\"\")\",day,1970-01-01T00:00:00"), "{text}");
        assert!(text.contains(",-7,"), "a number below zero is no formula: {text}");
    }
}
