//! `tributary attribution`: who is credited for the sales, by every model side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_attribution::Model;
use tributary_insight::calibration::{Calibration, calibrate, nearest};
use tributary_insight::credit_model::CreditModel;
use tributary_insight::read_paths::{By, CountedPaths, PathCredit, Question, Whose, credits};
use tributary_model::path::PathStatistics;
use tributary_model::scorecard::{ALL_TEAMS, WINDOW_TOTAL};
use tributary_model::time::{from_rfc3339, to_rfc3339};
use tributary_model::{Money, Scorecard, topics};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};

use super::lift::read_experiments;
use super::scorecard::{read_scorecards, teams_with_scorecards};
use crate::cli::{AttributionArgs, PathsOf};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

const PERSONS: &str = "persons";
const ACCOUNTS: &str = "accounts";

/// Shows credit by every model.
///
/// # Errors
/// [`CliError`] when no broker answers, nothing was counted, or an argument names what there is not.
pub(super) fn attribution(args: &AttributionArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let counted = read(&settings, &contracts, output)?;
    let month_start_at = args.month.as_deref().map(|month| month_of(month, &counted)).transpose()?;
    let currency = currency(args, &counted)?;
    let whose: &[Whose] = match args.paths {
        PathsOf::Persons => &[Whose::Persons],
        PathsOf::Accounts => &[Whose::Accounts],
        PathsOf::Both => &[Whose::Persons, Whose::Accounts],
    };
    let mut answers = Vec::new();
    for whose in whose {
        answers.extend(answer(*whose, args, &counted, month_start_at, &currency)?);
    }
    if answers.is_empty() {
        output.notice("no paths yet: run the hub, and send it messages and sales of the same persons or accounts");
        return Ok(Exit::Done);
    }
    for answer in answers.iter_mut().filter(|answer| answer.paths == PERSONS && month_start_at.is_none()) {
        // Times are not known of counted paths; the scorecards know them, of persons alone, and have no months.
        answer.time_decay_value_minor = Some(time_decay(&settings, &contracts, &args.by, &currency, output)?);
        if args.by == "team" {
            answer.calibration = calibrated(&settings, &contracts, &answer.models, &currency, output)?;
            answer.nearest_to_lift = nearest(&answer.calibration);
        }
    }
    let tables = || answers.iter().map(|answer| answer.table(args)).collect::<Vec<_>>().join("\n\n");
    match answers.as_slice() {
        [only] if args.paths != PathsOf::Both => output.either(only, tables)?,
        _ => output.either(&answers, tables)?,
    }
    Ok(Exit::Done)
}

/// What the models make of these paths; `None` when there are none.
fn answer<'a>(
    whose: Whose,
    args: &'a AttributionArgs,
    counted: &CountedPaths,
    month_start_at: Option<i64>,
    currency: &'a str,
) -> Result<Option<Answer<'a>>, CliError> {
    let by = if args.by == "team" { By::Team } else { By::Channel };
    let paths = counted.asked(&Question { whose, by, month_start_at, currency })?;
    if paths.is_empty() {
        return Ok(None);
    }
    let mut models = Vec::new();
    for model in Model::ALL {
        models.push(ModelCredit { model: model.name(), credits: credits(&paths, model)? });
    }
    let totals = paths.totals();
    Ok(Some(Answer {
        nearest_to_lift: None,
        calibration: Vec::new(),
        paths: if whose == Whose::Accounts { ACCOUNTS } else { PERSONS },
        by: &args.by,
        month: args.month.as_deref(),
        currency,
        distinct_paths: paths.len(),
        conversions: totals.conversions,
        nulls: totals.nulls,
        value_minor: totals.value_minor,
        models,
        time_decay_value_minor: None,
    }))
}

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    paths: &'static str,
    by: &'a str,
    month: Option<&'a str>,
    currency: &'a str,
    distinct_paths: usize,
    conversions: i128,
    nulls: i128,
    value_minor: i128,
    models: Vec<ModelCredit>,
    time_decay_value_minor: Option<BTreeMap<String, i64>>,
    /// By team and of all time: credit beside what experiments say was caused.
    calibration: Vec<Calibration>,
    /// The model whose credit is nearest to that.
    nearest_to_lift: Option<&'static str>,
}

/// What one model gives.
#[derive(Debug, Serialize)]
struct ModelCredit {
    model: &'static str,
    credits: Vec<PathCredit>,
}

fn read(settings: &KafkaSettings, contracts: &Contracts, output: &mut Output) -> Result<CountedPaths, CliError> {
    let mut counted = CountedPaths::default();
    let mut unreadable = 0;
    read_to_end(settings, topics::PATHS, |record| {
        match record.value.map(|value| contracts.decode::<PathStatistics>(&value)).transpose() {
            Ok(statistics) => counted.apply(record.key, statistics),
            Err(_) => unreadable += 1,
        }
    })?;
    if unreadable > 0 {
        let topic = topics::PATHS;
        output.notice(format!("{unreadable} records of {topic} are no paths: is the schema registry set?"));
    }
    Ok(counted)
}

