//! `tributary lift`: what messages caused, experiment by experiment and for each team.

use std::collections::BTreeSet;

use serde::Serialize;
use tributary_insight::estimates::Plan;
use tributary_insight::read_lift::{Experiments, Limited, MoneyReturns, PooledLift, money};
use tributary_model::experiment::{BUCKETS, ExperimentLift, LiftEstimate, LiftMetric};
use tributary_model::money::minor_exponent;
use tributary_model::topics;
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};

use crate::canvas::topic;
use crate::cli::LiftArgs;
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Shows lifts.
///
/// # Errors
/// [`CliError`] when no broker answers, or an argument names what there is not.
pub(super) fn lift(args: &LiftArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let mut experiments = read_experiments(&settings, &contracts, output)?;
    if experiments.iter().next().is_none() {
        output.notice(
            "no experiment yet: give a trigger a holdout_percent, or send touches of the type experiment.viewed",
        );
        return Ok(Exit::Done);
    }
    keep(&mut experiments, "experiment", args.experiment.as_deref(), |one| &one.key.experiment)?;
    keep(&mut experiments, "team", args.team.as_deref(), |one| &one.key.team_id)?;
    let plan = hub.insight.lift.plan();
    let answers = experiments.iter().map(|one| Answer::of(one, plan)).collect::<Result<_, _>>()?;
    let (canvas, left_out) = topic::read(hub, &settings)?;
    left_out.iter().for_each(|reason| output.notice(reason));
    let now_at = now_ms();
    let tentpole_of = |campaign: &str| canvas.campaign(campaign, now_at)?.tentpole_id.as_deref();
    let answer = Answers {
        experiments: answers,
        teams: experiments.teams()?,
        campaigns: experiments.campaigns()?,
        tentpoles: experiments.tentpoles(tentpole_of)?,
    };
    output.either(&answer, || answer.text())?;
    Ok(Exit::Done)
}

/// The experiments as they stand.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn read_experiments(
    settings: &KafkaSettings,
    contracts: &Contracts,
    output: &mut Output,
) -> Result<Experiments, CliError> {
    read_lifts(settings, contracts, topics::LIFT, output)
}

/// What a topic of lifts says now.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn read_lifts(
    settings: &KafkaSettings,
    contracts: &Contracts,
    topic: &str,
    output: &mut Output,
) -> Result<Experiments, CliError> {
    let mut experiments = Experiments::default();
    let mut unreadable = 0;
    read_to_end(settings, topic, |record| {
        match record.value.map(|value| contracts.decode::<ExperimentLift>(&value)).transpose() {
            Ok(lift) => experiments.apply(record.key, lift),
            Err(_) => unreadable += 1,
        }
    })?;
    if unreadable > 0 {
        output.notice(format!("{unreadable} records of {topic} are no lifts: is the schema registry set?"));
    }
    Ok(experiments)
}

/// Keeps the experiments whose `name` is asked for, which has to be that of some.
fn keep(
    experiments: &mut Experiments,
    argument: &'static str,
    asked: Option<&str>,
    name: impl Fn(&ExperimentLift) -> &String,
) -> Result<(), CliError> {
    let Some(asked) = asked else { return Ok(()) };
    let known: BTreeSet<String> = experiments.iter().map(|one| name(one).clone()).collect();
    if !known.contains(asked) {
        let remedy = format!("name one of {}", known.into_iter().collect::<Vec<_>>().join(", "));
        return Err(CliError::Argument { argument, value: asked.to_owned(), remedy });
    }
    experiments.retain(|one| name(one) == asked);
    Ok(())
}

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Answers<'a> {
    experiments: Vec<Answer<'a>>,
    teams: Vec<PooledLift>,
    campaigns: Vec<PooledLift>,
    tentpoles: Vec<PooledLift>,
}

/// One experiment.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    lift: &'a ExperimentLift,
    money: Vec<MoneyReturns>,
}

impl<'a> Answer<'a> {
    fn of(lift: &'a ExperimentLift, plan: Plan) -> Result<Self, CliError> {
        let money = if lift.is_trusted { money(lift, plan)? } else { Vec::new() };
        Ok(Self { lift, money })
    }
}

