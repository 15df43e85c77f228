//! `tributary scorecard`: what the metrics topics say.

mod products;

use serde::Serialize;
use tributary_insight::read::Scorecards;
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_CREATIVE, DIMENSION_PRODUCT, WINDOW_TOTAL};
use tributary_model::time::to_rfc3339;
use tributary_model::{Money, Scorecard, topics};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, list_topics, read_to_end};

use crate::cli::ScorecardArgs;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Shows scorecards.
///
/// # Errors
/// [`CliError`] when no broker answers, or a team has no scorecards.
pub(super) fn scorecard(args: &ScorecardArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let existing = teams_with_scorecards(&settings)?;
    let is_wanted = |team: &&String| args.team.as_ref().is_none_or(|wanted| wanted == *team);
    let wanted: Vec<String> = existing.iter().filter(is_wanted).cloned().collect();
    if let (Some(team), true) = (&args.team, wanted.is_empty()) {
        let remedy = if existing.is_empty() {
            "no team has scorecards yet: run `tributary topics apply` and the hub".to_owned()
        } else {
            format!("name one of {}", existing.join(", "))
        };
        return Err(CliError::Argument { argument: "team", value: team.clone(), remedy });
    }
    if [DIMENSION_PRODUCT, DIMENSION_CREATIVE].contains(&args.dimension.as_str()) {
        return products::products(args, &settings, &contracts, output);
    }
    let cards = read_scorecards(&settings, &contracts, &wanted, output)?;
    let chosen: Vec<&Scorecard> = cards
        .iter()
        .filter(|card| card.key.dimension == args.dimension && card.key.window == args.window)
        .filter(|card| args.team.is_some() || card.key.team_id != ALL_TEAMS || args.dimension == "team")
        .collect();
    output.either(&Answer { scorecards: &chosen }, || table(&chosen))?;
    Ok(Exit::Done)
}

/// The teams that have a topic of scorecards, [`ALL_TEAMS`] among them.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn teams_with_scorecards(settings: &KafkaSettings) -> Result<Vec<String>, CliError> {
    let prefix = topics::metrics("");
    let names = list_topics(settings)?.into_iter();
    Ok(names.filter_map(|(name, _)| name.strip_prefix(&prefix).map(str::to_owned)).collect())
}

/// The latest scorecards of some teams.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn read_scorecards(
    settings: &KafkaSettings,
    contracts: &Contracts,
    teams: &[String],
    output: &mut Output,
) -> Result<Scorecards, CliError> {
    let names: Vec<String> = teams.iter().map(|team| topics::metrics(team)).collect();
    read_topics(settings, contracts, &names, output)
}

/// The latest scorecards of some topics.
fn read_topics(
    settings: &KafkaSettings,
    contracts: &Contracts,
    names: &[String],
    output: &mut Output,
) -> Result<Scorecards, CliError> {
    let mut cards = Scorecards::default();
    let mut unreadable = 0;
    for name in names {
        read_to_end(settings, name, |record| match record.value {
            None => cards.remove(&record.key),
            Some(value) => match contracts.decode::<Scorecard>(&value) {
                Ok(card) => cards.apply(card),
                Err(_) => unreadable += 1,
            },
        })?;
    }
    if unreadable > 0 {
        output.notice(format!("{unreadable} records are no scorecards: is the schema registry set?"));
    }
    Ok(cards)
}

#[derive(Serialize)]
struct Answer<'a> {
    scorecards: &'a [&'a Scorecard],
}

fn table(cards: &[&Scorecard]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "team", "subject", "from", "touches", "reach", "cost", "sales", "returns", "revenue", "margin", "first",
        "last", "linear", "sent", "withheld",
    ]);
    for card in cards {
        let measures = &card.measures;
        let money = |amount_minor: i64| match card.key.currency.as_str() {
            "" => String::new(),
            currency => Money::new(currency, amount_minor).display(),
        };
        let credit = |model: &str| money(measures.credit_minor.get(model).copied().unwrap_or(0));
        let from = match card.key.window.as_str() {
            WINDOW_TOTAL => "ever".to_owned(),
            _ => to_rfc3339(card.key.window_start_at).chars().take(10).collect(),
        };
        table.add_row([
            card.key.team_id.clone(),
            card.key.subject.clone(),
            from,
            measures.touches.to_string(),
            measures.reach.to_string(),
            money(measures.cost_minor),
            measures.conversions.to_string(),
            measures.returns.to_string(),
            money(measures.revenue_minor),
            money(measures.margin_minor),
            credit("first"),
            credit("last"),
            credit("linear"),
            measures.decisions_sent.to_string(),
            measures.decisions_withheld.values().sum::<i64>().to_string(),
        ]);
    }
    if cards.is_empty() { "no scorecards yet".to_owned() } else { table.to_string() }
}
