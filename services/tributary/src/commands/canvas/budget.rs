//! `tributary canvas budget`: one sheet for each tentpole.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::Money;

use crate::canvas::args::{BudgetArgs, SheetFormat};
use crate::canvas::sheet::{Line, MoneyResults, Sheet, sheets};
use crate::canvas::topic;
use crate::commands::now_ms;
use crate::commands::scorecard::{read_scorecards, teams_with_scorecards};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// The models whose credit the table shows; the other forms have all.
const MODELS: [&str; 2] = ["last", "linear"];

/// Shows the sheets.
///
/// # Errors
/// [`CliError`] when there is no such tentpole, or no broker answers.
pub(super) fn budget(args: &BudgetArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let (canvas, left_out) = topic::read(hub, &settings)?;
    left_out.iter().for_each(|reason| output.notice(reason));
    let at = args.at.unwrap_or_else(now_ms);
    if let Some(id) = &args.tentpole
        && canvas.tentpole(id, at).is_none()
    {
        let known: BTreeSet<&str> = canvas.tentpoles(at).map(|tentpole| tentpole.tentpole_id.as_str()).collect();
        let remedy = match known.is_empty() {
            true => "the canvas has no tentpole then: add it with `tributary canvas apply`".to_owned(),
            false => format!("name one of {}", known.into_iter().collect::<Vec<_>>().join(", ")),
        };
        return Err(CliError::Argument { argument: "tentpole", value: id.clone(), remedy });
    }
    let teams = teams_with_scorecards(&settings)?;
    let cards = read_scorecards(&settings, &*settings.contracts()?, &teams, output)?;
    let sheets = sheets(&canvas, at, args.tentpole.as_deref(), args.partner.as_deref(), &cards.totals());
    match args.format {
        Some(SheetFormat::Csv) => output.text(csv(&sheets)?.trim_end())?,
        Some(SheetFormat::Json) => output.json(&sheets)?,
        None if output.is_json() => output.json(&sheets)?,
        Some(SheetFormat::Text) | None => output.text(text(&sheets))?,
    }
    Ok(Exit::Done)
}

fn text(sheets: &[Sheet]) -> String {
    if sheets.is_empty() {
        return "the canvas has no tentpole: add it with `tributary canvas apply`".to_owned();
    }
    sheets.iter().map(of_tentpole).collect::<Vec<_>>().join("\n\n")
}

fn of_tentpole(sheet: &Sheet) -> String {
    let span = match (&sheet.starts_at, &sheet.ends_at) {
        (None, None) => String::new(),
        (from, until) => {
            let said = |name: &str, day: &Option<String>| day.as_ref().map(|day| format!(" {name} {day}"));
            format!(",{}{}", said("from", from).unwrap_or_default(), said("until before", until).unwrap_or_default())
        }
    };
    let partner = sheet.partner.as_ref().map(|partner| format!(", what {partner} may see")).unwrap_or_default();
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "by", "subject", "budget", "spent", "touches", "reach", "sales", "returns", "revenue", "margin", "last",
        "linear",
    ]);
    for line in &sheet.lines {
        table.add_row(row(line));
    }
    format!("{} ({}){span}{partner}\n{table}", sheet.name, sheet.tentpole_id)
}

fn row(line: &Line) -> Vec<String> {
    let budget = line.budget_minor.iter().map(|(currency, amount)| (currency.as_str(), *amount));
    let mut cells = vec![line.by.to_owned(), line.subject.clone(), amounts(budget)];
    let Some(results) = &line.results else {
        cells.resize(12, String::new());
        return cells;
    };
    let money = |of: &dyn Fn(&MoneyResults) -> i64| {
        amounts(results.money.iter().map(|(currency, money)| (currency.as_str(), of(money))))
    };
    let credit = |model: &str| money(&|money| money.credit_minor.get(model).copied().unwrap_or(0));
    cells.extend([
        money(&|money| money.spent_minor),
        results.touches.to_string(),
        results.reach.map_or("not additive".to_owned(), |reach| reach.to_string()),
        results.conversions.to_string(),
        results.returns.to_string(),
        money(&|money| money.revenue_minor),
        money(&|money| money.margin_minor),
    ]);
    cells.extend(MODELS.map(credit));
    cells
}

/// Amounts of several currencies stand beside each other: they are not added.
fn amounts<'a>(amounts: impl Iterator<Item = (&'a str, i64)>) -> String {
    amounts.map(|(currency, amount)| Money::new(currency, amount).display()).collect::<Vec<_>>().join(", ")
}

/// One line for each subject and currency; counts stand on the line without a currency.
fn csv(sheets: &[Sheet]) -> Result<String, CliError> {
    let failed = |error: csv::Error| CliError::system("writing CSV")(std::io::Error::other(error));
    let models: BTreeSet<&String> = sheets
        .iter()
        .flat_map(|sheet| &sheet.lines)
        .filter_map(|line| line.results.as_ref())
        .flat_map(|results| results.money.values().flat_map(|money| money.credit_minor.keys()))
        .collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let counts = ["touches", "exposures", "reach", "conversions", "returns"];
    let money = ["budget", "spent", "revenue", "margin"];
    let head = ["tentpole", "by", "subject", "currency"].into_iter().chain(counts).chain(money).map(str::to_owned);
    let credits = models.iter().map(|model| format!("credit_{model}"));
    writer.write_record(head.chain(credits)).map_err(failed)?;
    for sheet in sheets {
        for line in &sheet.lines {
            for record in records(sheet, line, &models) {
                writer.write_record(record).map_err(failed)?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn records(sheet: &Sheet, line: &Line, models: &BTreeSet<&String>) -> Vec<Vec<String>> {
    let name = |currency: &str| {
        [&sheet.tentpole_id, line.by, &line.subject, currency].iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()
    };
    let mut counts = name("");
    if let Some(results) = &line.results {
        let reach = results.reach.map(|reach| reach.to_string()).unwrap_or_default();
        let shown = [results.touches, results.exposures, results.conversions, results.returns].map(|n| n.to_string());
        let [touches, exposures, conversions, returns] = shown;
        counts.extend([touches, exposures, reach, conversions, returns]);
    }
    counts.resize(13 + models.len(), String::new());
    let money: BTreeMap<&String, &MoneyResults> = line.results.iter().flat_map(|results| &results.money).collect();
    let currencies: BTreeSet<&String> = line.budget_minor.keys().chain(money.keys().copied()).collect();
    let of_currency = |currency: &String| {
        let decimal = |amount: i64| {
            let shown = Money::new(currency.as_str(), amount).display();
            shown.split(' ').next().unwrap_or_default().to_owned()
        };
        let mut cells = name(currency);
        cells.resize(9, String::new());
        cells.push(line.budget_minor.get(currency).map(|amount| decimal(*amount)).unwrap_or_default());
        let Some(money) = money.get(currency) else {
            cells.resize(13 + models.len(), String::new());
            return cells;
        };
        cells.extend([money.spent_minor, money.revenue_minor, money.margin_minor].map(decimal));
        cells.extend(models.iter().map(|model| decimal(money.credit_minor.get(*model).copied().unwrap_or(0))));
        cells
    };
    std::iter::once(counts).chain(currencies.into_iter().map(of_currency)).collect()
}