impl Answers<'_> {
    fn text(&self) -> String {
        let mut parts: Vec<String> = self.experiments.iter().map(Answer::text).collect();
        let several = self.teams.iter().filter(|team| team.experiments > 1);
        let several = several.chain(&self.campaigns).chain(&self.tentpoles);
        let mut table =
            table(&["of", "", "metric", "experiments", "caused in all", "95 % at one look", "for each treated"]);
        for team in several.clone() {
            let number = |number| amount(team.metric, &team.currency, number);
            table.add_row([
                team.dimension.to_owned(),
                team.subject.clone(),
                named(team.metric, &team.currency),
                team.experiments.to_string(),
                number(team.incremental.value),
                between(&number, team.incremental),
                number(team.per_treated.value),
            ]);
        }
        if several.count() > 0 {
            parts.push(table.to_string());
        }
        parts.join("\n\n")
    }
}

impl Answer<'_> {
    fn text(&self) -> String {
        let ExperimentLift { key, sums, is_trusted, ratio_p_value, estimates } = self.lift;
        let share = f64::from(key.holdout_buckets) * 100.0 / f64::from(BUCKETS);
        let mut lines = vec![format!(
            "{} of {}: {} treated, {} held out ({share} % wanted){}{}",
            key.experiment,
            key.team_id,
            sums.treated.persons,
            sums.held_out.persons,
            left_out(sums.contaminated, "contaminated"),
            left_out(sums.late, "late"),
        )];
        if key.is_clustered {
            lines.push("no lift: arms are drawn by household or account, and persons are compared".to_owned());
        } else if !is_trusted {
            lines.push(format!(
                "not to be trusted: chance makes such sizes of the arms with a probability of {ratio_p_value:.2e}; look for \
                 what takes persons out of one arm only"
            ));
        }
        let header = ["metric", "treated", "held out", "caused by it", "95 % at any time", "95 % at one look", ""];
        let mut table = table(&header);
        let mut rows = 0;
        for one in estimates.iter().filter(|one| one.is_adjusted || !has_adjusted(estimates, one)) {
            table.add_row(row(one));
            rows += 1;
        }
        lines.extend((rows > 0).then(|| table.to_string()));
        lines.extend(self.money.iter().map(in_words));
        lines.join("\n")
    }
}

/// What the money brought, in a sentence.
fn in_words(money: &MoneyReturns) -> String {
    let number = |minor| amount(LiftMetric::Margin, &money.currency, minor);
    let mut words = format!("{} spent", number(money.incremental_cost_minor as f64));
    if let Some(roas) = money.incremental_roas {
        words += &format!(", {:.2} of margin for each ({:.2} to {:.2})", roas.value, roas.low, roas.high);
    }
    if let (Some(wasted), Some(base)) = (money.wasted_minor.filter(|wasted| wasted.value > 0.0), money.base_rate) {
        words +=
            &format!("; {} on those who would have bought anyway ({:.1} %)", number(wasted.value), base.value * 100.0);
    }
    words
}

fn left_out(persons: i64, why: &str) -> String {
    if persons == 0 { String::new() } else { format!(", {persons} left out as {why}") }
}

fn has_adjusted(estimates: &[LiftEstimate], one: &LiftEstimate) -> bool {
    estimates.iter().any(|other| other.is_adjusted && (other.metric, &other.currency) == (one.metric, &one.currency))
}

pub(super) fn table(header: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header.iter().copied());
    table
}

fn row(one: &LiftEstimate) -> [String; 7] {
    let number = |number| amount(one.metric, &one.currency, number);
    let limits = |low, high| between(&number, Limited { value: one.effect, low, high });
    let anytime = one.anytime_low.zip(one.anytime_high);
    [
        named(one.metric, &one.currency),
        number(one.treated_mean),
        number(one.held_out_mean),
        number(one.effect),
        anytime.map_or_else(|| "too early to say".to_owned(), |(low, high)| limits(low, high)),
        limits(one.fixed_low, one.fixed_high),
        if one.is_adjusted { "adjusted".to_owned() } else { String::new() },
    ]
}

pub(super) fn named(metric: LiftMetric, currency: &str) -> String {
    if currency.is_empty() { metric.name().to_owned() } else { format!("{} {currency}", metric.name()) }
}

pub(super) fn between(number: &impl Fn(f64) -> String, limits: Limited) -> String {
    format!("{} to {}", number(limits.low), number(limits.high))
}

/// Shares of persons as they are counted, money in major units with two more decimals than it has: it is a mean.
pub(super) fn amount(metric: LiftMetric, currency: &str, number: f64) -> String {
    match metric {
        LiftMetric::Visit | LiftMetric::Conversion => format!("{number:.4}"),
        LiftMetric::Revenue | LiftMetric::Margin | LiftMetric::Cost => {
            let exponent = minor_exponent(currency);
            format!("{:.*}", exponent as usize + 2, number / 10_f64.powi(exponent as i32))
        }
    }
}
