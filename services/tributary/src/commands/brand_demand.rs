//! `tributary brand-demand`: the campaigns between brand and demand, and what one does for the other.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_insight::read::{Row, RowKey};
use tributary_insight::read_brand::{BrandResponse, responses};
use tributary_model::canvas::Campaign;
use tributary_model::scorecard::DIMENSION_CAMPAIGN;
use tributary_model::{Money, topics};

use super::lift::{amount, between, named, read_lifts, table};
use super::scorecard::{read_scorecards, teams_with_scorecards};
use crate::canvas::topic;
use crate::commands::now_ms;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Campaigns up to this share of demand are of the brand end of the barbell, those from the other on of the demand end.
const ENDS: [i32; 2] = [33, 67];

/// Shows it.
///
/// # Errors
/// [`CliError`] when no broker answers.
pub(super) fn brand_demand(hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let (canvas, left_out) = topic::read(hub, &settings)?;
    left_out.iter().for_each(|reason| output.notice(reason));
    let teams = teams_with_scorecards(&settings)?;
    let cards = read_scorecards(&settings, &contracts, &teams, output)?;
    let totals = cards.totals();
    let mut campaigns: Vec<OneCampaign> = canvas.campaigns(now_ms()).map(|one| OneCampaign::of(one, &totals)).collect();
    campaigns.sort_by(|a, b| (a.demand_percent, &a.campaign_id).cmp(&(b.demand_percent, &b.campaign_id)));
    let whole = cards.whole().counts;
    let responses = responses(&read_lifts(&settings, &contracts, topics::BRAND_DEMAND, output)?)?;
    if responses.is_empty() && !hub.insight.lift.brand_demand {
        output.notice("responses to demand messages are not compared: set insight.lift.brand_demand to true");
    }
    let answer = Answer {
        conversions: whole.conversions,
        brand_conversions: whole.brand_conversions,
        barbell: barbell(&campaigns),
        campaigns,
        responses,
    };
    output.either(&answer, || answer.text())?;
    Ok(Exit::Done)
}

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Answer {
    /// Sales.
    conversions: i64,
    /// Of these, to persons whom a brand message had reached in the window before.
    brand_conversions: i64,
    /// What was spent at each end and between, by currency.
    barbell: BTreeMap<String, Barbell>,
    /// The campaigns from pure brand to pure demand.
    campaigns: Vec<OneCampaign>,
    /// What demand messages do with and without brand messages before them.
    responses: Vec<BrandResponse>,
}

/// What was spent, in minor units.
#[derive(Debug, Default, Serialize)]
struct Barbell {
    brand_minor: i64,
    between_minor: i64,
    demand_minor: i64,
}

#[derive(Debug, Serialize)]
struct OneCampaign {
    campaign_id: String,
    team_id: String,
    tentpole_id: Option<String>,
    demand_percent: i32,
    funnel_role: String,
    exposures: i64,
    reach: i64,
    cost_minor: BTreeMap<String, i64>,
    /// Credit by first and by last exposure: what begins journeys, and what ends them.
    first_minor: BTreeMap<String, i64>,
    last_minor: BTreeMap<String, i64>,
}

impl OneCampaign {
    fn of(campaign: &Campaign, totals: &BTreeMap<RowKey, Row>) -> Self {
        let key = RowKey {
            team_id: campaign.team_id.clone(),
            dimension: DIMENSION_CAMPAIGN.to_owned(),
            subject: campaign.campaign_id.clone(),
        };
        let row = totals.get(&key).cloned().unwrap_or_default();
        let credit = |model: &str| {
            let of =
                row.money.iter().map(|(currency, money)| (currency.clone(), money.credit_minor.get(model).copied()));
            of.filter_map(|(currency, amount)| Some((currency, amount?))).collect()
        };
        let costs = row.money.iter().map(|(currency, money)| (currency.clone(), money.cost_minor));
        Self {
            campaign_id: campaign.campaign_id.clone(),
            team_id: campaign.team_id.clone(),
            tentpole_id: campaign.tentpole_id.clone(),
            demand_percent: campaign.demand_percent,
            funnel_role: campaign.funnel_role.clone(),
            exposures: row.counts.exposures,
            reach: row.counts.reach,
            cost_minor: costs.filter(|(_, amount)| *amount != 0).collect(),
            first_minor: credit("first"),
            last_minor: credit("last"),
        }
    }
}