fn month_of(month: &str, counted: &CountedPaths) -> Result<i64, CliError> {
    let known: Vec<String> = counted.months().into_iter().map(|at| to_rfc3339(at).chars().take(7).collect()).collect();
    let at = from_rfc3339(&format!("{month}-01T00:00:00Z")).filter(|at| counted.months().contains(at));
    at.ok_or_else(|| CliError::Argument {
        argument: "month",
        value: month.to_owned(),
        remedy: format!("name one of {}", known.join(", ")),
    })
}

/// The currency asked for, or the only one there is.
fn currency(args: &AttributionArgs, counted: &CountedPaths) -> Result<String, CliError> {
    let known: BTreeSet<&str> = counted.currencies();
    let asked = args.currency.as_deref().or_else(|| known.first().copied().filter(|_| known.len() <= 1)).unwrap_or("");
    if known.contains(asked) || known.is_empty() {
        return Ok(asked.to_owned());
    }
    let remedy = format!("name one of {}", known.into_iter().collect::<Vec<_>>().join(", "));
    Err(CliError::Argument { argument: "currency", value: asked.to_owned(), remedy })
}

/// Credit by time decay of all time, from the scorecards.
fn time_decay(
    settings: &KafkaSettings,
    contracts: &Contracts,
    dimension: &str,
    currency: &str,
    output: &mut Output,
) -> Result<BTreeMap<String, i64>, CliError> {
    let mut teams = teams_with_scorecards(settings)?;
    teams.retain(|team| team != ALL_TEAMS);
    let mut credit: BTreeMap<String, i64> = BTreeMap::new();
    for Scorecard { key, measures, .. } in read_scorecards(settings, contracts, &teams, output)?.iter() {
        if key.dimension == dimension && key.window == WINDOW_TOTAL && key.currency == currency {
            let amount = measures.credit_minor.get(CreditModel::TimeDecay.name()).copied().unwrap_or(0);
            *credit.entry(key.subject.clone()).or_default() += amount;
        }
    }
    credit.retain(|_, amount| *amount != 0);
    Ok(credit)
}

/// The credit of every model beside the lift of teams with experiments.
fn calibrated(
    settings: &KafkaSettings,
    contracts: &Contracts,
    models: &[ModelCredit],
    currency: &str,
    output: &mut Output,
) -> Result<Vec<Calibration>, CliError> {
    let experiments = read_experiments(settings, contracts, output)?;
    let models: Vec<(&'static str, &[PathCredit])> =
        models.iter().map(|of| (of.model, of.credits.as_slice())).collect();
    Ok(calibrate(&experiments.teams()?, &models, currency))
}

impl Answer<'_> {
    /// A row a channel or team, a column a model.
    fn table(&self, args: &AttributionArgs) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        let is_value = args.measure == "value";
        let with_decay = self.time_decay_value_minor.as_ref().filter(|_| is_value);
        let mut header = vec![self.by.to_owned()];
        header.extend(self.models.iter().map(|model| model.model.to_owned()));
        header.extend(with_decay.map(|_| CreditModel::TimeDecay.name().to_owned()));
        table.set_header(header);
        let money = |amount_minor: f64| Money::new(self.currency, amount_minor.round() as i64).display();
        let subjects = self.models.first().map_or(&[][..], |model| &model.credits);
        for (place, PathCredit { subject, .. }) in subjects.iter().enumerate() {
            let mut row = vec![subject.clone()];
            for model in &self.models {
                let credit = &model.credits[place];
                row.push(if is_value { money(credit.value_minor) } else { format!("{:.1}", credit.conversions) });
            }
            row.extend(with_decay.map(|decay| money(decay.get(subject).copied().unwrap_or(0) as f64)));
            table.add_row(row);
        }
        let paths = format!(
            "{} paths of {} sales and of {} {} without one so far, worth {}",
            self.distinct_paths,
            self.conversions,
            self.nulls,
            self.paths,
            money(self.value_minor as f64)
        );
        let beside = if is_value { self.beside_lift() } else { String::new() };
        format!("What {} heard\n{table}\n\n{paths}{beside}", self.paths)
    }

    /// What experiments say, and by what each model's credit would have to be multiplied.
    fn beside_lift(&self) -> String {
        if self.calibration.is_empty() {
            return String::new();
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        let mut header = vec!["beside lift".to_owned(), "caused".to_owned(), "95 %".to_owned()];
        header.extend(self.models.iter().map(|model| format!("{} ×", model.model)));
        table.set_header(header);
        let money = |amount_minor: f64| Money::new(self.currency, amount_minor.round() as i64).display();
        for Calibration { team_id, caused_minor, models, .. } in &self.calibration {
            let limits = format!("{} to {}", money(caused_minor.low), money(caused_minor.high));
            let mut row = vec![team_id.clone(), money(caused_minor.value), limits];
            row.extend(models.iter().map(|check| {
                let factor = check.factor.map_or_else(|| "–".to_owned(), |factor| format!("{factor:.2}"));
                if check.is_within { format!("{factor} *") } else { factor }
            }));
            table.add_row(row);
        }
        let nearest = self.nearest_to_lift.map(|model| format!("\nnearest to what experiments say: {model}"));
        format!(
            "\n\n{table}\n×: what the credit is to be multiplied by to be what was caused; *: the credit is within the limits{}",
            nearest.unwrap_or_default()
        )
    }
}