fn barbell(campaigns: &[OneCampaign]) -> BTreeMap<String, Barbell> {
    let mut by_currency: BTreeMap<String, Barbell> = BTreeMap::new();
    for campaign in campaigns {
        for (currency, amount_minor) in &campaign.cost_minor {
            let spent = by_currency.entry(currency.clone()).or_default();
            let [brand, demand] = ENDS;
            match campaign.demand_percent {
                percent if percent <= brand => spent.brand_minor += amount_minor,
                percent if percent >= demand => spent.demand_minor += amount_minor,
                _ => spent.between_minor += amount_minor,
            }
        }
    }
    by_currency
}

impl Answer {
    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    fn text(&self) -> String {
        let share = |part: i64, whole: i64| 100.0 * part as f64 / (whole.max(1)) as f64;
        let mut parts = vec![format!(
            "{} of {} sales ({:.1} %) were to persons whom a brand message had reached before",
            self.brand_conversions,
            self.conversions,
            share(self.brand_conversions, self.conversions)
        )];
        for (currency, spent) in &self.barbell {
            let whole = spent.brand_minor + spent.between_minor + spent.demand_minor;
            let shown = |amount: i64| {
                format!("{} ({:.0} %)", Money::new(currency.as_str(), amount).display(), share(amount, whole))
            };
            parts.push(format!(
                "spent on brand {}, between {}, on demand {}",
                shown(spent.brand_minor),
                shown(spent.between_minor),
                shown(spent.demand_minor)
            ));
        }
        let mut campaigns =
            table(&["demand %", "campaign", "team", "tentpole", "role", "messages", "reach", "cost", "first", "last"]);
        for one in &self.campaigns {
            campaigns.add_row([
                one.demand_percent.to_string(),
                one.campaign_id.clone(),
                one.team_id.clone(),
                one.tentpole_id.clone().unwrap_or_default(),
                one.funnel_role.clone(),
                one.exposures.to_string(),
                one.reach.to_string(),
                amounts(&one.cost_minor),
                amounts(&one.first_minor),
                amounts(&one.last_minor),
            ]);
        }
        parts.push(campaigns.to_string());
        if !self.responses.is_empty() {
            parts.push(self.responses_text());
        }
        parts.join("\n\n")
    }

    fn responses_text(&self) -> String {
        let header =
            ["campaign", "metric", "with brand", "without", "as they came", "within strata", "95 % at one look"];
        let mut responses = table(&header);
        for one in &self.responses {
            let number = |number| amount(one.metric, &one.currency, number);
            let matched = one.matched_difference;
            responses.add_row([
                one.campaign_id.clone(),
                named(one.metric, &one.currency),
                one.with_brand.to_string(),
                one.without_brand.to_string(),
                number(one.unmatched_difference),
                matched.map_or_else(|| "too few".to_owned(), |matched| number(matched.value)),
                matched.map_or_else(String::new, |matched| between(&number, matched)),
            ]);
        }
        format!(
            "{responses}\nwho had met a brand message before less who had not, for each person. Nobody drew who meets one, so \
             that this is no proof: hold some out from the brand messages to know"
        )
    }
}

fn amounts(by_currency: &BTreeMap<String, i64>) -> String {
    by_currency
        .iter()
        .map(|(currency, amount)| Money::new(currency.as_str(), *amount).display())
        .collect::<Vec<_>>()
        .join(", ")
}
